/* replace_test.c: deadline.action replace-lane: a handler that does not come back loses its lane, on lanes that are threads. */
#include "harness.h"

#include <criterion/criterion.h>
#include <base/random.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LIMIT_MS = 30000, MOST = 16, KEYS = 20, PER_KEY = 30, SOON_MS = 40 };
static atomic_uint begun, ended, returned, opened, closed, refused;
static atomic_bool let_go, let_the_other_go;
static harness *h;

static int64_t real_ms(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000;
}

static void nap(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static __attribute__((noinline)) void stands_here(void)
{
    for (int64_t limit = real_ms() + LIMIT_MS; !atomic_load(&let_go) && real_ms() < limit;)
        nap();
}

/* What a late one still tries: all of it has to come to nothing. */
static polka_outcome comes_back_late(polka_context *ctx, const note *asked)
{
    cr_expect_eq(*(const int *)polka_resource(ctx), 7, "its resource is open as long as it runs");
    polka_text text = polka_format(ctx, "%.*s of %.*s", POLKA_TEXT_ARGS(asked->text), POLKA_TEXT_ARGS(polka_caused_by(ctx)->key));
    polka_header(ctx, "ce_id");
    polka_info(ctx, "late: %.*s", POLKA_TEXT_ARGS(text));
    polka_emit(ctx, &test_answered_event, asked, NULL);
    polka_emit(ctx, &test_answered_event, asked, NULL);
    if (polka_failed(ctx) == POLKA_DEAD)
        atomic_fetch_add(&refused, 1);
    atomic_fetch_add(&returned, 1);
    return asked->text.data[1] == 'r' ? polka_retry(ctx, "again") : asked->text.data[1] == 'd' ? polka_dead(ctx, "dead") : POLKA_DONE;
}

/* "f…" stands until it is let go, "b…" has emitted before; "m…" stands and is not late; "r…" is tried again once; all others answer. */
static polka_outcome waits(polka_context *ctx, const note *asked)
{
    char first = asked->text.data[0];
    if (first == 'b')
        polka_emit(ctx, &test_answered_event, asked, NULL);
    atomic_fetch_add(&begun, 1);
    if (first == 'f' || first == 'b') {
        stands_here();
        return comes_back_late(ctx, asked);
    }
    if (first == 'm')
        stands_here();
    if (first == 'r' && polka_caused_by(ctx)->attempt == 1)
        return polka_retry(ctx, "once more");
    polka_emit(ctx, &test_answered_event, asked, NULL);
    atomic_fetch_add(&ended, 1);
    return POLKA_DONE;
}

static polka_outcome waits_longer(polka_context *ctx, const note *asked)
{
    atomic_fetch_add(&begun, 1);
    for (int64_t limit = real_ms() + LIMIT_MS; !atomic_load(&let_the_other_go) && real_ms() < limit;)
        nap();
    return comes_back_late(ctx, asked);
}

static polka_outcome answers(polka_context *ctx, const note *asked)
{
    polka_emit(ctx, &test_answered_event, asked, NULL);
    atomic_fetch_add(&ended, 1);
    return POLKA_DONE;
}

/* Asks for its handler only when its own time is over. */
static polka_outcome dawdles(polka_context *ctx)
{
    atomic_fetch_add(&begun, 1);
    stands_here();
    polka_outcome outcome = polka_proceed(ctx);
    atomic_fetch_add(&returned, 1);
    return outcome;
}

static polka_status open_resource(polka_context *ctx, void **resource, polka_error *error)
{
    (void)ctx, (void)error;
    int *seven = malloc(sizeof *seven);
    *seven = 7;
    *resource = seven;
    atomic_fetch_add(&opened, 1);
    return POLKA_OK;
}

static void close_resource(void *resource)
{
    *(int *)resource = 0;
    free(resource);
    atomic_fetch_add(&closed, 1);
}

static polka_status open_once(polka_context *ctx, void **resource, polka_error *error)
{
    if (atomic_load(&opened) == 0)
        return open_resource(ctx, resource, error);
    error->status = POLKA_FATAL;
    snprintf(error->code, sizeof error->code, "no-database");
    snprintf(error->message, sizeof error->message, "the database is gone");
    return POLKA_FATAL;
}

#define ONE_REACTION (const polka_reaction[]){ POLKA_REACT(test_asked, waits, .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 5000, \
                                                           .retry = { .attempts = 2, .first_delay_ms = 1000 }), { 0 } }
