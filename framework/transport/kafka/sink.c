/*
 * sink.c: sending by one idempotent producer. Values are not copied: they stay the caller's until their report.
 * Reports come on the thread that polls; sends on any.
 */
#include <transport/kafka/line.h>
#include <transport/kafka/pace.h>
#include <transport/kafka/spent.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef polkai_kafka_topic topic;
enum { BUCKETS = 256, LOOK_MS = 1000, LINE_MS = 2, ANEW_MS = 1000, RIGHT_BYTES = 512 };

typedef struct {
    polkai_sink sink;                    /* first: the seam */
    polkai_kafka_client client;
    polkai_report_function *report;
    void *user;
    size_t reported;                     /* in this poll */
    int64_t look_ns;                     /* when topics that do not answer are looked for */
    bool idempotent;                     /* as it is, unless -X says otherwise */
    bool quiet;                          /* a source of the same program tells of outages */
    polkai_kafka_options options;        /* to make the producer anew */
    pthread_rwlock_t producer;           /* written to replace the handle, read to use it on a lane */
    atomic_bool dead;                    /* the producer met a fatal error: nothing is handed to it any more */
    bool leaked;                         /* a handle did not end, and its callbacks still need this */
    int64_t anew_ns;                     /* not before this */
    polkai_kafka_lines lines;
    polkai_kafka_spent spent;
    pthread_mutex_t adding;
    _Atomic(topic *) topics[BUCKETS];    /* every topic ever sent to: looked up without a lock, added under one, never removed */
} kafka_sink;

static const polkai_kafka_setting settings[] = {
    { "acks", "all" },
    { "enable.idempotence", "true" },
    { "linger.ms", "0" },                            /* 5 ms by default is 33 times the latency of a hop; batches still form under load */
    { "partitioner", "murmur2_random" },             /* as Java's clients, so that producers of all languages agree */
    { "message.timeout.ms", "0" },                   /* nothing is given up for being late */
    { "request.timeout.ms", "20000" },
    { "message.max.bytes", "268435456" },            /* the framework checks its own limit, and the broker has the last word */
    { "queue.buffering.max.messages", "1000000" },
    { "queue.buffering.max.kbytes", "262144" },
    { NULL, NULL },
};

/* ---- topics --------------------------------------------------------------------------------------- */

static topic *find(topic *first, polka_text name)
{
    while (first != NULL && !polka_text_equal(first->name, name))
        first = first->next;
    return first;
}

static polka_status add(kafka_sink *self, polka_text name, _Atomic(topic *) *bucket, topic **found, polka_error *error)
{
    topic *made;
    ENSURE(self->client.handle != NULL, POLKA_TRANSIENT, error, "producer-dead", "not sent to %.*s: the producer is being made anew", TEXT(name));
    TRY(polkai_kafka_topic_open(&made, self->client.handle, name, error));
    polkai_kafka_line_begin(&self->lines, made);
    made->next = atomic_load(bucket);
    atomic_store(bucket, made);
    *found = made;
    return POLKA_OK;
}

static polka_status topic_of(kafka_sink *self, polka_text name, topic **found, polka_error *error)
{
    _Atomic(topic *) *bucket = &self->topics[polkai_key_hash(name.data, name.size) % BUCKETS];
    *found = find(atomic_load(bucket), name);
    if (*found != NULL)
        return POLKA_OK;
    pthread_mutex_lock(&self->adding);
    polka_status status = POLKA_OK;
    *found = find(atomic_load(bucket), name);            /* another thread may have been first */
    if (*found == NULL)
        status = add(self, name, bucket, found, error);
    pthread_mutex_unlock(&self->adding);
    return status;
}

/* ---- send ----------------------------------------------------------------------------------------- */

static rd_kafka_headers_t *headers_of(const polkai_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++)
        rd_kafka_header_add(headers, record->headers[i].name.data, (ssize_t)record->headers[i].name.size,
                            record->headers[i].value.data, (ssize_t)record->headers[i].value.size);
    return headers;
}

/* Cast away const: without F_FREE and F_COPY librdkafka only reads what it is given. */
static void *readable(const void *data)
{
    union { const void *in; void *out; } either = { data };
    return either.out;
}

