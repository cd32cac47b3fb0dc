/*
 * trace.h: the events of one flow, put in order by what caused what.
 */
#ifndef POLKA_CLI_TRACE_H
#define POLKA_CLI_TRACE_H

#include <cli/options.h>
#include <jansson.h>

typedef struct {
    char *id, *cause, *source, *type, *topic, *key;      /* owned; cause, key NULL: none */
    char *letter;                        /* of a dead letter: group, reaction and reason; NULL otherwise */
    int64_t time_ms, letter_ms;
    int32_t partition;
    int64_t offset;
    unsigned copies;                     /* of the same source and id */
    size_t parent;                       /* index; SIZE_MAX: a root */
} cli_node;

typedef struct { char *correlation; size_t count; cli_node *nodes; } cli_flow;

/* cli_flow_add takes the node; a copy (same source and id, no letter) only counts. */
void cli_flow_add(cli_flow *flow, cli_node node_taken);
/* cli_flow_link finds parents and puts nodes in order of time. */
void cli_flow_link(cli_flow *flow);
void cli_flow_print(const cli_flow *flow, bool json);
void cli_flow_free(cli_flow *flow);

#endif
