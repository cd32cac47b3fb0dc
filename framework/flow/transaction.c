/* transaction.c: exactly-once on the poll thread: what is passed by the watermark, the batch that leaves, and going back after one failed. */
#include <base/error.h>
#include <flow/transaction.h>
#include <side/retry/policy.h>

#include <stdlib.h>

enum { REWIND_MS = 2000 };

static int64_t now_ns(const polkai_flow *flow)
{
    return flow->options.clock->steady_ns(flow->options.clock);
}

/* ---- start ---- */

static polka_status open_nothing(void *user, polka_error *error)
{
    (void)user, (void)error;
    return POLKA_OK;
}

static void close_nothing(void *user)
{
    (void)user;
}

polka_status polkai_transact_start(polkai_flow *flow, polka_error *error)
{
    polkai_transacting *self = flow->transact;
    polkai_lane_duty duty = { self, open_nothing, polkai_committer_work, close_nothing };
    /* with a clock that does not move by itself, nothing may wait: the calls are made on this thread */
    TRY(polkai_lane_start(&self->committer, &duty, flow->options.clock == &polkai_clock_real, flow->options.clock, error));
    polkai_lane_wake(self->committer);
    return POLKA_OK;
}

void polkai_flow_transact_take(polkai_flow *flow, polkai_transaction *transaction)
{
    polkai_transacting *made = polkai_alloc(sizeof *made);
    made->flow = flow;
    made->transaction = transaction;
    pthread_mutex_init(&made->lock, NULL);
    flow->transact = made;
}

/* ---- the watermark ---- */

void polkai_transact_taken(polkai_delivery *delivery)
{
    polkai_partition *partition = delivery->partition;
    delivery->next_taken = NULL;
    if (partition->begins < 0)           /* where nothing is committed an abort goes back to it */
        partition->begins = polkai_record_first(&delivery->record);
    if (partition->last_taken == NULL)
        partition->first_taken = delivery;
    else
        partition->last_taken->next_taken = delivery;
    partition->last_taken = delivery;
}

static void add(polkai_transacting *self, polkai_delivery *delivery)
{
    delivery->next_taken = NULL;
    if (self->last == NULL)
        self->first = delivery;
    else
        self->last->next_taken = delivery;
    self->last = delivery;
    self->count++;
}

/* Behind an event that was dropped nothing can leave any more: who has the partition next handles it again, and all that follows. */
static void pass(polkai_transacting *self, polkai_partition *partition)
{
    polkai_delivery *at;
    while ((at = partition->first_taken) != NULL && at->finished) {
        partition->first_taken = at->next_taken;
        if (partition->first_taken == NULL)
            partition->last_taken = NULL;
        partition->cut = partition->cut || at->dropped || polkai_is_fenced(partition);
        if (!partition->cut) {
            add(self, at);
        } else {
            bool last = partition->first_taken == NULL;
            polkai_delivery_end(at);     /* with the last one the partition itself may be gone */
            if (last)
                return;
        }
    }
}

void polkai_transact_done(polkai_delivery *delivery)
{
    delivery->finished = true;
    pass(delivery->flow->transact, delivery->partition);
}

/* ---- what is lost ---- */

static bool is_fenced(const polkai_delivery *delivery)
{
    return polkai_is_fenced(delivery->partition);
}

static void drop_passed(polkai_transacting *self)
{
    polkai_delivery *at = self->first, *next;
    self->first = self->last = NULL;
    self->count = 0;
    for (; at != NULL; at = next) {
        next = at->next_taken;
        if (is_fenced(at))
            polkai_delivery_end(at);
        else
            add(self, at);
    }
}

void polkai_transact_fenced(polkai_flow *flow)
{
    polkai_transacting *self = flow->transact;
    for (const polkai_delivery *at = self->under_way ? self->batch.first : NULL; at != NULL; at = at->next_taken)
        if (is_fenced(at))
            atomic_store(&self->batch.stale, true);
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        if (!at->detached && polkai_is_fenced(at))
            pass(self, at);
    drop_passed(self);
}

/* ---- a transaction begins ---- */

/* What was passed, and the watermark with it, up to the most that one transaction takes. */
static void fill(polkai_transacting *self)
{
    polkai_batch *batch = &self->batch;
    polkai_delivery *last = NULL, *at = self->first;
    for (; at != NULL && batch->count < self->flow->options.transaction_events; at = at->next_taken) {
        polkai_tracker_finish(&at->partition->tracker, at->sequence);
        batch->count++;
        self->flow->leaving_bytes += at->bytes;
        last = at;
    }
    batch->first = self->first;
    last->next_taken = NULL;
    self->first = at;
    self->last = at == NULL ? NULL : self->last;
    self->count -= batch->count;
    self->flow->leaving = batch->count;
}

