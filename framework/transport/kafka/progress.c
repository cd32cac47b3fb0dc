/*
 * progress.c: how far partitions and groups are. 1,500 partitions, or 500 groups, are asked for at the same time: one after the other
 * each would cost a way to the broker and back, and a connection.
 */
#include <transport/kafka/admin.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REACH_MS = POLKAI_KAFKA_REACH_MS, NEVER_MS = 3600000, GROUPS_AT_ONCE = 256 };

/* ---- who asks coordinators ------------------------------------------------------------------------ */

bool polkai_kafka_member_close(polkai_kafka_admin *self)
{
    self->stays = (self->has_member && !polkai_kafka_client_close(&self->member, INT64_MAX)) || self->stays;
    self->has_member = false;
    return !self->stays;
}

/*
 * A consumer that never joins. It is closed when answers have not come in REACH_MS, and no request of its own times out before (NEVER_MS, the
 * most there is): when one does, librdkafka 2.0.2 ends the process as soon as the coordinator is found after all (refcnt > 0 in
 * rd_kafka_enq_once_del_source_return; librdkafka#4605). It needs a group: on a handle without one that also happens when a broker
 * answers that the coordinator has moved. It has the first that is asked for, so that it needs no right of its own.
 */
static polka_status open_member(polkai_kafka_admin *self, const char *group, polka_error *error)
{
    const polkai_kafka_setting as_group[] = { { "group.id", group }, { "enable.auto.commit", "false" }, { NULL, NULL } };
    if (self->has_member)
        return POLKA_OK;
    self->member.notice = self->client.notice;
    self->member.owner = self;
    TRY(polkai_kafka_client_open(&self->member, RD_KAFKA_CONSUMER, &self->options, as_group, NULL, error));
    self->has_member = true;
    return POLKA_OK;
}

/* ---- who is in groups ----------------------------------------------------------------------------- */

static polkai_group *group_named(polkai_group *groups, size_t count, size_t likely, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(groups[(likely + i) % count].name, name) == 0)
            return &groups[(likely + i) % count];
    return NULL;
}

static void describe(polkai_group *group, const rd_kafka_ConsumerGroupDescription_t *answer)
{
    if (rd_kafka_ConsumerGroupDescription_error(answer) != NULL)
        return;
    group->told = true;
    group->state = rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(answer));
    group->members = rd_kafka_ConsumerGroupDescription_member_count(answer);
    for (size_t i = 0; i < group->members; i++) {
        const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(rd_kafka_ConsumerGroupDescription_member(answer, i));
        const rd_kafka_topic_partition_list_t *partitions = assignment == NULL ? NULL : rd_kafka_MemberAssignment_partitions(assignment);
        group->assigned_partitions += partitions == NULL ? 0 : (size_t)partitions->cnt;
    }
}

static polka_status describe_some(polkai_kafka_admin *self, polkai_group *groups, size_t count, polka_error *error)
{
    size_t answered = 0;
    TRY(open_member(self, groups[0].name, error));
    const char **names = polkai_alloc(count * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = groups[i].name;
        groups[i] = (polkai_group){ .name = names[i], .state = "Unknown" };
    }
    polkai_kafka_ask question = polkai_kafka_ask_new(self->member.handle, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, NEVER_MS);
    rd_kafka_DescribeConsumerGroups(self->member.handle, names, count, question.options, question.queue);
    polka_status status = polkai_kafka_ask_wait(self, &question, REACH_MS, "to look at groups", error);
    const rd_kafka_ConsumerGroupDescription_t **answers =
        status != POLKA_OK ? NULL : rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(question.event), &answered);
    for (size_t i = 0; i < answered; i++) {
        polkai_group *group = group_named(groups, count, i, rd_kafka_ConsumerGroupDescription_group_id(answers[i]));
        if (group != NULL)
            describe(group, answers[i]);
    }
    polkai_kafka_ask_end(&question);
    if (status != POLKA_OK)
        polkai_kafka_member_close(self);
    free(names);
    return status;
}

polka_status polkai_kafka_groups(polkai_admin *admin, polkai_group *groups, size_t count, polka_error *error)
{
    polkai_kafka_admin *self = (polkai_kafka_admin *)admin;
    TRY(polkai_kafka_admin_refuse_mock(self, "to look at groups", error));
    for (size_t at = 0; at < count; at += GROUPS_AT_ONCE)
        TRY(describe_some(self, groups + at, count - at < GROUPS_AT_ONCE ? count - at : GROUPS_AT_ONCE, error));
    return POLKA_OK;
}

/* ---- offsets of partitions ------------------------------------------------------------------------ */

