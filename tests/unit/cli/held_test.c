/* What `polka watch` holds: one flow an id, never more than there is room for, and who goes first; how far a flow is. */
#include <base/arena.h>
#include <cli/gather.h>
#include <cli/held.h>
#include <cli/state.h>

#include <criterion/criterion.h>
#include <stdio.h>

static cli_holding holding;

static cli_held *touch(const char *correlation, int64_t now_ms) { return cli_holding_touch(&holding, polka_text_of(correlation), now_ms); }

static cli_node node(const char *id, const char *cause, const char *letter)
{
    return (cli_node){ .id = polkai_strdup(id), .cause = cause != NULL ? polkai_strdup(cause) : NULL, .source = polkai_strdup("/s/a"),
                       .letter = letter != NULL ? polkai_strdup(letter) : NULL, .time_ms = 5, .letter_ms = letter != NULL ? 9 : 0 };
}

static size_t held_now(void) { return holding.running.count + holding.ended.count; }

Test(held, one_flow_an_id)
{
    cli_holding_open(&holding, 10);
    cli_held *a = touch("a", 1), *b = touch("b", 2);
    cr_assert_neq(a, b);
    cr_assert_eq(touch("a", 3), a);
    cr_assert_eq(a->touched_ms, 3);
    cr_assert_eq(holding.running.first, b, "who was touched last is the last");
    cr_assert_eq(held_now(), 2);
    cli_holding_close(&holding);
}

Test(held, an_id_with_a_nul_in_it_is_found_again_and_takes_no_other_flow_along)
{
    const polkai_envelope envelope = { .correlation_id = { 3, "a\0b" } };
    cli_holding_open(&holding, 2);
    cli_held *plain = touch("b", 1), *odd = cli_holding_touch(&holding, cli_gather_correlation(&envelope), 2);
    cr_assert_eq(cli_holding_touch(&holding, cli_gather_correlation(&envelope), 3), odd);
    cr_assert_eq(touch("b", 4), plain);
    touch("c", 5);                       /* for the odd one */
    cr_assert_neq(cli_holding_touch(&holding, cli_gather_correlation(&envelope), 6), NULL);
    cr_assert_eq(held_now(), 2);
    cli_holding_close(&holding);
}

Test(held, ended_ones_make_room_before_running_ones)
{
    cli_holding_open(&holding, 3);
    cli_held *a = touch("a", 1);
    touch("b", 2);
    cli_holding_end(&holding, touch("c", 3));
    touch("d", 4);                       /* for c */
    cr_assert_eq(holding.forgotten, 0);
    cr_assert_eq(touch("a", 5), a);
    touch("e", 6);                       /* for b, which nothing has come to for the longest time */
    cr_assert_eq(holding.forgotten, 1);
    cr_assert_eq(touch("a", 7), a);
    cr_assert_eq(held_now(), 3);
    cli_holding_close(&holding);
}

Test(held, thousands_of_flows_in_little_room)
{
    char id[24];
    cli_holding_open(&holding, 100);
    for (int i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "flow-%d", i);
        cli_holding_add(touch(id, i), node("x", NULL, NULL));
    }
    cr_assert_eq(held_now(), 100);
    cr_assert_eq(holding.forgotten, 4900);
    cr_assert_eq(touch("flow-4950", 5000)->flow.count, 1);
    cr_assert_eq(touch("flow-1", 5000)->flow.count, 0, "it was forgotten");
    cli_holding_close(&holding);
}

Test(held, events_beyond_the_most_are_counted)
{
    char id[24];
    cli_holding_open(&holding, 1);
    cli_held *held = touch("a", 1);
    for (int i = 0; i < CLI_HELD_EVENTS + 7; i++) {
        snprintf(id, sizeof id, "%d", i);
        cli_holding_add(held, node(id, NULL, NULL));
    }
    cr_assert_eq(held->flow.count, CLI_HELD_EVENTS);
    cr_assert_eq(held->flow.beyond, 7);
    cli_holding_close(&holding);
}

Test(held, what_nothing_comes_to_expires)
{
    cli_holding_open(&holding, 10);
    touch("a", 1);
    cli_holding_end(&holding, touch("b", 2));
    touch("c", 3);
    cli_holding_expire(&holding, 3);
    cr_assert_eq(held_now(), 1);
    cr_assert_str_eq(holding.running.first->flow.correlation, "c");
    cli_holding_close(&holding);
}

