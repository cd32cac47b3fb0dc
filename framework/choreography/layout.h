/* layout.h: where the boxes and lines of a map stand: in layers from left to right, so that causes stand before effects. */
#ifndef POLKA_CHOREOGRAPHY_LAYOUT_H
#define POLKA_CHOREOGRAPHY_LAYOUT_H

#include <choreography/map.h>

typedef struct { double x, y; } polkai_point;
typedef struct { double x, y, width, height; } polkai_box;               /* x, y: its middle on the left */
typedef struct { size_t count; const polkai_point *points; bool back; } polkai_route;   /* back: against the direction of layers */

typedef struct {
    double width, height;
    const polkai_box *boxes;             /* by node */
    const polkai_route *routes;          /* by edge */
} polkai_layout;

/* polkai_layout_make: the same for the same map. ownership: memory of `arena`. */
void polkai_layout_make(polkai_layout *layout, const polkai_map *map, polka_arena *arena);

#endif
