/* attack_test.c: what a corridor must survive: queues that are full, partitions that go, drains that come too early. Inline, on a clock of our own. */
#include "stubborn.h"

#include <flow/inner.h>

#include <criterion/criterion.h>
#include <stdio.h>

static harness *h;
static stubborn_sink sink;
static stubborn_source source;
static unsigned called, second_called, emit_count;
static char order[256];

static void remember(polka_text text)
{
    size_t used = strlen(order);
    snprintf(order + used, sizeof order - used, "%.*s ", POLKA_TEXT_ARGS(text));
}

/* "m…" forgets its outcome, "d…" dies, "r…" always comes later, "o…" comes later once, all others emit emit_count answers. */
static polka_outcome act(polka_context *ctx, const note *asked)
{
    called++;
    remember(asked->text);
    switch (asked->text.data[0]) {
    case 'm':
        return (polka_outcome)0;
    case 'd':
        return polka_dead(ctx, "no");
    case 'r':
        return polka_retry(ctx, "later");
    case 'o':
        if (polka_caused_by(ctx)->attempt == 1)
            return polka_retry(ctx, "once");
        break;
    default:
        break;
    }
    for (unsigned i = 0; i < emit_count; i++)
        polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

static polka_outcome act_too(polka_context *ctx, const note *asked)
{
    second_called++;
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return polka_caused_by(ctx)->attempt < 3 ? polka_retry(ctx, "the second is not ready") : POLKA_DONE;
}

static polka_outcome long_reason(polka_context *ctx, const note *asked)
{
    (void)asked;
    static char text[100001];
    memset(text, 'x', 100000);
    memcpy(text + 10, "\xff", 1);
    return polka_dead(ctx, "%s", text);
}

static polka_outcome slow_loop(polka_context *ctx, const note *asked)
{
    called++;
    remember(asked->text);
    h->now_ns += 10000000;
    return asked->text.data[0] == 'r' ? polka_retry(ctx, "again") : POLKA_DONE;
}

static polka_outcome outer(polka_context *ctx)
{
    (void)polka_proceed(ctx);
    return polka_proceed(ctx);
}

static polka_outcome filter(polka_context *ctx)
{
    (void)ctx;
    return POLKA_SKIP;
}

#define ANSWERS POLKA_EMITS(&test_answered_event)
#define QUICK { .attempts = 1000, .first_delay_ms = 100, .max_delay_ms = 100 }
static const polka_service acts = { .name = "acts", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, act, .emits = ANSWERS, .retry = QUICK), { 0 } } };
static const polka_service both = { .name = "both", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, act, .emits = ANSWERS, .retry = QUICK), POLKA_REACT(test_asked, act_too, .name = "second", .emits = ANSWERS, .retry = QUICK), { 0 } } };
static const polka_service talks = { .name = "talks", .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, long_reason), { 0 } } };
static const polka_service loops = { .name = "loops", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, slow_loop, .retry = { .attempts = 50, .first_delay_ms = 1, .max_delay_ms = 1 }), { 0 } } };
static const polka_service filtered = { .name = "filtered", .around = (polka_middleware *const[]){ outer, filter, NULL },
                                        .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, act, .emits = ANSWERS), { 0 } } };

static void prepare(void)
{
    h = harness_create();
    sink = (stubborn_sink){ .topic = NULL };
    source = (stubborn_source){ .fail_commits = 0 };
    called = second_called = 0;
    emit_count = 1;
    order[0] = '\0';
}

static void start(const polka_service *service, polkai_flow_options options)
{
    stubborn_start(h, service, options, &sink, &source);
}

static void equal(polka_text text, const char *expected)
{
    cr_assert(polka_text_equal(text, polka_text_of(expected)), "'%.*s' is not '%s'", POLKA_TEXT_ARGS(text), expected);
}

static void lose_the_partition(void)
{
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, true);
}

static polka_status step_fails(polka_error *error)
{
    polka_status status = POLKA_OK;
    for (int i = 0; i < 10 && status == POLKA_OK; i++)
        status = polkai_flow_step(h->flow, 0, NULL, error);
    return status;
}

static void give_up(void)
{
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    harness_destroy(h);
}

/* ---- a full queue ---- */

