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
    const char *topic;                   /* NULL only in a manifest with problems */
    const char *key;                     /* path of a field; NULL: none */
    bool key_told;                       /* false: the member is absent, so that it may have any key */
    bool final;                          /* nobody needs to hear it */
    int64_t version;                     /* 0: not given; two that are not given count as the same */
    uint64_t fingerprint;                /* 0: not given */
    const json_t *schema;                /* self-contained; NULL only in a manifest with problems */
} polkai_manifest_event;

typedef struct {
    const char *name;                    /* default: the event's name */
    polkai_manifest_event hears;
    const char *const *emits;            /* full names; each is one of the manifest's emits */
    size_t emit_count;
    int64_t deadline_ms;                 /* 0: not given, or not as a whole number */
} polkai_manifest_reaction;

typedef struct {
    const char *event;                   /* the event it is about; NULL: the whole manifest */
    const char *message;                 /* "reactions[0].topic is missing" */
} polkai_manifest_problem;

typedef struct {
    const char *origin;                  /* where it was read from; for findings */
    const char *service, *version, *group;               /* with problems: a stand-in, so never NULL */
    const char *domain;                  /* NULL: none */
    const polkai_manifest_reaction *reactions;
    size_t reaction_count;
    const polkai_manifest_event *emits;
    size_t emit_count;
    bool hears_all;                      /* a default reaction: whatever comes on the topics of its other reactions */
    json_t *json;                        /* the whole, as read; NULL when it is not JSON */
    size_t problem_count;
    const polkai_manifest_problem *problems;
} polkai_manifest;

/*
 * polkai_manifest_examine reads what can be read, and tells all that is wrong: so that one mistake does not hide the rest of
 * a choreography. *manifest is new (polkai_manifest_destroy), never NULL; nothing of `text` is kept, `origin` is copied.
 */
void polkai_manifest_examine(polkai_manifest **manifest, polka_text text, const char *origin);

/*
 * polkai_manifest_read: *manifest is new (polkai_manifest_destroy); nothing of `text` is kept, `origin` is copied.
 * errors: POISON "bad-manifest": not JSON, made by a newer Polka, a required member missing or of a wrong type, a
 *         reaction that emits what the manifest's emits lacks, an event twice in emits that contradict each other; with origin and path ("reactions[0].topic").
 */
polka_status polkai_manifest_read(polkai_manifest **manifest, polka_text text, const char *origin, polka_error *error);
void polkai_manifest_destroy(polkai_manifest *manifest);     /* NULL is fine */

/* polkai_manifest_find_emit: NULL when the service does not say that event. */
const polkai_manifest_event *polkai_manifest_find_emit(const polkai_manifest *manifest, const char *event);

#endif
