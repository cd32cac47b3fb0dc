/*
 * replace.c: a handler that is past its deadline is lost (deadline.action replace-lane). Its thread cannot be ended, so its lane goes on with
 * another one, with a worker and resources of its own, and the event ends as a dead letter.
 *
 * One step decides between the handler that ends and who gives it up: `turns` of its lane goes from one odd number either to the next even
 * one or to POLKAI_LOST. A thread that finds itself lost touches nothing any more and ends (polkai_lane_leave). Until then what it may
 * still use stays as it is and its own: its worker, and the delivery of its event with arena and record. The event goes on in a delivery
 * made for it here, the heir, which borrows record, envelope and what was sent already; so both are freed when both have ended.
 */
#include <base/error.h>
#include <flow/inner.h>

#include <stdio.h>
#include <stdlib.h>

/* Each keeps a stack, what its service opened and a record. So many at once say that what all of them need is gone: a new process helps more than a new thread. */
enum { LOST_MOST = 16, TICKETS_A_WORKER = 40 };

struct polkai_lost {
    polkai_lost *next;
    polkai_lost *before;                 /* the same event was lost in another of its reactions before, and is borrowed from, too */
    polkai_worker *worker;
    polkai_delivery *delivery;
    const polka_reaction *reaction;
    bool settled, told;
    int64_t since_ns;
};

unsigned polkai_flow_lost(const polkai_flow *flow)
{
    unsigned count = 0;
    for (const polkai_lost *at = flow->lost; at != NULL; at = at->next)
        count += !polkai_lane_has_ended(at->worker->lane);
    return count;
}

/* ---- the event ---- */

/* What was sent is acknowledged to the heir from now on. The thread that is lost has no part in it. */
static void inherit_sends(polkai_delivery *heir, polka_context *unit)
{
    for (polkai_sending *each = unit->first; each != NULL; each = each->next) {
        each->delivery = heir;
        each->unit = unit;
    }
}

/* The lost one is not copied: what it emits is not looked at, as its thread may be at it. */
static void inherit_units(polkai_delivery *heir, const polkai_delivery *from, const polka_context *lost)
{
    heir->unit_count = from->unit_count;
    heir->units = polkai_arena_zeroed(&heir->arena, from->unit_count, sizeof *heir->units);
    for (size_t i = 0; i < from->unit_count; i++) {
        const polka_context *old = &from->units[i];
        polka_context *unit = &heir->units[i];
        if (old == lost)
            *unit = (polka_context){ .flow = old->flow, .reaction = old->reaction, .attempt = old->attempt, .outages = old->outages,
                                     .first_failed_ms = old->first_failed_ms, .cause = old->cause };
        else
            *unit = *old;
        unit->worker = heir->worker;
        unit->delivery = heir;
        unit->arena = &heir->arena;
        unit->decoded = NULL;            /* it was read for the other thread */
        inherit_sends(heir, unit);
    }
}

static polkai_delivery *make_heir(polkai_flow *flow, polkai_worker *worker, polkai_lost *lost, const polka_context *unit)
{
    polkai_delivery *from = lost->delivery, *heir = polkai_delivery_take(flow);
    heir->flow = flow;
    heir->partition = from->partition;
    heir->sequence = from->sequence;
    heir->bytes = from->bytes;
    heir->place = from->place;
    heir->worker = worker;
    heir->lost = lost;
    heir->opened = true;
    heir->asked = from->asked;
    heir->now_ms = from->now_ms;
    heir->refused = from->refused;
    from->refused = false;               /* whose errors the heir has now */
    atomic_init(&heir->pending, atomic_load(&from->pending));
    atomic_init(&heir->dropped, atomic_load(&from->dropped));
    atomic_init(&heir->begun, true);
    heir->record = from->record;
    heir->record.native = NULL;
    heir->record.forget_headers = heir->record.release = NULL;
    heir->envelope = from->envelope;
    inherit_units(heir, from, unit);
    heir->parked.record = &heir->record;
    heir->parked.due_ns = INT64_MIN;
    return heir;
}

/* ---- the lane ---- */

static polkai_worker *make_successor(polkai_flow *flow, polkai_worker *from)
{
    polkai_worker *made = polkai_worker_create(flow, from->index);
    polkai_parking *none = made->parking;
    made->parking = from->parking;
    from->parking = none;
    made->meter = from->meter;           /* of the lane; the thread that is lost counts nothing any more */
    atomic_store(&made->done, atomic_load(&from->done));
    atomic_store(&made->skipped, atomic_load(&from->skipped));
    made->sweep = from->sweep;
    made->news = from->news;
    atomic_store(&made->slot_free, true);                /* whoever gave one back may have told the other */
    made->successions = from->successions + 1;
    made->tickets = (uint64_t)made->successions << TICKETS_A_WORKER;     /* what is emitted now comes after what was: `tickets` of the other may be moving */
    made->batch_first = from->batch_first;
    made->batch_last = from->batch_last;
    return made;
}

/* All that the lane has, begun or not, but for the event that is lost. */
static void hand_on(polkai_flow *flow, const polkai_worker *from, polkai_worker *to)
{
    for (polkai_delivery *each = flow->made; each != NULL; each = each->next_made) {
        if (each->partition == NULL || each->worker != from)
            continue;
        each->worker = to;
        for (size_t i = 0; i < each->unit_count; i++)
            each->units[i].worker = to;
    }
}

static unsigned count_of(const polkai_lane_item *first)
{
    unsigned count = 0;
    for (; first != NULL; first = first->next)
        count++;
    return count;
}

