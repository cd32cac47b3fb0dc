/* events.c: which records are events: the attributes polka.topic, polka.key, polka.final, and what they may say. */
#include "gen.h"

#include <base/text.h>

static const char *const attributes[] = { "polka.topic", "polka.key", "polka.final" };
enum { ATTRIBUTES = sizeof attributes / sizeof *attributes };

#define FORMAT(G, ...) polkai_arena_format(&(G)->arena, __VA_ARGS__).data

/* A misspelt attribute would silently make no event. */
static polka_status check_attributes(gen *g, const named *type)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)type->schema->json, key, value) {
        if (strncmp(key, "polka.", 6) != 0)
            continue;
        const char *below = FORMAT(g, "[\"%s\"]", key);
        if (type->schema->type != POLKAI_AVRO_RECORD)
            return gen_bad(g, type->schema, below, "only records are events; %s is of type %s", type->schema->name, polkai_avro_type_name(type->schema->type));
        bool known = false;
        for (size_t i = 0; i < ATTRIBUTES; i++)
            known = known || strcmp(key, attributes[i]) == 0;
        if (!known) {
            const char *nearest = polkai_nearest(key, attributes, ATTRIBUTES);
            return gen_bad(g, type->schema, below, "no such attribute%s%s; there are polka.topic, polka.key and polka.final",
                           nearest == NULL ? "" : ", did you mean ", nearest == NULL ? "" : nearest);
        }
        if (polkai_schema_attribute(type->schema, "polka.topic") == NULL)
            return gen_bad(g, type->schema, below, "a record without polka.topic is not an event and has no %s", key);
    }
    for (size_t i = 0; i < type->member_count; i++)
        json_object_foreach((json_t *)(uintptr_t)type->members[i].field->json, key, value)
            if (strncmp(key, "polka.", 6) == 0)
                return gen_bad(g, type->schema, FORMAT(g, ".fields[%zu][\"%s\"]", i, key), "%s stands on the record, not on a field", key);
    return POLKA_OK;
}

/* ---- polka.key --------------------------------------------------------------------------------- */

static const member *member_of(const named *type, const char *name, size_t size)
{
    for (size_t i = 0; i < type->member_count; i++)
        if (strlen(type->members[i].field->name) == size && memcmp(type->members[i].field->name, name, size) == 0)
            return &type->members[i];
    return NULL;
}

static polka_status no_such_field(gen *g, const named *event, const named *in, polka_text step)
{
    const char **names = polkai_arena_zeroed(&g->arena, in->member_count + 1, sizeof *names);
    for (size_t i = 0; i < in->member_count; i++)
        names[i] = in->members[i].field->name;
    const char *nearest = polkai_nearest(polkai_arena_text(&g->arena, step.data, step.size).data, names, in->member_count);
    return gen_bad(g, event->schema, "[\"polka.key\"]", "path '%s': record %s has no field '%.*s'%s%s", event->key, in->schema->name, TEXT(step),
                   nearest == NULL ? "" : ", did you mean ", nearest == NULL ? "" : nearest);
}

static const char *not_a_key(const shape *s)
{
    switch (s->kind) {
    case SHAPE_INT: case SHAPE_LONG: case SHAPE_ENUM: case SHAPE_FIXED: return NULL;
    case SHAPE_TEXT: case SHAPE_BYTES: return s->or_null ? "may be null" : s->schema->logical == POLKAI_LOGICAL_DECIMAL ? "is a decimal" : NULL;
    case SHAPE_POINTER: return "may be null";
    case SHAPE_RECORD: return "is a record";
    case SHAPE_ARRAY: return "is an array";
    case SHAPE_MAP: return "is a map";
    case SHAPE_UNION: return "is a union";
    case SHAPE_DECIMAL: return "is a decimal";
    case SHAPE_DURATION: return "is a duration";
    case SHAPE_NULL: return "is null";
    case SHAPE_BOOLEAN: return "is a boolean";
    case SHAPE_FLOAT: case SHAPE_DOUBLE: return "is a floating-point number";
    }
    return "is of no known type";
}

