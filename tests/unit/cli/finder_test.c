/* One flow is found where it is, and not more is read than has to be. On librdkafka's mock. */
#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/identity.h>
#include <cli/finder.h>
#include <transport/broker.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

enum { WAIT_MS = 20000, PARTITIONS = 3 };

static polkai_broker *broker;
static cli_connection connection;
static polkai_admin *admin;
static polkai_admin_operations timed;
static polkai_sink *sink;
static size_t reported, sent;
static cli_gathering gathering;
static cli_expected expected;
static cli_flow flow;

static int64_t now_ms(void) { return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000; }

static void count_report(void *user, const polkai_report *report)
{
    (void)user;
    cr_assert_eq(report->status, POLKA_OK, "%s", report->message);
    reported++;
}

/* All was written in the last hour: what is looked for before that begins at the start, all else finds nothing. */
static polka_status within_the_hour(polkai_admin *of, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error)
{
    (void)of, (void)error;
    for (size_t i = 0; i < count; i++)
        positions[i].offset = time_ms < polkai_clock_real.wall_ms(&polkai_clock_real) - 3600000 ? 0 : -1;
    return POLKA_OK;
}

static void begin(void)
{
    polka_error error = { 0 };
    cr_assert_eq(polkai_broker_mock_start(&broker, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(polkai_broker_topic(broker, "t", PARTITIONS, &error), POLKA_OK, "%s", error.message);
    connection = (cli_connection){ .brokers = polkai_strdup(polkai_broker_address(broker)), .embedded = true };
    polkai_log_init(&connection.log, STDERR_FILENO, POLKAI_LOG_ERROR, POLKAI_LOG_TEXT, NULL);
    cr_assert_eq(cli_admin_open(&admin, &connection, &error), POLKA_OK, "%s", error.message);
    polkai_kafka_options options = cli_connection_options(&connection);
    options.report = count_report;
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, &error), POLKA_OK, "%s", error.message);
    gathering = (cli_gathering){ .connection = &connection, .admin = admin };
    gathering.topics.arena = gathering.letters.arena = &gathering.arena;
    polkai_names_add(&gathering.topics, "t");
}

static void end(void)
{
    cli_flow_free(&flow);
    cli_gather_close(&gathering);
    sink->operations->close(sink, 1000);
    cli_admin_close(&admin);
    cli_connection_free(&connection);
    polkai_broker_stop(broker);
}

static polkai_header header(const char *name, const char *value) { return (polkai_header){ polka_text_of(name), { strlen(value), (const uint8_t *)value } }; }

static void put(const char *id, const char *correlation, const char *cause, const char *key, int32_t partition)
{
    polka_error error = { 0 };
    const polkai_header headers[] = { header("ce_specversion", "1.0"), header("ce_id", id), header("ce_source", "/x"), header("ce_type", "d.X"),
                                      header("ce_correlationid", correlation), header("ce_causationid", cause != NULL ? cause : "") };
    polkai_record record = { .topic = POLKA_TEXT("t"), .partition = partition, .key = { strlen(key), (const uint8_t *)key }, .value = { 1, (const uint8_t *)"x" },
                             .headers = headers, .header_count = cause != NULL ? 6 : 5 };
    sent++;
    cr_assert_eq(sink->operations->send(sink, &record, NULL, &error), POLKA_OK, "%s", error.message);
}

static void await_all(void)
{
    for (int64_t until = now_ms() + WAIT_MS; reported < sent && now_ms() < until;)
        sink->operations->poll(sink, 50);
    cr_assert_eq(reported, sent);
}

/* Flows "0", "1", …: an event, and one that it caused, with the number as key. */
static void put_flows(int count)
{
    for (int i = 0; i < count; i++) {
        char id[16], effect[24];
        snprintf(id, sizeof id, "%d", i);
        snprintf(effect, sizeof effect, "%d-effect", i);
        put(id, id, NULL, id, -1);
        put(effect, id, id, id, -1);
    }
    await_all();
}

static cli_finder finder_of(cli_find_by by, const char *id)
{
    return (cli_finder){ .by = by, .id = id, .newest = 4, .gathering = &gathering, .expected = &expected, .flow = &flow };
}

