/* The headers of what was sent are freed by a thread that sends. */
#include <transport/kafka/kafka.h>
#include <transport/kafka/topic.h>

#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdatomic.h>

enum { RECORDS = 1000, MORE = 500, A_BATCH = 200, MANY_POLLS = 50, LIMIT_MS = 20000 };

static pthread_t server;
static atomic_uint freed_by_server, freed_by_others;

void __real_rd_kafka_headers_destroy(rd_kafka_headers_t *headers);
void __wrap_rd_kafka_headers_destroy(rd_kafka_headers_t *headers);

/* Of what librdkafka itself frees nothing comes by here. */
void __wrap_rd_kafka_headers_destroy(rd_kafka_headers_t *headers)
{
    atomic_fetch_add(pthread_equal(pthread_self(), server) ? &freed_by_server : &freed_by_others, 1);
    __real_rd_kafka_headers_destroy(headers);
}

typedef struct {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock;
    polkai_sink *sink;
    size_t count;                        /* to send */
    unsigned reports;
} sending;

static void count(void *user, const polkai_report *report)
{
    cr_expect_eq(report->status, POLKA_OK, "%s", report->message);
    ++*(unsigned *)user;
}

static void *send_all(void *argument)
{
    const sending *s = argument;
    polka_error why = { 0 };
    const polkai_header headers[] = { { POLKA_TEXT("one"), { 1, (const uint8_t *)"1" } }, { POLKA_TEXT("two"), { 1, (const uint8_t *)"2" } } };
    const polkai_record record = { .topic = POLKA_TEXT("t"), .partition = 0, .value = { 1, (const uint8_t *)"v" }, .headers = headers, .header_count = 2 };
    for (size_t i = 0; i < s->count; i++)
        cr_assert_eq(s->sink->operations->send(s->sink, &record, NULL, &why), POLKA_OK, "%s", why.message);
    return NULL;
}

static void send_apart(sending *s, size_t many)
{
    pthread_t thread;
    s->count = many;
    cr_assert_eq(pthread_create(&thread, NULL, send_all, s), 0);
    pthread_join(thread, NULL);
}

static void poll_until(sending *s, unsigned reports)
{
    int64_t end_ns = polkai_kafka_now_ns() + (int64_t)LIMIT_MS * 1000000;
    while (s->reports < reports) {
        cr_assert_lt(polkai_kafka_now_ns(), end_ns, "%u reports", s->reports);
        s->sink->operations->poll(s->sink, 1000);
    }
}

static void poll_in_vain(sending *s)
{
    for (int i = 0; i < MANY_POLLS; i++)
        s->sink->operations->poll(s->sink, 0);
}

static void open_sink(sending *s)
{
    polka_error why = { 0 };
    server = pthread_self();
    s->owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    s->mock = rd_kafka_mock_cluster_new(s->owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(s->mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(s->mock), .embedded = true, .report = count, .report_user = &s->reports };
    cr_assert_eq(polkai_kafka_sink_open(&s->sink, &options, &why), POLKA_OK, "%s", why.message);
}

static void close_sink(sending *s)
{
    s->sink->operations->close(s->sink, LIMIT_MS);
    rd_kafka_mock_cluster_destroy(s->mock);
    rd_kafka_destroy(s->owner);
}

/* This thread polls, another one has sent these. */
static void open_and_send_apart(sending *s, unsigned records)
{
    open_sink(s);
    s->sink->operations->poll(s->sink, 0);
    send_apart(s, records);
    poll_until(s, records);
}

Test(spent, headers_are_freed_by_who_sends_and_those_that_nobody_takes_by_who_polls, .timeout = 60)
{
    sending s = { .count = 0 };
    open_and_send_apart(&s, RECORDS);
    cr_expect_eq(atomic_load(&freed_by_server), 0u);
    send_apart(&s, MORE);
    unsigned taken = atomic_load(&freed_by_others);
    cr_expect_geq(taken, RECORDS - A_BATCH, "all but what fills no batch: %u", taken);
    poll_until(&s, RECORDS + MORE);
    poll_in_vain(&s);
    cr_expect_eq(atomic_load(&freed_by_server) + taken, (unsigned)(RECORDS + MORE), "%u and %u", atomic_load(&freed_by_server), taken);
    close_sink(&s);
}

Test(spent, no_more_waits_than_a_sender_can_take_at_once, .timeout = 60)
{
    sending s = { .count = 0 };
    open_and_send_apart(&s, 5 * RECORDS);
    send_apart(&s, 1);
    unsigned taken = atomic_load(&freed_by_others);
    cr_expect(taken > RECORDS && taken < 3 * RECORDS, "%u; the rest librdkafka has freed", taken);
    send_apart(&s, RECORDS);
    poll_until(&s, 6 * RECORDS + 1);
    send_apart(&s, 1);
    cr_expect_gt(atomic_load(&freed_by_others), taken, "there is room again");
    close_sink(&s);
}

Test(spent, what_waits_for_who_sends_goes_with_the_sink, .timeout = 60)
{
    sending s = { .count = 0 };
    open_and_send_apart(&s, RECORDS);
    close_sink(&s);
    cr_expect_eq(atomic_load(&freed_by_server), (unsigned)RECORDS);
}

Test(spent, nothing_is_kept_where_one_thread_does_both, .timeout = 60)
{
    sending s = { .count = RECORDS };
    open_sink(&s);
    send_all(&s);
    poll_until(&s, RECORDS);
    send_all(&s);
    poll_until(&s, 2 * RECORDS);
    poll_in_vain(&s);
    cr_expect_eq(atomic_load(&freed_by_server) + atomic_load(&freed_by_others), 0u, "librdkafka itself frees them");
    close_sink(&s);
}
