/*
 * records.c: the records of one transaction: their topics, how much is under way, what became of each. Values are not copied: they stay
 * the caller's until the end of the transaction.
 */
#include <transport/kafka/transaction.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

enum { REPORT_MS = 200, SLICE_MS = 50, QUEUE_MS = 10, BATCH_BYTES = 1000000, RECORD_BYTES = 96, TOPICS_SHOWN = 256 };

typedef polkai_kafka_transaction kafka_transaction;
typedef polkai_kafka_target target;

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

void polkai_kafka_records_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    (void)handle;
    kafka_transaction *self = ((polkai_kafka_client *)opaque)->owner;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        self->unproven = self->unproven || message->offset < 0;
        return;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;                          /* by an abort, which has another cause */
    if (self->failed == RD_KAFKA_RESP_ERR_NO_ERROR) {
        self->failed = message->err;
        self->failed_at = ((const target *)rd_kafka_topic_opaque(message->rkt))->name;
    }
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

void polkai_kafka_records_detach(kafka_transaction *self)
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

static void list_topics(const kafka_transaction *self, char *text, size_t capacity)
{
    size_t used = 0, count = 0;
    for (const target *at = self->targets; at != NULL && used < capacity; at = at->next)
        if (at->taking_part)
            used += (size_t)snprintf(text + used, capacity - used, "%s%.*s", count++ == 0 ? "" : ", ", TEXT(at->name));
}

/* Only people can help, so it says what is missing, where, and to whom. `topic` empty: when partitions were to join, librdkafka does not say which. */
static void explain_right(const kafka_transaction *self, polka_text topic, polka_error *error)
{
    char what[sizeof error->message], topics[TOPICS_SHOWN] = "", need[2 * TOPICS_SHOWN];
    if (!polkai_refused_for_right(error->code))
        return;
    if (topic.size > 0)
        snprintf(topics, sizeof topics, "%.*s", TEXT(topic));
    else
        list_topics(self, topics, sizeof topics);
    polkai_kafka_missing_right(self->client.handle, topics, need, sizeof need);
    memcpy(what, error->message, sizeof what);
    (void)!polkai_fail(error, POLKA_TRANSIENT, rd_kafka_err2name(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), "%s: %s", need, what);
}

/* What the reports so far mean for the transaction. */
static polkai_transaction_verdict so_far(kafka_transaction *self, polka_error *error)
{
    if (self->failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        (void)!polkai_fail(error, self->transaction.refused != NULL ? POLKA_POISON : POLKA_TRANSIENT, rd_kafka_err2name(self->failed),
                           "a record was not taken: %s", rd_kafka_err2str(self->failed));
    else if (self->unproven)
        (void)!polkai_fail(error, POLKA_TRANSIENT, "unproven", "a record is said to be written and has no offset");
    if (self->failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        explain_right(self, self->failed_at, error);
    return self->failed != RD_KAFKA_RESP_ERR_NO_ERROR || self->unproven ? POLKAI_TRANSACTION_ABORT : POLKAI_TRANSACTION_DONE;
}

/* A transaction that has failed takes no more records, and says why to whoever begins another. */
static void ask_why(kafka_transaction *self, polka_error *error)
{
    rd_kafka_error_t *failure = rd_kafka_begin_transaction(self->client.handle);
    if (failure == NULL)
        return;
    (void)!polkai_fail(error, POLKA_TRANSIENT, rd_kafka_err2name(rd_kafka_error_code(failure)), "%s", rd_kafka_error_string(failure));
    rd_kafka_error_destroy(failure);
}

/* librdkafka refuses each further call from a moment before it reports the record that was refused. */
static void await_report(kafka_transaction *self)
{
    int64_t until_ns = polkai_kafka_now_ns() + (int64_t)REPORT_MS * 1000000;
    do
        rd_kafka_poll(self->client.handle, 1);
    while (self->failed == RD_KAFKA_RESP_ERR_NO_ERROR && rd_kafka_outq_len(self->client.handle) > 0 && polkai_kafka_now_ns() < until_ns);
}

polkai_transaction_verdict polkai_kafka_records_explain(kafka_transaction *self, polkai_transaction_verdict verdict, polka_error *error)
{
    if (verdict != POLKAI_TRANSACTION_ABORT)
        return verdict;
    await_report(self);
    bool by_record = so_far(self, error) != POLKAI_TRANSACTION_DONE;
    if (strcmp(error->code, "_STATE") == 0)
        ask_why(self, error);
    if (!by_record || self->failed == RD_KAFKA_RESP_ERR__STATE)
        explain_right(self, (polka_text){ 0, NULL }, error);
    return verdict;
}

/* What was under way behind a record that was refused waits inside librdkafka to be sent again, and only the abort ends that: so by slices. */
static rd_kafka_resp_err_t flush(kafka_transaction *self)
{
    int64_t until_ns = polkai_kafka_now_ns() + self->transaction.request_ms * 1000000;
    rd_kafka_resp_err_t code;
    do
        code = rd_kafka_flush(self->client.handle, SLICE_MS);
    while (code == RD_KAFKA_RESP_ERR__TIMED_OUT && self->failed == RD_KAFKA_RESP_ERR_NO_ERROR && polkai_kafka_now_ns() < until_ns);
    return code;
}

polkai_transaction_verdict polkai_kafka_records_await(kafka_transaction *self, polka_error *error)
{
    rd_kafka_resp_err_t code = flush(self);
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

static polkai_transaction_verdict not_sent(kafka_transaction *self, const target *to, const polkai_record *record, void *cookie, rd_kafka_error_t *failure,
                                           polka_error *error)
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
    polkai_transaction_verdict verdict = fatal ? POLKAI_TRANSACTION_RENEW : POLKAI_TRANSACTION_ABORT;
    if (polkai_refused_for_right(rd_kafka_err2name(code))) {
        self->failed = code;
        self->failed_at = to->name;
    }
    if (status != POLKA_POISON)
        return polkai_kafka_records_explain(self, verdict, error);
    self->transaction.refused = cookie;
    return verdict;
}

polkai_transaction_verdict polkai_kafka_records_send(polkai_transaction *transaction, const polkai_record *record, void *cookie, polka_error *error)
{
    kafka_transaction *self = (kafka_transaction *)transaction;
    target *to = target_of(self, record->topic, error);
    if (to == NULL)
        return POLKAI_TRANSACTION_ABORT;
    size_t bytes = size_of(record);
    polkai_transaction_verdict verdict = so_far(self, error);
    if (verdict == POLKAI_TRANSACTION_DONE && to->sent_count > 0 && to->window_bytes != SIZE_MAX && to->sent_bytes + bytes > to->window_bytes)
        verdict = polkai_kafka_records_await(self, error);
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
        return not_sent(self, to, record, cookie, failure, error);
    }
    to->sent_bytes += bytes;
    to->sent_count++;
    to->taking_part = true;
    return POLKAI_TRANSACTION_DONE;
}

void polkai_kafka_records_begin(kafka_transaction *self)
{
    self->transaction.refused = NULL;
    self->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    self->failed_at = (polka_text){ 0, NULL };
    self->unproven = false;
    all_acknowledged(self);
    for (target *at = self->targets; at != NULL; at = at->next)
        at->taking_part = false;
}

void polkai_kafka_records_free(kafka_transaction *self)
{
    for (target *at = self->targets, *next; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
}
