/*
 * inner.h: what the files of flow/ itself share: one event under way, its reactions, what they emit.
 *
 * Who owns what: the poll thread owns partitions, the pool of deliveries and everything that is settled; a lane owns a
 * delivery from the hand-over until all its reactions are settled or sent; `pending` counts who still needs it.
 */
#ifndef POLKA_FLOW_INNER_H
#define POLKA_FLOW_INNER_H

#include <base/arena.h>
#include <flow/envelope/envelope.h>
#include <flow/flow.h>
#include <flow/handler/router.h>
#include <flow/handler/spread.h>
#include <flow/partition.h>
#include <flow/schema/library.h>
#include <flow/schema/topic.h>
#include <flow/schema/wanted.h>
#include <flow/worker.h>
#include <side/retry/policy.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct polkai_transacting polkai_transacting;
typedef struct polkai_sending polkai_sending;
typedef struct polkai_slots polkai_slots;
typedef struct polkai_activity polkai_activity;

/* An event type this service may emit. */
typedef struct {
    const polka_event *event;
    polka_text topic, dataschema, type;
    char key_text[17];                   /* of its record on polka.schemas */
    bool enrolled;                       /* the registry has given its id: … */
    uint32_t id;                         /* … with confluent framing; set before announced, as is dataschema */
    char *dataschema_text;               /* where dataschema is then written */
    size_t dataschema_capacity;
    atomic_bool announced;               /* its schema is acknowledged: emissions may leave */
    atomic_uint waiting;                 /* of the first of a topic: emissions to it that failed and wait … */
    atomic_uint *held;                   /* … and of each: those of its topic, which nothing may overtake */
    polkai_sending *announcement;
} polkai_target;

typedef enum { SENDING_EMISSION = 1, SENDING_LETTER, SENDING_ANNOUNCEMENT, SENDING_MANIFEST, SENDING_ACTIVITY, SENDING_ACTIVITY_SCHEMA } polkai_sending_kind;
struct polkai_sending {                  /* the cookie of one send */
    polkai_sending_kind kind;
    bool resent, without_value, refused;
    bool of_producer;
    atomic_bool settled;                 /* of a producer's */
    polkai_delivery *delivery;           /* of its unit; here, so that an acknowledgement touches no more memory than it must */
    polka_context *unit;                 /* NULL: announcement, manifest */
    polkai_target *target;               /* NULL: letter, manifest */
    uint64_t ticket;                     /* of an emission: the lane's count when it was made; 0 otherwise */
    polkai_sending *next;                /* of its unit, in order of emission */
    polkai_sending *next_waiting;        /* of the flow's resend queue */
    int64_t began_ns;                    /* when it was handed over first, of an emission that is traced; 0: it is not */
    polkai_record record;
};

typedef enum { UNIT_NEW = 0, UNIT_QUEUED, UNIT_WAITING, UNIT_HOLDING, UNIT_SETTLED } polkai_unit_state;      /* QUEUED: for a slot; HOLDING: settled, its sends wait */

/* The span of an attempt. */
typedef struct { polkai_span_context context, parent; int64_t began_ns; } polkai_traced;

/* One reaction to one event: what a handler sees as its context. Also the unit of work of a producer. */
struct polka_context {
    polkai_flow *flow;
    struct polkai_worker *worker;        /* the lane; NULL: a producer */
    polkai_delivery *delivery;           /* NULL while a resource is opened */
    polka_arena *arena;
    const polka_reaction *reaction;      /* NULL: the type could not be told, or a producer */
    polkai_unit_state state;
    unsigned attempt, outages;           /* failed handler attempts + 1; times the framework could not reach something */
    int64_t due_ns, first_failed_ms, started_ns, took_ns;
    int64_t again_ms;                    /* when this attempt began, of one that failed or waited for a slot before; 0: the delivery's */
    const polka_event *decoded;          /* what `value` was decoded as */
    const void *value;
    polka_error *error;                  /* the first framework error of this attempt; NULL: none */
    polka_text reason;                   /* given with polka_retry, polka_dead */
    size_t middleware;                   /* the next to call; SIZE_MAX: none may be any more */
    bool reached;                        /* the handler itself was called */
    bool called;                         /* and metered: took_ns is of this attempt, and not told of yet */
    unsigned new_ids, *ordinals;         /* emissions so far, by index in the declared list */
    polkai_sending *first, *last, *to_send;
    polkai_sending *refused;             /* an emission the broker refused for good */
    polka_error *refused_error;          /* new; with refused. Of a producer's: the first failure reported, by whichever thread polls */
    polkai_sending *letter;
    polkai_traced *traced;               /* NULL: it is not */
    polka_cause cause;
};

