/* causes.c: a ring of ids in the order they were read, and chains through it by their bits. */
#include <cli/causes.h>

#include <base/arena.h>
#include <stdlib.h>

enum { MOST = 1000000, FIRST = 1024 };

/* FNV-1a with 64 bits, from two beginnings. */
cli_cause_id cli_cause_id_of(polka_text id)
{
    cli_cause_id made = { 0xcbf29ce484222325, 0x84222325cbf29ce4 };
    for (size_t i = 0; i < id.size; i++) {
        made.high = (made.high ^ (uint8_t)id.data[i]) * 0x100000001b3;
        made.low = (made.low ^ (uint8_t)(id.data[i] + 1)) * 0x100000001b3;
    }
    return made;
}

static uint32_t *bucket_of(const cli_causes *causes, cli_cause_id id)
{
    return &causes->buckets[(id.high ^ id.high >> 32) % causes->capacity];
}

static void chain(cli_causes *causes, size_t number)
{
    uint32_t *bucket = bucket_of(causes, causes->items[number].id);
    causes->items[number].next = *bucket;
    *bucket = (uint32_t)number + 1;
}

static void grow(cli_causes *causes)
{
    size_t most = causes->most > 0 ? causes->most : MOST, wanted = causes->capacity == 0 ? FIRST : 2 * causes->capacity;
    causes->most = most;
    causes->capacity = wanted < most ? wanted : most;
    causes->items = polkai_realloc(causes->items, causes->capacity * sizeof *causes->items);
    free(causes->buckets);
    causes->buckets = polkai_alloc(causes->capacity * sizeof *causes->buckets);
    for (size_t i = 0; i < causes->count; i++)
        chain(causes, i);
}

static void forget(cli_causes *causes, size_t number)
{
    uint32_t *at = bucket_of(causes, causes->items[number].id);
    while (*at != number + 1)
        at = &causes->items[*at - 1].next;
    *at = causes->items[number].next;
    causes->forgotten++;
}

static cli_cause *find(const cli_causes *causes, cli_cause_id id)
{
    for (uint32_t at = causes->capacity > 0 ? *bucket_of(causes, id) : 0; at != 0; at = causes->items[at - 1].next)
        if (causes->items[at - 1].id.high == id.high && causes->items[at - 1].id.low == id.low)
            return &causes->items[at - 1];
    return NULL;
}

void cli_causes_put(cli_causes *causes, cli_cause_id id, size_t event)
{
    cli_cause *known = find(causes, id);
    if (known != NULL) {
        known->event = event;
        return;
    }
    if (causes->count == causes->capacity && (causes->most == 0 || causes->capacity < causes->most))
        grow(causes);
    size_t number = causes->count;
    if (number < causes->capacity) {
        causes->count++;
    } else {
        number = causes->oldest;
        causes->oldest = (number + 1) % causes->capacity;
        forget(causes, number);
    }
    causes->items[number] = (cli_cause){ .id = id, .event = event };
    chain(causes, number);
}

bool cli_causes_find(const cli_causes *causes, cli_cause_id id, size_t *event)
{
    const cli_cause *known = find(causes, id);
    if (known != NULL)
        *event = known->event;
    return known != NULL;
}

void cli_causes_free(cli_causes *causes)
{
    free(causes->items);
    free(causes->buckets);
    *causes = (cli_causes){ 0 };
}
