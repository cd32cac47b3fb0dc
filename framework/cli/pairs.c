/* pairs.c: `polka pairs`: the matrix of every emission with every reaction on that event. */
#include <cli/declared.h>
#include <cli/pair_row.h>
#include <cli/terminal.h>

#include <base/arena.h>
#include <stdio.h>

typedef struct {
    const char *format;
    bool json, only_broken;
    size_t count, broken, unread;
    cli_declared_where where;
} matrix;

static void visit(void *context, const polkai_pair *pair)
{
    matrix *all = context;
    polka_arena arena = { 0 };
    bool broken = pair->verdict != POLKAI_PAIR_COMPATIBLE;
    all->count++;
    all->broken += broken;
    if (!broken && all->only_broken)
        return;
    if (all->json)
        cli_print_json(cli_pair_json(pair, &arena));
    else
        cli_pair_print(pair, &arena);
    polkai_arena_deinit(&arena);
}

static polka_status work(matrix *all, polka_error *error)
{
    cli_declared declared AUTO(cli_declared_close) = { 0 };
    polka_arena arena = { 0 };
    TRY(cli_declared_open(&declared, &all->where, error));
    all->unread = cli_declared_say_problems(&declared);
    polkai_pairs_each(declared.graph, &arena, visit, all);
    fflush(stdout);
    polkai_arena_deinit(&arena);
    cli_say("%zu pair%s, %zu of them broken", all->count, all->count == 1 ? "" : "s", all->broken);
    if (all->unread > 0)
        cli_say("%zu manifest%s could not be read whole: its pairs may be missing here", all->unread, all->unread == 1 ? "" : "s");
    return POLKA_OK;
}

static int run(const cli_command *command, int argc, char **argv)
{
    matrix all = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = { { "broken", 0, CLI_FLAG, &all.only_broken, NULL, "only what does not go together" },
                                   CLI_DECLARED_OPTIONS(all.where),
                                   { "format", 0, CLI_TEXT, &all.format, "text|json", "default: text on a terminal, else json" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &all.where.paths);
    int json = code < 0 ? cli_json_wanted(command, all.format) : 0;
    code = code < 0 && json < 0 ? CLI_USAGE : code;
    all.json = json == 1;
    if (code < 0) {
        cli_catch_signals();
        code = work(&all, &error) != POLKA_OK ? cli_complain(&error) : all.broken + all.unread > 0 ? CLI_FAILURE : CLI_OK;
    }
    cli_list_free(&all.where.paths);
    return code;
}

const cli_command cli_pairs = {
    .name = "pairs", .arguments = "[MANIFEST…|DIR]", .summary = "every emission with every reaction on it: can the reader read the writer?", .run = run,
    .details = "A row for every service that emits an event and every reaction on that event, with both versions, the verdict\n"
               "(compatible, incompatible, topic-mismatch, key-mismatch, unknown) and what breaks it. Exit 1 when something does, or when a\n"
               "manifest cannot be read whole, so that pairs of it are missing.\n",
    .examples = "  polka pairs\n"
                "  polka pairs manifests --broken\n" };
