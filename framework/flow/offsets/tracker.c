/* tracker.c: a ring of begun offsets; finishing the oldest moves the watermark over all that are done behind it. */
#include <base/arena.h>
#include <base/plant.h>
#include <flow/offsets/tracker.h>

#include <stdlib.h>

void polkai_tracker_init(polkai_tracker *tracker)
{
    *tracker = (polkai_tracker){ .position = -1 };
}

void polkai_tracker_deinit(polkai_tracker *tracker)
{
    free(tracker->ring);
    polkai_tracker_init(tracker);
}

static void grow(polkai_tracker *tracker)
{
    size_t capacity = tracker->capacity == 0 ? 64 : tracker->capacity * 2;
    struct polkai_tracked *ring = polkai_alloc(capacity * sizeof *ring);
    for (uint64_t i = tracker->head; i < tracker->tail; i++)
        ring[i & (capacity - 1)] = tracker->ring[i & (tracker->capacity - 1)];
    free(tracker->ring);
    tracker->ring = ring;
    tracker->capacity = capacity;
}

uint64_t polkai_tracker_begin(polkai_tracker *tracker, int64_t offset)
{
    if (tracker->tail - tracker->head == tracker->capacity)
        grow(tracker);
    tracker->ring[tracker->tail & (tracker->capacity - 1)] = (struct polkai_tracked){ offset, false };
    tracker->position = offset + 1;
    return tracker->tail++;
}

void polkai_tracker_finish(polkai_tracker *tracker, uint64_t sequence)
{
    size_t mask = tracker->capacity - 1;
    tracker->ring[sequence & mask].done = true;
    while (tracker->head < tracker->tail && tracker->ring[tracker->head & mask].done)
        tracker->head++;
    if (POLKAI_PLANT(watermark_highest) && sequence >= tracker->head)
        tracker->head = sequence + 1;
}

void polkai_tracker_reach(polkai_tracker *tracker, int64_t position)
{
    tracker->position = position;
}

int64_t polkai_tracker_watermark(const polkai_tracker *tracker)
{
    return tracker->head == tracker->tail || POLKAI_PLANT(commit_unfinished) ? tracker->position : tracker->ring[tracker->head & (tracker->capacity - 1)].offset;
}

uint64_t polkai_tracker_finished(const polkai_tracker *tracker)
{
    uint64_t end = tracker->tail;
    while (end > tracker->head && !tracker->ring[(end - 1) & (tracker->capacity - 1)].done)
        end--;
    return end;
}

size_t polkai_tracker_unfinished(const polkai_tracker *tracker)
{
    return (size_t)(tracker->tail - tracker->head);
}
