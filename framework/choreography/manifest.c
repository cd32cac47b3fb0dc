/* manifest.c: the JSON of a manifest, checked and made into a struct; texts are borrowed from the JSON value it keeps. */
#include <avro/json.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <choreography/manifest.h>

#include <stdio.h>
#include <stdlib.h>

enum { NEWEST = 1 };                     /* of the manifest's form, member "polka" */

typedef struct {
    polkai_manifest manifest;
    polka_arena arena;
} holder;

typedef struct {
    holder *made;
    polka_error *error;
} reader;

static polka_status refuse(const reader *read, const char *path, const char *what)
{
    return polkai_fail(read->error, POLKA_POISON, "bad-manifest", "%s: %s %s", read->made->manifest.origin, path, what);
}

/* A text that must be there, or may be absent or null. */
static polka_status read_text(const reader *read, const json_t *object, const char *where, const char *name, bool required, const char **out)
{
    char path[160];
    const json_t *value = json_object_get(object, name);
    *out = json_string_value(value);
    snprintf(path, sizeof path, "%s%s%s", where, *where != '\0' ? "." : "", name);
    if (value == NULL || json_is_null(value))
        return required ? refuse(read, path, "is missing") : POLKA_OK;
    if (!json_is_string(value) || json_string_length(value) != strlen(*out))
        return refuse(read, path, "is not a text");
    if (required && **out == '\0')
        return refuse(read, path, "is empty");
    return POLKA_OK;
}

static polka_status read_array(const reader *read, const json_t *object, const char *where, const char *name, const json_t **out)
{
    char path[160];
    *out = json_object_get(object, name);
    snprintf(path, sizeof path, "%s%s%s", where, *where != '\0' ? "." : "", name);
    if (*out == NULL)
        return refuse(read, path, "is missing");
    return json_is_array(*out) ? POLKA_OK : refuse(read, path, "is not an array");
}

static polka_status read_event(const reader *read, const json_t *object, const char *where, polkai_manifest_event *event)
{
    char path[160];
    const char *fingerprint;
    if (!json_is_object(object))
        return refuse(read, where, "is not an object");
    TRY(read_text(read, object, where, "event", true, &event->event));
    TRY(read_text(read, object, where, "topic", true, &event->topic));
    TRY(read_text(read, object, where, "key", false, &event->key));
    TRY(read_text(read, object, where, "fingerprint", false, &fingerprint));
    snprintf(path, sizeof path, "%s.fingerprint", where);
    if (fingerprint != NULL && !polkai_hex64_read(polka_text_of(fingerprint), &event->fingerprint))
        return refuse(read, path, "is not 16 hex digits");

    const json_t *version = json_object_get(object, "schema_version");
    snprintf(path, sizeof path, "%s.schema_version", where);
    if (version != NULL && !json_is_null(version) && !json_is_integer(version))
        return refuse(read, path, "is not a number");
    event->version = json_integer_value(version);

    event->schema = json_object_get(object, "schema");
    snprintf(path, sizeof path, "%s.schema", where);
    if (event->schema == NULL || json_is_null(event->schema))
        return refuse(read, path, "is missing");
    return POLKA_OK;
}

static polka_status read_reaction_emits(const reader *read, const json_t *object, const char *where, polkai_manifest_reaction *reaction)
{
    const json_t *array, *item;
    size_t index;
    TRY(read_array(read, object, where, "emits", &array));
    const char **names = polkai_arena_zeroed(&read->made->arena, json_array_size(array), sizeof *names);
    json_array_foreach(array, index, item) {
        char path[160];
        snprintf(path, sizeof path, "%s.emits[%zu]", where, index);
        if (!json_is_string(item))
            return refuse(read, path, "is not a text");
        names[index] = json_string_value(item);
        ENSURE(polkai_manifest_find_emit(&read->made->manifest, names[index]) != NULL, POLKA_POISON, read->error, "bad-manifest",
               "%s: %s is '%.120s', which the emits of the whole manifest lack", read->made->manifest.origin, path, names[index]);
    }
    reaction->emits = names;
    reaction->emit_count = json_array_size(array);
    return POLKA_OK;
}

