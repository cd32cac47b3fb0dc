/*
 * flow.h: the corridor. A record comes in from a source, is opened, read, handled and settled; what the handlers emit
 * goes out by a sink; the offset advances when all of it is done.
 *
 * Threads: all functions here are for one thread, the poll thread, but polkai_flow_stop. With lanes 0 the handlers
 * run on the poll thread too; otherwise each lane is a thread of the flow.
 */
#ifndef POLKA_FLOW_FLOW_H
#define POLKA_FLOW_FLOW_H

#include <base/clock.h>
#include <avro/walk.h>
#include <base/log.h>
#include <flow/schema/origin.h>
#include <flow/tracing.h>
#include <side/breaker/ends.h>
#include <transport/sink.h>
#include <transport/source.h>
#include <transport/transaction.h>

typedef struct polkai_flow polkai_flow;

/* Where polka_setting_text and _long look. false: no such setting. Texts live as long as the flow. */
typedef struct {
    void *user;
    bool (*text)(void *user, const char *name, polka_text *value);
    bool (*number)(void *user, const char *name, int64_t *value);
} polkai_settings;

typedef struct polkai_running polkai_running;            /* the handler that a thread runs now */

/* Who keeps count of the ends of this process at one event (side/breaker). NULL functions: nobody. */
typedef struct {
    void *user;
    unsigned attempts;                   /* so many ends, and the event is a dead letter */
    /* around all that a thread handles, on that thread; `running` is for a fault handler of it */
    void (*enter)(void *user, const polkai_running *running);
    void (*leave)(void *user);
    /* poll thread: partitions were assigned; what is known of all. NULL: nothing. Lives as long as the flow. */
    const polkai_ends *(*known)(void *user, const polkai_position *partitions, size_t count);
    /* a handler is past its deadline there; the thread that looks */
    void (*stuck)(void *user, const polkai_ending_event *event);
} polkai_flow_breaker;

/* polkai_running_event: what that thread handles; for the thread itself, also in a signal handler, or while it is stuck. false: nothing. */
bool polkai_running_event(const polkai_running *running, polkai_ending_event *event);

typedef struct {
    const polka_service *service;        /* borrowed */
    const char *group;                   /* consumer group; in names of dead-letter topics and in letter ids */
    unsigned lanes;                      /* 0: inline */
    unsigned in_flight_events;           /* 0: 10000 */
    size_t in_flight_bytes;              /* of keys and values; 0: 32 MiB */
    uint64_t uncommitted_events;         /* done behind one that is not: when all partitions have so many, each goes on to its share; 0: 1000000 */
    size_t max_event_bytes;              /* of one emission; 0: 1000000. Larger is poison */
    int64_t commit_interval_ms;          /* 0: 500 */
    int64_t transaction_interval_ms;     /* exactly-once: between the beginnings of two transactions; 0: 100 … */
    size_t transaction_events;           /* … or when so many events are ready, which is the most that one takes; 0: 10000 */
    int64_t drain_deadline_ms;           /* 0: 8000; of a revoke too */
    bool replace_lanes;                  /* of a handler past its deadline; not inline, nor exactly-once */
    bool compact_envelope;               /* header polka-envelope in place of CloudEvents' */
    bool metered;                        /* count what meter.h tells; a clock is then read twice a handler */
    bool activity;                       /* tell on polka.activity what each reaction did (activity.h); metered, too */
    const polkai_tracing *tracing;       /* who is told of spans; NULL: nobody. Lives as long as the flow */
    bool announce;                       /* send the schemas of all emissions to polka.schemas, and wait for that */
    polka_text manifest_key, manifest;   /* sent once to polka.services at the start; data NULL: nothing is. They outlive the flow */
    bool confluent;                      /* frame emissions with 00 and the registry's id; announce is then of no matter */
    bool enrol;                          /* ask the registry for the ids of all emissions at the start, whatever the framing */
    polkai_schema_cluster cluster;       /* where schemas are looked for that the service was not built with */
    polkai_schema_registry registry;
    polkai_schema_cache cache;
    polkai_flow_breaker breaker;
    int64_t schema_missing_ms;           /* so long an event waits for a schema that is not on polka.schemas; 0: 60000 */
    polkai_walk_limits limits;           /* of values; zero members: the defaults */
    uint64_t seed;                       /* of jitter and root ids; 0: entropy */
    const polkai_clock *clock;
    const polkai_log *log;
    polkai_settings settings;
    void *resource;                      /* tests: in place of service.open; NULL: open is called */
    /* called on the poll thread when the first assignment has arrived, and with what the source notices */
    void (*ready)(void *user);
    void (*notice)(void *user, polka_status status, const char *message);
    /*
     * lanes 0: a handler is past its deadline, and the poll thread is in it; called on a thread of the flow. It asks polkai_flow_log_stuck,
     * and when that is true it is the poll thread from then on: it drains and ends the process. NULL: deadlines are not watched.
     */
    void (*stuck)(void *user, const polka_error *error);
    /* replace_lanes: poll thread, before a lane is replaced and after it: what is done between may wait for a lock that the lost thread holds. Or NULL */
    void (*replacing)(void *user, bool begins);
    void *user;
} polkai_flow_options;

