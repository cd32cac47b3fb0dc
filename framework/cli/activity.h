/*
 * activity.h: how long reactions took and how many attempts they needed, from polka.activity, where services tell of it (activity.enabled).
 */
#ifndef POLKA_CLI_ACTIVITY_H
#define POLKA_CLI_ACTIVITY_H

#include <cli/connection.h>
#include <cli/missing.h>

#define CLI_ACTIVITY_TOPIC "polka.activity"

/*
 * cli_activity_read adds to the flow, which is linked, what polka.activity has of it, and where it has anything at all, which
 * flow->told says, the reactions that nobody tells of (handled.h).
 * errors: TRANSIENT when the broker is not reachable.
 */
polka_status cli_activity_read(cli_flow *flow, const cli_expected *expected, const cli_connection *connection, polkai_admin *admin, polka_error *error);

#endif
