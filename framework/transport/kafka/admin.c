/* admin.c: questions and changes that concern the cluster: topics, groups, offsets. Each call waits for its answer. */
#include <transport/kafka/client.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REACH_MS = 4000, CHANGE_MS = 30000, CONFIGURED_AT_ONCE = 200 };         /* the CLI gives up within 5 s when no broker is there */

typedef struct {
    polkai_admin admin;                  /* first: the seam */
    polkai_kafka_client client;
    polkai_kafka_options options;
    polkai_kafka_client member;          /* open for the group whose offsets were asked for last */
    char *group;                         /* NULL: not open */
} kafka_admin;

static const polkai_kafka_setting settings[] = {
    { "socket.connection.setup.timeout.ms", "4000" },
    { NULL, NULL },
};

/* ---- one request and its answer ------------------------------------------------------------------- */

static polka_status unreachable(kafka_admin *self, polka_error *error)
{
    rd_kafka_poll(self->client.handle, 0);               /* the reason may be waiting there */
    const char *reason = self->client.outage.reason;
    return polkai_fail(error, POLKA_TRANSIENT, "broker-unreachable", "no broker answers at %s%s%s%s. Is it running, and is the address right?",
                       self->client.brokers, *reason == '\0' ? "" : " (", reason, *reason == '\0' ? "" : ")");
}

static polka_status failed(kafka_admin *self, rd_kafka_resp_err_t code, const char *what, const char *text, polka_error *error)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return POLKA_OK;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        return unreachable(self, error);
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
        return polkai_fail(error, POLKA_MISUSE, "not-supported", "%s: the broker at %s is librdkafka's mock, which does not do that; `polka dev` makes the topics of the project when it starts it", what, self->client.brokers);
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
        return polkai_fail(error, POLKA_TRANSIENT, rd_kafka_err2name(code), "%s: %s", what, text == NULL ? rd_kafka_err2str(code) : text);
    default:
        return polkai_fail(error, POLKA_MISUSE, rd_kafka_err2name(code), "%s: %s", what, text == NULL ? rd_kafka_err2str(code) : text);
    }
}

/* A queue for one answer, and the answer. */
typedef struct { rd_kafka_queue_t *queue; rd_kafka_AdminOptions_t *options; rd_kafka_event_t *event; } ask;

static ask ask_new(kafka_admin *self, rd_kafka_admin_op_t operation, int timeout_ms)
{
    char ignored[128];
    ask made = { rd_kafka_queue_new(self->client.handle), rd_kafka_AdminOptions_new(self->client.handle, operation), NULL };
    rd_kafka_AdminOptions_set_request_timeout(made.options, timeout_ms, ignored, sizeof ignored);
    return made;
}

static polka_status ask_wait(kafka_admin *self, ask *question, int timeout_ms, const char *what, polka_error *error)
{
    question->event = rd_kafka_queue_poll(question->queue, timeout_ms + 1000);
    if (question->event == NULL)
        return unreachable(self, error);
    return failed(self, rd_kafka_event_error(question->event), what, rd_kafka_event_error_string(question->event), error);
}

static void ask_end(ask *question)
{
    rd_kafka_event_destroy(question->event);
    rd_kafka_AdminOptions_destroy(question->options);
    rd_kafka_queue_destroy(question->queue);
}

/*
 * librdkafka's mock broker takes none of these requests, and 2.0.2 stops the process when it is asked for a group. It
 * calls its cluster mockCluster and a number; a real one has 22 characters of base64.
 */
static polka_status refuse_mock(kafka_admin *self, const char *what, polka_error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(self->client.handle, 0, NULL, &metadata, REACH_MS);
    TRY(failed(self, code, what, NULL, error));          /* so that nobody waits CHANGE_MS for a broker that is not there */
    rd_kafka_metadata_destroy(metadata);
    char *cluster = rd_kafka_clusterid(self->client.handle, REACH_MS);
    bool mock = cluster != NULL && strncmp(cluster, "mockCluster", 11) == 0;
    rd_kafka_mem_free(self->client.handle, cluster);
    return mock ? failed(self, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, what, NULL, error) : POLKA_OK;
}

/* ---- topics --------------------------------------------------------------------------------------- */

static polka_status metadata_of(kafka_admin *self, const struct rd_kafka_metadata **metadata, polka_error *error)
{
    rd_kafka_resp_err_t code = rd_kafka_metadata(self->client.handle, 1, NULL, metadata, REACH_MS);
    return failed(self, code, "to list the topics", NULL, error);
}

static bool is_internal(const char *topic)
{
    return strncmp(topic, "__", 2) == 0;                 /* __consumer_offsets, __transaction_state, __share_group_state */
}

