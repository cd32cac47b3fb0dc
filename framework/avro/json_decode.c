/* json_decode.c: Avro bytes to JSON. The walk has judged the bytes before the first value is made of them. */
#include <avro/json_inner.h>

#include <avro/readable.h>
#include <avro/walk.h>
#include <avro/wire.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>
#include <math.h>

enum { EMPTY_VALUES = 2000000 };         /* a hundred bytes each; the walk alone would let 64 million through */

typedef struct {
    polkai_json_form form;
    polkai_wire wire;
    const uint8_t *start;
    polka_arena *arena;                  /* texts on their way, and bytes of branches that are tried */
    polka_error *error;
    long looks;
    size_t values;                       /* left: a value that took no byte takes memory all the same */
} decoding;

static polka_status decode(decoding *d, const polkai_schema *schema, json_t **value, const polkai_path *path);

static void release(json_t **json)
{
    json_decref(*json);
}

static polka_status made(decoding *d, json_t *value)
{
    ENSURE(value != NULL, POLKA_FATAL, d->error, "out-of-memory", "no memory for a JSON value");
    return POLKA_OK;
}

static int64_t number(decoding *d)
{
    int64_t value = 0;
    polkai_get_long(&d->wire, &value);   /* cannot fail after the walk */
    return value;
}

static polka_bytes take(decoding *d, size_t size)
{
    polka_bytes bytes = { size, d->wire.at };
    d->wire.at += size;
    return bytes;
}

static json_t *real(double number)
{
    if (isnan(number))
        return json_string("NaN");
    return isinf(number) ? json_string(number > 0 ? "Infinity" : "-Infinity") : json_real(number);
}

static json_t *integer(const decoding *d, polkai_avro_logical logical, int64_t value)
{
    char text[POLKAI_WHEN_TEXT];
    if (d->form != POLKAI_JSON_AVRO && polkai_when_is(logical) && polkai_when_write(logical, value, text))
        return json_string(text);
    return json_integer(value);
}

/* Bytes that are no number of the declared precision stay bytes: as digits they would not be read again. */
static json_t *decimal(decoding *d, const polkai_schema *schema, polka_bytes bytes)
{
    polka_text shown = polkai_decimal_write(schema, bytes, d->arena);
    return shown.data == NULL ? polkai_json_base64(bytes, d->arena) : json_stringn(shown.data, shown.size);
}

static polka_status decode_bytes(decoding *d, const polkai_schema *schema, json_t **value)
{
    char text[POLKAI_WHEN_TEXT];
    polka_bytes bytes = take(d, schema->type == POLKAI_AVRO_FIXED ? schema->fixed_size : (size_t)number(d));
    if (d->form == POLKAI_JSON_AVRO) {
        *value = polkai_json_bytes_write(d->form, bytes, d->arena);
    } else if (schema->logical == POLKAI_LOGICAL_UUID) {
        polkai_uuid_write(text, bytes.data);
        *value = json_string(text);
    } else if (schema->logical == POLKAI_LOGICAL_DURATION) {
        polkai_duration_write(bytes.data, text);
        *value = json_string(text);
    } else if (polkai_decimal_is_text(schema)) {
        *value = decimal(d, schema, bytes);
    } else {
        *value = polkai_json_bytes_write(d->form, bytes, d->arena);
    }
    return made(d, *value);
}

static polka_status decode_record(decoding *d, const polkai_schema *schema, json_t **value, const polkai_path *path)
{
    json_t *object AUTO(release) = json_object();
    for (size_t i = 0; i < schema->count; i++) {
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_MEMBER, .name = polka_text_of(schema->fields[i].name) };
        json_t *member;
        TRY(decode(d, schema->fields[i].schema, &member, &at));
        json_object_set_new_nocheck(object, schema->fields[i].name, member);
    }
    *value = json_incref(object);
    return POLKA_OK;
}

static int64_t block(decoding *d)
{
    int64_t count = number(d);
    if (count < 0) {
        number(d);
        count = -count;
    }
    return count;
}

static polka_status decode_array(decoding *d, const polkai_schema *schema, json_t **value, const polkai_path *path)
{
    json_t *array AUTO(release) = json_array();
    for (int64_t left = block(d); left > 0; left = left > 1 ? left - 1 : block(d)) {
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_ITEM, .index = json_array_size(array) };
        json_t *item;
        TRY(decode(d, schema->items, &item, &at));
        json_array_append_new(array, item);
    }
    *value = json_incref(array);
    return POLKA_OK;
}

