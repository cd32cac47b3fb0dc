/*
 * answer.h: what a registry's answers say. Pure: an HTTP answer goes in, values and errors come out; nothing is trusted.
 */
#ifndef POLKA_FLOW_SCHEMA_ANSWER_H
#define POLKA_FLOW_SCHEMA_ANSWER_H

#include <base/http.h>
#include <flow/schema/registry.h>
#include <jansson.h>

/* What is done about an answer. */
typedef enum {
    POLKAI_ANSWER_GOOD = 1,
    POLKAI_ANSWER_FINAL,                 /* a failure, from a registry: asking again changes nothing */
    POLKAI_ANSWER_NEXT,                  /* no registry's answer: the next URL, but not this one again */
    POLKAI_ANSWER_AGAIN                  /* later, or at the next URL */
} polkai_answer_kind;

/* polkai_answer_judge: `url` for messages. GOOD: *json is new (json_decref); else error is filled, as registry.h says. */
polkai_answer_kind polkai_answer_judge(const char *url, const polkai_http_answer *answer, json_t **json, polka_error *error);

/*
 * polkai_answer_words: of a refusal, the registry's own words, safe to show, when an error has not room for them all; else "".
 * Up to 4 KiB; what is cut is said.
 */
enum { POLKAI_ANSWER_WORDS = 4096 };
void polkai_answer_words(const polkai_http_answer *answer, char out[POLKAI_ANSWER_WORDS + 64]);

/* What stands in an answer; errors: TRANSIENT "registry-misbehaves" naming `url`. Memory of arena. */
polka_status polkai_answer_id(const char *url, const json_t *json, int32_t *id, polka_error *error);
polka_status polkai_answer_schema(const char *url, const json_t *json, polka_arena *arena, polkai_registry_schema *schema, polka_error *error);
polka_status polkai_answer_version(const char *url, const json_t *json, polka_arena *arena, polkai_registry_version *version, polka_error *error);
polka_status polkai_answer_texts(const char *url, const json_t *json, polka_arena *arena, const char *const **texts, size_t *count, polka_error *error);
polka_status polkai_answer_numbers(const char *url, const json_t *json, polka_arena *arena, const int64_t **numbers, size_t *count, polka_error *error);
polka_status polkai_answer_check(const char *url, const json_t *json, polka_arena *arena, bool *compatible, const char **words, polka_error *error);
polka_status polkai_answer_level(const char *url, const json_t *json, polka_arena *arena, const char **level, polka_error *error);

#endif