static polkai_topic *list_topics(const struct rd_kafka_metadata *metadata, size_t *count)
{
    size_t bytes = sizeof(polkai_topic);
    *count = 0;
    for (int i = 0; i < metadata->topic_cnt; i++)
        bytes += sizeof(polkai_topic) + strlen(metadata->topics[i].topic) + 1;
    polkai_topic *topics = polkai_alloc(bytes);
    char *at = (char *)(topics + metadata->topic_cnt + 1);
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
        if (is_internal(topic->topic) || topic->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        size_t size = strlen(topic->topic) + 1;
        topics[(*count)++] = (polkai_topic){
            .name = memcpy(at, topic->topic, size), .partitions = topic->partition_cnt, .retention_ms = -2, .max_message_bytes = -1,
            .replication = topic->partition_cnt > 0 ? topic->partitions[0].replica_cnt : -1 };
        at += size;
    }
    return topics;
}

static void read_configuration(polkai_topic *topic, const rd_kafka_ConfigResource_t *resource)
{
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]), *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (value == NULL)
            continue;
        if (strcmp(name, "retention.ms") == 0)
            topic->retention_ms = strtoll(value, NULL, 10);
        else if (strcmp(name, "max.message.bytes") == 0)
            topic->max_message_bytes = strtoll(value, NULL, 10);
        else if (strcmp(name, "cleanup.policy") == 0)
            topic->compacted = strstr(value, "compact") != NULL;
    }
}

/* The settings of some topics, which are neighbours: an answer is looked for among them only. */
static polka_status configurations_of(kafka_admin *self, polkai_topic *topics, size_t count, polka_error *error)
{
    rd_kafka_ConfigResource_t **resources = polkai_alloc(count * sizeof(rd_kafka_ConfigResource_t *));
    for (size_t i = 0; i < count; i++)
        resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i].name);
    ask question = ask_new(self, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, CHANGE_MS);
    rd_kafka_DescribeConfigs(self->client.handle, resources, count, question.options, question.queue);
    polka_status status = ask_wait(self, &question, CHANGE_MS, "to read the settings of topics", error);
    if (status == POLKA_OK) {
        size_t answered;
        const rd_kafka_ConfigResource_t **answers =
            rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(question.event), &answered);
        for (size_t i = 0; i < answered; i++)
            for (size_t j = 0; j < count; j++)
                if (strcmp(topics[j].name, rd_kafka_ConfigResource_name(answers[i])) == 0)
                    read_configuration(&topics[j], answers[i]);
    }
    ask_end(&question);
    rd_kafka_ConfigResource_destroy_array(resources, count);
    free(resources);
    return status;
}

/* What is configured. A broker that cannot tell (the mock) leaves "the broker's default"; any other failure is one, as a guess would plan wrong. */
static polka_status configurations(kafka_admin *self, polkai_topic *topics, size_t count, polka_error *error)
{
    polka_error mock = { 0 };
    if (refuse_mock(self, "to read the settings of topics", &mock) != POLKA_OK)
        return strcmp(mock.code, "not-supported") == 0 ? POLKA_OK : polkai_fail(error, mock.status, mock.code, "%s", mock.message);
    for (size_t at = 0; at < count; at += CONFIGURED_AT_ONCE)
        TRY(configurations_of(self, topics + at, count - at < CONFIGURED_AT_ONCE ? count - at : CONFIGURED_AT_ONCE, error));
    return POLKA_OK;
}

static polka_status kafka_topics(polkai_admin *admin, polkai_topic **topics, size_t *count, polka_error *error)
{
    kafka_admin *self = (kafka_admin *)admin;
    const struct rd_kafka_metadata *metadata = NULL;
    TRY(metadata_of(self, &metadata, error));
    *topics = list_topics(metadata, count);
    rd_kafka_metadata_destroy(metadata);
    polka_status status = configurations(self, *topics, *count, error);
    if (status != POLKA_OK) {
        free(*topics);
        *topics = NULL;
        *count = 0;
    }
    return status;
}

static void configure(rd_kafka_NewTopic_t *made, const polkai_topic *topic)
{
    char number[32];
    if (topic->compacted)
        rd_kafka_NewTopic_set_config(made, "cleanup.policy", "compact");
    if (topic->retention_ms >= -1) {
        snprintf(number, sizeof number, "%" PRId64, topic->retention_ms);
        rd_kafka_NewTopic_set_config(made, "retention.ms", number);
    }
    if (topic->max_message_bytes >= 0) {
        snprintf(number, sizeof number, "%" PRId64, topic->max_message_bytes);
        rd_kafka_NewTopic_set_config(made, "max.message.bytes", number);
    }
}

static polka_status created(kafka_admin *self, const rd_kafka_event_t *event, const char *what, polka_error *error)
{
    size_t count;
    const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result((rd_kafka_event_t *)event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            TRY(failed(self, code, what, rd_kafka_topic_result_error_string(results[i]), error));
    }
    return POLKA_OK;
}