static polka_status decode_map(decoding *d, const polkai_schema *schema, json_t **value, const polkai_path *path)
{
    json_t *map AUTO(release) = json_object();
    for (int64_t left = block(d); left > 0; left = left > 1 ? left - 1 : block(d)) {
        polka_bytes key = take(d, (size_t)number(d));
        const polkai_path at = { .up = path, .kind = POLKAI_PATH_KEY, .name = { key.size, (const char *)key.data } };
        json_t *entry;
        TRY(decode(d, schema->items, &entry, &at));
        json_object_setn_new_nocheck(map, (const char *)key.data, key.size, entry);
    }
    *value = json_incref(map);
    return POLKA_OK;
}

/* Would the value without a tag be read as another branch? Then it needs one. When that is too costly to say, too. */
static bool needs_tag(decoding *d, const polkai_schema *schema, size_t branch, const json_t *value)
{
    polka_buffer scratch = { .arena = d->arena };
    if (d->form == POLKAI_JSON_AVRO || polkai_json_tagged(schema, value) < schema->count)
        return true;
    for (size_t i = 0; i < branch; i++) {
        if (!polkai_json_may_be(d->form, schema->branches[i], value))
            continue;
        scratch.size = 0;
        if (polkai_json_try(d->form, schema->branches[i], value, &scratch, &d->looks) == POLKA_OK || d->looks <= 0)
            return true;
    }
    return false;
}

static polka_status decode_union(decoding *d, const polkai_schema *schema, json_t **value, const polkai_path *path)
{
    size_t branch = (size_t)number(d);
    TRY(decode(d, schema->branches[branch], value, path));
    if (schema->branches[branch]->type == POLKAI_AVRO_NULL || !needs_tag(d, schema, branch, *value))
        return POLKA_OK;
    json_t *tagged = json_object();
    json_object_set_new_nocheck(tagged, polkai_json_tag(schema->branches[branch]), *value);
    *value = tagged;
    return made(d, tagged);
}

static polka_status too_many(decoding *d, const polkai_path *path)
{
    char where[160];
    polkai_path_write(where, sizeof where, "", path);
    return polkai_fail(d->error, POLKA_POISON, "bad-bytes", "%s: more than %d values that take no bytes, too many to be shown as JSON, at byte %zu of %zu", where,
                       EMPTY_VALUES, (size_t)(d->wire.at - d->start), (size_t)(d->wire.end - d->start));
}

static polka_status decode(decoding *d, const polkai_schema *schema, json_t **value, const polkai_path *path)
{
    polka_bytes bytes;
    uint64_t bits;
    uint32_t half;
    double wide;
    float narrow;
    if (d->values-- == 0)
        return too_many(d, path);
    switch (schema->type) {
    case POLKAI_AVRO_NULL: *value = json_null(); break;
    case POLKAI_AVRO_BOOLEAN: *value = json_boolean(*take(d, 1).data); break;
    case POLKAI_AVRO_INT:
    case POLKAI_AVRO_LONG: *value = integer(d, schema->logical, number(d)); break;
    case POLKAI_AVRO_FLOAT:
        half = (uint32_t)polkai_get_little(&d->wire, 4);
        memcpy(&narrow, &half, sizeof narrow);
        *value = real(isfinite(narrow) ? polkai_float_shown(narrow) : (double)narrow);
        break;
    case POLKAI_AVRO_DOUBLE:
        bits = polkai_get_little(&d->wire, 8);
        memcpy(&wide, &bits, sizeof wide);
        *value = real(wide);
        break;
    case POLKAI_AVRO_STRING:
        bytes = take(d, (size_t)number(d));
        *value = json_stringn_nocheck((const char *)bytes.data, bytes.size);
        break;
    case POLKAI_AVRO_ENUM: *value = json_string(schema->symbols[number(d)]); break;
    case POLKAI_AVRO_BYTES:
    case POLKAI_AVRO_FIXED: return decode_bytes(d, schema, value);
    case POLKAI_AVRO_RECORD: return decode_record(d, schema, value, path);
    case POLKAI_AVRO_ARRAY: return decode_array(d, schema, value, path);
    case POLKAI_AVRO_MAP: return decode_map(d, schema, value, path);
    case POLKAI_AVRO_UNION: return decode_union(d, schema, value, path);
    }
    return made(d, *value);
}

polka_status polkai_json_decode(polkai_json_form form, const polkai_schema *schema, polka_bytes body, json_t **value, polka_error *error)
{
    static const uint8_t nothing = 0;
    const uint8_t *data = body.data == NULL ? &nothing : body.data;
    polka_arena arena;
    TRY(polkai_walk(schema, body, NULL, error));
    polkai_arena_init(&arena, NULL, 0);
    decoding d = { .form = form, .wire = { data, data + body.size }, .start = data, .arena = &arena, .error = error, .looks = POLKAI_JSON_LOOKS / 10,
                   .values = body.size + EMPTY_VALUES };
    polka_status status = decode(&d, schema, value, NULL);
    polkai_arena_deinit(&arena);
    return status;
}
