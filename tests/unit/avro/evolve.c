#include "evolve.h"

#include <avro/readable.h>
#include <base/text.h>
#include <stdio.h>
#include <string.h>

/* ---- later versions ----------------------------------------------------------------------------- */

static uint64_t below(chance *c, uint64_t limit)
{
    return polkai_random_next(&c->random) % limit;
}

static void shuffle(chance *c, json_t *array)
{
    for (size_t i = json_array_size(array); i > 1; i--) {
        size_t k = below(c, i);
        json_t *a = json_incref(json_array_get(array, i - 1)), *b = json_incref(json_array_get(array, k));
        json_array_set_new(array, i - 1, b);
        json_array_set_new(array, k, a);
    }
}

static json_t *evolve_primitive(chance *c, const json_t *schema, const char *type)
{
    static const char *const changes[][2] = { { "int", "long" }, { "int", "float" }, { "int", "double" }, { "long", "float" }, { "long", "double" }, { "float", "double" },
                                              { "string", "bytes" }, { "bytes", "string" }, { "long", "int" }, { "boolean", "string" } };
    size_t pick = below(c, 40);
    if (pick < sizeof changes / sizeof *changes && strcmp(changes[pick][0], type) == 0)
        return json_string(changes[pick][1]);
    if (pick == 20 && strcmp(type, "null") != 0)
        return json_pack("[s,O]", "null", schema);
    return json_deep_copy(schema);
}

static void evolve_enum(chance *c, json_t *schema)
{
    json_t *symbols = json_object_get(schema, "symbols");
    if (below(c, 3) == 0)
        shuffle(c, symbols);
    if (below(c, 4) == 0)
        json_array_append_new(symbols, json_string("New"));
    if (below(c, 3) == 0 && json_array_size(symbols) > 1)
        json_array_remove(symbols, below(c, json_array_size(symbols)));
    if (below(c, 3) == 0)
        json_object_set(schema, "default", json_array_get(symbols, below(c, json_array_size(symbols))));
}

static json_t *new_field(chance *c)
{
    char name[24];
    snprintf(name, sizeof name, "new%u", c->names++);
    switch (below(c, 6)) {
    case 0: return json_pack("{s:s,s:s,s:i}", "name", name, "type", "long", "default", -7);
    case 1: return json_pack("{s:s,s:s,s:s}", "name", name, "type", "string", "default", "a default longer than sixteen bytes");
    case 2: return json_pack("{s:s,s:[s,s],s:n}", "name", name, "type", "null", "int", "default");
    case 3: return json_pack("{s:s,s:{s:s,s:s},s:[i,i]}", "name", name, "type", "type", "array", "items", "int", "default", 1, 300);
    case 4: return json_pack("{s:s,s:s,s:b}", "name", name, "type", "boolean", "default", 1);
    default: return json_pack("{s:s,s:s}", "name", name, "type", below(c, 2) ? "null" : "int");
    }
}

static void evolve_fields(chance *c, json_t *fields)
{
    size_t i;
    json_t *field;
    json_array_foreach(fields, i, field) {
        json_object_set_new(field, "type", evolve(c, json_object_get(field, "type")));
        if (below(c, 8) > 0)
            continue;
        if (below(c, 5) > 0)
            json_object_set_new(field, "aliases", json_pack("[O]", json_object_get(field, "name")));
        char name[80];
        snprintf(name, sizeof name, "%s_now", json_string_value(json_object_get(field, "name")));
        json_object_set_new(field, "name", json_string(name));
    }
    if (below(c, 3) == 0)
        shuffle(c, fields);
    if (below(c, 4) == 0 && json_array_size(fields) > 0)
        json_array_remove(fields, below(c, json_array_size(fields)));
    if (below(c, 4) == 0)
        json_array_insert_new(fields, below(c, json_array_size(fields) + 1), new_field(c));
}

static json_t *evolve_union(chance *c, const json_t *schema)
{
    json_t *branches = json_array(), *branch;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)schema, i, branch) {
        json_t *later = json_is_string(branch) ? json_incref(branch) : evolve(c, branch);
        json_array_append_new(branches, json_is_array(later) ? json_incref(branch) : json_incref(later));
        json_decref(later);
    }
    if (below(c, 3) == 0)
        shuffle(c, branches);
    if (below(c, 5) == 0 && json_array_size(branches) > 1)
        json_array_remove(branches, below(c, json_array_size(branches)));
    return branches;
}

