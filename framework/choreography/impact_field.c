/* impact_field.c: a field is taken out of the writers' schemas, and each reader is asked again. */
#include <choreography/impact_inner.h>

#include <avro/compat.h>
#include <avro/json.h>
#include <base/arena.h>
#include <base/error.h>
#include <choreography/pairs.h>

/* The fields of a record's JSON, through arrays, maps and unions; NULL: there are none. */
static json_t *fields_of(json_t *type)
{
    for (unsigned level = 0; level < 64; level++) {
        if (json_is_array(type)) {       /* a union: its first record */
            json_t *branch = NULL, *found = NULL;
            size_t index;
            json_array_foreach(type, index, branch)
                if (found == NULL && json_is_object(branch))
                    found = branch;
            type = found;
        }
        json_t *fields = json_object_get(type, "fields");
        if (fields != NULL || !json_is_object(type))
            return fields;
        json_t *inner = json_object_get(type, "items");
        inner = inner != NULL ? inner : json_object_get(type, "values");
        type = inner != NULL ? inner : json_object_get(type, "type");
    }
    return NULL;
}

/* Takes the field at `path` ("lines.sku") out of a schema's JSON; false: it has none. */
static bool take_out(json_t *schema, const char *path)
{
    for (;;) {
        json_t *fields = fields_of(schema), *field;
        size_t size = strcspn(path, "."), at = 0, index;
        bool found = false;
        json_array_foreach(fields, index, field) {
            const char *name = json_string_value(json_object_get(field, "name"));
            if (name == NULL || strlen(name) != size || memcmp(name, path, size) != 0)
                continue;
            found = true;
            at = index;
        }
        if (!found)
            return false;
        if (path[size] == '\0')
            return json_array_remove(fields, at) == 0;
        schema = json_object_get(json_array_get(fields, at), "type");
        path += size + 1;
    }
}

static const polkai_schema *parse(polkai_asker *ask, const json_t *json, polkai_schema_set *set)
{
    const polkai_schema *schema = NULL;
    polka_buffer text = { .arena = ask->arena };
    polkai_json_write(json, &text);
    return polkai_schema_parse(set, (polka_text){ text.size, (const char *)text.data }, NULL, &schema, NULL) == POLKA_OK ? schema : NULL;
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
    json_t *own = json_deep_copy(pair->reader->as->schema);
    if (take_out(own, field))
        polkai_impact_add(ask, POLKAI_DEFAULTED, manifest, pair->event->name,
            polkai_arena_format(ask->arena, "%s %s reads the default of %s instead", manifest->service, manifest->version, field).data);
    json_decref(own);
}

static void tell_writer(polkai_asker *ask, const polkai_event_node *node, const polkai_party *writer, const char *field)
{
    json_t *json = json_deep_copy(writer->as->schema);
    polkai_schema_set *set = polkai_schema_set_create();
    const polkai_schema *without = take_out(json, field) ? parse(ask, json, set) : NULL;
    for (size_t h = 0; without != NULL && h < node->hear_count; h++) {
        polkai_pair pair = { .event = node, .writer = writer, .reader = &node->hears[h] };
        if (pair.reader->schema == NULL)
            continue;
        pair.breaks = polkai_compat_check(writer->schema, pair.reader->schema, ask->arena);
        tell_reader(ask, &pair, without, field);
    }
    if (writer->key != NULL && strcmp(writer->key, field) == 0)
        polkai_impact_add(ask, POLKAI_KEYLESS, writer->manifest, node->name,
            polkai_arena_format(ask->arena, "%s is the key of %s, as %s knows it: without it, the order of events that belong together is lost", field,
                                node->name, writer->manifest->service).data);
    polkai_schema_set_destroy(set);
    json_decref(json);
}

static bool has_field(const polkai_party *party, const char *field)
{
    json_t *json = party->schema != NULL ? json_deep_copy(party->as->schema) : NULL;
    bool found = json != NULL && take_out(json, field);
    json_decref(json);
    return found;
}

static const char *field_names(polkai_asker *ask, const polkai_event_node *node)
{
    const char *all = "";
    const polkai_party *party = node->say_count > 0 ? node->says : node->hears;
    json_t *fields = party == NULL || (node->say_count == 0 && node->hear_count == 0) ? NULL : fields_of((json_t *)party->as->schema), *field;
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
        if (!has_field(&node->says[s], field))
            continue;
        found = true;
        tell_writer(ask, node, &node->says[s], field);
    }
    for (size_t h = 0; node->say_count == 0 && h < node->hear_count; h++) {              /* from outside: as its hearers know it */
        if (!has_field(&node->hears[h], field))
            continue;
        found = true;
        tell_writer(ask, node, &node->hears[h], field);
    }
    ENSURE(found, POLKA_MISUSE, error, "unknown-field", "%s has no field %s; it has %s", node->name, field, field_names(ask, node));
    return POLKA_OK;
}
