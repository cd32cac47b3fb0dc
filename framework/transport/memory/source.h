/* source.h: a source that reads from memory, and its place in its group: what source.c and group.c share. */
#ifndef POLKA_TRANSPORT_MEMORY_SOURCE_H
#define POLKA_TRANSPORT_MEMORY_SOURCE_H

#include <transport/memory/store.h>

#include <stdatomic.h>

typedef struct { polkai_memory_topic *topic; int32_t partition; int64_t next, told; bool paused, held, unassigned; } polkai_memory_reading;

typedef struct {
    polkai_source source;                /* first: the seam */
    polkai_memory *memory;               /* borrowed */
    polkai_memory_group *group;          /* NULL: reads given positions */
    polkai_source_listener listener;
    polkai_memory_topic **topics;        /* subscribed */
    size_t topic_count;
    polkai_memory_reading *readings;                   /* the assignment */
    size_t reading_count;
    uint64_t generation;                 /* of the group, as last followed; 0: none yet */
    bool started;
    atomic_int woken;
} polkai_memory_source;

/* ---- group.c: with the mutex held; the owner is told without it ---- */
void polkai_memory_join(polkai_memory_source *self, const polkai_start *start);
void polkai_memory_follow(polkai_memory_source *self);   /* gives up and takes what a change of members asks for */
void polkai_memory_leave(polkai_memory_source *self);
bool polkai_memory_is_member(const polkai_memory_group *group, const polkai_memory_source *member);

#endif
