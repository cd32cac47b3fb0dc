/*
 * walk.c: the corridor on its lane: the record is opened (open.c), its value read, the handlers called. Keys whose first event
 * waits are parked, and what comes behind them waits in order.
 */
#include <base/mark.h>
#include <flow/inner.h>

enum { HELD_NS = 1000000 };

/* ---- read ---- */

/* Reads the value once for all reactions to it. */
static polka_status need_value(polka_context *unit, polka_error *error)
{
    const polka_context *first = unit->delivery->units;
    if (unit->reaction->event == NULL || unit->decoded == unit->reaction->event)
        return POLKA_OK;
    if (first->decoded == unit->reaction->event) {
        unit->value = first->value;
        unit->decoded = first->decoded;
        return POLKA_OK;
    }
    return polkai_read_value(unit, error);
}

/* ---- call ---- */

polka_outcome polkai_walk_next(polka_context *unit)
{
    const polka_service *service = unit->flow->service;
    const polka_reaction *reaction = unit->reaction;
    polka_middleware *next = service->around == NULL || unit->middleware == SIZE_MAX ? NULL : service->around[unit->middleware];
    if (next != NULL) {
        unit->middleware++;
        polka_outcome outcome = next(unit);
        unit->middleware = SIZE_MAX;     /* also when it did not proceed: who called it may not go on past it */
        return outcome;
    }
    if (unit->middleware == SIZE_MAX) {
        polkai_context_fail(unit, POLKA_MISUSE, "proceed-twice", "a middleware around %s called polka_proceed twice", polkai_reaction_name(reaction));
        return POLKA_DEAD;
    }
    unit->middleware = SIZE_MAX;
    unit->reached = true;
    if (reaction->any != NULL)
        return reaction->any(unit, &(polka_any){ reaction->event, unit->value });
    return reaction->event->invoke(reaction->handler, unit, unit->value);
}

static void attempt(polka_context *unit)
{
    polka_error error;
    polkai_context_begin_attempt(unit);
    const polkai_ends *ends = atomic_load_explicit(&unit->flow->ends, memory_order_acquire);
    if (ends != NULL && polkai_breaker_stops(unit, ends))
        return;
    if (unit->flow->tracing != NULL)
        polkai_trace_begin(unit);
    if (need_value(unit, &error) != POLKA_OK) {
        polkai_context_fail(unit, error.status, error.code, "%s", error.message);
        if (unit->flow->tracing != NULL && error.status != POLKA_TRANSIENT)      /* a schema that is waited for makes no spans */
            polkai_trace_handled(unit, POLKA_DEAD);
        polkai_settle(unit, POLKA_DEAD);
        return;
    }
    const polkai_clock *clock = unit->worker->meter == NULL ? NULL : unit->flow->options.clock;
    int64_t began_ns = clock == NULL ? 0 : clock->steady_ns(clock);
    polkai_running_begin(&unit->worker->running, unit);
    polka_outcome outcome = polkai_walk_next(unit);
    if (!polkai_running_end(&unit->worker->running))
        polkai_lane_leave(unit->worker->lane);           /* what comes of it counts no more, and nothing above is this thread's any more */
    if (clock != NULL)
        polkai_meter_took(unit, clock->steady_ns(clock) - began_ns);
    if (unit->flow->tracing != NULL)
        polkai_trace_handled(unit, outcome);
    if (!unit->reached && outcome == POLKA_SKIP)
        polkai_context_log(unit, POLKAI_LOG_DEBUG, "a middleware skipped this event before %s saw it", polkai_reaction_name(unit->reaction));
    polkai_settle(unit, outcome);
}

/* The slot comes first: who finds none tries it often, and neither memory of the event nor time for its value may go into that. */
static void run_unit(polka_context *unit)
{
    bool limited = unit->flow->slots != NULL;
    if (limited && !polkai_slots_take(unit))
        return;
    attempt(unit);
    if (limited)
        polkai_slots_give(unit);
}

/* ---- one event ---- */

/* When the delivery has to be looked at again: the least due time of what waits; INT64_MAX: all settled. */
static int64_t due_of(const polkai_delivery *delivery)
{
    int64_t due_ns = INT64_MAX;
    for (size_t i = 0; i < delivery->unit_count; i++) {
        const polka_context *unit = &delivery->units[i];
        if (unit->state != UNIT_SETTLED && unit->due_ns < due_ns)
            due_ns = unit->due_ns;
    }
    return due_ns;
}

