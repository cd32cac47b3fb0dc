/* meter.c: the counters of the lanes, the copies of the poll thread, and their sums. */
#include <flow/activity.h>

#include <stdlib.h>

enum { EVERY_NS = 1000000000 };

const int64_t polkai_meter_bounds_ns[POLKAI_METER_BOUNDS] = { 5000000,   10000000,  25000000,   50000000,   75000000,   100000000,  250000000,
                                                              500000000, 750000000, 1000000000, 2500000000, 5000000000, 7500000000, 10000000000 };

/* ---- counting ---- */

static size_t rows_of(const polka_service *service)
{
    size_t count = 0;
    while (service->reactions != NULL && service->reactions[count].polka_row == 1)
        count++;
    return count;
}

void polkai_meter_create(polkai_flow *flow)
{
    pthread_mutex_init(&flow->metering.lock, NULL);
    if (!flow->options.metered)
        return;
    size_t rows = rows_of(flow->service) + 1;
    flow->metering.rows = rows;
    for (size_t i = 0; i < flow->worker_count; i++) {
        polkai_meter *meter = polkai_alloc_lines(sizeof *meter);
        meter->rows = polkai_alloc_lines(rows * sizeof *meter->rows);
        meter->emitted = polkai_alloc_lines((rows * flow->target_count + 1) * sizeof *meter->emitted);
        flow->workers[i]->meter = meter;
    }
}

void polkai_meter_destroy(polkai_flow *flow)
{
    for (size_t i = 0; i < flow->worker_count; i++) {
        polkai_meter *meter = flow->workers[i]->meter;
        if (meter == NULL)
            continue;
        free(meter->rows);
        free(meter->emitted);
        free(meter);
    }
    free(flow->metering.partitions);
    free(flow->metering.texts);
    pthread_mutex_destroy(&flow->metering.lock);
}

polkai_meter_row *polkai_meter_row_of(const polka_context *unit)
{
    const polkai_flow *flow = unit->flow;
    if (unit->worker == NULL || unit->worker->meter == NULL)
        return NULL;
    return &unit->worker->meter->rows[unit->reaction == NULL ? flow->metering.rows - 1 : (size_t)(unit->reaction - flow->service->reactions)];
}

void polkai_meter_took(polka_context *unit, int64_t took_ns)
{
    polkai_meter_row *row = polkai_meter_row_of(unit);
    size_t bucket = 0;
    unit->took_ns = took_ns > 0 ? took_ns : 0;
    unit->called = true;
    while (bucket < POLKAI_METER_BOUNDS && took_ns > polkai_meter_bounds_ns[bucket])
        bucket++;
    polkai_meter_add(&row->took[bucket], 1);
    polkai_meter_add(&row->took_ns, took_ns > 0 ? (unsigned long long)took_ns : 0);
}

void polkai_meter_ended(polka_context *unit, polkai_reaction_outcome outcome, const char *code)
{
    polkai_meter_row *row = polkai_meter_row_of(unit);
    if (row == NULL)
        return;
    if (outcome == POLKAI_REACTION_DONE)
        polkai_meter_add(&row->done, 1);
    else if (outcome == POLKAI_REACTION_SKIPPED)
        polkai_meter_add(&row->skipped, 1);
    else                                 /* on the lane, or on the poll thread */
        atomic_fetch_add_explicit(outcome == POLKAI_REACTION_RETRIED ? &row->retries : &row->dead, 1, memory_order_relaxed);
    polkai_activity_tell(unit, outcome, code);
}

void polkai_meter_sent(polka_context *unit, const polkai_target *target)
{
    const polkai_flow *flow = unit->flow;
    polkai_meter *meter = unit->worker->meter;
    size_t row = unit->reaction == NULL ? flow->metering.rows - 1 : (size_t)(unit->reaction - flow->service->reactions);
    polkai_meter_add(&meter->emitted[row * flow->target_count + (size_t)(target - flow->targets)], 1);
}

/* ---- the copies of the poll thread ---- */

static void copy_partition(polkai_partition_reading *to, const polkai_partition *from, char **texts)
{
    memcpy(*texts, from->topic.data, from->topic.size);
    int64_t done = polkai_tracker_watermark(&from->tracker);
    *to = (polkai_partition_reading){ .topic = { from->topic.size, *texts }, .partition = from->number, .done = done >= 0 ? done : from->begins,
                                      .committed = from->committed >= 0 ? from->committed : done < 0 ? from->begins : -1, .end = -1,
                                      .in_flight = polkai_tracker_unfinished(&from->tracker), .held = from->held };
    *texts += from->topic.size;
}

static void look(polkai_flow *flow)
{
    size_t count = 0, bytes = 1;
    for (const polkai_partition *at = flow->partitions; at != NULL; at = at->next) {
        count += !at->detached;
        bytes += at->topic.size;
    }
    polkai_partition_reading *made = polkai_alloc((count + 1) * sizeof *made);
    polkai_position *ends = polkai_alloc((count + 1) * sizeof *ends);
    char *texts = polkai_alloc(bytes), *end = texts;
    count = 0;
    for (const polkai_partition *at = flow->partitions; at != NULL; at = at->next) {
        if (at->detached)
            continue;
        ends[count] = (polkai_position){ at->topic, at->number, -1 };
        copy_partition(&made[count++], at, &end);
    }
    if (flow->source != NULL && flow->source->operations->ends != NULL)
        flow->source->operations->ends(flow->source, ends, count);
    for (size_t i = 0; i < count; i++)
        made[i].end = ends[i].offset;
    free(ends);
    polkai_metering *metering = &flow->metering;
    pthread_mutex_lock(&metering->lock);
    polkai_partition_reading *before = metering->partitions;
    char *texts_before = metering->texts;
    metering->partitions = made;
    metering->texts = texts;
    metering->partition_count = count;
    metering->in_flight = flow->in_flight;
    metering->in_flight_bytes = flow->in_flight_bytes;
    pthread_mutex_unlock(&metering->lock);
    free(before);
    free(texts_before);
}

