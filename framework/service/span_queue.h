/*
 * span_queue.h: spans between those who end them, on any thread, and the one who exports them. Bounded: memory is taken once, and what finds
 * it full is dropped and counted. No lock: a span costs one compare-and-swap and the copy of its texts.
 */
#ifndef POLKA_SERVICE_SPAN_QUEUE_H
#define POLKA_SERVICE_SPAN_QUEUE_H

#include <flow/tracing.h>

typedef struct polkai_span_queue polkai_span_queue;

polkai_span_queue *polkai_span_queue_create(size_t capacity);        /* new */
void polkai_span_queue_destroy(polkai_span_queue *queue);            /* NULL is fine */

/* polkai_span_queue_put copies `span`; long texts are cut. false: full. Any thread. */
bool polkai_span_queue_put(polkai_span_queue *queue, const polkai_span *span);

/* ---- for the one who takes ---- */
/* polkai_span_queue_first: the oldest, as it was put, until polkai_span_queue_drop_first. NULL: there is none. */
const polkai_span *polkai_span_queue_first(polkai_span_queue *queue);
void polkai_span_queue_drop_first(polkai_span_queue *queue);
size_t polkai_span_queue_count(const polkai_span_queue *queue);      /* about */

#endif