/* By the source's own names: a partition that has moved without an event of it in the batch may be gone before the batch is. */
static void list_positions(polkai_flow *flow, polkai_batch *batch)
{
    size_t most = 0;
    for (const polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        most++;
    batch->positions = polkai_alloc((most + 1) * sizeof *batch->positions);
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next) {
        int64_t passed = polkai_tracker_watermark(&at->tracker);
        if (at->detached || polkai_is_fenced(at) || passed < 0 || passed == at->committed)
            continue;
        batch->positions[batch->position_count++] = (polkai_position){ { at->topic.size, at->seen }, at->number, passed };
        at->committed = passed;          /* when it fails all partitions begin anew */
    }
}

static void forget_batch(polkai_batch *batch)
{
    if (batch->membership != NULL)
        batch->membership->release(batch->membership);
    free(batch->positions);
    *batch = (polkai_batch){ .item = { NULL } };
}

/* false: we are no member just now. */
static bool begin(polkai_flow *flow)
{
    polka_error error;
    polkai_transacting *self = flow->transact;
    polkai_batch *batch = &self->batch;
    forget_batch(batch);
    if (flow->source->operations->membership(flow->source, &batch->membership, &error) != POLKA_OK)
        return false;
    fill(self);
    list_positions(flow, batch);
    self->due_ns = now_ns(flow) + flow->options.transaction_interval_ms * 1000000;
    self->under_way = true;
    polkai_lane_give(self->committer, &batch->item, &batch->item);
    if (flow->options.clock != &polkai_clock_real)
        polkai_lane_turn(self->committer);
    return true;
}

static bool is_due(const polkai_flow *flow)
{
    const polkai_transacting *self = flow->transact;
    if (self->count == 0)
        return false;
    /* with a full budget nothing else comes, so waiting brings nothing */
    return self->count >= flow->options.transaction_events || polkai_room(flow) == 0 || now_ns(flow) >= self->due_ns;
}

/* ---- going back ---- */

static void forget_rewound(polkai_transacting *self, size_t index)
{
    free((char *)(uintptr_t)self->rewound[index].topic.data);
    self->rewound[index] = self->rewound[--self->rewound_count];
}

void polkai_transact_forget(polkai_flow *flow, const polkai_position *partition)
{
    polkai_transacting *self = flow->transact;
    for (size_t i = 0; i < self->rewound_count; i++)
        if (self->rewound[i].partition == partition->partition && polka_text_equal(self->rewound[i].topic, partition->topic)) {
            forget_rewound(self, i);
            return;
        }
}

