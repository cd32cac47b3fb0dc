/*
 * missing.h: what should have followed an event and has not: reactions that services declare, and steps of flow contracts.
 *
 * A reaction has happened when an event or a dead letter of it is there, or its group's committed offset is past the event (a
 * handler may emit nothing). Until its time is up it is waiting, then stalled: `within` of the contract step that one of its
 * emissions fulfils, else the deadline of the reaction, else a minute.
 *
 * How old an event is, where no two clocks agree: what was seen coming is as old as since it came, by the clock here, and no other clock
 * counts. What was there already says itself when it was written, by a clock that may be `skew_ms` behind; it is as old as it is for certain,
 * so since then and that much later, but at the latest since it was read here. So nothing is said to be stalled too early as long as clocks
 * are no further apart; it may be said later, by twice that at most, and never later than a whole time after it was read.
 */
#ifndef POLKA_CLI_MISSING_H
#define POLKA_CLI_MISSING_H

#include <cli/hearer.h>
#include <cli/place.h>
#include <cli/trace.h>
#include <contract/run.h>

typedef struct {
    size_t contract_count;
    polkai_contract *const *contracts;   /* borrowed, as admin and what `hearers` uses */
    polkai_admin *admin;
    int64_t skew_ms;                     /* so far clocks may be apart */
    cli_hearers hearers;
    cli_places places;
} cli_expected;

/*
 * In three steps, so that the broker is asked at once for all that is to be known of many flows. A flow is linked before.
 * cli_expected_need: of which groups it has to be known how far they are. cli_expected_ask asks. errors: as admin's committed and watermarks.
 * cli_expected_hold fills flow->missing, of a flow that it was said for.
 */
void cli_expected_need(cli_expected *expected, const cli_flow *flow);
polka_status cli_expected_ask(cli_expected *expected, polka_error *error);
void cli_expected_hold(const cli_expected *expected, cli_flow *flow, int64_t now_ms);
void cli_expected_forget(cli_expected *expected);        /* how far groups are */
void cli_expected_free(cli_expected *expected);

/*
 * cli_expected_ends: the flow contract that begins with an event of this flow, which is linked: its name, and whether each such event has led to
 * one of its ends. NULL: none.
 */
const char *cli_expected_ends(const cli_expected *expected, const cli_flow *flow, bool *ended);

#endif
