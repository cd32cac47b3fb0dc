/* json_scalar.c: JSON values that hold no others, to Avro bytes: numbers, bytes, enums, and what stands for them. */
#include <avro/json_inner.h>

#include <avro/fallback.h>
#include <avro/readable.h>
#include <avro/wire.h>
#include <avro/words.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

static polka_text text_of(const json_t *value)
{
    return (polka_text){ json_string_length(value), json_string_value(value) };
}

/* ---- numbers ----------------------------------------------------------------------------------- */

/* Java reads 1.0 as the integer that it is. The least long is not taken: a longer number may have been rounded to it. */
static bool is_whole(double number)
{
    return number > -0x1p63 && number < 0x1p63 && floor(number) == number;
}

static polka_status encode_integer(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    int64_t number = json_integer_value(value);
    bool avro = e->form == POLKAI_JSON_AVRO;
    if (avro && json_is_real(value) && is_whole(json_real_value(value))) {
        number = (int64_t)json_real_value(value);
    } else if (!avro && json_is_string(value) && polkai_when_is(schema->logical)) {
        const char *expected = polkai_when_read(schema->logical, text_of(value), &number);
        if (expected != NULL)
            return polkai_json_unexpected(e, path, expected, value);
    } else if (!json_is_integer(value)) {
        return polkai_json_unexpected(e, path, avro ? polkai_avro_type_name(schema->type) : polkai_words_schema(schema).text, value);
    }
    if (schema->type == POLKAI_AVRO_INT && (number < INT32_MIN || number > INT32_MAX))
        return polkai_json_unexpected(e, path, "int (-2147483648 to 2147483647)", value);
    polkai_put_long(e->buffer, number);
    return POLKA_OK;
}

/* What stands for numbers that JSON does not have. Java takes its older short forms too. */
static bool special_of(polkai_json_form form, const json_t *value, double *number)
{
    static const struct { const char *text; double number; bool older; } specials[] = {
        { "NaN", NAN, false }, { "Infinity", INFINITY, false }, { "-Infinity", -INFINITY, false }, { "INF", INFINITY, true }, { "-INF", -INFINITY, true } };
    for (size_t i = 0; json_is_string(value) && i < sizeof specials / sizeof *specials; i++)
        if (polka_text_equal(text_of(value), polka_text_of(specials[i].text)) && (form == POLKAI_JSON_AVRO || !specials[i].older)) {
            *number = specials[i].number;
            return true;
        }
    return false;
}

static polka_status encode_real(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    double number = json_number_value(value);
    bool special = special_of(e->form, value, &number);
    if (!special && !json_is_number(value))
        return polkai_json_unexpected(e, path, polkai_words_schema(schema).text, value);
    if (schema->type == POLKAI_AVRO_DOUBLE)
        polkai_put_double(e->buffer, number);
    else if (!special && fabs(number) > 3.5e38)
        return polkai_json_unexpected(e, path, "float (at most 3.4028235e38)", value);
    else if (!special && isinf((float)number))
        return polkai_json_unexpected(e, path, "float (at most 3.4028235e38)", value);
    else
        polkai_put_float(e->buffer, (float)number);
    return POLKA_OK;
}

/* ---- bytes ------------------------------------------------------------------------------------- */

/*
 * Digits of a JSON number for a decimal; false when it needs an exponent. exact: a double keeps all decimal numbers of
 * 15 digits (DBL_DIG) as they were written, longer ones it may have changed.
 */
static bool number_text(const json_t *value, char out[POLKAI_WHEN_TEXT], bool *exact)
{
    size_t digits = 0, seen = 0;
    if (json_is_integer(value))
        snprintf(out, POLKAI_WHEN_TEXT, "%lld", (long long)json_integer_value(value));
    else
        polkai_real_write(json_real_value(value), out);
    for (const char *c = out + strspn(out, "-0."); *c != '\0'; c++) {
        seen += *c != '.';
        digits = *c > '0' && *c <= '9' ? seen : digits;        /* zeros at the end do not count */
    }
    *exact = json_is_integer(value) || digits <= DBL_DIG;
    return polkai_decimal_looks(polka_text_of(out));
}

