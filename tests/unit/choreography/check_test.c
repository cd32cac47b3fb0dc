/* Every folder under tests/data/choreography is a case: manifests/, flows/ and the findings expected, a line each. */
#include "support.h"

static void check_case(void *context, const char *name)
{
    (void)context;
    char path[900], file[1000];
    snprintf(path, sizeof path, "%s/choreography/%s", POLKA_TEST_DATA, name);
    snprintf(file, sizeof file, "%s/expected", path);
    char *expected = file_text(file);
    stage s = { 0 };
    stage_folder(&s, path);
    const char *got = stage_check(&s);
    cr_expect_str_eq(got, expected, "%s\nexpected:\n%sgot:\n%s%s", name, expected, got, s.findings.count > 0 ? s.findings.items[0].message : "");
    stage_close(&s);
    free(expected);
}

Test(check, every_case_has_the_findings_that_it_expects)
{
    cr_assert_geq(each_entry(POLKA_TEST_DATA "/choreography", check_case, NULL), 50u);
}

static bool seen[POLKAI_CODE_COUNT];

static void note_codes(void *context, const char *name)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/choreography/%s/expected", (const char *)context, name);
    char *expected = file_text(path), word[80];
    for (size_t i = 0; i < POLKAI_CODE_COUNT; i++) {
        snprintf(word, sizeof word, "%s %s ", polkai_codes[i].warning ? "warning" : "error", polkai_codes[i].name);
        seen[i] = seen[i] || strstr(expected, word) != NULL;
    }
    free(expected);
}

Test(check, every_code_has_a_planted_case)
{
    each_entry(POLKA_TEST_DATA "/choreography", note_codes, POLKA_TEST_DATA);
    for (size_t i = 0; i < POLKAI_CODE_COUNT; i++)
        cr_expect(seen[i], "%s", polkai_codes[i].name);
}

static const char *message_of(stage *s, const char *folder)
{
    char path[900];
    snprintf(path, sizeof path, "%s/choreography/%s", POLKA_TEST_DATA, folder);
    stage_folder(s, path);
    stage_check(s);
    cr_assert_gt(s->findings.count, 0u);
    return s->findings.items[0].message;
}

static void says(const char *folder, const char *expected)
{
    stage s = { 0 };
    const char *message = message_of(&s, folder);
    cr_expect_not_null(strstr(message, expected), "%s\nexpected: %s\n     got: %s", folder, expected, message);
    stage_close(&s);
}

Test(check, a_finding_says_what_and_where)
{
    says("cycle", "demo.A → demo.B (s0) → demo.C (s1) → demo.A (s2)");
    says("incompatible-pair", "shipping 1.0.0 cannot read demo.Paid as payments 1.0.0 writes it: amount at $.fields[1]: ");
    says("incompatible-pair", "(reader_field_missing_default_value)");
    says("incompatible-pair-deep-inside", "lines[].quantity at $.fields[1].type.items.fields[1].type: the writer writes long, which cannot be read as int (type_mismatch)");
    says("topic-mismatch", "reads demo.Paid from the topic demo.paid, but payments 1.0.0 emits it to demo.payments");
    says("key-mismatch", "under the key customer_id, but payments 1.0.0 emits it under order_id");
    says("two-owners-of-two-schemas", "another schema than billing 1.0.0, and both call it version 1");
    says("duplicate-service-of-two-groups", "payments-new");
    says("bad-manifest-cut-off", "late.json: not JSON: line 1, column ");
    says("bad-manifest-from-a-later-version", "polka is 2");
    says("bad-manifest-an-emit-without-topic", "emits[0].topic is missing");
    says("flow-gap", "order.yaml:5:12: after demo.Placed no chain of reactions leads to demo.Paid");
    says("flow-unreachable", "order.yaml:3:22: demo.Returned is in the flow");
}

static void add_party(stage *s, const char *service, int number, bool hears, const char *topic, const char *schema)
{
    char text[700];
    snprintf(text, sizeof text, "{\"polka\":1,\"service\":\"%s%d\",\"version\":\"1\",\"group\":\"%s%d\",\"reactions\":[%s%s%s%s%s],\"emits\":[%s%s%s%s%s]}", service, number, service,
             number, hears ? "{\"event\":\"t.A\",\"emits\":[],\"topic\":\"" : "", hears ? topic : "", hears ? "\",\"schema\":" : "", hears ? schema : "", hears ? "}" : "",
             hears ? "" : "{\"event\":\"t.A\",\"topic\":\"", hears ? "" : topic, hears ? "" : "\",\"schema\":", hears ? "" : schema, hears ? "" : "}");
    stage_manifest(s, text, service);
}

