/* transaction_threads_test.c: exactly-once with lanes and a committer that are threads: order, revoke and loss in the middle, a call that hangs. */
#include "flaky.h"

#include <flow/inner.h>
#include <flow/schema/framing.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 3000, KEYS = 40, LIMIT_MS = 30000 };

static polka_outcome answer(polka_context *ctx, const note *asked)
{
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

/* Every seventh event or so is retried once: so they finish in any order. */
static polka_outcome answer_in_any_order(polka_context *ctx, const note *asked)
{
    if (polka_caused_by(ctx)->attempt == 1 && atoi(asked->text.data) % 7 == 3)
        return polka_retry(ctx, "later");
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

static const polka_service copy = { .name = "copy", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answer, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
static const polka_service shuffled = { .name = "shuffled", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answer_in_any_order, .emits = POLKA_EMITS(&test_answered_event), .retry = { .attempts = 3, .first_delay_ms = 2 }), { 0 } } };

static polka_outcome answer_twice(polka_context *ctx, const note *asked)
{
    polka_emit(ctx, &test_answered_event, asked, NULL);
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

static polka_outcome wait(polka_context *ctx, const note *answered)
{
    (void)answered;
    return polka_retry(ctx, "later");
}

static const polka_service doubled = { .name = "doubled", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answer_twice, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
static const polka_service both = { .name = "both", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answer, .emits = POLKA_EMITS(&test_answered_event)),
    POLKA_REACT(test_answered, wait, .retry = { .attempts = 100, .first_delay_ms = 30000 }), { 0 } } };

static int64_t now_ms(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000;
}

static void step(harness *h)
{
    polka_error error = { .status = POLKA_OK };
    cr_assert_eq(polkai_flow_step(h->flow, 5, NULL, &error), POLKA_OK, "%s", error.message);
}

#define STEP_UNTIL(H, CONDITION) \
    do { \
        int64_t until = now_ms() + LIMIT_MS; \
        while (!(CONDITION)) { \
            step(H); \
            cr_assert_lt(now_ms(), until, "not within %d ms: %s", LIMIT_MS, #CONDITION); \
        } \
    } while (0)

static size_t answers(harness *h)
{
    return polkai_memory_count(h->memory, "test.answers", 0);
}

static void start(harness *h, const polka_service *service, polkai_flow_options options, flaky_transaction *flaky, stubborn_source *source)
{
    options.clock = &polkai_clock_real;
    flaky_start(h, service, options, flaky, source);
}

Test(lanes, finish_in_any_order_and_the_answers_leave_in_that_of_the_events)
{
    harness *h = harness_create();
    flaky_transaction flaky = { .call = FLAKY_COMMIT, .verdict = POLKAI_TRANSACTION_ABORT, .at = 3, .times = 1 };
    for (int i = 0; i < EVENTS; i++) {
        char key[16], text[16];
        snprintf(key, sizeof key, "%d", i % KEYS);
        snprintf(text, sizeof text, "%d", i);
        harness_put(h, key, text, NULL);
    }
    start(h, &shuffled, (polkai_flow_options){ .lanes = 4, .transaction_interval_ms = 5, .transaction_events = 100 }, &flaky, NULL);
    STEP_UNTIL(h, harness_committed(h, "shuffled", "test.asked") == EVENTS);
    cr_assert_eq(answers(h), EVENTS);
    for (size_t i = 0; i < EVENTS; i++) {
        polka_text text = harness_text(harness_record(h, "test.answers", i));
        cr_assert_eq((size_t)atoi(polkai_arena_text(&h->arena, text.data, text.size).data), i);
    }
    cr_assert_geq(flaky.made[FLAKY_COMMIT], EVENTS / 100);
    harness_destroy(h);
}

Test(handlers, run_on_during_a_commit)
{
    harness *h = harness_create();
    flaky_transaction flaky = { 0 };
    start(h, &copy, (polkai_flow_options){ .lanes = 1, .transaction_interval_ms = 1 }, &flaky, NULL);
    atomic_store(&flaky.blocked[FLAKY_COMMIT], true);
    harness_put(h, "k", "a", NULL);
    STEP_UNTIL(h, atomic_load(&flaky.inside[FLAKY_COMMIT]) == 1);
    harness_put(h, "k", "b", NULL);
    STEP_UNTIL(h, polkai_flow_count(h->flow).done == 2);
    cr_assert_eq(answers(h), 0);
    atomic_store(&flaky.blocked[FLAKY_COMMIT], false);
    STEP_UNTIL(h, answers(h) == 2);
    harness_destroy(h);
}

Test(handlers, fill_the_next_transaction_while_one_is_committed)
{
    harness *h = harness_create();
    flaky_transaction flaky = { 0 };
    start(h, &copy, (polkai_flow_options){ .lanes = 1, .transaction_interval_ms = 1, .in_flight_events = 10 }, &flaky, NULL);
    atomic_store(&flaky.blocked[FLAKY_COMMIT], true);
    for (int i = 0; i < 40; i++)
        harness_put(h, "k", "a", NULL);
    STEP_UNTIL(h, atomic_load(&flaky.inside[FLAKY_COMMIT]) == 1);
    uint64_t leaving = h->flow->leaving; /* all ten, unless the lane was slower than the poll thread */
    cr_assert_geq(leaving, 1);
    STEP_UNTIL(h, polkai_flow_count(h->flow).done == leaving + 10);
    for (int i = 0; i < 20; i++)
        step(h);
    cr_assert_eq(polkai_flow_count(h->flow).received, leaving + 10, "the budget holds for what is not in the transaction");
    cr_assert_eq(answers(h), 0);
    atomic_store(&flaky.blocked[FLAKY_COMMIT], false);
    STEP_UNTIL(h, answers(h) == 40);
    harness_destroy(h);
}

/* ---- another member ---- */

static polkai_source *join(harness *h, const char *group)
{
    polka_error error;
    polkai_source *other;
    polka_text topic = POLKA_TEXT("test.asked");
    cr_assert_eq(polkai_memory_source_open(&other, h->memory, group, &error), POLKA_OK);
    cr_assert_eq(other->operations->start(other, &(polkai_start){ .topics = &topic, .topic_count = 1 }, &error), POLKA_OK);
    return other;
}

static void let_commit(void *flaky)
{
    atomic_store(&((flaky_transaction *)flaky)->blocked[FLAKY_COMMIT], false);
}

/* The partition comes back at once, as the other member is the second: what was not committed then would be handled twice. */
Test(revoke, in_the_middle_of_a_transaction_waits_for_its_end)
{
    harness *h = harness_create();
    flaky_transaction flaky = { 0 };
    stubborn_source source = { .on_revoked = let_commit, .user = &flaky };
    start(h, &copy, (polkai_flow_options){ .lanes = 1, .transaction_interval_ms = 1 }, &flaky, &source);
    atomic_store(&flaky.blocked[FLAKY_COMMIT], true);
    for (int i = 0; i < 50; i++)
        harness_put(h, "k", "a", NULL);
    STEP_UNTIL(h, polkai_flow_count(h->flow).received == 50 && atomic_load(&flaky.inside[FLAKY_COMMIT]) == 1);
    polkai_source *other = join(h, "copy");
    STEP_UNTIL(h, harness_committed(h, "copy", "test.asked") == 50 && polkai_flow_count(h->flow).in_flight == 0);
    cr_assert_not(atomic_load(&flaky.blocked[FLAKY_COMMIT]), "nothing was revoked");
    cr_assert_eq(flaky.made[FLAKY_ABORT], 0);
    cr_assert_eq(polkai_flow_count(h->flow).done, 50);
    cr_assert_eq(answers(h), 50);
    other->operations->close(other, 0);
    harness_destroy(h);
}

Test(revoke, whose_deadline_passes_leaves_the_transaction_to_fail)
{
    harness *h = harness_create();
    flaky_transaction flaky = { 0 };
    start(h, &copy, (polkai_flow_options){ .lanes = 1, .transaction_interval_ms = 1, .drain_deadline_ms = 50 }, &flaky, NULL);
    atomic_store(&flaky.blocked[FLAKY_OFFSETS], true);
    harness_put(h, "k", "a", NULL);
    STEP_UNTIL(h, atomic_load(&flaky.inside[FLAKY_OFFSETS]) == 1);
    polkai_source *other = join(h, "copy");
    step(h);
    atomic_store(&flaky.blocked[FLAKY_OFFSETS], false);
    STEP_UNTIL(h, flaky.made[FLAKY_ABORT] == 1);
    cr_assert_eq(flaky.made[FLAKY_COMMIT], 0);
    cr_assert_eq(answers(h), 0);
    other->operations->close(other, 0);
    STEP_UNTIL(h, answers(h) == 1);      /* whoever has the partition handles it again */
    cr_assert_eq(harness_committed(h, "copy", "test.asked"), 1);
    harness_destroy(h);
}

Test(loss, in_the_middle_of_a_transaction_aborts_it)
{
    harness *h = harness_create();
    flaky_transaction flaky = { 0 };
    stubborn_source source = { 0 };
    polkai_position lost = { POLKA_TEXT("test.asked"), 0, -1 };
    start(h, &copy, (polkai_flow_options){ .lanes = 1, .transaction_interval_ms = 1 }, &flaky, &source);
    atomic_store(&flaky.blocked[FLAKY_SEND], true);
    harness_put(h, "k", "a", NULL);
    harness_put(h, "k", "b", NULL);
    STEP_UNTIL(h, atomic_load(&flaky.inside[FLAKY_SEND]) == 1);
    source.listener.revoked(source.listener.user, &lost, 1, true);
    atomic_store(&flaky.blocked[FLAKY_SEND], false);
    STEP_UNTIL(h, flaky.made[FLAKY_ABORT] == 1 && polkai_flow_count(h->flow).in_flight == 0);
    cr_assert_eq(flaky.made[FLAKY_COMMIT], 0);
    cr_assert_eq(answers(h), 0);
    cr_assert_lt(harness_committed(h, "copy", "test.asked"), 0);
    harness_destroy(h);
}

Test(loss, is_what_the_log_gives_as_the_reason)
{
    harness *h = harness_create();
    flaky_transaction flaky = { 0 };
    stubborn_source source = { 0 };
    polkai_position lost = { POLKA_TEXT("test.asked"), 0, -1 };
    start(h, &doubled, (polkai_flow_options){ .lanes = 1, .transaction_interval_ms = 1 }, &flaky, &source);
    atomic_store(&flaky.blocked[FLAKY_SEND], true);
    harness_put(h, "k", "a", NULL);
    STEP_UNTIL(h, atomic_load(&flaky.inside[FLAKY_SEND]) == 1);
    source.listener.revoked(source.listener.user, &lost, 1, true);
    atomic_store(&flaky.blocked[FLAKY_SEND], false);
    STEP_UNTIL(h, flaky.made[FLAKY_ABORT] == 1 && polkai_flow_count(h->flow).in_flight == 0);
    cr_assert_not_null(strstr(h->all_logs, "was aborted: its partitions are another member's by now"), "%s", h->all_logs);
    harness_destroy(h);
}

/* Found by reading: a transaction names each partition that has moved, also one of which nothing leaves; that one may go meanwhile. */
Test(revoke, of_a_partition_without_anything_in_the_transaction_leaves_its_name)
{
    harness *h = harness_create();
    flaky_transaction flaky = { 0 };
    stubborn_source source = { 0 };
    polkai_position revoked = { POLKA_TEXT("test.answers"), 0, -1 };
    uint8_t value[POLKAI_SINGLE_OBJECT_BYTES + 2] = { [POLKAI_SINGLE_OBJECT_BYTES] = 2, 'x' };
    polkai_header type = { POLKA_TEXT("ce_type"), { 13, (const uint8_t *)"test.Answered" } };
    polkai_framing_write(value, test_answered_event.fingerprint);
    harness_put_raw(h, "test.answers", (polka_bytes){ 1, (const uint8_t *)"k" }, (polka_bytes){ sizeof value, value }, &type, 1);
    start(h, &both, (polkai_flow_options){ .lanes = 1, .transaction_interval_ms = 1 }, &flaky, &source);
    atomic_store(&flaky.blocked[FLAKY_SEND], true);
    STEP_UNTIL(h, polkai_flow_count(h->flow).parked_events == 1);
    harness_put(h, "k", "a", NULL);
    STEP_UNTIL(h, atomic_load(&flaky.inside[FLAKY_SEND]) == 1);
    source.listener.revoked(source.listener.user, &revoked, 1, false);
    atomic_store(&flaky.blocked[FLAKY_SEND], false);
    STEP_UNTIL(h, harness_committed(h, "both", "test.asked") == 1);
    cr_assert_eq(flaky.offset_count, 2, "both were named");
    cr_assert_eq(flaky.made[FLAKY_ABORT], 0);
    harness_destroy(h);
}

/* ---- a call that hangs ---- */

Test(watchdog, says_which_call_hangs_and_ends_the_service)
{
    static const struct { flaky_call call; const char *name; } rows[] = {
        { FLAKY_INIT, "init" }, { FLAKY_BEGIN, "begin" }, { FLAKY_SEND, "send" }, { FLAKY_OFFSETS, "offsets" }, { FLAKY_COMMIT, "commit" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        polka_error error = { .status = POLKA_OK };
        harness *h = harness_create();
        flaky_transaction flaky = { .transaction.call_ms = 200 };
        atomic_store(&flaky.blocked[rows[i].call], true);
        start(h, &copy, (polkai_flow_options){ .lanes = 1, .transaction_interval_ms = 1 }, &flaky, NULL);
        harness_put(h, "k", "a", NULL);
        int64_t until = now_ms() + LIMIT_MS;
        while (polkai_flow_step(h->flow, 5, NULL, &error) == POLKA_OK)
            cr_assert_lt(now_ms(), until);
        cr_assert_eq(error.status, POLKA_FATAL);
        cr_assert_str_eq(error.code, "transaction-stuck");
        cr_assert_eq(strncmp(error.message, rows[i].name, strlen(rows[i].name)), 0, "%s", error.message);
        atomic_store(&flaky.blocked[rows[i].call], false);
        harness_destroy(h);
    }
}
