/* What a transaction on a mock cluster says of a record that the broker refuses, or of a right that is missing, whichever call meets it first. */
#include <transport/kafka/source.h>
#include <transport/kafka/transaction.h>

#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

enum { PRODUCE = 0, ADD_PARTITIONS = 24, LIMIT_S = 30 };
typedef struct { rd_kafka_t *owner; rd_kafka_mock_cluster_t *mock; polkai_transaction *transaction; polka_error error; } scene;

static void begin(scene *play, int16_t request, rd_kafka_resp_err_t answer)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    play->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    play->mock = rd_kafka_mock_cluster_new(play->owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(play->mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(play->mock), .group = "g" };
    cr_assert_eq(polkai_kafka_transaction_open(&play->transaction, &options, &play->error), POLKA_OK, "%s", play->error.message);
    const polkai_transaction_operations *calls = play->transaction->operations;
    while (calls->init(play->transaction, &play->error) == POLKAI_TRANSACTION_AGAIN) { /* again */ }
    cr_assert_eq(calls->begin(play->transaction, &play->error), POLKAI_TRANSACTION_DONE, "%s", play->error.message);
    rd_kafka_mock_push_request_errors(play->mock, request, 1, answer);
}

static void end(scene *play)
{
    play->transaction->operations->close(play->transaction);
    rd_kafka_mock_cluster_destroy(play->mock);
    rd_kafka_destroy(play->owner);
}

static polkai_transaction_verdict give(scene *play, uintptr_t cookie)
{
    return play->transaction->operations->send(play->transaction, &(polkai_record){ .topic = POLKA_TEXT("t"), .value = { 1, (const uint8_t *)"v" } },
                                               (void *)cookie, &play->error);
}

static void await_report(const scene *play)
{
    rd_kafka_queue_t *reports = rd_kafka_queue_get_main(((polkai_kafka_transaction *)play->transaction)->client.handle);
    for (int64_t until = polkai_kafka_now_ns() + (int64_t)LIMIT_S * 1000000000; rd_kafka_queue_length(reports) == 0;)
        cr_assert_lt(polkai_kafka_now_ns(), until, "no report came");
    rd_kafka_queue_destroy(reports);
}

static polkai_transaction_verdict give_offsets(scene *play)
{
    polkai_position position = { POLKA_TEXT("t"), 0, 1 };
    polkai_kafka_membership membership = { .metadata = rd_kafka_consumer_group_metadata_new("g") };
    polkai_transaction_verdict verdict = play->transaction->operations->offsets(play->transaction, &position, 1, &membership.membership, &play->error);
    rd_kafka_consumer_group_metadata_destroy(membership.metadata);
    return verdict;
}

static polkai_transaction_verdict give_another(scene *play)
{
    return give(play, 8);
}

static polkai_transaction_verdict commit(scene *play)
{
    return play->transaction->operations->commit(play->transaction, &play->error);
}

static polkai_transaction_verdict until_it_fails(scene *play, polkai_transaction_verdict (*call)(scene *play))
{
    polkai_transaction_verdict verdict = POLKAI_TRANSACTION_DONE;
    for (int64_t until = polkai_kafka_now_ns() + (int64_t)LIMIT_S * 1000000000; verdict <= POLKAI_TRANSACTION_AGAIN && polkai_kafka_now_ns() < until;)
        verdict = call(play);            /* AGAIN: on a busy machine the queue fills before an answer comes */
    return verdict;
}

static void expect_refused(const scene *play, polkai_transaction_verdict verdict)
{
    cr_assert_eq(verdict, POLKAI_TRANSACTION_ABORT, "%s", play->error.message);
    cr_assert_eq((uintptr_t)play->transaction->refused, 7, "%s", play->error.message);
    cr_assert_eq(play->error.status, POLKA_POISON);
    cr_assert_str_eq(play->error.code, "MSG_SIZE_TOO_LARGE");
}

