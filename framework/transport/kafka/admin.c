/* admin.c: questions and changes that concern the cluster: its topics; how its answers are taken. Each call waits for its answer. */
#include <transport/kafka/admin.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHANGE_MS = 30000, CONFIGURED_AT_ONCE = 200 };

static const polkai_kafka_setting settings[] = {
    { "socket.connection.setup.timeout.ms", "4000" },
    { NULL, NULL },
};

/* ---- one request and its answer ------------------------------------------------------------------- */

polka_status polkai_kafka_admin_unreachable(polkai_kafka_admin *self, polka_error *error)
{
    rd_kafka_poll(self->client.handle, 0);               /* the reason may be waiting there */
    const char *reason = self->client.outage.reason;
    return polkai_fail(error, POLKA_TRANSIENT, "broker-unreachable", "no broker answers at %s%s%s%s. Is it running, and is the address right?",
                       self->client.brokers, *reason == '\0' ? "" : " (", reason, *reason == '\0' ? "" : ")");
}

polka_status polkai_kafka_admin_failed(polkai_kafka_admin *self, rd_kafka_resp_err_t code, const char *what, const char *text, polka_error *error)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return POLKA_OK;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        return polkai_kafka_admin_unreachable(self, error);
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

polkai_kafka_ask polkai_kafka_ask_new(rd_kafka_t *handle, rd_kafka_admin_op_t operation, int timeout_ms)
{
    char ignored[128];
    polkai_kafka_ask made = { rd_kafka_queue_new(handle), rd_kafka_AdminOptions_new(handle, operation), NULL };
    rd_kafka_AdminOptions_set_request_timeout(made.options, timeout_ms, ignored, sizeof ignored);
    return made;
}

polka_status polkai_kafka_ask_wait(polkai_kafka_admin *self, polkai_kafka_ask *question, int timeout_ms, const char *what, polka_error *error)
{
    question->event = rd_kafka_queue_poll(question->queue, timeout_ms + 1000);
    if (question->event == NULL)
        return polkai_kafka_admin_unreachable(self, error);
    return polkai_kafka_admin_failed(self, rd_kafka_event_error(question->event), what, rd_kafka_event_error_string(question->event), error);
}

void polkai_kafka_ask_end(polkai_kafka_ask *question)
{
    rd_kafka_event_destroy(question->event);
    rd_kafka_AdminOptions_destroy(question->options);
    rd_kafka_queue_destroy(question->queue);
}

polka_status polkai_kafka_admin_refuse_mock(polkai_kafka_admin *self, const char *what, polka_error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(self->client.handle, 0, NULL, &metadata, POLKAI_KAFKA_REACH_MS);
    TRY(polkai_kafka_admin_failed(self, code, what, NULL, error));          /* so that nobody waits CHANGE_MS for a broker that is not there */
    rd_kafka_metadata_destroy(metadata);
    char *cluster = rd_kafka_clusterid(self->client.handle, POLKAI_KAFKA_REACH_MS);
    bool mock = cluster != NULL && strncmp(cluster, "mockCluster", 11) == 0;
    rd_kafka_mem_free(self->client.handle, cluster);
    return mock ? polkai_kafka_admin_failed(self, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, what, NULL, error) : POLKA_OK;
}

/* ---- topics --------------------------------------------------------------------------------------- */

polka_status polkai_kafka_admin_metadata(polkai_kafka_admin *self, const struct rd_kafka_metadata **metadata, polka_error *error)
{
    rd_kafka_resp_err_t code = rd_kafka_metadata(self->client.handle, 1, NULL, metadata, POLKAI_KAFKA_REACH_MS);
    return polkai_kafka_admin_failed(self, code, "to list the topics", NULL, error);
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
static polka_status configurations_of(polkai_kafka_admin *self, polkai_topic *topics, size_t count, polka_error *error)
{
    rd_kafka_ConfigResource_t **resources = polkai_alloc(count * sizeof(rd_kafka_ConfigResource_t *));
    for (size_t i = 0; i < count; i++)
        resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i].name);
    polkai_kafka_ask question = polkai_kafka_ask_new(self->client.handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, CHANGE_MS);
    rd_kafka_DescribeConfigs(self->client.handle, resources, count, question.options, question.queue);
    polka_status status = polkai_kafka_ask_wait(self, &question, CHANGE_MS, "to read the settings of topics", error);
    if (status == POLKA_OK) {
        size_t answered;
        const rd_kafka_ConfigResource_t **answers =
            rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(question.event), &answered);
        for (size_t i = 0; i < answered; i++)
            for (size_t j = 0; j < count; j++)
                if (strcmp(topics[j].name, rd_kafka_ConfigResource_name(answers[i])) == 0)
                    read_configuration(&topics[j], answers[i]);
    }
    polkai_kafka_ask_end(&question);
    rd_kafka_ConfigResource_destroy_array(resources, count);
    free(resources);
    return status;
}

