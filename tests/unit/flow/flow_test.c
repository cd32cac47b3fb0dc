/* flow_test.c: what happens to one event, inline and with a clock of our own. */
#include "harness.h"

#include <criterion/criterion.h>
#include <stdio.h>

static unsigned called, fail_times;
static char order[64];

static polka_outcome answer(polka_context *ctx, const note *asked)
{
    called++;
    polka_emit(ctx, &test_answered_event, &(note){ asked->text }, NULL);
    return POLKA_DONE;
}

static polka_outcome flaky(polka_context *ctx, const note *asked)
{
    called++;
    size_t used = strlen(order);
    snprintf(order + used, sizeof order - used, "%.*s ", POLKA_TEXT_ARGS(asked->text));
    polka_emit(ctx, &test_answered_event, &(note){ asked->text }, NULL);
    if (asked->text.data[0] == 'f' && fail_times > 0) {
        fail_times--;
        return polka_retry(ctx, "not now");
    }
    return POLKA_DONE;
}

static polka_outcome die(polka_context *ctx, const note *asked)
{
    polka_emit(ctx, &test_answered_event, &(note){ asked->text }, NULL);
    return polka_dead(ctx, "no more of %.*s", POLKA_TEXT_ARGS(asked->text));
}

static polka_outcome nothing(polka_context *ctx, const note *asked)
{
    (void)ctx;
    (void)asked;
    return 0;
}

static polka_outcome undeclared(polka_context *ctx, const note *asked)
{
    polka_emit(ctx, &test_asked_event, asked, NULL);
    return POLKA_DONE;
}

static polka_outcome skip_all(polka_context *ctx)
{
    (void)ctx;
    return POLKA_SKIP;
}

static unsigned around_calls;
static polka_outcome count_around(polka_context *ctx)
{
    around_calls++;
    return polka_proceed(ctx);
}

static polka_outcome proceed_twice(polka_context *ctx)
{
    (void)polka_proceed(ctx);
    return polka_proceed(ctx);
}

#define ANSWERS POLKA_EMITS(&test_answered_event)
#define SERVICE(NAME, ...) \
    static const polka_service NAME = { .name = #NAME, .domain = "test", .version = "1", .reactions = (const polka_reaction[]){ __VA_ARGS__, { 0 } } }
SERVICE(answers, POLKA_REACT(test_asked, answer, .emits = ANSWERS));
SERVICE(tries, POLKA_REACT(test_asked, flaky, .emits = ANSWERS, .retry = { .attempts = 3, .first_delay_ms = 100 }));
SERVICE(dies, POLKA_REACT(test_asked, die, .emits = ANSWERS));
SERVICE(forgets, POLKA_REACT(test_asked, nothing));
SERVICE(oversteps, POLKA_REACT(test_asked, undeclared, .emits = ANSWERS));
SERVICE(both, POLKA_REACT(test_asked, answer, .emits = ANSWERS), POLKA_REACT(test_asked, die, .name = "second", .emits = ANSWERS));
static const polka_service skips = { .name = "skips", .around = (polka_middleware *const[]){ count_around, skip_all, NULL },
                                     .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, answer, .emits = ANSWERS), { 0 } } };
static const polka_service wraps = { .name = "wraps", .around = (polka_middleware *const[]){ count_around, count_around, NULL },
                                     .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, answer, .emits = ANSWERS), { 0 } } };
static const polka_service doubles = { .name = "doubles", .around = (polka_middleware *const[]){ proceed_twice, NULL },
                                       .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, answer, .emits = ANSWERS), { 0 } } };

SERVICE(unnamed, POLKA_REACT(test_asked, answer, .emits = ANSWERS), POLKA_REACT(test_asked, die, .emits = ANSWERS));

static harness *h;
static void start(const polka_service *service)
{
    h = harness_create();
    called = fail_times = around_calls = 0;
    order[0] = '\0';
    harness_start(h, service, (polkai_flow_options){ 0 });
}

