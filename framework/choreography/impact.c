/* impact.c: what goes is taken out of the graph, and what then no longer comes is told. */
#include <choreography/impact_inner.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <stdlib.h>

static const struct { const char *name; bool breaks; } effects[] = {
    [POLKAI_UNREADABLE] = { "unreadable", true }, [POLKAI_DEFAULTED] = { "defaulted", false }, [POLKAI_KEYLESS] = { "keyless", true },
    [POLKAI_UNFED] = { "unfed", true }, [POLKAI_STARVED] = { "starved", true }, [POLKAI_UNHEARD] = { "unheard", false },
    [POLKAI_BROKEN_FLOW] = { "broken-flow", true } };

const char *polkai_effect_name(polkai_effect effect) { return effects[effect].name; }
bool polkai_effect_breaks(polkai_effect effect) { return effects[effect].breaks; }

void polkai_impact_add(polkai_asker *ask, polkai_effect effect, const polkai_manifest *manifest, const char *event, const char *message)
{
    if (ask->count == ask->capacity) {
        ask->capacity = 2 * ask->capacity + 16;
        polkai_consequence *more = polkai_arena_zeroed(ask->arena, ask->capacity, sizeof *more);
        for (size_t i = 0; i < ask->count; i++)
            more[i] = ask->items[i];
        ask->items = more;
    }
    ask->items[ask->count++] = (polkai_consequence){ .effect = effect, .service = manifest != NULL ? manifest->service : NULL,
                                                     .version = manifest != NULL ? manifest->version : NULL, .event = event, .message = message };
}

/* ---- a service or an event goes ---- */

/* What is no longer there. */
typedef struct { const char *service; const polkai_event_node *event; } gone;

static bool is_gone(const gone *out, const polkai_party *party) { return out->service != NULL && strcmp(party->manifest->service, out->service) == 0; }

static bool starts_flow(const polkai_asker *ask, const char *event)
{
    for (size_t c = 0; c < ask->all->contract_count; c++)
        if (polkai_contract_lists(&ask->all->contracts[c]->starts, event))
            return true;
    return false;
}

static bool ends_flow(const polkai_asker *ask, const char *event)
{
    for (size_t c = 0; c < ask->all->contract_count; c++)
        if (polkai_contract_lists(&ask->all->contracts[c]->ends, event))
            return true;
    return false;
}

/* Does a reaction of this service emit the event? What none does comes from elsewhere: an edge, a timer, a default reaction. */
static bool is_caused(const polkai_manifest *manifest, const char *event)
{
    for (size_t r = 0; r < manifest->reaction_count; r++)
        for (size_t e = 0; e < manifest->reactions[r].emit_count; e++)
            if (strcmp(manifest->reactions[r].emits[e], event) == 0)
                return true;
    return false;
}

/* The events that still come: those that come from outside, then by reactions what they cause. */
static bool *find_living(polkai_asker *ask, const gone *out)
{
    const polkai_graph *graph = ask->graph;
    bool *lives = polkai_arena_zeroed(ask->arena, graph->count + 1, sizeof *lives);
    size_t *queue = polkai_alloc((graph->count + 1) * sizeof *queue), done = 0, waiting = 0;
    for (size_t i = 0; i < graph->count; i++) {
        const polkai_event_node *node = &graph->events[i];
        bool from_outside = starts_flow(ask, node->name) || node->say_count == 0;        /* who says it is not among the manifests */
        for (size_t s = 0; s < node->say_count && !from_outside; s++)
            from_outside = !is_gone(out, &node->says[s]) && !is_caused(node->says[s].manifest, node->name);
        if (!from_outside || node == out->event)
            continue;
        lives[i] = true;
        queue[waiting++] = i;
    }
    while (done < waiting) {
        const polkai_event_node *node = &graph->events[queue[done++]];
        for (size_t i = 0; i < node->next_count; i++) {
            size_t next = node->next[i].event;
            if (lives[next] || is_gone(out, node->next[i].by) || &graph->events[next] == out->event)
                continue;
            lives[next] = true;
            queue[waiting++] = next;
        }
    }
    free(queue);
    return lives;
}

/*
 * What lives after that is gone, beside what comes from outside: events that nothing from outside leads to run in a circle
 * that somebody once began, and live as long as something of it that lives still causes them. What nothing causes any more
 * goes, and what it caused.
 */