static polka_status refused(const kafka_sink *self, const topic *to, rd_kafka_error_t *failure, polka_error *error)
{
    char right[RIGHT_BYTES];
    rd_kafka_resp_err_t code = rd_kafka_error_code(failure);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        polkai_kafka_missing_right(self->client.handle, to->name.data, right, sizeof right);
    polka_status status = rd_kafka_error_is_fatal(failure) ? POLKA_TRANSIENT : polkai_kafka_class(code);   /* the producer is made anew */
    polkai_fail(error, status, rd_kafka_err2name(code), "not sent to %.*s: %s", TEXT(to->name),
                code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? "the queue of this program is full; the broker is slower than it" :
                code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ? "the topic does not exist; `polka topics apply --execute` makes those that the services need" :
                code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ? right : rd_kafka_error_string(failure));
    rd_kafka_error_destroy(failure);
    return status;
}

static polka_status produce(kafka_sink *self, topic *to, const polkai_record *record, void *cookie, polka_error *error)
{
    ENSURE(!atomic_load_explicit(&self->dead, memory_order_relaxed), POLKA_TRANSIENT, error, "producer-dead",
           "not sent to %.*s: the producer is being made anew", TEXT(record->topic));
    rd_kafka_headers_t *headers = record->header_count == 0 ? NULL : headers_of(record);
    rd_kafka_vu_t parts[] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = to->handle },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition < 0 ? RD_KAFKA_PARTITION_UA : record->partition },
        { .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { readable(record->key.data), record->key.size } },
        { .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { readable(record->value.data), record->value.size } },
        { .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp_ms },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = cookie },
        /* HEADERS and not HEADER: with those, 2.0.2 frees twice when the partition does not exist (librdkafka#4628) */
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
    };
    atomic_fetch_add_explicit(&to->sent, 1, memory_order_relaxed);       /* before its report can come */
    rd_kafka_error_t *failure = rd_kafka_produceva(self->client.handle, parts, sizeof parts / sizeof *parts - (headers == NULL));
    if (failure == NULL)
        return POLKA_OK;
    atomic_fetch_sub_explicit(&to->sent, 1, memory_order_relaxed);
    if (rd_kafka_error_code(failure) == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || rd_kafka_error_code(failure) == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        atomic_store_explicit(&to->refused, true, memory_order_relaxed);
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    return refused(self, to, failure, error);
}

static polka_status hand_over(void *owner, topic *to, const polkai_record *record, void *cookie, polka_error *error)
{
    kafka_sink *self = owner;
    pthread_rwlock_rdlock(&self->producer);
    polka_status status = produce(self, to, record, cookie, error);
    pthread_rwlock_unlock(&self->producer);
    return status;
}

static polka_status kafka_send(polkai_sink *sink, const polkai_record *record, void *cookie, polka_error *error)
{
    kafka_sink *self = (kafka_sink *)sink;
    topic *to;
    bool joined;
    polkai_kafka_spent_take(&self->spent);
    TRY(topic_of(self, record->topic, &to, error));
    TRY(polkai_kafka_line_join(&self->lines, to, record, cookie, &joined, error));
    return joined ? POLKA_OK : hand_over(self, to, record, cookie, error);
}

/* ---- reports -------------------------------------------------------------------------------------- */

/*
 * librdkafka's idempotent producer counts a batch that was refused and waits to be sent again as written when a later batch of
 * the partition is acknowledged, since a broker takes sequence numbers only in order. But a broker that knows nothing of
 * the producer yet takes any first number (Kafka 2.5 and later, KIP-360), so on a partition made a moment ago the first
 * records were reported as written and were nowhere: 2 of 40 on Kafka 4.3.1. What gives it away is the missing offset.
 */
static bool is_proven(const kafka_sink *self, const rd_kafka_message_t *message)
{
    return !self->idempotent || message->offset >= 0;
}

static void pass_on(void *owner, const polkai_report *report)
{
    kafka_sink *self = owner;
    self->reported++;
    if (self->report != NULL)
        self->report(self->user, report);
}

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    polkai_kafka_client *client = opaque;
    kafka_sink *self = client->owner;
    topic *at = rd_kafka_topic_opaque(message->rkt);
    bool for_size = message->err != 0 && polkai_refused_for_size(rd_kafka_err2name(message->err));
    at->reported++;
    if (for_size || (message->err == 0 && !is_proven(self, message))) {
        polkai_kafka_line_again(&self->lines, message, for_size);
        return;
    }
    polkai_report report = {
        .cookie = message->_private,
        .status = polkai_kafka_class(message->err),
        .partition = message->partition,
        .offset = message->err == 0 ? message->offset : -1001,
        .code = message->err == 0 ? "" : rd_kafka_err2name(message->err),
        .message = message->err == 0 ? "" : rd_kafka_err2str(message->err),
    };
    char text[RIGHT_BYTES];
    if (message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        polkai_kafka_missing_right(handle, at->name.data, text, sizeof text);
        report.message = text;
    }
    if (message->err != 0 && rd_kafka_fatal_error(handle, text, sizeof text) != 0) {
        report.status = POLKA_TRANSIENT; /* whatever the single record met: it is for the next producer */
        report.message = text;
    }
    if (!atomic_load_explicit(&at->lined, memory_order_relaxed))         /* those were handed over on this thread */
        polkai_kafka_spent_put(&self->spent, message);
    pass_on(self, &report);
}