enum { POLKAI_COMMIT_AGAIN_MS = 5000, POLKAI_AWAY_MS = 2000 };      /* AWAY: less than any session, more than any wait of the poll thread */
enum { PARTITION_BUCKETS = 256, POLKAI_BATCH = 512, LANE_HOLDS = 1 << 20 };
struct polkai_delivery {
    polkai_lane_item item;               /* first what an acknowledgement needs: one cache line */
    polkai_delivery *next_done, *next_made;
    polkai_flow *flow;
    polkai_partition *partition;         /* NULL: a producer's unit of work, or a free one */
    uint64_t sequence;
    size_t bytes;                        /* counted in the budget */
    unsigned place;                      /* in the spread over lanes */
    atomic_int pending;                  /* sends not yet settled, and LANE_HOLDS while a lane has it */
    atomic_bool dropped;                 /* not done: its offset stays where it is */
    atomic_bool begun;                   /* on its lane; not while all it does is to wait for a slot */
    bool opened, kept, owned, lettered;  /* owned: its texts are in its arena; lettered: the headers stay */
    bool refused;                        /* one of its units has a refused emission */
    bool finished;                       /* exactly-once: ready to leave when all before it have */
    bool out_of_spread;                  /* its key may be on another lane by now */
    bool waits_for_schema;               /* since it was looked at last */
    _Atomic(struct polkai_worker *) worker;              /* whose lane has it; NULL: none has */
    polkai_lost *lost;                   /* it goes on for one whose handler was lost, and borrows from that */
    uint64_t asked;                      /* the round of looking for schemas in which it first asked; 0: it never did */
    polkai_delivery *next_taken;         /* exactly-once: of its partition, then of its transaction */
    polka_arena arena, late;             /* late: of the poll thread, while a lane may be using the other */
    polkai_record record;
    polka_context *units;
    size_t unit_count;
    int64_t now_ms;
    polkai_parked parked;
    polkai_chunk *chunk;                 /* what its arena begins with; NULL: it only waits so far, or is over (chunk.c) */
    polkai_envelope envelope;            /* last: its lane empties it, with the chunk */
};

/* The schemas this service was not built with. */
typedef struct {
    polkai_library *library;
    pthread_mutex_t lock;                /* of wanted, and of starting the helper */
    polkai_wanted_list wanted;
    _Atomic(polkai_lane *) helper;       /* looks for what is wanted; NULL until something is */
    bool threaded;                       /* the helper; set before it is there */
    atomic_bool stopping;
    atomic_ullong rounds;                /* of looking, begun, from 1 */
    atomic_uint news;                    /* grows when something was found, or is known to be absent */
    polkai_schema_topic *topic;          /* the helper's, as all below but for the start */
    int64_t complained_ns, enrol_due_ns; /* enrol_due_ns: when to ask for ids again; 0: all are there */
    unsigned enrol_tries;
} polkai_schemas;

/* What the poll thread copies for whoever asks. */
typedef struct {
    size_t rows;                         /* reactions, and one for what has none */
    int64_t due_ns;
    pthread_mutex_t lock;                /* of all below */
    polkai_partition_reading *partitions;
    char *texts;                         /* their topics */
    size_t partition_count, in_flight_bytes;
    uint64_t in_flight;
} polkai_metering;

