/*
 * line.h: records that wait in this program until their topic can take them, in order.
 *
 * A broker refuses a batch, not a record: sent to a topic that takes less than librdkafka puts in one batch, small records
 * are refused together. So of such a topic no more is under way than it takes in one batch, whatever librdkafka makes of it.
 * The limit is asked for when the topic is first named; where nobody answers (no right to ask, an old broker) it is found by
 * halving. What was refused in company comes back and goes again before all that was sent after it, and only what was
 * refused alone is reported as refused. What was counted as written without proof comes back likewise (sink.c, is_proven).
 */
#ifndef POLKA_TRANSPORT_KAFKA_LINE_H
#define POLKA_TRANSPORT_KAFKA_LINE_H

#include <transport/kafka/topic.h>

typedef struct {
    pthread_mutex_t lock;                /* of the line of each topic */
    rd_kafka_t *handle;
    rd_kafka_queue_t *answers;           /* about limits; NULL: nobody is asked */
    bool asks;                           /* the broker can answer */
    bool ended;                          /* nothing is handed over any more */
    size_t batch_bytes;                  /* librdkafka makes no larger batch of several records */
    _Atomic(polkai_kafka_topic *) fresh; /* topics that any thread has just made */
    polkai_kafka_topic *lined;           /* of the thread that polls: topics that have a line */
    /* hands one record to librdkafka; from inside turn */
    polka_status (*hand_over)(void *owner, polkai_kafka_topic *topic, const polkai_record *record, void *cookie, polka_error *error);
    polkai_report_function *report;      /* of what cannot be handed over */
    void *owner;
} polkai_kafka_lines;

/* polkai_kafka_lines_init: `ask` false for a broker that cannot answer. The last three members are the caller's to set. */
void polkai_kafka_lines_init(polkai_kafka_lines *lines, rd_kafka_t *handle, bool ask);
void polkai_kafka_lines_deinit(polkai_kafka_lines *lines);           /* before the handle is destroyed */

/*
 * The handle is replaced: give_back reports all that waits as TRANSIENT, as what was under way has been, so that its owner sends all of it again
 * in its order; detach before the handle is destroyed, attach to the next. Thread: the one that polls.
 */
void polkai_kafka_lines_give_back(polkai_kafka_lines *lines);
void polkai_kafka_lines_detach(polkai_kafka_lines *lines);
void polkai_kafka_lines_attach(polkai_kafka_lines *lines, rd_kafka_t *handle);

/* polkai_kafka_line_begin: of a topic just made, before another thread knows it: it has a line until its limit is known. */
void polkai_kafka_line_begin(polkai_kafka_lines *lines, polkai_kafka_topic *topic);
/*
 * polkai_kafka_line_join copies all but the value. Any thread. *joined false: the topic has no line, hand the record over.
 * errors: TRANSIENT when the line is full.
 */
polka_status polkai_kafka_line_join(polkai_kafka_lines *lines, polkai_kafka_topic *topic, const polkai_record *record, void *cookie, bool *joined,
                                    polka_error *error);

/* The rest is of the thread that polls. */
/* polkai_kafka_line_again: the record that this report is about comes back; for_size: it or its batch was refused as too large. */
void polkai_kafka_line_again(polkai_kafka_lines *lines, const rd_kafka_message_t *message, bool for_size);
/* polkai_kafka_lines_turn hands over what can go. true: something waits, so the next turn should be soon. */
bool polkai_kafka_lines_turn(polkai_kafka_lines *lines);
/* polkai_kafka_lines_end reports all that waits as TRANSIENT; nothing is handed over any more. */
void polkai_kafka_lines_end(polkai_kafka_lines *lines);

#endif
