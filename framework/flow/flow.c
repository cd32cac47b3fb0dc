/* flow.c: the life of a flow: made from a service value, started on a source and a sink, drained, gone. */
#include <base/error.h>
#include <base/forked.h>
#include <base/identity.h>
#include <base/text.h>
#include <flow/activity.h>
#include <flow/transaction.h>

#include <limits.h>
#include <stdlib.h>

enum {
    CLOSE_MS = 1000, HELPER_ENDS_MS = 20000,
    LANE_ENDS_MS = 50, LANES_END_MS = 300    /* once a drain's deadline has passed, for a lane and for all: well below the two seconds after which it stands still */
};

static int64_t now_ns(const polkai_flow *flow)
{
    return flow->options.clock->steady_ns(flow->options.clock);
}

/* ---- create ---- */

static void complete_options(polkai_flow_options *options)
{
    options->in_flight_events = options->in_flight_events == 0 ? 10000 : options->in_flight_events;
    options->in_flight_bytes = options->in_flight_bytes == 0 ? 32u << 20 : options->in_flight_bytes;
    options->uncommitted_events = options->uncommitted_events == 0 ? 1000000 : options->uncommitted_events;
    options->max_event_bytes = options->max_event_bytes == 0 ? 1000000 : options->max_event_bytes;
    options->commit_interval_ms = options->commit_interval_ms == 0 ? 500 : options->commit_interval_ms;
    options->transaction_interval_ms = options->transaction_interval_ms == 0 ? 100 : options->transaction_interval_ms;
    options->transaction_events = options->transaction_events == 0 ? 10000 : options->transaction_events;
    options->drain_deadline_ms = options->drain_deadline_ms == 0 ? 8000 : options->drain_deadline_ms;
    options->schema_missing_ms = options->schema_missing_ms == 0 ? 60000 : options->schema_missing_ms;
    options->limits.depth = options->limits.depth == 0 ? polkai_walk_limits_default.depth : options->limits.depth;
    options->limits.empty_items = options->limits.empty_items == 0 ? polkai_walk_limits_default.empty_items : options->limits.empty_items;
    options->announce = options->announce && !options->confluent;
    options->metered = options->metered || options->activity;
    options->clock = options->clock == NULL ? &polkai_clock_real : options->clock;
    options->group = options->group == NULL ? (options->service->group != NULL ? options->service->group : options->service->name) : options->group;
}

void polkai_target_init(polkai_flow *flow, polkai_target *target, const polka_event *event)
{
    target->event = event;
    target->topic = polka_text_of(event->topic);
    target->type = polka_text_of(event->name);
    target->held = &target->waiting;
    target->dataschema = polkai_envelope_dataschema(event->fingerprint, &flow->arena);
    polkai_hex64(target->key_text, event->fingerprint);
}

/* Types share a topic so that what they tell of one key stays in order. */
static atomic_uint *held_of_topic(const polkai_flow *flow, const polkai_target *target)
{
    const polkai_target *at = flow->targets;
    while (at != target && !polka_text_equal(at->topic, target->topic))
        at++;
    return at->held;
}

static void add_target(polkai_flow *flow, const polka_event *event)
{
    if (polkai_flow_target(flow, event) != NULL)
        return;
    polkai_target *target = &flow->targets[flow->target_count++];
    polkai_target_init(flow, target, event);
    target->held = held_of_topic(flow, target);
    if (!flow->options.confluent)
        return;
    target->dataschema_capacity = strlen(flow->options.registry.name) + sizeof "/schemas/ids/4294967295";
    target->dataschema_text = polka_arena_alloc(&flow->arena, target->dataschema_capacity);
}

static void collect_targets(polkai_flow *flow)
{
    const polka_service *service = flow->service;
    size_t most = service->emits.count;
    for (const polka_reaction *row = service->reactions; row != NULL && row->polka_row == 1; row++)
        most += row->emits.count;
    flow->targets = polkai_arena_zeroed(&flow->arena, most + 1, sizeof *flow->targets);
    for (size_t i = 0; i < service->emits.count; i++)
        add_target(flow, service->emits.items[i]);
    for (const polka_reaction *row = service->reactions; row != NULL && row->polka_row == 1; row++)
        for (size_t i = 0; i < row->emits.count; i++)
            add_target(flow, row->emits.items[i]);
}

static void make_workers(polkai_flow *flow)
{
    flow->threaded = flow->options.lanes > 0;
    flow->worker_count = flow->threaded ? flow->options.lanes : 1;
    if (flow->worker_count > 1)
        flow->spread = polkai_spread_create((unsigned)flow->worker_count, flow->options.in_flight_events);
    flow->workers = polkai_alloc(flow->worker_count * sizeof *flow->workers);
    for (size_t i = 0; i < flow->worker_count; i++)
        flow->workers[i] = polkai_worker_create(flow, (unsigned)i);
}

