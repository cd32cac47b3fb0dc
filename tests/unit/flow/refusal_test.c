/* refusal_test.c: exactly-once, where the broker refuses what is sent: for good, or for as long as a right is missing. */
#include "copying.h"

#include <flow/transaction.h>

#include <criterion/criterion.h>

/* ---- refused by the broker ---- */

Test(refused, emission_becomes_a_dead_letter_and_the_others_leave)
{
    harness *h = harness_create();
    flaky_transaction flaky = { 0 };
    flaky_start(h, &copy, (polkai_flow_options){ 0 }, &flaky, NULL);
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "INVALID_RECORD", 1);
    put(h, "a");
    put(h, "b");
    harness_advance_ms(h, 5000);
    expect_answers(h, "b");
    const polkai_record *letter = harness_record(h, "test.asked.copy.dlt", 0);
    cr_assert_not_null(letter);
    equal(harness_header(h, letter, "polka-error-code"), "INVALID_RECORD");
    equal(harness_text(letter), "a");
    cr_assert_eq(harness_committed(h, "copy", "test.asked"), 2);
    put(h, "c");
    harness_advance_ms(h, 1000);
    expect_answers(h, "b c");
    cr_assert_null(harness_record(h, "test.asked.copy.dlt", 1));
    harness_destroy(h);
}

/* ---- a right is missing ---- */

static harness *on_two_partitions(void)
{
    polka_error error;
    harness *h = harness_create();
    h->sink->operations->close(h->sink, 0);
    polkai_memory_destroy(h->memory);
    h->memory = polkai_memory_create(&h->clock, 2);
    cr_assert_eq(polkai_memory_sink_open(&h->sink, h->memory, NULL, NULL, &error), POLKA_OK);
    return h;
}

/* A minute in which another partition is never still: what it commits does not begin the back-off anew. */
Test(right, is_waited_for_by_a_back_off_that_grows_though_another_partition_moves)
{
    harness *h = on_two_partitions();
    flaky_transaction flaky = { 0 };
    flaky_start(h, &choosy, (polkai_flow_options){ .transaction_interval_ms = 10 }, &flaky, NULL);
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "TOPIC_AUTHORIZATION_FAILED", 1000000);
    harness_put(h, "b", "late", NULL);   /* so that the other one has committed each time before it fails */
    put(h, "skip");
    cr_assert_eq(polkai_memory_count(h->memory, "test.asked", 0), 1, "the two keys are to be in two partitions");
    for (unsigned i = 0; i < 600; i++) {
        harness_advance_ms(h, 100);
        put(h, "skip");
    }
    cr_assert_leq(flaky.made[FLAKY_ABORT], 20, "%u transactions in a minute", flaky.made[FLAKY_ABORT]);
    cr_assert_geq(flaky.made[FLAKY_ABORT], 8);
    expect_answers(h, "");
    cr_assert_null(harness_record(h, "test.asked.choosy.dlt", 0));
    polkai_memory_fail(h->memory, "test.answers", POLKA_OK, NULL, 0);
    harness_advance_ms(h, 30000);
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0) + polkai_memory_count(h->memory, "test.answers", 1), 1);
    flaky.made[FLAKY_ABORT] = 0;
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "TOPIC_AUTHORIZATION_FAILED", 1);
    harness_put(h, "b", "late", NULL);
    harness_advance_ms(h, 3000);
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0) + polkai_memory_count(h->memory, "test.answers", 1), 2, "and begins anew when all have");
    harness_destroy(h);
}

/* ---- a letter is refused ---- */

/* An event whose letter is refused so many times. */
static harness *with_a_refused_letter(flaky_transaction *flaky, const char *code, unsigned times)
{
    harness *h = harness_create();
    flaky_start(h, &choosy, (polkai_flow_options){ 0 }, flaky, NULL);
    polkai_memory_fail(h->memory, "test.asked.choosy.dlt", POLKA_POISON, code, times);
    put(h, "dead");
    return h;
}

Test(refused, letter_goes_without_its_value_when_it_is_too_large)
{
    flaky_transaction flaky = { 0 };
    harness *h = with_a_refused_letter(&flaky, "MSG_SIZE_TOO_LARGE", 1);
    harness_advance_ms(h, 5000);
    const polkai_record *letter = harness_record(h, "test.asked.choosy.dlt", 0);
    cr_assert_not_null(letter);
    cr_assert_null(letter->value.data);
    cr_assert_null(harness_record(h, "test.asked.choosy.dlt", 1));
    cr_assert_eq(harness_committed(h, "choosy", "test.asked"), 1);
    harness_destroy(h);
}

Test(refused, letter_that_no_topic_takes_lets_nothing_advance)
{
    flaky_transaction flaky = { 0 };
    harness *h = with_a_refused_letter(&flaky, "INVALID_RECORD", 5);
    put(h, "a");
    harness_turn(h);
    expect_answers(h, "");
    while (flaky.made[FLAKY_ABORT] < 3)
        harness_advance_ms(h, 10);
    cr_expect_eq(atomic_load(&h->flow->transact->refusal_count), 1, "found by reading: one more was kept for each time");
    harness_advance_ms(h, 60000);
    cr_expect_eq(atomic_load(&h->flow->transact->refusal_count), 0);
    equal(harness_text(harness_record(h, "test.asked.choosy.dlt", 0)), "dead");
    expect_answers(h, "a");
    cr_assert_eq(harness_committed(h, "choosy", "test.asked"), 2);
    harness_destroy(h);
}
