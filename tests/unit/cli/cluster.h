/* cluster.h: librdkafka's mock as tests of the command line need it: a connection, an admin, and a sink whose records are there when it returns. */
#ifndef POLKA_TESTS_UNIT_CLI_CLUSTER_H
#define POLKA_TESTS_UNIT_CLI_CLUSTER_H

#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <cli/pass.h>
#include <transport/broker.h>

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { WAIT_MS = 20000 };

typedef struct {
    polkai_broker *broker;
    cli_connection connection;
    polkai_admin *admin;
    polkai_admin_operations timed;       /* those of the admin, with times */
    polkai_sink *sink;
    size_t sent, reported;
} test_cluster;
extern test_cluster cluster;

typedef polka_status cluster_since(polkai_admin *admin, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error);

void cluster_begin(void);                /* for .init and .fini */
void cluster_end(void);
int64_t now_ms(void);
void cluster_times(cluster_since *since);                /* the mock knows no times: this says them, and it counts as a broker of its own */
void make_topic(const char *topic, int32_t partitions);
void send_record(const polkai_record *record);           /* without waiting */
void await_reports(void);                /* until all that was sent is there */
void put(const char *topic, const char *key, const char *value);     /* on partition 0, and waits; value NULL: without one */

cli_reader *open_reader(const cli_list *topics, const cli_span *span);
cli_reader *open_one(const char *topic, const cli_span *span);
const char *keys(cli_reader *reader, size_t count);      /* reads until so many have come; their keys, one after the other */
const char *pass_of(cli_reader *reader); /* the keys of a whole pass */

#endif
