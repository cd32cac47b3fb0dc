/*
 * transaction.c: one transactional producer of librdkafka. Each function makes one call; librdkafka's three flags (retriable,
 * requires abort, fatal or none of them) become the verdict. Values are not copied: they stay the caller's until the end.
 */
#include <transport/kafka/client.h>
#include <transport/kafka/instance.h>
#include <transport/kafka/source.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <stdlib.h>

enum { INIT_MS = 5000, PURGE_MS = 1000, QUEUE_MS = 10, BATCH_BYTES = 1000000, RECORD_BYTES = 96, MARGIN_MS = 15000 };

typedef rd_kafka_topic_partition_list_t list;

/* A topic that takes smaller batches than librdkafka makes: of it no more is under way than it takes, found by halving. */
typedef struct target target;
struct target {
    target *next;
    polka_text name;
    rd_kafka_topic_t *handle;            /* of the present producer; NULL: none yet */
    size_t window_bytes;                 /* under way at most; SIZE_MAX: no limit */
    size_t sent_bytes, sent_count;       /* since all was acknowledged last */
};

typedef struct {
    polkai_transaction transaction;      /* first: the seam */
    polkai_kafka_client client;
    polkai_kafka_options options;
    polkai_kafka_instance instance;
    bool used;                           /* init has ended with this producer: the next one makes another */
    bool leaked;                         /* a handle did not end, and its callbacks still need this */
    bool told;                           /* who we are, by a line of log */
    target *targets;
    rd_kafka_resp_err_t failed;          /* of a record of this transaction, the first; refused for good if `refused` is set */
    bool unproven;                       /* a record is said to be written and has no offset (sink.c, is_proven) */
} kafka_transaction;

static const polkai_kafka_setting settings[] = {
    { "acks", "all" },
    { "enable.idempotence", "true" },
    { "linger.ms", "5" },                            /* a transaction is handed over as a whole, and its end does not wait for this */
    { "partitioner", "murmur2_random" },
    { "transaction.timeout.ms", "30000" },           /* so long an open one holds up its readers when nobody comes back to end it */
    { "socket.timeout.ms", "10000" },                /* of one request */
    { "request.timeout.ms", "10000" },
    { "retry.backoff.ms", "10" },                    /* 100 by default, and the next transaction mostly meets the end of the last one */
    { "message.max.bytes", "268435456" },
    { "queue.buffering.max.messages", "1000000" },
    { "queue.buffering.max.kbytes", "262144" },
};
enum { SETTINGS = sizeof settings / sizeof *settings };

/* ---- verdicts ------------------------------------------------------------------------------------- */

/* What no new producer would change. */
static const rd_kafka_resp_err_t hopeless[] = {
    RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
    RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
    RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
};

static bool is_hopeless(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < sizeof hopeless / sizeof *hopeless; i++)
        if (hopeless[i] == code)
            return true;
    return false;
}

static bool is_fenced(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

static void note_fenced(kafka_transaction *self)
{
    const char *who = self->instance.id;
    bool renamed = polkai_kafka_instance_fenced(&self->instance, polkai_kafka_now_ns());
    if (renamed && self->client.log != NULL)
        LOG_WARN(self->client.log, "another process has taken the transactional id of this one twice in a minute; going on as %s. Do two hosts have one name?", who);
}

static polkai_transaction_verdict verdict_of(kafka_transaction *self, rd_kafka_error_t *failure, const char *what, polka_error *error)
{
    if (failure == NULL)
        return POLKAI_TRANSACTION_DONE;
    rd_kafka_resp_err_t code = rd_kafka_error_code(failure);
    char cause[256] = "";
    rd_kafka_resp_err_t first = rd_kafka_fatal_error(self->client.handle, cause, sizeof cause);
    polkai_transaction_verdict verdict = is_hopeless(code) || is_hopeless(first) ? POLKAI_TRANSACTION_STOP
                           : rd_kafka_error_is_fatal(failure) ? POLKAI_TRANSACTION_RENEW
                           : rd_kafka_error_txn_requires_abort(failure) ? POLKAI_TRANSACTION_ABORT
                           : rd_kafka_error_is_retriable(failure) ? POLKAI_TRANSACTION_AGAIN : POLKAI_TRANSACTION_RENEW;
    if (verdict == POLKAI_TRANSACTION_RENEW && (is_fenced(code) || is_fenced(first)))
        note_fenced(self);
    (void)!polkai_fail(error, verdict == POLKAI_TRANSACTION_STOP ? POLKA_FATAL : POLKA_TRANSIENT, rd_kafka_err2name(code), "%s: %s%s%s", what,
                       rd_kafka_error_string(failure), first == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : ": ", cause);
    rd_kafka_error_destroy(failure);
    return verdict;
}

/* ---- records -------------------------------------------------------------------------------------- */

static void note_refused(kafka_transaction *self, const rd_kafka_message_t *message)
{
    target *to = rd_kafka_topic_opaque(message->rkt);
    if (polkai_refused_for_size(rd_kafka_err2name(message->err)) && to->sent_count > 1) {        /* in company: who is too large is not known */
        size_t most = to->window_bytes < BATCH_BYTES ? to->window_bytes : BATCH_BYTES;
        to->window_bytes = most / 2;
        to->sent_count = SIZE_MAX;       /* the others of this batch say nothing new */
    } else if (to->sent_count != SIZE_MAX && polkai_kafka_class(message->err) == POLKA_POISON && self->transaction.refused == NULL) {
        self->transaction.refused = message->_private;
        self->failed = message->err;
    }
}

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    (void)handle;
    kafka_transaction *self = ((polkai_kafka_client *)opaque)->owner;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        self->unproven = self->unproven || message->offset < 0;
        return;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;                          /* by an abort, which has another cause */
    if (self->failed == RD_KAFKA_RESP_ERR_NO_ERROR)
        self->failed = message->err;
    note_refused(self, message);
}

