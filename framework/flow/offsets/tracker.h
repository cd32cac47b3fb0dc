/*
 * tracker.h: which events of one partition are under way, and up to where all of them are done.
 *
 * librdkafka keeps one number a partition and would commit past unfinished work; this keeps them all and gives only the
 * contiguous low-watermark. One tracker an assignment: what a former assignment left behind never reaches it.
 * thread: one (the poll thread).
 */
#ifndef POLKA_FLOW_TRACKER_H
#define POLKA_FLOW_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    struct polkai_tracked { int64_t offset; bool done; } *ring;      /* capacity is a power of two */
    size_t capacity;
    uint64_t head, tail;                 /* sequence numbers: oldest unfinished, next to be given */
    int64_t position;                    /* next offset to read when all is done; -1: nothing began */
} polkai_tracker;

void polkai_tracker_init(polkai_tracker *tracker);
void polkai_tracker_deinit(polkai_tracker *tracker);

/* polkai_tracker_begin: the event at `offset` is under way; offsets grow, but not by one. Returns its sequence number. */
uint64_t polkai_tracker_begin(polkai_tracker *tracker, int64_t offset);
/* polkai_tracker_reach: the one that began last stands for all offsets to before `position`. */
void polkai_tracker_reach(polkai_tracker *tracker, int64_t position);
void polkai_tracker_finish(polkai_tracker *tracker, uint64_t sequence);

/* polkai_tracker_watermark: the offset to commit: all before it are done. -1: nothing has begun. */
int64_t polkai_tracker_watermark(const polkai_tracker *tracker);
/* polkai_tracker_finished: one more than the sequence number of the last that is finished, whatever is unfinished before it. */
uint64_t polkai_tracker_finished(const polkai_tracker *tracker);
size_t polkai_tracker_unfinished(const polkai_tracker *tracker);     /* spans from the oldest unfinished to the newest begun */

#endif
