/*
 * check_flows.c: can the services keep a flow contract? A step that no chain of reactions takes is a gap. What the flow can
 * never come to is unreachable; for that, gaps count as bridged, so that one gap is not told of again by all behind it.
 */
#include <choreography/check_inner.h>

#include <base/arena.h>
#include <stdlib.h>

typedef struct {
    polkai_checking *check;
    const polkai_contract *contract;
    bool *reached;                       /* from the starts, gaps bridged */
    bool *from_step;                     /* scratch: from one event */
    bool *taken;                         /* by step: the flow comes to it */
} flow;

static ptrdiff_t number_of(const flow *here, const polkai_yaml *event)
{
    return polkai_names_find(&here->check->graph->names, event->text.data);
}

/* Whose business it is: who hears the event, else who says it. */
static const polkai_manifest *whose(const flow *here, ptrdiff_t number, bool hearer_first)
{
    const polkai_event_node *node = number == POLKAI_NO_NAME ? NULL : &here->check->graph->events[number];
    const polkai_party *hearer = node != NULL && node->hear_count > 0 ? node->hears : NULL, *sayer = node != NULL && node->say_count > 0 ? node->says : NULL;
    const polkai_party *chosen = hearer_first ? POLKAI_OR(hearer, sayer) : POLKAI_OR(sayer, hearer);
    return chosen == NULL ? NULL : chosen->manifest;
}

static void add(const flow *here, polkai_code code, const polkai_yaml *at, const char *event, const polkai_manifest *manifest, const char *message, const char *fix)
{
    polkai_findings_add(here->check->findings, (polkai_finding){
        .code = code, .service = manifest != NULL ? manifest->service : NULL, .event = event, .origin = here->contract->file, .line = at->line,
        .column = at->column, .fix = fix,
        .message = polkai_arena_format(here->check->arena, "flow %s, %s:%u:%u: %s", here->contract->name, here->contract->file, at->line, at->column, message).data });
}

static const char *list(const flow *here, const polkai_contract_events *events, const char *word)
{
    const char *text = "";
    for (size_t i = 0; i < events->count && i < 8; i++)
        text = polkai_arena_format(here->check->arena, "%s%s%s", text, i == 0 ? "" : i + 1 == events->count ? word : ", ", events->items[i]->text.data).data;
    return events->count > 8 ? polkai_arena_format(here->check->arena, "%s and %zu more", text, events->count - 8).data : text;
}

/* What can come after one event, in here->from_step; false: nobody reacts to it. */
static bool follow(flow *here, ptrdiff_t number)
{
    memset(here->from_step, 0, here->check->graph->count * sizeof *here->from_step);
    if (number == POLKAI_NO_NAME)
        return false;
    size_t from = (size_t)number;
    polkai_graph_reach(here->check->graph, &from, 1, here->from_step);
    return here->check->graph->events[from].hear_count > 0;
}

static void check_after(flow *here, const polkai_contract_step *step, const polkai_yaml *after)
{
    polka_arena *arena = here->check->arena;
    ptrdiff_t number = number_of(here, after);
    bool heard = follow(here, number);
    size_t met = 0;
    for (size_t i = 0; i < step->one_of.count; i++) {
        ptrdiff_t wanted = number_of(here, step->one_of.items[i]);
        met += wanted != POLKAI_NO_NAME && here->from_step[wanted];
    }
    const char *name = after->text.data;
    if (met == 0) {
        add(here, POLKAI_FLOW_GAP, after, name, whose(here, number, true),
            polkai_arena_format(arena, heard ? "after %s no chain of reactions leads to %s" : "nobody reacts to %s, so nothing leads to %s", name,
                                list(here, &step->one_of, " or ")).data,
            polkai_arena_format(arena, "Let a reaction to %s, or one behind it, emit %s; or correct the step.", name, list(here, &step->one_of, " or ")).data);
        return;
    }
    for (size_t i = 0; i < step->one_of.count; i++) {
        const polkai_yaml *event = step->one_of.items[i];
        ptrdiff_t wanted = number_of(here, event);
        if (wanted == POLKAI_NO_NAME || !here->from_step[wanted])
            add(here, POLKAI_FLOW_UNREACHABLE, event, event->text.data, whose(here, wanted, false),
                polkai_arena_format(arena, "no chain of reactions leads from %s to %s", name, event->text.data).data,
                "Remove it from one_of, or let a reaction emit it.");
    }
}

