/*
 * config.h: the effective configuration of a service: built-in < YAML file < environment < flag, each value with where
 * it was set. Nothing is read later on: what stands here holds for the life of the process.
 *
 * The file is the project file (polka.yaml) or one of the service alone. Properties stand at the top or under `settings`;
 * `services.<name>` wins over both; `kafka` at any of these places goes to librdkafka verbatim. Members of the
 * project file that are no properties (schemas, build, topics, …) are passed over.
 */
#ifndef POLKA_SERVICE_CONFIG_H
#define POLKA_SERVICE_CONFIG_H

#include <flow/flow.h>
#include <service/arguments.h>
#include <transport/kafka/kafka.h>

typedef struct {
    polkai_property property;
    polka_text text;                     /* data NULL: not set */
    int64_t number;
    const char *origin;                  /* "built-in", "polka.yaml:3:5", "environment POLKA_GROUP", "flag --group" */
} polkai_config_value;

typedef struct {
    const polka_service *service;
    polkai_arguments arguments;
    polkai_config_value *values;         /* in the order of the table, then the service's own */
    size_t count;
    polkai_kafka_property *kafka;        /* what was passed through to librdkafka; unique keys */
    const char **kafka_origins;
    size_t kafka_count;
    polka_arena arena;
} polkai_config;

/*
 * polkai_config_create reads all layers. *config is new (polkai_config_destroy); service, argv and environment are
 * borrowed until then. environment: as environ, NULL: none.
 * errors: MISUSE "unknown-property", "bad-value", "usage", "bad-yaml", "no-file", "bad-settings": where it was set, what is
 *         wrong, the nearest valid name. Values that must be set and are not: see polkai_config_require.
 */
polka_status polkai_config_create(polkai_config **config, const polka_service *service, int argc, char **argv, char *const *environment,
                                  polka_error *error);
void polkai_config_destroy(polkai_config *config);       /* NULL is fine */

/* polkai_config_require: MISUSE "not-set" when a setting has no value that must have one; names where it can be set. */
polka_status polkai_config_require(const polkai_config *config, polka_error *error);

const polkai_config_value *polkai_config_find(const polkai_config *config, const char *name);     /* NULL: no such property */
const char *polkai_config_text(const polkai_config *config, const char *name);       /* of a property that exists; NUL-terminated */
int64_t polkai_config_number(const polkai_config *config, const char *name);

/* polkai_config_settings: the service's own settings for the flow; any thread; lives as long as config. */
polkai_settings polkai_config_settings(polkai_config *config);

bool polkai_kafka_secret(const char *key);               /* is masked; may come from <key>_file */

/* layers.c: what config.c calls in this order. */
polka_status polkai_config_read_file(polkai_config *config, const char *path, polka_error *error);
polka_status polkai_config_read_environment(polkai_config *config, char *const *environment, polka_error *error);
polka_status polkai_config_read_flags(polkai_config *config, polka_error *error);

/* For the layers: set one property, one property of librdkafka, or refuse a name; `origin` lives in the arena. */
polka_status polkai_config_set(polkai_config *config, polkai_config_value *value, bool from_file, const char *text, const char *origin, polka_error *error);
polka_status polkai_config_set_kafka(polkai_config *config, const char *key, const char *text, const char *origin, polka_error *error);
/* polkai_config_match: the property of that name; *from_file when it is the _file form of a secret. NULL: none. */
polkai_config_value *polkai_config_match(polkai_config *config, const char *name, bool (*same)(const char *a, const char *b), bool *from_file);
/* polkai_config_unknown: `others`, NULL at the end: what may stand there beside properties; NULL: nothing. */
polka_status polkai_config_unknown(polkai_config *config, const char *name, const char *const *others, const char *origin, polka_error *error);

#endif
