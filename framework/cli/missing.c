/* missing.c: manifests and contracts against the events that are there, and against how far each group is. */
#include <cli/missing.h>
#include <cli/project.h>

#include <base/arena.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

enum { REACTION_MS = 60000 };

/* ---- contracts ---- */

static bool fulfils(const polkai_contract_step *step, const polkai_manifest_reaction *reaction)
{
    for (size_t i = 0; i < reaction->emit_count; i++)
        if (polkai_contract_lists(&step->one_of, reaction->emits[i]))
            return true;
    return false;
}

/* What happened, for the contract; `events` is new (free). */
static polkai_happenings run_of(const cli_flow *flow)
{
    polkai_happened *events = polkai_alloc((flow->count + 1) * sizeof *events);
    for (size_t i = 0; i < flow->count; i++) {
        const cli_node *node = &flow->nodes[i];
        events[i] = (polkai_happened){ node->letter == NULL ? node->type : NULL, node->parent };
    }
    return (polkai_happenings){ flow->count, events };
}

static const polkai_contract *contract_of(const cli_expected *expected, const polkai_happenings *run)
{
    for (size_t i = 0; i < expected->contract_count; i++)
        if (polkai_contract_begins(expected->contracts[i], run))
            return expected->contracts[i];
    return NULL;
}

const char *cli_expected_ends(const cli_expected *expected, const cli_flow *flow, bool *ended)
{
    const polkai_happenings run = run_of(flow);
    const polkai_contract *contract = contract_of(expected, &run);
    *ended = contract != NULL && polkai_contract_has_ended(contract, &run);
    free(run.events);
    return contract == NULL ? NULL : contract->name;
}

/* The rule is in missing.h. A forged time may be at either end of the numbers. */
static int64_t certain_since(const cli_expected *expected, const cli_node *node)
{
    if (node->came_ms != 0 && !node->was_there)
        return node->came_ms;
    int64_t latest = node->written_ms < INT64_MAX - expected->skew_ms ? node->written_ms + expected->skew_ms : INT64_MAX;
    return node->came_ms != 0 && node->came_ms < latest ? node->came_ms : latest;
}

/* Nobody is late with what was there before him. */
static int64_t age_of(const cli_expected *expected, const cli_node *node, int64_t declared_ms, int64_t now_ms)
{
    int64_t since_ms = certain_since(expected, node);
    since_ms = declared_ms > since_ms ? declared_ms : since_ms;
    since_ms = since_ms > 0 ? since_ms : 0;
    return now_ms > since_ms ? now_ms - since_ms : 0;
}

/* ---- reactions ---- */

static bool emits(const polkai_manifest_reaction *reaction, const char *type)
{
    for (size_t i = 0; type != NULL && i < reaction->emit_count; i++)
        if (strcmp(reaction->emits[i], type) == 0)
            return true;
    return false;
}

static bool seen(const cli_flow *flow, size_t event, const polkai_manifest *service, const polkai_manifest_reaction *reaction)
{
    for (size_t i = 0; i < flow->count; i++) {
        const cli_node *node = &flow->nodes[i];
        if (node->parent != event)
            continue;
        if (node->letter != NULL && strcmp(node->group, service->group) == 0 && (strcmp(node->reaction, reaction->name) == 0 || strcmp(node->reaction, "-") == 0))
            return true;
        if (node->letter == NULL && emits(reaction, node->type) && strcmp(cli_node_service(node), service->service) == 0)
            return true;
    }
    return false;
}

static int64_t within_of(const polkai_contract *contract, const polkai_manifest_reaction *reaction)
{
    for (size_t i = 0; contract != NULL && i < contract->step_count; i++)
        if (contract->steps[i].within_ms > 0 && polkai_contract_lists(&contract->steps[i].after, reaction->hears.event) && fulfils(&contract->steps[i], reaction))
            return contract->steps[i].within_ms;
    return reaction->deadline_ms > 0 ? reaction->deadline_ms : REACTION_MS;
}

static char *joined(const char *const *names, size_t count)
{
    char *all = polkai_strdup("");
    for (size_t i = 0; i < count; i++) {
        char *longer = cli_format("%s%s%s", all, i == 0 ? "" : i + 1 == count ? " or " : ", ", names[i]);
        free(all);
        all = longer;
    }
    return all;
}

static void add(cli_flow *flow, cli_missing missing)
{
    flow->missing = polkai_realloc(flow->missing, (flow->missing_count + 1) * sizeof *flow->missing);
    flow->missing[flow->missing_count++] = missing;
}

bool cli_flow_misses(const cli_flow *flow, size_t event, const char *group, const char *reaction)
{
    for (size_t i = 0; i < flow->missing_count; i++) {
        const cli_missing *at = &flow->missing[i];
        if (at->node == event && at->group != NULL && strcmp(at->group, group) == 0 && strcmp(at->reaction, reaction) == 0)
            return true;
    }
    return false;
}

