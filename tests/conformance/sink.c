/* What every sink promises. */
#include "stage.h"

#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define IN_STAGE(SINK, ALL) stage *at = stage_open(); reports *ALL = calloc(1, sizeof *ALL); polkai_sink *SINK = stage_sink(at, ALL)
#define END_STAGE(SINK, ALL) SINK->operations->close(SINK, 1000); stage_close(at); free(ALL)

Test(sink, reports_every_send_once_with_its_cookie_and_offset, .timeout = 60)
{
    IN_STAGE(sink, all);
    polkai_record record = record_of(stage_topic(at, 1), "k", "v");
    for (uintptr_t i = 1; i <= 100; i++)
        send_one(sink, &record, i);
    await_reports(sink, all, 100);
    for (size_t i = 0; i < 100; i++) {
        cr_assert_eq(all->last[i].status, POLKA_OK, "%s", all->last[i].code);
        cr_assert_eq(all->last[i].cookie, i + 1);
        cr_assert_eq(all->last[i].partition, 0);
        cr_assert_eq(all->last[i].offset, (int64_t)i);
    }
    cr_assert_eq(sink->operations->poll(sink, 0), 0);
    END_STAGE(sink, all);
}

Test(sink, puts_a_key_where_javas_producer_puts_it, .timeout = 60)
{
    IN_STAGE(sink, all);
    const char *topic = stage_topic(at, 5);
    char keys[20][16];
    for (uintptr_t i = 0; i < 20; i++) {
        snprintf(keys[i], sizeof keys[i], "order-%d", (int)i);
        polkai_record record = record_of(topic, keys[i], "v");
        send_one(sink, &record, i);
    }
    await_reports(sink, all, 20);
    for (size_t i = 0; i < 20; i++) {
        const char *key = keys[all->last[i].cookie];
        cr_assert_eq(all->last[i].partition, (int32_t)((polkai_key_hash(key, strlen(key)) & 0x7fffffff) % 5), "%s", key);
    }
    END_STAGE(sink, all);
}

Test(sink, takes_a_given_partition, .timeout = 60)
{
    IN_STAGE(sink, all);
    polkai_record record = record_of(stage_topic(at, 3), "k", "v");
    for (record.partition = 0; record.partition < 3; record.partition++)
        send_one(sink, &record, 0);
    await_reports(sink, all, 3);
    cr_assert_eq(all->failed, 0);
    cr_assert_neq(all->last[0].partition, all->last[1].partition);
    cr_assert_neq(all->last[1].partition, all->last[2].partition);
    END_STAGE(sink, all);
}

/* Not for good: a topic may get more, or be made again. */
Test(sink, refuses_a_partition_that_is_not_there, .timeout = 60)
{
    IN_STAGE(sink, all);
    polkai_record record = record_of(stage_topic(at, 2), "k", "v");
    record.headers = (const polkai_header[]){ { POLKA_TEXT_INIT("h"), { 1, (const uint8_t *)"v" } } };
    record.header_count = 1;
    send_one(sink, &record, 0);
    await_reports(sink, all, 1);        /* so that the partitions are known, and the refusal comes at once */
    record.partition = 7;
    polka_error why;
    cr_assert_eq(sink->operations->send(sink, &record, NULL, &why), POLKA_TRANSIENT);
    sink->operations->poll(sink, 100);
    cr_assert_eq(all->count, 1, "a refused send has no report");
    END_STAGE(sink, all);
}

Test(sink, refuses_a_bad_topic_name_for_good, .timeout = 60)
{
    IN_STAGE(sink, all);
    const char *bad[] = { "", "a b", "..", "a/b", "\xc3\xa4" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        polkai_record record = record_of(bad[i], "k", "v");
        polka_error why;
        cr_assert_eq(sink->operations->send(sink, &record, NULL, &why), POLKA_POISON, "'%s'", bad[i]);
        cr_assert_str_eq(why.code, "bad-topic");
    }
    END_STAGE(sink, all);
}

Test(sink, copies_key_topic_and_headers_at_once, .timeout = 60)
{
    IN_STAGE(sink, all);
    const char *topic = stage_topic(at, 1);
    char key[] = "key", name[] = "name", value[] = "value", *copy = strdup(topic);
    polkai_header header = { { 4, name }, { 5, (const uint8_t *)value } };
    polkai_record record = record_of(copy, key, "v");
    record.headers = &header;
    record.header_count = 1;
    send_one(sink, &record, 0);
    memset(key, 'x', 3), memset(name, 'x', 4), memset(value, 'x', 5), memset(copy, 'x', strlen(copy));
    free(copy);
    await_reports(sink, all, 1);
    polkai_source *source = stage_source(at, NULL);
    start_at(source, &(polkai_position){ polka_text_of(topic), 0, POLKAI_OFFSET_START }, 1);
    polkai_record got;
    read_records(source, NULL, &got, 1);
    polka_arena arena AUTO(polkai_arena_deinit) = { 0 };
    polkai_record_headers(&got, &arena);
    cr_assert_arr_eq(got.key.data, "key", 3);
    cr_assert_not_null(polkai_record_header(&got, POLKA_TEXT("name")));
    cr_assert_arr_eq(polkai_record_header(&got, POLKA_TEXT("name"))->value.data, "value", 5);
    polkai_record_release(&got);
    source->operations->close(source, POLKAI_CLOSE_MS);
    END_STAGE(sink, all);
}

