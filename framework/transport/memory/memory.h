/*
 * memory.h: topics, groups and offsets in this process's memory; deterministic, single-threaded unless said. For the test
 * kit and simulation.
 */
#ifndef POLKA_TRANSPORT_MEMORY_H
#define POLKA_TRANSPORT_MEMORY_H

#include <base/clock.h>
#include <transport/admin.h>
#include <transport/sink.h>
#include <transport/source.h>
#include <transport/transaction.h>

typedef struct polkai_memory polkai_memory;
/* polkai_memory_create: topics that are sent to or subscribed come into being with `partitions` partitions. new. Thread-safe. */
polkai_memory *polkai_memory_create(const polkai_clock *clock, int32_t partitions);
void polkai_memory_destroy(polkai_memory *memory);       /* after all its sources and sinks are closed */
polka_status polkai_memory_source_open(polkai_source **source, polkai_memory *memory, const char *group, polka_error *error);
polka_status polkai_memory_sink_open(polkai_sink **sink, polkai_memory *memory, polkai_report_function *report, void *user, polka_error *error);
/* Records of a transaction are stored when it commits, all at once, with its offsets; those of an aborted one never are. */
polka_status polkai_memory_transaction_open(polkai_transaction **transaction, polkai_memory *memory, const char *id, polka_error *error);
polka_status polkai_memory_admin_open(polkai_admin **admin, polkai_memory *memory, polka_error *error);

/* For tests: the log of a topic's partition as it is. Borrowed until the next send. */
size_t polkai_memory_count(const polkai_memory *memory, const char *topic, int32_t partition);
const polkai_record *polkai_memory_record(const polkai_memory *memory, const char *topic, int32_t partition, size_t index);
/* The records from `from` to before `to` can no longer be read by members of a group, as if they were one damaged batch. */
void polkai_memory_damage(polkai_memory *memory, const char *topic, int32_t partition, int64_t from, int64_t to);
/* The next send to `topic` (NULL: any) is reported with this status `times` times; POLKA_OK takes it back. */
void polkai_memory_fail(polkai_memory *memory, const char *topic, polka_status status, const char *code, unsigned times);

#endif