polka_status polkai_flow_create(polkai_flow **flow, const polkai_flow_options *options, polka_error *error)
{
    const polka_service *service = options->service;
    polkai_router *router;
    ENSURE(!options->confluent || options->registry.enrol != NULL, POLKA_MISUSE, error, "no-registry",
           "framing: confluent needs a schema registry; set schemas.registry.url, or framing to single-object");
    TRY(polkai_router_create(&router, service, error));
    polkai_flow *made = polkai_alloc_lines(sizeof *made);
    polkai_forks_count();
    made->forks = polkai_forks;
    made->options = *options;
    complete_options(&made->options);
    made->tracing = options->tracing;
    made->service = service;
    made->router = router;
    made->cluster = POLKA_TEXT("kafka");
    made->suspended_ns = made->options.clock->suspended_ns == NULL ? 0 : made->options.clock->suspended_ns(made->options.clock);
    made->group_name = polka_text_of(made->options.group);
    made->source_name = service->domain == NULL ? polkai_arena_format(&made->arena, "/%s", service->name)
                                                : polkai_arena_format(&made->arena, "/%s/%s", service->domain, service->name);
    pthread_mutex_init(&made->lock, NULL);
    pthread_mutex_init(&made->polling, NULL);
    if (options->seed != 0)
        polkai_random_seed(&made->random, options->seed);
    else
        polkai_random_seed_entropy(&made->random);
    collect_targets(made);
    polkai_schemas_create(made);
    make_workers(made);
    polkai_slots_create(made);
    polkai_meter_create(made);
    made->batch = polkai_alloc(POLKAI_BATCH * sizeof *made->batch);
    polka_status status = polkai_activity_create(made, error);
    if (status == POLKA_OK)
        *flow = made;
    else
        polkai_flow_destroy(made);
    return status;
}

/* ---- start ---- */

static void notice(void *user, polka_status status, const char *message)
{
    polkai_flow *flow = user;
    if (status == POLKA_FATAL || status == POLKA_MISUSE) {
        polka_error error;
        polkai_fail(&error, status, "source", "%s", message);
        polkai_settle_stop(flow, &error);
    }
    if (status == POLKA_FATAL) {         /* nobody says `revoked` any more */
        flow->joined = false;
        polkai_partitions_fence(flow);
    }
    if (status == POLKA_TRANSIENT && flow->commit_again_ns == 0)     /* an asynchronous commit that failed says so here only */
        flow->commit_again_ns = now_ns(flow) + (int64_t)POLKAI_COMMIT_AGAIN_MS * 1000000;
    if (flow->options.notice != NULL)
        flow->options.notice(flow->options.user, status, message);
}

static void reached(void *user, bool answers)
{
    polkai_flow *flow = user;
    flow->unreached = !answers;
}

static void uncommitted(void *user)
{
    polkai_count(user, COUNT_UNCOMMITTED);
}

static void prepare_sink(polkai_flow *flow)
{
    polka_text *topics = polkai_alloc((flow->target_count + 1) * sizeof *topics);
    size_t count = flow->target_count;
    for (size_t i = 0; i < count; i++)
        topics[i] = flow->targets[i].topic;
    if (flow->activity != NULL)
        topics[count++] = POLKA_TEXT(POLKAI_ACTIVITY_TOPIC);
    if (count > 0)
        flow->sink->operations->prepare(flow->sink, topics, count);
    free(topics);
}

static polka_status start_lanes(polkai_flow *flow, polka_error *error)
{
    for (size_t i = 0; i < flow->worker_count; i++)
        TRY(polkai_worker_start(flow->workers[i], error));
    return POLKA_OK;
}

polka_status polkai_flow_start(polkai_flow *flow, polkai_source *source, polkai_sink *sink, polka_error *error)
{
    flow->source = source;
    flow->sink = sink;
    prepare_sink(flow);
    if (source == NULL) {
        polkai_send_announce(flow);
        return polkai_enrol_start(flow, error);
    }
    size_t count;
    const polka_text *topics = polkai_router_topics(flow->router, &count);
    polkai_start start = { .topics = topics, .topic_count = count,
                           .listener = { flow, polkai_assigned, polkai_revoked, notice, reached, uncommitted, NULL } };
    TRY(polkai_enrol_start(flow, error));
    TRY(start_lanes(flow, error));
    TRY(polkai_watch_start(flow, error));
    if (flow->transact != NULL)
        TRY(polkai_transact_start(flow, error));
    polka_status status = source->operations->start(source, &start, error);
    polkai_send_announce(flow);
    return status;
}

