/* How a consumer is a member of its group: by which protocol, with which settings, and until when. */
#include <transport/kafka/source.h>

#include <criterion/criterion.h>
#include <inttypes.h>
#include <librdkafka/rdkafka_mock.h>

enum { HEARTBEAT = 12 };

/* ---- what goes with which release, and together --------------------------------------------------- */

Test(protocol, that_a_release_does_not_have_in_good_order_is_refused_with_what_to_do)
{
    static const struct { int release; const char *key, *value; bool taken; } rows[] = {
        { 0x020002ff, "partition.assignment.strategy", "cooperative-sticky", false },
        { 0x020503ff, "partition.assignment.strategy", "cooperative-sticky", false },
        { 0x020601ff, "partition.assignment.strategy", "cooperative-sticky", false },
        { 0x020900ff, "partition.assignment.strategy", "cooperative-sticky", false },
        { 0x020a01ff, "partition.assignment.strategy", "cooperative-sticky", true },
        { 0x020f01ff, "partition.assignment.strategy", "cooperative-sticky", true },
        { 0x020002ff, "partition.assignment.strategy", "range", true },
        { 0x020002ff, "group.protocol", "consumer", false }, { 0x020002ff, "group.protocol", "classic", false },
        { 0x020b01ff, "group.protocol", "consumer", false }, { 0x020c00ff, "group.protocol", "consumer", true },
        { 0x020002ff, "group.remote.assignor", "uniform", false }, { 0x020f01ff, "group.remote.assignor", "uniform", true },
        { 0x020002ff, "group.instance.id", "pod-0", true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        polka_error why = { 0 };
        bool taken = polkai_kafka_release_takes(rows[i].release, rows[i].key, rows[i].value, &why) == POLKA_OK;
        cr_assert_eq(taken, rows[i].taken, "%s=%s, release %x", rows[i].key, rows[i].value, (unsigned)rows[i].release);
        if (taken)
            continue;
        cr_assert_str_eq(why.code, "refused-property");
        cr_assert_not_null(strstr(why.message, rows[i].key), "%s", why.message);
        cr_assert_not_null(strstr(why.message, " or later, this is 2."), "from when on: %s", why.message);
        cr_assert_not_null(strstr(why.message, "Leave it out"), "what to do: %s", why.message);
    }
}

Test(protocol, that_is_not_in_the_linked_release_is_refused_by_more_than_an_unknown_name)
{
    polka_error why = { 0 };
    if (rd_kafka_version() >> 8 >= 0x020c00)
        cr_skip_test("this one has it");
    cr_assert_eq(polkai_kafka_property_check("group.protocol", "consumer", &why), POLKA_MISUSE);
    cr_assert_not_null(strstr(why.message, "2.12.0"), "%s", why.message);
}

Test(protocol, of_the_broker_takes_no_settings_of_the_classic_one)
{
    static const char *const classic[] = { "session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy", "group.protocol.type" };
    for (size_t i = 0; i < sizeof classic / sizeof *classic; i++) {
        polka_error why = { 0 };
        polkai_kafka_property both[] = { { classic[i], "7000" }, { "group.protocol", "Consumer" } };
        cr_assert_eq(polkai_kafka_properties_check(both, 2, &why), POLKA_MISUSE, "%s", classic[i]);
        cr_assert_not_null(strstr(why.message, classic[i]), "%s", why.message);
        cr_assert_not_null(strstr(why.message, "group.protocol=consumer"), "%s", why.message);
        cr_assert_eq(polkai_kafka_properties_check(both, 1, NULL), POLKA_OK, "%s alone", classic[i]);
        both[1].value = "classic";
        cr_assert_eq(polkai_kafka_properties_check(both, 2, NULL), POLKA_OK, "%s with classic", classic[i]);
    }
    polka_error why = { 0 };
    polkai_kafka_property assignor[] = { { "group.remote.assignor", "uniform" }, { "group.protocol", "consumer" } };
    cr_assert_eq(polkai_kafka_properties_check(assignor, 2, NULL), POLKA_OK);
    cr_assert_eq(polkai_kafka_properties_check(assignor, 1, &why), POLKA_MISUSE);
    cr_assert_not_null(strstr(why.message, "group.protocol"), "%s", why.message);
}

static void get(polkai_source *source, const char *key, char text[64])
{
    size_t size = 64;
    cr_assert_eq(rd_kafka_conf_get(rd_kafka_conf(((polkai_kafka_source *)source)->client.handle), key, text, &size), RD_KAFKA_CONF_OK, "%s", key);
}

Test(protocol, chosen_by_name_has_our_settings_or_none_of_the_other)
{
    static const struct { const char *protocol, *session, *strategy; } rows[] = { { "classic", "10000", "range" }, { "consumer", "45000", "range,roundrobin" } };
    if (rd_kafka_version() >> 8 < 0x020c00)
        cr_skip_test("librdkafka %s has the classic one only", rd_kafka_version_str());
    for (size_t i = 0; i < 4; i++) {
        polkai_kafka_property property = { "group.protocol", rows[i % 2].protocol };
        polkai_kafka_options options = { .brokers = "127.0.0.1:1", .group = "g", .properties = &property, .property_count = 1, .embedded = i > 1 };
        polkai_source *source;
        polka_error why = { 0 };
        char text[64];
        cr_assert_eq(polkai_kafka_source_open(&source, &options, &why), POLKA_OK, "%s: %s", property.value, why.message);
        get(source, "partition.assignment.strategy", text);
        cr_assert_str_eq(text, rows[i % 2].strategy, "%s", property.value);
        get(source, "session.timeout.ms", text);
        if (i < 2)
            cr_assert_str_eq(text, rows[i].session, "%s", property.value);
        source->operations->close(source, POLKAI_CLOSE_MS);
    }
}

Test(protocol, and_what_does_not_go_with_it_stop_the_opening)
{
    if (rd_kafka_version() >> 8 < 0x020c00)
        cr_skip_test("librdkafka %s has the classic one only", rd_kafka_version_str());
    polka_error why = { 0 };
    polkai_source *source;
    polkai_kafka_property both[] = { { "group.protocol", "consumer" }, { "session.timeout.ms", "7000" } };
    polkai_kafka_options options = { .brokers = "127.0.0.1:1", .group = "g", .properties = both, .property_count = 2 };
    cr_assert_eq(polkai_kafka_source_open(&source, &options, &why), POLKA_MISUSE);
    cr_assert_not_null(strstr(why.message, "group.consumer.session.timeout.ms"), "%s", why.message);
}

/* ---- a twin takes the place ----------------------------------------------------------------------- */

typedef struct { unsigned told, assigned, lost, fatal; char said[1100]; } member;

static void on_assigned(void *user, const polkai_position *partitions, size_t count)
{
    (void)partitions;
    ((member *)user)->told++;
    ((member *)user)->assigned += (unsigned)count;
}

static void on_revoked(void *user, const polkai_position *partitions, size_t count, bool lost)
{
    (void)partitions, (void)count;
    ((member *)user)->lost += lost;
}

static void on_notice(void *user, polka_status status, const char *message)
{
    member *self = user;
    if (status != POLKA_FATAL)
        return;
    self->fatal++;
    snprintf(self->said, sizeof self->said, "%s", message);
}

static bool poll_until(polkai_source *source, const unsigned *wanted)
{
    polkai_record record;
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)20 * 1000000000; *wanted == 0 && polkai_kafka_now_ns() < end;)
        if (source->operations->poll(source, &record, 1, 100) > 0)
            polkai_record_release(&record);
    return *wanted > 0;
}