struct polkai_flow {
    unsigned forks;                      /* when it was made: in a child of that process nothing of it works */
    polkai_flow_options options;
    const polka_service *service;
    polka_text source_name, group_name, cluster;         /* ce_source of what is emitted here: /<domain>/<name> */
    polkai_router *router;
    polkai_schemas schemas;
    polkai_source *source;
    polkai_sink *sink;
    polkai_transacting *transact;        /* exactly-once; NULL: at-least-once */
    const polkai_tracing *tracing;       /* NULL: nobody traces */
    polkai_target *targets;
    size_t target_count;
    polkai_worker **workers;             /* by lane. Written under `lock`, once they have started */
    size_t worker_count;
    polkai_spread *spread;               /* NULL: one lane */
    bool threaded, paused, stuck, giving_up;
    atomic_bool ready, joined, unreached;                /* see polkai_pulse */
    _Atomic int64_t turned_ns;
    int64_t suspended_ns;                /* the machine, in all, when the poll thread looked last */
    atomic_bool away;                    /* nobody went on for long: the process was stopped, and the group may have put it out */
    _Atomic int64_t drain_until_ns;      /* the deadline of a drain; 0: none has begun */
    atomic_bool draining;
    polkai_partition *partitions, *last_partition, *buckets[PARTITION_BUCKETS];
    size_t partition_count;              /* not detached */
    uint64_t uncommitted_share;          /* events of one that are done behind one that is not */
    bool uncommitted_due;                /* one has its share, or is held */
    polkai_delivery *pool, *made;        /* free ones; all of them */
    _Alignas(64) _Atomic(polkai_delivery *) done;        /* what lanes gave back; a cache line of its own */
    _Alignas(64) polkai_sending *waiting_first, *waiting_last;        /* failed sends, in the order of their reports */
    bool waiting_disordered;             /* sort it before it is sent again */
    unsigned resend_attempt;
    int64_t resend_due_ns, commit_due_ns, full_since_ns, complained_ns;
    int64_t commit_again_ns;             /* a commit may have failed: all are made again from then on; 0: no */
    uint64_t in_flight, leaving;         /* leaving: of them, in the transaction under way; the budget leaves those out */
    uint64_t ended;                      /* since offsets were committed last */
    size_t in_flight_bytes, leaving_bytes;
    atomic_uint sweep;
    atomic_bool stop, failed;
    polka_error failure;                 /* why the service has to stop */
    pthread_mutex_t lock;                /* of failure, random, errors of producers' units */
    pthread_mutex_t polling;             /* in a producer, one thread at a time serves reports and the queue of failed sends */
    polkai_random random;
    polka_arena arena;                   /* as long as the flow */
    polkai_watch watch;
    polkai_lost *lost;                   /* handlers that were given up, until they return and nothing borrows from them */
    polkai_activity *activity;           /* activity.h; NULL: nobody is told what reactions did */
    polkai_slots *slots;                 /* by reaction; NULL: none is limited to less than there are lanes */
    _Atomic(const polkai_ends *) ends;   /* at which this process ended before; NULL: none, as ever */
    atomic_ullong counts[16];
    polkai_metering metering;
    polkai_record *batch;
};

enum { COUNT_RECEIVED, COUNT_DEAD, COUNT_RETRIES, COUNT_EMITTED, COUNT_UNKNOWN, COUNT_TOMBSTONES, COUNT_RESENT,
       COUNT_COMMITS, COUNT_UNCOMMITTED, COUNT_ASSIGNED, COUNT_REVOKED, COUNT_LOST };

/* How many events the budget still has room for. A transaction under way takes no room, so that one fills while one is committed. */
static inline size_t polkai_room(const polkai_flow *flow)
{
    uint64_t events = flow->in_flight - flow->leaving;
    bool full = events >= flow->options.in_flight_events || flow->in_flight_bytes - flow->leaving_bytes >= flow->options.in_flight_bytes;
    return full ? 0 : (size_t)(flow->options.in_flight_events - events);
}

static inline void polkai_count(polkai_flow *flow, unsigned which)
{
    atomic_fetch_add_explicit(&flow->counts[which], 1, memory_order_relaxed);
}

