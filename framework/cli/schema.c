/* schema.c: `polka schema`: the commands under it, and how they read a schema. */
#include <avro/json.h>
#include <cli/schema.h>

#include <cli/group.h>
#include <cli/schema_registry.h>
#include <cli/terminal.h>
#include <errno.h>
#include <unistd.h>

static const cli_command *const members[] = { &cli_schema_validate, &cli_schema_canonical, &cli_schema_fingerprint, &cli_schema_diff, &cli_schema_check,
                                           &cli_schema_register, &cli_schema_ls, &cli_schema_show, &cli_schema_level, NULL };

polka_status cli_schema_find_files(const cli_list *files, const char *more, polka_error *error)
{
    unsigned inputs = more != NULL && strcmp(more, "-") == 0;
    for (size_t i = 0; i < files->count; i++) {
        bool input = strcmp(files->items[i], "-") == 0;
        inputs += input;
        ENSURE(input || access(files->items[i], R_OK) == 0, POLKA_MISUSE, error, "no-file", "%s: cannot be read: %s", files->items[i], strerror(errno));
    }
    ENSURE(inputs <= 1, POLKA_MISUSE, error, "one-input", "standard input ('-') can be read once only; put the other into a file");
    return POLKA_OK;
}

polka_status cli_schema_open(cli_schema *schema, const char *file, const cli_list *with, polka_error *error)
{
    TRY(cli_schema_find_files(with, file, error));
    return cli_schema_read(schema, file, with, error);
}

polka_status cli_schema_read(cli_schema *schema, const char *file, const cli_list *with, polka_error *error)
{
    const cli_list one = { .count = 1, .items = &file };
    *schema = (cli_schema){ .set = polkai_schema_set_create(), .file = file };
    TRY(cli_schema_find_files(&one, NULL, error));
    return polkai_schema_read_file(schema->set, file, with->items, with->count, &schema->schema, error);
}

int cli_schema_fail(bool json, const polka_error *error)
{
    if (json)
        cli_print_json(json_pack("{s:o}", "error", polkai_json_text(error->message)));
    return cli_complain(error);
}

void cli_schema_close(cli_schema *schema)
{
    polkai_schema_set_destroy(schema->set);
    *schema = (cli_schema){ 0 };
}

static int run(const cli_command *command, int argc, char **argv)
{
    return cli_group(command, members, argc, argv);
}

const cli_command cli_schemas = {
    .name = "schema", .arguments = "COMMAND …", .summary = "Avro schemas: valid? the same? compatible? in which registry?", .run = run,
    .details = "Judged by the rules of Avro alone: no polka. attributes, file names or records are asked for. '-' is standard input.\n"
               "Exit: 0 good, 1 finding (invalid, different, not compatible), 2 usage, 3 registry not reachable.\n",
    .examples = "  polka schema validate schemas/shop/*.avsc\n"
                "  polka schema fingerprint --algorithm sha256 order.avsc\n"
                "  polka schema check --reader order.v2.avsc --writer order.v1.avsc\n"
                "  polka schema check --level FULL_TRANSITIVE order.v1.avsc order.v2.avsc order.v3.avsc\n" };