static target *target_of(kafka_transaction *self, polka_text name, polka_error *error)
{
    target **at = &self->targets;
    while (*at != NULL && !polka_text_equal((*at)->name, name))
        at = &(*at)->next;
    if (*at == NULL) {
        target *made = polkai_alloc(sizeof *made + name.size + 1);
        memcpy(made + 1, name.data, name.size);
        made->name = (polka_text){ name.size, (const char *)(made + 1) };
        made->window_bytes = SIZE_MAX;
        *at = made;
    }
    if ((*at)->handle == NULL) {
        rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(self->client.handle);
        rd_kafka_topic_conf_set_opaque(conf, *at);
        (*at)->handle = rd_kafka_topic_new(self->client.handle, (*at)->name.data, conf);
    }
    if ((*at)->handle == NULL)
        (void)!polkai_fail(error, POLKA_TRANSIENT, "no-topic-handle", "topic %s: %s", (*at)->name.data, rd_kafka_err2str(rd_kafka_last_error()));
    return (*at)->handle == NULL ? NULL : *at;
}

static void forget_targets(kafka_transaction *self)
{
    for (target *at = self->targets; at != NULL; at = at->next) {
        if (at->handle != NULL)
            rd_kafka_topic_destroy(at->handle);
        at->handle = NULL;
    }
}

static void all_acknowledged(kafka_transaction *self)
{
    for (target *at = self->targets; at != NULL; at = at->next)
        at->sent_bytes = at->sent_count = 0;
}

/* What the reports so far mean for the transaction. */
static polkai_transaction_verdict so_far(kafka_transaction *self, polka_error *error)
{
    if (self->failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        (void)!polkai_fail(error, self->transaction.refused != NULL ? POLKA_POISON : POLKA_TRANSIENT, rd_kafka_err2name(self->failed),
                           "a record was not taken: %s", rd_kafka_err2str(self->failed));
    else if (self->unproven)
        (void)!polkai_fail(error, POLKA_TRANSIENT, "unproven", "a record is said to be written and has no offset");
    return self->failed != RD_KAFKA_RESP_ERR_NO_ERROR || self->unproven ? POLKAI_TRANSACTION_ABORT : POLKAI_TRANSACTION_DONE;
}

static polkai_transaction_verdict await_all(kafka_transaction *self, polka_error *error)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(self->client.handle, (int)self->transaction.request_ms);
    polkai_transaction_verdict verdict = so_far(self, error);
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT && verdict == POLKAI_TRANSACTION_DONE) {
        (void)!polkai_fail(error, POLKA_TRANSIENT, "not-acknowledged", "%d records are not acknowledged yet", rd_kafka_outq_len(self->client.handle));
        return POLKAI_TRANSACTION_AGAIN;
    }
    if (verdict == POLKAI_TRANSACTION_DONE)
        all_acknowledged(self);
    return verdict;
}