static void keep_circles(polkai_asker *ask, const gone *out, const bool *reached, bool *lives)
{
    const polkai_graph *graph = ask->graph;
    size_t *causes = polkai_arena_zeroed(ask->arena, graph->count + 1, sizeof *causes), *queue = polkai_alloc((graph->count + 1) * sizeof *queue);
    size_t done = 0, waiting = 0;
    for (size_t i = 0; i < graph->count; i++)
        for (size_t s = 0; !reached[i] && s < graph->events[i].next_count; s++)
            causes[graph->events[i].next[s].event] += !is_gone(out, graph->events[i].next[s].by);
    for (size_t i = 0; i < graph->count; i++) {
        lives[i] = lives[i] || (!reached[i] && causes[i] > 0 && &graph->events[i] != out->event);
        if (!reached[i] && !lives[i])
            queue[waiting++] = i;
    }
    while (done < waiting) {
        const polkai_event_node *node = &graph->events[queue[done++]];
        for (size_t s = 0; s < node->next_count; s++) {
            size_t next = node->next[s].event;
            if (reached[next] || !lives[next] || is_gone(out, node->next[s].by) || --causes[next] > 0)
                continue;
            lives[next] = false;
            queue[waiting++] = next;
        }
    }
    free(queue);
}

static bool still_said(const gone *out, const polkai_event_node *node)
{
    for (size_t i = 0; i < node->say_count && node != out->event; i++)
        if (!is_gone(out, &node->says[i]))
            return true;
    return false;
}

static bool still_heard(const gone *out, const polkai_event_node *node)
{
    for (size_t i = 0; i < node->hear_count; i++)
        if (!is_gone(out, &node->hears[i]))
            return true;
    return false;
}

static void tell_hearers(polkai_asker *ask, const gone *out, const polkai_event_node *node)
{
    bool said = still_said(out, node);
    for (size_t i = 0; i < node->hear_count; i++) {
        const polkai_manifest *manifest = node->hears[i].manifest;
        if (is_gone(out, &node->hears[i]))
            continue;
        polkai_impact_add(ask, said ? POLKAI_STARVED : POLKAI_UNFED, manifest, node->name,
            polkai_arena_format(ask->arena, said ? "%s waits for %s, which is emitted only upon events that no longer come" : "%s waits for %s, which nobody emits any more",
                                manifest->service, node->name).data);
    }
}

static void tell_sayers(polkai_asker *ask, const gone *out, const polkai_event_node *node)
{
    for (size_t i = 0; i < node->say_count; i++)
        if (!is_gone(out, &node->says[i]))
            polkai_impact_add(ask, POLKAI_UNHEARD, node->says[i].manifest, node->name,
                polkai_arena_format(ask->arena, "%s emits %s, which nobody hears any more", node->says[i].manifest->service, node->name).data);
}

/* Can the step still be taken? One of its events must still come. */
static bool is_taken(const polkai_asker *ask, const polkai_contract_step *step, const bool *lives)
{
    for (size_t i = 0; i < step->one_of.count; i++) {
        ptrdiff_t number = polkai_names_find(&ask->graph->names, step->one_of.items[i]->text.data);
        if (number != POLKAI_NO_NAME && lives[number])
            return true;
    }
    return false;
}

/* Before, each event that somebody knows still comes. */
static bool was_taken(const polkai_asker *ask, const polkai_contract_step *step)
{
    for (size_t i = 0; i < step->one_of.count; i++)
        if (polkai_names_find(&ask->graph->names, step->one_of.items[i]->text.data) != POLKAI_NO_NAME)
            return true;
    return false;
}

static void tell_flows(polkai_asker *ask, const bool *after)
{
    for (size_t c = 0; c < ask->all->contract_count; c++) {
        const polkai_contract *contract = ask->all->contracts[c];
        for (size_t s = 0; s < contract->step_count; s++) {
            const polkai_contract_step *step = &contract->steps[s];
            if (!was_taken(ask, step) || is_taken(ask, step, after))
                continue;
            polkai_impact_add(ask, POLKAI_BROKEN_FLOW, NULL, step->after.items[0]->text.data,
                polkai_arena_format(ask->arena, "flow %s, %s:%u: nothing comes after %s any more", contract->name, contract->file, step->node->line,
                                    step->after.items[0]->text.data).data);
        }
    }
}

