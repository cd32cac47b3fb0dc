/* cluster.c: one for each test, which runs in a process of its own. */
#include "cluster.h"

test_cluster cluster;

int64_t now_ms(void) { return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000; }

static void count_report(void *user, const polkai_report *report)
{
    (void)user;
    cr_assert_eq(report->status, POLKA_OK, "%s", report->message);
    cluster.reported++;
}

void cluster_begin(void)
{
    polka_error error = { 0 };
    cr_assert_eq(polkai_broker_mock_start(&cluster.broker, &error), POLKA_OK, "%s", error.message);
    cluster.connection = (cli_connection){ .brokers = polkai_strdup(polkai_broker_address(cluster.broker)), .embedded = true };
    polkai_log_init(&cluster.connection.log, STDERR_FILENO, POLKAI_LOG_ERROR, POLKAI_LOG_TEXT, NULL);
    cr_assert_eq(cli_admin_open(&cluster.admin, &cluster.connection, &error), POLKA_OK, "%s", error.message);
    polkai_kafka_options options = cli_connection_options(&cluster.connection);
    options.report = count_report;
    cr_assert_eq(polkai_kafka_sink_open(&cluster.sink, &options, &error), POLKA_OK, "%s", error.message);
}

void cluster_end(void)
{
    cluster.sink->operations->close(cluster.sink, 1000);
    cli_admin_close(&cluster.admin);
    cli_connection_free(&cluster.connection);
    polkai_broker_stop(cluster.broker);
}

void cluster_times(cluster_since *since)
{
    cluster.timed = *cluster.admin->operations;
    cluster.timed.since = since;
    cluster.admin->operations = &cluster.timed;
    cluster.connection.embedded = false;
}

void make_topic(const char *topic, int32_t partitions)
{
    polka_error error = { 0 };
    cr_assert_eq(polkai_broker_topic(cluster.broker, topic, partitions, &error), POLKA_OK, "%s", error.message);
}

void send_record(const polkai_record *record)
{
    polka_error error = { 0 };
    cluster.sent++;
    cr_assert_eq(cluster.sink->operations->send(cluster.sink, record, NULL, &error), POLKA_OK, "%s", error.message);
}

void await_reports(void)
{
    for (int64_t until = now_ms() + WAIT_MS; cluster.reported < cluster.sent && now_ms() < until;)
        cluster.sink->operations->poll(cluster.sink, 50);
    cr_assert_eq(cluster.reported, cluster.sent);
}

void put(const char *topic, const char *key, const char *value)
{
    polkai_record record = { .topic = polka_text_of(topic), .partition = 0, .key = { strlen(key), (const uint8_t *)key } };
    if (value != NULL)
        record.value = (polka_bytes){ strlen(value), (const uint8_t *)value };
    send_record(&record);
    await_reports();
}

/* ---- readers ---- */

cli_reader *open_reader(const cli_list *topics, const cli_span *span)
{
    polka_error error = { 0 };
    cli_reader *reader = NULL;
    cr_assert_eq(cli_reader_open(&reader, &cluster.connection, cluster.admin, topics, span, &error), POLKA_OK, "%s", error.message);
    return reader;
}

cli_reader *open_one(const char *topic, const cli_span *span)
{
    cli_list topics = { 0 };
    cli_list_add(&topics, topic);
    cli_reader *reader = open_reader(&topics, span);
    cli_list_free(&topics);
    return reader;
}

const char *keys(cli_reader *reader, size_t count)
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

static void add_key(void *user, polkai_record *record) { strncat(user, (const char *)record->key.data, record->key.size); }

const char *pass_of(cli_reader *reader)
{
    static char text[64];
    polka_error error = { 0 };
    text[0] = '\0';
    cr_assert_eq(cli_pass(reader, add_key, text, &error), POLKA_OK, "%s", error.message);
    return text;
}
