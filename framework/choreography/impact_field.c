/*
 * impact_field.c: a field is renamed in the writers' schemas to what nobody reads, and each reader is asked again. To take it
 * out would take the types along that are written out in it, which later fields may have by name.
 */
#include <choreography/impact_inner.h>

#include <avro/compat.h>
#include <avro/json.h>
#include <base/arena.h>
#include <base/error.h>
#include <choreography/pairs.h>

enum { LEVELS = 64 };
#define GONE "polka__gone"

/* ---- the fields at a path of a schema's JSON ---- */

typedef struct {
    json_t *schema;                      /* the whole */
    bool aliases;                        /* a name counts that a reader has for it */
    size_t count, capacity;
    json_t **fields;                     /* of several branches, or of one type in two places: each */
    polka_arena *arena;
} finder;

/* "Line" in the namespace "demo" is "demo.Line"; a name with dots is whole. */
static const char *full_name(polka_arena *arena, const char *name, const char *space)
{
    return *space == '\0' || strchr(name, '.') != NULL ? name : polkai_arena_format(arena, "%s.%s", space, name).data;
}

static const char *space_of(polka_arena *arena, const json_t *type, const char *around)
{
    const char *name = json_string_value(json_object_get(type, "name")), *space = json_string_value(json_object_get(type, "namespace"));
    const char *dot = name != NULL ? strrchr(name, '.') : NULL;
    return dot != NULL ? polkai_arena_text(arena, name, (size_t)(dot - name)).data : name != NULL && space != NULL ? space : around;
}

/* The type with this full name, written out in `type` or in what is inside; *space: that of its own. */
static json_t *defined(const finder *find, json_t *type, const char *wanted, const char **space)
{
    json_t *inner, *found = NULL;
    const char *here = *space;
    size_t index;
    if (json_is_array(type)) {
        json_array_foreach(type, index, inner)
            if (found == NULL) {
                *space = here;
                found = defined(find, inner, wanted, space);
            }
        return found;
    }
    if (!json_is_object(type))
        return NULL;
    here = space_of(find->arena, type, here);
    const char *name = json_string_value(json_object_get(type, "name"));
    *space = here;
    if (name != NULL && json_is_string(json_object_get(type, "type")) && strcmp(full_name(find->arena, name, here), wanted) == 0)
        return type;
    json_array_foreach(json_object_get(type, "fields"), index, inner)
        if (found == NULL) {
            *space = here;
            found = defined(find, json_object_get(inner, "type"), wanted, space);
        }
    static const char *const members[] = { "items", "values", "type" };
    for (size_t i = 0; i < 3 && found == NULL; i++) {
        *space = here;
        found = defined(find, json_object_get(type, members[i]), wanted, space);
    }
    return found;
}

static bool is_called(const finder *find, const json_t *field, const char *part, size_t size)
{
    const char *name = json_string_value(json_object_get(field, "name"));
    const json_t *alias;
    bool same = name != NULL && strlen(name) == size && memcmp(name, part, size) == 0;
    size_t index;
    json_array_foreach(find->aliases ? json_object_get(field, "aliases") : NULL, index, alias)
        same = same || (json_string_length(alias) == size && memcmp(json_string_value(alias), part, size) == 0);
    return same;
}

static void keep(finder *find, json_t *field)
{
    if (find->count == find->capacity) {
        find->capacity = 2 * find->capacity + 4;
        json_t **more = polkai_arena_zeroed(find->arena, find->capacity, sizeof(json_t *));
        for (size_t i = 0; i < find->count; i++)
            more[i] = find->fields[i];
        find->fields = more;
    }
    find->fields[find->count++] = field;
}

/* Through arrays, maps, every branch of a union, and types written by their names. */
static void look(finder *find, json_t *type, const char *space, const char *path, unsigned level)
{
    static const char *const members[] = { "items", "values", "type" };
    json_t *inner, *fields = json_object_get(type, "fields");
    size_t size = strcspn(path, "."), index;
    if (type == NULL || level > LEVELS)
        return;
    if (json_is_string(type)) {
        const char *around = "";
        type = defined(find, find->schema, full_name(find->arena, json_string_value(type), space), &around);
        if (type != NULL)
            look(find, type, around, path, level + 1);
        return;
    }
    json_array_foreach(type, index, inner)
        look(find, inner, space, path, level + 1);
    space = space_of(find->arena, type, space);
    json_array_foreach(fields, index, inner) {
        if (!is_called(find, inner, path, size))
            continue;
        if (path[size] == '\0')
            keep(find, inner);
        else
            look(find, json_object_get(inner, "type"), space, path + size + 1, level + 1);
    }
    for (size_t i = 0; i < 3 && fields == NULL; i++)
        look(find, json_object_get(type, members[i]), space, path, level + 1);
}

/* ---- a schema without it ---- */

/* A writer's defaults decide nothing, and one that has the field would no longer fit. */
static void drop_defaults(json_t *type, unsigned level)
{
    static const char *const members[] = { "items", "values", "type" };
    json_t *inner;
    size_t index;
    json_array_foreach(type, index, inner)
        drop_defaults(inner, level + 1);
    json_array_foreach(json_object_get(type, "fields"), index, inner) {
        json_object_del(inner, "default");
        drop_defaults(json_object_get(inner, "type"), level + 1);
    }
    for (size_t i = 0; i < 3 && json_is_object(type); i++)
        drop_defaults(json_object_get(type, members[i]), level + 1);
}