json_t *evolve(chance *c, const json_t *schema)
{
    if (json_is_array(schema))
        return evolve_union(c, schema);
    const char *type = json_is_string(schema) ? json_string_value(schema) : json_string_value(json_object_get(schema, "type"));
    json_t *later = json_deep_copy(schema);
    if (json_is_string(schema) && strchr(type, '.') != NULL)
        return later;                    /* a reference */
    if (strcmp(type, "record") == 0)
        evolve_fields(c, json_object_get(later, "fields"));
    else if (strcmp(type, "enum") == 0)
        evolve_enum(c, later);
    else if (strcmp(type, "array") == 0)
        json_object_set_new(later, "items", evolve(c, json_object_get(schema, "items")));
    else if (strcmp(type, "map") == 0)
        json_object_set_new(later, "values", evolve(c, json_object_get(schema, "values")));
    else if (strcmp(type, "fixed") != 0) {
        json_decref(later);
        return evolve_primitive(c, schema, type);
    }
    return later;
}

/* ---- the slow judge ------------------------------------------------------------------------------ */

static bool same_kind(const polkai_schema *writer, const polkai_schema *reader)
{
    return writer->type == reader->type && (writer->name == NULL || strcmp(writer->name, reader->name) == 0);
}

static json_t *tagged(const polkai_schema *branch, json_t *value)
{
    if (branch->type == POLKAI_AVRO_NULL)
        return value;
    json_t *made = json_object();
    json_object_set_new(made, branch->name != NULL ? branch->name : polkai_avro_type_name(branch->type), value);
    return made;
}

static resolved_kind into_union(const polkai_schema *writer, const polkai_schema *reader, const json_t *value, polka_arena *arena, json_t **made)
{
    for (int exact = 1; exact >= 0; exact--)
        for (size_t i = 0; i < reader->count; i++) {
            const polkai_schema *branch = reader->branches[i];
            if (exact && !same_kind(writer, branch))
                continue;
            if (!exact && (writer->type == POLKAI_AVRO_RECORD || writer->type == branch->type)) {
                if (branch->type == POLKAI_AVRO_RECORD)
                    return RESOLVED_UNSAID;          /* one that fits field by field would do */
                continue;
            }
            resolved_kind kind = resolve_slowly(writer, branch, value, arena, made);
            if (kind == RESOLVED_YES)
                *made = tagged(branch, *made);
            if (exact || kind != RESOLVED_NO)
                return kind;
        }
    return RESOLVED_NO;
}

static resolved_kind from_union(const polkai_schema *writer, const polkai_schema *reader, const json_t *value, polka_arena *arena, json_t **made)
{
    for (size_t i = 0; i < writer->count; i++) {
        const polkai_schema *branch = writer->branches[i];
        const char *tag = branch->name != NULL ? branch->name : polkai_avro_type_name(branch->type);
        if (json_is_null(value) && branch->type == POLKAI_AVRO_NULL)
            return resolve_slowly(branch, reader, value, arena, made);
        if (json_is_object(value) && json_object_get(value, tag) != NULL)
            return resolve_slowly(branch, reader, json_object_get(value, tag), arena, made);
    }
    return RESOLVED_UNSAID;
}

static const polkai_schema_field *written_as(const polkai_schema *writer, const polkai_schema_field *field)
{
    for (size_t i = 0; i < writer->count; i++) {
        if (strcmp(writer->fields[i].name, field->name) == 0)
            return &writer->fields[i];
        for (size_t k = 0; field->aliases[k] != NULL; k++)
            if (strcmp(writer->fields[i].name, field->aliases[k]) == 0)
                return &writer->fields[i];
    }
    return NULL;
}

static resolved_kind fields(const polkai_schema *writer, const polkai_schema *reader, const json_t *value, polka_arena *arena, json_t **made)
{
    resolved_kind kind = RESOLVED_YES;
    *made = json_object();
    for (size_t i = 0; i < reader->count && kind == RESOLVED_YES; i++) {
        const polkai_schema_field *field = &reader->fields[i], *source = written_as(writer, field);
        json_t *member = NULL;
        if (source != NULL)
            kind = resolve_slowly(source->schema, field->schema, json_object_get(value, source->name), arena, &member);
        else if (field->fallback == NULL)
            kind = RESOLVED_NO;
        else
            member = json_deep_copy(field->fallback);
        if (kind == RESOLVED_YES)
            json_object_set_new(*made, field->name, member);
    }
    /* A record that lacks a field fails before anything in it is looked at. */
    for (size_t i = 0; i < reader->count; i++)
        if (written_as(writer, &reader->fields[i]) == NULL && reader->fields[i].fallback == NULL)
            kind = RESOLVED_NO;
    if (kind != RESOLVED_YES)
        json_decref(*made);
    return kind;
}

