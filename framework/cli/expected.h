/* expected.h: what services declare and flow contracts ask for, read from where it is, for missing.h. */
#ifndef POLKA_CLI_EXPECTED_H
#define POLKA_CLI_EXPECTED_H

#include <cli/collect.h>
#include <cli/connection.h>
#include <cli/missing.h>

typedef struct { cli_expected expected; cli_manifests manifests; cli_contracts contracts; } cli_expectation;

/*
 * cli_expectation_open reads the manifests on polka.services, of services that run and of those that do not (where there are none,
 * those of the project's build), and the project's flow contracts. With neither, nothing is ever missing, which is said.
 * Zero-initialise; close it also after an error. errors: TRANSIENT when the broker is not reachable; MISUSE for a contract that cannot be read.
 */
polka_status cli_expectation_open(cli_expectation *expectation, const cli_project *project, const cli_connection *connection, polkai_admin *admin,
                                  polka_error *error);
void cli_expectation_close(cli_expectation *expectation);

#endif
