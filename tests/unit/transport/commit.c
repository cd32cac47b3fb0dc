/* Commits whose answers are late, or tell librdkafka to try again: the committed offset never goes back. */
#include <transport/kafka/source.h>

#include <criterion/criterion.h>
#include <inttypes.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>

enum { OFFSET_COMMIT = 8, RECORDS = 9, LIMIT_MS = 20000 };

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *mock;
static polkai_kafka_options options;
static polkai_source *source;
static unsigned notices, lost_count;
static char said[512];

static void on_assigned(void *user, const polkai_position *partitions, size_t count)
{
    (void)user, (void)partitions, (void)count;
}

static void on_revoked(void *user, const polkai_position *partitions, size_t count, bool lost)
{
    (void)user, (void)partitions;
    lost_count += lost ? (unsigned)count : 0;
}

static void on_notice(void *user, polka_status status, const char *message)
{
    (void)user;
    notices += status != POLKA_OK;
    snprintf(said, sizeof said, "%s", message);
}

static int64_t now_ms(void)
{
    return polkai_kafka_now_ns() / 1000000;
}

static void read_all(void)
{
    polkai_record got[RECORDS];
    size_t count = 0;
    for (int64_t end_ms = now_ms() + LIMIT_MS; count < RECORDS; ) {
        size_t more = source->operations->poll(source, got, RECORDS - count, 100);
        cr_assert_lt(now_ms(), end_ms, "%zu of %d", count, RECORDS);
        for (size_t i = 0; i < more; i++)
            polkai_record_release(&got[i]);
        count += more;
    }
}

static void begin(void)
{
    polka_error why = { 0 };
    polka_text topic = POLKA_TEXT("t");
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    mock = rd_kafka_mock_cluster_new(owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    options = (polkai_kafka_options){ .brokers = rd_kafka_mock_cluster_bootstraps(mock), .group = "g", .embedded = true };
    polkai_sink *sink;
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, &why), POLKA_OK, "%s", why.message);
    for (int i = 0; i < RECORDS; i++)
        cr_assert_eq(sink->operations->send(sink, &(polkai_record){ .topic = topic, .partition = 0, .value = { 1, (const uint8_t *)"v" } }, NULL, &why), POLKA_OK);
    sink->operations->close(sink, LIMIT_MS);
    cr_assert_eq(polkai_kafka_source_open(&source, &options, &why), POLKA_OK, "%s", why.message);
    polkai_start start = { .topics = &topic, .topic_count = 1, .listener = { .assigned = on_assigned, .revoked = on_revoked, .notice = on_notice } };
    cr_assert_eq(source->operations->start(source, &start, &why), POLKA_OK, "%s", why.message);
    read_all();
    notices = 0;
}

static polka_status commit(int64_t offset, int timeout_ms, polka_error *error)
{
    return source->operations->commit(source, &(polkai_position){ POLKA_TEXT("t"), 0, offset }, 1, timeout_ms, error);
}

/* As an owner does: what is not taken now is asked for again, with the newest. */
static void commit_at_last(int64_t offset)
{
    polka_error why;
    polka_status status;
    for (int64_t end_ms = now_ms() + LIMIT_MS; (status = commit(offset, 0, &why)) != POLKA_OK;) {
        cr_assert_str_eq(why.code, POLKAI_COMMIT_UNANSWERED);
        cr_assert_eq(status, POLKA_TRANSIENT);
        cr_assert_lt(now_ms(), end_ms);
        cr_assert_eq(source->operations->poll(source, &(polkai_record){ .offset = 0 }, 1, 5), 0);
    }
}

static int64_t committed_now(void)
{
    polka_error why = { 0 };
    polkai_admin *admin;
    polkai_position position = { POLKA_TEXT("t"), 0, 0 };
    cr_assert_eq(polkai_kafka_admin_open(&admin, &options, &why), POLKA_OK, "%s", why.message);
    cr_assert_eq(admin->operations->committed(admin, &(polkai_progress){ "g", &position, 1 }, 1, &why), POLKA_OK, "%s", why.message);
    admin->operations->close(admin);
    return position.offset;
}

/* Leaving waits inside librdkafka for all that is under way. */
static int64_t committed_in_the_end(void)
{
    source->operations->close(source, POLKAI_CLOSE_MS);
    int64_t offset = committed_now();
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
    return offset;
}

static void coordinator_says(rd_kafka_resp_err_t code)
{
    rd_kafka_mock_push_request_errors(mock, OFFSET_COMMIT, 1, code);
}

