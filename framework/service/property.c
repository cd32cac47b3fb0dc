/* property.c: the rows, and what a row can do. */
#include <base/error.h>
#include <base/text.h>
#include <service/property.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const polkai_property polkai_properties[] = {
    { "Broker", "brokers", POLKAI_PROPERTY_LIST, "localhost:9092", 0, 0, NULL, false,
      "Kafka brokers to begin with, host:port. Also KAFKA_BOOTSTRAP_SERVERS." },
    { "Broker", "group", POLKAI_PROPERTY_TEXT, NULL, 0, 0, NULL, false, "Consumer group; default: the service's own." },
    { "Broker", "client_id", POLKAI_PROPERTY_TEXT, NULL, 0, 0, NULL, false, "Name in the broker's logs; default: the service's name." },
    { "Work", "lanes", POLKAI_PROPERTY_LONG, "1", 1, 256, "inline", false,
      "Threads that run handlers; events of one key stay in order. inline: on the poll thread, for the lowest latency; "
      "a handler must then stay below max.poll.interval.ms (5 minutes)." },
    { "Work", "in_flight.events", POLKAI_PROPERTY_LONG, "10000", 1, 10000000, NULL, false, "Events in memory at most; those of a transaction under way are not counted." },
    { "Work", "in_flight.bytes", POLKAI_PROPERTY_BYTES, "32MiB", 1024, INT64_C(1) << 40, NULL, false, "Bytes of keys and values of events in memory at most; their headers are not counted, nor what handlers emit (emit.max_bytes each)." },
    { "Work", "in_flight.uncommitted", POLKAI_PROPERTY_LONG, "1000000", 1, INT64_C(1000000000), NULL, false,
      "Events that are done behind one that is not, and cannot be committed before it. When all partitions together have so many, one that has its share (at least "
      "in_flight.events) is not read until that event has ended. 16 bytes each; a restart handles them again. Not with delivery exactly-once, where "
      "in_flight.events bounds them." },
    { "Work", "emit.max_bytes", POLKAI_PROPERTY_BYTES, "1000000", 1024, 1000000000, NULL, false,
      "Largest emission. What is larger is poison, before anything of it is sent." },
    { "Work", "unreadable_batch", POLKAI_PROPERTY_CHOICE, "step-over", 0, 0, "step-over|park", false,
      "A batch of records that cannot be read, for 5 s and more: step-over makes one dead letter of its range of offsets and goes on, park stops its partition." },
    { "Work", "commit.interval_ms", POLKAI_PROPERTY_DURATION, "500ms", 1, 3600000, NULL, false, "Time between two commits of offsets; sooner once in_flight.events have ended." },
    { "Work", "transaction.interval_ms", POLKAI_PROPERTY_DURATION, "100ms", 1, 60000, NULL, false,
      "With delivery exactly-once: time between the beginnings of two transactions." },
    { "Work", "transaction.events", POLKAI_PROPERTY_LONG, "10000", 1, 10000000, NULL, false,
      "With delivery exactly-once: events of one transaction at most; so many that are ready begin it before its time." },
    { "Work", "drain.deadline_ms", POLKAI_PROPERTY_DURATION, "8s", 1, 3600000, NULL, false,
      "So long what is in flight has to end after SIGTERM or SIGINT, and when partitions are given up." },
    { "Work", "deadline.action", POLKAI_PROPERTY_CHOICE, "exit", 0, 0, "exit|replace-lane", false,
      "A handler past its .deadline_ms. exit: what is finished is committed, and the process ends with 4. replace-lane: its event becomes a dead letter "
      "(deadline-exceeded), nothing more of it counts, and its lane goes on with a new thread; 16 at most, then exit. Not with lanes inline or exactly-once." },
    { "Work", "breaker.attempts", POLKAI_PROPERTY_LONG, "3", 0, 10, NULL, false,
      "So many ends of the process by a fault or past a deadline at one event, and it becomes a dead letter (crash-loop). 0: never." },
    { "Work", "breaker.folder", POLKAI_PROPERTY_TEXT, "", 0, 0, NULL, false,
      "Folder that keeps the count; it must outlive the process. Default: $XDG_CACHE_HOME/polka/breaker, else ~/.cache/polka/breaker, else "
      "/var/cache/polka/breaker." },
    { "Wire", "envelope", POLKAI_PROPERTY_CHOICE, "cloudevents", 0, 0, "cloudevents|compact", false,
      "How emissions carry id, type, time and correlation. Readers take both." },
    { "Wire", "framing", POLKAI_PROPERTY_CHOICE, "single-object", 0, 0, "single-object|confluent", false,
      "How emissions name their schema: single-object (its fingerprint, announced on polka.schemas) or confluent (the registry's id). Readers take both." },
    { "Wire", "delivery", POLKAI_PROPERTY_CHOICE, "at-least-once", 0, 0, "at-least-once|exactly-once", false,
      "exactly-once: emissions, dead letters and offsets leave in Kafka transactions, for readers of what is committed. Ids of emissions repeat on redelivery with both." },
    { "Schemas", "schemas.registry.url", POLKAI_PROPERTY_LIST, "", 0, 0, NULL, false,
      "Schema registry (Confluent's API); several URLs are one registry. May have a path: http://host:8080/apis/ccompat/v7." },
    { "Schemas", "schemas.registry.user", POLKAI_PROPERTY_TEXT, "", 0, 0, NULL, false, "Basic authentication at the registry." },
    { "Schemas", "schemas.registry.password", POLKAI_PROPERTY_TEXT, "", 0, 0, NULL, true, "Of that user." },
    { "Schemas", "schemas.registry.token", POLKAI_PROPERTY_TEXT, "", 0, 0, NULL, true, "Bearer token, in place of user and password." },
    { "Schemas", "schemas.registry.ca", POLKAI_PROPERTY_TEXT, "", 0, 0, NULL, false,
      "PEM file of who is trusted under https; default: the system's. Verification cannot be switched off." },
    { "Schemas", "schemas.registry.certificate", POLKAI_PROPERTY_TEXT, "", 0, 0, NULL, false, "PEM file: the certificate of this service." },
    { "Schemas", "schemas.registry.key", POLKAI_PROPERTY_TEXT, "", 0, 0, NULL, false, "PEM file: the key of that certificate." },
    { "Schemas", "schemas.register", POLKAI_PROPERTY_CHOICE, "always", 0, 0, "always|never", false,
      "At start, schemas of emissions are registered (always), or must be registered already (never)." },
    { "Schemas", "schemas.subject", POLKAI_PROPERTY_CHOICE, "record", 0, 0, "record|topic|topic-record", false,
      "Subject of a schema: its full name, <topic>-value, or <topic>-<full name>." },
    { "Schemas", "schemas.cache", POLKAI_PROPERTY_TEXT, "", 0, 0, NULL, false,
      "Folder that keeps schemas of others; default: $XDG_CACHE_HOME/polka/schemas, else ~/.cache/polka/schemas, else /var/cache/polka/schemas." },
    { "Schemas", "schemas.missing_ms", POLKAI_PROPERTY_DURATION, "60s", 1, 86400000, NULL, false,
      "So long an event waits, and its key with it, for a schema that is not on polka.schemas; then it is a dead letter. Without that topic it waits on." },
    { "Schemas", "avro.max_depth", POLKAI_PROPERTY_LONG, "1000", 1, 10000, NULL, false, "Levels that a value may nest when it is read. Deeper is poison." },
    { "Schemas", "avro.max_empty_items", POLKAI_PROPERTY_LONG, "1000000", 1, 1000000000, NULL, false,
      "Items of arrays and maps that take no bytes, in a value that is read. More is poison." },
    { "Operations", "http.port", POLKAI_PROPERTY_LONG, "off", 0, 65535, "off", false,
      "Port of /livez, /readyz, /startupz and /metrics. 0: a free one, which the log names." },
    { "Operations", "http.address", POLKAI_PROPERTY_TEXT, "0.0.0.0", 0, 0, NULL, false, "Where that port listens: an address of this machine, such as 127.0.0.1 or ::." },
    { "Operations", "activity.enabled", POLKAI_PROPERTY_BOOL, "false", 0, 0, NULL, false,
      "Tells on polka.activity what each reaction did: outcome, how long it took, attempts. Beside the work: what cannot be sent is dropped and counted." },
    { "Log", "log.level", POLKAI_PROPERTY_CHOICE, "info", 0, 0, "error|warn|info|debug", false, "From which level on." },
    { "Log", "log.format", POLKAI_PROPERTY_CHOICE, "auto", 0, 0, "auto|text|json", false, "auto: text on a terminal, JSON lines otherwise." },
    { NULL, "manifest.sent", POLKAI_PROPERTY_BOOL, "true", 0, 0, NULL, false, "Announced on polka.services; not so by `polka bench`, which sets this." },
    { NULL, "embedded", POLKAI_PROPERTY_BOOL, "false", 0, 0, NULL, false, "The broker is the one inside `polka dev`, which sets this." },
    { 0 },
};

