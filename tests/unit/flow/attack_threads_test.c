/* attack_threads_test.c: the same kind of trouble, on lanes that are threads and in producers of several threads. */
#include "harness.h"

#include <flow/inner.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_MS = 30000, THREADS = 4, UNITS = 200 };
static atomic_uint begun, opened, closed, failed_commits;
static atomic_bool go_on;

static int64_t now_ms(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000;
}

static polka_outcome die(polka_context *ctx, const note *asked)
{
    (void)asked;
    return polka_dead(ctx, "no");
}

/* Uses the memory of the event until it is told that the letter of the other reaction is there. */
static polka_outcome work_on(polka_context *ctx, const note *asked)
{
    (void)asked;
    atomic_fetch_add(&begun, 1);
    for (int64_t until = now_ms() + LIMIT_MS; !atomic_load(&go_on);) {
        cr_assert_lt(now_ms(), until);
        memset(polka_alloc(ctx, 1, 100), 'x', 100);
    }
    return POLKA_DONE;
}

/* "m…" forgets its outcome, "r…" comes later, "w…" waits. */
static polka_outcome mixed(polka_context *ctx, const note *asked)
{
    atomic_fetch_add(&begun, 1);
    if (asked->text.data[0] == 'r')
        return polka_retry(ctx, "later");
    for (int64_t until = now_ms() + LIMIT_MS; asked->text.data[0] == 'm' && !atomic_load(&go_on);)
        cr_assert_lt(now_ms(), until);
    return asked->text.data[0] == 'm' ? (polka_outcome)0 : POLKA_DONE;
}

static polka_status open_third_fails(polka_context *ctx, void **resource, polka_error *error)
{
    (void)ctx;
    if (atomic_fetch_add(&opened, 1) == 2) {
        snprintf(error->message, sizeof error->message, "no third one");
        return POLKA_FATAL;
    }
    *resource = malloc(1);
    return POLKA_OK;
}

static polka_status open_asks_what_is_not_there(polka_context *ctx, void **resource, polka_error *error)
{
    (void)error;
    *resource = malloc(1);
    (void)polka_setting_text(ctx, "smtp.host");
    return POLKA_OK;
}

static polka_status open_emits(polka_context *ctx, void **resource, polka_error *error)
{
    (void)error;
    (void)resource;
    polka_emit(ctx, &test_answered_event, &(note){ POLKA_TEXT("x") }, NULL);
    return POLKA_OK;
}

static void close_resource(void *resource)
{
    free(resource);
    atomic_fetch_add(&closed, 1);
}

#define REACTS(...) .reactions = (const polka_reaction[]){ __VA_ARGS__, { 0 } }
static const polka_service two = { .name = "two", REACTS(POLKA_REACT(test_asked, die), POLKA_REACT(test_asked, work_on, .name = "second")) };
static const polka_service works = { .name = "works", REACTS(POLKA_REACT(test_asked, work_on)) };
static const polka_service mixes = { .name = "mixes", REACTS(POLKA_REACT(test_asked, mixed, .retry = { .attempts = 100, .first_delay_ms = 1000 })) };
static const polka_service third = { .name = "third", .open = open_third_fails, .close = close_resource, REACTS(POLKA_REACT(test_asked, mixed)) };
static const polka_service asks = { .name = "asks", .open = open_asks_what_is_not_there, .close = close_resource, REACTS(POLKA_REACT(test_asked, mixed)) };
static const polka_service emits = { .name = "emits", .open = open_emits, REACTS(POLKA_REACT(test_asked, mixed, .emits = POLKA_EMITS(&test_answered_event))) };
static const polka_service edge = { .name = "edge", .emits = POLKA_EMITS(&test_answered_event) };

static void step_until(harness *h, atomic_uint *count, unsigned wanted)
{
    polka_error error = { .status = POLKA_OK };
    for (int64_t until = now_ms() + LIMIT_MS; atomic_load(count) < wanted;) {
        cr_assert_lt(now_ms(), until, "only %u of %u", atomic_load(count), wanted);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK, "%s", error.message);
    }
}

/* Found by ThreadSanitizer: the letter was made again in the arena that the second reaction was using. */
Test(lanes, of_one_reaction_and_the_letter_of_another_share_no_memory)
{
    polka_error error = { .status = POLKA_OK };
    harness *h = harness_create();
    polkai_memory_fail(h->memory, "test.asked.two.dlt", POLKA_POISON, "MSG_SIZE_TOO_LARGE", 1);
    harness_start(h, &two, (polkai_flow_options){ .lanes = 1, .clock = &polkai_clock_real });
    harness_put(h, "k", "go", NULL);
    step_until(h, &begun, 1);
    for (int64_t until = now_ms() + LIMIT_MS; harness_record(h, "test.asked.two.dlt", 0) == NULL;) {
        cr_assert_lt(now_ms(), until);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    }
    atomic_store(&go_on, true);
    harness_stop(h);
    cr_assert_null(harness_record(h, "test.asked.two.dlt", 0)->value.data);
    cr_assert_eq(harness_committed(h, "two", "test.asked"), 1);
    harness_destroy(h);
}

