/*
 * membership.c: whether the group still has us, asked after a time in which nobody went on here (SIGSTOP, a starved machine, a laptop's lid).
 *
 * librdkafka sees by itself that a session is over, but not while partitions are being given up; then only the last commit says so, when
 * all handlers have ended and what they emit was sent beside what the next owner sends. So after such a time a commit comes first, and
 * what ends meanwhile waits for its answer (settle.c). Exactly-once needs none of this: the broker refuses a stale generation.
 */
#include <base/error.h>
#include <flow/inner.h>

enum { ASK_MS = 1000, HEAR_MS = 2500, SLICE_MS = 10 };

static void doubt(polkai_flow *flow, int from, int to)
{
    for (polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        atomic_compare_exchange_strong(&at->fenced, &(int){ from }, to);
}

/* By a commit of all, also of what is committed already. What is no answer says nothing: then it stays as it was. */
static bool is_put_out(polkai_flow *flow, int64_t now_ns)
{
    polka_error error = { .status = POLKA_OK };
    flow->commit_again_ns = now_ns;
    doubt(flow, POLKAI_OURS, POLKAI_DOUBTED);
    polka_status status = polkai_commit(flow, ASK_MS, &error);
    if (status == POLKA_TRANSIENT && strcmp(error.code, POLKAI_COMMIT_STALE) == 0)
        return true;
    doubt(flow, POLKAI_DOUBTED, POLKAI_OURS);
    return false;
}

static bool is_any_doubted(const polkai_flow *flow)
{
    for (const polkai_partition *at = flow->partitions; at != NULL; at = at->next)
        if (atomic_load(&at->fenced) == POLKAI_DOUBTED)
            return true;
    return false;
}

/*
 * What the source says of it. That is known by now with the classic protocol; with group.protocol=consumer librdkafka asks the group by
 * itself first, an answer of the broker later. A cooperative member that was put out while it joined hears of it by the second join that
 * librdkafka makes then, and it makes one a second. What it says nothing of goes on: a rebalance under way has other ends, too.
 */
size_t polkai_membership_hear(polkai_flow *flow, size_t (*take)(polkai_flow *flow, int timeout_ms))
{
    const polkai_clock *clock = flow->options.clock;
    int64_t until_ns = clock->steady_ns(clock) + (int64_t)polkai_patience_ms(flow, HEAR_MS) * 1000000;
    size_t count = take(flow, 0);
    bool waits = is_any_doubted(flow) && clock == &polkai_clock_real;        /* another one does not move by itself */
    bool paused = waits && !flow->paused;
    if (waits)
        flow->source->operations->pause(flow->source, true);
    while (waits && is_any_doubted(flow) && clock->steady_ns(clock) < until_ns) {
        size_t more = take(flow, SLICE_MS);
        polkai_pulse_beat(flow, clock->steady_ns(clock));
        count += more;
        waits = more == 0;               /* it is of an assignment that has begun meanwhile */
    }
    if (paused)
        flow->source->operations->pause(flow->source, false);
    doubt(flow, POLKAI_DOUBTED, POLKAI_OURS);
    return count;
}

/* While the machine was suspended the steady clock stood still with us, and the broker's went on. */
static void notice_suspension(polkai_flow *flow)
{
    const polkai_clock *clock = flow->options.clock;
    if (clock->suspended_ns == NULL)
        return;
    int64_t suspended_ns = clock->suspended_ns(clock);
    if (suspended_ns - flow->suspended_ns >= (int64_t)POLKAI_AWAY_MS * 1000000)
        atomic_store(&flow->away, true);
    flow->suspended_ns = suspended_ns;
}

bool polkai_membership_holds(polkai_flow *flow, int64_t now_ns)
{
    polkai_pulse_beat(flow, now_ns);
    notice_suspension(flow);
    if (!atomic_load_explicit(&flow->away, memory_order_relaxed))
        return true;
    atomic_store(&flow->away, false);
    if (flow->in_flight == 0)
        doubt(flow, POLKAI_DOUBTED, POLKAI_OURS);
    if (flow->in_flight == 0 || flow->source == NULL || flow->transact != NULL || !is_put_out(flow, now_ns))
        return true;
    LOG_WARN(flow->options.log, "the group has put this process out while it was stopped; others have its partitions by now, so what was under way is not sent "
             "and not committed here");
    return false;
}
