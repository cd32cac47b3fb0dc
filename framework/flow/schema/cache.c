/* cache.c: what is kept of a registry, and of fingerprints; nothing read is trusted. */
#include <flow/schema/cache.h>

#include <avro/canonical.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/file.h>
#include <base/identity.h>
#include <base/text.h>
#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A text of 1 MiB, each byte of which JSON writes as six at most, and what stands beside it. */
enum { ENTRY_BYTES = 7 * 1024 * 1024, TEXT_BYTES = 1024 * 1024, SHA256_TEXT = 2 * POLKA_SHA256_BYTES };

struct polkai_cache {
    char *folder;
    const polkai_log *log;               /* NULL: silent */
    atomic_bool warned;                  /* of a folder that cannot be written */
};

static void free_json(json_t **json) { json_decref(*json); }
static void free_text(char **text) { free(*text); }

const char *polkai_cache_folder(const char *configured, polka_arena *arena)
{
    return polkai_file_home(configured, "schemas", arena);
}

polkai_cache *polkai_cache_open(const char *folder, const polkai_log *log)
{
    polkai_cache *cache = polkai_alloc(sizeof *cache);
    *cache = (polkai_cache){ .folder = polkai_strdup(folder), .log = log };
    return cache;
}

void polkai_cache_close(polkai_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->folder);
    free(cache);
}

static void warn(const polkai_cache *cache, const char *path, const char *why)
{
    if (cache->log != NULL)
        LOG_WARN(cache->log, "schema cache: %s is passed over and will be written anew: %s", path, why);
}

/* true: another process was faster, and nothing was written. */
static bool put(polkai_cache *cache, const char *path, polka_text text, bool replace)
{
    if (polkai_file_create(path, text, replace))
        return false;
    if (errno == EEXIST)
        return true;
    if (cache->log != NULL && !atomic_exchange(&cache->warned, true))
        LOG_WARN(cache->log, "schema cache: cannot write %s: %s; schemas are not kept, so a start without the registry would not know them (schemas.cache)", path, strerror(errno));
    return false;
}

static void digest_of(polka_text text, char out[SHA256_TEXT + 1])
{
    uint8_t digest[POLKA_SHA256_BYTES];
    polkai_sha256(text.data, text.size, digest);
    polkai_hex(out, digest, sizeof digest);
}

/* ---- by registry and id ---- */

static const char *entry_path(const polkai_cache *cache, const char *registry, const char *id, polka_arena *arena)
{
    char digest[SHA256_TEXT + 1];
    digest_of(polka_text_of(registry), digest);
    return polkai_arena_format(arena, "%s/registries/%.16s/%s.json", cache->folder, digest, id).data;
}

/* What is wrong with an entry, or NULL. */
static const char *judge(const json_t *entry, const char *registry, const char *id)
{
    char digest[SHA256_TEXT + 1];
    const json_t *text = json_object_get(entry, "schema");
    const char *url = json_string_value(json_object_get(entry, "registry")), *own_id = json_string_value(json_object_get(entry, "id")),
               *sum = json_string_value(json_object_get(entry, "sha256"));
    if (!json_is_string(text) || url == NULL || own_id == NULL || sum == NULL)
        return "it is cut off, or no entry of this cache";
    if (strcmp(url, registry) != 0 || strcmp(own_id, id) != 0)
        return "it belongs to another registry or id";
    digest_of((polka_text){ json_string_length(text), json_string_value(text) }, digest);
    return strcmp(sum, digest) == 0 ? NULL : "its text does not have the SHA-256 that stands beside it";
}

static bool find(polkai_cache *cache, const char *path, const char *registry, const char *id, polka_arena *arena, polka_text *text)
{
    polka_text bytes;
    if (!polkai_file_read(path, ENTRY_BYTES, arena, &bytes)) {
        if (errno != ENOENT)
            warn(cache, path, strerror(errno));
        return false;
    }
    json_t *entry AUTO(free_json) = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, NULL);
    const char *wrong = judge(entry, registry, id);
    if (wrong != NULL) {
        warn(cache, path, wrong);
        return false;
    }
    const json_t *found = json_object_get(entry, "schema");
    *text = polkai_arena_text(arena, json_string_value(found), json_string_length(found));
    return true;
}

bool polkai_cache_find(polkai_cache *cache, const char *registry, const polkai_schema_id *id, polka_arena *arena, polka_text *text)
{
    char name[POLKAI_SCHEMA_ID_TEXT + 1];
    polkai_schema_id_write(name, id);
    return find(cache, entry_path(cache, registry, name, arena), registry, name, arena, text);
}

/* Registries write a schema with other spaces or another order of members after an upgrade; that is the same schema. */
static bool same(polka_text a, polka_text b)
{
    json_t *left AUTO(free_json) = json_loadb(a.data, a.size, JSON_DECODE_ANY, NULL), *right AUTO(free_json) = json_loadb(b.data, b.size, JSON_DECODE_ANY, NULL);
    return polka_text_equal(a, b) || (left != NULL && right != NULL && json_equal(left, right));
}

