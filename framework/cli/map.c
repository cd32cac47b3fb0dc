/* map.c: `polka map`: services and events as a graph, from what the services declare. */
#include <cli/declared.h>
#include <cli/observe.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/clock.h>
#include <choreography/map.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
    const char *format, *focus;
    int64_t depth, since_ms;             /* since_ms: so old at most; -1: all there is */
    bool declared, observed, difference;
    cli_declared_where where;
    cli_where broker;
} viewer;

static void print_row(const polkai_map *map, size_t event, const char *from, const char *to)
{
    json_t *row = json_object();
    json_object_set_new(row, "from", polkai_json_text(from));
    json_object_set_new(row, "event", polkai_json_text(map->nodes[event].name));
    json_object_set_new(row, "to", polkai_json_text(to));
    json_object_set_new(row, "topic", polkai_json_text(map->nodes[event].topic));
    cli_print_json(row);
}

/* A row from each service that says an event to each that hears it; null where there is none. */
static void print_json(const polkai_map *map)
{
    const polkai_map_edge *into, *out;
    for (size_t e = 0; e < map->node_count; e++) {
        if (map->nodes[e].service)
            continue;
        size_t said = polkai_map_edges_of(map, e, true, &into), heard = polkai_map_edges_of(map, e, false, &out);
        for (size_t s = 0; s < (said > 0 ? said : 1); s++)
            for (size_t h = 0; h < (heard > 0 ? heard : 1); h++)
                print_row(map, e, said > 0 ? map->nodes[into[s].from].name : NULL, heard > 0 ? map->nodes[out[h].to].name : NULL);
    }
}

typedef void write_function(const polkai_map *map, polka_buffer *out);
static const struct { const char *name; write_function *write; } forms[] = {
    { "text", polkai_map_text }, { "json", NULL }, { "mermaid", polkai_map_mermaid }, { "dot", polkai_map_dot }, { "svg", polkai_map_svg } };
enum { FORMS = sizeof forms / sizeof *forms };

static void draw(const polkai_map *map, write_function *write, polka_arena *arena)
{
    polka_buffer out = { .arena = arena };
    if (write == NULL) {
        print_json(map);
    } else {
        write(map, &out);
        fwrite(out.data, 1, out.size, stdout);
    }
    fflush(stdout);
}

static polka_status draw_all(const viewer *view, const polkai_choreography *all, write_function *write, polka_error *error)
{
    polka_arena arena = { 0 };
    polkai_map map;
    polka_status status = polkai_map_make(&map, all, view->focus, (size_t)view->depth, &arena, error);
    if (status == POLKA_OK)
        draw(&map, write, &arena);
    polkai_arena_deinit(&arena);
    return status;
}

/* ---- what was seen ---- */

static polka_status observe(const viewer *view, cli_observed *observed, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    cli_gathering gathering AUTO(cli_gather_close) = { 0 };
    polkai_admin *admin AUTO(cli_admin_close) = NULL;
    cli_catalog *catalog = NULL;
    int64_t since_ms = view->since_ms < 0 ? -1 : polkai_clock_real.wall_ms(&polkai_clock_real) - view->since_ms;
    TRY(cli_project_open(&project, error));
    polka_status status = cli_catalog_open(&catalog, &project, error);
    if (status == POLKA_OK)
        status = cli_connection_find(&connection, &project, &view->broker, error);
    if (status == POLKA_OK)
        status = cli_admin_open(&admin, &connection, error);
    if (status == POLKA_OK)
        status = cli_gather_open(&gathering, catalog, NULL, &connection, admin, error);
    if (status == POLKA_OK)
        status = cli_observed_read(observed, &gathering, since_ms, error);
    cli_catalog_close(catalog);
    return status;
}