/* ---- a producer made anew ------------------------------------------------------------------------- */

/*
 * A fatal error is the end of an idempotent producer and not of a service: after a crash of the broker, for one, it may
 * know fewer sequence numbers than it acknowledged. All that is under way gets its report first, and is sent again by its
 * owner, in order and with the same ids, by a producer that begins anew; some of it may be there twice then.
 */
static void reopen_topics(kafka_sink *self)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (topic *at = atomic_load(&self->topics[i]); at != NULL; at = at->next)
            at->handle = polkai_kafka_topic_handle(at, self->client.handle);
}

static void close_topics(kafka_sink *self)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (topic *at = atomic_load(&self->topics[i]); at != NULL; at = at->next) {
            if (at->handle != NULL)
                rd_kafka_topic_destroy(at->handle);
            at->handle = NULL;
        }
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
}

static void prepare_paced(rd_kafka_conf_t *conf)
{
    prepare(conf);
    polkai_kafka_pace(conf);
}

static polka_status open_producer(kafka_sink *self, polka_error *error)
{
    return polkai_kafka_client_open(&self->client, RD_KAFKA_PRODUCER, &self->options, settings, self->options.paced ? prepare_paced : prepare, error);
}

static bool replace(kafka_sink *self)
{
    polka_error error;
    polkai_kafka_lines_detach(&self->lines);
    close_topics(self);
    if (self->client.handle != NULL && !polkai_kafka_client_close(&self->client, INT64_MAX))
        self->leaked = true;
    self->client.handle = NULL;
    if (open_producer(self, &error) != POLKA_OK) {
        if (self->client.log != NULL)
            LOG_ERROR(self->client.log, "the producer cannot be made anew: %s; trying again", error.message);
        return false;
    }
    reopen_topics(self);
    polkai_kafka_lines_attach(&self->lines, self->client.handle);
    return true;
}

