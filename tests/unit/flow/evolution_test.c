/* evolution_test.c: one event type in several versions, read by a service of the second: by the test kit, as a service's own tests would. */
#include "flow_events.h"

#include <criterion/criterion.h>
#include <polka/test.h>
#include <stdio.h>

#define RECORD(...) "{\"type\":\"record\",\"name\":\"test.Evolved\",\"fields\":[" __VA_ARGS__ "]}"
#define ID "{\"name\":\"id\",\"type\":\"string\"}"
#define STATE(...) "{\"name\":\"state\",\"type\":{\"type\":\"enum\",\"name\":\"State\",\"symbols\":[" __VA_ARGS__ "]}}"
#define V1 RECORD(ID ",{\"name\":\"remark\",\"type\":\"string\",\"default\":\"\"},{\"name\":\"amount\",\"type\":\"long\"}")

static unsigned seen;
static test_evolved last;
static char texts[200];

static polka_outcome keep(polka_context *ctx, const test_evolved *event)
{
    (void)ctx;
    seen++;
    last = *event;
    snprintf(texts, sizeof texts, "%.*s/%zu/%.*s", POLKA_TEXT_ARGS(event->id), event->notes.count, event->notes.count > 0 ? (int)event->notes.items[0].size : 0,
             event->notes.count > 0 ? event->notes.items[0].data : "");
    return POLKA_DONE;
}

static const polka_service reader = { .name = "reader", .version = "1", .reactions = (const polka_reaction[]){ POLKA_REACT(test_evolved, keep), { 0 } } };

static polka_test *test;

static void begin(void)
{
    test = polka_test_create(&reader);
    seen = 0;
}

static void expect(int64_t amount, test_state state, const char *expected)
{
    POLKA_EXPECT_NOTHING(test);
    cr_assert_eq(seen, 1);
    cr_assert_eq(last.amount, amount);
    cr_assert_eq(last.state, state);
    cr_assert_str_eq(texts, expected);
    polka_test_destroy(test);
}

Test(evolution, its_own_version_is_read)
{
    begin();
    POLKA_GIVEN(test, test_evolved, .id = POLKA_TEXT("A-1"), .amount = 5, .state = TEST_STATE_PAID);
    expect(5, TEST_STATE_PAID, "A-1/0/");
}

Test(evolution, an_older_version_gets_defaults_and_loses_what_is_gone)
{
    begin();
    POLKA_GIVEN_JSON(test, test_evolved, V1, "{\"id\":\"A-1\",\"remark\":\"gone\",\"amount\":7}");
    expect(7, TEST_STATE_NEW, "A-1/1/none");
}

Test(evolution, a_newer_version_with_more_fields_is_read)
{
    begin();
    POLKA_GIVEN_JSON(test, test_evolved,
                     RECORD("{\"name\":\"urgent\",\"type\":\"boolean\"}," ID "," STATE("\"paid\",\"new\",\"refunded\"") ",{\"name\":\"amount\",\"type\":\"long\"}"),
                     "{\"urgent\":true,\"id\":\"A-1\",\"state\":\"paid\",\"amount\":9}");
    expect(9, TEST_STATE_PAID, "A-1/1/none");
}

Test(evolution, a_symbol_that_the_reader_does_not_have_becomes_its_default)
{
    begin();
    POLKA_GIVEN_JSON(test, test_evolved, RECORD(ID "," STATE("\"paid\",\"new\",\"refunded\"") ",{\"name\":\"amount\",\"type\":\"long\"}"),
                     "{\"id\":\"A-1\",\"state\":\"refunded\",\"amount\":9}");
    expect(9, TEST_STATE_NEW, "A-1/1/none");
}

Test(evolution, an_int_of_a_foreign_writer_becomes_the_long)
{
    begin();
    POLKA_GIVEN_JSON(test, test_evolved, RECORD(ID ",{\"name\":\"amount\",\"type\":\"int\"}"), "{\"id\":\"A-1\",\"amount\":-3}");
    expect(-3, TEST_STATE_NEW, "A-1/1/none");
}

Test(evolution, a_field_without_a_default_that_was_not_written_is_a_dead_letter_that_says_so)
{
    begin();
    POLKA_GIVEN_JSON(test, test_evolved, RECORD(ID), "{\"id\":\"A-1\"}");
    POLKA_EXPECT_DEAD(test, "version 2 of test.Evolved cannot read what was written with schema ");
    POLKA_EXPECT_NOTHING(test);
    POLKA_GIVEN_JSON(test, test_evolved, RECORD(ID), "{\"id\":\"A-1\"}");
    POLKA_EXPECT_DEAD(test, "amount");
    cr_assert_eq(seen, 0);
    polka_test_destroy(test);
}

Test(evolution, a_value_of_the_wrong_branch_is_a_dead_letter_and_one_of_the_right_is_read)
{
    const char *schema = RECORD(ID ",{\"name\":\"amount\",\"type\":[\"string\",\"long\"]}");
    begin();
    POLKA_GIVEN_JSON(test, test_evolved, schema, "{\"id\":\"A-1\",\"amount\":\"many\"}");
    POLKA_EXPECT_DEAD(test, "amount");
    POLKA_GIVEN_JSON(test, test_evolved, schema, "{\"id\":\"A-1\",\"amount\":4}");
    expect(4, TEST_STATE_NEW, "A-1/1/none");
}

/* The version is named, the field, and the byte in what was written: by the decoder of a version that the build knows … */
Test(evolution, broken_bytes_of_an_older_version_are_dead_letters_with_the_place_in_what_was_written)
{
    begin();
    polka_test_given_bytes(test, &test_evolved_event, V1, POLKA_TEXT("A-1"), (polka_bytes){ 5, (const uint8_t *)"\6A-1\2" });
    POLKA_EXPECT_DEAD(test, "(version 1): ");
    polka_test_given_bytes(test, &test_evolved_event, V1, POLKA_TEXT("A-1"), (polka_bytes){ 7, (const uint8_t *)"\6A\xff" "1\0\2\0" });
    POLKA_EXPECT_DEAD(test, "id: text is not UTF-8 (byte 1 of 7)");
    polka_test_given_bytes(test, &test_evolved_event, V1, POLKA_TEXT("A-1"), (polka_bytes){ 7, (const uint8_t *)"\6A-1\0\2\0" });
    POLKA_EXPECT_DEAD(test, "1 bytes left over");
    POLKA_EXPECT_NOTHING(test);
    cr_assert_eq(seen, 0);
    polka_test_destroy(test);
}

/* … and of others not the byte in what the plan made of it. */
Test(evolution, broken_bytes_of_an_unknown_version_are_dead_letters_with_the_place_in_what_was_written)
{
    const char *schema = RECORD("{\"name\":\"urgent\",\"type\":\"boolean\"}," ID ",{\"name\":\"amount\",\"type\":\"int\"}");
    begin();
    polka_test_given_bytes(test, &test_evolved_event, schema, POLKA_TEXT("A-1"), (polka_bytes){ 6, (const uint8_t *)"\1\6A\xff" "1\2" });
    POLKA_EXPECT_DEAD(test, "not UTF-8, at byte 2 of 6");
    polka_test_given_bytes(test, &test_evolved_event, schema, POLKA_TEXT("A-1"), (polka_bytes){ 7, (const uint8_t *)"\1\6A-1\2\2" });
    POLKA_EXPECT_DEAD(test, "1 bytes are left over");
    POLKA_EXPECT_NOTHING(test);
    cr_assert_eq(seen, 0);
    polka_test_destroy(test);
}
