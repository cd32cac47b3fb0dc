/*
 * library.h: the writer schemas this process knows, and for each pair of writer schema and event type how it is read.
 *
 * The schemas compiled in (each event's own and its older versions) are known from the beginning and cost nothing until
 * a value of theirs comes. Others are added when they have been found. Nothing is ever taken out.
 *
 * thread: find is for any thread and takes no lock: a table that only grows, and is replaced as a whole by an atomic pointer.
 *         prepare and add are for any thread and take the library's lock. What they return lives as long as the library.
 */
#ifndef POLKA_FLOW_LIBRARY_H
#define POLKA_FLOW_LIBRARY_H

#include <avro/plan.h>
#include <flow/schema/framing.h>

/* A schema that writers use. */
typedef struct {
    const polkai_schema *schema;
    const char *text;                    /* self-contained JSON */
    uint64_t fingerprint;
    unsigned version;                    /* of a compiled one; 0: not known */
} polkai_writer_schema;

/* How values of one writer schema become values of one event type. */
typedef struct {
    const polkai_writer_schema *writer;
    const polkai_plan *plan;             /* before decode; NULL: decode takes what was written */
    polka_decode *decode;                /* the event type's own, or that of its earlier version which is the writer's */
    const polka_error *refused;          /* there is no plan, and never will be: POISON, why; NULL: they go together */
} polkai_reading;

/*
 * polkai_reading_explain: `error` says why `body`, as it was written, does not become an `event`; it now also says who wrote it
 * and who reads it, and the place in `body` where texts are not UTF-8. returns POISON.
 */
polka_status polkai_reading_explain(const polkai_reading *reading, const polkai_schema_key *key, const polka_event *event, polka_bytes body,
                                    const polkai_walk_limits *limits, polka_error *error);

typedef struct polkai_library polkai_library;
polkai_library *polkai_library_create(void);             /* new */
void polkai_library_destroy(polkai_library *library);    /* NULL is fine */

/* polkai_library_know: the schemas compiled into `event`. Before any other thread; nothing is parsed yet. */
void polkai_library_know(polkai_library *library, const polka_event *event);

/*
 * polkai_library_find: how a value whose writer names its schema by `key` becomes an `event`. NULL: not prepared (yet).
 */
const polkai_reading *polkai_library_find(const polkai_library *library, const polkai_schema_key *key, const polka_event *event);

/*
 * polkai_library_prepare: as find, and makes the plan when the writer's schema is here. NULL: that schema is not here.
 */
const polkai_reading *polkai_library_prepare(polkai_library *library, const polkai_schema_key *key, const polka_event *event);

/* polkai_library_writer: the schema itself; parsed. NULL: not here. */
const polkai_writer_schema *polkai_library_writer(polkai_library *library, const polkai_schema_key *key);

/*
 * polkai_library_add: `text` is the schema of `key`; a fingerprint is recomputed.
 * errors: POISON "bad-schema", "wrong-fingerprint"; nothing is added then.
 */
polka_status polkai_library_add(polkai_library *library, const polkai_schema_key *key, polka_text text, polka_error *error);

#endif
