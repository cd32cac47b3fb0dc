/* page.c: the map, then services, events and flows, each in the order of the map; all texts of others pass through print_text. */
#include <choreography/page.h>

#include <avro/json.h>
#include <base/arena.h>

#define print polkai_map_print

typedef struct {
    const polkai_choreography *all;
    const polkai_map *map;
    polkai_names services, events;       /* by name; the number is that of the map's node among its kind */
    polka_buffer *out;
} page;

/* ---- texts ---- */

static void print_text(page *at, const char *text) { polkai_map_put_markup(at->out, text); }

static void print_code(page *at, const char *text)
{
    print(at->out, "<code>");
    print_text(at, text);
    print(at->out, "</code>");
}

/* A name, and where the page tells of it. */
static void print_link(page *at, const polkai_names *names, size_t first, const char *name)
{
    ptrdiff_t number = polkai_names_find(names, name);
    if (number != POLKAI_NO_NAME)
        print(at->out, "<a href=\"#%s\">", at->map->nodes[first + (size_t)number].id);
    print_code(at, name);
    print(at->out, number != POLKAI_NO_NAME ? "</a>" : "");
}

static void print_event(page *at, const char *name) { print_link(at, &at->events, at->services.count, name); }
static void print_service(page *at, const char *name) { print_link(at, &at->services, 0, name); }

static void print_or_dash(page *at, const char *text)
{
    if (text != NULL)
        print_code(at, text);
    else
        print(at->out, "–");
}

/* ---- services ---- */

static void print_reaction(page *at, const polkai_manifest_reaction *reaction)
{
    print(at->out, "<tr><td>");
    print_event(at, reaction->hears.event);
    if (strcmp(reaction->name, reaction->hears.event) != 0) {
        print(at->out, " as ");
        print_code(at, reaction->name);
    }
    print(at->out, "</td><td>");
    print_or_dash(at, reaction->hears.topic);
    print(at->out, "</td><td>");
    for (size_t i = 0; i < reaction->emit_count; i++) {
        print(at->out, i > 0 ? ", " : "");
        print_event(at, reaction->emits[i]);
    }
    print(at->out, reaction->emit_count == 0 ? "nothing</td></tr>\n" : "</td></tr>\n");
}

static void print_emission(page *at, const polkai_manifest_event *event)
{
    print(at->out, "<tr><td>");
    print_event(at, event->event);
    print(at->out, "</td><td>");
    print_or_dash(at, event->topic);
    print(at->out, "</td><td>");
    print_or_dash(at, event->key);
    print(at->out, "</td></tr>\n");
}

static void print_manifest(page *at, const polkai_manifest *manifest)
{
    print(at->out, "<p class=\"about\">version ");
    print_code(at, manifest->version);
    print(at->out, ", group ");
    print_code(at, manifest->group);
    if (manifest->domain != NULL) {
        print(at->out, ", domain ");
        print_code(at, manifest->domain);
    }
    print(at->out, "</p>\n");
    if (manifest->reaction_count > 0)
        print(at->out, "<table><tr><th>hears</th><th>on the topic</th><th>and may say</th></tr>\n");
    for (size_t i = 0; i < manifest->reaction_count; i++)
        print_reaction(at, &manifest->reactions[i]);
    print(at->out, manifest->reaction_count > 0 ? "</table>\n" : "");
    if (manifest->hears_all)
        print(at->out, "<p>And whatever else comes on these topics.</p>\n");
    if (manifest->emit_count > 0)
        print(at->out, "<table><tr><th>says</th><th>on the topic</th><th>key</th></tr>\n");
    for (size_t i = 0; i < manifest->emit_count; i++)
        print_emission(at, &manifest->emits[i]);
    print(at->out, manifest->emit_count > 0 ? "</table>\n" : "");
}

static void print_services(page *at)
{
    const polkai_graph *graph = at->all->graph;
    print(at->out, "<h2 id=\"services\">Services</h2>\n");
    for (size_t i = 0; i < at->services.count; i++) {
        const polkai_map_node *node = &at->map->nodes[i];
        print(at->out, "<section id=\"%s\"><h3>", node->id);
        print_text(at, node->name);
        print(at->out, "</h3>\n");
        for (size_t m = 0; m < graph->manifest_count; m++)               /* a version each */
            if (strcmp(graph->manifests[m]->service, node->name) == 0)
                print_manifest(at, graph->manifests[m]);
        print(at->out, "</section>\n");
    }
}

