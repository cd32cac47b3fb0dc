/* attack_reactions_test.c: the same for reactions: those that wait, their letters, and what they do wrong. */
#include "attack.h"

#include <criterion/criterion.h>
#include <stdio.h>

static polka_outcome long_reason(polka_context *ctx, const note *asked)
{
    (void)asked;
    static char text[100001];
    memset(text, 'x', 100000);
    memcpy(text + 10, "\xff", 1);
    return polka_dead(ctx, "%s", text);
}

static polka_outcome slow_loop(polka_context *ctx, const note *asked)
{
    called++;
    remember(asked->text);
    h->now_ns += 10000000;
    return asked->text.data[0] == 'r' ? polka_retry(ctx, "again") : POLKA_DONE;
}

/* Emits with a header named as its text says. */
static polka_outcome with_header(polka_context *ctx, const note *asked)
{
    polka_text_entry entry = { asked->text, POLKA_TEXT("mine") };
    polka_emit(ctx, &test_answered_event, asked, &(polka_emission){ .headers = { 1, &entry } });
    return POLKA_DONE;
}

static polka_outcome outer(polka_context *ctx)
{
    (void)polka_proceed(ctx);
    return polka_proceed(ctx);
}

static polka_outcome filter(polka_context *ctx)
{
    (void)ctx;
    return POLKA_SKIP;
}

static void *made[10];
static unsigned tries;

static polka_outcome makes_much(polka_context *ctx, const note *asked)
{
    made[tries++ % (sizeof made / sizeof *made)] = polka_alloc(ctx, 1, 8);
    polka_emit(ctx, &test_answered_event, asked, NULL);
    return polka_retry(ctx, "the database is away");
}

static const polka_service much = { .name = "much", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, makes_much, .emits = POLKA_EMITS(&test_answered_event), .retry = { .attempts = 50, .first_delay_ms = 1, .max_delay_ms = 1 }), { 0 } } };
static const polka_service talks = { .name = "talks", .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, long_reason), { 0 } } };
static const polka_service heads = { .name = "heads", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, with_header, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
static const polka_service loops = { .name = "loops", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, slow_loop, .retry = { .attempts = 50, .first_delay_ms = 1, .max_delay_ms = 1 }), { 0 } } };
static const polka_service filtered = { .name = "filtered", .around = (polka_middleware *const[]){ outer, filter, NULL },
                                        .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, slow_loop), { 0 } } };

/* Found by reading: what each attempt made was kept until the last one, so that memory grew for as long as something was away. */
Test(retries, keep_nothing_of_the_attempt_before)
{
    prepare();
    start(&much, (polkai_flow_options){ 0 });
    harness_put(h, "a", "r", NULL);
    while (tries < 30)
        harness_advance_ms(h, 2);
    for (size_t i = 1; i < sizeof made / sizeof *made; i++)
        cr_expect_eq(made[i], made[0], "attempts have the same memory one after the other");
    while (tries < 50)
        harness_advance_ms(h, 2);
    cr_expect_not_null(harness_record(h, "test.asked.much.dlt", 0));
    cr_expect_null(harness_record(h, "test.answers", 0));
    give_up();
}

/* ---- turns ---- */

/* Found: keys that are due again as fast as they are handled kept all others waiting. */
Test(retries, that_are_always_due_let_new_events_through)
{
    prepare();
    start(&loops, (polkai_flow_options){ 0 });
    harness_put(h, "a", "r1", NULL);
    harness_put(h, "c", "r2", NULL);
    harness_turn(h);
    harness_put(h, "b", "b1", NULL);
    harness_turn(h);
    cr_assert_lt(called, 20, "%s", order);
    cr_assert_not_null(strstr(order, "b1"));
    harness_destroy(h);
}

/* Found: each acknowledgement of another topic made the next try come at once, so a missing topic was tried without pause. */
Test(sends, to_a_missing_topic_are_tried_less_and_less_while_others_are_acknowledged)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    harness_put(h, "a", "go", NULL);
    for (int i = 0; i < 1000; i++) {
        harness_put(h, "d", "dies", NULL);
        harness_advance_ms(h, 20);
    }
    cr_assert_eq(polkai_memory_count(h->memory, "test.asked.acts.dlt", 0), 1000);
    cr_assert_lt(polkai_flow_count(h->flow).redelivered_sends, 30);
    polkai_memory_fail(h->memory, "test.answers", POLKA_OK, NULL, 0);
    harness_advance_ms(h, 60000);
    cr_assert_not_null(harness_record(h, "test.answers", 0));
    harness_destroy(h);
}

Test(sends, that_wait_are_not_overtaken_by_later_ones_of_their_type)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_put(h, "k", "first", NULL);
    harness_turn(h);
    harness_put(h, "k", "second", NULL);
    harness_turn(h);
    cr_assert_null(harness_record(h, "test.answers", 0));
    harness_advance_ms(h, 1000);
    equal(harness_text(harness_record(h, "test.answers", 0)), "first");
    equal(harness_text(harness_record(h, "test.answers", 1)), "second");
    harness_destroy(h);
}

/* ---- letters ---- */

/* Found: the message said that the others were sent when they were refused, too. */
Test(letters, for_refused_emissions_count_only_what_was_sent)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    emit_count = 3;
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "TOPIC_AUTHORIZATION_FAILED", 2);
    harness_put(h, "k", "go", NULL);
    harness_advance_ms(h, 1000);
    polka_text message = harness_header(h, harness_record(h, "test.asked.acts.dlt", 0), "polka-error-message");
    cr_assert_not_null(memmem(message.data, message.size, "1 others", 8), "%.*s", POLKA_TEXT_ARGS(message));
    cr_assert_null(harness_record(h, "test.asked.acts.dlt", 1));
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

