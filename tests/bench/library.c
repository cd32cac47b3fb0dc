/*
 * library.c: what it costs to find how a value of another schema is read: 1,000 event types with a second version each, known by
 * fingerprint and by a registry's id, asked for in a random order. Prints ns a look-up,
 * and µs for the first of a pair (parse, plan), of this thread's own CPU time.
 */
#include <avro/canonical.h>
#include <base/arena.h>
#include <base/random.h>
#include <flow/schema/library.h>

#include "stopwatch.h"

#include <stdio.h>
#include <stdlib.h>

enum { TYPES = 1000, ROUNDS = 2000, SEED = 20261125 };

typedef struct { polka_event event; polkai_schema_key keys[2]; } kind;
typedef struct { polkai_schema_key key; const polka_event *event; } ask;      /* as framing and router have it when a value comes */

/* Twenty fields; the older version has one less, and an int for a long. */
static char *schema_of(int type, bool older)
{
    char *text = polkai_alloc(4096);
    int used = snprintf(text, 4096, "{\"type\":\"record\",\"name\":\"bench.Type%d\",\"fields\":[{\"name\":\"number\",\"type\":\"%s\"}", type, older ? "int" : "long");
    for (int i = 0; i < (older ? 18 : 19); i++)
        used += snprintf(text + used, 4096 - (size_t)used, ",{\"name\":\"field%d\",\"type\":\"%s\",\"default\":%s}", i, i % 2 ? "string" : "long", i % 2 ? "\"\"" : "0");
    snprintf(text + used, 4096 - (size_t)used, "]}");
    return text;
}

static uint64_t fingerprint_of(const char *text)
{
    const polkai_schema *schema;
    polka_error error;
    polkai_schema_set *set = polkai_schema_set_create();
    if (polkai_schema_parse(set, polka_text_of(text), NULL, &schema, &error) != POLKA_OK)
        exit(1);
    uint64_t fingerprint = polkai_schema_fingerprint(schema);
    polkai_schema_set_destroy(set);
    return fingerprint;
}

static void fill(polkai_library *library, kind *kinds)
{
    polka_error error;
    double prepared_ns = 0;
    for (int i = 0; i < TYPES; i++) {
        const char *newer = schema_of(i, false), *older = schema_of(i, true);
        kinds[i].event = (polka_event){ .name = "bench.Type", .schema = newer, .fingerprint = fingerprint_of(newer), .version = 2 };
        kinds[i].keys[0] = polkai_schema_by_fingerprint(fingerprint_of(older));
        kinds[i].keys[1] = (polkai_schema_key){ POLKAI_BY_ID, (uint64_t)i + 1, 0 };
        polkai_library_know(library, &kinds[i].event);
        for (int k = 0; k < 2; k++) {
            double began = stopwatch_ns();
            if (polkai_library_add(library, &kinds[i].keys[k], polka_text_of(older), &error) != POLKA_OK ||
                polkai_library_prepare(library, &kinds[i].keys[k], &kinds[i].event) == NULL)
                exit(1);
            prepared_ns += stopwatch_ns() - began;
        }
    }
    printf("%.1f us for the first value of a pair (schema parsed and checked, plan made), %d pairs\n", prepared_ns / 1e3 / (2 * TYPES), 2 * TYPES);
}

int main(void)
{
    polkai_library *library = polkai_library_create();
    kind *kinds = polkai_alloc(TYPES * sizeof *kinds);
    ask *asks = polkai_alloc(2 * TYPES * sizeof *asks);
    polkai_random random;
    size_t plans = 0;
    polkai_random_seed(&random, SEED);
    fill(library, kinds);
    for (int i = 0; i < 2 * TYPES; i++) {
        size_t pair = polkai_random_next(&random) % (2 * TYPES);
        asks[i] = (ask){ kinds[pair / 2].keys[pair % 2], &kinds[pair / 2].event };
    }
    double began = stopwatch_ns();
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2 * TYPES; i++)
            plans += polkai_library_find(library, &asks[i].key, asks[i].event)->plan != NULL;
    printf("%.2f ns a look-up, %zu of %d with a plan\n", (stopwatch_ns() - began) / ROUNDS / (2 * TYPES), plans, ROUNDS * 2 * TYPES);
    began = stopwatch_ns();
    for (int round = 0; round < ROUNDS * TYPES; round++)
        plans += polkai_library_find(library, &kinds[0].keys[round & 1], &kinds[0].event)->plan != NULL;
    printf("%.2f ns a look-up of one event type\n", (stopwatch_ns() - began) / ROUNDS / TYPES);
    polkai_library_destroy(library);
    return 0;
}
