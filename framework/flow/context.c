/* context.c: what a handler can ask of its unit of work, and the making of an emission. */
#include <base/error.h>
#include <base/forked.h>
#include <base/identity.h>
#include <base/plant.h>
#include <base/text.h>
#include <flow/inner.h>
#include <flow/schema/framing.h>

#include <stdio.h>

/* ---- errors and outcomes ---- */

polka_status polkai_context_fail(polka_context *unit, polka_status status, const char *code, const char *format, ...)
{
    if (unit->error != NULL)
        return status;                   /* the first one tells the cause */
    unit->error = polka_arena_alloc(unit->arena, sizeof *unit->error);
    va_list arguments;
    va_start(arguments, format);
    unit->error->status = status;
    snprintf(unit->error->code, sizeof unit->error->code, "%s", code);
    vsnprintf(unit->error->message, sizeof unit->error->message, format, arguments);
    va_end(arguments);
    return status;
}

void polkai_context_begin_attempt(polka_context *unit)
{
    size_t declared = unit->reaction == NULL ? unit->flow->service->emits.count : unit->reaction->emits.count;
    unit->error = NULL;
    unit->traced = NULL;
    unit->reason = (polka_text){ 0, NULL };
    unit->first = unit->last = unit->to_send = NULL;
    unit->middleware = 0;
    unit->reached = false;
    unit->new_ids = 0;
    unit->cause.attempt = unit->attempt;
    unit->started_ns = 0;
    unit->ordinals = declared == 0 ? NULL : polkai_arena_zeroed(unit->arena, declared, sizeof *unit->ordinals);
}

static polka_outcome with_reason(polka_context *ctx, polka_outcome outcome, const char *format, va_list arguments)
{
    ctx->reason = polkai_arena_vformat(ctx->arena, format, arguments);
    return outcome;
}

polka_outcome polka_retry(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_outcome outcome = with_reason(ctx, POLKA_RETRY, format, arguments);
    va_end(arguments);
    return outcome;
}

polka_outcome polka_dead(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_outcome outcome = with_reason(ctx, POLKA_DEAD, format, arguments);
    va_end(arguments);
    return outcome;
}

polka_outcome polka_failed(polka_context *ctx)
{
    if (ctx->error == NULL)
        return POLKA_DONE;
    return ctx->error->status == POLKA_TRANSIENT ? POLKA_RETRY : POLKA_DEAD;
}

/* What a handler asks for after its lane went on without it. */
static bool is_lost(polka_context *unit, const char *what)
{
    if (unit->worker == NULL || !polkai_running_is_lost(&unit->worker->running))
        return false;
    polkai_context_fail(unit, POLKA_POISON, POLKAI_DEADLINE_EXCEEDED, "%s past the deadline of reaction %s: its event is a dead letter by now, and nothing of it "
                        "counts any more", what, polkai_reaction_name(unit->reaction));
    return true;
}

polka_outcome polka_proceed(polka_context *ctx)
{
    if (is_lost(ctx, "polka_proceed"))
        return POLKA_DEAD;
    if (ctx->reaction != NULL)
        return polkai_walk_next(ctx);
    polkai_context_fail(ctx, POLKA_MISUSE, "no-reaction", "polka_proceed is for middleware around a reaction; here is none");
    return POLKA_DEAD;
}

/* ---- time, memory, settings ---- */

int64_t polka_now_ms(polka_context *ctx)
{
    if (ctx->delivery != NULL && ctx->delivery->now_ms != 0)
        return ctx->delivery->now_ms;
    return ctx->flow->options.clock->wall_ms(ctx->flow->options.clock);
}

int64_t polka_elapsed_ns(polka_context *ctx)
{
    int64_t now_ns = ctx->flow->options.clock->steady_ns(ctx->flow->options.clock);
    if (ctx->started_ns == 0)
        ctx->started_ns = now_ns;
    return now_ns - ctx->started_ns;
}

void *polka_alloc(polka_context *ctx, size_t count, size_t size)
{
    return polkai_arena_zeroed(ctx->arena, count, size);
}

polka_text polka_format(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polka_text text = polkai_arena_vformat(ctx->arena, format, arguments);
    va_end(arguments);
    return text;
}

void *polka_resource(polka_context *ctx)
{
    return ctx->worker == NULL ? NULL : ctx->worker->resource;
}

static void no_such_setting(polka_context *ctx, const char *name)
{
    polkai_context_fail(ctx, POLKA_MISUSE, "no-such-setting", "setting %s is not declared in the service value with this type", name);
}

