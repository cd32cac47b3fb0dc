/* transaction.c: what is sent waits beside the topics until commit, and is stored then together with the offsets. */
#include <transport/memory/store.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

typedef struct { polkai_record record; void *cookie; } waiting;

typedef struct {
    polkai_transaction transaction;      /* first: the seam */
    polkai_memory *memory;               /* borrowed */
    size_t at;                           /* of its id in the table of producers */
    uint64_t epoch;                      /* 0: init was not called */
    bool begun;
    waiting *records;
    size_t record_count;
    polkai_position *positions;          /* borrowed, as long as the transaction is open */
    size_t position_count;
    const polkai_membership *membership;
} memory_transaction;

static void forget(memory_transaction *self)
{
    for (size_t i = 0; i < self->record_count; i++)
        polkai_record_release(&self->records[i].record);
    free(self->records);
    free(self->positions);
    self->records = NULL;
    self->positions = NULL;
    self->record_count = self->position_count = 0;
    self->begun = false;
}

/* Another producer of the same id came later, or there was no init. */
static bool is_fenced(const memory_transaction *self, polka_error *error)
{
    if (self->epoch != 0 && self->memory->producers[self->at].epoch == self->epoch)
        return false;
    (void)!polkai_fail(error, POLKA_FATAL, "fenced", "another producer has the transactional id %s now", self->memory->producers[self->at].id);
    return true;
}

static polkai_transaction_verdict memory_init(polkai_transaction *transaction, polka_error *error)
{
    (void)error;
    memory_transaction *self = (memory_transaction *)transaction;
    pthread_mutex_lock(&self->memory->mutex);
    forget(self);
    self->epoch = ++self->memory->producers[self->at].epoch;
    pthread_mutex_unlock(&self->memory->mutex);
    return POLKAI_TRANSACTION_DONE;
}

static polkai_transaction_verdict wrong(const char *what, polka_error *error)
{
    (void)!polkai_fail(error, POLKA_MISUSE, "bad-state", "%s", what);
    return POLKAI_TRANSACTION_RENEW;
}

static polkai_transaction_verdict memory_begin(polkai_transaction *transaction, polka_error *error)
{
    memory_transaction *self = (memory_transaction *)transaction;
    pthread_mutex_lock(&self->memory->mutex);
    polkai_transaction_verdict verdict = is_fenced(self, error) ? POLKAI_TRANSACTION_RENEW : self->begun ? wrong("a transaction is open", error) : POLKAI_TRANSACTION_DONE;
    self->begun = verdict == POLKAI_TRANSACTION_DONE;
    self->transaction.refused = NULL;
    pthread_mutex_unlock(&self->memory->mutex);
    return verdict;
}

static polkai_transaction_verdict memory_send(polkai_transaction *transaction, const polkai_record *record, void *cookie, polka_error *error)
{
    memory_transaction *self = (memory_transaction *)transaction;
    if (!self->begun)
        return wrong("no transaction is open", error);
    self->records = polkai_realloc(self->records, (self->record_count + 1) * sizeof *self->records);
    waiting *last = &self->records[self->record_count++];
    *last = (waiting){ *record, cookie };
    pthread_mutex_lock(&self->memory->mutex);
    last->record.topic = polka_text_of(polkai_memory_topic_make(self->memory, record->topic, 0)->name);
    pthread_mutex_unlock(&self->memory->mutex);
    last->record.native = NULL;
    last->record.read_headers = NULL;
    last->record.release = NULL;
    polkai_record_keep(&last->record);
    return POLKAI_TRANSACTION_DONE;
}

static polkai_transaction_verdict memory_offsets(polkai_transaction *transaction, const polkai_position *positions, size_t count, const polkai_membership *membership,
                                     polka_error *error)
{
    memory_transaction *self = (memory_transaction *)transaction;
    if (!self->begun)
        return wrong("no transaction is open", error);
    pthread_mutex_lock(&self->memory->mutex);
    polka_status status = polkai_memory_commit_as(membership, positions, count, false, error);
    pthread_mutex_unlock(&self->memory->mutex);
    if (status != POLKA_OK)
        return POLKAI_TRANSACTION_ABORT;
    free(self->positions);
    self->positions = polkai_alloc((count + 1) * sizeof *positions);
    memcpy(self->positions, positions, count * sizeof *positions);
    self->position_count = count;
    self->membership = membership;
    return POLKAI_TRANSACTION_DONE;
}