/* ---- types ---- */

static void print_type(page *at, const polkai_schema *schema)
{
    switch (schema->type) {
    case POLKAI_AVRO_RECORD: case POLKAI_AVRO_ENUM: case POLKAI_AVRO_FIXED: print_text(at, schema->name); break;
    case POLKAI_AVRO_ARRAY: case POLKAI_AVRO_MAP:
        print(at->out, "%s of ", polkai_avro_type_name(schema->type));
        print_type(at, schema->items);
        break;
    case POLKAI_AVRO_UNION:
        for (size_t i = 0; i < schema->count; i++) {
            print(at->out, i > 0 ? " or " : "");
            print_type(at, schema->branches[i]);
        }
        break;
    default: print(at->out, "%s", polkai_avro_type_name(schema->type));
    }
    const char *logical = schema->logical != POLKAI_LOGICAL_NONE ? json_string_value(json_object_get(schema->json, "logicalType")) : NULL;
    if (logical != NULL) {
        print(at->out, " (");
        print_text(at, logical);
        print(at->out, ")");
    }
}

static void print_field(page *at, const polkai_schema_field *field, polka_arena *arena)
{
    polka_buffer fallback = { .arena = arena };
    print(at->out, "<tr><td>");
    print_code(at, field->name);
    print(at->out, "</td><td>");
    print_type(at, field->schema);
    print(at->out, "</td><td>");
    if (field->fallback != NULL) {
        polkai_json_write(field->fallback, &fallback);
        *polka_buffer_reserve(&fallback, 1) = '\0';
    }
    print_or_dash(at, field->fallback != NULL ? (const char *)fallback.data : NULL);
    print(at->out, "</td><td class=\"doc\">");
    print_text(at, field->doc != NULL ? field->doc : "");
    print(at->out, "</td></tr>\n");
}

static void print_schema(page *at, const polkai_schema *schema, polkai_names *told);

/* The named types inside of a type, each once. */
static void print_inner(page *at, const polkai_schema *schema, polkai_names *told)
{
    if (schema->items != NULL)
        print_inner(at, schema->items, told);
    for (size_t i = 0; schema->type == POLKAI_AVRO_UNION && i < schema->count; i++)
        print_inner(at, schema->branches[i], told);
    size_t known = told->count;
    if (schema->name == NULL || polkai_names_add(told, schema->name) < known)
        return;
    print(at->out, "<h4>%s ", polkai_avro_type_name(schema->type));
    print_text(at, schema->name);
    print(at->out, "</h4>\n");
    print_schema(at, schema, told);
}

static void print_schema(page *at, const polkai_schema *schema, polkai_names *told)
{
    if (schema->doc != NULL) {
        print(at->out, "<p class=\"doc\">");
        print_text(at, schema->doc);
        print(at->out, "</p>\n");
    }
    if (schema->type == POLKAI_AVRO_RECORD && schema->count > 0)
        print(at->out, "<table><tr><th>field</th><th>type</th><th>default</th><th></th></tr>\n");
    for (size_t i = 0; schema->type == POLKAI_AVRO_RECORD && i < schema->count; i++)
        print_field(at, &schema->fields[i], told->arena);
    print(at->out, schema->type == POLKAI_AVRO_RECORD && schema->count > 0 ? "</table>\n" : "<p>");
    for (size_t i = 0; schema->type == POLKAI_AVRO_ENUM && i < schema->count; i++) {
        print(at->out, i > 0 ? ", " : "");
        print_code(at, schema->symbols[i]);
    }
    if (schema->type == POLKAI_AVRO_FIXED)
        print(at->out, "%zu bytes", schema->fixed_size);
    print(at->out, schema->type == POLKAI_AVRO_RECORD && schema->count > 0 ? "" : "</p>\n");
    for (size_t i = 0; schema->type == POLKAI_AVRO_RECORD && i < schema->count; i++)
        print_inner(at, schema->fields[i].schema, told);
}

/* ---- events ---- */

static void print_parties(page *at, const char *label, const polkai_party *parties, size_t count, const char *nobody)
{
    polka_arena arena = { 0 };
    polkai_names told = { .arena = &arena };
    print(at->out, "<dt>%s</dt><dd>", label);
    for (size_t i = 0; i < count; i++) {
        size_t known = told.count;
        if (polkai_names_add(&told, parties[i].manifest->service) < known)
            continue;
        print(at->out, known > 0 ? ", " : "");
        print_service(at, parties[i].manifest->service);
    }
    print(at->out, "%s</dd>\n", count == 0 ? nobody : "");
    polkai_arena_deinit(&arena);
}

