/*
 * source.c: reading by one consumer. One thread polls; wake is for any thread and for signal handlers, so the wait is
 * poll(2) on an eventfd that librdkafka writes to as well, and not a wait inside librdkafka.
 */
#include <transport/kafka/source.h>

#include <base/arena.h>
#include <base/error.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define UNRELEASED_INSTANCE_ID ((rd_kafka_resp_err_t)111)        /* not named by releases before KIP-848 */

enum { SLICE_MS = 250, UNREAD_MS = 5000, ANSWER_MS = 3000 };     /* SLICE: the longest wait; outages are looked at in between */

static const polkai_kafka_setting common[] = {
    { "enable.auto.commit", "false" },               /* we commit our own low-watermark, by explicit lists only */
    { "enable.auto.offset.store", "false" },
    { "auto.offset.reset", "earliest" },             /* the default, latest, skips silently */
    { "check.crcs", "true" },
    { "isolation.level", "read_committed" },         /* librdkafka's default, and what offsets of open transactions are waited for by */
    { "fetch.error.backoff.ms", "100" },             /* how long each step of the search in unread.c takes */
    { "queued.min.messages", "20000" },              /* small values: some 600 bytes each in librdkafka, whatever they have; see prefetch.c */
    { "queued.max.messages.kbytes", "8192" },        /* large values */
    { "fetch.wait.max.ms", "100" },                  /* after a rebalance the first fetch may wait without the partition that has records */
    { "receive.message.max.bytes", "268435456" },
    { "max.poll.interval.ms", "300000" },
    { NULL, NULL },
};

/* Of the classic group protocol (property.c); with group.protocol=consumer they are left out. */
static const polkai_kafka_setting classic[] = {
    { "session.timeout.ms", "10000" },
    { "heartbeat.interval.ms", "1000" },             /* drives how long a rebalance takes: 0.5 s in place of 2 */
    { "partition.assignment.strategy", "range" },    /* one for all releases, and equal partition numbers to one member */
    { NULL, NULL },
};

/* Without a group: where a partition ends cannot be told by its records alone. A service has no use for it, and each costs an event of librdkafka. */
static const polkai_kafka_setting alone[] = {
    { "enable.partition.eof", "true" },
    { NULL, NULL },
};

/* librdkafka's mock broker: an empty fetch always waits its whole time, and a rebalance the session's. */
static const polkai_kafka_setting embedded[] = {
    { "fetch.wait.max.ms", "10" },
    { "session.timeout.ms", "6000" },
    { NULL, NULL },
};

int64_t polkai_kafka_session_ms(bool mock)
{
    for (const polkai_kafka_setting *at = mock ? embedded : classic; at->key != NULL; at++)
        if (strcmp(at->key, "session.timeout.ms") == 0)
            return atoll(at->value);
    return 0;
}

/* ---- records -------------------------------------------------------------------------------------- */

polka_text polkai_kafka_name_of(polkai_kafka_source *source, const char *topic)
{
    size_t size = strlen(topic);
    for (polkai_kafka_name *at = source->names; at != NULL; at = at->next)
        if (at->text.size == size && memcmp(at->text.data, topic, size) == 0)
            return at->text;
    polkai_kafka_name *made = polkai_alloc(sizeof *made + size + 1);
    memcpy(made + 1, topic, size + 1);
    made->text = (polka_text){ size, (const char *)(made + 1) };
    made->next = source->names;
    source->names = made;
    return made->text;
}

