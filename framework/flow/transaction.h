/*
 * transaction.h: exactly-once. Emissions and letters of an event are kept until the watermark of its partition passes the event;
 * then they leave in one transaction with the offsets. transaction.c is the poll thread's side: what goes into a transaction, and
 * going back to what is committed when one failed. committer.c carries one out, on a thread of its own.
 */
#ifndef POLKA_FLOW_TRANSACTION_H
#define POLKA_FLOW_TRANSACTION_H

#include <flow/inner.h>
#include <transport/transaction.h>

typedef enum { BATCH_COMMITTED = 1, BATCH_ABORTED, BATCH_LEFT } polkai_batch_end;     /* LEFT: the flow stops, and its fate is not known */

/* One transaction. The poll thread fills it and hands it over; it has it back when `ended` is set. */
typedef struct {
    polkai_lane_item item;
    polkai_delivery *first;              /* by next_taken, in order for each partition */
    size_t count;
    polkai_position *positions;
    size_t position_count;
    polkai_membership *membership;
    atomic_bool stale;                   /* of partitions that are lost: it is to be aborted */
    atomic_bool ended;
    polkai_batch_end end;
    size_t emitted;
    polkai_sending *refused;             /* with ABORTED: a record that the broker refuses for good; NULL: none */
    polka_error error;                   /* why it was not committed */
} polkai_batch;

/* A record that was refused for good: its event is handled again, and becomes a dead letter then. */
typedef struct polkai_refusal polkai_refusal;
struct polkai_refusal {
    polkai_refusal *next;
    char *topic;                         /* of the event */
    int32_t partition;
    int64_t offset;
    const polka_reaction *reaction;
    bool letter;                         /* what was refused is the letter: it goes without its value */
    polka_error error;
};

struct polkai_transacting {
    polkai_flow *flow;
    polkai_transaction *transaction;     /* of the committer */
    polkai_lane *committer;              /* NULL once it has ended */
    polkai_batch batch;
    bool under_way;                      /* the committer has the batch */
    polkai_delivery *first, *last;       /* passed by the watermark and not in a transaction yet */
    size_t count;
    int64_t due_ns;                      /* the next transaction, when there is something for it */
    /* going back: */
    bool rewinding;
    polkai_position *rewound;            /* partitions that are to be read again; their names are new */
    size_t rewound_count;
    unsigned failures;                   /* transactions that failed, one after the other */
    polkai_position *stuck;              /* what the last that failed would have committed, as long as that is not passed; names are new */
    size_t stuck_count;
    int64_t rewind_ns;                   /* not before this */
    /* of the committer, but for what is atomic: */
    bool made;                           /* the producer is ready */
    bool doubtful;                       /* a commit or abort may still be under way at the broker: the producer is made anew first */
    _Atomic(const char *) call;          /* what is under way; NULL: nothing */
    atomic_llong since_ns;
    atomic_bool stopping;                /* what is under way is not tried again */
    pthread_mutex_t lock;                /* of refusals */
    polkai_refusal *refusals;
    atomic_uint refusal_count;
};

/* ---- transaction.c: on the poll thread ---- */
polka_status polkai_transact_start(polkai_flow *flow, polka_error *error);
void polkai_transact_taken(polkai_delivery *delivery);   /* in the order of its partition */
void polkai_transact_done(polkai_delivery *delivery);    /* all its reactions are settled, or it is dropped */
/* polkai_transact_turn: what ended, what begins, going back. Returns how many events left. */
size_t polkai_transact_turn(polkai_flow *flow);
bool polkai_transact_has_work(const polkai_flow *flow);  /* a transaction is under way, or could begin */
int64_t polkai_transact_due_ns(const polkai_flow *flow); /* INT64_MAX: nothing is due by the time */
/* polkai_transact_hurry: the same with a transaction that begins at once, and without going back: for inside of a revoke, and a drain. */
void polkai_transact_hurry(polkai_flow *flow);
void polkai_transact_fenced(polkai_flow *flow);          /* partitions were fenced: nothing more leaves for them. Before they are detached */
void polkai_transact_forget(polkai_flow *flow, const polkai_position *partition);    /* it is given up while we go back */
bool polkai_transact_stop(polkai_flow *flow, int64_t timeout_ms);                    /* false: a call hangs */
const char *polkai_transact_call(const polkai_flow *flow);                           /* what the committer is inside of; NULL: nothing */
void polkai_transact_destroy(polkai_flow *flow);

/* ---- refusal.c: on the poll thread, but polkai_transact_refusal ---- */
void polkai_refusal_remember(polkai_transacting *transacting);       /* what the batch, which was aborted, has as refused */
void polkai_refusals_forget(polkai_transacting *transacting);        /* those of events that the batch has committed */
void polkai_refusals_free(polkai_transacting *transacting);
/* polkai_transact_refusal: what the broker said of this unit the last time; false: nothing. On its lane. */
bool polkai_transact_refusal(polka_context *unit, bool letter, polka_error *error);

/* ---- stuck.c: on the poll thread ---- */
void polkai_stuck_note(polkai_transacting *transacting);             /* the batch was aborted */
/* polkai_stuck_moved: the batch was committed. With the last partition that comes past what failed, or is lost, the back-off begins anew. */
void polkai_stuck_moved(polkai_transacting *transacting);
void polkai_stuck_free(polkai_transacting *transacting);

/* ---- committer.c: on its thread ---- */
int64_t polkai_committer_work(void *transacting, polkai_lane_item *items);

/* Not detached, and not about to be given up. */
static inline bool polkai_transact_is_ours(const polkai_partition *partition)
{
    return !partition->detached && !atomic_load(&partition->revoked);
}

#endif
