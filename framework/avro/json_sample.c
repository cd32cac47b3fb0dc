/* json_sample.c: a plausible value of a schema; the same seed gives the same value. */
#include <avro/json_inner.h>

#include <avro/fallback.h>
#include <avro/readable.h>
#include <base/arena.h>
#include <base/identity.h>
#include <base/random.h>
#include <stdio.h>

enum { DEEP = 6, VALUES_MOST = 100000, PATH_MOST = 64, FIXED_MOST = 1024 * 1024 };
static const int64_t SAMPLE_MS = INT64_C(1767262200000);         /* 2026-01-01T10:10:00Z */

typedef struct {
    polkai_random random;
    unsigned depth;
    long values;                         /* left */
    const polkai_schema *open[PATH_MOST];/* records around this value, so that a recursive type ends */
    size_t open_count;
} sampling;

static json_t *sample(sampling *s, const polkai_schema *schema, const char *name);

static uint64_t below(sampling *s, uint64_t limit)
{
    return polkai_random_next(&s->random) % limit;
}

static json_t *sample_when(sampling *s, polkai_avro_logical logical)
{
    char text[POLKAI_WHEN_TEXT];
    int64_t at_ms = SAMPLE_MS + (int64_t)below(s, 3600) * 1000, value = at_ms;
    switch (logical) {
    case POLKAI_LOGICAL_DATE: value = at_ms / 86400000; break;
    case POLKAI_LOGICAL_TIME_MILLIS: value = at_ms % 86400000; break;
    case POLKAI_LOGICAL_TIME_MICROS: value = at_ms % 86400000 * 1000; break;
    case POLKAI_LOGICAL_TIMESTAMP_MICROS:
    case POLKAI_LOGICAL_LOCAL_TIMESTAMP_MICROS: value = at_ms * 1000; break;
    case POLKAI_LOGICAL_TIMESTAMP_NANOS:
    case POLKAI_LOGICAL_LOCAL_TIMESTAMP_NANOS: value = at_ms * 1000000; break;
    default: break;
    }
    polkai_when_write(logical, value, text);
    return json_string(text);
}

static json_t *sample_uuid(sampling *s)
{
    uint8_t uuid[16];
    char text[POLKA_UUID_TEXT + 1];
    polkai_uuid_v7(uuid, SAMPLE_MS, &s->random);
    polkai_uuid_write(text, uuid);
    return json_string(text);
}

/* Through the bytes and back, so that a number of a fixed's few bytes fits and has its scale. */
static json_t *sample_decimal(sampling *s, const polkai_schema *schema)
{
    char text[POLKAI_WHEN_TEXT];
    polka_arena arena;
    polka_bytes number;
    polkai_arena_init(&arena, NULL, 0);
    unsigned whole = schema->precision - schema->scale, digits = whole < 3 ? whole : 3, limit = 1;
    for (; digits > 0; digits--)
        limit *= 10;
    snprintf(text, sizeof text, "%llu", (unsigned long long)below(s, limit));
    const char *problem = polkai_decimal_read(schema, polka_text_of(text), &arena, &number);
    polka_text shown = problem == NULL ? polkai_decimal_write(schema, number, &arena) : (polka_text){ 0 };
    json_t *value = shown.data == NULL ? json_string("0") : json_stringn(shown.data, shown.size);
    polkai_arena_deinit(&arena);
    return value;
}

static json_t *sample_bytes(sampling *s, const polkai_schema *schema)
{
    polka_arena arena;
    if (schema->logical == POLKAI_LOGICAL_UUID)
        return sample_uuid(s);
    if (schema->logical == POLKAI_LOGICAL_DURATION)
        return json_string("P0M1DT0.000S");
    if (polkai_decimal_is_text(schema))
        return sample_decimal(s, schema);
    if (schema->type == POLKAI_AVRO_FIXED && schema->fixed_size > FIXED_MOST)
        return json_null();              /* no sample is worth that */
    polkai_arena_init(&arena, NULL, 0);
    size_t size = schema->type == POLKAI_AVRO_FIXED ? schema->fixed_size : 4;
    uint8_t *data = polkai_arena_zeroed(&arena, size, 1);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)below(s, 256);
    polka_text text = polkai_base64_write((polka_bytes){ size, data }, &arena);
    json_t *value = json_stringn(text.data, text.size);
    polkai_arena_deinit(&arena);
    return value;
}

static json_t *sample_text(sampling *s, const char *name)
{
    char text[120];
    snprintf(text, sizeof text, "%.100s-%llu", name, (unsigned long long)(1 + below(s, 1000)));
    return json_string(text);
}

/* Lower is better where a value has to end. */
static unsigned cost(sampling *s, const polkai_schema *branch)
{
    if (branch->type == POLKAI_AVRO_NULL)
        return 0;
    if (branch->type == POLKAI_AVRO_ARRAY || branch->type == POLKAI_AVRO_MAP)
        return 2;
    if (branch->type != POLKAI_AVRO_RECORD)
        return 1;
    for (size_t i = 0; i < s->open_count; i++)
        if (s->open[i] == branch)
            return 4;
    return 3;
}

