/*
 * missing.h: what should have followed an event and has not: reactions that services declare, and steps of flow contracts.
 *
 * A reaction has happened when an event or a dead letter of it is there, or its group's committed offset is past the event (a
 * handler may emit nothing). Until its time is up it is waiting, then stalled: `within` of the contract step that one of its
 * emissions fulfils, else the deadline of the reaction, else a minute.
 */
#ifndef POLKA_CLI_MISSING_H
#define POLKA_CLI_MISSING_H

#include <cli/connection.h>
#include <cli/trace.h>

typedef struct cli_expected cli_expected;
/*
 * cli_expected_open reads the manifests on polka.services, of services that run and of those that do not (where there are none,
 * those of the project's build), and the project's flow contracts. *expected is new. With neither, nothing is ever missing,
 * which is said. errors: TRANSIENT when the broker is not reachable; MISUSE for a contract that cannot be read.
 */
polka_status cli_expected_open(cli_expected **expected, const cli_project *project, const cli_connection *connection, polkai_admin *admin, polka_error *error);
void cli_expected_close(cli_expected *expected);         /* NULL is fine */

/* cli_expected_hold fills flow->missing; the flow is linked. Offsets of groups are asked for once; again after cli_expected_renew. */
polka_status cli_expected_hold(cli_expected *expected, cli_flow *flow, int64_t now_ms, polka_error *error);
void cli_expected_renew(cli_expected *expected);

/* cli_expected_ends: the flow contract that begins with an event of this flow: its name, and whether one of its ends is there. NULL: none. */
const char *cli_expected_ends(const cli_expected *expected, const cli_flow *flow, bool *ended);

#endif
