/*
 * committer.c: carries out one transaction after the other, on a thread of its own since its calls block; handlers run on meanwhile.
 * What comes after each call is its verdict (transport/transaction.h). After any doubt the producer is made anew before the next
 * transaction: a late end of the last one could end the next (Jepsen on Bufstream 0.1.0; KIP-890).
 */
#include <base/error.h>
#include <flow/transaction.h>
#include <side/retry/policy.h>

#include <time.h>

enum { HEADERS_MEMORY = 1536, TOLD_AT = 4 };

typedef enum { CALL_INIT, CALL_BEGIN, CALL_SEND, CALL_OFFSETS, CALL_COMMIT, CALL_ABORT } call_kind;

/* A call with the arguments it has, so that it can be made again. */
typedef struct {
    const char *name;
    call_kind which;
    const polkai_record *record;
    void *cookie;
} call;

static int64_t now_ns(const polkai_transacting *self)
{
    return self->flow->options.clock->steady_ns(self->flow->options.clock);
}

static polkai_transaction_verdict make(polkai_transacting *self, const call *to, polka_error *error)
{
    polkai_transaction *transaction = self->transaction;
    const polkai_transaction_operations *operations = transaction->operations;
    const polkai_batch *batch = &self->batch;
    switch (to->which) {
    case CALL_INIT: return operations->init(transaction, error);
    case CALL_BEGIN: return operations->begin(transaction, error);
    case CALL_SEND: return operations->send(transaction, to->record, to->cookie, error);
    case CALL_OFFSETS: return operations->offsets(transaction, batch->positions, batch->position_count, batch->membership, error);
    case CALL_COMMIT: return operations->commit(transaction, error);
    case CALL_ABORT: break;
    }
    return operations->abort(transaction, error);
}

/* The poll thread sees how long it takes (transaction.c, watch). */
static polkai_transaction_verdict make_watched(polkai_transacting *self, const call *to, polka_error *error)
{
    int64_t began_ns = now_ns(self);
    atomic_store(&self->since_ns, began_ns);
    atomic_store(&self->call, to->name);
    polkai_transaction_verdict verdict = make(self, to, error);
    atomic_store(&self->call, NULL);
    bool ends = to->which == CALL_COMMIT || to->which == CALL_ABORT;
    if (ends && (verdict == POLKAI_TRANSACTION_AGAIN || now_ns(self) - began_ns > self->transaction->request_ms * 1000000))
        self->doubtful = true;
    return verdict;
}

static void pause_before(const polkai_transacting *self, unsigned tries)
{
    int64_t delay_ns = polkai_retry_outage_ns(tries < 7 ? tries : 7, 0.5);           /* at most half a second: an answer is waited for inside the calls */
    if (self->flow->options.clock == &polkai_clock_real)
        nanosleep(&(struct timespec){ .tv_nsec = (long)delay_ns }, NULL);
}

/* 0: the flow stops. */
typedef polkai_transaction_verdict answer;

static answer make_until_answered(polkai_transacting *self, const call *to, polka_error *error)
{
    for (unsigned tries = 1; !atomic_load(&self->stopping) || to->which == CALL_ABORT; tries++) {
        polkai_transaction_verdict verdict = make_watched(self, to, error);
        if (verdict != POLKAI_TRANSACTION_AGAIN)
            return verdict;
        if (to->which == CALL_ABORT && atomic_load(&self->stopping))
            break;
        if (tries == TOLD_AT && to->which != CALL_SEND)
            LOG_INFO(self->flow->options.log, "transaction: %s is tried again: %s", to->name, error->message);
        pause_before(self, tries);
    }
    return 0;
}

static answer stopped_by(polkai_transacting *self, polka_error *error)
{
    polkai_error_where(error, "delivery exactly-once, group %.*s", POLKA_TEXT_ARGS(self->flow->group_name));
    error->status = POLKA_FATAL;
    polkai_settle_stop(self->flow, error);
    return 0;
}

/* Until the producer is ready, however long no broker answers. */
static answer init(polkai_transacting *self)
{
    polka_error error;
    self->made = false;
    for (unsigned tries = 1;; tries++) {
        answer verdict = make_until_answered(self, &(call){ "init", CALL_INIT, NULL, NULL }, &error);
        if (verdict == 0)
            return 0;
        if (verdict == POLKAI_TRANSACTION_STOP)
            return stopped_by(self, &error);
        if (verdict == POLKAI_TRANSACTION_DONE)
            break;
        LOG_WARN(self->flow->options.log, "transaction: %s; trying again", error.message);
        pause_before(self, tries);
    }
    self->made = true;
    self->doubtful = false;
    return POLKAI_TRANSACTION_DONE;
}

