/*
 * watch.c: handlers that run past their deadline. A thread cannot be ended safely in C, so one such handler ends the service: it is told
 * with its event and its stack, the others end, what is finished is committed. Or its lane is replaced (replace.c).
 *
 * No clock is read for an event: who looks adds up the time between two looks for which a lane stays in the same handler. A long time
 * without a look (the process was stopped, a rebalance waited) counts as GAP_NS, since then nobody ran.
 */
#include <base/error.h>
#include <flow/inner.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

enum { DEADLINE_MS = 60000, LOOK_NS = 10000000, GAP_NS = 1000000000, FRAME_TEXT = 200, TEXT = 256 };
enum { LATE_ANSWER_MS = 100, LATE_TOLD = 4 };           /* a drain that is late has no time to lose */

int64_t polkai_watch_deadline_ms(const polka_reaction *reaction)
{
    return reaction->deadline_ms == 0 ? DEADLINE_MS : reaction->deadline_ms;
}

static unsigned long long turns_of(const polkai_running *running)
{
    return atomic_load_explicit(&running->turns, memory_order_acquire);
}

/* ---- looking ---- */

static bool replaced(polkai_flow *flow, polkai_worker *worker, const polka_error *error)
{
    void (*told)(void *user, bool begins) = flow->options.replacing;
    if (told != NULL)
        told(flow->options.user, true);
    bool done = polkai_replace(flow, worker, error);
    if (told != NULL)
        told(flow->options.user, false);
    return done;
}

static void found(polkai_flow *flow, polkai_worker *worker, const polka_reaction *reaction)
{
    polka_error error;
    polkai_running *running = &worker->running;
    polkai_fail(&error, POLKA_FATAL, "handler-stuck", "%s (reaction %s) is past its deadline of %" PRId64 " ms: it runs since %" PRId64 " ms",
                reaction->function != NULL ? reaction->function : "the handler", polkai_reaction_name(reaction), polkai_watch_deadline_ms(reaction),
                running->ran_ns / 1000000);
    if (flow->options.replace_lanes && replaced(flow, worker, &error))
        return;
    running->stuck = true;
    if (flow->watch.stuck == NULL)
        flow->watch.stuck = worker;
    if (flow->threaded)
        polkai_settle_stop(flow, &error);
    else
        flow->options.stuck(flow->options.user, &error);
}

static void look_at(polkai_flow *flow, polkai_worker *worker, int64_t passed_ns)
{
    polkai_running *running = &worker->running;
    unsigned long long turns = turns_of(running);
    if (!flow->threaded && (turns != running->seen || turns % 2 == 1))
        polkai_pulse_beat(flow, flow->watch.looked_ns);  /* the poll thread handles; how long it may is the deadline's to say */
    if (!flow->threaded && turns % 2 == 1)
        atomic_store_explicit(&flow->watch.poll_due, true, memory_order_relaxed);
    if (turns != running->seen || turns % 2 == 0) {
        running->seen = turns;
        running->ran_ns = 0;
        return;
    }
    running->ran_ns += passed_ns;
    const polka_reaction *reaction = atomic_load_explicit(&running->reaction, memory_order_acquire);
    if (!running->stuck && running->ran_ns >= polkai_watch_deadline_ms(reaction) * 1000000 && turns_of(running) == turns)
        found(flow, worker, reaction);
}

void polkai_watch_look(polkai_flow *flow, int64_t now_ns)
{
    polkai_watch *watch = &flow->watch;
    if (now_ns < watch->due_ns)
        return;
    int64_t passed_ns = now_ns - watch->looked_ns;
    watch->looked_ns = now_ns;
    watch->due_ns = now_ns + LOOK_NS;
    for (size_t i = 0; i < flow->worker_count; i++)
        look_at(flow, flow->workers[i], passed_ns < GAP_NS ? passed_ns : GAP_NS);
}

bool polkai_watch_is_stuck(const polkai_worker *worker)
{
    return worker->running.stuck && turns_of(&worker->running) == worker->running.seen;
}

/* ---- telling ---- */

