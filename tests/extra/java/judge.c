/*
 * judge.c: our answers to the questions that Judge.java is asked, one JSON object a line: so that thousands of cases
 * take a second. What the commands answer is asked by judge.py --cli.
 */
#include <avro/canonical.h>
#include <avro/compat.h>
#include <avro/json.h>
#include <avro/plan.h>
#include <avro/schema.h>
#include <base/arena.h>
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

/* ---- {"op":"compat","writer":…,"reader":…} -> {"ok":…,"compatible":…,"breaks":[…]} --------------- */

typedef struct { polkai_schema_set *writers, *readers; const polkai_schema *writer, *reader; } pair;

static bool open_pair(const json_t *question, json_t *answer, pair *both)
{
    polka_error error;
    const char *reader = json_object_get(question, "reader") != NULL ? "reader" : "writer";
    *both = (pair){ .writers = polkai_schema_set_create(), .readers = polkai_schema_set_create() };
    bool good = polkai_schema_parse(both->writers, member(question, "writer"), NULL, &both->writer, &error) == POLKA_OK &&
                polkai_schema_parse(both->readers, member(question, reader), NULL, &both->reader, &error) == POLKA_OK;
    json_object_set_new(answer, "ok", json_boolean(good));
    if (!good)
        refuse(answer, &error);
    return good;
}

static void close_pair(pair *both)
{
    polkai_schema_set_destroy(both->writers);
    polkai_schema_set_destroy(both->readers);
}

static void answer_compat(const json_t *question, json_t *answer)
{
    pair both;
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    if (open_pair(question, answer, &both)) {
        polkai_breaks breaks = polkai_compat_check(both.writer, both.reader, &arena);
        json_t *list = json_array();
        for (size_t i = 0; i < breaks.count; i++)
            json_array_append_new(list, json_sprintf("%s %s %s: %s; %s", breaks.items[i].type, breaks.items[i].reader_path,
                                                     breaks.items[i].writer_path, breaks.items[i].message, breaks.items[i].fix));
        json_object_set_new(answer, "compatible", json_boolean(breaks.count == 0));
        json_object_set_new(answer, "breaks", list);
    }
    close_pair(&both);
    polkai_arena_deinit(&arena);
}

/* ---- {"op":"decode","writer":…,"hex":[…]} -> {"ok":…,"values":[{"ok":…}…]} ----------------------- */

static polka_bytes bytes_of(const json_t *hex, polka_arena *arena)
{
    size_t size = json_string_length(hex) / 2;
    uint8_t *data = polka_arena_alloc(arena, size + 1);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)strtoul((char[]){ json_string_value(hex)[2 * i], json_string_value(hex)[2 * i + 1], 0 }, NULL, 16);
    return (polka_bytes){ size, data };
}

static void put_hex(json_t *value, polka_bytes bytes, polka_arena *arena)
{
    char *hex = polka_arena_alloc(arena, bytes.size * 2 + 1);
    for (size_t i = 0; i < bytes.size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes.data[i]);
    hex[bytes.size * 2] = '\0';
    json_object_set_new(value, "hex", json_string(hex));
}

/* As the reader has it: its bytes, and as JSON; what the bytes are again when the JSON is read must be the same. */
static polka_status decode(const pair *both, const polkai_plan *plan, polka_bytes body, json_t *value, polka_arena *arena, polka_error *error)
{
    json_t *tree;
    polka_bytes resolved;
    polka_buffer text = { .arena = arena }, again = { .arena = arena };
    polka_status status = polkai_plan_resolve(plan, body, NULL, arena, &resolved, error);
    if (status == POLKA_OK)
        status = polkai_json_decode(POLKAI_JSON_AVRO, both->reader, resolved, &tree, error);
    if (status != POLKA_OK)
        return status;
    polkai_json_write(tree, &text);
    status = polkai_json_encode(POLKAI_JSON_AVRO, both->reader, tree, &again, error);
    json_decref(tree);
    json_object_set_new(value, "json", json_stringn((const char *)text.data, text.size));
    put_hex(value, (polka_bytes){ again.size, again.data }, arena);
    return status;
}

static void answer_decode(const json_t *question, json_t *answer)
{
    pair both;
    polka_arena arena;
    polka_error error;
    polkai_plan *plan = NULL;
    size_t i;
    json_t *hex, *values = json_array();
    polkai_arena_init(&arena, NULL, 0);
    if (open_pair(question, answer, &both) && polkai_plan_create(&plan, both.writer, both.reader, &error) != POLKA_OK)
        refuse(answer, &error);
    if (plan != NULL) {
        json_array_foreach(json_object_get(question, "hex"), i, hex) {
            json_t *value = json_pack("{s:b}", "ok", 1);
            if (decode(&both, plan, bytes_of(hex, &arena), value, &arena, &error) != POLKA_OK)
                refuse(value, &error);
            json_array_append_new(values, value);
        }
    }
    json_object_set_new(answer, "values", values);
    polkai_plan_destroy(plan);
    close_pair(&both);
    polkai_arena_deinit(&arena);
}

/* ---- {"op":"encode","writer":…,"json":[…]} -> {"ok":…,"values":[{"ok":…,"hex":…}…]} -------------- */

static polka_status encode(const pair *both, const json_t *text, json_t *value, polka_arena *arena, polka_error *error)
{
    json_t *tree;
    polka_buffer bytes = { .arena = arena };
    polka_status status = polkai_json_parse((polka_bytes){ json_string_length(text), (const uint8_t *)json_string_value(text) }, &tree, error);
    if (status != POLKA_OK)
        return status;
    status = polkai_json_encode(POLKAI_JSON_AVRO, both->writer, tree, &bytes, error);
    json_decref(tree);
    put_hex(value, (polka_bytes){ bytes.size, bytes.data }, arena);
    return status;
}

static void answer_encode(const json_t *question, json_t *answer)
{
    pair both;
    polka_arena arena;
    polka_error error;
    size_t i;
    json_t *text, *values = json_array();
    polkai_arena_init(&arena, NULL, 0);
    if (open_pair(question, answer, &both)) {
        json_array_foreach(json_object_get(question, "json"), i, text) {
            json_t *value = json_pack("{s:b}", "ok", 1);
            if (encode(&both, text, value, &arena, &error) != POLKA_OK)
                refuse(value, &error);
            json_array_append_new(values, value);
        }
    }
    json_object_set_new(answer, "values", values);
    close_pair(&both);
    polkai_arena_deinit(&arena);
}

/* ---- lines ------------------------------------------------------------------------------------- */

static const struct { const char *op; void (*answer)(const json_t *question, json_t *answer); } ops[] = {
    { "schema", answer_schema }, { "compat", answer_compat }, { "decode", answer_decode }, { "encode", answer_encode },
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
