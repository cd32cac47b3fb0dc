/*
 * source.h: a source's inside, shared by source.c (reading), assignment.c (what it reads), pause.c (and not for now), commit.c (how far
 * it is done) and offsets.c (where it begins).
 */
#ifndef POLKA_TRANSPORT_KAFKA_SOURCE_H
#define POLKA_TRANSPORT_KAFKA_SOURCE_H

#include <transport/kafka/client.h>

#include <stdatomic.h>

enum { POLKAI_KAFKA_ASK_MS = 1000 };     /* for where reading begins; what is not known then librdkafka finds out itself */

/* A name of a topic that records point to; made once, and freed with the source. */
typedef struct polkai_kafka_name polkai_kafka_name;
struct polkai_kafka_name { polkai_kafka_name *next; polka_text text; };

typedef struct polkai_kafka_trouble polkai_kafka_trouble;          /* a partition whose next batch cannot be read; in unread.c */

/* A partition that is not read for now; `why`: the sum of the reasons. */
typedef enum { POLKAI_KAFKA_ALL_PAUSED = 1, POLKAI_KAFKA_HELD = 2, POLKAI_KAFKA_UNREADABLE = 4, POLKAI_KAFKA_ANY_REASON = 7 } polkai_kafka_why;
typedef struct { const char *topic; int32_t partition; unsigned why; } polkai_kafka_paused;

typedef struct {
    polkai_source source;                /* first: the seam */
    polkai_kafka_client client;
    polkai_source_listener listener;
    bool grouped;
    bool started;
    bool assigned;                       /* the owner has been told of an assignment, and not yet of its end */
    bool by_consumer;                    /* group.protocol=consumer */
    bool spare;                          /* by it, and the owner was told of no assignment yet, or of none since the last was lost */
    int64_t member_look_ns, member_since_ns;             /* spare: whether the group has us is asked again then; since when it has, 0: it has not */
    int waker;                           /* eventfd: librdkafka writes when a record has come, wake when it is called */
    atomic_int woken;
    rd_kafka_queue_t *queue;             /* the consumer's */
    rd_kafka_queue_t *answers;           /* to commits; NULL: none was made */
    uintptr_t asked;                     /* commits so far: the last one's number … */
    unsigned unanswered;                 /* … and how many of them have no answer yet; more than one only where the last did not wait any longer */
    bool overtaken;                      /* one that has no answer yet, by a later one */
    polkai_kafka_name *names;
    char *cluster;                       /* its id; NULL: not known yet */
    polkai_kafka_paused *paused;         /* in order; by pause.c alone */
    size_t paused_count;
    bool wakes_leaders;                  /* at the next poll: some are read again, and fetching is to go on at once */
    polkai_record *taken;                /* by the poll under way; NULL: none is */
    size_t taken_count;
    size_t taken_bytes;                  /* of values, since the leaders were woken last */
    size_t taken_records;
    size_t half_queue_bytes;             /* of what is fetched ahead; 0: leaders need not be woken */
    size_t half_queue_records;
    const rd_kafka_topic_t *last;        /* the topic of the record taken last, while that record holds it */
    polkai_kafka_trouble *troubles;      /* NULL: all can be read */
    polkai_position *emptied;            /* of each partition that had one, the batch met last that is taken to have no records (any more) */
    size_t emptied_count;
    bool park_unread;
    int unread_ms;                       /* so long a batch is tried again before it is given up */
    int answer_ms;                       /* and so long something is waited for behind a probe of the search for its end */
    bool cooperative, leaving;           /* the protocol of its group, once it is assigned; it is being closed */
    int64_t close_limit_ns;              /* until when leaving is waited for */
} polkai_kafka_source;

polka_text polkai_kafka_name_of(polkai_kafka_source *source, const char *topic);
void polkai_kafka_tell(polkai_kafka_source *source, polka_status status, const char *message);

