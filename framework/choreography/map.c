/* map.c: nodes and edges, sorted by name, so that the same choreography gives the same map. */
#include <choreography/map.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    polkai_map map;
    polka_arena *arena;
    polkai_names services, events, ids;
    const polkai_choreography *all;
} maker;

/* ---- all nodes ---- */

static const char *label_of(maker *make, const char *name)
{
    char text[1000];
    polkai_text_escape(text, sizeof text, name, strlen(name), 900);
    return polkai_arena_text(make->arena, text, strlen(text)).data;
}

/* "e_shop_OrderPlaced"; where two names become one, a number follows. */
static const char *id_of(maker *make, bool service, const char *name)
{
    size_t size = strlen(name);
    char *id = polka_arena_alloc(make->arena, size + 3);
    memcpy(id, service ? "s_" : "e_", 2);
    for (size_t i = 0; i <= size; i++)
        id[i + 2] = name[i] == '\0' || isalnum((unsigned char)name[i]) ? name[i] : '_';
    return polkai_names_distinct(&make->ids, id, '_');
}

static int by_name(const void *a, const void *b)
{
    const polkai_map_node *x = a, *y = b;
    if (x->service != y->service)
        return x->service ? -1 : 1;
    return strcmp(x->name, y->name);
}

static polkai_map_node event_node(maker *make, const polkai_event_node *event)
{
    polkai_map_node node = { .name = event->name, .ends = event->final };
    for (size_t i = 0; i < make->all->contract_count; i++) {
        node.starts = node.starts || polkai_contract_lists(&make->all->contracts[i]->starts, event->name);
        node.ends = node.ends || polkai_contract_lists(&make->all->contracts[i]->ends, event->name);
    }
    node.topic = event->say_count > 0 ? event->says[0].topic : event->hear_count > 0 ? event->hears[0].topic : NULL;
    return node;
}

static void make_nodes(maker *make)
{
    const polkai_graph *graph = make->all->graph;
    polkai_names services = { .arena = make->arena };
    for (size_t i = 0; i < graph->manifest_count; i++)
        polkai_names_add(&services, graph->manifests[i]->service);
    size_t count = services.count + graph->count;
    polkai_map_node *nodes = polkai_arena_zeroed(make->arena, count, sizeof *nodes);
    for (size_t i = 0; i < services.count; i++)
        nodes[i] = (polkai_map_node){ .service = true, .name = services.items[i] };
    for (size_t i = 0; i < graph->count; i++)
        nodes[services.count + i] = event_node(make, &graph->events[i]);
    if (count > 0)
        qsort(nodes, count, sizeof *nodes, by_name);
    for (size_t i = 0; i < count; i++) {
        polkai_names_add(nodes[i].service ? &make->services : &make->events, nodes[i].name);
        nodes[i].label = label_of(make, nodes[i].name);
        nodes[i].id = id_of(make, nodes[i].service, nodes[i].name);
    }
    make->map.nodes = nodes;
    make->map.node_count = count;
}

/* ---- edges ---- */

static int by_ends(const void *a, const void *b)
{
    const polkai_map_edge *x = a, *y = b;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from) : (x->to > y->to) - (x->to < y->to);
}

static void make_edges(maker *make)
{
    const polkai_graph *graph = make->all->graph;
    polkai_map_edge *edges = polkai_arena_zeroed(make->arena, graph->say_count + graph->hear_count, sizeof *edges);
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < graph->say_count; i++)
        edges[count++] = (polkai_map_edge){ (size_t)polkai_names_find(&make->services, graph->says[i].manifest->service),
                                            make->services.count + (size_t)polkai_names_find(&make->events, graph->says[i].as->event) };
    for (size_t i = 0; i < graph->hear_count; i++)
        edges[count++] = (polkai_map_edge){ make->services.count + (size_t)polkai_names_find(&make->events, graph->hears[i].as->event),
                                            (size_t)polkai_names_find(&make->services, graph->hears[i].manifest->service) };
    if (count > 0)
        qsort(edges, count, sizeof *edges, by_ends);
    for (size_t i = 0; i < count; i++)                                   /* two versions, two reactions: one edge */
        if (kept == 0 || by_ends(&edges[kept - 1], &edges[i]) != 0)
            edges[kept++] = edges[i];
    make->map.edges = edges;
    make->map.edge_count = kept;
}

static int by_heads(const void *a, const void *b)
{
    const polkai_map_edge *x = a, *y = b;
    return x->to != y->to ? (x->to > y->to) - (x->to < y->to) : (x->from > y->from) - (x->from < y->from);
}

static void index_edges(maker *make)
{
    polkai_map *map = &make->map;
    polkai_map_edge *into = polkai_arena_zeroed(make->arena, map->edge_count, sizeof *into);
    for (size_t i = 0; i < map->edge_count; i++)
        into[i] = map->edges[i];
    if (map->edge_count > 0)
        qsort(into, map->edge_count, sizeof *into, by_heads);
    map->into = into;
}

size_t polkai_map_edges_of(const polkai_map *map, size_t node, bool into, const polkai_map_edge **edges)
{
    const polkai_map_edge *all = into ? map->into : map->edges;
    size_t first = 0, past = map->edge_count, count = 0;
    while (first < past) {
        size_t middle = first + (past - first) / 2;
        bool before = (into ? all[middle].to : all[middle].from) < node;
        *(before ? &first : &past) = before ? middle + 1 : middle;
    }
    while (first + count < map->edge_count && (into ? all[first + count].to : all[first + count].from) == node)
        count++;
    *edges = all + first;
    return count;
}

