/*
 * source.h: where records come from. Two ways to start: as a member of a consumer group (services), or reading
 * given partitions without a group and without commits (polka tail, trace).
 */
#ifndef POLKA_TRANSPORT_SOURCE_H
#define POLKA_TRANSPORT_SOURCE_H

#include <transport/record.h>

typedef struct { polka_text topic; int32_t partition; int64_t offset; } polkai_position;
enum { POLKAI_OFFSET_START = -2, POLKAI_OFFSET_END = -1 };   /* in polkai_start.positions; -1000 - N: the last N records */
enum { POLKAI_OFFSET_TAIL = -1000 };
enum { POLKAI_COMMIT_MS = 3000, POLKAI_CLOSE_MS = 6000 };    /* time limits of an owner that is in no hurry */
#define POLKAI_COMMIT_UNANSWERED "commit-unanswered"
#define POLKAI_COMMIT_STALE "commit-stale"

/* What a source tells its owner; all of it from inside poll, commit or close, on the thread that called. */
typedef struct {
    void *user;
    /* New partitions; offset is where reading begins when known, else -1001. count may be 0. */
    void (*assigned)(void *user, const polkai_position *partitions, size_t count);
    /*
     * Partitions are about to be given up; commit inside is allowed and is the last chance. lost: they are gone already,
     * nothing may be committed or sent for them any more. NULL allowed for a source without a group.
     */
    void (*revoked)(void *user, const polkai_position *partitions, size_t count, bool lost);
    /*
     * A condition worth a log line: broker unreachable (TRANSIENT, with its address), back again (OK). FATAL: the group has us no
     * more, or not as who we were; the partitions are lost, and `revoked` need not be called for them.
     */
    void (*notice)(void *user, polka_status status, const char *message);
    void (*reached)(void *user, bool reached);           /* false: no broker answers; true: one does again. NULL allowed */
    void (*uncommitted)(void *user);                     /* an asynchronous commit failed; notice says why. NULL allowed */
    /*
     * Of a source without a group: all of this partition that is before at->offset has been given, or nobody gets it (the end of a
     * transaction, what was compacted or deleted), and nothing more was there. Told once an end, and again when more has come. NULL allowed.
     */
    void (*ended)(void *user, const polkai_position *at);
} polkai_source_listener;

typedef struct {
    const polka_text *topics;            /* group: subscribe to these */
    size_t topic_count;
    const polkai_position *positions;    /* no group: read these */
    size_t position_count;
    polkai_source_listener listener;
} polkai_start;

/* Who a member is in the present generation of its group, for the offsets of a transaction. */
typedef struct polkai_membership polkai_membership;
struct polkai_membership { void (*release)(polkai_membership *membership); };

typedef struct polkai_source polkai_source;
typedef struct {
    polka_status (*start)(polkai_source *source, const polkai_start *start, polka_error *error);
    /*
     * poll waits up to timeout_ms for the first record and takes what is there then, at most `capacity`. Fills `records`;
     * each is released by its taker. A source of a group may give one that stands for records that cannot be read
     * (polkai_record.unread): the next one follows it. Must be called at least every max.poll.interval. Never returns an error: see notice.
     */
    size_t (*poll)(polkai_source *source, polkai_record *records, size_t capacity, int timeout_ms);
    /* pause: true pauses all partitions of the assignment, false resumes those that it paused (and no other). */
    void (*pause)(polkai_source *source, bool paused);
    /* hold: this partition alone gives nothing until held is false again, whatever `pause` says of all; its assignment ends that, too. A few records may be on their way. */
    void (*hold)(polkai_source *source, const polkai_position *partition, bool held);
    /* unassign: of a source without a group: these partitions are read no more; neither this nor a later poll gives anything of them. */
    void (*unassign)(polkai_source *source, const polkai_position *partitions, size_t count);
    /*
     * commit: offset is the next to read. Waits up to timeout_ms for the answer; 0: asynchronous, errors go to notice, and TRANSIENT with
     * POLKAI_COMMIT_UNANSWERED is no error: the one before is under way, and could land behind this one, so nothing is asked for; count 0 only says this.
     * With POLKAI_COMMIT_STALE it is no error of the moment: the group has us no more, others have the partitions.
     */
    polka_status (*commit)(polkai_source *source, const polkai_position *positions, size_t count, int timeout_ms, polka_error *error);
    /* membership: new, by its release; of the thread that polls, for partitions it has now. errors: TRANSIENT; MISUSE without a group. */
    polka_status (*membership)(polkai_source *source, polkai_membership **membership, polka_error *error);
    /*
     * rewind: these partitions of the assignment are read again from what is committed for them, or where nothing is from their
     * offset, and where that is not known (below 0) from where a new group begins; the next poll gives nothing from before. Waits up to timeout_ms. errors: TRANSIENT: some may have been rewound and others not; call it again with the same.
     */
    polka_status (*rewind)(polkai_source *source, const polkai_position *partitions, size_t count, int timeout_ms, polka_error *error);
    /* cluster: the id of the cluster, known at the latest when partitions are assigned; borrowed from the source. */
    polka_text (*cluster)(polkai_source *source);
    /*
     * ends: offset becomes the one that the next record of the partition gets, as the broker said last; -1: not known. Never waits. For how far a
     * reader is behind, also one of a group; what an open transaction wrote counts, and nobody gets it yet: that all was given says `ended`.
     */
    void (*ends)(polkai_source *source, polkai_position *positions, size_t count);
    void (*wake)(polkai_source *source);                 /* any thread, or a signal handler: poll returns soon */
    /* close leaves the group (revoked is called), frees the source; what does not end in timeout_ms is left to the end of the process */
    void (*close)(polkai_source *source, int timeout_ms);
} polkai_source_operations;
struct polkai_source { const polkai_source_operations *operations; };

#endif
