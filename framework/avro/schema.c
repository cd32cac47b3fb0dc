/*
 * schema.c: JSON text to a tree of schemas, by the rules of the Avro 1.12 specification, "Schema Declaration".
 *
 * What one place can judge is judged here; what needs all types (containment, defaults) in check.c.
 */
#include <avro/node.h>

#include <avro/words.h>
#include <base/text.h>
#include <stdlib.h>

static polka_status read_schema(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                                unsigned depth, const polkai_schema **schema);

#define BAD(READER, PATH, ...) polkai_schema_bad((READER)->error, (READER)->file, (PATH), __VA_ARGS__)

/* ---- small parts ------------------------------------------------------------------------------- */

static const polkai_path *member(polkai_schema_reader *reader, const polkai_path *up, const char *name)
{
    polkai_path *path = polka_arena_alloc(&reader->set->arena, sizeof *path);
    *path = (polkai_path){ .up = up, .kind = POLKAI_PATH_MEMBER, .name = polka_text_of(name) };
    return path;
}

static const polkai_path *item(polkai_schema_reader *reader, const polkai_path *up, size_t index)
{
    polkai_path *path = polka_arena_alloc(&reader->set->arena, sizeof *path);
    *path = (polkai_path){ .up = up, .kind = POLKAI_PATH_ITEM, .index = index };
    return path;
}

static polkai_schema_node *new_node(polkai_schema_reader *reader, polkai_avro_type type, const json_t *json, const polkai_path *path)
{
    polkai_schema_node *node = polkai_arena_zeroed(&reader->set->arena, 1, sizeof *node);
    node->schema = (polkai_schema){ .type = type, .aliases = polkai_no_names, .json = json };
    node->schema.doc = json_string_value(json_object_get(json, "doc"));
    node->path = path;
    node->file = reader->file;
    return node;
}

/* [A-Za-z_][A-Za-z0-9_]* by bytes, whatever the locale says a letter is. */
static bool name_valid(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return size > 0;
}

static bool dotted_name_valid(const char *name)
{
    for (const char *dot; (dot = strchr(name, '.')) != NULL; name = dot + 1)
        if (!name_valid(name, (size_t)(dot - name)))
            return false;
    return name_valid(name, strlen(name));
}

/* A text without NUL; JSON allows one, and C would end there. */
static const char *plain_text(const json_t *json)
{
    const char *text = json_string_value(json);
    return text != NULL && strlen(text) == json_string_length(json) ? text : NULL;
}

const char *polkai_name_resolve(polka_arena *arena, const char *name, const char *space)
{
    if (strchr(name, '.') != NULL || *space == '\0')
        return polkai_arena_text(arena, name, strlen(name)).data;
    return polkai_arena_format(arena, "%s.%s", space, name).data;
}

static polka_status check_depth(polkai_schema_reader *reader, const polkai_path *path, unsigned depth)
{
    if (depth >= POLKAI_SCHEMA_NESTING)
        return BAD(reader, path, "more than %d records, arrays, maps and unions are nested here; split the type", POLKAI_SCHEMA_NESTING);
    return POLKA_OK;
}

/* ---- names ------------------------------------------------------------------------------------- */

