/* check.c: `polka check`: all findings about the choreography. Standard output holds findings only. */
#include <cli/declared.h>
#include <cli/sarif.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef enum { AS_TEXT, AS_JSON, AS_SARIF } form;

static void print_json(const polkai_finding *finding)
{
    const polkai_code_row *row = &polkai_codes[finding->code];
    json_t *line = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "code", row->name, "severity", row->warning ? "warning" : "error",
                             "service", polkai_json_text(finding->service), "event", polkai_json_text(finding->event), "message", polkai_json_text(finding->message),
                             "fix", polkai_json_text(finding->fix));
    if (finding->more > 0)
        json_object_set_new(line, "more", json_integer((json_int_t)finding->more));
    cli_print_json(line);
}

/* A line of text that somebody else may have written, whole. */
static void print_safe(const char *text)
{
    size_t size = strlen(text), room = 4 * size + 8;     /* it keeps room for the dots of what is cut */
    char *out = polkai_alloc(room);
    fwrite(out, 1, polkai_text_escape(out, room, text, size, size), stdout);
    free(out);
}

static void print_line(const char *label, const char *text)
{
    printf("  %s%-8s%s ", cli_dim(), label, cli_plain());
    print_safe(text);
    putchar('\n');
}

static void print_text(const polkai_finding *finding)
{
    const polkai_code_row *row = &polkai_codes[finding->code];
    printf("%s%s%s %s%s%s: ", row->warning ? cli_bold() : cli_red(), row->warning ? "warning" : "error", cli_plain(), cli_bold(), row->name, cli_plain());
    print_safe(finding->message);
    putchar('\n');
    if (finding->service != NULL)
        print_line("service", finding->service);
    if (finding->origin != NULL)
        print_line("file", finding->origin);
    print_line("fix", finding->fix);
    if (finding->more > 0)
        printf("  %sand%s      %zu more like it, about the same\n", cli_dim(), cli_plain(), finding->more);
}

static void print(const polkai_findings *findings, form as)
{
    if (as == AS_SARIF)
        cli_print_json(cli_sarif(findings));
    for (size_t i = 0; as != AS_SARIF && i < findings->count; i++)
        (as == AS_JSON ? print_json : print_text)(&findings->items[i]);
    fflush(stdout);
}

static size_t pair_count(const polkai_graph *graph)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->count; i++)
        count += graph->events[i].say_count * graph->events[i].hear_count;
    return count;
}

static size_t unreadable(const polkai_graph *graph)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->manifest_count; i++)
        count += graph->manifests[i]->problem_count > 0;
    return count;
}

#define S(COUNT) ((COUNT) == 1 ? "" : "s")

static void summarise(const cli_declared *declared, const polkai_findings *findings)
{
    const polkai_graph *graph = declared->graph;
    size_t warnings = findings->warning_count, pairs = pair_count(graph), bad = unreadable(graph);
    cli_say("%zu manifest%s, %zu event%s, %zu pair%s, %zu flow%s: %zu error%s, %zu warning%s", graph->manifest_count, S(graph->manifest_count), graph->count,
            S(graph->count), pairs, S(pairs), declared->contracts.count, S(declared->contracts.count), findings->error_count, S(findings->error_count),
            warnings, S(warnings));
    if (bad > 0)
        cli_say("%zu manifest%s could not be read whole: what else is found may be for want of what %s", bad, S(bad), bad == 1 ? "it says" : "they say");
}

static polka_status work(const cli_declared_where *where, form as, bool *found, polka_error *error)
{
    cli_declared declared AUTO(cli_declared_close) = { 0 };
    TRY(cli_declared_open(&declared, where, error));
    polka_arena arena = { 0 };
    polkai_findings findings = { .arena = &arena };
    polkai_check(&declared.all, &findings);
    print(&findings, as);
    summarise(&declared, &findings);
    *found = findings.error_count > 0;
    polkai_arena_deinit(&arena);
    return POLKA_OK;
}

static bool form_of(const char *format, form *as)
{
    static const struct { const char *name; form as; } forms[] = { { "text", AS_TEXT }, { "json", AS_JSON }, { "sarif", AS_SARIF } };
    if (format == NULL)
        *as = isatty(STDOUT_FILENO) == 1 ? AS_TEXT : AS_JSON;
    for (size_t i = 0; format != NULL && i < sizeof forms / sizeof *forms; i++)
        if (strcmp(format, forms[i].name) == 0) {
            *as = forms[i].as;
            return true;
        }
    return format == NULL;
}

static int run(const cli_command *command, int argc, char **argv)
{
    cli_declared_where where = { 0 };
    polka_error error = { 0 };
    const char *format = NULL;
    bool found = false;
    form as = AS_TEXT;
    const cli_option options[] = { CLI_DECLARED_OPTIONS(where),
                                   { "format", 0, CLI_TEXT, &format, "text|json|sarif", "default: text on a terminal, else json" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &where.paths);
    if (code < 0 && !form_of(format, &as))
        code = cli_usage(command, "--format is text, json or sarif, not '%s'", format);
    if (code < 0) {
        cli_catch_signals();
        code = work(&where, as, &found, &error) != POLKA_OK ? cli_complain(&error) : found ? CLI_FAILURE : CLI_OK;
    }
    cli_list_free(&where.paths);
    return code;
}

const cli_command cli_check = {
    .name = "check", .arguments = "[MANIFEST…|DIR]", .summary = "the whole choreography, before it runs: who hears, feeds and can read whom", .run = run,
    .details = "Manifests are files, folders of *.json, or programs that answer to --describe; with any given, nothing of the project is\n"
               "read, and flow contracts only by --flows. Without, the services of the build and schemas/flows/*.yaml are checked.\n"
               "Errors: bad-manifest, bad-name, duplicate-service, two-owners, topic-mismatch, key-mismatch, incompatible-pair,\n"
               "unfed-reaction, cycle, flow-gap, flow-unreachable. Warning: unheard-event. Exit 1 when there is an error.\n",
    .examples = "  polka check\n"
                "  polka check manifests --flows schemas/flows --format sarif > choreography.sarif\n"
                "  polka check payments.json build/dev/bin/orders\n" };
