/* line.c: who goes when. See line.h for why anybody waits. */
#include <transport/kafka/line.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

/* What the broker counts beside the bytes themselves: at most so much a batch, a record, a header. */
enum { BATCH_OVERHEAD = 96, RECORD_OVERHEAD = 40, HEADER_OVERHEAD = 10, MOST_WAITING = 1000000, ASK_MS = 5000, HOLD_MS = 500 };

struct polkai_kafka_waiting {
    polkai_kafka_waiting *next;
    void *cookie;
    size_t bytes;                        /* as the broker counts them */
    bool refused;                        /* for its size, or that of its batch */
    polkai_record record;                /* key and headers are its own, the value stays the sender's */
};

/* ---- one that waits ------------------------------------------------------------------------------- */

static size_t bytes_of(const polkai_record *record)
{
    size_t bytes = RECORD_OVERHEAD + record->key.size + record->value.size;
    for (size_t i = 0; i < record->header_count; i++)
        bytes += HEADER_OVERHEAD + record->headers[i].name.size + record->headers[i].value.size;
    return bytes;
}

static polkai_kafka_waiting *wait_with(polkai_kafka_topic *topic, const polkai_record *record, void *cookie)
{
    polkai_kafka_waiting *one = polkai_alloc(sizeof *one);
    *one = (polkai_kafka_waiting){ .cookie = cookie, .bytes = bytes_of(record), .record = *record };
    one->record.topic = topic->name;
    one->record.value = (polka_bytes){ 0, NULL };
    one->record.release = NULL;
    polkai_record_keep(&one->record);
    one->record.value = record->value;
    return one;
}

static void forget(polkai_kafka_waiting *one)
{
    polkai_record_release(&one->record);
    free(one);
}

/* Puts `one` behind `after`, NULL: at the head. */
static void insert(polkai_kafka_queue *queue, polkai_kafka_waiting *after, polkai_kafka_waiting *one)
{
    polkai_kafka_waiting **place = after == NULL ? &queue->first : &after->next;
    one->next = *place;
    *place = one;
    if (one->next == NULL)
        queue->last = one;
}

static polkai_kafka_waiting *take_first(polkai_kafka_queue *queue)
{
    polkai_kafka_waiting *one = queue->first;
    queue->first = one->next;
    if (queue->first == NULL)
        queue->last = NULL;
    return one;
}

/* ---- limits --------------------------------------------------------------------------------------- */

static void ask(polkai_kafka_lines *lines, polkai_kafka_topic *topic)
{
    char text[8];
    rd_kafka_ConfigResource_t *what = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic->name.data);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(lines->handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_AdminOptions_set_request_timeout(options, ASK_MS, text, sizeof text);
    rd_kafka_AdminOptions_set_opaque(options, topic);
    topic->asked_ns = polkai_kafka_now_ns();
    rd_kafka_DescribeConfigs(lines->handle, &what, 1, options, lines->answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(what);
}

/* What the answer says of max.message.bytes; 0: nothing. */
static size_t limit_in(const rd_kafka_event_t *answer)
{
    size_t count = 0, entries = 0;
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)(uintptr_t)answer);
    const rd_kafka_ConfigResource_t **resources = result == NULL ? NULL : rd_kafka_DescribeConfigs_result_resources(result, &count);
    if (count != 1 || rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    const rd_kafka_ConfigEntry_t **entry = rd_kafka_ConfigResource_configs(resources[0], &entries);
    for (size_t i = 0; i < entries; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entry[i]), "max.message.bytes") == 0 && rd_kafka_ConfigEntry_value(entry[i]) != NULL)
            return strtoul(rd_kafka_ConfigEntry_value(entry[i]), NULL, 10);
    return 0;
}

