/* emission.c: an emission is made in its handler, and its headers when it leaves. */
#include <base/error.h>
#include <base/forked.h>
#include <base/identity.h>
#include <base/plant.h>
#include <flow/inner.h>
#include <flow/schema/framing.h>

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
    if (ctx->error != NULL || polkai_context_is_lost(ctx, event->name) || check_place(ctx, event) != POLKA_OK || declared_at(ctx, event, &index) != POLKA_OK ||
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

polka_text polkai_emission_id(const polkai_sending *sending)
{
    return ((const identity *)(sending + 1))->id;
}

polka_text polkai_emission_conversation(const polka_context *unit, const polkai_sending *sending)
{
    const identity *who = (const identity *)(sending + 1);
    return who->correlation_id.data != NULL ? who->correlation_id : unit->cause.correlation_id;
}

/* Perhaps; else it goes on as its reaction does. */
static bool begins_a_trace(const polkai_sending *sending)
{
    return sending->unit->reaction == NULL || ((const identity *)(sending + 1))->correlation_id.data != NULL;
}

bool polkai_emission_follows_untraced(const polkai_sending *sending)
{
    return sending->unit->traced == NULL && !begins_a_trace(sending);
}

void polkai_emission_trace(const polka_context *unit, const polkai_sending *sending, char traceparent[POLKAI_TRACEPARENT + 1])
{
    polka_text cause = unit->reaction == NULL ? (polka_text){ 0, NULL } : unit->delivery->envelope.traceparent;
    polkai_envelope_trace_write(traceparent, cause, polkai_emission_conversation(unit, sending), polkai_emission_id(sending));
    if (unit->flow->tracing != NULL)     /* else the flag of the cause is passed on */
        polkai_envelope_trace_set_sampled(traceparent, begins_a_trace(sending) ? polkai_trace_samples(unit, traceparent) : unit->traced != NULL);
}

void polkai_emission_headers(polka_context *unit, const polkai_sending *sending, polka_arena *arena, polkai_record *record)
{
    const identity *who = (const identity *)(sending + 1);
    bool root = unit->reaction == NULL;
    *record = sending->record;
    polkai_envelope envelope = {
        .mode = unit->flow->options.compact_envelope ? POLKAI_MODE_COMPACT : POLKAI_MODE_BINARY,
        .id = who->id, .source = unit->flow->source_name, .type = sending->target->type, .time_ms = polka_now_ms(unit),
        .correlation_id = polkai_emission_conversation(unit, sending),
        .causation_id = root ? (polka_text){ 0, NULL } : unit->cause.id, .dataschema = sending->target->dataschema,
        .hops = root ? 0 : unit->cause.hops + 1, .attempt = unit->attempt };
    envelope.subject = polkai_envelope_subject(record->key);
    char *traceparent = polka_arena_alloc(arena, POLKAI_TRACEPARENT + 1);
    polkai_emission_trace(unit, sending, traceparent);
    envelope.traceparent = (polka_text){ POLKAI_TRACEPARENT, traceparent };
    polkai_header *headers = polka_arena_alloc(arena, (POLKAI_ENVELOPE_HEADERS + who->headers.count) * sizeof *headers);
    record->header_count = polkai_envelope_write(&envelope, arena, headers);
    for (size_t i = 0; i < who->headers.count; i++)
        headers[record->header_count++] = (polkai_header){ who->headers.items[i].key,
            { who->headers.items[i].value.size, (const uint8_t *)who->headers.items[i].value.data } };
    record->headers = headers;
    record->timestamp_ms = envelope.time_ms;
}
