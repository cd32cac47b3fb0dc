/* manifest.c: the JSON of a manifest, checked and made into a struct; texts are borrowed from the JSON value it keeps. */
#include <avro/json.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <choreography/manifest.h>
#include <choreography/names.h>

#include <stdio.h>
#include <stdlib.h>

enum { NEWEST = 1, PATH_BYTES = 160 };   /* NEWEST: of the manifest's form, member "polka" */

typedef struct {
    polkai_manifest manifest;
    polka_arena arena;
    size_t problem_capacity;
    polkai_names emits;                  /* the events of manifest.emits */
} holder;

/* Where in the manifest, and which event stands there as far as it is known. */
typedef struct { const char *path, *event; } place;

static const place whole = { "", NULL };

static void note(holder *made, place at, const char *format, ...) POLKA_PRINTF(3, 4);
static void note(holder *made, place at, const char *format, ...)
{
    polkai_manifest *manifest = &made->manifest;
    if (manifest->problem_count == made->problem_capacity) {
        made->problem_capacity = 2 * made->problem_capacity + 4;
        polkai_manifest_problem *more = polkai_arena_zeroed(&made->arena, made->problem_capacity, sizeof *more);
        for (size_t i = 0; i < manifest->problem_count; i++)
            more[i] = manifest->problems[i];
        manifest->problems = more;
    }
    va_list arguments;
    va_start(arguments, format);
    polkai_manifest_problem *problem = (polkai_manifest_problem *)&manifest->problems[manifest->problem_count++];
    *problem = (polkai_manifest_problem){ at.event, polkai_arena_vformat(&made->arena, format, arguments).data };
    va_end(arguments);
}

static const char *path_of(char out[PATH_BYTES], place at, const char *name)
{
    snprintf(out, PATH_BYTES, "%s%s%s", at.path, at.path[0] != '\0' ? "." : "", name);
    return out;
}

/* A text that must be there, or may be absent or null. NULL: it is not there, or it is none. */
static const char *read_text(holder *made, const json_t *object, place at, const char *name, bool required)
{
    char path[PATH_BYTES];
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    path_of(path, at, name);
    if (value == NULL || json_is_null(value)) {
        if (required)
            note(made, at, "%s is missing", path);
        return NULL;
    }
    if (text == NULL || json_string_length(value) != strlen(text)) {
        note(made, at, "%s is not a text", path);
        return NULL;
    }
    if (required && *text == '\0')
        note(made, at, "%s is empty", path);
    return required && *text == '\0' ? NULL : text;
}

static const json_t *read_array(holder *made, const json_t *object, place at, const char *name)
{
    char path[PATH_BYTES];
    const json_t *array = json_object_get(object, name);
    path_of(path, at, name);
    if (array == NULL)
        note(made, at, "%s is missing", path);
    else if (!json_is_array(array))
        note(made, at, "%s is not an array", path);
    return json_is_array(array) ? array : NULL;
}

static int64_t read_version(holder *made, const json_t *object, place at)
{
    char path[PATH_BYTES];
    const json_t *version = json_object_get(object, "schema_version");
    if (version != NULL && !json_is_null(version) && !json_is_integer(version))
        note(made, at, "%s is not a whole number", path_of(path, at, "schema_version"));
    return json_integer_value(version);
}

static const json_t *read_schema(holder *made, const json_t *object, place at)
{
    char path[PATH_BYTES];
    const json_t *schema = json_object_get(object, "schema");
    if (schema != NULL && !json_is_null(schema))
        return schema;
    note(made, at, "%s is missing", path_of(path, at, "schema"));
    return NULL;
}

/* false: it does not even say which event it is about. */
static bool read_event(holder *made, const json_t *object, const char *where, polkai_manifest_event *event)
{
    char path[PATH_BYTES];
    place at = { where, NULL };
    if (!json_is_object(object)) {
        note(made, at, "%s is not an object", where);
        return false;
    }
    at.event = event->event = read_text(made, object, at, "event", true);
    event->topic = read_text(made, object, at, "topic", true);
    event->key = read_text(made, object, at, "key", false);
    event->key_told = json_object_get(object, "key") != NULL;
    const char *fingerprint = read_text(made, object, at, "fingerprint", false);
    if (fingerprint != NULL && !polkai_hex64_read(polka_text_of(fingerprint), &event->fingerprint))
        note(made, at, "%s is not 16 hex digits", path_of(path, at, "fingerprint"));
    event->version = read_version(made, object, at);
    event->schema = read_schema(made, object, at);
    event->final = json_is_true(json_object_get(object, "final")) || json_is_true(json_object_get(event->schema, "polka.final"));
    return event->event != NULL;
}

/* What a reaction emits, a list of names; each must be one of the manifest's emits. */
static void read_names(holder *made, const json_t *object, place at, polkai_manifest_reaction *reaction)
{
    char path[PATH_BYTES], name[40];
    const json_t *array = read_array(made, object, at, "emits"), *item;
    const char **names = polkai_arena_zeroed(&made->arena, json_array_size(array), sizeof *names);
    size_t index;
    reaction->emits = names;
    json_array_foreach(array, index, item) {
        snprintf(name, sizeof name, "emits[%zu]", index);
        path_of(path, at, name);
        const char *text = json_string_value(item);
        if (text == NULL || json_string_length(item) != strlen(text)) {
            note(made, at, "%s is not a text", path);
            continue;
        }
        if (polkai_names_find(&made->emits, text) == POLKAI_NO_NAME)
            note(made, (place){ at.path, text }, "%s is '%.200s', which the emits of the whole manifest lack", path, text);
        names[reaction->emit_count++] = text;
    }
}

static bool same_text(const char *a, const char *b) { return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0; }

