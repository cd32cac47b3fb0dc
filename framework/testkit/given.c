/* given.c: what arrives: an event as this build writes it, or as another version of its schema does. */
#include <avro/canonical.h>
#include <avro/json.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <flow/envelope/envelope.h>
#include <flow/schema/framing.h>
#include <flow/schema/topic.h>
#include <testkit/inner.h>

#include <stdlib.h>

static void send_given(polka_test *test)
{
    polka_error error;
    if (test->sink->operations->send(test->sink, &test->given, NULL, &error) != POLKA_OK)
        polkai_test_fail(NULL, 0, "polka_test_given: %s", error.message);
    test->sink->operations->poll(test->sink, 0);
    polkai_record *given = polkai_arena_zeroed(&test->arena, 1, sizeof *given);
    *given = test->given;
    said *noted = polkai_test_note(test, given);
    noted->given = noted->expected = true;
    polkai_test_turn(test);
}

static void write_headers(polka_test *test, const polka_event *event, uint64_t fingerprint)
{
    uint8_t uuid[16];
    char *id = polka_arena_alloc(&test->arena, POLKA_UUID_TEXT + 1);
    polkai_uuid_v7(uuid, polkai_test_wall_ms(test), &test->random);
    polkai_uuid_write(id, uuid);
    polkai_envelope envelope = { .mode = POLKAI_MODE_BINARY, .id = { POLKA_UUID_TEXT, id }, .source = POLKA_TEXT("/test"),
                                 .type = polka_text_of(event->name), .time_ms = polkai_test_wall_ms(test), .correlation_id = { POLKA_UUID_TEXT, id },
                                 .dataschema = polkai_envelope_dataschema(fingerprint, &test->arena) };
    polkai_header *headers = polkai_arena_zeroed(&test->arena, POLKAI_ENVELOPE_HEADERS + test->header_count + 1, sizeof *headers);
    size_t count = polkai_envelope_write(&envelope, &test->arena, headers);
    headers[count++] = (polkai_header){ POLKA_TEXT("polka-test-given"), { 1, (const uint8_t *)"1" } };
    for (size_t i = 0; i < test->header_count; i++)
        headers[count++] = (polkai_header){ test->headers[i].key, { test->headers[i].value.size, (const uint8_t *)test->headers[i].value.data } };
    test->given.headers = headers;
    test->given.header_count = count;
    test->header_count = 0;
}

static void send_framed(polka_test *test, const polka_event *event, uint64_t fingerprint, polka_bytes key, polka_bytes body)
{
    polka_buffer buffer = { .arena = &test->arena };
    polkai_framing_write(polka_buffer_reserve(&buffer, POLKAI_SINGLE_OBJECT_BYTES + body.size), fingerprint);
    if (body.size > 0)
        memcpy(buffer.data + POLKAI_SINGLE_OBJECT_BYTES, body.data, body.size);
    test->given = (polkai_record){ .topic = polka_text_of(event->topic), .partition = -1, .timestamp_ms = polkai_test_wall_ms(test),
                                   .value = { POLKAI_SINGLE_OBJECT_BYTES + body.size, buffer.data } };
    if (key.data != NULL)
        test->given.key = polkai_arena_bytes(&test->arena, key.data, key.size);
    write_headers(test, event, fingerprint);
    send_given(test);
}

static void begin_given(polka_test *test, const polka_event *event)
{
    polkai_test_start(test);
    if (event->topic == NULL || event->codec == NULL)
        polkai_test_fail(NULL, 0, "polka_test_given: the schema of %s has no polka.topic", event->name);
}

void polka_test_given(polka_test *test, const polka_event *event, const void *value)
{
    polka_error error = { .status = POLKA_OK };
    polka_buffer body = { .arena = &test->arena };
    polka_bytes key = { 0, NULL };
    begin_given(test, event);
    if (event->codec->encode(value, &body, &error) != POLKA_OK ||
        (event->codec->key != NULL && event->codec->key(value, &test->arena, &key, &error) != POLKA_OK))
        polkai_test_fail(NULL, 0, "polka_test_given: %s: %s", event->name, error.message);
    send_framed(test, event, event->fingerprint, key, (polka_bytes){ body.size, body.data });
}

/* ---- as another version of the schema writes it ---- */

/* Its writer announces a schema before it emits. */
static uint64_t announce(polka_test *test, const polkai_schema *schema, const char *text)
{
    char key[17];
    polka_error error;
    uint64_t fingerprint = polkai_schema_fingerprint(schema);
    polkai_hex64(key, fingerprint);
    polkai_record record = { .topic = POLKA_TEXT(POLKAI_SCHEMA_TOPIC), .partition = -1, .timestamp_ms = polkai_test_wall_ms(test),
                             .key = { 16, (const uint8_t *)key },
                             .value = polkai_arena_bytes(&test->arena, text, strlen(text)) };
    if (test->sink->operations->send(test->sink, &record, NULL, &error) != POLKA_OK)
        polkai_test_fail(NULL, 0, "polka_test_given: %s", error.message);
    return fingerprint;
}

static const polkai_schema *parse(polkai_schema_set *set, const polka_event *event, const char *text)
{
    polka_error error;
    const polkai_schema *schema = NULL;
    if (polkai_schema_parse(set, polka_text_of(text), NULL, &schema, &error) != POLKA_OK)
        polkai_test_fail(NULL, 0, "polka_test_given: the writer's schema of %s: %s", event->name, error.message);
    return schema;
}

void polka_test_given_bytes(polka_test *test, const polka_event *event, const char *schema, polka_text key, polka_bytes body)
{
    polkai_schema_set *set = polkai_schema_set_create();
    begin_given(test, event);
    uint64_t fingerprint = announce(test, parse(set, event, schema), schema);
    polkai_schema_set_destroy(set);
    send_framed(test, event, fingerprint, (polka_bytes){ key.size, (const uint8_t *)key.data }, body);
}

void polka_test_given_json(polka_test *test, const polka_event *event, const char *schema, const char *json)
{
    polka_error error = { .status = POLKA_OK };
    polka_buffer body = { .arena = &test->arena };
    polka_bytes key = { 0, NULL };
    json_t *value = NULL;
    polkai_schema_set *set = polkai_schema_set_create();
    begin_given(test, event);
    const polkai_schema *writer = parse(set, event, schema);
    if (polkai_json_parse((polka_bytes){ strlen(json), (const uint8_t *)json }, &value, &error) != POLKA_OK ||
        polkai_json_encode(POLKAI_JSON_PLAIN, writer, value, &body, &error) != POLKA_OK ||
        (event->key != NULL && polkai_json_key(writer, event->key, value, &test->arena, &key, &error) != POLKA_OK))
        polkai_test_fail(NULL, 0, "polka_test_given_json: %s: %s", event->name, error.message);
    uint64_t fingerprint = announce(test, writer, schema);
    json_decref(value);
    polkai_schema_set_destroy(set);
    send_framed(test, event, fingerprint, key, (polka_bytes){ body.size, body.data });
}

void polka_test_redelivered(polka_test *test)
{
    if (test->given.topic.data == NULL)
        polkai_test_fail(NULL, 0, "polka_test_redelivered: nothing was given yet");
    send_given(test);
}

