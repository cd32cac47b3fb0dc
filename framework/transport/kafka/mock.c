/* mock.c: librdkafka's mock cluster as the broker inside `polka dev` and tests. Its limits: tests/conformance/README.md. */
#include <transport/broker.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct polkai_broker {
    rd_kafka_t *handle;                  /* the mock lives in a client that nobody uses otherwise */
    rd_kafka_mock_cluster_t *cluster;
};

static void be_silent(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    (void)handle, (void)level, (void)facility, (void)text;           /* "MOCK: Topic … created", and connections that end */
}

polka_status polkai_broker_mock_start(polkai_broker **broker, polka_error *error)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, be_silent);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (handle == NULL) {
        rd_kafka_conf_destroy(conf);
        return polkai_fail(error, POLKA_FATAL, "no-mock", "librdkafka does not start: %s", text);
    }
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(handle, 1);
    if (cluster == NULL) {
        rd_kafka_destroy(handle);
        return polkai_fail(error, POLKA_FATAL, "no-mock", "librdkafka's mock broker does not start on 127.0.0.1");
    }
    *broker = polkai_alloc(sizeof **broker);
    **broker = (polkai_broker){ handle, cluster };
    return POLKA_OK;
}

const char *polkai_broker_address(const polkai_broker *broker)
{
    return rd_kafka_mock_cluster_bootstraps(broker->cluster);
}

/*
 * A request to the mock's thread sometimes loses its wake-up and waits for the end of a poll of 1 s (8 of 100 start-ups,
 * 6 s for 20 topics, measured with 2.0.2). A connection wakes that poll too, so one is made every few milliseconds
 * until the answer is there.
 */
typedef struct { const char *address; atomic_bool done; } waker;

static void connect_once(const char *address)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    struct addrinfo *found = NULL, hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    if (colon == NULL || (size_t)(colon - address) >= sizeof host)
        return;
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return;
    int door = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
    if (door >= 0) {
        (void)!connect(door, found->ai_addr, found->ai_addrlen);
        close(door);
    }
    freeaddrinfo(found);
}

static void *keep_awake(void *argument)
{
    waker *self = argument;
    for (;;) {
        nanosleep(&(struct timespec){ .tv_nsec = 4000000 }, NULL);
        if (atomic_load(&self->done))
            return NULL;
        connect_once(self->address);
    }
}

static rd_kafka_resp_err_t create_awake(polkai_broker *broker, const char *name, int32_t partitions)
{
    pthread_t thread;
    waker wakes = { .address = polkai_broker_address(broker) };
    bool started = pthread_create(&thread, NULL, keep_awake, &wakes) == 0;
    rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(broker->cluster, name, partitions, 1);
    atomic_store(&wakes.done, true);
    if (started)
        pthread_join(thread, NULL);
    return code;
}

polka_status polkai_broker_topic(polkai_broker *broker, const char *name, int32_t partitions, polka_error *error)
{
    ENSURE(polkai_topic_valid(name), POLKA_MISUSE, error, "bad-topic", "'%.80s' is no name of a topic: letters, digits, '.', '_' and '-', at most %d",
           name, POLKA_TOPIC_MAX);
    ENSURE(partitions > 0, POLKA_MISUSE, error, "bad-partitions", "topic %s needs at least one partition, not %d", name, partitions);
    rd_kafka_resp_err_t code = create_awake(broker, name, partitions);
    ENSURE(code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, POLKA_MISUSE, error, rd_kafka_err2name(code),
           "topic %s was not made: %s", name, rd_kafka_err2str(code));
    return POLKA_OK;
}

void polkai_broker_stop(polkai_broker *broker)
{
    if (broker == NULL)
        return;
    rd_kafka_mock_cluster_destroy(broker->cluster);
    rd_kafka_destroy(broker->handle);
    free(broker);
}
