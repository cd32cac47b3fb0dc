#include "older.h"

#include <avro/plan.h>
#include <base/arena.h>
#include <stdio.h>
#include <stdlib.h>

struct older_pair {
    const polka_event *event;
    const polka_older_schema *older;
    polkai_schema_set *sets[2];
    polkai_plan *plan;
};

uint64_t older_asked, older_read;

static const polkai_schema *parse(polkai_schema_set *set, const char *text)
{
    polka_error error;
    const polkai_schema *schema;
    if (polkai_schema_parse(set, polka_text_of(text), NULL, &schema, &error) == POLKA_OK)
        return schema;
    fprintf(stderr, "%s\n", error.message);
    exit(1);
}

older_pair *older_open(const polka_event *event, const polka_older_schema *older)
{
    polka_error error;
    older_pair *pair = calloc(1, sizeof *pair);
    *pair = (older_pair){ event, older, { polkai_schema_set_create(), polkai_schema_set_create() }, NULL };
    if (polkai_plan_create(&pair->plan, parse(pair->sets[0], older->schema), parse(pair->sets[1], event->schema), &error) == POLKA_OK)
        return pair;
    fprintf(stderr, "%s\n", error.message);
    exit(1);
}

void older_close(older_pair *pair)
{
    polkai_plan_destroy(pair->plan);
    polkai_schema_set_destroy(pair->sets[0]);
    polkai_schema_set_destroy(pair->sets[1]);
    free(pair);
}

typedef struct { polka_status status; polka_buffer again; polka_error error; } outcome;

/* By `decode`, from a copy of exactly its size, so that a byte read beyond it is seen, and into memory that is not zero. */
static outcome read_by(polka_decode *decode, const older_pair *pair, polka_bytes body, polka_arena *arena)
{
    outcome got = { .again = { .arena = arena } };
    uint8_t *exact = malloc(body.size == 0 ? 1 : body.size);
    if (body.size > 0)
        memcpy(exact, body.data, body.size);
    void *value = polka_arena_alloc(arena, pair->event->value_size);
    memset(value, 0xa5, pair->event->value_size);
    got.status = decode((polka_bytes){ body.size, exact }, arena, value, &got.error);
    free(exact);                                         /* nothing of the value may point into it */
    if (got.status == POLKA_OK && pair->event->codec->encode(value, &got.again, &got.error) != POLKA_OK)
        got.again.size = 0;                              /* a decimal of too many digits: the message is what it is compared by */
    return got;
}

bool older_agrees(older_pair *pair, polka_bytes body, char *why, size_t capacity)
{
    polka_arena arena;
    polka_bytes resolved;
    polkai_arena_init(&arena, NULL, 0);
    outcome ours = read_by(pair->older->decode, pair, body, &arena), other = { .status = POLKA_POISON };
    if (polkai_plan_resolve(pair->plan, body, NULL, &arena, &resolved, &other.error) == POLKA_OK)
        other = read_by(pair->event->codec->decode, pair, resolved, &arena);
    older_asked++;
    older_read += ours.status == POLKA_OK;
    bool same = ours.status == other.status;
    if (!same)
        snprintf(why, capacity, "version %u, %zu bytes: the decoder %s, the plan %s", pair->older->version, body.size,
                 ours.status == POLKA_OK ? "reads them" : ours.error.message, other.status == POLKA_OK ? "reads them" : other.error.message);
    if (same && ours.status == POLKA_OK) {
        same = ours.again.size == other.again.size && (ours.again.size == 0 ? strcmp(ours.error.message, other.error.message) == 0
                                                                            : memcmp(ours.again.data, other.again.data, ours.again.size) == 0);
        snprintf(why, capacity, "version %u, %zu bytes: the decoder reads another value than the plan", pair->older->version, body.size);
    }
    polkai_arena_deinit(&arena);
    return same;
}
