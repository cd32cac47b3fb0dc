/*
 * slots.c: reactions of which only so many handlers run at once (.concurrency). An event that finds no slot waits as one does that is to be tried
 * again: its key behind it, its lane going on with the others. Who gives a slot back wakes the lanes that found none.
 */
#include <flow/inner.h>

struct polkai_slots {
    atomic_uint taken;
    unsigned most;                       /* 0: no limit */
    atomic_ullong waiting[4];            /* a bit a lane that found none */
};

enum { LANES_MOST = 256 };

void polkai_slots_create(polkai_flow *flow)
{
    size_t count = 0;
    bool any = false;
    const polka_reaction *rows = flow->service->reactions;
    for (; rows != NULL && rows[count].polka_row == 1; count++)
        any = any || (rows[count].concurrency > 0 && rows[count].concurrency < flow->worker_count);
    if (!any || flow->worker_count > LANES_MOST)
        return;
    flow->slots = polkai_arena_zeroed(&flow->arena, count, sizeof *flow->slots);
    for (size_t i = 0; i < count; i++)
        flow->slots[i].most = rows[i].concurrency;
}

static polkai_slots *slots_of(const polka_context *unit)
{
    return &unit->flow->slots[unit->reaction - unit->flow->service->reactions];
}

static bool take(polkai_slots *slots)
{
    unsigned taken = atomic_load(&slots->taken);
    while (taken < slots->most)
        if (atomic_compare_exchange_weak(&slots->taken, &taken, taken + 1))
            return true;
    return false;
}

/* Its lane is woken when one is given back. */
static void wait_for_one(const polka_context *unit, polkai_slots *slots)
{
    size_t lane = unit->worker->index;
    atomic_fetch_or(&slots->waiting[lane / 64], 1ULL << lane % 64);
}

bool polkai_slots_take(polka_context *unit)
{
    polkai_slots *slots = slots_of(unit);
    if (slots->most == 0 || take(slots))
        return true;
    wait_for_one(unit, slots);
    if (take(slots))                     /* one that was given back in between woke nobody */
        return true;
    unit->state = UNIT_QUEUED;
    unit->due_ns = POLKAI_FOR_A_SLOT;
    return false;
}

bool polkai_slots_any(const polka_context *unit)
{
    polkai_slots *slots = slots_of(unit);
    if (atomic_load(&slots->taken) < slots->most)
        return true;
    wait_for_one(unit, slots);
    return atomic_load(&slots->taken) < slots->most;
}

/* The lock: a drain ends lanes one by one, while others still run. */
static void wake(polkai_flow *flow, size_t first, unsigned long long lanes)
{
    pthread_mutex_lock(&flow->lock);
    for (; lanes != 0; first++, lanes >>= 1) {
        polkai_worker *worker = (lanes & 1) == 0 ? NULL : flow->workers[first];
        if (worker == NULL || worker->lane == NULL)
            continue;
        atomic_store(&worker->slot_free, true);
        polkai_lane_wake(worker->lane);
    }
    pthread_mutex_unlock(&flow->lock);
}

void polkai_slots_give(polka_context *unit)
{
    polkai_flow *flow = unit->flow;
    polkai_slots *slots = slots_of(unit);
    if (slots->most == 0)
        return;
    atomic_fetch_sub(&slots->taken, 1);
    for (size_t i = 0; i < flow->worker_count; i += 64)
        if (atomic_load(&slots->waiting[i / 64]) != 0)
            wake(flow, i, atomic_exchange(&slots->waiting[i / 64], 0));
}
