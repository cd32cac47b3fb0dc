/* stage.h: where the suite runs: memory, mock or a real Kafka, by POLKA_STAGE; and small helpers that all tests share. */
#ifndef POLKA_TESTS_CONFORMANCE_STAGE_H
#define POLKA_TESTS_CONFORMANCE_STAGE_H

#include <transport/admin.h>
#include <transport/sink.h>
#include <transport/source.h>
#include <transport/transaction.h>

#include <criterion/criterion.h>

typedef struct stage stage;
typedef enum { CAN_CREATE, CAN_DESCRIBE_GROUP, CAN_REFUSE_LARGE, CAN_COMMIT_IN_REBALANCE, CAN_TRANSACT } ability;

stage *stage_open(void);
void stage_close(stage *at);
bool stage_can(const stage *at, ability what);
const char *stage_topic(stage *at, int32_t partitions);              /* a new one, empty; lives as long as the stage */
const char *stage_topic_taking(stage *at, int32_t partitions, int64_t bytes);  /* as a record may have; the mock takes any */
const char *stage_name(stage *at, const char *what);                 /* a name nobody else uses */
polkai_source *stage_source(stage *at, const char *group);           /* NULL: without a group */
polkai_admin *stage_admin(stage *at);
polkai_transaction *stage_transaction(stage *at, const char *group);  /* with its init done */

/* What a sink reported. */
typedef struct {
    size_t count, failed;
    bool may_fail;                                                   /* else a failure ends the test */
    struct { uintptr_t cookie; polka_status status; int32_t partition; int64_t offset; char code[40]; } last[4096];
} reports;
polkai_sink *stage_sink(stage *at, reports *told);

polkai_record record_of(const char *topic, const char *key, const char *value);      /* NULL: null */
void send_one(polkai_sink *sink, const polkai_record *record, uintptr_t cookie);     /* must be taken */
void await_reports(polkai_sink *sink, const reports *told, size_t count);            /* until `count` have come; fails after 20 s */

/* What a source told, in the order it told it. */
typedef struct {
    polkai_source *source;
    size_t assigned_calls, revoked_calls, assigned_now, lost;
    bool commit_in_revoked, may_fail;                                /* may_fail: the commit there */
    polkai_position at[64];                                          /* the next offset of each partition read */
    size_t at_count;
} told;
void start_group(polkai_source *source, told *what, const char *topic);
void start_at(polkai_source *source, const polkai_position *positions, size_t count);
/* Reads all of a partition until the source tells its end, which is returned; *records: so many came before. Fails after 20 s. */
int64_t end_of(stage *at, const char *topic, size_t *records);

/* Polls until `count` records have come, keeps them; fails after 30 s. */
void read_records(polkai_source *source, told *what, polkai_record *records, size_t count);
bool value_is(const polkai_record *record, const char *text);
void release_all(polkai_record *records, size_t count);
int64_t now_ms(void);

#define ASSERT_OK(CALL) do { polka_error wrong = { 0 }; polka_error *error = &wrong; \
    cr_assert_eq((CALL), POLKA_OK, "%s: %s", wrong.code, wrong.message); } while (0)

#endif
