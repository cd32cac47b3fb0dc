/* schema_diff.c: `polka schema diff`: what is different between two schemas, and what that means for their bytes. */
#include <cli/diff.h>
#include <cli/schema.h>
#include <cli/terminal.h>

#include <avro/canonical.h>
#include <avro/compat.h>
#include <base/arena.h>
#include <stdio.h>

typedef struct { bool same, same_form, a_reads_b, b_reads_a; } verdict;

static void print_words(const cli_schema *a, const cli_schema *b, const json_t *changes, const verdict *is)
{
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)(uintptr_t)changes, i, one) {
        const char *a_path = json_string_value(json_object_get(one, "a_path")), *b_path = json_string_value(json_object_get(one, "b_path"));
        printf("%c %s%s%s: %s\n", a_path == NULL ? '+' : b_path == NULL ? '-' : '~', a_path != NULL ? a_path : b_path,
               a_path != NULL && b_path != NULL && strcmp(a_path, b_path) != 0 ? " -> " : "", a_path != NULL && b_path != NULL && strcmp(a_path, b_path) != 0 ? b_path : "",
               json_string_value(json_object_get(one, "message")));
    }
    if (is->same)
        printf("the same\n");
    else
        printf("%zu difference%s%s\n%s reads what %s wrote: %s\n%s reads what %s wrote: %s\n", json_array_size(changes), json_array_size(changes) == 1 ? "" : "s",
               is->same_form ? "; the canonical form and the fingerprints are the same" : "", b->file, a->file, is->b_reads_a ? "yes" : "no", a->file, b->file,
               is->a_reads_b ? "yes" : "no");
}

static verdict judge(const cli_schema *a, const cli_schema *b, const json_t *changes)
{
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    verdict is = { .same = json_array_size(changes) == 0, .same_form = polkai_schema_fingerprint(a->schema) == polkai_schema_fingerprint(b->schema),
                   .a_reads_b = polkai_compat_check(b->schema, a->schema, &arena).count == 0,
                   .b_reads_a = polkai_compat_check(a->schema, b->schema, &arena).count == 0 };
    polkai_arena_deinit(&arena);
    return is;
}

static int diff(const cli_list *files, const cli_list *with, bool json)
{
    cli_schema a AUTO(cli_schema_close) = { 0 }, b AUTO(cli_schema_close) = { 0 };
    polka_error error = { 0 };
    if (cli_schema_find_files(files, NULL, &error) != POLKA_OK || cli_schema_open(&a, files->items[0], with, &error) != POLKA_OK ||
        cli_schema_open(&b, files->items[1], with, &error) != POLKA_OK)
        return cli_schema_fail(json, &error);
    json_t *changes = cli_diff(a.schema, b.schema);
    const verdict is = judge(&a, &b, changes);
    if (json)
        cli_print_json(json_pack("{s:b, s:b, s:b, s:b, s:O}", "same", is.same, "same_canonical_form", is.same_form, "a_reads_b", is.a_reads_b, "b_reads_a", is.b_reads_a,
                                 "changes", changes));
    else
        print_words(&a, &b, changes, &is);
    json_decref(changes);
    return is.same ? CLI_OK : CLI_FAILURE;
}

static int run(const cli_command *command, int argc, char **argv)
{
    const char *format = NULL;
    cli_list files = { 0 }, with = { 0 };
    const cli_option options[] = {
        CLI_WITH_OPTION(with), { "format", 0, CLI_TEXT, &format, "text|json", "a line a difference, or one object; default: text" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &files);
    int json = code < 0 ? cli_json_wanted(command, format != NULL ? format : "text") : 0;
    if (code < 0 && json < 0)
        code = CLI_USAGE;
    if (code < 0 && files.count != 2)
        code = cli_usage(command, "which two? polka schema diff A B");
    if (code < 0)
        code = diff(&files, &with, json == 1);
    cli_list_free(&files);
    cli_list_free(&with);
    return code;
}

const cli_command cli_schema_diff = {
    .name = "schema diff", .arguments = "A B", .summary = "what is different, and can each read the other", .run = run,
    .details = "Fields are matched by name or alias, symbols and branches by name; docs, defaults and other attributes count too.\n"
               "+ is in B only, - in A only, ~ in both. With --format json one object:\n"
               "  {\"same\", \"same_canonical_form\", \"a_reads_b\", \"b_reads_a\", \"changes\": [{\"type\", \"a_path\", \"b_path\", \"message\"}]}\n"
               "Exit, as diff has it: 0 the same, 1 different, or a schema is invalid, 2 usage.\n",
    .examples = "  polka schema diff order.v1.avsc order.v2.avsc\n"
                "  git show HEAD:order.avsc | polka schema diff - order.avsc --format json\n" };
