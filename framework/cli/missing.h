/*
 * missing.h: what should have followed an event and has not: reactions that services declare, and steps of flow contracts.
 *
 * A reaction has happened when an event or a dead letter of it is there, or its group's committed offset is past the event (a
 * handler may emit nothing). Until its time is up it is waiting, then stalled: `within` of the contract step that one of its
 * emissions fulfils, else the deadline of the reaction, else a minute.
 */
#ifndef POLKA_CLI_MISSING_H
#define POLKA_CLI_MISSING_H

#include <choreography/contract.h>
#include <cli/trace.h>
#include <transport/admin.h>

/* How far a group is in one partition. */
typedef struct { const char *group; char *topic; int32_t partition; int64_t committed, high; } cli_place;

typedef struct {
    size_t manifest_count, contract_count, place_count;
    polkai_manifest *const *manifests;   /* borrowed, as all but the places */
    polkai_contract *const *contracts;
    polkai_admin *admin;
    cli_place *places;                   /* asked for once each */
} cli_expected;

/* cli_expected_hold fills flow->missing; the flow is linked. errors: as admin's committed and watermarks. */
polka_status cli_expected_hold(cli_expected *expected, cli_flow *flow, int64_t now_ms, polka_error *error);
void cli_expected_forget(cli_expected *expected);        /* the places */

/* cli_expected_ends: the flow contract that begins with an event of this flow: its name, and whether one of its ends is there. NULL: none. */
const char *cli_expected_ends(const cli_expected *expected, const cli_flow *flow, bool *ended);

#endif
