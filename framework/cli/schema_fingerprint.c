/* schema_fingerprint.c: `polka schema fingerprint`: a fingerprint of the Parsing Canonical Form of a schema. */
#include <cli/schema.h>
#include <cli/terminal.h>

#include <avro/canonical.h>
#include <stdio.h>

static int print(const char *file, const cli_list *with, const char *algorithm, bool json)
{
    char print[POLKAI_FINGERPRINT_TEXT];
    cli_schema schema AUTO(cli_schema_close) = { 0 };
    polka_error error = { 0 };
    if (cli_schema_open(&schema, file, with, &error) != POLKA_OK || polkai_schema_fingerprint_hex(schema.schema, algorithm, print, &error) != POLKA_OK)
        return cli_schema_fail(json, &error);
    if (json)
        cli_print_json(json_pack("{s:s, s:s, s:s}", "file", file, "algorithm", algorithm, "fingerprint", print));
    else
        puts(print);
    return CLI_OK;
}

static int run(const cli_command *command, int argc, char **argv)
{
    const char *format = NULL, *algorithm = "crc64";
    cli_list files = { 0 }, with = { 0 };
    const cli_option options[] = {
        { "algorithm", 'a', CLI_TEXT, &algorithm, "crc64|sha256|md5", "default: crc64, what single-object encoding carries" },
        CLI_WITH_OPTION(with), { "format", 0, CLI_TEXT, &format, "text|json", "the bare digits, or an object; default: text" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &files);
    int json = code < 0 ? cli_json_wanted(command, format != NULL ? format : "text") : 0;
    if (code < 0 && json < 0)
        code = CLI_USAGE;
    if (code < 0 && files.count != 1)
        code = cli_usage(command, "which FILE? one, or '-' for standard input");
    if (code < 0)
        code = print(files.items[0], &with, algorithm, json == 1);
    cli_list_free(&files);
    cli_list_free(&with);
    return code;
}

const cli_command cli_schema_fingerprint = {
    .name = "schema fingerprint", .arguments = "FILE", .summary = "a fingerprint of its Parsing Canonical Form", .run = run,
    .details = "Lower-case hex and a newline: crc64 (CRC-64-AVRO) as 16 digits of the number, most significant first; sha256; md5.\n"
               "With --format json {\"file\", \"algorithm\", \"fingerprint\"}.\n",
    .examples = "  polka schema fingerprint order.avsc\n  polka schema fingerprint --algorithm sha256 order.avsc\n" };
