/* fallback.c: defaults of fields, judged and encoded. */
#include <avro/fallback.h>

#include <avro/wire.h>
#include <avro/words.h>
#include <base/arena.h>
#include <base/error.h>
#include <math.h>
#include <stdio.h>

/* bounds for schemas made to cost time or memory */
enum { VALUES = 1000000, NESTING = 1000, BYTES = 64 * 1024 * 1024 };

typedef struct {
    char *why;                           /* NULL: only trying, texts would be made for nothing */
    size_t capacity;
    long *looks;
} judging;

static bool fits(judging *judge, const polkai_schema *schema, const json_t *value, const polkai_path *path);

static bool misfit(judging *judge, const polkai_path *path, const char *expected, const json_t *value)
{
    char where[160];
    if (judge->why == NULL)
        return false;
    polkai_path_write(where, sizeof where, "$", path);
    snprintf(judge->why, judge->capacity, "%s: a default of %s was expected, not %s", where, expected, polkai_words_json(value).text);
    return false;
}

/* U+0000 to U+00FF in UTF-8 are one byte below 0x80, or 0xC2 or 0xC3 and one more. */
bool polkai_code_points(const json_t *text, polka_buffer *bytes)
{
    const uint8_t *at = (const uint8_t *)json_string_value(text), *end = at + json_string_length(text);
    for (; at < end; at++) {
        uint8_t byte = *at;
        if (byte >= 0x80) {
            if ((byte != 0xc2 && byte != 0xc3) || at + 1 == end)
                return false;
            byte = (uint8_t)((byte << 6) | (*++at & 0x3f));
        }
        polkai_put_bytes(bytes, &byte, 1);
    }
    return true;
}

polka_text polkai_code_points_write(polka_bytes bytes, polka_arena *arena)
{
    char *text = polka_arena_alloc(arena, bytes.size * 2 + 1), *at = text;
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = bytes.data[i];
        if (byte >= 0x80) {
            *at++ = (char)(0xc0 | byte >> 6);
            byte = 0x80 | (byte & 0x3f);
        }
        *at++ = (char)byte;
    }
    *at = '\0';
    return (polka_text){ (size_t)(at - text), text };
}

static bool bytes_fit(judging *judge, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    char expected[160];
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    polka_buffer bytes = { .arena = &arena };
    bool good = json_is_string(value) && polkai_code_points(value, &bytes);
    if (schema->type == POLKAI_AVRO_FIXED)
        good = good && bytes.size == schema->fixed_size;
    polkai_arena_deinit(&arena);
    if (good || judge->why == NULL)
        return good;
    if (schema->type == POLKAI_AVRO_FIXED)
        snprintf(expected, sizeof expected, "%s (a string of %zu characters U+0000 to U+00FF)", polkai_words_schema(schema).text, schema->fixed_size);
    else
        snprintf(expected, sizeof expected, "bytes (a string of characters U+0000 to U+00FF)");
    return misfit(judge, path, expected, value);
}

static bool record_fits(judging *judge, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    char expected[160];
    if (!json_is_object(value))
        return misfit(judge, path, polkai_words_schema(schema).text, value);
    for (size_t i = 0; i < schema->count; i++) {
        const polkai_schema_field *field = &schema->fields[i];
        const json_t *member = json_object_get(value, field->name);
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_MEMBER, .name = polka_text_of(field->name) };
        if (member == NULL && field->fallback != NULL)
            continue;                    /* judged where that field is */
        if (member == NULL) {
            snprintf(expected, sizeof expected, "%s with a member '%s'", polkai_words_schema(schema).text, field->name);
            return misfit(judge, path, expected, value);
        }
        if (!fits(judge, field->schema, member, &at))
            return false;
    }
    return true;
}

static bool items_fit(judging *judge, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_ITEM, .index = i };
        if (!fits(judge, schema->items, json_array_get(value, i), &at))
            return false;
    }
    return json_is_array(value) || misfit(judge, path, "array", value);
}

static bool entries_fit(judging *judge, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    const char *key;
    json_t *entry;
    if (!json_is_object(value))
        return misfit(judge, path, "map", value);
    json_object_foreach((json_t *)(uintptr_t)value, key, entry) {
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_KEY, .name = polka_text_of(key) };
        if (!fits(judge, schema->items, entry, &at))
            return false;
    }
    return true;
}

