/* Topics that are read on: what comes meanwhile, and what was not there at first. On librdkafka's mock. */
#include "cluster.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* Of two topics only one is there yet, with one record. */
static cli_reader *open_first_of_two(cli_list *topics)
{
    cli_list_add(topics, "a");
    cli_list_add(topics, "b");
    make_topic("a", 1);
    put("a", "1", "x");
    return open_reader(topics, NULL);
}

Test(reader, what_was_not_there_is_read_too_and_the_rest_goes_on_where_it_was, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    polka_error error = { 0 };
    cli_list topics = { 0 };
    bool extended;
    cli_reader *reader = open_first_of_two(&topics);
    put("a", "2", "x");
    cr_assert_eq(cli_reader_partitions(reader), 1);
    cr_assert_str_eq(keys(reader, 1), "1");
    cr_assert_eq(cli_reader_extend(reader, &cluster.connection, cluster.admin, &topics, 0, &extended, &error), POLKA_OK);
    cr_assert_not(extended);
    make_topic("b", 1);
    put("b", "3", "x");
    cr_assert_eq(cli_reader_extend(reader, &cluster.connection, cluster.admin, &topics, 0, &extended, &error), POLKA_OK, "%s", error.message);
    cr_assert(extended);
    cr_assert_eq(cli_reader_partitions(reader), 2);
    const char *rest = keys(reader, 2);
    cr_assert(strcmp(rest, "23") == 0 || strcmp(rest, "32") == 0, "%s", rest);
    put("a", "4", "x");
    cr_assert_str_eq(keys(reader, 1), "4", "nothing comes twice");
    cli_reader_close(reader);
    cli_list_free(&topics);
}

