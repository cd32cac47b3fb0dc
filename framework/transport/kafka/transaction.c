/*
 * transaction.c: one transactional producer of librdkafka. Each function makes one call; librdkafka's three flags (retriable,
 * requires abort, fatal or none of them) become the verdict. records.c has what is sent.
 */
#include <transport/kafka/source.h>
#include <transport/kafka/transaction.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

enum { INIT_MS = 1000, PURGE_MS = 1000, MARGIN_MS = 15000 };

typedef rd_kafka_topic_partition_list_t list;

typedef polkai_kafka_transaction kafka_transaction;

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

/* ---- the producer --------------------------------------------------------------------------------- */

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, polkai_kafka_records_delivered);
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
    polkai_kafka_records_detach(self);
    if (!polkai_kafka_client_close(&self->client, INT64_MAX))
        self->leaked = true;
    self->client.handle = NULL;
}

static polkai_transaction_verdict kafka_init(polkai_transaction *transaction, polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    if (self->used || self->client.handle == NULL) {
        close_producer(self);
        if (open_producer(self, error) != POLKA_OK)
            return POLKAI_TRANSACTION_STOP;
    }
    polkai_kafka_records_begin(self);
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
    polkai_kafka_records_begin(self);
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
    polkai_transaction_verdict verdict = verdict_of(self, rd_kafka_send_offsets_to_transaction(self->client.handle, partitions, as->metadata, -1),
                                                    "offsets did not become part of the transaction", error);
    return polkai_kafka_records_explain(self, verdict, error);
}

/* All acknowledgements first: after them a record that was not taken still can be told apart, and the transaction be aborted. */
static polkai_transaction_verdict kafka_commit(polkai_transaction *transaction, polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    polkai_transaction_verdict verdict = polkai_kafka_records_await(self, error);
    if (verdict != POLKAI_TRANSACTION_DONE)
        return verdict;
    verdict = verdict_of(self, rd_kafka_commit_transaction(self->client.handle, -1), "the transaction was not committed", error);
    return polkai_kafka_records_explain(self, verdict, error);
}

/*
 * What the broker refused, whatever for, has used up sequence numbers: it misses them in the next transaction of this producer, and what
 * it then refuses is aborted in its turn or waits inside librdkafka until it times out (2.0.2). So another one goes on.
 */
static polkai_transaction_verdict kafka_abort(polkai_transaction *transaction, polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    polkai_transaction_verdict verdict = verdict_of(self, rd_kafka_abort_transaction(self->client.handle, -1), "the transaction was not aborted", error);
    if (verdict != POLKAI_TRANSACTION_DONE || self->failed == RD_KAFKA_RESP_ERR_NO_ERROR)
        return verdict;
    (void)!polkai_fail(error, POLKA_TRANSIENT, "sequence", "the producer of transactions has numbers that the broker does not know");
    return POLKAI_TRANSACTION_RENEW;
}

/* ---- open and close ------------------------------------------------------------------------------- */

static void kafka_close(polkai_transaction *transaction)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    close_producer(self);
    polkai_kafka_instance_release(&self->instance);
    if (self->leaked)
        return;
    polkai_kafka_records_free(self);
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

/* What the promise does not survive, and librdkafka would take. */
static polka_status check_properties(const polkai_kafka_options *options, polka_error *error)
{
    static const struct { const char *key, *value, *why; } refused[] = {
        { "isolation.level", "read_uncommitted", "it would read what is aborted later" },
        { "message.timeout.ms", "0", "a record would be waited for longer than its transaction lasts" },
        { "delivery.timeout.ms", "0", "a record would be waited for longer than its transaction lasts" },
    };
    for (size_t i = 0; i < options->property_count; i++)
        for (size_t j = 0; j < sizeof refused / sizeof *refused; j++)
            ENSURE(strcmp(options->properties[i].key, refused[j].key) != 0 || strcmp(options->properties[i].value, refused[j].value) != 0, POLKA_MISUSE,
                   error, "refused-property", "%s=%s does not go with delivery exactly-once: %s", refused[j].key, refused[j].value, refused[j].why);
    return POLKA_OK;
}

static const polkai_transaction_operations operations = {
    kafka_init, kafka_begin, polkai_kafka_records_send, kafka_offsets, kafka_commit, kafka_abort, kafka_close,
};

polka_status polkai_kafka_transaction_open(polkai_transaction **transaction, const polkai_kafka_options *options, polka_error *error)
{
    ENSURE(options->group != NULL, POLKA_MISUSE, error, "no-group", "transactions need the group whose offsets they carry");
    ENSURE(!options->embedded, POLKA_MISUSE, error, "not-supported", "the embedded broker has no transactions; use polka dev --kafka");
    if (check_properties(options, error) != POLKA_OK) {
        polkai_kafka_add_origins(options, error);
        return POLKA_MISUSE;
    }
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
