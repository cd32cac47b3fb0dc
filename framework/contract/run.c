/* run.c: events by their causes, and the steps of a contract. */
#include <contract/run.h>

#include <base/arena.h>
#include <stdlib.h>

static bool is_one_of(const polkai_contract_events *events, const polkai_happened *event)
{
    return event->type != NULL && polkai_contract_lists(events, event->type);
}

bool polkai_contract_begins(const polkai_contract *contract, const polkai_happenings *run)
{
    for (size_t i = 0; i < run->count; i++)
        if (is_one_of(&contract->starts, &run->events[i]))
            return true;
    return false;
}

/* Marks what an end ends: all that led to it. Does that include a beginning? Causes may go round. */
static bool mark_ended(const polkai_contract *contract, const polkai_happenings *run, size_t end, bool *marks)
{
    bool begun = false;
    size_t steps = 0;
    for (size_t at = end; at != SIZE_MAX && steps++ < run->count; at = run->events[at].cause) {
        marks[at] = true;
        begun = begun || is_one_of(&contract->starts, &run->events[at]);
    }
    return begun;
}

bool polkai_contract_has_ended(const polkai_contract *contract, const polkai_happenings *run)
{
    size_t open = 0, loose = 0, ends = 0;
    bool *marks = polkai_alloc((run->count + 1) * sizeof *marks);
    for (size_t i = 0; i < run->count; i++)
        if (is_one_of(&contract->ends, &run->events[i])) {
            ends++;
            loose += !mark_ended(contract, run, i, marks);
        }
    for (size_t i = 0; i < run->count; i++)
        open += is_one_of(&contract->starts, &run->events[i]) && !marks[i];
    free(marks);
    return ends > 0 && open <= loose;
}

size_t polkai_contract_follows(const polkai_contract_step *step, const polkai_happenings *run, size_t event)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->events[i].cause == event && is_one_of(&step->one_of, &run->events[i]))
            return i;
    return SIZE_MAX;
}