static void find(cli_finder *finder, const char *correlation, size_t events)
{
    polka_error error = { 0 };
    cr_assert_eq(cli_finder_find(finder, &error), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(finder->found, correlation);
    cr_assert_eq(flow.count, events, "%zu", flow.count);
    cli_finder_close(finder);
}

static int64_t read_by(const cli_finder *finder) { return finder->records; }

Test(finder, a_key_is_looked_for_from_the_newest_backwards_on_its_own_partition, .init = begin, .fini = end, .timeout = 60)
{
    put_flows(100);
    cli_finder finder = finder_of(CLI_BY_KEY, "98");
    find(&finder, "98", 2);
    cr_assert_lt(read_by(&finder), 30, "%" PRId64 " were read before the flow was known", read_by(&finder));
}

Test(finder, a_key_on_another_partition_than_that_of_the_partitioner_is_found_all_the_same, .init = begin, .fini = end, .timeout = 60)
{
    put_flows(20);
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        char key[8], id[8];
        snprintf(key, sizeof key, "P%d", partition);
        snprintf(id, sizeof id, "p%d", partition);
        put(id, id, NULL, key, partition);
    }
    await_all();
    for (int i = 0; i < PARTITIONS; i++) {
        char key[8], id[8];
        snprintf(key, sizeof key, "P%d", i);
        snprintf(id, sizeof id, "p%d", i);
        cli_finder finder = finder_of(CLI_BY_KEY, key);
        find(&finder, id, 1);
        cli_flow_free(&flow);
    }
}

Test(finder, of_several_flows_with_a_key_the_newest_counts, .init = begin, .fini = end, .timeout = 60)
{
    put("old", "old", NULL, "K", 0);
    await_all();
    for (int64_t until = polkai_clock_real.wall_ms(&polkai_clock_real) + 2; polkai_clock_real.wall_ms(&polkai_clock_real) < until;)
        sink->operations->poll(sink, 1);
    put("new", "new", NULL, "K", 0);
    put_flows(20);
    cli_finder finder = finder_of(CLI_BY_KEY, "K");
    find(&finder, "new", 1);
}

Test(finder, the_flow_that_began_last_is_found_behind_many_events_that_began_none, .init = begin, .fini = end, .timeout = 60)
{
    put_flows(5);
    for (int64_t until = polkai_clock_real.wall_ms(&polkai_clock_real) + 2; polkai_clock_real.wall_ms(&polkai_clock_real) < until;)
        sink->operations->poll(sink, 1);
    put("last", "last", NULL, "L", 1);
    for (int i = 0; i < 60; i++)
        put("effect", "0", "0", "E", i % PARTITIONS);
    await_all();
    cli_finder finder = finder_of(CLI_THE_LAST, "");
    find(&finder, "last", 1);
}

Test(finder, an_id_whose_time_is_wrong_is_found_by_reading_all, .init = begin, .fini = end, .timeout = 60)
{
    uint8_t uuid[16];
    polkai_random chance;
    char id[POLKA_UUID_TEXT + 1];
    polkai_random_seed(&chance, 6);
    timed = *admin->operations;
    timed.since = within_the_hour;
    admin->operations = &timed;
    connection.embedded = false;         /* it is one, but with times */
    polkai_uuid_v7(uuid, polkai_clock_real.wall_ms(&polkai_clock_real), &chance);
    polkai_uuid_write(id, uuid);
    put_flows(5);
    put(id, id, NULL, "K", 1);
    put("effect", id, id, "K", 2);
    await_all();
    cli_finder by_id = finder_of(CLI_BY_ID, id), by_effect = finder_of(CLI_BY_ID, "effect");
    find(&by_id, id, 2);
    cli_flow_free(&flow);
    find(&by_effect, id, 2);
}

Test(finder, an_id_from_before_all_windows_reads_them_to_the_end, .init = begin, .fini = end, .timeout = 60)
{
    uint8_t uuid[16];
    polkai_random chance;
    char id[POLKA_UUID_TEXT + 1];
    polkai_random_seed(&chance, 6);
    timed = *admin->operations;
    timed.since = within_the_hour;
    admin->operations = &timed;
    connection.embedded = false;
    polkai_uuid_v7(uuid, polkai_clock_real.wall_ms(&polkai_clock_real) - 86400000, &chance);
    polkai_uuid_write(id, uuid);
    put(id, id, NULL, "K", 1);
    put("effect", id, id, "K", 2);
    put_flows(5);
    cli_finder finder = finder_of(CLI_BY_ID, id);
    find(&finder, id, 2);
    cr_assert_eq(flow.nodes[1].parent, 0);
}

Test(finder, what_is_not_there_is_told, .init = begin, .fini = end, .timeout = 60)
{
    polka_error error = { 0 };
    put_flows(3);
    const struct { cli_find_by by; const char *words; } cases[] = { { CLI_BY_ID, "no event with id or correlation id 'x'" }, { CLI_BY_KEY, "no event with key 'x'" } };
    for (size_t i = 0; i < 2; i++) {
        cli_finder finder = finder_of(cases[i].by, "x");
        cr_assert_eq(cli_finder_find(&finder, &error), POLKA_FATAL);
        cr_assert_not_null(strstr(error.message, cases[i].words), "%s", error.message);
        cli_finder_close(&finder);
    }
}
