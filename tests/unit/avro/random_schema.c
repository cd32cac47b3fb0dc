#include "random_schema.h"

#include "support.h"
#include <avro/readable.h>

static uint64_t below(chance *c, uint64_t limit)
{
    return polkai_random_next(&c->random) % limit;
}

static json_t *named(chance *c, const char *type)
{
    char name[40];
    snprintf(name, sizeof name, "N%u", c->names++);
    json_t *schema = json_pack("{s:s,s:s}", "type", type, "name", name);
    json_object_set_new(schema, "namespace", json_string("test.random"));
    return schema;
}

static json_t *primitive(chance *c)
{
    static const char *const names[] = { "null", "boolean", "int", "long", "float", "double", "bytes", "string" };
    static const struct { const char *type, *logical; } logicals[] = {
        { "string", "uuid" }, { "int", "date" }, { "int", "time-millis" }, { "long", "time-micros" }, { "long", "timestamp-millis" }, { "long", "timestamp-micros" },
        { "long", "timestamp-nanos" }, { "long", "local-timestamp-millis" }, { "long", "local-timestamp-nanos" }, { "long", "no-such" } };
    if (below(c, 3) > 0)
        return json_string(names[below(c, 8)]);
    size_t pick = below(c, 11);
    if (pick == 10)
        return json_pack("{s:s,s:s,s:i,s:i}", "type", "bytes", "logicalType", "decimal", "precision", 3 + (int)below(c, 30), "scale", (int)below(c, 2));
    return json_pack("{s:s,s:s}", "type", logicals[pick].type, "logicalType", logicals[pick].logical);
}

static json_t *random_record(chance *c, unsigned depth)
{
    json_t *record = named(c, "record"), *fields = json_array();
    char full[60];
    snprintf(full, sizeof full, "test.random.%s", json_string_value(json_object_get(record, "name")));
    size_t count = 1 + below(c, 5);
    for (size_t i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "f%zu", i);
        json_t *type = below(c, 8) == 0 ? json_pack("[s,s]", "null", full) : random_schema(c, depth + 1);
        json_array_append_new(fields, json_pack("{s:s,s:o}", "name", name, "type", type));
    }
    json_object_set_new(record, "fields", fields);
    return record;
}

static json_t *random_enum(chance *c)
{
    json_t *schema = named(c, "enum"), *symbols = json_array();
    size_t count = 1 + below(c, 200);
    for (size_t i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "S%zu", i);
        json_array_append_new(symbols, json_string(name));
    }
    json_object_set_new(schema, "symbols", symbols);
    return schema;
}

static json_t *random_fixed(chance *c)
{
    json_t *schema = named(c, "fixed");
    size_t size = 1 + below(c, 20);
    json_object_set_new(schema, "size", json_integer((json_int_t)size));
    if (size == 16 || size == 12)
        json_object_set_new(schema, "logicalType", json_string(size == 16 ? "uuid" : "duration"));
    return schema;
}

static json_t *random_union(chance *c, unsigned depth)
{
    json_t *branches = json_array(), *kinds = json_object();
    size_t count = 1 + below(c, 5);
    for (size_t i = 0; i < count; i++) {
        json_t *branch = random_schema(c, depth + 1);
        const char *kind = json_is_string(branch) ? json_string_value(branch) : json_string_value(json_object_get(branch, "type"));
        bool is_named = json_object_get(branch, "name") != NULL;
        if (json_is_array(branch) || (!is_named && json_object_get(kinds, kind) != NULL)) {
            json_decref(branch);
            continue;
        }
        json_object_set_new(kinds, kind, json_true());
        json_array_append_new(branches, branch);
    }
    if (json_array_size(branches) == 0)
        json_array_append_new(branches, json_string("null"));
    json_decref(kinds);
    return branches;
}

json_t *random_schema(chance *c, unsigned depth)
{
    switch (depth > 4 ? below(c, 4) : below(c, 9)) {
    case 0: return random_enum(c);
    case 1: return random_fixed(c);
    case 4: return json_pack("{s:s,s:o}", "type", "array", "items", random_schema(c, depth + 1));
    case 5: return json_pack("{s:s,s:o}", "type", "map", "values", random_schema(c, depth + 1));
    case 6: return random_union(c, depth);
    case 7:
    case 8: return random_record(c, depth);
    default: return primitive(c);
    }
}

/* ---- values ------------------------------------------------------------------------------------ */

