/* What should have followed an event: a reaction that has happened, waits, or has stalled; a step of a contract that nobody fulfils. */
#include <base/arena.h>
#include <cli/missing.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define EVENT(NAME) "\"event\":\"" NAME "\",\"topic\":\"t\",\"schema\":\"string\""
#define SHIPPING(VERSION) "{\"polka\":1,\"service\":\"shipping\",\"version\":\"" VERSION "\",\"group\":\"ships\",\"reactions\":[{\"name\":\"ship\"," EVENT("s.Placed") \
    ",\"emits\":[\"s.Shipped\"],\"deadline_ms\":9000}],\"emits\":[{" EVENT("s.Shipped") "}]}"
#define CONTRACT "flow: order\nstarts: s.Placed\nends: s.Shipped\nsteps:\n  - after: s.Placed\n    one_of: [s.Shipped]\n    within: 5s\n"

static int64_t committed = -1001;

static size_t asked_committed, asked_ends, groups_asked, ends_asked;

static polka_status committed_of(polkai_admin *admin, const polkai_progress *groups, size_t count, polka_error *error)
{
    (void)admin, (void)error;
    asked_committed++;
    groups_asked += count;
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < groups[i].count; p++)
            groups[i].positions[p].offset = committed;
    return POLKA_OK;
}

static polka_status watermarks_of(polkai_admin *admin, polkai_extent *extents, size_t count, polka_error *error)
{
    (void)admin, (void)error;
    asked_ends++;
    ends_asked += count;
    for (size_t i = 0; i < count; i++) {
        extents[i].low = 0;
        extents[i].high = 10;
    }
    return POLKA_OK;
}

static const polkai_admin_operations operations = { .committed = committed_of, .watermarks = watermarks_of };
static polkai_admin admin = { &operations };
static polkai_manifest *manifests[2];
static polkai_contract *contracts[1];
static cli_expected expected;
static cli_flow flow;

static void expect(size_t versions, size_t contract_count)
{
    polka_error error;
    polkai_manifest_examine(&manifests[0], polka_text_of(SHIPPING("1")), "a");
    polkai_manifest_examine(&manifests[1], polka_text_of(SHIPPING("2")), "b");
    cr_assert_eq(polkai_contract_read_text(&contracts[0], polka_text_of(CONTRACT), "order.yaml", &error), POLKA_OK, "%s", error.message);
    expected = (cli_expected){ .contract_count = contract_count, .contracts = contracts, .admin = &admin };
    cli_hearers_use(&expected.hearers, manifests, NULL, versions);
}

static cli_node node(const char *id, const char *cause, const char *service, const char *type, int64_t offset)
{
    return (cli_node){ .id = polkai_strdup(id), .cause = cause != NULL ? polkai_strdup(cause) : NULL, .source = polkai_strdup(service), .type = polkai_strdup(type),
                       .topic = polkai_strdup("t"), .offset = offset, .time_ms = 1000, .written_ms = 1000 };
}

/* How many are missing at this time. */
static size_t hold(int64_t now_ms)
{
    polka_error error;
    cli_flow_link(&flow);
    cli_expected_need(&expected, &flow);
    cr_assert_eq(cli_expected_ask(&expected, &error), POLKA_OK);
    cli_expected_hold(&expected, &flow, now_ms);
    return flow.missing_count;
}

static void clean(void)
{
    cli_flow_free(&flow);
    cli_expected_free(&expected);
    polkai_manifest_destroy(manifests[0]);
    polkai_manifest_destroy(manifests[1]);
    polkai_contract_destroy(contracts[0]);
}

static void place(void) { cli_flow_add(&flow, node("a", NULL, "/s/storefront", "s.Placed", 3)); }

