/* shapes.c: how each Avro schema appears in C. The table of it stands in README.md. */
#include "gen.h"

static const struct { polkai_avro_type avro; shape_kind kind; const char *type, *stem; } plain[] = {
    { POLKAI_AVRO_NULL, SHAPE_NULL, "", "polka_null" },
    { POLKAI_AVRO_BOOLEAN, SHAPE_BOOLEAN, "bool", "polka_boolean" },
    { POLKAI_AVRO_INT, SHAPE_INT, "int32_t", "polka_int" },
    { POLKAI_AVRO_LONG, SHAPE_LONG, "int64_t", "polka_long" },
    { POLKAI_AVRO_FLOAT, SHAPE_FLOAT, "float", "polka_float" },
    { POLKAI_AVRO_DOUBLE, SHAPE_DOUBLE, "double", "polka_double" },
    { POLKAI_AVRO_BYTES, SHAPE_BYTES, "polka_bytes", "polka_bytes" },
    { POLKAI_AVRO_STRING, SHAPE_TEXT, "polka_text", "polka_text" },
};

static const struct { polkai_avro_logical logical; const char *suffix; } units[] = {
    { POLKAI_LOGICAL_DATE, "_days" },
    { POLKAI_LOGICAL_TIME_MILLIS, "_ms" }, { POLKAI_LOGICAL_TIME_MICROS, "_us" },
    { POLKAI_LOGICAL_TIMESTAMP_MILLIS, "_ms" }, { POLKAI_LOGICAL_TIMESTAMP_MICROS, "_us" }, { POLKAI_LOGICAL_TIMESTAMP_NANOS, "_ns" },
    { POLKAI_LOGICAL_LOCAL_TIMESTAMP_MILLIS, "_ms" }, { POLKAI_LOGICAL_LOCAL_TIMESTAMP_MICROS, "_us" },
    { POLKAI_LOGICAL_LOCAL_TIMESTAMP_NANOS, "_ns" },
};

#define FORMAT(G, ...) polkai_arena_format(&(G)->arena, __VA_ARGS__).data

bool gen_small_decimal(const polkai_schema *schema)
{
    return schema->logical == POLKAI_LOGICAL_DECIMAL && schema->precision <= 18;
}

static void shape_logical(gen *g, shape *s)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].logical == s->schema->logical)
            s->suffix = units[i].suffix;
    if (s->schema->logical == POLKAI_LOGICAL_DECIMAL) {
        s->suffix = FORMAT(g, "_e%u", s->schema->scale);
        if (gen_small_decimal(s->schema)) {
            s->kind = SHAPE_DECIMAL;
            s->type = "int64_t";
            s->stem = "polka_long";
        }
    } else if (s->schema->logical == POLKAI_LOGICAL_DURATION) {
        s->kind = SHAPE_DURATION;
        s->type = "polka_duration";
        s->stem = "polka_duration";
    }
}

static void shape_named(gen *g, shape *s)
{
    s->named = gen_named(g, s->schema);
    s->kind = s->schema->type == POLKAI_AVRO_ENUM ? SHAPE_ENUM : s->schema->type == POLKAI_AVRO_FIXED ? SHAPE_FIXED : SHAPE_RECORD;
    s->type = s->stem = s->named->name;
    shape_logical(g, s);
}

const char *gen_compound(gen *g, const shape *s)
{
    return FORMAT(g, "%s_%s", s->inner->stem, s->kind == SHAPE_ARRAY ? "array" : "map");
}

static bool shape_compound(gen *g, named *owner, shape *s)
{
    bool array = s->schema->type == POLKAI_AVRO_ARRAY;
    s->kind = array ? SHAPE_ARRAY : SHAPE_MAP;
    s->inner = gen_shape(g, owner, s->schema->items, FORMAT(g, "%s__%s", s->place, array ? "item" : "value"));
    if (s->inner == NULL)
        return false;
    s->type = s->stem = gen_compound(g, s);
    s->suffix = s->inner->suffix;
    return true;
}

/* [null, T] and [T, null]: a text or bytes has its own null; all others stand behind a pointer. */
static bool shape_nullable(gen *g, named *owner, shape *s, unsigned null_index)
{
    shape *inner = gen_shape(g, owner, s->schema->branches[1 - null_index], FORMAT(g, "%s__some", s->place));
    if (inner == NULL)
        return false;
    if (inner->kind == SHAPE_TEXT || inner->kind == SHAPE_BYTES) {
        const char *place = s->place;
        *s = *inner;
        s->place = place;
        s->or_null = true;
    } else {
        s->kind = SHAPE_POINTER;
        s->inner = inner;
        s->type = FORMAT(g, "const %s *", inner->type);
        s->stem = FORMAT(g, "%s_or_null", inner->stem);
        s->suffix = inner->suffix;
    }
    s->null_index = null_index;
    return true;
}

