#include "harness.h"

#include <base/error.h>
#include <flow/schema/framing.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- two events whose body is one Avro string of at most 63 bytes ---- */

static polka_status encode(const void *value, polka_buffer *buffer, polka_error *error)
{
    const note *from = value;
    ENSURE(from->text.data != NULL && from->text.size < 64, POLKA_MISUSE, error, "bad-value", "text: missing or too long");
    uint8_t *at = polka_buffer_reserve(buffer, from->text.size + 1);
    at[0] = (uint8_t)(from->text.size << 1);
    if (from->text.size > 0)
        memcpy(at + 1, from->text.data, from->text.size);
    buffer->size += from->text.size + 1;
    return POLKA_OK;
}

static polka_status decode(polka_bytes body, polka_arena *arena, void *value, polka_error *error)
{
    ENSURE(body.size > 0 && body.size == (size_t)(body.data[0] >> 1) + 1, POLKA_POISON, error, "bad-bytes", "text: byte 0: a wrong length");
    ((note *)value)->text = polkai_arena_text(arena, (const char *)body.data + 1, body.size - 1);
    return POLKA_OK;
}

static polka_status key(const void *value, polka_arena *arena, polka_bytes *bytes, polka_error *error)
{
    (void)arena;
    (void)error;
    const note *from = value;
    *bytes = (polka_bytes){ from->text.size, (const uint8_t *)from->text.data };
    return POLKA_OK;
}

static const polka_codec codec = { .encode = encode, .decode = decode, .key = key };

static polka_outcome invoke(polka_function handler, polka_context *ctx, const void *value)
{
    return ((polka_outcome (*)(polka_context *, const note *))handler)(ctx, value);
}

#define SCHEMA(NAME) "{\"type\":\"record\",\"name\":\"test." NAME "\",\"fields\":[{\"name\":\"text\",\"type\":\"string\"}]}"
const polka_event test_asked_event = { .name = "test.Asked", .topic = "test.asked", .key = "text", .schema = SCHEMA("Asked"), .fingerprint = 0x1111111111111111,
                                       .version = 1, .value_size = sizeof(note), .invoke = invoke, .codec = &codec };
const polka_event test_answered_event = { .name = "test.Answered", .topic = "test.answers", .key = "text", .schema = SCHEMA("Answered"),
                                          .fingerprint = 0x2222222222222222, .version = 1, .value_size = sizeof(note), .invoke = invoke, .codec = &codec };

/* ---- the harness ---- */

static int64_t steady_ns(const polkai_clock *clock)
{
    return ((const harness *)(const void *)clock)->now_ns;
}

static int64_t wall_ms(const polkai_clock *clock)
{
    return 1767225600000 + steady_ns(clock) / 1000000;
}

static void capture(void *user, polkai_log_level level, const char *message)
{
    harness *h = user;
    (void)level;
    pthread_mutex_lock(&h->log_lock);    /* lanes log too */
    snprintf(h->last_log, sizeof h->last_log, "%s", message);
    size_t used = strlen(h->all_logs);
    snprintf(h->all_logs + used, sizeof h->all_logs - used, "%s\n", message);
    pthread_mutex_unlock(&h->log_lock);
}

harness *harness_create(void)
{
    polka_error error;
    harness *h = polkai_alloc(sizeof *h);
    h->clock = (polkai_clock){ wall_ms, steady_ns, NULL };
    h->put_partition = -1;
    h->now_ns = 1000000000;
    pthread_mutex_init(&h->log_lock, NULL);
    h->log = (polkai_log){ .level = POLKAI_LOG_DEBUG, .clock = &h->clock, .capture = capture, .user = h };
    h->memory = polkai_memory_create(&h->clock, 1);
    cr_assert_eq(polkai_memory_sink_open(&h->sink, h->memory, NULL, NULL, &error), POLKA_OK);
    return h;
}