Test(held, what_has_its_time_yet_to_come_does_not_expire)
{
    cli_holding_open(&holding, 10);
    touch("nothing waits", 1);
    touch("a day it has", 2)->look_ms = 86400000;
    cli_held *ended = touch("ended", 3);
    ended->look_ms = 4;
    cli_holding_end(&holding, ended);
    cli_holding_expire(&holding, 10);
    cr_assert_eq(held_now(), 1);
    cr_assert_str_eq(holding.running.first->flow.correlation, "a day it has");
    cli_holding_close(&holding);
}

Test(held, one_that_something_comes_to_all_the_time_is_judged_too)
{
    cli_holding_open(&holding, 10);
    cli_held *held = touch("a", 1);
    cli_held_look_by(held, 1000);
    cli_held_look_by(held, 1500);
    cr_assert_eq(held->look_ms, 1000);
    cli_held_look_by(held, 900);
    cr_assert_eq(held->look_ms, 900);
    cli_holding_close(&holding);
}

Test(held, a_thing_is_said_once)
{
    cli_holding_open(&holding, 10);
    cli_held *held = touch("a", 1);
    cr_assert(cli_held_say(held, "x"));
    cr_assert(cli_held_say(held, "y"));
    cr_assert_not(cli_held_say(held, "x"));
    cr_assert_eq(held->stalls, 2);
    cli_holding_close(&holding);
}

Test(state, is_due_when_the_first_thing_has_waited_too_long)
{
    cli_missing missing[] = { { .within_ms = INT64_MAX, .age_ms = 3 }, { .within_ms = 50, .age_ms = 10 }, { .within_ms = 30, .age_ms = 31, .stalled = true }, { .age_ms = 7 } };
    cli_flow flow = { .missing = missing };
    cr_assert_eq(cli_flow_due(&flow, 1000), INT64_MAX);
    flow.missing_count = 1;
    cr_assert_gt(cli_flow_due(&flow, 1000), 1000, "not in the past, however long it has");
    flow.missing_count = 4;
    cr_assert_eq(cli_flow_due(&flow, 1000), 1041);
}

Test(state, is_of_what_is_there_and_what_is_missing)
{
    cli_flow flow = { 0 };
    cli_missing waiting = { .within_ms = 5 }, stalled = { .stalled = true };
    cli_flow_add(&flow, node("b", "a", NULL));
    cr_assert_not(cli_flow_is_whole(&flow));
    cli_flow_add(&flow, node("a", NULL, NULL));
    cr_assert(cli_flow_is_whole(&flow));
    cr_assert_eq(cli_flow_state(&flow, false, false), CLI_DONE, "without a contract it is done when nothing is missing");
    cr_assert_eq(cli_flow_state(&flow, true, false), CLI_RUNNING, "with one it is not before its end");
    flow.missing = &waiting;
    flow.missing_count = 1;
    cr_assert_eq(cli_flow_state(&flow, false, false), CLI_RUNNING);
    flow.missing = &stalled;
    cr_assert_eq(cli_flow_state(&flow, true, false), CLI_STALLED);
    cli_flow_add(&flow, node("a", NULL, "dead"));
    cr_assert_eq(cli_flow_state(&flow, true, false), CLI_FAILED);
    cr_assert_eq(cli_flow_state(&flow, true, true), CLI_DONE);
    cr_assert_eq(cli_flow_letters(&flow), 1);
    cr_assert_eq(cli_flow_last_ms(&flow), 9);
    flow.missing = NULL;
    flow.missing_count = 0;
    cli_flow_free(&flow);
}

Test(state, how_long_a_flow_took_needs_no_clock_but_the_one_here)
{
    cli_flow flow = { 0 };
    cli_node first = node("a", NULL, NULL), second = node("b", "a", NULL);
    first.time_ms = 300000;              /* of a clock five minutes ahead */
    first.came_ms = 1000;
    second.time_ms = 20;
    second.came_ms = 1700;
    cli_flow_add(&flow, first);
    cli_flow_add(&flow, second);
    cr_assert_eq(cli_flow_took_ms(&flow), 700);
    flow.nodes[0].was_there = true;
    cr_assert_eq(cli_flow_took_ms(&flow), 0, "by the times that they say; but no sum of durations goes down");
    flow.nodes[1].time_ms = 300400;
    cr_assert_eq(cli_flow_took_ms(&flow), 400);
    cli_flow_free(&flow);
}