Test(missing, reaction_waits_until_the_step_it_fulfils_is_late)
{
    expect(2, 1);                        /* two versions in one group are one reaction */
    place();
    cr_assert_eq(hold(6000), 1);
    cr_assert_not(flow.missing[0].stalled);
    cr_assert_str_eq(flow.missing[0].service, "shipping");
    cr_assert_str_eq(flow.missing[0].reaction, "ship");
    cr_assert_str_eq(flow.missing[0].events, "s.Shipped");
    cr_assert_eq(flow.missing[0].within_ms, 5000);
    cr_assert_eq(flow.missing[0].lag, 10);
    cli_flow_free(&flow);
    place();
    cr_assert_eq(hold(6001), 1);
    cr_assert(flow.missing[0].stalled);
    clean();
}

Test(missing, reaction_has_its_own_deadline_where_no_contract_asks)
{
    expect(1, 0);
    place();
    cr_assert_eq(hold(10001), 1);
    cr_assert_eq(flow.missing[0].within_ms, 9000);
    cr_assert(flow.missing[0].stalled);
    clean();
}

Test(missing, is_nothing_that_an_event_or_a_dead_letter_tells_of)
{
    expect(1, 0);
    place();
    cli_flow_add(&flow, node("b", "a", "/s/shipping", "s.Shipped", 0));
    cr_assert_eq(hold(100000), 0);
    cli_flow_free(&flow);
    place();
    cli_node letter = node("a", NULL, "/s/storefront", "s.Placed", 0);
    letter.letter = polkai_strdup("of ships (ship)");
    letter.group = polkai_strdup("ships");
    letter.reaction = polkai_strdup("ship");
    cli_flow_add(&flow, letter);
    cr_assert_eq(hold(100000), 0);
    clean();
}

Test(missing, is_still_a_reaction_of_which_only_another_service_tells)
{
    expect(1, 0);
    place();
    cli_flow_add(&flow, node("b", "a", "/s/other", "s.Shipped", 0));
    cr_assert_eq(hold(100000), 1);
    clean();
}

Test(missing, is_nothing_that_a_group_has_committed_as_a_handler_may_emit_nothing)
{
    expect(1, 0);
    place();
    committed = 3;                       /* the next to read */
    cr_assert_eq(hold(100000), 1);
    cr_assert_eq(flow.missing[0].lag, 7);
    clean();
    expect(1, 0);
    place();
    committed = 4;
    cr_assert_eq(hold(100000), 0);
    clean();
}

Test(missing, step_is_told_of_when_its_reaction_emitted_nothing)
{
    expect(1, 1);
    place();
    committed = 4;
    cr_assert_eq(hold(6001), 1);
    cr_assert_null(flow.missing[0].group);
    cr_assert_str_eq(flow.missing[0].contract, "order");
    cr_assert_str_eq(flow.missing[0].events, "s.Shipped");
    cr_assert(flow.missing[0].stalled);
    clean();
}

Test(missing, a_flow_ends_with_an_end_of_its_contract)
{
    bool ended;
    expect(1, 1);
    place();
    cli_flow_link(&flow);
    cr_assert_str_eq(cli_expected_ends(&expected, &flow, &ended), "order");
    cr_assert_not(ended);
    cli_flow_add(&flow, node("b", "a", "/s/shipping", "s.Shipped", 0));
    cli_flow_link(&flow);
    cr_assert_str_eq(cli_expected_ends(&expected, &flow, &ended), "order");
    cr_assert(ended);
    clean();
}

/*
 * An event was written at a true time of 10 minutes and has 5 s, of which 6 are over or 3: at clocks that are five minutes apart, of who wrote
 * it or of who watches, and seen coming or found when the watcher began, 1 s after it was written. What was found may be told later, never earlier.
 */