static size_t size_of(const polkai_record *record)
{
    size_t bytes = record->key.size + record->value.size + RECORD_BYTES;
    for (size_t i = 0; i < record->header_count; i++)
        bytes += record->headers[i].name.size + record->headers[i].value.size + 4;
    return bytes;
}

static rd_kafka_headers_t *headers_of(const polkai_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++)
        rd_kafka_header_add(headers, record->headers[i].name.data, (ssize_t)record->headers[i].name.size,
                            record->headers[i].value.data, (ssize_t)record->headers[i].value.size);
    return headers;
}

static polkai_transaction_verdict not_sent(kafka_transaction *self, const polkai_record *record, void *cookie, rd_kafka_error_t *failure, polka_error *error)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(failure);
    polka_status status = polkai_kafka_class(code);
    (void)!polkai_fail(error, status, rd_kafka_err2name(code), "not sent to %.*s: %s", TEXT(record->topic), rd_kafka_error_string(failure));
    bool fatal = rd_kafka_error_is_fatal(failure) || rd_kafka_fatal_error(self->client.handle, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_destroy(failure);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(self->client.handle, QUEUE_MS);
        return POLKAI_TRANSACTION_AGAIN;
    }
    if (status == POLKA_POISON)
        self->transaction.refused = cookie;
    return fatal ? POLKAI_TRANSACTION_RENEW : POLKAI_TRANSACTION_ABORT;
}

static polkai_transaction_verdict kafka_send(polkai_transaction *transaction, const polkai_record *record, void *cookie, polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    target *to = target_of(self, record->topic, error);
    if (to == NULL)
        return POLKAI_TRANSACTION_ABORT;
    size_t bytes = size_of(record);
    polkai_transaction_verdict verdict = so_far(self, error);
    if (verdict == POLKAI_TRANSACTION_DONE && to->sent_count > 0 && to->window_bytes != SIZE_MAX && to->sent_bytes + bytes > to->window_bytes)
        verdict = await_all(self, error);
    if (verdict != POLKAI_TRANSACTION_DONE)
        return verdict;
    rd_kafka_headers_t *headers = record->header_count == 0 ? NULL : headers_of(record);
    rd_kafka_vu_t parts[] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = to->handle },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition < 0 ? RD_KAFKA_PARTITION_UA : record->partition },
        { .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { (void *)(uintptr_t)record->key.data, record->key.size } },
        { .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *)(uintptr_t)record->value.data, record->value.size } },
        { .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp_ms },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = cookie },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
    };
    rd_kafka_error_t *failure = rd_kafka_produceva(self->client.handle, parts, sizeof parts / sizeof *parts - (headers == NULL));
    if (failure != NULL) {
        if (headers != NULL)
            rd_kafka_headers_destroy(headers);
        return not_sent(self, record, cookie, failure, error);
    }
    to->sent_bytes += bytes;
    to->sent_count++;
    return POLKAI_TRANSACTION_DONE;
}

/* ---- the producer --------------------------------------------------------------------------------- */

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
}

static polka_status open_producer(kafka_transaction *self, polka_error *error)
{
    polkai_kafka_setting all[SETTINGS + 2] = { { "transactional.id", self->instance.id } };
    memcpy(all + 1, settings, sizeof settings);
    self->used = false;
    return polkai_kafka_client_open(&self->client, RD_KAFKA_PRODUCER, &self->options, all, prepare, error);
}

