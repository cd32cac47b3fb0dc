/* unread_test.c: a batch that the source cannot read is one dead letter of a range, and the offset goes past it with the letter. */
#include "harness.h"

#include <criterion/criterion.h>
#include <string.h>

static char seen[64];

static polka_outcome see(polka_context *ctx, const note *asked)
{
    (void)ctx;
    strncat(seen, asked->text.data, asked->text.size);
    return POLKA_DONE;
}

static const polka_service reader = { .name = "reader", .domain = "test", .version = "1",
                                      .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, see), { 0 } } };

static harness *five_of_which_three_are_damaged(void)
{
    harness *h = harness_create();
    seen[0] = '\0';
    for (char name[] = "a"; *name < 'f'; ++*name)
        harness_put(h, "key", name, NULL);
    polkai_memory_damage(h->memory, "test.asked", 0, 1, 4);
    harness_start(h, &reader, (polkai_flow_options){ 0 });
    return h;
}

/* Nothing behind them, which would say where reading goes on. */
Test(unread, at_the_end_of_a_partition_is_committed_as_a_whole)
{
    harness *h = harness_create();
    for (char name[] = "a"; *name < 'e'; ++*name)
        harness_put(h, "key", name, NULL);
    polkai_memory_damage(h->memory, "test.asked", 0, 1, 4);
    harness_start(h, &reader, (polkai_flow_options){ 0 });
    harness_advance_ms(h, 1000);
    cr_assert_not_null(harness_record(h, "test.asked.reader.dlt", 0));
    cr_assert_eq(harness_committed(h, "reader", "test.asked"), 4);
    harness_destroy(h);
}

static void header_is(harness *h, const polkai_record *letter, const char *name, const char *expected)
{
    polka_text text = harness_header(h, letter, name);
    cr_assert(polka_text_equal(text, polka_text_of(expected)), "%s: '%.*s' is not '%s'", name, POLKA_TEXT_ARGS(text), expected);
}

Test(unread, is_one_letter_of_the_range_without_bytes_and_the_rest_flows)
{
    harness *h = five_of_which_three_are_damaged();
    harness_advance_ms(h, 1000);
    cr_assert_str_eq(seen, "ae");
    const polkai_record *letter = harness_record(h, "test.asked.reader.dlt", 0);
    cr_assert_not_null(letter);
    cr_assert_null(harness_record(h, "test.asked.reader.dlt", 1));
    cr_assert_null(letter->value.data);
    cr_assert_null(letter->key.data);
    header_is(h, letter, "polka-letter-id", "reader/test.asked/0/1/-");
    header_is(h, letter, "polka-original-offset", "1");
    header_is(h, letter, "polka-range-from", "1");
    header_is(h, letter, "polka-range-to", "4");
    header_is(h, letter, "polka-value-omitted", "unreadable");
    header_is(h, letter, "polka-error-class", "poison");
    header_is(h, letter, "polka-error-code", "unreadable-batch");
    cr_assert_not_null(strstr(h->all_logs, "test.asked/0/1"), "%s", h->all_logs);
    cr_assert_eq(harness_committed(h, "reader", "test.asked"), 5);
    harness_destroy(h);
}

Test(unread, holds_the_offset_before_it_until_its_letter_is_acknowledged)
{
    harness *h = five_of_which_three_are_damaged();
    polkai_memory_fail(h->memory, "test.asked.reader.dlt", POLKA_TRANSIENT, "NOT_NOW", 1000);
    harness_turn(h);
    harness_advance_ms(h, 600);
    cr_assert_str_eq(seen, "ae", "the others do not wait for it");
    cr_assert_leq(harness_committed(h, "reader", "test.asked"), 1);
    polkai_memory_fail(h->memory, "test.asked.reader.dlt", POLKA_OK, NULL, 0);
    harness_advance_ms(h, 60000);
    cr_assert_eq(harness_committed(h, "reader", "test.asked"), 5);
    const polkai_record *letter = harness_record(h, "test.asked.reader.dlt", 0);
    cr_assert_not_null(letter);
    header_is(h, letter, "polka-range-to", "4");
    harness_destroy(h);
}

Test(unread, begins_where_we_had_come_to)
{
    harness *h = five_of_which_three_are_damaged();
    harness_stop(h);                     /* a group that has come to 3, inside the damage */
    polkai_source *source;
    polka_text topic = POLKA_TEXT_INIT("test.asked");
    polka_error error = { .status = POLKA_OK };
    polkai_record record;
    cr_assert_eq(polkai_memory_source_open(&source, h->memory, "other", &error), POLKA_OK);
    cr_assert_eq(source->operations->start(source, &(polkai_start){ .topics = &topic, .topic_count = 1 }, &error), POLKA_OK);
    source->operations->poll(source, &record, 1, 0);
    polkai_record_release(&record);
    cr_assert_eq(source->operations->commit(source, &(polkai_position){ topic, 0, 3 }, 1, POLKAI_COMMIT_MS, &error), POLKA_OK);
    source->operations->close(source, POLKAI_CLOSE_MS);
    harness_start(h, &reader, (polkai_flow_options){ .group = "other" });
    harness_advance_ms(h, 1000);
    const polkai_record *letter = harness_record(h, "test.asked.other.dlt", 0);
    cr_assert_not_null(letter);
    header_is(h, letter, "polka-range-from", "3");
    header_is(h, letter, "polka-range-to", "4");
    harness_destroy(h);
}
