/* router.h: from an event type to the reactions of this service. */
#ifndef POLKA_FLOW_ROUTER_H
#define POLKA_FLOW_ROUTER_H

#include <polka/polka.h>

/* One event type; its reactions in the order of the table. */
typedef struct {
    const polka_event *event;            /* NULL: the default reaction's route */
    const polka_reaction *const *reactions;
    size_t count;
} polkai_route;

typedef struct polkai_router polkai_router;

/*
 * polkai_router_create checks the reaction table and sorts it by event type. new.
 * errors: MISUSE naming the reaction: a second reaction to one event without a name, two of one name, no handler, an event
 *         without topic, an emission without topic, a row that no macro made (a missing { 0 }).
 */
polka_status polkai_router_create(polkai_router **router, const polka_service *service, polka_error *error);
void polkai_router_destroy(polkai_router *router);       /* NULL is fine */

/* NULL: nobody here reacts to it, not even by default. */
const polkai_route *polkai_router_find(const polkai_router *router, polka_text type);
/* For records that carry no type: by the schema that wrote them. NULL: not known. */
const polkai_route *polkai_router_find_schema(const polkai_router *router, uint64_t fingerprint);
const polkai_route *polkai_router_default(const polkai_router *router);              /* NULL: there is none */

/* The topics to subscribe to, each once; borrowed. */
const polka_text *polkai_router_topics(const polkai_router *router, size_t *count);

const char *polkai_reaction_name(const polka_reaction *reaction);                    /* its name, or its event's */

#endif