static void equal(polka_text text, const char *expected)
{
    cr_assert(polka_text_equal(text, polka_text_of(expected)), "'%.*s' is not '%s'", POLKA_TEXT_ARGS(text), expected);
}

static polka_status step_fails(polka_error *error)
{
    polka_status status = POLKA_OK;
    for (int i = 0; i < 10 && status == POLKA_OK; i++)
        status = polkai_flow_step(h->flow, 0, NULL, error);
    return status;
}

static void give_up(void)
{
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    harness_destroy(h);
}

Test(flow, emits_after_done_with_the_envelope_of_its_cause)
{
    start(&answers);
    harness_put(h, "k", "hello", "id-1");
    harness_turn(h);
    const polkai_record *emitted = harness_record(h, "test.answers", 0);
    equal(harness_text(emitted), "hello");
    equal(harness_header(h, emitted, "ce_type"), "test.Answered");
    equal(harness_header(h, emitted, "ce_source"), "/test/answers");
    equal(harness_header(h, emitted, "ce_causationid"), "id-1");
    equal(harness_header(h, emitted, "ce_correlationid"), "id-1");
    equal(harness_header(h, emitted, "ce_dataschema"), "polka:2222222222222222");
    equal(harness_header(h, emitted, "ce_subject"), "hello");
    equal(harness_header(h, emitted, "polka-hops"), "1");
    equal(harness_header(h, emitted, "content-type"), "application/avro");
    cr_assert_eq(harness_header(h, emitted, "ce_id").size, 36);
    harness_destroy(h);
}

Test(flow, gives_the_same_id_again_when_the_event_comes_again)
{
    start(&answers);
    harness_put(h, "k", "one", "id-1");
    harness_put(h, "k", "one", "id-1");
    harness_put(h, "k", "one", "id-2");
    harness_turn(h);
    polka_text first = harness_header(h, harness_record(h, "test.answers", 0), "ce_id");
    cr_assert(polka_text_equal(first, harness_header(h, harness_record(h, "test.answers", 1), "ce_id")));
    cr_assert(!polka_text_equal(first, harness_header(h, harness_record(h, "test.answers", 2), "ce_id")));
    harness_destroy(h);
}

/* The layout is a contract: SHA-256 over the length-prefixed parts, stamped as UUIDv8. Computed independently. */
Test(flow, derives_the_id_of_the_documented_test_vector)
{
    start(&answers);
    harness_put(h, "k", "one", "id-1");
    harness_turn(h);
    equal(harness_header(h, harness_record(h, "test.answers", 0), "ce_id"), "dfc6943e-6d48-8fae-b7a0-a4b0ef637f59");
    harness_destroy(h);
}

Test(flow, commits_only_what_is_done)
{
    start(&answers);
    harness_put(h, "k", "one", NULL);
    harness_put(h, "k", "two", NULL);
    harness_turn(h);
    harness_advance_ms(h, 1000);
    cr_assert_eq(harness_committed(h, "answers", "test.asked"), 2);
    harness_destroy(h);
}

Test(flow, releases_nothing_of_an_attempt_that_failed_and_tries_again)
{
    start(&tries);
    fail_times = 2;
    harness_put(h, "k", "f1", NULL);
    int64_t began_ms = h->clock.wall_ms(&h->clock);
    harness_turn(h);
    cr_assert_null(harness_record(h, "test.answers", 0));
    harness_advance_ms(h, 1000);
    cr_assert_eq(called, 3);
    cr_expect_gt(harness_record(h, "test.answers", 0)->timestamp_ms, began_ms, "it was emitted by the third attempt");
    cr_assert_not_null(harness_record(h, "test.answers", 0));
    cr_assert_null(harness_record(h, "test.answers", 1));
    equal(harness_header(h, harness_record(h, "test.answers", 0), "polka-attempt"), "3");
    harness_destroy(h);
}

