/*
 * send.c: what becomes of a send: acknowledged, to be sent again, refused. On the poll thread.
 *
 * A failed send is sent again as it is and in its order; its handler never runs for it again. While emissions to a topic
 * wait, no later one leaves for it, whatever its type (polkai_target.held).
 */
#include <base/error.h>
#include <flow/activity.h>

#define POLKAI_SERVICE_TOPIC "polka.services"

enum { COMPLAIN_EVERY_NS = 1000000000, HEADERS_MEMORY = 1536, TOPICS_FULL = 16 };

static int64_t now_ns(const polkai_flow *flow)
{
    return flow->options.clock->steady_ns(flow->options.clock);
}

/*
 * The headers of an emission are made when it leaves, and again when it is sent again: from what stays the same. So they need
 * no memory while the acknowledgement is awaited, and 10000 events in flight stay small and in the caches.
 */
void polkai_send_record(polkai_flow *flow, polkai_sending *sending, polka_arena *arena, polkai_record *record)
{
    if (sending->kind != SENDING_EMISSION) {
        *record = sending->record;
        return;
    }
    polkai_emission_headers(sending->unit, sending, arena, record);
    if (flow->options.confluent)         /* the id may have come after the event was encoded; the bytes are the unit's own */
        polkai_framing_write_id((uint8_t *)(uintptr_t)record->value.data, sending->target->id);
}

polka_status polkai_send_now(polkai_flow *flow, polkai_sending *sending, polka_error *error)
{
    uint8_t memory[HEADERS_MEMORY];
    polkai_record record;
    if (flow->tracing != NULL)
        polkai_trace_leaves(sending);
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, memory, sizeof memory);
    polkai_send_record(flow, sending, &arena, &record);
    return flow->sink->operations->send(flow->sink, &record, sending, error);
}

/* ---- the queue of what is sent again ---- */

void polkai_send_wait_in_line(polkai_flow *flow, polkai_sending *sending)
{
    sending->next_waiting = NULL;
    if (flow->waiting_last == NULL) {
        flow->waiting_first = sending;
        flow->resend_attempt++;
        flow->resend_due_ns = now_ns(flow) + polkai_retry_outage_ns(flow->resend_attempt, 0.5);
    } else {
        flow->waiting_last->next_waiting = sending;
    }
    flow->waiting_last = sending;
    flow->waiting_disordered = true;
    if (sending->kind == SENDING_EMISSION && !sending->resent)
        atomic_fetch_add(sending->target->held, 1);
    sending->resent = true;
}

static void complain(polkai_flow *flow, const polkai_sending *sending, const polkai_report *report)
{
    if (flow->complained_ns != 0 && now_ns(flow) - flow->complained_ns < 10 * (int64_t)COMPLAIN_EVERY_NS)
        return;
    flow->complained_ns = now_ns(flow);
    LOG_WARN(flow->options.log, "cannot send to %.*s: %s (%s); trying again without limit%s", POLKA_TEXT_ARGS(sending->record.topic), report->message,
             report->code, polkai_refused_for_right(report->code) ? "" : ". If the topic is missing: polka topics apply --execute");
}

static void no_longer_held(polkai_sending *sending)
{
    if (sending->resent && sending->kind == SENDING_EMISSION)
        atomic_fetch_sub(sending->target->held, 1);
}

static void one_less(polkai_delivery *delivery)
{
    if (atomic_fetch_sub(&delivery->pending, 1) == 1 && delivery->partition != NULL)
        polkai_delivery_done(delivery);
}

/* Another member has the partition: it handles the event again, and what is sent late would come behind what it sends. */
static bool is_fenced(const polkai_sending *sending)
{
    return sending->unit != NULL && sending->unit->delivery->partition != NULL && polkai_is_fenced(sending->unit->delivery->partition);
}

static void give_up(polkai_sending *sending)
{
    polkai_delivery *delivery = sending->unit->delivery;
    atomic_store(&delivery->dropped, true);
    no_longer_held(sending);
    one_less(delivery);
}

static bool send_again(polkai_flow *flow, polkai_sending *sending)
{
    polka_error error;
    if (is_fenced(sending)) {
        give_up(sending);
        return true;
    }
    polka_status status = polkai_send_now(flow, sending, &error);
    if (status == POLKA_TRANSIENT)
        return false;
    polkai_count(flow, COUNT_RESENT);
    if (status != POLKA_OK)
        polkai_flow_report(flow, &(polkai_report){ .cookie = sending, .status = status, .partition = -1, .offset = -1, .code = error.code,
                                                   .message = error.message });
    return true;
}

