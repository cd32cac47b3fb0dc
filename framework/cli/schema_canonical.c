/* schema_canonical.c: `polka schema canonical`: the Parsing Canonical Form of a schema. */
#include <cli/schema.h>

#include <avro/canonical.h>

static polka_status canonical(const polkai_schema *schema, char **text, json_t *row, polka_error *error)
{
    (void)row, (void)error;
    *text = polkai_schema_canonical(schema);
    return POLKA_OK;
}

static int run(const cli_command *command, int argc, char **argv)
{
    return cli_schema_text(command, &(cli_schema_text_kind){ .member = "canonical", .bare = "the bare text", .text = canonical }, argc, argv);
}

const cli_command cli_schema_canonical = {
    .name = "schema canonical", .arguments = "FILE", .summary = "its Parsing Canonical Form", .run = run,
    .details = "The bare text and a newline; with --format json {\"file\", \"canonical\"}. What it refers to is written out.\n",
    .examples = "  polka schema canonical order.avsc\n"
                "  polka schema canonical schemas/shop/order_placed.v1.avsc --with schemas/shop/order_line.v1.avsc\n" };