Test(missing, clocks_five_minutes_apart_never_make_a_stall_too_early)
{
    enum { MINUTE = 60000, WRITTEN = 10 * MINUTE, APART = 5 * MINUTE };
    const struct { const char *what; int64_t writer, here; bool was_there, at_6_s; } rows[] = {
        { "seen coming, clocks agree", 0, 0, false, true },
        { "seen coming, written by a clock behind", -APART, 0, false, true },
        { "seen coming, written by a clock ahead", APART, 0, false, true },
        { "seen coming, the clock here is behind", 0, -APART, false, true },
        { "seen coming, the clock here is ahead", 0, APART, false, true },
        { "there already, clocks agree", 0, 0, true, false },
        { "there already, written by a clock behind", -APART, 0, true, true },
        { "there already, written by a clock ahead", APART, 0, true, false },
        { "there already, the clock here is behind", 0, -APART, true, false },
        { "there already, the clock here is ahead", 0, APART, true, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect(1, 1);
        expected.skew_ms = APART;
        cli_node one = node("a", NULL, "/s/storefront", "s.Placed", 3);
        one.time_ms = one.written_ms = WRITTEN + rows[i].writer;
        one.came_ms = WRITTEN + rows[i].here + (rows[i].was_there ? 1000 : 0);
        one.was_there = rows[i].was_there;
        cli_flow_add(&flow, one);
        const struct { int64_t after_ms; bool stalled; } looks[] = { { 3000, false }, { 5999, rows[i].was_there ? rows[i].at_6_s : true }, { 6100, true } };
        for (size_t l = 0; l < 3; l++) {
            cli_flow_forget_missing(&flow);
            cr_assert_eq(hold(WRITTEN + rows[i].here + looks[l].after_ms), 1);
            cr_expect_eq(flow.missing[0].stalled, looks[l].stalled, "%s, after %lld ms: age %lld", rows[i].what, (long long)looks[l].after_ms, (long long)flow.missing[0].age_ms);
        }
        clean();
    }
}

Test(missing, what_was_there_long_before_is_stalled_at_once)
{
    expect(1, 1);
    expected.skew_ms = 300000;
    cli_node old = node("a", NULL, "/s/storefront", "s.Placed", 3);      /* written at 1000 */
    old.written_ms = 1000;
    old.came_ms = 400000;
    old.was_there = true;
    cli_flow_add(&flow, old);
    cr_assert_eq(hold(400001), 1);
    cr_assert(flow.missing[0].stalled, "by no clock that is in order it can be younger than 99 s");
    cr_assert_eq(flow.missing[0].age_ms, 99001);
    clean();
}

Test(missing, forged_times_overflow_nothing)
{
    const int64_t times[] = { INT64_MIN, -1, INT64_MAX };
    for (size_t i = 0; i < 3; i++) {
        expect(1, 1);
        expected.skew_ms = 300000;
        cli_node forged = node("a", NULL, "/s/storefront", "s.Placed", 3);
        forged.time_ms = forged.written_ms = times[i];
        forged.was_there = true;
        cli_flow_add(&flow, forged);
        cr_assert_eq(hold(400000), 1);
        cr_assert_eq(flow.missing[0].stalled, i < 2);
        clean();
    }
}

/* One question after the other, 500 groups were 500 ways to the broker and back, and as many for their partitions. */
Test(missing, the_broker_is_asked_once_for_all_groups_and_once_for_all_partitions)
{
    enum { SERVICES = 500, FLOWS = 40 };
    polka_error error;
    cli_flow *flows = calloc(FLOWS, sizeof *flows);
    polkai_manifest **many = calloc(SERVICES, sizeof *many);
    char text[400], name[16];
    for (int i = 0; i < SERVICES; i++) {
        snprintf(text, sizeof text, "{\"polka\":1,\"service\":\"s%d\",\"version\":\"1\",\"group\":\"g%d\",\"reactions\":[{" EVENT("s.Placed") ",\"emits\":[]}],\"emits\":[]}", i, i);
        polkai_manifest_examine(&many[i], polka_text_of(text), "a");
    }
    expected = (cli_expected){ .admin = &admin };
    cli_hearers_use(&expected.hearers, many, NULL, SERVICES);
    for (int i = 0; i < FLOWS; i++) {
        snprintf(name, sizeof name, "flow-%d", i);
        cli_node first = node(name, NULL, "/s/storefront", "s.Placed", i);
        first.partition = i % 3;
        cli_flow_add(&flows[i], first);
        cli_flow_link(&flows[i]);
        cli_expected_need(&expected, &flows[i]);
    }
    cr_assert_eq(cli_expected_ask(&expected, &error), POLKA_OK);
    cr_assert_eq(cli_expected_ask(&expected, &error), POLKA_OK);
    for (int i = 0; i < FLOWS; i++)
        cli_expected_hold(&expected, &flows[i], 2000);
    cr_assert(asked_committed == 1 && asked_ends == 1, "%zu and %zu questions", asked_committed, asked_ends);
    cr_assert_eq(groups_asked, SERVICES);
    cr_assert_eq(ends_asked, 3, "a partition is asked for once, however many groups read it");
    cr_assert_eq(flows[7].missing_count, SERVICES);
    cr_assert_eq(flows[7].missing[3].lag, 10);
    for (int i = 0; i < FLOWS; i++)
        cli_flow_free(&flows[i]);
    cli_expected_free(&expected);
    for (int i = 0; i < SERVICES; i++)
        polkai_manifest_destroy(many[i]);
    free(many);
    free(flows);
}

Test(missing, hearers_are_found_by_their_event)
{
    size_t count;
    expect(2, 0);
    const cli_hearer *hearers = cli_hearers_of(&expected.hearers, "s.Placed", &count);
    cr_assert_eq(count, 2);
    cr_assert(hearers[0].service == manifests[0] && hearers[1].service == manifests[1]);
    cr_assert_null(cli_hearers_of(&expected.hearers, "s.Shipped", &count));
    cr_assert_eq(count, 0);
    cli_hearers_use(&expected.hearers, manifests, NULL, 1);
    cli_hearers_of(&expected.hearers, "s.Placed", &count);
    cr_assert_eq(count, 1);
    clean();
}

Test(missing, a_service_that_was_deployed_later_is_not_late_with_what_was_there_before_it)
{
    const int64_t since_ms = 20000;
    expect(1, 0);
    cli_hearers_use(&expected.hearers, manifests, &since_ms, 1);
    place();                             /* at 1000, and it has 9000 */
    cr_assert_eq(hold(28000), 1);
    cr_assert_eq(flow.missing[0].age_ms, 8000);
    cr_assert_not(flow.missing[0].stalled);
    cli_flow_forget_missing(&flow);
    cr_assert_eq(hold(29001), 1);
    cr_assert(flow.missing[0].stalled);
    clean();
}

/* Found: the end of the one was the end of both, and nobody heard of the other again. */
Test(missing, of_two_flows_under_one_id_each_has_to_end)
{
    bool ended;
    expect(1, 1);
    place();
    cli_flow_add(&flow, node("other", NULL, "/s/storefront", "s.Placed", 4));
    cli_flow_add(&flow, node("b", "a", "/s/shipping", "s.Shipped", 0));
    cli_flow_link(&flow);
    cli_expected_ends(&expected, &flow, &ended);
    cr_assert_not(ended, "the other one has not");
    cr_assert_eq(hold(100000), 1);
    cr_assert_str_eq(flow.nodes[flow.missing[0].node].id, "other");
    cli_flow_forget_missing(&flow);
    cli_flow_add(&flow, node("c", NULL, "/foreign", "s.Shipped", 1));    /* does not say what caused it */
    cli_flow_link(&flow);
    cli_expected_ends(&expected, &flow, &ended);
    cr_assert(ended);
    clean();
}

/* Found: the step that the 1,001st event fulfilled was said to be missing. */
Test(missing, of_a_flow_that_is_not_all_here_no_step_is_missing)
{
    expect(1, 1);
    flow.limit = 1;
    committed = 4;
    place();
    cli_flow_add(&flow, node("b", "a", "/s/shipping", "s.Shipped", 0));
    cr_assert_eq(flow.beyond, 1);
    cr_assert_eq(hold(100000), 0);
    clean();
}
