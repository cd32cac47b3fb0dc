/*
 * types.c: values of many event types, read by the generated decoder of each: one type alone, then more and more of them in
 * turns, so that neither their code nor their branches are warm any more. All types are of one form under names of their own
 * (the script `types` makes them), so that only their number differs. Prints: types, ns a value (median, least, most).
 */
#include <polka/codec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/arena.h"
#include "framework/base/random.h"
#include "tests/bench/stopwatch.h"
#include "types_list.h"

/* So many bodies that no branch predictor knows them by heart. */
enum { BODIES = 8192, REPEATS = 15, CHUNK = 4000, BLOCK = 4096, SEED = 42 };

static uint8_t block[BLOCK] __attribute__((aligned(16)));
static polka_bytes bodies[BODIES];
static polka_arena keep;

static void make_bodies(void)
{
    polkai_random random;
    polka_error error;
    char id[37] = "0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0";
    polkai_random_seed(&random, SEED);
    for (size_t i = 0; i < BODIES; i++) {
        polka_buffer buffer = { .arena = &keep };
        id[0] = (char)('a' + polkai_random_next(&random) % 6);
        types_first value = { .id = { 36, id }, .at_ms = 1790000000000 + (int64_t)(polkai_random_next(&random) % 1000000000),
                              .count = (int32_t)(polkai_random_next(&random) % 100), .amount = (int64_t)(polkai_random_next(&random) % 60000), .note = POLKA_TEXT("a note of some words") };
        if (types[0]->codec->encode(&value, &buffer, &error) != POLKA_OK)
            exit(1);
        bodies[i] = (polka_bytes){ buffer.size, buffer.data };
    }
}

static void read_one(size_t type, size_t body)
{
    polka_arena arena;
    polka_error error;
    types_first value;                   /* they are all alike */
    polkai_arena_init(&arena, block, sizeof block);
    if (types[type]->codec->decode(bodies[body], &arena, &value, &error) != POLKA_OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

static void measure(size_t count)
{
    double each[REPEATS];
    size_t done = 0;
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        double begin = stopwatch_ns();
        for (size_t i = 0; i < CHUNK; i++, done++)
            read_one(done % count, done % BODIES);
        each[repeat] = (stopwatch_ns() - begin) / CHUNK;
    }
    stopwatch_sort(each, REPEATS);
    printf("%zu %.1f %.1f %.1f\n", count, each[REPEATS / 2], each[0], each[REPEATS - 1]);
}

int main(void)
{
    make_bodies();
    for (size_t count = 1; count <= TYPES; count *= 10)
        measure(count);
    polkai_arena_deinit(&keep);
    return 0;
}