/* Found by reading: what was lost is nothing to wait for, and each later rebalance took all of its deadline. */
Test(revoke, does_not_wait_for_the_handler_of_a_partition_that_was_lost_before)
{
    enum { DEADLINE_MS = 8000 };
    harness *h = harness_create();
    polkai_position partition = { POLKA_TEXT("test.asked"), 0, -1 };
    harness_start(h, &works, (polkai_flow_options){ .lanes = 1, .clock = &polkai_clock_real, .drain_deadline_ms = DEADLINE_MS });
    harness_put(h, "k", "go", NULL);
    step_until(h, &begun, 1);
    polkai_revoked(h->flow, &partition, 1, true);
    polkai_assigned(h->flow, &partition, 1);
    int64_t before_ms = now_ms();
    polkai_revoked(h->flow, &partition, 1, false);
    cr_expect_lt(now_ms() - before_ms, DEADLINE_MS / 2);
    atomic_store(&go_on, true);
    harness_destroy(h);
}

/* Found as a leak: what was in a mailbox or parked when another event stopped the service. */
Test(lanes, that_are_stopped_by_misuse_give_back_what_they_have)
{
    polka_error error;
    harness *h = harness_create();
    atomic_store(&go_on, false);
    atomic_store(&begun, 0);
    harness_start(h, &mixes, (polkai_flow_options){ .lanes = 1, .clock = &polkai_clock_real });
    harness_put(h, "a", "r1", NULL);
    harness_put(h, "a", "behind", NULL);
    step_until(h, &begun, 1);
    harness_put(h, "b", "m1", NULL);
    step_until(h, &begun, 2);
    for (int i = 0; i < 100; i++)
        harness_put(h, "c", "never begun", NULL);
    cr_assert_eq(polkai_flow_step(h->flow, 0, NULL, &error), POLKA_OK);
    atomic_store(&go_on, true);
    polka_status status = POLKA_OK;
    for (int64_t until = now_ms() + LIMIT_MS; status == POLKA_OK; status = polkai_flow_step(h->flow, 1, NULL, &error))
        cr_assert_lt(now_ms(), until);
    cr_assert_eq(status, POLKA_MISUSE);
    (void)!polkai_flow_drain(h->flow, 1000, &error);
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 0);
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    cr_assert_lt(harness_committed(h, "mixes", "test.asked"), 1);
    harness_destroy(h);
}

/* ---- drains ---- */

static polka_outcome answer(polka_context *ctx, const note *asked)
{
    polka_emit(ctx, &test_answered_event, asked, NULL);
    atomic_fetch_add(&begun, 1);
    return POLKA_DONE;
}

static const polka_service answers = { .name = "answers", REACTS(POLKA_REACT(test_asked, answer, .emits = POLKA_EMITS(&test_answered_event))) };

/* Found by tests/faults: the handler had answered, its emission waited for the acknowledgement of its schema, and both were done again. */
Test(drain, lets_emissions_leave_that_wait_for_their_schema)
{
    polka_error error = { .status = POLKA_OK };
    harness *h = harness_create();
    atomic_store(&begun, 0);
    polkai_memory_fail(h->memory, "polka.schemas", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 4);
    harness_start(h, &answers, (polkai_flow_options){ .lanes = 1, .clock = &polkai_clock_real, .announce = true });
    harness_put(h, "k", "go", NULL);
    step_until(h, &begun, 1);
    cr_assert_eq(polkai_flow_drain(h->flow, LIMIT_MS, &error), POLKA_OK, "%s", error.message);
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    cr_assert_not_null(harness_record(h, "test.answers", 0));
    cr_assert_eq(harness_committed(h, "answers", "test.asked"), 1);
    harness_destroy(h);
}

/* ---- a lane by itself ---- */

static atomic_uint worked;
static atomic_bool blocked;
static polkai_lane *left_alone;

static polka_status open_nothing(void *user, polka_error *error)
{
    (void)user, (void)error;
    return POLKA_OK;
}

static int64_t count_items(void *user, polkai_lane_item *items)
{
    (void)user;
    for (; items != NULL; items = items->next)
        atomic_fetch_add(&worked, 1);
    for (int64_t until = now_ms() + LIMIT_MS; atomic_load(&blocked);)
        cr_assert_lt(now_ms(), until);
    return INT64_MAX;
}

static void close_nothing(void *user)
{
    (void)user;
    atomic_fetch_add(&closed, 1);
}

static const polkai_lane_duty counts = { NULL, open_nothing, count_items, close_nothing };

Test(lane, works_off_what_it_was_given_before_it_ends)
{
    polka_error error;
    polkai_lane_item item = { NULL };
    cr_assert_eq(polkai_lane_start(&left_alone, &counts, false, &polkai_clock_real, &error), POLKA_OK);
    polkai_lane_give(left_alone, &item, &item);
    cr_assert(polkai_lane_stop(left_alone, 1000));
    cr_assert_eq(atomic_load(&worked), 1);
    left_alone = NULL;
}

