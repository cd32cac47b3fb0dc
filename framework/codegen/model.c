/* model.c: the named types of a run, their members and C names, and what can contain what. */
#include "gen.h"

#include <stdlib.h>

/* ---- where a type stands ----------------------------------------------------------------------- */

/* Types are objects of their own, so that a pointer tells them. */
const char *gen_path(gen *g, const json_t *from, const json_t *to)
{
    size_t index;
    const char *key, *below = from == to ? "" : NULL;
    json_t *part;
    json_array_foreach((json_t *)(uintptr_t)from, index, part)
        if (below == NULL && (below = gen_path(g, part, to)) != NULL)
            return polkai_arena_format(&g->arena, "[%zu]%s", index, below).data;
    json_object_foreach((json_t *)(uintptr_t)from, key, part)
        if (below == NULL && (below = gen_path(g, part, to)) != NULL)
            return polkai_arena_format(&g->arena, ".%s%s", key, below).data;
    return below;
}

const source_file *gen_file_of(const gen *g, const char *path)
{
    for (size_t i = 0; path != NULL && i < g->files.count; i++)
        if (strcmp(g->files.items[i].path, path) == 0)
            return &g->files.items[i];
    return NULL;
}

polka_status gen_bad(gen *g, const polkai_schema *type, const char *below, const char *format, ...)
{
    const source_file *file = gen_file_of(g, type->file);
    const char *path = file == NULL || file->schema == NULL ? NULL : gen_path(g, file->schema->json, type->json);
    va_list arguments;
    va_start(arguments, format);
    const char *what = polkai_arena_vformat(&g->arena, format, arguments).data;
    va_end(arguments);
    polka_text message = polkai_arena_format(&g->arena, "%s: $%s%s: %s", type->file == NULL ? type->name : type->file, path == NULL ? "" : path,
                                             below == NULL ? "" : below, what);
    if (message.size >= sizeof g->error->message)        /* the rest of a long path or name */
        g->details = message.data + sizeof g->error->message - 1;
    return polkai_fail(g->error, POLKA_MISUSE, "bad-schema", "%s", message.data);
}

/* ---- collecting -------------------------------------------------------------------------------- */

named *gen_named(gen *g, const polkai_schema *schema)
{
    const json_t *index = schema == NULL || schema->name == NULL ? NULL : json_object_get(g->by_name, schema->name);
    named *type = index == NULL ? NULL : g->types.items[json_integer_value(index)];
    return type != NULL && type->schema == schema ? type : NULL;
}

static void collect(gen *g, const polkai_schema *schema)
{
    if (schema->type == POLKAI_AVRO_ARRAY || schema->type == POLKAI_AVRO_MAP)
        collect(g, schema->items);
    for (size_t i = 0; schema->type == POLKAI_AVRO_UNION && i < schema->count; i++)
        collect(g, schema->branches[i]);
    if (schema->name == NULL || gen_named(g, schema) != NULL)
        return;
    named *type = polkai_arena_zeroed(&g->arena, 1, sizeof *type);
    const source_file *file = gen_file_of(g, schema->file);
    type->schema = schema;
    type->name = gen_type_name(g, schema->name);
    type->upper = gen_upper(g, type->name);
    type->foreign = file != NULL && file->used;
    type->version = file != NULL ? file->version : 0;
    json_object_set_new(g->by_name, schema->name, json_integer((json_int_t)g->types.count));
    LIST_ADD(&g->arena, &g->types, type);
    for (size_t i = 0; schema->type == POLKAI_AVRO_RECORD && i < schema->count; i++)
        collect(g, schema->fields[i].schema);
}

static bool walk(gen *g, const polkai_schema *schema, const named *wanted)
{
    if (schema->type == POLKAI_AVRO_ARRAY || schema->type == POLKAI_AVRO_MAP)
        return walk(g, schema->items, wanted);
    for (size_t i = 0; schema->type == POLKAI_AVRO_UNION && i < schema->count; i++)
        if (walk(g, schema->branches[i], wanted))
            return true;
    if (schema->type != POLKAI_AVRO_RECORD)
        return false;
    named *type = gen_named(g, schema);
    if (type == wanted)
        return true;
    if (type->walked)
        return false;
    type->walked = true;
    for (size_t i = 0; i < schema->count; i++)
        if (walk(g, schema->fields[i].schema, wanted))
            return true;
    return false;
}

bool gen_reaches(gen *g, const named *from, const named *to)
{
    for (size_t i = 0; i < g->types.count; i++)
        g->types.items[i]->walked = false;
    for (size_t i = 0; i < from->schema->count; i++)
        if (walk(g, from->schema->fields[i].schema, to))
            return true;
    return false;
}

