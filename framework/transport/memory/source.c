/* source.c: reading from memory, as a member of a group or at given positions. */
#include <transport/memory/source.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

/* ---- start ---------------------------------------------------------------------------------------- */

static int64_t offset_of(const polkai_memory_topic *topic, int32_t partition, int64_t wanted)
{
    int64_t end = (int64_t)topic->partitions[partition].count;
    if (wanted == POLKAI_OFFSET_START)
        return 0;
    if (wanted == POLKAI_OFFSET_END)
        return end;
    if (wanted <= POLKAI_OFFSET_TAIL)
        return end + (wanted - POLKAI_OFFSET_TAIL) > 0 ? end + (wanted - POLKAI_OFFSET_TAIL) : 0;
    return wanted < 0 ? 0 : wanted;
}

static polka_status start_at(polkai_memory_source *self, const polkai_start *start, polka_error *error)
{
    self->readings = polkai_alloc((start->position_count + 1) * sizeof *self->readings);
    for (size_t i = 0; i < start->position_count; i++) {
        const polkai_position *position = &start->positions[i];
        polkai_memory_topic *topic = polkai_memory_topic_make(self->memory, position->topic, 0);
        ENSURE(position->partition >= 0 && position->partition < topic->partition_count, POLKA_MISUSE, error, "unknown-partition",
               "topic %s has %d partitions, there is no partition %d to read", topic->name, topic->partition_count, position->partition);
        self->readings[self->reading_count++] = (polkai_memory_reading){
            .topic = topic, .partition = position->partition, .next = offset_of(topic, position->partition, position->offset), .told = -1 };
    }
    return POLKA_OK;
}

static polka_status memory_start(polkai_source *source, const polkai_start *start, polka_error *error)
{
    polkai_memory_source *self = (polkai_memory_source *)source;
    ENSURE(!self->started, POLKA_MISUSE, error, "started-twice", "a source is started once; open another one");
    ENSURE((start->topic_count > 0) != (start->position_count > 0), POLKA_MISUSE, error, "bad-start",
           "a source reads topics as a member of a group, or positions without one; give one of the two");
    ENSURE(start->topic_count == 0 || self->group != NULL, POLKA_MISUSE, error, "no-group",
           "to subscribe to topics a source needs a group; without one give positions");
    self->listener = start->listener;
    polka_status status = POLKA_OK;
    pthread_mutex_lock(&self->memory->mutex);
    if (start->topic_count > 0) {
        polkai_memory_join(self, start);
    } else {
        self->group = NULL;
        status = start_at(self, start, error);
    }
    self->started = status == POLKA_OK;
    pthread_mutex_unlock(&self->memory->mutex);
    return status;
}

/* ---- poll ----------------------------------------------------------------------------------------- */

/*
 * What a record that was handed out holds: a copy, and another one of its headers from when they are read until they are
 * forgotten, so that a use after either is seen by a sanitizer.
 */
typedef struct { polkai_record copy, headers; } handed;

static void forget_headers(polkai_record *record);

static void read_headers(polkai_record *record, polka_arena *arena)
{
    (void)arena;
    handed *held = record->native;
    held->headers = (polkai_record){ .headers = held->copy.headers, .header_count = held->copy.header_count };
    polkai_record_keep(&held->headers);
    record->headers = held->headers.headers;
    record->header_count = held->headers.header_count;
}

static void forget_headers(polkai_record *record)
{
    handed *held = record->native;
    polkai_record_release(&held->headers);
    record->headers = NULL;
    record->header_count = 0;
    record->read_headers = read_headers;
}

static void release(polkai_record *record)
{
    handed *held = record->native;
    polkai_record_release(&held->headers);
    polkai_record_release(&held->copy);
    free(held);
    record->native = NULL;
}

