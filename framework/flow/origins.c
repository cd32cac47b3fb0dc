/* origins.c: Confluent's API and the folder of kept schemas behind the seams of schema/origin.h. */
#include <flow/origins.h>

#include <base/arena.h>
#include <base/error.h>
#include <flow/schema/enrolment.h>
#include <stdlib.h>

struct polkai_origins {
    polkai_registry *registry;           /* NULL: none is configured */
    polkai_cache *cache;
    polka_arena arena;
    const char *folder;
    const polkai_log *log;
    bool look_up;
    polkai_subject_strategy subject;
};

polkai_origins *polkai_origins_create(const polkai_origins_options *options)
{
    polkai_origins *made = polkai_alloc(sizeof *made);
    made->registry = options->registry;
    made->log = options->log;
    made->look_up = options->look_up;
    made->subject = options->subject;
    made->folder = polkai_cache_folder(options->cache, &made->arena);
    made->cache = polkai_cache_open(made->folder, options->log);
    return made;
}

void polkai_origins_destroy(polkai_origins *origins)
{
    if (origins == NULL)
        return;
    polkai_registry_close(origins->registry);
    polkai_cache_close(origins->cache);
    polkai_arena_deinit(&origins->arena);
    free(origins);
}

/* ---- the registry ---- */

static polkai_schema_id id_of(const polkai_schema_key *key)
{
    polkai_schema_id id = { .by_guid = key->kind == POLKAI_BY_GUID, .id = (int32_t)(uint32_t)key->number };
    for (int i = 0; i < 8; i++) {
        id.guid[i] = (uint8_t)(key->guid_high >> (56 - 8 * i));
        id.guid[8 + i] = (uint8_t)(key->number >> (56 - 8 * i));
    }
    return id;
}

static polka_status fetch(void *user, const polkai_schema_key *key, polka_arena *arena, polka_text *text, polka_error *error)
{
    polkai_origins *origins = user;
    polkai_schema_id id = id_of(key);
    return polkai_cache_fetch(origins->cache, origins->registry, &id, arena, text, error);
}

static polka_status ask_id(polkai_origins *origins, const char *subject, const polkai_registry_schema *schema, polka_arena *arena, int32_t *id,
                           polka_error *error)
{
    polkai_registry_version version;
    if (!origins->look_up)
        return polkai_registry_register(origins->registry, subject, schema, id, error);
    TRY(polkai_registry_lookup(origins->registry, subject, schema, arena, &version, error));
    *id = version.id;
    return POLKA_OK;
}

/* The registry's words in lines of the log, when the error has not room for them. */
static void log_words(const polkai_origins *origins, const char *subject)
{
    enum { A_LINE = 800 };
    const char *words = polkai_registry_words(origins->registry);
    for (size_t at = 0, size = strlen(words); at < size; at += A_LINE)
        LOG_ERROR(origins->log, "the registry says of subject %.80s (from byte %zu of %zu): %.*s", subject, at, size, A_LINE, words + at);
}

static polka_status enrol(void *user, const char *topic, const char *full_name, polka_text text, uint32_t *id, polka_error *error)
{
    polkai_origins *origins = user;
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    const char *subject = polkai_registry_subject(origins->subject, topic, full_name, &arena);
    const polkai_registry_schema schema = { .text = text };
    int32_t given = 0;
    polka_status status = ask_id(origins, subject, &schema, &arena, &given, error);
    if (status != POLKA_OK) {
        log_words(origins, subject);
        polkai_error_where(error, "subject %s%s", subject, origins->look_up && status == POLKA_POISON ? ", only looked up (schemas.register: never)" : "");
        return status;
    }
    *id = (uint32_t)given;
    polkai_enrolment_keep(origins->folder, polkai_registry_name(origins->registry), subject, text, *id);     /* the cache warns of a folder that takes nothing */
    return POLKA_OK;
}

static bool enrolled(void *user, const char *topic, const char *full_name, polka_text text, uint32_t *id)
{
    polkai_origins *origins = user;
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    return polkai_enrolment_find(origins->folder, polkai_registry_name(origins->registry),
                                 polkai_registry_subject(origins->subject, topic, full_name, &arena), text, id);
}

static void stop(void *user)
{
    polkai_registry_stop(((polkai_origins *)user)->registry);
}

polkai_schema_registry polkai_origins_registry(polkai_origins *origins)
{
    if (origins->registry == NULL)
        return (polkai_schema_registry){ 0 };
    return (polkai_schema_registry){ origins, polkai_registry_name(origins->registry), fetch, enrol, enrolled, stop };
}

/* ---- the cache ---- */

static polka_text find(void *user, uint64_t fingerprint, polka_arena *arena)
{
    polka_text text = { 0, NULL };
    return polkai_cache_find_fingerprint(((polkai_origins *)user)->cache, fingerprint, arena, &text) ? text : (polka_text){ 0, NULL };
}

static void keep(void *user, uint64_t fingerprint, polka_text text)
{
    polka_error ignored;                 /* it was checked when it was read from the topic */
    (void)!polkai_cache_keep_fingerprint(((polkai_origins *)user)->cache, fingerprint, text, &ignored);
}

polkai_schema_cache polkai_origins_cache(polkai_origins *origins)
{
    return (polkai_schema_cache){ origins, find, keep };
}
