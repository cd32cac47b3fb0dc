/* group.h: a command that has commands of its own: `polka schema validate`. */
#ifndef POLKA_CLI_GROUP_H
#define POLKA_CLI_GROUP_H

#include <cli/cli.h>

/*
 * cli_group runs the member that argv[1] names: members[i]->name is "schema validate" for argv[1] "validate". NULL ends
 * `members`. Without one, with --help, or with a name that is none, it lists them.
 */
int cli_group(const cli_command *command, const cli_command *const *members, int argc, char **argv);

#endif