static polka_text kept(polka_text text, polka_arena *arena)
{
    return text.data == NULL ? text : polkai_arena_text(arena, text.data, text.size);
}

static void own_texts(polkai_delivery *delivery)
{
    polkai_envelope *e = &delivery->envelope;
    polka_text *texts[] = { &e->id, &e->source, &e->type, &e->correlation_id, &e->causation_id, &e->traceparent };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = kept(*texts[i], &delivery->arena);
    e->subject = e->dataschema = (polka_text){ 0, NULL };            /* nobody asks for them any more */
    if (e->schema_id.data != NULL)
        e->schema_id = polkai_arena_bytes(&delivery->arena, e->schema_id.data, e->schema_id.size);
    for (size_t i = 0; i < delivery->unit_count; i++) {
        polka_cause *cause = &delivery->units[i].cause;
        cause->id = e->id;
        cause->type = e->type;
        cause->source = e->source;
        cause->causation_id = e->causation_id;
        cause->correlation_id = e->correlation_id.data != NULL ? e->correlation_id : e->id;
    }
    delivery->owned = delivery->opened;
}

void polkai_walk_own_texts(polkai_delivery *delivery)
{
    if (!delivery->owned && delivery->record.forget_headers != NULL)
        own_texts(delivery);
}

/* Before a long wait: our own copy of the record, as a kept message of librdkafka pins its whole fetch buffer. */
static void keep(polkai_delivery *delivery)
{
    if (delivery->kept || delivery->record.release == NULL || atomic_load(&delivery->pending) > LANE_HOLDS)
        return;                          /* something under way still borrows from it */
    delivery->kept = true;
    if (!delivery->owned)
        own_texts(delivery);
    polkai_record_headers(&delivery->record, &delivery->arena);
    polkai_record_keep(&delivery->record);
    for (size_t i = 0; i < delivery->unit_count; i++) {
        delivery->units[i].cause.key = (polka_text){ delivery->record.key.size, (const char *)delivery->record.key.data };
        polkai_letter_again(&delivery->units[i]);
    }
}

static bool is_due(const polka_context *unit, int64_t now_ns)
{
    return unit->state == UNIT_NEW || (unit->state != UNIT_SETTLED && unit->due_ns <= now_ns);
}

/*
 * Runs what is new or due. Returns true when all reactions are settled. Where each of them is to be tried again, what they made is
 * given back: while a database is away an event may be tried thousands of times.
 */
static bool advance(polkai_delivery *delivery, int64_t now_ns)
{
    const polka_arena then = delivery->arena;
    bool any_answered = false;
    for (size_t i = 0; delivery->opened && i < delivery->unit_count; i++) {
        polka_context *unit = &delivery->units[i];
        if (!is_due(unit, now_ns))
            continue;
        if (unit->state == UNIT_HOLDING)
            polkai_settle_send(unit);
        else
            run_unit(unit);
        any_answered = any_answered || unit->state == UNIT_HOLDING || unit->state == UNIT_SETTLED;
    }
    if (!any_answered)
        polkai_arena_back(&delivery->arena, &then);
    int64_t due_ns = due_of(delivery);
    delivery->parked.due_ns = due_ns;
    delivery->parked.record = &delivery->record;
    return due_ns == INT64_MAX;
}

void polkai_walk_drop(polkai_delivery *delivery)
{
    polkai_handover_ends_at(delivery);
    delivery->dropped = true;
    polkai_delivery_release(delivery);
}

/* The value was for this handling; a later one reads it again. */
static void forget_value(polkai_delivery *delivery)
{
    for (size_t i = 0; i < delivery->unit_count; i++)
        delivery->units[i].decoded = NULL;
}

/*
 * Of a partition that is given up nothing is begun but what the handover reaches, and no back-off is waited for. Where every
 * handler has answered and only sends wait (for the acknowledgement of their schema, for room in the queue), they still leave.
 */
