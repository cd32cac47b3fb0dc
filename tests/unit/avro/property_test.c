/*
 * Properties over random schemas and values, with avro-c as the second opinion. A run prints its seed;
 * POLKA_TEST_SEED=<seed> repeats it, POLKA_TEST_ROUNDS changes how long it goes on.
 */
#include "oracle.h"
#include "random_schema.h"
#include "support.h"

#include <time.h>

static uint64_t from_environment(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : fallback;
}

typedef struct { bench bench; chance chance; char *text; uint64_t seed; } round_state;

static void begin(round_state *r, uint64_t seed)
{
    memset(r, 0, sizeof *r);
    r->seed = seed;
    polkai_random_seed(&r->chance.random, seed);
    json_t *schema = random_schema(&r->chance, 0);
    char *text = json_dumps(schema, JSON_ENCODE_ANY);
    bench_open(&r->bench, text);
    r->text = polkai_schema_text(r->bench.schema);
    json_decref(schema);
    free(text);
}

static void end(round_state *r)
{
    bench_close(&r->bench);
    free(r->text);
}

static void check_text(round_state *r)
{
    polkai_schema_set *set = polkai_schema_set_create();
    const polkai_schema *again = NULL;
    polka_status status = polkai_schema_parse(set, polka_text_of(r->text), NULL, &again, &r->bench.error);
    cr_assert_eq(status, POLKA_OK, "seed %llu: %s", (unsigned long long)r->seed, r->bench.error.message);
    char *first = polkai_schema_canonical(r->bench.schema), *second = polkai_schema_canonical(again);
    cr_assert_str_eq(first, second, "seed %llu", (unsigned long long)r->seed);
    free(first);
    free(second);
    polkai_schema_set_destroy(set);
}

static void check_value(round_state *r)
{
    unsigned long long seed = r->seed;
    uint8_t *theirs = NULL;
    size_t size = 0;
    polka_error *error = &r->bench.error;
    polka_buffer ours = { .arena = &r->bench.arena }, again = { .arena = &r->bench.arena };
    json_t *value = random_value(&r->chance, r->bench.schema, 0), *plain = NULL;
    const char *shown = json_text(&r->bench.arena, value);
    cr_assert_eq(polkai_json_encode(r->bench.schema, value, &ours, error), POLKA_OK, "seed %llu: %s\n%s\n%s", seed, error->message, r->text, shown);
    const char *problem = oracle_encode(r->text, value, &theirs, &size);
    cr_assert_null(problem, "seed %llu: avro-c: %s\n%s\n%s", seed, problem, r->text, shown);
    cr_assert(size == ours.size && (size == 0 || memcmp(theirs, ours.data, size) == 0), "seed %llu: other bytes than avro-c\n%s\n%s", seed, r->text, shown);
    problem = oracle_decode(r->text, ours.data, ours.size);
    cr_assert_null(problem, "seed %llu: avro-c: %s\n%s", seed, problem, r->text);
    cr_assert_eq(polkai_json_decode(r->bench.schema, (polka_bytes){ ours.size, ours.data }, &plain, error), POLKA_OK, "seed %llu: %s\n%s\n%s", seed, error->message, r->text, shown);
    const char *plain_shown = json_text(&r->bench.arena, plain);
    cr_assert_eq(polkai_json_encode(r->bench.schema, plain, &again, error), POLKA_OK, "seed %llu: %s\n%s\n%s", seed, error->message, r->text, plain_shown);
    cr_assert(again.size == ours.size && (size == 0 || memcmp(again.data, ours.data, size) == 0), "seed %llu: plain JSON lost something\n%s\n%s\n%s", seed, r->text, shown, plain_shown);
    json_decref(value);
    json_decref(plain);
    free(theirs);
}

Test(property, bytes_are_those_of_avro_c_and_plain_json_loses_nothing, .timeout = 100)
{
    uint64_t seed = from_environment("POLKA_TEST_SEED", (uint64_t)time(NULL) * 1000003), rounds = from_environment("POLKA_TEST_ROUNDS", 2000);
    fprintf(stderr, "seed %llu, %llu rounds\n", (unsigned long long)seed, (unsigned long long)rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        round_state r;
        begin(&r, seed + i);
        check_text(&r);
        for (int values = 0; values < 5; values++)
            check_value(&r);
        end(&r);
    }
}

/* What the walk passes, our decoder decodes and avro-c reads; whatever a byte was changed to. */
Test(property, changed_bytes_are_refused_or_readable_by_all, .timeout = 100)
{
    uint64_t seed = from_environment("POLKA_TEST_SEED", (uint64_t)time(NULL) * 1000003), rounds = from_environment("POLKA_TEST_ROUNDS", 2000);
    fprintf(stderr, "seed %llu, %llu rounds\n", (unsigned long long)seed, (unsigned long long)rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        round_state r;
        begin(&r, seed + i);
        json_t *value = random_value(&r.chance, r.bench.schema, 0), *plain;
        polka_buffer bytes = { .arena = &r.bench.arena };
        polkai_json_encode(r.bench.schema, value, &bytes, NULL);
        for (int changes = 0; changes < 20 && bytes.size > 0; changes++) {
            bytes.data[polkai_random_next(&r.chance.random) % bytes.size] = (uint8_t)polkai_random_next(&r.chance.random);
            polka_bytes body = { bytes.size, bytes.data };
            if (polkai_walk(r.bench.schema, body, NULL, &r.bench.error) != POLKA_OK)
                continue;
            const char *problem = oracle_decode(r.text, body.data, body.size);
            cr_assert_null(problem, "seed %llu: the walk passes what avro-c does not read: %s\n%s", (unsigned long long)r.seed, problem, r.text);
            if (polkai_json_decode(r.bench.schema, body, &plain, NULL) == POLKA_OK)
                json_decref(plain);
        }
        json_decref(value);
        end(&r);
    }
}
