/* flaky.h: a transaction whose calls answer what a test has planted, around that of the memory. */
#ifndef TEST_FLOW_FLAKY_H
#define TEST_FLOW_FLAKY_H

#include "stubborn.h"

#include <stdatomic.h>

typedef enum { FLAKY_INIT, FLAKY_BEGIN, FLAKY_SEND, FLAKY_OFFSETS, FLAKY_COMMIT, FLAKY_ABORT, FLAKY_CALLS } flaky_call;

typedef struct {
    polkai_transaction transaction;
    polkai_transaction *inner;
    flaky_call call;                     /* what goes wrong: … */
    polkai_transaction_verdict verdict;  /* … the answer; 0: nothing does … */
    unsigned at, times;                  /* … at the call of this number, from 1, and so many from then on … */
    bool applied;                        /* … after it was done all the same */
    _Atomic int64_t *clock_ns;
    int64_t takes_ns;                    /* a commit takes so long */
    atomic_bool blocked[FLAKY_CALLS];    /* the call does not come back while this is set */
    atomic_uint inside[FLAKY_CALLS], made[FLAKY_CALLS];
    polkai_position offsets[8];          /* of the last call of offsets, to compare */
    size_t offset_count;
    const polkai_membership *membership;
    bool again;                          /* the last call of offsets was answered by AGAIN */
    unsigned changed;                    /* calls made again with other arguments */
} flaky_transaction;

/* harness_start, exactly-once; `source` may be NULL. Both live as long as the flow. */
void flaky_start(harness *h, const polka_service *service, polkai_flow_options options, flaky_transaction *flaky, stubborn_source *source);

#endif