bool polkai_walk_is_over(const polkai_delivery *delivery)
{
    if (!atomic_load(&delivery->partition->revoked))
        return false;
    size_t to_begin = polkai_units_in(delivery, UNIT_QUEUED), answered = polkai_units_in(delivery, UNIT_HOLDING) + polkai_units_in(delivery, UNIT_SETTLED);
    if (to_begin + answered < delivery->unit_count)
        return true;
    return to_begin > 0 || delivery->unit_count == 0 ? !polkai_handover_reaches(delivery) : polkai_is_fenced(delivery->partition);
}

/* From here on it counts as begun for who gives its partition up; with several lanes that thread must see it before we look. */
static void count_as_begun(const polkai_worker *worker, polkai_delivery *delivery)
{
    if (worker->flow->worker_count > 1)
        atomic_store(&delivery->begun, true);
    else
        atomic_store_explicit(&delivery->begun, true, memory_order_relaxed);
}

/* Nothing of it was, but to look for a slot; there are several lanes then. */
static void count_as_queued(polkai_delivery *delivery)
{
    if (polkai_units_in(delivery, UNIT_QUEUED) == delivery->unit_count)
        atomic_store(&delivery->begun, false);
}

/* Then reports come for it on the poll thread. */
static bool has_sent(const polkai_delivery *delivery)
{
    for (size_t i = 0; i < delivery->unit_count; i++)
        if (delivery->units[i].first != NULL || delivery->units[i].letter != NULL)
            return true;
    return false;
}

/* Handles an event for the first time; what is behind it (of its key) waits with it when it has to wait. */
static bool begin(polkai_worker *worker, polkai_delivery *delivery, polkai_parked *behind, int64_t now_ns)
{
    worker->behind = behind;
    count_as_begun(worker, delivery);
    if (polkai_walk_is_over(delivery) || atomic_load(&worker->flow->failed)) {
        polkai_walk_drop(delivery);
        return true;
    }
    delivery->waits_for_schema = false;
    polkai_chunk_take(worker, delivery);
    if (!delivery->opened)
        polkai_delivery_open(delivery, worker);
    else
        polkai_record_headers(&delivery->record, &worker->scratch);
    bool settled = advance(delivery, now_ns);
    if (!settled) {
        count_as_queued(delivery);
        forget_value(delivery);
        keep(delivery);
    }
    if (!delivery->lettered)
        polkai_record_forget_headers(&delivery->record);
    polkai_arena_reset(&worker->scratch, worker->memory, sizeof worker->memory);
    if (settled) {
        if (worker->flow->transact != NULL && !delivery->lettered && !delivery->kept)
            polkai_record_release(&delivery->record);    /* it may wait long for its transaction, and would pin its fetch buffer */
        if (worker->flow->transact == NULL && !has_sent(delivery))
            polkai_chunk_reuse(worker, delivery);
        polkai_delivery_release(delivery);
        return true;
    }
    polkai_parking_return(worker->parking, &delivery->parked, behind);
    return false;
}

/* Inline this is the poll thread: while handlers are slow the group must hear of it between two of them. */
static bool has_to_poll(const polkai_worker *worker)
{
    const polkai_flow *flow = worker->flow;
    return !flow->threaded && atomic_load_explicit(&flow->watch.poll_due, memory_order_relaxed);
}

/* Inline nothing more is begun once it is to stop: the drain has the time that it takes. */
static bool is_stopping(const polkai_worker *worker)
{
    const polkai_flow *flow = worker->flow;
    return !flow->threaded && atomic_load_explicit(&flow->stop, memory_order_relaxed);
}

/* While partitions are given up it goes on: that says itself what of them still is handled. */
static bool is_enough(const polkai_worker *worker)
{
    return has_to_poll(worker) || (is_stopping(worker) && !worker->flow->giving_up);
}

static void resume(polkai_worker *worker, polkai_parked *first, int64_t now_ns)
{
    polkai_parked *at = first;
    while (at != NULL) {
        polkai_parked *behind = at->next;
        if (!begin(worker, POLKAI_DELIVERY_OF_PARKED(at), behind, now_ns))
            return;
        at = behind;
        if (at == NULL || !is_enough(worker))
            continue;
        at->due_ns = now_ns;
        polkai_parking_return(worker->parking, at, at->next);
        return;
    }
}

/* ---- the lane's work ---- */