/* Partitions of a topic with a leader; 0: not all of them have one. */
static int led_partitions(const struct rd_kafka_metadata *metadata, const char *topic)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *found = &metadata->topics[i];
        if (strcmp(found->topic, topic) != 0)
            continue;
        bool led = found->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        for (int p = 0; p < found->partition_cnt; p++)
            led = led && found->partitions[p].leader >= 0;
        return led ? found->partition_cnt : 0;
    }
    return 0;
}

/* The leaders know that they lead: they answer for their offsets. */
static bool is_served(kafka_admin *self, const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_END;
    bool served = partitions > 0 && rd_kafka_offsets_for_times(self->client.handle, list, REACH_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int p = 0; p < partitions; p++)
        served = served && list->elems[p].err == RD_KAFKA_RESP_ERR_NO_ERROR && list->elems[p].offset >= 0;
    rd_kafka_topic_partition_list_destroy(list);
    return served;
}

/* The controller answers before the brokers know: whoever uses the topic next would be told that it is not there. */
static void wait_until_usable(kafka_admin *self, const char *topic)
{
    const struct timespec moment = { .tv_nsec = 5000000 };
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)REACH_MS * 1000000; polkai_kafka_now_ns() < end; nanosleep(&moment, NULL)) {
        const struct rd_kafka_metadata *metadata = NULL;
        if (rd_kafka_metadata(self->client.handle, 1, NULL, &metadata, REACH_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        int partitions = led_partitions(metadata, topic);
        rd_kafka_metadata_destroy(metadata);
        if (is_served(self, topic, partitions))
            return;
    }
}

static polka_status kafka_create(polkai_admin *admin, const polkai_topic *topic, polka_error *error)
{
    kafka_admin *self = (kafka_admin *)admin;
    char text[256], what[300];
    snprintf(what, sizeof what, "to create topic %s", topic->name);
    TRY(refuse_mock(self, what, error));
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic->name, topic->partitions, topic->replication, text, sizeof text);
    ENSURE(made != NULL, POLKA_MISUSE, error, "bad-topic", "topic %.100s: %s", topic->name, text);
    configure(made, topic);
    ask question = ask_new(self, RD_KAFKA_ADMIN_OP_CREATETOPICS, CHANGE_MS);
    rd_kafka_AdminOptions_set_operation_timeout(question.options, CHANGE_MS - 5000, text, sizeof text);
    rd_kafka_CreateTopics(self->client.handle, &made, 1, question.options, question.queue);
    polka_status status = ask_wait(self, &question, CHANGE_MS, what, error);
    if (status == POLKA_OK)
        status = created(self, question.event, what, error);
    if (status == POLKA_OK)
        wait_until_usable(self, topic->name);
    ask_end(&question);
    rd_kafka_NewTopic_destroy(made);
    return status;
}

/* ---- groups and offsets --------------------------------------------------------------------------- */

static polka_status described(kafka_admin *self, const rd_kafka_event_t *event, const char *what, polkai_group *group, polka_error *error)
{
    size_t count;
    const rd_kafka_ConsumerGroupDescription_t **answers =
        rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result((rd_kafka_event_t *)event), &count);
    ENSURE(count == 1, POLKA_TRANSIENT, error, "no-answer", "%s: the broker did not answer", what);
    const rd_kafka_error_t *failure = rd_kafka_ConsumerGroupDescription_error(answers[0]);
    if (failure != NULL)
        TRY(failed(self, rd_kafka_error_code(failure), what, rd_kafka_error_string(failure), error));
    group->state = rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(answers[0]));
    group->members = rd_kafka_ConsumerGroupDescription_member_count(answers[0]);
    for (size_t i = 0; i < group->members; i++) {
        const rd_kafka_MemberDescription_t *member = rd_kafka_ConsumerGroupDescription_member(answers[0], i);
        const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(member);
        const rd_kafka_topic_partition_list_t *partitions = assignment == NULL ? NULL : rd_kafka_MemberAssignment_partitions(assignment);
        group->assigned_partitions += partitions == NULL ? 0 : (size_t)partitions->cnt;
    }
    return POLKA_OK;
}

static polka_status kafka_group(polkai_admin *admin, const char *name, polkai_group *group, polka_error *error)
{
    kafka_admin *self = (kafka_admin *)admin;
    char what[300];
    snprintf(what, sizeof what, "to look at group %s", name);
    TRY(refuse_mock(self, what, error));
    *group = (polkai_group){ .name = name, .state = "Unknown" };
    ask question = ask_new(self, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, REACH_MS);
    rd_kafka_DescribeConsumerGroups(self->client.handle, &name, 1, question.options, question.queue);
    polka_status status = ask_wait(self, &question, REACH_MS, what, error);
    if (status == POLKA_OK)
        status = described(self, question.event, what, group, error);
    ask_end(&question);
    return status;
}

