/* handler_test.c: what a handler can ask of its context, on the test kit as a service's own tests would. */
#include "flow_events.h"

#include <criterion/criterion.h>
#include <polka/test.h>
#include <signal.h>
#include <stdio.h>

static polka_test *test;
static unsigned calls;
static char texts[600];

#define ONE(...) { .name = "handler", .version = "1", .reactions = (const polka_reaction[]){ __VA_ARGS__, { 0 } } }

static void give(const polka_service *service)
{
    test = polka_test_create(service);
    POLKA_GIVEN(test, test_evolved, .id = POLKA_TEXT("A-1"), .amount = -5, .state = TEST_STATE_PAID,
                .notes = { 2, (const polka_text[]){ POLKA_TEXT_INIT("a \"b\""), POLKA_TEXT_INIT("\xc3\xa9") } });
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}

/* ---- JSON ---- */

static polka_outcome to_json_and_back(polka_context *ctx, const test_evolved *event)
{
    test_evolved again;
    polka_error error;
    polka_text json = test_evolved_to_json(ctx, event);
    snprintf(texts, sizeof texts, "%s", json.data);
    cr_assert_eq(json.size, strlen(json.data));
    cr_assert_eq(test_evolved_from_json(ctx, (polka_bytes){ json.size, (const uint8_t *)json.data }, &again, &error), POLKA_OK, "%s", error.message);
    cr_assert(again.amount == -5 && again.state == TEST_STATE_PAID && again.notes.count == 2);
    cr_assert(polka_text_equal(again.id, event->id) && polka_text_equal(again.notes.items[0], event->notes.items[0]) &&
              polka_text_equal(again.notes.items[1], event->notes.items[1]));
    calls++;
    return POLKA_DONE;
}

static const polka_service writer = ONE(POLKA_REACT(test_evolved, to_json_and_back));

Test(handler, writes_a_value_as_plain_json_and_reads_it_again)
{
    give(&writer);
    cr_assert_eq(calls, 1);
    cr_assert_str_eq(texts, "{\"amount\":-5,\"id\":\"A-1\",\"state\":\"paid\",\"notes\":[\"a \\\"b\\\"\",\"\xc3\xa9\"]}");
}

static polka_outcome read_json(polka_context *ctx, const test_evolved *event)
{
    static const struct { const char *json, *words; } wrong[] = {
        { "{\"amount\":1}", "id" }, { "{\"amount\":\"x\",\"id\":\"A\"}", "amount" }, { "{\"amount\":1,\"id\":\"A\",\"state\":\"lost\"}", "state" },
        { "{\"amount\":1,\"id\":\"A\",\"notes\":[5]}", "notes[0]" }, { "{", "JSON" }, { "", "JSON" },
    };
    test_evolved read;
    polka_error error;
    (void)event;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_neq(test_evolved_from_json(ctx, (polka_bytes){ strlen(wrong[i].json), (const uint8_t *)wrong[i].json }, &read, &error), POLKA_OK);
        cr_assert_not_null(strstr(error.message, wrong[i].words), "%s", error.message);
    }
    static const char fine[] = "{\"amount\":1,\"id\":\"A\"}";
    cr_assert_eq(test_evolved_from_json(ctx, (polka_bytes){ sizeof fine - 1, (const uint8_t *)fine }, &read, &error), POLKA_OK, "%s", error.message);
    cr_assert(read.state == TEST_STATE_NEW && read.notes.count == 1 && polka_text_equal(read.notes.items[0], POLKA_TEXT("none")), "the defaults of its schema");
    calls++;
    return polka_failed(ctx);                            /* what could not be read decides nothing: it is the handler's own error */
}

static const polka_service reading = ONE(POLKA_REACT(test_evolved, read_json));

Test(handler, is_told_what_is_wrong_with_json_and_goes_on)
{
    give(&reading);
    cr_assert_eq(calls, 1);
}

static polka_outcome write_what_cannot_be(polka_context *ctx, const test_evolved *event)
{
    test_evolved wrong = *event;
    wrong.state = (test_state)77;
    cr_assert_str_eq(test_evolved_to_json(ctx, &wrong).data, "null");
    cr_assert_eq(polka_failed(ctx), POLKA_DEAD);
    return POLKA_DONE;                                   /* which does not count: the value is the service's mistake */
}

static const polka_service failing = ONE(POLKA_REACT(test_evolved, write_what_cannot_be));

Test(handler, that_writes_a_value_that_cannot_be_written_stops_the_service, .signal = SIGABRT)
{
    test = polka_test_create(&failing);
    POLKA_GIVEN(test, test_evolved, .id = POLKA_TEXT("A-1"), .state = TEST_STATE_NEW);
}

/* ---- any event ---- */

static const polka_event other_event = { .name = "test.Other" };
typedef struct { int unused; } other;
static const other *other_in(const polka_any *any) { return any->event == &other_event ? (const other *)any->value : NULL; }

static polka_outcome take_any(polka_context *ctx, const polka_any *any)
{
    const test_evolved *evolved = test_evolved_in(any);
    cr_assert(any->event == &test_evolved_event);
    cr_assert_null(other_in(any));
    snprintf(texts, sizeof texts, "%.*s %" PRId64 " %s", POLKA_TEXT_ARGS(evolved->id), evolved->amount, polka_reaction_of(ctx)->function);
    calls++;
    return POLKA_DONE;
}

static const polka_service taker = ONE(POLKA_REACT_ANY(test_evolved, take_any));

Test(handler, of_several_events_finds_the_value_of_the_one_that_came)
{
    give(&taker);
    cr_assert_str_eq(texts, "A-1 -5 take_any");
    cr_assert_eq(calls, 1);
    polka_any of_another = { &other_event, texts }, unknown = { NULL, NULL };
    cr_assert_null(test_evolved_in(&of_another));
    cr_assert_null(test_evolved_in(&unknown));
}

/* ---- time ---- */

static polka_outcome inner(polka_context *ctx, const test_evolved *event)
{
    (void)ctx, (void)event;
    calls++;
    return POLKA_DONE;
}

static polka_outcome timed(polka_context *ctx)
{
    int64_t first = polka_elapsed_ns(ctx);
    polka_outcome outcome = polka_proceed(ctx);
    cr_assert_eq(first, 0);
    cr_assert_eq(polka_elapsed_ns(ctx), 0, "the clock of the kit stands still");
    return outcome;
}

static const polka_service measuring = { .name = "handler", .version = "1", .around = (polka_middleware *const[]){ timed, NULL },
                                       .reactions = (const polka_reaction[]){ POLKA_REACT(test_evolved, inner), { 0 } } };

Test(handler, measures_by_the_clock_of_the_test)
{
    give(&measuring);
    cr_assert_eq(calls, 1);
}
