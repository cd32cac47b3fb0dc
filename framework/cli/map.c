/* map.c: `polka map`: services and events as a graph, from what the services declare. */
#include <cli/declared.h>
#include <cli/terminal.h>

#include <base/arena.h>
#include <choreography/map.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
    const char *format, *focus;
    int64_t depth;
    bool declared;
    cli_declared_where where;
} viewer;

static json_t *text_or_null(const char *text) { return text != NULL ? json_string(text) : json_null(); }

static void print_row(const polkai_map *map, size_t event, const char *from, const char *to)
{
    json_t *row = json_object();
    json_object_set_new(row, "from", text_or_null(from));
    json_object_set_new(row, "event", json_string(map->nodes[event].name));
    json_object_set_new(row, "to", text_or_null(to));
    json_object_set_new(row, "topic", text_or_null(map->nodes[event].topic));
    cli_print_json(row);
}

/* The edges into or out of an event; edges out of it stand together, as edges are sorted by where they come from. */
static size_t collect(const polkai_map *map, size_t event, bool sayers, const char **names)
{
    size_t count = 0;
    for (size_t i = 0; i < map->edge_count; i++)
        if ((sayers ? map->edges[i].to : map->edges[i].from) == event)
            names[count++] = map->nodes[sayers ? map->edges[i].from : map->edges[i].to].name;
    return count;
}

/* A row from each service that says an event to each that hears it; null where there is none. */
static void print_json(const polkai_map *map)
{
    const char **sayers = polkai_alloc((map->edge_count + 1) * sizeof *sayers), **hearers = polkai_alloc((map->edge_count + 1) * sizeof *hearers);
    for (size_t e = 0; e < map->node_count; e++) {
        if (map->nodes[e].service)
            continue;
        size_t said = collect(map, e, true, sayers), heard = collect(map, e, false, hearers);
        for (size_t s = 0; s < (said > 0 ? said : 1); s++)
            for (size_t h = 0; h < (heard > 0 ? heard : 1); h++)
                print_row(map, e, said > 0 ? sayers[s] : NULL, heard > 0 ? hearers[h] : NULL);
    }
    free(sayers);
    free(hearers);
}

typedef void write_function(const polkai_map *map, polka_buffer *out);
static const struct { const char *name; write_function *write; } forms[] = {
    { "text", polkai_map_text }, { "json", NULL }, { "mermaid", polkai_map_mermaid }, { "dot", polkai_map_dot }, { "svg", polkai_map_svg } };
enum { FORMS = sizeof forms / sizeof *forms };

static polka_status work(const viewer *view, write_function *write, polka_error *error)
{
    cli_declared declared AUTO(cli_declared_close) = { 0 };
    polka_arena arena = { 0 };
    polka_buffer out = { .arena = &arena };
    polkai_map map;
    TRY(cli_declared_open(&declared, &view->where, error));
    cli_declared_say_problems(&declared);
    polka_status status = polkai_map_make(&map, &declared.all, view->focus, (size_t)view->depth, &arena, error);
    if (status == POLKA_OK && write == NULL)
        print_json(&map);
    if (status == POLKA_OK && write != NULL) {
        write(&map, &out);
        fwrite(out.data, 1, out.size, stdout);
    }
    fflush(stdout);
    polkai_arena_deinit(&arena);
    return status;
}

static int run(const cli_command *command, int argc, char **argv)
{
    viewer view = { .depth = -1 };
    polka_error error = { 0 };
    size_t form = 0;
    const cli_option options[] = { { "declared", 0, CLI_FLAG, &view.declared, NULL, "what services say of themselves (the default)" },
                                   { "focus", 0, CLI_TEXT, &view.focus, "NAME", "only what is around a service or an event" },
                                   { "depth", 0, CLI_COUNT, &view.depth, "N", "how many events away from it, default 1" },
                                   CLI_DECLARED_OPTIONS(view.where),
                                   { "format", 0, CLI_TEXT, &view.format, "FORM", "text, json, mermaid, dot or svg; default: text on a terminal, else json" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &view.where.paths);
    if (view.format == NULL)
        view.format = isatty(STDOUT_FILENO) == 1 ? "text" : "json";
    while (form < FORMS && strcmp(forms[form].name, view.format) != 0)
        form++;
    if (code < 0 && form == FORMS)
        code = cli_usage(command, "--format is text, json, mermaid, dot or svg, not '%s'", view.format);
    if (code < 0 && view.depth >= 0 && view.focus == NULL)
        code = cli_usage(command, "--depth goes with --focus: how far around it");
    view.depth = view.depth < 0 ? 1 : view.depth;
    if (code < 0) {
        cli_catch_signals();
        code = work(&view, forms[form].write, &error) == POLKA_OK ? CLI_OK : cli_complain(&error);
    }
    cli_list_free(&view.where.paths);
    return code;
}

const cli_command cli_map = {
    .name = "map", .arguments = "[MANIFEST…|DIR]", .summary = "services and events as a graph: text, Mermaid, DOT, SVG, JSON", .run = run,
    .details = "Manifests are found as by `polka check`. JSON has a row from each service that says an event to each that hears it\n"
               "(null: from outside, or nobody).\n",
    .examples = "  polka map\n"
                "  polka map --format svg > map.svg\n"
                "  polka map --focus payments --depth 2 --format mermaid\n" };
