#include "evolved.h"

#include "bench_events.h"
#include <avro/plan.h>
#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static polkai_schema_set *sets[3];
static const polkai_schema *placed, *seen, *known;
static polkai_plan *to_seen, *to_known, *among[EVOLVED_TYPES];
static polkai_schema_set *among_sets[EVOLVED_TYPES];

static void must(polka_status status, const polka_error *error)
{
    if (status == POLKA_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static const polkai_schema *schema_of(const polka_event *event, size_t set)
{
    const polkai_schema *schema = NULL;
    polka_error error;
    sets[set] = polkai_schema_set_create();
    must(polkai_schema_parse(sets[set], polka_text_of(event->schema), NULL, &schema, &error), &error);
    return schema;
}

/* Event types of one form under a thousand names, each with a schema and a plan of its own. */
void evolved_open_among(void)
{
    polka_error error;
    for (size_t i = 0; i < EVOLVED_TYPES; i++) {
        const polkai_schema *schema = NULL;
        char name[16], *text = strdup(bench_order_placed_event.schema), *at = strstr(text, "OrderPlaced");
        snprintf(name, sizeof name, "Ordered%04zu", i);
        memcpy(at, name, strlen("OrderPlaced"));
        among_sets[i] = polkai_schema_set_create();
        must(polkai_schema_parse(among_sets[i], polka_text_of(text), NULL, &schema, &error), &error);
        must(polkai_plan_create(&among[i], schema, seen, &error), &error);
        free(text);
    }
}

void evolved_open(void)
{
    polka_error error;
    placed = schema_of(&bench_order_placed_event, 0);
    seen = schema_of(&bench_order_seen_event, 1);
    known = schema_of(&bench_order_known_event, 2);
    must(polkai_plan_create(&to_seen, placed, seen, &error), &error);
    must(polkai_plan_create(&to_known, placed, known, &error), &error);
}

void evolved_close(void)
{
    polkai_plan_destroy(to_seen);
    polkai_plan_destroy(to_known);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        polkai_schema_set_destroy(sets[i]);
    for (size_t i = 0; i < EVOLVED_TYPES; i++) {
        polkai_plan_destroy(among[i]);
        polkai_schema_set_destroy(among_sets[i]);
    }
}

static int64_t read_seen(const polkai_plan *plan, polka_bytes body, polka_arena *arena)
{
    polka_error error;
    polka_bytes resolved = { 0 };
    bench_order_seen value;
    must(polkai_plan_resolve(plan, body, NULL, arena, &resolved, &error), &error);
    must(bench_order_seen_event.codec->decode(resolved, arena, &value, &error), &error);
    return value.placed_at_ms;
}

int64_t evolved_seen(polka_bytes body, polka_arena *arena)
{
    return read_seen(to_seen, body, arena);
}

int64_t evolved_among(polka_bytes body, polka_arena *arena, size_t type)
{
    return read_seen(among[type % EVOLVED_TYPES], body, arena);
}

int64_t evolved_known(polka_bytes body, polka_arena *arena)
{
    polka_error error;
    polka_bytes resolved = { 0 };
    bench_order_known value;
    must(polkai_plan_resolve(to_known, body, NULL, arena, &resolved, &error), &error);
    must(bench_order_known_event.codec->decode(resolved, arena, &value, &error), &error);
    return value.placed_at_ms;
}

int64_t evolved_seen_older(polka_bytes body, polka_arena *arena)
{
    polka_error error;
    bench_order_seen value;
    must(bench_order_seen_event.codec->older[0].decode(body, arena, &value, &error), &error);
    return value.placed_at_ms;
}

int64_t evolved_known_older(polka_bytes body, polka_arena *arena)
{
    polka_error error;
    bench_order_known value;
    must(bench_order_known_event.codec->older[0].decode(body, arena, &value, &error), &error);
    return value.placed_at_ms;
}

size_t evolved_resolve(polka_bytes body, polka_arena *arena)
{
    polka_error error;
    polka_bytes resolved = { 0 };
    must(polkai_plan_resolve(to_seen, body, NULL, arena, &resolved, &error), &error);
    return resolved.size;
}

void evolved_plan(void)
{
    polka_error error;
    polkai_plan *plan = NULL;
    must(polkai_plan_create(&plan, placed, seen, &error), &error);
    polkai_plan_destroy(plan);
}
