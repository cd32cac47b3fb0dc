/* told.h: what `polka watch` says of flows: lines on standard output, and polka.FlowStalled and polka.FlowEnded on polka.flows. */
#ifndef POLKA_CLI_TOLD_H
#define POLKA_CLI_TOLD_H

#include <cli/connection.h>
#include <cli/held.h>

#define CLI_FLOWS_TOPIC "polka.flows"

typedef struct cli_teller cli_teller;

/*
 * cli_teller_open: *teller is new. emits: write events; else only lines. all: a line for flows that are done too.
 * errors: TRANSIENT when the broker is not reachable.
 */
polka_status cli_teller_open(cli_teller **teller, const cli_connection *connection, polkai_admin *admin, bool emits, bool json, bool all, polka_error *error);
void cli_teller_close(cli_teller *teller);               /* NULL is fine */

/*
 * The id of what is said is made from what it says, so that a watcher that starts again repeats its ids and readers can drop copies.
 * false: it was told before this start.
 */
bool cli_tell_stalled(cli_teller *teller, const cli_flow *flow, const char *contract, const cli_missing *missing);
bool cli_tell_ended(cli_teller *teller, const cli_held *held, const char *contract, bool failed);

/* cli_teller_was_told: from before this start: not again. Until cli_teller_caught_up, each id on polka.flows is given here. */
void cli_teller_was_told(cli_teller *teller, polka_text id);

/* cli_teller_send returns when all is acknowledged. errors: as polka_commit_take; then it is kept for the next time. */
polka_status cli_teller_send(cli_teller *teller, polka_error *error);

#endif