static void print_term(page *at, const char *label, const char *text)
{
    print(at->out, "<dt>%s</dt><dd>", label);
    print_or_dash(at, text);
    print(at->out, "</dd>\n");
}

/* One schema of an event; where there are several, whose it is. */
static void print_one(page *at, const polkai_party *party, bool several)
{
    polka_arena arena = { 0 };
    polkai_names told = { .arena = &arena };
    if (several) {
        print(at->out, "<h4>As %s ", party->reaction != NULL ? "it is read by" : "it is written by");
        print_text(at, party->manifest->service);
        print(at->out, " ");
        print_text(at, party->manifest->version);
        print(at->out, "</h4>\n");
    }
    if (party->schema == NULL) {
        print(at->out, "<p>Its schema cannot be read.</p>\n");
        return;
    }
    if (party->schema->name != NULL)
        polkai_names_add(&told, party->schema->name);
    print_schema(at, party->schema, &told);
    polkai_arena_deinit(&arena);
}

static bool is_told(const polkai_party *const *told, size_t count, const polkai_party *party)
{
    for (size_t i = 0; i < count; i++)
        if (told[i]->schema == party->schema)
            return true;
    return false;
}

/* What is written first; how it is read only where that is another schema. */
static void print_schemas(page *at, const polkai_event_node *event, polka_arena *arena)
{
    const polkai_party **told = polkai_arena_zeroed(arena, event->say_count + event->hear_count + 1, sizeof *told);
    size_t count = 0;
    for (size_t i = 0; i < event->say_count + event->hear_count; i++) {
        const polkai_party *party = i < event->say_count ? &event->says[i] : &event->hears[i - event->say_count];
        if (!is_told(told, count, party))
            told[count++] = party;
    }
    for (size_t i = 0; i < count; i++)
        print_one(at, told[i], count > 1);
}

static void print_events(page *at)
{
    polka_arena arena = { 0 };
    print(at->out, "<h2 id=\"events\">Events</h2>\n");
    for (size_t i = at->services.count; i < at->map->node_count; i++) {
        const polkai_map_node *node = &at->map->nodes[i];
        const polkai_event_node *event = polkai_graph_find(at->all->graph, node->name);
        const polkai_party *first = event->say_count > 0 ? event->says : event->hear_count > 0 ? event->hears : NULL;
        print(at->out, "<section id=\"%s\"><h3>", node->id);
        print_text(at, node->name);
        print(at->out, "</h3>\n<dl>");
        print_parties(at, "said by", event->says, event->say_count, node->starts ? "outside: a flow starts with it" : "nobody");
        print_parties(at, "heard by", event->hears, event->hear_count, node->ends ? "nobody needs to hear it" : "nobody");
        print_term(at, "topic", node->topic);
        print_term(at, "key", first != NULL ? first->key : NULL);
        if (first != NULL && first->as->version > 0)
            print(at->out, "<dt>version</dt><dd><code>%" PRId64 "</code></dd>\n", first->as->version);
        print(at->out, "</dl>\n");
        print_schemas(at, event, &arena);
        print(at->out, "</section>\n");
        polkai_arena_reset(&arena, NULL, 0);
    }
    polkai_arena_deinit(&arena);
}

/* ---- flows ---- */

static void print_list(page *at, const polkai_contract_events *events, const char *between)
{
    for (size_t i = 0; i < events->count; i++) {
        print(at->out, "%s", i > 0 ? between : "");
        print_event(at, polkai_yaml_text(events->items[i]));
    }
}

static void print_within(page *at, int64_t ms)
{
    if (ms == 0)
        print(at->out, "–");
    else
        print(at->out, ms % 1000 == 0 ? "%" PRId64 " s" : "%" PRId64 " ms", ms % 1000 == 0 ? ms / 1000 : ms);
}