Test(flow, lets_a_key_wait_behind_its_failed_event_while_other_keys_flow_on)
{
    start(&tries);
    fail_times = 1;
    harness_put(h, "a", "f1", NULL);
    harness_put(h, "a", "a2", NULL);
    harness_put(h, "b", "b1", NULL);
    harness_put(h, "a", "a3", NULL);
    harness_turn(h);
    cr_assert_str_eq(order, "f1 b1 ");
    harness_advance_ms(h, 500);
    cr_assert_str_eq(order, "f1 b1 f1 a2 a3 ");
    harness_destroy(h);
}

Test(flow, holds_the_offset_at_a_waiting_event)
{
    start(&tries);
    fail_times = 1;
    harness_put(h, "a", "f1", NULL);
    harness_put(h, "b", "b1", NULL);
    harness_turn(h);
    harness_stop(h);
    cr_assert_lt(harness_committed(h, "tries", "test.asked"), 1);
    harness_destroy(h);
}

Test(flow, writes_a_dead_letter_when_the_attempts_are_used_up_and_advances)
{
    start(&tries);
    fail_times = 99;
    harness_put(h, "a", "f1", NULL);
    harness_put(h, "a", "a2", NULL);
    harness_advance_ms(h, 5000);
    cr_assert_str_eq(order, "f1 f1 f1 a2 ");
    const polkai_record *letter = harness_record(h, "test.asked.tries.dlt", 0);
    cr_assert_not_null(letter);
    equal(harness_header(h, letter, "polka-error-class"), "handler");
    equal(harness_header(h, letter, "polka-error-code"), "attempts-used-up");
    equal(harness_header(h, letter, "polka-error-message"), "not now");
    equal(harness_header(h, letter, "polka-attempts"), "3");
    equal(harness_header(h, letter, "polka-letter-id"), "tries/test.asked/0/0/test.Asked");
    cr_assert_eq(harness_committed(h, "tries", "test.asked"), 2);
    harness_destroy(h);
}

Test(deadletter, keeps_value_key_and_headers_byte_for_byte)
{
    start(&dies);
    uint8_t bytes[] = { 0xc3, 0x01, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 4, 'h', 'i' };
    polkai_header headers[] = { { POLKA_TEXT("ce_type"), { 10, (const uint8_t *)"test.Asked" } }, { POLKA_TEXT("binary"), { 3, (const uint8_t *)"\xff\0\x01" } },
                                { POLKA_TEXT("null"), { 0, NULL } } };
    harness_put_raw(h, "test.asked", (polka_bytes){ 2, (const uint8_t *)"\0k" }, (polka_bytes){ sizeof bytes, bytes }, headers, 3);
    harness_turn(h);
    const polkai_record *letter = harness_record(h, "test.asked.dies.dlt", 0);
    cr_assert_not_null(letter);
    cr_assert_null(harness_record(h, "test.answers", 0));
    cr_assert(letter->value.size == sizeof bytes && memcmp(letter->value.data, bytes, sizeof bytes) == 0);
    cr_assert(letter->key.size == 2 && memcmp(letter->key.data, "\0k", 2) == 0);
    polka_text binary = harness_header(h, letter, "binary");
    cr_assert(binary.size == 3 && memcmp(binary.data, "\xff\0\x01", 3) == 0);
    equal(harness_header(h, letter, "polka-error-message"), "no more of hi");
    equal(harness_header(h, letter, "polka-original-topic"), "test.asked");
    equal(harness_header(h, letter, "polka-original-offset"), "0");
    equal(harness_header(h, letter, "polka-handler"), "test.Asked");
    polka_text offset = harness_header(h, letter, "kafka_dlt-original-offset");
    cr_assert(offset.size == 8 && memcmp(offset.data, "\0\0\0\0\0\0\0\0", 8) == 0);
    harness_destroy(h);
}