/* The member of a branch: the type's own name without its namespace, unless two branches share that. */
static const char *branch_name(gen *g, const polkai_schema *all, const polkai_schema *one)
{
    if (one->name == NULL)
        return polkai_avro_type_name(one->type);
    const char *dot = strrchr(one->name, '.'), *own = dot == NULL ? one->name : dot + 1;
    for (size_t i = 0; i < all->count; i++) {
        const polkai_schema *other = all->branches[i];
        const char *other_dot = other->name == NULL ? NULL : strrchr(other->name, '.');
        const char *other_own = other->name == NULL ? polkai_avro_type_name(other->type) : other_dot == NULL ? other->name : other_dot + 1;
        if (other != one && strcmp(gen_snake(g, other_own), gen_snake(g, own)) == 0)
            return one->name;
    }
    return own;
}

static const char *collapse(gen *g, const char *place)
{
    return gen_snake(g, place);                          /* "a__b" -> "a_b" */
}

static bool shape_branch(gen *g, named *owner, shape *s, size_t index)
{
    const polkai_schema *schema = s->schema->branches[index];
    branch *b = &s->branches[index];
    const char *name = branch_name(g, s->schema, schema);
    b->shape = gen_shape(g, owner, schema, FORMAT(g, "%s__%s", s->place, gen_snake(g, name)));
    if (b->shape == NULL)
        return false;
    const char *unit = b->shape->kind == SHAPE_NULL ? "" : b->shape->suffix;
    b->member = gen_member_name(g, FORMAT(g, "%s%s", gen_snake(g, name), unit));
    b->constant = gen_constant_name(g, gen_upper(g, s->unit), name);
    b->pointer = b->shape->kind == SHAPE_RECORD && (b->shape->named == owner || gen_reaches(g, b->shape->named, owner));
    for (size_t i = 0; i < index; i++)
        if (strcmp(s->branches[i].member, b->member) == 0)
            return gen_bad(g, owner->schema, NULL, "two branches of the union %s would both be '%s' in C: rename one", s->unit, b->member) == POLKA_OK;
    return gen_claim(g, owner, b->constant, FORMAT(g, "branch %s of the union %s", name, s->unit)) == POLKA_OK;
}

static bool shape_union(gen *g, named *owner, shape *s)
{
    for (unsigned i = 0; s->schema->count == 2 && i < 2; i++)
        if (s->schema->branches[i]->type == POLKAI_AVRO_NULL)
            return shape_nullable(g, owner, s, i);
    if (s->schema->count == 0)
        return gen_bad(g, owner->schema, gen_path(g, owner->schema->json, s->schema->json),
                       "a union without branches has no value: give it one") == POLKA_OK;
    s->kind = SHAPE_UNION;
    s->type = s->stem = s->unit = collapse(g, s->place);
    s->branch_count = s->schema->count;
    s->branches = polkai_arena_zeroed(&g->arena, s->branch_count, sizeof *s->branches);
    const char *what = FORMAT(g, "a union in record %s", owner->schema->name);
    if (gen_claim(g, owner, s->unit, what) != POLKA_OK || gen_claim(g, owner, FORMAT(g, "%s_tag", s->unit), what) != POLKA_OK)
        return false;
    for (size_t i = 0; i < s->branch_count; i++)
        if (!shape_branch(g, owner, s, i))
            return false;
    for (size_t i = 0; i < s->branch_count; i++)
        for (size_t j = 0; j < s->branch_count; j++)
            if (gen_names_type(s->branches[j].shape, s->branches[i].member)) {
                s->branches[i].member = FORMAT(g, "%s_", s->branches[i].member);
                break;
            }
    return true;
}

/* "a___b" may be a field _b of a, or a field b of a_; "a__b__item" an item, or a branch of a type that is called so. */
static const char *unique_place(gen *g, const char *place)
{
    const char *unique = place;
    for (size_t i = 2; json_object_get(g->places, unique) != NULL; i++)
        unique = FORMAT(g, "%s_%zu", place, i);
    json_object_set_new(g->places, unique, json_true());
    return unique;
}

shape *gen_shape(gen *g, named *owner, const polkai_schema *schema, const char *place)
{
    shape *s = polkai_arena_zeroed(&g->arena, 1, sizeof *s);
    s->schema = schema;
    s->place = unique_place(g, place);
    s->suffix = "";
    bool made = true;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].avro == schema->type) {
            s->kind = plain[i].kind;
            s->type = plain[i].type;
            s->stem = plain[i].stem;
            shape_logical(g, s);
        }
    if (schema->name != NULL)
        shape_named(g, s);
    else if (schema->type == POLKAI_AVRO_ARRAY || schema->type == POLKAI_AVRO_MAP)
        made = shape_compound(g, owner, s);
    else if (schema->type == POLKAI_AVRO_UNION)
        made = shape_union(g, owner, s);
    return made ? s : NULL;
}
