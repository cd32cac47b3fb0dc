/* traced.h: the spans of what `polka emit` sends, where its environment asks for them as a service's does (service/tracing.h). */
#ifndef POLKA_CLI_TRACED_H
#define POLKA_CLI_TRACED_H

#include <cli/catalog.h>
#include <cli/sender.h>

#include <base/log.h>
#include <service/tracing.h>

typedef struct {
    polkai_trace *trace;                 /* NULL: nothing is exported */
    polkai_log log;
    const cli_event *event;
} cli_traced;

/* cli_traced_open: `traced` stays where it is until the close. What is wrong with the environment, or with the collector, is told on stderr. */
void cli_traced_open(cli_traced *traced, const cli_event *event);
void cli_traced_close(cli_traced *traced);               /* what is there is exported, in three seconds at most; one that is not open is fine */

/* cli_traced_parent: the traceparent of an event that begins a flow, and so a trace: sampled, unless a sampler of the environment says no. */
polka_text cli_traced_parent(const cli_traced *traced, const char *id, polka_arena *arena);
/* cli_traced_heard: a cli_sender_heard; user: cli_traced. */
void cli_traced_heard(void *user, const cli_sent *sent, const polkai_report *report);

#endif