static const polka_service patient = { .name = "patient", .open = open_resource, .close = close_resource, .reactions = ONE_REACTION };
static const polka_service homeless = { .name = "homeless", .open = open_once, .close = close_resource, .reactions = ONE_REACTION };
static const polka_service slow = { .name = "slow", .around = (polka_middleware *const[]){ dawdles, NULL }, .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answers, .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 5000), { 0 } } };
static const polka_service three = { .name = "three", .open = open_resource, .close = close_resource, .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answers, .name = "before", .emits = POLKA_EMITS(&test_answered_event)),
    POLKA_REACT(test_asked, waits, .name = "one", .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 5000),
    POLKA_REACT(test_asked, answers, .name = "between", .emits = POLKA_EMITS(&test_answered_event)),
    POLKA_REACT(test_asked, waits, .name = "other", .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 5000),
    POLKA_REACT(test_asked, answers, .name = "behind", .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
static const polka_service pair = { .name = "pair", .open = open_resource, .close = close_resource, .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, waits, .name = "one", .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 5000),
    POLKA_REACT(test_asked, waits_longer, .name = "other", .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 5000), { 0 } } };
static const polka_service narrow = { .name = "narrow", .open = open_resource, .close = close_resource, .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, waits, .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 5000, .concurrency = 1), { 0 } } };

static polka_status step(polka_error *error)
{
    *error = (polka_error){ .status = POLKA_OK };
    return polkai_flow_step(h->flow, 0, NULL, error);
}

static void step_until(atomic_uint *count, unsigned wanted)
{
    polka_error error;
    for (int64_t until = real_ms() + LIMIT_MS; atomic_load(count) < wanted;) {
        cr_assert_lt(real_ms(), until, "only %u of %u", atomic_load(count), wanted);
        cr_assert_eq(step(&error), POLKA_OK, "%s", error.message);
    }
}

static void step_until_settled(void)
{
    polka_error error;
    for (int64_t until = real_ms() + LIMIT_MS; polkai_flow_count(h->flow).in_flight > 0;) {
        cr_assert_lt(real_ms(), until);
        h->now_ns += 10000000;           /* for what waits for its next attempt; no faster, or a handler that is not run for a moment is late */
        cr_assert_eq(step(&error), POLKA_OK, "%s", error.message);
        nap();
    }
}

static void step_until_all_returned(void)
{
    polka_error error;
    atomic_store(&let_go, true);
    for (int64_t until = real_ms() + LIMIT_MS; polkai_flow_lost(h->flow) > 0;) {
        cr_assert_lt(real_ms(), until);
        (void)!step(&error);
    }
    (void)!step(&error);
}

/* Looks every half second of virtual time until the deadline of five seconds has passed. */
static polka_status pass(polka_error *error)
{
    polka_status status = POLKA_OK;
    for (int i = 0; i < 12 && status == POLKA_OK; i++) {
        h->now_ns += 500000000;
        status = step(error);
    }
    return status;
}

static void pass_well(void)
{
    polka_error error;
    cr_assert_eq(pass(&error), POLKA_OK, "%s", error.message);
}

static void begin(const polka_service *service, unsigned lanes)
{
    h = harness_create();
    harness_start(h, service, (polkai_flow_options){ .lanes = lanes, .replace_lanes = true, .drain_deadline_ms = 2000 });
}

static void logged(const char *what)
{
    cr_expect_not_null(strstr(h->all_logs, what), "'%s' is not in: %s", what, h->all_logs);
}