static void tell_gone(polkai_asker *ask, const gone *out)
{
    bool *after = find_living(ask, out);
    keep_circles(ask, out, find_living(ask, &(gone){ 0 }), after);
    for (size_t i = 0; i < ask->graph->count; i++) {
        const polkai_event_node *node = &ask->graph->events[i];
        if (!after[i])
            tell_hearers(ask, out, node);
        if (out->service != NULL && after[i] && node->hear_count > 0 && !still_heard(out, node) && !node->final && !ends_flow(ask, node->name))
            tell_sayers(ask, out, node);
    }
    tell_flows(ask, after);
}

/* ---- what is asked ---- */

static const char *find_service(const polkai_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->manifest_count; i++)
        if (strcmp(graph->manifests[i]->service, name) == 0)
            return graph->manifests[i]->service;
    return NULL;
}

/* The event that `what` names, wholly or by the last part; *field: what follows it, or NULL. */
static const polkai_event_node *find_event(const polkai_graph *graph, const char *what, const char **field)
{
    const polkai_event_node *found = NULL;
    size_t longest = 0, matches = 0;
    for (size_t i = 0; i < graph->count; i++) {
        const char *name = graph->events[i].name, *last = strrchr(name, '.');
        const char *const forms[] = { name, last != NULL ? last + 1 : name };
        for (size_t f = 0; f < 2; f++) {
            size_t size = strlen(forms[f]), weight = 2 * size + (f == 0);
            if (strncmp(forms[f], what, size) != 0 || (what[size] != '\0' && what[size] != '.') || weight < longest)
                continue;
            matches = weight > longest || found == &graph->events[i] ? 1 : matches + 1;
            longest = weight;
            found = &graph->events[i];
            *field = what[size] == '.' ? what + size + 1 : NULL;
        }
    }
    return matches == 1 ? found : NULL;
}

static polka_status unknown(polkai_asker *ask, const char *what, polka_error *error)
{
    polkai_names names = { .arena = ask->arena };
    for (size_t i = 0; i < ask->graph->manifest_count; i++)
        polkai_names_add(&names, ask->graph->manifests[i]->service);
    for (size_t i = 0; i < ask->graph->count; i++)
        polkai_names_add(&names, ask->graph->events[i].name);
    const char *nearest = polkai_nearest(what, names.items, names.count);
    ENSURE(nearest == NULL, POLKA_MISUSE, error, "unknown-name", "no service and no event is called %s; did you mean '%s'?", what, nearest);
    return polkai_fail(error, POLKA_MISUSE, "unknown-name", "no service and no event is called %s", what);
}

static int compare(const void *a, const void *b)
{
    const polkai_consequence *x = a, *y = b;
    int order = (x->effect > y->effect) - (x->effect < y->effect);
    const char *const texts[][2] = { { x->event, y->event }, { x->service, y->service }, { x->version, y->version }, { x->message, y->message } };
    for (size_t i = 0; i < 4 && order == 0; i++)
        order = strcmp(texts[i][0] != NULL ? texts[i][0] : "", texts[i][1] != NULL ? texts[i][1] : "");
    return order;
}

static void settle(polkai_asker *ask, polkai_impact *impact)
{
    size_t kept = 0;
    if (ask->count > 0)
        qsort(ask->items, ask->count, sizeof *ask->items, compare);
    for (size_t i = 0; i < ask->count; i++)
        if (kept == 0 || compare(&ask->items[kept - 1], &ask->items[i]) != 0)
            ask->items[kept++] = ask->items[i];
    impact->items = ask->items;
    impact->count = kept;
}

polka_status polkai_impact_of(polkai_impact *impact, const polkai_choreography *all, const char *what, polka_arena *arena, polka_error *error)
{
    polkai_asker ask = { .all = all, .graph = all->graph, .arena = arena };
    const char *service = find_service(all->graph, what), *field = NULL;
    const polkai_event_node *event = service == NULL ? find_event(all->graph, what, &field) : NULL;
    *impact = (polkai_impact){ .kind = service != NULL ? "service" : field != NULL ? "field" : "event", .name = service };
    if (service == NULL && event == NULL)
        return unknown(&ask, what, error);
    if (service != NULL) {
        tell_gone(&ask, &(gone){ .service = service });
    } else if (field == NULL) {
        impact->name = event->name;
        tell_gone(&ask, &(gone){ .event = event });
    } else {
        impact->name = polkai_arena_format(arena, "%s.%s", event->name, field).data;
        TRY(polkai_impact_field(&ask, event, field, error));
    }
    settle(&ask, impact);
    return POLKA_OK;
}
