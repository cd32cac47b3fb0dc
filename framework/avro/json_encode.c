/*
 * json_encode.c: plain JSON to Avro bytes. Lenient in form (tagged or untagged unions, a logical type's text or its
 * underlying value), strict in content (ranges, unknown and missing fields).
 */
#include <avro/json_inner.h>

#include <avro/fallback.h>
#include <avro/readable.h>
#include <avro/wire.h>
#include <avro/words.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    polka_buffer *buffer;
    polka_error *error;                  /* NULL: only trying, texts would be made for nothing */
    long *looks;                         /* left */
    unsigned depth;
} encoding;

static polka_status encode(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path);

/* ---- errors ------------------------------------------------------------------------------------ */

static polka_status reject(encoding *e, const polkai_path *path, const char *format, ...) POLKA_PRINTF(3, 4);
static polka_status reject(encoding *e, const polkai_path *path, const char *format, ...)
{
    char where[160], what[300];
    if (e->error == NULL)
        return POLKA_POISON;
    polkai_path_write(where, sizeof where, "", path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return polkai_fail(e->error, POLKA_POISON, "bad-value", "%s: %s", path == NULL ? "the value" : where, what);
}

static polka_status unexpected(encoding *e, const polkai_path *path, const char *expected, const json_t *value)
{
    return e->error == NULL ? POLKA_POISON : reject(e, path, "expected %s, got %s", expected, polkai_words_json(value).text);
}

static polka_text text_of(const json_t *value)
{
    return (polka_text){ json_string_length(value), json_string_value(value) };
}

/* ---- numbers ----------------------------------------------------------------------------------- */

static polka_status encode_integer(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    int64_t number = json_integer_value(value);
    if (json_is_string(value) && polkai_when_is(schema->logical)) {
        const char *expected = polkai_when_read(schema->logical, text_of(value), &number);
        if (expected != NULL)
            return unexpected(e, path, expected, value);
    } else if (!json_is_integer(value)) {
        return unexpected(e, path, polkai_words_schema(schema).text, value);
    }
    if (schema->type == POLKAI_AVRO_INT && (number < INT32_MIN || number > INT32_MAX))
        return unexpected(e, path, "int (-2147483648 to 2147483647)", value);
    polkai_put_long(e->buffer, number);
    return POLKA_OK;
}

bool polkai_json_special(const char *text, double *number)
{
    static const struct { const char *text; double number; } specials[] = { { "NaN", NAN }, { "Infinity", INFINITY }, { "-Infinity", -INFINITY } };
    for (size_t i = 0; text != NULL && i < 3; i++)
        if (strcmp(text, specials[i].text) == 0) {
            *number = specials[i].number;
            return true;
        }
    return false;
}

static polka_status encode_real(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    double number = json_number_value(value);
    bool special = polkai_json_special(json_string_value(value), &number);
    if (!special && !json_is_number(value))
        return unexpected(e, path, polkai_words_schema(schema).text, value);
    if (schema->type == POLKAI_AVRO_DOUBLE)
        polkai_put_double(e->buffer, number);
    else if (!special && fabs(number) > 3.5e38)
        return unexpected(e, path, "float (at most 3.4028235e38)", value);
    else if (!special && isinf((float)number))
        return unexpected(e, path, "float (at most 3.4028235e38)", value);
    else
        polkai_put_float(e->buffer, (float)number);
    return POLKA_OK;
}

/* ---- bytes ------------------------------------------------------------------------------------- */

/* Digits of a JSON number for a decimal; false when it needs an exponent. */
static bool number_text(const json_t *value, char out[POLKAI_WHEN_TEXT])
{
    if (json_is_integer(value))
        snprintf(out, POLKAI_WHEN_TEXT, "%lld", (long long)json_integer_value(value));
    else
        polkai_real_write(json_real_value(value), out);
    return polkai_decimal_looks(polka_text_of(out));
}

static polka_status read_decimal(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path, polka_bytes *bytes, bool *done)
{
    char digits[POLKAI_WHEN_TEXT], expected[120];
    *done = polkai_decimal_is_text(schema);
    if (*done && json_is_number(value))
        *done = number_text(value, digits);
    else
        *done = *done && json_is_string(value) && polkai_decimal_looks(text_of(value));
    if (!*done)
        return POLKA_OK;
    const char *problem = polkai_decimal_read(schema, json_is_string(value) ? text_of(value) : polka_text_of(digits), e->buffer->arena, bytes);
    if (problem == NULL)
        return POLKA_OK;
    snprintf(expected, sizeof expected, "decimal of precision %u and scale %u", schema->precision, schema->scale);
    return e->error == NULL ? POLKA_POISON : reject(e, path, "expected %s, got %s, which has %s", expected, polkai_words_json(value).text, problem);
}

static const char *expected_bytes(const polkai_schema *schema, char *out, size_t capacity)
{
    const char *form = polkai_decimal_is_text(schema) ? "a decimal such as \"12.34\" or base64"
                     : schema->logical == POLKAI_LOGICAL_UUID ? "a uuid or base64"
                     : schema->logical == POLKAI_LOGICAL_DURATION ? "a duration such as \"P1M2DT3.004S\" or base64" : "base64";
    if (schema->type == POLKAI_AVRO_FIXED)
        snprintf(out, capacity, "%s (%zu bytes as %s)", polkai_words_schema(schema).text, schema->fixed_size, form);
    else
        snprintf(out, capacity, "bytes (%s)", form);
    return out;
}

static polka_status encode_bytes(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    char expected[200];
    uint8_t sixteen[16];
    polka_bytes bytes = { 0 };
    bool done = false;
    if (schema->logical == POLKAI_LOGICAL_DECIMAL)
        TRY(read_decimal(e, schema, value, path, &bytes, &done));
    if (!done && schema->logical == POLKAI_LOGICAL_UUID && json_is_string(value) && polkai_uuid_read(text_of(value), sixteen)) {
        bytes = (polka_bytes){ 16, sixteen };
        done = true;
    }
    if (!done && schema->logical == POLKAI_LOGICAL_DURATION && json_is_string(value) && polkai_duration_read(text_of(value), sixteen)) {
        bytes = (polka_bytes){ 12, sixteen };
        done = true;
    }
    if (!done && (!json_is_string(value) || !polkai_base64_read(text_of(value), e->buffer->arena, &bytes)))
        return e->error == NULL ? POLKA_POISON : unexpected(e, path, expected_bytes(schema, expected, sizeof expected), value);
    if (schema->type == POLKAI_AVRO_FIXED && bytes.size != schema->fixed_size)
        return e->error == NULL ? POLKA_POISON
                                : reject(e, path, "expected %s, got %zu bytes", expected_bytes(schema, expected, sizeof expected), bytes.size);
    if (schema->type == POLKAI_AVRO_BYTES)
        polkai_put_long(e->buffer, (int64_t)bytes.size);
    polkai_put_bytes(e->buffer, bytes.data, bytes.size);
    return POLKA_OK;
}

static polka_status encode_enum(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    const char *symbol = json_string_value(value);
    for (size_t i = 0; symbol != NULL && i < schema->count; i++)
        if (strcmp(symbol, schema->symbols[i]) == 0 && strlen(symbol) == json_string_length(value)) {
            polkai_put_long(e->buffer, (int64_t)i);
            return POLKA_OK;
        }
    if (symbol == NULL || e->error == NULL)
        return unexpected(e, path, polkai_words_schema(schema).text, value);
    const char *near = polkai_nearest(symbol, schema->symbols, schema->count);
    if (near != NULL)
        return reject(e, path, "%s has no symbol %s; did you mean \"%s\"?", polkai_words_schema(schema).text, polkai_words_json(value).text, near);
    return reject(e, path, "%s has no symbol %s; the first is \"%s\"", polkai_words_schema(schema).text, polkai_words_json(value).text,
                  schema->count > 0 ? schema->symbols[0] : "");
}

/* ---- records, arrays, maps --------------------------------------------------------------------- */

static polka_status unknown_member(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    const char *key;
    json_t *member;
    if (e->error == NULL)
        return POLKA_POISON;
    const char **names = polkai_arena_zeroed(e->buffer->arena, schema->count, sizeof *names);
    for (size_t i = 0; i < schema->count; i++)
        names[i] = schema->fields[i].name;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        size_t i = 0;
        while (i < schema->count && strcmp(names[i], key) != 0)
            i++;
        if (i < schema->count)
            continue;
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_MEMBER, .name = polka_text_of(key) };
        const char *near = polkai_nearest(key, names, schema->count);
        return reject(e, &at, "%s has no such field%s%s%s", polkai_words_schema(schema).text, near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
                      near == NULL ? "" : "'?");
    }
    return POLKA_OK;
}

