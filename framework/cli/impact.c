/* impact.c: `polka impact`: who breaks if a field, an event or a service goes. */
#include <cli/declared.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <choreography/impact.h>
#include <stdio.h>

typedef struct {
    const char *format, *what;
    bool json;
    cli_list manifests;
    cli_declared_where where;
} question;

static void print_json(const polkai_impact *impact, const polkai_consequence *one)
{
    json_t *row = json_object();
    json_object_set_new(row, "what", json_string(impact->kind));
    json_object_set_new(row, "name", polkai_json_text(impact->name));
    json_object_set_new(row, "effect", json_string(polkai_effect_name(one->effect)));
    json_object_set_new(row, "breaks", json_boolean(polkai_effect_breaks(one->effect)));
    json_object_set_new(row, "service", polkai_json_text(one->service));
    json_object_set_new(row, "version", polkai_json_text(one->version));
    json_object_set_new(row, "event", polkai_json_text(one->event));
    json_object_set_new(row, "message", polkai_json_text(one->message));
    cli_print_json(row);
}

static void print_text(const polkai_consequence *one)
{
    bool breaks = polkai_effect_breaks(one->effect);
    printf("%s%-11s%s ", breaks ? cli_red() : cli_dim(), polkai_effect_name(one->effect), cli_plain());
    cli_print_text(one->message, strlen(one->message), 4000);
    putchar('\n');
}

static void print(const question *ask, const polkai_impact *impact)
{
    size_t breaking = 0;
    for (size_t i = 0; i < impact->count; i++) {
        breaking += polkai_effect_breaks(impact->items[i].effect);
        if (ask->json)
            print_json(impact, &impact->items[i]);
        else
            print_text(&impact->items[i]);
    }
    fflush(stdout);
    cli_say("without the %s %s: %zu break%s, %zu other change%s", impact->kind, impact->name, breaking, breaking == 1 ? "" : "s",
            impact->count - breaking, impact->count - breaking == 1 ? "" : "s");
}

static polka_status work(const question *ask, polka_error *error)
{
    cli_declared declared AUTO(cli_declared_close) = { 0 };
    polka_arena arena = { 0 };
    polkai_impact impact;
    TRY(cli_declared_open(&declared, &ask->where, error));
    cli_declared_say_problems(&declared);
    polka_status status = polkai_impact_of(&impact, &declared.all, ask->what, &arena, error);
    if (status == POLKA_OK)
        print(ask, &impact);
    polkai_arena_deinit(&arena);
    return status;
}

static int run(const cli_command *command, int argc, char **argv)
{
    question ask = { 0 };
    polka_error error = { 0 };
    cli_list rest = { 0 };
    const cli_option options[] = { { "manifest", 'm', CLI_LIST, &ask.where.paths, "PATH", "a manifest or a folder of them, in place of the project; may be given often" },
                                   CLI_DECLARED_OPTIONS(ask.where),
                                   { "format", 0, CLI_TEXT, &ask.format, "text|json", "default: text on a terminal, else json" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &rest);
    int json = code < 0 ? cli_json_wanted(command, ask.format) : 0;
    code = code < 0 && json < 0 ? CLI_USAGE : code;
    ask.json = json == 1;
    if (code < 0 && rest.count == 0)
        code = cli_usage(command, "what goes? A service, an event, or EVENT.FIELD");
    for (size_t i = 1; code < 0 && i < rest.count; i++)
        cli_list_add(&ask.where.paths, rest.items[i]);
    if (code < 0) {
        cli_catch_signals();
        ask.what = rest.items[0];
        code = work(&ask, &error) == POLKA_OK ? CLI_OK : cli_complain(&error);
    }
    cli_list_free(&ask.where.paths);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_impact = {
    .name = "impact", .arguments = "EVENT[.FIELD]|SERVICE [MANIFEST…|DIR]", .summary = "who breaks if a field, an event or a service goes", .run = run,
    .details = "From what is compiled into the services. A field: which readers cannot do without it (unreadable), which take their\n"
               "default (defaulted), whether it is the key (keyless). An event or a service: which reactions are no longer fed (unfed),\n"
               "which wait for what no longer comes (starved), what nobody hears any more (unheard), which flows cannot be kept\n"
               "(broken-flow). Exit 0, whatever the answer.\n",
    .examples = "  polka impact shop.OrderPlaced.total\n"
                "  polka impact OrderPlaced\n"
                "  polka impact payments manifests --format json\n" };
