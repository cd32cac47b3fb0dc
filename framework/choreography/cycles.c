/*
 * cycles.c: Tarjan's strongly connected components, without recursion (a chain may have thousands of events); then, in each
 * knot, breadth-first from a step back to where it began.
 */
#include <choreography/cycles.h>

#include <base/arena.h>
#include <stdlib.h>

enum { SHOWN_PER_KNOT = 16 };

typedef struct {
    const polkai_graph *graph;
    polka_arena *arena;
    size_t *order, *low;                 /* order: from 1 when visited */
    size_t *knot;                        /* number of the component, from 1 when it is complete */
    size_t *stack, *path, *at;           /* at[event]: the next of its steps to follow */
    size_t *members;                     /* all events, knot by knot, as knots are complete */
    size_t visited, stacked, depth, knots, member_count;
    const polkai_step **came;            /* by which step the search came to an event */
    size_t *from;                        /* and from which event */
    size_t *queue, *seen, round;
    size_t *allowances_of;               /* by event: first[], then the numbers in allowances[] */
    size_t *allowances;
    bool *shown;
    polkai_cycle *found;
    size_t found_count, capacity;
} search;

/* ---- components ---- */

static void close_knot(search *find, size_t root)
{
    size_t event;
    find->knots++;
    do {
        event = find->stack[--find->stacked];
        find->knot[event] = find->knots;
        find->members[find->member_count++] = event;
    } while (event != root);
}

static void enter(search *find, size_t event)
{
    find->order[event] = find->low[event] = ++find->visited;
    find->stack[find->stacked++] = event;
    find->path[find->depth++] = event;
}

static void leave(search *find)
{
    size_t event = find->path[--find->depth];
    if (find->low[event] == find->order[event])
        close_knot(find, event);
    if (find->depth > 0) {
        size_t above = find->path[find->depth - 1];
        find->low[above] = find->low[event] < find->low[above] ? find->low[event] : find->low[above];
    }
}

static void visit(search *find, size_t start)
{
    enter(find, start);
    while (find->depth > 0) {
        size_t event = find->path[find->depth - 1];
        const polkai_event_node *node = &find->graph->events[event];
        if (find->at[event] == node->next_count) {
            leave(find);
            continue;
        }
        size_t next = node->next[find->at[event]++].event;
        if (find->order[next] == 0)
            enter(find, next);
        else if (find->knot[next] == 0 && find->order[next] < find->low[event])
            find->low[event] = find->order[next];
    }
}

/* ---- allowances ---- */

static void index_allowances(search *find, const polkai_allowance *allowed, size_t count)
{
    size_t total = 0, *first = polkai_arena_zeroed(find->arena, find->graph->count + 2, sizeof *first);
    for (size_t a = 0; a < count; a++)
        for (size_t i = 0; i < allowed[a].count; i++, total++)
            first[allowed[a].events[i] + 2]++;
    for (size_t i = 2; i < find->graph->count + 2; i++)
        first[i] += first[i - 1];
    find->allowances = polkai_arena_zeroed(find->arena, total, sizeof *find->allowances);
    for (size_t a = 0; a < count; a++)
        for (size_t i = 0; i < allowed[a].count; i++)
            find->allowances[first[allowed[a].events[i] + 1]++] = a;
    find->allowances_of = first;
}

static bool is_allowed(const search *find, size_t from, size_t to)
{
    for (size_t i = find->allowances_of[from]; i < find->allowances_of[from + 1]; i++)
        for (size_t j = find->allowances_of[to]; j < find->allowances_of[to + 1]; j++)
            if (find->allowances[i] == find->allowances[j])
                return true;
    return false;
}

/* ---- one cycle through a step ---- */

/* Breadth-first within the knot, until `goal` is reached. */
static void find_back(search *find, size_t start, size_t goal)
{
    size_t done = 0, waiting = 0;
    find->round++;
    find->queue[waiting++] = start;
    find->seen[start] = find->round;
    while (find->seen[goal] != find->round && done < waiting) {
        size_t event = find->queue[done++];
        const polkai_event_node *node = &find->graph->events[event];
        for (size_t i = 0; i < node->next_count; i++) {
            size_t next = node->next[i].event;
            if (find->knot[next] != find->knot[goal] || find->seen[next] == find->round)
                continue;
            find->seen[next] = find->round;
            find->came[next] = &node->next[i];
            find->from[next] = event;
            find->queue[waiting++] = next;
        }
    }
}

