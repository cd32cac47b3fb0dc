/* turn.c: the poll thread: takes a batch, hands it to the lanes, collects what is done, commits. */
#include <base/error.h>
#include <base/plant.h>
#include <flow/activity.h>
#include <flow/transaction.h>

#include <stdlib.h>

/* Handing over to a lane is cheap by the hundred; inline there is nothing to hand over, and fewer stay in the core's cache. */
enum { FULL_BEFORE_PAUSE_NS = 1000000000, BUSY_POLL_MS = 5, INLINE_BATCH = 128, AHEAD = 8, COMMIT_AGAIN_NS = 25000000 };

static int64_t now_ns(const polkai_flow *flow)
{
    return flow->options.clock->steady_ns(flow->options.clock);
}

/* ---- deliveries ---- */

polkai_delivery *polkai_delivery_take(polkai_flow *flow)
{
    polkai_delivery *delivery = flow->pool;
    if (delivery == NULL) {
        delivery = polkai_alloc(sizeof *delivery);
        delivery->next_made = flow->made;
        flow->made = delivery;
    } else {
        flow->pool = delivery->next_done;
    }
    polkai_delivery *next_made = delivery->next_made;
    memset(delivery, 0, offsetof(polkai_delivery, envelope));
    delivery->next_made = next_made;
    return delivery;
}

static void empty(polkai_delivery *delivery)
{
    for (size_t i = 0; delivery->refused && i < delivery->unit_count; i++)
        free(delivery->units[i].refused_error);
    delivery->refused = false;
    delivery->unit_count = 0;
    delivery->partition = NULL;
    polkai_record_release(&delivery->record);
    if (delivery->arena.at != NULL)
        polkai_arena_deinit(&delivery->arena);
    if (delivery->late.at != NULL)
        polkai_arena_deinit(&delivery->late);
}

static void back_to_pool(polkai_flow *flow, polkai_delivery *delivery)
{
    empty(delivery);
    if (POLKAI_PLANT(leak))
        return;
    polkai_chunk_return(delivery);
    delivery->next_done = flow->pool;
    flow->pool = delivery;
}

void polkai_delivery_set_apart(polkai_flow *flow, polkai_delivery *delivery)
{
    polkai_delivery **at = &flow->made;
    while (*at != delivery)
        at = &(*at)->next_made;
    *at = delivery->next_made;
}

void polkai_delivery_free(polkai_delivery *delivery)
{
    empty(delivery);
    free(delivery->chunk);
    free(delivery);
}

void polkai_deliveries_destroy(polkai_flow *flow)
{
    while (flow->made != NULL) {
        polkai_delivery *next = flow->made->next_made;
        polkai_delivery_free(flow->made);
        flow->made = next;
    }
}

static size_t size_of(const polkai_record *record)
{
    return record->key.size + record->value.size;
}

/* An emission that the broker refused for good: its reaction becomes a dead letter. True: a letter is on its way. */
static bool letters_for_refused(polkai_delivery *delivery)
{
    bool any = false;
    for (size_t i = 0; i < delivery->unit_count; i++) {
        polka_context *unit = &delivery->units[i];
        if (unit->refused == NULL || unit->letter != NULL)
            continue;
        polkai_settle_refused(unit);
        any = true;
    }
    return any && atomic_load(&delivery->pending) > 0;   /* of a lost partition none leaves */
}

void polkai_delivery_done(polkai_delivery *delivery)
{
    if (delivery->refused && !delivery->dropped && letters_for_refused(delivery))
        return;
    if (delivery->flow->transact != NULL) {
        polkai_transact_done(delivery);
        return;
    }
    if (!delivery->dropped)
        polkai_tracker_finish(&delivery->partition->tracker, delivery->sequence);
    polkai_delivery_end(delivery);
}

void polkai_delivery_end(polkai_delivery *delivery)
{
    polkai_flow *flow = delivery->flow;
    polkai_partition *partition = delivery->partition;
    if (delivery->lost != NULL)
        polkai_lost_settled(delivery->lost);
    flow->in_flight--;
    flow->ended++;
    flow->in_flight_bytes -= delivery->bytes;
    if (flow->spread != NULL && !delivery->out_of_spread)
        polkai_spread_end(flow->spread, delivery->place, delivery->worker->index);
    back_to_pool(flow, delivery);
    polkai_partition_left(flow, partition);
}

/* What the lane has written is from here on the poll thread's to read. */
static int let_go(polkai_delivery *delivery)
{
    if (POLKAI_PLANT(race))
        return atomic_fetch_sub_explicit(&delivery->pending, LANE_HOLDS, memory_order_relaxed);
    if (atomic_load_explicit(&delivery->pending, memory_order_acquire) != LANE_HOLDS)
        return atomic_fetch_sub(&delivery->pending, LANE_HOLDS);
    atomic_store_explicit(&delivery->pending, 0, memory_order_relaxed);          /* no report is awaited, so nobody else counts */
    return LANE_HOLDS;
}

