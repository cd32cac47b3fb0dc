/*
 * trace_settings.h: OpenTelemetry's environment variables, as its specification has them: what is empty counts as not set, and what cannot
 * be read is told of and stands as if it were not there, for nothing about tracing may keep a service from its work.
 *
 * Tracing is on when an endpoint is set, or OTEL_TRACES_EXPORTER is otlp.
 */
#ifndef POLKA_SERVICE_TRACE_SETTINGS_H
#define POLKA_SERVICE_TRACE_SETTINGS_H

#include <base/arena.h>
#include <service/otlp.h>
#include <service/sampler.h>

enum { POLKAI_TRACE_WARNINGS = 16, POLKAI_TRACE_ATTRIBUTES = 128, POLKAI_TRACE_HEADERS = 64 };

/* One variable that is read, for the reference. */
typedef struct {
    const char *name;                    /* "OTEL_TRACES_SAMPLER"; NULL ends the table */
    const char *of_traces;               /* the one that wins over it; NULL: there is none */
    const char *fallback, *help;
} polkai_trace_variable;
extern const polkai_trace_variable polkai_trace_variables[];

typedef struct {
    bool on;
    const char *endpoint, *shown;        /* the whole URL; without its query, which may be a secret, for messages */
    const char *headers[POLKAI_TRACE_HEADERS + 1];       /* "Name: value"; NULL ends them */
    const char *ca, *certificate, *key;  /* PEM files; NULL: none */
    const char *sampler_name;
    polkai_sampler sampler;
    polkai_attribute resource[POLKAI_TRACE_ATTRIBUTES];
    size_t resource_count;
    int64_t timeout_ms;                  /* of one request */
    int64_t delay_ms, export_ms;         /* between two batches; of one, with all its attempts */
    int64_t queue, batch;                /* spans */
    const char *warnings[POLKAI_TRACE_WARNINGS];         /* for the log */
    size_t warning_count;
} polkai_trace_settings;

/* polkai_trace_settings_read: `environment` as environ; attributes of the resource that the service itself gives are in `own`. Memory of arena. */
void polkai_trace_settings_read(polkai_trace_settings *settings, char *const *environment, const polkai_attribute *own, size_t own_count, polka_arena *arena);

/* polkai_trace_variable_of: the value of a variable; NULL: not set, or empty. Borrowed. */
const char *polkai_trace_variable_of(char *const *environment, const char *name);

#endif