/* Numbers where mistakes are: around powers of two. */
static int64_t edgy(chance *c, unsigned bits)
{
    int64_t value = (int64_t)(polkai_random_next(&c->random) >> (64 - 1 - below(c, bits - 1)));
    return below(c, 2) ? -value - 1 : value;
}

static json_t *random_bytes(chance *c, size_t size)
{
    uint8_t bytes[64];
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)below(c, 256);
    json_t *value = json_string(polkai_base64_write((polka_bytes){ size, bytes }, &arena).data);
    polkai_arena_deinit(&arena);
    return value;
}

/* base64 that cannot be taken for a decimal: one byte gives "xx==" */
static json_t *random_real(chance *c, bool narrow)
{
    uint64_t bits = polkai_random_next(&c->random);
    uint32_t half = (uint32_t)bits;
    double wide;
    float single;
    memcpy(&wide, &bits, sizeof wide);
    memcpy(&single, &half, sizeof single);
    if (narrow)
        wide = (double)single;
    if (wide != wide)
        return json_string("NaN");
    return wide > 1.7e308 * 10 ? json_string("Infinity") : wide < -1.7e308 * 10 ? json_string("-Infinity") : json_real(wide);
}

static json_t *random_text(chance *c)
{
    static const char *const pieces[] = { "a", "Z", "\xc5\xbe", "\xe2\x82\xac", "\xf0\x9f\x92\x83", "\"", "\\", "\x01", " " };
    char text[200] = "";
    for (size_t left = below(c, 20); left > 0; left--)
        strcat(text, pieces[below(c, 9)]);
    return json_string(text);
}

static json_t *random_items(chance *c, const polkai_schema *schema, unsigned depth)
{
    json_t *value = schema->type == POLKAI_AVRO_ARRAY ? json_array() : json_object();
    for (size_t left = depth > 6 ? 0 : below(c, 4); left > 0; left--) {
        char key[20];
        snprintf(key, sizeof key, "k%llu", (unsigned long long)below(c, 1000));
        if (schema->type == POLKAI_AVRO_ARRAY)
            json_array_append_new(value, random_value(c, schema->items, depth + 1));
        else if (json_object_get(value, key) == NULL)
            json_object_set_new(value, key, random_value(c, schema->items, depth + 1));
    }
    return value;
}

static json_t *random_branch(chance *c, const polkai_schema *schema, unsigned depth)
{
    size_t branch = below(c, schema->count);
    for (size_t i = 0; depth > 6 && i < schema->count; i++)
        if (schema->branches[i]->type == POLKAI_AVRO_NULL)
            branch = i;
    const polkai_schema *chosen = schema->branches[branch];
    if (chosen->type == POLKAI_AVRO_NULL)
        return json_null();
    json_t *tagged = json_object();
    json_object_set_new(tagged, chosen->name != NULL ? chosen->name : polkai_avro_type_name(chosen->type), random_value(c, chosen, depth + 1));
    return tagged;
}

json_t *random_value(chance *c, const polkai_schema *schema, unsigned depth)
{
    json_t *record;
    switch (schema->type) {
    case POLKAI_AVRO_NULL: return json_null();
    case POLKAI_AVRO_BOOLEAN: return json_boolean(below(c, 2));
    case POLKAI_AVRO_INT: return json_integer(edgy(c, 32));
    case POLKAI_AVRO_LONG: return json_integer(edgy(c, 64));
    case POLKAI_AVRO_FLOAT: return random_real(c, true);
    case POLKAI_AVRO_DOUBLE: return random_real(c, false);
    case POLKAI_AVRO_BYTES: return random_bytes(c, schema->logical == POLKAI_LOGICAL_DECIMAL ? 1 : below(c, 30));
    case POLKAI_AVRO_FIXED: return random_bytes(c, schema->fixed_size);
    case POLKAI_AVRO_STRING: return random_text(c);
    case POLKAI_AVRO_ENUM: return json_string(schema->symbols[below(c, schema->count)]);
    case POLKAI_AVRO_ARRAY:
    case POLKAI_AVRO_MAP: return random_items(c, schema, depth);
    case POLKAI_AVRO_UNION: return random_branch(c, schema, depth);
    default:
        record = json_object();
        for (size_t i = 0; i < schema->count; i++)
            json_object_set_new(record, schema->fields[i].name, random_value(c, schema->fields[i].schema, depth + 1));
        return record;
    }
}
