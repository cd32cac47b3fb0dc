/* map.h: services and events as a picture: nodes and edges, whole or around one of them, in several forms. */
#ifndef POLKA_CHOREOGRAPHY_MAP_H
#define POLKA_CHOREOGRAPHY_MAP_H

#include <choreography/check.h>

typedef struct {
    bool service;                        /* else an event */
    const char *name;
    const char *label;                   /* the name, safe to show */
    const char *id;                      /* letters, digits and _; unlike any other's */
    const char *topic;                   /* of an event; NULL: not told */
    bool starts, ends;                   /* of an event: a flow begins with it; a flow ends with it, or it is final */
} polkai_map_node;

typedef struct { size_t from, to; } polkai_map_edge;     /* a service says an event, or an event is heard by a service */

typedef struct {
    size_t node_count, edge_count;
    const polkai_map_node *nodes;        /* services by name, then events by name */
    const polkai_map_edge *edges;        /* by from, then to */
    const polkai_map_edge *into;         /* the same, by to, then from */
} polkai_map;

/*
 * polkai_map_make: all of it; or, with `focus` (a service, an event, or an event's last part), what is at most `depth`
 * events away from it. Versions of one service are one node.
 * ownership: memory of `arena`; names are the graph's.  errors: MISUSE "unknown-name", with the nearest.
 */
polka_status polkai_map_make(polkai_map *map, const polkai_choreography *all, const char *focus, size_t depth, polka_arena *arena, polka_error *error);

/* polkai_map_edges_of: those that end at a node (who says an event, what a service hears), or those that begin there. *edges is borrowed. */
size_t polkai_map_edges_of(const polkai_map *map, size_t node, bool into, const polkai_map_edge **edges);

/* Each appends a whole document to `out`. */
void polkai_map_text(const polkai_map *map, polka_buffer *out);          /* for people */
void polkai_map_mermaid(const polkai_map *map, polka_buffer *out);
void polkai_map_dot(const polkai_map *map, polka_buffer *out);
void polkai_map_svg(const polkai_map *map, polka_buffer *out);

/*
 * polkai_map_print: formatted text onto a buffer; _put: text as it is; _put_markup: text of others as text or attribute of HTML and XML, control
 * characters as \x1b. A document of 500 services has some ten million characters: what is copied in one piece is not printed one by one.
 */
void polkai_map_print(polka_buffer *out, const char *format, ...) POLKA_PRINTF(2, 3);
void polkai_map_put(polka_buffer *out, const char *text, size_t size);
void polkai_map_put_markup(polka_buffer *out, const char *text);

#endif
