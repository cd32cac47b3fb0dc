/* Topics that are read on: what comes meanwhile, and what was not there at first. On librdkafka's mock. */
#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <cli/announced.h>
#include <cli/gather.h>
#include <cli/pass.h>
#include <transport/broker.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANIFEST(TOPIC) "{\"polka\":1,\"service\":\"late\",\"version\":\"1\",\"group\":\"late\",\"reactions\":[{\"event\":\"s.A\",\"topic\":\"" TOPIC "\"," \
    "\"schema\":\"string\",\"emits\":[]}],\"emits\":[]}"
enum { WAIT_MS = 20000 };

static polkai_broker *broker;
static cli_connection connection;
static polkai_admin *admin;
static polkai_sink *sink;
static size_t reported;

static int64_t now_ms(void) { return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000; }

static void count_report(void *user, const polkai_report *report)
{
    (void)user;
    cr_assert_eq(report->status, POLKA_OK, "%s", report->message);
    reported++;
}

static void begin(void)
{
    polka_error error = { 0 };
    cr_assert_eq(polkai_broker_mock_start(&broker, &error), POLKA_OK, "%s", error.message);
    connection = (cli_connection){ .brokers = polkai_strdup(polkai_broker_address(broker)), .embedded = true };
    polkai_log_init(&connection.log, STDERR_FILENO, POLKAI_LOG_ERROR, POLKAI_LOG_TEXT, NULL);
    cr_assert_eq(cli_admin_open(&admin, &connection, &error), POLKA_OK, "%s", error.message);
    polkai_kafka_options options = cli_connection_options(&connection);
    options.report = count_report;
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, &error), POLKA_OK, "%s", error.message);
}

static void end(void)
{
    sink->operations->close(sink, 1000);
    cli_admin_close(&admin);
    cli_connection_free(&connection);
    polkai_broker_stop(broker);
}

/* value NULL: without one. */
static void put(const char *topic, const char *key, const char *value)
{
    polka_error error = { 0 };
    polkai_record record = { .topic = polka_text_of(topic), .partition = 0, .key = { strlen(key), (const uint8_t *)key } };
    if (value != NULL)
        record.value = (polka_bytes){ strlen(value), (const uint8_t *)value };
    size_t wanted = reported + 1;
    cr_assert_eq(sink->operations->send(sink, &record, NULL, &error), POLKA_OK, "%s", error.message);
    for (int64_t until = now_ms() + WAIT_MS; reported < wanted && now_ms() < until;)
        sink->operations->poll(sink, 50);
    cr_assert_eq(reported, wanted);
}

static void make(const char *topic)
{
    polka_error error = { 0 };
    cr_assert_eq(polkai_broker_topic(broker, topic, 1, &error), POLKA_OK, "%s", error.message);
}

/* Reads until `count` have come; their keys, one after the other. */
static const char *keys(cli_reader *reader, size_t count)
{
    static char text[64];
    polkai_record records[8];
    text[0] = '\0';
    for (int64_t until = now_ms() + WAIT_MS; count > 0 && now_ms() < until;) {
        size_t got = cli_reader_poll(reader, records, count < 8 ? count : 8, 50);
        for (size_t i = 0; i < got; i++, count--) {
            strncat(text, (const char *)records[i].key.data, records[i].key.size);
            polkai_record_release(&records[i]);
        }
    }
    return text;
}