static polka_status kafka_watermarks(polkai_admin *admin, const char *topic, int32_t partition, int64_t *low, int64_t *high, polka_error *error)
{
    kafka_admin *self = (kafka_admin *)admin;
    char what[300];
    snprintf(what, sizeof what, "to look at %s/%d", topic, partition);
    return failed(self, rd_kafka_query_watermark_offsets(self->client.handle, topic, partition, low, high, REACH_MS), what, NULL, error);
}

/*
 * As a consumer of the group that never joins it. ListConsumerGroupOffsets on a handle without a group ends the process in
 * librdkafka 2.0.2 when a broker answers that the coordinator has moved (it asks its own group for the new one, and has none).
 */
static polka_status member_of(kafka_admin *self, const char *group, polka_error *error)
{
    const polkai_kafka_setting as_group[] = { { "group.id", group }, { "enable.auto.commit", "false" },
                                              { "isolation.level", "read_uncommitted" },   /* else it waits for the end of a transaction with offsets */
                                              { NULL, NULL } };
    if (self->group != NULL && strcmp(self->group, group) == 0)
        return POLKA_OK;
    if (self->group != NULL)
        polkai_kafka_client_close(&self->member, INT64_MAX);
    free(self->group);
    self->group = NULL;
    self->member.notice = self->client.notice;
    self->member.owner = self;
    TRY(polkai_kafka_client_open(&self->member, RD_KAFKA_CONSUMER, &self->options, as_group, NULL, error));
    self->group = polkai_strdup(group);
    return POLKA_OK;
}

/* librdkafka looks for a coordinator that has moved, but leaves asking it to the caller (2.15.1, on a broker made a moment ago). */
static rd_kafka_resp_err_t committed_of(rd_kafka_t *handle, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code;
    struct timespec moment = { 0, 50 * 1000000 };
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)REACH_MS * 1000000;; nanosleep(&moment, NULL)) {
        code = rd_kafka_committed(handle, list, REACH_MS);
        bool moving = code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR || code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
        if (!moving || polkai_kafka_now_ns() >= end)
            return code;
    }
}

static polka_status kafka_committed(polkai_admin *admin, const char *group, polkai_position *positions, size_t count, polka_error *error)
{
    kafka_admin *self = (kafka_admin *)admin;
    char what[300];
    snprintf(what, sizeof what, "to read the offsets of group %s", group);
    TRY(member_of(self, group, error));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, positions[i].topic.data, positions[i].partition);
    polka_status status = failed(self, committed_of(self->member.handle, list), what, NULL, error);
    for (size_t i = 0; i < count && status == POLKA_OK; i++)
        positions[i].offset = list->elems[i].offset < 0 ? RD_KAFKA_OFFSET_INVALID : list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static polka_status kafka_since(polkai_admin *admin, int64_t time_ms, polkai_position *positions, size_t count, polka_error *error)
{
    kafka_admin *self = (kafka_admin *)admin;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, positions[i].topic.data, positions[i].partition)->offset = time_ms;
    polka_status status = failed(self, rd_kafka_offsets_for_times(self->client.handle, list, REACH_MS), "to find offsets by time", NULL, error);
    for (size_t i = 0; i < count && status == POLKA_OK; i++) {
        const rd_kafka_topic_partition_t *answer = rd_kafka_topic_partition_list_find(list, positions[i].topic.data, positions[i].partition);
        status = failed(self, answer->err, "to find offsets by time", NULL, error);
        positions[i].offset = answer->offset < 0 ? -1 : answer->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

/* ---- open and close ------------------------------------------------------------------------------- */

static void notice(void *owner, polka_status status, const char *message)
{
    (void)owner, (void)status, (void)message;            /* each call answers for itself */
}

static void kafka_close(polkai_admin *admin)
{
    kafka_admin *self = (kafka_admin *)admin;
    bool ended = self->group == NULL || polkai_kafka_client_close(&self->member, INT64_MAX);
    free(self->group);
    if (polkai_kafka_client_close(&self->client, INT64_MAX) && ended)
        free(self);
}

static const polkai_admin_operations operations = {
    kafka_topics, kafka_create, kafka_group, kafka_watermarks, kafka_committed, kafka_since, kafka_close,
};

polka_status polkai_kafka_admin_open(polkai_admin **admin, const polkai_kafka_options *options, polka_error *error)
{
    kafka_admin *self = polkai_alloc(sizeof *self);
    self->admin.operations = &operations;
    self->client.notice = notice;
    self->client.owner = self;
    self->options = *options;
    polka_status status = polkai_kafka_client_open(&self->client, RD_KAFKA_PRODUCER, options, settings, NULL, error);
    if (status != POLKA_OK) {
        free(self);
        return status;
    }
    *admin = &self->admin;
    return POLKA_OK;
}
