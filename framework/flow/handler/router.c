/* router.c: the reaction table, checked once and sorted by event type into a small hash table. */
#include <base/arena.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <flow/handler/router.h>

#include <stdlib.h>

typedef struct { polka_text type; polkai_route route; } entry;

struct polkai_router {
    polka_arena arena;
    entry *entries;                      /* one an event type */
    size_t entry_count;
    uint32_t *slots;                     /* index into entries + 1; 0: free; open addressing */
    size_t slot_mask;
    polkai_route fallback;
    polka_text *topics;
    size_t topic_count;
};

enum { REACTIONS_MOST = 10000 };

const char *polkai_reaction_name(const polka_reaction *reaction)
{
    return reaction->name != NULL ? reaction->name : reaction->event != NULL ? reaction->event->name : "default";
}

static bool is_end(const polka_reaction *reaction)
{
    return reaction->event == NULL && reaction->handler == NULL && reaction->any == NULL && reaction->polka_row == 0;
}

static polka_status check_emits(const char *name, polka_events emits, polka_error *error)
{
    for (size_t i = 0; i < emits.count; i++) {
        const polka_event *event = emits.items[i];
        ENSURE(event != NULL && event->topic != NULL && event->codec != NULL, POLKA_MISUSE, error, "no-topic",
               "reaction %s may emit %s, whose schema has no polka.topic", name, event == NULL ? "NULL" : event->name);
    }
    return POLKA_OK;
}

static polka_status check_row(const polka_reaction *reaction, size_t index, polka_error *error)
{
    ENSURE(reaction->polka_row == 1 && index < REACTIONS_MOST, POLKA_MISUSE, error, "bad-reaction",
           "row %zu of the reactions was not made by POLKA_REACT; does the table end with { 0 }?", index + 1);
    const char *name = polkai_reaction_name(reaction);
    ENSURE((reaction->handler != NULL) != (reaction->any != NULL), POLKA_MISUSE, error, "bad-reaction", "reaction %s needs one handler", name);
    ENSURE(reaction->event != NULL || reaction->any != NULL, POLKA_MISUSE, error, "bad-reaction", "reaction %s has no event", name);
    ENSURE(reaction->event == NULL || (reaction->event->topic != NULL && polkai_topic_valid(reaction->event->topic)), POLKA_MISUSE, error, "no-topic",
           "reaction %s: the schema of its event has no valid polka.topic", name);
    return check_emits(name, reaction->emits, error);
}

static polka_status check_table(const polka_service *service, size_t *count, polka_error *error)
{
    const polka_reaction *rows = service->reactions;
    *count = 0;
    if (rows == NULL)
        return POLKA_OK;
    for (size_t i = 0; !is_end(&rows[i]); i++, ++*count) {
        TRY(check_row(&rows[i], i, error));
        for (size_t j = 0; j < i; j++) {
            ENSURE(strcmp(polkai_reaction_name(&rows[i]), polkai_reaction_name(&rows[j])) != 0, POLKA_MISUSE, error, "bad-reaction",
                   "two reactions are called %s; give the second a .name of its own, which then must stay as it is", polkai_reaction_name(&rows[i]));
        }
    }
    return POLKA_OK;
}

static entry *entry_of(polkai_router *router, const polka_event *event)
{
    polka_text type = polka_text_of(event->name);
    size_t slot = polkai_key_hash(type.data, type.size) & router->slot_mask;
    for (; router->slots[slot] != 0; slot = (slot + 1) & router->slot_mask)
        if (polka_text_equal(router->entries[router->slots[slot] - 1].type, type))
            return &router->entries[router->slots[slot] - 1];
    entry *fresh = &router->entries[router->entry_count++];
    router->slots[slot] = (uint32_t)router->entry_count;
    *fresh = (entry){ .type = type, .route.event = event };
    return fresh;
}

static void add_reaction(polkai_router *router, polkai_route *route, const polka_reaction *reaction)
{
    const polka_reaction **longer = polka_arena_alloc(&router->arena, (route->count + 1) * sizeof *longer);
    if (route->count > 0)
        memcpy(longer, route->reactions, route->count * sizeof *longer);
    longer[route->count++] = reaction;
    route->reactions = longer;
}

static void add_topic(polkai_router *router, const char *topic)
{
    polka_text text = polka_text_of(topic);
    for (size_t i = 0; i < router->topic_count; i++)
        if (polka_text_equal(router->topics[i], text))
            return;
    router->topics[router->topic_count++] = text;
}

polka_status polkai_router_create(polkai_router **router, const polka_service *service, polka_error *error)
{
    size_t count, slots = 16;
    TRY(check_table(service, &count, error));
    TRY(check_emits(service->name, service->emits, error));
    polkai_router *made = polkai_alloc(sizeof *made);
    while (slots < count * 2)
        slots *= 2;
    made->slot_mask = slots - 1;
    made->slots = polkai_arena_zeroed(&made->arena, slots, sizeof *made->slots);
    made->entries = polkai_arena_zeroed(&made->arena, count + 1, sizeof *made->entries);
    made->topics = polkai_arena_zeroed(&made->arena, count + 1, sizeof *made->topics);
    for (size_t i = 0; i < count; i++) {
        const polka_reaction *reaction = &service->reactions[i];
        add_reaction(made, reaction->event == NULL ? &made->fallback : &entry_of(made, reaction->event)->route, reaction);
        if (reaction->event != NULL)
            add_topic(made, reaction->event->topic);
    }
    *router = made;
    return POLKA_OK;
}

void polkai_router_destroy(polkai_router *router)
{
    if (router == NULL)
        return;
    polkai_arena_deinit(&router->arena);
    free(router);
}

const polkai_route *polkai_router_find(const polkai_router *router, polka_text type)
{
    for (size_t slot = polkai_key_hash(type.data, type.size) & router->slot_mask; router->slots[slot] != 0; slot = (slot + 1) & router->slot_mask)
        if (polka_text_equal(router->entries[router->slots[slot] - 1].type, type))
            return &router->entries[router->slots[slot] - 1].route;
    return polkai_router_default(router);
}

const polkai_route *polkai_router_find_schema(const polkai_router *router, uint64_t fingerprint)
{
    for (size_t i = 0; i < router->entry_count; i++)
        if (router->entries[i].route.event->fingerprint == fingerprint)
            return &router->entries[i].route;
    return NULL;
}

const polkai_route *polkai_router_default(const polkai_router *router)
{
    return router->fallback.count > 0 ? &router->fallback : NULL;
}

const polka_text *polkai_router_topics(const polkai_router *router, size_t *count)
{
    *count = router->topic_count;
    return router->topics;
}
