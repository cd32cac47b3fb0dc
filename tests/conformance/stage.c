/* stage.c: the three stages, and what they cannot do. */
#include "stage.h"

#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <transport/broker.h>
#include <transport/kafka/kafka.h>
#include <transport/memory/memory.h>
#include <unistd.h>

typedef enum { MEMORY, MOCK, KAFKA } kind;

struct stage {
    kind kind;
    polkai_memory *memory;
    polkai_broker *broker;
    const char *address;
    polka_arena arena;                   /* names */
    unsigned names;
    polkai_log log;
};

static kind kind_of_stage(void)
{
    const char *name = getenv("POLKA_STAGE");
    return name == NULL || strcmp(name, "memory") == 0 ? MEMORY : strcmp(name, "mock") == 0 ? MOCK : KAFKA;
}

bool stage_can(const stage *at, ability what)
{
    switch (what) {
    case CAN_CREATE:
    case CAN_DESCRIBE_GROUP:
    case CAN_COMMIT_IN_REBALANCE:
    case CAN_TRANSACT:
        return at->kind != MOCK;
    default:
        return at->kind == KAFKA;
    }
}

stage *stage_open(void)
{
    stage *at = polkai_alloc(sizeof *at);
    at->kind = kind_of_stage();
    polkai_arena_init(&at->arena, NULL, 0);
    polkai_log_init(&at->log, STDERR_FILENO, POLKAI_LOG_WARN, POLKAI_LOG_TEXT, "conformance");
    switch (at->kind) {
    case MEMORY:
        at->memory = polkai_memory_create(&polkai_clock_real, 4);
        break;
    case MOCK:
        ASSERT_OK(polkai_broker_mock_start(&at->broker, error));
        at->address = polkai_broker_address(at->broker);
        break;
    default:
        at->address = getenv("POLKA_TEST_BROKERS");
    }
    return at;
}

void stage_close(stage *at)
{
    polkai_memory_destroy(at->memory);
    polkai_broker_stop(at->broker);
    polkai_arena_deinit(&at->arena);
    free(at);
}

const char *stage_name(stage *at, const char *what)
{
    return polkai_arena_format(&at->arena, "conformance.%s.%d.%" PRIx64 ".%u", what, (int)getpid(),
                               (uint64_t)polkai_clock_real.wall_ms(&polkai_clock_real), at->names++).data;
}

const char *stage_topic_taking(stage *at, int32_t partitions, int64_t bytes)
{
    const char *name = stage_name(at, "topic");
    if (at->broker != NULL) {
        ASSERT_OK(polkai_broker_topic(at->broker, name, partitions, error));
        return name;
    }
    polkai_admin *admin = stage_admin(at);
    polkai_topic topic = { .name = name, .partitions = partitions, .replication = -1, .retention_ms = -2, .max_message_bytes = bytes };
    ASSERT_OK(admin->operations->create(admin, &topic, error));
    admin->operations->close(admin);
    return name;
}

const char *stage_topic(stage *at, int32_t partitions)
{
    return stage_topic_taking(at, partitions, 4194304);
}

static polkai_kafka_options options_of(stage *at, const char *group)
{
    return (polkai_kafka_options){ .brokers = at->address, .client_id = "conformance", .group = group, .log = &at->log, .embedded = at->kind == MOCK };
}

polkai_source *stage_source(stage *at, const char *group)
{
    polkai_source *source;
    polkai_kafka_options options = options_of(at, group);
    if (at->kind == MEMORY)
        ASSERT_OK(polkai_memory_source_open(&source, at->memory, group, error));
    else
        ASSERT_OK(polkai_kafka_source_open(&source, &options, error));
    return source;
}

polkai_admin *stage_admin(stage *at)
{
    polkai_admin *admin;
    polkai_kafka_options options = options_of(at, NULL);
    if (at->kind == MEMORY)
        ASSERT_OK(polkai_memory_admin_open(&admin, at->memory, error));
    else
        ASSERT_OK(polkai_kafka_admin_open(&admin, &options, error));
    return admin;
}

polkai_transaction *stage_transaction(stage *at, const char *group)
{
    polka_error why = { .status = POLKA_OK };
    polkai_transaction *transaction;
    polkai_transaction_verdict verdict;
    polkai_kafka_options options = options_of(at, group);
    if (at->kind == MEMORY)
        ASSERT_OK(polkai_memory_transaction_open(&transaction, at->memory, group, error));
    else
        ASSERT_OK(polkai_kafka_transaction_open(&transaction, &options, error));
    do
        verdict = transaction->operations->init(transaction, &why);
    while (verdict == POLKAI_TRANSACTION_AGAIN);
    cr_assert_eq(verdict, POLKAI_TRANSACTION_DONE, "init: %s", why.message);
    return transaction;
}

static void note_report(void *user, const polkai_report *report)
{
    reports *all = user;
    cr_assert_lt(all->count, sizeof all->last / sizeof *all->last);
    all->last[all->count].cookie = (uintptr_t)report->cookie;
    all->last[all->count].status = report->status;
    all->last[all->count].partition = report->partition;
    all->last[all->count].offset = report->offset;
    snprintf(all->last[all->count].code, sizeof all->last->code, "%s", report->code);
    all->failed += report->status != POLKA_OK;
    all->count++;
}

polkai_sink *stage_sink(stage *at, reports *all)
{
    polkai_sink *sink;
    polkai_kafka_options options = options_of(at, NULL);
    options.report = note_report;
    options.report_user = all;
    if (at->kind == MEMORY)
        ASSERT_OK(polkai_memory_sink_open(&sink, at->memory, note_report, all, error));
    else
        ASSERT_OK(polkai_kafka_sink_open(&sink, &options, error));
    return sink;
}

/* ---- helpers -------------------------------------------------------------------------------------- */

