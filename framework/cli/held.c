/* held.c: a table by correlation id, and two lines by age. */
#include <cli/held.h>

#include <base/arena.h>
#include <base/identity.h>
#include <cli/project.h>
#include <stdlib.h>

/* ---- lines ---- */

static void leave(cli_held_line *line, cli_held *held)
{
    *(held->before != NULL ? &held->before->after : &line->first) = held->after;
    *(held->after != NULL ? &held->after->before : &line->last) = held->before;
    held->before = held->after = NULL;
    line->count--;
}

static void join(cli_held_line *line, cli_held *held)
{
    held->before = line->last;
    *(line->last != NULL ? &line->last->after : &line->first) = held;
    line->last = held;
    line->count++;
}

static cli_held_line *line_of(cli_holding *holding, const cli_held *held)
{
    return held->ended ? &holding->ended : &holding->running;
}

/* ---- the table ---- */

static cli_held **slot_of(cli_holding *holding, polka_text correlation)
{
    cli_held **at = &holding->slots[polkai_key_hash(correlation.data, correlation.size) & (holding->slot_count - 1)];
    while (*at != NULL && !polka_text_equal(polka_text_of((*at)->flow.correlation), correlation))
        at = &(*at)->next;
    return at;
}

static void forget(cli_holding *holding, cli_held *held)
{
    cli_held **slot = slot_of(holding, polka_text_of(held->flow.correlation));
    *slot = held->next;
    leave(line_of(holding, held), held);
    cli_flow_free(&held->flow);
    for (size_t i = 0; i < held->stalls; i++)
        free(held->said[i]);
    free(held->said);
    free(held);
}

static void make_room(cli_holding *holding)
{
    if (holding->running.count + holding->ended.count < holding->limit)
        return;
    holding->forgotten += holding->ended.count == 0;
    forget(holding, holding->ended.count > 0 ? holding->ended.first : holding->running.first);
}

void cli_holding_open(cli_holding *holding, size_t limit)
{
    *holding = (cli_holding){ .limit = limit, .slot_count = 1024 };
    while (holding->slot_count < limit)
        holding->slot_count *= 2;
    holding->slots = polkai_alloc(holding->slot_count * sizeof *holding->slots);
}

void cli_holding_close(cli_holding *holding)
{
    while (holding->running.first != NULL)
        forget(holding, holding->running.first);
    while (holding->ended.first != NULL)
        forget(holding, holding->ended.first);
    free(holding->slots);
}

cli_held *cli_holding_touch(cli_holding *holding, polka_text correlation, int64_t now_ms)
{
    cli_held *held = *slot_of(holding, correlation);
    if (held == NULL) {
        make_room(holding);
        held = polkai_alloc(sizeof *held);
        held->flow.correlation = cli_format("%.*s", POLKA_TEXT_ARGS(correlation));
        held->look_ms = INT64_MAX;
        *slot_of(holding, correlation) = held;
    } else {
        leave(line_of(holding, held), held);
    }
    join(line_of(holding, held), held);
    held->touched_ms = now_ms;
    return held;
}

void cli_holding_add(cli_held *held, cli_node node)
{
    held->flow.limit = CLI_HELD_EVENTS;
    cli_flow_add(&held->flow, node);
}

void cli_holding_end(cli_holding *holding, cli_held *held)
{
    leave(&holding->running, held);
    held->ended = true;
    join(&holding->ended, held);
}

void cli_holding_expire(cli_holding *holding, int64_t before_ms)
{
    for (cli_held *held = holding->running.first, *after; held != NULL && held->touched_ms < before_ms; held = after) {
        after = held->after;
        if (held->look_ms == INT64_MAX)  /* else it has a time to come, of a contract perhaps that gives a day */
            forget(holding, held);
    }
    while (holding->ended.first != NULL && holding->ended.first->touched_ms < before_ms)
        forget(holding, holding->ended.first);
}

void cli_held_look_by(cli_held *held, int64_t at_ms)
{
    held->look_ms = at_ms < held->look_ms ? at_ms : held->look_ms;
}

bool cli_held_say(cli_held *held, const char *what)
{
    for (size_t i = 0; i < held->stalls; i++)
        if (strcmp(held->said[i], what) == 0)
            return false;
    held->said = polkai_realloc(held->said, (held->stalls + 1) * sizeof *held->said);
    held->said[held->stalls++] = polkai_strdup(what);
    return true;
}
