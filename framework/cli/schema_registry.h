/* schema_registry.h: those of `polka schema …` that talk to a registry. */
#ifndef POLKA_CLI_SCHEMA_REGISTRY_H
#define POLKA_CLI_SCHEMA_REGISTRY_H

#include <cli/cli.h>

extern const cli_command cli_schema_register, cli_schema_ls, cli_schema_show, cli_schema_level;

#endif