static void poison(polka_bytes value, const polkai_header *headers, size_t count, const char *code, const char *handler)
{
    start(&answers);
    harness_put_raw(h, "test.asked", (polka_bytes){ 1, (const uint8_t *)"k" }, value, headers, count);
    harness_put(h, "k", "after", NULL);
    harness_turn(h);
    const polkai_record *letter = harness_record(h, "test.asked.answers.dlt", 0);
    cr_assert_not_null(letter);
    equal(harness_header(h, letter, "polka-error-class"), "poison");
    equal(harness_header(h, letter, "polka-error-code"), code);
    equal(harness_header(h, letter, "polka-handler"), handler);
    cr_assert_eq(letter->value.size, value.size);
    cr_assert_not_null(letter->value.data);
    equal(harness_text(harness_record(h, "test.answers", 0)), "after");
    cr_assert_null(harness_record(h, "test.asked.answers.dlt", 1));
    harness_advance_ms(h, 1000);
    cr_assert_eq(harness_committed(h, "answers", "test.asked"), 2);
    harness_destroy(h);
}

static const polkai_header typed[] = { { POLKA_TEXT_INIT("ce_type"), { 10, (const uint8_t *)"test.Asked" } } };

Test(poison, an_empty_value) { poison((polka_bytes){ 0, (const uint8_t *)"" }, typed, 1, "empty-value", "test.Asked"); }
Test(poison, an_empty_value_without_a_type) { poison((polka_bytes){ 0, (const uint8_t *)"" }, NULL, 0, "empty-value", "-"); }
Test(poison, a_cut_frame) { poison((polka_bytes){ 4, (const uint8_t *)"\xc3\x01\x11\x11" }, typed, 1, "truncated", "test.Asked"); }
Test(poison, an_unknown_magic_byte) { poison((polka_bytes){ 3, (const uint8_t *)"{}\n" }, typed, 1, "unknown-framing", "test.Asked"); }
Test(poison, confluent_framing_without_a_registry) { poison((polka_bytes){ 6, (const uint8_t *)"\0\0\0\0\x07x" }, typed, 1, "schema-not-found", "test.Asked"); }
Test(poison, an_unknown_schema)
{
    poison((polka_bytes){ 12, (const uint8_t *)"\xc3\x01\x99\x99\x99\x99\x99\x99\x99\x99\x02x" }, typed, 1, "schema-not-found", "test.Asked");
}
Test(poison, a_body_that_cannot_be_read)
{
    poison((polka_bytes){ 12, (const uint8_t *)"\xc3\x01\x11\x11\x11\x11\x11\x11\x11\x11\x7fx" }, typed, 1, "bad-bytes", "test.Asked");
}
Test(poison, headers_that_contradict_each_other)
{
    polkai_header headers[] = { { POLKA_TEXT("ce_type"), { 1, (const uint8_t *)"a" } }, { POLKA_TEXT("ce_type"), { 1, (const uint8_t *)"b" } } };
    poison((polka_bytes){ 1, (const uint8_t *)"x" }, headers, 2, "bad-header", "-");
}
Test(poison, ten_megabytes_of_zeros)
{
    static const uint8_t zeros[10 << 20];
    poison((polka_bytes){ sizeof zeros, zeros }, typed, 1, "schema-not-found", "test.Asked");
}

Test(flow, tells_the_type_by_the_schema_when_there_are_no_headers)
{
    start(&answers);
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, NULL }, (polka_bytes){ 13, (const uint8_t *)"\xc3\x01\x11\x11\x11\x11\x11\x11\x11\x11\x04hi" }, NULL, 0);
    harness_turn(h);
    equal(harness_text(harness_record(h, "test.answers", 0)), "hi");
    equal(harness_header(h, harness_record(h, "test.answers", 0), "ce_causationid"), "0/0/1234");
    harness_destroy(h);
}

