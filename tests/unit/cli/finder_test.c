/* One flow is found where it is, and not more is read than has to be. On librdkafka's mock. */
#include "cluster.h"

#include <base/identity.h>
#include <cli/finder.h>

enum { PARTITIONS = 3 };

static cli_gathering gathering;
static cli_expected expected;
static cli_flow flow;

static int64_t wall_ms(void) { return polkai_clock_real.wall_ms(&polkai_clock_real); }

/* All was written in the last hour: what is looked for before that begins at the start, all else finds nothing. */
static polka_status within_the_hour(polkai_admin *of, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error)
{
    (void)of, (void)error;
    for (size_t i = 0; i < count; i++)
        positions[i].offset = time_ms < wall_ms() - 3600000 ? 0 : -1;
    return POLKA_OK;
}

static void begin(void)
{
    cluster_begin();
    make_topic("t", PARTITIONS);
    gathering = (cli_gathering){ .connection = &cluster.connection, .admin = cluster.admin };
    gathering.topics.arena = gathering.letters.arena = &gathering.arena;
    polkai_names_add(&gathering.topics, "t");
}

static void end(void)
{
    cli_flow_free(&flow);
    cli_gather_close(&gathering);
    cluster_end();
}

static polkai_header header(const char *name, const char *value) { return (polkai_header){ polka_text_of(name), { strlen(value), (const uint8_t *)value } }; }

static void put_event(const char *id, const char *correlation, const char *cause, const char *key, int32_t partition)
{
    const polkai_header headers[] = { header("ce_specversion", "1.0"), header("ce_id", id), header("ce_source", "/x"), header("ce_type", "d.X"),
                                      header("ce_correlationid", correlation), header("ce_causationid", cause != NULL ? cause : "") };
    polkai_record record = { .topic = POLKA_TEXT("t"), .partition = partition, .key = { strlen(key), (const uint8_t *)key }, .value = { 1, (const uint8_t *)"x" },
                             .headers = headers, .header_count = cause != NULL ? 6 : 5 };
    send_record(&record);
}

/* What is written next has another time than what was. */
static void pass_millisecond(void)
{
    for (int64_t until = wall_ms() + 2; wall_ms() < until;)
        cluster.sink->operations->poll(cluster.sink, 1);
}

/* Flows "0", "1", …: an event, and one that it caused, with the number as key. */
static void put_flows(int count)
{
    for (int i = 0; i < count; i++) {
        char id[16], effect[24];
        snprintf(id, sizeof id, "%d", i);
        snprintf(effect, sizeof effect, "%d-effect", i);
        put_event(id, id, NULL, id, -1);
        put_event(effect, id, id, id, -1);
    }
    await_reports();
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
        put_event(id, id, NULL, key, partition);
    }
    await_reports();
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
    put_event("old", "old", NULL, "K", 0);
    await_reports();
    pass_millisecond();
    put_event("new", "new", NULL, "K", 0);
    put_flows(20);
    cli_finder finder = finder_of(CLI_BY_KEY, "K");
    find(&finder, "new", 1);
}

Test(finder, the_flow_that_began_last_is_found_behind_many_events_that_began_none, .init = begin, .fini = end, .timeout = 60)
{
    put_flows(5);
    pass_millisecond();
    put_event("last", "last", NULL, "L", 1);
    for (int i = 0; i < 60; i++)
        put_event("effect", "0", "0", "E", i % PARTITIONS);
    await_reports();
    cli_finder finder = finder_of(CLI_THE_LAST, "");
    find(&finder, "last", 1);
}

/* A flow is found at once on a partition that is hardly written to, and a younger one stands far behind the end of another. */
Test(finder, the_flow_that_began_last_is_not_the_one_that_is_read_first_and_no_record_is_read_twice, .init = begin, .fini = end, .timeout = 60)
{
    put_event("old", "old", NULL, "O", 0);
    await_reports();
    pass_millisecond();
    put_event("last", "last", NULL, "L", 1);
    await_reports();
    pass_millisecond();
    for (int i = 0; i < 60; i++)
        put_event("effect", "0", "0", "E", 1);
    await_reports();
    cli_finder finder = finder_of(CLI_THE_LAST, "");
    find(&finder, "last", 1);
    cr_assert_eq(read_by(&finder), 62, "%" PRId64 " were read before the flow was known", read_by(&finder));
}

/* A UUIDv7 that was made then. */
static const char *id_of(int64_t made_ms)
{
    static char id[POLKA_UUID_TEXT + 1];
    uint8_t uuid[16];
    polkai_random chance;
    polkai_random_seed(&chance, 6);
    polkai_uuid_v7(uuid, made_ms, &chance);
    polkai_uuid_write(id, uuid);
    return id;
}

Test(finder, an_id_whose_time_is_wrong_is_found_by_reading_all, .init = begin, .fini = end, .timeout = 60)
{
    const char *id = id_of(wall_ms());
    cluster_times(within_the_hour);
    put_flows(5);
    put_event(id, id, NULL, "K", 1);
    put_event("effect", id, id, "K", 2);
    await_reports();
    cli_finder by_id = finder_of(CLI_BY_ID, id), by_effect = finder_of(CLI_BY_ID, "effect");
    find(&by_id, id, 2);
    cli_flow_free(&flow);
    find(&by_effect, id, 2);
}

Test(finder, an_id_from_before_all_windows_reads_them_to_the_end, .init = begin, .fini = end, .timeout = 60)
{
    const char *id = id_of(wall_ms() - 86400000);
    cluster_times(within_the_hour);
    put_event(id, id, NULL, "K", 1);
    put_event("effect", id, id, "K", 2);
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
