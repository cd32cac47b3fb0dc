/*
 * property.h: the one table of what can be configured. A row has name, type, range, default and help; it parses, validates,
 * names its environment variable, and writes its part of the reference page. A service's own settings become rows
 * under "app.".
 */
#ifndef POLKA_SERVICE_PROPERTY_H
#define POLKA_SERVICE_PROPERTY_H

#include <base/arena.h>

typedef enum {
    POLKAI_PROPERTY_TEXT = 1,
    POLKAI_PROPERTY_LIST,                /* texts with commas between; a list in YAML */
    POLKAI_PROPERTY_LONG,
    POLKAI_PROPERTY_BYTES,               /* 1048576, 64KiB, 32MiB, 1GiB */
    POLKAI_PROPERTY_BOOL,                /* true, false */
    POLKAI_PROPERTY_DURATION,            /* 500 (ms), 100ms, 5s, 2m, 1h, 7d; as a number: ms */
    POLKAI_PROPERTY_CHOICE               /* as a number: which word, from 0 */
} polkai_property_type;

typedef struct {
    const char *section;                 /* for help: "Broker"; NULL: not shown there */
    const char *name;                    /* "log.level" */
    polkai_property_type type;
    const char *fallback;                /* NULL: must be set, or comes from the service value */
    int64_t min, max;                    /* of LONG, BYTES, DURATION; both 0: no range */
    const char *words;                   /* of CHOICE, "a|b|c"; of LONG: one word that stands for min - 1 */
    bool secret;
    const char *help;
} polkai_property;

extern const polkai_property polkai_properties[];        /* ends with name NULL */

/* polkai_property_parse: checks `text`. errors: MISUSE "bad-value", what is taken instead, without the property's name. */
polka_status polkai_property_parse(const polkai_property *property, const char *text, int64_t *number, polka_error *error);

/* polkai_property_accepts: "a number, 1 to 256, or inline", for errors and the reference. Memory of arena. */
const char *polkai_property_accepts(const polkai_property *property, polka_arena *arena);

const char *polkai_property_variable(const char *name, polka_arena *arena);      /* "log.level": POLKA_LOG_LEVEL */
bool polkai_property_same_name(const char *a, const char *b);                    /* case is ignored, and . _ - are equal */

/* polkai_interval_read: "100ms", "5s", "2m", "1h", "7d", or a number of ms. */
bool polkai_interval_read(const char *text, int64_t *milliseconds);

/* polkai_kafka_name: POLKA_KAFKA_<NAME> to librdkafka's name: _ is ., __ is _, ___ is - (Apache Kafka's own image does so). */
const char *polkai_kafka_name(const char *variable, polka_arena *arena);

#endif
