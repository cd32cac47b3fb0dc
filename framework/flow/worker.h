/* worker.h: a lane with what its handlers share, and who watches how long they take. */
#ifndef POLKA_FLOW_WORKER_H
#define POLKA_FLOW_WORKER_H

#include <base/arena.h>
#include <base/hold.h>
#include <base/random.h>
#include <flow/flow.h>
#include <flow/handler/lane.h>
#include <flow/meter.h>
#include <side/parking/parking.h>

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct polkai_lost polkai_lost;
typedef struct polkai_chunk { struct polkai_chunk *next; } polkai_chunk; /* a free one (chunk.c) */

enum { SCRATCH_MEMORY = 8192 };

/*
 * The handler that a lane runs now. The lane writes it, two stores before the handler and one after; nobody reads a clock for
 * it: who looks adds up the time for which `turns` stays the same odd number.
 */
#define POLKAI_LOST ULLONG_MAX
#define POLKAI_DEADLINE_EXCEEDED "deadline-exceeded"     /* code of its letter, and of what it still asks for */
struct polkai_running {
    atomic_ullong turns;                 /* odd while a handler runs; POLKAI_LOST: in one that counts no more */
    bool may_be_lost;                    /* deadline.action replace-lane */
    _Atomic(const polka_reaction *) reaction;
    polka_context *unit;                 /* for the lane itself, and for others while the lane is held */
    unsigned long long seen;             /* of who looks, as is all below */
    _Atomic int64_t ran_ns;
    atomic_bool stuck;
    polkai_hold *hold;                   /* new when it is stuck; the thread waits on it */
};

/* What a lane counts (meter.h). One thread writes, others read; only `retries` and `dead` are of more than one. */
typedef struct {
    _Alignas(64) atomic_ullong done;
    atomic_ullong skipped, retries, dead, took_ns, took[POLKAI_METER_BOUNDS + 1];
} polkai_meter_row;
typedef struct { polkai_meter_row *rows; atomic_ullong *emitted; } polkai_meter;         /* emitted: rows × targets */

/* A lane with what its handlers share. */
typedef struct polkai_worker {
    polkai_flow *flow;
    unsigned index, successions;         /* of its lane; threads it had before */
    polkai_lane *lane;
    void *resource;
    polkai_parking *parking;
    polkai_meter *meter;                 /* NULL: nobody asks */
    polkai_random random;
    polka_arena scratch;                 /* what lives as long as one handling of one event: its value, the list of its headers */
    polkai_chunk *chunks;                /* free ones */
    polkai_lane_item *left;              /* given, and not begun yet */
    unsigned handled;                    /* of what was given, and not told of yet (spread.h) */
    bool due_first;                      /* inline: what is due comes before those, as it had to wait for a poll */
    polkai_parked *behind;               /* what waits behind the event it handles now */
    unsigned sweep, news;                /* the last one seen; of schemas too */
    uint64_t tickets;                    /* emissions made so far */
    polkai_running running;
    atomic_bool slot_free;               /* those of its events that found none try again */
    polkai_lane_item *batch_first, *batch_last;          /* the poll thread's, until handed over */
    atomic_ullong parked_keys, parked_events;
    atomic_ullong done, skipped;         /* counted by its thread alone, and so without a lock of the bus */
    _Atomic(polkai_chunk *) returned_chunks;             /* by the poll thread, free again */
    uint8_t memory[SCRATCH_MEMORY];
} polkai_worker;

/* Who looks whether handlers run past their deadline: the poll thread; inline, where it runs them itself, a thread for this. */
typedef struct {
    int64_t due_ns, looked_ns, every_ns;
    atomic_bool poll_due;                /* inline: a handler ran when it looked, so the source is polled before another one begins */
    _Atomic(polkai_worker *) stuck;      /* the first that was found */
    bool started;                        /* the thread */
    bool stopping;                       /* under `lock` */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} polkai_watch;

/* ---- watch.c: on the poll thread, or inline on the one that watches it ---- */
polka_status polkai_watch_start(polkai_flow *flow, polka_error *error);
void polkai_watch_look(polkai_flow *flow, int64_t now_ns);           /* a stuck handler stops the flow: MISUSE, FATAL "handler-stuck" */
void polkai_watch_stop(polkai_flow *flow);               /* the thread, where there is one */
bool polkai_watch_is_stuck(const polkai_worker *worker); /* and has not ended since it was found */
enum { POLKAI_ANSWER_MS = 1000 };
bool polkai_watch_hold(polkai_worker *worker, int timeout_ms);       /* until running.hold is released; false: it does not answer */
void polkai_watch_tell_late(polkai_flow *flow, int64_t deadline_ms); /* with lanes: handlers that run on when a drain is over */
int64_t polkai_watch_deadline_ms(const polka_reaction *reaction);
/* polkai_watch_log: a line with the event and, where `stack`, with what the hold has of it; `then`: what becomes of it. */
void polkai_watch_log(const polkai_flow *flow, const polkai_worker *worker, const polka_error *error, bool stack, const char *then);

/* ---- worker.c ---- */
polkai_worker *polkai_worker_create(polkai_flow *flow, unsigned index);              /* new */
void polkai_worker_destroy(polkai_worker *worker);       /* its lane has ended */
polka_status polkai_worker_start(polkai_worker *worker, polka_error *error);         /* waits until its resource is open */
polka_status polkai_worker_start_again(polkai_worker *worker, polka_error *error);   /* does not; when that cannot be opened the flow stops */

/* ---- replace.c: on the poll thread ---- */
/* polkai_replace: a stuck handler is lost, and its lane goes on with another thread. false: there are too many, and the flow has to stop. */
bool polkai_replace(polkai_flow *flow, polkai_worker *worker, const polka_error *error);
void polkai_lost_settled(polkai_lost *lost);             /* its event has ended */
void polkai_lost_reap(polkai_flow *flow);                /* those that have returned */
void polkai_lost_destroy(polkai_flow *flow);             /* all; their threads have ended */

#endif
