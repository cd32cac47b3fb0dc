/* Coordinators of groups that move, as on a broker made a moment ago, that are asked for many groups, and that do not answer. */
#include <transport/kafka/client.h>

#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>

enum { OFFSET_FETCH = 9, GROUPS = 60, WAY_MS = 100, LATE_MS = 5000 };

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *mock;
static polkai_admin *admin;
static polka_error why;
static char names[GROUPS][8];
static polkai_position positions[GROUPS];
static polkai_progress groups[GROUPS];

static void begin(void)
{
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    mock = rd_kafka_mock_cluster_new(owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", GROUPS, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (int i = 0; i < GROUPS; i++) {
        snprintf(names[i], sizeof names[i], "g%d", i);
        positions[i] = (polkai_position){ POLKA_TEXT("t"), i, 0 };
        groups[i] = (polkai_progress){ names[i], &positions[i], 1 };
    }
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .embedded = true };
    cr_assert_eq(polkai_kafka_admin_open(&admin, &options, &why), POLKA_OK, "%s", why.message);
}

static void end(void)
{
    admin->operations->close(admin);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}

static polka_status ask(size_t count) { return admin->operations->committed(admin, groups, count, &why); }

Test(coordinator, that_has_moved_is_asked_again, .init = begin, .fini = end, .timeout = 60)
{
    rd_kafka_mock_push_request_errors(mock, OFFSET_FETCH, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    cr_assert_eq(ask(1), POLKA_OK, "%s: %s", why.code, why.message);
    cr_assert_eq(positions[0].offset, -1001);
}

/* In ways to the broker and back, of which the mock makes each take 100 ms: one after the other they were 60 at least. */
Test(coordinator, is_asked_for_many_groups_at_the_same_time, .init = begin, .fini = end, .timeout = 60)
{
    polkai_extent extents[GROUPS];
    for (int i = 0; i < GROUPS; i++)
        extents[i] = (polkai_extent){ .topic = POLKA_TEXT("t"), .partition = i };
    cr_assert_eq(ask(1), POLKA_OK, "%s", why.message);   /* all connections are there then */
    rd_kafka_mock_broker_set_rtt(mock, 1, WAY_MS);
    int64_t begin_ns = polkai_kafka_now_ns();
    cr_assert_eq(ask(GROUPS), POLKA_OK, "%s: %s", why.code, why.message);
    cr_assert_eq(admin->operations->watermarks(admin, extents, GROUPS, &why), POLKA_OK, "%s: %s", why.code, why.message);
    int64_t ways = (polkai_kafka_now_ns() - begin_ns) / 1000000 / WAY_MS;
    cr_assert_lt(ways, 30, "%lld ways", (long long)ways);
    for (int i = 0; i < GROUPS; i++)
        cr_assert(positions[i].offset == -1001 && extents[i].high == 0, "%d: %lld, %lld", i, (long long)positions[i].offset, (long long)extents[i].high);
}

/* Found: librdkafka 2.0.2 ended the process when the answer came after the time was over (refcnt > 0). */
Test(coordinator, that_answers_too_late_ends_nothing, .init = begin, .fini = end, .timeout = 60)
{
    cr_assert_eq(ask(1), POLKA_OK, "%s", why.message);
    rd_kafka_mock_broker_set_rtt(mock, 1, LATE_MS);
    int64_t end_ns = polkai_kafka_now_ns() + (int64_t)(LATE_MS + 1000) * 1000000;        /* what is late has come then */
    cr_assert_eq(ask(GROUPS), POLKA_TRANSIENT);
    cr_assert_str_eq(why.code, "broker-unreachable");
    rd_kafka_mock_broker_set_rtt(mock, 1, 0);
    do
        cr_assert_eq(ask(1), POLKA_OK, "%s: %s", why.code, why.message);
    while (polkai_kafka_now_ns() < end_ns);
    cr_assert_eq(ask(GROUPS), POLKA_OK, "%s: %s", why.code, why.message);
}
