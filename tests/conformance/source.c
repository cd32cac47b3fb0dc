/* What every source promises about records and about reading given positions. */
#include "stage.h"

#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct { stage *at; reports *told; polkai_sink *sink; const char *topic; } scene;

/* A topic with one partition that holds "0", "1", … */
static scene scene_of(size_t records)
{
    scene play = { .at = stage_open(), .told = calloc(1, sizeof(reports)) };
    play.sink = stage_sink(play.at, play.told);
    play.topic = stage_topic(play.at, 1);
    static char values[4096][8];
    for (size_t i = 0; i < records; i++) {
        snprintf(values[i], sizeof values[i], "%d", (int)i);
        polkai_record record = record_of(play.topic, "k", values[i]);
        send_one(play.sink, &record, i);
    }
    await_reports(play.sink, play.told, records);
    return play;
}

static void end(scene *play)
{
    play->sink->operations->close(play->sink, 1000);
    stage_close(play->at);
    free(play->told);
}

static polkai_source *read_from(scene *play, int64_t offset)
{
    polkai_source *source = stage_source(play->at, NULL);
    start_at(source, &(polkai_position){ polka_text_of(play->topic), 0, offset }, 1);
    return source;
}

Test(source, gives_key_value_headers_and_time_as_they_were_sent, .timeout = 60)
{
    scene play = scene_of(0);
    const polkai_header headers[] = {
        { POLKA_TEXT_INIT("a"), { 3, (const uint8_t *)"x\0y" } }, { POLKA_TEXT_INIT("a"), { 1, (const uint8_t *)"2" } },
        { POLKA_TEXT_INIT("empty"), { 0, (const uint8_t *)"" } }, { POLKA_TEXT_INIT("null"), { 0, NULL } },
    };
    polkai_record record = record_of(play.topic, "key", NULL);
    record.value = (polka_bytes){ 4, (const uint8_t *)"\0\xff\n\0" };
    record.timestamp_ms = 1700000000123;
    record.headers = headers;
    record.header_count = 4;
    send_one(play.sink, &record, 0);
    await_reports(play.sink, play.told, 1);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_record got;
    read_records(source, NULL, &got, 1);
    polka_arena arena AUTO(polkai_arena_deinit) = { 0 };
    polkai_record_headers(&got, &arena);
    cr_assert_str_eq(got.topic.data, play.topic);
    cr_assert_eq(got.topic.size, strlen(play.topic));
    cr_assert_eq(got.partition, 0);
    cr_assert_eq(got.offset, 0);
    cr_assert_eq(got.timestamp_ms, 1700000000123);
    cr_assert_arr_eq(got.key.data, "key", 3);
    cr_assert_eq(got.value.size, 4);
    cr_assert_arr_eq(got.value.data, "\0\xff\n\0", 4);
    cr_assert_eq(got.header_count, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_assert(polka_text_equal(got.headers[i].name, headers[i].name));
        cr_assert_eq(got.headers[i].value.size, headers[i].value.size);
        cr_assert_eq(got.headers[i].value.data == NULL, headers[i].value.data == NULL, "%s", headers[i].name.data);
    }
    cr_assert_arr_eq(got.headers[0].value.data, "x\0y", 3);
    polkai_record_release(&got);
    source->operations->close(source, POLKAI_CLOSE_MS);
    await_reports(play.sink, play.told, 1);
    end(&play);
}

Test(source, gives_headers_again_after_they_were_forgotten, .timeout = 60)
{
    scene play = scene_of(0);
    const polkai_header headers[] = { { POLKA_TEXT_INIT("a"), { 5, (const uint8_t *)"first" } }, { POLKA_TEXT_INIT("b"), { 6, (const uint8_t *)"second" } } };
    polkai_record record = record_of(play.topic, "key", "value");
    record.headers = headers;
    record.header_count = 2;
    send_one(play.sink, &record, 0);
    await_reports(play.sink, play.told, 1);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_record got;
    read_records(source, NULL, &got, 1);
    polka_arena arena AUTO(polkai_arena_deinit) = { 0 };
    for (int i = 0; i < 3; i++) {
        polkai_record_headers(&got, &arena);
        cr_assert_eq(got.header_count, 2);
        cr_assert_arr_eq(got.headers[0].value.data, "first", 5);
        cr_assert_arr_eq(polkai_record_header(&got, POLKA_TEXT("b"))->value.data, "second", 6);
        polkai_record_forget_headers(&got);
        cr_assert(value_is(&got, "value"));
    }
    polkai_record_release(&got);
    source->operations->close(source, POLKAI_CLOSE_MS);
    await_reports(play.sink, play.told, 1);
    end(&play);
}

