/*
 * fuzz_avro_schema.c: any text as a schema. What parses can be written out, and that text alone is the same schema; a
 * sample of it that can be encoded can be decoded.
 */
#include "avro_schemas.h"

#include <avro/canonical.h>

static void check_text(const polkai_schema *schema)
{
    polka_error error = { 0 };
    const polkai_schema *again;
    polkai_schema_set *set = polkai_schema_set_create();
    char *text = polkai_schema_text(schema), *canonical = polkai_schema_canonical(schema);
    if (strlen(text) <= 1024 * 1024) {
        HOLDS(polkai_schema_parse(set, polka_text_of(text), NULL, &again, &error) == POLKA_OK, "%s\n%s", error.message, text);
        char *second = polkai_schema_canonical(again);
        HOLDS(strcmp(canonical, second) == 0, "%s\n%s", canonical, second);
        free(second);
    }
    free(text);
    free(canonical);
    polkai_schema_set_destroy(set);
}

static void check_sample(const polkai_schema *schema)
{
    polka_error error = { 0 };
    polka_arena arena;
    json_t *sample = polkai_json_sample(schema, 1), *value;
    polkai_arena_init(&arena, NULL, 0);
    polka_buffer buffer = { .arena = &arena };
    if (polkai_json_encode(POLKAI_JSON_PLAIN, schema, sample, &buffer, NULL) == POLKA_OK &&
        polkai_walk(schema, (polka_bytes){ buffer.size, buffer.data }, NULL, NULL) == POLKA_OK) {
        HOLDS(polkai_json_decode(POLKAI_JSON_PLAIN, schema, (polka_bytes){ buffer.size, buffer.data }, &value, &error) == POLKA_OK, "%s", error.message);
        json_decref(value);
    }
    json_decref(sample);
    polkai_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polka_error error = { 0 };
    const polkai_schema *schema;
    polkai_schema_set *set = polkai_schema_set_create();
    if (polkai_schema_parse(set, (polka_text){ size, (const char *)data }, "fuzz.avsc", &schema, &error) == POLKA_OK) {
        check_text(schema);
        check_sample(schema);
    } else {
        HOLDS(strcmp(error.code, "bad-schema") == 0, "%s", error.code);
    }
    polkai_schema_set_destroy(set);
    return 0;
}
