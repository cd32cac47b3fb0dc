/*
 * Properties of plans over random schemas, later versions of them, and values, against a slow judge. A run prints its seed;
 * POLKA_TEST_SEED=<seed> repeats it, POLKA_TEST_ROUNDS changes how long it goes on.
 */
#include "evolve.h"
#include "support.h"

#include <avro/compat.h>
#include <avro/plan.h>
#include <time.h>

typedef struct { bench writer, reader; chance chance; polkai_plan *plan; bool compatible; char *writer_text, *reader_text; unsigned long long seed; } pairing;

static bool begin(pairing *p, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->seed = seed;
    polkai_random_seed(&p->chance.random, seed);
    json_t *schema = random_schema(&p->chance, 0), *later = evolve(&p->chance, schema);
    p->writer_text = json_dumps(schema, JSON_ENCODE_ANY);
    p->reader_text = json_dumps(later, JSON_ENCODE_ANY);
    json_decref(schema);
    json_decref(later);
    bench_open(&p->writer, p->writer_text);
    polkai_arena_init(&p->reader.arena, NULL, 0);
    p->reader.set = polkai_schema_set_create();
    /* a change can take away the definition that a reference needs */
    if (polkai_schema_parse(p->reader.set, polka_text_of(p->reader_text), NULL, &p->reader.schema, &p->reader.error) != POLKA_OK)
        return false;
    cr_assert_eq(polkai_plan_create(&p->plan, p->writer.schema, p->reader.schema, &p->reader.error), POLKA_OK, "seed %llu: %s", p->seed, p->reader.error.message);
    p->compatible = polkai_compat_check(p->writer.schema, p->reader.schema, &p->reader.arena).count == 0;
    return true;
}

static void end(pairing *p)
{
    polkai_plan_destroy(p->plan);
    bench_close(&p->writer);
    bench_close(&p->reader);
    free(p->writer_text);
    free(p->reader_text);
}

#define TOLD "seed %llu: %s\nwriter %s\nreader %s\nvalue %s"

static resolved_kind check_value(pairing *p)
{
    polka_arena *arena = &p->reader.arena;
    polka_error *error = &p->reader.error;
    polka_buffer body = { .arena = arena }, expected = { .arena = arena };
    polka_bytes resolved = { 0 };
    json_t *value = random_value(&p->chance, p->writer.schema, 0), *made = NULL;
    const char *shown = json_text(arena, value);
    cr_assert_eq(polkai_json_encode(POLKAI_JSON_PLAIN, p->writer.schema, value, &body, error), POLKA_OK, TOLD, p->seed, error->message, p->writer_text, p->reader_text, shown);
    polka_status status = polkai_plan_resolve(p->plan, (polka_bytes){ body.size, body.data }, NULL, arena, &resolved, error);
    cr_assert(status == POLKA_OK || !p->compatible, TOLD, p->seed, error->message, p->writer_text, p->reader_text, shown);
    cr_assert(status == POLKA_OK || strcmp(error->code, "schema-mismatch") == 0, TOLD, p->seed, error->message, p->writer_text, p->reader_text, shown);
    resolved_kind kind = resolve_slowly(p->writer.schema, p->reader.schema, value, arena, &made);
    cr_assert(kind != RESOLVED_NO || status != POLKA_OK, TOLD, p->seed, "read, and should not be", p->writer_text, p->reader_text, shown);
    if (kind == RESOLVED_YES) {
        cr_assert_eq(status, POLKA_OK, TOLD, p->seed, error->message, p->writer_text, p->reader_text, shown);
        cr_assert_eq(polkai_json_encode(POLKAI_JSON_PLAIN, p->reader.schema, made, &expected, error), POLKA_OK, TOLD, p->seed, error->message, p->writer_text, p->reader_text, shown);
        cr_assert(expected.size == resolved.size && (resolved.size == 0 || memcmp(expected.data, resolved.data, resolved.size) == 0), TOLD, p->seed, "other bytes",
                  p->writer_text, p->reader_text, shown);
        json_decref(made);
    }
    json_decref(value);
    return kind;
}

static uint64_t from_environment(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : fallback;
}

Test(plan_property, what_a_plan_makes_is_what_a_slow_judge_says, .timeout = 100)
{
    uint64_t seed = from_environment("POLKA_TEST_SEED", (uint64_t)time(NULL) * 1000003), rounds = from_environment("POLKA_TEST_ROUNDS", 3000);
    size_t said[4] = { 0 };
    fprintf(stderr, "seed %llu, %llu rounds\n", (unsigned long long)seed, (unsigned long long)rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        pairing p;
        bool good = begin(&p, seed + i);
        for (int values = 0; good && values < 5; values++)
            said[check_value(&p)]++;
        end(&p);
    }
    fprintf(stderr, "%zu read, %zu refused, %zu not said\n", said[RESOLVED_YES], said[RESOLVED_NO], said[RESOLVED_UNSAID]);
    cr_assert(said[RESOLVED_YES] > rounds && said[RESOLVED_NO] > rounds / 10, "the judge must have something to say");
}

/* Whatever a byte is changed to: the plan passes what the walk passes, but for values that do not fit, and never anything else. */
Test(plan_property, changed_bytes_pass_the_plan_as_they_pass_the_walk, .timeout = 100)
{
    uint64_t seed = from_environment("POLKA_TEST_SEED", (uint64_t)time(NULL) * 1000003), rounds = from_environment("POLKA_TEST_ROUNDS", 2000);
    fprintf(stderr, "seed %llu, %llu rounds\n", (unsigned long long)seed, (unsigned long long)rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        pairing p;
        bool good = begin(&p, seed + i);
        polka_buffer body = { .arena = &p.reader.arena };
        json_t *value = good ? random_value(&p.chance, p.writer.schema, 0) : NULL;
        if (good)
            polkai_json_encode(POLKAI_JSON_PLAIN, p.writer.schema, value, &body, NULL);
        json_decref(value);
        for (int changes = 0; changes < 20 && body.size > 0; changes++) {
            polka_error walked = { 0 }, error = { 0 };
            polka_bytes bytes = { body.size, body.data }, resolved;
            body.data[polkai_random_next(&p.chance.random) % body.size] = (uint8_t)polkai_random_next(&p.chance.random);
            bool walks = polkai_walk(p.writer.schema, bytes, NULL, &walked) == POLKA_OK;
            bool read = polkai_plan_resolve(p.plan, bytes, NULL, &p.reader.arena, &resolved, &error) == POLKA_OK;
            cr_assert(!read || walks || strstr(walked.message, "not UTF-8") != NULL, "seed %llu: %s\n%s\n%s", p.seed, walked.message, p.writer_text, p.reader_text);
            cr_assert(!walks || read || (strcmp(error.code, "schema-mismatch") == 0 && !p.compatible), "seed %llu: %s\n%s\n%s", p.seed, error.message, p.writer_text, p.reader_text);
            if (walks && read)
                cr_assert(polkai_walk(p.reader.schema, resolved, NULL, &error) == POLKA_OK || strstr(error.message, "not UTF-8") != NULL, "seed %llu: %s\n%s\n%s", p.seed,
                          error.message, p.writer_text, p.reader_text);
        }
        end(&p);
    }
}
