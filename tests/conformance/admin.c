/* What every admin answers. */
#include "stage.h"

#include <base/error.h>
#include <stdlib.h>

static const polkai_topic *find(const polkai_topic *topics, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(topics[i].name, name) == 0)
            return &topics[i];
    return NULL;
}

Test(admin, lists_topics_with_their_partitions, .timeout = 60)
{
    stage *at = stage_open();
    const char *name = stage_topic(at, 3);
    polkai_admin *admin = stage_admin(at);
    polkai_topic *topics;
    size_t count;
    ASSERT_OK(admin->operations->topics(admin, &topics, &count, error));
    const polkai_topic *found = find(topics, count, name);
    cr_assert_not_null(found);
    cr_assert_eq(found->partitions, 3);
    cr_assert_eq(found->replication, 1);
    cr_assert_null(find(topics, count, "__consumer_offsets"));
    free(topics);
    admin->operations->close(admin);
    stage_close(at);
}

Test(admin, makes_a_topic_as_asked_and_once, .timeout = 60)
{
    stage *at = stage_open();
    polkai_admin *admin = stage_admin(at);
    polkai_topic topic = { .name = stage_name(at, "made"), .partitions = 2, .replication = 1, .retention_ms = 3600000,
                           .max_message_bytes = 2000000, .compacted = true };
    polka_error why = { 0 };
    if (!stage_can(at, CAN_CREATE)) {
        cr_assert_eq(admin->operations->create(admin, &topic, &why), POLKA_MISUSE);
        cr_assert_str_eq(why.code, "not-supported");
        admin->operations->close(admin);
        stage_close(at);
        return;
    }
    ASSERT_OK(admin->operations->create(admin, &topic, error));
    ASSERT_OK(admin->operations->create(admin, &topic, error));
    polkai_topic *topics;
    size_t count;
    const polkai_topic *found = NULL;
    for (int64_t end = now_ms() + 10000; found == NULL && now_ms() < end;) {
        ASSERT_OK(admin->operations->topics(admin, &topics, &count, error));
        ASSERT_OK(admin->operations->settings(admin, topics, count, error));
        found = find(topics, count, topic.name);
        if (found == NULL)
            free(topics);
    }
    cr_assert_not_null(found);
    cr_assert_eq(found->partitions, 2);
    cr_assert_eq(found->retention_ms, 3600000);
    cr_assert_eq(found->max_message_bytes, 2000000);
    cr_assert(found->compacted);
    free(topics);
    topic.name = "a topic with blanks";
    cr_assert_eq(admin->operations->create(admin, &topic, &why), POLKA_MISUSE);
    admin->operations->close(admin);
    stage_close(at);
}

Test(admin, tells_how_far_a_partition_and_a_group_are, .timeout = 90)
{
    stage *at = stage_open();
    reports *told_reports = calloc(1, sizeof *told_reports);
    polkai_sink *sink = stage_sink(at, told_reports);
    const char *topic = stage_topic(at, 1), *group = stage_name(at, "group");
    polkai_admin *admin = stage_admin(at);
    polkai_position position = { polka_text_of(topic), 0, 0 };
    const polkai_progress progress = { group, &position, 1 };
    polkai_extent extent = { .topic = polka_text_of(topic), .low = -5, .high = -5 };
    ASSERT_OK(admin->operations->watermarks(admin, &extent, 1, error));
    cr_assert_eq(extent.low, 0);
    cr_assert_eq(extent.high, 0);
    ASSERT_OK(admin->operations->committed(admin, &progress, 1, error));
    cr_assert_eq(position.offset, -1001);
    polkai_record record = record_of(topic, "k", "v"), got[3];
    for (uintptr_t i = 0; i < 3; i++)
        send_one(sink, &record, i);
    await_reports(sink, told_reports, 3);
    ASSERT_OK(admin->operations->watermarks(admin, &extent, 1, error));
    cr_assert_eq(extent.high, 3);
    told what = { 0 };
    polkai_source *source = stage_source(at, group);
    start_group(source, &what, topic);
    read_records(source, &what, got, 3);
    release_all(got, 3);
    what.at[0].offset = 2;
    ASSERT_OK(source->operations->commit(source, what.at, 1, POLKAI_COMMIT_MS, error));
    ASSERT_OK(admin->operations->committed(admin, &progress, 1, error));
    cr_assert_eq(position.offset, 2);
    source->operations->close(source, POLKAI_CLOSE_MS);
    admin->operations->close(admin);
    sink->operations->close(sink, 1000);
    stage_close(at);
    free(told_reports);
}

