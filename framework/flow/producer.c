/* producer.c: a unit of work without a cause: an edge or a program that only emits. Any thread, one a unit. */
#include <base/error.h>
#include <flow/inner.h>

#include <stdlib.h>

enum { ACKNOWLEDGED_WITHIN_MS = 30000, POLL_MS = 10 };

polka_context *polkai_flow_begin(polkai_flow *flow)
{
    polkai_delivery *delivery = polkai_alloc(sizeof *delivery);
    delivery->flow = flow;
    delivery->now_ms = flow->options.clock->wall_ms(flow->options.clock);
    polka_context *unit = polkai_arena_zeroed(&delivery->arena, 1, sizeof *unit);
    *unit = (polka_context){ .flow = flow, .delivery = delivery, .arena = &delivery->arena, .attempt = 1 };
    delivery->units = unit;
    atomic_init(&delivery->pending, 1);
    polkai_context_begin_attempt(unit);
    return unit;
}

static void forget(polkai_delivery *delivery)
{
    free(delivery->units->refused_error);
    polkai_arena_deinit(&delivery->arena);
    free(delivery);
}

/* The committer and the reports share a delivery; the last of them frees it. */
static void leave(polkai_delivery *delivery)
{
    if (atomic_fetch_sub(&delivery->pending, 1) == 1)
        forget(delivery);
}

/* Not in the arena: the thread that reports is not the one that emits and commits. */
static void remember(const polkai_sending *sending, const polkai_report *report)
{
    polka_context *unit = sending->unit;
    polka_error *failure = polkai_alloc(sizeof *failure);
    polkai_fail(failure, report->status, report->code, "%.*s: %s", POLKA_TEXT_ARGS(sending->record.topic), report->message);
    pthread_mutex_lock(&unit->flow->lock);
    if (unit->refused_error == NULL) {
        unit->refused_error = failure;
        failure = NULL;
    }
    pthread_mutex_unlock(&unit->flow->lock);
    free(failure);
}

void polkai_producer_report(polkai_sending *sending, const polkai_report *report)
{
    polkai_delivery *delivery = sending->unit->delivery;
    if (delivery->flow->tracing != NULL)
        polkai_trace_sent(sending, report);
    if (report->status != POLKA_OK) {
        remember(sending, report);
    } else {
        polkai_count(delivery->flow, COUNT_EMITTED);
    }
    atomic_store(&sending->settled, true);
    leave(delivery);
}

static polka_status late(polka_context *unit, const polkai_sending *sending, polka_error *error)
{
    (void)unit;
    return polkai_fail(error, POLKA_TRANSIENT, "not-acknowledged",
                       "%.*s: not acknowledged within %d s, and its fate is not known; is a broker there, and the topic, and polka.schemas?",
                       POLKA_TEXT_ARGS(sending->record.topic), ACKNOWLEDGED_WITHIN_MS / 1000);
}

static bool poll_until(polkai_flow *flow, int64_t until_ns)
{
    pthread_mutex_lock(&flow->polling);
    flow->sink->operations->poll(flow->sink, POLL_MS);
    polkai_send_waiting(flow, flow->options.clock->steady_ns(flow->options.clock));
    pthread_mutex_unlock(&flow->polling);
    return flow->options.clock->steady_ns(flow->options.clock) < until_ns;
}

static polka_status send_one(polka_context *unit, polkai_sending *sending, int64_t until_ns, polka_error *error)
{
    polkai_flow *flow = unit->flow;
    while (!polkai_send_is_announced(flow, sending->target))
        if (!poll_until(flow, until_ns))
            return late(unit, sending, error);
    for (;;) {
        atomic_fetch_add(&unit->delivery->pending, 1);
        polka_status status = polkai_send_now(flow, sending, error);
        if (status == POLKA_OK)
            return POLKA_OK;
        atomic_fetch_sub(&unit->delivery->pending, 1);
        if (status != POLKA_TRANSIENT)
            return status;
        if (!poll_until(flow, until_ns))
            return late(unit, sending, error);
    }
}

static polka_status send_all(polka_context *unit, polka_error *error)
{
    polkai_flow *flow = unit->flow;
    int64_t until_ns = flow->options.clock->steady_ns(flow->options.clock) + (int64_t)ACKNOWLEDGED_WITHIN_MS * 1000000;
    for (polkai_sending *each = unit->first; each != NULL; each = each->next)
        TRY(send_one(unit, each, until_ns, error));
    for (polkai_sending *each = unit->first; each != NULL; each = each->next)
        while (!atomic_load(&each->settled))
            if (!poll_until(flow, until_ns))
                return late(unit, each, error);
    return POLKA_OK;
}

polka_status polkai_flow_commit_take(polka_context *unit, polka_error *error)
{
    polka_status status = POLKA_OK;
    if (polkai_flow_is_of_parent(unit->flow))            /* with the unit: the parent has it, too */
        return polkai_fail(error, POLKA_MISUSE, "forked", "a child process cannot commit what the producer of its parent has: open one in the child");
    for (const polkai_sending *each = unit->first; each != NULL && unit->error == NULL; each = each->next)
        if (each->record.value.size + each->record.key.size > unit->flow->options.max_event_bytes)
            polkai_context_fail(unit, POLKA_POISON, "emission-too-large", "an emission of %s has %zu bytes; at most %zu are sent (emit.max_bytes)",
                                each->target->event->name, each->record.value.size, unit->flow->options.max_event_bytes);
    if (unit->error == NULL)
        status = send_all(unit, error);
    pthread_mutex_lock(&unit->flow->lock);
    const polka_error *failure = unit->error != NULL ? unit->error : unit->refused_error;
    if (status == POLKA_OK && failure != NULL) {
        *error = *failure;
        status = error->status;
    }
    pthread_mutex_unlock(&unit->flow->lock);
    leave(unit->delivery);
    return status;
}

void polkai_flow_abandon_take(polka_context *unit)
{
    leave(unit->delivery);
}
