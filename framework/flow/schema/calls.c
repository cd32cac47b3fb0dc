/* calls.c: the calls of the API: a path, a body, and what is read from the answer. */
#include <flow/schema/registry_inner.h>

#include <avro/schema.h>
#include <base/identity.h>
#include <base/url.h>
#include <stdio.h>
#include <stdlib.h>

enum { REFERENCES_MAX = 256, REFERENCE_DEPTH = 64 };

static void free_json(json_t **json) { json_decref(*json); }
static void free_text(char **text) { free(*text); }

/* A call and the place where its answer lands. */
typedef struct {
    polkai_registry *registry;
    polka_arena *arena;
    bool brief;
    json_t *json;
    const char *url;
} conversation;

static void end(conversation *talk) { json_decref(talk->json); }

static polka_status ask(conversation *talk, const char *method, const char *path, const char *body, polka_error *error)
{
    const polkai_registry_call call = { method, path, body != NULL ? polka_text_of(body) : (polka_text){ 0 }, talk->brief };
    return polkai_registry_ask(talk->registry, &call, talk->arena, &talk->json, &talk->url, error);
}

static char *schema_body(const polkai_registry_schema *schema)
{
    json_t *body AUTO(free_json) = json_pack("{s:o}", "schema", json_stringn(schema->text.data, schema->text.size));
    if (schema->reference_count > 0)
        json_object_set_new(body, "references", json_array());
    for (size_t i = 0; i < schema->reference_count; i++)
        json_array_append_new(json_object_get(body, "references"), json_pack("{s:s, s:s, s:I}", "name", schema->references[i].name, "subject", schema->references[i].subject,
                                                                            "version", (json_int_t)schema->references[i].version));
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    return text;
}

static polka_status post_schema(conversation *talk, const char *path, const polkai_registry_schema *schema, polka_error *error)
{
    char *body AUTO(free_text) = schema_body(schema);
    ENSURE(body != NULL, POLKA_POISON, error, "bad-schema", "the schema's text is not UTF-8");
    return ask(talk, "POST", path, body, error);
}

static const char *subject_path(polka_arena *arena, const char *before, const char *subject, const char *after)
{
    return polkai_arena_format(arena, "%s%s%s", before, polkai_url_escape(arena, subject), after).data;
}

/* ---- schemas ---- */

void polkai_schema_id_write(char out[POLKAI_SCHEMA_ID_TEXT + 1], const polkai_schema_id *id)
{
    if (id->by_guid)
        polkai_uuid_write(out, id->guid);
    else
        snprintf(out, POLKAI_SCHEMA_ID_TEXT + 1, "%" PRId32, id->id);
}

polka_status polkai_registry_version_of(polkai_registry *registry, const char *subject, int64_t version, polka_arena *arena, polkai_registry_version *out, polka_error *error)
{
    char number[32] = "latest";
    conversation talk AUTO(end) = { .registry = registry, .arena = arena };
    if (version > 0)
        snprintf(number, sizeof number, "%" PRId64, version);
    TRY(ask(&talk, "GET", polkai_arena_format(arena, "/subjects/%s/versions/%s", polkai_url_escape(arena, subject), number).data, NULL, error));
    return polkai_answer_version(talk.url, talk.json, arena, out, error);
}

/* Types of other subjects, read into one set, what is referred to first. */
typedef struct {
    polkai_registry *registry;
    polka_arena *arena;
    polkai_schema_set *set;
    size_t count;
} gathering;

static polka_status gather(gathering *all, const polkai_registry_schema *schema, unsigned depth, polka_error *error)
{
    ENSURE(depth < REFERENCE_DEPTH, POLKA_POISON, error, "bad-schema", "its references go deeper than %d, or in a circle", REFERENCE_DEPTH);
    for (size_t i = 0; i < schema->reference_count; i++) {
        const polkai_registry_reference *reference = &schema->references[i];
        polkai_registry_version version;
        const polkai_schema *parsed;
        if (polkai_schema_find(all->set, reference->name) != NULL)
            continue;
        ENSURE(++all->count <= REFERENCES_MAX, POLKA_POISON, error, "bad-schema", "it has more than %d references", REFERENCES_MAX);
        TRY(polkai_registry_version_of(all->registry, reference->subject, reference->version, all->arena, &version, error));
        TRY(gather(all, &version.schema, depth + 1, error));
        TRY(polkai_schema_parse(all->set, version.schema.text, reference->subject, &parsed, error));
    }
    return POLKA_OK;
}

static polka_status write_out(polkai_registry *registry, polkai_registry_schema *schema, polka_arena *arena, polka_error *error)
{
    const polkai_schema *parsed;
    gathering all = { .registry = registry, .arena = arena, .set = polkai_schema_set_create() };
    polka_status status = gather(&all, schema, 0, error);
    if (status == POLKA_OK)
        status = polkai_schema_parse(all.set, schema->text, NULL, &parsed, error);
    if (status == POLKA_OK) {
        char *text AUTO(free_text) = polkai_schema_text(parsed);
        schema->text = polkai_arena_text(arena, text, strlen(text));
    }
    polkai_schema_set_destroy(all.set);
    return status;
}