/* The poll thread goes on: one store a turn. Inline also who watches it, while its handlers do. */
static inline void polkai_pulse_beat(polkai_flow *flow, int64_t now_ns)
{
    int64_t before_ns = atomic_load_explicit(&flow->turned_ns, memory_order_relaxed);
    if (before_ns != 0 && now_ns - before_ns >= (int64_t)POLKAI_AWAY_MS * 1000000)
        atomic_store(&flow->away, true);
    atomic_store_explicit(&flow->turned_ns, now_ns, memory_order_relaxed);
}

/* ---- the handler that runs (worker.h) ---- */
static inline void polkai_running_begin(polkai_running *running, polka_context *unit)
{
    running->unit = unit;
    atomic_store_explicit(&running->reaction, unit->reaction, memory_order_release);
    atomic_store_explicit(&running->turns, atomic_load_explicit(&running->turns, memory_order_relaxed) + 1, memory_order_release);
}
/* false: it was lost meanwhile, and its lane has another thread: the caller goes no further. */
static inline bool polkai_running_end(polkai_running *running)
{
    unsigned long long turns = atomic_load_explicit(&running->turns, memory_order_acquire);
    if (running->may_be_lost)
        return turns != POLKAI_LOST && atomic_compare_exchange_strong(&running->turns, &turns, turns + 1);
    atomic_store_explicit(&running->turns, turns + 1, memory_order_release);
    return true;
}
static inline bool polkai_running_is_lost(const polkai_running *running)
{
    return atomic_load_explicit(&running->turns, memory_order_relaxed) == POLKAI_LOST;
}
/* ---- meter.c ---- */
static inline void polkai_meter_add(atomic_ullong *counter, unsigned long long more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more, memory_order_relaxed);
}
void polkai_meter_create(polkai_flow *flow);             /* after the workers */
void polkai_meter_destroy(polkai_flow *flow);
polkai_meter_row *polkai_meter_row_of(const polka_context *unit);    /* NULL: nobody asks */
void polkai_meter_took(polka_context *unit, int64_t took_ns);        /* a handler; on its lane, which has a meter */
/* An attempt has come to its end, which polka.activity is told, too; code NULL: no dead letter. In the order of the symbols of its schema. */
typedef enum { POLKAI_REACTION_DONE, POLKAI_REACTION_SKIPPED, POLKAI_REACTION_RETRIED, POLKAI_REACTION_DEAD } polkai_reaction_outcome;
void polkai_meter_ended(polka_context *unit, polkai_reaction_outcome outcome, const char *code);
void polkai_meter_sent(polka_context *unit, const polkai_target *target);        /* as above */
void polkai_meter_look(polkai_flow *flow, int64_t now_ns);           /* poll thread */

/* ---- tracing.c: of a flow that is traced ---- */
void polkai_trace_begin(polka_context *unit);            /* on the lane: an attempt begins */
void polkai_trace_handled(const polka_context *unit, polka_outcome outcome);         /* and ends; error and reason are its own */
void polkai_trace_lost(const polka_context *unit, const char *message);              /* poll thread: it is past its deadline */
void polkai_trace_leaves(polkai_sending *sending);       /* any thread: it is handed over */
void polkai_trace_sent(const polkai_sending *sending, const polkai_report *report);  /* acknowledged, or refused for good */
bool polkai_trace_samples(const polka_context *unit, const char *traceparent);       /* whether a trace is recorded that begins with it, or goes on */

/* ---- slots.c: on the lane, when flow->slots is there ---- */
#define POLKAI_FOR_A_SLOT (INT64_MAX - 1)                /* when a unit is due that waits for one */
void polkai_slots_create(polkai_flow *flow);             /* after the workers */
bool polkai_slots_take(polka_context *unit);             /* false: the unit waits */
void polkai_slots_give(polka_context *unit);
bool polkai_slots_any(const polka_context *unit);        /* whether a unit that waits may try; false: it waits on */

/* ---- breaker.c ---- */
void polkai_breaker_look(polkai_flow *flow, const polkai_position *partitions, size_t count);        /* poll thread: they were assigned */
bool polkai_breaker_stops(polka_context *unit, const polkai_ends *ends);         /* on the lane; true: it is a dead letter now */

