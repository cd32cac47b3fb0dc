/* map_write.c: the map as text for people, as Mermaid and as DOT. */
#include <choreography/map.h>

/* ---- text ---- */

/* The other ends of an event: who says it (to == event), or who hears it. */
static size_t print_ends(const polkai_map *map, size_t event, bool sayers, polka_buffer *out)
{
    size_t count = 0;
    for (size_t i = 0; i < map->edge_count; i++) {
        const polkai_map_edge *edge = &map->edges[i];
        if ((sayers ? edge->to : edge->from) != event)
            continue;
        polkai_map_print(out, "%s%s", count > 0 ? ", " : "", map->nodes[sayers ? edge->from : edge->to].label);
        count++;
    }
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

static void print_event(const polkai_map *map, size_t event, bool said, polka_buffer *out)
{
    const polkai_map_node *node = &map->nodes[event];
    polkai_map_print(out, "  %-5s  %-*s  %s ", said ? "says" : "hears", width_of(map), node->label, said ? "→" : "←");
    if (print_ends(map, event, !said, out) == 0)
        polkai_map_print(out, said ? (node->ends ? "nobody needs to hear it" : "nobody") : node->starts ? "outside: a flow starts with it" : "nobody");
    polkai_map_print(out, "\n");
}

static void print_service(const polkai_map *map, size_t service, polka_buffer *out)
{
    polkai_map_print(out, "%s\n", map->nodes[service].label);
    for (size_t i = 0; i < map->edge_count; i++)
        if (map->edges[i].to == service)
            print_event(map, map->edges[i].from, false, out);
    for (size_t i = 0; i < map->edge_count; i++)
        if (map->edges[i].from == service)
            print_event(map, map->edges[i].to, true, out);
}

void polkai_map_text(const polkai_map *map, polka_buffer *out)
{
    for (size_t i = 0; i < map->node_count; i++)
        if (map->nodes[i].service)
            print_service(map, i, out);
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
