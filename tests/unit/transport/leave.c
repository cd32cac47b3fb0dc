/* A source leaves its group, whatever librdkafka answers. */
#include <transport/kafka/source.h>

#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdatomic.h>
#include <unistd.h>

enum { LIMIT_MS = 20000, CLOSE_MS = 8000, SOON_MS = 4000 };

static atomic_bool unanswered;
static atomic_uint asked;

rd_kafka_resp_err_t __real_rd_kafka_assign(rd_kafka_t *handle, const rd_kafka_topic_partition_list_t *partitions);
rd_kafka_resp_err_t __wrap_rd_kafka_assign(rd_kafka_t *handle, const rd_kafka_topic_partition_list_t *partitions);

rd_kafka_resp_err_t __wrap_rd_kafka_assign(rd_kafka_t *handle, const rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_resp_err_t code = __real_rd_kafka_assign(handle, partitions);
    atomic_fetch_add(&asked, 1);
    while (atomic_load(&unanswered))
        pause();
    return code;
}

static void note(void *user, const polkai_position *partitions, size_t count)
{
    (void)partitions;
    *(size_t *)user = count;
}

static int64_t now_ms(void) { return polkai_kafka_now_ns() / 1000000; }

/* Seen twice in storms, after some 600 and 1,100 rebalances: the group had ended before its last revocation was answered, and the drain stood for ever. */
Test(leave, goes_on_when_librdkafka_does_not_answer_the_last_call, .timeout = 60)
{
    polka_error why = { 0 };
    polka_text topic = POLKA_TEXT("t");
    size_t assigned = 0;
    rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .group = "g", .embedded = true };
    polkai_source *source;
    cr_assert_eq(polkai_kafka_source_open(&source, &options, &why), POLKA_OK, "%s", why.message);
    polkai_start start = { .topics = &topic, .topic_count = 1, .listener = { .user = &assigned, .assigned = note } };
    cr_assert_eq(source->operations->start(source, &start, &why), POLKA_OK, "%s", why.message);
    int64_t end_ms = now_ms() + LIMIT_MS;
    while (assigned == 0) {
        cr_assert_lt(now_ms(), end_ms);
        cr_assert_eq(source->operations->poll(source, &(polkai_record){ .offset = 0 }, 1, 20), 0);
    }
    atomic_store(&asked, 0);
    atomic_store(&unanswered, true);
    int64_t began_ms = now_ms();
    source->operations->close(source, CLOSE_MS);
    cr_expect_lt(now_ms() - began_ms, SOON_MS, "it is known that the group has come to its end");
    cr_expect_eq(atomic_load(&asked), 1u);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}