/* Found by reading: its report was served by the commit and the abort only, so the same transaction failed again and again. */
Test(transaction, names_the_refused_record_when_the_offsets_meet_it_first, .timeout = 60)
{
    scene play = { .owner = NULL };
    begin(&play, PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    cr_assert_eq(give(&play, 7), POLKAI_TRANSACTION_DONE);
    polkai_transaction_verdict verdict = until_it_fails(&play, give_offsets);
    expect_refused(&play, verdict);
    end(&play);
}

Test(transaction, names_the_refused_record_when_a_later_send_meets_it_first, .timeout = 60)
{
    scene play = { .owner = NULL };
    begin(&play, PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    cr_assert_eq(give(&play, 7), POLKAI_TRANSACTION_DONE);
    await_report(&play);
    polkai_transaction_verdict verdict = give(&play, 8);
    expect_refused(&play, verdict);
    end(&play);
}

static void begin_again(scene *play, polkai_transaction_verdict aborted)
{
    const polkai_transaction_operations *calls = play->transaction->operations;
    polkai_transaction_verdict verdict = calls->abort(play->transaction, &play->error);
    cr_assert_eq(verdict, aborted, "%s", play->error.message);
    while (verdict == POLKAI_TRANSACTION_RENEW && calls->init(play->transaction, &play->error) == POLKAI_TRANSACTION_AGAIN) { /* again */ }
    cr_assert_eq(calls->begin(play->transaction, &play->error), POLKAI_TRANSACTION_DONE, "%s", play->error.message);
}

/* Found by reading: another producer went on behind a missing right only, and not where a record that is too large was refused before it. */
Test(transaction, behind_a_record_that_is_refused_another_producer_goes_on, .timeout = 60)
{
    scene play = { .owner = NULL };
    begin(&play, PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    cr_assert_eq(give(&play, 7), POLKAI_TRANSACTION_DONE);
    polkai_transaction_verdict verdict = until_it_fails(&play, commit);
    expect_refused(&play, verdict);
    begin_again(&play, POLKAI_TRANSACTION_RENEW);
    end(&play);
}

/* ---- a right is missing ---- */

static void expect_waiting(const scene *play, polkai_transaction_verdict verdict)
{
    cr_assert_eq(verdict, POLKAI_TRANSACTION_ABORT, "%s", play->error.message);
    cr_assert_null(play->transaction->refused, "no record is to blame");
    cr_assert_eq(play->error.status, POLKA_TRANSIENT);
    cr_assert_str_eq(play->error.code, "TOPIC_AUTHORIZATION_FAILED");
    cr_assert_not_null(strstr(play->error.message, "User:ANONYMOUS needs the right WRITE on t:"), "%s", play->error.message);
}

static void miss_right(int16_t request, polkai_transaction_verdict (*call)(scene *play))
{
    scene play = { .owner = NULL };
    begin(&play, request, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    cr_assert_eq(give(&play, 7), POLKAI_TRANSACTION_DONE);
    expect_waiting(&play, until_it_fails(&play, call));
    begin_again(&play, request == PRODUCE ? POLKAI_TRANSACTION_RENEW : POLKAI_TRANSACTION_DONE);
    cr_assert_eq(give(&play, 7), POLKAI_TRANSACTION_DONE, "%s", play.error.message);
    cr_assert_eq(commit(&play), POLKAI_TRANSACTION_DONE, "the right is there: %s", play.error.message);
    end(&play);
}

/* Found on a real Kafka: good events became dead letters as long as an administrator had not granted the right. */
Test(transaction, tells_what_right_is_missing_when_a_record_is_refused_for_it, .timeout = 60)
{
    miss_right(PRODUCE, give_offsets);
}

Test(transaction, tells_what_right_is_missing_when_its_partition_may_not_join, .timeout = 60)
{
    miss_right(ADD_PARTITIONS, give_offsets);
}

/* Found on a real Kafka: the topic's name was missing. */
Test(transaction, tells_what_right_is_missing_when_the_commit_meets_it_first, .timeout = 60)
{
    miss_right(ADD_PARTITIONS, commit);
}

Test(transaction, tells_what_right_is_missing_when_a_later_send_meets_that_first, .timeout = 60)
{
    miss_right(ADD_PARTITIONS, give_another);
}