Test(sink, reports_all_that_is_under_way_before_it_is_closed, .timeout = 60)
{
    stage *at = stage_open();
    reports *all = calloc(1, sizeof *all);
    polkai_sink *sink = stage_sink(at, all);
    polkai_record record = record_of(stage_topic(at, 1), "k", "v");
    for (uintptr_t i = 0; i < 500; i++)
        send_one(sink, &record, i);
    sink->operations->close(sink, 20000);
    cr_assert_eq(all->count, 500);
    cr_assert_eq(all->failed, 0, "%s", all->last[499].code);
    stage_close(at);
    free(all);
}

Test(sink, refuses_what_is_larger_than_the_topic_takes_and_goes_on, .timeout = 60)
{
    IN_STAGE(sink, all);
    size_t size = stage_can(at, CAN_REFUSE_LARGE) ? 5000000 : 3000000;
    char *large = calloc(1, size);
    polkai_record record = record_of(stage_topic(at, 1), "k", "v");
    polkai_record huge = record;
    huge.value = (polka_bytes){ size, (const uint8_t *)large };
    all->may_fail = stage_can(at, CAN_REFUSE_LARGE);
    send_one(sink, &huge, 1);
    await_reports(sink, all, 1);
    cr_assert_eq(all->last[0].status, stage_can(at, CAN_REFUSE_LARGE) ? POLKA_POISON : POLKA_OK);
    if (stage_can(at, CAN_REFUSE_LARGE))
        cr_assert_str_eq(all->last[0].code, "MSG_SIZE_TOO_LARGE");
    huge.value.size = 3000000;
    send_one(sink, &huge, 2);
    await_reports(sink, all, 2);
    send_one(sink, &record, 3);
    await_reports(sink, all, 3);
    cr_assert_eq(all->last[1].status, POLKA_OK, "%s", all->last[1].code);
    cr_assert_eq(all->last[2].status, POLKA_OK, "%s", all->last[2].code);
    END_STAGE(sink, all);
    free(large);
}

enum { SMALL_TOPIC = 50000, MANY = 1000, SMALL_VALUE = 500 };

/* MANY small records at once, the one at `large_at` too large for its topic. */
static void send_small_ones(polkai_sink *sink, const char *topic, reports *all, uintptr_t large_at)
{
    static const uint8_t value[SMALL_TOPIC + 1];
    polkai_record record = record_of(topic, "k", "v");
    for (uintptr_t i = 0; i < MANY; i++) {
        record.value = (polka_bytes){ i == large_at ? sizeof value : SMALL_VALUE, value };
        send_one(sink, &record, i);
    }
    await_reports(sink, all, MANY);
}

/* Cookies by their offset: the order in the topic is the order of the sends. */
static void assert_in_order(const reports *all)
{
    uintptr_t at[MANY + 1] = { 0 };
    for (size_t i = 0; i < all->count; i++)
        if (all->last[i].status == POLKA_OK)
            at[all->last[i].offset] = all->last[i].cookie;
    for (size_t i = 1; i < MANY - all->failed; i++)
        cr_assert_gt(at[i], at[i - 1], "offset %zu", i);
}

/* A broker refuses a batch and not a record: what is small enough by itself is no dead letter for having had company. */
Test(sink, sends_small_records_to_a_topic_that_takes_small_batches_only, .timeout = 60)
{
    IN_STAGE(sink, all);
    const char *topic = stage_topic_taking(at, 1, SMALL_TOPIC);
    send_small_ones(sink, topic, all, MANY);
    assert_in_order(all);
    END_STAGE(sink, all);
}

Test(sink, refuses_of_many_sent_at_once_only_the_one_that_is_too_large, .timeout = 60)
{
    IN_STAGE(sink, all);
    const char *topic = stage_topic_taking(at, 1, SMALL_TOPIC);
    all->may_fail = stage_can(at, CAN_REFUSE_LARGE);
    send_small_ones(sink, topic, all, 300);
    cr_assert_eq(all->failed, stage_can(at, CAN_REFUSE_LARGE) ? 1 : 0);
    for (size_t i = 0; i < all->count; i++)
        cr_assert_eq(all->last[i].status, all->last[i].cookie == 300 && all->failed == 1 ? POLKA_POISON : POLKA_OK);
    assert_in_order(all);
    END_STAGE(sink, all);
}

typedef struct { polkai_sink *sink; const char *topic; uintptr_t first; } sender;

static void *send_many(void *user)
{
    sender *self = user;
    polkai_record record = record_of(self->topic, "k", "v");
    for (uintptr_t i = 0; i < 200; i++)
        send_one(self->sink, &record, self->first + i);
    return NULL;
}

Test(sink, takes_sends_of_several_threads_while_one_polls, .timeout = 60)
{
    IN_STAGE(sink, all);
    const char *topic = stage_topic(at, 4);
    pthread_t threads[4];
    sender senders[4];
    for (uintptr_t i = 0; i < 4; i++) {
        senders[i] = (sender){ sink, topic, i * 200 };
        pthread_create(&threads[i], NULL, send_many, &senders[i]);
    }
    await_reports(sink, all, 800);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    char seen[800] = { 0 };
    for (size_t i = 0; i < 800; i++)
        cr_assert_eq(seen[all->last[i].cookie]++, 0);
    cr_assert_eq(all->failed, 0);
    END_STAGE(sink, all);
}

Test(sink, prepared_for_a_topic_still_sends_to_it, .timeout = 60)
{
    IN_STAGE(sink, all);
    const char *topic = stage_topic(at, 1);
    polka_text name = polka_text_of(topic);
    sink->operations->prepare(sink, &name, 1);
    polkai_record record = record_of(topic, NULL, NULL);
    send_one(sink, &record, 1);
    await_reports(sink, all, 1);
    cr_assert_eq(all->failed, 0);
    END_STAGE(sink, all);
}