/* Found: nothing came any more, and nobody was told. */
Test(reader, that_could_not_begin_again_begins_with_the_next_look, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    polka_error error = { 0 };
    cli_list topics = { 0 };
    bool extended;
    cli_reader *reader = open_first_of_two(&topics);
    make_topic("b", 1);
    put("b", "2", "x");
    polkai_kafka_property unknown = { "no.such.property", "1" };
    cli_connection bad = cluster.connection;
    bad.properties = &unknown;
    bad.property_count = 1;
    cr_assert_neq(cli_reader_extend(reader, &bad, cluster.admin, &topics, 0, &extended, &error), POLKA_OK);
    cr_assert_eq(cli_reader_extend(reader, &cluster.connection, cluster.admin, &topics, 0, &extended, &error), POLKA_OK, "%s", error.message);
    const char *all = keys(reader, 2);
    cr_assert(strcmp(all, "12") == 0 || strcmp(all, "21") == 0, "%s", all);
    cli_reader_close(reader);
    cli_list_free(&topics);
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
Test(reader, a_broker_that_gives_nothing_is_no_end_but_an_error_that_says_where, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    polka_error error = { 0 };
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    char address[32];
    int deaf = deaf_socket(address);
    cli_list_add(&topics, "a");
    make_topic("a", 1);
    put("a", "1", "x");
    put("a", "2", "x");
    cli_connection still = { .brokers = address, .embedded = true };
    cr_assert_eq(cli_reader_open(&reader, &still, cluster.admin, &topics, &(cli_span){ .from = POLKAI_OFFSET_TAIL - 1 }, &error), POLKA_OK, "%s", error.message);
    cli_reader_patience(reader, 3500);                   /* longer than the guess was */
    int64_t began = now_ms();
    cr_assert_eq(cli_pass(reader, fail_visit, NULL, &error), POLKA_TRANSIENT);
    cr_assert_geq(now_ms() - began, 3400);
    cr_assert_not(cli_reader_reached(reader));
    cr_assert_not_null(strstr(error.message, "a/0 goes to offset 2, and for 3 s nothing came from offset 1 on"), "%s", error.message);
    cli_reader_close(reader);
    cli_list_free(&topics);
    close(deaf);
}

static void count_visit(void *user, polkai_record *record)
{
    (void)record;
    ++*(size_t *)user;
}

Test(reader, reads_to_the_end_as_it_was_and_says_nothing_of_what_comes_later, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    polka_error error = { 0 };
    polkai_record record;
    size_t count = 0;
    make_topic("a", 1);
    put("a", "1", "x");
    cli_reader *reader = open_one("a", NULL);
    cr_assert_eq(cli_pass(reader, count_visit, &count, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(count, 1);
    cli_reader_patience(reader, 200);    /* not before: a busy machine takes longer to get there */
    for (int64_t until = now_ms() + 600; now_ms() < until;)
        cli_reader_poll(reader, &record, 1, 50);
    cr_assert_eq(cli_reader_check(reader, &error), POLKA_OK, "nothing is waited for any more");
    cli_reader_close(reader);
}

/* The minute of the day is the offset, as the mock knows no times. */
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

Test(reader, windows_of_time_follow_each_other_without_a_gap_and_nothing_from_behind_one_is_given, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    polka_error error = { 0 };
    cluster_times(offset_by_minute);
    make_topic("a", 1);
    for (const char *key = "0123456789"; *key != '\0'; key++)           /* in one batch, which the mock gives as a whole */
        send_record(&(polkai_record){ .topic = POLKA_TEXT("a"), .key = { 1, (const uint8_t *)key } });
    await_reports();
    const cli_span span = { .since_ms = 2 * 60000, .until_ms = 5 * 60000 };
    cli_reader *reader = open_one("a", &span);
    cr_assert_eq(cli_reader_older(reader), 2);
    cr_assert_str_eq(pass_of(reader), "234");
    cr_assert_eq(cli_reader_records(reader), 3);
    cr_assert_eq(cli_reader_window(reader, &cluster.connection, cluster.admin, 6 * 60000, &error), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(pass_of(reader), "5");
    cr_assert_eq(cli_reader_window(reader, &cluster.connection, cluster.admin, 6 * 60000, &error), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(pass_of(reader), "");
    put("a", "+", "x");                  /* written meanwhile */
    cr_assert_eq(cli_reader_window(reader, &cluster.connection, cluster.admin, 0, &error), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(pass_of(reader), "6789+");
    cli_reader_close(reader);
}

/* ---- what a reader asks of its source ---- */

static const polkai_source_operations *real;
static polkai_source_operations watched;
static char unassigned[64];              /* the numbers of the partitions, in order */

static void note_unassigned(polkai_source *source, const polkai_position *partitions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        snprintf(unassigned + strlen(unassigned), sizeof unassigned - strlen(unassigned), "%" PRId32, partitions[i].partition);
    real->unassign(source, partitions, count);
}

polka_status __real_polkai_kafka_source_open(polkai_source **source, const polkai_kafka_options *options, polka_error *error);
polka_status __wrap_polkai_kafka_source_open(polkai_source **source, const polkai_kafka_options *options, polka_error *error);

polka_status __wrap_polkai_kafka_source_open(polkai_source **source, const polkai_kafka_options *options, polka_error *error)
{
    TRY(__real_polkai_kafka_source_open(source, options, error));
    real = (*source)->operations;
    watched = *real;
    watched.unassign = note_unassigned;
    (*source)->operations = &watched;
    return POLKA_OK;
}

/* Reads record by record until all has been read; the partition of the last one. */
static int32_t read_slowly(cli_reader *reader)
{
    polkai_record record;
    int32_t last = -1;
    for (int64_t until = now_ms() + WAIT_MS; !cli_reader_reached(reader) && now_ms() < until;) {
        if (cli_reader_poll(reader, &record, 1, 50) == 0)
            continue;
        last = record.partition;
        polkai_record_release(&record);
    }
    cr_assert(cli_reader_reached(reader));
    return last;
}

/* Found by measuring: all that was behind the window went on being fetched, for as long as another partition was not at its end. */
Test(reader, a_partition_at_the_end_of_its_window_is_given_up_while_others_are_read, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    const char *const other[] = { "1", "0" };
    cluster_times(offset_by_minute);
    make_topic("a", 2);
    for (int i = 0; i < 20; i++)
        send_record(&(polkai_record){ .topic = POLKA_TEXT("a"), .partition = i % 2, .key = { 1, (const uint8_t *)"k" } });
    await_reports();
    cli_reader *reader = open_one("a", &(cli_span){ .since_ms = 2 * 60000, .until_ms = 5 * 60000 });
    int32_t last = read_slowly(reader);
    cr_assert_eq(cli_reader_records(reader), 6);
    cr_assert_str_eq(unassigned, other[last]);
    cli_reader_close(reader);
    unassigned[0] = '\0';
    reader = open_one("a", NULL);        /* to the end and past it: nothing is given up */
    read_slowly(reader);
    cr_assert_str_eq(unassigned, "");
    cli_reader_close(reader);
}

Test(reader, of_the_newest_all_but_those_that_were_read_before, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    make_topic("a", 1);
    for (char key[2] = "0"; key[0] <= '5'; key[0]++)
        put("a", key, "x");
    const cli_span span = { .from = POLKAI_OFFSET_TAIL - 4, .beyond = 2 };
    cli_reader *reader = open_one("a", &span);
    cr_assert_str_eq(pass_of(reader), "23");
    cr_assert_eq(cli_reader_older(reader), 2);
    cr_assert(cli_reader_older_ms(reader) > 0 && cli_reader_older_ms(reader) < INT64_MAX);
    cli_reader_close(reader);
}

/* The partition of a key by Java's clients: murmur2("A-1") and so on, as tests/extra/partitioner holds against Java. */
Test(span, a_key_is_on_the_partition_that_the_producer_puts_it_on, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    make_topic("wide", 7);
    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof key, "K%d", i);
        send_record(&(polkai_record){ .topic = POLKA_TEXT("wide"), .partition = -1, .key = { strlen(key), (const uint8_t *)key } });
        await_reports();
        const cli_span span = { .from = POLKAI_OFFSET_TAIL - 1, .key = polka_text_of(key) };
        cli_reader *reader = open_one("wide", &span);
        cr_assert_eq(cli_reader_partitions(reader), 1);
        cr_assert_str_eq(pass_of(reader), key);
        cli_reader_close(reader);
    }
}

Test(reader, a_mark_is_passed_when_all_that_was_written_before_has_been_read, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    bool waits = false;
    make_topic("a", 1);
    put("a", "1", "x");
    cli_reader *reader = open_one("a", NULL);
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
}
