/* avro_encode.c: `polka avro encode`: JSON as Avro bytes. */
#include <cli/avro.h>

#include <avro/canonical.h>
#include <flow/schema/framing.h>

typedef struct {
    const char *schema_file;
    cli_avro_options options;
    cli_schema schema;
    uint64_t fingerprint;
} encoder;

static polka_status convert(void *user, polka_bytes in, polka_buffer *out, polka_error *error)
{
    const encoder *e = user;
    json_t *value;
    TRY(polkai_json_parse(in, &value, error));
    if (e->options.single_object) {
        polkai_framing_write(polka_buffer_reserve(out, POLKAI_SINGLE_OBJECT_BYTES), e->fingerprint);
        out->size += POLKAI_SINGLE_OBJECT_BYTES;
    }
    polka_status status = polkai_json_encode(e->options.form, e->schema.schema, value, out, error);
    json_decref(value);
    return status;
}

static int encode(encoder *e, const char *file)
{
    polka_error error = { 0 };
    const cli_list one = { .count = 1, .items = &e->schema_file };
    if (cli_schema_find_files(&one, file, &error) != POLKA_OK || cli_schema_open(&e->schema, e->schema_file, &e->options.with, &error) != POLKA_OK)
        return cli_schema_fail(e->options.objects, &error);
    e->fingerprint = polkai_schema_fingerprint(e->schema.schema);
    return cli_avro_convert(&e->options, file, &(cli_conversion){ .convert = convert, .user = e, .takes_bytes = false, .member = "hex" });
}

static int run(const cli_command *command, int argc, char **argv)
{
    encoder e = { 0 };
    cli_list rest = { 0 };
    const cli_option options[] = { { "schema", 's', CLI_TEXT, &e.schema_file, "FILE", "the schema of the value" }, CLI_AVRO_OPTIONS(e.options), { 0 } };
    int code = cli_parse(command, options, argc, argv, &rest);
    if (code < 0)
        code = cli_avro_settle(command, &e.options);
    if (code < 0 && e.schema_file == NULL)
        code = cli_usage(command, "by which schema? --schema FILE");
    if (code < 0 && rest.count > 1)
        code = cli_usage(command, "one FILE at most; '-', or none, is standard input");
    if (code < 0)
        code = encode(&e, rest.count > 0 ? rest.items[0] : "-");
    cli_schema_close(&e.schema);
    cli_list_free(&e.options.with);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_avro_encode = {
    .name = "avro encode", .arguments = "--schema S [FILE]", .summary = "JSON to Avro bytes", .run = run,
    .details = "Prints the bytes alone, or with --hex their digits and a newline; with --format json {\"hex\"}, or {\"line\", \"hex\"}, or\n"
               "\"error\" in its place. Plain JSON takes unions with or without a tag, a logical type's text or its underlying value, and a\n"
               "field's default for what is left out; Avro's JSON encoding takes none of that.\n" CLI_AVRO_DETAILS,
    .examples = "  echo '{\"id\":\"A-1\"}' | polka avro encode --schema order.avsc > order.bin\n"
                "  polka avro encode --schema order.avsc --single-object --hex order.json\n"
                "  polka avro encode --schema order.avsc --json avro --lines orders.jsonl\n" };