int64_t now_ms(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000;
}

static polka_bytes bytes_of(const char *text)
{
    return text == NULL ? (polka_bytes){ 0, NULL } : (polka_bytes){ strlen(text), (const uint8_t *)text };
}

polkai_record record_of(const char *topic, const char *key, const char *value)
{
    return (polkai_record){ .topic = polka_text_of(topic), .partition = -1, .key = bytes_of(key), .value = bytes_of(value) };
}

bool value_is(const polkai_record *record, const char *text)
{
    polka_bytes wanted = bytes_of(text);
    return (record->value.data == NULL) == (text == NULL) && record->value.size == wanted.size &&
           (wanted.size == 0 || memcmp(record->value.data, wanted.data, wanted.size) == 0);
}

void send_one(polkai_sink *sink, const polkai_record *record, uintptr_t cookie)
{
    ASSERT_OK(sink->operations->send(sink, record, (void *)cookie, error));
}

void await_reports(polkai_sink *sink, const reports *all, size_t count)
{
    for (int64_t end = now_ms() + 20000; all->count < count && now_ms() < end;)
        sink->operations->poll(sink, 100);
    cr_assert_eq(all->count, count, "%zu of %zu reports came", all->count, count);
    for (size_t i = 0; i < all->count; i++)
        cr_assert(all->last[i].status == POLKA_OK || all->may_fail, "send %zu: %s", i, all->last[i].code);
}

static void on_assigned(void *user, const polkai_position *partitions, size_t count)
{
    (void)partitions;
    told *what = user;
    what->assigned_calls++;
    what->assigned_now += count;
}

static void on_revoked(void *user, const polkai_position *partitions, size_t count, bool lost)
{
    told *what = user;
    what->revoked_calls++;
    what->assigned_now -= count;
    what->lost += lost;
    if (what->commit_in_revoked && !lost && what->at_count > 0) {
        polka_error why = { 0 };
        polka_status status = what->source->operations->commit(what->source, what->at, what->at_count, POLKAI_COMMIT_MS, &why);
        cr_assert(status == POLKA_OK || what->may_fail, "%s: %s", why.code, why.message);
    }
    (void)partitions;
    what->at_count = 0;
}

static void on_notice(void *user, polka_status status, const char *message)
{
    (void)user;
    fprintf(stderr, "notice %d: %s\n", (int)status, message);
}

void start_group(polkai_source *source, told *what, const char *topic)
{
    what->source = source;
    polka_text name = polka_text_of(topic);
    polkai_start start = { .topics = &name, .topic_count = 1, .listener = { what, on_assigned, on_revoked, on_notice, NULL, NULL, NULL } };
    ASSERT_OK(source->operations->start(source, &start, error));
}

void start_at(polkai_source *source, const polkai_position *positions, size_t count)
{
    ASSERT_OK(source->operations->start(source, &(polkai_start){ .positions = positions, .position_count = count, .listener.notice = on_notice }, error));
}

typedef struct { int64_t offset; const char *topic; } end_told;

static void keep_end(void *user, const polkai_position *at)
{
    end_told *last = user;
    cr_assert_str_eq(at->topic.data, last->topic);
    cr_assert_eq(at->partition, 0);
    last->offset = at->offset;
}

int64_t end_of(stage *at, const char *topic, size_t *records)
{
    polkai_source *source = stage_source(at, NULL);
    end_told last = { -1, topic };
    polkai_position from = { polka_text_of(topic), 0, POLKAI_OFFSET_START };
    polkai_source_listener listener = { .user = &last, .notice = on_notice, .ended = keep_end };
    *records = 0;
    ASSERT_OK(source->operations->start(source, &(polkai_start){ .positions = &from, .position_count = 1, .listener = listener }, error));
    for (int64_t limit = now_ms() + 20000; last.offset < 0 && now_ms() < limit;) {
        polkai_record got[4];
        size_t count = source->operations->poll(source, got, 4, 50);
        release_all(got, count);
        *records += count;
    }
    source->operations->close(source, POLKAI_CLOSE_MS);
    return last.offset;
}

static void advance(told *what, const polkai_record *record)
{
    size_t i = 0;
    while (i < what->at_count && (what->at[i].partition != record->partition || !polka_text_equal(what->at[i].topic, record->topic)))
        i++;
    cr_assert_lt(i, sizeof what->at / sizeof *what->at);
    what->at_count += i == what->at_count;
    what->at[i] = (polkai_position){ record->topic, record->partition, record->offset + 1 };
}

void read_records(polkai_source *source, told *what, polkai_record *records, size_t count)
{
    size_t got = 0;
    for (int64_t end = now_ms() + 30000; got < count && now_ms() < end;) {
        size_t more = source->operations->poll(source, records + got, count - got, 100);
        for (size_t i = 0; i < more && what != NULL; i++)
            advance(what, &records[got + i]);
        got += more;
    }
    cr_assert_eq(got, count, "%zu of %zu records came", got, count);
}

void release_all(polkai_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        polkai_record_release(&records[i]);
}

#ifndef POLKA_PLAIN_RUNNER
/* Criterion keeps its own tables to the end. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libcriterion";
}

/* visible: Criterion finds it by name in each test's own process */
__attribute__((visibility("default"))) int main(int argc, char **argv)
{
    if (kind_of_stage() == KAFKA && getenv("POLKA_TEST_BROKERS") == NULL) {
        puts("skipped: no real Kafka; start one with deploy/kafka/up and set POLKA_TEST_BROKERS to what it prints");
        return 77;
    }
    struct criterion_test_set *tests = criterion_initialize();
    int result = criterion_handle_args(argc, argv, true) ? !criterion_run_all_tests(tests) : 0;
    criterion_finalize(tests);
    return result;
}
#endif
