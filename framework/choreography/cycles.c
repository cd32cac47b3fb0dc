/*
 * cycles.c: Tarjan's strongly connected components, without recursion (a chain may have thousands of events); then, in each
 * knot, breadth-first from each step back to where it began, until each is on a cycle that was looked at.
 */
#include <choreography/cycles.h>

#include <base/arena.h>
#include <stdlib.h>

enum { SHOWN_PER_KNOT = 16, SEARCHES_PER_KNOT = 1024 };
enum { COVERED = 1, TOLD = 2 };          /* a step is on a cycle that was looked at; on one that is told */
#define NO_EVENT SIZE_MAX

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
    const polkai_allowance *allowed;
    size_t allowed_count;
    size_t *first_step;                  /* by event: where its steps begin in marks[] */
    uint8_t *marks;                      /* by step */
    size_t barred_from, barred_to;       /* a step that the search does not take */
    size_t searches;                     /* that may still be made for a cycle beside an allowed one */
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

/* Exactly these events, in whatever order: an allowance of more would hide cycles that nobody has thought of. */
static bool is_set_of(search *find, const polkai_allowance *allowance, const polkai_cycle *cycle)
{
    size_t distinct = 0, inside = find->round + 1, counted = find->round + 2;
    find->round = counted;
    for (size_t i = 0; i < cycle->count; i++)
        find->seen[cycle->steps[i].event] = inside;
    for (size_t i = 0; i < allowance->count; i++) {
        size_t *seen = &find->seen[allowance->events[i]];
        if (*seen < inside)
            return false;
        distinct += *seen == inside;
        *seen = counted;
    }
    return distinct == cycle->count;
}

static bool is_allowed(search *find, const polkai_cycle *cycle)
{
    for (size_t i = 0; i < find->allowed_count; i++)
        if (find->allowed[i].count >= cycle->count && is_set_of(find, &find->allowed[i], cycle))
            return true;
    return false;
}

/* ---- one cycle through a step ---- */

/* Breadth-first within the knot, until `goal` is reached; false: it is not. */
static bool find_back(search *find, size_t start, size_t goal)
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
            if (find->knot[next] != find->knot[goal] || find->seen[next] == find->round || (event == find->barred_from && next == find->barred_to))
                continue;
            find->seen[next] = find->round;
            find->came[next] = &node->next[i];
            find->from[next] = event;
            find->queue[waiting++] = next;
        }
    }
    return find->seen[goal] == find->round;
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

/* A shortest cycle that begins with this step; false: there is none without the barred one. */
static bool close_cycle(search *find, size_t from, const polkai_step *step, size_t size, polkai_cycle *cycle)
{
    size_t count = 1;
    if (!find_back(find, step->event, from))
        return false;
    for (size_t event = from; event != step->event; event = find->from[event])
        count++;
    polkai_step *steps = polkai_alloc(count * sizeof *steps);
    steps[0] = *step;
    for (size_t event = from, i = count; i > 1; event = find->from[event])
        steps[--i] = *find->came[event];
    *cycle = rotate(find, from, steps, count, size);
    free(steps);
    return true;
}

/* ---- what of a knot is told ---- */

/* Several reactions may take one step: from an event to an event it is one. true: one of them lacked the mark. */
static bool mark(search *find, const polkai_cycle *cycle, uint8_t as)
{
    bool any = false;
    for (size_t i = 0, at = cycle->first; i < cycle->count; at = cycle->steps[i++].event) {
        const polkai_event_node *node = &find->graph->events[at];
        for (size_t n = 0; n < node->next_count; n++) {
            uint8_t *here = &find->marks[find->first_step[at] + n];
            if (node->next[n].event != cycle->steps[i].event)
                continue;
            any = any || (*here & as) == 0;
            *here |= as;
        }
    }
    return any;
}

/* true: it is told. */
static bool tell(search *find, const polkai_cycle *cycle)
{
    if (is_allowed(find, cycle) || !mark(find, cycle, TOLD))
        return false;
    if (find->found_count == find->capacity) {
        find->capacity = 2 * find->capacity + 8;
        find->found = polkai_realloc(find->found, find->capacity * sizeof *find->found);
    }
    find->found[find->found_count++] = *cycle;
    return true;
}

/* What else goes through a step of an allowed cycle leaves it at another of its steps. */
static size_t tell_beside(search *find, const polkai_cycle *allowed, size_t size, size_t room)
{
    size_t told = 0;
    polkai_cycle other;
    for (size_t i = 0, from = allowed->first; i < allowed->count; from = allowed->steps[i++].event)
        for (size_t bar = 0, at = allowed->first; bar < allowed->count; at = allowed->steps[bar++].event) {
            if (bar == i || find->searches == 0 || told == room)
                continue;
            find->searches--;
            find->barred_from = at;
            find->barred_to = allowed->steps[bar].event;
            told += close_cycle(find, from, &allowed->steps[i], size, &other) && tell(find, &other);
            find->barred_from = NO_EVENT;
        }
    return told;
}

static void show_knot(search *find, const size_t *members, size_t size)
{
    size_t shown = 0;
    polkai_cycle cycle;
    find->searches = SEARCHES_PER_KNOT;
    for (size_t m = 0; m < size; m++) {
        const polkai_event_node *node = &find->graph->events[members[m]];
        for (size_t i = 0; i < node->next_count && shown < SHOWN_PER_KNOT; i++) {
            const polkai_step *step = &node->next[i];
            if (find->knot[step->event] != find->knot[members[m]] || find->marks[find->first_step[members[m]] + i] != 0)
                continue;
            close_cycle(find, members[m], step, size, &cycle);
            mark(find, &cycle, COVERED);
            shown += tell(find, &cycle) ? 1 : tell_beside(find, &cycle, size, SHOWN_PER_KNOT - shown);
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
    search find = { .graph = graph, .arena = arena, .allowed = allowed, .allowed_count = allowed_count, .barred_from = NO_EVENT };
    size_t **tables[] = { &find.order, &find.low, &find.knot, &find.stack, &find.path, &find.at, &find.members, &find.from, &find.queue, &find.seen, &find.first_step };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        *tables[i] = numbers(&find);
    find.came = polkai_arena_zeroed(arena, graph->count + 1, sizeof *find.came);
    for (size_t i = 0; i < graph->count; i++)
        find.first_step[i + 1] = find.first_step[i] + graph->events[i].next_count;
    find.marks = polkai_arena_zeroed(arena, find.first_step[graph->count] + 1, sizeof *find.marks);
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
