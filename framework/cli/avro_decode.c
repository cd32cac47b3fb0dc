/* avro_decode.c: `polka avro decode`: Avro bytes as JSON, by the schema that wrote them, or as a reader's schema sees them. */
#include <cli/avro.h>

#include <avro/canonical.h>
#include <avro/plan.h>
#include <avro/walk.h>
#include <base/arena.h>
#include <base/text.h>
#include <flow/schema/framing.h>
#include <stdlib.h>

typedef struct { cli_schema schema; uint64_t fingerprint; polkai_plan *plan; } writer;
typedef struct {
    const char *reader_file;
    cli_list writer_files;
    cli_avro_options options;
    writer *writers;
    cli_schema reader;
} decoder;

static polka_status choose(const decoder *d, uint64_t fingerprint, const writer **chosen, polka_error *error)
{
    char known[200] = "", hex[17];
    size_t used = 0;
    for (size_t i = 0; i < d->writer_files.count; i++) {
        const writer *one = &d->writers[i];
        if (one->fingerprint == fingerprint) {
            *chosen = one;
            return POLKA_OK;
        }
        polkai_hex64(hex, one->fingerprint);
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s %s", used > 0 ? ", " : "", one->schema.file, hex);
    }
    polkai_hex64(hex, fingerprint);
    return polkai_fail(error, POLKA_POISON, "schema-not-found", "written with fingerprint %s, which no --writer has: %s", hex, known);
}

static polka_status convert(void *user, polka_bytes in, polka_buffer *out, polka_error *error)
{
    const decoder *d = user;
    const writer *from = &d->writers[0];
    polkai_schema_key key;
    json_t *value;
    if (d->options.single_object) {
        TRY(polkai_framing_read(in, &key, &in, error));
        ENSURE(key.kind == POLKAI_BY_FINGERPRINT, POLKA_POISON, error, "unknown-framing",
               "the value begins with 00 and the id %" PRIu64 " of a schema registry; --single-object reads c3 01", key.number);
        TRY(choose(d, key.number, &from, error));
    }
    if (from->plan != NULL) {
        TRY(polkai_walk(from->schema.schema, in, NULL, error));      /* so that the place of what is wrong is one in these bytes */
        TRY(polkai_plan_resolve(from->plan, in, NULL, out->arena, &in, error));
    }
    TRY(polkai_json_decode(d->options.form, from->plan != NULL ? d->reader.schema : from->schema.schema, in, &value, error));
    polkai_json_write(value, out);
    json_decref(value);
    return POLKA_OK;
}

static polka_status open_all(decoder *d, const char *file, polka_error *error)
{
    cli_list files = { 0 };
    for (size_t i = 0; i < d->writer_files.count; i++)
        cli_list_add(&files, d->writer_files.items[i]);
    if (d->reader_file != NULL)
        cli_list_add(&files, d->reader_file);
    polka_status status = cli_schema_find_files(&files, file, error);
    cli_list_free(&files);
    TRY(status);
    if (d->reader_file != NULL)
        TRY(cli_schema_open(&d->reader, d->reader_file, &d->options.with, error));
    for (size_t i = 0; i < d->writer_files.count; i++) {
        writer *one = &d->writers[i];
        TRY(cli_schema_open(&one->schema, d->writer_files.items[i], &d->options.with, error));
        one->fingerprint = polkai_schema_fingerprint(one->schema.schema);
        if (d->reader_file != NULL)
            TRY(polkai_plan_create(&one->plan, one->schema.schema, d->reader.schema, error));
    }
    return POLKA_OK;
}

static int decode(decoder *d, const char *file)
{
    polka_error error = { 0 };
    d->writers = polkai_alloc(d->writer_files.count * sizeof *d->writers);
    int code = open_all(d, file, &error) == POLKA_OK
                   ? cli_avro_convert(&d->options, file, &(cli_conversion){ .convert = convert, .user = d, .takes_bytes = true, .member = "value" })
                   : cli_schema_fail(d->options.objects, &error);
    for (size_t i = 0; i < d->writer_files.count; i++) {
        polkai_plan_destroy(d->writers[i].plan);
        cli_schema_close(&d->writers[i].schema);
    }
    cli_schema_close(&d->reader);
    free(d->writers);
    return code;
}

static int run(const cli_command *command, int argc, char **argv)
{
    decoder d = { 0 };
    cli_list rest = { 0 };
    const cli_option options[] = {
        { "writer", 'w', CLI_LIST, &d.writer_files, "FILE", "the schema that wrote the bytes; several with --single-object" },
        { "reader", 'r', CLI_TEXT, &d.reader_file, "FILE", "show them as this schema reads them" }, CLI_AVRO_OPTIONS(d.options), { 0 } };
    int code = cli_parse(command, options, argc, argv, &rest);
    if (code < 0)
        code = cli_avro_settle(command, &d.options);
    if (code < 0 && d.writer_files.count == 0)
        code = cli_usage(command, "which schema wrote the bytes? --writer FILE");
    if (code < 0 && d.writer_files.count > 1 && !d.options.single_object)
        code = cli_usage(command, "several --writer need --single-object, whose fingerprint chooses");
    if (code < 0 && rest.count > 1)
        code = cli_usage(command, "one FILE at most; '-', or none, is standard input");
    if (code < 0)
        code = decode(&d, rest.count > 0 ? rest.items[0] : "-");
    cli_list_free(&d.writer_files);
    cli_list_free(&d.options.with);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_avro_decode = {
    .name = "avro decode", .arguments = "--writer W [--reader R] [FILE]", .summary = "Avro bytes to JSON", .run = run,
    .details = "Prints the value alone and a newline; with --format json {\"value\"}, or {\"line\", \"value\"}, or \"error\" in its place.\n" CLI_AVRO_DETAILS
               "Empty input, or an empty line, is zero bytes: null, or an empty record.\n",
    .examples = "  polka avro decode --writer order.v1.avsc --reader order.v2.avsc order.bin\n"
                "  polka avro decode --writer order.v1.avsc --writer order.v2.avsc --single-object --json avro order.bin\n"
                "  echo 06412d31 | polka avro decode --writer id.avsc --hex\n"
                "  polka avro decode --writer order.avsc --lines values.hex\n" };