/* ---- what the whole flow comes to ---- */

/* An event that no service knows has no number: it is reached when a step that is taken leads to it. */
static bool is_bridged(const flow *here, const char *name)
{
    for (size_t s = 0; s < here->contract->step_count; s++)
        if (here->taken[s] && polkai_contract_lists(&here->contract->steps[s].one_of, name))
            return true;
    return false;
}

static bool is_reached(const flow *here, const polkai_yaml *event)
{
    ptrdiff_t number = number_of(here, event);
    return number != POLKAI_NO_NAME ? here->reached[number] : polkai_contract_lists(&here->contract->starts, event->text.data) || is_bridged(here, event->text.data);
}

static bool any_reached(const flow *here, const polkai_contract_events *events)
{
    for (size_t i = 0; i < events->count; i++)
        if (is_reached(here, events->items[i]))
            return true;
    return false;
}

static void reach_from(flow *here, const polkai_contract_events *events)
{
    for (size_t i = 0; i < events->count; i++) {
        ptrdiff_t number = number_of(here, events->items[i]);
        size_t from = (size_t)number;
        if (number == POLKAI_NO_NAME || here->reached[number])
            continue;
        here->reached[number] = true;
        polkai_graph_reach(here->check->graph, &from, 1, here->reached);
    }
}

/* A step whose `after` has been reached leads on to its one_of, whether the services take it or not. */
static void reach(flow *here)
{
    const polkai_contract *contract = here->contract;
    bool more = true;
    reach_from(here, &contract->starts);
    while (more) {
        more = false;
        for (size_t s = 0; s < contract->step_count; s++) {
            if (here->taken[s] || !any_reached(here, &contract->steps[s].after))
                continue;
            here->taken[s] = more = true;
            reach_from(here, &contract->steps[s].one_of);
        }
    }
}

static void check_reached(flow *here, const polkai_contract_events *events)
{
    for (size_t i = 0; i < events->count; i++) {
        const polkai_yaml *event = events->items[i];
        ptrdiff_t number = number_of(here, event);
        if (is_reached(here, event))
            continue;
        if (number != POLKAI_NO_NAME)
            here->reached[number] = true;                                /* told once */
        add(here, POLKAI_FLOW_UNREACHABLE, event, event->text.data, whose(here, number, false),
            polkai_arena_format(here->check->arena, "%s is in the flow, but nothing that begins with %s comes to it", event->text.data,
                                list(here, &here->contract->starts, " or ")).data,
            "Let a reaction of this flow emit it, or take it out of the flow.");
    }
}

static void check_ends(flow *here)
{
    if (any_reached(here, &here->contract->ends))
        return;
    const polkai_yaml *start = here->contract->starts.items[0];
    ptrdiff_t number = number_of(here, start);
    add(here, POLKAI_FLOW_GAP, here->contract->ends.items[0], start->text.data, whose(here, number, true),
        polkai_arena_format(here->check->arena, "no chain of reactions leads from %s to %s, so that it never ends", list(here, &here->contract->starts, " or "),
                            list(here, &here->contract->ends, " or ")).data,
        "Let a reaction of this flow emit one of its ends; or correct `ends`.");
}

static void check_flow(flow *here)
{
    for (size_t s = 0; s < here->contract->step_count; s++)
        for (size_t i = 0; i < here->contract->steps[s].after.count; i++)
            check_after(here, &here->contract->steps[s], here->contract->steps[s].after.items[i]);
    here->taken = polkai_alloc(here->contract->step_count + 1);
    reach(here);
    check_ends(here);
    for (size_t s = 0; s < here->contract->step_count; s++)
        check_reached(here, &here->contract->steps[s].after);
    check_reached(here, &here->contract->ends);
    free(here->taken);
}

void polkai_check_flows(polkai_checking *check)
{
    size_t count = check->graph->count;
    flow here = { .check = check, .reached = polkai_alloc(count + 1), .from_step = polkai_alloc(count + 1) };
    for (size_t c = 0; c < check->all->contract_count; c++) {
        here.contract = check->all->contracts[c];
        memset(here.reached, 0, count);
        check_flow(&here);
    }
    free(here.reached);
    free(here.from_step);
}
