/* answer.c: a status and a body, judged by one table. */
#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <flow/schema/answer.h>

#include <stdio.h>

enum { NOT_FOUND_FIRST = 40400, NOT_FOUND_END = 40500, WORDS = 300, LINES = 100, LINE = 1200 };

/* ---- good or not ---- */

typedef struct {
    long from, to;                       /* of the HTTP status */
    polkai_answer_kind kind;
    polka_status status;
    const char *code, *what;
} row;

static const row rows[] = {
    { 408, 408, POLKAI_ANSWER_AGAIN, POLKA_TRANSIENT, "registry-unavailable", "is not available" },
    { 429, 429, POLKAI_ANSWER_AGAIN, POLKA_TRANSIENT, "registry-unavailable", "is asked too often" },
    { 500, 599, POLKAI_ANSWER_AGAIN, POLKA_TRANSIENT, "registry-unavailable", "is not available" },
    { 401, 401, POLKAI_ANSWER_FINAL, POLKA_MISUSE, "registry-denied", "wants other credentials (schemas.registry.user and .password, or .token)" },
    { 403, 403, POLKAI_ANSWER_FINAL, POLKA_MISUSE, "registry-denied", "does not allow this" },
    { 400, 499, POLKAI_ANSWER_FINAL, POLKA_MISUSE, "registry-refused", "refuses" },
    { 0, 999, POLKAI_ANSWER_NEXT, POLKA_TRANSIENT, "registry-misbehaves", "answers with a status that no registry has" },
};

static const row *row_of(long status)
{
    const row *found = rows;
    while (status < found->from || status > found->to)
        found++;
    return found;
}

/* The registry's own words, safe to show; or the beginning of what is no JSON. */
static void words_of(const polkai_http_answer *answer, const json_t *json, char out[WORDS])
{
    const char *message = json_string_value(json_object_get(json, "message"));
    if (message != NULL)
        polkai_text_escape(out, WORDS, message, strlen(message), WORDS - 20);
    else
        polkai_text_escape(out, WORDS, answer->body.data, answer->body.size, 80);
}