/* The first record that a planted failure meets; POISON is its own, anything else the transaction's. */
static bool meets_failure(memory_transaction *self, polka_error *error)
{
    for (size_t i = 0; i < self->record_count; i++) {
        const polkai_memory_topic *topic = polkai_memory_topic_make(self->memory, self->records[i].record.topic, 0);
        const polkai_memory_failure *failure = polkai_memory_planted(self->memory, topic);
        if (failure == NULL)
            continue;
        self->transaction.refused = failure->status == POLKA_POISON ? self->records[i].cookie : NULL;
        (void)!polkai_fail(error, failure->status, failure->code, "refused by the memory transport, as a test asked for");
        return true;
    }
    return false;
}

static void store_all(memory_transaction *self)
{
    for (size_t i = 0; i < self->record_count; i++) {
        const polkai_record *record = &self->records[i].record;
        polkai_memory_topic *topic = polkai_memory_topic_make(self->memory, record->topic, 0);
        polkai_memory_append(self->memory, topic, polkai_memory_choose(topic, record), record);
    }
    pthread_cond_broadcast(&self->memory->changed);
}

static polkai_transaction_verdict commit_locked(memory_transaction *self, polka_error *error)
{
    if (is_fenced(self, error))
        return POLKAI_TRANSACTION_RENEW;
    if (meets_failure(self, error))
        return POLKAI_TRANSACTION_ABORT;
    if (self->position_count > 0 && polkai_memory_commit_as(self->membership, self->positions, self->position_count, true, error) != POLKA_OK)
        return POLKAI_TRANSACTION_ABORT;
    store_all(self);
    return POLKAI_TRANSACTION_DONE;
}

static polkai_transaction_verdict memory_commit(polkai_transaction *transaction, polka_error *error)
{
    memory_transaction *self = (memory_transaction *)transaction;
    if (!self->begun)
        return wrong("no transaction is open", error);
    pthread_mutex_lock(&self->memory->mutex);
    polkai_transaction_verdict verdict = commit_locked(self, error);
    pthread_mutex_unlock(&self->memory->mutex);
    if (verdict == POLKAI_TRANSACTION_DONE)
        forget(self);
    return verdict;
}

static polkai_transaction_verdict memory_abort(polkai_transaction *transaction, polka_error *error)
{
    memory_transaction *self = (memory_transaction *)transaction;
    pthread_mutex_lock(&self->memory->mutex);
    polkai_transaction_verdict verdict = is_fenced(self, error) ? POLKAI_TRANSACTION_RENEW : POLKAI_TRANSACTION_DONE;
    pthread_mutex_unlock(&self->memory->mutex);
    forget(self);
    return verdict;
}

static void memory_close(polkai_transaction *transaction)
{
    forget((memory_transaction *)transaction);
    free(transaction);
}

static const polkai_transaction_operations operations = {
    memory_init, memory_begin, memory_send, memory_offsets, memory_commit, memory_abort, memory_close,
};

static size_t producer_of(polkai_memory *memory, const char *id)
{
    for (size_t i = 0; i < memory->producer_count; i++)
        if (strcmp(memory->producers[i].id, id) == 0)
            return i;
    memory->producers = polkai_realloc(memory->producers, (memory->producer_count + 1) * sizeof *memory->producers);
    memory->producers[memory->producer_count] = (polkai_memory_producer){ polkai_strdup(id), 0 };
    return memory->producer_count++;
}

polka_status polkai_memory_transaction_open(polkai_transaction **transaction, polkai_memory *memory, const char *id, polka_error *error)
{
    (void)error;
    memory_transaction *self = polkai_alloc(sizeof *self);
    *self = (memory_transaction){ .transaction = { .operations = &operations, .request_ms = 1000, .call_ms = 60000 }, .memory = memory };
    pthread_mutex_lock(&memory->mutex);
    self->at = producer_of(memory, id);
    pthread_mutex_unlock(&memory->mutex);
    *transaction = &self->transaction;
    return POLKA_OK;
}