/* It begins with the event whose name comes first, wherever the search began. */
static polkai_cycle rotate(search *find, size_t first, polkai_step *steps, size_t count, size_t size)
{
    size_t least = 0;
    const polkai_event_node *events = find->graph->events;
    polkai_step *turned = polkai_arena_zeroed(find->arena, count, sizeof *turned);
    for (size_t i = 1; i < count; i++) {
        const char *here = events[steps[i - 1].event].name, *best = events[least == 0 ? first : steps[least - 1].event].name;
        least = strcmp(here, best) < 0 ? i : least;
    }
    for (size_t i = 0; i < count; i++)
        turned[i] = steps[(least + i) % count];
    return (polkai_cycle){ .first = least == 0 ? first : steps[least - 1].event, .count = count, .steps = turned, .knot = size };
}

static void show(search *find, size_t from, const polkai_step *step, size_t size)
{
    size_t count = 1;
    if (step->event != from) {
        find_back(find, step->event, from);
        for (size_t event = from; event != step->event; event = find->from[event])
            count++;
    }
    polkai_step *steps = polkai_alloc(count * sizeof *steps);
    steps[0] = *step;
    for (size_t event = from, i = count; i > 1; event = find->from[event])
        steps[--i] = *find->came[event];
    for (size_t i = 0; i < count; i++)
        find->shown[steps[i].event] = true;
    if (find->found_count == find->capacity) {
        find->capacity = 2 * find->capacity + 8;
        find->found = polkai_realloc(find->found, find->capacity * sizeof *find->found);
    }
    find->found[find->found_count++] = rotate(find, from, steps, count, size);
    free(steps);
}

static void show_knot(search *find, const size_t *members, size_t size)
{
    size_t shown = 0;
    for (size_t m = 0; m < size && shown < SHOWN_PER_KNOT; m++) {
        const polkai_event_node *node = &find->graph->events[members[m]];
        for (size_t i = 0; i < node->next_count && !find->shown[members[m]] && shown < SHOWN_PER_KNOT; i++) {
            const polkai_step *step = &node->next[i];
            if (find->knot[step->event] != find->knot[members[m]] || is_allowed(find, members[m], step->event))
                continue;
            show(find, members[m], step, size);
            shown++;
        }
    }
}

static int by_number(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static size_t *numbers(const search *find) { return polkai_arena_zeroed(find->arena, find->graph->count + 1, sizeof(size_t)); }

polkai_cycles polkai_cycles_find(const polkai_graph *graph, const polkai_allowance *allowed, size_t allowed_count, polka_arena *arena)
{
    search find = { .graph = graph, .arena = arena };
    size_t **tables[] = { &find.order, &find.low, &find.knot, &find.stack, &find.path, &find.at, &find.members, &find.from, &find.queue, &find.seen };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        *tables[i] = numbers(&find);
    find.came = polkai_arena_zeroed(arena, graph->count + 1, sizeof *find.came);
    find.shown = polkai_arena_zeroed(arena, graph->count + 1, sizeof *find.shown);
    index_allowances(&find, allowed, allowed_count);
    for (size_t i = 0; i < graph->count; i++)
        if (find.order[i] == 0)
            visit(&find, i);
    for (size_t i = 0, end; i < graph->count; i = end) {
        for (end = i; end < graph->count && find.knot[find.members[end]] == find.knot[find.members[i]];)
            end++;
        qsort(find.members + i, end - i, sizeof *find.members, by_number);
        show_knot(&find, find.members + i, end - i);
    }
    polkai_cycle *items = polkai_arena_zeroed(arena, find.found_count, sizeof *items);
    for (size_t i = 0; i < find.found_count; i++)
        items[i] = find.found[i];
    free(find.found);
    return (polkai_cycles){ find.found_count, items };
}
