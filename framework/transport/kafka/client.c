/* client.c: one librdkafka handle: its settings, its log, its end. */
#include <transport/kafka/client.h>

#include <base/arena.h>
#include <base/error.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DESTROY_MS = 2000, DESTROY_SILENT_MS = 1000, DESTROY_LEAST_MS = 100, SILENT_SECONDS = 20, JOIN_LOOK_NS = 1000000 };

int64_t polkai_kafka_now_ns(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real);
}

/* ---- log: on librdkafka's internal threads, so it only writes ------------------------------------- */

/* Said by a notice in our own words, or by nobody's fault. */
static bool is_noise(const char *facility, const char *text)
{
    if (strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0)
        return true;                     /* outage.c tells it */
    if (strcmp(facility, "GETPID") == 0)
        return true;                     /* "Coordinator load in progress: retrying" on a fresh broker */
    return strcmp(facility, "CONFWARN") == 0 && strstr(text, "property and will be ignored by this") != NULL;
}

static void write_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    const polkai_kafka_client *client = rd_kafka_opaque(handle);
    if (client == NULL || client->log == NULL)
        return;
    polkai_log_level ours = level <= 2 ? POLKAI_LOG_ERROR : level <= 4 ? POLKAI_LOG_WARN : level <= 5 ? POLKAI_LOG_INFO : POLKAI_LOG_DEBUG;
    if (is_noise(facility, text))
        ours = POLKAI_LOG_DEBUG;
    polkai_log_write(client->log, ours, NULL, "librdkafka %s: %s", facility, text);
}

/* ---- settings ------------------------------------------------------------------------------------- */

static const polkai_kafka_setting common[] = {
    { "socket.nagle.disable", "true" },              /* a hop is one small write: 12 us and the tail */
    { "socket.keepalive.enable", "true" },
    { "socket.timeout.ms", "30000" },
    { "socket.connection.setup.timeout.ms", "10000" },
    { "reconnect.backoff.ms", "50" },
    { "reconnect.backoff.max.ms", "1000" },          /* the default of 10 s is how long nothing happens after a restart */
    { "topic.metadata.refresh.interval.ms", "10000" },   /* a topic made later is seen within this; the default is 5 minutes */
    { NULL, NULL },
};

static polka_status set(rd_kafka_conf_t *conf, const char *key, const char *value, polka_error *error)
{
    char text[256];
    ENSURE(rd_kafka_conf_set(conf, key, value, text, sizeof text) == RD_KAFKA_CONF_OK, POLKA_MISUSE, error, "bad-property",
           "librdkafka refuses %s: %s", key, text);
    return POLKA_OK;
}

static polka_status set_all(rd_kafka_conf_t *conf, const polkai_kafka_setting *settings, polka_error *error)
{
    for (; settings->key != NULL; settings++)
        TRY(set(conf, settings->key, settings->value, error));
    return POLKA_OK;
}

void polkai_kafka_add_origins(const polkai_kafka_options *options, polka_error *error)
{
    size_t size = error != NULL ? strlen(error->message) : 0;
    for (size_t i = 0; error != NULL && i < options->property_count && size < sizeof error->message; i++) {
        const char *origin = options->origins != NULL ? options->origins[i] : NULL;
        int more = snprintf(error->message + size, sizeof error->message - size, "%s%s%s%s%s", i == 0 ? ". Set by you: " : ", ",
                            options->properties[i].key, origin != NULL ? " (" : "", origin != NULL ? origin : "", origin != NULL ? ")" : "");
        size += more > 0 ? (size_t)more : 0;
    }
}

