/* edit.c: walks value and schema together. An unknown field is set too: the encoder then complains with the nearest name. */
#include <cli/edit.h>

#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>

/* Of a union the first branch that is not null: enough to tell texts from numbers. */
static const polkai_schema *plain(const polkai_schema *schema)
{
    for (size_t i = 0; schema != NULL && schema->type == POLKAI_AVRO_UNION && i < schema->count; i++)
        if (schema->branches[i]->type != POLKAI_AVRO_NULL)
            return schema->branches[i];
    return schema;
}

static bool nullable(const polkai_schema *schema)
{
    for (size_t i = 0; schema != NULL && schema->type == POLKAI_AVRO_UNION && i < schema->count; i++)
        if (schema->branches[i]->type == POLKAI_AVRO_NULL)
            return true;
    return false;
}

static const polkai_schema *inner(const polkai_schema *schema, const char *name)
{
    schema = plain(schema);
    if (schema == NULL)
        return NULL;
    if (schema->type == POLKAI_AVRO_ARRAY || schema->type == POLKAI_AVRO_MAP)
        return schema->items;
    for (size_t i = 0; schema->type == POLKAI_AVRO_RECORD && i < schema->count; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return schema->fields[i].schema;
    return NULL;
}

static json_t *empty(const polkai_schema *schema)
{
    schema = plain(schema);
    return schema != NULL && schema->type == POLKAI_AVRO_ARRAY ? json_array() : json_object();
}

static json_t *leaf(const polkai_schema *schema, const char *text)
{
    const polkai_schema *type = plain(schema);
    bool textual = type != NULL && (type->type == POLKAI_AVRO_STRING || type->type == POLKAI_AVRO_ENUM || type->type == POLKAI_AVRO_BYTES ||
                                    type->type == POLKAI_AVRO_FIXED);
    if (textual && nullable(schema) && strcmp(text, "null") == 0)
        return json_null();
    json_t *parsed = json_loads(text, JSON_DECODE_ANY, NULL);
    if (parsed != NULL && (!textual || json_is_string(parsed)))
        return parsed;
    json_decref(parsed);
    return json_string(text);
}

static json_t *member(json_t *at, const char *name)
{
    return json_is_array(at) ? json_array_get(at, (size_t)strtoull(name, NULL, 10)) : json_object_get(at, name);
}

static polka_status put(json_t *at, const char *name, json_t *taken, const char *path, polka_error *error)
{
    char *end = NULL;
    size_t index = (size_t)strtoull(name, &end, 10);
    ENSURE(taken != NULL, POLKA_MISUSE, error, "bad-set", "--set %s: not UTF-8", path);
    if (json_is_object(at)) {
        ENSURE(json_object_set_new(at, name, taken) == 0, POLKA_MISUSE, error, "bad-set", "--set %s: not UTF-8", path);
        return POLKA_OK;
    }
    if (json_is_array(at) && end != name && *end == '\0' && index <= json_array_size(at)) {
        if (index == json_array_size(at))
            json_array_append_new(at, taken);
        else
            json_array_set_new(at, index, taken);
        return POLKA_OK;
    }
    json_decref(taken);
    if (json_is_array(at))
        return polkai_fail(error, POLKA_MISUSE, "bad-set", "--set %s: '%s' is no index of an array of %zu items", path, name, json_array_size(at));
    return polkai_fail(error, POLKA_MISUSE, "bad-set", "--set %s: nothing can have a member '%s' there", path, name);
}

polka_status cli_edit_set(json_t *value, const polkai_schema *schema, const char *assignment, polka_error *error)
{
    char path[512];
    const char *equals = strchr(assignment, '=');
    ENSURE(equals != NULL && equals != assignment && (size_t)(equals - assignment) < sizeof path, POLKA_MISUSE, error, "bad-set",
           "--set takes FIELD=VALUE, not '%s'", assignment);
    snprintf(path, sizeof path, "%.*s", (int)(equals - assignment), assignment);
    json_t *at = value;
    for (char *name = path, *dot; name != NULL; name = dot == NULL ? NULL : dot + 1) {
        dot = strchr(name, '.');
        if (dot != NULL)
            *dot = '\0';
        schema = inner(schema, name);
        if (dot == NULL)
            return put(at, name, leaf(schema, equals + 1), assignment, error);
        json_t *next = member(at, name);
        if (next == NULL || json_is_null(next)) {
            TRY(put(at, name, empty(schema), assignment, error));
            next = member(at, name);
        }
        at = next;
    }
    return POLKA_OK;
}