static void read_headers(polkai_record *record, polka_arena *arena)
{
    rd_kafka_headers_t *list;
    record->header_count = 0;
    record->headers = NULL;
    if (rd_kafka_message_headers(record->native, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    size_t count = rd_kafka_header_cnt(list);
    polkai_header *headers = polka_arena_alloc(arena, count * sizeof *headers);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const void *value;
        size_t size;
        rd_kafka_header_get_all(list, i, &name, &value, &size);
        headers[i] = (polkai_header){ polka_text_of(name), { size, value } };
    }
    record->headers = headers;
    record->header_count = count;
}

/* An allocation each, which is cheap to give back at once and dear when another thread does it, or this one much later. */
static void forget_headers(polkai_record *record)
{
    rd_kafka_headers_t *list;
    if (rd_kafka_message_detach_headers(record->native, &list) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(list);
    record->headers = NULL;
    record->header_count = 0;
    record->read_headers = read_headers;                 /* librdkafka reads them again from the message, which stays */
}

static void release(polkai_record *record)
{
    rd_kafka_message_destroy(record->native);
    record->native = NULL;
}

static void fill(polkai_record *record, rd_kafka_message_t *message, polka_text topic)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp = rd_kafka_message_timestamp(message, &type);
    *record = (polkai_record){
        .topic = topic, .partition = message->partition, .offset = message->offset,
        .timestamp_ms = timestamp < 0 ? 0 : timestamp,
        .key = { message->key_len, message->key }, .value = { message->len, message->payload },
        .native = message, .read_headers = read_headers, .forget_headers = forget_headers, .release = release,
    };
}

/* ---- poll ----------------------------------------------------------------------------------------- */

void polkai_kafka_tell(polkai_kafka_source *source, polka_status status, const char *message)
{
    if (source->listener.notice != NULL)
        source->listener.notice(source->listener.user, status, message);
}

static void notice(void *owner, polka_status status, const char *message)
{
    polkai_kafka_tell(owner, status, message);
}

static void reached(void *owner, bool answers)
{
    const polkai_kafka_source *self = owner;
    if (self->listener.reached != NULL)
        self->listener.reached(self->listener.user, answers);
}

/* Two processes with one group.instance.id: which of them has to go depends on the protocol. */
static const struct { rd_kafka_resp_err_t code; const char *what; } twins[] = {
    { RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "another process has joined with it and taken this one's place" },
    { UNRELEASED_INSTANCE_ID, "another process is a member with it, or was killed and is one until its session ends; then a new start is let in" },
};

static const char *twin_of(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++)
        if (twins[i].code == code)
            return twins[i].what;
    return NULL;
}

/* librdkafka tells of a consumer's fatal error by its queue, and not by error_cb. */
static void tell_fatal(polkai_kafka_source *self)
{
    char why[512] = "", text[1024], instance[256] = "", group[256] = "";
    rd_kafka_t *handle = self->client.handle;
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(handle, why, sizeof why);
    const char *twin = twin_of(code);
    rd_kafka_conf_get(rd_kafka_conf(handle), "group.instance.id", instance, &(size_t){ sizeof instance });
    rd_kafka_conf_get(rd_kafka_conf(handle), "group.id", group, &(size_t){ sizeof group });
    if (twin != NULL)
        snprintf(text, sizeof text, "group.instance.id %s of group %s: %s (%s). Each process of a group needs one of its own, as the name of its pod or host, or none",
                 instance, group, twin, rd_kafka_err2name(code));
    else
        snprintf(text, sizeof text, "the consumer of group %s cannot go on: %s: %s; the service has to start again", group, rd_kafka_err2name(code), why);
    polkai_kafka_tell(self, POLKA_FATAL, text);
}

static void tell_ended(polkai_kafka_source *self, const rd_kafka_message_t *message)
{
    if (self->listener.ended == NULL || message->rkt == NULL)
        return;
    polkai_position at = { polkai_kafka_name_of(self, rd_kafka_topic_name(message->rkt)), message->partition, message->offset };
    self->listener.ended(self->listener.user, &at);
}

/* Not a record but a condition of a topic, a partition or the consumer. */
static void tell_error(polkai_kafka_source *self, const rd_kafka_message_t *message)
{
    char text[512];
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        tell_ended(self, message);
        return;
    }
    if (message->err == RD_KAFKA_RESP_ERR__FATAL) {
        tell_fatal(self);
        return;
    }
    const char *where = message->rkt == NULL ? "" : rd_kafka_topic_name(message->rkt);
    const char *what = rd_kafka_message_errstr(message);
    if (message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || message->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        snprintf(text, sizeof text, "topic %s does not exist yet (%s); waiting for it. `polka topics apply --execute` makes the topics that the services need",
                 where, what == NULL ? "" : what);
    else
        snprintf(text, sizeof text, "%s%s%s: %s", where, *where == '\0' ? "" : ": ", rd_kafka_err2name(message->err), what == NULL ? "" : what);
    polkai_kafka_tell(self, POLKA_TRANSIENT, text);
}