static polka_status fetch(polkai_registry *registry, bool brief, const polkai_schema_id *id, polka_arena *arena, polka_text *text, polka_error *error)
{
    char name[POLKAI_SCHEMA_ID_TEXT + 1];
    polkai_registry_schema schema = { 0 };
    conversation talk AUTO(end) = { .registry = registry, .arena = arena, .brief = brief };
    polkai_schema_id_write(name, id);
    TRY(ask(&talk, "GET", polkai_arena_format(arena, "/schemas/%s/%s", id->by_guid ? "guids" : "ids", name).data, NULL, error));
    TRY(polkai_answer_schema(talk.url, talk.json, arena, &schema, error));
    if (schema.reference_count > 0) {
        polka_status status = write_out(registry, &schema, arena, error);
        if (status != POLKA_OK) {
            polkai_error_where(error, "schema %s of %s", name, polkai_registry_name(registry));
            return status;
        }
    }
    *text = schema.text;
    return POLKA_OK;
}

polka_status polkai_registry_fetch(polkai_registry *registry, const polkai_schema_id *id, polka_arena *arena, polka_text *text, polka_error *error)
{
    return fetch(registry, false, id, arena, text, error);
}

polka_status polkai_registry_confirm(polkai_registry *registry, const polkai_schema_id *id, polka_arena *arena, polka_text *text, polka_error *error)
{
    return fetch(registry, true, id, arena, text, error);
}

polka_status polkai_registry_register(polkai_registry *registry, const char *subject, const polkai_registry_schema *schema, int32_t *id, polka_error *error)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    conversation talk AUTO(end) = { .registry = registry, .arena = &arena };
    TRY(post_schema(&talk, subject_path(&arena, "/subjects/", subject, "/versions"), schema, error));
    return polkai_answer_id(talk.url, talk.json, id, error);
}

polka_status polkai_registry_lookup(polkai_registry *registry, const char *subject, const polkai_registry_schema *schema, polka_arena *arena, polkai_registry_version *version,
                                    polka_error *error)
{
    conversation talk AUTO(end) = { .registry = registry, .arena = arena };
    TRY(post_schema(&talk, subject_path(arena, "/subjects/", subject, ""), schema, error));
    return polkai_answer_version(talk.url, talk.json, arena, version, error);
}

/* ---- subjects ---- */

polka_status polkai_registry_subjects(polkai_registry *registry, polka_arena *arena, const char *const **subjects, size_t *count, polka_error *error)
{
    conversation talk AUTO(end) = { .registry = registry, .arena = arena };
    TRY(ask(&talk, "GET", "/subjects", NULL, error));
    return polkai_answer_texts(talk.url, talk.json, arena, subjects, count, error);
}

polka_status polkai_registry_versions(polkai_registry *registry, const char *subject, polka_arena *arena, const int64_t **versions, size_t *count, polka_error *error)
{
    conversation talk AUTO(end) = { .registry = registry, .arena = arena };
    TRY(ask(&talk, "GET", subject_path(arena, "/subjects/", subject, "/versions"), NULL, error));
    return polkai_answer_numbers(talk.url, talk.json, arena, versions, count, error);
}

polka_status polkai_registry_check(polkai_registry *registry, const char *subject, int64_t version, const polkai_registry_schema *schema, polka_arena *arena, bool *compatible,
                                   const char **words, polka_error *error)
{
    char after[64] = "/versions/latest?verbose=true";
    conversation talk AUTO(end) = { .registry = registry, .arena = arena };
    if (version < 0)
        snprintf(after, sizeof after, "/versions?verbose=true");
    else if (version > 0)
        snprintf(after, sizeof after, "/versions/%" PRId64 "?verbose=true", version);
    TRY(post_schema(&talk, subject_path(arena, "/compatibility/subjects/", subject, after), schema, error));
    return polkai_answer_check(talk.url, talk.json, arena, compatible, words, error);
}

/* ---- levels ---- */

static const char *config_path(polka_arena *arena, const char *subject)
{
    return subject == NULL ? "/config" : subject_path(arena, "/config/", subject, "");
}

polka_status polkai_registry_level(polkai_registry *registry, const char *subject, polka_arena *arena, const char **level, bool *inherited, polka_error *error)
{
    polka_error own = { 0 };
    conversation talk AUTO(end) = { .registry = registry, .arena = arena };
    polka_status status = ask(&talk, "GET", config_path(arena, subject), NULL, &own);
    *inherited = status == POLKA_POISON && subject != NULL;              /* 40408: it has none of its own */
    if (*inherited)
        status = ask(&talk, "GET", "/config", NULL, &own);
    if (status != POLKA_OK && error != NULL)
        *error = own;
    TRY(status);
    return polkai_answer_level(talk.url, talk.json, arena, level, error);
}

polka_status polkai_registry_set_level(polkai_registry *registry, const char *subject, const char *level, polka_error *error)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    conversation talk AUTO(end) = { .registry = registry, .arena = &arena };
    json_t *body AUTO(free_json) = json_pack("{s:s}", "compatibility", level);
    char *text AUTO(free_text) = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    ENSURE(text != NULL, POLKA_MISUSE, error, "registry-refused", "the level is not UTF-8");
    return ask(&talk, "PUT", config_path(&arena, subject), text, error);
}

/* ---- names ---- */

const char *polkai_registry_subject(polkai_subject_strategy strategy, const char *topic, const char *full_name, polka_arena *arena)
{
    switch (strategy) {
    case POLKAI_SUBJECT_TOPIC: return polkai_arena_format(arena, "%s-value", topic).data;
    case POLKAI_SUBJECT_TOPIC_RECORD: return polkai_arena_format(arena, "%s-%s", topic, full_name).data;
    case POLKAI_SUBJECT_RECORD: break;
    }
    return polkai_arena_text(arena, full_name, strlen(full_name)).data;
}
