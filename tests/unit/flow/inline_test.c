/* inline_test.c: handlers on the poll thread: when it stops, and when it has to poll. */
#include "attack.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

enum { LIMIT_MS = 30000, EVENTS = 5 };

/* ---- stopping ---- */

/* "s…": it is asked to stop meanwhile, as by a signal; "o…": at the second attempt. */
static polka_outcome stops(polka_context *ctx, const note *asked)
{
    called++;
    remember(asked->text);
    if (asked->text.data[0] == 's')
        polkai_flow_stop(h->flow);
    if (asked->text.data[0] == 'o' && polka_caused_by(ctx)->attempt == 1)
        return polka_retry(ctx, "once");
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

static const polka_service stopping = { .name = "stopping", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, stops, .emits = POLKA_EMITS(&test_answered_event), .retry = { .attempts = 9, .first_delay_ms = 100 }), { 0 } } };

static void expect_the_rest_by_the_next(int64_t committed, const char *before, const char *rest)
{
    cr_expect_str_eq(order, before);
    harness_stop(h);
    cr_expect_str_eq(order, before, "nor does the drain: %s", order);
    cr_expect_eq(harness_committed(h, "stopping", "test.asked"), committed, "%lld", (long long)harness_committed(h, "stopping", "test.asked"));
    order[0] = '\0';
    start(&stopping, (polkai_flow_options){ 0 });
    harness_advance_ms(h, 1000);
    cr_expect_str_eq(order, rest);
    harness_destroy(h);
}

/* Found by reading: all that one poll had brought was still handled, and slow handlers overran the drain's deadline by that. */
Test(inline, begins_nothing_more_once_it_is_to_stop)
{
    prepare();
    start(&stopping, (polkai_flow_options){ 0 });
    harness_put(h, "a", "a1", NULL);
    harness_put(h, "b", "stop", NULL);
    harness_put(h, "a", "a2", NULL);
    harness_put(h, "c", "c1", NULL);
    harness_turn(h);
    expect_the_rest_by_the_next(2, "a1 stop ", "a2 c1 ");
}

Test(inline, begins_nothing_more_of_a_key_that_waited_once_it_is_to_stop)
{
    prepare();
    start(&stopping, (polkai_flow_options){ 0 });
    harness_put(h, "a", "once", NULL);
    harness_put(h, "a", "stop", NULL);
    harness_put(h, "a", "a3", NULL);
    harness_advance_ms(h, 1000);
    expect_the_rest_by_the_next(2, "once once stop ", "a3 ");
}

/* ---- polling ---- */

static unsigned polls_seen[64], seen;

/* As the thread that watches does for a handler that runs long. */
static polka_outcome is_slow(polka_context *ctx, const note *asked)
{
    remember(asked->text);
    polls_seen[seen++] = source.polls;
    atomic_store(&h->flow->watch.poll_due, true);
    if (asked->text.data[0] == 'o' && polka_caused_by(ctx)->attempt == 1)
        return polka_retry(ctx, "once");
    return POLKA_DONE;
}

static const polka_service slow = { .name = "slow", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, is_slow, .retry = { .attempts = 9, .first_delay_ms = 100 }), { 0 } } };

static void expect_a_poll_between_any_two(unsigned count)
{
    cr_expect_eq(seen, count);
    for (unsigned i = 1; i < seen; i++)
        cr_expect_gt(polls_seen[i], polls_seen[i - 1], "handler %u", i);
}

/* Found by reading: what one poll had brought, up to 32 events, was handled before the next, and the group gives a member up that does not poll. */
Test(inline, polls_between_slow_handlers)
{
    prepare();
    start(&slow, (polkai_flow_options){ 0 });
    for (char text[] = "1"; *text < '1' + EVENTS; ++*text)
        harness_put(h, "a", text, NULL);
    harness_turn(h);
    cr_expect_str_eq(order, "1 2 3 4 5 ");
    expect_a_poll_between_any_two(EVENTS);
    harness_stop(h);
    cr_expect_eq(harness_committed(h, "slow", "test.asked"), EVENTS);
    harness_destroy(h);
}

