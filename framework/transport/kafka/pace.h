/* pace.h: how a producer's thread spends the time in which it may send nothing. */
#ifndef POLKA_TRANSPORT_KAFKA_PACE_H
#define POLKA_TRANSPORT_KAFKA_PACE_H

#include <librdkafka/rdkafka.h>

void polkai_kafka_pace(rd_kafka_conf_t *conf);           /* of a producer, before it is made and after its settings; a user's linger.ms above 0 stands alone */

#endif
