/*
 * admin.h: questions and changes that concern the cluster, not a record: topics, groups, offsets. For the CLI.
 */
#ifndef POLKA_TRANSPORT_ADMIN_H
#define POLKA_TRANSPORT_ADMIN_H

#include <transport/source.h>

typedef struct {
    const char *name;
    int32_t partitions;                  /* -1: the broker's default */
    int32_t replication;                 /* -1: the broker's default */
    int64_t retention_ms;                /* -2: the broker's default; -1: for ever */
    int64_t max_message_bytes;           /* -1: the broker's default */
    bool compacted;
} polkai_topic;

typedef struct { const char *name; const char *state; size_t members; size_t assigned_partitions; } polkai_group;

typedef struct polkai_admin polkai_admin;
typedef struct {
    /* topics: *topics is new (one free()), names inside; internal topics (__consumer_offsets) are left out. */
    polka_status (*topics)(polkai_admin *admin, polkai_topic **topics, size_t *count, polka_error *error);
    /* create: TRANSIENT when unreachable; MISUSE with the broker's words when refused; an existing topic is OK. */
    polka_status (*create)(polkai_admin *admin, const polkai_topic *topic, polka_error *error);
    polka_status (*group)(polkai_admin *admin, const char *name, polkai_group *group, polka_error *error);    /* MISUSE "not-supported" on the mock */
    /* watermarks: low and high (next to be written) of one partition. */
    polka_status (*watermarks)(polkai_admin *admin, const char *topic, int32_t partition, int64_t *low, int64_t *high, polka_error *error);
    /* committed: of a group; offset -1001 where there is none. Fills positions[].offset. */
    polka_status (*committed)(polkai_admin *admin, const char *group, polkai_position *positions, size_t count, polka_error *error);
    /* since: positions[].offset becomes that of the first record written at time_ms (wall clock) or later; -1: there is none. The mock knows no times: always -1. */
    polka_status (*since)(polkai_admin *admin, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error);
    void (*close)(polkai_admin *admin);
} polkai_admin_operations;
struct polkai_admin { const polkai_admin_operations *operations; };

#endif
