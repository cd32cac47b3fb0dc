/*
 * topic.h: one topic that is sent to: its handle, how much of it is under way, and the records that wait for it in line.
 *
 * A topic has a line while its limit is not known yet, while records come back from a batch that was refused, and for good
 * when it takes smaller batches than librdkafka makes; line.c says how. Otherwise records go straight to librdkafka.
 */
#ifndef POLKA_TRANSPORT_KAFKA_TOPIC_H
#define POLKA_TRANSPORT_KAFKA_TOPIC_H

#include <transport/kafka/client.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct polkai_kafka_waiting polkai_kafka_waiting;
typedef struct { polkai_kafka_waiting *first, *last; } polkai_kafka_queue;

typedef struct polkai_kafka_topic polkai_kafka_topic;
struct polkai_kafka_topic {
    polkai_kafka_topic *next;
    polka_text name;
    rd_kafka_topic_t *handle;
    atomic_ullong sent;                  /* handed to librdkafka */
    atomic_bool refused;                 /* since the last look, as librdkafka knows of no such topic */
    atomic_bool lined;                   /* sends stand in line */
    atomic_size_t waiting_count;         /* in line */
    polkai_kafka_queue line;             /* sends that wait, under the lock of `lines` */
    /* of the thread that polls: */
    polkai_kafka_topic *next_lined;
    uint64_t reported, looked_at;        /* reports, and how many there were at the last look */
    unsigned looks_in_vain;
    int64_t told_ns;                     /* 0: not since it last answered */
    int64_t asked_ns;                    /* for its limit; 0: not, or answered */
    polkai_kafka_queue again;            /* came back and go before the line, in order … */
    polkai_kafka_waiting *again_at;      /* … behind this one, of those that came back last */
    size_t budget_bytes;                 /* under way at most; SIZE_MAX: no limit */
    size_t window_bytes;                 /* handed over from the line since nothing was under way */
    size_t refused_bytes, refused_count; /* for their size, or that of their batch, since then */
};

/*
 * polkai_kafka_topic_open: a topic with a handle whose opaque it is. new.
 * errors: POISON "bad-topic" for a name that no topic can have; TRANSIENT "no-topic-handle".
 */
polka_status polkai_kafka_topic_open(polkai_kafka_topic **topic, rd_kafka_t *handle, polka_text name, polka_error *error);
/* polkai_kafka_topic_handle: a handle of it in this producer, as the one that open made. NULL: see rd_kafka_last_error. new. */
rd_kafka_topic_t *polkai_kafka_topic_handle(polkai_kafka_topic *topic, rd_kafka_t *producer);
void polkai_kafka_topic_free(polkai_kafka_topic *topic);             /* after its handle is destroyed */

/* polkai_kafka_topic_look tells of a topic that acknowledges nothing; called every LOOK_MS. */
void polkai_kafka_topic_look(polkai_kafka_topic *topic, int64_t now_ns, const polkai_log *log);

#endif
