/* breaker.c: an event at which the process ended again and again is not handled any more: it becomes a dead letter, and its key flows on. */
#include <base/error.h>
#include <flow/inner.h>

static polkai_ending_event event_of(const polka_context *unit)
{
    const polkai_record *record = &unit->delivery->record;
    return (polkai_ending_event){ .cluster = unit->flow->cluster, .topic = record->topic, .reaction = polka_text_of(polkai_reaction_name(unit->reaction)),
                                  .partition = record->partition, .offset = record->offset, .timestamp_ms = record->timestamp_ms };
}

bool polkai_running_event(const polkai_running *running, polkai_ending_event *event)
{
    unsigned long long turns = atomic_load_explicit(&running->turns, memory_order_acquire);
    if (turns % 2 == 0 || turns == POLKAI_LOST)          /* of one that is lost the event has ended */
        return false;
    *event = event_of(running->unit);
    return true;
}

void polkai_breaker_look(polkai_flow *flow, const polkai_position *partitions, size_t count)
{
    const polkai_flow_breaker *breaker = &flow->options.breaker;
    if (breaker->known != NULL)
        atomic_store_explicit(&flow->ends, breaker->known(breaker->user, partitions, count), memory_order_release);
}

bool polkai_breaker_stops(polka_context *unit, const polkai_ends *ends)
{
    polkai_ending_event event = event_of(unit);
    const polkai_ending *ending = polkai_ends_find(ends, &event);
    if (ending == NULL || ending->count < unit->flow->options.breaker.attempts)
        return false;
    char at[25];
    polkai_time_write(at, ending->last_ms);
    unit->attempt = ending->count;
    unit->first_failed_ms = ending->first_ms;
    polkai_settle_letter(unit, "handler", "crash-loop", polkai_arena_format(unit->arena,
                         "the process ended %u times in this reaction at this event (%s, %s, %s), the last time at %s; it is not handled again", ending->count,
                         ending->how[0], *ending->how[1] != '\0' ? ending->how[1] : "-", *ending->how[2] != '\0' ? ending->how[2] : "-", at));
    return true;
}
