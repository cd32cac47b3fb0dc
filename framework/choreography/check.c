/* check.c: runs the parts, and has those that ask only who says and hears what. */
#include <choreography/check_inner.h>

#include <base/arena.h>
#include <choreography/cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- unfed and unheard ---- */

static const char *nearest_said(const polkai_checking *check, const char *event)
{
    size_t size = strlen(event);
    for (size_t i = 0; i < check->graph->count; i++) {                   /* the same but for case: the commonest mistake */
        const polkai_event_node *node = &check->graph->events[i];
        if (node->say_count > 0 && strlen(node->name) == size && strcasecmp(node->name, event) == 0)
            return node->name;
    }
    return NULL;
}

static void add_unfed(polkai_checking *check, const polkai_event_node *node)
{
    const char *nearest = nearest_said(check, node->name);
    for (size_t i = 0; i < node->hear_count; i++) {
        const polkai_party *hearer = &node->hears[i];
        polkai_findings_add(check->findings, (polkai_finding){
            .code = POLKAI_UNFED_REACTION, .service = hearer->manifest->service, .event = node->name, .origin = hearer->manifest->origin,
            .message = polkai_arena_format(check->arena, "%s reacts to %s, which no service emits and no flow starts with", hearer->manifest->service, node->name).data,
            .fix = nearest != NULL ? polkai_arena_format(check->arena, "Is %s meant?", nearest).data
                   : "Add the manifest of the service that emits it, name it under `starts` of a flow when it comes from outside, or remove the reaction." });
    }
}

static void add_unheard(polkai_checking *check, const polkai_event_node *node)
{
    for (size_t i = 0; i < node->say_count; i++) {
        const polkai_party *sayer = &node->says[i];
        polkai_findings_add(check->findings, (polkai_finding){
            .code = POLKAI_UNHEARD_EVENT, .service = sayer->manifest->service, .event = node->name, .origin = sayer->manifest->origin,
            .message = polkai_arena_format(check->arena, "%s emits %s, which nobody reacts to", sayer->manifest->service, node->name).data,
            .fix = "Add a reaction, or say that nobody needs one: \"polka.final\": true in its schema, or `ends` of a flow." });
    }
}

/* Starts count as fed, ends as heard. */
void polkai_check_edges(polkai_checking *check)
{
    for (size_t i = 0; i < check->graph->count; i++) {
        const polkai_event_node *node = &check->graph->events[i];
        if (node->say_count == 0 && !check->starts[i])
            add_unfed(check, node);
        if (node->hear_count == 0 && !node->heard_by_default && !node->final && !check->ends[i])
            add_unheard(check, node);
    }
}

/* ---- cycles ---- */

static void append(polka_buffer *text, const char *format, const char *a, const char *b, const char *c)
{
    size_t room = strlen(format) + strlen(a) + strlen(b) + strlen(c) + 1;
    text->size += (size_t)snprintf((char *)polka_buffer_reserve(text, room), room, format, a, b, c);
}

static void add_cycle(polkai_checking *check, const polkai_cycle *cycle)
{
    const polkai_event_node *events = check->graph->events, *first = &events[cycle->first];
    const polkai_manifest *manifest = cycle->steps[0].by->manifest;
    polka_buffer path = { .arena = check->arena }, names = { .arena = check->arena };
    append(&path, "%s%s%s", first->name, "", "");
    for (size_t i = 0; i < cycle->count; i++) {
        append(&path, " → %s (%s)%s", events[cycle->steps[i].event].name, cycle->steps[i].by->manifest->service, "");
        append(&names, "%s%s%s", i > 0 ? ", " : "", i > 0 ? events[cycle->steps[i - 1].event].name : first->name, "");
    }
    polkai_findings_add(check->findings, (polkai_finding){
        .code = POLKAI_CYCLE, .service = manifest->service, .event = first->name, .origin = manifest->origin,
        .message = polkai_arena_format(check->arena, "%s causes itself: %s", first->name, (const char *)path.data).data,
        .fix = polkai_arena_format(check->arena, "Break the chain, or allow it in a flow file: allow_cycles: [{ events: [%s], reason: why it ends }]",
                                   (const char *)names.data).data });
}

static size_t allowances_of(const polkai_checking *check, polkai_allowance *out)
{
    size_t count = 0;
    for (size_t c = 0; c < check->all->contract_count; c++)
        for (size_t a = 0; a < check->all->contracts[c]->allowance_count; a++, count++) {
            const polkai_contract_events *events = &check->all->contracts[c]->allowances[a].events;
            if (out == NULL)
                continue;
            size_t *numbers = polkai_arena_zeroed(check->arena, events->count, sizeof *numbers), known = 0;
            for (size_t i = 0; i < events->count; i++) {
                ptrdiff_t number = polkai_names_find(&check->graph->names, events->items[i]->text.data);
                if (number != POLKAI_NO_NAME)
                    numbers[known++] = (size_t)number;
            }
            out[count] = (polkai_allowance){ known == events->count ? known : 0, numbers };      /* with one that nobody knows it is no cycle here */
        }
    return count;
}

void polkai_check_cycles(polkai_checking *check)
{
    size_t count = allowances_of(check, NULL);
    polkai_allowance *allowed = polkai_arena_zeroed(check->arena, count, sizeof *allowed);
    allowances_of(check, allowed);
    polkai_cycles cycles = polkai_cycles_find(check->graph, allowed, count, check->arena);
    for (size_t i = 0; i < cycles.count; i++)
        add_cycle(check, &cycles.items[i]);
}

/* ---- all of it ---- */

static void mark(const polkai_checking *check, const polkai_contract_events *events, bool *marks)
{
    for (size_t i = 0; i < events->count; i++) {
        ptrdiff_t number = polkai_names_find(&check->graph->names, events->items[i]->text.data);
        if (number != POLKAI_NO_NAME)
            marks[number] = true;
    }
}

void polkai_check(const polkai_choreography *choreography, polkai_findings *findings)
{
    static void (*const parts[])(polkai_checking *) = { polkai_check_manifests, polkai_check_owners, polkai_check_pairs,
                                                        polkai_check_edges, polkai_check_cycles, polkai_check_flows };
    polkai_checking check = { .all = choreography, .graph = choreography->graph, .findings = findings, .arena = findings->arena };
    check.starts = polkai_arena_zeroed(check.arena, check.graph->count, sizeof *check.starts);
    check.ends = polkai_arena_zeroed(check.arena, check.graph->count, sizeof *check.ends);
    for (size_t i = 0; i < choreography->contract_count; i++) {
        mark(&check, &choreography->contracts[i]->starts, check.starts);
        mark(&check, &choreography->contracts[i]->ends, check.ends);
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        parts[i](&check);
    polkai_findings_settle(findings);
}
