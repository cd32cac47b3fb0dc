/* tracing.c: the facts of a span, from a unit of work and from a send. Nothing here runs where nobody traces. */
#include <base/text.h>
#include <flow/inner.h>

static int64_t now_ns(const polkai_flow *flow)
{
    return flow->options.clock->steady_ns(flow->options.clock);
}

static polkai_trace_parent parent_in(polka_text traceparent)
{
    if (!polkai_envelope_trace_valid(traceparent))
        return POLKAI_PARENT_NONE;
    return polkai_envelope_trace_sampled(traceparent.data) ? POLKAI_PARENT_SAMPLED : POLKAI_PARENT_NOT_SAMPLED;
}

static polka_text cause_of(const polka_context *unit)
{
    return unit->reaction == NULL ? (polka_text){ 0, NULL } : unit->delivery->envelope.traceparent;
}

bool polkai_trace_samples(const polka_context *unit, const char *traceparent)
{
    const polkai_tracing *tracing = unit->flow->tracing;
    return tracing->samples(tracing->user, traceparent + POLKAI_TRACE_AT, parent_in(cause_of(unit)));
}

static void set_context(polkai_span_context *context, const char *traceparent)
{
    memcpy(context->trace, traceparent + POLKAI_TRACE_AT, POLKAI_TRACE_ID);
    memcpy(context->span, traceparent + POLKAI_PARENT_AT, POLKAI_SPAN_ID);
    context->trace[POLKAI_TRACE_ID] = context->span[POLKAI_SPAN_ID] = '\0';
}

/* ---- a reaction ---- */

/* The trace is that of its event; where that names none, the one that what it emits begins. */
void polkai_trace_begin(polka_context *unit)
{
    uint64_t id = 0;
    char begun[POLKAI_TRACEPARENT + 1];
    polka_text cause = cause_of(unit);
    bool goes_on = polkai_envelope_trace_valid(cause);
    if (!goes_on)
        polkai_envelope_trace_write(begun, cause, unit->cause.correlation_id, unit->cause.id);
    const char *traceparent = goes_on ? cause.data : begun;
    if (!polkai_trace_samples(unit, traceparent))
        return;
    unit->traced = polka_arena_alloc(unit->arena, sizeof *unit->traced);             /* what an attempt made may go before the next one */
    while (id == 0)
        id = polkai_random_next(&unit->worker->random);
    set_context(&unit->traced->context, traceparent);
    polkai_hex64(unit->traced->context.span, id);
    unit->traced->parent.span[0] = '\0';
    if (goes_on)
        set_context(&unit->traced->parent, cause.data);
    unit->traced->began_ns = now_ns(unit->flow);
}

static void end_reaction(const polka_context *unit, polka_text outcome, polka_text error, polka_text message)
{
    const polkai_record *record = &unit->delivery->record;
    const polkai_traced *traced = unit->traced;
    polkai_span span = { .kind = POLKAI_SPAN_PROCESS, .context = traced->context, .parent = traced->parent, .link = traced->parent, .began_ns = traced->began_ns,
                         .ended_ns = now_ns(unit->flow), .topic = record->topic, .partition = record->partition, .offset = record->offset,
                         .type = unit->cause.type, .id = unit->cause.id, .conversation = unit->cause.correlation_id,
                         .key = { record->key.size, (const char *)record->key.data }, .reaction = polka_text_of(polkai_reaction_name(unit->reaction)),
                         .outcome = outcome, .attempt = unit->attempt, .error = error, .message = message };
    unit->flow->tracing->ended(unit->flow->tracing->user, &span);
}

void polkai_trace_handled(const polka_context *unit, polka_outcome outcome)
{
    static const struct { polka_text outcome, error; } of[] = {
        [0]           = { POLKA_TEXT_INIT("none"),  POLKA_TEXT_INIT("no-outcome") },
        [POLKA_DONE]  = { POLKA_TEXT_INIT("done"),  { 0, NULL } },
        [POLKA_SKIP]  = { POLKA_TEXT_INIT("skip"),  { 0, NULL } },
        [POLKA_RETRY] = { POLKA_TEXT_INIT("retry"), POLKA_TEXT_INIT("retry") },
        [POLKA_DEAD]  = { POLKA_TEXT_INIT("dead"),  POLKA_TEXT_INIT("dead") },
    };
    if (unit->traced == NULL)
        return;
    unsigned at = (unsigned)outcome <= POLKA_DEAD ? (unsigned)outcome : 0;
    if (unit->error == NULL)
        end_reaction(unit, of[at].outcome, of[at].error, unit->reason);
    else                                 /* it wins over the answer (settle.c) */
        end_reaction(unit, of[unit->error->status == POLKA_TRANSIENT ? POLKA_RETRY : POLKA_DEAD].outcome, polka_text_of(unit->error->code),
                     polka_text_of(unit->error->message));
}

void polkai_trace_lost(const polka_context *unit, const char *message)
{
    if (unit->traced != NULL)
        end_reaction(unit, POLKA_TEXT("dead"), POLKA_TEXT(POLKAI_DEADLINE_EXCEEDED), polka_text_of(message));
}

/* ---- a send ---- */

void polkai_trace_leaves(polkai_sending *sending)
{
    char traceparent[POLKAI_TRACEPARENT + 1];
    if (sending->kind != SENDING_EMISSION || sending->began_ns != 0 || polkai_emission_follows_untraced(sending))
        return;
    polkai_emission_trace(sending->unit, sending, traceparent);
    if (polkai_envelope_trace_sampled(traceparent))
        sending->began_ns = now_ns(sending->unit->flow);
}

void polkai_trace_sent(const polkai_sending *sending, const polkai_report *report)
{
    char traceparent[POLKAI_TRACEPARENT + 1];
    const polka_context *unit = sending->unit;
    if (sending->kind != SENDING_EMISSION || sending->began_ns == 0)
        return;
    polkai_emission_trace(unit, sending, traceparent);
    polkai_span span = { .kind = POLKAI_SPAN_SEND, .began_ns = sending->began_ns, .ended_ns = now_ns(unit->flow), .topic = sending->record.topic,
                         .type = sending->target->type, .id = polkai_emission_id(sending), .conversation = polkai_emission_conversation(unit, sending),
                         .key = { sending->record.key.size, (const char *)sending->record.key.data },
                         .partition = report->partition, .offset = report->offset };
    if (report->status != POLKA_OK) {
        span.error = polka_text_of(report->code);
        span.message = polka_text_of(report->message);
    }
    set_context(&span.context, traceparent);
    if (unit->traced != NULL)            /* which is of another trace where it began one of its own */
        *(strcmp(unit->traced->context.trace, span.context.trace) == 0 ? &span.parent : &span.link) = unit->traced->context;
    unit->flow->tracing->ended(unit->flow->tracing->user, &span);
}
