/* slots_test.c: reactions of which only so many handlers run at once, on lanes that are threads. */
#include "harness.h"

#include <flow/inner.h>

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KEYS = 40, PER_KEY = 10, LANES = 8, LIMIT_MS = 30000 };
static atomic_uint handled, others, inside, most, disorder, early;
static _Atomic int64_t released_ms;
static atomic_int last[KEYS];
static atomic_bool hold_back, begun;
static harness *h;

static int64_t now_ms(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000;
}

static polka_outcome limited(polka_context *ctx, const note *asked)
{
    int key = atoi(asked->text.data), number = atoi(strchr(asked->text.data, ':') + 1);
    unsigned now = atomic_fetch_add(&inside, 1) + 1, known = atomic_load(&most);
    while (known < now && !atomic_compare_exchange_weak(&most, &known, now)) { /* again */ }
    if (atomic_exchange(&begun, true) && polka_now_ms(ctx) < atomic_load(&released_ms))
        atomic_fetch_add(&early, 1);
    for (int64_t until = now_ms() + LIMIT_MS; atomic_load(&hold_back) && now_ms() < until;)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
    atomic_fetch_sub(&inside, 1);
    if (number == 3 && polka_caused_by(ctx)->attempt == 1)
        return polka_retry(ctx, "later");
    if (atomic_exchange(&last[key], number) != number - 1)
        atomic_fetch_add(&disorder, 1);
    atomic_fetch_add(&handled, 1);
    return POLKA_DONE;
}

static polka_outcome free_of_limits(polka_context *ctx, const note *asked)
{
    (void)ctx, (void)asked;
    atomic_fetch_add(&others, 1);
    return POLKA_DONE;
}

static const polka_service three = { .name = "three", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, limited, .concurrency = 3, .retry = { .attempts = 3, .first_delay_ms = 2 }), { 0 } } };
static const polka_service one_and_all = { .name = "one-and-all", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, free_of_limits), POLKA_REACT(test_asked, limited, .name = "limited", .concurrency = 1), { 0 } } };

static void begin(const polka_service *service)
{
    h = harness_create();
    for (int key = 0; key < KEYS; key++)
        atomic_store(&last[key], -1);
    for (int number = 0; number < PER_KEY; number++) {
        for (int key = 0; key < KEYS; key++) {
            char text[32], name[16];
            snprintf(text, sizeof text, "%d:%d", key, number);
            snprintf(name, sizeof name, "%d", key);
            harness_put(h, name, text, NULL);
        }
    }
    harness_start(h, service, (polkai_flow_options){ .lanes = LANES, .clock = &polkai_clock_real });
}

static void step_until(atomic_uint *count, unsigned wanted)
{
    polka_error error = { .status = POLKA_OK };
    for (int64_t until = now_ms() + LIMIT_MS; atomic_load(count) < wanted;) {
        cr_assert_lt(now_ms(), until, "only %u of %u", atomic_load(count), wanted);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK, "%s", error.message);
    }
}

Test(slots, are_all_used_and_no_more_and_each_key_keeps_its_order)
{
    begin(&three);
    step_until(&handled, KEYS * PER_KEY);
    cr_expect_eq(atomic_load(&most), 3);
    cr_expect_eq(atomic_load(&disorder), 0);
    harness_stop(h);
    cr_expect_eq(harness_committed(h, "three", "test.asked"), KEYS * PER_KEY);
    harness_destroy(h);
}

Test(slots, that_are_taken_hold_back_neither_the_lane_nor_the_other_reactions)
{
    atomic_store(&hold_back, true);
    begin(&one_and_all);
    step_until(&others, KEYS - LANES);   /* the first of each key of all lanes but perhaps the blocked one's */
    cr_expect(atomic_load(&begun));
    cr_expect_eq(atomic_load(&most), 1);
    cr_expect_eq(atomic_load(&handled), 0);
    atomic_store(&released_ms, polkai_clock_real.wall_ms(&polkai_clock_real));
    atomic_store(&hold_back, false);
    step_until(&handled, KEYS * PER_KEY);
    cr_expect_eq(atomic_load(&early), 0, "what waited for its slot has the time at which it got it: %u", atomic_load(&early));
    cr_expect_eq(atomic_load(&others), KEYS * PER_KEY);
    cr_expect_eq(atomic_load(&most), 1);
    cr_expect_eq(atomic_load(&disorder), 0);
    harness_destroy(h);
}

Test(slots, that_never_come_free_do_not_hold_up_a_drain_past_its_deadline)
{
    polka_error error;
    atomic_store(&hold_back, true);
    begin(&one_and_all);
    step_until(&others, KEYS - LANES);
    cr_expect_eq(polkai_flow_drain(h->flow, 200, &error), POLKA_TRANSIENT);      /* the handler stays where it is, and its lane with its memory */
}

/* ---- a partition that is given up while events wait for a slot ---- */