static polkai_record hand_out(const polkai_record *stored)
{
    handed *held = polkai_alloc(sizeof *held);
    held->copy = *stored;
    held->copy.native = NULL;
    held->copy.release = NULL;
    polkai_record_keep(&held->copy);
    polkai_record record = held->copy;
    record.header_count = 0;             /* hidden until asked for, as with librdkafka */
    record.headers = NULL;
    record.native = held;
    record.read_headers = read_headers;
    record.forget_headers = forget_headers;
    record.release = release;
    return record;
}

/* The reading whose next record arrived first in the whole memory; NULL: nothing to read. */
static polkai_memory_reading *earliest(polkai_memory_source *self)
{
    polkai_memory_reading *first = NULL;
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < self->reading_count; i++) {
        polkai_memory_reading *at = &self->readings[i];
        const polkai_memory_partition *log = &at->topic->partitions[at->partition];
        if (at->paused || at->held || at->unassigned || at->next >= (int64_t)log->count || log->records[at->next].sequence >= lowest)
            continue;
        lowest = log->records[at->next].sequence;
        first = at;
    }
    return first;
}

static polkai_record next_of(polkai_memory_source *self, polkai_memory_reading *at)
{
    const polkai_memory_partition *log = &at->topic->partitions[at->partition];
    int64_t first = at->next;
    if (self->group == NULL || first < log->damaged_from || first >= log->damaged_to)
        return hand_out(&log->records[at->next++].record);
    polkai_record range;
    at->next = log->damaged_to;
    polkai_record_make_unread(&range, polka_text_of(at->topic->name), at->partition, first, at->next, "unreadable-batch", "a damaged batch of the memory");
    return range;
}

static size_t take(polkai_memory_source *self, polkai_record *records, size_t capacity)
{
    size_t count = 0;
    polkai_memory_reading *at;
    while (count < capacity && (at = earliest(self)) != NULL)
        records[count++] = next_of(self, at);
    return count;
}

/* Without the mutex: who is told may ask. */
static void tell_ends(polkai_memory_source *self)
{
    for (size_t i = 0; self->listener.ended != NULL && self->group == NULL && i < self->reading_count; i++) {
        polkai_memory_reading *at = &self->readings[i];
        pthread_mutex_lock(&self->memory->mutex);
        bool ended = !at->unassigned && at->next == (int64_t)at->topic->partitions[at->partition].count && at->next != at->told;
        pthread_mutex_unlock(&self->memory->mutex);
        if (!ended)
            continue;
        at->told = at->next;
        self->listener.ended(self->listener.user, &(polkai_position){ polka_text_of(at->topic->name), at->partition, at->next });
    }
}

static size_t memory_poll(polkai_source *source, polkai_record *records, size_t capacity, int timeout_ms)
{
    polkai_memory_source *self = (polkai_memory_source *)source;
    polkai_memory *memory = self->memory;
    pthread_mutex_lock(&memory->mutex);
    int64_t deadline = timeout_ms > 0 ? memory->clock->steady_ns(memory->clock) + (int64_t)timeout_ms * 1000000 : 0;
    size_t count;
    do {
        polkai_memory_follow(self);
        count = take(self, records, capacity);
    } while (count == 0 && timeout_ms > 0 && atomic_load(&self->woken) == 0 && polkai_memory_wait(memory, deadline));
    atomic_store(&self->woken, 0);
    pthread_mutex_unlock(&memory->mutex);
    tell_ends(self);
    return count;
}

static void memory_pause(polkai_source *source, bool paused)
{
    polkai_memory_source *self = (polkai_memory_source *)source;
    pthread_mutex_lock(&self->memory->mutex);
    for (size_t i = 0; i < self->reading_count; i++)
        self->readings[i].paused = paused;
    pthread_mutex_unlock(&self->memory->mutex);
}

static void memory_hold(polkai_source *source, const polkai_position *partition, bool held)
{
    polkai_memory_source *self = (polkai_memory_source *)source;
    pthread_mutex_lock(&self->memory->mutex);
    for (size_t i = 0; i < self->reading_count; i++) {
        polkai_memory_reading *at = &self->readings[i];
        if (at->partition == partition->partition && polka_text_equal(polka_text_of(at->topic->name), partition->topic))
            at->held = held;
    }
    pthread_mutex_unlock(&self->memory->mutex);
}

