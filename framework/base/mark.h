/* mark.h: how far an arena was filled, to give back what came behind it. */
#ifndef POLKA_BASE_MARK_H
#define POLKA_BASE_MARK_H

#include <base/arena.h>
#include <stdlib.h>

struct polka_arena_block {
    polka_arena_block *older;
    uint8_t memory[];
};

/* polkai_arena_back: frees all that was allocated since `then` was a copy of `arena`. */
static inline void polkai_arena_back(polka_arena *arena, const polka_arena *then)
{
    while (arena->blocks != then->blocks) {
        polka_arena_block *newest = arena->blocks;
        arena->blocks = newest->older;
        free(newest);
    }
    *arena = *then;
}

#endif