void polkai_delivery_release(polkai_delivery *delivery)
{
    polkai_flow *flow = delivery->flow;
    if (let_go(delivery) != LANE_HOLDS)
        return;                          /* the last acknowledgement ends it, on the poll thread */
    if (flow->spread != NULL)
        delivery->out_of_spread = polkai_spread_end_soon(flow->spread, delivery->place, delivery->worker->index);
    polkai_delivery *head = atomic_load_explicit(&flow->done, memory_order_relaxed);
    do
        delivery->next_done = head;
    while (!atomic_compare_exchange_weak_explicit(&flow->done, &head, delivery, memory_order_release, memory_order_relaxed));
}

size_t polkai_flow_collect(polkai_flow *flow)
{
    size_t count = 0;
    polkai_delivery *at = atomic_exchange_explicit(&flow->done, NULL, memory_order_acquire);
    for (; at != NULL; count++) {
        polkai_delivery *next = at->next_done;
        polkai_delivery_done(at);
        at = next;
    }
    return count;
}

static void put_on_lane(polkai_flow *flow, polkai_delivery *delivery, unsigned lane)
{
    polkai_worker *worker = flow->workers[lane];
    delivery->worker = worker;
    delivery->item.next = NULL;
    if (worker->batch_last == NULL)
        worker->batch_first = &delivery->item;
    else
        worker->batch_last->next = &delivery->item;
    worker->batch_last = &delivery->item;
}

static void give_to_lane(polkai_flow *flow, polkai_delivery *delivery)
{
    const polkai_record *record = &delivery->record;
    const void *key = POLKAI_PLANT(lane_by_offset) ? NULL : record->key.data;
    unsigned lane = flow->spread == NULL ? 0 : polkai_spread_begin(flow->spread, key, record->key.size, &delivery->item, &delivery->place);
    if (lane != POLKAI_SPREAD_HELD)
        put_on_lane(flow, delivery, lane);
}

static void take(polkai_flow *flow, polkai_record *record)
{
    polkai_partition *partition = polkai_partition_of(flow, record);
    if (partition == NULL || atomic_load_explicit(&partition->revoked, memory_order_relaxed)) {
        polkai_record_release(record);
        return;
    }
    polkai_delivery *delivery = polkai_delivery_take(flow);
    delivery->flow = flow;
    delivery->record = *record;
    delivery->partition = partition;
    delivery->sequence = polkai_tracker_begin(&partition->tracker, polkai_record_first(record));
    if (record->unread != NULL)
        polkai_tracker_reach(&partition->tracker, record->offset + 1);
    if (polkai_uncommitted_of(partition) >= flow->uncommitted_share)
        flow->uncommitted_due = true;
    delivery->bytes = size_of(record);
    atomic_init(&delivery->pending, LANE_HOLDS);
    partition->active++;
    flow->in_flight++;
    flow->in_flight_bytes += delivery->bytes;
    polkai_meter_add(&flow->counts[COUNT_RECEIVED], 1);              /* of this thread alone: a locked addition would wait for all that was just written */
    if (flow->transact != NULL)
        polkai_transact_taken(delivery);
    give_to_lane(flow, delivery);
}

static void give_batch(polkai_worker *worker)
{
    if (worker->batch_first != NULL)
        polkai_lane_give(worker->lane, worker->batch_first, worker->batch_last);
    worker->batch_first = worker->batch_last = NULL;
}

static void hand_over(polkai_flow *flow)
{
    for (size_t i = 0; i < flow->worker_count; i++) {
        polkai_worker *worker = flow->workers[i];
        give_batch(worker);
        if (!flow->threaded)
            polkai_lane_turn(worker->lane);
    }
}

/* What is held, for lanes that sleep; others take it themselves. all: it is to leave in any case. */
static void give_held(polkai_flow *flow, bool all)
{
    unsigned lane;
    if (flow->spread == NULL)
        return;
    for (polkai_lane_item *item; (item = polkai_spread_next(flow->spread, all, &lane)) != NULL;)
        put_on_lane(flow, POLKAI_DELIVERY_OF(item), lane);
    for (size_t i = 0; i < flow->worker_count; i++)
        give_batch(flow->workers[i]);
}

void polkai_flow_give_all(polkai_flow *flow) { give_held(flow, true); }

/* ---- one turn ---- */

/* The last turn of the lane ended for this poll, as its handlers are slow. */
static bool is_slow_inline(const polkai_flow *flow)
{
    return !flow->threaded && atomic_load_explicit(&flow->watch.poll_due, memory_order_relaxed);
}

/* How many more records may be taken; 0 when the budget of events or bytes is used up. */
static size_t room(polkai_flow *flow)
{
    size_t left = polkai_room(flow);
    size_t most = flow->threaded ? POLKAI_BATCH : is_slow_inline(flow) ? 1 : INLINE_BATCH;
    return left < most ? left : most;
}

