/*
 * meter.h: what a flow counts for those who run it, and how it is asked from any thread.
 *
 * Each lane has counters of its own in cache lines of its own: an event costs a load and a store a counter, no lock, no text. What only
 * the poll thread knows (its partitions) it copies once a second, for whoever asks.
 */
#ifndef POLKA_FLOW_METER_H
#define POLKA_FLOW_METER_H

#include <flow/flow.h>

/* Upper bounds of how long a handler took, as OpenTelemetry gives them for messaging.process.duration; beyond the last: +Inf. */
enum { POLKAI_METER_BOUNDS = 14 };
extern const int64_t polkai_meter_bounds_ns[POLKAI_METER_BOUNDS];

/* One reaction, all lanes together. reaction NULL: records whose type could not be told. */
typedef struct {
    const polka_reaction *reaction;
    uint64_t done, skipped, retries, dead;
    uint64_t took_ns, took[POLKAI_METER_BOUNDS + 1];     /* handler attempts, by bound; not cumulative */
    unsigned running;                    /* handlers that run now */
    int64_t running_ns, deadline_ms;     /* the longest of them; inline and with lanes as seen by who watches deadlines */
} polkai_reaction_reading;

/* A partition of the assignment; offsets -1: not known. */
typedef struct {
    polka_text topic;
    int32_t partition;
    int64_t done;                        /* all before it is done */
    int64_t committed, end;              /* as last committed; of the partition, as the broker said last */
    uint64_t in_flight;                  /* events from the oldest unfinished to the newest taken */
    bool held;                           /* not read until the oldest has ended (uncommitted.c) */
} polkai_partition_reading;

typedef struct {
    uint64_t received, unknown_types, tombstones, sends_repeated, commits, commits_failed, assigned, revoked, lost;
    uint64_t waiting_keys, waiting_events, in_flight, in_flight_bytes;
    uint64_t activity_told, activity_dropped;            /* records on polka.activity: acknowledged, and those that were not to be */
    bool activity;                       /* it is told of */
    const polkai_partition_reading *partitions;          /* in the arena */
    size_t partition_count;
} polkai_flow_reading;

/* Any thread, from create to destroy, of a flow with options.metered. */
size_t polkai_meter_reactions(const polkai_flow *flow);  /* rows; the last is the one without a reaction */
polkai_reaction_reading polkai_meter_read(const polkai_flow *flow, size_t row);
/* polkai_meter_emitted: how many events of the target-th type the row has emitted. NULL: there is no such type. */
const polka_event *polkai_meter_emitted(const polkai_flow *flow, size_t row, size_t target, uint64_t *count);
void polkai_meter_read_flow(polkai_flow *flow, polka_arena *arena, polkai_flow_reading *reading);

#endif