/* In assignment.c: librdkafka's callback, and the operations of the seam that concern the assignment. */
void polkai_kafka_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *client);
polka_status polkai_kafka_start(polkai_source *source, const polkai_start *start, polka_error *error);
void polkai_kafka_unassign(polkai_source *source, const polkai_position *partitions, size_t count);
void polkai_kafka_leave(polkai_kafka_source *source, int timeout_ms);     /* gives the assignment up and leaves the group */
void polkai_kafka_spare_look(polkai_kafka_source *source);                /* at each poll of a spare: is it a member, and has no partitions? */
rd_kafka_topic_partition_list_t *polkai_kafka_list_of(const polkai_position *positions, size_t count);       /* new */

/* In pause.c: two operations of the seam, and what they are made of. partitions NULL: of all. true: some are read again now. */
void polkai_kafka_pause(polkai_source *source, bool paused);
void polkai_kafka_hold(polkai_source *source, const polkai_position *partition, bool held);
void polkai_kafka_pause_for(polkai_kafka_source *source, const rd_kafka_topic_partition_list_t *partitions, polkai_kafka_why why);
bool polkai_kafka_resume_for(polkai_kafka_source *source, const rd_kafka_topic_partition_list_t *partitions, unsigned why);
bool polkai_kafka_is_paused(const polkai_kafka_source *source, const char *topic, int32_t partition, unsigned why);

/* In commit.c. _look takes the answers that are there, and tells of what failed. */
polka_status polkai_kafka_commit(polkai_source *source, const polkai_position *positions, size_t count, int timeout_ms, polka_error *error);
void polkai_kafka_commit_look(polkai_kafka_source *source);
/*
 * polkai_kafka_patience_ms: how long to wait for an answer. A broker that has just left us waiting in vain is not given as long
 * again for the next request, as the owner has a deadline for all of them together.
 */
int64_t polkai_kafka_patience_ms(const polkai_kafka_source *source, int64_t usual_ms);

/* In membership.c: the operations of the seam for transactions. */
typedef struct { polkai_membership membership; rd_kafka_consumer_group_metadata_t *metadata; } polkai_kafka_membership;
polka_status polkai_kafka_membership_of(polkai_source *source, polkai_membership **membership, polka_error *error);
polka_status polkai_kafka_rewind(polkai_source *source, const polkai_position *partitions, size_t count, int timeout_ms, polka_error *error);

/*
 * In offsets.c: where reading begins, asked for at once. What cannot be found out stays for librdkafka to do. An offset that is given
 * stays where nothing is committed.
 */
void polkai_kafka_resolve_positions(rd_kafka_t *handle, rd_kafka_topic_partition_list_t *list);     /* offsets as of source.h */
rd_kafka_resp_err_t polkai_kafka_resolve_committed(rd_kafka_t *handle, rd_kafka_topic_partition_list_t *list, int timeout_ms);   /* of the group */

/*
 * In unread.c. _look sees each error, and while there is trouble each record: pass it on, drop it, or take `range` in its place.
 * _turn at each poll while there is trouble; true: `range` was written, to be given to the owner.
 */
typedef enum { POLKAI_KAFKA_PASS, POLKAI_KAFKA_DROP, POLKAI_KAFKA_INSTEAD } polkai_kafka_passage;
polkai_kafka_passage polkai_kafka_unread_look(polkai_kafka_source *source, const rd_kafka_message_t *message, polkai_record *range);
bool polkai_kafka_unread_turn(polkai_kafka_source *source, polkai_record *range);
void polkai_kafka_unread_forget(polkai_kafka_source *source, const rd_kafka_topic_partition_list_t *partitions);     /* NULL: of all, at the end */

/* In prefetch.c. _setting is for librdkafka releases that have it; _taken is told of all records that poll gives away. */
extern const polkai_kafka_setting polkai_kafka_prefetch_setting;
bool polkai_kafka_prefetch_settable(void);
void polkai_kafka_prefetch_init(polkai_kafka_source *source);
void polkai_kafka_prefetch_taken(polkai_kafka_source *source, const polkai_record *records, size_t count);
void polkai_kafka_prefetch_wake(rd_kafka_t *handle);     /* fetching goes on at once, not within a second; waits for a short answer */

void polkai_kafka_ends(polkai_source *source, polkai_position *positions, size_t count);     /* offsets.c */

#endif