bool polkai_watch_hold(polkai_worker *worker, int timeout_ms)
{
    polkai_running *running = &worker->running;
    if (running->hold == NULL)
        running->hold = polkai_alloc(sizeof *running->hold);
    return polkai_hold_thread(running->hold, polkai_lane_thread(worker->lane), timeout_ms);
}

/* What is told of a handler's event: copies, since the line is written when its thread may run again. */
typedef struct {
    bool held;
    unsigned attempt;
    polka_text type, id, correlation_id, key;
    char memory[4][TEXT];
} sight;

static polka_text copied(char memory[TEXT], polka_text text)
{
    size_t size = text.size < TEXT ? text.size : TEXT;
    if (text.data == NULL)
        return text;
    memcpy(memory, text.data, size);
    return (polka_text){ size, memory };
}

/* Of a thread that does not answer nothing is read that it may be writing. */
static void take_in(sight *seen, const polkai_running *running, bool held)
{
    const polka_cause *cause = &running->unit->cause;
    *seen = (sight){ .held = held, .attempt = running->unit->attempt };
    if (!held)
        return;
    seen->type = copied(seen->memory[0], cause->type);
    seen->id = copied(seen->memory[1], cause->id);
    seen->correlation_id = copied(seen->memory[2], cause->correlation_id);
    seen->key = copied(seen->memory[3], cause->key);
}

static void log_line(const polkai_flow *flow, const polkai_worker *worker, const sight *seen, const polka_error *error, const char *what_now)
{
    const polkai_running *running = &worker->running;
    const polkai_delivery *delivery = running->unit->delivery;       /* as long as it is not collected, it does not change */
    char lines[POLKAI_FRAMES][FRAME_TEXT];
    polka_text stack[POLKAI_FRAMES];
    polkai_log_fields fields = { .reaction = polka_text_of(polkai_reaction_name(running->unit->reaction)), .stack = stack,
                                 .event = seen->type, .event_id = seen->id, .correlation_id = seen->correlation_id,
                                 .stack_count = seen->held ? (size_t)running->hold->count : 0 };
    for (size_t i = 0; i < fields.stack_count; i++) {
        polkai_frame_write(lines[i], sizeof lines[i], running->hold->frames[i], i == 0);
        stack[i] = polka_text_of(lines[i]);
    }
    polkai_log_write(flow->options.log, POLKAI_LOG_ERROR, &fields,
                     "%s. Event %.*s at %.*s/%" PRId32 "/%" PRId64 ", key %.*s, correlation %.*s, attempt %u%s. %s", error->message,
                     POLKA_TEXT_ARGS(fields.event_id), POLKA_TEXT_ARGS(delivery->partition->topic), delivery->partition->number, delivery->record.offset,
                     seen->key.data == NULL ? 4 : (int)seen->key.size, seen->key.data == NULL ? "none" : seen->key.data,
                     POLKA_TEXT_ARGS(fields.correlation_id), seen->attempt, seen->held ? "" : ". Its thread does not answer, so its stack cannot be read",
                     what_now);
}

/* What is told does not change while a handler is in it, or is lost in it. */
void polkai_watch_log(const polkai_flow *flow, const polkai_worker *worker, const polka_error *error, bool stack, const char *then)
{
    sight seen;
    take_in(&seen, &worker->running, stack);
    log_line(flow, worker, &seen, error, then);
}

bool polkai_flow_log_stuck(polkai_flow *flow, const polka_error *error)
{
    polkai_worker *worker = flow->watch.stuck;
    bool held = polkai_watch_hold(worker, POLKAI_ANSWER_MS), still = polkai_watch_is_stuck(worker);
    polkai_ending_event event;
    sight seen;
    const polkai_flow_breaker *breaker = &flow->options.breaker;
    if (still) {
        take_in(&seen, &worker->running, held);
        if (breaker->stuck != NULL && polkai_running_event(&worker->running, &event))
            breaker->stuck(breaker->user, &event);
        log_line(flow, worker, &seen, error, "What is finished is committed, and the process ends with 4; a longer .deadline_ms of the reaction allows more");
    }
    if (!still && !flow->threaded) {
        worker->running.stuck = false;
        flow->watch.stuck = NULL;
    }
    if (flow->threaded || !still)        /* it may still end while the others do */
        polkai_hold_release(worker->running.hold);
    if (!still)                          /* after the release: the thread may be anywhere by now, also inside the log */
        LOG_WARN(flow->options.log, "%s. It has ended a moment later", error->message);
    return still;
}

