/*
 * broker.h: a broker inside this process, for `polka dev` and tests. Nothing there is kept, and it is never a proof.
 */
#ifndef POLKA_TRANSPORT_BROKER_H
#define POLKA_TRANSPORT_BROKER_H

#include <transport/admin.h>

typedef struct polkai_broker polkai_broker;
/* polkai_broker_mock_start: librdkafka's mock cluster, one broker on 127.0.0.1, a port of its own choice. *broker is new. */
polka_status polkai_broker_mock_start(polkai_broker **broker, polka_error *error);
const char *polkai_broker_address(const polkai_broker *broker);
/* A topic of the mock exists after this returns; it cannot be made by request of a client. */
polka_status polkai_broker_topic(polkai_broker *broker, const char *name, int32_t partitions, polka_error *error);
void polkai_broker_stop(polkai_broker *broker);

#endif