Test(admin, tells_of_many_groups_and_partitions_at_once, .timeout = 90)
{
    enum { MANY = 40 };
    stage *at = stage_open();
    const char *topic = stage_topic(at, 3);
    polkai_admin *admin = stage_admin(at);
    polkai_position positions[MANY][2];
    polkai_progress groups[MANY];
    for (int i = 0; i < MANY; i++) {
        groups[i] = (polkai_progress){ stage_name(at, "many"), positions[i], 2 };
        for (int p = 0; p < 2; p++)
            positions[i][p] = (polkai_position){ polka_text_of(topic), p, 0 };
    }
    told what = { 0 };
    polkai_source *source = stage_source(at, groups[7].group);
    start_group(source, &what, topic);
    polkai_record got;
    for (int64_t end = now_ms() + 20000; what.assigned_now < 3 && now_ms() < end;)
        source->operations->poll(source, &got, 1, 50);
    ASSERT_OK(source->operations->commit(source, &(polkai_position){ polka_text_of(topic), 1, 5 }, 1, POLKAI_COMMIT_MS, error));
    ASSERT_OK(admin->operations->committed(admin, groups, MANY, error));
    for (int i = 0; i < MANY; i++)
        cr_expect(positions[i][0].offset == -1001 && positions[i][1].offset == (i == 7 ? 5 : -1001), "group %d: %lld, %lld", i, (long long)positions[i][0].offset,
                  (long long)positions[i][1].offset);
    polkai_extent extents[] = { { polka_text_of(topic), 0, 7, 7 }, { polka_text_of(topic), 9, 7, 7 }, { polka_text_of(topic), 2, 7, 7 }, { POLKA_TEXT("there.is.none"), 0, 7, 7 } };
    size_t count = stage_can(at, CAN_CREATE) ? 4 : 3;                    /* the mock makes what is asked for */
    ASSERT_OK(admin->operations->watermarks(admin, extents, count, error));
    for (size_t i = 0; i < count; i++)
        cr_expect(extents[i].low == extents[i].high && extents[i].low == (i % 2 == 0 ? 0 : -1), "%zu: %lld", i, (long long)extents[i].low);
    extents[1].low = extents[1].high = 7;
    ASSERT_OK(admin->operations->watermarks(admin, &extents[1], 1, error));
    cr_assert_eq(extents[1].high, -1, "nothing else is there that answers");
    source->operations->close(source, POLKAI_CLOSE_MS);
    admin->operations->close(admin);
    stage_close(at);
}

/* The mock, which has no transactions, knows no times either. */
Test(admin, finds_the_first_record_since_a_time, .timeout = 60)
{
    stage *at = stage_open();
    reports *told_reports = calloc(1, sizeof *told_reports);
    polkai_sink *sink = stage_sink(at, told_reports);
    const char *topic = stage_topic(at, 1);
    polkai_admin *admin = stage_admin(at);
    int64_t begin_ms = now_ms();
    for (int i = 0; i < 3; i++) {
        polkai_record record = record_of(topic, "k", "v");
        record.timestamp_ms = begin_ms + i * 1000;
        send_one(sink, &record, (uintptr_t)i);
    }
    await_reports(sink, told_reports, 3);
    const struct { int64_t time_ms, offset; } rows[] = { { 0, 0 }, { begin_ms + 1, 1 }, { begin_ms + 2000, 2 }, { begin_ms + 2001, -1 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        polkai_position position = { polka_text_of(topic), 0, -5 };
        ASSERT_OK(admin->operations->since(admin, rows[i].time_ms, &position, 1, error));
        cr_expect_eq(position.offset, stage_can(at, CAN_TRANSACT) ? rows[i].offset : -1, "row %zu: %lld", i, (long long)position.offset);
    }
    admin->operations->close(admin);
    sink->operations->close(sink, 1000);
    stage_close(at);
    free(told_reports);
}

Test(admin, tells_the_members_of_a_group, .timeout = 90)
{
    stage *at = stage_open();
    const char *topic = stage_topic(at, 2), *name = stage_name(at, "group");
    polkai_admin *admin = stage_admin(at);
    polkai_group group = { .name = name };
    polka_error why = { 0 };
    if (!stage_can(at, CAN_DESCRIBE_GROUP)) {
        cr_assert_eq(admin->operations->groups(admin, &group, 1, &why), POLKA_MISUSE);
        cr_assert_str_eq(why.code, "not-supported", "%s", why.message);
        admin->operations->close(admin);
        stage_close(at);
        return;
    }
    told what = { 0 };
    polkai_source *source = stage_source(at, name);
    start_group(source, &what, topic);
    polkai_record got;
    for (int64_t end = now_ms() + 20000; what.assigned_now < 2 && now_ms() < end;)
        source->operations->poll(source, &got, 1, 50);
    ASSERT_OK(admin->operations->groups(admin, &group, 1, error));
    cr_assert_str_eq(group.state, "Stable");
    cr_assert_eq(group.members, 1);
    cr_assert_eq(group.assigned_partitions, 2);
    source->operations->close(source, POLKAI_CLOSE_MS);
    admin->operations->close(admin);
    stage_close(at);
}