/*
 * Takes what is there. The batch API is never used: with pause or a rebalance it loses records before 2.1.0. A rebalance may
 * come between two records; those taken before it, of partitions that went, are given back, as they will be read again.
 */
static size_t drain(polkai_kafka_source *self, polkai_record *records, size_t capacity)
{
    self->taken = records;
    self->taken_count = 0;
    self->last = NULL;                   /* of this batch only: its records hold the handle, so the address stays its own */
    polka_text topic = { 0, NULL };
    rd_kafka_message_t *message;
    if (self->troubles != NULL && capacity > 0 && polkai_kafka_unread_turn(self, &records[0]))
        self->taken_count++;
    while (self->taken_count < capacity && (message = rd_kafka_consumer_poll(self->client.handle, 0)) != NULL) {
        if (self->troubles != NULL || message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            polkai_kafka_passage passage = polkai_kafka_unread_look(self, message, &records[self->taken_count]);
            if (passage != POLKAI_KAFKA_PASS) {
                rd_kafka_message_destroy(message);
                self->taken_count += passage == POLKAI_KAFKA_INSTEAD;
                self->last = NULL;
                continue;
            }
        }
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            tell_error(self, message);
            rd_kafka_message_destroy(message);
            continue;
        }
        if (message->rkt != self->last) {
            self->last = message->rkt;
            topic = polkai_kafka_name_of(self, rd_kafka_topic_name(message->rkt));
        }
        fill(&records[self->taken_count++], message, topic);
    }
    self->taken = NULL;
    return self->taken_count;
}

static void wait_for_more(polkai_kafka_source *self, int64_t left_ns)
{
    int64_t left_ms = (left_ns + 999999) / 1000000;
    struct pollfd watched = { .fd = self->waker, .events = POLLIN };
    uint64_t ignored;
    if (poll(&watched, 1, left_ms > SLICE_MS ? SLICE_MS : (int)left_ms) > 0 && read(self->waker, &ignored, sizeof ignored) < 0)
        return;                          /* EAGAIN: somebody was faster */
}

static size_t kafka_poll(polkai_source *source, polkai_record *records, size_t capacity, int timeout_ms)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    if (self->wakes_leaders)
        polkai_kafka_prefetch_wake(self->client.handle);
    self->wakes_leaders = false;
    size_t count = drain(self, records, capacity);
    int64_t end = 0;
    if (self->unanswered > 0 || self->overtaken)
        polkai_kafka_commit_look(self);
    while (count == 0 && timeout_ms > 0 && atomic_load(&self->woken) == 0) {
        int64_t now = polkai_kafka_now_ns();
        end = end == 0 ? now + (int64_t)timeout_ms * 1000000 : end;
        if (now >= end)
            break;
        wait_for_more(self, end - now);
        count = drain(self, records, capacity);
        polkai_kafka_outage_look(&self->client);
    }
    polkai_kafka_outage_look(&self->client);
    if (self->spare)
        polkai_kafka_spare_look(self);
    polkai_kafka_prefetch_taken(self, records, count);
    atomic_store(&self->woken, 0);
    return count;
}

static polka_text kafka_cluster(polkai_source *source)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    if (self->cluster == NULL) {         /* 0: what the metadata said already; never waits */
        char *id = rd_kafka_clusterid(self->client.handle, 0);
        self->cluster = id == NULL ? NULL : polkai_strdup(id);
        if (id != NULL)
            rd_kafka_mem_free(self->client.handle, id);
    }
    return self->cluster == NULL ? POLKA_TEXT("kafka") : polka_text_of(self->cluster);
}

