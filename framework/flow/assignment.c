/* assignment.c: the partitions we have, what is committed for them, and giving them up. On the poll thread. */
#include <base/error.h>
#include <base/identity.h>
#include <base/plant.h>
#include <flow/transaction.h>

#include <limits.h>
#include <stdlib.h>

enum { LATE_MS = 250 };                 /* for each answer of the broker once the deadline of a drain has passed */

static polkai_partition **bucket_of(polkai_flow *flow, polka_text topic, int32_t number)
{
    return &flow->buckets[(polkai_key_hash(topic.data, topic.size) ^ (uint32_t)number * 0x9e3779b9u) % PARTITION_BUCKETS];
}

/* Out of reach for new records; freed when nothing points to it any more. */
static void detach(polkai_flow *flow, polkai_partition *partition)
{
    polkai_partition **at = bucket_of(flow, partition->topic, partition->number);
    while (*at != partition)
        at = &(*at)->next_in_bucket;
    *at = partition->next_in_bucket;
    partition->detached = true;
    flow->partition_count--;
    flow->last_partition = NULL;
}

polkai_partition *polkai_partition_of(polkai_flow *flow, const polkai_record *record)
{
    polkai_partition *last = flow->last_partition;
    if (last != NULL && last->number == record->partition && last->seen == record->topic.data)
        return last;
    for (polkai_partition *at = *bucket_of(flow, record->topic, record->partition); at != NULL; at = at->next_in_bucket) {
        if (at->number == record->partition && polka_text_equal(at->topic, record->topic)) {
            at->seen = record->topic.data;
            flow->last_partition = at;
            return at;
        }
    }
    return NULL;
}

void polkai_partitions_begin(polkai_flow *flow, const polkai_position *partitions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        polkai_partition *made = polkai_alloc(sizeof *made);
        char *topic = polkai_alloc(partitions[i].topic.size + 1);
        memcpy(topic, partitions[i].topic.data, partitions[i].topic.size);
        made->topic = (polka_text){ partitions[i].topic.size, topic };
        made->number = partitions[i].partition;
        made->committed = made->told = -1;
        made->begins = partitions[i].offset < 0 ? -1 : partitions[i].offset;
        polkai_tracker_init(&made->tracker);
        made->next = flow->partitions;
        flow->partitions = made;
        polkai_partition **bucket = bucket_of(flow, made->topic, made->number);
        made->next_in_bucket = *bucket;
        *bucket = made;
    }
    flow->partition_count += count;
    polkai_uncommitted_share(flow);
}

void polkai_assigned(void *user, const polkai_position *partitions, size_t count)
{
    polkai_flow *flow = user;
    polkai_partitions_begin(flow, partitions, count);
    flow->joined = true;
    polkai_count(flow, COUNT_ASSIGNED);
    polkai_breaker_look(flow, partitions, count);
    if (flow->paused)                    /* the budget is full for the new ones, too */
        flow->source->operations->pause(flow->source, true);
    if (flow->ready || flow->draining)
        return;
    flow->ready = true;
    polka_text cluster = flow->source->operations->cluster(flow->source);
    flow->cluster = polkai_arena_text(&flow->arena, cluster.data, cluster.size);     /* no record is on a lane yet */
    if (flow->options.ready != NULL)
        flow->options.ready(flow->options.user);
}

static void forget_detached(polkai_flow *flow)
{
    flow->last_partition = NULL;
    for (polkai_partition **at = &flow->partitions; *at != NULL;) {
        polkai_partition *each = *at;
        if (!each->detached || each->active > 0 || each->lost > 0) {
            at = &each->next;
            continue;
        }
        *at = each->next;
        polkai_tracker_deinit(&each->tracker);
        free((char *)each->topic.data);
        free(each);
    }
}

void polkai_partition_left(polkai_flow *flow, polkai_partition *partition)
{
    partition->active--;
    if (partition->detached && partition->active == 0)
        forget_detached(flow);
}