static void letter_says(const char *topic, size_t index, const char *header, const char *value)
{
    const polkai_record *letter = harness_record(h, topic, index);
    cr_assert_not_null(letter, "no letter %zu on %s", index, topic);
    polka_text text = harness_header(h, letter, header);
    cr_expect(polka_text_equal(text, polka_text_of(value)), "%s: %.*s", header, POLKA_TEXT_ARGS(text));
}

static void ends_clean(const char *group, int64_t committed, unsigned lanes)
{
    harness_stop(h);
    cr_expect_eq(harness_committed(h, group, "test.asked"), committed);
    harness_destroy(h);
    cr_expect_eq(atomic_load(&opened), lanes);
    cr_expect_eq(atomic_load(&closed), lanes);
}

Test(replace, of_a_lane_lets_its_key_and_all_others_go_on_and_makes_a_letter_of_the_event)
{
    begin(&patient, 1);
    harness_put(h, "k", "first", "id-of-it");
    harness_put(h, "k", "second", NULL);
    harness_put(h, "other", "third", NULL);
    step_until(&begun, 1);
    pass_well();
    step_until(&ended, 2);
    step_until_settled();
    cr_expect_eq(polkai_flow_lost(h->flow), 1u);
    cr_expect_eq(polkai_memory_count(h->memory, "test.asked.patient.dlt", 0), 1);
    letter_says("test.asked.patient.dlt", 0, "polka-error-code", "deadline-exceeded");
    letter_says("test.asked.patient.dlt", 0, "polka-error-class", "handler");
    letter_says("test.asked.patient.dlt", 0, "polka-handler", "test.Asked");
    letter_says("test.asked.patient.dlt", 0, "polka-original-offset", "0");
    letter_says("test.asked.patient.dlt", 0, "ce_id", "id-of-it");
    cr_expect(polka_text_equal(harness_text(harness_record(h, "test.asked.patient.dlt", 0)), POLKA_TEXT("first")));
    logged("waits (reaction test.Asked) is past its deadline of 5000 ms");
    logged("Event id-of-it at test.asked/0/0, key k");
    logged("stands_here+0x");
    logged("handlers given up and still running: 1, at most 16");
    step_until_all_returned();
    logged("has returned");
    cr_expect_eq(atomic_load(&closed), 1u, "the resource of its thread");
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 2, "none of the late one");
    cr_expect_eq(atomic_load(&refused), 1u, "and polka_failed told it");
    ends_clean("patient", 3, 2);
}

/* No stack of this size can be had. */
static void let_there_be_no_threads(bool none)
{
    static size_t usual;
    pthread_attr_t attributes;
    pthread_getattr_default_np(&attributes);
    if (none)
        pthread_attr_getstacksize(&attributes, &usual);
    pthread_attr_setstacksize(&attributes, none ? (size_t)1 << 48 : usual);
    cr_assert_eq(pthread_setattr_default_np(&attributes), 0);
    pthread_attr_destroy(&attributes);
}

/* Found by reading: the lane was NULL then, and the drain gave it what it held. */
Test(replace, stops_the_service_where_there_is_no_thread_for_the_lane)
{
    polka_error error;
    begin(&patient, 2);
    harness_put(h, "k", "first", NULL);
    step_until(&begun, 1);
    for (unsigned i = 0; i < 20; i++)
        harness_put(h, "k", "later", NULL);
    cr_assert_eq(step(&error), POLKA_OK);
    let_there_be_no_threads(true);
    polka_status status = pass(&error);
    let_there_be_no_threads(false);
    cr_expect_eq(status, POLKA_FATAL);
    cr_expect_str_eq(error.code, "no-thread", "%s", error.message);
    cr_expect_eq(polkai_flow_lost(h->flow), 1u);
    (void)!polkai_flow_drain(h->flow, 500, &error);
    step_until_all_returned();
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 0);
    harness_destroy(h);
}