static void memory_unassign(polkai_source *source, const polkai_position *partitions, size_t count)
{
    polkai_memory_source *self = (polkai_memory_source *)source;
    pthread_mutex_lock(&self->memory->mutex);
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < self->reading_count; r++) {
            polkai_memory_reading *at = &self->readings[r];
            at->unassigned = at->unassigned || (at->partition == partitions[i].partition && polka_text_equal(polka_text_of(at->topic->name), partitions[i].topic));
        }
    pthread_mutex_unlock(&self->memory->mutex);
}

/* ---- commit, wake, close -------------------------------------------------------------------------- */

static polka_status commit_one(polkai_memory_source *self, const polkai_position *position, polka_error *error)
{
    polkai_memory_claim *claim = polkai_memory_claim_find(self->group, position->topic, position->partition);
    ENSURE(claim != NULL && claim->owner == &self->source, POLKA_TRANSIENT, error, "not-assigned",
           "%.*s/%d is not assigned to this member of group %s, so its offset %" PRId64 " was not committed",
           TEXT(position->topic), position->partition, self->group->name, position->offset);
    claim->committed = position->offset;
    return POLKA_OK;
}

static polka_status memory_commit(polkai_source *source, const polkai_position *positions, size_t count, int timeout_ms, polka_error *error)
{
    polkai_memory_source *self = (polkai_memory_source *)source;
    ENSURE(self->group != NULL, POLKA_MISUSE, error, "no-group", "a source without a group has nothing to commit to");
    polka_error first = { 0 };
    pthread_mutex_lock(&self->memory->mutex);
    for (size_t i = 0; i < count; i++)
        commit_one(self, &positions[i], first.status == POLKA_OK ? &first : NULL);
    pthread_mutex_unlock(&self->memory->mutex);
    if (first.status == POLKA_OK)
        return POLKA_OK;
    if (timeout_ms > 0)
        return polkai_fail(error, first.status, first.code, "%s", first.message);
    if (self->listener.notice != NULL)
        self->listener.notice(self->listener.user, first.status, first.message);
    return POLKA_OK;
}

/* ---- for transactions ----------------------------------------------------------------------------- */

typedef struct { polkai_membership membership; polkai_memory_group *group; const polkai_memory_source *member; uint64_t generation; } memory_membership;

static void forget_membership(polkai_membership *membership)
{
    free(membership);
}

static polka_status memory_membership_of(polkai_source *source, polkai_membership **membership, polka_error *error)
{
    polkai_memory_source *self = (polkai_memory_source *)source;
    ENSURE(self->group != NULL, POLKA_MISUSE, error, "no-group", "a source without a group is no member of one");
    memory_membership *made = polkai_alloc(sizeof *made);
    pthread_mutex_lock(&self->memory->mutex);
    *made = (memory_membership){ { forget_membership }, self->group, self, self->generation };
    pthread_mutex_unlock(&self->memory->mutex);
    *membership = &made->membership;
    return POLKA_OK;
}

polka_status polkai_memory_commit_as(const polkai_membership *membership, const polkai_position *positions, size_t count, bool apply, polka_error *error)
{
    const memory_membership *as = (const memory_membership *)membership;
    ENSURE(polkai_memory_is_member(as->group, as->member) && as->generation != 0 && as->member->generation == as->generation, POLKA_TRANSIENT, error,
           "stale-generation", "this member of group %s has come to another generation since", as->group->name);
    for (size_t i = 0; i < count; i++) {
        const polkai_memory_claim *claim = polkai_memory_claim_find(as->group, positions[i].topic, positions[i].partition);
        ENSURE(claim != NULL && claim->owner == &as->member->source, POLKA_TRANSIENT, error, "stale-generation",
               "%.*s/%d is not assigned to this member of group %s", TEXT(positions[i].topic), positions[i].partition, as->group->name);
    }
    for (size_t i = 0; apply && i < count; i++)
        polkai_memory_claim_find(as->group, positions[i].topic, positions[i].partition)->committed = positions[i].offset;
    return POLKA_OK;
}

