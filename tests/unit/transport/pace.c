/* How a producer's thread waits behind what it has sent: its own two calls are counted. */
#include <transport/kafka/kafka.h>
#include <transport/kafka/topic.h>

#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <stdatomic.h>
#include <time.h>

enum { MANY = 1000, LIMIT_MS = 20000 };

static atomic_uint answers_awaited, rests;

int __real_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask);
int __real_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

/* Of what librdkafka itself calls nothing comes by here. */
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask)
{
    cr_expect(limit != NULL && limit->tv_sec == 0 && limit->tv_nsec <= 1000000, "no longer than a moment");
    cr_expect(count == 1 && fds[0].fd >= 0 && fds[0].events == POLLIN);
    atomic_fetch_add(&answers_awaited, 1);
    return __real_ppoll(fds, count, limit, mask);
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    atomic_fetch_add(&rests, time->tv_sec == 0 && time->tv_nsec == 950000);
    return __real_nanosleep(time, left);
}

static void count_well(void *user, const polkai_report *report)
{
    cr_expect_eq(report->status, POLKA_OK, "%s", report->message);
    ++*(unsigned *)user;
}

/* All of them wait in the queue when the producer begins to send. */
static void send_paced(size_t many, bool paced, const char *linger)
{
    char text[512];
    unsigned reports = 0;
    polkai_sink *sink;
    polka_error why = { 0 };
    rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    const polkai_kafka_property property = { "linger.ms", linger };
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .report = count_well, .report_user = &reports, .paced = paced,
                                     .properties = &property, .property_count = linger != NULL };
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, &why), POLKA_OK, "%s", why.message);
    const polkai_record record = { .topic = POLKA_TEXT("t"), .partition = 0, .value = { 1, (const uint8_t *)"v" } };
    for (size_t i = 0; i < many; i++)
        cr_assert_eq(sink->operations->send(sink, &record, NULL, &why), POLKA_OK, "%s", why.message);
    for (int64_t end_ns = polkai_kafka_now_ns() + (int64_t)LIMIT_MS * 1000000; reports < many;) {
        cr_assert_lt(polkai_kafka_now_ns(), end_ns, "%u reports", reports);
        sink->operations->poll(sink, 100);
    }
    sink->operations->close(sink, 1000);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}

Test(pace, of_a_record_alone_is_to_wait_for_its_answer, .timeout = 60)
{
    send_paced(1, true, NULL);
    cr_expect_eq(atomic_load(&answers_awaited), 1u);
    cr_expect_eq(atomic_load(&rests), 0u);
}

Test(pace, of_many_is_to_rest, .timeout = 60)
{
    send_paced(MANY, true, NULL);
    cr_expect_geq(atomic_load(&rests), 1u);
}

Test(pace, is_for_who_asks_for_it, .timeout = 60)
{
    send_paced(1, false, NULL);
    send_paced(MANY, false, NULL);
    cr_expect_eq(atomic_load(&answers_awaited) + atomic_load(&rests), 0u);
}

Test(pace, is_none_beside_a_linger_of_the_users, .timeout = 60)
{
    send_paced(1, true, "5");
    send_paced(MANY, true, "5");
    cr_expect_eq(atomic_load(&answers_awaited) + atomic_load(&rests), 0u);
}
