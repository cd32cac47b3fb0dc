/* policy.c: exponential delays with jitter. */
#include <side/retry/policy.h>

polka_retry_policy polkai_retry_policy_complete(polka_retry_policy policy)
{
    policy.attempts = policy.attempts == 0 ? 5 : policy.attempts;
    policy.first_delay_ms = policy.first_delay_ms == 0 ? 100 : policy.first_delay_ms;
    policy.max_delay_ms = policy.max_delay_ms == 0 ? 30000 : policy.max_delay_ms;
    policy.factor = policy.factor < 1 ? 2 : policy.factor;
    return policy;
}

static int64_t grown_ns(double first_ms, double factor, double most_ms, unsigned attempt, double jitter)
{
    double delay_ms = first_ms;
    for (unsigned i = 1; i < attempt && delay_ms < most_ms; i++)
        delay_ms *= factor;
    delay_ms = delay_ms < most_ms ? delay_ms : most_ms;
    return (int64_t)(delay_ms * 1e6 * (0.5 + jitter / 2));
}

polkai_retry_decision polkai_retry_decide(const polka_retry_policy *policy, unsigned attempt, double jitter)
{
    if (attempt >= policy->attempts)
        return (polkai_retry_decision){ false, 0 };
    return (polkai_retry_decision){ true, grown_ns(policy->first_delay_ms, policy->factor, policy->max_delay_ms, attempt, jitter) };
}

int64_t polkai_retry_outage_ns(unsigned attempt, double jitter)
{
    return grown_ns(10, 2, 30000, attempt, jitter);
}
