/* A coordinator of groups that moves, as on a broker made a moment ago. */
#include <transport/kafka/client.h>

#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>

enum { OFFSET_FETCH = 9 };

Test(coordinator, that_has_moved_is_asked_again, .timeout = 60)
{
    rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .embedded = true };
    polkai_admin *admin;
    polka_error why = { 0 };
    cr_assert_eq(polkai_kafka_admin_open(&admin, &options, &why), POLKA_OK, "%s", why.message);
    polkai_position position = { POLKA_TEXT("t"), 0, 0 };
    rd_kafka_mock_push_request_errors(mock, OFFSET_FETCH, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    cr_assert_eq(admin->operations->committed(admin, "g", &position, 1, &why), POLKA_OK, "%s: %s", why.code, why.message);
    cr_assert_eq(position.offset, -1001);
    admin->operations->close(admin);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}
