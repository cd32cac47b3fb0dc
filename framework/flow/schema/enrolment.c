/* enrolment.c: one small file a schema. */
#include <flow/schema/enrolment.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <base/file.h>
#include <jansson.h>
#include <stdlib.h>

enum { ENTRY_BYTES = 64 * 1024, SHA256_TEXT = 2 * POLKA_SHA256_BYTES };

static void free_json(json_t **json) { json_decref(*json); }
static void free_text(char **text) { free(*text); }

static void digest_of(const void *data, size_t size, char out[SHA256_TEXT + 1])
{
    uint8_t digest[POLKA_SHA256_BYTES];
    polkai_sha256(data, size, digest);
    polkai_hex(out, digest, sizeof digest);
}

static const char *path_of(const char *folder, const char *registry, const char *subject, polka_text text, polka_arena *arena)
{
    char where[SHA256_TEXT + 1], what[SHA256_TEXT + 1];
    size_t size = strlen(subject) + 1;
    uint8_t *both = polka_arena_alloc(arena, size + text.size);
    memcpy(both, subject, size);
    memcpy(both + size, text.data, text.size);
    digest_of(registry, strlen(registry), where);
    digest_of(both, size + text.size, what);
    return polkai_arena_format(arena, "%s/registries/%.16s/enrolled/%s.json", folder, where, what).data;
}

static bool is(const json_t *entry, const char *name, const char *expected)
{
    const char *value = json_string_value(json_object_get(entry, name));
    return value != NULL && strcmp(value, expected) == 0;
}

bool polkai_enrolment_find(const char *folder, const char *registry, const char *subject, polka_text text, uint32_t *id)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polka_text bytes;
    polkai_arena_init(&arena, NULL, 0);
    if (!polkai_file_read(path_of(folder, registry, subject, text, &arena), ENTRY_BYTES, &arena, &bytes))
        return false;
    json_t *entry AUTO(free_json) = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *number = json_object_get(entry, "id");
    if (!is(entry, "registry", registry) || !is(entry, "subject", subject) || !json_is_integer(number) || json_integer_value(number) < 0 ||
        json_integer_value(number) > INT32_MAX)
        return false;
    *id = (uint32_t)json_integer_value(number);
    return true;
}

bool polkai_enrolment_keep(const char *folder, const char *registry, const char *subject, polka_text text, uint32_t id)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    uint32_t kept;
    polkai_arena_init(&arena, NULL, 0);
    if (polkai_enrolment_find(folder, registry, subject, text, &kept) && kept == id)
        return true;
    json_t *entry AUTO(free_json) = json_pack("{s:s, s:s, s:I}", "registry", registry, "subject", subject, "id", (json_int_t)id);
    char *line AUTO(free_text) = json_dumps(entry, JSON_COMPACT);
    return line == NULL || polkai_file_create(path_of(folder, registry, subject, text, &arena), polka_text_of(line), true);
}