Test(source, keeps_null_and_empty_apart, .timeout = 60)
{
    scene play = scene_of(0);
    polkai_record empty = record_of(play.topic, "", ""), null = record_of(play.topic, NULL, NULL);
    send_one(play.sink, &empty, 0);
    send_one(play.sink, &null, 1);
    await_reports(play.sink, play.told, 2);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_record got[2];
    read_records(source, NULL, got, 2);
    cr_assert_not_null(got[0].key.data);
    cr_assert_not_null(got[0].value.data);
    cr_assert_eq(got[0].value.size, 0);
    cr_assert_null(got[1].key.data);
    cr_assert_null(got[1].value.data);
    release_all(got, 2);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(source, gives_now_as_the_time_of_a_record_without_one, .timeout = 60)
{
    scene play = scene_of(1);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_record got;
    read_records(source, NULL, &got, 1);
    int64_t age_ms = polkai_clock_real.wall_ms(&polkai_clock_real) - got.timestamp_ms;
    cr_assert(age_ms >= 0 && age_ms < 60000, "%" PRId64, age_ms);
    polkai_record_release(&got);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(source, keeps_the_order_of_a_partition_and_never_gives_more_than_asked_for, .timeout = 60)
{
    scene play = scene_of(1000);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_record got[7];
    size_t next = 0;
    for (int64_t limit = now_ms() + 20000; next < 1000 && now_ms() < limit;) {
        size_t count = source->operations->poll(source, got, 7, 100);
        cr_assert_leq(count, 7);
        for (size_t i = 0; i < count; i++, next++) {
            char wanted[8];
            snprintf(wanted, sizeof wanted, "%d", (int)next);
            cr_assert(value_is(&got[i], wanted), "at %zu", next);
            cr_assert_eq(got[i].offset, (int64_t)next);
        }
        release_all(got, count);
    }
    cr_assert_eq(next, 1000);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(source, starts_where_it_is_told, .timeout = 90)
{
    scene play = scene_of(10);
    const struct { int64_t from; const char *first; } cases[] = {
        { POLKAI_OFFSET_START, "0" }, { 4, "4" }, { POLKAI_OFFSET_TAIL - 3, "7" }, { POLKAI_OFFSET_TAIL - 1, "9" }, { POLKAI_OFFSET_TAIL - 100, "0" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        polkai_source *source = read_from(&play, cases[i].from);
        polkai_record got;
        read_records(source, NULL, &got, 1);
        cr_assert(value_is(&got, cases[i].first), "from %d came %.*s", (int)cases[i].from, (int)got.value.size, (const char *)got.value.data);
        polkai_record_release(&got);
        source->operations->close(source, POLKAI_CLOSE_MS);
    }
    end(&play);
}

/* Reads until `count` records of `topic` have come, and returns how many of others came meanwhile. */
static size_t count_others(polkai_source *source, const char *topic, size_t count)
{
    polkai_record got[8];
    size_t of_it = 0, others = 0;
    for (int64_t limit = now_ms() + 20000; of_it < count && now_ms() < limit;) {
        size_t taken = source->operations->poll(source, got, 8, 100);
        for (size_t i = 0; i < taken; i++)
            *(polka_text_equal(got[i].topic, polka_text_of(topic)) ? &of_it : &others) += 1;
        release_all(got, taken);
    }
    cr_assert_eq(of_it, count);
    return others;
}

Test(source, gives_nothing_more_of_what_was_unassigned_and_all_of_the_others, .timeout = 60)
{
    scene play = scene_of(100);
    const char *other = stage_topic(play.at, 1);
    polkai_record record = record_of(other, "k", "v"), late = record_of(play.topic, "k", "late");
    polkai_source *source = stage_source(play.at, NULL);
    const polkai_position both[] = { { polka_text_of(play.topic), 0, POLKAI_OFFSET_START }, { polka_text_of(other), 0, POLKAI_OFFSET_START } };
    start_at(source, both, 2);
    polkai_record got;
    read_records(source, NULL, &got, 1); /* 99 more have been fetched with it */
    polkai_record_release(&got);
    source->operations->unassign(source, both, 1);
    for (size_t i = 0; i < 3; i++) {
        send_one(play.sink, &late, 100 + 2 * i);
        send_one(play.sink, &record, 101 + 2 * i);
    }
    await_reports(play.sink, play.told, 106);
    cr_assert_eq(count_others(source, other, 3), 0);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(source, tells_the_end_of_a_partition_when_all_before_it_has_been_given, .timeout = 60)
{
    scene play = scene_of(10);
    size_t records;
    cr_assert_eq(end_of(play.at, play.topic, &records), 10);
    cr_assert_eq(records, 10);
    end(&play);
}

Test(source, at_the_end_gives_what_is_sent_after_its_start, .timeout = 60)
{
    scene play = scene_of(5);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_END);
    polkai_record record = record_of(play.topic, "k", "new"), got;
    send_one(play.sink, &record, 0);     /* before the first poll: it counts as after */
    read_records(source, NULL, &got, 1);
    cr_assert(value_is(&got, "new"));
    polkai_record_release(&got);
    source->operations->close(source, POLKAI_CLOSE_MS);
    await_reports(play.sink, play.told, 6);
    end(&play);
}

Test(source, without_a_group_has_nothing_to_commit_to, .timeout = 60)
{
    scene play = scene_of(1);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_position position = { polka_text_of(play.topic), 0, 1 };
    polka_error why;
    cr_assert_eq(source->operations->commit(source, &position, 1, POLKAI_COMMIT_MS, &why), POLKA_MISUSE);
    cr_assert_str_eq(why.code, "no-group");
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(source, refuses_a_start_that_is_neither_group_nor_positions, .timeout = 60)
{
    scene play = scene_of(0);
    polkai_source *source = stage_source(play.at, NULL);
    polka_text topic = polka_text_of(play.topic);
    polka_error why;
    cr_assert_eq(source->operations->start(source, &(polkai_start){ 0 }, &why), POLKA_MISUSE);
    cr_assert_eq(source->operations->start(source, &(polkai_start){ .topics = &topic, .topic_count = 1 }, &why), POLKA_MISUSE);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(source, waits_no_longer_than_asked, .timeout = 60)
{
    scene play = scene_of(0);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_record got;
    int64_t before = now_ms();
    cr_assert_eq(source->operations->poll(source, &got, 1, 700), 0);
    int64_t took = now_ms() - before;
    cr_assert(took >= 650 && took < 5000, "%" PRId64 " ms", took);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

static void *wake_soon(void *source)
{
    struct timespec moment = { .tv_nsec = 100000000 };
    nanosleep(&moment, NULL);            /* the one sleep: the other thread has to be inside poll */
    ((polkai_source *)source)->operations->wake(source);
    return NULL;
}

Test(source, is_woken_from_another_thread, .timeout = 60)
{
    scene play = scene_of(0);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_record got;
    pthread_t thread;
    pthread_create(&thread, NULL, wake_soon, source);
    int64_t before = now_ms();
    cr_assert_eq(source->operations->poll(source, &got, 1, 30000), 0);
    cr_assert_lt(now_ms() - before, 5000);
    pthread_join(thread, NULL);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(source, woken_before_a_poll_does_not_wait_in_it, .timeout = 60)
{
    scene play = scene_of(0);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_record got;
    source->operations->wake(source);
    int64_t before = now_ms();
    cr_assert_eq(source->operations->poll(source, &got, 1, 30000), 0);
    cr_assert_lt(now_ms() - before, 5000);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

static void *release_there(void *record)
{
    polkai_record_release(record);
    return NULL;
}

Test(source, lets_another_thread_release_and_a_kept_record_outlive_its_original, .timeout = 60)
{
    scene play = scene_of(2);
    polkai_source *source = read_from(&play, POLKAI_OFFSET_START);
    polkai_record got[2];
    read_records(source, NULL, got, 2);
    polkai_record_keep(&got[1]);
    pthread_t thread;
    pthread_create(&thread, NULL, release_there, &got[0]);
    pthread_join(thread, NULL);
    source->operations->close(source, POLKAI_CLOSE_MS);
    cr_assert(value_is(&got[1], "1"));
    cr_assert_arr_eq(got[1].key.data, "k", 1);
    polkai_record_release(&got[1]);
    end(&play);
}
