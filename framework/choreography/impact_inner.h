/* impact_inner.h: what the two halves of impact share; inside this room only. */
#ifndef POLKA_CHOREOGRAPHY_IMPACT_INNER_H
#define POLKA_CHOREOGRAPHY_IMPACT_INNER_H

#include <choreography/impact.h>

typedef struct {
    const polkai_choreography *all;
    const polkai_graph *graph;
    polka_arena *arena;
    size_t count, capacity;
    polkai_consequence *items;
} polkai_asker;

void polkai_impact_add(polkai_asker *ask, polkai_effect effect, const polkai_manifest *manifest, const char *event, const char *message);

/* polkai_impact_field: who cannot do without a field ("lines.sku") of an event. errors: MISUSE "unknown-field". */
polka_status polkai_impact_field(polkai_asker *ask, const polkai_event_node *node, const char *field, polka_error *error);

#endif
