#include "support.h"

#include <base/text.h>

void bench_open(bench *b, const char *schema)
{
    *b = (bench){ .form = POLKAI_JSON_PLAIN };
    polkai_arena_init(&b->arena, NULL, 0);
    b->set = polkai_schema_set_create();
    polka_status status = polkai_schema_parse(b->set, polka_text_of(schema), NULL, &b->schema, &b->error);
    cr_assert_eq(status, POLKA_OK, "%s", b->error.message);
}

void bench_close(bench *b)
{
    polkai_schema_set_destroy(b->set);
    polkai_arena_deinit(&b->arena);
}

polka_bytes from_hex(polka_arena *arena, const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = polkai_arena_zeroed(arena, size, 1);
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        cr_assert_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        data[i] = (uint8_t)byte;
    }
    return (polka_bytes){ size, data };
}

const char *json_text(polka_arena *arena, const json_t *value)
{
    polka_buffer text = { .arena = arena };
    polkai_json_write(value, &text);
    return polkai_arena_text(arena, (const char *)text.data, text.size).data;
}

static const char *wrong(bench *b, const char *code)
{
    eq_text(b->error.code, code);
    cr_assert_eq(b->error.status, POLKA_POISON);
    return polkai_arena_format(&b->arena, "!%s", b->error.message).data;
}

static const char *encode(bench *b, const char *json, polka_buffer *buffer)
{
    json_t *value;
    *buffer = (polka_buffer){ .arena = &b->arena };
    polka_status status = polkai_json_parse((polka_bytes){ strlen(json), (const uint8_t *)json }, &value, &b->error);
    cr_assert_eq(status, POLKA_OK, "%s: %s", json, b->error.message);
    status = polkai_json_encode(b->form, b->schema, value, buffer, &b->error);
    json_decref(value);
    cr_assert(status == POLKA_OK || buffer->size == 0, "a value that fails leaves no bytes behind: %s", json);
    return status == POLKA_OK ? NULL : wrong(b, "bad-value");
}

const char *encoded(bench *b, const char *json)
{
    polka_buffer buffer;
    const char *message = encode(b, json, &buffer);
    if (message != NULL)
        return message;
    char *hex = polkai_arena_zeroed(&b->arena, 2 * buffer.size + 1, 1);
    polkai_hex(hex, buffer.data, buffer.size);
    return hex;
}

static const char *decode(bench *b, polka_bytes body)
{
    json_t *value;
    if (polkai_json_decode(b->form, b->schema, body, &value, &b->error) != POLKA_OK)
        return wrong(b, "bad-bytes");
    const char *text = json_text(&b->arena, value);
    json_decref(value);
    return text;
}

const char *decoded(bench *b, const char *hex)
{
    return decode(b, from_hex(&b->arena, hex));
}

const char *there_and_back(bench *b, const char *json)
{
    polka_buffer buffer;
    const char *message = encode(b, json, &buffer);
    return message != NULL ? message : decode(b, (polka_bytes){ buffer.size, buffer.data });
}

const char *walked(bench *b, const char *hex)
{
    return polkai_walk(b->schema, from_hex(&b->arena, hex), NULL, &b->error) == POLKA_OK ? "" : wrong(b, "bad-bytes") + 1;
}
