/* What every source promises as a member of a group. */
#include "stage.h"

#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTITIONS = 4, RECORDS = 40 };

typedef struct { stage *at; reports *told; polkai_sink *sink; const char *topic, *group; } scene;

static void fill(scene *play, size_t count)
{
    polkai_record record = record_of(play->topic, NULL, "v");
    size_t before = play->told->count;
    for (size_t i = 0; i < count; i++) {
        record.partition = (int32_t)(i % PARTITIONS);
        send_one(play->sink, &record, i);
    }
    await_reports(play->sink, play->told, before + count);
}

static scene scene_of(size_t records)
{
    scene play = { .at = stage_open(), .told = calloc(1, sizeof(reports)) };
    play.sink = stage_sink(play.at, play.told);
    play.topic = stage_topic(play.at, PARTITIONS);
    play.group = stage_name(play.at, "group");
    fill(&play, records);
    return play;
}

static void end(scene *play)
{
    play->sink->operations->close(play->sink, 1000);
    stage_close(play->at);
    free(play->told);
}

static polkai_source *join(scene *play, told *what)
{
    polkai_source *source = stage_source(play->at, play->group);
    start_group(source, what, play->topic);
    return source;
}

/*
 * Polls both until each holds what it should; records are thrown away.
 */
static void settle(told *a, size_t a_holds, told *b, size_t b_holds)
{
    polkai_record got[16];
    for (int64_t end_ms = now_ms() + 40000; (a->assigned_now != a_holds || (b != NULL && b->assigned_now != b_holds)) && now_ms() < end_ms;) {
        release_all(got, a->source->operations->poll(a->source, got, 16, 20));
        if (b != NULL)
            release_all(got, b->source->operations->poll(b->source, got, 16, 20));
    }
    cr_assert_eq(a->assigned_now, a_holds, "%zu", a->assigned_now);
    if (b != NULL)
        cr_assert_eq(b->assigned_now, b_holds, "%zu", b->assigned_now);
}

static size_t count_for(polkai_source *source, int ms)
{
    polkai_record got[16];
    size_t count = 0;
    for (int64_t end_ms = now_ms() + ms; now_ms() < end_ms;) {
        size_t more = source->operations->poll(source, got, 16, 50);
        release_all(got, more);
        count += more;
    }
    return count;
}

Test(group, a_new_group_reads_everything_from_the_start, .timeout = 90)
{
    scene play = scene_of(RECORDS);
    told what = { 0 };
    polkai_source *source = join(&play, &what);
    polkai_record got[RECORDS];
    read_records(source, &what, got, RECORDS);
    cr_assert_eq(what.assigned_calls, 1);
    cr_assert_eq(what.assigned_now, PARTITIONS);
    cr_assert_eq(what.at_count, PARTITIONS);
    for (size_t i = 0; i < PARTITIONS; i++)
        cr_assert_eq(what.at[i].offset, RECORDS / PARTITIONS);
    release_all(got, RECORDS);
    source->operations->close(source, POLKAI_CLOSE_MS);
    cr_assert_eq(what.revoked_calls, 1, "close gives the partitions up");
    cr_assert_eq(what.assigned_now, 0);
    cr_assert_eq(what.lost, 0);
    end(&play);
}

Test(group, knows_the_ends_of_what_it_has_read_and_of_nothing_else, .timeout = 90)
{
    scene play = scene_of(RECORDS);
    told what = { 0 };
    polkai_record got[RECORDS];
    polkai_position ends[PARTITIONS + 1];
    polkai_source *source = join(&play, &what);
    read_records(source, &what, got, RECORDS);
    for (int32_t i = 0; i <= PARTITIONS; i++)
        ends[i] = (polkai_position){ polka_text_of(i < PARTITIONS ? play.topic : "nobody.knows"), i % PARTITIONS, -7 };
    source->operations->ends(source, ends, PARTITIONS + 1);
    for (int32_t i = 0; i < PARTITIONS; i++)
        cr_expect_eq(ends[i].offset, RECORDS / PARTITIONS, "partition %d: %lld", i, (long long)ends[i].offset);
    cr_expect_eq(ends[PARTITIONS].offset, -1);
    release_all(got, RECORDS);
    source->operations->close(source, 5000);
    end(&play);
}