/* The full name of a record, enum or fixed, and the namespace that what is inside it inherits. */
static polka_status read_name(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                              polkai_schema_node *node, const char **inner)
{
    polka_arena *arena = &reader->set->arena;
    const json_t *given = json_object_get(json, "name"), *given_space = json_object_get(json, "namespace");
    const polkai_path *at = member(reader, path, "name");
    if (given == NULL)
        return BAD(reader, path, "a %s needs a \"name\"", polkai_avro_type_name(node->schema.type));
    const char *name = plain_text(given);
    if (name == NULL || !dotted_name_valid(name))
        return BAD(reader, at, "%s is not a name: letters, digits and _, no digit first, dots between parts", polkai_words_json(given).text);
    if (strchr(name, '.') == NULL && given_space != NULL && !json_is_null(given_space)) {
        space = plain_text(given_space);
        if (space == NULL || (*space != '\0' && !dotted_name_valid(space)))
            return BAD(reader, member(reader, path, "namespace"), "%s is not a namespace: names with dots between, or \"\" for none",
                       polkai_words_json(given_space).text);
    }
    node->schema.name = polkai_name_resolve(arena, name, space);
    const char *dot = strrchr(node->schema.name, '.'), *last = dot == NULL ? node->schema.name : dot + 1;
    *inner = dot == NULL ? "" : polkai_arena_text(arena, node->schema.name, (size_t)(dot - node->schema.name)).data;
    if (polkai_primitive(last) != NULL)
        return BAD(reader, at, "'%s' is the name of a primitive type and cannot be defined", node->schema.name);
    const polkai_schema *before = polkai_schema_find(reader->set, node->schema.name);
    if (before != NULL)
        return BAD(reader, at, "'%s' is defined twice%s%s; refer to the first by its name", node->schema.name,
                   before->file == NULL ? "" : ", first in ", before->file == NULL ? "" : before->file);
    node->schema.file = reader->file;
    polkai_set_add(reader->set, node);
    return POLKA_OK;
}

/*
 * Any string is an alias ("Aliases": schemas of old, with names that were not valid then, are corrected by them); the
 * last part of a type's is a name all the same, as Java Avro takes no other. One with a NUL in it can name nothing.
 */
static bool alias_valid(const char *alias, bool of_type)
{
    const char *dot = strrchr(alias, '.');
    size_t size = 0;
    if (!of_type)
        return true;
    for (const char *at = dot == NULL ? alias : dot + 1; at[size] != '\0'; size++)
        if (!name_valid(at + size, 1) && (unsigned char)at[size] < 0x80 && (size == 0 || at[size] < '0' || at[size] > '9'))
            return false;
    return size > 0;
}

/* As a full name; ".A" is A without a namespace. */
static const char *alias_resolve(polkai_schema_reader *reader, const char *alias, const char *space)
{
    bool outside = *alias == '.' && strchr(alias + 1, '.') == NULL;
    return polkai_name_resolve(&reader->set->arena, outside ? alias + 1 : alias, outside ? "" : space);
}

/* space NULL: aliases of a field, which have none. */
static polka_status read_aliases(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                                 const char *const **aliases)
{
    const json_t *given = json_object_get(json, "aliases");
    *aliases = polkai_no_names;
    if (given == NULL)
        return POLKA_OK;
    const polkai_path *at = member(reader, path, "aliases");
    if (!json_is_array(given))
        return BAD(reader, at, "aliases are an array of names, not %s", polkai_words_json(given).text);
    size_t count = json_array_size(given), used = 0;
    const char **names = polkai_arena_zeroed(&reader->set->arena, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(given, i);
        if (!json_is_string(one) || !alias_valid(json_string_value(one), space != NULL))
            return BAD(reader, item(reader, at, i), "%s is not a name that an alias can have", polkai_words_json(one).text);
        if (plain_text(one) != NULL)
            names[used++] = space == NULL ? json_string_value(one) : alias_resolve(reader, json_string_value(one), space);
    }
    *aliases = names;
    return POLKA_OK;
}

static const char *nearest_type(const polkai_schema_set *set, const char *name)
{
    const char **names = polkai_alloc((set->count + 8) * sizeof *names);
    for (size_t i = 0; i < set->count; i++)
        names[i] = set->named[i]->schema.name;
    for (size_t i = 0; i < 8; i++)
        names[set->count + i] = polkai_avro_type_name((polkai_avro_type)(POLKAI_AVRO_NULL + i));
    const char *found = polkai_nearest(name, names, set->count + 8);
    free(names);
    return found;
}