/*
 * Failed sends are reported in any order: when a producer ends, what was still in its queue may come before what was already
 * under way. All emissions of a key are of one lane, so the lane's count gives the order in which they were made.
 */
static unsigned lane_of(const polkai_sending *sending)
{
    return sending->ticket == 0 ? 0 : sending->unit->worker->index + 1;
}

static bool is_before(const polkai_sending *a, const polkai_sending *b)
{
    unsigned one = lane_of(a), other = lane_of(b);
    return one != other ? one < other : a->ticket < b->ticket;
}

static polkai_sending *merged(polkai_sending *a, polkai_sending *b)
{
    polkai_sending *first = NULL, **end = &first;
    while (a != NULL && b != NULL) {
        polkai_sending **least = is_before(b, a) ? &b : &a;              /* equal ones stay as they are */
        *end = *least;
        *least = (*least)->next_waiting;
        end = &(*end)->next_waiting;
    }
    *end = a != NULL ? a : b;
    return first;
}

/* Merge sort: runs[i] holds 2^i of them. */
static polkai_sending *in_order(polkai_sending *list)
{
    polkai_sending *runs[48] = { NULL }, *all = NULL;
    while (list != NULL) {
        polkai_sending *run = list;
        size_t i = 0;
        list = list->next_waiting;
        run->next_waiting = NULL;
        for (; runs[i] != NULL; runs[i++] = NULL)
            run = merged(runs[i], run);
        runs[i] = run;
    }
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        all = merged(runs[i], all);
    return all;
}

/* Those that took nothing in this round. */
typedef struct { polka_text topics[TOPICS_FULL]; size_t count; } full_topics;

/* A topic that is missing, or that this service may not write to, holds up no other; when this many take nothing it is the sink that is full. */
static bool is_full(const full_topics *full, polka_text topic)
{
    for (size_t i = 0; i < full->count; i++)
        if (polka_text_equal(full->topics[i], topic))
            return true;
    return full->count == TOPICS_FULL;
}

static bool waits_on(polkai_flow *flow, full_topics *full, polkai_sending *sending)
{
    polka_text topic = sending->record.topic;
    bool known = !is_fenced(sending) && is_full(full, topic);
    if (!known && send_again(flow, sending))
        return false;
    if (!known && full->count < TOPICS_FULL)
        full->topics[full->count++] = topic;
    bool disordered = flow->waiting_disordered;
    polkai_send_wait_in_line(flow, sending);
    flow->waiting_disordered = disordered;               /* they are in order, as they were */
    return true;
}

size_t polkai_send_waiting(polkai_flow *flow, int64_t at_ns)
{
    size_t count = 0;
    full_topics full = { .count = 0 };
    if (flow->waiting_first == NULL || at_ns < flow->resend_due_ns)
        return 0;
    polkai_sending *at = flow->waiting_disordered ? in_order(flow->waiting_first) : flow->waiting_first, *next;
    flow->waiting_first = flow->waiting_last = NULL;
    flow->waiting_disordered = false;
    for (; at != NULL; at = next) {
        next = at->next_waiting;
        count += !waits_on(flow, &full, at);
    }
    return count;
}

void polkai_send_hurry(polkai_flow *flow)
{
    flow->resend_attempt = 0;
    flow->resend_due_ns = now_ns(flow);
}

/* ---- announcing schemas and the service ---- */

static void announce(polkai_flow *flow, polkai_target *target)
{
    polkai_sending *sending = target->announcement;
    polka_error error;
    if (polkai_send_now(flow, sending, &error) != POLKA_OK)
        polkai_send_wait_in_line(flow, sending);
}

/* Nothing depends on the manifest: it is sent once, and its loss is only told of. */
static void manifest_lost(const polkai_flow *flow, const char *message)
{
    LOG_WARN(flow->options.log, "this service is not on " POLKAI_SERVICE_TOPIC ", so that `polka can-deploy` does not know of it: %s. If the topic is missing: "
             "polka topics apply --execute, and start the service again", message);
}

static void announce_service(polkai_flow *flow)
{
    polka_error error;
    if (flow->options.manifest.data == NULL)
        return;
    polkai_sending *sending = polkai_arena_zeroed(&flow->arena, 1, sizeof *sending);
    sending->kind = SENDING_MANIFEST;
    sending->record = (polkai_record){ .topic = POLKA_TEXT(POLKAI_SERVICE_TOPIC), .partition = -1,
                                       .key = { flow->options.manifest_key.size, (const uint8_t *)flow->options.manifest_key.data },
                                       .value = { flow->options.manifest.size, (const uint8_t *)flow->options.manifest.data } };
    if (polkai_send_now(flow, sending, &error) != POLKA_OK)
        manifest_lost(flow, error.message);
}

