/* check_inner.h: the parts of the check, each of which adds its own codes; inside this room only. */
#ifndef POLKA_CHOREOGRAPHY_CHECK_INNER_H
#define POLKA_CHOREOGRAPHY_CHECK_INNER_H

#include <choreography/check.h>

typedef struct {
    const polkai_choreography *all;
    const polkai_graph *graph;
    polkai_findings *findings;
    polka_arena *arena;                  /* of the findings */
    bool *starts, *ends;                 /* by event: a flow begins, ends with it */
} polkai_checking;

void polkai_check_manifests(polkai_checking *check);     /* bad-manifest, bad-name, duplicate-service */
void polkai_check_owners(polkai_checking *check);        /* two-owners */
void polkai_check_pairs(polkai_checking *check);         /* topic-mismatch, key-mismatch, incompatible-pair */
void polkai_check_edges(polkai_checking *check);         /* unfed-reaction, unheard-event */
void polkai_check_cycles(polkai_checking *check);        /* cycle */
void polkai_check_flows(polkai_checking *check);         /* flow-gap, flow-unreachable */

/* For a text that may be NULL. */
#define POLKAI_OR(TEXT, OTHERWISE) ((TEXT) != NULL ? (TEXT) : (OTHERWISE))

#endif