static polka_status encode_record(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    size_t known = 0;
    if (!json_is_object(value))
        return unexpected(e, path, polkai_words_schema(schema).text, value);
    for (size_t i = 0; i < schema->count; i++)
        known += json_object_get(value, schema->fields[i].name) != NULL;
    if (known != json_object_size(value))
        TRY(unknown_member(e, schema, value, path));
    for (size_t i = 0; i < schema->count; i++) {
        const polkai_schema_field *field = &schema->fields[i];
        const json_t *member = json_object_get(value, field->name);
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_MEMBER, .name = polka_text_of(field->name) };
        if (member != NULL)
            TRY(encode(e, field->schema, member, &at));
        else if (field->fallback == NULL)
            return e->error == NULL ? POLKA_POISON : reject(e, &at, "missing; it has no default, and %s was expected", polkai_words_schema(field->schema).text);
        else
            TRY(polkai_fallback_encode(field->schema, field->fallback, e->buffer, e->error));
    }
    return POLKA_OK;
}

static polka_status encode_array(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (!json_is_array(value))
        return unexpected(e, path, "array", value);
    if (json_array_size(value) > 0)
        polkai_put_long(e->buffer, (int64_t)json_array_size(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_ITEM, .index = i };
        TRY(encode(e, schema->items, json_array_get(value, i), &at));
    }
    polkai_put_long(e->buffer, 0);
    return POLKA_OK;
}

