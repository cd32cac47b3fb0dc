/*
 * admin.h: what admin.c (the cluster and its topics) and progress.c (how far partitions and groups are) share.
 */
#ifndef POLKA_TRANSPORT_KAFKA_ADMIN_H
#define POLKA_TRANSPORT_KAFKA_ADMIN_H

#include <transport/kafka/client.h>

enum { POLKAI_KAFKA_REACH_MS = 4000 };   /* the CLI gives up within 5 s when no broker is there */

typedef struct {
    polkai_admin admin;                  /* first: the seam */
    polkai_kafka_client client;
    polkai_kafka_options options;
    polkai_kafka_client member;          /* a consumer that never joins its group, for what coordinators of groups know */
    bool has_member;
    bool stays;                          /* a member did not end: its callbacks may come still */
} polkai_kafka_admin;

/* polkai_kafka_admin_failed: what an error of the broker means: OK for none. `text` NULL: librdkafka's words. */
polka_status polkai_kafka_admin_failed(polkai_kafka_admin *self, rd_kafka_resp_err_t code, const char *what, const char *text, polka_error *error);
polka_status polkai_kafka_admin_unreachable(polkai_kafka_admin *self, polka_error *error);
/*
 * polkai_kafka_admin_refuse_mock: librdkafka's mock broker takes few requests, and 2.0.2 stops the process when it is asked for a
 * group. It calls its cluster mockCluster and a number; a real one has 22 characters of base64.
 */
polka_status polkai_kafka_admin_refuse_mock(polkai_kafka_admin *self, const char *what, polka_error *error);
/* polkai_kafka_admin_metadata: of all topics, asked for now; new. */
polka_status polkai_kafka_admin_metadata(polkai_kafka_admin *self, const struct rd_kafka_metadata **metadata, polka_error *error);

/* A queue for answers, and one answer. */
typedef struct { rd_kafka_queue_t *queue; rd_kafka_AdminOptions_t *options; rd_kafka_event_t *event; } polkai_kafka_ask;
polkai_kafka_ask polkai_kafka_ask_new(rd_kafka_t *handle, rd_kafka_admin_op_t operation, int timeout_ms);
polka_status polkai_kafka_ask_wait(polkai_kafka_admin *self, polkai_kafka_ask *question, int timeout_ms, const char *what, polka_error *error);
void polkai_kafka_ask_end(polkai_kafka_ask *question);

/* In progress.c: operations of the seam, and the end of what they opened; false: it did not end, and what it uses must stay. */
polka_status polkai_kafka_groups(polkai_admin *admin, polkai_group *groups, size_t count, polka_error *error);
polka_status polkai_kafka_watermarks(polkai_admin *admin, polkai_extent *extents, size_t count, polka_error *error);
polka_status polkai_kafka_committed(polkai_admin *admin, const polkai_progress *groups, size_t count, polka_error *error);
polka_status polkai_kafka_since(polkai_admin *admin, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error);
bool polkai_kafka_member_close(polkai_kafka_admin *self);

#endif