polka_text polka_setting_text(polka_context *ctx, const char *name)
{
    const polkai_settings *settings = &ctx->flow->options.settings;
    polka_text value = { 0, NULL };
    if (settings->text == NULL || !settings->text(settings->user, name, &value))
        no_such_setting(ctx, name);
    return value;
}

int64_t polka_setting_long(polka_context *ctx, const char *name)
{
    const polkai_settings *settings = &ctx->flow->options.settings;
    int64_t value = 0;
    if (settings->number == NULL || !settings->number(settings->user, name, &value))
        no_such_setting(ctx, name);
    return value;
}

/* ---- the cause ---- */

polka_text polka_header(polka_context *ctx, const char *name)
{
    const polkai_header *header = ctx->delivery == NULL ? NULL : polkai_record_header(&ctx->delivery->record, polka_text_of(name));
    return header == NULL ? (polka_text){ 0, NULL } : (polka_text){ header->value.size, (const char *)header->value.data };
}

const polka_cause *polka_caused_by(polka_context *ctx)
{
    return ctx->reaction == NULL ? NULL : &ctx->cause;
}

const polka_reaction *polka_reaction_of(polka_context *ctx)
{
    return ctx->reaction;
}

/* ---- logs ---- */

static void log_lines(polka_context *unit, polkai_log_level level, const char *format, va_list arguments)
{
    polkai_log_fields fields = { .event = unit->cause.type, .event_id = unit->cause.id, .correlation_id = unit->cause.correlation_id };
    if (unit->reaction != NULL)
        fields.reaction = polka_text_of(polkai_reaction_name(unit->reaction));
    polkai_log_vwrite(unit->flow->options.log, level, &fields, format, arguments);
}

void polkai_context_log(polka_context *unit, polkai_log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_lines(unit, level, format, arguments);
    va_end(arguments);
}

void polka_info(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_lines(ctx, POLKAI_LOG_INFO, format, arguments);
    va_end(arguments);
}

void polka_warn(polka_context *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_lines(ctx, POLKAI_LOG_WARN, format, arguments);
    va_end(arguments);
}

/* ---- ids ---- */

/* The id that repeats: of (cause source, cause id, service, reaction, emitted type, ordinal within that type). */
static polka_text derived_id(polka_context *unit, polka_text type, unsigned ordinal)
{
    char number[12], *first = number + sizeof number;
    do
        *--first = (char)('0' + ordinal % 10);
    while ((ordinal /= 10) > 0);
    polka_text parts[] = { unit->cause.source, unit->cause.id, polka_text_of(unit->flow->service->name),
                           polka_text_of(polkai_reaction_name(unit->reaction)), type, { (size_t)(number + sizeof number - first), first } };
    uint8_t uuid[16];
    char *text = polka_arena_alloc(unit->arena, POLKA_UUID_TEXT + 1);
    polkai_uuid_derived(uuid, parts, sizeof parts / sizeof *parts);
    polkai_uuid_write(text, uuid);
    return (polka_text){ POLKA_UUID_TEXT, text };
}

static polka_text root_id(polka_context *unit)
{
    uint8_t uuid[16];
    char *text = polka_arena_alloc(unit->arena, POLKA_UUID_TEXT + 1);
    pthread_mutex_lock(&unit->flow->lock);
    polkai_uuid_v7(uuid, polka_now_ms(unit), &unit->flow->random);
    pthread_mutex_unlock(&unit->flow->lock);
    polkai_uuid_write(text, uuid);
    return (polka_text){ POLKA_UUID_TEXT, text };
}

polka_text polka_new_id(polka_context *ctx)
{
    return ctx->reaction == NULL ? root_id(ctx) : derived_id(ctx, POLKA_TEXT("polka.new-id"), ctx->new_ids++);
}

/* ---- emission ---- */

polkai_target *polkai_flow_target(polkai_flow *flow, const polka_event *event)
{
    for (size_t i = 0; i < flow->target_count; i++)
        if (flow->targets[i].event == event)
            return &flow->targets[i];
    return NULL;
}

/* Is it declared? Then its place in the declared list. */
static polka_status declared_at(polka_context *unit, const polka_event *event, size_t *index)
{
    polka_events declared = unit->reaction == NULL ? unit->flow->service->emits : unit->reaction->emits;
    for (*index = 0; *index < declared.count; ++*index)
        if (declared.items[*index] == event)
            return POLKA_OK;
    return polkai_context_fail(unit, POLKA_MISUSE, "undeclared-emission", "%s emits %s without declaring it; add &…_event to POLKA_EMITS of %s",
                               unit->reaction == NULL ? "the service" : unit->reaction->function, event->name,
                               unit->reaction == NULL ? ".emits" : "this reaction");
}

