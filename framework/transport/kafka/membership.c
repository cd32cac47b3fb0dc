/* membership.c: what a transaction needs of a source: who it is in its group, and going back to what is committed. */
#include <transport/kafka/source.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

typedef rd_kafka_topic_partition_list_t list;

static void free_list(list **partitions)
{
    rd_kafka_topic_partition_list_destroy(*partitions);
}

static void forget(polkai_membership *membership)
{
    rd_kafka_consumer_group_metadata_destroy(((polkai_kafka_membership *)membership)->metadata);
    free(membership);
}

polka_status polkai_kafka_membership_of(polkai_source *source, polkai_membership **membership, polka_error *error)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    ENSURE(self->grouped, POLKA_MISUSE, error, "no-group", "a source without a group is no member of one");
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(self->client.handle);
    ENSURE(metadata != NULL, POLKA_TRANSIENT, error, "no-membership", "the group does not know this member");
    polkai_kafka_membership *made = polkai_alloc(sizeof *made);
    *made = (polkai_kafka_membership){ { forget }, metadata };
    *membership = &made->membership;
    return POLKA_OK;
}

static polka_status check_all(const list *partitions, const char *what, polka_error *error)
{
    for (int i = 0; i < partitions->cnt; i++)
        ENSURE(partitions->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR, POLKA_TRANSIENT, error, rd_kafka_err2name(partitions->elems[i].err), "%s %s/%d: %s",
               what, partitions->elems[i].topic, partitions->elems[i].partition, rd_kafka_err2str(partitions->elems[i].err));
    return POLKA_OK;
}

/*
 * By seek and not by another assign, which would meddle with a rebalance under way. The broker gives no committed offset while a
 * transaction that moves it is open, as the consumer reads what is committed only: so what is found is certain.
 */
polka_status polkai_kafka_rewind(polkai_source *source, const polkai_position *positions, size_t count, int timeout_ms, polka_error *error)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    ENSURE(self->grouped, POLKA_MISUSE, error, "no-group", "a source without a group has nothing committed to go back to");
    list *partitions AUTO(free_list) = polkai_kafka_list_of(positions, count);
    rd_kafka_resp_err_t code = polkai_kafka_resolve_committed(self->client.handle, partitions, timeout_ms);
    ENSURE(code == RD_KAFKA_RESP_ERR_NO_ERROR, POLKA_TRANSIENT, error, rd_kafka_err2name(code), "what is committed could not be asked for: %s", rd_kafka_err2str(code));
    TRY(check_all(partitions, "what is committed could not be asked for", error));
    for (int i = 0; i < partitions->cnt; i++)
        ENSURE(partitions->elems[i].offset >= 0, POLKA_TRANSIENT, error, "no-offset", "where %s/%d begins is not known yet", partitions->elems[i].topic,
               partitions->elems[i].partition);
    polkai_kafka_unread_forget(self, partitions);        /* it would go on where it was; met again, it begins anew */
    rd_kafka_error_t *failure = rd_kafka_seek_partitions(self->client.handle, partitions, timeout_ms);
    if (failure != NULL) {
        (void)!polkai_fail(error, POLKA_TRANSIENT, rd_kafka_err2name(rd_kafka_error_code(failure)), "going back to what is committed: %s", rd_kafka_error_string(failure));
        rd_kafka_error_destroy(failure);
        return POLKA_TRANSIENT;
    }
    return check_all(partitions, "going back to what is committed:", error);
}
