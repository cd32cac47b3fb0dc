/*
 * instance.h: the transactional.id of this process: polka.<group>.<host>.<number>, the least number that no other process of the
 * host has. So a process that starts again after a crash has the id of the one before, and its first call ends what that one left
 * open; an id made at random would leave it open until transaction.timeout.ms, and all readers of its partitions waiting.
 */
#ifndef POLKA_TRANSPORT_KAFKA_INSTANCE_H
#define POLKA_TRANSPORT_KAFKA_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char id[512];
    size_t own_at;                       /* where in `id` the end of its own begins, once it has one */
    int claim;                           /* a socket: the number is free again when the process ends, however it does; -1: none */
    int64_t fenced_ns;                   /* when another producer took the id last; 0: never */
} polkai_kafka_instance;

void polkai_kafka_instance_claim(polkai_kafka_instance *instance, const char *group);
void polkai_kafka_instance_release(polkai_kafka_instance *instance);

/*
 * polkai_kafka_instance_fenced: another producer has the id. Once is what a broker's time-out looks like, too; twice in a minute is
 * a process that has the same name of a host and that no socket tells us of: then the id gets an end of its own. true: it did.
 */
bool polkai_kafka_instance_fenced(polkai_kafka_instance *instance, int64_t now_ns);

#endif
