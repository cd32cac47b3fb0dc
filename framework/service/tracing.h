/* tracing.h: whether a service traces, as its environment says, and what the flow gets for it. */
#ifndef POLKA_SERVICE_TRACING_H
#define POLKA_SERVICE_TRACING_H

#include <base/log.h>
#include <service/exporter.h>

typedef struct polkai_trace polkai_trace;

typedef struct {
    const polka_service *service;
    const char *client_id, *group;       /* group NULL: it has none */
    const polkai_log *log;
    char *const *environment;
} polkai_trace_options;

/* polkai_trace_open: NULL: nothing is traced, which costs nothing. What is wrong with the environment is told in the log, which stays. */
polkai_trace *polkai_trace_open(const polkai_trace_options *options);
/* polkai_trace_start: before the flow starts. Where libcurl is absent, the log says so and nothing is exported. NULL is fine. */
void polkai_trace_start(polkai_trace *trace);
const polkai_tracing *polkai_trace_for_flow(const polkai_trace *trace);              /* NULL for NULL */
bool polkai_trace_counts(const polkai_trace *trace, polkai_exporter_counts *counts); /* false: nothing is exported */

/* polkai_trace_finish: what is there is exported, for at most `left_ms`. NULL is fine. */
void polkai_trace_finish(polkai_trace *trace, int64_t left_ms);
void polkai_trace_close(polkai_trace *trace);            /* after the flow; NULL is fine */

#endif
