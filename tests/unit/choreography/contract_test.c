/* Flow files that are refused are folders under tests/data/flows/invalid: flow.yaml, and how the error begins. */
#include "support.h"

#include <choreography/contract_known.h>

static void check_refused(void *context, const char *name)
{
    (void)context;
    char path[900];
    polka_error error = { 0 };
    polkai_contract *contract = NULL;
    snprintf(path, sizeof path, "%s/flows/invalid/%s/flow.yaml", POLKA_TEST_DATA, name);
    char *text = file_text(path);
    snprintf(path, sizeof path, "%s/flows/invalid/%s/error", POLKA_TEST_DATA, name);
    char *expected = file_text(path);
    expected[strcspn(expected, "\n")] = '\0';
    cr_expect_eq(polkai_contract_read_text(&contract, polka_text_of(text), "flow.yaml", &error), POLKA_MISUSE, "%s", name);
    cr_expect_null(contract);
    cr_expect(strncmp(error.message, expected, strlen(expected)) == 0, "%s\nexpected: %s\n     got: %s", name, expected, error.message);
    free(text);
    free(expected);
}

Test(contract, every_invalid_file_is_refused_with_line_and_column)
{
    cr_assert_geq(each_entry(POLKA_TEST_DATA "/flows/invalid", check_refused, NULL), 20u);
}

Test(contract, a_text_counts_as_a_list_of_one)
{
    stage s = { 0 };
    stage_contract(&s, "flow: f\nstarts: [t.A, t.B]\nends: t.C\nsteps:\n  - { after: t.A, one_of: t.C, within: 1.5m }\n"
                       "allow_cycles:\n  - { events: t.A, reason: three times at most }\n", "f.yaml");
    const polkai_contract *contract = s.contracts[0];
    cr_assert_eq(contract->starts.count, 2u);
    cr_assert_eq(contract->ends.count, 1u);
    cr_assert_eq(contract->steps[0].within_ms, 90000);
    cr_assert_str_eq(contract->steps[0].one_of.items[0]->text.data, "t.C");
    cr_assert_str_eq(contract->allowances[0].reason, "three times at most");
    stage_close(&s);
}

Test(contract, an_event_that_nobody_knows_is_refused_with_its_place_and_the_nearest)
{
    stage s = { 0 };
    polka_error error = { 0 };
    stage_service(&s, "one", "A>B");
    stage_contract(&s, "flow: f\nstarts: t.A\nends: [t.B, t.Zebra]\n", "f.yaml");
    stage_check(&s);
    cr_assert_eq(polkai_contract_known(s.contracts[0], s.graph, NULL, &error), POLKA_MISUSE);
    cr_assert_str_eq(error.message, "f.yaml:3:13: no service says or hears t.Zebra; 2 events are known");
    polkai_names also = { .arena = &s.arena };
    polkai_names_add(&also, "t.Zebra");
    cr_assert_eq(polkai_contract_known(s.contracts[0], s.graph, &also, &error), POLKA_OK);
    stage_close(&s);
}

Test(contract, among_some_manifests_only_what_is_nearly_known_is_a_typo)
{
    static const char manifest[] = "{\"polka\":1,\"service\":\"paying\",\"version\":\"1\",\"group\":\"paying\",\"reactions\":[],\"emits\":["
        "{\"event\":\"t.Paid\",\"topic\":\"t\",\"schema\":\"int\"},{\"event\":\"t.Event17\",\"topic\":\"t\",\"schema\":\"int\"}]}";
    static const struct { const char *event; const char *error; } cases[] = {
        { "t.A", NULL }, { "t.Zebra", NULL }, { "t.Payd", "f.yaml:3:7: no service says or hears t.Payd; did you mean 't.Paid'?" },
        { "t.AA", NULL }, { "t.C", NULL }, { "t.Pays", NULL }, { "t.Prid", "f.yaml:3:7: no" },
        { "t.Laed", NULL }, { "t.Event18", NULL }, { "t.Event1", NULL }, { "t.Evnt17", "f.yaml:3:7: no service says or hears t.Evnt17; did you mean 't.Event17'?" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stage s = { 0 };
        polka_error error = { 0 };
        stage_service(&s, "one", "A>B");
        stage_manifest(&s, manifest, "paying");
        stage_contract(&s, polkai_arena_format(&s.arena, "flow: f\nstarts: t.A\nends: %s\n", cases[i].event).data, "f.yaml");
        stage_check(&s);
        polka_status status = polkai_contract_spelt(s.contracts[0], s.graph, &error);
        cr_assert_eq(status, cases[i].error != NULL ? POLKA_MISUSE : POLKA_OK, "%s", cases[i].event);
        if (cases[i].error != NULL)
            cr_assert(strncmp(error.message, cases[i].error, strlen(cases[i].error)) == 0, "%s", error.message);
        stage_close(&s);
    }
}

Test(contract, an_allowance_is_told_of_by_the_same_rule)
{
    static const struct { const char *event; polka_status status; } cases[] = { { "t.Q", POLKA_OK }, { "t.Ordr", POLKA_MISUSE } };
    for (size_t i = 0; i < 2; i++) {
        stage s = { 0 };
        polka_error error = { 0 };
        stage_manifest(&s, "{\"polka\":1,\"service\":\"a\",\"version\":\"1\",\"group\":\"a\",\"reactions\":[],\"emits\":[{\"event\":\"t.Order\",\"topic\":\"t\",\"schema\":\"int\"}]}", "a");
        stage_contract(&s, polkai_arena_format(&s.arena, "flow: f\nstarts: t.Order\nends: t.Order\nallow_cycles:\n  - { events: %s, reason: so }\n", cases[i].event).data, "f.yaml");
        stage_check(&s);
        cr_assert_eq(polkai_contract_spelt(s.contracts[0], s.graph, &error), cases[i].status, "%s", cases[i].event);
        stage_close(&s);
    }
}