static size_t branch_of(judging *judge, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    size_t branch = 0;
    judging trying = { .why = schema->count == 1 ? judge->why : NULL, .capacity = judge->capacity, .looks = judge->looks };
    while (branch < schema->count && !fits(&trying, schema->branches[branch], value, path))
        branch++;
    return branch;
}

static bool symbol_fits(const polkai_schema *schema, const json_t *value)
{
    const char *symbol = json_string_value(value);
    for (size_t i = 0; symbol != NULL && i < schema->count; i++)
        if (strcmp(symbol, schema->symbols[i]) == 0)
            return true;
    return false;
}

static bool primitive_fits(const polkai_schema *schema, const json_t *value)
{
    switch (schema->type) {
    case POLKAI_AVRO_NULL: return json_is_null(value);
    case POLKAI_AVRO_BOOLEAN: return json_is_boolean(value);
    case POLKAI_AVRO_INT: return json_is_integer(value) && json_integer_value(value) >= INT32_MIN && json_integer_value(value) <= INT32_MAX;
    case POLKAI_AVRO_LONG: return json_is_integer(value);
    case POLKAI_AVRO_FLOAT:
    case POLKAI_AVRO_DOUBLE: return json_is_number(value);
    case POLKAI_AVRO_STRING: return json_is_string(value);
    case POLKAI_AVRO_ENUM: return symbol_fits(schema, value);
    default: return false;
    }
}

static bool fits(judging *judge, const polkai_schema *schema, const json_t *value, const polkai_path *path)
{
    if (--*judge->looks < 0)
        return misfit(judge, path, "a type with fewer ways to read it", value);
    switch (schema->type) {
    case POLKAI_AVRO_RECORD: return record_fits(judge, schema, value, path);
    case POLKAI_AVRO_ARRAY: return items_fit(judge, schema, value, path);
    case POLKAI_AVRO_MAP: return entries_fit(judge, schema, value, path);
    case POLKAI_AVRO_BYTES:
    case POLKAI_AVRO_FIXED: return bytes_fit(judge, schema, value, path);
    case POLKAI_AVRO_UNION:
        if (branch_of(judge, schema, value, path) < schema->count)
            return true;
        return schema->count == 1 ? false : misfit(judge, path, "one of the union's branches", value);
    default:
        return primitive_fits(schema, value) || (judge->why != NULL && misfit(judge, path, polkai_words_schema(schema).text, value));
    }
}

/*
 * Java Avro also takes the default of a field that is itself a float or double as text, and writes NaN and the infinities
 * so, which JSON has no numbers for.
 */
static bool real_text(const json_t *text, double *number)
{
    static const struct { const char *word; double number; } words[] = { { "NaN", NAN }, { "Infinity", INFINITY }, { "-Infinity", -INFINITY } };
    for (size_t i = 0; json_is_string(text) && i < sizeof words / sizeof *words; i++)
        if (strcmp(json_string_value(text), words[i].word) == 0) {
            *number = words[i].number;
            return true;
        }
    json_t *read = json_is_string(text) ? json_loadb(json_string_value(text), json_string_length(text), JSON_DECODE_ANY, NULL) : NULL;
    bool good = json_is_number(read);
    *number = json_number_value(read);
    json_decref(read);
    return good;
}

bool polkai_fallback_fits(const polkai_schema *schema, const json_t *value, const polkai_path *path, char *why, size_t capacity, long *looks)
{
    double number;
    judging judge = { .why = why, .capacity = capacity, .looks = looks };
    if ((schema->type == POLKAI_AVRO_FLOAT || schema->type == POLKAI_AVRO_DOUBLE) && real_text(value, &number))
        return true;
    return fits(&judge, schema, value, path);
}

size_t polkai_fallback_branch(const polkai_schema *schema, const json_t *value, long *looks)
{
    judging judge = { .looks = looks };
    return branch_of(&judge, schema, value, NULL);
}

/* ---- bytes ------------------------------------------------------------------------------------- */

typedef struct { polka_buffer *buffer; polka_error *error; long values, looks; unsigned depth; } writing;

static polka_status encode(writing *writer, const polkai_schema *schema, const json_t *value);

static polka_status encode_record(writing *writer, const polkai_schema *schema, const json_t *value)
{
    for (size_t i = 0; i < schema->count; i++) {
        const json_t *member = json_object_get(value, schema->fields[i].name);
        TRY(encode(writer, schema->fields[i].schema, member != NULL ? member : schema->fields[i].fallback));
    }
    return POLKA_OK;
}