static void take(polkai_worker *worker, polkai_delivery *delivery, int64_t now_ns)
{
    delivery->parked.record = &delivery->record;
    if (polkai_parking_keys(worker->parking) > 0 && polkai_parking_follow(worker->parking, &delivery->parked)) {
        polkai_chunk_take(worker, delivery);
        polkai_schemas_arrived(delivery);
        keep(delivery);
    } else {
        begin(worker, delivery, NULL, now_ns);
    }
}

/* Behind what a poll that was due has left over. */
static void take_on(polkai_worker *worker, polkai_lane_item *items)
{
    polkai_lane_item **end = &worker->left;
    while (*end != NULL)
        end = &(*end)->next;
    *end = items;
}

/* The next event, while this one is handled: it was written by the poll thread, so far from this core. */
static void look_ahead(const polkai_lane_item *next)
{
    enum { LINE = 64, LINES = 6 };
    for (size_t i = 0; next != NULL && i < LINES; i++)
        __builtin_prefetch((const uint8_t *)next + i * LINE, 1);
}

static void work_off(polkai_worker *worker, int64_t now_ns)
{
    for (polkai_lane_item *item; (item = worker->left) != NULL;) {
        worker->left = item->next;
        look_ahead(item->next);
        if (is_stopping(worker))
            polkai_walk_drop(POLKAI_DELIVERY_OF(item));      /* they all are behind what was begun, so the drain would not reach them */
        else
            take(worker, POLKAI_DELIVERY_OF(item), now_ns);
        worker->handled++;
        if (has_to_poll(worker))
            return;
    }
}

/* Since began_ns. */
static void tell_handled(polkai_worker *worker, int64_t began_ns, int64_t now_ns)
{
    if (worker->flow->spread != NULL && worker->handled > 0)
        polkai_spread_handled(worker->flow->spread, worker->index, worker->handled, now_ns - began_ns);
    worker->handled = 0;
}

/* What waits for a lane, for a moment: what is due, and news, must not wait for all of it. false: there was nothing for this one. */
static bool take_held(polkai_worker *worker, int64_t began_ns)
{
    bool wanting = false;
    polkai_flow *flow = worker->flow;
    const polkai_clock *clock = flow->options.clock;
    polkai_lane_item *item = NULL;
    int64_t now_ns = began_ns;
    while (flow->spread != NULL && now_ns - began_ns < HELD_NS && (item = polkai_spread_take(flow->spread, worker->index, &wanting)) != NULL) {
        int64_t before_ns = now_ns;
        atomic_store_explicit(&POLKAI_DELIVERY_OF(item)->worker, worker, memory_order_relaxed);
        take(worker, POLKAI_DELIVERY_OF(item), now_ns);
        worker->handled++;
        now_ns = clock->steady_ns(clock);
        tell_handled(worker, before_ns, now_ns);
    }
    if (wanting)                         /* the poll thread may be asleep, and has to collect what has ended */
        flow->source->operations->wake(flow->source);
    return item != NULL;
}

int64_t polkai_walk_items(void *user, polkai_lane_item *items)
{
    polkai_worker *worker = user;
    const polkai_clock *clock = worker->flow->options.clock;
    int64_t began_ns = clock->steady_ns(clock), now_ns = began_ns;
    if (!worker->flow->threaded)
        atomic_store_explicit(&worker->flow->watch.poll_due, false, memory_order_relaxed);
    polkai_news_hear(worker, now_ns);
    take_on(worker, items);
    if (!worker->due_first)
        work_off(worker, now_ns);
    now_ns = clock->steady_ns(clock);    /* one time for all: those due again meanwhile come after what is new */
    tell_handled(worker, began_ns, now_ns);
    for (polkai_parked *due; !is_enough(worker) && (due = polkai_parking_due(worker->parking, now_ns)) != NULL;)
        resume(worker, due, now_ns);
    worker->due_first = !worker->due_first && polkai_parking_next_due_ns(worker->parking) <= now_ns;
    bool more = take_held(worker, now_ns);
    atomic_store_explicit(&worker->parked_keys, polkai_parking_keys(worker->parking), memory_order_relaxed);
    atomic_store_explicit(&worker->parked_events, polkai_parking_count(worker->parking), memory_order_relaxed);
    return more || worker->left != NULL ? now_ns : polkai_parking_next_due_ns(worker->parking);
}
