/* health.c: one table: under which condition which question is answered with no. */
#include <service/health.h>

#define BIT(QUESTION) (1u << (QUESTION))
enum { LIVE = BIT(POLKAI_HEALTH_LIVE), READY = BIT(POLKAI_HEALTH_READY), STARTED = BIT(POLKAI_HEALTH_STARTED) };

typedef struct { unsigned questions; bool holds; const char *reason; } obstacle;

/* Not before it has begun: opening resources takes what it takes. A drain has until its deadline, and then a moment to end. */
static bool stands_still(const polkai_pulse *pulse, int64_t now_ns)
{
    int64_t last_ns = pulse->drain_until_ns > pulse->turned_ns ? pulse->drain_until_ns : pulse->turned_ns;
    return last_ns != 0 && now_ns - last_ns > (int64_t)POLKAI_HEALTH_STILL_MS * 1000000;
}

polkai_health polkai_health_of(polkai_health_question question, const polkai_pulse *pulse, int64_t now_ns)
{
    const obstacle obstacles[] = {
        { LIVE | READY,    stands_still(pulse, now_ns),                    "the poll loop stands still" },
        { READY,           pulse->stopping,                                "stopping: what has begun is finished, nothing new is taken" },
        { READY | STARTED, !pulse->assigned,                               "not in the consumer group yet" },
        { READY,           pulse->assigned && !pulse->joined,              "out of the consumer group: its partitions were lost" },
        { READY,           !pulse->reached,                                "no broker answers" },
    };
    polkai_health health = { 0 };
    for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles && health.count < POLKAI_HEALTH_REASONS; i++)
        if ((obstacles[i].questions & BIT(question)) != 0 && obstacles[i].holds)
            health.reasons[health.count++] = obstacles[i].reason;
    return health;
}