Test(replace, of_a_lane_goes_on_with_its_counts)
{
    begin(&patient, 1);
    harness_put(h, "other", "third", NULL);
    step_until(&ended, 1);
    harness_put(h, "k", "first", NULL);
    step_until(&begun, 2);
    pass_well();
    step_until_settled();
    cr_expect_eq(polkai_flow_lost(h->flow), 1u);
    cr_expect_eq(polkai_flow_count(h->flow).done, 1u);
    step_until_all_returned();
    ends_clean("patient", 2, 2);
}

static atomic_uint spans;

static bool samples(void *user, const char *trace_id, polkai_trace_parent parent)
{
    return (void)user, (void)trace_id, (void)parent, true;
}

static void span_ended(void *user, const polkai_span *span)
{
    (void)user;
    if (polka_text_equal(span->error, POLKA_TEXT("deadline-exceeded")) && polka_text_equal(span->outcome, POLKA_TEXT("dead")) && span->offset == 0)
        atomic_fetch_add(&spans, 1);
}

/* Found by reading: who took the event over had no span to end, and the handler's own end does not count. */
Test(replace, of_a_lane_ends_the_span_of_its_handler)
{
    static const polkai_tracing tracing = { .samples = samples, .ended = span_ended };
    h = harness_create();
    harness_start(h, &patient, (polkai_flow_options){ .lanes = 1, .replace_lanes = true, .drain_deadline_ms = 2000, .tracing = &tracing });
    harness_put(h, "k", "first", NULL);
    step_until(&begun, 1);
    pass_well();
    step_until_settled();
    cr_expect_eq(atomic_load(&spans), 1u);
    step_until_all_returned();
    cr_expect_eq(atomic_load(&spans), 1u);
    ends_clean("patient", 1, 2);
}

static atomic_uint replacing;

/* The deadline has been found to have passed, and the handler ends before it is given up. */
static void let_it_end(void *user, bool begins)
{
    (void)user;
    atomic_fetch_add(&replacing, 1);
    atomic_store(&let_go, true);
    for (int64_t until = real_ms() + LIMIT_MS; begins && polkai_flow_count(h->flow).done == 0 && real_ms() < until;)
        nap();
}

Test(replace, does_not_happen_to_a_handler_that_ends_a_moment_after_its_deadline)
{
    h = harness_create();
    harness_start(h, &patient, (polkai_flow_options){ .lanes = 1, .replace_lanes = true, .replacing = let_it_end });
    harness_put(h, "k", "m", NULL);
    step_until(&begun, 1);
    pass_well();
    step_until_settled();
    logged("It has ended a moment later");
    cr_expect_eq(atomic_load(&replacing), 2u, "it begins, and is over");
    cr_expect_eq(polkai_flow_lost(h->flow), 0u);
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 1);
    cr_expect_eq(polkai_memory_count(h->memory, "test.asked.patient.dlt", 0), 0);
    ends_clean("patient", 1, 1);
}

Test(replace, leaves_nothing_of_a_late_handler_whatever_it_answers)
{
    const char *texts[] = { "fr", "fd", "fo", "bo", "br" };
    begin(&patient, 1);
    for (size_t i = 0; i < 5; i++)
        harness_put(h, "k", texts[i], NULL);
    harness_put(h, "k", "r-last", NULL);
    for (unsigned i = 1; i <= 5; i++) {
        step_until(&begun, i);
        pass_well();
    }
    step_until_settled();
    step_until_all_returned();
    cr_expect_eq(atomic_load(&returned), 5u);
    cr_expect_eq(atomic_load(&refused), 5u);
    cr_expect_eq(polkai_memory_count(h->memory, "test.asked.patient.dlt", 0), 5);
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 1, "of the last one");
    cr_expect_eq(polkai_flow_count(h->flow).retries, 1);
    cr_expect_eq(polkai_flow_count(h->flow).dead, 5);
    ends_clean("patient", 6, 6);
}

