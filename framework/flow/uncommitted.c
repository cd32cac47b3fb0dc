/*
 * uncommitted.c: how far a partition goes on behind an event that does not end.
 *
 * At-least-once only a contiguous watermark can be committed. While one event waits (the topic of its dead letter is missing, say), those of
 * other keys go on; each that is done behind it is remembered until it can be committed, and done again after a restart. That has a bound:
 * when all partitions together have so many, those that have more than their share are read no more until their event has ended, and the
 * others go on. A share is never less than what may be in flight, which a slow handler alone leaves behind it. Exactly-once needs none of
 * this: what is done behind an event waits for it, and stands in the budget of what is in flight.
 */
#include <base/error.h>
#include <flow/inner.h>

/* Reading is taken up again with some room, as each time what was fetched ahead is fetched once more. */
static uint64_t most_of(uint64_t bound, bool held) { return held ? bound - bound / 4 : bound; }

void polkai_uncommitted_share(polkai_flow *flow)
{
    uint64_t share = flow->options.uncommitted_events / (flow->partition_count == 0 ? 1 : flow->partition_count);
    share = share < flow->options.in_flight_events ? flow->options.in_flight_events : share;
    flow->uncommitted_share = flow->transact != NULL ? UINT64_MAX : share;
}

/* Told once for each event that does not end. */
static void tell(const polkai_flow *flow, polkai_partition *partition, int64_t offset, uint64_t behind)
{
    if (partition->held && partition->told != offset)
        LOG_WARN(flow->options.log, "%.*s/%" PRId32 " is held: the event at offset %" PRId64 " has not ended, and %" PRIu64 " that are done behind "
                 "it cannot be committed before it (in_flight.uncommitted: %" PRIu64 "). The other partitions go on; what that event waits for, the log has said",
                 TEXT(partition->topic), partition->number, offset, behind, flow->options.uncommitted_events);
    else if (!partition->held)
        LOG_INFO(flow->options.log, "%.*s/%" PRId32 " is read again", TEXT(partition->topic), partition->number);
    partition->told = offset;
}

static void hold(polkai_flow *flow, polkai_partition *partition, bool held, uint64_t behind)
{
    const polkai_position at = { partition->topic, partition->number, polkai_tracker_watermark(&partition->tracker) };
    partition->held = held;
    flow->source->operations->hold(flow->source, &at, held);
    tell(flow, partition, at.offset, behind);
}

void polkai_uncommitted_look(polkai_flow *flow)
{
    uint64_t all = 0;
    for (const polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        all += at->detached ? 0 : polkai_uncommitted_of(at);
    flow->uncommitted_due = false;
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next) {
        if (at->detached || atomic_load_explicit(&at->revoked, memory_order_relaxed))
            continue;
        uint64_t behind = polkai_uncommitted_of(at), share = flow->uncommitted_share;
        bool over = behind >= most_of(share, at->held) && all >= most_of(flow->options.uncommitted_events, at->held);
        if (over != at->held)
            hold(flow, at, over, behind);
        flow->uncommitted_due = flow->uncommitted_due || at->held || behind >= share;
    }
}
