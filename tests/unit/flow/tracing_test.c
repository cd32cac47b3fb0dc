/* tracing_test.c: what a flow tells of its events: names that agree with the wire, the flag that is honoured and passed on, what failed. */
#include "flaky.h"

#include <flow/inner.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SENDER "b7ad6b7169203331"
#define SAMPLED "00-" TRACE "-" SENDER "-01"
#define LEFT_OUT "00-" TRACE "-" SENDER "-00"

enum { MOST = 32 };
static struct { polkai_span span; char outcome[16], error[40], message[200], id[64], conversation[64]; } told[MOST];
static size_t count;
static bool decides_itself, decision;
static const char *only;                 /* that trace is sampled, and no other */
static harness *h;

static bool samples(void *user, const char *trace_id, polkai_trace_parent parent)
{
    (void)user;
    if (only != NULL)
        return strncmp(trace_id, only, strlen(only)) == 0;
    return decides_itself || parent == POLKAI_PARENT_NONE ? decision : parent == POLKAI_PARENT_SAMPLED;
}

#define COPY(MEMBER) snprintf(told[count].MEMBER, sizeof told[count].MEMBER, "%.*s", POLKA_TEXT_ARGS(span->MEMBER))
static void ended(void *user, const polkai_span *span)
{
    (void)user;
    cr_assert_lt(count, (size_t)MOST);
    told[count].span = *span;
    COPY(outcome), COPY(error), COPY(message), COPY(id), COPY(conversation);
    count++;
}
static const polkai_tracing tracing = { .samples = samples, .ended = ended };

/* What its first letter says, after 5 ms. */
static polka_outcome by_letter(polka_context *ctx, const note *asked)
{
    h->now_ns += 5000000;
    polka_emission own_flow = { .correlation_id = POLKA_TEXT("01931c6e-0000-8000-8000-0000000000ff") };
    polka_emit(ctx, &test_answered_event, asked, asked->text.data[0] == 'c' ? &own_flow : NULL);
    switch (asked->text.data[0]) {
    case 's': return POLKA_SKIP;
    case 'd': return polka_dead(ctx, "as asked");
    case 'r': return polka_caused_by(ctx)->attempt == 1 ? polka_retry(ctx, "once more") : POLKA_DONE;
    default: return POLKA_DONE;
    }
}

static const polka_service traced = { .name = "traced", .domain = "test", .version = "1", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, by_letter, .emits = POLKA_EMITS(&test_answered_event), .retry = { .attempts = 3, .first_delay_ms = 100 }), { 0 } } };

static void put_with(const char *text, const char *traceparent)
{
    uint8_t value[80] = { 0xc3, 0x01, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, (uint8_t)(strlen(text) << 1) };
    memcpy(value + 11, text, strlen(text));
    const polkai_header headers[] = {
#define HEADER(NAME, VALUE) { POLKA_TEXT_INIT(NAME), { strlen(VALUE), (const uint8_t *)(VALUE) } }
        HEADER("ce_specversion", "1.0"), HEADER("ce_id", "id-1"), HEADER("ce_source", "/edge"), HEADER("ce_type", "test.Asked"),
        HEADER("ce_correlationid", "01931c6e-0000-8000-8000-000000000001"), HEADER("traceparent", traceparent) };
    harness_put_raw(h, "test.asked", (polka_bytes){ 1, (const uint8_t *)"k" }, (polka_bytes){ 11 + strlen(text), value }, headers, 6);
}

static void run(const char *text, const char *traceparent, polkai_flow_options options)
{
    h = harness_create();
    options.tracing = &tracing;
    harness_start(h, &traced, options);
    put_with(text, traceparent);
    harness_turn(h);
    harness_advance_ms(h, 1000);
    harness_turn(h);
    harness_stop(h);
}

static void is(polkai_span_context context, const char *trace, const char *span)
{
    cr_expect_str_eq(context.trace, trace);
    cr_expect_str_eq(context.span, span);
}

