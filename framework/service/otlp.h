/*
 * otlp.h: spans as a request of OTLP/HTTP in JSON (opentelemetry-proto 1.x: ids are hexadecimal, 64-bit numbers decimal texts, enumerations
 * numbers), and what its answer says. Pure. Attributes are those of OpenTelemetry's conventions for messaging and Kafka.
 */
#ifndef POLKA_SERVICE_OTLP_H
#define POLKA_SERVICE_OTLP_H

#include <flow/tracing.h>

typedef struct { polka_text name, value; } polkai_attribute;

/* What is the same for all spans of a process. */
typedef struct {
    const polkai_attribute *resource;
    size_t resource_count;
    polka_text client_id, group;
    int64_t epoch_ns;                    /* what the steady clock lacks to the time since 1970; the exporter's to set */
} polkai_otlp;

/* A request is begin, any number of spans, end. */
void polkai_otlp_begin(const polkai_otlp *otlp, polka_buffer *out);
void polkai_otlp_span(const polkai_otlp *otlp, const polkai_span *span, bool first, polka_buffer *out);
void polkai_otlp_end(polka_buffer *out);

/* polkai_otlp_rejected: how many spans a collector that answered 200 did not take, and its reason, safe for a log. 0: it took all, or does not say. */
int64_t polkai_otlp_rejected(polka_text answer, char *reason, size_t capacity);

#endif
