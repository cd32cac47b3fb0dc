/* property.c: which releases of librdkafka and which of its properties are refused, each with its reason, alone or together. */
#include <transport/kafka/client.h>

#include <base/error.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- releases ------------------------------------------------------------------------------------- */

/* From librdkafka's own CHANGELOG.md, the sections of the releases that repaired them. First and last, as 0xMMmmpp. */
static const struct { int first, last; const char *why; } refused_releases[] = {
    { 0x020100, 0x020100, "it gives records twice when a leader changes, and crashes when a follower is read (mended in 2.1.1)" },
    { 0x020200, 0x0204ff, "its idempotent producer stops for good with 'Unable to reconstruct MessageSet' when a large batch is sent again (mended in 2.5.0)" },
    { 0x020500, 0x020502, "it ends the process when a broker asks for metrics that it does not have (mended in 2.5.3)" },
    { 0x020600, 0x020600, "it reads nothing from brokers before Kafka 2.7 (mended in 2.6.1)" },
    { 0x020a00, 0x020a00, "it may not come back after all brokers were away, and use memory it has freed (mended in 2.10.1)" },
};

polka_status polkai_kafka_release_check(int release, polka_error *error)
{
    int number = release >> 8;
    int major = number >> 16, minor = number >> 8 & 0xff, patch = number & 0xff;
    ENSURE(number >= 0x020002, POLKA_MISUSE, error, "old-librdkafka", "librdkafka %d.%d.%d is too old; 2.0.2 is the oldest that works", major, minor, patch);
    for (size_t i = 0; i < sizeof refused_releases / sizeof *refused_releases; i++)
        ENSURE(number < refused_releases[i].first || number > refused_releases[i].last, POLKA_MISUSE, error, "bad-librdkafka",
               "librdkafka %d.%d.%d is refused: %s. Install another, 2.0.2 (Debian 12) or 2.12.1 and later; nothing has to be built anew for it",
               major, minor, patch, refused_releases[i].why);
    return POLKA_OK;
}

polka_status polkai_kafka_check(polka_error *error)
{
    return polkai_kafka_release_check(rd_kafka_version(), error);
}

const char *polkai_kafka_version(void)
{
    return rd_kafka_version_str();
}

/* ---- properties ----------------------------------------------------------------------------------- */

/* What our promises rest on; each row says what to do in its place. */
static const struct { const char *key, *why; } refused_properties[] = {
    { "bootstrap.servers", "set the property brokers" },
    { "metadata.broker.list", "set the property brokers" },
    { "group.id", "set the property group" },
    { "client.id", "set the property client_id" },
    { "enable.auto.commit", "offsets are committed by the framework, when an event and all it caused are done" },
    { "enable.auto.offset.store", "offsets are committed by the framework, when an event and all it caused are done" },
    { "auto.commit.enable", "offsets are committed by the framework, when an event and all it caused are done" },
    { "delivery.report.only.error", "the framework waits for every acknowledgement" },
    { "enable.partition.eof", "the framework does not use it" },
    { "transactional.id", "it is made of the group, the host and a number, so that each process has its own" },
    { "plugin.library.paths", "no code is loaded by configuration" },
    { "ssl.engine.location", "no code is loaded by configuration" },
    { "ssl.providers", "no code is loaded by configuration" },
};

/* The names that librdkafka knows, for a hint: those of a fresh configuration. */
typedef struct { const char **of_client, **of_topic; size_t client_count, topic_count; } known;

static void forget(known *all)
{
    rd_kafka_conf_dump_free(all->of_client, all->client_count);
    rd_kafka_conf_dump_free(all->of_topic, all->topic_count);
}

static known recall(rd_kafka_conf_t *conf)
{
    known all;
    rd_kafka_topic_conf_t *topic = rd_kafka_topic_conf_new();
    all.of_client = rd_kafka_conf_dump(conf, &all.client_count);
    all.of_topic = rd_kafka_topic_conf_dump(topic, &all.topic_count);
    rd_kafka_topic_conf_destroy(topic);
    return all;
}

/* Its aliases are in no list that it gives, and are what people write. */
static const char *const aliases[] = { "acks", "linger.ms", "retries", "compression.type", "max.in.flight", "max.partition.fetch.bytes", "sasl.mechanism" };