static polka_status encode_map(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (!json_is_object(value))
        return unexpected(e, path, "map", value);
    if (json_object_size(value) > 0)
        polkai_put_long(e->buffer, (int64_t)json_object_size(value));
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        const polka_text key = { json_object_iter_key_len(at), json_object_iter_key(at) };
        const polkai_path here = { .up = path, .kind = POLKAI_PATH_KEY, .name = key };
        polkai_put_sized(e->buffer, key.data, key.size);
        TRY(encode(e, schema->items, json_object_iter_value(at), &here));
    }
    polkai_put_long(e->buffer, 0);
    return POLKA_OK;
}

/* ---- unions ------------------------------------------------------------------------------------ */

const char *polkai_json_tag(const polkai_schema *branch)
{
    return branch->name != NULL ? branch->name : polkai_avro_type_name(branch->type);
}

size_t polkai_json_tagged(const polkai_schema *schema, const json_t *value)
{
    size_t branch = schema->count;
    if (json_object_size(value) != 1)
        return branch;
    const char *key = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)value));
    for (branch = 0; branch < schema->count && strcmp(polkai_json_tag(schema->branches[branch]), key) != 0;)
        branch++;
    return branch;
}

bool polkai_json_may_be(const polkai_schema *schema, const json_t *value)
{
    double number;
    switch (schema->type) {
    case POLKAI_AVRO_NULL: return json_is_null(value);
    case POLKAI_AVRO_BOOLEAN: return json_is_boolean(value);
    case POLKAI_AVRO_INT:
    case POLKAI_AVRO_LONG: return json_is_integer(value) || (json_is_string(value) && polkai_when_is(schema->logical));
    case POLKAI_AVRO_FLOAT:
    case POLKAI_AVRO_DOUBLE: return json_is_number(value) || polkai_json_special(json_string_value(value), &number);
    case POLKAI_AVRO_BYTES:
    case POLKAI_AVRO_FIXED: return json_is_string(value) || (json_is_number(value) && polkai_decimal_is_text(schema));
    case POLKAI_AVRO_STRING:
    case POLKAI_AVRO_ENUM: return json_is_string(value);
    case POLKAI_AVRO_ARRAY: return json_is_array(value);
    case POLKAI_AVRO_RECORD:
    case POLKAI_AVRO_MAP: return json_is_object(value);
    default: return false;
    }
}

static polka_status encode_branch(encoding *e, const polkai_schema *schema, size_t branch, const json_t *value, const polkai_path *path, polka_error *error)
{
    encoding attempt = *e;
    size_t before = e->buffer->size;
    attempt.error = error;
    polkai_put_long(e->buffer, (int64_t)branch);
    polka_status status = encode(&attempt, schema->branches[branch], value, path);
    if (status != POLKA_OK)
        e->buffer->size = before;
    return status;
}

