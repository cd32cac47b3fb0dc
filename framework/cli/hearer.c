/* hearer.c: sorted by the number of the event, by counting. */
#include <cli/hearer.h>

#include <base/arena.h>

/* Calls `visit` for each reaction with the number of its event. */
static void each(cli_hearers *hearers, polkai_manifest *const *manifests, const int64_t *since_ms, size_t count,
                 void (*visit)(cli_hearers *hearers, size_t event, cli_hearer hearer))
{
    for (size_t m = 0; m < count; m++) {
        const polkai_manifest *service = manifests[m];
        for (size_t r = 0; service->problem_count == 0 && r < service->reaction_count; r++)
            visit(hearers, polkai_names_add(&hearers->events, service->reactions[r].hears.event),
                  (cli_hearer){ service, &service->reactions[r], since_ms != NULL ? since_ms[m] : 0 });
    }
}

static void name(cli_hearers *hearers, size_t event, cli_hearer hearer)
{
    (void)event, (void)hearer;
    hearers->count++;
}

/* Two places further on: then what puts them down moves each one to where its event begins. */
static void number(cli_hearers *hearers, size_t event, cli_hearer hearer)
{
    (void)hearer;
    hearers->first[event + 2]++;
}

static void put(cli_hearers *hearers, size_t event, cli_hearer hearer)
{
    hearers->items[hearers->first[event + 1]++] = hearer;
}

void cli_hearers_use(cli_hearers *hearers, polkai_manifest *const *manifests, const int64_t *since_ms, size_t count)
{
    cli_hearers_free(hearers);
    hearers->events.arena = &hearers->arena;
    hearers->service_count = count;
    each(hearers, manifests, since_ms, count, name);
    hearers->items = polkai_arena_zeroed(&hearers->arena, hearers->count + 1, sizeof *hearers->items);
    hearers->first = polkai_arena_zeroed(&hearers->arena, hearers->events.count + 2, sizeof *hearers->first);
    each(hearers, manifests, since_ms, count, number);
    for (size_t i = 2; i < hearers->events.count + 2; i++)
        hearers->first[i] += hearers->first[i - 1];
    each(hearers, manifests, since_ms, count, put);
}

const cli_hearer *cli_hearers_of(const cli_hearers *hearers, const char *event, size_t *count)
{
    ptrdiff_t number_of = polkai_names_find(&hearers->events, event);
    *count = number_of == POLKAI_NO_NAME ? 0 : hearers->first[number_of + 1] - hearers->first[number_of];
    return *count == 0 ? NULL : &hearers->items[hearers->first[number_of]];
}

void cli_hearers_free(cli_hearers *hearers)
{
    polkai_arena_deinit(&hearers->arena);
    *hearers = (cli_hearers){ 0 };
}