Test(inline, polls_between_slow_handlers_of_keys_that_waited)
{
    prepare();
    start(&slow, (polkai_flow_options){ 0 });
    harness_put(h, "a", "once", NULL);
    harness_put(h, "a", "a2", NULL);
    harness_put(h, "a", "a3", NULL);
    harness_put(h, "b", "other", NULL);
    harness_advance_ms(h, 1000);
    expect_a_poll_between_any_two(6);
    cr_expect_lt(strstr(order, "a2"), strstr(order, "a3"));
    harness_destroy(h);
}

Test(inline, takes_one_at_a_time_while_handlers_are_slow)
{
    polka_error error;
    prepare();
    start(&slow, (polkai_flow_options){ 0 });
    harness_put(h, "a", "first", NULL);
    harness_turn(h);
    for (int i = 0; i < EVENTS; i++)
        harness_put(h, "a", "next", NULL);
    cr_assert_eq(polkai_flow_step(h->flow, 0, NULL, &error), POLKA_OK);
    cr_expect_eq(polkai_flow_count(h->flow).received, 2, "and what is not taken another member can have at once");
    harness_destroy(h);
}

/* A handler that always is slow ends each turn, and that of the due ones must come as well. */
Test(inline, gives_what_is_due_its_turn_beside_slow_handlers_of_what_is_new)
{
    prepare();
    start(&slow, (polkai_flow_options){ 0 });
    harness_put(h, "a", "once", NULL);
    harness_turn(h);
    for (char text[] = "1"; *text < '1' + EVENTS; ++*text)
        harness_put(h, "b", text, NULL);
    h->now_ns += INT64_C(200000000);
    harness_turn(h);
    cr_expect_str_eq(order, "once 1 once 2 3 4 5 ");
    expect_a_poll_between_any_two(EVENTS + 2);
    harness_destroy(h);
}

Test(inline, polls_between_slow_handlers_while_the_budget_is_full)
{
    prepare();
    start(&slow, (polkai_flow_options){ .in_flight_events = 2 });
    harness_put(h, "a", "once", NULL);
    harness_put(h, "b", "once", NULL);
    harness_advance_ms(h, 1000);
    expect_a_poll_between_any_two(4);
    harness_destroy(h);
}

/* ---- the thread that watches ---- */

static atomic_uint handled;

static polka_outcome waits_for_the_watch(polka_context *ctx, const note *asked)
{
    (void)ctx, (void)asked;
    int64_t until_ns = polkai_clock_real.steady_ns(&polkai_clock_real) + (int64_t)LIMIT_MS * 1000000;
    while (!atomic_load(&h->flow->watch.poll_due) && polkai_clock_real.steady_ns(&polkai_clock_real) < until_ns) { /* it looks soon */ }
    atomic_fetch_add(&handled, 1);
    return POLKA_DONE;
}

static const polka_service watched = { .name = "watched", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, waits_for_the_watch, .deadline_ms = LIMIT_MS), { 0 } } };

static void never(void *user, const polka_error *error)
{
    (void)user;
    cr_assert_fail("%s", error->message);
}

Test(inline, polls_behind_a_handler_that_the_watch_has_seen, .timeout = 60)
{
    polka_error error;
    prepare();
    start(&watched, (polkai_flow_options){ .clock = &polkai_clock_real, .stuck = never });
    harness_put(h, "a", "1", NULL);
    harness_put(h, "b", "2", NULL);
    for (int i = 0; atomic_load(&handled) == 0; i++) {
        cr_assert_lt(i, 1000);
        cr_assert_eq(polkai_flow_step(h->flow, 10, NULL, &error), POLKA_OK);
    }
    cr_expect_eq(atomic_load(&handled), 1);
    harness_destroy(h);
}
