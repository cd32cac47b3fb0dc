/*
 * lend.c: the memory with which the arena of an event begins. One that waits for its lane has none: the lane lends it when it takes the event
 * up. Where nothing was sent it is back as soon as the handlers have answered, and the next event finds it in the core's cache; else it comes
 * from the poll thread, once all that was sent is acknowledged.
 */
#include <flow/inner.h>

#include <stdlib.h>

enum { DELIVERY_MEMORY = 1280 };

void polkai_lend(polkai_worker *worker, polkai_delivery *delivery)
{
    if (delivery->lent != NULL)
        return;
    polkai_lent *lent = worker->free;
    if (lent == NULL)
        lent = atomic_exchange_explicit(&worker->came_back, NULL, memory_order_acquire);
    if (lent == NULL)
        lent = polkai_alloc_lines(DELIVERY_MEMORY);
    worker->free = lent->next;
    delivery->lent = lent;
    polkai_arena_init(&delivery->arena, lent, DELIVERY_MEMORY);
    memset(&delivery->envelope, 0, sizeof delivery->envelope);
}

void polkai_lend_end(polkai_worker *worker, polkai_delivery *delivery)
{
    polkai_arena_deinit(&delivery->arena);
    delivery->unit_count = 0;
    delivery->lent->next = worker->free;
    worker->free = delivery->lent;
    delivery->lent = NULL;
}

void polkai_lend_back(polkai_delivery *delivery)
{
    polkai_lent *lent = delivery->lent;
    if (lent == NULL)
        return;
    delivery->lent = NULL;
    if (!delivery->flow->threaded) {     /* this thread is the lane */
        lent->next = delivery->worker->free;
        delivery->worker->free = lent;
        return;
    }
    _Atomic(polkai_lent *) *to = &delivery->worker->came_back;
    lent->next = atomic_load_explicit(to, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(to, &lent->next, lent, memory_order_release, memory_order_relaxed)) { /* the lane took them, or it is spurious */ }
}

void polkai_lend_free(polkai_lent *first)
{
    while (first != NULL) {
        polkai_lent *next = first->next;
        free(first);
        first = next;
    }
}
