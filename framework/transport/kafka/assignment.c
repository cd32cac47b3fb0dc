/*
 * assignment.c: which partitions a source reads: given ones, or its share of a group.
 *
 * Lists from rd_kafka_assignment hold references: one that is alive at rd_kafka_destroy makes it hang for ever, so
 * each is freed in the function that asked for it.
 */
#include <transport/kafka/source.h>

#include <base/arena.h>
#include <base/error.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef rd_kafka_topic_partition_list_t list;

enum { MEMBER_LOOK_NS = 100000000, SPARE_AFTER_NS = 2000000000, CHANGE_LEAST_MS = 500, CHANGE_LOOK_MS = 10 };

static void free_list(list **partitions)
{
    if (*partitions != NULL)
        rd_kafka_topic_partition_list_destroy(*partitions);
}

list *polkai_kafka_list_of(const polkai_position *positions, size_t count)
{
    list *made = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(made, positions[i].topic.data, positions[i].partition)->offset = positions[i].offset;
    return made;
}

static polkai_position *positions_of(polkai_kafka_source *self, const list *partitions)
{
    polkai_position *positions = polkai_alloc(((size_t)partitions->cnt + 1) * sizeof *positions);
    for (int i = 0; i < partitions->cnt; i++)
        positions[i] = (polkai_position){ polkai_kafka_name_of(self, partitions->elems[i].topic), partitions->elems[i].partition, partitions->elems[i].offset };
    return positions;
}

static polka_status check(rd_kafka_resp_err_t code, const char *what, polka_error *error)
{
    ENSURE(code == RD_KAFKA_RESP_ERR_NO_ERROR, code == RD_KAFKA_RESP_ERR__FATAL ? POLKA_FATAL : POLKA_MISUSE, error, rd_kafka_err2name(code),
           "%s: %s", what, rd_kafka_err2str(code));
    return POLKA_OK;
}

/* ---- start ---------------------------------------------------------------------------------------- */

static polka_status start_at(polkai_kafka_source *self, const polkai_start *start, polka_error *error)
{
    list *partitions AUTO(free_list) = polkai_kafka_list_of(start->positions, start->position_count);
    polkai_kafka_resolve_positions(self->client.handle, partitions);
    return check(rd_kafka_assign(self->client.handle, partitions), "to read the given partitions", error);
}

static polka_status subscribe(polkai_kafka_source *self, const polkai_start *start, polka_error *error)
{
    list *topics AUTO(free_list) = rd_kafka_topic_partition_list_new((int)start->topic_count);
    for (size_t i = 0; i < start->topic_count; i++) {
        ENSURE(start->topics[i].size > 0 && start->topics[i].data[0] != '^', POLKA_MISUSE, error, "bad-topic",
               "'%.*s' is no name of a topic", TEXT(start->topics[i]));    /* librdkafka takes ^ for a regular expression */
        rd_kafka_topic_partition_list_add(topics, start->topics[i].data, RD_KAFKA_PARTITION_UA);
    }
    return check(rd_kafka_subscribe(self->client.handle, topics), "to join the group", error);
}

polka_status polkai_kafka_start(polkai_source *source, const polkai_start *start, polka_error *error)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    ENSURE(!self->started, POLKA_MISUSE, error, "started-twice", "a source is started once; open another one");
    ENSURE((start->topic_count > 0) != (start->position_count > 0), POLKA_MISUSE, error, "bad-start",
           "a source reads topics as a member of a group, or positions without one; give one of the two");
    ENSURE(start->topic_count == 0 || self->grouped, POLKA_MISUSE, error, "no-group",
           "to subscribe to topics a source needs a group; without one give positions");
    self->listener = start->listener;
    if (start->topic_count > 0) {
        TRY(subscribe(self, start, error));
        self->spare = self->by_consumer;
    } else {
        self->grouped = false;
        TRY(start_at(self, start, error));
    }
    self->started = true;
    return POLKA_OK;
}

/* ---- the group ------------------------------------------------------------------------------------ */

static bool is_cooperative(rd_kafka_t *handle)
{
    const char *protocol = rd_kafka_rebalance_protocol(handle);
    return protocol != NULL && strcmp(protocol, "COOPERATIVE") == 0;
}