Test(lane, that_was_stuck_works_off_its_mailbox_when_it_comes_back)
{
    static polkai_lane_item items[2];
    polka_error error;
    atomic_store(&blocked, true);
    cr_assert_eq(polkai_lane_start(&left_alone, &counts, true, &polkai_clock_real, &error), POLKA_OK);
    polkai_lane_give(left_alone, &items[0], &items[0]);
    for (int64_t until = now_ms() + LIMIT_MS; atomic_load(&worked) < 1;)
        cr_assert_lt(now_ms(), until);
    polkai_lane_give(left_alone, &items[1], &items[1]);
    cr_assert_not(polkai_lane_stop(left_alone, 1));
    atomic_store(&blocked, false);
    for (int64_t until = now_ms() + LIMIT_MS; atomic_load(&closed) == 0;)
        cr_assert_lt(now_ms(), until);
    cr_assert_eq(atomic_load(&worked), 2);
}

/* ---- open ---- */

static void start_fails(const polka_service *service, unsigned lanes, const char *says)
{
    polka_error error = { .status = POLKA_OK };
    polkai_source *source;
    polkai_sink *sink;
    harness *h = harness_create();
    atomic_store(&opened, 0);
    atomic_store(&closed, 0);
    polkai_flow_options options = { .service = service, .lanes = lanes, .clock = &polkai_clock_real, .log = &h->log };
    cr_assert_eq(polkai_flow_create(&h->flow, &options, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(polkai_memory_source_open(&source, h->memory, service->name, &error), POLKA_OK);
    cr_assert_eq(polkai_memory_sink_open(&sink, h->memory, polkai_flow_report, h->flow, &error), POLKA_OK);
    cr_assert_neq(polkai_flow_start(h->flow, source, sink, &error), POLKA_OK);
    cr_assert_not_null(strstr(error.message, says), "%s", error.message);
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    harness_destroy(h);
}

Test(open, that_fails_on_the_third_of_four_lanes_closes_the_first_two)
{
    start_fails(&third, 4, "no third one");
    cr_assert_eq(atomic_load(&closed), 2);
}

/* Found as a leak. */
Test(open, that_asked_for_an_undeclared_setting_has_its_resource_closed)
{
    start_fails(&asks, 0, "smtp.host");
    cr_assert_eq(atomic_load(&closed), 1);
}

/* Found: it was dropped in silence. */
Test(open, that_emits_is_misuse)
{
    start_fails(&emits, 0, "cannot be emitted");
}

/* ---- producers ---- */

static void *commit_units(void *user)
{
    polkai_flow *flow = user;
    for (int i = 0; i < UNITS; i++) {
        polka_error error = { .status = POLKA_OK };
        polka_context *unit = polkai_flow_begin(flow);
        for (int e = 0; e < 5; e++)
            polka_emit(unit, &test_answered_event, &(note){ POLKA_TEXT("text") }, NULL);
        if (polkai_flow_commit_take(unit, &error) != POLKA_OK) {
            cr_assert_str_eq(error.code, "TOPIC_AUTHORIZATION_FAILED", "%s", error.message);
            atomic_fetch_add(&failed_commits, 1);
        }
    }
    return NULL;
}

static polkai_flow *start_producer(harness *h)
{
    polka_error error;
    polkai_flow *flow;
    polkai_sink *sink;
    polkai_flow_options options = { .service = &edge, .clock = &polkai_clock_real, .log = &h->log, .announce = true };
    cr_assert_eq(polkai_flow_create(&flow, &options, &error), POLKA_OK);
    cr_assert_eq(polkai_memory_sink_open(&sink, h->memory, polkai_flow_report, flow, &error), POLKA_OK);
    cr_assert_eq(polkai_flow_start(flow, NULL, sink, &error), POLKA_OK);
    return flow;
}

/* Found by ThreadSanitizer: one thread reported a failure into the arena that another one was encoding to. */
Test(producer, of_several_threads_tells_each_of_its_own_failures)
{
    pthread_t threads[THREADS];
    harness *h = harness_create();
    polkai_memory_fail(h->memory, "polka.schemas", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 3);
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "TOPIC_AUTHORIZATION_FAILED", 200);
    polkai_flow *flow = start_producer(h);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, commit_units, flow);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_geq(atomic_load(&failed_commits), 200 / 5);
    cr_assert_leq(atomic_load(&failed_commits), 200);
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0), THREADS * UNITS * 5 - 200);
    polkai_flow_destroy(flow);
    harness_destroy(h);
}

/* Found as a crash. */
Test(producer, that_proceeds_like_a_middleware_is_told_so)
{
    polka_error error = { .status = POLKA_OK };
    harness *h = harness_create();
    polkai_flow *flow = start_producer(h);
    polka_context *unit = polkai_flow_begin(flow);
    cr_assert_eq(polka_proceed(unit), POLKA_DEAD);
    cr_assert_eq(polkai_flow_commit_take(unit, &error), POLKA_MISUSE);
    polkai_flow_destroy(flow);
    harness_destroy(h);
}