static polka_status draw_observed(const viewer *view, const cli_observed *observed, write_function *write, polka_error *error)
{
    cli_manifests manifests AUTO(cli_manifests_free) = { .examine = true };
    TRY(cli_observed_manifests(observed, &manifests, error));
    polkai_graph *graph = polkai_graph_create((const polkai_manifest *const *)manifests.items, manifests.count);
    polka_status status = draw_all(view, &(polkai_choreography){ .graph = graph }, write, error);
    polkai_graph_destroy(graph);
    return status;
}

/* ---- the difference ---- */

static void print_difference(const viewer *view, const char *kind, const char *service, bool says, const char *event, const cli_seen *seen)
{
    char last[25] = "";
    if (seen != NULL)
        polkai_time_write(last, seen->last_ms);
    if (strcmp(view->format, "json") == 0)
        cli_print_json(json_pack("{s:s, s:o, s:s, s:o, s:I, s:s?}", "difference", kind, "service", polkai_json_text(service), "does", says ? "says" : "hears", "event", polkai_json_text(event), "seen",
                                 (json_int_t)(seen == NULL ? 0 : seen->count), "last", seen == NULL ? NULL : last));
    else if (seen == NULL)
        printf("%-13s %s %s %s\n", kind, service, says ? "says" : "hears", event);
    else
        printf("%-13s %s %s %s  %" PRIu64 " times, last %s\n", kind, service, says ? "says" : "hears", event, seen->count, last);
}

/* Adds who says, or hears, which event; false: it was there. */
static bool note(polkai_names *declared, const char *who, const char *event)
{
    size_t before = declared->count;
    char *text = cli_format("%s %s", who, event);        /* neither has a blank */
    polkai_names_add(declared, text);
    free(text);
    return declared->count > before;
}

static bool is_noted(const polkai_names *declared, const char *who, const char *event)
{
    char *text = cli_format("%s %s", who, event);
    bool noted = polkai_names_find(declared, text) >= 0;
    free(text);
    return noted;
}

static const cli_seen *seen_of(const cli_observed *observed, bool says, const polkai_party *party)
{
    const cli_seen *seen = cli_observed_find(observed, says, party->manifest->service, party->as->event);
    return seen != NULL || says ? seen : cli_observed_find(observed, says, party->manifest->group, party->as->event);
}

/* With what a flow begins somebody outside says. */
static bool is_from_outside(const cli_declared *declared, const char *event)
{
    for (size_t i = 0; i < declared->contracts.count; i++)
        if (polkai_contract_lists(&declared->contracts.items[i]->starts, event))
            return true;
    return false;
}

/* How many were seen that nobody declares. */
static size_t differ(const viewer *view, const cli_declared *declared, const cli_observed *observed)
{
    const polkai_graph *graph = declared->graph;
    size_t undeclared = 0;
    for (int says = 1; says >= 0; says--) {
        polka_arena arena AUTO(polkai_arena_deinit) = { NULL, NULL, NULL };
        polkai_names known = { .arena = &arena };
        const polkai_party *parties = says ? graph->says : graph->hears;
        size_t count = says ? graph->say_count : graph->hear_count;
        for (size_t i = 0; i < count; i++)
            if (note(&known, parties[i].manifest->service, parties[i].as->event)) {      /* versions of one service say it twice: it is one line */
                const cli_seen *seen = seen_of(observed, says, &parties[i]);
                print_difference(view, seen == NULL ? "never-seen" : "both", parties[i].manifest->service, says, parties[i].as->event, seen);
            }
        for (size_t i = 0; i < count; i++)               /* a dead letter tells the group of who heard its event, and not the service */
            note(&known, parties[i].manifest->group, parties[i].as->event);
        for (size_t i = 0; i < observed->seen_count; i++) {
            const cli_seen *seen = &observed->seen[i];
            const char *service = observed->services.items[seen->service], *event = observed->events.items[seen->event];
            if (seen->says != (says == 1) || is_noted(&known, service, event))
                continue;
            bool outside = says && is_from_outside(declared, event);
            undeclared += !outside;
            print_difference(view, outside ? "outside" : "not-declared", service, says, event, seen);
        }
    }
    return undeclared;
}

