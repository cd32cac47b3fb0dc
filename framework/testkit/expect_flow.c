/* expect_flow.c: all of a test, from what was given on, held against a flow contract. */
#include <contract/run.h>
#include <testkit/inner.h>

#include <stdio.h>

/* What happened, each event once: a redelivered one and what it causes come again with their ids. */
typedef struct { polkai_happenings run; const said **events; } history;

static size_t find(const history *all, polka_text id)
{
    for (size_t i = 0; id.data != NULL && i < all->run.count; i++)
        if (polka_text_equal(all->events[i]->id, id))
            return i;
    return SIZE_MAX;
}

static history history_of(polka_test *test)
{
    size_t count = 0;
    for (const said *at = test->first; at != NULL; at = at->next)
        count++;
    history all = { .run.events = polkai_arena_zeroed(&test->arena, count + 1, sizeof *all.run.events),
                    .events = polkai_arena_zeroed(&test->arena, count + 1, sizeof *all.events) };
    for (const said *at = test->first; at != NULL; at = at->next)
        if (!at->dead && at->type.data != NULL && find(&all, at->id) == SIZE_MAX)
            all.events[all.run.count++] = at;
    for (size_t i = 0; i < all.run.count; i++) {
        const said *at = all.events[i];
        all.run.events[i] = (polkai_happened){ polkai_arena_text(&test->arena, at->type.data, at->type.size).data, find(&all, at->cause) };
    }
    return all;
}

/* ---- failing ---- */

typedef struct { polka_test *test; const polkai_contract *contract; const char *file; int line; history all; } holding;

static const char *names(const holding *with, const polkai_contract_events *events)
{
    polka_text all = POLKA_TEXT("");
    for (size_t i = 0; i < events->count; i++)
        all = polkai_arena_format(&with->test->arena, "%.*s%s%.*s", POLKA_TEXT_ARGS(all), i == 0 ? "" : i + 1 == events->count ? " or " : ", ",
                                  POLKA_TEXT_ARGS(events->items[i]->text));
    return all.data;
}

static const char *all_that_came(const holding *with)
{
    polka_arena *arena = &with->test->arena;
    polka_text text = POLKA_TEXT("");
    int64_t began_ms = with->test->first == NULL ? 0 : with->test->first->record->timestamp_ms;
    for (const said *at = with->test->first; at != NULL; at = at->next) {
        int64_t after_ms = at->record->timestamp_ms - began_ms;
        if (at->dead)
            text = polkai_arena_format(arena, "%.*s\n  dead letter of %.*s: %.*s  +%" PRId64 " ms", POLKA_TEXT_ARGS(text), POLKA_TEXT_ARGS(at->type),
                                       POLKA_TEXT_ARGS(at->reason), after_ms);
        else
            text = polkai_arena_format(arena, "%.*s\n  %.*s%s  +%" PRId64 " ms", POLKA_TEXT_ARGS(text), POLKA_TEXT_ARGS(at->type), at->given ? ", given" : "",
                                       after_ms);
    }
    return text.size == 0 ? " nothing" : text.data;
}

/* At its place in the contract. */
static _Noreturn void fail(const holding *with, const polkai_yaml *node, polka_text what)
{
    polkai_test_fail(with->file, with->line, "flow %s (%s:%u:%u): %.*s; what came:%s", with->contract->name, node->file, node->line, node->column,
                     POLKA_TEXT_ARGS(what), all_that_came(with));
}

/* ---- holding ---- */

static int64_t at_ms(const holding *with, size_t event) { return with->all.events[event]->record->timestamp_ms; }

static void hold_step(const holding *with, const polkai_contract_step *step, size_t event)
{
    const polkai_happenings *run = &with->all.run;
    polka_arena *arena = &with->test->arena;
    const char *after = run->events[event].type;
    size_t next = polkai_contract_follows(step, run, event);
    if (next == SIZE_MAX) {
        bool may_come = step->within_ms > polkai_test_wall_ms(with->test) - at_ms(with, event);
        fail(with, step->node, polkai_arena_format(arena, "after %s no %s came of it%s", after, names(with, &step->one_of),
                                                   may_come ? " yet (polka_test_advance_ms lets time pass)" : ""));
    }
    int64_t took_ms = at_ms(with, next) - at_ms(with, event);
    if (step->within_ms > 0 && took_ms > step->within_ms)
        fail(with, step->node, polkai_arena_format(arena, "%s came %" PRId64 " ms after %s, not within %" PRId64 " ms", run->events[next].type, took_ms, after,
                                                   step->within_ms));
}

static void hold(const holding *with)
{
    const polkai_contract *contract = with->contract;
    const polkai_happenings *run = &with->all.run;
    polka_arena *arena = &with->test->arena;
    if (!polkai_contract_begins(contract, run))
        fail(with, contract->node, polkai_arena_format(arena, "no %s begins it", names(with, &contract->starts)));
    for (size_t event = 0; event < run->count; event++)
        for (size_t i = 0; i < contract->step_count; i++)
            if (polkai_contract_lists(&contract->steps[i].after, run->events[event].type))
                hold_step(with, &contract->steps[i], event);
    if (!polkai_contract_has_ended(contract, run))
        fail(with, contract->node, polkai_arena_format(arena, "not each %s led to an end, %s", names(with, &contract->starts), names(with, &contract->ends)));
}

void polka_test_expect_flow(polka_test *test, const char *contract, const char *file, int line)
{
    polka_error error;
    polkai_contract *read;
    if (polkai_contract_read_file(&read, contract, &error) != POLKA_OK)
        polkai_test_fail(file, line, "%s", error.message);
    hold(&(holding){ test, read, file, line, history_of(test) });
    polkai_contract_destroy(read);
}
