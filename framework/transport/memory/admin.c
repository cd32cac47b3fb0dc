/* admin.c: questions about a memory: its topics, groups, offsets. */
#include <transport/memory/store.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <stdlib.h>

typedef struct {
    polkai_admin admin;                  /* first: the seam */
    polkai_memory *memory;               /* borrowed */
} memory_admin;

static polkai_memory *lock(polkai_admin *admin)
{
    polkai_memory *memory = ((memory_admin *)admin)->memory;
    pthread_mutex_lock(&memory->mutex);
    return memory;
}

static polka_status memory_topics(polkai_admin *admin, polkai_topic **topics, size_t *count, polka_error *error)
{
    (void)error;
    polkai_memory *memory = lock(admin);
    size_t bytes = (memory->topic_count + 1) * sizeof **topics;
    for (size_t i = 0; i < memory->topic_count; i++)
        bytes += strlen(memory->topics[i]->name) + 1;
    polkai_topic *list = polkai_alloc(bytes);
    char *at = (char *)(list + memory->topic_count);
    for (size_t i = 0; i < memory->topic_count; i++) {
        size_t size = strlen(memory->topics[i]->name) + 1;
        list[i] = memory->topics[i]->settings;
        list[i].name = memcpy(at, memory->topics[i]->name, size);
        at += size;
    }
    *topics = list;
    *count = memory->topic_count;
    pthread_mutex_unlock(&memory->mutex);
    return POLKA_OK;
}

static polka_status memory_create(polkai_admin *admin, const polkai_topic *topic, polka_error *error)
{
    ENSURE(polkai_topic_valid(topic->name), POLKA_MISUSE, error, "bad-topic",
           "'%.80s' is no name of a topic: letters, digits, '.', '_' and '-', at most %d", topic->name, POLKA_TOPIC_MAX);
    ENSURE(topic->partitions != 0 && topic->partitions >= -1, POLKA_MISUSE, error, "bad-partitions",
           "topic %s needs at least one partition, not %d", topic->name, topic->partitions);
    polkai_memory *memory = lock(admin);
    if (polkai_memory_topic_find(memory, polka_text_of(topic->name)) == NULL) {
        polkai_memory_topic *made = polkai_memory_topic_make(memory, polka_text_of(topic->name), topic->partitions);
        made->settings.retention_ms = topic->retention_ms;
        made->settings.max_message_bytes = topic->max_message_bytes;
        made->settings.compacted = topic->compacted;
    }
    pthread_mutex_unlock(&memory->mutex);
    return POLKA_OK;
}

static polka_status memory_settings(polkai_admin *admin, polkai_topic *topics, size_t count, polka_error *error)
{
    (void)admin, (void)topics, (void)count, (void)error;                 /* memory_topics told them */
    return POLKA_OK;
}

static void describe(const polkai_memory *memory, polkai_group *group)
{
    const polkai_memory_group *found = polkai_memory_group_find(memory, group->name);
    *group = (polkai_group){ .name = group->name, .told = true, .state = found == NULL ? "Dead" : found->member_count == 0 ? "Empty" : "Stable" };
    for (size_t i = 0; found != NULL && i < found->claim_count; i++)
        group->assigned_partitions += found->claims[i].owner != NULL;
    group->members = found == NULL ? 0 : found->member_count;
}

static polka_status memory_groups(polkai_admin *admin, polkai_group *groups, size_t count, polka_error *error)
{
    (void)error;
    polkai_memory *memory = lock(admin);
    for (size_t i = 0; i < count; i++)
        describe(memory, &groups[i]);
    pthread_mutex_unlock(&memory->mutex);
    return POLKA_OK;
}

static polka_status memory_watermarks(polkai_admin *admin, polkai_extent *extents, size_t count, polka_error *error)
{
    (void)error;
    polkai_memory *memory = lock(admin);
    for (size_t i = 0; i < count; i++) {
        const polkai_memory_topic *found = polkai_memory_topic_find(memory, extents[i].topic);
        bool there = found != NULL && extents[i].partition >= 0 && extents[i].partition < found->partition_count;
        extents[i].low = there ? 0 : -1;
        extents[i].high = there ? (int64_t)found->partitions[extents[i].partition].count : -1;
    }
    pthread_mutex_unlock(&memory->mutex);
    return POLKA_OK;
}

static void tell_committed(polkai_memory *memory, const polkai_progress *group)
{
    polkai_memory_group *found = polkai_memory_group_find(memory, group->group);
    for (size_t i = 0; i < group->count; i++) {
        polkai_position *position = &group->positions[i];
        const polkai_memory_claim *claim = found == NULL ? NULL : polkai_memory_claim_find(found, position->topic, position->partition);
        position->offset = claim == NULL ? -1001 : claim->committed;
    }
}

static polka_status memory_committed(polkai_admin *admin, const polkai_progress *groups, size_t count, polka_error *error)
{
    (void)error;
    polkai_memory *memory = lock(admin);
    for (size_t i = 0; i < count; i++)
        tell_committed(memory, &groups[i]);
    pthread_mutex_unlock(&memory->mutex);
    return POLKA_OK;
}

static int64_t first_since(const polkai_memory_partition *partition, int64_t time_ms)
{
    for (size_t i = 0; i < partition->count; i++)
        if (partition->records[i].record.timestamp_ms >= time_ms)
            return (int64_t)i;
    return -1;
}

static polka_status memory_since(polkai_admin *admin, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error)
{
    (void)error;
    polkai_memory *memory = lock(admin);
    for (size_t i = 0; i < count; i++) {
        const polkai_memory_topic *found = polkai_memory_topic_find(memory, positions[i].topic);
        bool there = found != NULL && positions[i].partition >= 0 && positions[i].partition < found->partition_count;
        positions[i].offset = there ? first_since(&found->partitions[positions[i].partition], time_ms) : -1;
    }
    pthread_mutex_unlock(&memory->mutex);
    return POLKA_OK;
}

static void memory_close(polkai_admin *admin)
{
    free(admin);
}

static const polkai_admin_operations operations = {
    memory_topics, memory_settings, memory_create, memory_groups, memory_watermarks, memory_committed, memory_since, memory_close,
};

polka_status polkai_memory_admin_open(polkai_admin **admin, polkai_memory *memory, polka_error *error)
{
    (void)error;
    memory_admin *self = polkai_alloc(sizeof *self);
    *self = (memory_admin){ { &operations }, memory };
    *admin = &self->admin;
    return POLKA_OK;
}