static polka_status kafka_topics(polkai_admin *admin, polkai_topic **topics, size_t *count, polka_error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    TRY(polkai_kafka_admin_metadata((polkai_kafka_admin *)admin, &metadata, error));
    *topics = list_topics(metadata, count);
    rd_kafka_metadata_destroy(metadata);
    return POLKA_OK;
}

/* What is configured. A broker that cannot tell (the mock) leaves "the broker's default"; any other failure is one, as a guess would plan wrong. */
static polka_status kafka_settings(polkai_admin *admin, polkai_topic *topics, size_t count, polka_error *error)
{
    polkai_kafka_admin *self = (polkai_kafka_admin *)admin;
    polka_error mock = { 0 };
    if (polkai_kafka_admin_refuse_mock(self, "to read the settings of topics", &mock) != POLKA_OK)
        return strcmp(mock.code, "not-supported") == 0 ? POLKA_OK : polkai_fail(error, mock.status, mock.code, "%s", mock.message);
    for (size_t at = 0; at < count; at += CONFIGURED_AT_ONCE)
        TRY(configurations_of(self, topics + at, count - at < CONFIGURED_AT_ONCE ? count - at : CONFIGURED_AT_ONCE, error));
    return POLKA_OK;
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

static polka_status created(polkai_kafka_admin *self, const rd_kafka_event_t *event, const char *what, polka_error *error)
{
    size_t count;
    const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result((rd_kafka_event_t *)event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            TRY(polkai_kafka_admin_failed(self, code, what, rd_kafka_topic_result_error_string(results[i]), error));
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
static bool is_served(polkai_kafka_admin *self, const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_END;
    bool served = partitions > 0 && rd_kafka_offsets_for_times(self->client.handle, list, POLKAI_KAFKA_REACH_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int p = 0; p < partitions; p++)
        served = served && list->elems[p].err == RD_KAFKA_RESP_ERR_NO_ERROR && list->elems[p].offset >= 0;
    rd_kafka_topic_partition_list_destroy(list);
    return served;
}

/* The controller answers before the brokers know: whoever uses the topic next would be told that it is not there. */
static void wait_until_usable(polkai_kafka_admin *self, const char *topic)
{
    const struct timespec moment = { .tv_nsec = 5000000 };
    for (int64_t end = polkai_kafka_now_ns() + (int64_t)POLKAI_KAFKA_REACH_MS * 1000000; polkai_kafka_now_ns() < end; nanosleep(&moment, NULL)) {
        const struct rd_kafka_metadata *metadata = NULL;
        if (rd_kafka_metadata(self->client.handle, 1, NULL, &metadata, POLKAI_KAFKA_REACH_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        int partitions = led_partitions(metadata, topic);
        rd_kafka_metadata_destroy(metadata);
        if (is_served(self, topic, partitions))
            return;
    }
}

static polka_status kafka_create(polkai_admin *admin, const polkai_topic *topic, polka_error *error)
{
    polkai_kafka_admin *self = (polkai_kafka_admin *)admin;
    char text[256], what[300];
    snprintf(what, sizeof what, "to create topic %s", topic->name);
    TRY(polkai_kafka_admin_refuse_mock(self, what, error));
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic->name, topic->partitions, topic->replication, text, sizeof text);
    ENSURE(made != NULL, POLKA_MISUSE, error, "bad-topic", "topic %.100s: %s", topic->name, text);
    configure(made, topic);
    polkai_kafka_ask question = polkai_kafka_ask_new(self->client.handle, RD_KAFKA_ADMIN_OP_CREATETOPICS, CHANGE_MS);
    rd_kafka_AdminOptions_set_operation_timeout(question.options, CHANGE_MS - 5000, text, sizeof text);
    rd_kafka_CreateTopics(self->client.handle, &made, 1, question.options, question.queue);
    polka_status status = polkai_kafka_ask_wait(self, &question, CHANGE_MS, what, error);
    if (status == POLKA_OK)
        status = created(self, question.event, what, error);
    if (status == POLKA_OK)
        wait_until_usable(self, topic->name);
    polkai_kafka_ask_end(&question);
    rd_kafka_NewTopic_destroy(made);
    return status;
}

/* ---- open and close ------------------------------------------------------------------------------- */

static void notice(void *owner, polka_status status, const char *message)
{
    (void)owner, (void)status, (void)message;            /* each call answers for itself */
}

static void kafka_close(polkai_admin *admin)
{
    polkai_kafka_admin *self = (polkai_kafka_admin *)admin;
    bool ended = polkai_kafka_member_close(self);
    if (polkai_kafka_client_close(&self->client, INT64_MAX) && ended)
        free(self);
}

static const polkai_admin_operations operations = {
    kafka_topics, kafka_settings, kafka_create, polkai_kafka_groups, polkai_kafka_watermarks, polkai_kafka_committed, polkai_kafka_since, kafka_close,
};

polka_status polkai_kafka_admin_open(polkai_admin **admin, const polkai_kafka_options *options, polka_error *error)
{
    polkai_kafka_admin *self = polkai_alloc(sizeof *self);
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