/* The first holds its slot until it is decided how far its partition is handled, or for as long as it is held back. */
static polka_outcome first_waits(polka_context *ctx, const note *asked)
{
    const polkai_partition *partition = ctx->delivery->partition;
    bool waits = asked->text.data[0] == 'w', holds = asked->text.data[0] == 'h';
    atomic_store(&begun, true);
    for (int64_t until = now_ms() + LIMIT_MS; now_ms() < until && ((waits && !atomic_load(&partition->decided)) || (holds && atomic_load(&hold_back)));)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    atomic_fetch_add(&handled, 1);
    return POLKA_DONE;
}

static const polka_service one = { .name = "one", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, first_waits, .concurrency = 1), { 0 } } };

static void put_done(const char *key)    /* of a type that nobody reacts to */
{
    polkai_header type = { POLKA_TEXT("ce_type"), { 9, (const uint8_t *)"test.Else" } };
    harness_put_raw(h, "test.asked", (polka_bytes){ strlen(key), (const uint8_t *)key }, (polka_bytes){ 1, (const uint8_t *)"" }, &type, 1);
}

static void step_until_queued(unsigned wanted)
{
    polka_error error = { .status = POLKA_OK };
    for (int64_t until = now_ms() + LIMIT_MS; polkai_flow_count(h->flow).parked_events < wanted || !atomic_load(&begun);) {
        cr_assert_lt(now_ms(), until, "only %" PRIu64, polkai_flow_count(h->flow).parked_events);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK, "%s", error.message);
    }
}

static void step_until_done(uint64_t unknown)
{
    polka_error error = { .status = POLKA_OK };
    for (int64_t until = now_ms() + LIMIT_MS; polkai_flow_count(h->flow).unknown_types < unknown || polkai_flow_count(h->flow).in_flight > polkai_flow_count(h->flow).parked_events + 1;) {
        cr_assert_lt(now_ms(), until, "only %" PRIu64, polkai_flow_count(h->flow).unknown_types);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK, "%s", error.message);
    }
}

/* Found: what waited for a slot was dropped by a drain, and what was done behind it was done again by the next owner. */
Test(slots, that_are_waited_for_are_still_given_by_a_drain_where_later_events_are_done)
{
    h = harness_create();
    harness_start(h, &one, (polkai_flow_options){ .lanes = LANES, .clock = &polkai_clock_real });
    harness_put(h, "a", "waits", NULL);
    step_until_queued(0);
    harness_put(h, "b", "before", NULL);
    step_until_queued(1);
    put_done("c");
    harness_put(h, "d", "after", NULL);
    step_until_queued(2);
    step_until_done(1);
    harness_stop(h);
    cr_expect_eq(atomic_load(&handled), 2, "what is behind all that was begun is left to the next owner");
    cr_expect_eq(harness_committed(h, "one", "test.asked"), 3);
    harness_destroy(h);
}

static void two_partitions(void)
{
    polka_error error;
    h->sink->operations->close(h->sink, 0);
    polkai_memory_destroy(h->memory);
    h->memory = polkai_memory_create(&h->clock, 2);
    cr_assert_eq(polkai_memory_sink_open(&h->sink, h->memory, NULL, NULL, &error), POLKA_OK);
}

/* Puts done events with the keys from *key on until one is in this partition; *key is its key then. */
static void put_done_in(int32_t partition, char key[2])
{
    for (size_t before = polkai_memory_count(h->memory, "test.asked", partition); polkai_memory_count(h->memory, "test.asked", partition) == before;) {
        key[0]++;
        put_done(key);
    }
}

/* So that a handler of another partition does not keep this one until the deadline. */
Test(slots, that_are_waited_for_in_vain_hold_up_a_revoke_for_a_share_of_its_deadline)
{
    char key[2] = "a";
    h = harness_create();
    two_partitions();
    atomic_store(&hold_back, true);
    harness_start(h, &one, (polkai_flow_options){ .lanes = LANES, .clock = &polkai_clock_real, .drain_deadline_ms = 4000 });
    harness_put(h, "a", "holds", NULL);
    step_until_queued(0);
    int32_t other = polkai_memory_count(h->memory, "test.asked", 0) == 1 ? 1 : 0;
    put_done_in(other, key);
    harness_put(h, key, "queued", NULL);
    step_until_queued(1);
    put_done_in(other, key);             /* behind it */
    uint64_t done = polkai_memory_count(h->memory, "test.asked", 0) + polkai_memory_count(h->memory, "test.asked", 1) - 2;
    step_until_done(done);
    int64_t began_ms = now_ms();
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), other, 0 }, 1, false);
    cr_expect_lt(now_ms() - began_ms, 4000);
    cr_expect_geq(now_ms() - began_ms, 900, "a quarter of it is waited");
    cr_expect_eq(atomic_load(&handled), 0);
    cr_expect_eq(polkai_flow_count(h->flow).in_flight, 1);
    atomic_store(&hold_back, false);
    harness_destroy(h);
}