static void take_answers(polkai_kafka_lines *lines)
{
    for (rd_kafka_event_t *answer; (answer = rd_kafka_queue_poll(lines->answers, 0)) != NULL; rd_kafka_event_destroy(answer)) {
        polkai_kafka_topic *topic = rd_kafka_event_opaque(answer);
        size_t limit = limit_in(answer);
        if (topic == NULL)
            continue;
        topic->asked_ns = 0;
        if (limit > BATCH_OVERHEAD && limit < lines->batch_bytes + BATCH_OVERHEAD)
            topic->budget_bytes = limit - BATCH_OVERHEAD;
    }
}

static void take_fresh(polkai_kafka_lines *lines)
{
    for (polkai_kafka_topic *at = atomic_exchange(&lines->fresh, NULL), *next; at != NULL; at = next) {
        next = at->next_lined;
        at->next_lined = lines->lined;
        lines->lined = at;
    }
}

/* ---- the line ------------------------------------------------------------------------------------- */

void polkai_kafka_lines_init(polkai_kafka_lines *lines, rd_kafka_t *handle, bool ask_for_limits)
{
    char text[24] = "1000000";
    lines->asks = ask_for_limits;
    polkai_kafka_lines_attach(lines, handle);
    rd_kafka_conf_get(rd_kafka_conf(handle), "batch.size", text, &(size_t){ sizeof text });
    lines->batch_bytes = strtoul(text, NULL, 10);
    pthread_mutex_init(&lines->lock, NULL);
}

void polkai_kafka_lines_attach(polkai_kafka_lines *lines, rd_kafka_t *handle)
{
    lines->handle = handle;
    if (!lines->asks)
        return;
    take_fresh(lines);
    lines->answers = rd_kafka_queue_new(handle);
    for (polkai_kafka_topic *at = lines->lined; at != NULL; at = at->next_lined)
        if (at->asked_ns != 0)           /* that answer will not come any more */
            ask(lines, at);
}

void polkai_kafka_lines_detach(polkai_kafka_lines *lines)
{
    if (lines->answers != NULL)
        rd_kafka_queue_destroy(lines->answers);
    lines->answers = NULL;
}

void polkai_kafka_lines_deinit(polkai_kafka_lines *lines)
{
    polkai_kafka_lines_detach(lines);
    pthread_mutex_destroy(&lines->lock);
}

void polkai_kafka_line_begin(polkai_kafka_lines *lines, polkai_kafka_topic *topic)
{
    topic->budget_bytes = SIZE_MAX;
    if (!lines->asks)
        return;
    atomic_store(&topic->lined, true);
    ask(lines, topic);
    polkai_kafka_topic *head = atomic_load(&lines->fresh);
    do
        topic->next_lined = head;
    while (!atomic_compare_exchange_weak(&lines->fresh, &head, topic));
}

polka_status polkai_kafka_line_join(polkai_kafka_lines *lines, polkai_kafka_topic *topic, const polkai_record *record, void *cookie, bool *joined,
                                    polka_error *error)
{
    *joined = atomic_load_explicit(&topic->lined, memory_order_relaxed);
    if (!*joined)
        return POLKA_OK;
    ENSURE(atomic_load(&topic->waiting_count) < MOST_WAITING, POLKA_TRANSIENT, error, "_QUEUE_FULL", "%d records wait for topic %.*s already; "
           "the broker is slower than this program", MOST_WAITING, TEXT(topic->name));
    polkai_kafka_waiting *one = wait_with(topic, record, cookie);
    pthread_mutex_lock(&lines->lock);
    *joined = atomic_load_explicit(&topic->lined, memory_order_relaxed);
    if (*joined) {
        insert(&topic->line, topic->line.last, one);
        atomic_fetch_add(&topic->waiting_count, 1);
    }
    pthread_mutex_unlock(&lines->lock);
    if (!*joined)
        forget(one);
    return POLKA_OK;
}