static void tell_failed(polkai_kafka_source *self, const char *what, const char *why)
{
    char text[512];
    snprintf(text, sizeof text, "%s: %s", what, why);
    polkai_kafka_tell(self, POLKA_TRANSIENT, text);
}

typedef struct {
    rd_kafka_t *handle;
    list *partitions;                    /* NULL: none any more */
    bool incremental, give;
    char failure[256];                   /* empty: none */
} assigning;

static void *assign(void *user)
{
    assigning *what = user;
    if (!what->incremental) {
        rd_kafka_resp_err_t code = rd_kafka_assign(what->handle, what->partitions);
        snprintf(what->failure, sizeof what->failure, "%s", code == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : rd_kafka_err2str(code));
        return what;
    }
    rd_kafka_error_t *failure = what->give ? rd_kafka_incremental_assign(what->handle, what->partitions) : rd_kafka_incremental_unassign(what->handle, what->partitions);
    snprintf(what->failure, sizeof what->failure, "%s", failure == NULL ? "" : rd_kafka_error_string(failure));
    if (failure != NULL)
        rd_kafka_error_destroy(failure);
    return what;
}

/* false: it does not come back. */
static bool join(const polkai_kafka_source *self, pthread_t thread)
{
    int64_t now_ns = polkai_kafka_now_ns(), least_ns = now_ns + (int64_t)CHANGE_LEAST_MS * 1000000;
    int64_t until_ns = self->close_limit_ns > least_ns ? self->close_limit_ns : least_ns;
    for (; now_ns < until_ns; now_ns = polkai_kafka_now_ns()) {
        if (polkai_kafka_join(thread, now_ns + (int64_t)CHANGE_LOOK_MS * 1000000))
            return true;
        if (now_ns >= least_ns && rd_kafka_consumer_closed(self->client.handle))
            break;
    }
    pthread_detach(thread);
    return false;
}

/*
 * Such a call waits without limit for an answer from the thread that serves the group. Once the group has come to its end, which it may while the
 * last revocation is on its way to us, there is none: 2.0.2 was seen to stand here, and 2.10.0 drops the call (rd_kafka_cgrp_op_serve). So while leaving
 * another thread calls; what does not come back keeps its memory. NULL: it did not.
 */
static assigning *assign_while_leaving(polkai_kafka_source *self, assigning *what)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, assign, what) != 0)
        return assign(what);
    return join(self, thread) ? what : NULL;
}

static void change(polkai_kafka_source *self, const list *partitions, bool give)
{
    assigning *what = polkai_alloc(sizeof *what);
    what->handle = self->client.handle;
    what->incremental = self->cooperative;
    what->give = give;
    what->partitions = give || self->cooperative ? rd_kafka_topic_partition_list_copy(partitions) : NULL;
    what = self->leaving ? assign_while_leaving(self, what) : assign(what);
    if (what == NULL) {
        tell_failed(self, "to give partitions up", "librdkafka did not answer while the group was being left; going on without it");
        return;
    }
    if (what->failure[0] != '\0')
        tell_failed(self, give ? "to take partitions" : "to give partitions up", what->failure);
    free_list(&what->partitions);
    free(what);
}

/* Records of these partitions that the poll under way has taken already: the next owner reads them, or we do, once more. */
static void give_back(polkai_kafka_source *self, const list *partitions)
{
    size_t kept = 0;
    for (size_t i = 0; self->taken != NULL && i < self->taken_count; i++) {
        polkai_record *record = &self->taken[i];
        if (rd_kafka_topic_partition_list_find(partitions, record->topic.data, record->partition) == NULL)
            self->taken[kept++] = *record;
        else
            polkai_record_release(record);
    }
    self->taken_count = kept;
    self->last = NULL;                   /* it may be freed, and another topic get its address */
}