static polka_status unknown_type(polkai_schema_reader *reader, const char *name, const char *full, const polkai_path *path)
{
    static const char *const complex[] = { "record", "enum", "array", "map", "fixed" };
    for (size_t i = 0; i < sizeof complex / sizeof *complex; i++)
        if (strcmp(name, complex[i]) == 0)
            return BAD(reader, path, "\"%s\" needs an object of its own here: {\"type\": \"%s\", ...}", name, name);
    if (strcmp(name, "union") == 0)
        return BAD(reader, path, "a union is written as an array: [\"null\", \"string\"]");
    if (polkai_schema_find(reader->set, name) != NULL)
        return BAD(reader, path, "no type '%s' is defined before this; '%s' is, and has no namespace, so that nothing inside one can refer to it", full, name);
    const char *near = nearest_type(reader->set, full);
    if (near != NULL)
        return BAD(reader, path, "no type '%s' is defined before this; did you mean '%s'?", full, near);
    return BAD(reader, path, "no type '%s' is defined before this; define it at its first use, or read the file that defines it too", full);
}

static bool being_defined(const polkai_schema_reader *reader, const polkai_schema *schema)
{
    return schema->type == POLKAI_AVRO_RECORD && schema->fields == NULL && schema->file == reader->file;
}

static polka_status read_reference(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                                   const polkai_schema **schema)
{
    const char *name = plain_text(json);
    if (name == NULL || !dotted_name_valid(name))
        return BAD(reader, path, "%s is not the name of a type", polkai_words_json(json).text);
    *schema = polkai_primitive(name);
    if (*schema != NULL)
        return POLKA_OK;
    /*
     * Without a dot the namespace around it counts; then none, as other implementations also find types without one.
     * They do not find one that is still being defined around this: there, the specification's rule alone holds.
     */
    const char *tries[] = { polkai_name_resolve(&reader->set->arena, name, space), name };
    for (size_t i = 0; i < 2; i++) {
        *schema = polkai_schema_find(reader->set, tries[i]);
        if (*schema == NULL && reader->missing != NULL) {
            TRY(reader->missing(reader, tries[i]));
            *schema = polkai_schema_find(reader->set, tries[i]);
        }
        if (*schema != NULL && (i == 0 || !being_defined(reader, *schema)))
            return POLKA_OK;
    }
    return unknown_type(reader, name, tries[0], path);
}

/* ---- named types ------------------------------------------------------------------------------- */

static polka_status read_field(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                               unsigned depth, polkai_schema_field *field)
{
    if (!json_is_object(json))
        return BAD(reader, path, "a field is an object with \"name\" and \"type\", not %s", polkai_words_json(json).text);
    const json_t *name = json_object_get(json, "name"), *type = json_object_get(json, "type"), *order = json_object_get(json, "order");
    if (name == NULL || type == NULL)
        return BAD(reader, path, "a field needs a \"%s\"", name == NULL ? "name" : "type");
    field->name = plain_text(name);
    if (field->name == NULL || !name_valid(field->name, strlen(field->name)))
        return BAD(reader, member(reader, path, "name"), "%s is not a field's name: letters, digits and _, no digit first",
                   polkai_words_json(name).text);
    const char *direction = order == NULL ? "ascending" : plain_text(order);
    if (direction == NULL || (strcmp(direction, "ascending") != 0 && strcmp(direction, "descending") != 0 && strcmp(direction, "ignore") != 0))
        return BAD(reader, member(reader, path, "order"), "%s is not \"ascending\", \"descending\" or \"ignore\"", polkai_words_json(order).text);
    field->json = json;
    field->doc = json_string_value(json_object_get(json, "doc"));
    field->fallback = json_object_get(json, "default");
    TRY(read_aliases(reader, json, NULL, path, &field->aliases));
    return read_schema(reader, type, space, member(reader, path, "type"), depth, &field->schema);
}

static void release(json_t **json)
{
    json_decref(*json);
}

