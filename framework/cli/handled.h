/*
 * handled.h: what is known of the reactions to a flow's events: rows that polka.activity tells of (activity.h), and those of reactions that
 * have happened without anybody telling how.
 */
#ifndef POLKA_CLI_HANDLED_H
#define POLKA_CLI_HANDLED_H

#include <cli/missing.h>

enum { CLI_HANDLED_MOST = 64 };          /* rows of one event: anybody may write on polka.activity, under any name */

/* cli_handled_row: that of this reaction to this event, made where there is none yet; NULL: the event has the most. */
cli_handled *cli_handled_row(cli_flow *flow, size_t node, polka_text group, polka_text reaction);
/*
 * cli_handled_add_untold adds a row without figures for each declared reaction that has happened and has none: nothing of it is in flow->missing,
 * and it did not end in a dead letter. Of a flow that is not all here none: a letter of it may be in what was not kept.
 */
void cli_handled_add_untold(cli_flow *flow, const cli_expected *expected);
void cli_flow_forget_handled(cli_flow *flow);

size_t cli_handled_count(const cli_flow *flow, size_t node);
/* On stdout, a line each behind `prefix`. */
void cli_handled_lines(const cli_flow *flow, size_t node, const char *prefix, bool last);
json_t *cli_handled_json(const cli_flow *flow, size_t node);         /* new; null where polka.activity has nothing of the flow */

#endif