Test(replace, keeps_what_waits_on_the_lane_and_its_order)
{
    begin(&patient, 1);
    harness_put(h, "waiting", "r1", NULL);
    harness_put(h, "waiting", "a2", NULL);
    harness_put(h, "stuck", "f", NULL);
    harness_put(h, "stuck", "r3", NULL);
    harness_put(h, "stuck", "a4", NULL);
    step_until(&begun, 2);               /* the first is parked by now, and its retry is due while the lane stands */
    pass_well();
    step_until_settled();
    const char *order[] = { "r1", "a2" }, *other[] = { "r3", "a4" };
    size_t at = 0, at_other = 0;
    for (size_t i = 0; i < 4; i++) {
        polka_text text = harness_text(harness_record(h, "test.answers", i));
        if (at < 2 && polka_text_equal(text, polka_text_of(order[at])))
            at++;
        else if (at_other < 2 && polka_text_equal(text, polka_text_of(other[at_other])))
            at_other++;
    }
    cr_expect(at == 2 && at_other == 2);
    step_until_all_returned();
    ends_clean("patient", 5, 2);
}

/* Two of five reactions get stuck, one after the other; the sends of the first are not acknowledged, so the event borrows from both. */
Test(replace, of_one_reaction_leaves_the_others_of_the_event_as_they_are)
{
    begin(&three, 1);
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "later", 1000);
    harness_put(h, "k", "f", NULL);
    step_until(&begun, 1);
    pass_well();
    step_until(&begun, 2);
    pass_well();
    step_until(&ended, 3);
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 0);
    polkai_memory_fail(h->memory, "test.answers", POLKA_OK, "", 0);
    cr_expect_gt(polkai_flow_count(h->flow).in_flight, 0);
    step_until_all_returned();           /* before what it emitted is acknowledged: its memory is still needed */
    step_until_settled();
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 3);
    cr_expect_eq(polkai_memory_count(h->memory, "test.asked.three.dlt", 0), 2);
    letter_says("test.asked.three.dlt", 0, "polka-handler", "one");
    letter_says("test.asked.three.dlt", 1, "polka-handler", "other");
    ends_clean("three", 1, 3);
}

/* Found by reading, as a use after free: the first returned, and the event was settled, while the other still ran on what it borrows from it. */
Test(replace, of_a_second_reaction_of_an_event_keeps_what_it_borrows_from_the_first)
{
    polka_error error;
    begin(&pair, 1);
    harness_put(h, "k", "f", "id-of-it");
    step_until(&begun, 1);
    pass_well();
    step_until(&begun, 2);
    pass_well();
    step_until_settled();
    atomic_store(&let_go, true);
    for (int64_t until = real_ms() + LIMIT_MS; polkai_flow_lost(h->flow) > 1;) {
        cr_assert_lt(real_ms(), until);
        (void)!step(&error);
    }
    cr_assert_eq(step(&error), POLKA_OK);
    atomic_store(&let_the_other_go, true);
    step_until_all_returned();
    logged("late: f of k");
    cr_expect_eq(atomic_load(&refused), 2u);
    ends_clean("pair", 1, 3);
}

Test(replace, gives_back_the_slot_of_a_reaction_that_is_limited)
{
    begin(&narrow, 2);
    harness_put(h, "k", "f", NULL);
    step_until(&begun, 1);
    for (int i = 0; i < 10; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        harness_put(h, key, "a", NULL);
    }
    pass_well();
    step_until(&ended, 10);
    step_until_settled();
    step_until_all_returned();
    ends_clean("narrow", 11, 3);
}

Test(replace, refuses_a_middleware_that_proceeds_too_late)
{
    begin(&slow, 1);
    harness_put(h, "k", "a", NULL);
    step_until(&begun, 1);
    pass_well();
    step_until_settled();
    step_until_all_returned();
    cr_expect_eq(atomic_load(&ended), 0u, "its handler was not called");
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 0);
    ends_clean("slow", 1, 0);
}