/* An abort is a new generation: what lanes and this thread have of the old one is dropped. */
static void go_back(polkai_flow *flow, int64_t delay_ns)
{
    polkai_transacting *self = flow->transact;
    size_t count = self->rewound_count;
    for (const polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        count += polkai_transact_is_ours(at);
    self->rewound = polkai_realloc(self->rewound, (count + 1) * sizeof *self->rewound);
    for (const polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        if (polkai_transact_is_ours(at))
            self->rewound[self->rewound_count++] = (polkai_position){ { at->topic.size, polkai_strdup(at->topic.data) }, at->number, at->begins };
    self->rewinding = true;
    self->rewind_ns = now_ns(flow) + delay_ns;
    polkai_partitions_fence(flow);
}

static size_t rewind_when_due(polkai_flow *flow)
{
    polka_error error;
    polkai_transacting *self = flow->transact;
    if (now_ns(flow) < self->rewind_ns)
        return 0;
    if (self->rewound_count > 0 && flow->source->operations->rewind(flow->source, self->rewound, self->rewound_count, REWIND_MS, &error) != POLKA_OK) {
        LOG_WARN(flow->options.log, "going back to what is committed is not possible yet: %s; trying again", error.message);
        self->rewind_ns = now_ns(flow) + polkai_retry_outage_ns(++self->failures, 0.5);
        return 0;
    }
    self->rewinding = false;
    polkai_partitions_begin(flow, self->rewound, self->rewound_count);
    while (self->rewound_count > 0)
        forget_rewound(self, self->rewound_count - 1);
    return 1;
}

/* ---- a transaction has ended ---- */

static size_t end_all(polkai_batch *batch)
{
    size_t count = batch->count;
    for (polkai_delivery *at = batch->first, *next; at != NULL; at = next) {
        next = at->next_taken;
        polkai_delivery_end(at);
    }
    batch->first = NULL;
    return count;
}

static void failed(polkai_flow *flow)
{
    polkai_transacting *self = flow->transact;
    int64_t delay_ns = polkai_retry_outage_ns(++self->failures, 0.5);
    polkai_count(flow, COUNT_UNCOMMITTED);
    LOG_WARN(flow->options.log, "a transaction of %zu events was aborted: %s; they are handled again in %" PRId64 " ms", self->batch.count,
             self->batch.error.message, delay_ns / 1000000);
    if (self->batch.refused != NULL)
        polkai_refusal_remember(self);
    polkai_stuck_note(self);
    go_back(flow, delay_ns);
}

/* Where in its partition each stands, a transaction does not tell. */
static void trace_committed(const polkai_batch *batch)
{
    for (const polkai_delivery *at = batch->first; at != NULL; at = at->next_taken)
        for (size_t i = 0; i < at->unit_count; i++)
            for (const polkai_sending *each = at->units[i].first; each != NULL; each = each->next)
                polkai_trace_sent(each, &(polkai_report){ .status = POLKA_OK, .partition = -1, .offset = -1 });
}

/* Where an abort goes back to from now on, also if the broker then knew of nothing. */
static void note_committed(polkai_flow *flow, const polkai_batch *batch)
{
    for (size_t i = 0; i < batch->position_count; i++) {
        const polkai_position *at = &batch->positions[i];
        polkai_partition *partition = polkai_partition_of(flow, &(polkai_record){ .topic = at->topic, .partition = at->partition });
        if (partition != NULL)
            partition->begins = at->offset;
    }
}

static size_t end_when_ended(polkai_flow *flow)
{
    polkai_transacting *self = flow->transact;
    polkai_batch *batch = &self->batch;
    if (!self->under_way || !atomic_load_explicit(&batch->ended, memory_order_acquire))
        return 0;
    self->under_way = false;
    if (batch->end == BATCH_COMMITTED) {
        polkai_stuck_moved(self);
        polkai_count(flow, COUNT_COMMITS);
        note_committed(flow, batch);
        atomic_fetch_add_explicit(&flow->counts[COUNT_EMITTED], batch->emitted, memory_order_relaxed);
        if (flow->tracing != NULL)
            trace_committed(batch);
        polkai_refusals_forget(self);
    } else if (batch->end == BATCH_ABORTED) {
        failed(flow);
    }
    size_t count = end_all(batch);
    forget_batch(batch);
    flow->leaving = flow->leaving_bytes = 0;
    return count;
}

/* A call that hangs (librdkafka#4420, #4849) would leave the service standing still without a word. */
static void watch(polkai_flow *flow)
{
    polkai_transacting *self = flow->transact;
    const char *call = atomic_load(&self->call);
    int64_t taken_ms = (now_ns(flow) - atomic_load(&self->since_ns)) / 1000000;
    if (call == NULL || taken_ms <= self->transaction->call_ms || atomic_load(&flow->failed))
        return;
    polka_error error;
    (void)!polkai_fail(&error, POLKA_FATAL, "transaction-stuck", "%s of a transaction has not come back for %" PRId64 " s, and never takes more than %" PRId64
                       ": the process ends, and what was not committed is handled again", call, taken_ms / 1000, self->transaction->call_ms / 1000);
    polkai_settle_stop(flow, &error);
}

bool polkai_transact_has_work(const polkai_flow *flow)
{
    return flow->transact->under_way || (flow->transact->count > 0 && !flow->transact->rewinding);
}

int64_t polkai_transact_due_ns(const polkai_flow *flow)
{
    const polkai_transacting *self = flow->transact;
    return self->rewinding ? self->rewind_ns : self->count > 0 && !self->under_way ? self->due_ns : INT64_MAX;
}

size_t polkai_transact_turn(polkai_flow *flow)
{
    polkai_transacting *self = flow->transact;
    size_t count = end_when_ended(flow);
    watch(flow);
    if (self->rewinding)
        return count + rewind_when_due(flow);
    if (!self->under_way && is_due(flow) && begin(flow))
        count += end_when_ended(flow);
    return count;
}

void polkai_transact_hurry(polkai_flow *flow)
{
    polkai_transacting *self = flow->transact;
    end_when_ended(flow);
    while (self->committer != NULL && !self->rewinding && !self->under_way && self->count > 0 && begin(flow))
        end_when_ended(flow);
}

/* ---- the end ---- */

const char *polkai_transact_call(const polkai_flow *flow)
{
    return flow->transact == NULL ? NULL : atomic_load(&flow->transact->call);
}

bool polkai_transact_stop(polkai_flow *flow, int64_t timeout_ms)
{
    polkai_transacting *self = flow->transact;
    atomic_store(&self->stopping, true);
    bool ended = polkai_lane_stop(self->committer, timeout_ms);
    self->committer = NULL;
    if (ended)
        end_when_ended(flow);
    return ended;
}

void polkai_transact_destroy(polkai_flow *flow)
{
    polkai_transacting *self = flow->transact;
    if (self == NULL)
        return;
    self->transaction->operations->close(self->transaction);
    while (self->rewound_count > 0)
        forget_rewound(self, 0);
    free(self->rewound);
    polkai_stuck_free(self);
    polkai_refusals_free(self);
    forget_batch(&self->batch);
    pthread_mutex_destroy(&self->lock);
    free(self);
    flow->transact = NULL;
}
