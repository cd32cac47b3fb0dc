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
    char *group, *reaction;              /* of a dead letter; NULL otherwise */
    int64_t time_ms, letter_ms;
    int64_t written_ms;                  /* the later of its own time and its record's, which may be the broker's */
    int64_t came_ms;                     /* when it was read, by the clock here; 0: not noted */
    bool was_there;                      /* before it was begun to read */
    int32_t partition;
    int64_t offset;
    unsigned copies;                     /* of the same source and id */
    bool told;                           /* follow.c: it has its line */
    size_t parent;                       /* index; SIZE_MAX: a root */
} cli_node;

/* What should have followed an event (missing.h): a reaction of a service, or a step of a flow contract. Texts are owned. */
typedef struct {
    size_t node;                         /* the event */
    bool stalled;                        /* else it is waiting */
    char *service, *group, *reaction;    /* NULL: a step */
    char *contract;                      /* of a step: the flow's name; NULL otherwise */
    char *events;                        /* "shop.StockReserved or shop.StockRejected"; "": it emits nothing */
    int64_t age_ms, within_ms, lag;      /* within 0: without limit; lag: of the group in the event's partition; -1: not known */
} cli_missing;

/* What a reaction did with an event, as polka.activity has it last (activity.h). Texts are owned, but outcome. */
typedef struct {
    size_t node;                         /* the event */
    char *service, *group, *reaction, *code;             /* code NULL: no dead letter */
    const char *outcome;                 /* NULL: it has happened, and nobody tells how */
    int64_t begun_us, took_us, attempts; /* took below 0: not known */
} cli_handled;

typedef struct {
    char *correlation;
    size_t limit, beyond;                /* so many nodes are kept, 0: all; and so many were not */
    size_t count, missing_count, handled_count;
    cli_node *nodes;
    cli_missing *missing;
    cli_handled *handled;
    bool told;                           /* polka.activity has something of this flow */
} cli_flow;

/* cli_flow_add takes the node; a copy (same source and id, no letter) only counts, and so does one beyond the limit. */
void cli_flow_add(cli_flow *flow, cli_node node_taken);
/* cli_flow_link finds parents and puts nodes in order of time, but none before its cause. */
void cli_flow_link(cli_flow *flow);
void cli_flow_forget_missing(cli_flow *flow);
bool cli_flow_misses(const cli_flow *flow, size_t event, const char *group, const char *reaction);      /* it is among what is missing */
void cli_flow_free(cli_flow *flow);
void cli_node_free(cli_node *node);                      /* of a node that no flow took */
const char *cli_service_of(const char *source);          /* "/shop/payments" and "/payments" -> "payments"; NULL -> "?" */
const char *cli_node_service(const cli_node *node);

/* tree.c, draw.c: on stdout. JSON: one object an event, with what is missing after it. */
void cli_flow_tree(const cli_flow *flow);
void cli_flow_json(const cli_flow *flow);
void cli_flow_sequence(const cli_flow *flow);
void cli_flow_timeline(const cli_flow *flow);
void cli_flow_mermaid(const cli_flow *flow);

/* One event, and one thing that is missing, by itself: rows are new, lines end with \n. */
json_t *cli_node_json(const cli_flow *flow, size_t node);
json_t *cli_missing_json(const cli_missing *missing);
void cli_node_line(const cli_flow *flow, size_t node);
void cli_missing_line(const cli_flow *flow, const cli_missing *missing);
void cli_missing_words(const cli_missing *missing);      /* the same without its place in the flow and without its state */

#endif