Test(reader, what_was_not_there_is_read_too_and_the_rest_goes_on_where_it_was, .timeout = 60)
{
    polka_error error = { 0 };
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    bool extended;
    begin();
    cli_list_add(&topics, "a");
    cli_list_add(&topics, "b");
    make("a");
    put("a", "1", "x");
    put("a", "2", "x");
    cr_assert_eq(cli_reader_open(&reader, &connection, admin, &topics, NULL, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(cli_reader_partitions(reader), 1);
    cr_assert_str_eq(keys(reader, 1), "1");
    cr_assert_eq(cli_reader_extend(reader, &connection, admin, &topics, 0, &extended, &error), POLKA_OK);
    cr_assert_not(extended);
    make("b");
    put("b", "3", "x");
    cr_assert_eq(cli_reader_extend(reader, &connection, admin, &topics, 0, &extended, &error), POLKA_OK, "%s", error.message);
    cr_assert(extended);
    cr_assert_eq(cli_reader_partitions(reader), 2);
    const char *rest = keys(reader, 2);
    cr_assert(strcmp(rest, "23") == 0 || strcmp(rest, "32") == 0, "%s", rest);
    put("a", "4", "x");
    cr_assert_str_eq(keys(reader, 1), "4", "nothing comes twice");
    cli_reader_close(reader);
    cli_list_free(&topics);
    end();
}

/* Found: nothing came any more, and nobody was told. */
Test(reader, that_could_not_begin_again_begins_with_the_next_look, .timeout = 60)
{
    polka_error error = { 0 };
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    bool extended;
    begin();
    cli_list_add(&topics, "a");
    cli_list_add(&topics, "b");
    make("a");
    put("a", "1", "x");
    cr_assert_eq(cli_reader_open(&reader, &connection, admin, &topics, NULL, &error), POLKA_OK, "%s", error.message);
    make("b");
    put("b", "2", "x");
    polkai_kafka_property unknown = { "no.such.property", "1" };
    cli_connection bad = connection;
    bad.properties = &unknown;
    bad.property_count = 1;
    cr_assert_neq(cli_reader_extend(reader, &bad, admin, &topics, 0, &extended, &error), POLKA_OK);
    cr_assert_eq(cli_reader_extend(reader, &connection, admin, &topics, 0, &extended, &error), POLKA_OK, "%s", error.message);
    const char *all = keys(reader, 2);
    cr_assert(strcmp(all, "12") == 0 || strcmp(all, "21") == 0, "%s", all);
    cli_reader_close(reader);
    cli_list_free(&topics);
    end();
}

/* A port that takes connections and never answers. */
static int deaf_socket(char address[32])
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int socket_of = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(socket_of, (struct sockaddr *)&any, sizeof any), 0);
    cr_assert_eq(listen(socket_of, 8), 0);
    cr_assert_eq(getsockname(socket_of, (struct sockaddr *)&any, &(socklen_t){ sizeof any }), 0);
    snprintf(address, 32, "127.0.0.1:%d", ntohs(any.sin_port));
    return socket_of;
}

static void fail_visit(void *user, polkai_record *record)
{
    (void)user, (void)record;
    cr_assert_fail("nobody answered");
}

/* Found: three seconds without a record were taken for the end, so that can-deploy said yes where a broker stood still. */
Test(reader, a_broker_that_gives_nothing_is_no_end_but_an_error_that_says_where, .timeout = 60)
{
    polka_error error = { 0 };
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    char address[32];
    begin();
    int deaf = deaf_socket(address);
    cli_list_add(&topics, "a");
    make("a");
    put("a", "1", "x");
    put("a", "2", "x");
    cli_connection still = { .brokers = address, .embedded = true };
    cr_assert_eq(cli_reader_open(&reader, &still, admin, &topics, &(cli_span){ .from = POLKAI_OFFSET_TAIL - 1 }, &error), POLKA_OK, "%s", error.message);
    cli_reader_patience(reader, 3500);                   /* longer than the guess was */
    int64_t began = now_ms();
    cr_assert_eq(cli_pass(reader, fail_visit, NULL, &error), POLKA_TRANSIENT);
    cr_assert_geq(now_ms() - began, 3400);
    cr_assert_not(cli_reader_reached(reader));
    cr_assert_not_null(strstr(error.message, "a/0 goes to offset 2, and for 3 s nothing came from offset 1 on"), "%s", error.message);
    cli_reader_close(reader);
    cli_list_free(&topics);
    close(deaf);
    end();
}

static void count_visit(void *user, polkai_record *record)
{
    (void)record;
    ++*(size_t *)user;
}