/* Renames the field at `path` ("lines.sku") in a schema's JSON; false: it has none. */
static bool take_out(polkai_asker *ask, json_t *schema, const char *path)
{
    finder find = { .schema = schema, .arena = ask->arena };
    look(&find, schema, "", path, 0);
    for (size_t i = 0; i < find.count; i++)
        json_object_set_new(find.fields[i], "name", json_string(GONE));
    if (find.count > 0)
        drop_defaults(schema, 0);
    return find.count > 0;
}

static bool has_field(polkai_asker *ask, const polkai_party *party, const char *path, bool aliases)
{
    finder find = { .schema = (json_t *)party->as->schema, .aliases = aliases, .arena = ask->arena };
    if (party->schema != NULL)
        look(&find, find.schema, "", path, 0);
    return find.count > 0;
}

static const polkai_schema *parse(polkai_asker *ask, const json_t *json, polkai_schema_set *set)
{
    const polkai_schema *schema = NULL;
    polka_buffer text = { .arena = ask->arena };
    polkai_json_write(json, &text);
    return polkai_schema_parse_json(set, (polka_text){ text.size, (const char *)text.data }, json, &schema, NULL) == POLKA_OK ? schema : NULL;
}

/* How one reader takes it that a writer no longer writes the field. */
static void tell_reader(polkai_asker *ask, const polkai_pair *pair, const polkai_schema *without, const char *field)
{
    const polkai_manifest *manifest = pair->reader->manifest;
    polkai_pair then = *pair;
    then.breaks = polkai_compat_check(without, pair->reader->schema, ask->arena);
    if (then.breaks.count > pair->breaks.count) {
        polkai_impact_add(ask, POLKAI_UNREADABLE, manifest, pair->event->name,
            polkai_arena_format(ask->arena, "%s %s cannot read %s without %s: %s", manifest->service, manifest->version, pair->event->name, field,
                                polkai_breaks_text(&then, ask->arena)).data);
        return;
    }
    if (has_field(ask, pair->reader, field, true))
        polkai_impact_add(ask, POLKAI_DEFAULTED, manifest, pair->event->name,
            polkai_arena_format(ask->arena, "%s %s reads the default of %s instead", manifest->service, manifest->version, field).data);
}

/* The key is the field, or in it. */
static bool is_in_key(const char *key, const char *field)
{
    size_t size = strlen(field);
    return key != NULL && strncmp(key, field, size) == 0 && (key[size] == '\0' || key[size] == '.');
}

static void tell_writer(polkai_asker *ask, const polkai_event_node *node, const polkai_party *writer, const char *field)
{
    json_t *json = json_deep_copy(writer->as->schema);
    polkai_schema_set *set = polkai_schema_set_create();
    const polkai_schema *without = take_out(ask, json, field) ? parse(ask, json, set) : NULL;
    for (size_t h = 0; without != NULL && h < node->hear_count; h++) {
        polkai_pair pair = { .event = node, .writer = writer, .reader = &node->hears[h] };
        if (pair.reader->schema == NULL)
            continue;
        pair.breaks = polkai_compat_check(writer->schema, pair.reader->schema, ask->arena);
        tell_reader(ask, &pair, without, field);
    }
    if (is_in_key(writer->key, field))
        polkai_impact_add(ask, POLKAI_KEYLESS, writer->manifest, node->name,
            polkai_arena_format(ask->arena, "%s is the key of %s, as %s knows it: without it, the order of events that belong together is lost", field,
                                node->name, writer->manifest->service).data);
    polkai_schema_set_destroy(set);
    json_decref(json);
}

static const char *field_names(polkai_asker *ask, const polkai_event_node *node)
{
    const char *all = "";
    const polkai_party *party = node->say_count > 0 ? node->says : node->hears;
    json_t *fields = party == NULL || (node->say_count == 0 && node->hear_count == 0) ? NULL : json_object_get(party->as->schema, "fields"), *field;
    size_t index;
    json_array_foreach(fields, index, field) {
        const char *name = json_string_value(json_object_get(field, "name"));
        all = polkai_arena_format(ask->arena, "%s%s%s", all, index > 0 ? ", " : "", name != NULL ? name : "?").data;
    }
    return all;
}

polka_status polkai_impact_field(polkai_asker *ask, const polkai_event_node *node, const char *field, polka_error *error)
{
    bool found = false;
    for (size_t s = 0; s < node->say_count; s++) {
        if (!has_field(ask, &node->says[s], field, false))
            continue;
        found = true;
        tell_writer(ask, node, &node->says[s], field);
    }
    for (size_t h = 0; node->say_count == 0 && h < node->hear_count; h++) {              /* from outside: as its hearers know it */
        if (!has_field(ask, &node->hears[h], field, false))
            continue;
        found = true;
        tell_writer(ask, node, &node->hears[h], field);
    }
    ENSURE(found, POLKA_MISUSE, error, "unknown-field", "%s has no field %s; it has %s", node->name, field, field_names(ask, node));
    return POLKA_OK;
}
