/*
 * offsets.c: where reading begins, asked for all partitions at once before they are assigned.
 *
 * librdkafka asks for itself when it is given none, but for a partition without a committed offset only after 100 ms, and
 * one partition at a time, so that its first fetch waits with some of them while the others have the records: 110 to
 * 615 ms from start to the first record with 2.0.2 on an idle broker. Two requests here bring it to 12.
 */
#include <transport/kafka/source.h>

#include <base/error.h>

typedef rd_kafka_topic_partition_list_t list;

static void free_list(list **partitions)
{
    rd_kafka_topic_partition_list_destroy(*partitions);
}

/* The offset of START or END, as of now: a ListOffsets request takes them where offsets_for_times takes a time. */
static void ask(rd_kafka_t *handle, list *partitions, int64_t from, int64_t logical)
{
    list *asked AUTO(free_list) = rd_kafka_topic_partition_list_new(partitions->cnt);
    for (int i = 0; i < partitions->cnt; i++)
        if (partitions->elems[i].offset == from && partitions->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)     /* else nobody knows yet */
            rd_kafka_topic_partition_list_add(asked, partitions->elems[i].topic, partitions->elems[i].partition)->offset = logical;
    if (asked->cnt == 0 || rd_kafka_offsets_for_times(handle, asked, POLKAI_KAFKA_ASK_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (int i = 0; i < asked->cnt; i++) {
        const rd_kafka_topic_partition_t *answer = &asked->elems[i];
        if (answer->err == RD_KAFKA_RESP_ERR_NO_ERROR && answer->offset >= 0)
            rd_kafka_topic_partition_list_find(partitions, answer->topic, answer->partition)->offset = answer->offset;
    }
}

void polkai_kafka_resolve_positions(rd_kafka_t *handle, list *partitions)
{
    for (int i = 0; i < partitions->cnt; i++) {
        int64_t *offset = &partitions->elems[i].offset;
        if (*offset <= POLKAI_OFFSET_TAIL)
            *offset = RD_KAFKA_OFFSET_TAIL(POLKAI_OFFSET_TAIL - *offset);
        else if (*offset < 0)
            *offset = *offset == POLKAI_OFFSET_END ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
    }
    /* the end is that of now: librdkafka would ask with its first fetch, and miss what is written in between */
    ask(handle, partitions, RD_KAFKA_OFFSET_END, RD_KAFKA_OFFSET_END);
    ask(handle, partitions, RD_KAFKA_OFFSET_BEGINNING, RD_KAFKA_OFFSET_BEGINNING);
}

/* What auto.offset.reset says, which the user may have set; INVALID: to be an error, and librdkafka makes it. */
static int64_t reset_of(rd_kafka_t *handle)
{
    char text[32];
    size_t size = sizeof text;
    rd_kafka_topic_conf_t *topic = rd_kafka_conf_get_default_topic_conf((rd_kafka_conf_t *)rd_kafka_conf(handle));
    if (topic == NULL || rd_kafka_topic_conf_get(topic, "auto.offset.reset", text, &size) != RD_KAFKA_CONF_OK)
        return RD_KAFKA_OFFSET_INVALID;
    if (strcmp(text, "smallest") == 0 || strcmp(text, "earliest") == 0 || strcmp(text, "beginning") == 0)
        return RD_KAFKA_OFFSET_BEGINNING;
    return strcmp(text, "error") == 0 ? RD_KAFKA_OFFSET_INVALID : RD_KAFKA_OFFSET_END;
}

/* Where nothing is committed what is known stays: with auto.offset.reset=latest the end of now may be far behind it. */
static rd_kafka_resp_err_t ask_committed(rd_kafka_t *handle, list *partitions, int timeout_ms)
{
    list *known AUTO(free_list) = rd_kafka_topic_partition_list_copy(partitions);
    rd_kafka_resp_err_t code = rd_kafka_committed(handle, partitions, timeout_ms);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < partitions->cnt; i++) {
        rd_kafka_topic_partition_t *at = &partitions->elems[i];
        if (at->offset == RD_KAFKA_OFFSET_INVALID && at->err == RD_KAFKA_RESP_ERR_NO_ERROR && known->elems[i].offset >= 0)
            at->offset = known->elems[i].offset;
    }
    return code;
}

rd_kafka_resp_err_t polkai_kafka_resolve_committed(rd_kafka_t *handle, list *partitions, int timeout_ms)
{
    rd_kafka_resp_err_t code = partitions->cnt == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : ask_committed(handle, partitions, timeout_ms);
    int64_t reset = code == RD_KAFKA_RESP_ERR_NO_ERROR ? reset_of(handle) : RD_KAFKA_OFFSET_INVALID;
    if (reset != RD_KAFKA_OFFSET_INVALID)
        ask(handle, partitions, RD_KAFKA_OFFSET_INVALID, reset);
    return code;
}

/* Each answer to a fetch says how far the partition goes; librdkafka keeps that, so nobody is asked here. */
void polkai_kafka_ends(polkai_source *source, polkai_position *positions, size_t count)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    for (size_t i = 0; i < count; i++) {
        int64_t low, high;
        rd_kafka_resp_err_t code = rd_kafka_get_watermark_offsets(self->client.handle, positions[i].topic.data, positions[i].partition, &low, &high);
        positions[i].offset = code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : -1;
    }
}
