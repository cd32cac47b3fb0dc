/* activity.c: a record is made, handed to the sink and forgotten when it is reported. */
#include <flow/activity.h>

#include <avro/canonical.h>
#include <avro/schema.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <flow/activity_schema.h>
#include <flow/schema/framing.h>
#include <polka/wire_write.h>

#include <stdlib.h>

enum { UNDER_WAY = 10000, RECORD_MEMORY = 1024, NUMBERS_BYTES = 160, SECOND = 1000000000, COMPLAIN_EVERY_S = 60, ANNOUNCE_EVERY_S = 30 };

struct polkai_activity {
    polka_event event;                   /* as an emitted one: for the announcement of its schema */
    polkai_target target;
    atomic_uint under_way;
    atomic_ullong told, dropped;
    _Atomic int64_t complained_ns;
    polkai_sending *announcement;        /* the poll thread's, as is when it is due; INT64_MAX: it is under way, or there */
    int64_t announce_due_ns;
};

/* One record, until it is reported. */
typedef struct {
    polkai_sending sending;              /* first: the cookie */
    polka_arena arena;
    uint8_t memory[RECORD_MEMORY];
} telling;

/* ---- create ---- */

polka_status polkai_activity_create(polkai_flow *flow, polka_error *error)
{
    const polkai_schema *schema;
    if (!flow->options.activity)
        return POLKA_OK;
    polkai_schema_set *set = polkai_schema_set_create();
    polka_status status = polkai_schema_parse(set, POLKA_TEXT(POLKAI_ACTIVITY_SCHEMA), NULL, &schema, error);
    if (status == POLKA_OK) {
        polkai_activity *made = flow->activity = polkai_alloc(sizeof *made);
        made->event = (polka_event){ .name = POLKAI_ACTIVITY_TYPE, .topic = POLKAI_ACTIVITY_TOPIC, .schema = POLKAI_ACTIVITY_SCHEMA,
                                     .fingerprint = polkai_schema_fingerprint(schema) };
        polkai_target_init(flow, &made->target, &made->event);
        made->announcement = polkai_send_schema_of(flow, &made->target, SENDING_ACTIVITY_SCHEMA);
    }
    polkai_schema_set_destroy(set);
    return status;
}

void polkai_activity_destroy(polkai_flow *flow)
{
    free(flow->activity);
    flow->activity = NULL;
}

/* ---- one record ---- */

typedef struct {
    polkai_reaction_outcome outcome;
    polka_text reaction, code;           /* code data NULL: none */
    int64_t begun_us, took_us;           /* took below 0: no handler was called */
} ending;

static uint8_t *put(uint8_t *at, polka_text text)
{
    at = polka_write_size(at, text.size);
    if (text.size > 0)
        memcpy(at, text.data, text.size);
    return at + text.size;
}

static polka_bytes encode(const polka_context *unit, const ending *what, uint64_t fingerprint, polka_arena *arena)
{
    const polkai_flow *flow = unit->flow;
    const polkai_record *record = &unit->delivery->record;
    const polka_text texts[] = { unit->cause.correlation_id, unit->cause.id, unit->cause.type, unit->cause.source, polka_text_of(flow->service->name),
                                 flow->group_name, what->reaction, record->topic };
    size_t bytes = POLKAI_SINGLE_OBJECT_BYTES + NUMBERS_BYTES + what->code.size;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        bytes += texts[i].size;
    uint8_t *begin = polka_arena_alloc(arena, bytes), *at = begin + POLKAI_SINGLE_OBJECT_BYTES;
    polkai_framing_write(begin, fingerprint);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        at = put(at, texts[i]);
    at = polka_write_long(at, record->partition);
    at = polka_write_long(at, polkai_record_first(record));
    at = polka_write_long(at, what->begun_us);
    at = polka_write_long(at, what->took_us >= 0);
    if (what->took_us >= 0)
        at = polka_write_long(at, what->took_us);
    at = polka_write_long(at, unit->attempt);
    at = polka_write_long(at, what->outcome);
    at = polka_write_long(at, what->code.data != NULL);
    if (what->code.data != NULL)
        at = put(at, what->code);
    return (polka_bytes){ (size_t)(at - begin), begin };
}

/* An event is handled again after a restart, and that is told of again: when it began tells the two apart. */
static polka_text id_of(const polka_context *unit, const ending *what, polka_arena *arena)
{
    uint8_t uuid[16];
    const polkai_record *record = &unit->delivery->record;
    const polka_text parts[] = { POLKA_TEXT(POLKAI_ACTIVITY_TYPE), unit->flow->group_name, record->topic,
                                 polkai_arena_format(arena, "%" PRId32 "/%" PRId64, record->partition, polkai_record_first(record)), what->reaction,
                                 polkai_arena_format(arena, "%u/%" PRId64 "/%d", unit->attempt, what->begun_us, (int)what->outcome) };
    char *text = polka_arena_alloc(arena, POLKA_UUID_TEXT + 1);
    polkai_uuid_derived(uuid, parts, sizeof parts / sizeof *parts);
    polkai_uuid_write(text, uuid);
    return (polka_text){ POLKA_UUID_TEXT, text };
}

