/*
 * polka.h: the front door. Services, tests and generated code include nothing else of Polka.
 *
 * A service is a value of type polka_service: which events it reacts to, with which functions, and what
 * those may emit. main.c is POLKA_MAIN(value). Everything else (joining the consumer group, decoding,
 * order per key, retries, dead letters, commits, drain) is done by the framework.
 *
 * Words used below. Ownership: "new" the caller frees; "borrowed" valid as long as its owner; "taken" the
 * callee frees. Units stand in names: _ms, _us, _ns, _bytes, _count.
 *
 * C11; also C++17 (POLKA_ON) and C++20 (the POLKA_ table macros).
 */
#ifndef POLKA_POLKA_H
#define POLKA_POLKA_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <polka/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__
#define POLKA_PRINTF(FORMAT, FIRST) __attribute__((format(printf, FORMAT, FIRST)))
#define POLKA_MUST_USE __attribute__((warn_unused_result))
#define POLKA_API __attribute__((visibility("default")))
#else
#define POLKA_PRINTF(FORMAT, FIRST)
#define POLKA_MUST_USE
#define POLKA_API
#endif

/* ---- values ------------------------------------------------------------------------------------ */

/*
 * polka_text: UTF-8 text of `size` bytes. data NULL means null or not set; an empty text that was decoded
 * has data that is not NULL. Texts handed in need no NUL at the end; decoded ones have one.
 * size comes first on purpose: `.order_id = "A-1"` is then a diagnostic and never a silent empty text.
 */
typedef struct { size_t size; const char *data; } polka_text;
typedef struct { size_t size; const uint8_t *data; } polka_bytes;
/* Avro's duration: three counts that do not carry into each other (Avro 1.12 specification, "Duration"). */
typedef struct { uint32_t months, days, millis; } polka_duration;

/* Arrays and maps of Avro's own types; generated headers add one a record, enum or fixed type. */
typedef struct { size_t count; const polka_text *items; } polka_text_array;
typedef struct { size_t count; const polka_bytes *items; } polka_bytes_array;
typedef struct { size_t count; const int32_t *items; } polka_int_array;
typedef struct { size_t count; const int64_t *items; } polka_long_array;
typedef struct { size_t count; const float *items; } polka_float_array;
typedef struct { size_t count; const double *items; } polka_double_array;
typedef struct { size_t count; const bool *items; } polka_boolean_array;
typedef struct { size_t count; const polka_duration *items; } polka_duration_array;
typedef struct { polka_text key; polka_text value; } polka_text_entry;
typedef struct { polka_text key; polka_bytes value; } polka_bytes_entry;
typedef struct { polka_text key; int32_t value; } polka_int_entry;
typedef struct { polka_text key; int64_t value; } polka_long_entry;
typedef struct { polka_text key; float value; } polka_float_entry;
typedef struct { polka_text key; double value; } polka_double_entry;
typedef struct { polka_text key; bool value; } polka_boolean_entry;
typedef struct { polka_text key; polka_duration value; } polka_duration_entry;
typedef struct { size_t count; const polka_text_entry *items; } polka_text_map;
typedef struct { size_t count; const polka_bytes_entry *items; } polka_bytes_map;
typedef struct { size_t count; const polka_int_entry *items; } polka_int_map;
typedef struct { size_t count; const polka_long_entry *items; } polka_long_map;
typedef struct { size_t count; const polka_float_entry *items; } polka_float_map;
typedef struct { size_t count; const polka_double_entry *items; } polka_double_map;
typedef struct { size_t count; const polka_boolean_entry *items; } polka_boolean_map;
typedef struct { size_t count; const polka_duration_entry *items; } polka_duration_map;

static inline polka_text polka_text_of(const char *s)
{
    polka_text t = { s ? strlen(s) : 0, s };
    return t;
}

