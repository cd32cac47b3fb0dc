/* schema_fingerprint.c: `polka schema fingerprint`: a fingerprint of the Parsing Canonical Form of a schema. */
#include <cli/schema.h>

#include <avro/canonical.h>
#include <base/arena.h>

static const char *algorithm;            /* of the one command that this process runs */

static polka_status fingerprint(const polkai_schema *schema, char **text, json_t *row, polka_error *error)
{
    char print[POLKAI_FINGERPRINT_TEXT];
    TRY(polkai_schema_fingerprint_hex(schema, algorithm, print, error));
    *text = polkai_strdup(print);
    if (row != NULL)
        json_object_set_new(row, "algorithm", json_string(algorithm));
    return POLKA_OK;
}

static int run(const cli_command *command, int argc, char **argv)
{
    static const cli_option own = { "algorithm", 'a', CLI_TEXT, &algorithm, "crc64|sha256|md5", "default: crc64, what single-object encoding carries" };
    algorithm = "crc64";
    return cli_schema_text(command, &(cli_schema_text_kind){ .member = "fingerprint", .bare = "the bare digits", .own = &own, .text = fingerprint }, argc, argv);
}

const cli_command cli_schema_fingerprint = {
    .name = "schema fingerprint", .arguments = "FILE", .summary = "a fingerprint of its Parsing Canonical Form", .run = run,
    .details = "Lower-case hex and a newline: crc64 (CRC-64-AVRO) as 16 digits of the number, most significant first; sha256; md5.\n"
               "With --format json {\"file\", \"algorithm\", \"fingerprint\"}.\n",
    .examples = "  polka schema fingerprint order.avsc\n  polka schema fingerprint --algorithm sha256 order.avsc\n" };
