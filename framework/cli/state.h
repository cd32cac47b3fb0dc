/* state.h: how far a flow is, from what is there and what is missing. */
#ifndef POLKA_CLI_STATE_H
#define POLKA_CLI_STATE_H

#include <cli/trace.h>

typedef enum { CLI_RUNNING = 0, CLI_DONE, CLI_FAILED, CLI_STALLED, CLI_STATES } cli_state;
extern const char *const cli_states[CLI_STATES];         /* "running" … */

/* cli_flow_state: by_contract: a flow contract is of it; ended: and one of its ends is there. Else of what cli_expected_hold found. */
cli_state cli_flow_state(const cli_flow *flow, bool by_contract, bool ended);
/* cli_flow_is_whole: its first event is there; one that began before the time that is looked at would seem to lack its first steps. */
bool cli_flow_is_whole(const cli_flow *flow);
size_t cli_flow_letters(const cli_flow *flow);           /* dead letters of it */
int64_t cli_flow_due(const cli_flow *flow, int64_t now_ms);              /* when the first thing that waits has waited too long; INT64_MAX: nothing waits */
int64_t cli_flow_last_ms(const cli_flow *flow);          /* when its last event or letter was written */
/*
 * cli_flow_took_ms: from its first event to its last; by when they came here, where all were seen coming, else by the clocks of who wrote
 * them; never below 0.
 */
int64_t cli_flow_took_ms(const cli_flow *flow);

#endif