void polkai_kafka_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code, list *partitions, void *opaque)
{
    polkai_kafka_source *self = ((polkai_kafka_client *)opaque)->owner;
    bool take = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    int64_t began_ns = polkai_kafka_now_ns();
    if (take)
        (void)polkai_kafka_resolve_committed(handle, partitions, POLKAI_KAFKA_ASK_MS);
    polkai_position *positions = positions_of(self, partitions);
    if (!self->leaving)                  /* this asks the group too, and a member keeps its protocol */
        self->cooperative = is_cooperative(handle);
    if (take) {
        self->spare = false;
        change(self, partitions, true);
        if (self->assigned)              /* librdkafka has paused those that stay, too */
            polkai_kafka_prefetch_wake(handle);
        self->assigned = true;
        if (self->listener.assigned != NULL)
            self->listener.assigned(self->listener.user, positions, (size_t)partitions->cnt);
    } else {
        bool lost = rd_kafka_assignment_lost(handle) == 1;
        self->spare = self->spare || (lost && self->by_consumer);
        self->member_since_ns = 0;
        give_back(self, partitions);
        if (self->assigned && self->listener.revoked != NULL)
            self->listener.revoked(self->listener.user, positions, (size_t)partitions->cnt, lost);
        self->assigned = self->cooperative;
        polkai_kafka_resume_for(self, partitions, POLKAI_KAFKA_ANY_REASON);      /* a pause outlives the assignment, and nobody would know of it any more */
        polkai_kafka_unread_forget(self, partitions);
        change(self, partitions, false);
    }
    self->close_limit_ns += polkai_kafka_now_ns() - began_ns;        /* what the owner takes for its last commit is its own time */
    free(positions);
}

/* All releases that have this protocol in good order have it; the linker need not find it, as the one we were built against may be older. */
__attribute__((weak)) int32_t rd_kafka_consumer_group_metadata_generation_id(const rd_kafka_consumer_group_metadata_t *metadata);

static bool is_member(rd_kafka_t *handle)
{
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(handle);
    bool known = metadata != NULL && rd_kafka_consumer_group_metadata_generation_id(metadata) > 0;
    if (metadata != NULL)
        rd_kafka_consumer_group_metadata_destroy(metadata);
    return known;
}

/*
 * With group.protocol=consumer librdkafka tells of an assignment when it differs from the one before, so a member beyond the number of
 * partitions would never hear that it has joined. One that has partitions hears of them a little later than that it is a member.
 */
void polkai_kafka_spare_look(polkai_kafka_source *self)
{
    int64_t now_ns = polkai_kafka_now_ns();
    if (now_ns < self->member_look_ns)
        return;
    self->member_look_ns = now_ns + MEMBER_LOOK_NS;
    if (!is_member(self->client.handle))
        self->member_since_ns = 0;
    else if (self->member_since_ns == 0)
        self->member_since_ns = now_ns;
    if (self->member_since_ns == 0 || now_ns - self->member_since_ns < SPARE_AFTER_NS)
        return;
    self->spare = false;
    self->assigned = true;
    if (self->listener.assigned != NULL)
        self->listener.assigned(self->listener.user, NULL, 0);
}

/* As events, since what was fetched and not yet taken is in this queue too, and queue_poll_callback stops the process at it. */
static void serve_close(polkai_kafka_source *self, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20);
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
        polkai_kafka_rebalance(self->client.handle, rd_kafka_event_error(event), rd_kafka_event_topic_partition_list(event), &self->client);
    rd_kafka_event_destroy(event);
}

void polkai_kafka_leave(polkai_kafka_source *self, int timeout_ms)
{
    self->leaving = true;
    self->close_limit_ns = polkai_kafka_now_ns() + polkai_kafka_patience_ms(self, timeout_ms) * 1000000;
    rd_kafka_t *handle = self->client.handle;
    if (!self->grouped) {
        rd_kafka_assign(handle, NULL);
        return;
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    rd_kafka_error_t *failure = rd_kafka_consumer_close_queue(handle, queue);
    if (failure != NULL)
        rd_kafka_error_destroy(failure);
    while (failure == NULL && !rd_kafka_consumer_closed(handle) && polkai_kafka_now_ns() < self->close_limit_ns)
        serve_close(self, queue);
    if (failure == NULL && !rd_kafka_consumer_closed(handle))
        self->client.silent_ns = polkai_kafka_now_ns();
    rd_kafka_queue_destroy(queue);
}

/* What was fetched of them is dropped by librdkafka: it belongs to an assignment of before. */
void polkai_kafka_unassign(polkai_source *source, const polkai_position *partitions, size_t count)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    list *gone AUTO(free_list) = polkai_kafka_list_of(partitions, count);
    rd_kafka_error_t *failure = rd_kafka_incremental_unassign(self->client.handle, gone);
    if (failure == NULL)
        return;
    polkai_kafka_tell(self, POLKA_MISUSE, rd_kafka_error_string(failure));
    rd_kafka_error_destroy(failure);
}