Test(twin, with_the_same_instance_is_named_once_with_what_to_do, .timeout = 60)
{
    rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 3, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_property property = { "group.instance.id", "pod-0" };
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .group = "tills", .embedded = true, .properties = &property, .property_count = 1 };
    member self = { 0 };
    polkai_source *source;
    polka_text topic = POLKA_TEXT_INIT("t");
    polkai_start start = { .topics = &topic, .topic_count = 1, .listener = { .user = &self, .assigned = on_assigned, .notice = on_notice } };
    cr_assert_eq(polkai_kafka_source_open(&source, &options, NULL), POLKA_OK);
    cr_assert_eq(source->operations->start(source, &start, NULL), POLKA_OK);
    cr_assert(poll_until(source, &self.assigned));
    rd_kafka_mock_push_request_errors(mock, HEARTBEAT, 1, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
    cr_assert(poll_until(source, &self.fatal));
    cr_assert_not_null(strstr(self.said, "group.instance.id pod-0 of group tills"), "%s", self.said);
    cr_assert_not_null(strstr(self.said, "Each process of a group needs one of its own"), "what to do: %s", self.said);
    source->operations->close(source, POLKAI_CLOSE_MS);
    cr_assert_eq(self.fatal, 1, "told once");
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}

/* ---- more members than partitions ----------------------------------------------------------------- */

static polkai_source *join_by_consumer(rd_kafka_mock_cluster_t *mock, member *self, const char *poll_interval_ms)
{
    polkai_kafka_property properties[] = { { "group.protocol", "consumer" }, { "max.poll.interval.ms", poll_interval_ms } };
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .group = "g", .embedded = true, .properties = properties, .property_count = 2 };
    polka_text topic = POLKA_TEXT_INIT("t");
    polkai_start start = { .topics = &topic, .topic_count = 1,
                           .listener = { .user = self, .assigned = on_assigned, .revoked = on_revoked, .notice = on_notice } };
    polkai_source *source;
    polka_error why = { 0 };
    cr_assert_eq(polkai_kafka_source_open(&source, &options, &why), POLKA_OK, "%s", why.message);
    cr_assert_eq(source->operations->start(source, &start, &why), POLKA_OK, "%s", why.message);
    return source;
}

