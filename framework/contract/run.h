/*
 * run.h: what happened in one run, held against a flow contract. An event follows another when that is its cause.
 * thread: any; nothing is kept.
 */
#ifndef POLKA_CONTRACT_RUN_H
#define POLKA_CONTRACT_RUN_H

#include <contract/contract.h>

/* One event of a run. */
typedef struct {
    const char *type;                    /* full name, borrowed; NULL: it counts for no step (a dead letter, a record of an unknown type) */
    size_t cause;                        /* the index of the event that caused it; SIZE_MAX: none, or one that is not here */
} polkai_happened;

typedef struct { size_t count; polkai_happened *events; } polkai_happenings;     /* of who made it; only read here */

bool polkai_contract_begins(const polkai_contract *contract, const polkai_happenings *run);   /* is a beginning of it there? */

/*
 * polkai_contract_has_ended: has each beginning led to an end? Two flows may go under one id, and an end that says nothing of its
 * cause, or whose causes are not here, may be that of any. false: also without an end.
 */
bool polkai_contract_has_ended(const polkai_contract *contract, const polkai_happenings *run);

/* polkai_contract_follows: the first event of `step` that `event` caused; SIZE_MAX: none. */
size_t polkai_contract_follows(const polkai_contract_step *step, const polkai_happenings *run, size_t event);

#endif
