/* transaction.h: a transactional producer's inside, shared by transaction.c (the producer, the calls of the protocol) and records.c (what is sent). */
#ifndef POLKA_TRANSPORT_KAFKA_TRANSACTION_H
#define POLKA_TRANSPORT_KAFKA_TRANSACTION_H

#include <transport/kafka/client.h>
#include <transport/kafka/instance.h>

/* A topic that takes smaller batches than librdkafka makes: of it no more is under way than it takes, found by halving. */
typedef struct polkai_kafka_target polkai_kafka_target;
struct polkai_kafka_target {
    polkai_kafka_target *next;
    polka_text name;
    rd_kafka_topic_t *handle;            /* of the present producer; NULL: none yet */
    size_t window_bytes;                 /* under way at most; SIZE_MAX: no limit */
    size_t sent_bytes, sent_count;       /* since all was acknowledged last */
    bool taking_part;                    /* in this transaction */
};

typedef struct {
    polkai_transaction transaction;      /* first: the seam */
    polkai_kafka_client client;
    polkai_kafka_options options;
    polkai_kafka_instance instance;
    bool used;                           /* init has ended with this producer: the next one makes another */
    bool leaked;                         /* a handle did not end, and its callbacks still need this */
    bool told;                           /* who we are, by a line of log */
    polkai_kafka_target *targets;
    rd_kafka_resp_err_t failed;          /* of a record of this transaction, the first; refused for good if `refused` is set */
    polka_text failed_at;                /* its topic, a target's name */
    bool unproven;                       /* a record is said to be written and has no offset (sink.c, is_proven) */
} polkai_kafka_transaction;

/* Of the thread of the transaction; _delivered is librdkafka's callback, from inside flush and poll. */
void polkai_kafka_records_begin(polkai_kafka_transaction *transaction);                  /* nothing is sent yet, and nothing has failed */
polkai_transaction_verdict polkai_kafka_records_send(polkai_transaction *transaction, const polkai_record *record, void *cookie, polka_error *error);
polkai_transaction_verdict polkai_kafka_records_await(polkai_kafka_transaction *transaction, polka_error *error);   /* all acknowledgements; AGAIN: not yet */
/* _explain: why a call answered ABORT, when it was for a record: `error` and `refused` tell of that. Returns the verdict as it is. */
polkai_transaction_verdict polkai_kafka_records_explain(polkai_kafka_transaction *transaction, polkai_transaction_verdict verdict, polka_error *error);
void polkai_kafka_records_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *client);
void polkai_kafka_records_detach(polkai_kafka_transaction *transaction);                 /* before the producer is destroyed */
void polkai_kafka_records_free(polkai_kafka_transaction *transaction);

#endif
