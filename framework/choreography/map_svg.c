/* map_svg.c: the map as a drawing: services filled, events outlined, lines that go back to a cause in another colour. */
#include <choreography/map.h>

#include <choreography/layout.h>

static void print_node(const polkai_map_node *node, const polkai_box *box, polka_buffer *out)
{
    polkai_map_print(out, "<g class=\"%s%s%s\"><title>", node->service ? "service" : "event", node->starts ? " start" : "", node->ends ? " end" : "");
    polkai_map_put_markup(out, node->label);
    if (node->topic != NULL) {
        polkai_map_print(out, ", topic ");
        polkai_map_put_markup(out, node->topic);
    }
    polkai_map_print(out, "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%d\"/><text x=\"%.1f\" y=\"%.1f\">", box->x,
                     box->y - box->height / 2, box->width, box->height, node->service ? 4 : 13, box->x + box->width / 2, box->y + 4);
    polkai_map_put_markup(out, node->label);
    polkai_map_print(out, "</text></g>\n");
}

/* Curves between columns, straight lines across them. */
static void print_route(const polkai_route *route, polka_buffer *out)
{
    const polkai_point *at = route->points;
    polkai_map_print(out, "<path class=\"%s\" marker-end=\"url(#%s)\" d=\"M%.1f %.1f", route->back ? "back" : "line", route->back ? "b" : "a", at[0].x, at[0].y);
    for (size_t i = 1; i < route->count; i++) {
        double reach = (at[i].x - at[i - 1].x) / 2;
        if (i % 2 == 0)
            polkai_map_print(out, " L%.1f %.1f", at[i].x, at[i].y);
        else
            polkai_map_print(out, " C%.1f %.1f %.1f %.1f %.1f %.1f", at[i - 1].x + reach, at[i - 1].y, at[i].x - reach, at[i].y, at[i].x, at[i].y);
    }
    polkai_map_print(out, "\"/>\n");
}

static void print_marker(const char *id, const char *colour, polka_buffer *out)
{
    polkai_map_print(out, "<marker id=\"%s\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"
                          "<path d=\"M0 0L8 4L0 8z\" fill=\"%s\"/></marker>", id, colour);
}

void polkai_map_svg(const polkai_map *map, polka_buffer *out)
{
    static const char style[] = "text{font:12px monospace;text-anchor:middle;fill:#1b1f24}rect{fill:#fff;stroke:#57606a}.service rect{fill:#1f4e79;stroke:#1f4e79}"
                                ".service text{fill:#fff;font-weight:bold}.start rect{stroke-width:3}.end rect{stroke-dasharray:4 3}"
                                ".line,.back{fill:none;stroke:#57606a}.back{stroke:#b35900}";
    polkai_layout layout = { 0 };
    polkai_layout_make(&layout, map, out->arena);
    polkai_map_print(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\">\n"
                          "<title>Choreography: services and the events they say and hear</title>\n<style>%s</style>\n<defs>",
                     layout.width, layout.height, layout.width, layout.height, style);
    print_marker("a", "#57606a", out);
    print_marker("b", "#b35900", out);
    polkai_map_print(out, "</defs>\n<rect width=\"100%%\" height=\"100%%\" style=\"stroke:none\"/>\n");
    for (size_t i = 0; i < map->edge_count; i++)
        print_route(&layout.routes[i], out);
    for (size_t i = 0; i < map->node_count; i++)
        print_node(&map->nodes[i], &layout.boxes[i], out);
    polkai_map_print(out, "</svg>\n");
}