/* Whether it has happened is then for its group to tell. */
static bool is_open(const cli_flow *flow, size_t event, const cli_hearer *hearer)
{
    return strcmp(hearer->reaction->hears.topic, flow->nodes[event].topic) == 0 && !seen(flow, event, hearer->service, hearer->reaction);
}

static void hold_reaction(const cli_expected *expected, cli_flow *flow, const polkai_contract *contract, size_t event, const cli_hearer *hearer, int64_t now_ms)
{
    const cli_node *node = &flow->nodes[event];
    const polkai_manifest *service = hearer->service;
    const polkai_manifest_reaction *reaction = hearer->reaction;
    if (!is_open(flow, event, hearer) || cli_flow_misses(flow, event, service->group, reaction->name))         /* two versions of one service */
        return;
    const cli_place *at = cli_places_find(&expected->places, service->group, node->topic, node->partition);
    int64_t committed = at != NULL ? at->committed : -1, high = at != NULL ? at->high : -1;
    if (committed > node->offset)
        return;
    int64_t age_ms = age_of(expected, node, hearer->since_ms, now_ms), within_ms = within_of(contract, reaction);
    add(flow, (cli_missing){ .node = event, .stalled = age_ms > within_ms, .service = polkai_strdup(service->service), .group = polkai_strdup(service->group),
                             .reaction = polkai_strdup(reaction->name), .events = joined(reaction->emits, reaction->emit_count), .age_ms = age_ms,
                             .within_ms = within_ms, .lag = high < 0 ? -1 : high - (committed < 0 ? 0 : committed) });
}

/* ---- steps ---- */

/* A step that a missing reaction may still fulfil is told of by that. */
static bool is_awaited(const cli_flow *flow, size_t event)
{
    for (size_t i = 0; i < flow->missing_count; i++)
        if (flow->missing[i].node == event && flow->missing[i].group != NULL)
            return true;
    return false;
}

static void hold_steps(const cli_expected *expected, cli_flow *flow, const polkai_contract *contract, const polkai_happenings *run, size_t event,
                       int64_t now_ms)
{
    const cli_node *node = &flow->nodes[event];
    if (flow->beyond > 0)                /* what follows may be among those that were not kept; of reactions their groups tell */
        return;
    for (size_t i = 0; contract != NULL && i < contract->step_count; i++) {
        const polkai_contract_step *step = &contract->steps[i];
        if (!polkai_contract_lists(&step->after, node->type) || polkai_contract_follows(step, run, event) != SIZE_MAX || is_awaited(flow, event))
            continue;
        char **names = polkai_alloc((step->one_of.count + 1) * sizeof *names);
        for (size_t n = 0; n < step->one_of.count; n++)
            names[n] = cli_format("%.*s", POLKA_TEXT_ARGS(step->one_of.items[n]->text));
        int64_t age_ms = age_of(expected, node, 0, now_ms);
        add(flow, (cli_missing){ .node = event, .stalled = step->within_ms > 0 && age_ms > step->within_ms, .contract = polkai_strdup(contract->name),
                                 .events = joined((const char *const *)names, step->one_of.count), .age_ms = age_ms, .within_ms = step->within_ms, .lag = -1 });
        for (size_t n = 0; n < step->one_of.count; n++)
            free(names[n]);
        free(names);
    }
}

/* ---- a flow ---- */

/* What somebody may be expected to react to. */
static bool is_event(const cli_node *node) { return node->letter == NULL && node->type != NULL; }

void cli_expected_need(cli_expected *expected, const cli_flow *flow)
{
    for (size_t i = 0; i < flow->count; i++) {
        size_t count = 0;
        const cli_node *node = &flow->nodes[i];
        const cli_hearer *hearers = is_event(node) ? cli_hearers_of(&expected->hearers, node->type, &count) : NULL;
        for (size_t h = 0; h < count; h++)
            if (is_open(flow, i, &hearers[h]))
                cli_places_need(&expected->places, hearers[h].service->group, node->topic, node->partition);
    }
}

polka_status cli_expected_ask(cli_expected *expected, polka_error *error)
{
    return cli_places_ask(&expected->places, expected->admin, error);
}

void cli_expected_hold(const cli_expected *expected, cli_flow *flow, int64_t now_ms)
{
    const polkai_happenings run = run_of(flow);
    const polkai_contract *contract = contract_of(expected, &run);
    for (size_t i = 0; i < flow->count; i++) {
        size_t count = 0;
        if (!is_event(&flow->nodes[i]))
            continue;
        const cli_hearer *hearers = cli_hearers_of(&expected->hearers, flow->nodes[i].type, &count);
        for (size_t h = 0; h < count; h++)
            hold_reaction(expected, flow, contract, i, &hearers[h], now_ms);
        hold_steps(expected, flow, contract, &run, i, now_ms);
    }
    free(run.events);
}

void cli_expected_forget(cli_expected *expected)
{
    cli_places_forget(&expected->places);
}

void cli_expected_free(cli_expected *expected)
{
    cli_expected_forget(expected);
    cli_hearers_free(&expected->hearers);
}