void polkai_partition_lost_one_less(polkai_flow *flow, polkai_partition *partition)
{
    partition->lost--;
    if (partition->detached)
        forget_detached(flow);
}

/* ---- commit ---- */

int polkai_patience_ms(const polkai_flow *flow, int usual_ms)
{
    int64_t left_ms = (flow->drain_until_ns - flow->options.clock->steady_ns(flow->options.clock)) / 1000000;
    if (flow->drain_until_ns == 0 || left_ms > usual_ms)
        return usual_ms;
    return left_ms < LATE_MS ? LATE_MS : (int)left_ms;
}

/* What is to be committed; of each partition `asked` says how far it is then. */
static size_t collect_positions(polkai_flow *flow, bool all, polkai_position *positions)
{
    size_t count = 0;
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next) {
        int64_t watermark = polkai_tracker_watermark(&at->tracker);
        at->asked = at->committed;
        if (at->detached || polkai_is_fenced(at) || watermark < 0 || (watermark == at->committed && !all))
            continue;
        positions[count++] = (polkai_position){ at->topic, at->number, watermark };
        at->asked = watermark;
    }
    return count;
}

/* It may come to nothing; one that is waited for, and may be the last, has the same offsets again. */
static bool is_one_unanswered(const polkai_flow *flow)
{
    polka_error error;
    return flow->source->operations->commit(flow->source, NULL, 0, 0, &error) != POLKA_OK;
}

static polka_status commit_positions(polkai_flow *flow, int most_ms, polkai_position *positions, polka_error *error)
{
    const polkai_clock *clock = flow->options.clock;
    bool doubt = most_ms > 0 && is_one_unanswered(flow);             /* an answer that it finds may say that it failed */
    int64_t again_ns = flow->commit_again_ns;
    bool all = doubt || (again_ns != 0 && (most_ms > 0 || clock->steady_ns(clock) >= again_ns));
    if (all)
        flow->commit_again_ns = 0;
    int limit_ms = most_ms == 0 ? 0 : polkai_patience_ms(flow, most_ms);
    size_t count = collect_positions(flow, all, positions);
    polka_status status = count == 0 ? POLKA_OK : flow->source->operations->commit(flow->source, positions, count, limit_ms, error);
    bool unanswered = status == POLKA_TRANSIENT && strcmp(error->code, POLKAI_COMMIT_UNANSWERED) == 0;
    if (unanswered && all)
        flow->commit_again_ns = again_ns;
    for (polkai_partition *at = flow->partitions; at != NULL && !unanswered; at = at->next)
        at->committed = status == POLKA_OK ? at->asked : -1;         /* -1: again at the next turn */
    if (!unanswered)
        flow->ended = 0;
    if (count > 0 && !unanswered)
        polkai_count(flow, status == POLKA_OK ? COUNT_COMMITS : COUNT_UNCOMMITTED);
    return unanswered ? POLKA_OK : status;
}