static polka_status read_record(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                                unsigned depth, const polkai_schema **schema)
{
    polkai_schema_node *node = new_node(reader, POLKAI_AVRO_RECORD, json, path);
    json_t *seen AUTO(release) = json_object();
    TRY(check_depth(reader, path, depth));
    TRY(read_name(reader, json, space, path, node, &space));
    TRY(read_aliases(reader, json, space, path, &node->schema.aliases));
    const json_t *given = json_object_get(json, "fields");
    const polkai_path *at = member(reader, path, "fields");
    if (!json_is_array(given))
        return BAD(reader, given == NULL ? path : at, "a record needs \"fields\", an array");
    size_t count = json_array_size(given);
    polkai_schema_field *fields = polkai_arena_zeroed(&reader->set->arena, count, sizeof *fields);
    node->field_marks = polkai_arena_zeroed(&reader->set->arena, count, 1);
    for (size_t i = 0; i < count; i++) {
        const polkai_path *here = item(reader, at, i);
        TRY(read_field(reader, json_array_get(given, i), space, here, depth + 1, &fields[i]));
        if (json_object_get(seen, fields[i].name) != NULL)
            return BAD(reader, member(reader, here, "name"), "the record has a field '%s' already", fields[i].name);
        json_object_set_new(seen, fields[i].name, json_true());
    }
    polkai_logical_of(reader, &node->schema, json, path);
    node->schema.fields = fields;        /* only now: until then the type is being defined and has none */
    node->schema.count = count;
    *schema = &node->schema;
    return POLKA_OK;
}

static polka_status read_enum(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                              const polkai_schema **schema)
{
    polkai_schema_node *node = new_node(reader, POLKAI_AVRO_ENUM, json, path);
    json_t *seen AUTO(release) = json_object();
    TRY(read_name(reader, json, space, path, node, &space));
    TRY(read_aliases(reader, json, space, path, &node->schema.aliases));
    const json_t *given = json_object_get(json, "symbols"), *fallback = json_object_get(json, "default");
    const polkai_path *at = member(reader, path, "symbols");
    if (!json_is_array(given))
        return BAD(reader, given == NULL ? path : at, "an enum needs \"symbols\", an array of names");
    size_t count = json_array_size(given);
    const char **symbols = polkai_arena_zeroed(&reader->set->arena, count, sizeof *symbols);
    for (size_t i = 0; i < count; i++) {
        symbols[i] = plain_text(json_array_get(given, i));
        if (symbols[i] == NULL || !name_valid(symbols[i], strlen(symbols[i])))
            return BAD(reader, item(reader, at, i), "%s is not a symbol: letters, digits and _, no digit first",
                       polkai_words_json(json_array_get(given, i)).text);
        if (json_object_get(seen, symbols[i]) != NULL)
            return BAD(reader, item(reader, at, i), "the enum has a symbol '%s' already", symbols[i]);
        json_object_set_new(seen, symbols[i], json_true());
    }
    if (fallback != NULL) {
        node->schema.symbol_default = plain_text(fallback);
        if (node->schema.symbol_default == NULL || json_object_get(seen, node->schema.symbol_default) == NULL)
            return BAD(reader, member(reader, path, "default"), "%s is not one of the symbols", polkai_words_json(fallback).text);
    }
    node->schema.symbols = symbols;
    node->schema.count = count;
    polkai_logical_of(reader, &node->schema, json, path);
    *schema = &node->schema;
    return POLKA_OK;
}

static polka_status read_fixed(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                               const polkai_schema **schema)
{
    polkai_schema_node *node = new_node(reader, POLKAI_AVRO_FIXED, json, path);
    TRY(read_name(reader, json, space, path, node, &space));
    TRY(read_aliases(reader, json, space, path, &node->schema.aliases));
    const json_t *size = json_object_get(json, "size");
    if (!json_is_integer(size) || json_integer_value(size) < 0 || json_integer_value(size) > INT32_MAX)
        return BAD(reader, size == NULL ? path : member(reader, path, "size"), "a fixed needs a \"size\", an integer from 0 to 2147483647");
    node->schema.fixed_size = (size_t)json_integer_value(size);
    polkai_logical_of(reader, &node->schema, json, path);
    *schema = &node->schema;
    return POLKA_OK;
}

/* ---- the others -------------------------------------------------------------------------------- */