static void kafka_wake(polkai_source *source)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    int kept = errno;                    /* a signal handler may be calling */
    atomic_store(&self->woken, 1);
    uint64_t one = 1;
    if (write(self->waker, &one, sizeof one) < 0)
        atomic_store(&self->woken, 1);   /* full: it is readable anyway */
    errno = kept;
}

/* ---- open and close ------------------------------------------------------------------------------- */

static void kafka_close(polkai_source *source, int timeout_ms)
{
    int64_t end_ns = polkai_kafka_now_ns() + (int64_t)timeout_ms * 1000000;
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    rd_kafka_queue_io_event_enable(self->queue, -1, NULL, 0);
    if (self->started)
        polkai_kafka_leave(self, timeout_ms);
    if (self->answers != NULL) {
        polkai_kafka_commit_look(self);
        rd_kafka_queue_destroy(self->answers);
    }
    rd_kafka_queue_destroy(self->queue);
    if (!polkai_kafka_client_close(&self->client, end_ns))
        return;                          /* its threads may still call us */
    close(self->waker);
    polkai_kafka_unread_forget(self, NULL);
    for (polkai_kafka_name *at = self->names, *next; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    free(self->paused);
    free(self->emptied);
    free(self->cluster);
    free(self);
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, polkai_kafka_rebalance);
}

static size_t append(polkai_kafka_setting *all, size_t count, const polkai_kafka_setting *more, bool by_consumer)
{
    for (; more->key != NULL; more++)
        if (!by_consumer || !polkai_kafka_is_of_classic(more->key))
            all[count++] = *more;
    return count;
}

static polka_status open_client(polkai_kafka_source *self, const polkai_kafka_options *options, polka_error *error)
{
    polkai_kafka_setting all[24];
    /* without a group librdkafka still wants the name of one; nobody joins it, and nothing is committed to it */
    all[0] = (polkai_kafka_setting){ "group.id", self->grouped ? options->group : "polka-without-group" };
    self->by_consumer = polkai_kafka_by_consumer_protocol(options->properties, options->property_count);
    size_t count = append(all, 1, common, self->by_consumer);
    count = append(all, count, classic, self->by_consumer);
    if (!self->grouped)
        count = append(all, count, alone, self->by_consumer);
    if (options->embedded)
        count = append(all, count, embedded, self->by_consumer);
    if (polkai_kafka_prefetch_settable())
        all[count++] = polkai_kafka_prefetch_setting;
    all[count] = (polkai_kafka_setting){ NULL, NULL };
    return polkai_kafka_client_open(&self->client, RD_KAFKA_CONSUMER, options, all, prepare, error);
}

static const polkai_source_operations operations = {
    polkai_kafka_start, kafka_poll, polkai_kafka_pause, polkai_kafka_hold, polkai_kafka_unassign, polkai_kafka_commit, polkai_kafka_membership_of,
    polkai_kafka_rewind, kafka_cluster, polkai_kafka_ends, kafka_wake, kafka_close,
};

polka_status polkai_kafka_source_open(polkai_source **source, const polkai_kafka_options *options, polka_error *error)
{
    polkai_kafka_source *self = polkai_alloc(sizeof *self);
    self->source.operations = &operations;
    self->grouped = options->group != NULL;
    self->park_unread = options->park_unread;
    self->unread_ms = UNREAD_MS;
    self->answer_ms = ANSWER_MS;
    self->client.notice = notice;
    self->client.reached = reached;
    self->client.owner = self;
    polka_status status = open_client(self, options, error);
    if (status != POLKA_OK) {
        free(self);
        return status;
    }
    self->waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    rd_kafka_poll_set_consumer(self->client.handle);
    self->queue = rd_kafka_queue_get_consumer(self->client.handle);
    rd_kafka_queue_io_event_enable(self->queue, self->waker, &(uint64_t){ 1 }, sizeof(uint64_t));
    polkai_kafka_prefetch_init(self);
    *source = &self->source;
    return POLKA_OK;
}