static json_t *sample_union(sampling *s, const polkai_schema *schema, const char *name)
{
    if (schema->count == 0)
        return json_null();
    size_t branch = below(s, schema->count), cheapest = 0;
    for (size_t i = 1; i < schema->count; i++)
        if (cost(s, schema->branches[i]) < cost(s, schema->branches[cheapest]))
            cheapest = i;
    if (s->depth >= DEEP || cost(s, schema->branches[branch]) == 4)
        branch = cheapest;
    const polkai_schema *chosen = schema->branches[branch];
    json_t *value = sample(s, chosen, name);
    for (size_t i = 0; i < branch; i++)  /* a tag only where an earlier branch might take it */
        if (polkai_json_may_be(POLKAI_JSON_PLAIN, schema->branches[i], value))
            return json_pack("{s:o}", polkai_json_tag(chosen), value);
    return value;
}

/* A default in its plain form: its bytes, read as JSON. NULL: there is none. */
static json_t *sample_default(const polkai_schema_field *field)
{
    json_t *value = NULL;
    polka_arena arena;
    if (field->fallback == NULL)
        return NULL;
    polkai_arena_init(&arena, NULL, 0);
    polka_buffer bytes = { .arena = &arena };
    if (polkai_fallback_encode(field->schema, field->fallback, &bytes, NULL) != POLKA_OK ||
        polkai_json_decode(POLKAI_JSON_PLAIN, field->schema, (polka_bytes){ bytes.size, bytes.data }, &value, NULL) != POLKA_OK)
        value = NULL;
    polkai_arena_deinit(&arena);
    return value;
}

static json_t *sample_record(sampling *s, const polkai_schema *schema)
{
    json_t *object = json_object();
    if (s->open_count == PATH_MOST)
        return object;
    s->open[s->open_count++] = schema;
    for (size_t i = 0; i < schema->count; i++) {
        const polkai_schema_field *field = &schema->fields[i];
        json_t *value = sample_default(field);
        json_object_set_new(object, field->name, value != NULL ? value : sample(s, field->schema, field->name));
    }
    s->open_count--;
    return object;
}

static json_t *sample_items(sampling *s, const polkai_schema *schema, const char *name)
{
    char key[96];
    json_t *value = schema->type == POLKAI_AVRO_ARRAY ? json_array() : json_object();
    size_t count = s->depth >= DEEP || cost(s, schema->items) == 4 ? 0 : 1 + below(s, 2);
    for (size_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%.60s-%zu", name, i + 1);
        if (schema->type == POLKAI_AVRO_ARRAY)
            json_array_append_new(value, sample(s, schema->items, name));
        else
            json_object_set_new(value, key, sample(s, schema->items, name));
    }
    return value;
}

static json_t *sample_deeper(sampling *s, const polkai_schema *schema, const char *name)
{
    s->depth++;
    json_t *value = schema->type == POLKAI_AVRO_RECORD ? sample_record(s, schema) : sample_items(s, schema, name);
    s->depth--;
    return value;
}

static json_t *sample(sampling *s, const polkai_schema *schema, const char *name)
{
    if (--s->values < 0)
        return json_null();              /* a type made to be huge, or one that has no value at all */
    if (polkai_when_is(schema->logical))
        return sample_when(s, schema->logical);
    switch (schema->type) {
    case POLKAI_AVRO_BOOLEAN: return json_boolean(below(s, 2));
    case POLKAI_AVRO_INT:
    case POLKAI_AVRO_LONG: return json_integer((json_int_t)(1 + below(s, 100)));
    case POLKAI_AVRO_FLOAT:
    case POLKAI_AVRO_DOUBLE: return json_real((double)below(s, 1000) / 4);
    case POLKAI_AVRO_STRING: return schema->logical == POLKAI_LOGICAL_UUID ? sample_uuid(s) : sample_text(s, name);
    case POLKAI_AVRO_ENUM: return json_string(schema->count == 0 ? "" : schema->symbols[below(s, schema->count < 3 ? schema->count : 3)]);
    case POLKAI_AVRO_BYTES:
    case POLKAI_AVRO_FIXED: return sample_bytes(s, schema);
    case POLKAI_AVRO_UNION: return sample_union(s, schema, name);
    case POLKAI_AVRO_RECORD:
    case POLKAI_AVRO_ARRAY:
    case POLKAI_AVRO_MAP: return sample_deeper(s, schema, name);
    default: return json_null();
    }
}

json_t *polkai_json_sample(const polkai_schema *schema, uint64_t seed)
{
    sampling s = { .values = VALUES_MOST };
    polkai_random_seed(&s.random, seed);
    return sample(&s, schema, "value");
}