/* What happened so far; readable from the poll thread at any time. */
typedef struct {
    uint64_t received, done, skipped, dead, retries, emitted, unknown_types, tombstones, redelivered_sends;
    uint64_t in_flight, parked_keys, parked_events;
} polkai_flow_counts;

/* How a flow does, for whoever asks from outside. Never waits for anything. */
typedef struct {
    int64_t turned_ns;                   /* when its poll thread was last seen to go on, by the steady clock; 0: it has not begun */
    int64_t drain_until_ns;              /* the deadline of a drain; 0: none has begun */
    bool assigned;                       /* a first assignment has come */
    bool joined;                         /* and none was lost since without another one */
    bool reached;                        /* brokers answer, as far as is known */
    bool stopping;                       /* asked to stop, or has to */
} polkai_pulse;

/* polkai_flow_create checks the service value. errors: MISUSE naming the reaction. *flow is new. */
polka_status polkai_flow_create(polkai_flow **flow, const polkai_flow_options *options, polka_error *error);

/*
 * The report function to open the sink with; its user is the flow.
 */
void polkai_flow_report(void *flow, const polkai_report *report);

/*
 * polkai_flow_transact_take: exactly-once. What is emitted, and dead letters, leave in transactions with the offsets of the events
 * that caused them. Before the start, of a flow with a source; the sink then sends only what belongs to no event.
 */
void polkai_flow_transact_take(polkai_flow *flow, polkai_transaction *transaction);

/*
 * polkai_flow_start: source (NULL for a program without reactions) and sink are taken. Opens the lanes' resources,
 * announces schemas and the manifest, subscribes.
 */
polka_status polkai_flow_start(polkai_flow *flow, polkai_source *source, polkai_sink *sink, polka_error *error);

/*
 * polkai_flow_step: one turn: take a batch, hand it to the lanes, serve acknowledgements, timers and commits. Waits up to
 * timeout_ms when there is nothing to do. Returns how many things moved (0: idle).
 * errors: MISUSE or FATAL when the service has to stop; FATAL "handler-stuck": a handler is past its deadline. A drain then waits for
 *         all but the stuck ones.
 */
polka_status polkai_flow_step(polkai_flow *flow, int timeout_ms, size_t *moved, polka_error *error);

/* polkai_flow_next_due_ms: when the earliest waiting event is due, by steady clock in ms; -1: none. Inline only. */
int64_t polkai_flow_next_due_ms(const polkai_flow *flow);

/*
 * polkai_flow_log_stuck: after the error "handler-stuck": one line in the log with the event, the time and the stack of the thread.
 * false: the handler has ended a moment later. Inline, and true: the thread in it stays where it is for good.
 */
bool polkai_flow_log_stuck(polkai_flow *flow, const polka_error *error);

/* polkai_flow_lost: replace_lanes: how many handlers were given up and have not returned. */
unsigned polkai_flow_lost(const polkai_flow *flow);

/* polkai_flow_stays: handlers still ran on it when it was drained, so a destroy leaves it as it is, and what was given to it must stay, too. */
bool polkai_flow_stays(const polkai_flow *flow);

/* polkai_flow_is_of_parent: this is a child that fork(2) made of the flow's process; nothing of the flow may be used. Any thread, signal handlers. */
bool polkai_flow_is_of_parent(const polkai_flow *flow);

void polkai_flow_stop(polkai_flow *flow);                /* any thread or signal handler: wakes a waiting step */

/*
 * polkai_flow_drain: takes nothing new, lets started events end and be acknowledged (waiting keys are left to the next
 * owner), commits, leaves the group. errors: TRANSIENT "drain-deadline" when the deadline passed before all was done.
 */
polka_status polkai_flow_drain(polkai_flow *flow, int64_t deadline_ms, polka_error *error);

polkai_flow_counts polkai_flow_count(const polkai_flow *flow);
polkai_pulse polkai_flow_pulse(const polkai_flow *flow);             /* any thread, from create to destroy */
void polkai_flow_destroy(polkai_flow *flow);             /* NULL is fine; closes source and sink when they still are open */

/* For producers: a unit of work without a cause. */
polka_context *polkai_flow_begin(polkai_flow *flow);
polka_status polkai_flow_commit_take(polka_context *ctx, polka_error *error);
void polkai_flow_abandon_take(polka_context *ctx);

#endif
