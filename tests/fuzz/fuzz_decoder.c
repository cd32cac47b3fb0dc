/*
 * fuzz_decoder.c: any bytes through generated decoders; the first byte chooses the event. What is read can be written, and
 * reads the same again; what the bounded walk of the schema says agrees, decimals aside.
 */
#include "codegen_events.h"

#include <avro/walk.h>
#include <base/arena.h>

#include <stdio.h>
#include <stdlib.h>

static const polka_event *const events[] = {
    &shop_everything_event, &shop_everything_event, &shop_everything_event, &keys_tree_event, &keys_keyed_by_number_event, &keys_keyed_by_enum_event,
};
enum { EVENTS = sizeof events / sizeof *events };
static const polkai_schema *schemas[EVENTS];

#define HOLDS(CONDITION, ...)                                        \
    do {                                                             \
        if (!(CONDITION)) {                                          \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);          \
            fprintf(stderr, __VA_ARGS__);                            \
            fputc('\n', stderr);                                     \
            abort();                                                 \
        }                                                            \
    } while (0)

static const polkai_schema *schema_of(size_t index)
{
    static polkai_schema_set *sets[EVENTS];              /* kept until the end */
    polka_error error;
    if (schemas[index] == NULL) {
        sets[index] = polkai_schema_set_create();
        HOLDS(polkai_schema_parse(sets[index], polka_text_of(events[index]->schema), NULL, &schemas[index], &error) == POLKA_OK, "%s", error.message);
    }
    return schemas[index];
}

static void writes_what_it_reads(const polka_event *event, const void *value, polka_arena *arena)
{
    polka_error error = { 0 };
    polka_buffer first = { .arena = arena }, second = { .arena = arena };
    if (event->codec->encode(value, &first, &error) != POLKA_OK) {
        HOLDS(strstr(error.message, "digits of this decimal") != NULL, "%s", error.message);
        return;
    }
    void *again = polkai_arena_zeroed(arena, 1, event->value_size);
    HOLDS(event->codec->decode((polka_bytes){ first.size, first.data }, arena, again, &error) == POLKA_OK, "%s", error.message);
    HOLDS(event->codec->encode(again, &second, &error) == POLKA_OK, "%s", error.message);
    HOLDS(first.size == second.size && memcmp(first.data, second.data, first.size) == 0, "the bytes changed on their way");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polka_error error = { 0 }, walk_error = { 0 };
    polka_arena arena;
    if (size == 0)
        return 0;
    size_t chosen = data[0] % EVENTS;
    const polka_event *event = events[chosen];
    polka_bytes body = { size - 1, data + 1 };
    polkai_arena_init(&arena, NULL, 0);
    void *value = polkai_arena_zeroed(&arena, 1, event->value_size);
    polka_status status = event->codec->decode(body, &arena, value, &error);
    polka_status walk = polkai_walk(schema_of(chosen), body, &polkai_walk_limits_default, &walk_error);
    if (status == POLKA_OK) {
        HOLDS(walk == POLKA_OK, "we read what the walk refuses: %s", walk_error.message);
        writes_what_it_reads(event, value, &arena);
    } else {
        HOLDS(status == POLKA_POISON && strcmp(error.code, "bad-bytes") == 0, "%s", error.code);
        HOLDS(walk != POLKA_OK || strstr(error.message, "decimal") != NULL, "we refuse what the walk lets through: %s", error.message);
    }
    polkai_arena_deinit(&arena);
    return 0;
}
