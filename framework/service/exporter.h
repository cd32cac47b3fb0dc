/*
 * exporter.h: a thread that takes spans from a queue and posts them to a collector, in batches. Whatever the collector does, nothing waits
 * for it but this thread: what finds the queue full, or is not taken by the collector in time, is dropped and counted.
 *
 * 429, 502, 503, 504 and no answer are tried again, after what Retry-After says (5 minutes at most) or after 1 s, 1.5 s, … 30 s, each by
 * half more or less, until the batch's time is over; all else is an answer. It takes a twentieth of a processor at most. A change for the
 * worse or the better is told in the log, and the first reason of each.
 */
#ifndef POLKA_SERVICE_EXPORTER_H
#define POLKA_SERVICE_EXPORTER_H

#include <base/log.h>
#include <service/trace_settings.h>

typedef struct polkai_exporter polkai_exporter;

/* How many spans went which way so far. */
typedef struct { uint64_t exported, dropped_full, dropped_refused, dropped_unreached; } polkai_exporter_counts;

/*
 * polkai_exporter_start loads libcurl; asks nothing of the network. settings, otlp and log stay until the close. *exporter is new.
 * errors: as polkai_http_open.
 */
polka_status polkai_exporter_start(polkai_exporter **exporter, const polkai_trace_settings *settings, const polkai_otlp *otlp, const polkai_log *log, polka_error *error);

/* polkai_exporter_put: never waits. Any thread, from start to close. */
void polkai_exporter_put(polkai_exporter *exporter, const polkai_span *span);
polkai_exporter_counts polkai_exporter_count(const polkai_exporter *exporter);       /* any thread */

/*
 * polkai_exporter_finish exports what is there, for at most `left_ms` (or three seconds; one, where the collector did not answer lately) and the
 * second that libcurl takes to stop; afterwards nothing is exported any more.
 */
void polkai_exporter_finish(polkai_exporter *exporter, int64_t left_ms);
void polkai_exporter_close(polkai_exporter *exporter);   /* NULL is fine; finishes with nothing left, if it was not finished */

#endif
