/* set.c: the types that were read together, and the memory of all of it. */
#include <avro/node.h>

#include <avro/print.h>
#include <stdio.h>
#include <stdlib.h>

const char *const polkai_no_names[] = { NULL };

static const struct { const char *name; polkai_avro_type type; } type_names[] = {
    { "null", POLKAI_AVRO_NULL }, { "boolean", POLKAI_AVRO_BOOLEAN }, { "int", POLKAI_AVRO_INT }, { "long", POLKAI_AVRO_LONG },
    { "float", POLKAI_AVRO_FLOAT }, { "double", POLKAI_AVRO_DOUBLE }, { "bytes", POLKAI_AVRO_BYTES }, { "string", POLKAI_AVRO_STRING },
    { "record", POLKAI_AVRO_RECORD }, { "enum", POLKAI_AVRO_ENUM }, { "array", POLKAI_AVRO_ARRAY }, { "map", POLKAI_AVRO_MAP },
    { "union", POLKAI_AVRO_UNION }, { "fixed", POLKAI_AVRO_FIXED },
};

#define PRIMITIVE(TYPE) { .schema = { .type = (TYPE), .aliases = polkai_no_names } }
static const polkai_schema_node primitives[] = {
    PRIMITIVE(POLKAI_AVRO_NULL), PRIMITIVE(POLKAI_AVRO_BOOLEAN), PRIMITIVE(POLKAI_AVRO_INT), PRIMITIVE(POLKAI_AVRO_LONG),
    PRIMITIVE(POLKAI_AVRO_FLOAT), PRIMITIVE(POLKAI_AVRO_DOUBLE), PRIMITIVE(POLKAI_AVRO_BYTES), PRIMITIVE(POLKAI_AVRO_STRING),
};

const char *polkai_avro_type_name(polkai_avro_type type)
{
    size_t index = (size_t)type - 1;
    return index < sizeof type_names / sizeof *type_names ? type_names[index].name : "unknown";
}

const polkai_schema *polkai_primitive(const char *name)
{
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
        if (strcmp(name, type_names[i].name) == 0)
            return &primitives[i].schema;
    return NULL;
}

polkai_schema_set *polkai_schema_set_create(void)
{
    polkai_schema_set *set = polkai_alloc(sizeof *set);
    polkai_arena_init(&set->arena, NULL, 0);
    set->documents = json_array();
    set->names = json_object();
    return set;
}

void polkai_schema_set_destroy(polkai_schema_set *set)
{
    if (set == NULL)
        return;
    json_decref(set->documents);
    json_decref(set->names);
    polkai_arena_deinit(&set->arena);
    free(set->named);
    free(set->warnings);
    free(set);
}

void polkai_set_add(polkai_schema_set *set, polkai_schema_node *node)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity == 0 ? 16 : set->capacity * 2;
        set->named = polkai_realloc(set->named, set->capacity * sizeof *set->named);
    }
    node->ordinal = set->count;
    json_object_set_new(set->names, node->schema.name, json_integer((json_int_t)set->count));
    set->named[set->count++] = node;
}

polkai_set_mark polkai_set_now(const polkai_schema_set *set)
{
    return (polkai_set_mark){ set->count, set->warning_count };
}

void polkai_set_forget(polkai_schema_set *set, polkai_set_mark mark)
{
    while (set->count > mark.count)
        json_object_del(set->names, set->named[--set->count]->schema.name);
    set->warning_count = mark.warning_count;
}

void polkai_set_warn(polkai_schema_set *set, const char *file, const polkai_path *path, const char *format, ...)
{
    char where[200];
    va_list arguments;
    if (set->warning_count == set->warning_capacity) {
        set->warning_capacity = set->warning_capacity == 0 ? 8 : set->warning_capacity * 2;
        set->warnings = polkai_realloc(set->warnings, set->warning_capacity * sizeof *set->warnings);
    }
    polkai_path_write(where, sizeof where, "$", path);
    polkai_schema_notice *notice = &set->warnings[set->warning_count++];
    *notice = (polkai_schema_notice){ .file = file, .path = polkai_arena_text(&set->arena, where, strlen(where)).data };
    va_start(arguments, format);
    notice->message = polkai_arena_vformat(&set->arena, format, arguments).data;
    va_end(arguments);
}

const polkai_schema_notice *polkai_schema_warning(const polkai_schema_set *set, size_t index)
{
    return index < set->warning_count ? &set->warnings[index] : NULL;
}

const polkai_schema *polkai_schema_find(const polkai_schema_set *set, const char *full_name)
{
    const json_t *index = json_object_get(set->names, full_name);
    return index == NULL ? NULL : &set->named[json_integer_value(index)]->schema;
}

const json_t *polkai_schema_attribute(const polkai_schema *schema, const char *name)
{
    return json_object_get(schema->json, name);
}

char *polkai_schema_text(const polkai_schema *schema)
{
    return polkai_schema_print(schema, POLKAI_PRINT_WHOLE);
}

polka_status polkai_schema_bad(polka_error *error, const char *file, const polkai_path *path, const char *format, ...)
{
    char where[200], rule[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    polkai_path_write(where, sizeof where, "$", path);
    return polkai_fail(error, POLKA_POISON, "bad-schema", "%s%s%s: %s", file == NULL ? "" : file, file == NULL ? "" : ": ", where, rule);
}
