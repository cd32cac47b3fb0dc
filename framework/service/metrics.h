/* metrics.h: what a service counts, as Prometheus reads it (/metrics). */
#ifndef POLKA_SERVICE_METRICS_H
#define POLKA_SERVICE_METRICS_H

#include <base/arena.h>
#include <flow/flow.h>
#include <service/exporter.h>

#define POLKAI_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef struct {
    polkai_flow *flow;
    const polka_service *service;
    const char *group;
    bool ready;
    const polkai_exporter_counts *traces;    /* NULL: nothing is exported */
} polkai_metrics_of;
/* polkai_metrics_write: of a flow with options.metered; any thread. Labels come from the service value and the assignment, never from an event. */
polka_text polkai_metrics_write(const polkai_metrics_of *of, polka_arena *arena);

#endif
