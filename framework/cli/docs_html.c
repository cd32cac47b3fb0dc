/* docs_html.c: `polka docs html`: the choreography as one page, for people. */
#include <cli/declared.h>
#include <cli/docs.h>
#include <cli/terminal.h>

#include <base/arena.h>
#include <choreography/page.h>
#include <errno.h>
#include <stdio.h>

typedef struct {
    const char *title, *output;          /* output NULL: standard output */
    cli_declared_where where;
} writer;

static polka_status write_out(const writer *write, const polka_buffer *page, polka_error *error)
{
    FILE *file = write->output != NULL ? fopen(write->output, "we") : stdout;
    ENSURE(file != NULL, POLKA_FATAL, error, "cannot-write", "%s: %s", write->output, strerror(errno));
    bool written = fwrite(page->data, 1, page->size, file) == page->size;
    written = (file == stdout ? fflush(file) : fclose(file)) == 0 && written;
    ENSURE(written, POLKA_FATAL, error, "cannot-write", "%s: %s", write->output != NULL ? write->output : "standard output", strerror(errno));
    return POLKA_OK;
}

static polka_status work(const writer *write, polka_error *error)
{
    cli_declared declared AUTO(cli_declared_close) = { 0 };
    polka_arena arena = { 0 };
    polka_buffer page = { .arena = &arena };
    polkai_map map;
    TRY(cli_declared_open(&declared, &write->where, error));
    cli_declared_say_problems(&declared);
    polka_status status = polkai_map_make(&map, &declared.all, NULL, 0, &arena, error);
    if (status == POLKA_OK) {
        polkai_page_write(&declared.all, &map, write->title != NULL ? write->title : declared.project.name != NULL ? declared.project.name : "Choreography", &page);
        status = write_out(write, &page, error);
    }
    polkai_arena_deinit(&arena);
    return status;
}

static int run(const cli_command *command, int argc, char **argv)
{
    writer write = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = { { "output", 'o', CLI_TEXT, &write.output, "FILE", "where to write it; default: standard output" },
                                   { "title", 0, CLI_TEXT, &write.title, "TEXT", "default: the project's name" },
                                   CLI_DECLARED_OPTIONS(write.where), CLI_RUNNING_OPTIONS(write.where), { 0 } };
    int code = cli_parse(command, options, argc, argv, &write.where.paths);
    if (code < 0) {
        cli_catch_signals();
        code = work(&write, &error) == POLKA_OK ? CLI_OK : cli_complain(&error);
    }
    cli_list_free(&write.where.paths);
    cli_list_free(&write.where.broker.properties);
    return code;
}

const cli_command cli_docs_html = {
    .name = "docs html", .arguments = "[MANIFEST…|DIR] [-o FILE]", .summary = "one page for people: the map, services, events, flows", .run = run,
    .details = "Manifests are found as by `polka check`, or by --running at the broker. The page needs no network and no script, and is light or\n"
               "dark as the reader's browser is.\n",
    .examples = "  polka docs html -o shop.html\n"
                "  polka docs html manifests --flows schemas/flows -o choreography.html\n" };