static resolved_kind items(const polkai_schema *writer, const polkai_schema *reader, const json_t *value, polka_arena *arena, json_t **made)
{
    size_t i;
    const char *key;
    json_t *item, *later = NULL;
    resolved_kind kind = RESOLVED_YES;
    *made = json_is_array(value) ? json_array() : json_object();
    json_array_foreach((json_t *)(uintptr_t)value, i, item) {
        if (kind == RESOLVED_YES && (kind = resolve_slowly(writer->items, reader->items, item, arena, &later)) == RESOLVED_YES)
            json_array_append_new(*made, later);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item) {
        if (kind == RESOLVED_YES && (kind = resolve_slowly(writer->items, reader->items, item, arena, &later)) == RESOLVED_YES)
            json_object_set_new(*made, key, later);
    }
    if (kind != RESOLVED_YES)
        json_decref(*made);
    return kind;
}

static resolved_kind number(const polkai_schema *writer, const polkai_schema *reader, const json_t *value, json_t **made)
{
    int64_t whole = json_integer_value(value);
    bool is_whole = writer->type == POLKAI_AVRO_INT || writer->type == POLKAI_AVRO_LONG;
    if (reader->type == POLKAI_AVRO_LONG && writer->type == POLKAI_AVRO_INT)
        *made = json_integer(whole);
    else if (reader->type == POLKAI_AVRO_FLOAT && is_whole)
        *made = json_real((double)(float)whole);
    else if (reader->type == POLKAI_AVRO_DOUBLE && is_whole)
        *made = json_real((double)whole);
    else if (reader->type == POLKAI_AVRO_DOUBLE && writer->type == POLKAI_AVRO_FLOAT)
        *made = json_deep_copy(value);
    else
        return RESOLVED_NO;
    return RESOLVED_YES;
}

static resolved_kind promoted(const polkai_schema *writer, const polkai_schema *reader, const json_t *value, polka_arena *arena, json_t **made)
{
    polka_text text = { json_string_length(value), json_string_value(value) };
    polka_bytes bytes;
    if (writer->type == POLKAI_AVRO_STRING && reader->type == POLKAI_AVRO_BYTES) {
        *made = json_string(polkai_base64_write((polka_bytes){ text.size, (const uint8_t *)text.data }, arena).data);
        return RESOLVED_YES;
    }
    if (writer->type != POLKAI_AVRO_BYTES || reader->type != POLKAI_AVRO_STRING)
        return number(writer, reader, value, made);
    if (!polkai_base64_read(text, arena, &bytes) || !polkai_utf8_valid(bytes.data, bytes.size))
        return RESOLVED_UNSAID;
    *made = json_stringn((const char *)bytes.data, bytes.size);
    return RESOLVED_YES;
}

static resolved_kind symbol(const polkai_schema *reader, const json_t *value, json_t **made)
{
    for (size_t i = 0; i < reader->count; i++)
        if (strcmp(reader->symbols[i], json_string_value(value)) == 0) {
            *made = json_deep_copy(value);
            return RESOLVED_YES;
        }
    *made = reader->symbol_default == NULL ? NULL : json_string(reader->symbol_default);
    return *made == NULL ? RESOLVED_NO : RESOLVED_YES;
}

resolved_kind resolve_slowly(const polkai_schema *writer, const polkai_schema *reader, const json_t *value, polka_arena *arena, json_t **made)
{
    if (writer->type == POLKAI_AVRO_UNION)
        return from_union(writer, reader, value, arena, made);
    if (reader->type == POLKAI_AVRO_UNION)
        return into_union(writer, reader, value, arena, made);
    if (writer->type != reader->type)
        return promoted(writer, reader, value, arena, made);
    switch (writer->type) {
    case POLKAI_AVRO_RECORD: return fields(writer, reader, value, arena, made);
    case POLKAI_AVRO_ENUM: return symbol(reader, value, made);
    case POLKAI_AVRO_ARRAY:
    case POLKAI_AVRO_MAP: return items(writer, reader, value, arena, made);
    default:
        *made = json_deep_copy(value);
        return RESOLVED_YES;
    }
}
