/*
 * store.h: the inside that sources, sinks and admins of one memory share. One mutex guards all of it, and no
 * callback of an owner runs under it. Topics and groups are never removed, so their names may be borrowed.
 */
#ifndef POLKA_TRANSPORT_MEMORY_STORE_H
#define POLKA_TRANSPORT_MEMORY_STORE_H

#include <transport/memory/memory.h>

#include <pthread.h>

typedef struct {
    polkai_record record;                /* first, so that a stored record is a record */
    uint64_t sequence;                   /* order of arrival across the whole memory */
} polkai_stored;

typedef struct { polkai_stored *records; size_t count, capacity; int64_t damaged_from, damaged_to; } polkai_memory_partition;

typedef struct {
    char *name;
    polkai_topic settings;               /* as created; settings.name is `name` */
    polkai_memory_partition *partitions;
    int32_t partition_count;
    uint32_t next;                       /* where the next record without a key goes */
} polkai_memory_topic;

/* Whose a partition is in a group, and how far the group has come. */
typedef struct { polkai_memory_topic *topic; int32_t partition; int64_t committed; polkai_source *owner; } polkai_memory_claim;

typedef struct {
    char *name;
    uint64_t generation;                 /* grows with every change of members; each member follows at its next poll */
    polkai_source **members;             /* in the order of joining */
    size_t member_count;
    polkai_memory_claim *claims;
    size_t claim_count;
} polkai_memory_group;

typedef struct { char *topic; polka_status status; char *code; unsigned times; } polkai_memory_failure;
typedef struct { char *id; uint64_t epoch; } polkai_memory_producer;     /* of transactions; who has the last epoch of an id has fenced the others */

struct polkai_memory {
    pthread_mutex_t mutex;
    pthread_cond_t changed;              /* a record or a report has come; CLOCK_MONOTONIC */
    const polkai_clock *clock;
    int32_t default_partitions;
    uint64_t sequence;
    polkai_memory_topic **topics;
    size_t topic_count;
    polkai_memory_group **groups;
    size_t group_count;
    polkai_memory_failure *failures;
    size_t failure_count;
    polkai_memory_producer *producers;
    size_t producer_count;
};

/* All below: with the mutex held. */
polkai_memory_topic *polkai_memory_topic_find(const polkai_memory *memory, polka_text name);           /* NULL: none */
polkai_memory_topic *polkai_memory_topic_make(polkai_memory *memory, polka_text name, int32_t partitions);
polkai_memory_group *polkai_memory_group_find(const polkai_memory *memory, const char *name);          /* NULL: none */
polkai_memory_group *polkai_memory_group_make(polkai_memory *memory, const char *name);
polkai_memory_claim *polkai_memory_claim_find(polkai_memory_group *group, polka_text topic, int32_t partition);   /* NULL: none */

/* In sink.c: which partition a record goes to, how it is stored (returns its offset), and the planted failure that it meets (used up by that). */
int32_t polkai_memory_choose(polkai_memory_topic *topic, const polkai_record *record);
int64_t polkai_memory_append(polkai_memory *memory, polkai_memory_topic *topic, int32_t partition, const polkai_record *record);
polkai_memory_failure *polkai_memory_planted(polkai_memory *memory, const polkai_memory_topic *topic);       /* NULL: none */

/* In source.c: commits offsets of a member, all of them or none. errors: TRANSIENT "stale-generation". */
polka_status polkai_memory_commit_as(const polkai_membership *membership, const polkai_position *positions, size_t count, bool apply, polka_error *error);

/*
 * polkai_memory_wait waits for a change until `deadline_ns` of the steady clock; false when it has passed. Never waits
 * on a clock that is not the real one: virtual time does not move while a thread sleeps.
 */
bool polkai_memory_wait(polkai_memory *memory, int64_t deadline_ns);

#endif
