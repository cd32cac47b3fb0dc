/* Random graphs: what is found is held against the plain definition of a cycle. */
#include "support.h"

#include <base/arena.h>
#include <choreography/cycles.h>
#include <choreography/names.h>
#include <time.h>

enum { EVENTS = 8 };

static void link_events(polkai_event_node *nodes, polkai_step steps[EVENTS][EVENTS], bool edges[EVENTS][EVENTS])
{
    for (size_t i = 0; i < EVENTS; i++) {
        static const char *const names[EVENTS] = { "h", "c", "a", "d", "e", "b", "g", "f" };
        nodes[i] = (polkai_event_node){ .name = names[i], .next = steps[i] };
        for (size_t j = 0; j < EVENTS; j++)
            if (edges[i][j])
                steps[i][nodes[i].next_count++] = (polkai_step){ .event = j };
    }
}

static void close_over(bool reach[EVENTS][EVENTS])
{
    for (size_t k = 0; k < EVENTS; k++)
        for (size_t i = 0; i < EVENTS; i++)
            for (size_t j = 0; j < EVENTS; j++)
                reach[i][j] = reach[i][j] || (reach[i][k] && reach[k][j]);
}

/* Is each step of it there, and does it come back to where it began, once through each event? */
static void check_path(const polkai_cycle *cycle, bool edges[EVENTS][EVENTS], bool told[EVENTS][EVENTS])
{
    bool passed[EVENTS] = { false };
    size_t at = cycle->first;
    for (size_t i = 0; i < cycle->count; i++) {
        size_t next = cycle->steps[i].event;
        cr_assert(edges[at][next]);
        cr_assert_not(passed[next]);
        passed[next] = told[at][next] = true;
        at = next;
    }
    cr_assert_eq(at, cycle->first);
}

/* Is the step on a cycle that must be told: on one that is not just the pair's? */
static bool must_be_told(bool edges[EVENTS][EVENTS], size_t from, size_t to, bool allow_pair)
{
    bool reach[EVENTS][EVENTS];
    memcpy(reach, edges, sizeof reach);
    if (allow_pair && from + to == 1)
        reach[to][from] = false;
    close_over(reach);
    return from == to || reach[to][from];
}

static void check_graph(bool edges[EVENTS][EVENTS], const polkai_allowance *allowed, bool allow_pair)
{
    polka_arena arena = { 0 };
    polkai_event_node nodes[EVENTS];
    polkai_step steps[EVENTS][EVENTS];
    bool told[EVENTS][EVENTS] = { { false } };
    link_events(nodes, steps, edges);
    polkai_graph graph = { .count = EVENTS, .events = nodes };
    polkai_cycles cycles = polkai_cycles_find(&graph, allowed, allow_pair ? 1 : 0, &arena);
    for (size_t i = 0; i < cycles.count; i++) {
        check_path(&cycles.items[i], edges, told);
        cr_assert_not(allow_pair && cycles.items[i].count == 2 && cycles.items[i].first + cycles.items[i].steps[0].event == 1, "the allowed cycle is told");
    }
    for (size_t i = 0; i < EVENTS * EVENTS && cycles.count < 16; i++)    /* so many a knot */
        if (edges[i / EVENTS][i % EVENTS] && must_be_told(edges, i / EVENTS, i % EVENTS, allow_pair))
            cr_assert(told[i / EVENTS][i % EVENTS], "%zu → %zu is on a cycle that is not told", i / EVENTS, i % EVENTS);
    polkai_arena_deinit(&arena);
}

Test(cycles, every_step_on_a_cycle_is_told_and_no_other)
{
    uint64_t seed = (uint64_t)time(NULL);
    fprintf(stderr, "seed %" PRIu64 "\n", seed);
    static const size_t pair[] = { 0, 1 };
    const polkai_allowance allowed = { 2, pair };
    for (int round = 0; round < 20000; round++) {
        bool edges[EVENTS][EVENTS];
        for (size_t i = 0; i < EVENTS * EVENTS; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            edges[i / EVENTS][i % EVENTS] = (seed >> 33) % 100 < (uint64_t)(round % 40);
        }
        check_graph(edges, &allowed, round % 2 == 1);
    }
}

Test(cycles, a_chain_of_a_hundred_thousand_needs_no_stack)
{
    enum { LONG = 100000 };
    polka_arena arena = { 0 };
    polkai_event_node *nodes = calloc(LONG, sizeof *nodes);
    polkai_step *steps = calloc(LONG, sizeof *steps);
    for (size_t i = 0; i < LONG; i++) {
        steps[i].event = (i + 1) % LONG;
        nodes[i] = (polkai_event_node){ .name = i == 77 ? "a" : "b", .next = &steps[i], .next_count = 1 };
    }
    polkai_graph graph = { .count = LONG, .events = nodes };
    polkai_cycles cycles = polkai_cycles_find(&graph, NULL, 0, &arena);
    cr_assert_eq(cycles.count, 1u);
    cr_assert_eq(cycles.items[0].count, (size_t)LONG);
    cr_assert_eq(cycles.items[0].first, 77u);
    polkai_arena_deinit(&arena);
    free(nodes);
    free(steps);
}

Test(names, a_name_that_is_taken_gets_the_next_number)
{
    polka_arena arena = { 0 };
    polkai_names names = { .arena = &arena };
    polkai_names_add(&names, "b-2");
    cr_assert_str_eq(polkai_names_distinct(&names, "a", '-'), "a");
    cr_assert_str_eq(polkai_names_distinct(&names, "a", '-'), "a-2");
    cr_assert_str_eq(polkai_names_distinct(&names, "a", '-'), "a-3");
    cr_assert_str_eq(polkai_names_distinct(&names, "b", '-'), "b");
    cr_assert_str_eq(polkai_names_distinct(&names, "b", '-'), "b-3");
    cr_assert_eq(names.count, 6);
    polkai_arena_deinit(&arena);
}

/* A megabyte of names that all become "____": each try from the first number on took minutes and gigabytes. */
Test(names, as_many_of_one_name_as_a_manifest_may_hold, .timeout = 30)
{
    enum { MANY = 15000 };
    polka_arena arena = { 0 };
    polkai_names names = { .arena = &arena };
    const char *last = "";
    for (size_t i = 0; i < MANY; i++)
        last = polkai_names_distinct(&names, "____", '-');
    cr_assert_str_eq(last, "____-15000");
    cr_assert_eq(names.count, MANY);
    polkai_arena_deinit(&arena);
}
