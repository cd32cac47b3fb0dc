/*
 * tracing.h: what a flow tells of each event that it handles and each one that it sends, for whoever traces: plain facts.
 *
 * The ids are those on the wire. The traceparent of an event names the span that sent it; a reaction to it is a child of that span
 * and linked to it, and what the reaction emits are its children. An id of a sent event repeats when its cause is handled again.
 */
#ifndef POLKA_FLOW_TRACING_H
#define POLKA_FLOW_TRACING_H

#include <polka/codec.h>

enum { POLKAI_TRACE_ID = 32, POLKAI_SPAN_ID = 16 };      /* hexadecimal digits, lower case */

typedef enum { POLKAI_SPAN_PROCESS = 1, POLKAI_SPAN_SEND } polkai_span_kind;
typedef enum { POLKAI_PARENT_NONE = 0, POLKAI_PARENT_SAMPLED, POLKAI_PARENT_NOT_SAMPLED } polkai_trace_parent;      /* what its traceparent says */

/* OpenTelemetry's span context: by which ids a span is known; span "": there is none. */
typedef struct { char trace[POLKAI_TRACE_ID + 1], span[POLKAI_SPAN_ID + 1]; } polkai_span_context;

/* One span. Texts are borrowed during the call; data NULL: not known. */
typedef struct {
    polkai_span_kind kind;
    polkai_span_context context, parent, link; /* link: PROCESS: what sent the event. SEND: of another trace: the reaction that did */
    int64_t began_ns, ended_ns;          /* by the steady clock */
    polka_text topic, type, id, conversation, key;       /* of the event; conversation: its correlation id */
    int32_t partition;                   /* -1: not known */
    int64_t offset;                      /* -1: not known */
    polka_text reaction;                 /* PROCESS */
    polka_text outcome;                  /* PROCESS: what the handler answered: "done", "skip", "retry" (also with no attempt left), "dead" */
    unsigned attempt;                    /* PROCESS */
    polka_text error, message;           /* error: a code; data NULL: all went well */
} polkai_span;

typedef struct {
    void *user;
    /* whether a trace is recorded: the same answer each time for the same arguments. Any thread, and more than once an event */
    bool (*samples)(void *user, const char *trace_id, polkai_trace_parent parent);
    /* a span has ended. Any thread; never waits for anything, and what it keeps it copies */
    void (*ended)(void *user, const polkai_span *span);
} polkai_tracing;

#endif
