/*
 * envelope.h: what a record says about its event, beside the value: CloudEvents 1.0 in Kafka headers, or one compact header.
 */
#ifndef POLKA_FLOW_ENVELOPE_H
#define POLKA_FLOW_ENVELOPE_H

#include <transport/record.h>

enum { POLKAI_ENVELOPE_HEADERS = 14, POLKAI_HEADER_LIMIT = 8192, POLKAI_HOPS_LIMIT = 16 };
enum { POLKAI_TRACEPARENT = 55, POLKAI_TRACE_AT = 3, POLKAI_PARENT_AT = 36, POLKAI_FLAGS_AT = 53 };      /* characters of a traceparent, and where its parts stand */

typedef enum {
    POLKAI_MODE_FOREIGN = 0,             /* no CloudEvents headers at all: never an error */
    POLKAI_MODE_BINARY,                  /* ce_ headers, the value is the data (CloudEvents Kafka binding 1.0.2, section 3.2) */
    POLKAI_MODE_COMPACT,                 /* header polka-envelope */
    POLKAI_MODE_STRUCTURED               /* content-type application/cloudevents+json (section 3.3) */
} polkai_envelope_mode;

typedef struct {
    polkai_envelope_mode mode;
    polka_text id, source, type;         /* data NULL: absent */
    polka_text subject, correlation_id, causation_id, dataschema, traceparent;
    int64_t time_ms;                     /* 0: absent */
    unsigned hops, attempt;              /* attempt: 0 or 1 on what a first attempt emitted */
    polka_bytes schema_id;               /* header __value_schema_id, as it is; data NULL: absent */
    polka_bytes data;                    /* structured mode only: the bytes of data_base64 … */
    polka_text json;                     /* … or the JSON text of data; of the two one has data, unless there is none */
} polkai_envelope;

/*
 * polkai_envelope_open reads the headers of `record` (polkai_record_headers was called) into `envelope`.
 *
 * An absent id becomes "partition/offset/timestamp" under the source "/<cluster>/<topic>".
 * ownership: texts are borrowed from `record` or live in `arena`.
 * errors:    POISON "bad-header" when a ce_, traceparent or polka- header is not UTF-8, longer than 8 KiB, or a ce_ header
 *            stands there twice with two values; "bad-envelope" for a compact or structured envelope that cannot be read.
 */
polka_status polkai_envelope_open(const polkai_record *record, polka_text cluster, polka_arena *arena, polkai_envelope *envelope, polka_error *error);

/*
 * polkai_envelope_write makes the headers of an event that is about to be sent; returns how many. mode decides between
 * BINARY and COMPACT. Texts of the headers are borrowed from `envelope` or live in `arena`.
 */
size_t polkai_envelope_write(const polkai_envelope *envelope, polka_arena *arena, polkai_header headers[POLKAI_ENVELOPE_HEADERS]);

/*
 * polkai_envelope_trace: the traceparent of an event with this id: the cause's trace when it has a valid one (W3C Trace
 * Context), else the trace whose id is the correlation id; the parent id is taken from the event's own id, so that it repeats.
 */
polka_text polkai_envelope_trace(polka_text cause, polka_text correlation_id, polka_text id, polka_arena *arena);
void polkai_envelope_trace_write(char traceparent[POLKAI_TRACEPARENT + 1], polka_text cause, polka_text correlation_id, polka_text id);
bool polkai_envelope_trace_valid(polka_text traceparent);            /* data NULL: false */
/* Of a valid one, the flag "sampled"; the other flags stay as they are. */
bool polkai_envelope_trace_sampled(const char *traceparent);
void polkai_envelope_trace_set_sampled(char *traceparent, bool sampled);

/* polkai_envelope_subject: the key, where a reader takes it as a header: UTF-8 of at most POLKAI_HEADER_LIMIT bytes; else absent. Borrowed. */
polka_text polkai_envelope_subject(polka_bytes key);

/* polkai_envelope_dataschema: "polka:<fingerprint as 16 hex digits>" */
polka_text polkai_envelope_dataschema(uint64_t fingerprint, polka_arena *arena);

/* Compact form, version 1; see README.md for its schema. */
polka_bytes polkai_compact_write(const polkai_envelope *envelope, polka_arena *arena);
polka_status polkai_compact_read(polka_bytes bytes, polka_arena *arena, polkai_envelope *envelope, polka_error *error);
/* Structured form: the JSON of the value. */
polka_status polkai_structured_read(polka_bytes value, polka_arena *arena, polkai_envelope *envelope, polka_error *error);

#endif