Test(replace, of_more_than_sixteen_at_once_stops_the_service_as_the_first_does_without)
{
    polka_error error, drained;
    begin(&patient, 1);
    for (unsigned i = 0; i <= MOST; i++)
        harness_put(h, "k", "f", NULL);
    harness_put(h, "k", "a", NULL);
    for (unsigned i = 1; i <= MOST; i++) {
        step_until(&begun, i);
        pass_well();
    }
    cr_expect_eq(polkai_flow_lost(h->flow), (unsigned)MOST);
    step_until(&begun, MOST + 1);
    h->all_logs[0] = '\0';               /* it is full by now */
    cr_expect_eq(pass(&error), POLKA_FATAL);
    cr_expect_str_eq(error.code, "handler-stuck");
    cr_expect(polkai_flow_log_stuck(h->flow, &error));
    logged("16 handlers that were given up still run");
    logged("the process ends with 4");
    cr_expect_eq(polkai_flow_drain(h->flow, 1000, &drained), POLKA_TRANSIENT);
    cr_expect_eq(harness_committed(h, "patient", "test.asked"), MOST);
    atomic_store(&let_go, true);
    for (int64_t until = real_ms() + LIMIT_MS; polkai_flow_lost(h->flow) > 0 && real_ms() < until;)
        nap();
    cr_expect_eq(polkai_flow_lost(h->flow), 0u);
}

Test(replace, counts_only_handlers_that_have_not_returned)
{
    begin(&patient, 1);
    for (unsigned i = 1; i <= MOST + 4; i++) {
        atomic_store(&let_go, false);
        harness_put(h, "k", "f", NULL);
        step_until(&begun, i);
        pass_well();
        step_until_all_returned();
    }
    step_until_settled();
    ends_clean("patient", MOST + 4, MOST + 5);
}

Test(replace, lets_a_drain_be_clean_while_a_handler_never_returns)
{
    polka_error error = { .status = POLKA_OK };
    begin(&patient, 2);
    harness_put(h, "k", "f", NULL);
    step_until(&begun, 1);
    pass_well();
    harness_put(h, "k", "a", NULL);
    step_until(&ended, 1);
    step_until_settled();
    cr_expect_eq(polkai_flow_drain(h->flow, 1000, &error), POLKA_OK, "%s", error.message);
    cr_expect_eq(harness_committed(h, "patient", "test.asked"), 2);
    cr_expect_eq(polkai_flow_lost(h->flow), 1u);
    polkai_flow_destroy(h->flow);        /* leaves it as it is: the late one may still look at it */
    atomic_store(&let_go, true);
    for (int64_t until = real_ms() + LIMIT_MS; polkai_flow_lost(h->flow) > 0 && real_ms() < until;)
        nap();
    cr_expect_eq(atomic_load(&returned), 1u);
    cr_expect_eq(atomic_load(&refused), 1u);
    cr_expect_eq(atomic_load(&closed), 3u, "its own resource too");
}

Test(replace, that_finds_no_resource_for_the_new_thread_stops_the_service)
{
    polka_error error = { .status = POLKA_OK };
    begin(&homeless, 1);
    harness_put(h, "k", "f", NULL);
    harness_put(h, "k", "a", NULL);
    step_until(&begun, 1);
    for (int64_t until = real_ms() + LIMIT_MS; error.status == POLKA_OK && real_ms() < until;)
        (void)!pass(&error);
    cr_expect_str_eq(error.code, "no-database");
    cr_expect_not_null(strstr(error.message, "lane 1"), "%s", error.message);
    atomic_store(&let_go, true);
    for (int64_t until = real_ms() + LIMIT_MS; polkai_flow_lost(h->flow) > 0 && real_ms() < until;)
        nap();
    (void)!polkai_flow_drain(h->flow, 100, &error);
    cr_expect_leq(harness_committed(h, "homeless", "test.asked"), 0, "the next owner handles both");
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    cr_expect_eq(atomic_load(&closed), 1u);
}

/* ---- on the real clock: deadlines that pass about when handlers end ---- */