Test(reader, reads_to_the_end_as_it_was_and_says_nothing_of_what_comes_later, .timeout = 60)
{
    polka_error error = { 0 };
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    polkai_record record;
    size_t count = 0;
    begin();
    cli_list_add(&topics, "a");
    make("a");
    put("a", "1", "x");
    cr_assert_eq(cli_reader_open(&reader, &connection, admin, &topics, NULL, &error), POLKA_OK, "%s", error.message);
    cli_reader_patience(reader, 200);
    cr_assert_eq(cli_pass(reader, count_visit, &count, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(count, 1);
    for (int64_t until = now_ms() + 600; now_ms() < until;)
        cli_reader_poll(reader, &record, 1, 50);
    cr_assert_eq(cli_reader_check(reader, &error), POLKA_OK, "nothing is waited for any more");
    cli_reader_close(reader);
    cli_list_free(&topics);
    end();
}

/* An admin to whom the minute of the day is the offset, as the mock knows no times. */
static polkai_admin_operations timed;

static polka_status offset_by_minute(polkai_admin *of, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error)
{
    polkai_extent extents[8] = { 0 };
    for (size_t i = 0; i < count; i++)
        extents[i] = (polkai_extent){ .topic = positions[i].topic, .partition = positions[i].partition };
    TRY(of->operations->watermarks(of, extents, count, error));
    for (size_t i = 0; i < count; i++)
        positions[i].offset = time_ms / 60000 < extents[i].high ? time_ms / 60000 : -1;
    return POLKA_OK;
}

static void begin_timed(void)
{
    begin();
    timed = *admin->operations;
    timed.since = offset_by_minute;
    admin->operations = &timed;
    connection.embedded = false;
}

static void add_key(void *user, polkai_record *record) { strncat(user, (const char *)record->key.data, record->key.size); }

static const char *pass_of(cli_reader *reader)
{
    static char text[64];
    polka_error error = { 0 };
    text[0] = '\0';
    cr_assert_eq(cli_pass(reader, add_key, text, &error), POLKA_OK, "%s", error.message);
    return text;
}

Test(reader, windows_of_time_follow_each_other_without_a_gap_and_nothing_from_behind_one_is_given, .timeout = 60)
{
    polka_error error = { 0 };
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    begin_timed();
    cli_list_add(&topics, "a");
    make("a");
    for (char key[2] = "0"; key[0] <= '9'; key[0]++)
        put("a", key, "x");
    const cli_span span = { .since_ms = 2 * 60000, .until_ms = 5 * 60000 };
    cr_assert_eq(cli_reader_open(&reader, &connection, admin, &topics, &span, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(cli_reader_older(reader), 2);
    cr_assert_str_eq(pass_of(reader), "234");
    cr_assert_eq(cli_reader_records(reader), 3);
    cr_assert_eq(cli_reader_window(reader, &connection, admin, 6 * 60000, &error), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(pass_of(reader), "5");
    cr_assert_eq(cli_reader_window(reader, &connection, admin, 6 * 60000, &error), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(pass_of(reader), "");
    put("a", "+", "x");                  /* written meanwhile */
    cr_assert_eq(cli_reader_window(reader, &connection, admin, 0, &error), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(pass_of(reader), "6789+");
    cli_reader_close(reader);
    cli_list_free(&topics);
    end();
}

Test(reader, of_the_newest_all_but_those_that_were_read_before, .timeout = 60)
{
    polka_error error = { 0 };
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    begin();
    cli_list_add(&topics, "a");
    make("a");
    for (char key[2] = "0"; key[0] <= '5'; key[0]++)
        put("a", key, "x");
    const cli_span span = { .from = POLKAI_OFFSET_TAIL - 4, .beyond = 2 };
    cr_assert_eq(cli_reader_open(&reader, &connection, admin, &topics, &span, &error), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(pass_of(reader), "23");
    cr_assert_eq(cli_reader_older(reader), 2);
    cr_assert(cli_reader_older_ms(reader) > 0 && cli_reader_older_ms(reader) < INT64_MAX);
    cli_reader_close(reader);
    cli_list_free(&topics);
    end();
}

/* The partition of a key by Java's clients: murmur2("A-1") and so on, as tests/extra/partitioner holds against Java. */
Test(span, a_key_is_on_the_partition_that_the_producer_puts_it_on, .timeout = 60)
{
    polka_error error = { 0 };
    cli_list topics = { 0 };
    begin();
    cli_list_add(&topics, "wide");
    cr_assert_eq(polkai_broker_topic(broker, "wide", 7, &error), POLKA_OK, "%s", error.message);
    for (int i = 0; i < 20; i++) {
        char key[8];
        cli_reader *reader = NULL;
        snprintf(key, sizeof key, "K%d", i);
        polkai_record record = { .topic = POLKA_TEXT("wide"), .partition = -1, .key = { strlen(key), (const uint8_t *)key } };
        size_t wanted = reported + 1;
        cr_assert_eq(sink->operations->send(sink, &record, NULL, &error), POLKA_OK, "%s", error.message);
        for (int64_t until = now_ms() + WAIT_MS; reported < wanted && now_ms() < until;)
            sink->operations->poll(sink, 50);
        const cli_span span = { .from = POLKAI_OFFSET_TAIL - 1, .key = polka_text_of(key) };
        cr_assert_eq(cli_reader_open(&reader, &connection, admin, &topics, &span, &error), POLKA_OK, "%s", error.message);
        cr_assert_eq(cli_reader_partitions(reader), 1);
        cr_assert_str_eq(pass_of(reader), key);
        cli_reader_close(reader);
    }
    cli_list_free(&topics);
    end();
}

Test(reader, a_mark_is_passed_when_all_that_was_written_before_has_been_read, .timeout = 60)
{
    polka_error error = { 0 };
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    bool waits = false;
    begin();
    cli_list_add(&topics, "a");
    make("a");
    put("a", "1", "x");
    cr_assert_eq(cli_reader_open(&reader, &connection, admin, &topics, NULL, &error), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(keys(reader, 1), "1");
    cr_assert(cli_reader_reached(reader));
    put("a", "2", "x");
    put("a", "3", "x");
    for (int64_t until = now_ms() + WAIT_MS; !waits && now_ms() < until;) {              /* until the broker has told that more is there */
        cli_reader_mark(reader);
        waits = !cli_reader_passed(reader);
    }
    cr_assert(waits, "what was there when it was opened has been read, but that is not all");
    cr_assert_str_eq(keys(reader, 2), "23");
    for (int64_t until = now_ms() + 1000; !cli_reader_passed(reader) && now_ms() < until;)
        keys(reader, 0);
    cr_assert(cli_reader_passed(reader));
    cli_reader_close(reader);
    cli_list_free(&topics);
    end();
}

static bool read_on(cli_announced *announced, int64_t at_ms)
{
    for (int64_t until = now_ms() + WAIT_MS; now_ms() < until;)
        if (cli_announced_read_on(announced, at_ms))
            return true;
    return false;
}

Test(announced, what_services_say_later_is_heard_also_where_the_topic_was_not_there, .timeout = 60)
{
    polka_error error = { 0 };
    cli_announced announced = { 0 };
    begin();
    cr_assert_eq(cli_announced_open(&announced, &connection, admin, &error), POLKA_OK, "%s", error.message);
    cr_assert_not(cli_announced_has_topic(&announced));
    make(CLI_SERVICES_TOPIC);
    put(CLI_SERVICES_TOPIC, "late@1", MANIFEST("a"));
    cr_assert_eq(cli_announced_refresh(&announced, &connection, admin, &error), POLKA_OK, "%s", error.message);
    cr_assert(read_on(&announced, 7));
    cr_assert_str_eq(announced.items[0].manifest->service, "late");
    cr_assert_eq(announced.items[0].since_ms, 7);
    put(CLI_SERVICES_TOPIC, "late@1", MANIFEST("a"));   /* it started again */
    put(CLI_SERVICES_TOPIC, "other@1", MANIFEST("b"));
    cr_assert(read_on(&announced, 9));
    cr_assert_eq(announced.items[0].since_ms, 7, "it said the same");
    cr_assert_eq(announced.keys.count, 2);
    put(CLI_SERVICES_TOPIC, "late@1", NULL);
    cr_assert(read_on(&announced, 11));
    cr_assert_null(announced.items[0].manifest);
    cli_announced_close(&announced);
    end();
}

static void count_event(void *user, polkai_record *record, const polkai_envelope *envelope)
{
    (void)record, (void)envelope;
    ++*(size_t *)user;
}

Test(gather, topics_of_a_service_that_comes_later_are_read_and_their_dead_letters, .timeout = 60)
{
    polka_error error = { 0 };
    cli_gather_reading *reading = NULL;
    cli_gathering gathering = { .connection = &connection };
    polkai_manifest *manifest = NULL;
    size_t count = 0;
    bool extended;
    begin();
    gathering.admin = admin;
    gathering.topics.arena = gathering.letters.arena = &gathering.arena;
    polkai_names_add(&gathering.topics, "first");
    make("first");
    cr_assert_eq(cli_gather_begin(&reading, &gathering, true, NULL, &error), POLKA_OK, "%s", error.message);
    polkai_manifest_examine(&manifest, polka_text_of(MANIFEST("new.topic")), "a");
    cli_gather_add(&gathering, &(cli_manifests){ .count = 1, .items = &manifest });
    cr_assert_eq(cli_gather_refresh(reading, &gathering, 0, &extended, &error), POLKA_OK, "%s", error.message);
    cr_assert_not(extended, "it is not there yet");
    make("new.topic");
    make("new.topic.late.dlt");
    make("another.late.dlt");
    put("new.topic", "1", "x");
    cr_assert_eq(cli_gather_refresh(reading, &gathering, 0, &extended, &error), POLKA_OK, "%s", error.message);
    cr_assert(extended);
    cr_assert_eq(gathering.letters.count, 1);
    cr_assert_str_eq(gathering.letters.items[0], "new.topic.late.dlt");
    for (int64_t until = now_ms() + WAIT_MS; count == 0 && now_ms() < until;)
        cli_gather_read(reading, 50, count_event, &count);
    cr_assert_eq(count, 1);
    cli_gather_end(&reading);
    cli_gather_close(&gathering);
    polkai_manifest_destroy(manifest);
    end();
}
