/* news.c: what events that wait on a lane hear of: their partition is given up, a schema is there, a slot is free. On the lane. */
#include <flow/inner.h>

/* ---- a partition is given up ---- */

static bool is_swept(const polkai_parked *item, void *user)
{
    (void)user;
    return polkai_walk_is_over(POLKAI_DELIVERY_OF_PARKED(item));
}

/* Where every handler has answered, what they emitted leaves before its partition does, or never: that waits for no back-off. */
static bool hurry_sends(polkai_parked *item, void *user)
{
    (void)user;
    polkai_delivery *delivery = POLKAI_DELIVERY_OF_PARKED(item);
    if (!atomic_load(&delivery->partition->revoked) || polkai_units_in(delivery, UNIT_HOLDING) == 0)
        return false;
    for (size_t i = 0; i < delivery->unit_count; i++)
        if (delivery->units[i].state == UNIT_HOLDING) {
            delivery->units[i].outages = 0;
            delivery->units[i].due_ns = 0;
        }
    item->due_ns = 0;
    return true;
}

static void sweep(polkai_worker *worker)
{
    unsigned now = atomic_load(&worker->flow->sweep);
    if (worker->sweep == now)
        return;
    worker->sweep = now;
    polkai_parking_hurry(worker->parking, hurry_sends, NULL);
    polkai_parked *taken = polkai_parking_sweep(worker->parking, is_swept, NULL);
    while (taken != NULL) {
        polkai_parked *next = taken->next;
        polkai_walk_drop(POLKAI_DELIVERY_OF_PARKED(taken));
        taken = next;
    }
}

/* ---- schemas and slots ---- */

typedef struct { int64_t now_ns; bool of_schemas, of_slots; } news;

/* What waits for a schema, or for the acknowledgement or the id of one, is due when there is news of schemas; what found no slot, when one is free. */
static bool is_news_for(const polka_context *unit, const news *heard)
{
    if (unit->state == UNIT_QUEUED)
        return heard->of_slots && unit->due_ns == POLKAI_FOR_A_SLOT && polkai_slots_any(unit);
    return heard->of_schemas && (unit->state == UNIT_HOLDING || (unit->state == UNIT_WAITING && unit->delivery->waits_for_schema));
}

static bool hurry(polkai_parked *item, void *user)
{
    polkai_delivery *delivery = POLKAI_DELIVERY_OF_PARKED(item);
    const news *heard = user;
    bool any = false;
    for (size_t i = 0; i < delivery->unit_count; i++) {
        polka_context *unit = &delivery->units[i];
        if (!is_news_for(unit, heard))
            continue;
        unit->due_ns = heard->now_ns;
        any = true;
    }
    if (any)
        item->due_ns = heard->now_ns;
    return any;
}

static void hear_news(polkai_worker *worker, int64_t now_ns)
{
    unsigned latest = atomic_load_explicit(&worker->flow->schemas.news, memory_order_acquire);
    news heard = { now_ns, worker->news != latest, atomic_load_explicit(&worker->slot_free, memory_order_relaxed) && atomic_exchange(&worker->slot_free, false) };
    if (!heard.of_schemas && !heard.of_slots)
        return;
    worker->news = latest;
    polkai_parking_hurry(worker->parking, hurry, &heard);
}

void polkai_news_hear(polkai_worker *worker, int64_t now_ns)
{
    sweep(worker);
    hear_news(worker, now_ns);
}