/* Found on a real broker under load: 2917 after 3108. librdkafka had sent the older ones again, behind the newer ones. */
Test(commit, that_is_sent_again_never_lands_behind_a_later_one, .timeout = 60)
{
    polka_error why = { 0 };
    begin();
    coordinator_says(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    cr_assert_eq(commit(3, 0, &why), POLKA_OK);
    commit_at_last(5);
    cr_assert_eq(committed_in_the_end(), 5);
}

Test(commit, of_nothing_says_whether_the_one_before_is_answered, .timeout = 60)
{
    polka_error why = { 0 };
    begin();
    cr_assert_eq(source->operations->commit(source, NULL, 0, 0, &why), POLKA_OK, "there is none before");
    coordinator_says(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    cr_assert_eq(commit(3, 0, &why), POLKA_OK);
    cr_assert_eq(source->operations->commit(source, NULL, 0, 0, &why), POLKA_TRANSIENT);
    cr_assert_str_eq(why.code, POLKAI_COMMIT_UNANSWERED);
    for (int64_t end_ms = now_ms() + LIMIT_MS; source->operations->commit(source, NULL, 0, 0, &why) != POLKA_OK;) {
        cr_assert_lt(now_ms(), end_ms);
        cr_assert_eq(source->operations->poll(source, &(polkai_record){ .offset = 0 }, 1, 5), 0);
    }
    cr_assert_eq(committed_now(), 3);
    cr_assert_eq(committed_in_the_end(), 3);
}

Test(commit, that_is_the_last_one_waits_for_the_one_before, .timeout = 60)
{
    polka_error why = { 0 };
    begin();
    coordinator_says(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    cr_assert_eq(commit(3, 0, &why), POLKA_OK);
    cr_assert_eq(commit(7, LIMIT_MS, &why), POLKA_OK, "%s", why.message);
    cr_assert_eq(committed_in_the_end(), 7);
}

Test(commit, that_fails_is_told_once_and_holds_up_nothing, .timeout = 60)
{
    polka_error why = { 0 };
    begin();
    coordinator_says(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    cr_assert_eq(commit(3, 0, &why), POLKA_OK);
    commit_at_last(5);
    cr_assert_eq(notices, 1);
    cr_assert_not_null(strstr(said, "were not committed"), "%s", said);
    cr_assert_eq(committed_in_the_end(), 5);
}

/* The bound: of one whose answer does not come the last one is independent in the end. */
Test(commit, that_is_the_last_one_goes_in_its_time_whatever_the_one_before_does, .timeout = 60)
{
    polka_error why = { 0 };
    begin();
    rd_kafka_mock_broker_push_request_error_rtts(mock, 1, OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_NO_ERROR, 3000);
    int64_t began_ms = now_ms();
    cr_assert_eq(commit(3, 0, &why), POLKA_OK);
    cr_assert_eq(commit(4, 0, &why), POLKA_TRANSIENT, "answered in %" PRId64 " ms", now_ms() - began_ms);
    cr_assert_eq(commit(7, 400, &why), POLKA_TRANSIENT);
    cr_assert_str_eq(why.code, "_TIMED_OUT");
    cr_assert_lt(now_ms() - began_ms, 2500);
    cr_assert_eq(committed_in_the_end(), 7);
}

/* Found by reading: partitions that stay were set back by it, and nobody committed them again as long as nothing new was done. */
Test(commit, that_overtook_the_one_before_is_made_again, .timeout = 60)
{
    polka_error why = { 0 };
    begin();
    rd_kafka_mock_broker_push_request_error_rtts(mock, 1, OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 1400);
    cr_assert_eq(commit(3, 0, &why), POLKA_OK);
    cr_assert_eq(commit(7, 2000, &why), POLKA_OK, "%s", why.message);    /* goes after one second; the first is sent again after 1.5 */
    for (int64_t end_ms = now_ms() + LIMIT_MS; notices == 0 && now_ms() < end_ms;)
        cr_assert_eq(source->operations->poll(source, &(polkai_record){ .offset = 0 }, 1, 5), 0);
    cr_assert_eq(notices, 1);
    cr_assert_not_null(strstr(said, "committed again"), "%s", said);
    cr_assert_eq(committed_now(), 3, "the broker took it last");
    commit_at_last(7);
    cr_assert_eq(source->operations->poll(source, &(polkai_record){ .offset = 0 }, 1, 100), 0);
    cr_assert_eq(notices, 1, "%s", said);
    cr_assert_eq(committed_in_the_end(), 7);
}

/* What the flow relies on after a stop: the commit says it, and the poll behind it has the loss already. */
Test(commit, of_a_member_that_was_put_out_is_told_from_other_failures_and_the_next_poll_says_what_is_lost, .timeout = 60)
{
    polka_error why = { 0 };
    begin();
    coordinator_says(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    cr_assert_eq(commit(3, LIMIT_MS, &why), POLKA_TRANSIENT);
    cr_assert_str_eq(why.code, "TOPIC_AUTHORIZATION_FAILED");
    coordinator_says(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    cr_assert_eq(commit(5, LIMIT_MS, &why), POLKA_TRANSIENT);
    cr_assert_str_eq(why.code, POLKAI_COMMIT_STALE, "%s", why.message);
    cr_assert_eq(lost_count, 0);
    cr_assert_eq(source->operations->poll(source, &(polkai_record){ .offset = 0 }, 1, 0), 0);
    cr_assert_eq(lost_count, 1);
    source->operations->close(source, POLKAI_CLOSE_MS);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}