/* ---- chunk.c ---- */
void polkai_chunk_take(polkai_worker *worker, polkai_delivery *delivery);        /* on the lane, before the arena is used; does nothing when it has one */
void polkai_chunk_reuse(polkai_worker *worker, polkai_delivery *delivery);       /* on the lane: all of its units settled, nothing was sent; they are gone */
void polkai_chunk_return(polkai_delivery *delivery);     /* poll thread, after its arena has gone; does nothing when it has none */
void polkai_chunks_free(polkai_chunk *first);            /* a list */

/* ---- open.c: on the lane; afterwards units are there, or none when nobody reacts ---- */
void polkai_delivery_open(polkai_delivery *delivery, polkai_worker *worker);

#define POLKAI_DELIVERY_OF(ITEM) ((polkai_delivery *)((uint8_t *)(ITEM) - offsetof(polkai_delivery, item)))
#define POLKAI_DELIVERY_OF_PARKED(PARKED) ((polkai_delivery *)((uint8_t *)(PARKED) - offsetof(polkai_delivery, parked)))

/* How many of its reactions are in this state. */
static inline size_t polkai_units_in(const polkai_delivery *delivery, polkai_unit_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < delivery->unit_count; i++)
        count += delivery->units[i].state == state;
    return count;
}

/* ---- news.c: on the lane ---- */
void polkai_news_hear(polkai_worker *worker, int64_t now_ns);

/* ---- walk.c: on the lane ---- */
bool polkai_walk_is_over(const polkai_delivery *delivery);           /* its partition is given up, and it is not handled any more */
void polkai_walk_drop(polkai_delivery *delivery);        /* its offset stays where it is */
int64_t polkai_walk_items(void *worker, polkai_lane_item *items);
polka_outcome polkai_walk_next(polka_context *unit);     /* the next middleware, or the handler */
void polkai_walk_own_texts(polkai_delivery *delivery);   /* what is about to be sent outlives the headers it was made of */

/* ---- settle.c ---- */
void polkai_settle(polka_context *unit, polka_outcome outcome);      /* on the lane, after the handler */
void polkai_settle_send(polka_context *unit);            /* sends what is still to send; state becomes SETTLED or HOLDING */
void polkai_settle_letter(polka_context *unit, const char *error_class, const char *code, polka_text message);
void polkai_settle_stop(polkai_flow *flow, const polka_error *error);
void polkai_settle_lost(polka_context *unit, const char *message);   /* on the poll thread: its handler is past its deadline */
void polkai_settle_refused(polka_context *unit);         /* on the poll thread: the broker refused an emission for good */
void polkai_letter_again(polka_context *unit);           /* the record has moved: a letter that waits to be sent is made again */
void polkai_letter_without_value(polkai_sending *sending, polka_arena *arena);       /* the same letter, its value left out */

/* ---- send.c: on the poll thread, but polkai_send_now ---- */
polka_status polkai_send_now(polkai_flow *flow, polkai_sending *sending, polka_error *error);      /* any thread; hands it to the sink */
void polkai_send_announce(polkai_flow *flow);
polkai_sending *polkai_send_schema_of(polkai_flow *flow, polkai_target *target, polkai_sending_kind kind);      /* to polka.schemas; as long as the flow */
size_t polkai_send_waiting(polkai_flow *flow, int64_t now_ns);   /* how many were sent again */
bool polkai_send_is_announced(polkai_flow *flow, polkai_target *target);
void polkai_send_hurry(polkai_flow *flow);               /* those that wait are due now, and back-offs begin anew */
void polkai_send_wait_in_line(polkai_flow *flow, polkai_sending *sending);       /* to be sent again, in order */

/* polkai_send_record: how it leaves; headers in `arena`. Any thread. */
void polkai_send_record(polkai_flow *flow, polkai_sending *sending, polka_arena *arena, polkai_record *record);

/* ---- read.c: on the lane ---- */
/* polkai_read_key: which schema wrote the value, and its body: a header of its own says so, or the bytes before the body. */
polka_status polkai_read_key(const polkai_delivery *delivery, polkai_schema_key *key, polka_bytes *body, polka_error *error);
polka_status polkai_read_value(polka_context *unit, polka_error *error);         /* unit->value, as its reaction's event */