static polka_status read_decimal(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path, polka_bytes *bytes, bool *done)
{
    char digits[POLKAI_WHEN_TEXT], expected[120];
    bool exact = true;
    *done = polkai_decimal_is_text(schema);
    if (*done && json_is_number(value))
        *done = number_text(value, digits, &exact);
    else
        *done = *done && json_is_string(value) && polkai_decimal_looks(text_of(value));
    if (!*done)
        return POLKA_OK;
    const char *problem = !exact ? "more than 15 digits, which JSON numbers do not keep; write it as a text" : polkai_decimal_read(schema, json_is_string(value) ? text_of(value) : polka_text_of(digits), e->buffer->arena, bytes);
    if (problem == NULL)
        return POLKA_OK;
    snprintf(expected, sizeof expected, "decimal of precision %u and scale %u", schema->precision, schema->scale);
    return e->error == NULL ? POLKA_POISON : polkai_json_reject(e, path, "expected %s, got %s, which has %s", expected, polkai_words_json(value).text, problem);
}

json_t *polkai_json_base64(polka_bytes bytes, polka_arena *arena)
{
    polka_text text = polkai_base64_write(bytes, arena);
    return json_pack("{s:o}", "base64", json_stringn_nocheck(text.data, text.size));
}

json_t *polkai_json_bytes_write(polkai_json_form form, polka_bytes bytes, polka_arena *arena)
{
    if (form == POLKAI_JSON_TEXT && polkai_utf8_valid(bytes.data, bytes.size))
        return json_stringn_nocheck((const char *)bytes.data, bytes.size);
    if (form == POLKAI_JSON_TEXT)
        return polkai_json_base64(bytes, arena);
    polka_text text = form == POLKAI_JSON_AVRO ? polkai_code_points_write(bytes, arena) : polkai_base64_write(bytes, arena);
    return json_stringn_nocheck(text.data, text.size);
}

bool polkai_json_bytes_read(polkai_json_form form, const json_t *value, polka_arena *arena, polka_bytes *bytes)
{
    polka_buffer points = { .arena = arena };
    if (form == POLKAI_JSON_TEXT && json_object_size(value) == 1)
        return polkai_json_bytes_read(POLKAI_JSON_PLAIN, json_object_get(value, "base64"), arena, bytes);
    if (!json_is_string(value))
        return false;
    *bytes = (polka_bytes){ json_string_length(value), (const uint8_t *)json_string_value(value) };
    if (form == POLKAI_JSON_PLAIN)
        return polkai_base64_read(text_of(value), arena, bytes);
    if (form == POLKAI_JSON_TEXT)
        return true;
    bool good = polkai_code_points(value, &points);
    *bytes = (polka_bytes){ points.size, points.data };
    return good;
}

/* May bytes be {"base64": "..."}? */
static bool as_object(polkai_json_form form, const polkai_schema *schema)
{
    return form == POLKAI_JSON_TEXT || (form == POLKAI_JSON_PLAIN && polkai_decimal_is_text(schema));
}

static const char *expected_bytes(polkai_json_form form, const polkai_schema *schema, char *out, size_t capacity)
{
    const char *plain = form == POLKAI_JSON_PLAIN ? "base64" : form == POLKAI_JSON_TEXT ? "text or {\"base64\": ...}" : "code points U+0000 to U+00FF", *or = "";
    if (form != POLKAI_JSON_AVRO)
        or = polkai_decimal_is_text(schema) ? "a decimal such as \"12.34\" or "
           : schema->logical == POLKAI_LOGICAL_UUID ? "a uuid or "
           : schema->logical == POLKAI_LOGICAL_DURATION ? "a duration such as \"P1M2DT3.004S\" or " : "";
    if (schema->type == POLKAI_AVRO_FIXED)
        snprintf(out, capacity, "%s (%zu bytes as %s%s)", polkai_words_schema(schema).text, schema->fixed_size, or, plain);
    else
        snprintf(out, capacity, "bytes (%s%s)", or, plain);
    return out;
}

/* The text of a logical type; done false: `value` has to be the bytes themselves. */
static polka_status read_logical(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path, polka_bytes *bytes, bool *done)
{
    uint8_t sixteen[16];
    *done = false;
    if (e->form == POLKAI_JSON_AVRO)
        return POLKA_OK;
    if (schema->logical == POLKAI_LOGICAL_DECIMAL)
        return read_decimal(e, schema, value, path, bytes, done);
    if (schema->logical == POLKAI_LOGICAL_UUID)
        *done = json_is_string(value) && polkai_uuid_read(text_of(value), sixteen);
    else if (schema->logical == POLKAI_LOGICAL_DURATION)
        *done = json_is_string(value) && polkai_duration_read(text_of(value), sixteen);
    if (*done)
        *bytes = polkai_arena_bytes(e->buffer->arena, sixteen, schema->fixed_size);
    return POLKA_OK;
}