polka_status polkai_commit(polkai_flow *flow, int most_ms, polka_error *error)
{
    size_t most = 0;
    for (const polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        most++;
    if (most == 0 || flow->source == NULL || (flow->draining && POLKAI_PLANT(drain_commit)))
        return POLKA_OK;
    if (flow->transact != NULL)          /* offsets leave in transactions then */
        return POLKA_OK;
    polkai_position *positions = polkai_alloc(most * sizeof *positions);
    polka_status status = commit_positions(flow, most_ms, positions, error);
    free(positions);
    return status;
}

/* ---- giving up ---- */

static bool is_given(const polkai_partition *partition, polkai_giving what)
{
    return what == POLKAI_ALL ? atomic_load(&partition->revoked) : partition->asked_back;
}

/* Of what is fenced nothing comes any more, however long its handlers run on. */
static bool anything_active(const polkai_flow *flow, polkai_giving what)
{
    for (const polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        if (is_given(at, what) && !polkai_is_fenced(at) && at->active > 0)
            return true;
    return false;
}

/* After a handler got stuck: everything but what its lane has; that will not come back. */
static bool any_other_active(const polkai_flow *flow)
{
    for (const polkai_delivery *at = flow->made; at != NULL; at = at->next_made)
        if (at->partition != NULL && !at->finished && !(atomic_load(&at->pending) >= LANE_HOLDS && polkai_watch_is_stuck(at->worker)))
            return true;
    return flow->transact != NULL && polkai_transact_has_work(flow);
}

/* What lies behind a stuck handler will be done again, whatever is done with it now. */
static void end_at_stuck(polkai_flow *flow)
{
    for (size_t i = 0; flow->watch.stuck != NULL && i < flow->worker_count; i++)
        if (polkai_watch_is_stuck(flow->workers[i]))
            polkai_handover_ends_at(flow->workers[i]->running.unit->delivery);
}

static bool is_worth_waiting(const polkai_flow *flow, polkai_giving what)
{
    if (what == POLKAI_GONE)
        return false;
    return flow->watch.stuck != NULL ? any_other_active(flow) : anything_active(flow, what) && !atomic_load(&flow->failed);
}

/* What is held back is for lanes too: they handle what the handover reaches, and drop the rest. */
static void sweep_lanes(polkai_flow *flow)
{
    polkai_flow_give_all(flow);
    atomic_fetch_add(&flow->sweep, 1);
    for (size_t i = 0; i < flow->worker_count; i++)
        if (flow->workers[i]->lane != NULL)
            polkai_lane_wake(flow->workers[i]->lane);
}

static void fence_asked_back(polkai_flow *flow)
{
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        if (at->asked_back)
            atomic_store(&at->fenced, POLKAI_FENCED);
}

/* What was to be handed over and is in doubt still, is lost: nobody asks for it any more. */
static void fence_doubted(polkai_flow *flow, polkai_giving what)
{
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        if (is_given(at, what))
            atomic_compare_exchange_strong(&at->fenced, &(int){ POLKAI_DOUBTED }, POLKAI_FENCED);
}

/*
 * The group goes on during a drain: what it asks back is given, and a loss is known. Of records there is no need. Not inside a call
 * of the source, nor beside one: where an inline handler is stuck its thread may be in one.
 */
static void stay_in_group(polkai_flow *flow)
{
    if (flow->watch.stuck != NULL && !flow->threaded)
        return;
    if (!flow->paused)
        flow->source->operations->pause(flow->source, true);
    flow->paused = true;
    size_t count = flow->source->operations->poll(flow->source, flow->batch, POLKAI_BATCH, 0);
    for (size_t i = 0; i < count; i++)
        polkai_record_release(&flow->batch[i]);
}

static void turn_once(polkai_flow *flow, int64_t now_ns)
{
    if (!flow->threaded && flow->watch.stuck == NULL)
        polkai_lane_turn(flow->workers[0]->lane);
    polkai_send_waiting(flow, now_ns);
    flow->sink->operations->poll(flow->sink, 1);
    polkai_flow_collect(flow);
    if (flow->transact != NULL)
        polkai_transact_hurry(flow);
}

/* Until nothing of it is under way, or the deadline. false: the group has put us out meanwhile. */
static bool bring_to_end(polkai_flow *flow, int64_t deadline_ms, polkai_giving what)
{
    const polkai_clock *clock = flow->options.clock;
    int64_t now_ns = clock->steady_ns(clock), until_ns = now_ns + deadline_ms * 1000000;
    int64_t begin_until_ns = polkai_handover_decide(flow, deadline_ms);
    end_at_stuck(flow);
    polkai_send_hurry(flow);
    sweep_lanes(flow);
    for (; is_worth_waiting(flow, what) && now_ns < until_ns; now_ns = clock->steady_ns(clock)) {
        if (!polkai_membership_holds(flow, now_ns))
            return false;
        if (now_ns >= begin_until_ns) {  /* what still waits for a slot goes */
            sweep_lanes(flow);
            begin_until_ns = INT64_MAX;
        }
        turn_once(flow, now_ns);
        if (what == POLKAI_ALL)
            stay_in_group(flow);
        if (clock != &polkai_clock_real && anything_active(flow, what))
            break;                       /* a virtual clock does not move by itself */
    }
    return true;
}

bool polkai_give_up(polkai_flow *flow, int64_t deadline_ms, polkai_giving what)
{
    bool outer = flow->giving_up;        /* a drain, and the source has a revocation meanwhile */
    flow->giving_up = true;
    bool put_out = !bring_to_end(flow, deadline_ms, what);
    flow->giving_up = outer;
    fence_doubted(flow, what);
    if (put_out)                         /* of what stays the source says behind this whether it is lost, and until then it is in doubt */
        atomic_store(&flow->away, true);
    return !anything_active(flow, what);
}

/* Marked as fenced: out of reach, and gone when nothing points to them any more. */
static void detach_fenced(polkai_flow *flow)
{
    if (flow->transact != NULL)
        polkai_transact_fenced(flow);
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        if (polkai_is_fenced(at) && !at->detached)
            detach(flow, at);
    polkai_uncommitted_share(flow);
    forget_detached(flow);
}

void polkai_partitions_fence(polkai_flow *flow)
{
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next) {
        atomic_store(&at->revoked, true);
        atomic_store(&at->fenced, POLKAI_FENCED);
    }
    sweep_lanes(flow);
    detach_fenced(flow);
}

/* A revocation can be on its way when the group says that we are out (membership.c), and does not know it: what it names is lost all the same. */
static void mark_revoked(polkai_flow *flow, const polkai_position *position, bool lost)
{
    polkai_partition *partition = polkai_partition_of(flow, &(polkai_record){ .topic = position->topic, .partition = position->partition });
    if (flow->transact != NULL)
        polkai_transact_forget(flow, position);
    if (partition == NULL)
        return;
    bool doubted = atomic_load(&partition->fenced) == POLKAI_DOUBTED;
    partition->asked_back = true;
    atomic_store(&partition->revoked, true);
    if (lost || doubted)
        atomic_store(&partition->fenced, POLKAI_FENCED);
    if (doubted)                         /* those that stay are asked for once more, before this thread could wait for an answer of its own */
        atomic_store(&flow->away, true);
}

/* In a drain what is left of it, as that still waits; once it has waited nothing. */
static int64_t time_for_handover_ms(const polkai_flow *flow)
{
    if (!flow->draining)
        return flow->options.drain_deadline_ms;
    int64_t left_ns = flow->drain_until_ns - flow->options.clock->steady_ns(flow->options.clock);
    return flow->giving_up && left_ns > 0 ? left_ns / 1000000 : 0;
}

void polkai_revoked(void *user, const polkai_position *partitions, size_t count, bool lost)
{
    polkai_flow *flow = user;
    polka_error error;
    for (size_t i = 0; i < count; i++)
        mark_revoked(flow, &partitions[i], lost);
    polkai_count(flow, lost ? COUNT_LOST : COUNT_REVOKED);
    if (lost)
        flow->joined = false;
    if (lost)
        LOG_WARN(flow->options.log, "partitions were lost: %zu; others of the group have them by now, so what was under way is not sent and not committed here", count);
    polkai_give_up(flow, time_for_handover_ms(flow), lost ? POLKAI_GONE : POLKAI_ASKED_BACK);
    if (!lost && polkai_commit(flow, flow->draining ? INT_MAX : POLKAI_COMMIT_MS, &error) != POLKA_OK)
        LOG_WARN(flow->options.log, "the last commit before giving up partitions failed: %s; what was done since the one before will be done again",
                 error.message);
    fence_asked_back(flow);
    detach_fenced(flow);
}
