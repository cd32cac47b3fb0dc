/*
 * activity.h: what each reaction did, told on the topic polka.activity: an event polka.ReactionEnded for each event and reaction, and
 * for each attempt that is made again (schemas/reaction_ended.avsc).
 *
 * It is told beside the work, never as a part of it: no handler waits for it, no acknowledgement, commit or transaction has to do with
 * it, and what cannot be sent (too much under way, no such topic) is dropped and counted. So under exactly-once a record tells of an
 * attempt whose transaction may still be aborted; the event is then handled, and told of, once more.
 * Events of polka.activity itself are not told of: a service that reacts to them would never come to an end.
 */
#ifndef POLKA_FLOW_ACTIVITY_H
#define POLKA_FLOW_ACTIVITY_H

#include <flow/inner.h>

#define POLKAI_ACTIVITY_TOPIC "polka.activity"
#define POLKAI_ACTIVITY_TYPE "polka.ReactionEnded"

/* With options.activity; flow->activity is there then. errors: MISUSE for its schema, which is ours. */
polka_status polkai_activity_create(polkai_flow *flow, polka_error *error);
void polkai_activity_destroy(polkai_flow *flow);         /* its sink is closed */
/*
 * Its schema goes to polka.schemas, whatever the framing of emissions, and again every half a minute until that topic takes it. Poll thread.
 */
void polkai_activity_look(polkai_flow *flow, int64_t now_ns);
void polkai_activity_announced(polkai_flow *flow, const polkai_report *report);

/*
 * polkai_activity_tell: of an attempt that has just come to its end; code NULL: no dead letter. The lane, or the poll thread.
 * DONE may be followed by DEAD for the same attempt: the broker refused for good what it emitted.
 */
void polkai_activity_tell(polka_context *unit, polkai_reaction_outcome outcome, const char *code);
void polkai_activity_report(polkai_flow *flow, polkai_sending *sending, const polkai_report *report);
bool polkai_activity_waits(const polkai_flow *flow);     /* something is not acknowledged yet */
void polkai_activity_read(const polkai_flow *flow, uint64_t *told, uint64_t *dropped);

#endif