static polka_status resolve_key(gen *g, named *event)
{
    const named *in = event;
    const char *expression = "v->", *at = event->key;
    for (;;) {
        const char *dot = strchr(at, '.');
        polka_text step = { dot == NULL ? strlen(at) : (size_t)(dot - at), at };
        const member *m = member_of(in, step.data, step.size);
        if (m == NULL)
            return no_such_field(g, event, in, step);
        expression = FORMAT(g, "%s%s", expression, m->name);
        if (dot == NULL) {
            const char *fault = not_a_key(m->shape);
            if (fault != NULL)
                return gen_bad(g, event->schema, "[\"polka.key\"]", "'%s' %s; a key is a string, uuid, enum, int, long, bytes or fixed that is always there",
                               event->key, fault);
            event->key_shape = m->shape;
            event->key_expression = expression;
            return POLKA_OK;
        }
        if (m->shape->kind != SHAPE_RECORD)
            return gen_bad(g, event->schema, "[\"polka.key\"]", "path '%s': '%.*s' %s, so the path ends there", event->key, (int)(dot - event->key),
                           event->key, m->shape->kind == SHAPE_POINTER ? "may be null" : "is not a record");
        in = m->shape->named;
        expression = FORMAT(g, "%s.", expression);
        at = dot + 1;
    }
}

/* ---- the rest ---------------------------------------------------------------------------------- */

static polka_status claim_event(gen *g, const named *type)
{
    static const char *const tails[] = { "event", "handler", "emit", "emit_with", "reply", "ask", "in", "from_json", "to_json" };
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        TRY(gen_claim(g, type, FORMAT(g, "%s_%s", type->name, tails[i]), FORMAT(g, "_%s of event %s", tails[i], type->schema->name)));
    return POLKA_OK;
}

static polka_status make_event(gen *g, named *type)
{
    const json_t *topic = polkai_schema_attribute(type->schema, "polka.topic"), *key = polkai_schema_attribute(type->schema, "polka.key");
    const json_t *final = polkai_schema_attribute(type->schema, "polka.final");
    if (topic == NULL)
        return POLKA_OK;
    type->topic = json_string_value(topic);
    if (type->topic == NULL || strlen(type->topic) != json_string_length(topic) || !polkai_topic_valid(type->topic))
        return gen_bad(g, type->schema, "[\"polka.topic\"]", "a topic is a string of 1 to %d of the characters a-z A-Z 0-9 . _ - and not \".\" or \"..\"", POLKA_TOPIC_MAX);
    if (key != NULL) {
        type->key = json_string_value(key);
        if (type->key == NULL || strlen(type->key) != json_string_length(key))
            return gen_bad(g, type->schema, "[\"polka.key\"]", "a key is the path of a field, for example \"order_id\" or \"order.id\"");
        TRY(resolve_key(g, type));
    }
    if (final != NULL && !json_is_boolean(final))
        return gen_bad(g, type->schema, "[\"polka.final\"]", "true or false expected");
    type->final = json_is_true(final);
    type->event = true;
    return claim_event(g, type);
}

static void mark_coded(gen *g, shape *s);

static void mark_members(gen *g, named *type)
{
    if (type->coded)
        return;
    type->coded = true;
    for (size_t i = 0; i < type->member_count; i++)
        mark_coded(g, type->members[i].shape);
}

static void mark_coded(gen *g, shape *s)
{
    if (s->inner != NULL)
        mark_coded(g, s->inner);
    for (size_t i = 0; i < s->branch_count; i++)
        mark_coded(g, s->branches[i].shape);
    if (s->named != NULL)
        mark_members(g, s->named);
}

polka_status gen_events(gen *g)
{
    for (size_t i = 0; i < g->types.count; i++) {
        named *type = g->types.items[i];
        TRY(check_attributes(g, type));
        TRY(make_event(g, type));
        if (type->event && !type->foreign)
            mark_members(g, type);
    }
    return POLKA_OK;
}