Test(flow, counts_and_skips_tombstones_and_types_that_nobody_here_reacts_to)
{
    polkai_header other[] = { { POLKA_TEXT("ce_type"), { 10, (const uint8_t *)"test.Other" } } };
    start(&answers);
    harness_put_raw(h, "test.asked", (polka_bytes){ 1, (const uint8_t *)"k" }, (polka_bytes){ 0, NULL }, NULL, 0);
    harness_put_raw(h, "test.asked", (polka_bytes){ 1, (const uint8_t *)"k" }, (polka_bytes){ 3, (const uint8_t *)"???" }, other, 1);
    harness_turn(h);
    polkai_flow_counts counts = polkai_flow_count(h->flow);
    cr_assert_eq(counts.tombstones, 1);
    cr_assert_eq(counts.unknown_types, 1);
    cr_assert_null(harness_record(h, "test.asked.answers.dlt", 0));
    harness_advance_ms(h, 1000);
    cr_assert_eq(harness_committed(h, "answers", "test.asked"), 2);
    harness_destroy(h);
}

Test(flow, settles_each_of_two_reactions_by_itself)
{
    start(&both);
    harness_put(h, "k", "hi", NULL);
    harness_turn(h);
    equal(harness_text(harness_record(h, "test.answers", 0)), "hi");
    cr_assert_null(harness_record(h, "test.answers", 1));
    equal(harness_header(h, harness_record(h, "test.asked.both.dlt", 0), "polka-handler"), "second");
    harness_destroy(h);
}

Test(flow, stops_without_advancing_when_a_handler_returns_no_outcome)
{
    polka_error error;
    start(&forgets);
    harness_put(h, "k", "hi", NULL);
    cr_assert_eq(step_fails(&error), POLKA_MISUSE);
    cr_assert_not_null(strstr(error.message, "returned no outcome"), "%s", error.message);
    cr_assert_not_null(strstr(error.message, "test.asked/0/0"), "%s", error.message);
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
    cr_assert_lt(harness_committed(h, "forgets", "test.asked"), 1);
    harness_destroy(h);
}

Test(flow, stops_when_a_reaction_emits_what_it_does_not_declare)
{
    polka_error error;
    start(&oversteps);
    harness_put(h, "k", "hi", NULL);
    cr_assert_eq(step_fails(&error), POLKA_MISUSE);
    cr_assert_str_eq(error.code, "undeclared-emission");
    give_up();
}

Test(middleware, wraps_the_handler_and_may_skip_it)
{
    start(&wraps);
    harness_put(h, "k", "hi", NULL);
    harness_turn(h);
    cr_assert_eq(around_calls, 2);
    cr_assert_eq(called, 1);
    harness_destroy(h);
    start(&skips);
    harness_put(h, "k", "hi", NULL);
    harness_turn(h);
    cr_assert_eq(around_calls, 1);
    cr_assert_eq(called, 0);
    cr_assert_eq(polkai_flow_count(h->flow).skipped, 1);
    harness_destroy(h);
}

Test(middleware, that_proceeds_twice_stops_the_service)
{
    polka_error error;
    start(&doubles);
    harness_put(h, "k", "hi", NULL);
    cr_assert_eq(step_fails(&error), POLKA_MISUSE);
    cr_assert_str_eq(error.code, "proceed-twice");
    give_up();
}

Test(flow, refuses_a_second_reaction_to_one_event_without_a_name)
{
    polkai_flow *flow;
    polka_error error;
    cr_assert_eq(polkai_flow_create(&flow, &(polkai_flow_options){ .service = &unnamed }, &error), POLKA_MISUSE);
    cr_assert_not_null(strstr(error.message, "two reactions are called test.Asked"));
}

Test(flow, ends_a_loop_after_sixteen_hops)
{
    start(&answers);
    uint8_t bytes[] = { 0xc3, 0x01, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 4, 'h', 'i' };
    polkai_header headers[] = { { POLKA_TEXT("ce_type"), { 10, (const uint8_t *)"test.Asked" } }, { POLKA_TEXT("polka-hops"), { 2, (const uint8_t *)"16" } } };
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, NULL }, (polka_bytes){ sizeof bytes, bytes }, headers, 2);
    harness_turn(h);
    equal(harness_header(h, harness_record(h, "test.asked.answers.dlt", 0), "polka-error-code"), "too-many-hops");
    harness_destroy(h);
}