void polkai_answer_words(const polkai_http_answer *answer, char out[POLKAI_ANSWER_WORDS + 64])
{
    json_t *json = json_loadb(answer->body.data, answer->body.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    const char *message = json_string_value(json_object_get(json, "message"));
    size_t size = message == NULL ? 0 : strlen(message);
    *out = '\0';
    if (size > WORDS - 20) {
        size_t used = polkai_text_escape(out, POLKAI_ANSWER_WORDS, message, size, size);
        if (size >= POLKAI_ANSWER_WORDS - 4)
            snprintf(out + used, 64, "... (cut; it says %zu bytes)", size);
    }
    json_decref(json);
}

static polkai_answer_kind fail_as(polkai_answer_kind kind, polka_error *error, polka_status status, const char *code, const char *format, ...) POLKA_PRINTF(5, 6);
static polkai_answer_kind fail_as(polkai_answer_kind kind, polka_error *error, polka_status status, const char *code, const char *format, ...)
{
    char message[512], safe[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    polkai_text_escape(safe, sizeof safe, message, strlen(message), sizeof safe);        /* headers and JSON errors are the server's words too */
    (void)polkai_fail(error, status, code, "%s", safe);
    return kind;
}

static polkai_answer_kind refused(const char *url, const polkai_http_answer *answer, const json_t *json, polka_error *error)
{
    char words[WORDS];
    json_int_t code = json_integer_value(json_object_get(json, "error_code"));
    const row *found = row_of(answer->status);
    words_of(answer, json, words);
    if (answer->status == 404 && code >= NOT_FOUND_FIRST && code < NOT_FOUND_END)
        return fail_as(POLKAI_ANSWER_FINAL, error, POLKA_POISON, "schema-not-found", "%s: %s (%" JSON_INTEGER_FORMAT ")", url, words, code);
    if (answer->status == 404)
        return fail_as(POLKAI_ANSWER_NEXT, error, POLKA_TRANSIENT, "registry-misbehaves", "%s: 404 without a registry's code; is the URL right, with its path? It says: %s", url, words);
    return fail_as(found->kind, error, found->status, found->code, "%s %s: %ld%s%s", url, found->what, answer->status, words[0] != '\0' ? ": " : "", words);
}

static bool is_json(const polkai_http_answer *answer)
{
    return answer->content_type == NULL || strstr(answer->content_type, "json") != NULL;
}

polkai_answer_kind polkai_answer_judge(const char *url, const polkai_http_answer *answer, json_t **out, polka_error *error)
{
    if (answer->status >= 300 && answer->status < 400)
        return fail_as(POLKAI_ANSWER_NEXT, error, POLKA_TRANSIENT, "registry-redirects", "%s redirects (%ld) to %.150s, which is not followed; if that is the registry, configure that URL",
                       url, answer->status, answer->location != NULL ? answer->location : "nowhere");
    json_error_t where;
    json_t *json = json_loadb(answer->body.data, answer->body.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);
    if (answer->status < 200 || answer->status >= 300) {
        polkai_answer_kind kind = refused(url, answer, json, error);
        json_decref(json);
        return kind;
    }
    if (json != NULL && is_json(answer)) {
        *out = json;
        return POLKAI_ANSWER_GOOD;
    }
    json_decref(json);
    if (!is_json(answer))
        return fail_as(POLKAI_ANSWER_NEXT, error, POLKA_TRANSIENT, "registry-misbehaves", "%s answers with %.80s, not with JSON; is this the URL of a schema registry?", url, answer->content_type);
    return fail_as(POLKAI_ANSWER_NEXT, error, POLKA_TRANSIENT, "registry-misbehaves", "%s answers with broken JSON (byte %d: %.120s)", url, where.position, where.text);
}

/* ---- what stands in it ---- */

static polka_status misses(const char *url, const char *what, polka_error *error)
{
    return polkai_fail(error, POLKA_TRANSIENT, "registry-misbehaves", "the answer of %s has no %s", url, what);
}

polka_status polkai_answer_id(const char *url, const json_t *json, int32_t *id, polka_error *error)
{
    const json_t *found = json_object_get(json, "id");
    json_int_t number = json_integer_value(found);
    if (!json_is_integer(found) || number < 0 || number > INT32_MAX)
        return misses(url, "\"id\" from 0 to 2147483647", error);
    *id = (int32_t)number;
    return POLKA_OK;
}

static const char *text_in(polka_arena *arena, const json_t *json, const char *name)
{
    const json_t *found = json_object_get(json, name);
    return json_is_string(found) ? polkai_arena_text(arena, json_string_value(found), json_string_length(found)).data : NULL;
}

static polka_status read_references(const char *url, const json_t *json, polka_arena *arena, polkai_registry_schema *schema, polka_error *error)
{
    const json_t *list = json_object_get(json, "references"), *item;
    size_t index;
    polkai_registry_reference *references = polkai_arena_zeroed(arena, json_array_size(list) + 1, sizeof *references);
    json_array_foreach(list, index, item) {
        const json_t *version = json_object_get(item, "version");
        references[index] = (polkai_registry_reference){ text_in(arena, item, "name"), text_in(arena, item, "subject"), json_integer_value(version) };
        if (references[index].name == NULL || references[index].subject == NULL || !json_is_integer(version))
            return misses(url, "name, subject and version in each of its \"references\"", error);
    }
    schema->references = references;
    schema->reference_count = json_array_size(list);
    return POLKA_OK;
}

polka_status polkai_answer_schema(const char *url, const json_t *json, polka_arena *arena, polkai_registry_schema *schema, polka_error *error)
{
    const json_t *text = json_object_get(json, "schema");
    const char *kind = json_string_value(json_object_get(json, "schemaType"));
    char other[40];
    if (!json_is_string(text))
        return misses(url, "\"schema\"", error);
    polkai_text_escape(other, sizeof other, kind != NULL ? kind : "", kind != NULL ? strlen(kind) : 0, sizeof other);
    ENSURE(kind == NULL || strcmp(kind, "AVRO") == 0, POLKA_POISON, error, "not-avro", "the schema at %s is %s, not Avro", url, other);
    schema->text = polkai_arena_text(arena, json_string_value(text), json_string_length(text));
    return read_references(url, json, arena, schema, error);
}

polka_status polkai_answer_version(const char *url, const json_t *json, polka_arena *arena, polkai_registry_version *version, polka_error *error)
{
    *version = (polkai_registry_version){ .subject = text_in(arena, json, "subject"), .version = json_integer_value(json_object_get(json, "version")) };
    if (version->subject == NULL || version->version < 1)
        return misses(url, "\"subject\" and \"version\"", error);
    TRY(polkai_answer_id(url, json, &version->id, error));
    return polkai_answer_schema(url, json, arena, &version->schema, error);
}

polka_status polkai_answer_texts(const char *url, const json_t *json, polka_arena *arena, const char *const **texts, size_t *count, polka_error *error)
{
    const char **list = polkai_arena_zeroed(arena, json_array_size(json) + 1, sizeof *list);
    if (!json_is_array(json))
        return misses(url, "list", error);
    for (*count = 0; *count < json_array_size(json); ++*count) {
        const json_t *item = json_array_get(json, *count);
        if (!json_is_string(item))
            return misses(url, "list of texts only", error);
        list[*count] = polkai_arena_text(arena, json_string_value(item), json_string_length(item)).data;
    }
    *texts = list;
    return POLKA_OK;
}

polka_status polkai_answer_numbers(const char *url, const json_t *json, polka_arena *arena, const int64_t **numbers, size_t *count, polka_error *error)
{
    int64_t *list = polkai_arena_zeroed(arena, json_array_size(json) + 1, sizeof *list);
    if (!json_is_array(json))
        return misses(url, "list", error);
    for (*count = 0; *count < json_array_size(json); ++*count) {
        const json_t *item = json_array_get(json, *count);
        if (!json_is_integer(item))
            return misses(url, "list of numbers only", error);
        list[*count] = json_integer_value(item);
    }
    *numbers = list;
    return POLKA_OK;
}

/* Each line is copied as often as there are lines after it, so their number has a limit. */
static const char *lines(polka_arena *arena, const json_t *messages)
{
    polka_text all = polkai_arena_text(arena, "", 0);
    for (size_t i = 0; i < json_array_size(messages) && i < LINES; i++) {
        const char *line = json_string_value(json_array_get(messages, i));
        char safe[LINE];
        if (line == NULL)
            continue;
        polkai_text_escape(safe, sizeof safe, line, strlen(line), sizeof safe);
        all = polkai_arena_format(arena, "%s%s%s", all.data, all.size > 0 ? "\n" : "", safe);
    }
    return all.data;
}

polka_status polkai_answer_check(const char *url, const json_t *json, polka_arena *arena, bool *compatible, const char **words, polka_error *error)
{
    const json_t *found = json_object_get(json, "is_compatible");
    if (!json_is_boolean(found))
        return misses(url, "\"is_compatible\"", error);
    *compatible = json_is_true(found);
    *words = lines(arena, json_object_get(json, "messages"));
    return POLKA_OK;
}

polka_status polkai_answer_level(const char *url, const json_t *json, polka_arena *arena, const char **level, polka_error *error)
{
    *level = text_in(arena, json, "compatibilityLevel");
    if (*level == NULL)
        *level = text_in(arena, json, "compatibility");  /* what PUT answers */
    if (*level != NULL && (strspn(*level, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != strlen(*level) || strlen(*level) > 64))
        *level = NULL;                   /* it is printed */
    return *level != NULL ? POLKA_OK : misses(url, "\"compatibilityLevel\"", error);
}
