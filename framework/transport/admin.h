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

typedef struct {
    const char *name;
    bool told;                           /* false: the broker does not say; then nothing below is */
    const char *state;
    size_t members, assigned_partitions;
} polkai_group;

typedef struct { polka_text topic; int32_t partition; int64_t low, high; } polkai_extent;
typedef struct { const char *group; polkai_position *positions; size_t count; } polkai_progress;

/* What takes many of something asks for all of them at the same time, in as few requests as librdkafka can. */
typedef struct polkai_admin polkai_admin;
typedef struct {
    /* topics: their names and partitions; *topics is new (one free()), names inside; internal topics (__consumer_offsets) are left out. */
    polka_status (*topics)(polkai_admin *admin, polkai_topic **topics, size_t *count, polka_error *error);
    /* settings fills in what is configured for these topics. The mock does not know: there all stays "the broker's default". */
    polka_status (*settings)(polkai_admin *admin, polkai_topic *topics, size_t count, polka_error *error);
    /* create: TRANSIENT when unreachable; MISUSE with the broker's words when refused; an existing topic is OK. */
    polka_status (*create)(polkai_admin *admin, const polkai_topic *topic, polka_error *error);
    /* groups fills in all but the names, of which none stands there twice. MISUSE "not-supported" on the mock. */
    polka_status (*groups)(polkai_admin *admin, polkai_group *groups, size_t count, polka_error *error);
    /* watermarks: low and high (next to be written); both -1 of a partition that is not there. */
    polka_status (*watermarks)(polkai_admin *admin, polkai_extent *extents, size_t count, polka_error *error);
    /* committed fills in positions[].offset of each group; -1001 where there is none. No group stands there twice. */
    polka_status (*committed)(polkai_admin *admin, const polkai_progress *groups, size_t count, polka_error *error);
    /* since: positions[].offset becomes that of the first record written at time_ms (wall clock) or later; -1: there is none. The mock knows no times: always -1. */
    polka_status (*since)(polkai_admin *admin, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error);
    void (*close)(polkai_admin *admin);
} polkai_admin_operations;
struct polkai_admin { const polkai_admin_operations *operations; };

#endif
