/*
 * membership.c: whether the group still has us, asked after a time in which nobody went on here (SIGSTOP, a laptop's lid, a starved machine).
 *
 * librdkafka sees by itself that a session is over, but not while partitions are being given up; then only the last commit says so, when
 * all handlers have ended and what they emit was sent beside what the next owner sends. So after such a time a commit comes first, and
 * what ends meanwhile waits for its answer (settle.c). Exactly-once needs none of this: the broker refuses a stale generation.
 */
#include <base/error.h>
#include <flow/inner.h>

enum { ASK_MS = 1000 };

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
    polkai_membership_known(flow);
    return false;
}

void polkai_membership_known(polkai_flow *flow)
{
    doubt(flow, POLKAI_DOUBTED, POLKAI_OURS);
}

bool polkai_membership_holds(polkai_flow *flow, int64_t now_ns)
{
    polkai_pulse_beat(flow, now_ns);
    if (!atomic_load_explicit(&flow->away, memory_order_relaxed))
        return true;
    atomic_store(&flow->away, false);
    if (flow->in_flight == 0 || flow->source == NULL || flow->transact != NULL || !is_put_out(flow, now_ns))
        return true;
    LOG_WARN(flow->options.log, "the group has put this process out while it was stopped; others have its partitions by now, so what was under way is not sent "
             "and not committed here");
    return false;
}
