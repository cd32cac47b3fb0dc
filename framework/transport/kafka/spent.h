/*
 * spent.h: the headers of what was reported are freed by a thread that sends. librdkafka allocates them where it is sent, a dozen for
 * an event, one by one, and would free them on the thread that serves reports; to an allocator whose heaps are its threads' that costs
 * more than all else of a report (tests/bench/why.md, hop). With one lane they come back to it; with several, to any of them.
 */
#ifndef POLKA_TRANSPORT_KAFKA_SPENT_H
#define POLKA_TRANSPORT_KAFKA_SPENT_H

#include <transport/kafka/kafka.h>

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct polkai_kafka_spent_batch polkai_kafka_spent_batch;
typedef struct {
    _Atomic(polkai_kafka_spent_batch *) full, empty;     /* full: for those who send; empty: back from them */
    atomic_uint waiting;                 /* full ones; about, and never below 0 */
    atomic_bool apart;                   /* another thread sends than serves reports; else there is nothing to give back */
    _Atomic(pthread_t) server;           /* who serves reports; 0: nobody has yet */
    /* Of who serves reports. */
    polkai_kafka_spent_batch *filling, *free;
    unsigned quiet;                      /* polls in a row that brought no report */
} polkai_kafka_spent;

/* polkai_kafka_spent_put takes the headers from the message. In a report, on the thread that polls, when nobody needs them any more. */
void polkai_kafka_spent_put(polkai_kafka_spent *spent, const rd_kafka_message_t *message);
/* polkai_kafka_spent_polled: on that thread, after each poll; when reports no longer come, what nobody took is freed. */
void polkai_kafka_spent_polled(polkai_kafka_spent *spent, size_t reported);
/* polkai_kafka_spent_take frees what was given back. Any thread that sends, before it does. */
void polkai_kafka_spent_take(polkai_kafka_spent *spent);
/* polkai_kafka_spent_deinit: nobody sends any more. */
void polkai_kafka_spent_deinit(polkai_kafka_spent *spent);

#endif
