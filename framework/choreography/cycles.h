/* cycles.h: events that cause themselves, found in time linear in the graph. */
#ifndef POLKA_CHOREOGRAPHY_CYCLES_H
#define POLKA_CHOREOGRAPHY_CYCLES_H

#include <choreography/graph.h>

/* A cycle that may be: of exactly these events, in any order. */
typedef struct { size_t count; const size_t *events; } polkai_allowance;

/* A cycle: steps[0] is a step from `first`, and the last one leads to `first`. */
typedef struct {
    size_t first, count;
    const polkai_step *steps;
    size_t knot;                         /* events of the whole knot of cycles that this one is part of */
} polkai_cycle;
typedef struct { size_t count; const polkai_cycle *items; } polkai_cycles;

/*
 * polkai_cycles_find: a shortest cycle through each step that is on one, without those whose steps others have shown already;
 * at most 16 a knot. A cycle that is allowed is left out, and then what goes beside it through one of its steps is looked for.
 * ownership: memory of `arena`; `allowed` must outlive the call.
 */
polkai_cycles polkai_cycles_find(const polkai_graph *graph, const polkai_allowance *allowed, size_t allowed_count, polka_arena *arena);

#endif