static void print_flow(page *at, const polkai_contract *flow)
{
    print(at->out, "<section><h3>");
    print_text(at, flow->name);
    print(at->out, "</h3>\n<dl><dt>starts with</dt><dd>");
    print_list(at, &flow->starts, " or ");
    print(at->out, "</dd>\n<dt>ends with</dt><dd>");
    print_list(at, &flow->ends, " or ");
    print(at->out, "</dd></dl>\n");
    if (flow->step_count > 0)
        print(at->out, "<table><tr><th>after</th><th>comes one of</th><th>within</th></tr>\n");
    for (size_t i = 0; i < flow->step_count; i++) {
        print(at->out, "<tr><td>");
        print_list(at, &flow->steps[i].after, ", ");
        print(at->out, "</td><td>");
        print_list(at, &flow->steps[i].one_of, ", ");
        print(at->out, "</td><td>");
        print_within(at, flow->steps[i].within_ms);
        print(at->out, "</td></tr>\n");
    }
    print(at->out, flow->step_count > 0 ? "</table></section>\n" : "</section>\n");
}

static void print_flows(page *at)
{
    if (at->all->contract_count > 0)
        print(at->out, "<h2 id=\"flows\">Flows</h2>\n");
    for (size_t i = 0; i < at->all->contract_count; i++)
        print_flow(at, at->all->contracts[i]);
}

/* ---- the page ---- */

/* The drawing brings a style of its own, for white paper; `.map` is stronger. */
static const char style[] =
    ":root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--dim:#57606a;--rule:#d0d7de;--panel:#f6f8fa;--link:#1f5fa8}\n"
    "@media(prefers-color-scheme:dark){:root{--back:#0d1117;--text:#e6edf3;--dim:#9198a1;--rule:#30363d;--panel:#161b22;--link:#79b8ff}\n"
    ".map text{fill:#e6edf3}.map rect{fill:#161b22;stroke:#9198a1}.map .service rect{fill:#2f6ca8;stroke:#2f6ca8}.map .service text{fill:#fff}\n"
    ".map .line{stroke:#9198a1}.map .back{stroke:#e0883a}}\n"
    "body{margin:0 auto;padding:1rem 1.5rem 4rem;max-width:72rem;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}\n"
    "h1,h2,h3,h4{line-height:1.2}h2{margin-top:2.5rem;border-bottom:1px solid var(--rule);padding-bottom:.3rem}h3,h4,code{overflow-wrap:anywhere}\n"
    "section{border:1px solid var(--rule);border-radius:6px;padding:0 1rem .8rem;margin:1rem 0}section:target{border-color:var(--link)}\n"
    "table{border-collapse:collapse;width:100%;margin:.6rem 0}th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--rule)}\n"
    "th,dt,.about{color:var(--dim);font-weight:normal;font-size:.9rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.6rem 0}dd{margin:0}\n"
    "code{font:.92em ui-monospace,monospace}a{color:var(--link)}.doc{white-space:pre-line}.map{overflow-x:auto;background:var(--panel);border:1px solid var(--rule);border-radius:6px}\n"
    ".map svg{max-width:100%;height:auto;display:block;margin:auto}nav{margin:.5rem 0}nav a{margin-right:1rem}\n";

static void print_head(page *at, const char *title)
{
    size_t events = at->events.count, flows = at->all->contract_count;
    print(at->out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>");
    print_text(at, title);
    print(at->out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    print_text(at, title);
    print(at->out, "</h1>\n<p>%zu service%s, %zu event%s, %zu flow%s.</p>\n<nav><a href=\"#map\">Map</a> <a href=\"#services\">Services</a> <a href=\"#events\">Events</a>%s</nav>\n",
          at->services.count, at->services.count == 1 ? "" : "s", events, events == 1 ? "" : "s", flows, flows == 1 ? "" : "s",
          flows > 0 ? " <a href=\"#flows\">Flows</a>" : "");
}

void polkai_page_write(const polkai_choreography *all, const polkai_map *map, const char *title, polka_buffer *out)
{
    polka_arena arena = { 0 };
    page at = { .all = all, .map = map, .services = { .arena = &arena }, .events = { .arena = &arena }, .out = out };
    for (size_t i = 0; i < map->node_count; i++)
        polkai_names_add(map->nodes[i].service ? &at.services : &at.events, map->nodes[i].name);
    print_head(&at, title);
    print(out, "<h2 id=\"map\">Map</h2>\n<div class=\"map\">");
    polkai_map_svg(map, out);
    print(out, "</div>\n");
    print_services(&at);
    print_events(&at);
    print_flows(&at);
    print(out, "</body>\n</html>\n");
    polkai_arena_deinit(&arena);
}