/* ---- around one node ---- */

static polka_status find_focus(maker *make, const char *focus, size_t *found, polka_error *error)
{
    const polkai_map *map = &make->map;
    size_t matches = 0;
    for (size_t i = 0; i < map->node_count; i++) {
        const char *last = strrchr(map->nodes[i].name, '.');
        if (strcmp(map->nodes[i].name, focus) == 0) {
            *found = i;
            return POLKA_OK;
        }
        if (last != NULL && strcmp(last + 1, focus) == 0) {
            *found = i;
            matches++;
        }
    }
    if (matches == 1)
        return POLKA_OK;
    ENSURE(matches == 0, POLKA_MISUSE, error, "unknown-name", "%zu events end with %s: say which, with its full name", matches, focus);
    const char **names = polkai_arena_zeroed(make->arena, map->node_count, sizeof *names);
    for (size_t i = 0; i < map->node_count; i++)
        names[i] = map->nodes[i].name;
    const char *nearest = polkai_nearest(focus, names, map->node_count);
    ENSURE(nearest == NULL, POLKA_MISUSE, error, "unknown-name", "no service and no event is called %s; did you mean '%s'?", focus, nearest);
    return polkai_fail(error, POLKA_MISUSE, "unknown-name", "no service and no event is called %s", focus);
}

static void spread(const polkai_map *map, bool *near)
{
    bool *next = polkai_alloc(map->node_count + 1);
    for (size_t i = 0; i < map->edge_count; i++) {
        next[map->edges[i].to] |= near[map->edges[i].from];
        next[map->edges[i].from] |= near[map->edges[i].to];
    }
    for (size_t i = 0; i < map->node_count; i++)
        near[i] |= next[i];
    free(next);
}

static void keep(maker *make, const bool *near)
{
    polkai_map *map = &make->map;
    polkai_map_node *nodes = polkai_arena_zeroed(make->arena, map->node_count, sizeof *nodes);
    polkai_map_edge *edges = polkai_arena_zeroed(make->arena, map->edge_count, sizeof *edges);
    size_t *moved = polkai_arena_zeroed(make->arena, map->node_count, sizeof *moved), count = 0, edge_count = 0;
    for (size_t i = 0; i < map->node_count; i++)
        if (near[i]) {
            moved[i] = count;
            nodes[count++] = map->nodes[i];
        }
    for (size_t i = 0; i < map->edge_count; i++)
        if (near[map->edges[i].from] && near[map->edges[i].to])
            edges[edge_count++] = (polkai_map_edge){ moved[map->edges[i].from], moved[map->edges[i].to] };
    *map = (polkai_map){ .node_count = count, .edge_count = edge_count, .nodes = nodes, .edges = edges };
}

/* A depth of one: its events and who is at their other ends; of an event, who says and hears it. */
static polka_status focus_on(maker *make, const char *focus, size_t depth, polka_error *error)
{
    size_t middle = 0;
    TRY(find_focus(make, focus, &middle, error));
    bool *near = polkai_arena_zeroed(make->arena, make->map.node_count, sizeof *near);
    near[middle] = true;
    size_t steps = make->map.nodes[middle].service ? 2 * depth : depth > 0 ? 2 * depth - 1 : 0;
    for (size_t i = 0; i < steps && i < make->map.node_count; i++)
        spread(&make->map, near);
    keep(make, near);
    return POLKA_OK;
}

polka_status polkai_map_make(polkai_map *map, const polkai_choreography *all, const char *focus, size_t depth, polka_arena *arena, polka_error *error)
{
    maker make = { .arena = arena, .all = all, .services.arena = arena, .events.arena = arena, .ids.arena = arena };
    make_nodes(&make);
    make_edges(&make);
    if (focus != NULL)
        TRY(focus_on(&make, focus, depth, error));
    index_edges(&make);
    *map = make.map;
    return POLKA_OK;
}

void polkai_map_print(polka_buffer *out, const char *format, ...)
{
    enum { LIKELY = 256 };               /* mostly it is less, and printed once */
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf((char *)polka_buffer_reserve(out, LIKELY), LIKELY, format, arguments);
    if (size >= LIKELY)
        vsnprintf((char *)polka_buffer_reserve(out, (size_t)size + 1), (size_t)size + 1, format, again);
    out->size += size > 0 ? (size_t)size : 0;
    va_end(again);
    va_end(arguments);
}

void polkai_map_put(polka_buffer *out, const char *text, size_t size)
{
    if (size == 0)
        return;
    memcpy(polka_buffer_reserve(out, size), text, size);
    out->size += size;
}

/* NULL: it stands for itself. */
static const char *entity_of(char letter)
{
    switch (letter) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

static bool is_control(char letter)
{
    return ((unsigned char)letter < 0x20 && letter != '\n' && letter != '\t') || letter == 0x7f;
}

void polkai_map_put_markup(polka_buffer *out, const char *text)
{
    const char *plain = text;
    for (; *text != '\0'; text++) {
        const char *entity = entity_of(*text);
        if (entity == NULL && !is_control(*text))
            continue;
        polkai_map_put(out, plain, (size_t)(text - plain));
        if (entity != NULL)
            polkai_map_print(out, "%s", entity);
        else
            polkai_map_print(out, "\\x%02x", (unsigned char)*text);
        plain = text + 1;
    }
    polkai_map_put(out, plain, (size_t)(text - plain));
}