/* Nothing is written while it is held: it may hold a lock of the allocator, and this process has to commit and to leave. */
static void tell_late(const polkai_flow *flow, polkai_worker *worker, int64_t deadline_ms)
{
    sight seen;
    polka_error late;
    const polkai_running *running = &worker->running;
    bool held = polkai_watch_hold(worker, LATE_ANSWER_MS), runs = turns_of(running) % 2 == 1;
    if (runs)
        take_in(&seen, running, held);
    polkai_hold_release(running->hold);
    if (!runs)
        return;
    const polka_reaction *reaction = atomic_load_explicit(&running->reaction, memory_order_acquire);
    (void)!polkai_fail(&late, POLKA_TRANSIENT, "drain-deadline", "%s (reaction %s) has not ended within the drain deadline of %" PRId64 " ms",
                       reaction->function != NULL ? reaction->function : "the handler", polkai_reaction_name(reaction), deadline_ms);
    log_line(flow, worker, &seen, &late, "The event is handled again by its next owner; a longer drain.deadline_ms allows more");
}

void polkai_watch_tell_late(polkai_flow *flow, int64_t deadline_ms)
{
    size_t late = 0;
    for (size_t i = 0; i < flow->worker_count; i++) {
        polkai_worker *worker = flow->workers[i];
        if (worker->lane == NULL || worker->running.stuck || turns_of(&worker->running) % 2 == 0)
            continue;
        if (late++ < LATE_TOLD)
            tell_late(flow, worker, deadline_ms);
    }
    if (late > LATE_TOLD)
        LOG_ERROR(flow->options.log, "%zu handlers more have not ended within the drain deadline", late - LATE_TOLD);
}

/* ---- the thread that looks where the poll thread runs the handlers ---- */

static void *watch_inline(void *argument)
{
    polkai_flow *flow = argument;
    polkai_watch *watch = &flow->watch;
    struct timespec until;
    pthread_mutex_lock(&watch->lock);
    while (!watch->stopping && watch->stuck == NULL) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += watch->every_ns;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_cond_timedwait(&watch->changed, &watch->lock, &until) != ETIMEDOUT)
            continue;
        pthread_mutex_unlock(&watch->lock);
        polkai_watch_look(flow, flow->options.clock->steady_ns(flow->options.clock));
        pthread_mutex_lock(&watch->lock);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

/* So that a handler is found late by an eighth of the shortest deadline, or a second. */
static int64_t look_every_ns(const polka_service *service)
{
    int64_t every_ns = GAP_NS - 1;
    for (const polka_reaction *row = service->reactions; row != NULL && row->polka_row == 1; row++) {
        int64_t eighth_ns = polkai_watch_deadline_ms(row) * 1000000 / 8;
        every_ns = eighth_ns < every_ns ? eighth_ns : every_ns;
    }
    return every_ns < LOOK_NS ? LOOK_NS : every_ns;
}

polka_status polkai_watch_start(polkai_flow *flow, polka_error *error)
{
    polkai_watch *watch = &flow->watch;
    if (flow->threaded || flow->options.stuck == NULL || flow->options.clock != &polkai_clock_real)
        return POLKA_OK;
    pthread_condattr_t steady;
    sigset_t all, before;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &steady);
    pthread_condattr_destroy(&steady);
    pthread_mutex_init(&watch->lock, NULL);
    watch->every_ns = look_every_ns(flow->service);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&watch->thread, NULL, watch_inline, flow);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ENSURE(failed == 0, POLKA_FATAL, error, "no-thread", "cannot start the thread that watches the deadlines of handlers: %s", strerror(failed));
    watch->started = true;
    return POLKA_OK;
}

void polkai_watch_stop(polkai_flow *flow)
{
    polkai_watch *watch = &flow->watch;
    if (!watch->started || pthread_equal(watch->thread, pthread_self()))
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    watch->started = false;
}
