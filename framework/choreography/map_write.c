/* map_write.c: the map as text for people, as Mermaid and as DOT. */
#include <choreography/map.h>

/* ---- text ---- */

/* The other ends of an event: who says it (into it), or who hears it. */
static size_t print_ends(const polkai_map *map, size_t event, bool sayers, polka_buffer *out)
{
    const polkai_map_edge *edges;
    size_t count = polkai_map_edges_of(map, event, sayers, &edges);
    for (size_t i = 0; i < count; i++)
        polkai_map_print(out, "%s%s", i > 0 ? ", " : "", map->nodes[sayers ? edges[i].from : edges[i].to].label);
    return count;
}

static int width_of(const polkai_map *map)
{
    size_t width = 10;
    for (size_t i = 0; i < map->node_count; i++)
        if (!map->nodes[i].service && strlen(map->nodes[i].label) > width)
            width = strlen(map->nodes[i].label);
    return width < 60 ? (int)width : 60;
}

static void print_event(const polkai_map *map, size_t event, bool said, int width, polka_buffer *out)
{
    const polkai_map_node *node = &map->nodes[event];
    polkai_map_print(out, "  %-5s  %-*s  %s ", said ? "says" : "hears", width, node->label, said ? "→" : "←");
    if (print_ends(map, event, !said, out) == 0)
        polkai_map_print(out, said ? (node->ends ? "nobody needs to hear it" : "nobody") : node->starts ? "outside: a flow starts with it" : "nobody");
    polkai_map_print(out, "\n");
}

static void print_service(const polkai_map *map, size_t service, int width, polka_buffer *out)
{
    const polkai_map_edge *edges;
    polkai_map_print(out, "%s\n", map->nodes[service].label);
    size_t heard = polkai_map_edges_of(map, service, true, &edges);
    for (size_t i = 0; i < heard; i++)
        print_event(map, edges[i].from, false, width, out);
    size_t said = polkai_map_edges_of(map, service, false, &edges);
    for (size_t i = 0; i < said; i++)
        print_event(map, edges[i].to, true, width, out);
}

void polkai_map_text(const polkai_map *map, polka_buffer *out)
{
    int width = width_of(map);
    for (size_t i = 0; i < map->node_count; i++)
        if (map->nodes[i].service)
            print_service(map, i, width, out);
}

/* ---- names in quotes ---- */

typedef struct { char from; const char *to; } escape;

static void print_escaped(polka_buffer *out, const char *text, const escape *escapes, size_t count)
{
    const char *plain = text;
    for (; *text != '\0'; text++) {
        size_t e = 0;
        while (e < count && escapes[e].from != *text)
            e++;
        if (e == count)
            continue;
        polkai_map_put(out, plain, (size_t)(text - plain));
        polkai_map_print(out, "%s", escapes[e].to);
        plain = text + 1;
    }
    polkai_map_put(out, plain, (size_t)(text - plain));
}

/* ---- Mermaid ---- */

void polkai_map_mermaid(const polkai_map *map, polka_buffer *out)
{
    static const escape escapes[] = { { '"', "#quot;" }, { '#', "#35;" }, { '<', "#lt;" }, { '>', "#gt;" }, { '&', "#amp;" },
                                      { '%', "#37;" } };                 /* two of them begin a directive or a comment */
    polkai_map_print(out, "flowchart LR\n");
    for (size_t i = 0; i < map->node_count; i++) {
        const polkai_map_node *node = &map->nodes[i];
        polkai_map_print(out, "  %s%s\"", node->id, node->service ? "[" : "([");
        print_escaped(out, node->label, escapes, sizeof escapes / sizeof *escapes);
        polkai_map_print(out, "\"%s%s\n", node->service ? "]" : "])", node->service ? ":::service" : node->starts ? ":::start" : node->ends ? ":::end_" : "");
    }
    for (size_t i = 0; i < map->edge_count; i++)
        polkai_map_print(out, "  %s --> %s\n", map->nodes[map->edges[i].from].id, map->nodes[map->edges[i].to].id);
    polkai_map_print(out, "  classDef service fill:#1f4e79,color:#ffffff,stroke:#1f4e79\n  classDef start stroke-width:3px\n"
                          "  classDef end_ stroke-dasharray:4 3\n");
}

/* ---- DOT ---- */

static void print_dot_text(polka_buffer *out, const char *text)
{
    static const escape escapes[] = { { '"', "\\\"" }, { '\\', "\\\\" } };
    polkai_map_print(out, "\"");
    print_escaped(out, text, escapes, 2);
    polkai_map_print(out, "\"");
}

void polkai_map_dot(const polkai_map *map, polka_buffer *out)
{
    polkai_map_print(out, "digraph choreography {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=11];\n");
    for (size_t i = 0; i < map->node_count; i++) {
        const polkai_map_node *node = &map->nodes[i];
        polkai_map_print(out, "  %s [label=", node->id);
        print_dot_text(out, node->label);
        if (node->service)
            polkai_map_print(out, ", shape=box, style=filled, fillcolor=\"#1f4e79\", fontcolor=white];\n");
        else
            polkai_map_print(out, ", shape=box, style=\"rounded%s%s\"];\n", node->starts ? ",bold" : "", node->ends ? ",dashed" : "");
    }
    for (size_t i = 0; i < map->edge_count; i++)
        polkai_map_print(out, "  %s -> %s;\n", map->nodes[map->edges[i].from].id, map->nodes[map->edges[i].to].id);
    polkai_map_print(out, "}\n");
}
