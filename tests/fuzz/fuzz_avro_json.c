/*
 * fuzz_avro_json.c: any text as JSON in one of the three forms, for a schema; the first byte chooses both. What is encoded
 * passes the walk, is decoded, and its text gives the same bytes again. Our reader takes what jansson's takes, and two things more.
 */
#include "avro_schemas.h"

static void check_again(polkai_json_form form, const polkai_schema *schema, polka_bytes body, const json_t *value, polka_arena *arena)
{
    polka_error error = { 0 };
    json_t *again;
    polka_buffer text = { .arena = arena }, buffer = { .arena = arena };
    polkai_json_write(value, &text);
    HOLDS(polkai_json_parse((polka_bytes){ text.size, text.data }, &again, &error) == POLKA_OK, "%s", error.message);
    HOLDS(polkai_json_encode(form, schema, again, &buffer, &error) == POLKA_OK, "%s", error.message);

    HOLDS(buffer.size == body.size && memcmp(buffer.data, body.data, body.size) == 0, "a text of its own gave other bytes");
    json_decref(again);
}

static void check_value(polkai_json_form form, const polkai_schema *schema, const json_t *value)
{
    polka_error error = { 0 };
    polka_arena arena;
    json_t *decoded;
    polkai_arena_init(&arena, NULL, 0);
    polka_buffer buffer = { .arena = &arena };
    if (polkai_json_encode(form, schema, value, &buffer, &error) == POLKA_OK) {
        polka_bytes body = { buffer.size, buffer.data };
        HOLDS(polkai_walk(schema, body, NULL, &error) == POLKA_OK, "%s", error.message);
        if (polkai_json_decode(form, schema, body, &decoded, &error) == POLKA_OK) {
            if (form == POLKAI_JSON_AVRO)
                check_again(form, schema, body, decoded, &arena);
            json_decref(decoded);
        } else {
            HOLDS(form != POLKAI_JSON_AVRO && strstr(error.message, "a decimal of ") != NULL, "%s", error.message);
        }
    } else {
        HOLDS(strcmp(error.code, "bad-value") == 0 && error.message[0] != '\0', "%s", error.code);
        HOLDS(buffer.size == 0, "a value that failed left bytes behind");
    }
    polkai_arena_deinit(&arena);
}

static void check_reader(polka_bytes text, bool taken)
{
    json_error_t problem;
    json_t *theirs = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    if (theirs != NULL) {
        HOLDS(taken || memchr(text.data, '\0', text.size) != NULL, "jansson takes it, we do not");      /* it takes NUL after the value */
    } else if (taken) {
        enum json_error_code code = json_error_code(&problem);
        HOLDS(code == json_error_numeric_overflow || code == json_error_null_byte_in_key, "we take what jansson does not: %s", problem.text);
    }
    json_decref(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polka_error error = { 0 };
    json_t *value;
    if (size == 0)
        return 0;
    polka_bytes text = { size - 1, data + 1 };
    bool taken = polkai_json_parse(text, &value, &error) == POLKA_OK;
    check_reader(text, taken);
    if (!taken) {
        HOLDS(strcmp(error.code, "bad-json") == 0, "%s", error.code);
        return 0;
    }
    check_value((polkai_json_form)(POLKAI_JSON_PLAIN + data[0] / FUZZ_SCHEMAS % 3), fuzz_schema(data[0]), value);
    json_decref(value);
    return 0;
}
