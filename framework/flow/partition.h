/* partition.h: a partition of the present assignment, from when it is given to us until nothing of it is under way any more. */
#ifndef POLKA_FLOW_PARTITION_H
#define POLKA_FLOW_PARTITION_H

#include <flow/flow.h>
#include <flow/offsets/tracker.h>

#include <stdatomic.h>

typedef struct polkai_delivery polkai_delivery;

/* Whose a partition is: with DOUBTED it is being asked, and nothing is sent until that is known. */
enum { POLKAI_OURS = 0, POLKAI_FENCED, POLKAI_DOUBTED };

/* A partition of the present assignment. */
typedef struct polkai_partition {
    struct polkai_partition *next, *next_in_bucket;
    polka_text topic;
    int32_t number;
    int64_t begins;                      /* where reading began, exactly-once where the last transaction ended; -1: not known */
    const char *seen;                    /* the source's own copy of the name, to compare by address */
    polkai_tracker tracker;
    int64_t committed, asked;            /* -1: nothing; asked: by the commit that is being made */
    uint64_t active;                     /* deliveries that point here */
    unsigned lost;                       /* and those of lost handlers (replace.c) */
    atomic_bool revoked;                 /* nothing more is begun for it: the group asks for it back, or a drain has begun */
    bool asked_back;                     /* the group does, and has it when the call that says so returns */
    atomic_int fenced;                   /* POLKAI_FENCED: and nothing more is sent */
    atomic_bool decided;                 /* how far it is still handled (handover.c): */
    atomic_ullong bound;                 /* the events before this one, by their sequence */
    int64_t until_ns;                    /* and until then */
    bool deciding;
    bool detached;                       /* freed when active is 0 */
    bool held;                           /* not read for now (uncommitted.c) … */
    int64_t told;                        /* … as was said of this offset; -1: of none */
    bool cut;                            /* exactly-once: an event was dropped, and those behind it leave no more */
    polkai_delivery *first_taken, *last_taken;           /* exactly-once: not passed by the watermark yet, by next_taken */
} polkai_partition;

static inline bool polkai_is_fenced(const polkai_partition *partition)
{
    return atomic_load(&partition->fenced) == POLKAI_FENCED;
}

/* ---- assignment.c: on the poll thread ---- */
void polkai_assigned(void *flow, const polkai_position *partitions, size_t count);
void polkai_revoked(void *flow, const polkai_position *partitions, size_t count, bool lost);
polkai_partition *polkai_partition_of(polkai_flow *flow, const polkai_record *record);
void polkai_partition_left(polkai_flow *flow, polkai_partition *partition);      /* one delivery less */
void polkai_partition_lost_one_less(polkai_flow *flow, polkai_partition *partition);
polka_status polkai_commit(polkai_flow *flow, int most_ms, polka_error *error);  /* waits so long at most for its answer; 0: asynchronous */
int polkai_patience_ms(const polkai_flow *flow, int usual_ms);       /* with the broker; in a drain what is left of it, or a moment */
void polkai_partitions_begin(polkai_flow *flow, const polkai_position *partitions, size_t count);
void polkai_partitions_fence(polkai_flow *flow);         /* all of them: nothing of them goes on */
/* What is given up: all, by a drain; inside a call of the source, what the group asks back; what is lost, of which nothing more is to be done. */
typedef enum { POLKAI_ALL, POLKAI_ASKED_BACK, POLKAI_GONE } polkai_giving;
bool polkai_give_up(polkai_flow *flow, int64_t deadline_ms, polkai_giving what);     /* all of it is marked revoked; false: the deadline passed */

/* ---- uncommitted.c: on the poll thread ---- */
void polkai_uncommitted_share(polkai_flow *flow);        /* after partitions came or went */
void polkai_uncommitted_look(polkai_flow *flow);         /* at each turn while one has its share, or is held */
/* polkai_uncommitted_of: events that are done behind one that is not. */
static inline uint64_t polkai_uncommitted_of(const polkai_partition *partition)
{
    uint64_t span = polkai_tracker_unfinished(&partition->tracker);
    return span > partition->active ? span - partition->active : 0;
}

/* ---- membership.c: on the poll thread ---- */
/* polkai_membership_holds: false: the group has put us out while nobody went on here; nothing is sent until _hear has come back. */
bool polkai_membership_holds(polkai_flow *flow, int64_t now_ns);
/* polkai_membership_hear: polls by `take` until the source has said what is lost, or for a moment; how much came with it. */
size_t polkai_membership_hear(polkai_flow *flow, size_t (*take)(polkai_flow *flow, int timeout_ms));

/* ---- handover.c ---- */
int64_t polkai_handover_decide(polkai_flow *flow, int64_t deadline_ms);  /* after partitions were marked revoked; until when anything is begun, steady ns */
bool polkai_handover_reaches(const polkai_delivery *delivery);       /* it is of a revoked partition, and is handled nevertheless */
void polkai_handover_ends_at(const polkai_delivery *delivery);

#endif
