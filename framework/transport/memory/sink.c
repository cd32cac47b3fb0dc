/* sink.c: a record sent is stored at once; its report waits for the owner's next poll. */
#include <transport/memory/store.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct { polkai_report report; char code[32]; } pending;

typedef struct {
    polkai_sink sink;                    /* first: the seam */
    polkai_memory *memory;               /* borrowed */
    polkai_report_function *report;
    void *user;
    pending *reports;                    /* what poll will tell */
    size_t count, capacity;
    bool closing;                        /* a report function that sends again is refused */
} memory_sink;

int32_t polkai_memory_choose(polkai_memory_topic *topic, const polkai_record *record)
{
    if (record->partition >= 0)
        return record->partition;
    if (record->key.data == NULL)
        return (int32_t)(topic->next++ % (uint32_t)topic->partition_count);
    return (int32_t)((polkai_key_hash(record->key.data, record->key.size) & 0x7fffffff) % (uint32_t)topic->partition_count);
}

int64_t polkai_memory_append(polkai_memory *memory, polkai_memory_topic *topic, int32_t partition, const polkai_record *record)
{
    polkai_memory_partition *log = &topic->partitions[partition];
    if (log->count == log->capacity) {
        log->capacity = log->capacity == 0 ? 64 : log->capacity * 2;
        log->records = polkai_realloc(log->records, log->capacity * sizeof *log->records);
    }
    polkai_stored *stored = &log->records[log->count];
    *stored = (polkai_stored){ .record = *record, .sequence = memory->sequence++ };
    stored->record.topic = polka_text_of(topic->name);
    stored->record.partition = partition;
    stored->record.offset = (int64_t)log->count;
    if (record->timestamp_ms == 0)
        stored->record.timestamp_ms = memory->clock->wall_ms(memory->clock);
    stored->record.native = NULL;
    stored->record.read_headers = NULL;
    stored->record.release = NULL;
    polkai_record_keep(&stored->record);
    return (int64_t)log->count++;
}

polkai_memory_failure *polkai_memory_planted(polkai_memory *memory, const polkai_memory_topic *topic)
{
    for (size_t i = 0; i < memory->failure_count; i++) {
        polkai_memory_failure *failure = &memory->failures[i];
        if (failure->times > 0 && (failure->topic == NULL || strcmp(failure->topic, topic->name) == 0)) {
            failure->times--;
            return failure;
        }
    }
    return NULL;
}

static void remember(memory_sink *self, polkai_report report, const char *code)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 64 : self->capacity * 2;
        self->reports = polkai_realloc(self->reports, self->capacity * sizeof *self->reports);
    }
    pending *last = &self->reports[self->count++];
    last->report = report;
    size_t size = strnlen(code, sizeof last->code - 1);
    memcpy(last->code, code, size);
    last->code[size] = '\0';
}

static polka_status send_locked(memory_sink *self, const polkai_record *record, void *cookie, polka_error *error)
{
    polkai_memory_topic *topic = polkai_memory_topic_make(self->memory, record->topic, 0);
    int32_t partition = polkai_memory_choose(topic, record);
    ENSURE(!self->closing, POLKA_TRANSIENT, error, "closed", "the sink is being closed; nothing more is sent to %s", topic->name);
    ENSURE(partition < topic->partition_count, POLKA_TRANSIENT, error, "unknown-partition",
           "topic %s has %d partitions, so a record for partition %d cannot be sent", topic->name, topic->partition_count, partition);
    polkai_memory_failure *failure = polkai_memory_planted(self->memory, topic);
    polkai_report report = { .cookie = cookie, .partition = partition, .offset = -1001 };
    if (failure != NULL)
        report.status = failure->status;
    else
        report.offset = polkai_memory_append(self->memory, topic, partition, record);
    remember(self, report, failure == NULL ? "" : failure->code);
    pthread_cond_broadcast(&self->memory->changed);
    return POLKA_OK;
}

static polka_status memory_send(polkai_sink *sink, const polkai_record *record, void *cookie, polka_error *error)
{
    memory_sink *self = (memory_sink *)sink;
    char name[POLKA_TOPIC_MAX + 1];
    int size = snprintf(name, sizeof name, "%.*s", TEXT(record->topic));
    ENSURE(record->topic.data != NULL && size == (int)record->topic.size && polkai_topic_valid(name), POLKA_POISON, error, "bad-topic",
           "'%.*s' is no name of a topic: letters, digits, '.', '_' and '-', at most %d", (int)(size < 80 ? size : 80), name, POLKA_TOPIC_MAX);
    pthread_mutex_lock(&self->memory->mutex);
    polka_status status = send_locked(self, record, cookie, error);
    pthread_mutex_unlock(&self->memory->mutex);
    return status;
}

static size_t memory_poll(polkai_sink *sink, int timeout_ms)
{
    memory_sink *self = (memory_sink *)sink;
    polkai_memory *memory = self->memory;
    pthread_mutex_lock(&memory->mutex);
    if (self->count == 0 && timeout_ms > 0) {
        int64_t deadline = memory->clock->steady_ns(memory->clock) + (int64_t)timeout_ms * 1000000;
        while (self->count == 0 && polkai_memory_wait(memory, deadline)) {}
    }
    /* taken as a whole: the report function may send again, and that is for the next poll */
    pending *reports = self->reports;
    size_t count = self->count;
    self->reports = NULL;
    self->count = self->capacity = 0;
    pthread_mutex_unlock(&memory->mutex);
    for (size_t i = 0; i < count; i++) {
        reports[i].report.code = reports[i].code;
        reports[i].report.message = reports[i].report.status == POLKA_OK ? "" : "refused by the memory transport, as a test asked for";
        if (self->report != NULL)
            self->report(self->user, &reports[i].report);
    }
    free(reports);
    return count;
}

static void memory_prepare(polkai_sink *sink, const polka_text *topics, size_t count)
{
    (void)sink, (void)topics, (void)count;               /* nothing to ask for, and asking makes no topic */
}

static void memory_close(polkai_sink *sink, int timeout_ms)
{
    (void)timeout_ms;                    /* nothing is ever under way: what was sent is stored */
    ((memory_sink *)sink)->closing = true;
    memory_poll(sink, 0);
    free(sink);
}

static const polkai_sink_operations operations = { memory_send, memory_poll, memory_prepare, memory_close };

polka_status polkai_memory_sink_open(polkai_sink **sink, polkai_memory *memory, polkai_report_function *report, void *user, polka_error *error)
{
    (void)error;
    memory_sink *self = polkai_alloc(sizeof *self);
    *self = (memory_sink){ .sink = { &operations }, .memory = memory, .report = report, .user = user };
    *sink = &self->sink;
    return POLKA_OK;
}