void polkai_meter_look(polkai_flow *flow, int64_t now_ns)
{
    if (!flow->options.metered || now_ns < flow->metering.due_ns)
        return;
    flow->metering.due_ns = now_ns + EVERY_NS;
    look(flow);
}

/* ---- reading ---- */

/* A lane may be replaced meanwhile, and its worker be gone. */
static void hold_workers(const polkai_flow *flow) { pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&flow->lock); }
static void release_workers(const polkai_flow *flow) { pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&flow->lock); }

static uint64_t value_of(const atomic_ullong *counter) { return atomic_load_explicit(counter, memory_order_relaxed); }

size_t polkai_meter_reactions(const polkai_flow *flow) { return flow->metering.rows; }

static void add_running(const polkai_worker *worker, polkai_reaction_reading *reading)
{
    const polkai_running *running = &worker->running;
    if (atomic_load_explicit(&running->turns, memory_order_acquire) % 2 == 0 ||
        atomic_load_explicit(&running->reaction, memory_order_acquire) != reading->reaction || reading->reaction == NULL)
        return;
    int64_t ran_ns = atomic_load_explicit(&running->ran_ns, memory_order_relaxed);
    reading->running++;
    reading->running_ns = ran_ns > reading->running_ns ? ran_ns : reading->running_ns;
}

polkai_reaction_reading polkai_meter_read(const polkai_flow *flow, size_t row)
{
    polkai_reaction_reading reading = { .reaction = row + 1 == flow->metering.rows ? NULL : &flow->service->reactions[row] };
    if (reading.reaction != NULL)
        reading.deadline_ms = polkai_watch_deadline_ms(reading.reaction);
    hold_workers(flow);
    for (size_t i = 0; i < flow->worker_count; i++) {
        const polkai_meter_row *at = &flow->workers[i]->meter->rows[row];
        reading.done += value_of(&at->done);
        reading.skipped += value_of(&at->skipped);
        reading.retries += value_of(&at->retries);
        reading.dead += value_of(&at->dead);
        reading.took_ns += value_of(&at->took_ns);
        for (size_t k = 0; k <= POLKAI_METER_BOUNDS; k++)
            reading.took[k] += value_of(&at->took[k]);
        add_running(flow->workers[i], &reading);
    }
    release_workers(flow);
    return reading;
}

const polka_event *polkai_meter_emitted(const polkai_flow *flow, size_t row, size_t target, uint64_t *count)
{
    *count = 0;
    if (target >= flow->target_count)
        return NULL;
    hold_workers(flow);
    for (size_t i = 0; i < flow->worker_count; i++)
        *count += value_of(&flow->workers[i]->meter->emitted[row * flow->target_count + target]);
    release_workers(flow);
    return flow->targets[target].event;
}

void polkai_meter_read_flow(polkai_flow *flow, polka_arena *arena, polkai_flow_reading *reading)
{
    const atomic_ullong *c = flow->counts;
    *reading = (polkai_flow_reading){
        .received = value_of(&c[COUNT_RECEIVED]), .unknown_types = value_of(&c[COUNT_UNKNOWN]), .tombstones = value_of(&c[COUNT_TOMBSTONES]),
        .sends_repeated = value_of(&c[COUNT_RESENT]), .commits = value_of(&c[COUNT_COMMITS]), .commits_failed = value_of(&c[COUNT_UNCOMMITTED]),
        .assigned = value_of(&c[COUNT_ASSIGNED]), .revoked = value_of(&c[COUNT_REVOKED]), .lost = value_of(&c[COUNT_LOST]) };
    reading->activity = flow->activity != NULL;
    polkai_activity_read(flow, &reading->activity_told, &reading->activity_dropped);
    hold_workers(flow);
    for (size_t i = 0; i < flow->worker_count; i++) {
        reading->waiting_keys += value_of(&flow->workers[i]->parked_keys);
        reading->waiting_events += value_of(&flow->workers[i]->parked_events);
    }
    release_workers(flow);
    polkai_metering *metering = &flow->metering;
    pthread_mutex_lock(&metering->lock);
    reading->in_flight = metering->in_flight;
    reading->in_flight_bytes = metering->in_flight_bytes;
    reading->partition_count = metering->partition_count;
    polkai_partition_reading *copies = polkai_arena_zeroed(arena, metering->partition_count + 1, sizeof *copies);
    for (size_t i = 0; i < metering->partition_count; i++) {
        copies[i] = metering->partitions[i];
        copies[i].topic = polkai_arena_text(arena, copies[i].topic.data, copies[i].topic.size);
    }
    pthread_mutex_unlock(&metering->lock);
    reading->partitions = copies;
}