static polka_status unknown(rd_kafka_conf_t *conf, const char *key, polka_error *error)
{
    const char *names[1024];
    size_t count = sizeof aliases / sizeof *aliases;
    memcpy(names, aliases, sizeof aliases);
    known all AUTO(forget) = recall(conf);
    for (size_t i = 0; i < all.client_count && count < 1024; i += 2)           /* name, value, name, … */
        names[count++] = all.of_client[i];
    for (size_t i = 0; i < all.topic_count && count < 1024; i += 2)
        names[count++] = all.of_topic[i];
    const char *nearest = polkai_nearest(key, names, count);
    return polkai_fail(error, POLKA_MISUSE, "unknown-property", "librdkafka %s has no property %s%s%s%s", rd_kafka_version_str(), key,
                       nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
}

static polka_status try_set(rd_kafka_conf_t *conf, const char *key, const char *value, polka_error *error)
{
    char text[256];
    switch (rd_kafka_conf_set(conf, key, value, text, sizeof text)) {
    case RD_KAFKA_CONF_OK:
        return POLKA_OK;
    case RD_KAFKA_CONF_UNKNOWN:
        return unknown(conf, key, error);
    default:
        return polkai_fail(error, POLKA_MISUSE, "bad-property", "librdkafka refuses the value of %s: %s", key, text);
    }
}

/* What older releases do not have, or not in good order; `word`: in the value, in capitals or not; NULL: with any. */
static const struct { const char *key, *word; int since; const char *why; } newer_properties[] = {
    { "partition.assignment.strategy", "cooperative", 0x020a01, "before, a commit during a rebalance may lose the whole assignment (librdkafka#4059), and until 2.6.1 it "
      "may hang. Leave it out, which means range" },
    { "group.protocol", NULL, 0x020c00, "before, KIP-848 is a preview, and until 2.4.0 not there. Leave it out, which means the classic protocol" },
    { "group.remote.assignor", NULL, 0x020c00, "it belongs to group.protocol=consumer. Leave it out" },
};

polka_status polkai_kafka_release_takes(int release, const char *key, const char *value, polka_error *error)
{
    int number = release >> 8;
    for (size_t i = 0; i < sizeof newer_properties / sizeof *newer_properties; i++) {
        int since = newer_properties[i].since;
        bool asked = strcmp(key, newer_properties[i].key) == 0 && (newer_properties[i].word == NULL || strcasestr(value, newer_properties[i].word) != NULL);
        ENSURE(!asked || number >= since, POLKA_MISUSE, error, "refused-property",
               "%s=%s needs librdkafka %d.%d.%d or later, this is %d.%d.%d: %s, or install 2.12.1 or later; nothing has to be built anew for it", key, value,
               since >> 16, since >> 8 & 0xff, since & 0xff, number >> 16, number >> 8 & 0xff, number & 0xff, newer_properties[i].why);
    }
    return POLKA_OK;
}

/* With group.protocol=consumer the broker decides them for all members, and librdkafka refuses any value, ours too. */
static const struct { const char *key, *instead; } of_classic[] = {
    { "session.timeout.ms", "set group.consumer.session.timeout.ms of the broker or of the group" },
    { "heartbeat.interval.ms", "set group.consumer.heartbeat.interval.ms of the broker or of the group" },
    { "partition.assignment.strategy", "set group.remote.assignor (uniform, range)" },
    { "group.protocol.type", "leave it out" },
};

bool polkai_kafka_is_of_classic(const char *key)
{
    for (size_t i = 0; i < sizeof of_classic / sizeof *of_classic; i++)
        if (strcmp(key, of_classic[i].key) == 0)
            return true;
    return false;
}

bool polkai_kafka_by_consumer_protocol(const polkai_kafka_property *properties, size_t count)
{
    bool by_consumer = false;
    for (size_t i = 0; i < count; i++)   /* the last counts; librdkafka does not look at capitals in this one */
        if (strcmp(properties[i].key, "group.protocol") == 0)
            by_consumer = strcasecmp(properties[i].value, "consumer") == 0;
    return by_consumer;
}

polka_status polkai_kafka_properties_check(const polkai_kafka_property *properties, size_t count, polka_error *error)
{
    bool by_consumer = polkai_kafka_by_consumer_protocol(properties, count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; by_consumer && j < sizeof of_classic / sizeof *of_classic; j++)
            ENSURE(strcmp(properties[i].key, of_classic[j].key) != 0, POLKA_MISUSE, error, "refused-property",
                   "%s=%s does not go with group.protocol=consumer, where the broker decides it: take it out, and %s", properties[i].key,
                   properties[i].value, of_classic[j].instead);
        ENSURE(by_consumer || strcmp(properties[i].key, "group.remote.assignor") != 0, POLKA_MISUSE, error, "refused-property",
               "group.remote.assignor=%s has an effect with group.protocol=consumer only: set that too, or partition.assignment.strategy in its place",
               properties[i].value);
    }
    return POLKA_OK;
}

polka_status polkai_kafka_property_check(const char *key, const char *value, polka_error *error)
{
    for (size_t i = 0; i < sizeof refused_properties / sizeof *refused_properties; i++)
        ENSURE(strcmp(key, refused_properties[i].key) != 0, POLKA_MISUSE, error, "refused-property", "%s cannot be set here: %s",
               key, refused_properties[i].why);
    TRY(polkai_kafka_release_takes(rd_kafka_version(), key, value, error));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    polka_status status = try_set(conf, key, value, error);
    rd_kafka_conf_destroy(conf);
    return status;
}