/* Found as a use after free: the record moved to our own memory while its letter waited and still pointed to the old one. */
Test(full_queue, delays_a_letter_and_changes_none_of_its_bytes)
{
    prepare();
    sink = (stubborn_sink){ .topic = "test.asked.acts.dlt", .refuse = 3 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "key", "die", "id-1");
    harness_turn(h);
    harness_advance_ms(h, 1000);
    const polkai_record *letter = harness_record(h, "test.asked.acts.dlt", 0);
    cr_assert_not_null(letter);
    equal(harness_text(letter), "die");
    equal((polka_text){ letter->key.size, (const char *)letter->key.data }, "key");
    equal(harness_header(h, letter, "ce_id"), "id-1");
    cr_assert_null(harness_record(h, "test.asked.acts.dlt", 1));
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

/* Found: each full queue doubled the wait, up to 30 s, though there was room again at once. */
Test(full_queue, delays_many_emissions_no_longer_than_it_is_full)
{
    prepare();
    sink = (stubborn_sink){ .topic = "test.answers", .every = 5 };
    start(&acts, (polkai_flow_options){ 0 });
    emit_count = 100;
    harness_put(h, "k", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_not_null(harness_record(h, "test.answers", 99));
    cr_assert_null(harness_record(h, "test.answers", 100));
    cr_assert_eq(called, 1);
    harness_destroy(h);
}

Test(emissions, of_ten_thousand_in_one_reaction_all_leave_once)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    emit_count = 10000;
    harness_put(h, "k", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0), 10000);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

/* ---- partitions that go ---- */

/* Found: a letter for a refused emission, of a partition that was lost meanwhile, was neither sent nor given up. */
Test(lost_partition, ends_an_event_whose_emission_is_refused_afterwards)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_put(h, "k", "go", NULL);
    harness_turn(h);
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "TOPIC_AUTHORIZATION_FAILED", 1);
    polkai_send_waiting(h->flow, INT64_MAX);             /* under way again, its report not yet read */
    lose_the_partition();
    harness_advance_ms(h, 60000);
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 0);
    cr_assert_null(harness_record(h, "test.asked.acts.dlt", 0));
    harness_destroy(h);
}

/* Found: what waited to be sent again left after the partition was gone, behind what its next owner had sent. */
Test(lost_partition, sends_nothing_of_what_waited_to_be_sent_again)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000);
    harness_put(h, "k", "go", NULL);
    harness_turn(h);
    lose_the_partition();
    polkai_memory_fail(h->memory, "test.answers", POLKA_OK, NULL, 0);
    harness_advance_ms(h, 60000);
    cr_assert_null(harness_record(h, "test.answers", 0));
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 0);
    harness_destroy(h);
}

Test(lost_partition, lets_other_partitions_send_what_was_held_behind_it)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_put(h, "k", "go", NULL);
    harness_turn(h);
    lose_the_partition();
    polkai_assigned(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1);
    harness_put(h, "k", "gone", NULL);
    harness_advance_ms(h, 60000);
    equal(harness_text(harness_record(h, "test.answers", 0)), "gone");
    harness_destroy(h);
}

Test(revoke, during_a_retry_leaves_the_key_to_the_next_owner)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "r1", NULL);
    harness_put(h, "a", "a2", NULL);
    harness_put(h, "b", "b1", NULL);
    harness_turn(h);
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, false);
    cr_assert_lt(harness_committed(h, "acts", "test.asked"), 1);
    harness_advance_ms(h, 1000);
    cr_assert_str_eq(order, "r1 b1 ");
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 0);
    cr_assert_eq(polkai_flow_count(h->flow).parked_events, 0);
    harness_destroy(h);
}

/* ---- drains ---- */

/* Found as a crash: the lane was gone, and leaving the group waited for the event once more. */
Test(drain, whose_deadline_passes_with_unacknowledged_sends_ends_and_frees_all)
{
    polka_error error;
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    harness_put(h, "k", "go", NULL);
    harness_put(h, "k", "go2", NULL);
    harness_put(h, "k", "r3", NULL);
    harness_turn(h);
    cr_assert_eq(polkai_flow_drain(h->flow, 1000, &error), POLKA_TRANSIENT);
    cr_assert_str_eq(error.code, "drain-deadline");
    cr_assert_lt(harness_committed(h, "acts", "test.asked"), 1);
    give_up();
}

