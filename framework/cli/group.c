/* group.c: finds the command inside a command. */
#include <cli/group.h>

#include <base/text.h>
#include <stdio.h>

enum { MEMBERS_MOST = 32 };

static void print_help(FILE *out, const cli_command *command, const cli_command *const *members)
{
    fprintf(out, "polka %s: %s\n\nUsage: polka %s %s\n\nCommands:\n", command->name, command->summary, command->name, command->arguments);
    for (size_t i = 0; members[i] != NULL; i++)
        fprintf(out, "  %-20s %s\n", members[i]->name, members[i]->summary);
    if (command->details != NULL)
        fprintf(out, "\n%s", command->details);
    fprintf(out, "\npolka %s COMMAND --help tells more.\n", command->name);
    if (command->examples != NULL)
        fprintf(out, "\nExamples:\n%s", command->examples);
}

int cli_group(const cli_command *command, const cli_command *const *members, int argc, char **argv)
{
    const char *names[MEMBERS_MOST], *given = argc > 1 ? argv[1] : NULL;
    size_t count = 0, skip = strlen(command->name) + 1;
    if (given == NULL || strcmp(given, "--help") == 0 || strcmp(given, "-h") == 0) {
        print_help(given == NULL ? stderr : stdout, command, members);
        return given == NULL ? CLI_USAGE : CLI_OK;
    }
    for (; members[count] != NULL && count < MEMBERS_MOST; count++) {
        names[count] = members[count]->name + skip;
        if (strcmp(names[count], given) == 0)
            return members[count]->run(members[count], argc - 1, argv + 1);
    }
    const char *nearest = polkai_nearest(given, names, count);
    fprintf(stderr, "polka %s: there is no command '%s'%s%s%s\nTry: polka %s --help\n", command->name, given, nearest != NULL ? "; did you mean '" : "",
            nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "", command->name);
    return CLI_USAGE;
}