/* Of the first answer on the wire. */
static const char *traceparent_of_answer(void)
{
    static char text[80];
    const polkai_record *record = harness_record(h, "test.answers", 0);
    cr_assert_not_null(record);
    snprintf(text, sizeof text, "%.*s", POLKA_TEXT_ARGS(harness_header(h, record, "traceparent")));
    return text;
}

static void agrees_with_the_wire(const polkai_span *sent, const char *flags)
{
    char expected[80];
    snprintf(expected, sizeof expected, "00-%s-%s-%s", sent->context.trace, sent->context.span, flags);
    cr_expect_str_eq(traceparent_of_answer(), expected);
}

Test(tracing, names_the_sender_as_parent_and_link_and_the_reaction_as_parent_of_what_it_emits)
{
    run("o", SAMPLED, (polkai_flow_options){ 0 });
    cr_assert_eq(count, 2u);
    const polkai_span *handled = &told[0].span, *sent = &told[1].span;
    cr_expect_eq(handled->kind, POLKAI_SPAN_PROCESS);
    cr_expect_eq(sent->kind, POLKAI_SPAN_SEND);
    is(handled->parent, TRACE, SENDER);
    is(handled->link, TRACE, SENDER);
    cr_expect(strcmp(handled->context.trace, TRACE) == 0 && strlen(handled->context.span) == 16 && strcmp(handled->context.span, SENDER) != 0);
    cr_expect_eq(handled->ended_ns - handled->began_ns, 5000000);
    cr_expect(handled->partition == 0 && handled->offset == 0 && handled->attempt == 1);
    cr_expect_str_eq(told[0].outcome, "done");
    cr_expect_str_eq(told[0].id, "id-1");
    cr_expect_str_eq(told[0].conversation, "01931c6e-0000-8000-8000-000000000001");
    is(sent->parent, TRACE, handled->context.span);
    is(sent->link, "", "");
    cr_expect_str_eq(told[1].conversation, told[0].conversation);
    cr_expect(sent->partition == 0 && sent->offset == 0 && sent->error.data == NULL);
    agrees_with_the_wire(sent, "01");
    harness_destroy(h);
}

Test(tracing, of_an_event_without_a_trace_begins_the_one_that_its_flow_has_on_the_wire)
{
    static const char *const none[] = { "", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-" TRACE "-" SENDER, "ff-" TRACE "-" SENDER "-01" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        count = 0;
        decision = true;
        run("o", none[i], (polkai_flow_options){ 0 });
        cr_assert_eq(count, 2u, "%s", none[i]);
        is(told[0].span.parent, "", "");
        is(told[0].span.link, "", "");
        cr_expect_str_eq(told[0].span.context.trace, "01931c6e000080008000000000000001");
        is(told[1].span.parent, told[0].span.context.trace, told[0].span.context.span);
        agrees_with_the_wire(&told[1].span, "01");
        harness_destroy(h);
    }
}

Test(tracing, honours_the_flag_and_passes_it_on)
{
    run("o", LEFT_OUT, (polkai_flow_options){ 0 });
    cr_expect_eq(count, 0u);
    cr_expect_str_eq(traceparent_of_answer() + 53, "00");
    harness_destroy(h);
    run("o", "00-" TRACE "-" SENDER "-03", (polkai_flow_options){ 0 });
    cr_expect_eq(count, 2u);
    cr_expect_str_eq(traceparent_of_answer() + 53, "03", "other flags stay as they are");
    harness_destroy(h);
}

Test(tracing, says_on_the_wire_what_a_sampler_that_decides_itself_has_decided)
{
    decides_itself = true;
    run("o", "00-" TRACE "-" SENDER "-0b", (polkai_flow_options){ 0 });
    cr_expect_eq(count, 0u);
    cr_expect_str_eq(traceparent_of_answer() + 53, "0a");
    harness_destroy(h);
    decision = true;
    run("o", LEFT_OUT, (polkai_flow_options){ 0 });
    cr_expect_eq(count, 2u);
    agrees_with_the_wire(&told[1].span, "01");
    harness_destroy(h);
}