static polka_status check_options(polka_context *unit, const polka_event *event, const polka_emission *options)
{
    if (options->at_ms != 0 || options->timer.data != NULL)
        return polkai_context_fail(unit, POLKA_MISUSE, "no-timers", "%s: timers (at_ms, timer) need a store, which this version does not have", event->name);
    for (size_t i = 0; i < options->headers.count; i++) {
        polka_text name = options->headers.items[i].key;
        if ((name.size >= 3 && memcmp(name.data, "ce_", 3) == 0) || (name.size >= 6 && memcmp(name.data, "polka-", 6) == 0) || name.size == 0)
            return polkai_context_fail(unit, POLKA_MISUSE, "reserved-header", "%s: header %.*s belongs to the framework", event->name, POLKA_TEXT_ARGS(name));
    }
    return POLKA_OK;
}

static polka_status encode(polka_context *unit, const polka_event *event, const void *value, polkai_sending *sending)
{
    polka_error error = { .status = POLKA_OK };
    polka_buffer buffer = { .arena = unit->arena };
    uint8_t *frame = polka_buffer_reserve(&buffer, POLKAI_SINGLE_OBJECT_BYTES);
    buffer.size = unit->flow->options.confluent ? POLKAI_CONFLUENT_BYTES : POLKAI_SINGLE_OBJECT_BYTES;     /* an id is written when it leaves */
    if (!unit->flow->options.confluent)
        polkai_framing_write(frame, event->fingerprint);
    polka_status status = event->codec->encode(value, &buffer, &error);
    if (status == POLKA_OK && event->codec->key != NULL)
        status = event->codec->key(value, unit->arena, &sending->record.key, &error);
    if (status != POLKA_OK)
        return polkai_context_fail(unit, status, error.code, "%s", error.message);   /* it begins with the event's name */
    if (sending->record.key.data != NULL)   /* the key may stand in the caller's own memory */
        sending->record.key = polkai_arena_bytes(unit->arena, sending->record.key.data, sending->record.key.size);
    sending->record.value = (polka_bytes){ buffer.size, buffer.data };
    return POLKA_OK;
}

/* What the headers are made of; they themselves are written when the emission leaves. */
typedef struct { polka_text id, correlation_id; polka_text_map headers; } identity;

static polka_text_map copy_headers(polka_context *unit, polka_text_map from)
{
    polka_text_entry *items = polkai_arena_zeroed(unit->arena, from.count + 1, sizeof *items);
    for (size_t i = 0; i < from.count; i++) {
        items[i].key = polkai_arena_text(unit->arena, from.items[i].key.data, from.items[i].key.size);
        if (from.items[i].value.data != NULL)
            items[i].value = polkai_arena_text(unit->arena, from.items[i].value.data, from.items[i].value.size);
    }
    return (polka_text_map){ from.count, items };
}

static void identify(polka_context *unit, const polkai_target *target, const polka_emission *options, unsigned ordinal, identity *who)
{
    if (options != NULL && options->id.data != NULL)
        who->id = polkai_arena_text(unit->arena, options->id.data, options->id.size);
    else
        who->id = unit->reaction == NULL ? root_id(unit) : derived_id(unit, target->type, ordinal);
    if (options != NULL && options->correlation_id.data != NULL)
        who->correlation_id = polkai_arena_text(unit->arena, options->correlation_id.data, options->correlation_id.size);
    else
        who->correlation_id = unit->reaction == NULL ? who->id : (polka_text){ 0, NULL };      /* inherited when it leaves */
    if (options != NULL && options->headers.count > 0)
        who->headers = copy_headers(unit, options->headers);
}

/* What would not be sent anyway is refused at once, so that a handler can see it (polka_failed). */
static polka_status check_place(polka_context *unit, const polka_event *event)
{
    const polkai_partition *partition = unit->delivery->partition;
    if (unit->flow->forks != polkai_forks)
        return polkai_context_fail(unit, POLKA_MISUSE, "forked", "%s is emitted in a child process that fork made of the service: the connections and threads "
                                   "are the parent's; start a program of its own (fork and exec)", event->name);
    if (partition != NULL && polkai_is_fenced(partition) && !POLKAI_PLANT(stale_send))
        return polkai_context_fail(unit, POLKA_TRANSIENT, "assignment-lost", "%.*s/%" PRId32 " is no longer ours: another member handles this event again, so "
                                   "%s is not sent from here", POLKA_TEXT_ARGS(partition->topic), partition->number, event->name);
    return POLKA_OK;
}

