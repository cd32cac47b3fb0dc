/* fuzz_avro_json.c: any text as plain JSON for a schema, which the first byte chooses. What is encoded passes the walk and is decoded. */
#include "avro_schemas.h"

static void check_value(const polkai_schema *schema, const json_t *value)
{
    polka_error error = { 0 };
    polka_arena arena;
    json_t *decoded;
    polkai_arena_init(&arena, NULL, 0);
    polka_buffer buffer = { .arena = &arena };
    if (polkai_json_encode(schema, value, &buffer, &error) == POLKA_OK) {
        polka_bytes body = { buffer.size, buffer.data };
        HOLDS(polkai_walk(schema, body, NULL, &error) == POLKA_OK, "%s", error.message);
        if (polkai_json_decode(schema, body, &decoded, &error) == POLKA_OK)
            json_decref(decoded);
        else
            HOLDS(strstr(error.message, "a decimal of ") != NULL, "%s", error.message);
    } else {
        HOLDS(strcmp(error.code, "bad-value") == 0 && error.message[0] != '\0', "%s", error.code);
        HOLDS(buffer.size == 0, "a value that failed left bytes behind");
    }
    polkai_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polka_error error = { 0 };
    json_t *value;
    if (size == 0)
        return 0;
    if (polkai_json_parse((polka_bytes){ size - 1, data + 1 }, &value, &error) != POLKA_OK) {
        HOLDS(strcmp(error.code, "bad-json") == 0, "%s", error.code);
        return 0;
    }
    check_value(fuzz_schema(data[0]), value);
    json_decref(value);
    return 0;
}
