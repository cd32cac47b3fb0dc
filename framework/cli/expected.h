/* expected.h: what services declare and flow contracts ask for, read from where it is, for missing.h. */
#ifndef POLKA_CLI_EXPECTED_H
#define POLKA_CLI_EXPECTED_H

#include <cli/announced.h>
#include <cli/collect.h>
#include <cli/missing.h>

typedef struct {
    cli_expected expected;
    cli_manifests manifests;             /* those that count; borrowed from the two below */
    int64_t *since_ms;                   /* of each */
    cli_announced announced;
    cli_manifests built;
    cli_contracts contracts;
} cli_expectation;

/*
 * cli_expectation_open reads the manifests on polka.services, of services that run and of those that do not (where there are none,
 * those of the project's build), and the project's flow contracts. With neither, nothing is ever missing, which is said.
 * Zero-initialise but for expected.skew_ms; close it also after an error. errors: TRANSIENT when the broker is not reachable; MISUSE for a contract that cannot be read.
 */
polka_status cli_expectation_open(cli_expectation *expectation, const cli_project *project, const cli_connection *connection, polkai_admin *admin,
                                  polka_error *error);
void cli_expectation_close(cli_expectation *expectation);

/* cli_expectation_read_on takes what services have said since, without waiting: does anything else count than before? Then all places are forgotten. */
bool cli_expectation_read_on(cli_expectation *expectation, int64_t now_ms);
/* cli_expectation_refresh looks whether polka.services has come meanwhile. errors: as open. */
polka_status cli_expectation_refresh(cli_expectation *expectation, const cli_connection *connection, polkai_admin *admin, polka_error *error);

#endif