static bool contradicts(const polkai_manifest_event *a, const polkai_manifest_event *b)
{
    return !same_text(a->topic, b->topic) || !same_text(a->key, b->key) || a->version != b->version || !json_equal(a->schema, b->schema);
}

static void read_emits(holder *made)
{
    polkai_manifest *manifest = &made->manifest;
    const json_t *array = read_array(made, manifest->json, whole, "emits"), *item;
    polkai_manifest_event *events = polkai_arena_zeroed(&made->arena, json_array_size(array), sizeof *events);
    size_t index;
    manifest->emits = events;
    json_array_foreach(array, index, item) {
        char where[40];
        polkai_manifest_event *event = &events[manifest->emit_count];
        snprintf(where, sizeof where, "emits[%zu]", index);
        *event = (polkai_manifest_event){ 0 };
        if (!read_event(made, item, where, event))
            continue;
        if (polkai_names_find(&made->emits, event->event) != POLKAI_NO_NAME) {
            if (contradicts(polkai_manifest_find_emit(manifest, event->event), event))
                note(made, (place){ where, event->event }, "%s is %.200s, which stands in emits already, with another topic, key or schema", where, event->event);
            continue;
        }
        polkai_names_add(&made->emits, event->event);
        manifest->emit_count++;
    }
}

static void read_reactions(holder *made)
{
    polkai_manifest *manifest = &made->manifest;
    const json_t *array = read_array(made, manifest->json, whole, "reactions"), *item;
    polkai_manifest_reaction *reactions = polkai_arena_zeroed(&made->arena, json_array_size(array), sizeof *reactions);
    size_t index;
    manifest->reactions = reactions;
    json_array_foreach(array, index, item) {
        char where[40];
        polkai_manifest_reaction *reaction = &reactions[manifest->reaction_count];
        snprintf(where, sizeof where, "reactions[%zu]", index);
        *reaction = (polkai_manifest_reaction){ 0 };
        if (!read_event(made, item, where, &reaction->hears))
            continue;
        place at = { where, reaction->hears.event };
        reaction->name = read_text(made, item, at, "name", false);
        if (reaction->name == NULL)
            reaction->name = reaction->hears.event;
        reaction->deadline_ms = json_integer_value(json_object_get(item, "deadline_ms"));
        read_names(made, item, at, reaction);
        manifest->reaction_count++;
    }
}

static void read_default(holder *made)
{
    const json_t *object = json_object_get(made->manifest.json, "default");
    if (object == NULL || json_is_null(object))
        return;
    made->manifest.hears_all = true;
    if (json_object_get(object, "emits") != NULL)
        read_names(made, object, (place){ "default", NULL }, &(polkai_manifest_reaction){ 0 });
}

/* false: nothing of it can be read. */
static bool read_form(holder *made, polka_text text)
{
    polkai_manifest *manifest = &made->manifest;
    polka_error cause = { 0 };
    if (polkai_json_parse((polka_bytes){ text.size, (const uint8_t *)text.data }, &manifest->json, &cause) != POLKA_OK) {
        note(made, whole, "%s", cause.message);
        return false;
    }
    const json_t *form = json_object_get(manifest->json, "polka");
    if (!json_is_object(manifest->json))
        note(made, whole, "the manifest is not an object");
    else if (!json_is_integer(form) || json_integer_value(form) < 1)
        note(made, whole, "polka is missing: the form of the manifest, 1");
    else if (json_integer_value(form) > NEWEST)
        note(made, whole, "polka is %lld, but this program reads manifests up to %d: use a newer one", (long long)json_integer_value(form), NEWEST);
    return json_is_object(manifest->json) && (!json_is_integer(form) || json_integer_value(form) <= NEWEST);
}

static void read_manifest(holder *made, polka_text text)
{
    polkai_manifest *manifest = &made->manifest;
    if (read_form(made, text)) {
        const char *service = read_text(made, manifest->json, whole, "service", true);
        manifest->service = service != NULL ? service : manifest->service;
        manifest->version = read_text(made, manifest->json, whole, "version", true);
        manifest->group = read_text(made, manifest->json, whole, "group", true);
        manifest->domain = read_text(made, manifest->json, whole, "domain", false);
        read_emits(made);
        read_reactions(made);
        read_default(made);
    }
    if (manifest->version == NULL)
        manifest->version = "?";
    if (manifest->group == NULL)
        manifest->group = manifest->service;
}

/* "manifests/payments.json" stands in as "payments" for a service that is not told. */
static const char *stand_in(holder *made, const char *origin)
{
    const char *slash = strrchr(origin, '/'), *base = slash != NULL ? slash + 1 : origin;
    size_t size = strlen(base);
    return polkai_arena_text(&made->arena, base, size > 5 && strcmp(base + size - 5, ".json") == 0 ? size - 5 : size).data;
}

void polkai_manifest_examine(polkai_manifest **manifest, polka_text text, const char *origin)
{
    holder *made = polkai_alloc(sizeof *made);
    polkai_arena_init(&made->arena, NULL, 0);
    made->emits.arena = &made->arena;
    made->manifest.origin = polkai_arena_text(&made->arena, origin, strlen(origin)).data;
    made->manifest.service = stand_in(made, origin);
    read_manifest(made, text);
    *manifest = &made->manifest;
}

polka_status polkai_manifest_read(polkai_manifest **manifest, polka_text text, const char *origin, polka_error *error)
{
    polkai_manifest_examine(manifest, text, origin);
    if ((*manifest)->problem_count == 0)
        return POLKA_OK;
    polkai_fail(error, POLKA_POISON, "bad-manifest", "%s: %s", origin, (*manifest)->problems[0].message);
    polkai_manifest_destroy(*manifest);
    *manifest = NULL;
    return POLKA_POISON;
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
