/*
 * manifest.h: what one service hears and says, as its program prints with --describe (design: "The manifest").
 *
 * Wherever a manifest comes from (a file, a program, the topic polka.services), everything in this room works on a list of
 * these. Reading is tolerant: members that are not known are ignored; domain, name, key, schema_version, fingerprint,
 * retry, deadline_ms may be absent or null.
 */
#ifndef POLKA_CHOREOGRAPHY_MANIFEST_H
#define POLKA_CHOREOGRAPHY_MANIFEST_H

#include <jansson.h>
#include <polka/polka.h>

/* One event as this service knows it: the reader schema of a reaction, the writer schema of an emission. */
typedef struct {
    const char *event;                   /* full name */
    const char *topic;
    const char *key;                     /* path of a field; NULL: none */
    int64_t version;                     /* 0: not given; two that are not given count as the same */
    uint64_t fingerprint;                /* 0: not given */
    const json_t *schema;                /* self-contained */
} polkai_manifest_event;

typedef struct {
    const char *name;                    /* default: the event's name */
    polkai_manifest_event hears;
    const char *const *emits;            /* full names; each is one of the manifest's emits */
    size_t emit_count;
} polkai_manifest_reaction;

typedef struct {
    const char *origin;                  /* where it was read from; for findings */
    const char *service, *version, *group;
    const char *domain;                  /* NULL: none */
    const polkai_manifest_reaction *reactions;
    size_t reaction_count;
    const polkai_manifest_event *emits;
    size_t emit_count;
    json_t *json;                        /* the whole, as read */
} polkai_manifest;

/*
 * polkai_manifest_read: *manifest is new (polkai_manifest_destroy); nothing of `text` is kept, `origin` is copied.
 * errors: POISON "bad-manifest": not JSON, made by a newer Polka, a required member missing or of a wrong type, a
 *         reaction that emits what the manifest's emits lacks; with origin and path ("reactions[0].topic").
 */
polka_status polkai_manifest_read(polkai_manifest **manifest, polka_text text, const char *origin, polka_error *error);
void polkai_manifest_destroy(polkai_manifest *manifest);     /* NULL is fine */

/* polkai_manifest_find_emit: NULL when the service does not say that event. */
const polkai_manifest_event *polkai_manifest_find_emit(const polkai_manifest *manifest, const char *event);

#endif
