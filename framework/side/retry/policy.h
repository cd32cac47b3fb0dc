/* policy.h: when to try again; pure, so that its test is a table. */
#ifndef POLKA_SIDE_RETRY_POLICY_H
#define POLKA_SIDE_RETRY_POLICY_H

#include <polka/polka.h>

typedef struct { bool retry; int64_t delay_ns; } polkai_retry_decision;

/* polkai_retry_policy_complete: zero members replaced by the defaults of polka.h. */
polka_retry_policy polkai_retry_policy_complete(polka_retry_policy policy);

/*
 * polkai_retry_decide: after `attempt` failed attempts (1: the first has failed): again, and after how long, or not.
 * The delay is first * factor^(attempt - 1), at most max, times 0.5 to 1 by `jitter` in [0, 1): so that what failed
 * together does not come back together.
 */
polkai_retry_decision polkai_retry_decide(const polka_retry_policy *policy, unsigned attempt, double jitter);

/* polkai_retry_outage_ns: for what the framework itself cannot reach: 10 ms doubling to 30 s, without end. */
int64_t polkai_retry_outage_ns(unsigned attempt, double jitter);

#endif