static polka_status work(const viewer *view, write_function *write, size_t *undeclared, polka_error *error)
{
    cli_declared declared AUTO(cli_declared_close) = { 0 };
    cli_observed observed AUTO(cli_observed_free) = { 0 };
    if (!view->observed) {
        TRY(cli_declared_open(&declared, &view->where, error));
        cli_declared_say_problems(&declared);
    }
    if (view->observed || view->difference)
        TRY(observe(view, &observed, error));
    if (view->difference) {
        *undeclared = differ(view, &declared, &observed);
        return POLKA_OK;
    }
    return view->observed ? draw_observed(view, &observed, write, error) : draw_all(view, &declared.all, write, error);
}

static int run(const cli_command *command, int argc, char **argv)
{
    viewer view = { .depth = -1, .since_ms = -1 };
    polka_error error = { 0 };
    size_t form = 0, undeclared = 0;
    const cli_option options[] = { { "declared", 0, CLI_FLAG, &view.declared, NULL, "what services say of themselves (the default)" },
                                   { "observed", 0, CLI_FLAG, &view.observed, NULL, "what the records on the event topics tell" },
                                   { "diff", 0, CLI_FLAG, &view.difference, NULL, "the two beside each other, with counts; exit 1 when something was seen that is not declared" },
                                   { "since", 0, CLI_DURATION, &view.since_ms, "DURATION", "of --observed and --diff: records so old at most; default: all" },
                                   { "focus", 0, CLI_TEXT, &view.focus, "NAME", "only what is around a service or an event" },
                                   { "depth", 0, CLI_COUNT, &view.depth, "N", "how many events away from it, default 1" },
                                   CLI_DECLARED_OPTIONS(view.where), CLI_WHERE_OPTIONS(view.broker),
                                   { "format", 0, CLI_TEXT, &view.format, "FORM", "text, json, mermaid, dot or svg; default: text on a terminal, else json" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &view.where.paths);
    if (view.format == NULL)
        view.format = isatty(STDOUT_FILENO) == 1 ? "text" : "json";
    while (form < FORMS && strcmp(forms[form].name, view.format) != 0)
        form++;
    if (code < 0 && form == FORMS)
        code = cli_usage(command, "--format is text, json, mermaid, dot or svg, not '%s'", view.format);
    if (code < 0 && view.declared + view.observed + view.difference > 1)
        code = cli_usage(command, "one of --declared, --observed, --diff");
    if (code < 0 && view.difference && form > 1)
        code = cli_usage(command, "--diff is text or json");
    if (code < 0 && view.depth >= 0 && view.focus == NULL)
        code = cli_usage(command, "--depth goes with --focus: how far around it");
    view.depth = view.depth < 0 ? 1 : view.depth;
    if (code < 0) {
        cli_catch_signals();
        code = work(&view, forms[form].write, &undeclared, &error) != POLKA_OK ? cli_complain(&error) : cli_stopped() ? CLI_STOPPED : undeclared > 0 ? CLI_FAILURE : CLI_OK;
    }
    cli_list_free(&view.where.paths);
    cli_list_free(&view.broker.properties);
    return code;
}

const cli_command cli_map = {
    .name = "map", .arguments = "[MANIFEST…|DIR]", .summary = "services and events as a graph: text, Mermaid, DOT, SVG, JSON", .run = run,
    .details = "Manifests are found as by `polka check`. JSON has a row from each service that says an event to each that hears it\n"
               "(null: from outside, or nobody). Observed is who said an event (ce_source) and what that was caused by (ce_causationid), and whose\n"
               "dead letters there are; a reaction that emits nothing leaves no trace there.\n",
    .examples = "  polka map\n"
                "  polka map --format svg > map.svg\n"
                "  polka map --focus payments --depth 2 --format mermaid\n"
                "  polka map --observed --since 1h\n"
                "  polka map --diff\n" };
