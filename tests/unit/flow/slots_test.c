/* slots_test.c: reactions of which only so many handlers run at once, on lanes that are threads. */
#include "harness.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KEYS = 40, PER_KEY = 10, LANES = 8, LIMIT_MS = 30000 };
static atomic_uint handled, others, inside, most, disorder;
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
    atomic_store(&begun, true);
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
    atomic_store(&hold_back, false);
    step_until(&handled, KEYS * PER_KEY);
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