static inline bool polka_text_equal(polka_text a, polka_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

#define POLKA_TEXT_INIT(LITERAL) { sizeof("" LITERAL) - 1, "" LITERAL }        /* in tables */
#ifdef __cplusplus
#define POLKA_TEXT(LITERAL) (polka_text POLKA_TEXT_INIT(LITERAL))
#else
#define POLKA_TEXT(LITERAL) ((polka_text)POLKA_TEXT_INIT(LITERAL))             /* in expressions */
/* The items of an array field: .lines = POLKA_ITEMS(shop_order_line, { … }, { … }); live as long as the block. */
#define POLKA_ITEMS(TYPE, ...) { sizeof((const TYPE[]){ __VA_ARGS__ }) / sizeof(TYPE), (const TYPE[]){ __VA_ARGS__ } }
#define POLKA_MAP(TYPE, ...) POLKA_ITEMS(TYPE##_entry, __VA_ARGS__)
#endif
#define POLKA_TEXT_ARGS(T) (int)(T).size, (T).data                              /* for "%.*s" */

/* polka_long_map_get and its sisters: the value under `key`, borrowed from the map, or NULL. Linear. */
#define POLKA_MAP_GET(TYPE, VALUE)                                                         \
    static inline const VALUE *TYPE##_map_get(TYPE##_map map, polka_text key)             \
    {                                                                                      \
        for (size_t i = 0; i < map.count; i++)                                             \
            if (polka_text_equal(map.items[i].key, key))                                   \
                return &map.items[i].value;                                                \
        return NULL;                                                                       \
    }
POLKA_MAP_GET(polka_text, polka_text)
POLKA_MAP_GET(polka_bytes, polka_bytes)
POLKA_MAP_GET(polka_int, int32_t)
POLKA_MAP_GET(polka_long, int64_t)
POLKA_MAP_GET(polka_float, float)
POLKA_MAP_GET(polka_double, double)
POLKA_MAP_GET(polka_boolean, bool)
POLKA_MAP_GET(polka_duration, polka_duration)

/* ---- results ----------------------------------------------------------------------------------- */

/*
 * polka_status: one result type everywhere. The four failures are classes, each with one consequence:
 * TRANSIENT is tried again, POISON goes to the dead letters, MISUSE and FATAL stop the program.
 */
typedef enum { POLKA_OK = 0, POLKA_TRANSIENT, POLKA_POISON, POLKA_MISUSE, POLKA_FATAL } polka_status;

/* What went wrong, where, and what to do next. `code` is short and stable ("schema-not-found"), for machines. */
typedef struct { polka_status status; char code[32]; char message[512]; } polka_error;

/* polka_outcome: what a handler answers. 0 is none of them: `return 0;` is misuse, seen at the first test. */
typedef enum {
    POLKA_DONE = 1,                      /* release the emissions, advance */
    POLKA_SKIP,                          /* release nothing, advance */
    POLKA_RETRY,                         /* later again, as the reaction's retry policy says */
    POLKA_DEAD                           /* to the dead letters */
} polka_outcome;

/* ---- events (made by polka_avro_generate) ------------------------------------------------------ */

typedef struct polka_context polka_context;       /* one unit of work; borrowed by handlers; one thread at a time */
typedef void (*polka_function)(void);
typedef struct polka_codec polka_codec;           /* <polka/codec.h> */
typedef struct polka_event polka_event;
struct polka_event {
    const char *name;                    /* Avro full name, "shop.OrderPlaced"; also the CloudEvents type */
    const char *topic;                   /* attribute polka.topic of its schema */
    const char *key;                     /* attribute polka.key: path of a field, "order_id"; NULL: no key */
    const char *schema;                  /* self-contained JSON text: every named type written out at its first use */
    uint64_t fingerprint;                /* CRC-64-AVRO of the Parsing Canonical Form */
    unsigned version;                    /* of the file, order_placed.v2.avsc: 2; 0: the file has none */
    bool final;                          /* attribute polka.final: nobody needs to react */
    size_t value_size;                   /* sizeof the generated struct */
    polka_outcome (*invoke)(polka_function handler, polka_context *ctx, const void *value);
    const polka_codec *codec;
};

/* Any event, for a handler of several and for the default reaction. value is NULL when the type is not known here. */
typedef struct { const polka_event *event; const void *value; } polka_any;
typedef polka_outcome polka_any_handler(polka_context *ctx, const polka_any *any);

/* ---- the service value ------------------------------------------------------------------------- */

typedef struct { size_t count; const polka_event *const *items; } polka_events;

/* Zero means default: attempts 5, first_delay_ms 100, max_delay_ms 30000, factor 2. attempts 1 is "no retry". */
typedef struct { unsigned attempts; uint32_t first_delay_ms, max_delay_ms; double factor; } polka_retry_policy;

typedef struct polka_saga polka_saga;             /* later: orchestration */
typedef struct polka_reaction {
    const polka_event *event;            /* NULL with `any`: the default reaction */
    polka_function handler;
    polka_any_handler *any;
    const char *function;                /* filled by the macro; for logs and the start line */
    const char *name;                    /* stable; default: the event's name. A second reaction to one event must have one */
    polka_events emits;                  /* emitting anything else is misuse */
    const polka_event *replies;          /* later: aggregation */
    const polka_saga *saga;              /* later: orchestration */
    bool starts_saga;
    bool store;                          /* later: run in the unit of work of the service's store */
    polka_retry_policy retry;
    /*
     * How long the handler may run, one attempt with its middleware; 0: 60000. Ten minutes are fine: the group keeps the service meanwhile.
     * One that is past it is logged with its event and its stack; the service takes nothing more, lets the others end, commits what
     * is finished, and ends with code 4. The process ends then even when the handler never returns, also for a program with its own main.
     * After three such ends at one event, or ends by a fault signal in this handler, the event is a dead letter ("crash-loop") and its key
     * flows on (properties breaker.attempts, breaker.folder).
     * With property deadline.action replace-lane the process goes on instead: the event is a dead letter at once ("deadline-exceeded"), the lane
     * gets a new thread with what the service's open makes for it, and later events of the key are handled while the late handler may
     * still run. What it emits then fails (polka_failed), what it answers does not count, and when it returns its thread ends with its resource.
     */
    uint32_t deadline_ms;
    /*
     * How many lanes run this handler at once; 0: all. For what takes no more (a database, a device). An event that must wait for its turn
     * holds back its key only; its lane goes on with others.
     */
    unsigned concurrency;
    int polka_row;                       /* 1 by the macro; a row without it that is not { 0 } tells of a missing terminator */
} polka_reaction;

/*
 * polka_middleware: runs around every handler, outermost first; calls polka_proceed once for the rest of the
 * chain, and what it answers is the outcome. A middleware that skips without proceeding is counted.
 */
typedef polka_outcome polka_middleware(polka_context *ctx);

typedef enum { POLKA_SETTING_TEXT = 1, POLKA_SETTING_LONG, POLKA_SETTING_BOOL, POLKA_SETTING_DURATION_MS } polka_setting_type;
typedef struct {
    const char *name;                    /* "smtp.host": app.smtp.host in YAML, POLKA_APP_SMTP_HOST, --app.smtp.host */
    polka_setting_type type;
    const char *fallback;                /* NULL: must be set */
    int64_t min, max;                    /* of LONG and DURATION_MS; both 0: no range */
    bool secret;                         /* masked in `config` and in logs; may come from a file by <name>_file */
    const char *help;
} polka_setting;

typedef struct { const char *name; const char *const *tables; const polka_reaction *reactions; } polka_view;   /* later */
typedef struct polka_route polka_route;           /* later: HTTP edge */

/*
 * polka_service: the whole of a service, and its manifest. Tables end with { 0 }; compound literals in it are
 * constant at file scope only, so define it there.
 */
typedef struct polka_service {
    const char *name, *domain, *version; /* source of its events: /<domain>/<name>; domain NULL: /<name> */
    const char *group;                   /* consumer group; NULL: name */
    const polka_reaction *reactions;
    polka_events emits;                  /* what no reaction causes: routes, producers */
    polka_middleware *const *around;     /* outermost first; NULL at the end */
    const polka_setting *settings;
    /*
     * open makes what the handlers of one lane share, so that they need no locks. Called in each lane's thread
     * before its first event; ctx serves for settings and logs only. An error stops the start. close: at drain.
     */
    polka_status (*open)(polka_context *ctx, void **resource, polka_error *error);
    void (*close)(void *resource);
    const char *const *tables;           /* later: DDL of the store */
    const polka_view *views;             /* later */
    const polka_route *routes;           /* later */
} polka_service;

#ifndef __cplusplus
/* Empty and trailing comma both work: element 0 is a spare, so that `{ , }` never arises. */
#define POLKA_EMITS(...)                                                                                  \
    { sizeof((const polka_event *const[]){ NULL, __VA_ARGS__ }) / sizeof(const polka_event *) - 1,        \
      (const polka_event *const[]){ NULL, __VA_ARGS__ } + 1 }
#define POLKA_TYPED(EVENT, FN) (polka_function)_Generic((FN), EVENT##_handler *: (FN))
#else
#define POLKA_TYPED(EVENT, FN) reinterpret_cast<polka_function>(static_cast<EVENT##_handler *>(FN))
#endif
/* POLKA_REACT(event, function [, .emits = …, .retry = …]): a function of the wrong type does not compile. */
#define POLKA_REACT(...) POLKA_REACT_(__VA_ARGS__, .polka_row = 1)
#define POLKA_REACT_(EVENT, FN, ...) { .event = &EVENT##_event, .handler = POLKA_TYPED(EVENT, FN), .function = #FN, __VA_ARGS__ }
/* POLKA_REACT_ANY(event, function): one polka_any_handler for several events. */
#define POLKA_REACT_ANY(...) POLKA_REACT_ANY_(__VA_ARGS__, .polka_row = 1)
#define POLKA_REACT_ANY_(EVENT, FN, ...) { .event = &EVENT##_event, .any = (FN), .function = #FN, __VA_ARGS__ }
/* POLKA_REACT_DEFAULT(function): events on the service's topics that no other reaction names. */
#define POLKA_REACT_DEFAULT(...) POLKA_REACT_DEFAULT_(__VA_ARGS__, .polka_row = 1)
#define POLKA_REACT_DEFAULT_(FN, ...) { .any = (FN), .function = #FN, __VA_ARGS__ }

/*
 * polka_main: create, run, destroy; what POLKA_MAIN calls. `abi` is POLKA_ABI as the caller was compiled;
 * a library of another ABI refuses by name.
 * returns: 0 drained (a handler that was given up is not waited for); 1 failure, for example the last commit; 2 misuse; 3 fatal;
 *          4 a handler stuck past its deadline (polka_reaction.deadline_ms); 5 drain deadline passed (drain.deadline_ms), what was not finished is handled again;
 *          130 second signal, at once. A fault signal in a handler is logged and takes its course.
 */
POLKA_API int polka_main_abi(unsigned abi, const polka_service *service, int argc, char **argv);
#define polka_main(SERVICE, ARGC, ARGV) polka_main_abi(POLKA_ABI, (SERVICE), (ARGC), (ARGV))
#define POLKA_MAIN(SERVICE) int main(int argc, char **argv) { return polka_main(&(SERVICE), argc, argv); }

/*
 * For a program with its own main. What was created before fork(2) cannot be used in the child: run and commit say misuse there, stop and
 * destroy do nothing; SIGTERM ends the child. A child creates its own, or calls exec.
 */
typedef struct polka_program polka_program;
/*
 * polka_service_create reads the configuration and checks the service value; it connects to nothing.
 * ownership: *program is new (polka_service_destroy); service, argv are borrowed until then.
 * errors:    MISUSE for an unknown property, a wrong value, a wrong table.
 */
POLKA_API polka_status polka_service_create_abi(unsigned abi, polka_program **program, const polka_service *service, int argc,
                                                char **argv, polka_error *error) POLKA_MUST_USE;
#define polka_service_create(PROGRAM, SERVICE, ARGC, ARGV, ERROR) \
    polka_service_create_abi(POLKA_ABI, (PROGRAM), (SERVICE), (ARGC), (ARGV), (ERROR))
POLKA_API int polka_service_run(polka_program *program);     /* until drained; the exit code above */
POLKA_API void polka_service_stop(polka_program *program);   /* any thread, or a signal handler: begins the drain */
POLKA_API void polka_service_destroy(polka_program *program);/* NULL is fine */

/* ---- in a handler ------------------------------------------------------------------------------ */

POLKA_API polka_outcome polka_retry(polka_context *ctx, const char *format, ...) POLKA_PRINTF(2, 3);  /* POLKA_RETRY, with the reason */
POLKA_API polka_outcome polka_dead(polka_context *ctx, const char *format, ...) POLKA_PRINTF(2, 3);   /* POLKA_DEAD, with the reason */
POLKA_API polka_outcome polka_failed(polka_context *ctx);    /* the outcome of the last framework error in this unit of work */
POLKA_API int64_t polka_now_ms(polka_context *ctx);          /* wall clock, read when the event is taken up and again for each further attempt; virtual in tests; differs on redelivery */
POLKA_API int64_t polka_elapsed_ns(polka_context *ctx);      /* monotonic, since it was first asked in this attempt, which answers 0; moves */
POLKA_API polka_text polka_new_id(polka_context *ctx);       /* a UUID that repeats when the same event is handled again */
POLKA_API void *polka_alloc(polka_context *ctx, size_t count, size_t size);   /* zeroed, never NULL, lives as long as the event */
#define POLKA_NEW(CTX, TYPE, COUNT) ((TYPE *)polka_alloc((CTX), (COUNT), sizeof(TYPE)))
POLKA_API polka_text polka_format(polka_context *ctx, const char *format, ...) POLKA_PRINTF(2, 3);    /* lives as long as the event */
POLKA_API void *polka_resource(polka_context *ctx);          /* what the service's open made for this lane */
POLKA_API polka_text polka_setting_text(polka_context *ctx, const char *name);    /* lives as long as the process; an undeclared name is misuse */
POLKA_API int64_t polka_setting_long(polka_context *ctx, const char *name);       /* of LONG, BOOL (0, 1) and DURATION_MS */
POLKA_API polka_text polka_header(polka_context *ctx, const char *name);          /* of the causing record; data NULL: absent */
/* The causing event. time_ms repeats on redelivery, polka_now_ms does not. attempt counts from 1. */
typedef struct { polka_text id, type, source, key, correlation_id, causation_id; int64_t time_ms; unsigned attempt, hops; } polka_cause;
POLKA_API const polka_cause *polka_caused_by(polka_context *ctx);                 /* NULL outside a reaction */
POLKA_API const polka_reaction *polka_reaction_of(polka_context *ctx);
POLKA_API void polka_info(polka_context *ctx, const char *format, ...) POLKA_PRINTF(2, 3);
POLKA_API void polka_warn(polka_context *ctx, const char *format, ...) POLKA_PRINTF(2, 3);
POLKA_API polka_outcome polka_proceed(polka_context *ctx);   /* in a middleware: the rest of the chain; once */

/*
 * polka_emit encodes `value` at once into memory of this unit of work and keeps no pointer of the caller.
 * It returns nothing: an error is kept in the context and decides the outcome whatever the handler answers (polka_failed).
 * Generated <event>_emit functions call it with the right type.
 *
 * The emission leaves after POLKA_DONE; with delivery exactly-once in one Kafka transaction with the offset of its event, after all that
 * came before that in its partition. When the partition was lost meanwhile it does not leave: another member handles the event again, and
 * polka_failed says POLKA_RETRY from the first emission on.
 * errors:    MISUSE for an event that the reaction does not declare, for a reserved header, and in a child process that fork made.
 */
typedef struct {
    polka_text id, correlation_id;       /* data NULL: derived, inherited */
    polka_text_map headers;              /* names that begin with ce_ or polka- are misuse */
    int64_t at_ms;                       /* later (needs a store); 0: now */
    polka_text timer;                    /* later: name for polka_cancel, unique a key */
} polka_emission;
POLKA_API void polka_emit(polka_context *ctx, const polka_event *event, const void *value, const polka_emission *options);

/* polka_from_json, polka_to_json: plain JSON (unions untagged) of one event's value; memory of ctx. */
POLKA_API polka_status polka_from_json(polka_context *ctx, const polka_event *event, polka_bytes json, void *value, polka_error *error) POLKA_MUST_USE;
POLKA_API polka_text polka_to_json(polka_context *ctx, const polka_event *event, const void *value);

/* ---- outside a reaction ------------------------------------------------------------------------ */

/*
 * A producer is a service value without reactions: the same configuration, manifest and ids. A unit of work
 * is a context, so that …_emit is the same call as in a handler.
 * thread: one thread a unit of work; several units of one producer may be open on several threads.
 */
typedef struct polka_producer polka_producer;
POLKA_API polka_status polka_producer_open_abi(unsigned abi, polka_producer **producer, const polka_service *service, int argc,
                                               char **argv, polka_error *error) POLKA_MUST_USE;
#define polka_producer_open(PRODUCER, SERVICE, ARGC, ARGV, ERROR) \
    polka_producer_open_abi(POLKA_ABI, (PRODUCER), (SERVICE), (ARGC), (ARGV), (ERROR))
POLKA_API void polka_producer_close(polka_producer *producer);         /* NULL is fine */
POLKA_API polka_context *polka_begin(polka_producer *producer);        /* new; commit or abandon takes it */
POLKA_API polka_status polka_commit_take(polka_context *ctx, polka_error *error) POLKA_MUST_USE;   /* returns when all are acknowledged */
POLKA_API void polka_abandon_take(polka_context *ctx);

#ifdef __cplusplus
}
#include <polka/polka.hpp>
#endif
#endif