/* Found: a reason of any length went to two headers, beyond what is read of a header and what a topic takes. */
Test(letters, with_a_long_reason_can_be_read_again)
{
    prepare();
    start(&talks, (polkai_flow_options){ 0 });
    harness_put(h, "k", "go", NULL);
    harness_turn(h);
    polka_text message = harness_header(h, harness_record(h, "test.asked.talks.dlt", 0), "polka-error-message");
    cr_assert_gt(message.size, 100);
    cr_assert_leq(message.size, POLKAI_HEADER_LIMIT);
    polkai_envelope envelope;
    polka_error error;
    polkai_record again = *harness_record(h, "test.asked.talks.dlt", 0);
    polkai_record_headers(&again, &h->arena);
    cr_assert_eq(polkai_envelope_open(&again, POLKA_TEXT("c"), &h->arena, &envelope, &error), POLKA_OK, "%s", error.message);
    harness_destroy(h);
}

/* ---- what waits ---- */

Test(waiting, events_give_the_memory_of_the_source_back)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "r1", NULL);
    harness_put(h, "a", "behind", NULL);
    harness_turn(h);
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 2);
    cr_assert_eq(source.released, 2);
    harness_destroy(h);
}

Test(waiting, reactions_leave_the_bytes_of_a_letter_that_is_sent_again)
{
    prepare();
    start(&both, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.asked.both.dlt", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_put(h, "k", "die", "id-1");
    harness_turn(h);
    cr_assert_eq(source.released, 0);
    harness_advance_ms(h, 1000);
    const polkai_record *letter = harness_record(h, "test.asked.both.dlt", 0);
    equal(harness_text(letter), "die");
    equal(harness_header(h, letter, "ce_id"), "id-1");
    harness_destroy(h);
}

/* ---- several reactions ---- */

Test(reactions, that_are_settled_do_not_run_again_while_another_one_waits)
{
    prepare();
    start(&both, (polkai_flow_options){ 0 });
    harness_put(h, "k", "go", NULL);
    harness_put(h, "k", "next", NULL);
    harness_turn(h);
    cr_assert_eq(called, 1);
    cr_assert_eq(second_called, 1);
    cr_assert_lt(harness_committed(h, "both", "test.asked"), 1);
    harness_advance_ms(h, 2000);
    cr_assert_eq(called, 2);
    cr_assert_eq(second_called, 6);
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0), 4);
    cr_assert_eq(harness_committed(h, "both", "test.asked"), 2);
    harness_destroy(h);
}

/* ---- misuse ---- */

/* Found: an outer middleware that proceeds twice reached the handler past an inner one that had refused. */
Test(middleware, that_proceeds_twice_does_not_pass_an_inner_one_that_skipped)
{
    polka_error error;
    prepare();
    start(&filtered, (polkai_flow_options){ 0 });
    harness_put(h, "k", "go", NULL);
    cr_assert_eq(step_fails(&error), POLKA_MISUSE);
    cr_assert_str_eq(error.code, "proceed-twice");
    cr_assert_eq(called, 0);
    give_up();
}

static void refuses_header(const char *name)
{
    polka_error error;
    prepare();
    start(&heads, (polkai_flow_options){ 0 });
    harness_put(h, "k", name, "id-1");
    cr_assert_eq(step_fails(&error), POLKA_MISUSE, "%s", name);
    cr_assert_str_eq(error.code, "reserved-header");
    give_up();
}

Test(headers, of_the_framework_cannot_be_written_by_an_emission)
{
    refuses_header("ce_id");
    refuses_header("polka-hops");
    refuses_header("");
    prepare();
    start(&heads, (polkai_flow_options){ 0 });
    harness_put(h, "k", "shop-tenant", "id-1");
    harness_turn(h);
    equal(harness_header(h, harness_record(h, "test.answers", 0), "shop-tenant"), "mine");
    harness_destroy(h);
}

Test(records, of_a_thousand_headers_and_every_kind_of_key_are_handled)
{
    static polkai_header headers[1000];
    static char names[1000][16];
    const uint8_t value[] = { 0xc3, 0x01, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 4, 'd', 'o' };
    for (int i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof names[i], "h-%d", i);
        headers[i] = (polkai_header){ polka_text_of(i == 999 ? "ce_type" : names[i]), { 10, (const uint8_t *)"test.Asked" } };
    }
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, NULL }, (polka_bytes){ sizeof value, value }, headers, 1000);
    harness_put_raw(h, "test.asked", (polka_bytes){ 0, (const uint8_t *)"" }, (polka_bytes){ sizeof value, value }, headers, 1000);
    harness_put_raw(h, "test.asked", (polka_bytes){ 1, (const uint8_t *)"\0" }, (polka_bytes){ sizeof value, value }, headers, 1000);
    harness_advance_ms(h, 1000);
    cr_assert_eq(called, 3);
    cr_assert_eq(polkai_memory_count(h->memory, "test.asked.acts.dlt", 0), 3);
    const polkai_record *first = harness_record(h, "test.asked.acts.dlt", 0), *second = harness_record(h, "test.asked.acts.dlt", 1);
    cr_assert_null(first->key.data);
    cr_assert(second->key.data != NULL && second->key.size == 0);
    equal(harness_header(h, second, "h-998"), "test.Asked");
    harness_destroy(h);
}
