/* services.h: services to test the test kit on; each does one thing with what it is asked. */
#ifndef TEST_TESTKIT_SERVICES_H
#define TEST_TESTKIT_SERVICES_H

#include "kit_events.h"

#include <polka/test.h>

extern const polka_service
    echo,                                /* answers with the text; to "twice" with "first" and "second"; to nothing with nothing */
    judge,                               /* a dead letter, with the text as its reason */
    patient,                             /* three attempts, a second before the second and two before the third, which answers */
    reader,                              /* answers with the header x-note, or "none" */
    porter,                              /* answers with its resource, a text; its open makes "its own" */
    clerk,                               /* answers with its settings, or warns when asked to "warn" and to "tell" */
    caller,                              /* answers with what repeats: the id of the cause, a new id */
    listener,                            /* hears the answers, and asks nothing */
    rogue;                               /* emits what it does not declare */

extern int64_t asked_ms, heard_ms;       /* of patient, at its last attempt, and of listener: polka_now_ms, which is of the attempt */
extern unsigned attempt_count, opened;   /* of patient; of porter: how often its open was called */
extern char heard[64];                   /* of listener: the last answer */

void hold_flow(polka_test *test, const char *contract);  /* against this text */

#endif
