/* structured.c: CloudEvents JSON in the value (CloudEvents JSON format 1.0.2); read, never written. */
#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/text.h>
#include <flow/envelope/envelope.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>

static void release_json(json_t **json)
{
    json_decref(*json);
}

static polka_status attribute(const json_t *event, const char *name, polka_arena *arena, polka_text *text, polka_error *error)
{
    const json_t *member = json_object_get(event, name);
    if (member == NULL || json_is_null(member))
        return POLKA_OK;
    ENSURE(json_is_string(member), POLKA_POISON, error, "bad-envelope", "CloudEvents JSON: attribute %s is not a string", name);
    ENSURE(json_string_length(member) <= POLKAI_HEADER_LIMIT, POLKA_POISON, error, "bad-envelope", "CloudEvents JSON: attribute %s has more than %d bytes",
           name, POLKAI_HEADER_LIMIT);
    *text = polkai_arena_text(arena, json_string_value(member), json_string_length(member));
    return POLKA_OK;
}

static polka_status read_base64(const json_t *member, polka_arena *arena, polka_bytes *bytes, polka_error *error)
{
    ENSURE(json_is_string(member) && json_string_length(member) % 4 == 0 && json_string_length(member) < INT32_MAX, POLKA_POISON, error,
           "bad-envelope", "CloudEvents JSON: data_base64 is not base64");
    size_t size = json_string_length(member);
    const char *text = json_string_value(member);
    uint8_t *decoded = polka_arena_alloc(arena, size / 4 * 3 + 1);
    int count = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)size);
    ENSURE(count >= 0, POLKA_POISON, error, "bad-envelope", "CloudEvents JSON: data_base64 is not base64");
    size_t padding = size == 0 ? 0 : (size_t)(text[size - 1] == '=') + (size_t)(text[size - 2] == '=');
    *bytes = (polka_bytes){ (size_t)count - padding, decoded };
    return POLKA_OK;
}

static polka_status read_data(const json_t *event, polka_arena *arena, polkai_envelope *envelope, polka_error *error)
{
    const json_t *data = json_object_get(event, "data"), *base64 = json_object_get(event, "data_base64");
    if (base64 != NULL)
        return read_base64(base64, arena, &envelope->data, error);
    if (data == NULL || json_is_null(data))
        return POLKA_OK;
    char *text = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
    ENSURE(text != NULL, POLKA_POISON, error, "bad-envelope", "CloudEvents JSON: data cannot be read");
    envelope->json = polkai_arena_text(arena, text, strlen(text));
    free(text);
    return POLKA_OK;
}

polka_status polkai_structured_read(polka_bytes value, polka_arena *arena, polkai_envelope *envelope, polka_error *error)
{
    json_error_t where;
    if (value.data == NULL)
        return POLKA_OK;                 /* a tombstone; the flow counts it */
    json_t *event AUTO(release_json) = json_loadb((const char *)value.data, value.size, JSON_REJECT_DUPLICATES, &where);
    ENSURE(json_is_object(event), POLKA_POISON, error, "bad-envelope", "CloudEvents JSON: %s (line %d, column %d)",
           event == NULL ? where.text : "not an object", where.line, where.column);
    polka_text time = { 0, NULL };
    TRY(attribute(event, "id", arena, &envelope->id, error));
    TRY(attribute(event, "source", arena, &envelope->source, error));
    TRY(attribute(event, "type", arena, &envelope->type, error));
    TRY(attribute(event, "subject", arena, &envelope->subject, error));
    TRY(attribute(event, "correlationid", arena, &envelope->correlation_id, error));
    TRY(attribute(event, "causationid", arena, &envelope->causation_id, error));
    TRY(attribute(event, "dataschema", arena, &envelope->dataschema, error));
    TRY(attribute(event, "time", arena, &time, error));
    if (time.data != NULL)
        polkai_time_read(time.data, time.size, &envelope->time_ms);
    envelope->mode = POLKAI_MODE_STRUCTURED;
    return read_data(event, arena, envelope, error);
}