static polka_status read_collection(polkai_schema_reader *reader, polkai_avro_type type, const json_t *json, const char *space,
                                    const polkai_path *path, unsigned depth, const polkai_schema **schema)
{
    const char *of = type == POLKAI_AVRO_ARRAY ? "items" : "values";
    polkai_schema_node *node = new_node(reader, type, json, path);
    const json_t *given = json_object_get(json, of);
    TRY(check_depth(reader, path, depth));
    if (given == NULL)
        return BAD(reader, path, "%s %s needs \"%s\", a schema", type == POLKAI_AVRO_ARRAY ? "an" : "a", polkai_avro_type_name(type), of);
    TRY(read_schema(reader, given, space, member(reader, path, of), depth + 1, &node->schema.items));
    polkai_logical_of(reader, &node->schema, json, path);
    *schema = &node->schema;
    return POLKA_OK;
}

static polka_status read_union(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                               unsigned depth, const polkai_schema **schema)
{
    polkai_schema_node *node = new_node(reader, POLKAI_AVRO_UNION, json, path);
    json_t *seen AUTO(release) = json_object();
    size_t count = json_array_size(json);
    const polkai_schema **branches = polkai_arena_zeroed(&reader->set->arena, count, sizeof *branches);
    TRY(check_depth(reader, path, depth));
    for (size_t i = 0; i < count; i++) {
        const polkai_path *at = item(reader, path, i);
        TRY(read_schema(reader, json_array_get(json, i), space, at, depth + 1, &branches[i]));
        if (branches[i]->type == POLKAI_AVRO_UNION)
            return BAD(reader, at, "a union cannot stand directly inside a union; put its branches into the outer one");
        const char *name = branches[i]->name != NULL ? branches[i]->name : polkai_avro_type_name(branches[i]->type);
        if (json_object_get(seen, name) != NULL)
            return BAD(reader, at, "the union has a branch %s already%s", name,
                       branches[i]->name != NULL ? "" : "; only records, enums and fixed can be there more than once, under different names");
        json_object_set_new(seen, name, json_true());
    }
    node->schema.branches = branches;
    node->schema.count = count;
    *schema = &node->schema;
    return POLKA_OK;
}

static polka_status read_object(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                                unsigned depth, const polkai_schema **schema)
{
    const json_t *given = json_object_get(json, "type");
    const polkai_path *at = member(reader, path, "type");
    if (given == NULL)
        return BAD(reader, path, "a schema that is an object needs a \"type\"");
    const char *type = plain_text(given);
    if (type == NULL)
        return BAD(reader, at, "the \"type\" of a schema is a name, not %s", polkai_words_json(given).text);
    if (strcmp(type, "record") == 0 || strcmp(type, "error") == 0)
        return read_record(reader, json, space, path, depth, schema);
    if (strcmp(type, "enum") == 0)
        return read_enum(reader, json, space, path, schema);
    if (strcmp(type, "fixed") == 0)
        return read_fixed(reader, json, space, path, schema);
    if (strcmp(type, "array") == 0 || strcmp(type, "map") == 0)
        return read_collection(reader, *type == 'a' ? POLKAI_AVRO_ARRAY : POLKAI_AVRO_MAP, json, space, path, depth, schema);
    const polkai_schema *primitive = polkai_primitive(type);
    if (primitive == NULL) {
        polkai_logical_of(reader, NULL, json, path);
        return read_reference(reader, given, space, at, schema);
    }
    polkai_schema_node *node = new_node(reader, primitive->type, json, path);
    polkai_logical_of(reader, &node->schema, json, path);
    *schema = &node->schema;
    return POLKA_OK;
}

static polka_status read_schema(polkai_schema_reader *reader, const json_t *json, const char *space, const polkai_path *path,
                                unsigned depth, const polkai_schema **schema)
{
    switch (json_typeof(json)) {
    case JSON_STRING: return read_reference(reader, json, space, path, schema);
    case JSON_OBJECT: return read_object(reader, json, space, path, depth, schema);
    case JSON_ARRAY: return read_union(reader, json, space, path, depth, schema);
    default: return BAD(reader, path, "a schema is a name, an object or an array, not %s", polkai_words_json(json).text);
    }
}

polka_status polkai_schema_read(polkai_schema_reader *reader, const json_t *document, const polkai_schema **schema)
{
    return read_schema(reader, document, "", NULL, 0, schema);
}