void harness_start(harness *h, const polka_service *service, polkai_flow_options options)
{
    polka_error error = { .status = POLKA_OK };
    polkai_source *source;
    polkai_sink *sink;
    options.service = service;
    options.log = &h->log;
    options.seed = 7;
    if (options.clock == NULL)
        options.clock = &h->clock;
    cr_assert_eq(polkai_flow_create(&h->flow, &options, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(polkai_memory_source_open(&source, h->memory, options.group != NULL ? options.group : service->name, &error), POLKA_OK);
    cr_assert_eq(polkai_memory_sink_open(&sink, h->memory, polkai_flow_report, h->flow, &error), POLKA_OK);
    cr_assert_eq(polkai_flow_start(h->flow, source, sink, &error), POLKA_OK, "%s", error.message);
}

void harness_stop(harness *h)
{
    polka_error error;
    if (h->flow == NULL)
        return;
    polka_status status = polkai_flow_drain(h->flow, 20000, &error);
    cr_expect_eq(status, POLKA_OK, "drain: %s", error.message);
    polkai_flow_destroy(h->flow);
    h->flow = NULL;
}

void harness_destroy(harness *h)
{
    harness_stop(h);
    h->sink->operations->close(h->sink, 0);
    polkai_memory_destroy(h->memory);
    polkai_arena_deinit(&h->arena);
    free(h);
}

void harness_put_raw(harness *h, const char *topic, polka_bytes key_bytes, polka_bytes value, const polkai_header *headers, size_t count)
{
    polka_error error = { .status = POLKA_OK };
    polkai_record record = { .topic = polka_text_of(topic), .partition = h->put_partition, .timestamp_ms = 1234, .key = key_bytes, .value = value, .headers = headers,
                             .header_count = count };
    cr_assert_eq(h->sink->operations->send(h->sink, &record, NULL, &error), POLKA_OK, "%s", error.message);
    h->sink->operations->poll(h->sink, 0);
}

static polka_bytes bytes_of(const char *text)
{
    return (polka_bytes){ text == NULL ? 0 : strlen(text), (const uint8_t *)text };
}

void harness_put(harness *h, const char *key_text, const char *text, const char *id)
{
    uint8_t value[100];
    size_t size = strlen(text);
    polkai_framing_write(value, test_asked_event.fingerprint);
    value[POLKAI_SINGLE_OBJECT_BYTES] = (uint8_t)(size << 1);
    memcpy(value + POLKAI_SINGLE_OBJECT_BYTES + 1, text, size);
    polkai_header headers[] = {
        { POLKA_TEXT("ce_type"), bytes_of("test.Asked") },
        { POLKA_TEXT("ce_id"), bytes_of(id == NULL ? text : id) },
        { POLKA_TEXT("ce_source"), bytes_of("/test/asker") },
    };
    harness_put_raw(h, "test.asked", bytes_of(key_text), (polka_bytes){ POLKAI_SINGLE_OBJECT_BYTES + 1 + size, value }, headers, 3);
}

void harness_turn(harness *h)
{
    polka_error error = { .status = POLKA_OK };
    for (size_t moved = 1; moved > 0;)
        cr_assert_eq(polkai_flow_step(h->flow, 0, &moved, &error), POLKA_OK, "%s", error.message);
}

void harness_advance_ms(harness *h, int64_t ms)
{
    int64_t until_ns = h->now_ns + ms * 1000000;
    harness_turn(h);
    while (h->now_ns < until_ns) {
        int64_t due_ms = polkai_flow_next_due_ms(h->flow);
        int64_t next_ns = due_ms < 0 || due_ms * 1000000 > until_ns ? until_ns : due_ms * 1000000;
        h->now_ns = next_ns > h->now_ns ? next_ns : h->now_ns + 1000000;
        harness_turn(h);
    }
}

const polkai_record *harness_record(harness *h, const char *topic, size_t index)
{
    return index < polkai_memory_count(h->memory, topic, 0) ? polkai_memory_record(h->memory, topic, 0, index) : NULL;
}

polka_text harness_header(harness *h, const polkai_record *record, const char *name)
{
    polkai_record copy = *record;
    polkai_record_headers(&copy, &h->arena);
    const polkai_header *header = polkai_record_header(&copy, polka_text_of(name));
    return header == NULL ? (polka_text){ 0, NULL } : (polka_text){ header->value.size, (const char *)header->value.data };
}

polka_text harness_text(const polkai_record *record)
{
    cr_assert(record != NULL && record->value.size > POLKAI_SINGLE_OBJECT_BYTES);
    return (polka_text){ record->value.size - POLKAI_SINGLE_OBJECT_BYTES - 1, (const char *)record->value.data + POLKAI_SINGLE_OBJECT_BYTES + 1 };
}

int64_t harness_committed_at(harness *h, const char *group, polkai_position *position)
{
    polka_error error;
    polkai_admin *admin;
    cr_assert_eq(polkai_memory_admin_open(&admin, h->memory, &error), POLKA_OK);
    cr_assert_eq(admin->operations->committed(admin, &(polkai_progress){ group, position, 1 }, 1, &error), POLKA_OK);
    admin->operations->close(admin);
    return position->offset;
}

int64_t harness_committed(harness *h, const char *group, const char *topic)
{
    return harness_committed_at(h, group, &(polkai_position){ polka_text_of(topic), 0, -1001 });
}

void harness_topic(harness *h, const char *topic, int32_t partitions)
{
    polka_error error;
    polkai_admin *admin;
    cr_assert_eq(polkai_memory_admin_open(&admin, h->memory, &error), POLKA_OK);
    cr_assert_eq(admin->operations->create(admin, &(polkai_topic){ .name = topic, .partitions = partitions }, &error), POLKA_OK, "%s", error.message);
    admin->operations->close(admin);
}
