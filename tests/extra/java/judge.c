/*
 * judge.c: our answers to the questions that Judge.java is asked, one JSON object a line: so that thousands of cases
 * take a second. What the commands answer is asked by judge.py --cli.
 */
#include <avro/canonical.h>
#include <avro/schema.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(json_t *answer, const polka_error *error)
{
    json_object_set_new(answer, "ok", json_false());
    json_object_set_new(answer, "error", json_string(error->message));
}

static polka_text member(const json_t *question, const char *name)
{
    const json_t *text = json_object_get(question, name);
    return (polka_text){ json_string_length(text), json_string_value(text) };
}

/* ---- {"op":"schema","text":…} -> {"ok":…,"canonical":…,"crc64":…} ------------------------------- */

static void answer_schema(const json_t *question, json_t *answer)
{
    polka_error error;
    const polkai_schema *schema;
    polkai_schema_set *set = polkai_schema_set_create();
    if (polkai_schema_parse(set, member(question, "text"), NULL, &schema, &error) == POLKA_OK) {
        char print[17], *canonical = polkai_schema_canonical(schema);
        polkai_hex64(print, polkai_schema_fingerprint(schema));
        json_object_set_new(answer, "ok", json_true());
        json_object_set_new(answer, "canonical", json_string(canonical));
        json_object_set_new(answer, "crc64", json_string(print));
        free(canonical);
    } else {
        refuse(answer, &error);
    }
    polkai_schema_set_destroy(set);
}

/* ---- lines ------------------------------------------------------------------------------------- */

static const struct { const char *op; void (*answer)(const json_t *question, json_t *answer); } ops[] = {
    { "schema", answer_schema },
};

static bool answer_line(const char *line, size_t size)
{
    json_t *question = json_loadb(line, size, JSON_ALLOW_NUL, NULL), *answer = json_object();
    const char *op = json_string_value(json_object_get(question, "op"));
    size_t i = 0;
    while (op != NULL && i < sizeof ops / sizeof *ops && strcmp(op, ops[i].op) != 0)
        i++;
    bool known = op != NULL && i < sizeof ops / sizeof *ops;
    if (known)
        ops[i].answer(question, answer);
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(question);
    json_decref(answer);
    return known;
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    bool good = true;
    for (ssize_t size; good && (size = getline(&line, &capacity, stdin)) > 0;)
        good = answer_line(line, (size_t)size);
    free(line);
    if (!good)
        fprintf(stderr, "polka_judge: a line is no question\n");
    return good ? 0 : 2;
}