/* ---- stop ---- */

int64_t polkai_flow_next_due_ms(const polkai_flow *flow)
{
    int64_t due_ns = flow->threaded ? INT64_MAX : polkai_lane_due_ns(flow->workers[0]->lane);
    if (flow->waiting_first != NULL && flow->resend_due_ns < due_ns)
        due_ns = flow->resend_due_ns;
    if (polkai_schemas_due_ns(flow) < due_ns)
        due_ns = polkai_schemas_due_ns(flow);
    if (flow->transact != NULL && polkai_transact_due_ns(flow) < due_ns)
        due_ns = polkai_transact_due_ns(flow);
    return due_ns == INT64_MAX ? -1 : (due_ns + 999999) / 1000000;
}

bool polkai_flow_stays(const polkai_flow *flow)
{
    return flow->stuck;
}

bool polkai_flow_is_of_parent(const polkai_flow *flow)
{
    return flow->forks != polkai_forks;
}

void polkai_flow_stop(polkai_flow *flow)
{
    atomic_store(&flow->stop, true);
    if (flow->source != NULL && !atomic_load(&flow->draining))       /* a drain closes the source, and needs no waking */
        flow->source->operations->wake(flow->source);
}

/* ---- drain ---- */

/* What a drain's lanes have: until its deadline, and then a moment together. */
typedef struct { int64_t until_ns, last_ns; } lanes_time;

static int64_t left_ms(int64_t ns, int64_t now) { return ns > now ? (ns - now) / 1000000 : 0; }

/* Once the deadline has passed each has a moment, of which there are only so many. */
static int64_t lane_ends_ms(const polkai_flow *flow, lanes_time time, int64_t most_ms)
{
    int64_t now = now_ns(flow), left = left_ms(time.until_ns, now), rest = left_ms(time.last_ns, now);
    rest = rest < most_ms ? rest : most_ms;
    return left > rest ? left : rest;
}

/* It may have ended just before: then it is a lane as any other, and may hold a lock that is needed below. */
static bool hold_stuck(const polkai_flow *flow, polkai_worker *worker, lanes_time time, bool *held)
{
    int64_t timeout_ms = lane_ends_ms(flow, time, POLKAI_ANSWER_MS);
    *held = polkai_watch_hold(worker, timeout_ms < POLKAI_ANSWER_MS ? (int)timeout_ms : POLKAI_ANSWER_MS);
    if (polkai_watch_is_stuck(worker))
        return true;
    polkai_hold_release(worker->running.hold);
    return false;
}

/* Of a lane that is stuck past its handler's deadline the thread is held, so that it touches nothing any more. */
static void stop_lanes(polkai_flow *flow, int64_t until_ns, bool *ended, bool *quiet)
{
    int64_t now = now_ns(flow);
    lanes_time time = { until_ns, (until_ns > now ? until_ns : now) + LANES_END_MS * INT64_C(1000000) };
    *ended = *quiet = true;
    for (size_t i = 0; i < flow->worker_count; i++)      /* so that they end beside each other, however long a service's close takes */
        if (!polkai_watch_is_stuck(flow->workers[i]))
            polkai_lane_ask_to_end(flow->workers[i]->lane);
    for (size_t i = 0; i < flow->worker_count; i++) {
        polkai_worker *worker = flow->workers[i];
        bool held = false, stuck = polkai_watch_is_stuck(worker) && hold_stuck(flow, worker, time, &held);
        polkai_lane *lane = worker->lane;
        pthread_mutex_lock(&flow->lock);
        worker->lane = stuck ? lane : NULL;              /* nobody wakes it any more */
        pthread_mutex_unlock(&flow->lock);
        if (stuck ? !held : !polkai_lane_stop(lane, lane_ends_ms(flow, time, LANE_ENDS_MS)))
            *quiet = false;
        if (stuck || !*quiet)
            *ended = false;
    }
}