/* ---- schemas.c: a reading or a schema from the library, or what to do without: TRANSIENT: wait; POISON: it is given up ---- */
polka_status polkai_schemas_reading(polkai_delivery *delivery, const polkai_schema_key *key, const polka_event *event, const polkai_reading **reading,
                                    polka_error *error);
polka_status polkai_schemas_writer(polkai_delivery *delivery, const polkai_schema_key *key, const polkai_writer_schema **writer, polka_error *error);
void polkai_schemas_arrived(polkai_delivery *delivery);  /* it is here, and waits behind another: a look that begins from now on is for it too */
void polkai_schemas_create(polkai_flow *flow);           /* after the targets */
void polkai_schemas_help(polkai_flow *flow);             /* starts the helper, or wakes it */
void polkai_schemas_tell(polkai_flow *flow);             /* there is news: who waits is looked at again */
size_t polkai_schemas_turn(polkai_flow *flow);           /* poll thread; without threads the helper works here. Returns how much news came */
int64_t polkai_schemas_due_ns(const polkai_flow *flow);  /* INT64_MAX with threads */
void polkai_schemas_stop(polkai_flow *flow);             /* what the helper does ends soon */
bool polkai_schemas_end(polkai_flow *flow, int64_t timeout_ms);      /* false: it did not, and its memory must stay */
void polkai_schemas_destroy(polkai_flow *flow);

/* ---- enrol.c ---- */
polka_status polkai_enrol_start(polkai_flow *flow, polka_error *error);          /* errors: MISUSE: the registry refuses a schema */
int64_t polkai_enrol_again(polkai_flow *flow);           /* on the helper; when next, steady ns */

/* ---- producer.c ---- */
void polkai_producer_report(polkai_sending *sending, const polkai_report *report);

/* ---- turn.c ---- */
polkai_delivery *polkai_delivery_take(polkai_flow *flow);            /* from the pool, zeroed */
void polkai_delivery_set_apart(polkai_flow *flow, polkai_delivery *delivery);        /* the flow does not know it any more; polkai_delivery_free */
void polkai_delivery_free(polkai_delivery *delivery);
void polkai_delivery_done(polkai_delivery *delivery);    /* pending is 0; on the poll thread */
void polkai_delivery_end(polkai_delivery *delivery);     /* nothing of it is under way any more */
void polkai_delivery_release(polkai_delivery *delivery); /* the lane lets go */
size_t polkai_flow_collect(polkai_flow *flow);           /* what lanes gave back */
void polkai_flow_give_all(polkai_flow *flow);            /* to lanes, what waits for one that has room */
void polkai_deliveries_destroy(polkai_flow *flow);       /* those under way as well: after lanes and sink */

/* ---- context.c ---- */
polka_status polkai_context_fail(polka_context *unit, polka_status status, const char *code, const char *format, ...) POLKA_PRINTF(4, 5);
void polkai_context_begin_attempt(polka_context *unit);
bool polkai_context_is_lost(polka_context *unit, const char *what);  /* its lane went on without it, and it still asks for something */
void polkai_context_log(polka_context *unit, polkai_log_level level, const char *format, ...) POLKA_PRINTF(3, 4);

/* ---- emission.c ---- */
/* polkai_emission_headers: `record` becomes the emission as it leaves, its headers in `arena`; the same ones each time. Any thread. */
void polkai_emission_headers(polka_context *unit, const polkai_sending *sending, polka_arena *arena, polkai_record *record);
/* The traceparent that it leaves with, and what else tracing tells of it. Texts are the unit's. Any thread. */
void polkai_emission_trace(const polka_context *unit, const polkai_sending *sending, char traceparent[POLKAI_TRACEPARENT + 1]);
bool polkai_emission_follows_untraced(const polkai_sending *sending);      /* its trace is that of a reaction that is not sampled */
polka_text polkai_emission_id(const polkai_sending *sending);
polka_text polkai_emission_conversation(const polka_context *unit, const polkai_sending *sending);
polkai_target *polkai_flow_target(polkai_flow *flow, const polka_event *event);
void polkai_target_init(polkai_flow *flow, polkai_target *target, const polka_event *event);         /* of what is zero */

#endif
