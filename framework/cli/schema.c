/* schema.c: `polka schema …`: finds the subcommand. */
#include <cli/schema_registry.h>

#include <base/text.h>
#include <stdio.h>

static const cli_command *const subcommands[] = { &cli_schema_register, &cli_schema_ls, &cli_schema_show, &cli_schema_level };
enum { SUBCOMMAND_COUNT = sizeof subcommands / sizeof *subcommands, WORD = sizeof "schema" };

static void print_help(FILE *out)
{
    fprintf(out, "polka schema: Avro schemas and schema registries\n\nUsage: polka schema SUBCOMMAND …\n\nSubcommands:\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        fprintf(out, "  %-12s %s\n", subcommands[i]->name + WORD, subcommands[i]->summary);
    fprintf(out, "\npolka schema SUBCOMMAND --help tells more.\n");
}

static int run(const cli_command *command, int argc, char **argv)
{
    const char *names[SUBCOMMAND_COUNT];
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return CLI_OK;
    }
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        names[i] = subcommands[i]->name + WORD;
        if (strcmp(names[i], argv[1]) == 0)
            return subcommands[i]->run(subcommands[i], argc - 1, argv + 1);
    }
    const char *nearest = polkai_nearest(argv[1], names, SUBCOMMAND_COUNT);
    fprintf(stderr, "polka: there is no 'schema %s'%s%s%s\nTry: polka %s --help\n", argv[1], nearest != NULL ? "; did you mean '" : "",
            nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "", command->name);
    return CLI_USAGE;
}

const cli_command cli_schema = {
    .name = "schema", .arguments = "SUBCOMMAND", .summary = "schemas in a registry: register, ls, show, level", .run = run, .details = "", .examples = "  polka schema ls\n" };
