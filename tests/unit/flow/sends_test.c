/* sends_test.c: what happens when a broker does not take what is sent. */
#include "harness.h"

#include <criterion/criterion.h>

static unsigned called;

static polka_outcome answer_twice(polka_context *ctx, const note *asked)
{
    called++;
    polka_emit(ctx, &test_answered_event, asked, NULL);
    polka_emit(ctx, &test_answered_event, &(note){ POLKA_TEXT("second") }, NULL);
    return POLKA_DONE;
}

static polka_outcome answer_at_the_second_attempt(polka_context *ctx, const note *asked)
{
    if (polka_caused_by(ctx)->attempt == 1 && polka_text_equal(polka_caused_by(ctx)->key, POLKA_TEXT("late")))
        return polka_retry(ctx, "not yet");
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

/* Another type for the topic of the answers, as a service has where their order matters. */
static polka_event confirmed;
static polka_outcome answer_or_confirm(polka_context *ctx, const note *asked)
{
    polka_emit(ctx, asked->text.data[0] == 'c' ? &confirmed : &test_answered_event, asked, NULL);
    return POLKA_DONE;
}

static polka_outcome die(polka_context *ctx, const note *asked)
{
    (void)asked;
    return polka_dead(ctx, "no");
}

static const polka_service twice = { .name = "twice", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answer_twice, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
static const polka_service later = { .name = "later", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answer_at_the_second_attempt, .emits = POLKA_EMITS(&test_answered_event), .retry = { .attempts = 2, .first_delay_ms = 10 }),
    { 0 } } };
static const polka_service two_types = { .name = "two-types", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, answer_or_confirm, .emits = POLKA_EMITS(&test_answered_event, &confirmed)), { 0 } } };
static const polka_service dies = { .name = "dies", .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, die), { 0 } } };

static harness *start(const polka_service *service, polkai_flow_options options)
{
    harness *h = harness_create();
    called = 0;
    harness_start(h, service, options);
    return h;
}

static void equal(polka_text text, const char *expected)
{
    cr_assert(polka_text_equal(text, polka_text_of(expected)), "'%.*s' is not '%s'", POLKA_TEXT_ARGS(text), expected);
}

Test(sends, are_repeated_in_their_order_without_running_the_handler_again)
{
    harness *h = start(&twice, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 4);
    harness_put(h, "k", "first", NULL);
    harness_turn(h);
    harness_advance_ms(h, 20000);
    cr_assert_eq(called, 1);
    equal(harness_text(harness_record(h, "test.answers", 0)), "first");
    equal(harness_text(harness_record(h, "test.answers", 1)), "second");
    cr_assert_null(harness_record(h, "test.answers", 2));
    harness_destroy(h);
}

static void use_two_types(void)
{
    confirmed = test_answered_event;
    confirmed.name = "test.Confirmed";
    confirmed.fingerprint = 0x3333333333333333;
}