static void give(polkai_lane *lane, polkai_lane_item *first)
{
    polkai_lane_item *last = first;
    if (first == NULL)
        return;
    while (last->next != NULL)
        last = last->next;
    polkai_lane_give(lane, first, last);
}

static void install(polkai_flow *flow, polkai_worker *worker)
{
    pthread_mutex_lock(&flow->lock);     /* others wake lanes */
    flow->workers[worker->index] = worker;
    pthread_mutex_unlock(&flow->lock);
}

static void start(polkai_flow *flow, polkai_worker *from, polkai_worker *worker)
{
    polka_error error;
    polka_status status = polkai_worker_start_again(worker, &error);
    install(flow, worker);               /* before it has work: who wakes it must find it */
    if (status != POLKA_OK)              /* what it is given stays with it until the end, as with one whose resource cannot be opened */
        polkai_settle_stop(flow, &error);
    polkai_lane_item *back = polkai_lane_take_back(from->lane);
    if (flow->spread != NULL)
        polkai_spread_begin_anew(flow->spread, worker->index, count_of(from->left) + count_of(back) + count_of(worker->batch_first));
    give(worker->lane, from->left);
    give(worker->lane, back);
    polkai_lane_wake(worker->lane);      /* for what is parked */
}

static void go_on(polkai_flow *flow, polkai_worker *from, polkai_lost *lost, const char *message)
{
    const polka_context *unit = from->running.unit;
    size_t which = (size_t)(unit - lost->delivery->units);
    polkai_delivery_set_apart(flow, lost->delivery);
    lost->delivery->partition->lost++;
    polkai_worker *worker = make_successor(flow, from);
    polkai_delivery *heir = make_heir(flow, worker, lost, unit);
    hand_on(flow, from, worker);
    if (flow->slots != NULL)
        polkai_slots_give(&heir->units[which]);
    if (flow->tracing != NULL)
        polkai_trace_lost(unit, message);
    polkai_settle_lost(&heir->units[which], message);
    polkai_parking_return(worker->parking, &heir->parked, from->behind);
    start(flow, from, worker);
}

/* ---- giving up a handler ---- */

bool polkai_replace(polkai_flow *flow, polkai_worker *worker, const polka_error *error)
{
    polkai_running *running = &worker->running;
    unsigned long long seen = running->seen;
    unsigned count = polkai_flow_lost(flow);
    char then[240];
    if (atomic_load(&flow->failed))
        return false;
    if (count >= LOST_MOST) {
        LOG_ERROR(flow->options.log, "%u handlers that were given up still run, so no more lanes are replaced", count);
        return false;
    }
    bool held = polkai_watch_hold(worker, POLKAI_ANSWER_MS);
    bool lost = atomic_compare_exchange_strong(&running->turns, &seen, POLKAI_LOST);
    polkai_hold_release(running->hold);  /* first of all: it may hold the lock of the log, or of the allocator */
    if (!lost) {
        LOG_WARN(flow->options.log, "%s. It has ended a moment later", error->message);
        return true;
    }
    snprintf(then, sizeof then, "Its event becomes a dead letter and its lane goes on with another thread; handlers given up and still running: %u, at most %d; "
             "a longer .deadline_ms of the reaction allows more",
             count + 1, LOST_MOST);
    polkai_watch_log(flow, worker, error, held, then);
    polkai_lost *made = polkai_alloc(sizeof *made);
    *made = (polkai_lost){ .next = flow->lost, .before = running->unit->delivery->lost, .worker = worker, .delivery = running->unit->delivery,
                           .reaction = running->unit->reaction, .since_ns = flow->options.clock->steady_ns(flow->options.clock) };
    flow->lost = made;
    go_on(flow, worker, made, error->message);
    return true;
}

/* ---- after it ---- */

void polkai_lost_settled(polkai_lost *lost)
{
    for (; lost != NULL; lost = lost->before)
        lost->settled = true;
}

static void forget(polkai_flow *flow, polkai_lost *lost)
{
    polkai_partition *partition = lost->delivery->partition;
    polkai_lane_stop(lost->worker->lane, 0);
    polkai_delivery_free(lost->delivery);
    polkai_worker_destroy(lost->worker);
    polkai_partition_lost_one_less(flow, partition);
    free(lost);
}

/* By another reaction of the same event, lost behind it, whose handler still runs on what it borrows. */
static bool is_borrowed_from(const polkai_flow *flow, const polkai_lost *lost)
{
    for (const polkai_lost *at = flow->lost; at != NULL; at = at->next)
        if (at->before == lost)
            return true;
    return false;
}

static void tell_of_return(const polkai_flow *flow, polkai_lost *lost)
{
    int64_t since_ms = (flow->options.clock->steady_ns(flow->options.clock) - lost->since_ns) / 1000000;
    if (!lost->told)
        LOG_INFO(flow->options.log, "a handler of reaction %s that was past its deadline has returned, %" PRId64 " ms after it was given up; its thread has ended",
                 polkai_reaction_name(lost->reaction), since_ms);
    lost->told = true;
}

void polkai_lost_reap(polkai_flow *flow)
{
    for (polkai_lost **at = &flow->lost; *at != NULL;) {
        polkai_lost *each = *at;
        bool ended = polkai_lane_has_ended(each->worker->lane);
        if (ended)
            tell_of_return(flow, each);
        if (!ended || !each->settled || is_borrowed_from(flow, each)) {
            at = &each->next;
            continue;
        }
        *at = each->next;
        forget(flow, each);
    }
}

void polkai_lost_destroy(polkai_flow *flow)
{
    for (polkai_lost *at = flow->lost, *next; at != NULL; at = next) {
        next = at->next;
        forget(flow, at);
    }
    flow->lost = NULL;
}