/* Found as a leak: events that waited were forgotten when another one stopped the service. */
Test(misuse, of_one_event_frees_those_that_wait)
{
    polka_error error;
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "r1", NULL);
    harness_put(h, "a", "a2", NULL);
    harness_turn(h);
    harness_put(h, "m", "m1", NULL);
    cr_assert_eq(step_fails(&error), POLKA_MISUSE);
    give_up();
}

Test(destroy, without_a_drain_frees_what_waits_for_a_schema)
{
    prepare();
    polkai_memory_fail(h->memory, "polka.schemas", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    start(&acts, (polkai_flow_options){ .announce = true });
    harness_put(h, "a", "go", NULL);
    harness_put(h, "a", "behind", NULL);
    harness_turn(h);
    cr_assert_eq(polkai_flow_count(h->flow).parked_events, 2);
    give_up();
}

/* ---- commits ---- */

/* Found: a commit that failed afterwards counted as made, and the last one of a drain left it out. */
Test(commit, that_failed_later_is_made_again_by_the_drain)
{
    prepare();
    source = (stubborn_source){ .fail_commits = 1 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_lt(harness_committed(h, "acts", "test.asked"), 1);
    harness_stop(h);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

Test(commit, that_was_told_to_have_failed_is_made_again_without_new_events)
{
    prepare();
    source = (stubborn_source){ .fail_commits = 1 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 20000);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

Test(commit, is_made_only_when_something_moved)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    unsigned before = source.commits;
    for (int i = 0; i < 20; i++)
        harness_advance_ms(h, 1000);
    cr_assert_eq(source.commits, before);
    harness_destroy(h);
}

/* ---- the budget ---- */

/* Found: with a full budget an inline lane was not turned before the pause, a second later. */
Test(budget, that_is_full_delays_no_retry)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_events = 1 });
    harness_put(h, "a", "once", NULL);
    harness_put(h, "b", "behind", NULL);
    harness_turn(h);
    harness_advance_ms(h, 150);
    cr_assert_str_eq(order, "once once behind ");
    harness_destroy(h);
}

Test(budget, of_events_is_never_passed_and_ends_by_itself)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_events = 3 });
    for (int i = 0; i < 10; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        harness_put(h, key, "once", NULL);
    }
    for (int i = 0; i < 400; i++) {
        harness_advance_ms(h, 10);
        cr_assert_leq(polkai_flow_count(h->flow).in_flight, 3);
    }
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0), 10);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 10);
    harness_destroy(h);
}

/* Found: partitions that came while all were paused were not, and filled the budget beyond its end. */
Test(budget, holds_for_partitions_that_come_while_it_is_full)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_events = 2 });
    harness_put(h, "a", "r", NULL);
    harness_put(h, "b", "r", NULL);
    for (int i = 0; i < 20; i++)
        harness_advance_ms(h, 100);
    cr_assert_eq(source.pauses, 1);      /* full for long */
    polkai_assigned(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 7, 0 }, 1);
    cr_assert_eq(source.pauses, 2);
    harness_destroy(h);
}

/* ---- turns ---- */

/* Found: keys that are due again as fast as they are handled kept all others waiting. */
Test(retries, that_are_always_due_let_new_events_through)
{
    prepare();
    start(&loops, (polkai_flow_options){ 0 });
    harness_put(h, "a", "r1", NULL);
    harness_put(h, "c", "r2", NULL);
    harness_turn(h);
    harness_put(h, "b", "b1", NULL);
    harness_turn(h);
    cr_assert_lt(called, 20, "%s", order);
    cr_assert_not_null(strstr(order, "b1"));
    harness_destroy(h);
}

/* Found: each acknowledgement of another topic made the next try come at once, so a missing topic was tried without pause. */
Test(sends, to_a_missing_topic_are_tried_less_and_less_while_others_are_acknowledged)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    harness_put(h, "a", "go", NULL);
    for (int i = 0; i < 1000; i++) {
        harness_put(h, "d", "dies", NULL);
        harness_advance_ms(h, 20);
    }
    cr_assert_eq(polkai_memory_count(h->memory, "test.asked.acts.dlt", 0), 1000);
    cr_assert_lt(polkai_flow_count(h->flow).redelivered_sends, 30);
    polkai_memory_fail(h->memory, "test.answers", POLKA_OK, NULL, 0);
    harness_advance_ms(h, 60000);
    cr_assert_not_null(harness_record(h, "test.answers", 0));
    harness_destroy(h);
}

