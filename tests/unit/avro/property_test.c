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

typedef struct { bench bench; chance chance; char *text; uint64_t seed; unsigned judged; } round_state;

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

/* Bytes to a text in `form`, and that text to bytes: the same. */
static void check_form(round_state *r, polkai_json_form form, polka_bytes bytes)
{
    unsigned long long seed = r->seed;
    json_t *value = NULL, *again = NULL;
    polka_error *error = &r->bench.error;
    polka_buffer text = { .arena = &r->bench.arena }, back = { .arena = &r->bench.arena };
    cr_assert_eq(polkai_json_decode(form, r->bench.schema, bytes, &value, error), POLKA_OK, "seed %llu, form %d: %s\n%s", seed, form, error->message, r->text);
    polkai_json_write(value, &text);
    cr_assert_eq(polkai_json_parse((polka_bytes){ text.size, text.data }, &again, error), POLKA_OK, "seed %llu, form %d: %s\n%.*s", seed, form, error->message, (int)text.size, (const char *)text.data);
    cr_assert_eq(polkai_json_encode(form, r->bench.schema, again, &back, error), POLKA_OK, "seed %llu, form %d: %s\n%s\n%.*s", seed, form, error->message, r->text, (int)text.size, (const char *)text.data);
    cr_assert(back.size == bytes.size && (bytes.size == 0 || memcmp(back.data, bytes.data, bytes.size) == 0), "seed %llu, form %d lost something\n%s\n%.*s", seed, form, r->text, (int)text.size, (const char *)text.data);
    json_decref(value);
    json_decref(again);
}

/*
 * The same JSON? avro-c tags with the name alone, without its namespace, shows a float as the double that it is, and ends
 * bytes at their first NUL.
 */
static bool same_json(const json_t *ours, const json_t *theirs)
{
    if (json_is_real(ours) && json_is_real(theirs))
        return json_real_value(ours) == json_real_value(theirs) || (float)json_real_value(ours) == (float)json_real_value(theirs);
    if (json_is_string(ours) && json_is_string(theirs))
        return strcmp(json_string_value(ours), json_string_value(theirs)) == 0;
    if (json_typeof(ours) != json_typeof(theirs) || json_object_size(ours) != json_object_size(theirs) || json_array_size(ours) != json_array_size(theirs))
        return false;
    for (size_t i = 0; i < json_array_size(ours); i++)
        if (!same_json(json_array_get(ours, i), json_array_get(theirs, i)))
            return false;
    for (void *at = json_object_iter((json_t *)(uintptr_t)ours); at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)ours, at)) {
        const char *key = json_object_iter_key(at), *dot = strrchr(key, '.');
        if (!same_json(json_object_iter_value(at), json_object_get(theirs, dot == NULL ? key : dot + 1)))
            return false;
    }
    return json_is_object(ours) || json_is_array(ours) || json_equal(ours, theirs);
}

static void check_json_of_avro_c(round_state *r, polka_bytes bytes)
{
    json_t *ours = NULL, *theirs = oracle_json(r->text, bytes.data, bytes.size);
    if (theirs == NULL)
        return;                          /* NaN and infinities: avro-c has no JSON for them */
    r->judged++;
    cr_assert_eq(polkai_json_decode(POLKAI_JSON_AVRO, r->bench.schema, bytes, &ours, &r->bench.error), POLKA_OK);
    cr_assert(same_json(ours, theirs), "seed %llu: other JSON than avro-c\n%s\n%s\n%s", (unsigned long long)r->seed, r->text, json_text(&r->bench.arena, ours),
              json_text(&r->bench.arena, theirs));
    json_decref(ours);
    json_decref(theirs);
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
    cr_assert_eq(polkai_json_encode(POLKAI_JSON_PLAIN, r->bench.schema, value, &ours, error), POLKA_OK, "seed %llu: %s\n%s\n%s", seed, error->message, r->text, shown);
    const char *problem = oracle_encode(r->text, value, &theirs, &size);
    cr_assert_null(problem, "seed %llu: avro-c: %s\n%s\n%s", seed, problem, r->text, shown);
    cr_assert(size == ours.size && (size == 0 || memcmp(theirs, ours.data, size) == 0), "seed %llu: other bytes than avro-c\n%s\n%s", seed, r->text, shown);
    problem = oracle_decode(r->text, ours.data, ours.size);
    cr_assert_null(problem, "seed %llu: avro-c: %s\n%s", seed, problem, r->text);
    cr_assert_eq(polkai_json_decode(POLKAI_JSON_PLAIN, r->bench.schema, (polka_bytes){ ours.size, ours.data }, &plain, error), POLKA_OK, "seed %llu: %s\n%s\n%s", seed, error->message, r->text, shown);
    const char *plain_shown = json_text(&r->bench.arena, plain);
    cr_assert_eq(polkai_json_encode(POLKAI_JSON_PLAIN, r->bench.schema, plain, &again, error), POLKA_OK, "seed %llu: %s\n%s\n%s", seed, error->message, r->text, plain_shown);
    cr_assert(again.size == ours.size && (size == 0 || memcmp(again.data, ours.data, size) == 0), "seed %llu: plain JSON lost something\n%s\n%s\n%s", seed, r->text, shown, plain_shown);
    for (int form = POLKAI_JSON_PLAIN; form <= POLKAI_JSON_AVRO; form++)
        check_form(r, (polkai_json_form)form, (polka_bytes){ ours.size, ours.data });
    check_json_of_avro_c(r, (polka_bytes){ ours.size, ours.data });
    json_decref(value);
    json_decref(plain);
    free(theirs);
}

Test(property, bytes_and_json_are_those_of_avro_c_and_no_form_loses_anything, .timeout = 100)
{
    uint64_t judged = 0;
    uint64_t seed = from_environment("POLKA_TEST_SEED", (uint64_t)time(NULL) * 1000003), rounds = from_environment("POLKA_TEST_ROUNDS", 2000);
    fprintf(stderr, "seed %llu, %llu rounds\n", (unsigned long long)seed, (unsigned long long)rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        round_state r;
        begin(&r, seed + i);
        check_text(&r);
        for (int values = 0; values < 5; values++)
            check_value(&r);
        judged += r.judged;
        end(&r);
    }
    cr_assert_geq(judged, rounds * 2, "avro-c judged the JSON of %llu values only", (unsigned long long)judged);
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
        polkai_json_encode(POLKAI_JSON_PLAIN, r.bench.schema, value, &bytes, NULL);
        for (int changes = 0; changes < 20 && bytes.size > 0; changes++) {
            bytes.data[polkai_random_next(&r.chance.random) % bytes.size] = (uint8_t)polkai_random_next(&r.chance.random);
            polka_bytes body = { bytes.size, bytes.data };
            if (polkai_walk(r.bench.schema, body, NULL, &r.bench.error) != POLKA_OK)
                continue;
            const char *problem = oracle_decode(r.text, body.data, body.size);
            cr_assert_null(problem, "seed %llu: the walk passes what avro-c does not read: %s\n%s", (unsigned long long)r.seed, problem, r.text);
            if (polkai_json_decode(POLKAI_JSON_PLAIN, r.bench.schema, body, &plain, NULL) == POLKA_OK)
                json_decref(plain);
        }
        json_decref(value);
        end(&r);
    }
}
