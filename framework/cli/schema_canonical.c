/* schema_canonical.c: `polka schema canonical`: the Parsing Canonical Form of a schema. */
#include <cli/schema.h>
#include <cli/terminal.h>

#include <avro/canonical.h>
#include <stdio.h>
#include <stdlib.h>

static int print(const char *file, const cli_list *with, bool json)
{
    cli_schema schema AUTO(cli_schema_close) = { 0 };
    polka_error error = { 0 };
    if (cli_schema_open(&schema, file, with, &error) != POLKA_OK)
        return cli_schema_fail(json, &error);
    char *canonical = polkai_schema_canonical(schema.schema);
    if (json)
        cli_print_json(json_pack("{s:s, s:s}", "file", file, "canonical", canonical));
    else
        puts(canonical);
    free(canonical);
    return CLI_OK;
}

static int run(const cli_command *command, int argc, char **argv)
{
    const char *format = NULL;
    cli_list files = { 0 }, with = { 0 };
    const cli_option options[] = {
        CLI_WITH_OPTION(with), { "format", 0, CLI_TEXT, &format, "text|json", "the bare text, or an object; default: text" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &files);
    int json = code < 0 ? cli_json_wanted(command, format != NULL ? format : "text") : 0;
    if (code < 0 && json < 0)
        code = CLI_USAGE;
    if (code < 0 && files.count != 1)
        code = cli_usage(command, "which FILE? one, or '-' for standard input");
    if (code < 0)
        code = print(files.items[0], &with, json == 1);
    cli_list_free(&files);
    cli_list_free(&with);
    return code;
}

const cli_command cli_schema_canonical = {
    .name = "schema canonical", .arguments = "FILE", .summary = "its Parsing Canonical Form", .run = run,
    .details = "The bare text and a newline; with --format json {\"file\", \"canonical\"}. What it refers to is written out.\n",
    .examples = "  polka schema canonical order.avsc\n"
                "  polka schema canonical schemas/shop/order_placed.v1.avsc --with schemas/shop/order_line.v1.avsc\n" };