/* Nothing may read the values of records any more that were under way: they are their owner's again. */
static void close_producer(kafka_transaction *self)
{
    if (self->client.handle == NULL)
        return;
    rd_kafka_purge(self->client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(self->client.handle, PURGE_MS);
    forget_targets(self);
    if (!polkai_kafka_client_close(&self->client, INT64_MAX))
        self->leaked = true;
    self->client.handle = NULL;
}

static void begin_anew(kafka_transaction *self)
{
    self->transaction.refused = NULL;
    self->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    self->unproven = false;
    all_acknowledged(self);
}

static polkai_transaction_verdict kafka_init(polkai_transaction *transaction, polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    if (self->used || self->client.handle == NULL) {
        close_producer(self);
        if (open_producer(self, error) != POLKA_OK)
            return POLKAI_TRANSACTION_STOP;
    }
    begin_anew(self);
    polkai_transaction_verdict verdict = verdict_of(self, rd_kafka_init_transactions(self->client.handle, INIT_MS), "the producer of transactions is not ready", error);
    self->used = verdict != POLKAI_TRANSACTION_AGAIN;
    if (verdict == POLKAI_TRANSACTION_DONE && !self->told && self->client.log != NULL)
        LOG_INFO(self->client.log, "exactly-once: transactional id %s", self->instance.id);
    self->told = self->told || verdict == POLKAI_TRANSACTION_DONE;
    return verdict;
}

/* ---- one transaction ------------------------------------------------------------------------------ */

static polkai_transaction_verdict kafka_begin(polkai_transaction *transaction, polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    char text[256] = "";
    if (rd_kafka_fatal_error(self->client.handle, text, sizeof text) != RD_KAFKA_RESP_ERR_NO_ERROR) {    /* there begin hangs (librdkafka#4420) */
        (void)!polkai_fail(error, POLKA_TRANSIENT, "producer-dead", "the producer of transactions cannot go on: %s", text);
        return POLKAI_TRANSACTION_RENEW;
    }
    begin_anew(self);
    return verdict_of(self, rd_kafka_begin_transaction(self->client.handle), "a transaction cannot begin", error);
}

static void free_list(list **partitions)
{
    rd_kafka_topic_partition_list_destroy(*partitions);
}

static polkai_transaction_verdict kafka_offsets(polkai_transaction *transaction, const polkai_position *positions, size_t count, const polkai_membership *membership,
                                    polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    list *partitions AUTO(free_list) = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(partitions, positions[i].topic.data, positions[i].partition)->offset = positions[i].offset;
    const polkai_kafka_membership *as = (const polkai_kafka_membership *)membership;
    return verdict_of(self, rd_kafka_send_offsets_to_transaction(self->client.handle, partitions, as->metadata, -1), "offsets did not become part of the transaction",
                      error);
}

/* All acknowledgements first: after them a record that was not taken still can be told apart, and the transaction be aborted. */
static polkai_transaction_verdict kafka_commit(polkai_transaction *transaction, polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    polkai_transaction_verdict verdict = await_all(self, error);
    if (verdict != POLKAI_TRANSACTION_DONE)
        return verdict;
    return verdict_of(self, rd_kafka_commit_transaction(self->client.handle, -1), "the transaction was not committed", error);
}

static polkai_transaction_verdict kafka_abort(polkai_transaction *transaction, polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    return verdict_of(self, rd_kafka_abort_transaction(self->client.handle, -1), "the transaction was not aborted", error);
}

/* ---- open and close ------------------------------------------------------------------------------- */

static void kafka_close(polkai_transaction *transaction)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    close_producer(self);
    polkai_kafka_instance_release(&self->instance);
    if (self->leaked)
        return;
    for (target *at = self->targets, *next; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    free(self);
}

static void notice(void *owner, polka_status status, const char *message)
{
    const kafka_transaction *self = owner;
    (void)status;                        /* a source of the same program tells of outages */
    if (self->client.log != NULL)
        polkai_log_write(self->client.log, POLKAI_LOG_DEBUG, NULL, "transactions: %s", message);
}

static int64_t number_of(const kafka_transaction *self, const char *name)
{
    char text[32] = "";
    rd_kafka_conf_get(rd_kafka_conf(self->client.handle), name, text, &(size_t){ sizeof text });
    return atoll(text);
}

static const polkai_transaction_operations operations = {
    kafka_init, kafka_begin, kafka_send, kafka_offsets, kafka_commit, kafka_abort, kafka_close,
};

polka_status polkai_kafka_transaction_open(polkai_transaction **transaction, const polkai_kafka_options *options, polka_error *error)
{
    ENSURE(options->group != NULL, POLKA_MISUSE, error, "no-group", "transactions need the group whose offsets they carry");
    ENSURE(!options->embedded, POLKA_MISUSE, error, "not-supported", "the embedded broker has no transactions; use polka dev --kafka");
    kafka_transaction *self = polkai_alloc(sizeof *self);
    self->transaction.operations = &operations;
    self->options = *options;
    self->client.notice = notice;
    self->client.owner = self;
    polkai_kafka_instance_claim(&self->instance, options->group);
    if (open_producer(self, error) != POLKA_OK) {
        polkai_kafka_instance_release(&self->instance);
        free(self);
        return error->status;
    }
    self->transaction.request_ms = number_of(self, "socket.timeout.ms");
    self->transaction.call_ms = number_of(self, "transaction.timeout.ms") + MARGIN_MS;
    *transaction = &self->transaction;
    return POLKA_OK;
}