/* The first may not stay away from its poll for longer than two seconds. */
static bool poll_both_until(polkai_source *one, polkai_source *other, const unsigned *wanted)
{
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)20 * 1000000000; *wanted == 0 && polkai_kafka_now_ns() < end;) {
        one->operations->poll(one, &(polkai_record){ 0 }, 1, 50);
        other->operations->poll(other, &(polkai_record){ 0 }, 1, 50);
    }
    return *wanted > 0;
}

/* Found by reading: librdkafka calls nobody when the first share is empty, and the service never was ready. */
Test(spare, of_the_consumer_protocol_hears_that_it_has_joined_each_time_it_does_and_later_of_its_partitions, .timeout = 120)
{
    if (rd_kafka_version() >> 8 < 0x020c00)
        cr_skip_test("librdkafka %s has the classic protocol only", rd_kafka_version_str());
    rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    member first = { 0 }, second = { 0 };
    polkai_source *one = join_by_consumer(mock, &first, "2000");
    cr_assert(poll_until(one, &first.assigned));
    polkai_source *other = join_by_consumer(mock, &second, "300000");
    cr_assert(poll_both_until(one, other, &second.told));
    cr_assert(second.told == 1 && second.assigned == 0, "told %u times, of %u partitions", second.told, second.assigned);
    first = (member){ 0 };
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)3 * 1000000000; polkai_kafka_now_ns() < end;)
        other->operations->poll(other, &(polkai_record){ 0 }, 1, 50);
    cr_assert(poll_both_until(one, other, &first.lost), "it was away for too long");
    cr_assert(poll_both_until(one, other, &second.assigned));
    cr_assert_eq(second.told, 2);
    cr_assert(poll_both_until(one, other, &first.told), "back in the group, with nothing");
    cr_assert_eq(first.assigned, 0);
    other->operations->close(other, POLKAI_CLOSE_MS);
    cr_assert(poll_until(one, &first.assigned));
    one->operations->close(one, POLKAI_CLOSE_MS);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
}

/* ---- a pause ends --------------------------------------------------------------------------------- */

/* So long the first record took after partitions were paused for a moment and resumed. */
static int64_t resumed_after_ms(void)
{
    rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(owner, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(mock, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    polkai_kafka_options options = { .brokers = rd_kafka_mock_cluster_bootstraps(mock), .group = "g", .embedded = true };
    member self = { 0 };
    polkai_source *source;
    polkai_sink *sink;
    polka_text topic = POLKA_TEXT_INIT("t");
    polkai_start start = { .topics = &topic, .topic_count = 1, .listener = { .user = &self, .assigned = on_assigned, .notice = on_notice } };
    cr_assert_eq(polkai_kafka_source_open(&source, &options, NULL), POLKA_OK);
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, NULL), POLKA_OK);
    cr_assert_eq(source->operations->start(source, &start, NULL), POLKA_OK);
    cr_assert(poll_until(source, &self.assigned));
    polkai_record record, sent = { .topic = topic, .partition = 0, .value = { 1, (const uint8_t *)"x" } };
    for (int i = 0; i < 3; i++)
        source->operations->poll(source, &record, 1, 50);
    source->operations->pause(source, true);
    for (int i = 0; i < 4; i++)          /* long enough for the fetch under way to end */
        source->operations->poll(source, &record, 1, 50);
    cr_assert_eq(sink->operations->send(sink, &sent, NULL, NULL), POLKA_OK);
    for (int i = 0; i < 6; i++)
        sink->operations->poll(sink, 10);
    int64_t began_ns = polkai_kafka_now_ns();
    source->operations->pause(source, false);
    while (source->operations->poll(source, &record, 1, 100) == 0)
        ;
    int64_t took_ms = (polkai_kafka_now_ns() - began_ns) / 1000000;
    polkai_record_release(&record);
    source->operations->close(source, POLKAI_CLOSE_MS);
    sink->operations->close(sink, POLKAI_CLOSE_MS);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(owner);
    return took_ms;
}

/* Found: librdkafka resumes without a word to its broker threads, and they sleep for a second when there is nothing to fetch. */
Test(paused, partitions_are_fetched_again_at_once_when_they_are_resumed, .timeout = 60)
{
    int64_t took_ms = resumed_after_ms();
    cr_assert_lt(took_ms, 350, "%" PRId64 " ms", took_ms);
}