Test(tracing, passes_the_flag_on_where_nobody_traces)
{
    static const char *const flags[] = { "00", "01" };
    for (size_t i = 0; i < 2; i++) {
        char traceparent[80];
        snprintf(traceparent, sizeof traceparent, "00-" TRACE "-" SENDER "-%s", flags[i]);
        h = harness_create();
        harness_start(h, &traced, (polkai_flow_options){ 0 });
        put_with("o", traceparent);
        harness_turn(h);
        cr_expect_str_eq(traceparent_of_answer() + 53, flags[i]);
        harness_destroy(h);
    }
}

Test(tracing, tells_each_attempt_and_how_it_ended)
{
    static const struct { const char *text, *outcomes[2], *errors[2], *message; size_t sends; } cases[] = {
        { "s", { "skip" }, { "" }, "", 0 },
        { "d", { "dead" }, { "dead" }, "as asked", 0 },
        { "r", { "retry", "done" }, { "retry", "" }, "once more", 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t attempts = cases[i].outcomes[1] != NULL ? 2 : 1;
        count = 0;
        run(cases[i].text, SAMPLED, (polkai_flow_options){ 0 });
        cr_assert_eq(count, attempts + cases[i].sends, "%s: %zu", cases[i].text, count);
        for (size_t k = 0; k < attempts; k++) {
            cr_expect_str_eq(told[k].outcome, cases[i].outcomes[k]);
            cr_expect_str_eq(told[k].error, cases[i].errors[k]);
            cr_expect_eq(told[k].span.attempt, k + 1);
        }
        cr_expect_str_eq(told[0].message, cases[i].message);
        if (attempts == 2) {
            cr_expect_str_neq(told[0].span.context.span, told[1].span.context.span, "an attempt is a span of its own");
            cr_expect_str_eq(told[2].span.parent.span, told[1].span.context.span, "what it emits belongs to the one that emitted it");
        }
        harness_destroy(h);
    }
}

Test(tracing, tells_of_an_event_that_cannot_be_read)
{
    h = harness_create();
    harness_start(h, &traced, (polkai_flow_options){ .tracing = &tracing });
    const polkai_header headers[] = { HEADER("ce_specversion", "1.0"), HEADER("ce_id", "id-1"), HEADER("ce_source", "/edge"), HEADER("ce_type", "test.Asked"),
                                      HEADER("traceparent", SAMPLED) };
    const uint8_t value[] = { 0xc3, 0x01, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 40 };
    harness_put_raw(h, "test.asked", (polka_bytes){ 0 }, (polka_bytes){ sizeof value, value }, headers, 5);
    harness_turn(h);
    cr_assert_eq(count, 1u);
    cr_expect_str_eq(told[0].outcome, "dead");
    cr_expect_str_eq(told[0].error, "bad-bytes");
    cr_expect_not_null(strstr(told[0].message, "wrong length"), "%s", told[0].message);
    harness_stop(h);
    harness_destroy(h);
}

Test(tracing, links_what_begins_a_flow_of_its_own_to_the_reaction)
{
    decision = true;
    run("c", "", (polkai_flow_options){ 0 });
    cr_assert_eq(count, 2u);
    is(told[1].span.parent, "", "");
    is(told[1].span.link, "01931c6e000080008000000000000001", told[0].span.context.span);
    cr_expect_str_eq(told[1].span.context.trace, "01931c6e0000800080000000000000ff");
    agrees_with_the_wire(&told[1].span, "01");
    harness_destroy(h);
}

Test(tracing, tells_of_what_begins_a_flow_of_its_own_though_the_reaction_is_not_sampled)
{
    only = "01931c6e0000800080000000000000ff";
    run("c", "", (polkai_flow_options){ 0 });
    cr_assert_eq(count, 1u);
    cr_expect_eq(told[0].span.kind, POLKAI_SPAN_SEND);
    cr_expect_str_eq(told[0].span.context.trace, only);
    agrees_with_the_wire(&told[0].span, "01");
    harness_destroy(h);
}

Test(tracing, of_a_transaction_tells_of_a_send_once_it_is_committed)
{
    flaky_transaction flaky = { .call = FLAKY_COMMIT, .verdict = POLKAI_TRANSACTION_ABORT, .at = 1, .times = 1 };
    h = harness_create();
    flaky_start(h, &traced, (polkai_flow_options){ .tracing = &tracing }, &flaky, NULL);
    put_with("o", SAMPLED);
    harness_turn(h);
    cr_expect_eq(count, 1u, "what was aborted was not sent");
    for (int turn = 0; turn < 5; turn++) {               /* it goes back, and handles it again */
        harness_advance_ms(h, 1000);
        harness_turn(h);
    }
    cr_assert_eq(count, 3u);
    cr_expect_eq(told[2].span.kind, POLKAI_SPAN_SEND);
    is(told[2].span.parent, TRACE, told[1].span.context.span);
    agrees_with_the_wire(&told[2].span, "01");
    harness_stop(h);
    harness_destroy(h);
}

Test(tracing, agrees_with_the_wire_in_the_compact_envelope_too)
{
    run("o", SAMPLED, (polkai_flow_options){ .compact_envelope = true });
    cr_assert_eq(count, 2u);
    is(told[1].span.parent, TRACE, told[0].span.context.span);
    const polkai_record *sent = harness_record(h, "test.answers", 0);
    char expected[80];
    polkai_envelope envelope;
    polka_error error = { .status = POLKA_OK };
    cr_assert_not_null(sent);
    cr_assert_eq(polkai_envelope_open(sent, (polka_text){ 0, NULL }, &h->arena, &envelope, &error), POLKA_OK, "%s", error.message);
    cr_expect_eq(envelope.mode, POLKAI_MODE_COMPACT);
    snprintf(expected, sizeof expected, "00-%s-%s-01", told[1].span.context.trace, told[1].span.context.span);
    cr_expect(polka_text_equal(envelope.traceparent, polka_text_of(expected)), "%.*s is not %s", POLKA_TEXT_ARGS(envelope.traceparent), expected);
    harness_destroy(h);
}

static void of_a_refused_emission(void (*plant)(void))
{
    h = harness_create();
    harness_start(h, &traced, (polkai_flow_options){ .tracing = &tracing });
    plant();
    put_with("o", SAMPLED);
    harness_turn(h);
    harness_advance_ms(h, 1000);
    cr_assert_eq(count, 2u);
    cr_expect_eq(told[1].span.kind, POLKAI_SPAN_SEND);
    cr_expect_str_eq(told[1].error, "INVALID_RECORD");
    harness_destroy(h);
}

static void refuse_by_report(void) { polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "INVALID_RECORD", 1); }

