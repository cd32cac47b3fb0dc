/* harness.h: a flow on memory with events whose Avro body is one string, and a clock of our own. */
#ifndef TEST_FLOW_HARNESS_H
#define TEST_FLOW_HARNESS_H

#include <base/arena.h>
#include <flow/flow.h>
#include <polka/codec.h>
#include <transport/memory/memory.h>

#include <pthread.h>

typedef struct { polka_text text; } note;
typedef polka_outcome test_asked_handler(polka_context *ctx, const note *event);
typedef polka_outcome test_answered_handler(polka_context *ctx, const note *event);
extern const polka_event test_asked_event;               /* test.Asked on test.asked */
extern const polka_event test_answered_event;            /* test.Answered on test.answers */

typedef struct {
    polkai_clock clock;                  /* virtual unless `real` */
    _Atomic int64_t now_ns;
    polkai_memory *memory;
    polkai_flow *flow;
    polkai_sink *sink;                   /* of the test */
    polkai_log log;
    int32_t put_partition;               /* where harness_put puts; -1: by the key */
    char last_log[1024], all_logs[16384];
    pthread_mutex_t log_lock;
    polka_arena arena;
} harness;

harness *harness_create(void);
/* Starts a flow of `service` with these options (service, clock, log are filled in). */
void harness_start(harness *h, const polka_service *service, polkai_flow_options options);
void harness_stop(harness *h);           /* drains and destroys the flow */
void harness_destroy(harness *h);
/* Puts an event; key and id may be NULL. */
void harness_put(harness *h, const char *key, const char *text, const char *id);
/* Puts a record as it is. */
void harness_put_raw(harness *h, const char *topic, polka_bytes key, polka_bytes value, const polkai_header *headers, size_t count);
void harness_turn(harness *h);           /* steps until nothing moves */
void harness_advance_ms(harness *h, int64_t ms);
/* Record `index` over all partitions of a topic (which has one), NULL: there are fewer. */
const polkai_record *harness_record(harness *h, const char *topic, size_t index);
polka_text harness_header(harness *h, const polkai_record *record, const char *name);
polka_text harness_text(const polkai_record *record);    /* the string of a framed value */
int64_t harness_committed(harness *h, const char *group, const char *topic);   /* of partition 0 */
int64_t harness_committed_at(harness *h, const char *group, polkai_position *position);
void harness_topic(harness *h, const char *topic, int32_t partitions);         /* new; else a topic has one */

#endif
