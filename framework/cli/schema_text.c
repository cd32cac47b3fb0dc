/* schema_text.c: commands that print one text that a schema has. */
#include <cli/schema.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <stdio.h>
#include <stdlib.h>

static int print(const cli_schema_text_kind *kind, const char *file, const cli_list *with, bool json)
{
    cli_schema schema AUTO(cli_schema_close) = { 0 };
    polka_error error = { 0 };
    char *text = NULL;
    json_t *row = json ? json_pack("{s:o}", "file", polkai_json_text(file)) : NULL;
    polka_status status = cli_schema_open(&schema, file, with, &error);
    if (status == POLKA_OK)
        status = kind->text(schema.schema, &text, row, &error);
    if (status != POLKA_OK) {
        json_decref(row);
        return cli_schema_fail(json, &error);
    }
    if (json) {
        json_object_set_new(row, kind->member, json_string(text));
        cli_print_json(row);
    } else {
        puts(text);
    }
    free(text);
    return CLI_OK;
}

int cli_schema_text(const cli_command *command, const cli_schema_text_kind *kind, int argc, char **argv)
{
    const char *format = NULL;
    char help[80];
    cli_list files = { 0 }, with = { 0 };
    snprintf(help, sizeof help, "%s, or an object; default: text", kind->bare);
    const cli_option format_option = { "format", 0, CLI_TEXT, &format, "text|json", help };
    const cli_option options[] = { CLI_WITH_OPTION(with), format_option, kind->own != NULL ? *kind->own : (cli_option){ 0 }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &files);
    int json = code < 0 ? cli_json_wanted(command, format != NULL ? format : "text") : 0;
    if (code < 0 && json < 0)
        code = CLI_USAGE;
    if (code < 0 && files.count != 1)
        code = cli_usage(command, "which FILE? one, or '-' for standard input");
    if (code < 0)
        code = print(kind, files.items[0], &with, json == 1);
    cli_list_free(&files);
    cli_list_free(&with);
    return code;
}
