/*
 * client.h: what source, sink and admin share: a configured librdkafka handle, its log, its outages and its end.
 */
#ifndef POLKA_TRANSPORT_KAFKA_CLIENT_H
#define POLKA_TRANSPORT_KAFKA_CLIENT_H

#include <transport/kafka/kafka.h>

#include <librdkafka/rdkafka.h>
#include <pthread.h>

/* Whether any broker answers. For the thread that polls the handle. */
typedef struct {
    bool down;                           /* librdkafka says that no broker is connected */
    bool told;                           /* the owner has been told, so it will be told the end too */
    int64_t since_ns, told_ns, looked_ns;
    int64_t failed_ns;                   /* the last failed connection */
    char reason[256];                    /* of it; empty: told, or none */
} polkai_kafka_outage;

typedef struct polkai_kafka_client polkai_kafka_client;
struct polkai_kafka_client {
    rd_kafka_t *handle;
    char *brokers;                       /* as configured, for messages */
    const polkai_log *log;               /* borrowed; may be NULL */
    polkai_kafka_outage outage;
    int64_t silent_ns;                   /* when the broker last let a request of ours go unanswered; 0: never */
    /* tells the owner; from inside polls of the handle */
    void (*notice)(void *owner, polka_status status, const char *message);
    void (*reached)(void *owner, bool reached);          /* beside what it is told of an outage and its end; NULL allowed */
    void *owner;
};

typedef struct { const char *key, *value; } polkai_kafka_setting;

/*
 * polkai_kafka_client_open makes the handle: the common settings, then `settings` (ended by a NULL key), then the user's.
 * `prepare` sets callbacks on the configuration; the opaque is the client.
 */
polka_status polkai_kafka_client_open(polkai_kafka_client *client, rd_kafka_type_t type, const polkai_kafka_options *options,
                                      const polkai_kafka_setting *settings, void (*prepare)(rd_kafka_conf_t *conf), polka_error *error);
/*
 * polkai_kafka_client_close destroys the handle, within a time limit, and not long after end_ns: librdkafka waits for ever for a
 * reference that somebody forgot. false: it did not end, and everything that its callbacks use must stay.
 */
bool polkai_kafka_client_close(polkai_kafka_client *client, int64_t end_ns);
/* polkai_kafka_silent: a moment ago a request of ours got no answer within its time. */
bool polkai_kafka_silent(const polkai_kafka_client *client);

/* In outage.c. _error is librdkafka's error_cb; _look is called at every poll, and is cheap while all is well. */
void polkai_kafka_outage_error(rd_kafka_t *handle, int code, const char *reason, void *client);
void polkai_kafka_outage_look(polkai_kafka_client *client);

/* polkai_kafka_add_origins: which properties the user set, and where, behind a message that names what librdkafka refuses; no values, as some are secret. */
void polkai_kafka_add_origins(const polkai_kafka_options *options, polka_error *error);
/* polkai_kafka_by_consumer_protocol: did the user choose group.protocol=consumer (KIP-848)? Then what _is_of_classic must not be set at all. */
bool polkai_kafka_by_consumer_protocol(const polkai_kafka_property *properties, size_t count);
bool polkai_kafka_is_of_classic(const char *key);
/* polkai_kafka_release_takes: MISUSE when a release does not have this property or value in good order; `release` as below. */
polka_status polkai_kafka_release_takes(int release, const char *key, const char *value, polka_error *error);
/* polkai_kafka_release_check: as polkai_kafka_check, for any release; `release` as rd_kafka_version() gives it. */
polka_status polkai_kafka_release_check(int release, polka_error *error);
/* polkai_kafka_class: what an error of the broker or of librdkafka means for one record. */
polka_status polkai_kafka_class(rd_kafka_resp_err_t code);
/* polkai_kafka_missing_right: what has to be granted to whom, as far as a client knows its own principal, after TOPIC_AUTHORIZATION_FAILED. */
void polkai_kafka_missing_right(rd_kafka_t *handle, const char *topics, char *text, size_t capacity);

int64_t polkai_kafka_now_ns(void);
bool polkai_kafka_join(pthread_t thread, int64_t until_ns);          /* false: it has not ended by then, by the clock above */

#endif
