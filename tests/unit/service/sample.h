/* sample.h: a service value written by hand, so that these tests need no generated code. */
#ifndef TEST_SERVICE_SAMPLE_H
#define TEST_SERVICE_SAMPLE_H

#include <polka/codec.h>

extern const polka_event sample_placed_event, sample_paid_event, sample_declined_event;
extern const polka_service sample_service;               /* settings, two reactions */

extern bool sample_blocks;               /* handlers never come back */
extern bool sample_floods;               /* and write to the log for ever */
/* How the first reaction ends the process at the event whose id is "bad". */
typedef enum { SAMPLE_FINE = 0, SAMPLE_NULL, SAMPLE_STACK, SAMPLE_ABORT, SAMPLE_KILL } sample_fault;
extern sample_fault sample_fails;

/* A reaction as POLKA_REACT would make it. */
polka_reaction sample_reaction(void);

#endif
