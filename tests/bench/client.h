/*
 * client.h: what a hand-written program needs of librdkafka here: handles with the settings that Polka uses, and one event
 * sent with the same headers.
 */
#ifndef POLKA_BENCH_CLIENT_H
#define POLKA_BENCH_CLIENT_H

#include <flow/envelope/envelope.h>

#include <librdkafka/rdkafka.h>

typedef void client_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque);

/* client_consumer: group NULL: none is joined. */
rd_kafka_t *client_consumer(const char *brokers, const char *group);
rd_kafka_t *client_producer(const char *brokers, client_delivered *delivered, void *opaque);

/* client_set: one property for all handles made later, "key=value"; false: there are too many. */
bool client_set(const char *property);

/* client_key: the key of `value`, as its codec gives it. */
polka_bytes client_key(const polka_event *event, const void *value, polka_arena *arena);

/*
 * client_send: frames and encodes `value`, writes the headers of `envelope` (subject, dataschema and type are filled in here)
 * and produces with a copy. Ends the program when librdkafka refuses.
 */
void client_send(rd_kafka_t *producer, rd_kafka_topic_t *topic, const polka_event *event, const void *value,
                 polkai_envelope *envelope, polka_text dataschema, polka_arena *arena, void *opaque);
/* client_send_bytes: the same with a framed value and a key; `few`: id, source, type and correlation id, and no other header. */
void client_send_bytes(rd_kafka_t *producer, rd_kafka_topic_t *topic, const polka_event *event, polka_bytes key, polka_bytes value,
                       polkai_envelope *envelope, polka_text dataschema, bool few, polka_arena *arena, void *opaque);

/* client_headers: the headers of a message, in `arena`, the way Polka reads them. */
void client_headers(const rd_kafka_message_t *message, polkai_record *record, polka_arena *arena);

_Noreturn void client_die(const char *what, const char *why);

#endif