static size_t listed(const stage *s, polkai_code code, size_t *more)
{
    size_t count = 0;
    *more = 0;
    for (size_t i = 0; i < s->findings.count; i++) {
        count += s->findings.items[i].code == code;
        *more += s->findings.items[i].code == code ? s->findings.items[i].more : 0;
    }
    return count;
}

/* 600 who say it to one topic, 600 who hear it from another: 360,000 sentences took 15 seconds. */
Test(check, what_contradicts_itself_a_hundred_thousand_times_is_listed_in_part_and_counted_whole, .timeout = 60)
{
    enum { MANY = 600 };
    stage s = { 0 };
    size_t more = 0;
    for (int i = 0; i < MANY; i++) {
        add_party(&s, "w", i, false, "a", "{\"type\":\"record\",\"name\":\"t.A\",\"fields\":[]}");
        add_party(&s, "r", i, true, "b", "{\"type\":\"record\",\"name\":\"t.A\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]}");
    }
    stage_check(&s);
    cr_assert_eq(listed(&s, POLKAI_TOPIC_MISMATCH, &more), (size_t)POLKAI_FINDINGS_LISTED);
    cr_assert_eq(more, (size_t)(MANY * MANY - POLKAI_FINDINGS_LISTED));
    cr_assert_eq(listed(&s, POLKAI_INCOMPATIBLE_PAIR, &more), (size_t)POLKAI_FINDINGS_LISTED);
    cr_assert_eq(more, (size_t)(MANY * MANY - POLKAI_FINDINGS_LISTED));
    cr_assert_eq(s.findings.error_count, (size_t)(2 * MANY * MANY));
    cr_assert_eq(s.findings.warning_count, 0u);
    stage_close(&s);
}

/* A schema of its own in each of them: so many comparisons would not end, and what was not compared is an error too. */
Test(check, more_different_schemas_than_can_be_compared_are_told, .timeout = 60)
{
    enum { MANY = 510 };
    stage s = { 0 };
    size_t more = 0;
    for (int i = 0; i < MANY; i++) {
        char schema[100];
        snprintf(schema, sizeof schema, "{\"type\":\"record\",\"name\":\"t.A\",\"doc\":\"%d\",\"fields\":[]}", i);
        add_party(&s, "w", i, false, "a", schema);
        snprintf(schema, sizeof schema, "{\"type\":\"record\",\"name\":\"t.A\",\"doc\":\"%d\",\"fields\":[]}", -1 - i);
        add_party(&s, "r", i, true, "a", schema);
    }
    stage_check(&s);
    cr_assert_eq(listed(&s, POLKAI_INCOMPATIBLE_PAIR, &more), 1u);
    for (size_t i = 0; i < s.findings.count; i++)
        if (s.findings.items[i].code == POLKAI_INCOMPATIBLE_PAIR)
            cr_assert_not_null(strstr(s.findings.items[i].message, "of the pairs of t.A, 10100 were not compared"), "%s", s.findings.items[i].message);
    stage_close(&s);
}

Test(check, a_chain_and_a_flow_of_a_thousand_steps_that_run_in_a_circle)
{
    enum { STEPS = 1000 };
    stage s = { 0 };
    char *flow = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&flow, &size);
    fprintf(to, "flow: long\nstarts: t.E0\nends: t.E%d\nsteps:\n", STEPS - 1);
    for (int i = 0; i < STEPS; i++) {
        char text[700];
        int next = (i + 1) % STEPS;
        snprintf(text, sizeof text, "{\"polka\":1,\"service\":\"s%d\",\"version\":\"1\",\"group\":\"s%d\",\"reactions\":[{\"event\":\"t.E%d\",\"topic\":\"t\",\"schema\":"
                 "{\"type\":\"record\",\"name\":\"t.E%d\",\"fields\":[]},\"emits\":[\"t.E%d\"]}],\"emits\":[{\"event\":\"t.E%d\",\"topic\":\"t\",\"schema\":"
                 "{\"type\":\"record\",\"name\":\"t.E%d\",\"fields\":[]}}]}", i, i, i, i, next, next, next);
        stage_manifest(&s, text, "many");
        fprintf(to, "  - after: t.E%d\n    one_of: [t.E%d]\n    within: 5s\n", STEPS - 1 - i, (STEPS - i) % STEPS);
    }
    fclose(to);
    stage_contract(&s, flow, "long.yaml");
    cr_assert_str_eq(stage_check(&s), "error cycle s0 t.E0\n");
    cr_assert_not_null(strstr(s.findings.items[0].message, "t.E999 (s998) → t.E0 (s999)"));
    stage_close(&s);
    free(flow);
}
