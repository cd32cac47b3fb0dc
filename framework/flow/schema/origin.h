/*
 * origin.h: where schemas come from that are not compiled in, as small structs of functions. The service chooses them; a
 * test plays them. All of them may block, and are called from one thread at a time.
 */
#ifndef POLKA_FLOW_ORIGIN_H
#define POLKA_FLOW_ORIGIN_H

#include <flow/schema/framing.h>
#include <transport/admin.h>

/* The topic polka.schemas: a second way to the cluster, without a group. Both open functions NULL: there is none. */
typedef struct {
    void *user;
    polka_status (*open_source)(void *user, polkai_source **source, polka_error *error);
    polka_status (*open_admin)(void *user, polkai_admin **admin, polka_error *error);
} polkai_schema_cluster;

/* A schema registry. fetch NULL: none is configured. */
typedef struct {
    void *user;
    const char *name;                    /* its URL, as in ce_dataschema and in messages */
    /*
     * fetch: the text of a schema by id or GUID, self-contained, in `arena`.
     * errors: POISON when there is none, or it is no Avro schema, and the registry says so; all others mean: later.
     */
    polka_status (*fetch)(void *user, const polkai_schema_key *key, polka_arena *arena, polka_text *text, polka_error *error);
    /*
     * enrol: the id of the schema that values on `topic` are written with: by registering it or by looking it up.
     * errors: TRANSIENT: not reachable; all others with the registry's own words.
     */
    polka_status (*enrol)(void *user, const char *topic, const char *full_name, polka_text text, uint32_t *id, polka_error *error);
    /* enrolled: the id that it gave the last time, from disk; false: not known. May be NULL. */
    bool (*enrolled)(void *user, const char *topic, const char *full_name, polka_text text, uint32_t *id);
    void (*stop)(void *user);            /* any thread: a running call ends soon, and later ones at once; may be NULL */
} polkai_schema_registry;

/* What was found on polka.schemas before, kept on disk. find NULL: nothing is kept. */
typedef struct {
    void *user;
    /* find: data NULL when it is not there or is not what it was. Memory of arena. */
    polka_text (*find)(void *user, uint64_t fingerprint, polka_arena *arena);
    void (*keep)(void *user, uint64_t fingerprint, polka_text text);
} polkai_schema_cache;

#endif
