/* memory.c: the store of the memory transport: topics, groups, planted failures. */
#include <transport/memory/store.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>
#include <time.h>

polkai_memory *polkai_memory_create(const polkai_clock *clock, int32_t partitions)
{
    polkai_memory *memory = polkai_alloc(sizeof *memory);
    memory->clock = clock;
    memory->default_partitions = partitions > 0 ? partitions : 1;
    pthread_mutex_init(&memory->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&memory->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return memory;
}

static void destroy_topic(polkai_memory_topic *topic)
{
    for (int32_t p = 0; p < topic->partition_count; p++) {
        for (size_t i = 0; i < topic->partitions[p].count; i++)
            polkai_record_release(&topic->partitions[p].records[i].record);
        free(topic->partitions[p].records);
    }
    free(topic->partitions);
    free(topic->name);
    free(topic);
}

static void destroy_group(polkai_memory_group *group)
{
    free(group->name);
    free(group->members);
    free(group->claims);
    free(group);
}

void polkai_memory_destroy(polkai_memory *memory)
{
    if (memory == NULL)
        return;
    for (size_t i = 0; i < memory->topic_count; i++)
        destroy_topic(memory->topics[i]);
    for (size_t i = 0; i < memory->group_count; i++)
        destroy_group(memory->groups[i]);
    polkai_memory_fail(memory, NULL, POLKA_OK, NULL, 0);
    for (size_t i = 0; i < memory->producer_count; i++)
        free(memory->producers[i].id);
    free(memory->producers);
    free(memory->topics);
    free(memory->groups);
    free(memory->failures);
    pthread_cond_destroy(&memory->changed);
    pthread_mutex_destroy(&memory->mutex);
    free(memory);
}

polkai_memory_topic *polkai_memory_topic_find(const polkai_memory *memory, polka_text name)
{
    for (size_t i = 0; i < memory->topic_count; i++)
        if (polka_text_equal(polka_text_of(memory->topics[i]->name), name))
            return memory->topics[i];
    return NULL;
}

polkai_memory_topic *polkai_memory_topic_make(polkai_memory *memory, polka_text name, int32_t partitions)
{
    polkai_memory_topic *topic = polkai_memory_topic_find(memory, name);
    if (topic != NULL)
        return topic;
    topic = polkai_alloc(sizeof *topic);
    topic->name = polkai_alloc(name.size + 1);
    memcpy(topic->name, name.data, name.size);
    topic->partition_count = partitions > 0 ? partitions : memory->default_partitions;
    topic->partitions = polkai_alloc((size_t)topic->partition_count * sizeof *topic->partitions);
    topic->settings = (polkai_topic){ .name = topic->name, .partitions = topic->partition_count, .replication = 1,
                                      .retention_ms = -1, .max_message_bytes = -1 };
    memory->topics = polkai_realloc(memory->topics, (memory->topic_count + 1) * sizeof *memory->topics);
    memory->topics[memory->topic_count++] = topic;
    return topic;
}

polkai_memory_group *polkai_memory_group_find(const polkai_memory *memory, const char *name)
{
    for (size_t i = 0; i < memory->group_count; i++)
        if (strcmp(memory->groups[i]->name, name) == 0)
            return memory->groups[i];
    return NULL;
}

polkai_memory_group *polkai_memory_group_make(polkai_memory *memory, const char *name)
{
    polkai_memory_group *group = polkai_memory_group_find(memory, name);
    if (group != NULL)
        return group;
    group = polkai_alloc(sizeof *group);
    group->name = polkai_strdup(name);
    memory->groups = polkai_realloc(memory->groups, (memory->group_count + 1) * sizeof *memory->groups);
    memory->groups[memory->group_count++] = group;
    return group;
}

polkai_memory_claim *polkai_memory_claim_find(polkai_memory_group *group, polka_text topic, int32_t partition)
{
    for (size_t i = 0; i < group->claim_count; i++)
        if (group->claims[i].partition == partition && polka_text_equal(polka_text_of(group->claims[i].topic->name), topic))
            return &group->claims[i];
    return NULL;
}

bool polkai_memory_wait(polkai_memory *memory, int64_t deadline_ns)
{
    enum { SLICE_NS = 20000000 };        /* a wake from a signal handler can only set a flag, so no wait is longer */
    if (memory->clock != &polkai_clock_real)
        return false;
    int64_t now = memory->clock->steady_ns(memory->clock);
    if (now >= deadline_ns)
        return false;
    int64_t until = deadline_ns - now > SLICE_NS ? now + SLICE_NS : deadline_ns;
    struct timespec at = { .tv_sec = until / 1000000000, .tv_nsec = until % 1000000000 };
    pthread_cond_timedwait(&memory->changed, &memory->mutex, &at);
    return true;
}

/* ---- for tests ------------------------------------------------------------------------------------ */

static const polkai_memory_partition *partition_of(const polkai_memory *memory, const char *topic, int32_t partition)
{
    const polkai_memory_topic *found = polkai_memory_topic_find(memory, polka_text_of(topic));
    return found == NULL || partition < 0 || partition >= found->partition_count ? NULL : &found->partitions[partition];
}

size_t polkai_memory_count(const polkai_memory *memory, const char *topic, int32_t partition)
{
    pthread_mutex_lock((pthread_mutex_t *)&memory->mutex);
    const polkai_memory_partition *found = partition_of(memory, topic, partition);
    size_t count = found == NULL ? 0 : found->count;
    pthread_mutex_unlock((pthread_mutex_t *)&memory->mutex);
    return count;
}

const polkai_record *polkai_memory_record(const polkai_memory *memory, const char *topic, int32_t partition, size_t index)
{
    pthread_mutex_lock((pthread_mutex_t *)&memory->mutex);
    const polkai_memory_partition *found = partition_of(memory, topic, partition);
    const polkai_record *record = found == NULL || index >= found->count ? NULL : &found->records[index].record;
    pthread_mutex_unlock((pthread_mutex_t *)&memory->mutex);
    return record;
}

void polkai_memory_damage(polkai_memory *memory, const char *topic, int32_t partition, int64_t from, int64_t to)
{
    pthread_mutex_lock(&memory->mutex);
    polkai_memory_partition *found = (polkai_memory_partition *)partition_of(memory, topic, partition);
    if (found != NULL) {
        found->damaged_from = from;
        found->damaged_to = to;
    }
    pthread_mutex_unlock(&memory->mutex);
}

static bool same_topic(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* topic NULL with POLKA_OK takes all of them back. */
static void take_back(polkai_memory *memory, const char *topic, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < memory->failure_count; i++) {
        if (!all && !same_topic(memory->failures[i].topic, topic)) {
            memory->failures[kept++] = memory->failures[i];
            continue;
        }
        free(memory->failures[i].topic);
        free(memory->failures[i].code);
    }
    memory->failure_count = kept;
}

void polkai_memory_fail(polkai_memory *memory, const char *topic, polka_status status, const char *code, unsigned times)
{
    pthread_mutex_lock(&memory->mutex);
    take_back(memory, topic, status == POLKA_OK && topic == NULL);
    if (status != POLKA_OK && times > 0) {
        memory->failures = polkai_realloc(memory->failures, (memory->failure_count + 1) * sizeof *memory->failures);
        memory->failures[memory->failure_count++] = (polkai_memory_failure){
            .topic = topic == NULL ? NULL : polkai_strdup(topic), .status = status,
            .code = polkai_strdup(code == NULL ? "planted" : code), .times = times };
    }
    pthread_mutex_unlock(&memory->mutex);
}