static polka_status encode_collection(writing *writer, const polkai_schema *schema, const json_t *value)
{
    size_t count = json_is_array(value) ? json_array_size(value) : json_object_size(value), i;
    json_t *item;
    if (count > 0)
        polkai_put_long(writer->buffer, (int64_t)count);
    json_array_foreach((json_t *)(uintptr_t)value, i, item)
        TRY(encode(writer, schema->items, item));
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        polkai_put_sized(writer->buffer, json_object_iter_key(at), json_object_iter_key_len(at));      /* a key may hold NUL */
        TRY(encode(writer, schema->items, json_object_iter_value(at)));
    }
    polkai_put_long(writer->buffer, 0);
    return POLKA_OK;
}

static void encode_bytes(writing *writer, const polkai_schema *schema, const json_t *value)
{
    polka_buffer bytes = { .arena = writer->buffer->arena };
    polkai_code_points(value, &bytes);
    if (schema->type == POLKAI_AVRO_BYTES)
        polkai_put_long(writer->buffer, (int64_t)bytes.size);
    polkai_put_bytes(writer->buffer, bytes.data, bytes.size);
}

static void encode_primitive(writing *writer, const polkai_schema *schema, const json_t *value)
{
    int64_t symbol = 0;
    double number = json_number_value(value);
    switch (schema->type) {
    case POLKAI_AVRO_BOOLEAN: polkai_put_bytes(writer->buffer, json_is_true(value) ? "\1" : "\0", 1); break;
    case POLKAI_AVRO_INT:
    case POLKAI_AVRO_LONG: polkai_put_long(writer->buffer, json_integer_value(value)); break;
    case POLKAI_AVRO_FLOAT:
    case POLKAI_AVRO_DOUBLE:
        if (json_is_string(value))
            real_text(value, &number);
        if (schema->type == POLKAI_AVRO_FLOAT)
            polkai_put_float(writer->buffer, (float)number);
        else
            polkai_put_double(writer->buffer, number);
        break;
    case POLKAI_AVRO_STRING: polkai_put_sized(writer->buffer, json_string_value(value), json_string_length(value)); break;
    case POLKAI_AVRO_ENUM:
        while (strcmp(schema->symbols[symbol], json_string_value(value)) != 0)
            symbol++;
        polkai_put_long(writer->buffer, symbol);
        break;
    default: break;
    }
}

static polka_status encode(writing *writer, const polkai_schema *schema, const json_t *value)
{
    char why[240];
    ENSURE(writer->values-- > 0 && writer->depth < NESTING && writer->buffer->size <= BYTES, POLKA_POISON, writer->error, "bad-schema",
           "defaults inside defaults make more than %d values, %d levels or %d bytes", VALUES, NESTING, BYTES);
    writer->depth++;
    polka_status status = POLKA_OK;
    if (schema->type == POLKAI_AVRO_UNION) {
        size_t branch = polkai_fallback_branch(schema, value, &writer->looks);
        if (branch == schema->count)
            return polkai_fail(writer->error, POLKA_POISON, "bad-schema", "a default fits no branch of its union");
        polkai_put_long(writer->buffer, (int64_t)branch);
        schema = schema->branches[branch];
    } else if (!polkai_fallback_fits(schema, value, NULL, why, sizeof why, &writer->looks)) {
        return polkai_fail(writer->error, POLKA_POISON, "bad-schema", "%s", why);
    }
    if (schema->type == POLKAI_AVRO_RECORD)
        status = encode_record(writer, schema, value);
    else if (schema->type == POLKAI_AVRO_ARRAY || schema->type == POLKAI_AVRO_MAP)
        status = encode_collection(writer, schema, value);
    else if (schema->type == POLKAI_AVRO_BYTES || schema->type == POLKAI_AVRO_FIXED)
        encode_bytes(writer, schema, value);
    else
        encode_primitive(writer, schema, value);
    writer->depth--;
    return status;
}

polka_status polkai_fallback_encode(const polkai_schema *schema, const json_t *value, polka_buffer *buffer, polka_error *error)
{
    writing writer = { .buffer = buffer, .error = error, .values = VALUES, .looks = POLKAI_FALLBACK_LOOKS };
    return encode(&writer, schema, value);
}
