/* follow.h: a flow while it goes on: drawn anew on a terminal, else a line for each event and for what is missing. */
#ifndef POLKA_CLI_FOLLOW_H
#define POLKA_CLI_FOLLOW_H

#include <cli/gather.h>
#include <cli/missing.h>

typedef struct {
    cli_flow *flow;                      /* linked; `visit` adds to it */
    cli_expected *expected;
    cli_gather_reading *reading;
    cli_gather_visit *visit;
    void *user;
    void (*print)(const cli_flow *flow); /* cli_flow_tree, … */
} cli_following;

/* cli_follow_can: is there a terminal to draw on, or is it a form that has lines? */
bool cli_follow_can(void (*print)(const cli_flow *flow));

/* cli_follow returns when the flow has ended or cli_stopped(). errors: as cli_expected_hold. */
polka_status cli_follow(const cli_following *following, polka_error *error);

#endif
