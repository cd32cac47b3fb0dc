/*
 * prefetch.c: keeps librdkafka fetching ahead while a backlog is worked off.
 *
 * Its broker threads stop when queued.max.messages.kbytes or queued.min.messages wait in the queue, and then sleep for a second
 * (or until anything else happens on the connection) however fast the queue empties: 70 to 120 k events/s with 2.0.2 at 8 MiB,
 * whatever the CPU could do. More of both would be less sleep and more memory: a record costs librdkafka some 600 bytes beside its
 * value, so that 8 MiB of small values were 80000 records and 50 MiB.
 * They sleep likewise when all partitions were paused for a moment, by us or by librdkafka in a rebalance, and are resumed.
 * Newer releases have fetch.queue.backoff.ms. For the others, a small request to the leaders for each half queue that was
 * taken: it wakes them, and only while records come that fast.
 */
#include <transport/kafka/source.h>

#include <base/error.h>
#include <stdlib.h>

enum { ASK_MS = 100, LEADERS_MOST = 100 };

const polkai_kafka_setting polkai_kafka_prefetch_setting = { "fetch.queue.backoff.ms", "10" };

bool polkai_kafka_prefetch_settable(void)
{
    return polkai_kafka_property_check(polkai_kafka_prefetch_setting.key, polkai_kafka_prefetch_setting.value, NULL) == POLKA_OK;
}

static size_t number_of(const polkai_kafka_source *source, const char *property)
{
    char text[32] = "";
    rd_kafka_conf_get(rd_kafka_conf(source->client.handle), property, text, &(size_t){ sizeof text });
    return (size_t)strtoull(text, NULL, 10);
}

void polkai_kafka_prefetch_init(polkai_kafka_source *source)
{
    if (polkai_kafka_prefetch_settable())
        return;
    source->half_queue_bytes = number_of(source, "queued.max.messages.kbytes") * 1024 / 2;
    source->half_queue_records = number_of(source, "queued.min.messages") / 2;
}

static void free_list(rd_kafka_topic_partition_list_t **list)
{
    if (*list != NULL)
        rd_kafka_topic_partition_list_destroy(*list);
}

/* The answer does not matter; a leader that gives none within ASK_MS wakes up by itself within a second. */
void polkai_kafka_prefetch_wake(rd_kafka_t *handle)
{
    rd_kafka_topic_partition_list_t *all AUTO(free_list) = NULL, *asked AUTO(free_list) = rd_kafka_topic_partition_list_new(LEADERS_MOST);
    if (rd_kafka_assignment(handle, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (int i = 0; i < all->cnt && i < LEADERS_MOST; i++)
        rd_kafka_topic_partition_list_add(asked, all->elems[i].topic, all->elems[i].partition)->offset = RD_KAFKA_OFFSET_END;
    if (asked->cnt > 0)
        rd_kafka_offsets_for_times(handle, asked, ASK_MS);
}

void polkai_kafka_prefetch_taken(polkai_kafka_source *source, const polkai_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        source->taken_bytes += records[i].value.size;
    source->taken_records += count;
    if (source->half_queue_bytes == 0 || (source->taken_bytes < source->half_queue_bytes && source->taken_records < source->half_queue_records))
        return;
    source->taken_bytes = source->taken_records = 0;
    polkai_kafka_prefetch_wake(source->client.handle);
}