static polka_status encode_bytes(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    char expected[200];
    polka_bytes bytes = { 0 };
    bool done;
    TRY(read_logical(e, schema, value, path, &bytes, &done));
    if (!done && !polkai_json_bytes_read(json_is_object(value) && as_object(e->form, schema) ? POLKAI_JSON_TEXT : e->form, value, e->buffer->arena, &bytes))
        return e->error == NULL ? POLKA_POISON : polkai_json_unexpected(e, path, expected_bytes(e->form, schema, expected, sizeof expected), value);
    if (schema->type == POLKAI_AVRO_FIXED && bytes.size != schema->fixed_size)
        return e->error == NULL ? POLKA_POISON
                                : polkai_json_reject(e, path, "expected %s, got %zu bytes", expected_bytes(e->form, schema, expected, sizeof expected), bytes.size);
    if (schema->type == POLKAI_AVRO_BYTES)
        polkai_put_long(e->buffer, (int64_t)bytes.size);
    polkai_put_bytes(e->buffer, bytes.data, bytes.size);
    return POLKA_OK;
}

/* ---- all --------------------------------------------------------------------------------------- */

static polka_status encode_enum(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    const char *symbol = json_string_value(value);
    for (size_t i = 0; symbol != NULL && i < schema->count; i++)
        if (strcmp(symbol, schema->symbols[i]) == 0 && strlen(symbol) == json_string_length(value)) {
            polkai_put_long(e->buffer, (int64_t)i);
            return POLKA_OK;
        }
    if (symbol == NULL || e->error == NULL)
        return polkai_json_unexpected(e, path, polkai_words_schema(schema).text, value);
    const char *near = polkai_nearest(symbol, schema->symbols, schema->count);
    if (near != NULL)
        return polkai_json_reject(e, path, "%s has no symbol %s; did you mean \"%s\"?", polkai_words_schema(schema).text, polkai_words_json(value).text, near);
    return polkai_json_reject(e, path, "%s has no symbol %s; the first is \"%s\"", polkai_words_schema(schema).text, polkai_words_json(value).text,
                  schema->count > 0 ? schema->symbols[0] : "");
}

polka_status polkai_json_scalar(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    switch (schema->type) {
    case POLKAI_AVRO_NULL: return json_is_null(value) ? POLKA_OK : polkai_json_unexpected(e, path, "null", value);
    case POLKAI_AVRO_BOOLEAN:
        if (!json_is_boolean(value))
            return polkai_json_unexpected(e, path, "boolean", value);
        polkai_put_bytes(e->buffer, json_is_true(value) ? "\1" : "\0", 1);
        return POLKA_OK;
    case POLKAI_AVRO_INT:
    case POLKAI_AVRO_LONG: return encode_integer(e, schema, value, path);
    case POLKAI_AVRO_FLOAT:
    case POLKAI_AVRO_DOUBLE: return encode_real(e, schema, value, path);
    case POLKAI_AVRO_BYTES:
    case POLKAI_AVRO_FIXED: return encode_bytes(e, schema, value, path);
    case POLKAI_AVRO_ENUM: return encode_enum(e, schema, value, path);
    default:
        if (!json_is_string(value))
            return polkai_json_unexpected(e, path, "string", value);
        polkai_put_sized(e->buffer, json_string_value(value), json_string_length(value));
        return POLKA_OK;
    }
}

bool polkai_json_may_be(polkai_json_form form, const polkai_schema *schema, const json_t *value)
{
    double number;
    switch (schema->type) {
    case POLKAI_AVRO_NULL: return json_is_null(value);
    case POLKAI_AVRO_BOOLEAN: return json_is_boolean(value);
    case POLKAI_AVRO_INT:
    case POLKAI_AVRO_LONG: return json_is_integer(value) || (json_is_string(value) && polkai_when_is(schema->logical));
    case POLKAI_AVRO_FLOAT:
    case POLKAI_AVRO_DOUBLE: return json_is_number(value) || special_of(form, value, &number);
    case POLKAI_AVRO_BYTES:
    case POLKAI_AVRO_FIXED:
        return json_is_string(value) || (json_is_number(value) && polkai_decimal_is_text(schema)) ||
               (as_object(form, schema) && json_object_get(value, "base64") != NULL);
    case POLKAI_AVRO_STRING:
    case POLKAI_AVRO_ENUM: return json_is_string(value);
    case POLKAI_AVRO_ARRAY: return json_is_array(value);
    case POLKAI_AVRO_RECORD:
    case POLKAI_AVRO_MAP: return json_is_object(value);
    default: return false;
    }
}
