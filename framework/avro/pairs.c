/* pairs.c: a hash table over two addresses. */
#include <avro/pairs.h>

#include <base/arena.h>
#include <stdlib.h>

static size_t slot_of(const polkai_pairs *pairs, const polkai_schema *writer, const polkai_schema *reader)
{
    uint64_t hash = ((uint64_t)(uintptr_t)writer >> 4) * UINT64_C(0x9e3779b97f4a7c15) ^ ((uint64_t)(uintptr_t)reader >> 4) * UINT64_C(0xc2b2ae3d27d4eb4f);
    size_t slot = (size_t)(hash ^ hash >> 29) & pairs->mask;
    while (pairs->slots[slot] != 0 && (pairs->items[pairs->slots[slot] - 1].writer != writer || pairs->items[pairs->slots[slot] - 1].reader != reader))
        slot = (slot + 1) & pairs->mask;
    return slot;
}

static void grow(polkai_pairs *pairs)
{
    pairs->capacity = pairs->capacity == 0 ? 16 : pairs->capacity * 2;
    pairs->items = polkai_realloc(pairs->items, pairs->capacity * sizeof *pairs->items);
    free(pairs->slots);
    pairs->mask = 2 * pairs->capacity - 1;
    pairs->slots = polkai_alloc((pairs->mask + 1) * sizeof *pairs->slots);
    for (size_t i = 0; i < pairs->count; i++)
        pairs->slots[slot_of(pairs, pairs->items[i].writer, pairs->items[i].reader)] = (uint32_t)i + 1;
}

uint32_t polkai_pairs_add(polkai_pairs *pairs, const polkai_schema *writer, const polkai_schema *reader)
{
    if (pairs->count == pairs->capacity)
        grow(pairs);
    size_t slot = slot_of(pairs, writer, reader);
    if (pairs->slots[slot] == 0) {
        pairs->items[pairs->count] = (polkai_pair){ writer, reader };
        pairs->slots[slot] = (uint32_t)++pairs->count;
    }
    return pairs->slots[slot] - 1;
}

void polkai_pairs_deinit(polkai_pairs *pairs)
{
    free(pairs->items);
    free(pairs->slots);
}
