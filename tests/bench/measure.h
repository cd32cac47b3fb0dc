/*
 * measure.h: what both measured programs do the same: the handler's own work, and the clock around it. Time and CPU count
 * from the first event that the handler sees to the moment when all is acknowledged and committed.
 */
#ifndef POLKA_BENCH_MEASURE_H
#define POLKA_BENCH_MEASURE_H

#include "bench_events.h"

/* measure_event: the lines of an order summed up, and the event counted; returns how many there were. Any thread. */
int64_t measure_event(const bench_order_placed *order, int64_t *total);
void measure_busy(int64_t microseconds); /* a handler that computes so long; any thread */
void measure_end(void);                  /* of the last call */
/* measure_print: one JSON object (peak_kib: most resident memory), or nothing when there was no event. To standard error: a service's log has the output. */
void measure_print(void);

#endif
