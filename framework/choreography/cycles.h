/* cycles.h: events that cause themselves, found in time linear in the graph. */
#ifndef POLKA_CHOREOGRAPHY_CYCLES_H
#define POLKA_CHOREOGRAPHY_CYCLES_H

#include <choreography/graph.h>

/* Events that may cause each other, in any order and again and again. */
typedef struct { size_t count; const size_t *events; } polkai_allowance;

/* A cycle: steps[0] is a step from `first`, and the last one leads to `first`. */
typedef struct {
    size_t first, count;
    const polkai_step *steps;
    size_t knot;                         /* events of the whole knot of cycles that this one is part of */
} polkai_cycle;
typedef struct { size_t count; const polkai_cycle *items; } polkai_cycles;

/*
 * polkai_cycles_find: a shortest cycle through each event that is on one, without those that another one has shown already;
 * at most 16 a knot. What runs within one allowance alone is left out.
 * ownership: memory of `arena`.
 */
polkai_cycles polkai_cycles_find(const polkai_graph *graph, const polkai_allowance *allowed, size_t allowed_count, polka_arena *arena);

#endif
