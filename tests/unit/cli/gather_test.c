/* What services say, and the topics of those that come later, are read on with them. On librdkafka's mock. */
#include "cluster.h"

#include <cli/announced.h>
#include <cli/gather.h>

#define MANIFEST(TOPIC) "{\"polka\":1,\"service\":\"late\",\"version\":\"1\",\"group\":\"late\",\"reactions\":[{\"event\":\"s.A\",\"topic\":\"" TOPIC "\"," \
    "\"schema\":\"string\",\"emits\":[]}],\"emits\":[]}"

static bool read_on(cli_announced *announced, int64_t at_ms)
{
    for (int64_t until = now_ms() + WAIT_MS; now_ms() < until;)
        if (cli_announced_read_on(announced, at_ms))
            return true;
    return false;
}

Test(announced, what_services_say_later_is_heard_also_where_the_topic_was_not_there, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    polka_error error = { 0 };
    cli_announced announced = { 0 };
    cr_assert_eq(cli_announced_open(&announced, &cluster.connection, cluster.admin, &error), POLKA_OK, "%s", error.message);
    cr_assert_not(cli_announced_has_topic(&announced));
    make_topic(CLI_SERVICES_TOPIC, 1);
    put(CLI_SERVICES_TOPIC, "late@1", MANIFEST("a"));
    cr_assert_eq(cli_announced_refresh(&announced, &cluster.connection, cluster.admin, &error), POLKA_OK, "%s", error.message);
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
}

static void count_event(void *user, polkai_record *record, const polkai_envelope *envelope)
{
    (void)record, (void)envelope;
    ++*(size_t *)user;
}

Test(gather, topics_of_a_service_that_comes_later_are_read_and_their_dead_letters, .init = cluster_begin, .fini = cluster_end, .timeout = 60)
{
    polka_error error = { 0 };
    cli_gather_reading *reading = NULL;
    cli_gathering gathering = { .connection = &cluster.connection };
    polkai_manifest *manifest = NULL;
    size_t count = 0;
    bool extended;
    gathering.admin = cluster.admin;
    gathering.topics.arena = gathering.letters.arena = &gathering.arena;
    polkai_names_add(&gathering.topics, "first");
    make_topic("first", 1);
    cr_assert_eq(cli_gather_begin(&reading, &gathering, true, NULL, &error), POLKA_OK, "%s", error.message);
    polkai_manifest_examine(&manifest, polka_text_of(MANIFEST("new.topic")), "a");
    cli_gather_add(&gathering, &(cli_manifests){ .count = 1, .items = &manifest });
    cr_assert_eq(cli_gather_refresh(reading, &gathering, 0, &extended, &error), POLKA_OK, "%s", error.message);
    cr_assert_not(extended, "it is not there yet");
    make_topic("new.topic", 1);
    make_topic("new.topic.late.dlt", 1);
    make_topic("another.late.dlt", 1);
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
}