static const char *unit_of(const char *text, char **end, long long *number)
{
    errno = 0;
    *number = strtoll(text, end, 10);
    /* strtoll takes blanks and a plus, which are slips of the pen here */
    bool digits = isdigit((unsigned char)text[0]) || (text[0] == '-' && isdigit((unsigned char)text[1]));
    return digits && errno == 0 ? *end : NULL;
}

typedef struct { const char *name; int64_t factor; } unit;

static bool read_scaled(const char *text, const unit *units, size_t count, int64_t *number)
{
    char *end;
    long long value;
    const char *name = unit_of(text, &end, &value);
    if (name == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, units[i].name) == 0)
            return !__builtin_mul_overflow((int64_t)value, units[i].factor, number);
    return false;
}

bool polkai_interval_read(const char *text, int64_t *milliseconds)
{
    static const unit units[] = { { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    return read_scaled(text, units, sizeof units / sizeof *units, milliseconds);
}

static bool read_bytes(const char *text, int64_t *bytes)
{
    static const unit units[] = { { "", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 } };
    return read_scaled(text, units, sizeof units / sizeof *units, bytes);
}

static bool read_bool(const char *text, int64_t *number)
{
    *number = strcmp(text, "true") == 0;
    return *number == 1 || strcmp(text, "false") == 0;
}

/* Which of "a|b|c" the text is, from 0. */
static bool read_word(const char *words, const char *text, int64_t *number)
{
    size_t size = strlen(text);
    *number = 0;
    for (const char *at = words; at != NULL; (*number)++) {
        const char *end = strchr(at, '|');
        if ((end != NULL ? (size_t)(end - at) : strlen(at)) == size && strncmp(at, text, size) == 0)
            return true;
        at = end != NULL ? end + 1 : NULL;
    }
    return false;
}

static bool read_number(const polkai_property *property, const char *text, int64_t *number)
{
    static const unit plain = { "", 1 };
    switch (property->type) {
    case POLKAI_PROPERTY_LONG: return read_scaled(text, &plain, 1, number);
    case POLKAI_PROPERTY_BYTES: return read_bytes(text, number);
    case POLKAI_PROPERTY_DURATION: return polkai_interval_read(text, number);
    case POLKAI_PROPERTY_BOOL: return read_bool(text, number);
    case POLKAI_PROPERTY_CHOICE: return read_word(property->words, text, number);
    case POLKAI_PROPERTY_TEXT:
    case POLKAI_PROPERTY_LIST: break;
    }
    *number = 0;
    return true;
}

static const char *nearest_word(const char *words, const char *text, polka_arena *arena)
{
    const char *list[16];
    size_t count = 0;
    char *copy = (char *)(uintptr_t)polkai_arena_text(arena, words, strlen(words)).data, *rest = NULL;
    for (char *word = strtok_r(copy, "|", &rest); word != NULL && count < 16; word = strtok_r(NULL, "|", &rest))
        list[count++] = word;
    return polkai_nearest(text, list, count);
}

polka_status polkai_property_parse(const polkai_property *property, const char *text, int64_t *number, polka_error *error)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    if (property->type == POLKAI_PROPERTY_LONG && property->words != NULL && read_word(property->words, text, number)) {
        *number = property->min - 1;
        return POLKA_OK;
    }
    bool ranged = property->min != 0 || property->max != 0;
    if (read_number(property, text, number) && (!ranged || (*number >= property->min && *number <= property->max)))
        return POLKA_OK;
    const char *accepts = polkai_property_accepts(property, &arena);
    const char *near = property->words != NULL ? nearest_word(property->words, text, &arena) : NULL;
    /* a secret is not repeated, not even a wrong one */
    if (property->secret)
        return polkai_fail(error, POLKA_MISUSE, "bad-value", "the value is not %s", accepts);
    return polkai_fail(error, POLKA_MISUSE, "bad-value", "'%.80s' is not %s%s%s%s", text, accepts, near != NULL ? "; did you mean '" : "",
                       near != NULL ? near : "", near != NULL ? "'?" : "");
}

static const char *range(const polkai_property *property, polka_arena *arena, const char *what, const char *unit_name)
{
    const char *word = property->type == POLKAI_PROPERTY_LONG && property->words != NULL ? property->words : NULL;
    const char *text = property->min == 0 && property->max == 0
        ? what
        : polkai_arena_format(arena, "%s, %lld to %lld%s", what, (long long)property->min, (long long)property->max, unit_name).data;
    return word == NULL ? text : polkai_arena_format(arena, "%s, or %s", text, word).data;
}

const char *polkai_property_accepts(const polkai_property *property, polka_arena *arena)
{
    switch (property->type) {
    case POLKAI_PROPERTY_TEXT: return "a text";
    case POLKAI_PROPERTY_LIST: return "a list with commas";
    case POLKAI_PROPERTY_LONG: return range(property, arena, "a number", "");
    case POLKAI_PROPERTY_BYTES: return range(property, arena, "a size such as 64KiB or 32MiB", " bytes");
    case POLKAI_PROPERTY_BOOL: return "true or false";
    case POLKAI_PROPERTY_DURATION: return range(property, arena, "a duration such as 100ms, 5s or 2m", " ms");
    case POLKAI_PROPERTY_CHOICE: break;
    }
    polka_text words = polkai_arena_format(arena, "one of %s", property->words);
    char *text = polkai_arena_zeroed(arena, 2 * words.size + 1, 1), *out = text;
    for (const char *at = words.data; *at != '\0'; at++) {
        *out++ = *at == '|' ? ',' : *at;
        if (*at == '|')
            *out++ = ' ';
    }
    *out = '\0';
    return text;
}

const char *polkai_property_variable(const char *name, polka_arena *arena)
{
    char *text = polkai_arena_zeroed(arena, strlen(name) + sizeof "POLKA_", 1), *out = text + 6;
    memcpy(text, "POLKA_", 6);
    for (const char *at = name; *at != '\0'; at++)
        *out++ = *at == '.' || *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    return text;
}

static int folded(char c)
{
    return c == '.' || c == '-' ? '_' : tolower((unsigned char)c);
}

bool polkai_property_same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if (folded(*a) != folded(*b))
            return false;
    return *a == *b;
}

const char *polkai_kafka_name(const char *variable, polka_arena *arena)
{
    char *text = polkai_arena_zeroed(arena, strlen(variable) + 1, 1), *out = text;
    for (const char *at = variable; *at != '\0';) {
        size_t bars = strspn(at, "_");
        if (bars == 0) {
            *out++ = (char)tolower((unsigned char)*at++);
            continue;
        }
        size_t taken = bars < 3 ? bars : 3;
        *out++ = taken == 1 ? '.' : taken == 2 ? '_' : '-';
        at += taken;
    }
    return text;
}