void polka_emit(polka_context *ctx, const polka_event *event, const void *value, const polka_emission *options)
{
    size_t index;
    if (ctx->delivery == NULL)
        polkai_context_fail(ctx, POLKA_MISUSE, "no-unit-of-work", "%s cannot be emitted while a resource is opened", event->name);
    if (ctx->error != NULL || is_lost(ctx, event->name) || check_place(ctx, event) != POLKA_OK || declared_at(ctx, event, &index) != POLKA_OK ||
        (options != NULL && check_options(ctx, event, options) != POLKA_OK))
        return;
    if (ctx->reaction != NULL && ctx->cause.hops + 1 > POLKAI_HOPS_LIMIT) {
        polkai_context_fail(ctx, POLKA_POISON, "too-many-hops", "%s would be hop %u of its flow; at most %d are allowed, so that loops end",
                            event->name, ctx->cause.hops + 1, POLKAI_HOPS_LIMIT);
        return;
    }
    polkai_sending *sending = polkai_arena_zeroed(ctx->arena, 1, sizeof *sending + sizeof(identity));
    if (encode(ctx, event, value, sending) != POLKA_OK)
        return;
    sending->kind = SENDING_EMISSION;
    sending->of_producer = ctx->worker == NULL;
    sending->ticket = ctx->worker == NULL ? 0 : ++ctx->worker->tickets;
    sending->delivery = ctx->delivery;
    sending->unit = ctx;
    sending->target = polkai_flow_target(ctx->flow, event);
    sending->record.topic = sending->target->topic;
    sending->record.partition = -1;
    identify(ctx, sending->target, options, ctx->ordinals[index]++, (identity *)(sending + 1));
    if (ctx->last == NULL)
        ctx->first = sending;
    else
        ctx->last->next = sending;
    ctx->last = sending;
}

polka_text polkai_context_id(const polkai_sending *sending)
{
    return ((const identity *)(sending + 1))->id;
}

polka_text polkai_context_conversation(const polka_context *unit, const polkai_sending *sending)
{
    const identity *who = (const identity *)(sending + 1);
    return who->correlation_id.data != NULL ? who->correlation_id : unit->cause.correlation_id;
}

void polkai_context_trace(const polka_context *unit, const polkai_sending *sending, char traceparent[POLKAI_TRACEPARENT + 1])
{
    polka_text cause = unit->reaction == NULL ? (polka_text){ 0, NULL } : unit->delivery->envelope.traceparent;
    polkai_envelope_trace_write(traceparent, cause, polkai_context_conversation(unit, sending), polkai_context_id(sending));
    if (unit->flow->tracing == NULL)
        return;                          /* the flag of the cause is passed on */
    bool begins = unit->reaction == NULL || ((const identity *)(sending + 1))->correlation_id.data != NULL;      /* perhaps; else it goes on as its reaction does */
    polkai_envelope_trace_set_sampled(traceparent, begins ? polkai_trace_samples(unit, traceparent) : unit->traced != NULL);
}

void polkai_context_headers(polka_context *unit, const polkai_sending *sending, polka_arena *arena, polkai_record *record)
{
    const identity *who = (const identity *)(sending + 1);
    bool root = unit->reaction == NULL;
    *record = sending->record;
    polkai_envelope envelope = {
        .mode = unit->flow->options.compact_envelope ? POLKAI_MODE_COMPACT : POLKAI_MODE_BINARY,
        .id = who->id, .source = unit->flow->source_name, .type = sending->target->type, .time_ms = polka_now_ms(unit),
        .correlation_id = polkai_context_conversation(unit, sending),
        .causation_id = root ? (polka_text){ 0, NULL } : unit->cause.id, .dataschema = sending->target->dataschema,
        .hops = root ? 0 : unit->cause.hops + 1, .attempt = unit->attempt };
    envelope.subject = polkai_envelope_subject(record->key);
    char *traceparent = polka_arena_alloc(arena, POLKAI_TRACEPARENT + 1);
    polkai_context_trace(unit, sending, traceparent);
    envelope.traceparent = (polka_text){ POLKAI_TRACEPARENT, traceparent };
    polkai_header *headers = polka_arena_alloc(arena, (POLKAI_ENVELOPE_HEADERS + who->headers.count) * sizeof *headers);
    record->header_count = polkai_envelope_write(&envelope, arena, headers);
    for (size_t i = 0; i < who->headers.count; i++)
        headers[record->header_count++] = (polkai_header){ who->headers.items[i].key,
            { who->headers.items[i].value.size, (const uint8_t *)who->headers.items[i].value.data } };
    record->headers = headers;
    record->timestamp_ms = envelope.time_ms;
}