polkai_sending *polkai_send_schema_of(polkai_flow *flow, polkai_target *target, polkai_sending_kind kind)
{
    polkai_sending *sending = polkai_arena_zeroed(&flow->arena, 1, sizeof *sending);
    sending->kind = kind;
    sending->target = target;
    sending->record = (polkai_record){ .topic = POLKA_TEXT(POLKAI_SCHEMA_TOPIC), .partition = -1,
                                       .key = { 16, (const uint8_t *)target->key_text },
                                       .value = { strlen(target->event->schema), (const uint8_t *)target->event->schema } };
    return sending;
}

void polkai_send_announce(polkai_flow *flow)
{
    announce_service(flow);
    for (size_t i = 0; i < flow->target_count; i++) {
        polkai_target *target = &flow->targets[i];
        if (!flow->options.announce) {
            if (!flow->options.confluent)        /* there the registry's id is waited for */
                atomic_store(&target->announced, true);
            continue;
        }
        target->announcement = polkai_send_schema_of(flow, target, SENDING_ANNOUNCEMENT);
        announce(flow, target);
    }
}

bool polkai_send_is_announced(polkai_flow *flow, polkai_target *target)
{
    (void)flow;
    return atomic_load_explicit(&target->announced, memory_order_acquire);
}

/* ---- reports ---- */

static void acknowledged(polkai_flow *flow, polkai_sending *sending, const polkai_report *report)
{
    if (sending->resent)                 /* what other topics take says nothing about one that is missing */
        flow->resend_attempt = 0;
    no_longer_held(sending);
    if (sending->kind == SENDING_ANNOUNCEMENT) {
        atomic_store_explicit(&sending->target->announced, true, memory_order_release);
        polkai_schemas_tell(flow);       /* emissions that wait for it may leave */
        return;
    }
    if (sending->kind == SENDING_EMISSION)
        polkai_count(flow, COUNT_EMITTED);
    if (flow->tracing != NULL)
        polkai_trace_sent(sending, report);
    one_less(sending->delivery);
}

static void refused(polkai_flow *flow, polkai_sending *sending, const polkai_report *report)
{
    if (sending->kind == SENDING_ANNOUNCEMENT) {
        complain(flow, sending, report);
        polkai_send_wait_in_line(flow, sending);
        return;
    }
    polka_context *unit = sending->unit;
    if (sending->kind == SENDING_LETTER) {
        if (!sending->without_value && sending->record.value.data != NULL && polkai_refused_for_size(report->code))
            polkai_letter_without_value(sending, &unit->delivery->late);
        else
            complain(flow, sending, report);             /* nothing advances until the letter is there */
        polkai_send_wait_in_line(flow, sending);
        return;
    }
    no_longer_held(sending);
    if (flow->tracing != NULL)
        polkai_trace_sent(sending, report);
    sending->refused = true;
    if (unit->refused == NULL) {
        unit->refused = sending;
        polka_error *error = polkai_alloc(sizeof *error);
        polkai_fail(error, POLKA_POISON, report->code, "%s", report->message);
        unit->refused_error = error;
        sending->delivery->refused = true;
    }
    one_less(sending->delivery);
}

/* What no event depends on. */
static void aside(polkai_flow *flow, polkai_sending *sending, const polkai_report *report)
{
    if (sending->kind == SENDING_ACTIVITY)
        polkai_activity_report(flow, sending, report);
    else if (sending->kind == SENDING_ACTIVITY_SCHEMA)
        polkai_activity_announced(flow, report);
    else if (report->status != POLKA_OK && !flow->draining)
        manifest_lost(flow, report->message);
}

void polkai_flow_report(void *user, const polkai_report *report)
{
    polkai_flow *flow = user;
    polkai_sending *sending = report->cookie;
    if (sending->of_producer) {
        polkai_producer_report(sending, report);
        return;
    }
    if (flow->draining && flow->in_flight == 0 && sending->kind == SENDING_ANNOUNCEMENT && report->status != POLKA_OK)
        return;                          /* nothing waits for it any more */
    if (sending->kind >= SENDING_MANIFEST) {
        aside(flow, sending, report);
        return;
    }
    switch (report->status) {
    case POLKA_OK:
        acknowledged(flow, sending, report);
        return;
    case POLKA_POISON:
        refused(flow, sending, report);
        return;
    case POLKA_FATAL:
        if (!atomic_load(&flow->failed)) {
            polka_error error;
            polkai_fail(&error, POLKA_FATAL, report->code, "the producer is dead: %s", report->message);
            polkai_settle_stop(flow, &error);
        }
        break;
    default:
        complain(flow, sending, report);
        break;
    }
    polkai_send_wait_in_line(flow, sending);
}
