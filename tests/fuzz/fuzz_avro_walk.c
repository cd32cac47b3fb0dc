/*
 * fuzz_avro_walk.c: any bytes as a value of a schema, which the first byte chooses. What the walk passes is decoded in every
 * form, and the JSON that comes out says the same when it is encoded and decoded again.
 */
#include "avro_schemas.h"

/* By their texts: json_equal ends a key at its first NUL (jansson 2.14). */
static bool same(const json_t *a, const json_t *b)
{
    char *first = json_dumps(a, JSON_ENCODE_ANY), *second = json_dumps(b, JSON_ENCODE_ANY);
    bool equal = first != NULL && second != NULL && strcmp(first, second) == 0;
    free(first);
    free(second);
    return equal;
}

static void check_form(polkai_json_form form, const polkai_schema *schema, polka_bytes body)
{
    polka_error error = { 0 };
    polka_arena arena;
    json_t *first, *second;
    bool avro = form == POLKAI_JSON_AVRO;
    if (polkai_json_decode(form, schema, body, &first, &error) != POLKA_OK) {
        HOLDS(!avro && strstr(error.message, "a decimal of ") != NULL, "%s", error.message);      /* the one thing that the walk leaves open */
        return;
    }
    polkai_arena_init(&arena, NULL, 0);
    polka_buffer buffer = { .arena = &arena };
    if (polkai_json_encode(form, schema, first, &buffer, &error) == POLKA_OK) {
        HOLDS(polkai_json_decode(form, schema, (polka_bytes){ buffer.size, buffer.data }, &second, &error) == POLKA_OK, "%s", error.message);
        HOLDS(same(first, second), "form %d changed on its way", form);
        json_decref(second);
    } else {
        HOLDS(!avro && strstr(error.message, "more digits than its precision") != NULL, "%s", error.message);
    }
    json_decref(first);
    polkai_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polka_error error = { 0 };
    if (size == 0)
        return 0;
    const polkai_schema *schema = fuzz_schema(data[0]);
    const polkai_walk_limits limits = { .depth = 1000, .empty_items = 1000 };
    polka_bytes body = { size - 1, data + 1 };
    if (polkai_walk(schema, body, &limits, &error) != POLKA_OK) {
        HOLDS(strcmp(error.code, "bad-bytes") == 0 && error.message[0] != '\0', "%s", error.code);
        return 0;
    }
    for (int form = POLKAI_JSON_PLAIN; form <= POLKAI_JSON_AVRO; form++)
        check_form((polkai_json_form)form, schema, body);
    return 0;
}
