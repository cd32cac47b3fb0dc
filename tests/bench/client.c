/* client.c: plain librdkafka, with the settings of framework/transport/kafka. */
#include <base/arena.h>
#include <flow/schema/framing.h>

#include "client.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct { const char *key, *value; } setting;

static const setting common[] = {
    { "log_level", "5" }, { "socket.nagle.disable", "true" }, { "socket.keepalive.enable", "true" }, { "socket.timeout.ms", "30000" },
    { "socket.connection.setup.timeout.ms", "10000" }, { "reconnect.backoff.ms", "50" }, { "reconnect.backoff.max.ms", "1000" },
    { "topic.metadata.refresh.interval.ms", "10000" }, { NULL, NULL },
};
static const setting consumer[] = {
    { "enable.auto.commit", "false" }, { "enable.auto.offset.store", "false" }, { "auto.offset.reset", "earliest" }, { "check.crcs", "true" },
    { "queued.min.messages", "20000" }, { "queued.max.messages.kbytes", "8192" }, { "fetch.wait.max.ms", "100" }, { "receive.message.max.bytes", "268435456" },
    { "max.poll.interval.ms", "300000" }, { "session.timeout.ms", "10000" }, { "heartbeat.interval.ms", "1000" },
    { "partition.assignment.strategy", "range" }, { NULL, NULL },
};
static const setting producer[] = {
    { "acks", "all" }, { "enable.idempotence", "true" }, { "linger.ms", "0" }, { "partitioner", "murmur2_random" }, { "message.timeout.ms", "0" },
    { "request.timeout.ms", "20000" }, { "message.max.bytes", "268435456" }, { "queue.buffering.max.messages", "1000000" },
    { "queue.buffering.max.kbytes", "262144" }, { NULL, NULL },
};

enum { OWN_MOST = 16 };
static setting own[OWN_MOST + 1];

_Noreturn void client_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

bool client_set(const char *property)
{
    size_t count = 0;
    while (own[count].key != NULL)
        count++;
    char *copy = polkai_strdup(property), *equals = strchr(copy, '=');
    if (equals == NULL || count == OWN_MOST)
        return false;
    *equals = '\0';
    own[count] = (setting){ copy, equals + 1 };
    return true;
}

static void set_all(rd_kafka_conf_t *conf, const setting *settings)
{
    char text[256];
    for (; settings->key != NULL; settings++)
        if (rd_kafka_conf_set(conf, settings->key, settings->value, text, sizeof text) != RD_KAFKA_CONF_OK)
            client_die(settings->key, text);
}

static rd_kafka_t *open_handle(rd_kafka_type_t type, const char *brokers, const setting *settings, const char *group,
                               client_delivered *delivered, void *opaque)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set_all(conf, (const setting[]){ { "bootstrap.servers", brokers }, { "client.id", "bench" }, { NULL, NULL } });
    set_all(conf, common);
    set_all(conf, settings);
    if (group != NULL)
        set_all(conf, (const setting[]){ { "group.id", group }, { NULL, NULL } });
    set_all(conf, own);
    if (delivered != NULL)
        rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_opaque(conf, opaque);
    rd_kafka_t *handle = rd_kafka_new(type, conf, text, sizeof text);
    if (handle == NULL)
        client_die("rd_kafka_new", text);
    return handle;
}

rd_kafka_t *client_consumer(const char *brokers, const char *group)
{
    rd_kafka_t *handle = open_handle(RD_KAFKA_CONSUMER, brokers, consumer, group == NULL ? "bench-without-group" : group, NULL, NULL);
    rd_kafka_poll_set_consumer(handle);
    return handle;
}

rd_kafka_t *client_producer(const char *brokers, client_delivered *delivered, void *opaque)
{
    return open_handle(RD_KAFKA_PRODUCER, brokers, producer, NULL, delivered, opaque);
}

polka_bytes client_key(const polka_event *event, const void *value, polka_arena *arena)
{
    polka_bytes key;
    polka_error error;
    if (event->codec->key(value, arena, &key, &error) != POLKA_OK)
        client_die(event->name, error.message);
    return key;
}

static rd_kafka_headers_t *make_headers(const polkai_envelope *envelope, polka_arena *arena)
{
    polkai_header headers[POLKAI_ENVELOPE_HEADERS];
    size_t count = polkai_envelope_write(envelope, arena, headers);
    rd_kafka_headers_t *made = rd_kafka_headers_new(count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_header_add(made, headers[i].name.data, (ssize_t)headers[i].name.size, headers[i].value.data, (ssize_t)headers[i].value.size);
    return made;
}

static rd_kafka_headers_t *make_few(const polkai_envelope *envelope)
{
    const struct { const char *name; polka_text value; } headers[] = {
        { "ce_id", envelope->id }, { "ce_source", envelope->source }, { "ce_type", envelope->type }, { "ce_correlationid", envelope->correlation_id } };
    rd_kafka_headers_t *made = rd_kafka_headers_new(4);
    for (size_t i = 0; i < 4; i++)
        rd_kafka_header_add(made, headers[i].name, -1, headers[i].value.data, (ssize_t)headers[i].value.size);
    return made;
}

static void *readable(const void *data)
{
    union { const void *in; void *out; } either = { data };
    return either.out;
}

void client_send_bytes(rd_kafka_t *handle, rd_kafka_topic_t *topic, const polka_event *event, polka_bytes key, polka_bytes value,
                       polkai_envelope *envelope, polka_text dataschema, bool few, polka_arena *arena, void *opaque)
{
    envelope->type = polka_text_of(event->name);
    envelope->subject = (polka_text){ key.size, (const char *)key.data };
    envelope->dataschema = dataschema;
    rd_kafka_vu_t parts[] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic },
        { .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { readable(key.data), key.size } },
        { .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { readable(value.data), value.size } },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = envelope->time_ms },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = opaque },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = few ? make_few(envelope) : make_headers(envelope, arena) },
    };
    rd_kafka_error_t *failure = rd_kafka_produceva(handle, parts, sizeof parts / sizeof *parts);
    if (failure != NULL)
        client_die("produce", rd_kafka_error_string(failure));
}

void client_send(rd_kafka_t *handle, rd_kafka_topic_t *topic, const polka_event *event, const void *value,
                 polkai_envelope *envelope, polka_text dataschema, polka_arena *arena, void *opaque)
{
    polka_error error;
    polka_buffer buffer = { .arena = arena };
    polkai_framing_write(polka_buffer_reserve(&buffer, POLKAI_SINGLE_OBJECT_BYTES), event->fingerprint);
    buffer.size = POLKAI_SINGLE_OBJECT_BYTES;
    if (event->codec->encode(value, &buffer, &error) != POLKA_OK)
        client_die(event->name, error.message);
    client_send_bytes(handle, topic, event, client_key(event, value, arena), (polka_bytes){ buffer.size, buffer.data }, envelope, dataschema, false, arena, opaque);
}

void client_headers(const rd_kafka_message_t *message, polkai_record *record, polka_arena *arena)
{
    rd_kafka_headers_t *list;
    if (rd_kafka_message_headers(message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    record->header_count = rd_kafka_header_cnt(list);
    polkai_header *headers = polka_arena_alloc(arena, record->header_count * sizeof *headers);
    for (size_t i = 0; i < record->header_count; i++) {
        const char *name;
        const void *value;
        size_t size;
        rd_kafka_header_get_all(list, i, &name, &value, &size);
        headers[i] = (polkai_header){ polka_text_of(name), { size, value } };
    }
    record->headers = headers;
}