/* ---- letters ---- */

/* Found: the message said that the others were sent when they were refused, too. */
Test(letters, for_refused_emissions_count_only_what_was_sent)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    emit_count = 3;
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "TOPIC_AUTHORIZATION_FAILED", 2);
    harness_put(h, "k", "go", NULL);
    harness_advance_ms(h, 1000);
    polka_text message = harness_header(h, harness_record(h, "test.asked.acts.dlt", 0), "polka-error-message");
    cr_assert_not_null(memmem(message.data, message.size, "1 others", 8), "%.*s", POLKA_TEXT_ARGS(message));
    cr_assert_null(harness_record(h, "test.asked.acts.dlt", 1));
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

/* Found: a reason of any length went to two headers, beyond what is read of a header and what a topic takes. */
Test(letters, with_a_long_reason_can_be_read_again)
{
    prepare();
    start(&talks, (polkai_flow_options){ 0 });
    harness_put(h, "k", "go", NULL);
    harness_turn(h);
    polka_text message = harness_header(h, harness_record(h, "test.asked.talks.dlt", 0), "polka-error-message");
    cr_assert_gt(message.size, 100);
    cr_assert_leq(message.size, POLKAI_HEADER_LIMIT);
    polkai_envelope envelope;
    polka_error error;
    polkai_record again = *harness_record(h, "test.asked.talks.dlt", 0);
    polkai_record_headers(&again, &h->arena);
    cr_assert_eq(polkai_envelope_open(&again, POLKA_TEXT("c"), &h->arena, &envelope, &error), POLKA_OK, "%s", error.message);
    harness_destroy(h);
}

/* ---- several reactions ---- */

Test(reactions, that_are_settled_do_not_run_again_while_another_one_waits)
{
    prepare();
    start(&both, (polkai_flow_options){ 0 });
    harness_put(h, "k", "go", NULL);
    harness_put(h, "k", "next", NULL);
    harness_turn(h);
    cr_assert_eq(called, 1);
    cr_assert_eq(second_called, 1);
    cr_assert_lt(harness_committed(h, "both", "test.asked"), 1);
    harness_advance_ms(h, 2000);
    cr_assert_eq(called, 2);
    cr_assert_eq(second_called, 6);
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0), 4);
    cr_assert_eq(harness_committed(h, "both", "test.asked"), 2);
    harness_destroy(h);
}

/* ---- misuse ---- */

/* Found: an outer middleware that proceeds twice reached the handler past an inner one that had refused. */
Test(middleware, that_proceeds_twice_does_not_pass_an_inner_one_that_skipped)
{
    polka_error error;
    prepare();
    start(&filtered, (polkai_flow_options){ 0 });
    harness_put(h, "k", "go", NULL);
    cr_assert_eq(step_fails(&error), POLKA_MISUSE);
    cr_assert_str_eq(error.code, "proceed-twice");
    cr_assert_eq(called, 0);
    give_up();
}

Test(records, of_a_thousand_headers_and_every_kind_of_key_are_handled)
{
    static polkai_header headers[1000];
    static char names[1000][16];
    const uint8_t value[] = { 0xc3, 0x01, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 4, 'd', 'o' };
    for (int i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof names[i], "h-%d", i);
        headers[i] = (polkai_header){ polka_text_of(i == 999 ? "ce_type" : names[i]), { 10, (const uint8_t *)"test.Asked" } };
    }
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, NULL }, (polka_bytes){ sizeof value, value }, headers, 1000);
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, (const uint8_t *)"" }, (polka_bytes){ sizeof value, value }, headers, 1000);
    harness_put_raw(h, "test.asked", (polka_bytes){ 1, (const uint8_t *)"\0" }, (polka_bytes){ sizeof value, value }, headers, 1000);
    harness_advance_ms(h, 1000);
    cr_assert_eq(called, 3);
    cr_assert_eq(polkai_memory_count(h->memory, "test.asked.acts.dlt", 0), 3);
    const polkai_record *first = harness_record(h, "test.asked.acts.dlt", 0), *second = harness_record(h, "test.asked.acts.dlt", 1);
    cr_assert_null(first->key.data);
    cr_assert(second->key.data != NULL && second->key.size == 0);
    equal(harness_header(h, second, "h-998"), "test.Asked");
    harness_destroy(h);
}