static const polkai_sink_operations *true_operations;

static polka_status refuse_answers(polkai_sink *sink, const polkai_record *record, void *cookie, polka_error *error)
{
    if (!polka_text_equal(record->topic, POLKA_TEXT("test.answers")))
        return true_operations->send(sink, record, cookie, error);
    error->status = POLKA_POISON;
    snprintf(error->code, sizeof error->code, "INVALID_RECORD");
    snprintf(error->message, sizeof error->message, "not this one");
    return POLKA_POISON;
}

static void refuse_at_the_call(void)
{
    static polkai_sink_operations refusing;
    true_operations = h->flow->sink->operations;
    refusing = *true_operations;
    refusing.send = refuse_answers;
    h->flow->sink->operations = &refusing;
}

Test(tracing, tells_of_an_emission_that_the_broker_refuses) { of_a_refused_emission(refuse_by_report); }
Test(tracing, tells_of_an_emission_that_is_refused_at_the_call) { of_a_refused_emission(refuse_at_the_call); }

/* What is sent again is one send, from its first try on. */
Test(tracing, tells_of_an_emission_that_is_sent_again_once)
{
    h = harness_create();
    harness_start(h, &traced, (polkai_flow_options){ .tracing = &tracing });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "_MSG_TIMED_OUT", 3);
    put_with("o", SAMPLED);
    harness_turn(h);
    int64_t began_ns = h->now_ns;
    harness_advance_ms(h, 20000);
    cr_assert_eq(count, 2u);
    cr_expect_eq(told[1].span.error.data, NULL);
    cr_expect_leq(told[1].span.began_ns, began_ns);
    cr_expect_gt(told[1].span.ended_ns, began_ns + 10000000);
    harness_destroy(h);
}
