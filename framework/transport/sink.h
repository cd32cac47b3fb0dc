/*
 * sink.h: where records go.
 */
#ifndef POLKA_TRANSPORT_SINK_H
#define POLKA_TRANSPORT_SINK_H

#include <transport/record.h>

/* What became of one send. */
typedef struct {
    void *cookie;
    polka_status status;                 /* OK: acknowledged by all in-sync replicas. TRANSIENT: may be sent again (the topic or the right to
                                            write to it is missing, a time-out, a producer that had to be made anew). POISON: refused for good (too large).
                                            FATAL: the sink is dead. */
    int32_t partition;
    int64_t offset;
    const char *code;                    /* "MSG_SIZE_TOO_LARGE"; stable */
    const char *message;                 /* borrowed, during the call */
} polkai_report;
typedef void polkai_report_function(void *user, const polkai_report *report);

/* polkai_refused_for_size: of a code of a refusal: the record was too large, and a smaller one may pass. */
static inline bool polkai_refused_for_size(const char *code)
{
    return strcmp(code, "MSG_SIZE_TOO_LARGE") == 0 || strcmp(code, "RECORD_LIST_TOO_LARGE") == 0 || strcmp(code, "INVALID_MSG_SIZE") == 0;
}

/* polkai_refused_for_right: the topic may be there, and this service may not write to it; whoever grants that ends it. */
static inline bool polkai_refused_for_right(const char *code)
{
    return strcmp(code, "TOPIC_AUTHORIZATION_FAILED") == 0;
}

typedef struct polkai_sink polkai_sink;
typedef struct {
    /*
     * send hands one record over. Any thread. value.data is borrowed until its report; topic, key and headers are copied.
     * errors: TRANSIENT when the queue is full (try again), POISON when the record can never be sent (no report follows).
     */
    polka_status (*send)(polkai_sink *sink, const polkai_record *record, void *cookie, polka_error *error);
    /*
     * poll runs the report function, on this thread, for what has been settled; waits up to timeout_ms for the first. It also
     * sends on what waits for its topic, so it must be called until all is reported.
     */
    size_t (*poll)(polkai_sink *sink, int timeout_ms);
    /* prepare asks for the metadata of topics now, so that the first send does not wait for it. Does not block. */
    void (*prepare)(polkai_sink *sink, const polka_text *topics, size_t count);
    /* close waits up to timeout_ms for what is under way, reports the rest as TRANSIENT, frees the sink. */
    void (*close)(polkai_sink *sink, int timeout_ms);
} polkai_sink_operations;
struct polkai_sink { const polkai_sink_operations *operations; };

#endif
