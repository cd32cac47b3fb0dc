/* impact.h: who breaks if a field, an event or a service goes: from what is compiled into the services. */
#ifndef POLKA_CHOREOGRAPHY_IMPACT_H
#define POLKA_CHOREOGRAPHY_IMPACT_H

#include <choreography/check.h>

typedef enum {
    POLKAI_UNREADABLE,                   /* a reader cannot do without the field */
    POLKAI_DEFAULTED,                    /* a reader takes its default instead; nothing breaks */
    POLKAI_KEYLESS,                      /* the field is the key */
    POLKAI_UNFED,                        /* a reaction on an event that nobody emits any more */
    POLKAI_STARVED,                      /* a reaction on an event that is emitted only upon events that do not come any more */
    POLKAI_UNHEARD,                      /* an event that nobody hears any more */
    POLKAI_BROKEN_FLOW                   /* a flow contract that cannot be kept any more */
} polkai_effect;
const char *polkai_effect_name(polkai_effect effect);    /* "unfed" */
bool polkai_effect_breaks(polkai_effect effect);         /* all but defaulted and unheard */

typedef struct {
    polkai_effect effect;
    const char *service, *version, *event;               /* NULL: of none */
    const char *message;                                 /* a sentence */
} polkai_consequence;

typedef struct {
    const char *kind, *name;             /* "field", "event" or "service"; its full name */
    size_t count;
    const polkai_consequence *items;     /* in the order of the enum, then by event and service */
} polkai_impact;

/*
 * polkai_impact_of: `what` is a service, an event, or an event with a field ("shop.OrderPlaced.lines.sku"); of an event its
 * last part is enough when no other has it.
 * ownership: memory of `arena`; names are the choreography's.
 * errors: MISUSE "unknown-name", with the nearest; "unknown-field" with the fields there are.
 */
polka_status polkai_impact_of(polkai_impact *impact, const polkai_choreography *all, const char *what, polka_arena *arena, polka_error *error);

#endif