/* ---- names ------------------------------------------------------------------------------------- */

static polka_status check_type_name(gen *g, const named *type)
{
    const char *name = type->name;
    if (*name == '\0')
        return gen_bad(g, type->schema, ".name", "'%s' cannot be made a C name: it needs a letter", type->schema->name);
    if (gen_is_own(type->schema->name))
        return POLKA_OK;
    if (strcmp(name, "polka") == 0 || strncmp(name, "polka_", 6) == 0 || strncmp(name, "polkai_", 7) == 0)
        return gen_bad(g, type->schema, ".name", "%s would be '%s' in C, and names that begin with polka are the framework's: choose another namespace",
                       type->schema->name, name);
    return POLKA_OK;
}

static polka_status claim_type(gen *g, named *type)
{
    TRY(check_type_name(g, type));
    const char *kind = polkai_avro_type_name(type->schema->type);
    TRY(gen_claim(g, type, type->name, polkai_arena_format(&g->arena, "%s %s", kind, type->schema->name).data));
    if (type->schema->type != POLKAI_AVRO_ENUM)
        return POLKA_OK;
    if (type->schema->count == 0)
        return gen_bad(g, type->schema, ".symbols", "enum %s has no symbols, and C has no empty enum: give it one", type->schema->name);
    TRY(gen_claim(g, type, polkai_arena_format(&g->arena, "%s_name", type->name).data,
                  polkai_arena_format(&g->arena, "the name function of enum %s", type->schema->name).data));
    type->symbols = polkai_arena_zeroed(&g->arena, type->schema->count, sizeof *type->symbols);
    for (size_t i = 0; i < type->schema->count; i++) {
        type->symbols[i] = gen_constant_name(g, type->upper, type->schema->symbols[i]);
        TRY(gen_claim(g, type, type->symbols[i], polkai_arena_format(&g->arena, "symbol %s of enum %s", type->schema->symbols[i], type->schema->name).data));
    }
    return POLKA_OK;
}

static const char *with_suffix(gen *g, const char *name, const char *suffix)
{
    size_t size = strlen(name), more = strlen(suffix);
    if (size > more && strcmp(name + size - more, suffix) == 0)
        return name;
    return polkai_arena_format(&g->arena, "%s%s", name, suffix).data;
}

/* C++ minds a member that is called like a type of its struct: `line line;` changes what `line` means. */
bool gen_names_type(const shape *s, const char *name)
{
    for (; s != NULL; s = s->inner)
        if (strcmp(s->type, name) == 0)
            return true;
    return false;
}

static void part_from_types(gen *g, named *type)
{
    for (size_t i = 0; i < type->member_count; i++)
        for (size_t j = 0; j < type->member_count; j++)
            if (gen_names_type(type->members[j].shape, type->members[i].name)) {
                type->members[i].name = polkai_arena_format(&g->arena, "%s_", type->members[i].name).data;
                break;
            }
}

static polka_status make_members(gen *g, named *type)
{
    type->member_count = type->schema->count;
    type->members = polkai_arena_zeroed(&g->arena, type->member_count, sizeof *type->members);
    for (size_t i = 0; i < type->member_count; i++) {
        const polkai_schema_field *field = &type->schema->fields[i];
        member *m = &type->members[i];
        const char *plain = gen_member_name(g, field->name);
        m->field = field;
        m->shape = gen_shape(g, type, field->schema, polkai_arena_format(&g->arena, "%s__%s", type->name, plain).data);
        if (m->shape == NULL)
            return g->error->status;
        m->name = with_suffix(g, plain, m->shape->suffix);
    }
    part_from_types(g, type);
    for (size_t i = 0; i < type->member_count; i++) {
        const member *m = &type->members[i];
        for (size_t j = 0; j < i; j++)
            if (strcmp(type->members[j].name, m->name) == 0)
                return gen_bad(g, type->schema, polkai_arena_format(&g->arena, ".fields[%zu].name", i).data,
                               "fields '%s' and '%s' would both be '%s' in C: rename one", type->members[j].field->name, m->field->name, m->name);
    }
    return POLKA_OK;
}

polka_status gen_model(gen *g)
{
    for (size_t i = 0; i < g->files.count; i++)
        if (g->files.items[i].schema != NULL)
            collect(g, g->files.items[i].schema);
    for (size_t i = 0; i < g->types.count; i++)
        TRY(claim_type(g, g->types.items[i]));
    for (size_t i = 0; i < g->types.count; i++) {
        named *type = g->types.items[i];
        if (type->schema->type != POLKAI_AVRO_RECORD)
            continue;
        type->recursive = gen_reaches(g, type, type);
        TRY(make_members(g, type));
    }
    return POLKA_OK;
}