/* Nothing is in the transaction yet: whatever is wrong, another producer begins. */
static answer begin(polkai_transacting *self)
{
    for (unsigned tries = 1;; tries++) {
        polka_error error;
        if ((!self->made || self->doubtful) && init(self) != POLKAI_TRANSACTION_DONE)
            return 0;
        answer verdict = make_until_answered(self, &(call){ "begin", CALL_BEGIN, NULL, NULL }, &error);
        if (verdict == POLKAI_TRANSACTION_DONE || verdict == 0)
            return verdict;
        if (verdict == POLKAI_TRANSACTION_STOP)
            return stopped_by(self, &error);
        LOG_WARN(self->flow->options.log, "transaction: %s; with a new producer", error.message);
        self->made = false;
        pause_before(self, tries);
    }
}

static answer send_one(polkai_transacting *self, polkai_sending *sending, polka_error *error)
{
    uint8_t memory[HEADERS_MEMORY];
    polkai_record record;
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, memory, sizeof memory);
    if (self->flow->tracing != NULL)
        polkai_trace_leaves(sending);
    polkai_send_record(self->flow, sending, &arena, &record);
    self->batch.emitted += sending->kind == SENDING_EMISSION;
    return make_until_answered(self, &(call){ "send", CALL_SEND, &record, sending }, error);
}

static bool is_stale(const polkai_transacting *self, polka_error *error)
{
    if (!atomic_load_explicit(&self->batch.stale, memory_order_relaxed))
        return false;
    (void)!polkai_fail(error, POLKA_TRANSIENT, "partitions-lost", "its partitions are another member's by now");
    return true;
}

static answer send_all(polkai_transacting *self, polka_error *error)
{
    for (polkai_delivery *at = self->batch.first; at != NULL; at = at->next_taken)
        for (size_t i = 0; i < at->unit_count; i++)
            for (polkai_sending *each = at->units[i].first; each != NULL; each = each->next) {
                if (is_stale(self, error))
                    return POLKAI_TRANSACTION_ABORT;
                answer verdict = send_one(self, each, error);
                if (verdict != POLKAI_TRANSACTION_DONE)
                    return verdict;
            }
    return POLKAI_TRANSACTION_DONE;
}

static answer unless_stale(polkai_transacting *self, const char *name, call_kind which, polka_error *error)
{
    return is_stale(self, error) ? POLKAI_TRANSACTION_ABORT : make_until_answered(self, &(call){ .name = name, .which = which }, error);
}

static answer carry_out(polkai_transacting *self, polka_error *error)
{
    answer verdict = send_all(self, error);
    if (verdict == POLKAI_TRANSACTION_DONE && self->batch.position_count > 0)
        verdict = unless_stale(self, "offsets", CALL_OFFSETS, error);
    if (verdict == POLKAI_TRANSACTION_DONE)
        verdict = unless_stale(self, "commit", CALL_COMMIT, error);
    return verdict;
}

/* So that what is committed is certain when the poll thread asks for it. */
static polkai_batch_end abort_it(polkai_transacting *self, answer verdict)
{
    polka_error error;
    if (verdict == POLKAI_TRANSACTION_ABORT)
        verdict = make_until_answered(self, &(call){ "abort", CALL_ABORT, NULL, NULL }, &error);
    if (verdict == POLKAI_TRANSACTION_DONE && !self->doubtful)
        return BATCH_ABORTED;
    return init(self) == POLKAI_TRANSACTION_DONE ? BATCH_ABORTED : BATCH_LEFT;
}

static polkai_batch_end run(polkai_transacting *self)
{
    polkai_batch *batch = &self->batch;
    if (begin(self) != POLKAI_TRANSACTION_DONE)
        return BATCH_LEFT;
    answer verdict = carry_out(self, &batch->error);
    if (verdict == POLKAI_TRANSACTION_DONE)
        return BATCH_COMMITTED;
    if (verdict == POLKAI_TRANSACTION_ABORT && batch->error.status == POLKA_POISON)
        batch->refused = self->transaction->refused;
    if (verdict == POLKAI_TRANSACTION_STOP)
        (void)stopped_by(self, &batch->error);
    if (verdict == 0)                    /* nobody goes on with it: its partitions are read by others at once, and not after a time-out */
        (void)make_watched(self, &(call){ "abort", CALL_ABORT, NULL, NULL }, &(polka_error){ .status = POLKA_OK });
    return verdict == 0 || verdict == POLKAI_TRANSACTION_STOP ? BATCH_LEFT : abort_it(self, verdict);
}

int64_t polkai_committer_work(void *transacting, polkai_lane_item *items)
{
    polkai_transacting *self = transacting;
    if (items == NULL) {                 /* at the start: the first transaction finds a producer that is ready */
        if (!self->made && !atomic_load(&self->stopping))
            (void)init(self);
        return INT64_MAX;
    }
    self->batch.end = run(self);
    atomic_store_explicit(&self->batch.ended, true, memory_order_release);
    if (self->flow->source != NULL && !atomic_load(&self->flow->draining))
        self->flow->source->operations->wake(self->flow->source);
    return INT64_MAX;
}