static void die(kafka_sink *self)
{
    char text[256] = "";
    if (atomic_load_explicit(&self->dead, memory_order_relaxed) || rd_kafka_fatal_error(self->client.handle, text, sizeof text) == 0)
        return;
    pthread_rwlock_wrlock(&self->producer);              /* after this, nobody is inside the handle */
    atomic_store(&self->dead, true);
    pthread_rwlock_unlock(&self->producer);
    if (self->client.log != NULL)
        LOG_WARN(self->client.log, "the producer met an error it cannot go on after, and is made anew; %d records that are not acknowledged are sent "
                 "again, with the same ids: %s", rd_kafka_outq_len(self->client.handle), text);
    rd_kafka_purge(self->client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

static void make_anew(kafka_sink *self)
{
    int64_t now = polkai_kafka_now_ns();
    if (self->client.handle != NULL)
        die(self);
    if (!atomic_load_explicit(&self->dead, memory_order_relaxed) || now < self->anew_ns ||
        (self->client.handle != NULL && rd_kafka_outq_len(self->client.handle) > 0))
        return;
    self->anew_ns = now + (int64_t)ANEW_MS * 1000000;
    polkai_kafka_lines_give_back(&self->lines);
    pthread_mutex_lock(&self->adding);
    pthread_rwlock_wrlock(&self->producer);
    atomic_store(&self->dead, !replace(self));
    pthread_rwlock_unlock(&self->producer);
    pthread_mutex_unlock(&self->adding);
}

static void look_at_topics(kafka_sink *self)
{
    int64_t now = polkai_kafka_now_ns();
    if (now < self->look_ns)
        return;
    self->look_ns = now + (int64_t)LOOK_MS * 1000000;
    if (self->client.outage.down)        /* that is told already */
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (topic *at = atomic_load(&self->topics[i]); at != NULL; at = at->next)
            polkai_kafka_topic_look(at, now, self->client.log);
}

static size_t kafka_poll(polkai_sink *sink, int timeout_ms)
{
    kafka_sink *self = (kafka_sink *)sink;
    self->reported = 0;
    make_anew(self);
    if (self->client.handle == NULL)
        return 0;
    rd_kafka_poll(self->client.handle, 0);
    bool lined = polkai_kafka_lines_turn(&self->lines);
    int64_t end = timeout_ms > 0 && self->reported == 0 ? polkai_kafka_now_ns() + (int64_t)timeout_ms * 1000000 : 0;
    while (self->reported == 0 && end != 0) {
        int64_t left_ms = (end - polkai_kafka_now_ns() + 999999) / 1000000;
        if (left_ms <= 0)
            break;
        rd_kafka_poll(self->client.handle, lined && left_ms > LINE_MS ? LINE_MS : (int)left_ms);     /* also returns for an error that is no report */
        lined = polkai_kafka_lines_turn(&self->lines);
    }
    polkai_kafka_spent_polled(&self->spent, self->reported);
    polkai_kafka_outage_look(&self->client);
    look_at_topics(self);
    return self->reported;
}

static void kafka_prepare(polkai_sink *sink, const polka_text *topics, size_t count)
{
    topic *ignored;                      /* a handle is all: its metadata are asked for at once, or with the first connection */
    for (size_t i = 0; i < count; i++)
        topic_of((kafka_sink *)sink, topics[i], &ignored, NULL);
}

static void notice(void *owner, polka_status status, const char *message)
{
    kafka_sink *self = owner;
    if (self->client.log == NULL)
        return;
    polkai_log_level level = self->quiet ? POLKAI_LOG_DEBUG : status == POLKA_OK ? POLKAI_LOG_INFO : POLKAI_LOG_WARN;
    polkai_log_write(self->client.log, level, NULL, "producer: %s", message);
}

/* ---- open and close ------------------------------------------------------------------------------- */

static bool under_way(kafka_sink *self)
{
    if (self->client.handle == NULL)
        return false;
    return rd_kafka_outq_len(self->client.handle) > 0 || polkai_kafka_lines_turn(&self->lines);
}

static void kafka_close(polkai_sink *sink, int timeout_ms)
{
    kafka_sink *self = (kafka_sink *)sink;
    int64_t end = polkai_kafka_now_ns() + (int64_t)timeout_ms * 1000000;
    do {
        kafka_poll(sink, under_way(self) && timeout_ms > 0 ? 10 : 0);
    } while (under_way(self) && polkai_kafka_now_ns() < end);
    /* the rest is given up: each gets its report, and may have been written all the same */
    polkai_kafka_lines_end(&self->lines);
    if (under_way(self)) {
        rd_kafka_purge(self->client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        end = polkai_kafka_now_ns() + (int64_t)1000000000;
        while (under_way(self) && polkai_kafka_now_ns() < end)
            kafka_poll(sink, 10);
    }
    polkai_kafka_lines_end(&self->lines);                /* what came back meanwhile */
    polkai_kafka_lines_deinit(&self->lines);
    polkai_kafka_spent_deinit(&self->spent);
    close_topics(self);
    if ((self->client.handle != NULL && !polkai_kafka_client_close(&self->client, INT64_MAX)) || self->leaked)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (topic *at = atomic_load(&self->topics[i]), *next; at != NULL; at = next) {
            next = at->next;
            polkai_kafka_topic_free(at);
        }
    pthread_mutex_destroy(&self->adding);
    pthread_rwlock_destroy(&self->producer);
    free(self);
}

static const polkai_sink_operations operations = { kafka_send, kafka_poll, kafka_prepare, kafka_close };

polka_status polkai_kafka_sink_open(polkai_sink **sink, const polkai_kafka_options *options, polka_error *error)
{
    kafka_sink *self = polkai_alloc(sizeof *self);
    self->sink.operations = &operations;
    self->report = options->report;
    self->user = options->report_user;
    self->quiet = options->group != NULL;
    self->options = *options;
    self->client.notice = notice;
    self->client.owner = self;
    polka_status status = open_producer(self, error);
    if (status != POLKA_OK) {
        free(self);
        return status;
    }
    char text[16] = "";
    rd_kafka_conf_get(rd_kafka_conf(self->client.handle), "enable.idempotence", text, &(size_t){ sizeof text });
    self->idempotent = strcmp(text, "true") == 0;
    pthread_rwlockattr_t kind;
    pthread_rwlockattr_init(&kind);
    pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);  /* lanes that go on sending delay no replacement */
    pthread_rwlock_init(&self->producer, &kind);
    pthread_rwlockattr_destroy(&kind);
    pthread_mutex_init(&self->adding, NULL);
    polkai_kafka_lines_init(&self->lines, self->client.handle, !options->embedded);
    self->lines.hand_over = hand_over;
    self->lines.report = pass_on;
    self->lines.owner = self;
    *sink = &self->sink;
    return POLKA_OK;
}