static polka_status read_emits(const reader *read)
{
    polkai_manifest *manifest = &read->made->manifest;
    const json_t *array, *item;
    size_t index;
    TRY(read_array(read, manifest->json, "", "emits", &array));
    polkai_manifest_event *events = polkai_arena_zeroed(&read->made->arena, json_array_size(array), sizeof *events);
    json_array_foreach(array, index, item) {
        char where[40];
        snprintf(where, sizeof where, "emits[%zu]", index);
        TRY(read_event(read, item, where, &events[index]));
    }
    manifest->emits = events;
    manifest->emit_count = json_array_size(array);
    return POLKA_OK;
}

static polka_status read_reactions(const reader *read)
{
    polkai_manifest *manifest = &read->made->manifest;
    const json_t *array, *item;
    size_t index;
    TRY(read_array(read, manifest->json, "", "reactions", &array));
    polkai_manifest_reaction *reactions = polkai_arena_zeroed(&read->made->arena, json_array_size(array), sizeof *reactions);
    json_array_foreach(array, index, item) {
        char where[40];
        snprintf(where, sizeof where, "reactions[%zu]", index);
        TRY(read_event(read, item, where, &reactions[index].hears));
        TRY(read_text(read, item, where, "name", false, &reactions[index].name));
        if (reactions[index].name == NULL)
            reactions[index].name = reactions[index].hears.event;
        TRY(read_reaction_emits(read, item, where, &reactions[index]));
    }
    manifest->reactions = reactions;
    manifest->reaction_count = json_array_size(array);
    return POLKA_OK;
}

static polka_status read_manifest(const reader *read, polka_text text)
{
    polkai_manifest *manifest = &read->made->manifest;
    polka_error cause = { 0 };
    if (polkai_json_parse((polka_bytes){ text.size, (const uint8_t *)text.data }, &manifest->json, &cause) != POLKA_OK)
        return refuse(read, "is not JSON:", cause.message);
    const json_t *form = json_object_get(manifest->json, "polka");
    if (!json_is_object(manifest->json))
        return refuse(read, "the manifest", "is not an object");
    if (!json_is_integer(form) || json_integer_value(form) < 1)
        return refuse(read, "polka", "is missing: the form of the manifest, 1");
    ENSURE(json_integer_value(form) <= NEWEST, POLKA_POISON, read->error, "bad-manifest",
           "%s: polka is %lld, but this program reads manifests up to %d: use a newer one", manifest->origin,
           (long long)json_integer_value(form), NEWEST);
    TRY(read_text(read, manifest->json, "", "service", true, &manifest->service));
    TRY(read_text(read, manifest->json, "", "version", true, &manifest->version));
    TRY(read_text(read, manifest->json, "", "group", true, &manifest->group));
    TRY(read_text(read, manifest->json, "", "domain", false, &manifest->domain));
    TRY(read_emits(read));
    return read_reactions(read);
}

polka_status polkai_manifest_read(polkai_manifest **manifest, polka_text text, const char *origin, polka_error *error)
{
    *manifest = NULL;
    holder *made = polkai_alloc(sizeof *made);
    polkai_arena_init(&made->arena, NULL, 0);
    made->manifest.origin = polkai_arena_text(&made->arena, origin, strlen(origin)).data;
    polka_status status = read_manifest(&(reader){ .made = made, .error = error }, text);
    if (status != POLKA_OK) {
        polkai_manifest_destroy(&made->manifest);
        return status;
    }
    *manifest = &made->manifest;
    return POLKA_OK;
}

void polkai_manifest_destroy(polkai_manifest *manifest)
{
    if (manifest == NULL)
        return;
    holder *made = (holder *)manifest;   /* its first member */
    json_decref(manifest->json);
    polkai_arena_deinit(&made->arena);
    free(made);
}

const polkai_manifest_event *polkai_manifest_find_emit(const polkai_manifest *manifest, const char *event)
{
    for (size_t i = 0; i < manifest->emit_count; i++)
        if (strcmp(manifest->emits[i].event, event) == 0)
            return &manifest->emits[i];
    return NULL;
}
