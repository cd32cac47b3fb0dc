/*
 * kafka.h: source, sink and admin on Apache Kafka, by librdkafka. This folder is the only place that names rd_kafka_.
 */
#ifndef POLKA_TRANSPORT_KAFKA_H
#define POLKA_TRANSPORT_KAFKA_H

#include <base/log.h>
#include <transport/admin.h>
#include <transport/sink.h>
#include <transport/source.h>
#include <transport/transaction.h>

typedef struct { const char *key, *value; } polkai_kafka_property;
/* What it points to is borrowed as long as the source, sink or admin is open: a sink makes its producer anew after a fatal error. */
typedef struct {
    const char *brokers;                 /* "host:port,host:port" */
    const char *client_id;
    const char *group;                   /* sources with a group; NULL: none */
    const polkai_kafka_property *properties;             /* the user's -X; they win over the framework's */
    const char *const *origins;          /* where each of them was set, for messages; NULL: not known */
    size_t property_count;
    const polkai_log *log;
    /* tuned for librdkafka's mock broker, whose empty fetches always wait fetch.wait.max.ms */
    bool embedded;
    bool park_unread;                    /* sources with a group: a partition stops at a batch that cannot be read, and is not read past it */
    bool paced;                          /* sinks: one thread sends; its batches are to grow under load (pace.c) */
    polkai_report_function *report;
    void *report_user;
} polkai_kafka_options;

polka_status polkai_kafka_source_open(polkai_source **source, const polkai_kafka_options *options, polka_error *error);
polka_status polkai_kafka_sink_open(polkai_sink **sink, const polkai_kafka_options *options, polka_error *error);
/* polkai_kafka_transaction_open needs a group; it does not wait for a broker, init does. errors: MISUSE: a setting of the user does not go with it. */
polka_status polkai_kafka_transaction_open(polkai_transaction **transaction, const polkai_kafka_options *options, polka_error *error);
polka_status polkai_kafka_admin_open(polkai_admin **admin, const polkai_kafka_options *options, polka_error *error);

/* polkai_kafka_session_ms: how long a broker waits for a member that is gone without a word, unless -X says otherwise. */
int64_t polkai_kafka_session_ms(bool embedded);

/* polkai_kafka_check: MISUSE when the linked librdkafka is a release that loses or duplicates (named in the text). */
polka_status polkai_kafka_check(polka_error *error);
/* polkai_kafka_property_check: is this a property librdkafka knows, and the value one it takes? MISUSE with the nearest name. */
polka_status polkai_kafka_property_check(const char *key, const char *value, polka_error *error);
/* polkai_kafka_properties_check: do they go together? Each alone has been checked. MISUSE names both, and what to do. */
polka_status polkai_kafka_properties_check(const polkai_kafka_property *properties, size_t count, polka_error *error);
const char *polkai_kafka_version(void);

#endif
