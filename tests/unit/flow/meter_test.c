/* meter_test.c: what a flow counts for those who run it, by reaction, by emitted type and by partition. */
#include "harness.h"

#include <flow/meter.h>

#include <criterion/criterion.h>
#include <stdlib.h>

static harness *h;

/* Takes as many milliseconds as its number says, and then does what its first letter says. */
static polka_outcome by_letter(polka_context *ctx, const note *asked)
{
    h->now_ns += atoll(asked->text.data + 1) * 1000000;
    polka_emit(ctx, &test_answered_event, &(note){ asked->text }, NULL);
    switch (asked->text.data[0]) {
    case 's': return POLKA_SKIP;
    case 'd': return polka_dead(ctx, "as asked");
    case 'r': return polka_caused_by(ctx)->attempt == 1 ? polka_retry(ctx, "once more") : POLKA_DONE;
    default: return POLKA_DONE;
    }
}

static polka_outcome hear(polka_context *ctx, const note *asked)
{
    (void)ctx, (void)asked;
    return POLKA_DONE;
}

static const polka_service metered = {
    .name = "metered", .domain = "test", .version = "1",
    .reactions = (const polka_reaction[]){
        POLKA_REACT(test_asked, by_letter, .emits = POLKA_EMITS(&test_answered_event), .retry = { .attempts = 3, .first_delay_ms = 100 }),
        POLKA_REACT(test_asked, hear, .name = "hears"), { 0 } },
};

static void counts_by_reaction(void)
{
    uint64_t emitted;
    polkai_reaction_reading first = polkai_meter_read(h->flow, 0), second = polkai_meter_read(h->flow, 1), none = polkai_meter_read(h->flow, 2);
    cr_assert_eq(polkai_meter_reactions(h->flow), 3u);
    cr_expect_eq(first.reaction, &metered.reactions[0]);
    cr_expect_null(none.reaction);
    cr_expect(first.done == 3 && first.skipped == 1 && first.retries == 1 && first.dead == 1, "%llu %llu %llu %llu", (unsigned long long)first.done,
              (unsigned long long)first.skipped, (unsigned long long)first.retries, (unsigned long long)first.dead);
    cr_expect(second.done == 5 && second.skipped == 0 && second.dead == 0 && second.retries == 0);
    cr_expect(none.dead == 1 && none.done == 0);
    cr_expect(first.took[0] == 4 && first.took[1] == 1 && first.took[POLKAI_METER_BOUNDS] == 1, "5 ms is still in the first bucket");
    cr_expect_eq(first.took_ns, UINT64_C(11011) * 1000000);
    cr_expect_eq(first.running, 0u);
    cr_expect_eq(polkai_meter_emitted(h->flow, 0, 0, &emitted), &test_answered_event);
    cr_expect_eq(emitted, 3u, "what was dropped with its outcome is not emitted");
    cr_expect(polkai_meter_emitted(h->flow, 1, 0, &emitted) != NULL && emitted == 0);
    cr_expect_null(polkai_meter_emitted(h->flow, 0, 1, &emitted));
}

Test(meter, counts_by_reaction_and_by_partition)
{
    static const char *const notes[] = { "o5", "o6", "s0", "d11000", "r0" };
    polkai_flow_reading reading;
    h = harness_create();
    harness_start(h, &metered, (polkai_flow_options){ .metered = true });
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        harness_put(h, notes[i], notes[i], NULL);
    harness_put_raw(h, "test.asked", (polka_bytes){ 1, (const uint8_t *)"k" }, (polka_bytes){ 3, (const uint8_t *)"???" }, NULL, 0);
    harness_turn(h);
    harness_advance_ms(h, 1000);         /* the second attempt */
    harness_turn(h);
    counts_by_reaction();
    harness_advance_ms(h, 1000);         /* the copy of the poll thread is made once a second */
    harness_turn(h);
    polkai_meter_read_flow(h->flow, &h->arena, &reading);
    cr_expect_eq(reading.received, 6u);
    cr_expect_geq(reading.commits, 1u);
    cr_expect_eq(reading.assigned, 1u);
    cr_assert_eq(reading.partition_count, 1u);
    cr_expect_eq(polka_text_equal(reading.partitions[0].topic, POLKA_TEXT("test.asked")), true);
    cr_expect(reading.partitions[0].done == 6 && reading.partitions[0].end == 6 && reading.partitions[0].in_flight == 0);
    cr_expect_eq(reading.partitions[0].committed, 6);
    harness_stop(h);
    harness_destroy(h);
}

Test(meter, shows_what_is_behind_an_event_that_waits)
{
    polkai_flow_reading reading;
    h = harness_create();
    harness_start(h, &metered, (polkai_flow_options){ .metered = true });
    harness_put(h, "a", "r0", NULL);
    harness_put(h, "a", "o0", NULL);
    harness_put(h, "b", "o0", NULL);
    harness_turn(h);
    h->now_ns += 1;                      /* long before its second attempt */
    polkai_meter_read_flow(h->flow, &h->arena, &reading);
    cr_expect(reading.waiting_keys == 1 && reading.waiting_events == 2);
    harness_advance_ms(h, 50);
    harness_turn(h);
    polkai_meter_read_flow(h->flow, &h->arena, &reading);
    cr_expect_eq(reading.partition_count, 1u);
    harness_stop(h);
    harness_destroy(h);
}

/* ---- what a handler measures itself ---- */

static int64_t measured[3];

static polka_outcome measure(polka_context *ctx, const note *asked)
{
    (void)asked;
    measured[0] = polka_elapsed_ns(ctx);
    h->now_ns += 7000000;
    measured[1] = polka_elapsed_ns(ctx);
    h->now_ns += 5;
    measured[2] = polka_elapsed_ns(ctx);
    return polka_caused_by(ctx)->attempt == 1 ? polka_retry(ctx, "once more") : POLKA_DONE;
}

static const polka_service stopwatch = { .name = "stopwatch", .version = "1", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, measure, .retry = { .attempts = 2, .first_delay_ms = 100 }), { 0 } } };

Test(meter, time_in_a_handler_moves_and_begins_anew_with_each_attempt)
{
    h = harness_create();
    harness_start(h, &stopwatch, (polkai_flow_options){ 0 });
    harness_put(h, "k", "one", "id-1");
    harness_turn(h);
    for (unsigned attempt = 1; attempt <= 2; attempt++) {
        cr_assert(measured[0] == 0 && measured[1] == 7000000 && measured[2] == 7000005, "attempt %u", attempt);
        measured[0] = -1;
        harness_advance_ms(h, 200);
        harness_turn(h);
    }
    cr_assert_eq(measured[0], -1, "two attempts, and no third");
    harness_stop(h);
    harness_destroy(h);
}
