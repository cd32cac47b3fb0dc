/* breaker_test.c: what the flow does with an event at which the process ended before. */
#include "harness.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static harness *h;
static unsigned called, looked;
static char file[8 * POLKAI_END_LINE];
static size_t size;
static polkai_ends *ends;

static polka_outcome answers(polka_context *ctx, const note *asked)
{
    called++;
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

static const polka_service plain = { .name = "plain", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answers, .emits = POLKA_EMITS(&test_answered_event)),
    POLKA_REACT(test_asked, answers, .name = "second", .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };

static const polkai_ends *known(void *user, const polkai_position *partitions, size_t count)
{
    (void)user;
    (void)partitions;
    looked += (unsigned)count;
    return ends = polkai_ends_read((polka_text){ size, file });
}

static void ended(const char *reaction, int64_t offset, const char *how)
{
    polkai_ending_event event = { .cluster = POLKA_TEXT("memory"), .topic = POLKA_TEXT("test.asked"), .reaction = polka_text_of(reaction), .offset = offset,
                                  .timestamp_ms = 1234 };
    size += polkai_end_write(file + size, &event, how, 1767225600000);
}

static void start(void)
{
    h = harness_create();
    harness_put(h, "k", "a", NULL);
    harness_put(h, "k", "b", NULL);
    harness_put(h, "k", "c", NULL);
    harness_start(h, &plain, (polkai_flow_options){ .breaker = { .attempts = 3, .known = known } });
    harness_turn(h);
}

static void end(void)
{
    harness_destroy(h);
    polkai_ends_destroy(ends);
}

Test(breaker, makes_a_letter_with_the_bytes_of_the_event_and_lets_its_key_flow_on)
{
    for (int i = 0; i < 3; i++)
        ended("second", 1, i == 2 ? "deadline" : "SIGSEGV");
    start();
    cr_expect_eq(looked, 1);
    cr_expect_eq(called, 5, "the other reaction to it is called");
    const polkai_record *letter = harness_record(h, "test.asked.plain.dlt", 0);
    cr_assert_not_null(letter);
    cr_expect_null(harness_record(h, "test.asked.plain.dlt", 1));
    cr_expect(polka_text_equal(harness_text(letter), POLKA_TEXT("b")));
    cr_expect(polka_text_equal(harness_header(h, letter, "polka-error-code"), POLKA_TEXT("crash-loop")));
    cr_expect(polka_text_equal(harness_header(h, letter, "polka-handler"), POLKA_TEXT("second")));
    cr_expect(polka_text_equal(harness_header(h, letter, "polka-attempts"), POLKA_TEXT("3")));
    cr_expect(polka_text_equal(harness_header(h, letter, "polka-first-failed-at"), POLKA_TEXT("2026-01-01T00:00:00.000Z")));
    cr_expect(polka_text_equal(harness_header(h, letter, "polka-error-message"), POLKA_TEXT("the process ended 3 times in this reaction at this event "
              "(deadline, SIGSEGV, SIGSEGV), the last time at 2026-01-01T00:00:00.000Z; it is not handled again")));
    harness_stop(h);
    cr_expect_eq(harness_committed(h, "plain", "test.asked"), 3);
    end();
}

Test(breaker, handles_an_event_that_has_not_used_up_its_ends)
{
    ended("second", 1, "SIGSEGV");
    ended("second", 1, "SIGSEGV");
    ended("test.Asked", 7, "SIGSEGV");
    start();
    cr_expect_eq(called, 6);
    cr_expect_null(harness_record(h, "test.asked.plain.dlt", 0));
    end();
}