static size_t take_one(polkai_flow *flow, int timeout_ms)
{
    size_t count = flow->source->operations->poll(flow->source, flow->batch, 1, timeout_ms);
    for (size_t i = 0; i < count; i++)
        take(flow, &flow->batch[i]);
    return count;
}

/*
 * The budget is full: for a moment nothing is polled; when it lasts, all partitions are paused and polling goes on, so
 * that the group keeps us. Pausing drops what was fetched ahead, so it is not for short waits.
 */
static void wait_for_room(polkai_flow *flow, int timeout_ms)
{
    int64_t now = now_ns(flow);
    if (flow->full_since_ns == 0)
        flow->full_since_ns = now;
    if (!flow->paused && (now - flow->full_since_ns > FULL_BEFORE_PAUSE_NS || is_slow_inline(flow))) {
        flow->source->operations->pause(flow->source, true);
        flow->paused = true;
    }
    if (flow->paused) {
        take_one(flow, timeout_ms < BUSY_POLL_MS ? timeout_ms : BUSY_POLL_MS);
    } else {
        flow->sink->operations->poll(flow->sink, timeout_ms < 1 ? 0 : 1);
    }
}

static int sleep_ms(const polkai_flow *flow, int timeout_ms)
{
    int most = flow->in_flight > 0 || flow->waiting_first != NULL ? BUSY_POLL_MS : timeout_ms;
    if (!flow->threaded) {
        int64_t due_ns = polkai_lane_due_ns(flow->workers[0]->lane);
        int64_t left_ms = due_ns == INT64_MAX ? INT64_MAX : (due_ns - now_ns(flow)) / 1000000;
        if (left_ms < most)
            most = left_ms < 0 ? 0 : (int)left_ms;
    }
    return most < timeout_ms ? most : timeout_ms;
}

static size_t take_batch(polkai_flow *flow, int timeout_ms)
{
    size_t most = room(flow);
    if (most == 0) {
        wait_for_room(flow, timeout_ms);
        return 0;
    }
    if (flow->paused && !POLKAI_PLANT(never_resume))
        flow->source->operations->pause(flow->source, false);
    flow->paused = false;
    flow->full_since_ns = 0;
    size_t count = flow->source->operations->poll(flow->source, flow->batch, most, sleep_ms(flow, timeout_ms));
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)           /* written by a thread of librdkafka's, so far from this core */
            __builtin_prefetch(flow->batch[i + AHEAD].key.data);
        take(flow, &flow->batch[i]);
    }
    return count;
}

/*
 * By time, and sooner when as many have ended as may be under way, so that what a kill brings back is bounded by the budget and not by
 * how fast events are handled. Not at once again, as the budget may be a single event.
 */
static bool is_commit_due(const polkai_flow *flow, int64_t now)
{
    int64_t before_ns = flow->commit_due_ns - flow->options.commit_interval_ms * 1000000;
    return now >= flow->commit_due_ns || (flow->ended >= flow->options.in_flight_events && now >= before_ns + COMMIT_AGAIN_NS);
}

static void commit_when_due(polkai_flow *flow, int64_t now)
{
    polka_error error;
    if (!is_commit_due(flow, now))
        return;
    flow->commit_due_ns = now + flow->options.commit_interval_ms * 1000000;
    if (polkai_commit(flow, 0, &error) != POLKA_OK)
        LOG_WARN(flow->options.log, "commit failed: %s; trying again", error.message);
}

polka_status polkai_flow_step(polkai_flow *flow, int timeout_ms, size_t *moved, polka_error *error)
{
    size_t count = 0;
    bool takes = !atomic_load(&flow->stop) && flow->source != NULL;
    if (takes)
        count += take_batch(flow, timeout_ms);
    if (!polkai_membership_holds(flow, now_ns(flow))) {  /* asked before anything is handled, or sent, here */
        count += polkai_membership_hear(flow, take_one);
        takes = true;
    }
    if (takes)
        hand_over(flow);                 /* inline, also what tries again those that fill the budget */
    count += flow->sink->operations->poll(flow->sink, 0);
    count += polkai_flow_collect(flow);
    if (flow->uncommitted_due && takes)
        polkai_uncommitted_look(flow);
    give_held(flow, false);
    count += polkai_schemas_turn(flow);
    int64_t now = now_ns(flow);
    polkai_meter_look(flow, now);
    if (flow->activity != NULL)
        polkai_activity_look(flow, now);
    count += polkai_send_waiting(flow, now);
    if (flow->transact != NULL)
        count += polkai_transact_turn(flow);
    else
        commit_when_due(flow, now);
    if (flow->threaded)
        polkai_watch_look(flow, now);
    if (flow->lost != NULL)
        polkai_lost_reap(flow);
    if (flow->spread != NULL)
        polkai_spread_look(flow->spread, now);
    if (moved != NULL)
        *moved = count;
    if (atomic_load(&flow->failed)) {
        pthread_mutex_lock(&flow->lock);
        *error = flow->failure;
        pthread_mutex_unlock(&flow->lock);
        return error->status;
    }
    return POLKA_OK;
}