static atomic_uint effects[KEYS][PER_KEY];
static atomic_int last[KEYS];
static atomic_uint disorder;
static uint32_t delay_us[KEYS][PER_KEY];

static polka_outcome takes_its_time(polka_context *ctx, const note *asked)
{
    int key = atoi(asked->text.data), number = atoi(strchr(asked->text.data, ':') + 1);
    int before = atomic_load(&last[key]);
    while (before < number && !atomic_compare_exchange_weak(&last[key], &before, number)) { /* a late one */ }
    if (before >= number)
        atomic_fetch_add(&disorder, 1);
    nanosleep(&(struct timespec){ .tv_nsec = delay_us[key][number] * 1000L }, NULL);
    cr_assert_eq(*(const int *)polka_resource(ctx), 7);
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

static const polka_service hurried = { .name = "hurried", .open = open_resource, .close = close_resource, .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, takes_its_time, .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = SOON_MS), { 0 } } };

/* Most are quick, a few end about when their deadline passes, or a little after it. */
static uint32_t any_delay_us(polkai_random *random)
{
    uint64_t number = polkai_random_next(random);
    return number % 16 == 0 ? SOON_MS * 1000u + (uint32_t)(number >> 8) % 30000u : (uint32_t)(number >> 8) % 300u;
}

static void put_all(uint64_t seed)
{
    polkai_random random;
    polkai_random_seed(&random, seed);
    for (int number = 0; number < PER_KEY; number++) {
        for (int key = 0; key < KEYS; key++) {
            char text[32], name[16];
            delay_us[key][number] = any_delay_us(&random);
            snprintf(text, sizeof text, "%d:%d", key, number);
            snprintf(name, sizeof name, "%d", key);
            harness_put(h, name, text, NULL);
        }
    }
    for (int key = 0; key < KEYS; key++)
        atomic_store(&last[key], -1);
}

static void count_effects(const char *topic)
{
    const polkai_record *record;
    for (size_t i = 0; (record = harness_record(h, topic, i)) != NULL; i++) {
        polka_text text = harness_text(record);
        effects[atoi(text.data)][atoi(memchr(text.data, ':', text.size) + 1)]++;
    }
}

Test(replace, leaves_one_effect_or_one_letter_of_each_event_in_order_when_deadlines_pass_as_handlers_end)
{
    uint64_t seed = (uint64_t)real_ms();
    polka_error error;
    h = harness_create();
    harness_start(h, &hurried, (polkai_flow_options){ .lanes = 6, .replace_lanes = true, .clock = &polkai_clock_real });
    put_all(seed);
    for (int64_t until = real_ms() + LIMIT_MS; polkai_flow_count(h->flow).received < KEYS * PER_KEY || polkai_flow_count(h->flow).in_flight > 0;) {
        cr_assert_lt(real_ms(), until, "seed %llu", (unsigned long long)seed);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK, "%s, seed %llu", error.message, (unsigned long long)seed);
    }
    step_until_all_returned();
    harness_stop(h);
    cr_expect_eq(harness_committed(h, "hurried", "test.asked"), KEYS * PER_KEY);
    count_effects("test.answers");
    count_effects("test.asked.hurried.dlt");
    for (int key = 0; key < KEYS; key++)
        for (int number = 0; number < PER_KEY; number++)
            cr_expect_eq(effects[key][number], 1u, "%d:%d has %u, seed %llu", key, number, effects[key][number], (unsigned long long)seed);
    cr_expect_eq(atomic_load(&disorder), 0u, "seed %llu", (unsigned long long)seed);
    size_t letters = polkai_memory_count(h->memory, "test.asked.hurried.dlt", 0);
    cr_expect_gt(letters, 0, "seed %llu", (unsigned long long)seed);
    harness_destroy(h);
    cr_expect_eq(atomic_load(&opened), 6 + letters, "each lane that was replaced has opened anew");
    cr_expect_eq(atomic_load(&closed), atomic_load(&opened));
}