static polka_status rewind_one(polkai_memory_source *self, const polkai_position *position, polka_error *error)
{
    const polkai_memory_claim *claim = polkai_memory_claim_find(self->group, position->topic, position->partition);
    for (size_t i = 0; i < self->reading_count; i++) {
        polkai_memory_reading *at = &self->readings[i];
        if (at->partition != position->partition || !polka_text_equal(polka_text_of(at->topic->name), position->topic))
            continue;
        at->next = claim != NULL && claim->committed >= 0 ? claim->committed : position->offset > 0 ? position->offset : 0;
        return POLKA_OK;
    }
    return polkai_fail(error, POLKA_TRANSIENT, "not-assigned", "%.*s/%d is not assigned to this source", TEXT(position->topic), position->partition);
}

static polka_status memory_rewind(polkai_source *source, const polkai_position *partitions, size_t count, int timeout_ms, polka_error *error)
{
    (void)timeout_ms;
    polkai_memory_source *self = (polkai_memory_source *)source;
    polka_status status = POLKA_OK;
    ENSURE(self->group != NULL, POLKA_MISUSE, error, "no-group", "a source without a group has nothing committed to go back to");
    pthread_mutex_lock(&self->memory->mutex);
    for (size_t i = 0; i < count; i++)
        if (rewind_one(self, &partitions[i], error) != POLKA_OK)
            status = POLKA_TRANSIENT;
    pthread_mutex_unlock(&self->memory->mutex);
    return status;
}

static polka_text memory_cluster(polkai_source *source)
{
    (void)source;
    return POLKA_TEXT("memory");
}

static void memory_ends(polkai_source *source, polkai_position *positions, size_t count)
{
    polkai_memory_source *self = (polkai_memory_source *)source;
    pthread_mutex_lock(&self->memory->mutex);
    for (size_t i = 0; i < count; i++) {
        const polkai_memory_topic *topic = polkai_memory_topic_find(self->memory, positions[i].topic);
        positions[i].offset = topic == NULL ? -1 : (int64_t)topic->partitions[positions[i].partition].count;
    }
    pthread_mutex_unlock(&self->memory->mutex);
}

static void memory_wake(polkai_source *source)
{
    atomic_store(&((polkai_memory_source *)source)->woken, 1);  /* all that a signal handler may do */
}

static void memory_close(polkai_source *source, int timeout_ms)
{
    (void)timeout_ms;
    polkai_memory_source *self = (polkai_memory_source *)source;
    pthread_mutex_lock(&self->memory->mutex);
    if (self->started && self->group != NULL)
        polkai_memory_leave(self);
    pthread_cond_broadcast(&self->memory->changed);
    pthread_mutex_unlock(&self->memory->mutex);
    free(self->readings);
    free(self->topics);
    free(self);
}

static const polkai_source_operations operations = { memory_start, memory_poll, memory_pause, memory_hold, memory_unassign, memory_commit, memory_membership_of,
                                                     memory_rewind, memory_cluster, memory_ends, memory_wake, memory_close };

polka_status polkai_memory_source_open(polkai_source **source, polkai_memory *memory, const char *group, polka_error *error)
{
    (void)error;
    polkai_memory_source *self = polkai_alloc(sizeof *self);
    self->source.operations = &operations;
    self->memory = memory;
    if (group != NULL) {
        pthread_mutex_lock(&memory->mutex);
        self->group = polkai_memory_group_make(memory, group);
        pthread_mutex_unlock(&memory->mutex);
    }
    *source = &self->source;
    return POLKA_OK;
}