/* The answer of a question that stood at `likely`: librdkafka keeps the order, but does not promise it. */
static const rd_kafka_topic_partition_t *answer_of(const rd_kafka_topic_partition_list_t *list, size_t likely, const char *topic, int32_t partition)
{
    const rd_kafka_topic_partition_t *at = likely < (size_t)list->cnt ? &list->elems[likely] : NULL;
    if (at != NULL && at->partition == partition && strcmp(at->topic, topic) == 0)
        return at;
    return rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)(uintptr_t)list, topic, partition);
}

static bool is_there(const polkai_extent *extent) { return extent->low >= 0; }

static int64_t offset_of(const rd_kafka_topic_partition_t *answer)
{
    return answer == NULL || answer->err != RD_KAFKA_RESP_ERR_NO_ERROR || answer->offset < 0 ? -1 : answer->offset;
}

/* One request a broker for the first offsets of all, or for the ends: times that mean these (RD_KAFKA_OFFSET_…). */
static rd_kafka_resp_err_t ask_bound(polkai_kafka_admin *self, polkai_extent *extents, size_t count, bool high)
{
    size_t asked = 0;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        if (is_there(&extents[i]))
            rd_kafka_topic_partition_list_add(list, extents[i].topic.data, extents[i].partition)->offset = high ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
    if (list->cnt > 0)
        code = rd_kafka_offsets_for_times(self->client.handle, list, REACH_MS);
    for (size_t i = 0; i < count && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        if (is_there(&extents[i]))
            *(high ? &extents[i].high : &extents[i].low) = offset_of(answer_of(list, asked++, extents[i].topic.data, extents[i].partition));
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* The ends last: what is deleted meanwhile cannot make a partition end before it begins. */
static rd_kafka_resp_err_t ask_bounds(polkai_kafka_admin *self, polkai_extent *extents, size_t count)
{
    rd_kafka_resp_err_t code = ask_bound(self, extents, count, false);
    return code != RD_KAFKA_RESP_ERR_NO_ERROR ? code : ask_bound(self, extents, count, true);
}

static int partitions_of(const struct rd_kafka_metadata *metadata, const char *topic)
{
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (strcmp(metadata->topics[i].topic, topic) == 0)
            return metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR ? metadata->topics[i].partition_cnt : 0;
    return 0;
}

/* One topic that was deleted a moment ago fails the question about all: so what is there now is asked for, and the rest left out. */
static polka_status leave_out(polkai_kafka_admin *self, polkai_extent *extents, size_t count, polka_error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    TRY(polkai_kafka_admin_metadata(self, &metadata, error));
    for (size_t i = 0; i < count; i++) {
        bool there = extents[i].partition < partitions_of(metadata, extents[i].topic.data);
        extents[i].low = extents[i].high = there ? 0 : -1;
    }
    rd_kafka_metadata_destroy(metadata);
    return POLKA_OK;
}

static bool is_of_one_partition(rd_kafka_resp_err_t code)
{
    return code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__TRANSPORT && code != RD_KAFKA_RESP_ERR__TIMED_OUT && code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

polka_status polkai_kafka_watermarks(polkai_admin *admin, polkai_extent *extents, size_t count, polka_error *error)
{
    polkai_kafka_admin *self = (polkai_kafka_admin *)admin;
    for (size_t i = 0; i < count; i++)
        extents[i].low = extents[i].high = 0;
    rd_kafka_resp_err_t code = ask_bounds(self, extents, count);
    if (is_of_one_partition(code)) {
        TRY(leave_out(self, extents, count, error));
        code = ask_bounds(self, extents, count);
    }
    for (size_t i = 0; i < count; i++)
        if (extents[i].low < 0 || extents[i].high < 0)
            extents[i].low = extents[i].high = -1;
    return polkai_kafka_admin_failed(self, code, "to look where partitions begin and end", NULL, error);
}

polka_status polkai_kafka_since(polkai_admin *admin, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error)
{
    polkai_kafka_admin *self = (polkai_kafka_admin *)admin;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, positions[i].topic.data, positions[i].partition)->offset = time_ms;
    polka_status status = polkai_kafka_admin_failed(self, rd_kafka_offsets_for_times(self->client.handle, list, REACH_MS), "to find offsets by time", NULL, error);
    for (size_t i = 0; i < count && status == POLKA_OK; i++) {
        const rd_kafka_topic_partition_t *answer = answer_of(list, i, positions[i].topic.data, positions[i].partition);
        status = polkai_kafka_admin_failed(self, answer->err, "to find offsets by time", NULL, error);
        positions[i].offset = answer->offset < 0 ? -1 : answer->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

/* ---- offsets of groups ---------------------------------------------------------------------------- */

static void ask_group(rd_kafka_t *handle, const polkai_progress *group, rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue)
{
    rd_kafka_AdminOptions_set_opaque(options, (void *)(uintptr_t)group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)group->count);
    for (size_t i = 0; i < group->count; i++)
        rd_kafka_topic_partition_list_add(list, group->positions[i].topic.data, group->positions[i].partition);
    rd_kafka_ListConsumerGroupOffsets_t *question = rd_kafka_ListConsumerGroupOffsets_new(group->group, list);
    rd_kafka_ListConsumerGroupOffsets(handle, &question, 1, options, queue);
    rd_kafka_ListConsumerGroupOffsets_destroy(question);
    rd_kafka_topic_partition_list_destroy(list);
}

/* The answer of a group; *offsets is in the event. */
static rd_kafka_resp_err_t error_of(rd_kafka_event_t *event, const rd_kafka_topic_partition_list_t **offsets)
{
    size_t count = 0;
    *offsets = NULL;
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return rd_kafka_event_error(event);
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
    if (count != 1)
        return RD_KAFKA_RESP_ERR__FAIL;
    const rd_kafka_error_t *failure = rd_kafka_group_result_error(groups[0]);
    *offsets = rd_kafka_group_result_partitions(groups[0]);
    return failure == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(failure);
}

static void take_offsets(const polkai_progress *group, const rd_kafka_topic_partition_list_t *offsets)
{
    for (size_t i = 0; i < group->count; i++) {
        polkai_position *position = &group->positions[i];
        const rd_kafka_topic_partition_t *answer = offsets == NULL ? NULL : answer_of(offsets, i, position->topic.data, position->partition);
        position->offset = answer == NULL || answer->offset < 0 ? RD_KAFKA_OFFSET_INVALID : answer->offset;
    }
}

static rd_kafka_resp_err_t take_answers(rd_kafka_queue_t *queue, size_t count, const char **failed)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t end_ns = polkai_kafka_now_ns() + (int64_t)REACH_MS * 1000000;
    for (size_t i = 0; i < count && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        int64_t left_ms = (end_ns - polkai_kafka_now_ns()) / 1000000;
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, left_ms > 0 ? (int)left_ms : 0);
        if (event == NULL)
            return RD_KAFKA_RESP_ERR__TIMED_OUT;
        const polkai_progress *group = rd_kafka_event_opaque(event);
        const rd_kafka_topic_partition_list_t *offsets;
        code = error_of(event, &offsets);
        *failed = group->group;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            take_offsets(group, offsets);
        rd_kafka_event_destroy(event);
    }
    return code;
}

/* All of them under way at the same time; the first that fails fails them all: *failed is its name. What is under way then still ends with the member. */
static rd_kafka_resp_err_t ask_groups(polkai_kafka_admin *self, const polkai_progress *groups, size_t count, const char **failed)
{
    polkai_kafka_ask question = polkai_kafka_ask_new(self->member.handle, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, NEVER_MS);
    *failed = groups[0].group;
    for (size_t i = 0; i < count; i++)
        ask_group(self->member.handle, &groups[i], question.options, question.queue);
    rd_kafka_resp_err_t code = take_answers(question.queue, count, failed);
    polkai_kafka_ask_end(&question);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        polkai_kafka_member_close(self);
    return code;
}

/* librdkafka leaves a coordinator that has moved, or is not there yet, to the caller, and 2.0.2 remembers where it was: a new handle does not. */
static polka_status ask_patiently(polkai_kafka_admin *self, const polkai_progress *groups, size_t count, polka_error *error)
{
    const struct timespec moment = { 0, 50 * 1000000 };
    char what[300];
    for (int64_t end_ns = polkai_kafka_now_ns() + (int64_t)REACH_MS * 1000000;; nanosleep(&moment, NULL)) {
        const char *failed;
        TRY(open_member(self, groups[0].group, error));
        rd_kafka_resp_err_t code = ask_groups(self, groups, count, &failed);
        bool moving = code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR || code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
                      code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return POLKA_OK;
        snprintf(what, sizeof what, "to read the offsets of group %s", failed);
        if (!moving || self->stays || polkai_kafka_now_ns() >= end_ns)
            return polkai_kafka_admin_failed(self, code, what, NULL, error);
    }
}

polka_status polkai_kafka_committed(polkai_admin *admin, const polkai_progress *groups, size_t count, polka_error *error)
{
    for (size_t at = 0; at < count; at += GROUPS_AT_ONCE)
        TRY(ask_patiently((polkai_kafka_admin *)admin, groups + at, count - at < GROUPS_AT_ONCE ? count - at : GROUPS_AT_ONCE, error));
    return POLKA_OK;
}
