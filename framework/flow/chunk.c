/*
 * chunk.c: the memory with which the arena of an event begins. An event that waits for its lane has none; the lane gives it one when it takes
 * it up. Where nothing was sent the lane has it again as soon as the handlers have answered, and the next event finds it in the core's cache; else
 * the poll thread returns it, once all that was sent is acknowledged.
 */
#include <flow/inner.h>

#include <stdlib.h>

/* Twenty cache lines. The orders of tests/bench take 328 bytes where a reaction emits nothing, 976 where it emits once; what is more comes from the heap. */
enum { CHUNK_BYTES = 1280 };

void polkai_chunk_take(polkai_worker *worker, polkai_delivery *delivery)
{
    if (delivery->chunk != NULL)
        return;
    polkai_chunk *chunk = worker->chunks;
    if (chunk == NULL)
        chunk = atomic_exchange_explicit(&worker->returned_chunks, NULL, memory_order_acquire);
    if (chunk == NULL)
        chunk = polkai_alloc_lines(CHUNK_BYTES);
    worker->chunks = chunk->next;
    delivery->chunk = chunk;
    polkai_arena_init(&delivery->arena, chunk, CHUNK_BYTES);
    memset(&delivery->envelope, 0, sizeof delivery->envelope);
}

void polkai_chunk_reuse(polkai_worker *worker, polkai_delivery *delivery)
{
    polkai_arena_deinit(&delivery->arena);
    delivery->unit_count = 0;
    delivery->chunk->next = worker->chunks;
    worker->chunks = delivery->chunk;
    delivery->chunk = NULL;
}

void polkai_chunk_return(polkai_delivery *delivery)
{
    polkai_chunk *chunk = delivery->chunk;
    if (chunk == NULL)
        return;
    delivery->chunk = NULL;
    if (!delivery->flow->threaded) {     /* this thread is the lane */
        chunk->next = delivery->worker->chunks;
        delivery->worker->chunks = chunk;
        return;
    }
    _Atomic(polkai_chunk *) *to = &delivery->worker->returned_chunks;
    chunk->next = atomic_load_explicit(to, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(to, &chunk->next, chunk, memory_order_release, memory_order_relaxed)) {}    /* again */
}

void polkai_chunks_free(polkai_chunk *first)
{
    while (first != NULL) {
        polkai_chunk *next = first->next;
        free(first);
        first = next;
    }
}