static void read_headers(const rd_kafka_message_t *message, polka_arena *arena, polkai_record *record)
{
    rd_kafka_headers_t *all;
    if (rd_kafka_message_headers(message, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    record->header_count = rd_kafka_header_cnt(all);
    polkai_header *headers = polka_arena_alloc(arena, (record->header_count + 1) * sizeof *headers);
    for (size_t i = 0; i < record->header_count; i++) {
        const char *name = NULL;
        const void *value = NULL;
        size_t size = 0;
        rd_kafka_header_get_all(all, i, &name, &value, &size);
        headers[i] = (polkai_header){ polka_text_of(name), { size, value } };
    }
    record->headers = headers;
}

void polkai_kafka_line_again(polkai_kafka_lines *lines, const rd_kafka_message_t *message, bool for_size)
{
    polkai_kafka_topic *topic = rd_kafka_topic_opaque(message->rkt);
    polka_arena arena AUTO(polkai_arena_deinit) = { 0 };
    polkai_record record = { .partition = message->partition, .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
                             .key = { message->key_len, message->key }, .value = { message->len, message->payload } };
    read_headers(message, &arena, &record);
    polkai_kafka_waiting *one = wait_with(topic, &record, message->_private);
    insert(&topic->again, topic->again_at, one);
    topic->again_at = one;
    one->refused = for_size;
    topic->refused_count += for_size;
    topic->refused_bytes += for_size ? one->bytes : 0;
    atomic_fetch_add(&topic->waiting_count, 1);
    if (atomic_load(&topic->lined))
        return;
    atomic_store(&topic->lined, true);
    topic->next_lined = lines->lined;
    lines->lined = topic;
}

/* ---- a turn --------------------------------------------------------------------------------------- */

static polkai_kafka_queue *next_queue(polkai_kafka_lines *lines, polkai_kafka_topic *topic)
{
    pthread_mutex_lock(&lines->lock);
    polkai_kafka_queue *queue = topic->again.first != NULL ? &topic->again : topic->line.first != NULL ? &topic->line : NULL;
    pthread_mutex_unlock(&lines->lock);
    return queue;                        /* its first stays the first: only this thread takes */
}

static void leave(polkai_kafka_lines *lines, polkai_kafka_topic *topic, polkai_kafka_queue *queue)
{
    pthread_mutex_lock(&lines->lock);
    polkai_kafka_waiting *one = take_first(queue);
    pthread_mutex_unlock(&lines->lock);
    atomic_fetch_sub(&topic->waiting_count, 1);
    forget(one);
}

static void tell(polkai_kafka_lines *lines, const polkai_kafka_waiting *one, polka_status status, const char *code, const char *message)
{
    if (lines->report != NULL)
        lines->report(lines->owner, &(polkai_report){ .cookie = one->cookie, .status = status, .partition = -1, .offset = -1001, .code = code,
                                                      .message = message });
}

/* true: the first has left the queue. */
static bool hand_over_first(polkai_kafka_lines *lines, polkai_kafka_topic *topic, polkai_kafka_queue *queue)
{
    polka_error error;
    polkai_kafka_waiting *one = queue->first;
    polka_status status = lines->hand_over(lines->owner, topic, &one->record, one->cookie, &error);
    if (status == POLKA_TRANSIENT && (queue == &topic->line || strcmp(error.code, "_QUEUE_FULL") == 0))
        return false;
    if (status != POLKA_OK)
        tell(lines, one, status, error.code, error.message);
    topic->window_bytes += one->bytes;
    leave(lines, topic, queue);
    return true;
}

/* The only one refused had no company in its batch: it is too large by itself. */
static void refuse_it(polkai_kafka_lines *lines, polkai_kafka_topic *topic)
{
    polkai_kafka_waiting *before = NULL, *one = topic->again.first;
    for (; !one->refused; one = one->next)
        before = one;
    *(before == NULL ? &topic->again.first : &before->next) = one->next;
    if (topic->again.last == one)
        topic->again.last = before;
    atomic_fetch_sub(&topic->waiting_count, 1);
    tell(lines, one, POLKA_POISON, "MSG_SIZE_TOO_LARGE", "larger than the topic takes (max.message.bytes)");
    forget(one);
}

/* Nothing is under way. What was refused since it was so last, is judged now that all of its batch is known. */
static void begin_window(polkai_kafka_lines *lines, polkai_kafka_topic *topic)
{
    size_t most = topic->budget_bytes < lines->batch_bytes ? topic->budget_bytes : lines->batch_bytes;
    if (topic->refused_count == 1)
        refuse_it(lines, topic);
    if (topic->refused_count > 1)
        topic->budget_bytes = (topic->refused_bytes < most ? topic->refused_bytes : most) / 2;
    for (polkai_kafka_waiting *at = topic->again.first; at != NULL; at = at->next)
        at->refused = false;
    topic->refused_count = topic->refused_bytes = topic->window_bytes = 0;
    topic->again_at = NULL;
}

static bool fits(const polkai_kafka_topic *topic, size_t bytes)
{
    return topic->window_bytes == 0 || (topic->window_bytes < topic->budget_bytes && bytes <= topic->budget_bytes - topic->window_bytes);
}

/* For its limit; a broker that does not answer soon holds nothing up. */
static bool is_awaited(const polkai_kafka_topic *topic)
{
    return topic->asked_ns != 0 && polkai_kafka_now_ns() - topic->asked_ns < (int64_t)HOLD_MS * 1000000;
}

static void go_on(polkai_kafka_lines *lines, polkai_kafka_topic *topic)
{
    while (!is_awaited(topic)) {
        if (atomic_load(&topic->sent) == topic->reported)
            begin_window(lines, topic);
        else if (topic->again_at != NULL)
            return;                      /* what came back goes first, and more of it may come */
        polkai_kafka_queue *queue = next_queue(lines, topic);
        if (queue == NULL || !fits(topic, queue->first->bytes) || !hand_over_first(lines, topic, queue))
            return;
    }
}

/* The line is no longer needed: sends go straight to librdkafka again. */
static bool dissolve(polkai_kafka_lines *lines, polkai_kafka_topic *topic)
{
    if (topic->asked_ns != 0 || topic->budget_bytes != SIZE_MAX || topic->again_at != NULL || topic->again.first != NULL)
        return false;
    pthread_mutex_lock(&lines->lock);
    bool empty = topic->line.first == NULL;
    if (empty)
        atomic_store(&topic->lined, false);
    pthread_mutex_unlock(&lines->lock);
    return empty;
}

bool polkai_kafka_lines_turn(polkai_kafka_lines *lines)
{
    bool waiting = false;
    if (lines->asks && atomic_load_explicit(&lines->fresh, memory_order_relaxed) != NULL)
        take_fresh(lines);
    if (lines->lined == NULL || lines->ended)
        return false;
    if (lines->answers != NULL)
        take_answers(lines);
    for (polkai_kafka_topic **at = &lines->lined; *at != NULL;) {
        polkai_kafka_topic *topic = *at;
        go_on(lines, topic);
        waiting = waiting || topic->asked_ns != 0 || atomic_load(&topic->waiting_count) > 0;
        if (dissolve(lines, topic))
            *at = topic->next_lined;
        else
            at = &topic->next_lined;
    }
    return waiting;
}

static void tell_all(polkai_kafka_lines *lines, polkai_kafka_topic *topic, const char *message)
{
    for (polkai_kafka_queue *queue; (queue = next_queue(lines, topic)) != NULL; leave(lines, topic, queue))
        tell(lines, queue->first, POLKA_TRANSIENT, "_PURGE_QUEUE", message);
}

void polkai_kafka_lines_give_back(polkai_kafka_lines *lines)
{
    take_fresh(lines);
    for (polkai_kafka_topic *topic = lines->lined; topic != NULL; topic = topic->next_lined) {
        tell_all(lines, topic, "not sent by the producer that is made anew");
        topic->refused_count = topic->refused_bytes = 0;
        topic->again_at = NULL;
    }
}

void polkai_kafka_lines_end(polkai_kafka_lines *lines)
{
    lines->ended = true;
    take_fresh(lines);
    for (polkai_kafka_topic *topic = lines->lined; topic != NULL; topic = topic->next_lined)
        tell_all(lines, topic, "not sent before the end");
}