static polka_status no_branch(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    char names[200] = "";
    size_t used = 0;
    for (size_t i = 0; e->error != NULL && i < schema->count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : i + 1 == schema->count ? " or " : ", ",
                                 polkai_words_schema(schema->branches[i]).text);
    return unexpected(e, path, names, value);
}

/*
 * The tag comes first, so that a tagged value always is what it says (json_decode.c writes a tag where it is needed);
 * then the first branch that takes the value as it is.
 */
static polka_status encode_union(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    size_t tagged = polkai_json_tagged(schema, value), candidates = 0, likely = schema->count;
    const json_t *inner = tagged < schema->count ? json_object_get(value, polkai_json_tag(schema->branches[tagged])) : NULL;
    for (size_t i = schema->count; i-- > 0;)
        if (polkai_json_may_be(schema->branches[i], value)) {
            candidates++;
            likely = i;
        }
    if (inner != NULL && candidates == 0)
        return encode_branch(e, schema, tagged, inner, path, e->error);
    if (inner != NULL && encode_branch(e, schema, tagged, inner, path, NULL) == POLKA_OK)
        return POLKA_OK;
    if (candidates == 0)
        return no_branch(e, schema, value, path);
    if (candidates == 1)
        return encode_branch(e, schema, likely, value, path, e->error);
    for (size_t i = likely; i < schema->count; i++)
        if (polkai_json_may_be(schema->branches[i], value) && encode_branch(e, schema, i, value, path, NULL) == POLKA_OK)
            return POLKA_OK;
    if (e->error == NULL || !json_is_object(value))
        return no_branch(e, schema, value, path);
    TRY(encode_branch(e, schema, likely, value, path, e->error));
    return POLKA_OK;
}

/* ---- all --------------------------------------------------------------------------------------- */

static polka_status encode_deeper(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (e->depth == POLKAI_JSON_DEPTH)
        return reject(e, path, "the value nests more than %d deep", POLKAI_JSON_DEPTH);
    e->depth++;
    polka_status status = schema->type == POLKAI_AVRO_RECORD  ? encode_record(e, schema, value, path)
                          : schema->type == POLKAI_AVRO_ARRAY ? encode_array(e, schema, value, path)
                                                              : encode_map(e, schema, value, path);
    e->depth--;
    return status;
}

static polka_status encode(encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (--*e->looks < 0)
        return reject(e, path, "too many ways to read this by the unions of its type; tag them: {\"shop.Branch\": ...}");
    switch (schema->type) {
    case POLKAI_AVRO_NULL: return json_is_null(value) ? POLKA_OK : unexpected(e, path, "null", value);
    case POLKAI_AVRO_BOOLEAN:
        if (!json_is_boolean(value))
            return unexpected(e, path, "boolean", value);
        polkai_put_bytes(e->buffer, json_is_true(value) ? "\1" : "\0", 1);
        return POLKA_OK;
    case POLKAI_AVRO_INT:
    case POLKAI_AVRO_LONG: return encode_integer(e, schema, value, path);
    case POLKAI_AVRO_FLOAT:
    case POLKAI_AVRO_DOUBLE: return encode_real(e, schema, value, path);
    case POLKAI_AVRO_BYTES:
    case POLKAI_AVRO_FIXED: return encode_bytes(e, schema, value, path);
    case POLKAI_AVRO_STRING:
        if (!json_is_string(value))
            return unexpected(e, path, "string", value);
        polkai_put_sized(e->buffer, json_string_value(value), json_string_length(value));
        return POLKA_OK;
    case POLKAI_AVRO_ENUM: return encode_enum(e, schema, value, path);
    case POLKAI_AVRO_UNION: return encode_union(e, schema, value, path);
    default: return encode_deeper(e, schema, value, path);
    }
}

polka_status polkai_json_try(const polkai_schema *schema, const json_t *value, polka_buffer *buffer, long *looks)
{
    encoding e = { .buffer = buffer, .looks = looks };
    return encode(&e, schema, value, NULL);
}

polka_status polkai_json_encode(const polkai_schema *schema, const json_t *value, polka_buffer *buffer, polka_error *error)
{
    long looks = POLKAI_JSON_LOOKS;
    encoding e = { .buffer = buffer, .error = error, .looks = &looks };
    size_t before = buffer->size;
    polka_status status = encode(&e, schema, value, NULL);
    if (status != POLKA_OK)
        buffer->size = before;
    return status;
}
