/*
 * fuzz_avro_plan.c: any bytes read through a plan between two schemas, which the first two bytes choose. What the plan passes
 * is a value of the writer's schema to the walk, and becomes one of the reader's, but for texts that are not UTF-8. What the
 * walk refuses, the plan refuses; where the schemas are compatible, it refuses nothing else.
 */
#include "avro_schemas.h"

#include <avro/compat.h>
#include <avro/plan.h>

/* Later versions of some of the schemas, and what makes a plan do all that it can. */
static const char *const evolved[] = {
    "\"double\"", "\"bytes\"", "[\"null\",\"double\",\"bytes\"]",
    "{\"type\":\"array\",\"items\":[\"null\",\"double\"]}",
    "{\"type\":\"map\",\"values\":[\"string\",\"null\",\"float\"]}",
    "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Z\",\"fields\":[{\"name\":\"n\",\"type\":\"null\"},{\"name\":\"e\",\"type\":{\"type\":\"record\",\"name\":\"Y\",\"fields\":[]}}]}}",
    "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Z\",\"fields\":[{\"name\":\"d\",\"type\":\"string\",\"default\":\"d\"}]}}",
    "{\"type\":\"record\",\"name\":\"N\",\"fields\":[{\"name\":\"next\",\"type\":[\"N\",\"null\"],\"default\":null},{\"name\":\"v\",\"type\":\"long\"},{\"name\":\"w\",\"type\":\"int\",\"default\":7}]}",
    "{\"type\":\"record\",\"name\":\"N\",\"fields\":[{\"name\":\"v\",\"type\":\"double\"}]}",
    "{\"type\":\"record\",\"name\":\"T\",\"fields\":[{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"T\"}},{\"name\":\"c\",\"type\":{\"type\":\"array\",\"items\":\"T\"}}]}",
    "[{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"Q\",\"P\",\"R\"]},\"null\",\"long\",\"bytes\",\"double\",{\"type\":\"record\",\"name\":\"B\",\"fields\":[{\"name\":\"u\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"A\","
    "\"fields\":[{\"name\":\"y\",\"type\":\"int\",\"default\":1},{\"name\":\"x\",\"type\":\"float\"}]},\"B\",\"boolean\"]}]}]",
    "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"o\",\"type\":\"double\"},{\"name\":\"t\",\"type\":\"long\"},{\"name\":\"u\",\"type\":{\"type\":\"fixed\",\"name\":\"U\",\"size\":16}},{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"l\",\"type\":\"float\"}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"long\"},{\"name\":\"c\",\"type\":\"int\"},{\"name\":\"d\",\"type\":\"boolean\"},{\"name\":\"e\",\"type\":\"string\"},"
    "{\"name\":\"f\",\"type\":{\"type\":\"record\",\"name\":\"S\",\"fields\":[{\"name\":\"g\",\"type\":\"float\"},{\"name\":\"h\",\"type\":\"int\"},{\"name\":\"i\",\"type\":\"string\"}]}}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"f\",\"type\":{\"type\":\"record\",\"name\":\"S\",\"fields\":[{\"name\":\"i\",\"type\":\"bytes\"},{\"name\":\"h\",\"type\":\"double\"}]}},{\"name\":\"c\",\"type\":\"long\"},"
    "{\"name\":\"z\",\"type\":\"string\",\"default\":\"zzzzzzzzzzzzzzzzzzzzzzzz\"},{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"long\"}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"e\",\"type\":\"string\"},{\"name\":\"b\",\"type\":\"long\"},{\"name\":\"a\",\"type\":\"long\"}]}",
};
enum { EVOLVED = sizeof evolved / sizeof *evolved, ALL = FUZZ_SCHEMAS + EVOLVED };

static const polkai_schema *schema_at(size_t index)
{
    static const polkai_schema *parsed[EVOLVED];
    static polkai_schema_set *sets[EVOLVED];
    polka_error error;
    if (index < FUZZ_SCHEMAS)
        return fuzz_schema((uint8_t)index);
    index -= FUZZ_SCHEMAS;
    if (parsed[index] == NULL) {
        sets[index] = polkai_schema_set_create();
        HOLDS(polkai_schema_parse(sets[index], polka_text_of(evolved[index]), NULL, &parsed[index], &error) == POLKA_OK, "%s", error.message);
    }
    return parsed[index];
}

typedef struct { polkai_plan *plan; bool compatible; } pair;

static const pair *pair_of(const polkai_schema *writer, const polkai_schema *reader, size_t index)
{
    static pair pairs[ALL * ALL];
    polka_arena arena;
    polka_error error;
    if (pairs[index].plan == NULL) {
        HOLDS(polkai_plan_create(&pairs[index].plan, writer, reader, &error) == POLKA_OK, "%s", error.message);
        polkai_arena_init(&arena, NULL, 0);
        pairs[index].compatible = polkai_compat_check(writer, reader, &arena).count == 0;
        polkai_arena_deinit(&arena);
    }
    return &pairs[index];
}

static bool is_about_text(const polka_error *error)
{
    return strstr(error->message, "not UTF-8") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const polkai_walk_limits limits = { .depth = 200, .empty_items = 1000 }, reader_limits = { .depth = 1000, .empty_items = 1000000 };
    polka_arena arena;
    polka_error walked = { 0 }, error = { 0 };
    polka_bytes resolved;
    if (size < 2)
        return 0;
    size_t from = data[0] % ALL, to = data[1] % ALL;
    const polkai_schema *writer = schema_at(from), *reader = schema_at(to);
    const pair *chosen = pair_of(writer, reader, from * ALL + to);
    polka_bytes body = { size - 2, data + 2 };
    bool walks = polkai_walk(writer, body, &limits, &walked) == POLKA_OK;
    polkai_arena_init(&arena, NULL, 0);
    if (polkai_plan_resolve(chosen->plan, body, &limits, &arena, &resolved, &error) == POLKA_OK) {
        HOLDS(walks || is_about_text(&walked), "the plan passes what the walk refuses: %s", walked.message);
        bool read = polkai_walk(reader, resolved, &reader_limits, &error) == POLKA_OK;
        HOLDS(read || is_about_text(&error), "not the reader's form: %s", error.message);
    } else if (walks) {
        HOLDS(!chosen->compatible, "compatible, and refused: %s", error.message);
        HOLDS(strcmp(error.code, "schema-mismatch") == 0, "%s: %s", error.code, error.message);
    }
    polkai_arena_deinit(&arena);
    return 0;
}