/* Found by reading: what waits was counted by type, so another type's emission overtook it on its topic. */
Test(sends, that_wait_are_not_overtaken_by_another_type_of_their_topic, .init = use_two_types)
{
    polka_error error;
    harness *h = start(&two_types, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_put(h, "k", "answer", NULL);
    cr_assert_eq(polkai_flow_step(h->flow, 0, NULL, &error), POLKA_OK);
    harness_put(h, "k", "confirm", NULL);
    harness_turn(h);
    cr_expect_null(harness_record(h, "test.answers", 0), "the first still waits");
    harness_advance_ms(h, 20000);
    equal(harness_text(harness_record(h, "test.answers", 0)), "answer");
    equal(harness_text(harness_record(h, "test.answers", 1)), "confirm");
    harness_destroy(h);
}

/* Each waits for its own schema only. */
Test(sends, of_one_type_do_not_wait_for_the_schema_of_another_of_their_topic, .init = use_two_types)
{
    harness *h = harness_create();
    polkai_memory_fail(h->memory, "polka.schemas", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_start(h, &two_types, (polkai_flow_options){ .announce = true });
    harness_put(h, "a", "answer", NULL);
    harness_put(h, "b", "confirm", NULL);
    harness_turn(h);
    equal(harness_text(harness_record(h, "test.answers", 0)), "confirm");
    harness_advance_ms(h, 20000);
    equal(harness_text(harness_record(h, "test.answers", 1)), "answer");
    harness_destroy(h);
}

Test(sends, that_are_repeated_have_the_envelope_of_the_first_time)
{
    harness *h = start(&twice, (polkai_flow_options){ 0 });
    int64_t handled_ms = h->clock.wall_ms(&h->clock);
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 4);
    harness_put(h, "k", "first", "cause-1");
    harness_turn(h);
    harness_advance_ms(h, 20000);
    const polkai_record *again = harness_record(h, "test.answers", 0);
    equal(harness_header(h, again, "ce_causationid"), "cause-1");
    equal(harness_header(h, again, "ce_type"), "test.Answered");
    equal(harness_header(h, again, "ce_subject"), "first");
    cr_assert_eq(again->timestamp_ms, handled_ms);
    harness_destroy(h);
}

Test(sends, that_fail_hold_the_offset)
{
    harness *h = start(&twice, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    harness_put(h, "k", "first", NULL);
    harness_turn(h);
    harness_advance_ms(h, 120000);
    cr_assert_lt(harness_committed(h, "twice", "test.asked"), 1);
    cr_assert_null(harness_record(h, "test.asked.twice.dlt", 0));
    polkai_memory_fail(h->memory, "test.answers", POLKA_OK, "", 0);
    harness_advance_ms(h, 60000);
    cr_assert_eq(harness_committed(h, "twice", "test.asked"), 1);
    harness_destroy(h);
}

Test(sends, refused_for_good_become_a_dead_letter_that_says_what_was_sent)
{
    harness *h = start(&twice, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "TOPIC_AUTHORIZATION_FAILED", 1);
    harness_put(h, "k", "first", NULL);
    harness_turn(h);
    harness_advance_ms(h, 1000);
    const polkai_record *letter = harness_record(h, "test.asked.twice.dlt", 0);
    cr_assert_not_null(letter);
    equal(harness_header(h, letter, "polka-error-code"), "TOPIC_AUTHORIZATION_FAILED");
    cr_assert_not_null(memmem(harness_header(h, letter, "polka-error-message").data, harness_header(h, letter, "polka-error-message").size, "1 other", 7));
    cr_assert_eq(harness_committed(h, "twice", "test.asked"), 1);
    harness_destroy(h);
}

Test(sends, advance_nothing_while_the_dead_letter_topic_takes_nothing)
{
    harness *h = start(&dies, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.asked.dies.dlt", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    harness_put(h, "k", "first", NULL);
    harness_turn(h);
    harness_advance_ms(h, 60000);
    cr_assert_lt(harness_committed(h, "dies", "test.asked"), 1);
    polkai_memory_fail(h->memory, "test.asked.dies.dlt", POLKA_OK, "", 0);
    harness_advance_ms(h, 60000);
    cr_assert_not_null(harness_record(h, "test.asked.dies.dlt", 0));
    cr_assert_eq(harness_committed(h, "dies", "test.asked"), 1);
    harness_destroy(h);
}

Test(sends, make_a_letter_without_value_when_it_is_too_large)
{
    harness *h = start(&dies, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.asked.dies.dlt", POLKA_POISON, "MSG_SIZE_TOO_LARGE", 1);
    harness_put(h, "k", "first", NULL);
    harness_turn(h);
    harness_advance_ms(h, 1000);
    const polkai_record *letter = harness_record(h, "test.asked.dies.dlt", 0);
    cr_assert_not_null(letter);
    cr_assert_null(letter->value.data);
    equal(harness_header(h, letter, "polka-value-size"), "16");
    cr_assert_eq(harness_header(h, letter, "polka-value-sha256").size, 64);
    cr_assert_eq(harness_committed(h, "dies", "test.asked"), 1);
    harness_destroy(h);
}

Test(sends, keep_the_value_of_a_letter_that_is_refused_for_another_reason_than_its_size)
{
    harness *h = start(&dies, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.asked.dies.dlt", POLKA_POISON, "TOPIC_AUTHORIZATION_FAILED", 2);
    harness_put(h, "k", "first", NULL);
    harness_turn(h);
    cr_assert_lt(harness_committed(h, "dies", "test.asked"), 1);
    harness_advance_ms(h, 60000);
    const polkai_record *letter = harness_record(h, "test.asked.dies.dlt", 0);
    cr_assert_not_null(letter);
    cr_assert_eq(letter->value.size, 16);
    cr_assert_eq(harness_committed(h, "dies", "test.asked"), 1);
    harness_destroy(h);
}

Test(sends, too_large_by_our_own_limit_are_poison_before_the_first_is_sent)
{
    harness *h = start(&twice, (polkai_flow_options){ .max_event_bytes = 24 });
    harness_put(h, "k", "a", NULL);      /* the first has 13 bytes with its key, "second" has 23 */
    harness_put(h, "k", "much-longer", NULL);
    harness_turn(h);
    cr_assert_not_null(harness_record(h, "test.answers", 1));
    cr_assert_null(harness_record(h, "test.answers", 2));
    equal(harness_header(h, harness_record(h, "test.asked.twice.dlt", 0), "polka-error-code"), "emission-too-large");
    equal(harness_header(h, harness_record(h, "test.asked.twice.dlt", 0), "polka-first-failed-at"), "2026-01-01T00:00:01.000Z");
    harness_destroy(h);
}

Test(sends, that_are_refused_at_a_later_attempt_say_when_the_event_failed_first)
{
    harness *h = start(&later, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "INVALID_RECORD", 1);
    harness_put(h, "late", "a", NULL);
    harness_turn(h);
    harness_advance_ms(h, 1000);
    const polkai_record *letter = harness_record(h, "test.asked.later.dlt", 0);
    cr_assert_not_null(letter);
    equal(harness_header(h, letter, "polka-attempts"), "2");
    equal(harness_header(h, letter, "polka-first-failed-at"), "2026-01-01T00:00:01.000Z");
    harness_destroy(h);
}

Test(sends, wait_until_their_schema_is_acknowledged)
{
    harness *h = harness_create();
    polkai_memory_fail(h->memory, "polka.schemas", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 3);
    harness_start(h, &twice, (polkai_flow_options){ .announce = true });
    harness_put(h, "k", "first", NULL);
    harness_turn(h);
    cr_assert_null(harness_record(h, "test.answers", 0));
    harness_advance_ms(h, 5000);
    cr_assert_not_null(harness_record(h, "test.answers", 1));
    const polkai_record *schema = harness_record(h, "polka.schemas", 0);
    cr_assert_not_null(schema);
    cr_assert(schema->key.size == 16 && memcmp(schema->key.data, "2222222222222222", 16) == 0);
    cr_assert_str_eq(polkai_arena_text(&h->arena, (const char *)schema->value.data, schema->value.size).data, test_answered_event.schema);
    harness_destroy(h);
}

Test(value, is_whole_at_a_later_attempt_whatever_was_handled_meanwhile)
{
    harness *h = start(&later, (polkai_flow_options){ 0 });
    harness_put(h, "late", "the first of all texts", NULL);
    harness_put(h, "k", "another text altogether", NULL);
    harness_turn(h);
    harness_advance_ms(h, 1000);
    equal(harness_text(harness_record(h, "test.answers", 0)), "another text altogether");
    equal(harness_text(harness_record(h, "test.answers", 1)), "the first of all texts");
    harness_destroy(h);
}
