/*
 * handover.c: what of a partition that is given up is still brought to its end.
 *
 * Only a contiguous watermark can be committed. Lanes run at different speeds and keys wait, so some events behind the watermark
 * are done, and would be done again by the next owner. So everything before the last one that was begun is still handled, and
 * nothing behind it; unless something before it cannot be finished in time, which would make that vain. For this a share of the
 * deadline is taken, as the handlers begun last need the rest. What only waits for a slot (slots.c) is not begun.
 */
#include <flow/inner.h>

#include <sched.h>

enum { SHARE = 4 };                      /* of the deadline: a quarter */

static void at_least(atomic_ullong *bound, unsigned long long value)
{
    if (atomic_load(bound) < value)
        atomic_store(bound, value);
}

/* On the poll thread, after `revoked` was set; as these are all in one order, one of the two sees the other. Lanes that saw `revoked` wait for the bound; those that did not had begun what they have, and it counts. */
int64_t polkai_handover_decide(polkai_flow *flow, int64_t deadline_ms)
{
    int64_t until_ns = flow->options.clock->steady_ns(flow->options.clock) + deadline_ms * 1000000 / SHARE;
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        at->deciding = atomic_load(&at->revoked) && !atomic_load(&at->decided);
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        if (at->deciding) {
            at->until_ns = until_ns;
            at_least(&at->bound, polkai_tracker_finished(&at->tracker));
        }
    for (polkai_delivery *each = flow->made; each != NULL; each = each->next_made)
        if (each->partition != NULL && each->partition->deciding && atomic_load(&each->begun))
            at_least(&each->partition->bound, each->sequence + 1);
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        if (at->deciding)
            atomic_store(&at->decided, true);
    return until_ns;
}

/* On a lane. */
bool polkai_handover_reaches(const polkai_delivery *delivery)
{
    const polkai_partition *partition = delivery->partition;
    while (!atomic_load(&partition->decided) && !polkai_is_fenced(partition))
        sched_yield();                   /* for as long as the poll thread takes to look at what is in flight */
    const polkai_clock *clock = delivery->flow->options.clock;
    return !polkai_is_fenced(partition) && delivery->sequence < atomic_load(&partition->bound) && clock->steady_ns(clock) < partition->until_ns;
}

/* On a lane: it is not handled, so nothing behind it need be. */
void polkai_handover_ends_at(const polkai_delivery *delivery)
{
    atomic_ullong *bound = &delivery->partition->bound;
    unsigned long long known = atomic_load(bound);
    while (delivery->sequence < known && !atomic_compare_exchange_weak(bound, &known, delivery->sequence)) { /* another lane's is less */ }
}
