/*
 * registry.h: a client of Confluent's Schema Registry API (also Karapace, Apicurio below /apis/ccompat/v7, and the one
 * inside `polka dev`).
 *
 * Calls block, for at most `call_ms`. Several URLs are one registry: the one that answered last is asked first, the next
 * one when it does not. 408, 429 and 5xx are tried again, after what Retry-After says (at most 5 s) or after 100 ms, 200 ms, …
 * Credentials stand in no message.
 *
 * thread: any; one lock a handle, calls take turns. Only polkai_registry_stop does not wait.
 * errors: every call may fail with
 *   TRANSIENT "registry-unreachable"  no connection, or no whole answer in time
 *             "registry-unavailable"  408, 429, 5xx
 *             "registry-untrusted"    TLS; never worked around
 *             "registry-redirects"    to where; no redirect is followed
 *             "registry-misbehaves"   an answer that is none of this API: too large, broken JSON, HTML, a 404 without the
 *                                     registry's own code (a wrong path would otherwise look like "no such schema")
 *             "stopped"               polkai_registry_stop
 *   POISON    "schema-not-found"      the registry says that there is no such schema, subject or version (404 and 404xx)
 *             "not-avro"              there is one, of another kind
 *   MISUSE    "registry-refused"      409, 422 and other 4xx, with the registry's own words
 *             "registry-denied"       401, 403
 * While events flow, all but the two of POISON mean that the event waits.
 */
#ifndef POLKA_FLOW_SCHEMA_REGISTRY_H
#define POLKA_FLOW_SCHEMA_REGISTRY_H

#include <base/log.h>
#include <polka/codec.h>

typedef struct {
    const char *urls;                    /* "http://a:8081,https://user:pass@b/path"; may have a path; user:pass is taken out */
    const char *user, *password;         /* basic authentication for all URLs without their own; NULL or "": none */
    const char *token;                   /* bearer, in place of basic */
    const char *ca, *certificate, *key;  /* PEM files; NULL or "": the system's, none */
    int64_t connect_ms, total_ms;        /* of one request; 0: 2 s, 5 s */
    int64_t call_ms;                     /* of a whole call with all its attempts; 0: 15 s */
    unsigned attempts;                   /* rounds over the URLs; 0: 3 */
    size_t body_bytes;                   /* of an answer; 0: 1 MiB */
} polkai_registry_options;

typedef struct polkai_registry polkai_registry;

/*
 * polkai_registry_open asks nothing of the network; options are copied. *registry is new.
 * errors: MISUSE "bad-url", "no-libcurl" (names Debian's package), "no-file", "bad-token".
 */
polka_status polkai_registry_open(polkai_registry **registry, const polkai_registry_options *options, polka_error *error);
void polkai_registry_close(polkai_registry *registry);   /* NULL is fine; no call may run */
/* polkai_registry_stop: the call that runs ends within about a second with "stopped", and every later one at once. */
void polkai_registry_stop(polkai_registry *registry);

/* polkai_registry_name: its first URL, without credentials: what caches and ce_dataschema call it. Borrowed. */
const char *polkai_registry_name(const polkai_registry *registry);

/* How a record names a schema: by number (00 and 4 bytes), or by GUID (01 and 16 bytes, in __value_schema_id). */
typedef struct { bool by_guid; int32_t id; uint8_t guid[16]; } polkai_schema_id;
enum { POLKAI_SCHEMA_ID_TEXT = 36 };
/* polkai_schema_id_write: "17", or the GUID in its 36 characters. */
void polkai_schema_id_write(char out[POLKAI_SCHEMA_ID_TEXT + 1], const polkai_schema_id *id);

/*
 * polkai_registry_fetch: the text of a schema. It is self-contained: what it refers to in other subjects was fetched too
 * and is written out. Memory of arena, NUL-terminated.
 * errors: also POISON "bad-schema" when its references make no valid schema.
 */
polka_status polkai_registry_fetch(polkai_registry *registry, const polkai_schema_id *id, polka_arena *arena, polka_text *text, polka_error *error);
/*
 * polkai_registry_confirm: as fetch, for somebody who has an answer already and only asks whether it still holds: each URL once, 2 s at
 * most, and for 10 s after that has failed not at all.
 */
polka_status polkai_registry_confirm(polkai_registry *registry, const polkai_schema_id *id, polka_arena *arena, polka_text *text, polka_error *error);

typedef struct { const char *name, *subject; int64_t version; } polkai_registry_reference;
typedef struct {
    polka_text text;                     /* Avro */
    const polkai_registry_reference *references;         /* to types that `text` does not define; NULL: none */
    size_t reference_count;
} polkai_registry_schema;

/* polkai_registry_register: *id is new, or the one that the same schema has already. errors: see above; 409 is "registry-refused". */
polka_status polkai_registry_register(polkai_registry *registry, const char *subject, const polkai_registry_schema *schema, int32_t *id, polka_error *error);

/* A version of a subject. Memory of arena. */
typedef struct { const char *subject; int64_t version; int32_t id; polkai_registry_schema schema; } polkai_registry_version;

/* polkai_registry_lookup: which version of `subject` this schema is, without registering it. */
polka_status polkai_registry_lookup(polkai_registry *registry, const char *subject, const polkai_registry_schema *schema, polka_arena *arena,
                                    polkai_registry_version *version, polka_error *error);
/* polkai_registry_version_of: version 0 is the latest. */
polka_status polkai_registry_version_of(polkai_registry *registry, const char *subject, int64_t version, polka_arena *arena,
                                        polkai_registry_version *out, polka_error *error);

polka_status polkai_registry_subjects(polkai_registry *registry, polka_arena *arena, const char *const **subjects, size_t *count, polka_error *error);
polka_status polkai_registry_versions(polkai_registry *registry, const char *subject, polka_arena *arena, const int64_t **versions, size_t *count, polka_error *error);

/*
 * polkai_registry_check asks whether `schema` could be registered: version 0 against the latest, -1 against what the
 * subject's level asks for. When not, *words says why, as far as the registry tells (line by line; memory of arena).
 */
polka_status polkai_registry_check(polkai_registry *registry, const char *subject, int64_t version, const polkai_registry_schema *schema,
                                   polka_arena *arena, bool *compatible, const char **words, polka_error *error);

/*
 * polkai_registry_words: why the last call was refused, in the registry's own words, when the error had not room for them all;
 * else "". Up to 4 KiB, and whether more was cut off. thread: that of the call, before anybody's next.
 */
const char *polkai_registry_words(const polkai_registry *registry);

/* The compatibility level; subject NULL: the registry's own. A subject without one answers the registry's, and *inherited. */
polka_status polkai_registry_level(polkai_registry *registry, const char *subject, polka_arena *arena, const char **level, bool *inherited, polka_error *error);
polka_status polkai_registry_set_level(polkai_registry *registry, const char *subject, const char *level, polka_error *error);

/* What a subject is called. */
typedef enum { POLKAI_SUBJECT_RECORD = 0, POLKAI_SUBJECT_TOPIC, POLKAI_SUBJECT_TOPIC_RECORD } polkai_subject_strategy;
/* polkai_registry_subject: "shop.OrderPlaced", "shop.orders-value", "shop.orders-shop.OrderPlaced". Memory of arena. */
const char *polkai_registry_subject(polkai_subject_strategy strategy, const char *topic, const char *full_name, polka_arena *arena);

#endif