Test(group, goes_on_after_what_was_committed_and_repeats_what_was_not, .timeout = 90)
{
    scene play = scene_of(RECORDS);
    told first = { 0 }, second = { 0 };
    polkai_source *source = join(&play, &first);
    polkai_record got[RECORDS];
    read_records(source, &first, got, RECORDS);
    release_all(got, RECORDS);
    /* of partition p, all but p + 1 records are done */
    for (size_t i = 0; i < first.at_count; i++)
        first.at[i].offset -= first.at[i].partition + 1;
    ASSERT_OK(source->operations->commit(source, first.at, first.at_count, POLKAI_COMMIT_MS, error));
    source->operations->close(source, POLKAI_CLOSE_MS);
    source = join(&play, &second);
    read_records(source, &second, got, 1 + 2 + 3 + 4);
    release_all(got, 10);
    cr_assert_eq(count_for(source, 500), 0, "nothing that was committed comes again");
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(group, an_asynchronous_commit_holds_too, .timeout = 90)
{
    scene play = scene_of(RECORDS);
    told first = { 0 }, second = { 0 };
    polkai_source *source = join(&play, &first);
    polkai_record got[RECORDS];
    read_records(source, &first, got, RECORDS);
    release_all(got, RECORDS);
    ASSERT_OK(source->operations->commit(source, first.at, first.at_count, 0, error));
    source->operations->close(source, POLKAI_CLOSE_MS);
    fill(&play, PARTITIONS);
    source = join(&play, &second);
    read_records(source, &second, got, PARTITIONS);
    for (size_t i = 0; i < PARTITIONS; i++)
        cr_assert_eq(got[i].offset, RECORDS / PARTITIONS);
    release_all(got, PARTITIONS);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(group, commits_from_inside_revoked_when_it_is_closed, .timeout = 90)
{
    scene play = scene_of(RECORDS);
    told first = { .commit_in_revoked = true }, second = { 0 };
    polkai_source *source = join(&play, &first);
    polkai_record got[RECORDS];
    read_records(source, &first, got, RECORDS);
    release_all(got, RECORDS);
    source->operations->close(source, POLKAI_CLOSE_MS);
    fill(&play, 1);
    source = join(&play, &second);
    read_records(source, &second, got, 1);
    cr_assert_eq(got[0].offset, RECORDS / PARTITIONS);
    polkai_record_release(&got[0]);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(group, two_members_share_the_partitions_and_one_takes_over_from_the_other, .timeout = 120)
{
    scene play = scene_of(0);
    bool strict = stage_can(play.at, CAN_COMMIT_IN_REBALANCE);
    told a = { .commit_in_revoked = true, .may_fail = !strict }, b = a;
    polkai_source *one = join(&play, &a);
    settle(&a, PARTITIONS, NULL, 0);
    polkai_source *two = join(&play, &b);
    settle(&a, PARTITIONS / 2, &b, PARTITIONS / 2);
    cr_assert_geq(a.revoked_calls, 1);              /* the mock asks twice at times */
    fill(&play, RECORDS);
    polkai_record got[RECORDS];
    read_records(one, &a, got, RECORDS / 2);
    release_all(got, RECORDS / 2);
    read_records(two, &b, got, RECORDS / 2);
    release_all(got, RECORDS / 2);
    cr_assert_eq(a.at_count, PARTITIONS / 2);
    cr_assert_eq(b.at_count, PARTITIONS / 2);
    ASSERT_OK(one->operations->commit(one, a.at, a.at_count, POLKAI_COMMIT_MS, error));
    two->operations->close(two, POLKAI_CLOSE_MS);
    settle(&a, PARTITIONS, NULL, 0);
    cr_assert_eq(count_for(one, 500), 0, "the other had committed all it read");
    one->operations->close(one, POLKAI_CLOSE_MS);
    end(&play);
}

Test(group, paused_gives_nothing_and_resumed_loses_and_repeats_nothing, .timeout = 90)
{
    scene play = scene_of(RECORDS);
    told what = { 0 };
    polkai_source *source = join(&play, &what);
    polkai_record got[RECORDS];
    read_records(source, &what, got, 10);
    release_all(got, 10);
    source->operations->pause(source, true);
    cr_assert_eq(count_for(source, 300), 0);
    source->operations->pause(source, true);             /* twice is once */
    source->operations->pause(source, false);
    read_records(source, &what, got, RECORDS - 10);
    release_all(got, RECORDS - 10);
    for (size_t i = 0; i < PARTITIONS; i++)
        cr_assert_eq(what.at[i].offset, RECORDS / PARTITIONS);
    cr_assert_eq(count_for(source, 300), 0);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

/* Offsets of a partition alone: each comes once and in order, whatever else is paused meanwhile. */
static void read_all_but(polkai_source *source, told *what, const polkai_position *held, size_t count)
{
    polkai_record got[RECORDS];
    read_records(source, what, got, count);
    for (size_t i = 0; held != NULL && i < count; i++)
        cr_assert_neq(got[i].partition, held->partition);
    release_all(got, count);
}

Test(group, a_partition_that_is_held_gives_nothing_and_the_others_go_on, .timeout = 120)
{
    enum { EACH = RECORDS / PARTITIONS };
    scene play = scene_of(0);
    told what = { 0 };
    polkai_source *source = join(&play, &what);
    settle(&what, PARTITIONS, NULL, 0);
    polkai_position held = { polka_text_of(play.topic), 1, -1 };
    source->operations->hold(source, &held, true);
    fill(&play, RECORDS);
    read_all_but(source, &what, &held, RECORDS - EACH);
    source->operations->pause(source, true);
    fill(&play, RECORDS);
    cr_assert_eq(count_for(source, 300), 0);
    source->operations->hold(source, &held, false);
    cr_assert_eq(count_for(source, 300), 0, "all are paused still");
    source->operations->hold(source, &held, true);
    source->operations->pause(source, false);
    read_all_but(source, &what, &held, RECORDS - EACH);
    cr_assert_eq(count_for(source, 300), 0, "it is held still");
    source->operations->hold(source, &held, false);
    source->operations->hold(source, &held, false);      /* 2.0.2 rewinds what is resumed without need */
    read_all_but(source, &what, NULL, 2 * EACH);
    for (size_t i = 0; i < PARTITIONS; i++)
        cr_assert_eq(what.at[i].offset, 2 * EACH);
    cr_assert_eq(count_for(source, 300), 0);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(group, a_held_partition_is_read_by_who_has_it_next, .timeout = 120)
{
    scene play = scene_of(0);
    told a = { 0 }, b = { 0 };
    polkai_source *one = join(&play, &a);
    settle(&a, PARTITIONS, NULL, 0);
    for (int32_t i = 0; i < PARTITIONS; i++)
        one->operations->hold(one, &(polkai_position){ polka_text_of(play.topic), i, -1 }, true);
    polkai_source *two = join(&play, &b);
    settle(&a, PARTITIONS / 2, &b, PARTITIONS / 2);
    two->operations->close(two, POLKAI_CLOSE_MS);
    settle(&a, PARTITIONS, NULL, 0);
    fill(&play, PARTITIONS);
    polkai_record got[PARTITIONS];
    read_records(one, &a, got, PARTITIONS);
    release_all(got, PARTITIONS);
    one->operations->close(one, POLKAI_CLOSE_MS);
    end(&play);
}

Test(group, resuming_what_was_never_paused_repeats_nothing, .timeout = 90)
{
    scene play = scene_of(RECORDS);
    told what = { 0 };
    polkai_source *source = join(&play, &what);
    polkai_record got[RECORDS];
    read_records(source, &what, got, RECORDS);
    release_all(got, RECORDS);
    source->operations->pause(source, false);            /* librdkafka 2.0.2 rewinds here: librdkafka#4636 */
    cr_assert_eq(count_for(source, 500), 0);
    source->operations->close(source, POLKAI_CLOSE_MS);
    end(&play);
}

Test(group, a_pause_ends_with_the_assignment_it_paused, .timeout = 120)
{
    scene play = scene_of(0);
    told a = { 0 }, b = { 0 };
    polkai_source *one = join(&play, &a);
    settle(&a, PARTITIONS, NULL, 0);
    one->operations->pause(one, true);
    polkai_source *two = join(&play, &b);
    settle(&a, PARTITIONS / 2, &b, PARTITIONS / 2);
    fill(&play, PARTITIONS);
    polkai_record got[PARTITIONS];
    read_records(one, &a, got, PARTITIONS / 2);
    release_all(got, PARTITIONS / 2);
    two->operations->close(two, POLKAI_CLOSE_MS);
    one->operations->close(one, POLKAI_CLOSE_MS);
    end(&play);
}

Test(group, closed_before_anything_was_assigned_ends_quietly, .timeout = 90)
{
    scene play = scene_of(0);
    told what = { 0 };
    polkai_source *source = join(&play, &what);
    source->operations->close(source, POLKAI_CLOSE_MS);
    cr_assert_eq(what.revoked_calls, what.assigned_calls);
    end(&play);
}