static void make(telling *made, polkai_header headers[POLKAI_ENVELOPE_HEADERS], const polka_context *unit, const ending *what, int64_t now_ms)
{
    const polkai_flow *flow = unit->flow;
    const polkai_target *target = &flow->activity->target;
    const polka_text correlation = unit->cause.correlation_id;
    const polka_bytes key = { correlation.size, (const uint8_t *)correlation.data };
    const polkai_envelope envelope = {
        .mode = flow->options.compact_envelope ? POLKAI_MODE_COMPACT : POLKAI_MODE_BINARY, .id = id_of(unit, what, &made->arena), .source = flow->source_name,
        .type = target->type, .subject = polkai_envelope_subject(key), .correlation_id = correlation, .causation_id = unit->cause.id,
        .dataschema = target->dataschema, .time_ms = now_ms };
    made->sending.record = (polkai_record){
        .topic = target->topic, .partition = -1, .key = key,
        .value = encode(unit, what, target->event->fingerprint, &made->arena),
        .headers = headers, .header_count = polkai_envelope_write(&envelope, &made->arena, headers) };
}

/* ---- tell ---- */

static void forget(polkai_activity *self, telling *made)
{
    polkai_arena_deinit(&made->arena);
    free(made);
    atomic_fetch_sub_explicit(&self->under_way, 1, memory_order_relaxed);
}

static void drop(polkai_activity *self) { atomic_fetch_add_explicit(&self->dropped, 1, memory_order_relaxed); }

/* By whichever thread meets it first. */
static void complain(polkai_flow *flow, const char *message)
{
    int64_t now_ns = flow->options.clock->steady_ns(flow->options.clock);
    polkai_activity *self = flow->activity;
    int64_t before_ns = atomic_load_explicit(&self->complained_ns, memory_order_relaxed);
    if (flow->draining || (before_ns != 0 && now_ns - before_ns < COMPLAIN_EVERY_S * (int64_t)SECOND) ||
        !atomic_compare_exchange_strong(&self->complained_ns, &before_ns, now_ns))
        return;
    LOG_WARN(flow->options.log, "what reactions did is not on " POLKAI_ACTIVITY_TOPIC ": %s; events are handled all the same. If the topic is missing: "
             "polka topics apply --execute", message);
}

static bool has_room(polkai_activity *self)
{
    if (atomic_fetch_add_explicit(&self->under_way, 1, memory_order_relaxed) < UNDER_WAY)
        return true;
    atomic_fetch_sub_explicit(&self->under_way, 1, memory_order_relaxed);
    return false;
}

void polkai_activity_tell(polka_context *unit, polkai_reaction_outcome outcome, const char *code)
{
    polkai_flow *flow = unit->flow;
    polkai_activity *self = flow->activity;
    polkai_header headers[POLKAI_ENVELOPE_HEADERS];
    polka_error error;
    if (self == NULL || polka_text_equal(unit->delivery->record.topic, POLKA_TEXT(POLKAI_ACTIVITY_TOPIC)))
        return;
    if (!has_room(self)) {
        drop(self);
        complain(flow, "too many records are not acknowledged yet");
        return;
    }
    int64_t now_ms = flow->options.clock->wall_ms(flow->options.clock);
    const ending what = { .outcome = outcome, .code = polka_text_of(code), .took_us = unit->called ? unit->took_ns / 1000 : -1,
                          .begun_us = now_ms * 1000 - (unit->called ? unit->took_ns / 1000 : 0),
                          .reaction = unit->reaction == NULL ? POLKA_TEXT("-") : polka_text_of(polkai_reaction_name(unit->reaction)) };
    unit->called = false;
    telling *made = polkai_alloc(sizeof *made);
    polkai_arena_init(&made->arena, made->memory, sizeof made->memory);
    made->sending.kind = SENDING_ACTIVITY;
    make(made, headers, unit, &what, now_ms);
    if (flow->sink->operations->send(flow->sink, &made->sending.record, &made->sending, &error) != POLKA_OK) {
        drop(self);
        forget(self, made);
        complain(flow, error.message);
    }
}

void polkai_activity_report(polkai_flow *flow, polkai_sending *sending, const polkai_report *report)
{
    polkai_activity *self = flow->activity;
    if (report->status == POLKA_OK) {
        atomic_fetch_add_explicit(&self->told, 1, memory_order_relaxed);
    } else {
        drop(self);
        complain(flow, report->message);
    }
    forget(self, (telling *)sending);
}

/* ---- its schema ---- */

void polkai_activity_look(polkai_flow *flow, int64_t now_ns)
{
    polkai_activity *self = flow->activity;
    polka_error error;
    if (now_ns < self->announce_due_ns)
        return;
    bool leaves = polkai_send_now(flow, self->announcement, &error) == POLKA_OK;
    self->announce_due_ns = leaves ? INT64_MAX : now_ns + ANNOUNCE_EVERY_S * (int64_t)SECOND;
}

void polkai_activity_announced(polkai_flow *flow, const polkai_report *report)
{
    const polkai_clock *clock = flow->options.clock;
    if (report->status != POLKA_OK)
        flow->activity->announce_due_ns = clock->steady_ns(clock) + ANNOUNCE_EVERY_S * (int64_t)SECOND;
}

bool polkai_activity_waits(const polkai_flow *flow)
{
    return flow->activity != NULL && atomic_load(&flow->activity->under_way) > 0;
}

void polkai_activity_read(const polkai_flow *flow, uint64_t *told, uint64_t *dropped)
{
    *told = flow->activity == NULL ? 0 : atomic_load_explicit(&flow->activity->told, memory_order_relaxed);
    *dropped = flow->activity == NULL ? 0 : atomic_load_explicit(&flow->activity->dropped, memory_order_relaxed);
}