static polka_status changed(const char *registry, const char *id, const char *path, polka_text kept, polka_text text, polka_error *error)
{
    char before[SHA256_TEXT + 1], now[SHA256_TEXT + 1];
    digest_of(kept, before);
    digest_of(text, now);
    return polkai_fail(error, POLKA_MISUSE, "registry-changed-schema",
                       "%.100s has another schema under id %s now: SHA-256 %.16s, it was %.16s. What is kept stays. Was the registry set up anew or restored, "
                       "or do two answer there? Where its answer is right for all records, remove %.160s", registry, id, now, before, path);
}

static char *entry_text(const char *registry, const char *id, polka_text text)
{
    char digest[SHA256_TEXT + 1];
    digest_of(text, digest);
    json_t *entry AUTO(free_json) = json_pack("{s:s, s:s, s:s, s:s%}", "registry", registry, "id", id, "sha256", digest, "schema", text.data, text.size);
    return entry != NULL ? json_dumps(entry, JSON_COMPACT) : NULL;
}

polka_status polkai_cache_keep(polkai_cache *cache, const char *registry, const polkai_schema_id *id, polka_text text, polka_error *error)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    char name[POLKAI_SCHEMA_ID_TEXT + 1];
    polka_text kept;
    polkai_arena_init(&arena, NULL, 0);
    polkai_schema_id_write(name, id);
    const char *path = entry_path(cache, registry, name, &arena);
    char *entry AUTO(free_text) = entry_text(registry, name, text);
    if (entry == NULL)                                   /* not UTF-8: the reader of the schema says so */
        return POLKA_OK;
    for (int turn = 0; turn < 2; turn++) {               /* another process may be a moment faster: then its entry is looked at */
        if (find(cache, path, registry, name, &arena, &kept))
            return same(kept, text) ? POLKA_OK : changed(registry, name, path, kept, text, error);
        if (!put(cache, path, polka_text_of(entry), turn > 0))
            break;
    }
    return POLKA_OK;
}

polka_status polkai_cache_fetch(polkai_cache *cache, polkai_registry *registry, const polkai_schema_id *id, polka_arena *arena, polka_text *text, polka_error *error)
{
    polka_text known;
    bool kept = polkai_cache_find(cache, polkai_registry_name(registry), id, arena, &known);
    polka_status status = kept ? polkai_registry_confirm(registry, id, arena, text, error) : polkai_registry_fetch(registry, id, arena, text, error);
    if (status == POLKA_OK)
        return polkai_cache_keep(cache, polkai_registry_name(registry), id, *text, error);
    if (status != POLKA_TRANSIENT || !kept)
        return status;
    *text = known;
    return POLKA_OK;
}

/* ---- by fingerprint ---- */

static polka_status check_fingerprint(polka_text text, uint64_t fingerprint, polka_error *error)
{
    char wanted[17], found[17];
    const polkai_schema *schema;
    polkai_schema_set *set = polkai_schema_set_create();
    polka_status status = polkai_schema_parse(set, text, NULL, &schema, error);
    uint64_t own = status == POLKA_OK ? polkai_schema_fingerprint(schema) : 0;
    polkai_schema_set_destroy(set);
    TRY(status);
    polkai_hex64(wanted, fingerprint);
    polkai_hex64(found, own);
    ENSURE(own == fingerprint, POLKA_POISON, error, "fingerprint-mismatch", "the schema that stands under fingerprint %s has the fingerprint %s", wanted, found);
    return POLKA_OK;
}

static const char *fingerprint_path(const polkai_cache *cache, uint64_t fingerprint, polka_arena *arena)
{
    char digits[17];
    polkai_hex64(digits, fingerprint);
    return polkai_arena_format(arena, "%s/fingerprints/%s.avsc", cache->folder, digits).data;
}

bool polkai_cache_find_fingerprint(polkai_cache *cache, uint64_t fingerprint, polka_arena *arena, polka_text *text)
{
    polka_error error = { 0 };
    const char *path = fingerprint_path(cache, fingerprint, arena);
    bool there = polkai_file_read(path, TEXT_BYTES, arena, text);
    if (!there && errno != ENOENT)
        warn(cache, path, strerror(errno));
    if (there && check_fingerprint(*text, fingerprint, &error) != POLKA_OK) {
        warn(cache, path, error.message);
        return false;
    }
    return there;
}

polka_status polkai_cache_keep_fingerprint(polkai_cache *cache, uint64_t fingerprint, polka_text text, polka_error *error)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polka_text kept;
    polkai_arena_init(&arena, NULL, 0);
    TRY(check_fingerprint(text, fingerprint, error));
    if (!polkai_cache_find_fingerprint(cache, fingerprint, &arena, &kept))
        put(cache, fingerprint_path(cache, fingerprint, &arena), text, true);
    return POLKA_OK;
}