polka_status polkai_flow_drain(polkai_flow *flow, int64_t deadline_ms, polka_error *error)
{
    int64_t until_ns = now_ns(flow) + deadline_ms * 1000000;
    bool ended = true, quiet = true, finished = true, helped = true;
    polka_status committed = POLKA_OK;
    flow->draining = true;
    flow->drain_until_ns = until_ns;
    polkai_schemas_stop(flow);
    if (flow->source != NULL) {
        for (polkai_partition *at = flow->partitions; at != NULL; at = at->next)
            atomic_store(&at->revoked, true);
        finished = polkai_give_up(flow, deadline_ms, POLKAI_ALL);
        /* it has nothing better to do with its time than to wait for its last commit: a busy broker may take seconds for it */
        committed = polkai_commit(flow, INT_MAX, error);
        if (!finished && deadline_ms > 0 && now_ns(flow) >= until_ns && !atomic_load(&flow->failed))
            polkai_watch_tell_late(flow, deadline_ms);
        helped = polkai_schemas_end(flow, polkai_patience_ms(flow, HELPER_ENDS_MS));
        stop_lanes(flow, until_ns, &ended, &quiet);
        polkai_watch_stop(flow);
        if (flow->transact != NULL && !polkai_transact_stop(flow, polkai_patience_ms(flow, INT_MAX)))
            ended = quiet = false;
        polkai_flow_collect(flow);
        polkai_lost_reap(flow);
        finished = finished || flow->in_flight == 0;
        if (quiet)
            flow->source->operations->close(flow->source, polkai_patience_ms(flow, POLKAI_CLOSE_MS));
        if (quiet)
            flow->source = NULL;
    }
    flow->stuck = !ended || !helped || polkai_flow_lost(flow) > 0;
    const char *call = polkai_transact_call(flow);
    ENSURE(finished && ended && helped, POLKA_TRANSIENT, error, "drain-deadline",
           "the drain deadline of %" PRId64 " ms passed with %" PRIu64 " events under way%s%s; they will be handled again", deadline_ms, flow->in_flight,
           call == NULL ? "" : ", in a transaction whose last call has not come back: ", call == NULL ? "" : call);
    return committed;
}

/* ---- counts and the end ---- */

polkai_flow_counts polkai_flow_count(const polkai_flow *flow)
{
    const atomic_ullong *c = flow->counts;
    polkai_flow_counts counts = {
        .received = c[COUNT_RECEIVED], .dead = c[COUNT_DEAD], .retries = c[COUNT_RETRIES],
        .emitted = c[COUNT_EMITTED], .unknown_types = c[COUNT_UNKNOWN], .tombstones = c[COUNT_TOMBSTONES], .redelivered_sends = c[COUNT_RESENT],
        .in_flight = flow->in_flight };
    for (size_t i = 0; i < flow->worker_count; i++) {
        counts.done += flow->workers[i]->done;
        counts.skipped += flow->workers[i]->skipped;
        counts.parked_keys += flow->workers[i]->parked_keys;
        counts.parked_events += flow->workers[i]->parked_events;
    }
    return counts;
}

polkai_pulse polkai_flow_pulse(const polkai_flow *flow)
{
    return (polkai_pulse){ .turned_ns = flow->turned_ns, .drain_until_ns = flow->drain_until_ns, .assigned = flow->ready, .joined = flow->joined,
                           .reached = !flow->unreached, .stopping = flow->stop || flow->draining || flow->failed };
}

void polkai_flow_destroy(polkai_flow *flow)
{
    polka_error error;
    if (flow == NULL)
        return;
    if (flow->source != NULL && !flow->draining)
        (void)!polkai_flow_drain(flow, 0, &error);
    if (flow->stuck)
        return;                          /* a handler still runs on this memory; the process is about to end */
    flow->draining = true;
    if (!polkai_schemas_end(flow, HELPER_ENDS_MS))
        return;                          /* it still works on this memory */
    if (flow->sink != NULL)              /* after a clean drain only schemas, which the next start sends again, and activity can be under way */
        flow->sink->operations->close(flow->sink, flow->in_flight > 0 || polkai_activity_waits(flow) ? CLOSE_MS : 0);
    polkai_activity_destroy(flow);
    polkai_flow_collect(flow);
    polkai_transact_destroy(flow);
    polkai_schemas_destroy(flow);
    polkai_deliveries_destroy(flow);
    polkai_lost_destroy(flow);
    polkai_meter_destroy(flow);
    for (size_t i = 0; i < flow->worker_count; i++)
        polkai_worker_destroy(flow->workers[i]);
    while (flow->partitions != NULL) {
        polkai_partition *next = flow->partitions->next;
        polkai_tracker_deinit(&flow->partitions->tracker);
        free((char *)flow->partitions->topic.data);
        free(flow->partitions);
        flow->partitions = next;
    }
    polkai_router_destroy(flow->router);
    free(flow->workers);
    polkai_spread_destroy(flow->spread);
    free(flow->batch);
    polkai_arena_deinit(&flow->arena);
    pthread_mutex_destroy(&flow->lock);
    pthread_mutex_destroy(&flow->polling);
    free(flow);
}
