/*
 * fuzz_registry.c: any bytes as what a registry answers, and as the URLs that configure one. The first byte says how the rest is read:
 * an answer with a status and a content type, or URLs. An answer is good, or an error of the kinds that registry.h lists; whatever
 * is read from it is whole.
 */
#include "avro_schemas.h"

#include <base/arena.h>
#include <base/url.h>
#include <flow/schema/answer.h>
#include <flow/schema/endpoint.h>

static const char *const codes[] = { "registry-unavailable", "registry-redirects", "registry-misbehaves", "schema-not-found", "not-avro", "registry-refused", "registry-denied" };

static void check_error(const polka_error *error)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i], error->code) == 0)
            return;
    HOLDS(false, "%s: %s", error->code, error->message);
}

static void check_text(const char *text, size_t size) { HOLDS(text != NULL && memchr(text, '\0', size) == NULL && text[size] == '\0', "a text is cut"); }

static void read_all(const json_t *json, polka_arena *arena)
{
    static const char *const url = "http://registry/x";
    polka_error error = { 0 };
    int32_t id = -1;
    polkai_registry_version version;
    polkai_registry_schema schema;
    const char *const *texts, *words;
    const int64_t *numbers;
    size_t count;
    bool compatible;
    if (polkai_answer_id(url, json, &id, &error) == POLKA_OK)
        HOLDS(id >= 0, "%d", id);
    else
        check_error(&error);
    if (polkai_answer_schema(url, json, arena, &schema, &error) == POLKA_OK) {
        check_text(schema.text.data, schema.text.size);
        for (size_t i = 0; i < schema.reference_count; i++)
            HOLDS(schema.references[i].name != NULL && schema.references[i].subject != NULL, "a reference is cut");
    } else {
        check_error(&error);
    }
    if (polkai_answer_version(url, json, arena, &version, &error) == POLKA_OK)
        HOLDS(version.subject != NULL && version.version > 0 && version.id >= 0, "a version is cut");
    if (polkai_answer_texts(url, json, arena, &texts, &count, &error) == POLKA_OK)
        for (size_t i = 0; i < count; i++)
            check_text(texts[i], strlen(texts[i]));
    (void)polkai_answer_numbers(url, json, arena, &numbers, &count, &error);
    if (polkai_answer_check(url, json, arena, &compatible, &words, &error) == POLKA_OK)
        HOLDS(words != NULL, "no words");
    if (polkai_answer_level(url, json, arena, &words, &error) == POLKA_OK)
        HOLDS(words != NULL, "no level");
}

static void read_answer(const uint8_t *data, size_t size, polka_arena *arena)
{
    static const long statuses[] = { 200, 200, 200, 201, 301, 302, 400, 401, 403, 404, 405, 408, 409, 422, 429, 500, 503, 0, 99, 999 };
    static const char *const types[] = { "application/json", "application/vnd.schemaregistry.v1+json", "text/html", NULL };
    polka_error error = { 0 };
    json_t *json = NULL;
    polka_text body = polkai_arena_text(arena, (const char *)data + 2, size - 2);
    const polkai_http_answer answer = { .status = statuses[data[0] % (sizeof statuses / sizeof *statuses)], .content_type = types[data[1] % 4], .body = body, .retry_after_ms = -1,
                                        .location = data[1] & 4 ? body.data : NULL };
    if (polkai_answer_judge("http://registry/x", &answer, &json, &error) == POLKAI_ANSWER_GOOD) {
        read_all(json, arena);
        json_decref(json);
        return;
    }
    check_error(&error);
    for (const char *at = error.message; *at != '\0'; at++)
        HOLDS((unsigned char)*at >= ' ', "a control byte in: %s", error.message);
}

static void read_urls(const uint8_t *data, size_t size, polka_arena *arena)
{
    polka_error error = { 0 };
    const polkai_endpoint *endpoints;
    size_t count;
    const char *urls = polkai_arena_text(arena, (const char *)data, size).data;
    if (polkai_endpoints_read(urls, arena, &endpoints, &count, &error) != POLKA_OK) {
        HOLDS(strcmp(error.code, "bad-url") == 0, "%s", error.code);
        return;
    }
    HOLDS(count > 0, "no URL, and no error");
    for (size_t i = 0; i < count; i++)
        HOLDS(strchr(endpoints[i].base, '@') == NULL && strstr(endpoints[i].base, "://") != NULL, "%s", endpoints[i].base);
    HOLDS(strlen(polkai_url_masked(arena, urls)) <= 4 * strlen(urls), "masked");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polka_arena arena;
    if (size < 3)
        return 0;
    polkai_arena_init(&arena, NULL, 0);
    if (data[0] == 255)
        read_urls(data + 1, size - 1, &arena);
    else
        read_answer(data, size, &arena);
    polkai_arena_deinit(&arena);
    return 0;
}