static polka_status configure(rd_kafka_conf_t *conf, const polkai_kafka_options *options, const polkai_kafka_setting *settings, polka_error *error)
{
    TRY(set(conf, "bootstrap.servers", options->brokers, error));
    TRY(set(conf, "client.id", options->client_id == NULL ? "polka" : options->client_id, error));
    TRY(set(conf, "log_level", options->log != NULL && options->log->level >= POLKAI_LOG_DEBUG ? "7" : "5", error));
    TRY(set_all(conf, common, error));
    TRY(set_all(conf, settings, error));
    for (size_t i = 0; i < options->property_count; i++) {
        TRY(polkai_kafka_property_check(options->properties[i].key, options->properties[i].value, error));
        TRY(set(conf, options->properties[i].key, options->properties[i].value, error));
    }
    polka_status status = polkai_kafka_properties_check(options->properties, options->property_count, error);
    if (status != POLKA_OK)
        polkai_kafka_add_origins(options, error);
    return status;
}

polka_status polkai_kafka_client_open(polkai_kafka_client *client, rd_kafka_type_t type, const polkai_kafka_options *options,
                                      const polkai_kafka_setting *settings, void (*prepare)(rd_kafka_conf_t *conf), polka_error *error)
{
    ENSURE(options->brokers != NULL && *options->brokers != '\0', POLKA_MISUSE, error, "no-brokers",
           "no broker is named; give one as host:port, for example localhost:9092");
    TRY(polkai_kafka_check(error));
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    polka_status status = configure(conf, options, settings, error);
    if (status != POLKA_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    client->brokers = polkai_strdup(options->brokers);
    client->log = options->log;
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_log_cb(conf, write_log);
    rd_kafka_conf_set_error_cb(conf, polkai_kafka_outage_error);
    if (prepare != NULL)
        prepare(conf);
    client->handle = rd_kafka_new(type, conf, text, sizeof text);
    if (client->handle != NULL)
        return POLKA_OK;
    rd_kafka_conf_destroy(conf);
    free(client->brokers);
    polkai_fail(error, POLKA_MISUSE, "bad-property", "librdkafka does not start: %s", text);
    polkai_kafka_add_origins(options, error);
    return POLKA_MISUSE;
}

/* ---- the end -------------------------------------------------------------------------------------- */

static void *destroy(void *handle)
{
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return NULL;
}

bool polkai_kafka_silent(const polkai_kafka_client *client)
{
    return client->silent_ns != 0 && polkai_kafka_now_ns() - client->silent_ns < (int64_t)SILENT_SECONDS * 1000000000;
}

/* An owner in a hurry still gives it a moment: mostly that is enough. */
static int64_t destroy_ms(bool silent, int64_t end_ns)
{
    int64_t most = silent ? DESTROY_SILENT_MS : DESTROY_MS, left = (end_ns - polkai_kafka_now_ns()) / 1000000;
    return left < DESTROY_LEAST_MS ? DESTROY_LEAST_MS : left < most ? left : most;
}

/* pthread_timedjoin_np waits by the wall clock, which may be set back meanwhile; and ThreadSanitizer knows nothing of pthread_clockjoin_np. */
bool polkai_kafka_join(pthread_t thread, int64_t until_ns)
{
    while (pthread_tryjoin_np(thread, NULL) != 0) {
        if (polkai_kafka_now_ns() >= until_ns)
            return false;
        nanosleep(&(struct timespec){ .tv_nsec = JOIN_LOOK_NS }, NULL);
    }
    return true;
}

bool polkai_kafka_client_close(polkai_kafka_client *client, int64_t end_ns)
{
    bool silent = polkai_kafka_silent(client);
    int64_t wait_ms = destroy_ms(silent, end_ns);
    pthread_t thread;
    if (pthread_create(&thread, NULL, destroy, client->handle) != 0) {
        destroy(client->handle);
    } else if (!polkai_kafka_join(thread, polkai_kafka_now_ns() + wait_ms * 1000000)) {
        pthread_detach(thread);
        if (client->log != NULL && silent)
            LOG_WARN(client->log, "the broker at %s did not answer while the connection was being closed; leaving without it", client->brokers);
        else if (client->log != NULL)
            LOG_WARN(client->log, "librdkafka did not end within %" PRId64 " ms; a record is probably still in use. Going on without it", wait_ms);
        return false;
    }
    free(client->brokers);
    client->handle = NULL;
    return true;
}
