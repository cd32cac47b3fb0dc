/* program.c: the life of a service: create, run until asked to stop, drain, leave. polka_main is no more than these. */
#include <base/error.h>
#include <service/alarm.h>
#include <service/assembly.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP_MS = 1000, LEAVE_MS = 1000, LATE_MS = 2000, REPLACE_MS = 5000, MISUSE = 2, HANDLER_STUCK = 4, DRAIN_LATE = 5, SECOND_SIGNAL = 130 };

struct polka_program {
    polkai_assembly assembly;
    polkai_alarm before_replacing;
    atomic_bool asked;                   /* to stop; a second signal leaves at once */
    atomic_bool stopping;                /* set after the flow was woken, so that nobody wakes a flow that drains */
};

/* A program whose lanes did not end: they still read all of it, so it stays; the pointer tells leak checkers that it is meant. */
static polka_program *volatile left_behind;

static bool is_of_parent(const polka_program *program)
{
    return program->assembly.flow != NULL && polkai_flow_is_of_parent(program->assembly.flow);
}

/* ---- signals ---- */

static _Atomic(polka_program *) running;                 /* the program that signals of this process are for */

/* Runs in a signal handler: atomics, flow_stop and _exit only. */
static void on_signal(int number)
{
    polka_program *program = atomic_load(&running);
    if (program == NULL)
        return;
    if (is_of_parent(program)) {         /* a child without exec: the signal is for it, and it has no drain */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    if (atomic_load(&program->asked))
        _exit(SECOND_SIGNAL);
    polka_service_stop(program);
}

/* Of several in a process the first has its signals, and its alarm. */
static bool is_running(const polka_program *program) { return atomic_load(&running) == program; }

typedef struct { struct sigaction term, interrupt, pipe; bool ours; } old_handlers;

/* SIGTERM and SIGINT drain, unless the program has handlers of its own. Ignored ones count as default: shells ignore SIGINT in the background. */
static void take_signal(int number, void (*handler)(int), struct sigaction *old)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    sigaction(number, NULL, old);
    if ((old->sa_flags & SA_SIGINFO) == 0 && (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN))
        sigaction(number, &action, NULL);
}

static void take_signals(polka_program *program, old_handlers *old)
{
    polka_program *none = NULL;
    old->ours = atomic_compare_exchange_strong(&running, &none, program);
    if (!old->ours)
        return;
    take_signal(SIGTERM, on_signal, &old->term);
    take_signal(SIGINT, on_signal, &old->interrupt);
    take_signal(SIGPIPE, SIG_IGN, &old->pipe);           /* whoever read the log is gone; the service goes on */
}

static void give_signals_back(old_handlers *old)
{
    if (!old->ours)
        return;
    sigaction(SIGTERM, &old->term, NULL);
    sigaction(SIGINT, &old->interrupt, NULL);
    sigaction(SIGPIPE, &old->pipe, NULL);
    atomic_store(&running, NULL);
}

/* ---- run ---- */

static void say(const polka_program *program, polka_text state, const char *what)
{
    polkai_flow_counts count = polkai_flow_count(program->assembly.flow);
    polkai_log_write(&program->assembly.log, POLKAI_LOG_INFO, &(polkai_log_fields){ .state = state },
                     "%s: %" PRIu64 " done, %" PRIu64 " skipped, %" PRIu64 " dead, %" PRIu64 " emitted, %" PRIu64 " in flight", what, count.done,
                     count.skipped, count.dead, count.emitted, count.in_flight);
}

static polka_status work(polka_program *program, polka_error *error)
{
    while (!atomic_load(&program->stopping)) {
        size_t moved;
        TRY(polkai_flow_step(program->assembly.flow, STEP_MS, &moved, error));
    }
    return POLKA_OK;
}

/* ---- an end in any case ---- */

static int64_t patience_ms(const polka_program *program)
{
    return polkai_config_number(program->assembly.config, "drain.deadline_ms") + LATE_MS;
}

/* A stuck thread may hold any lock; what the end of a program needs of them it does not get, and the process ends nevertheless. */
static void end_in_any_case(polkai_alarm *before, int code, int64_t most_ms)
{
    polkai_alarm_set(before, &(polkai_limit){ .code = code, .most_ms = most_ms });
}

/* A drain has limits for all that it waits for. Should one be missing, or a call of a library not come back, its end is known nevertheless, and told. */
static void end_in_time(const polka_program *program, int code, polkai_alarm *before)
{
    const polkai_log *log = &program->assembly.log;
    polkai_limit limit = { .code = code, .descriptor = log->descriptor, .most_ms = patience_ms(program) };
    bool json = log->format == POLKAI_LOG_JSON;
    snprintf(limit.text, sizeof limit.text,
             "%s%s%sthe drain stands still, %d ms past its deadline of %" PRId64 " ms: the process ends with %d; what was not committed is handled again. "
             "This is a fault of Polka or of librdkafka: please report it%s\n",
             json ? "{\"level\":\"error\",\"service\":\"" : "error ", log->service, json ? "\",\"message\":\"" : ": ", LATE_MS, limit.most_ms - LATE_MS,
             limit.code, json ? "\"}" : "");
    polkai_alarm_set(before, &limit);
}

static polka_status drain(polka_program *program, polka_error *error)
{
    say(program, POLKA_TEXT("draining"), "draining");
    TRY(polkai_flow_drain(program->assembly.flow, polkai_config_number(program->assembly.config, "drain.deadline_ms"), error));
    program->assembly.abandoned = polkai_flow_stays(program->assembly.flow);
    if (program->assembly.abandoned)
        LOG_WARN(&program->assembly.log, "handlers that were given up still run: %u; nothing waits for them, and they end with the process",
                 polkai_flow_lost(program->assembly.flow));
    say(program, POLKA_TEXT("drained"), "drained");
    return POLKA_OK;
}

/* After misuse or a fatal error: the others may end, nothing of the failed one is committed, the group is left. */
static void leave(polka_program *program, int64_t most_ms)
{
    polka_error ignored;
    int64_t deadline_ms = polkai_config_number(program->assembly.config, "drain.deadline_ms");
    if (polkai_flow_drain(program->assembly.flow, deadline_ms < most_ms ? deadline_ms : most_ms, &ignored) != POLKA_OK ||
        polkai_flow_stays(program->assembly.flow))
        program->assembly.abandoned = true;
}

/* ---- a handler that is past its deadline ---- */

/* With lanes: on the poll thread. */
static void leave_stuck(polka_program *program, const polka_error *error)
{
    polkai_alarm ignored;
    end_in_any_case(&ignored, HANDLER_STUCK, patience_ms(program));
    polkai_flow_log_stuck(program->assembly.flow, error);
    leave(program, INT64_MAX);
}

/* Inline: the thread that runs the service is in the handler, and does not come back from it. */
static void on_stuck(void *user, const polka_error *error)
{
    polka_program *program = user;
    polkai_alarm before;
    end_in_any_case(&before, HANDLER_STUCK, patience_ms(program));
    if (!polkai_flow_log_stuck(program->assembly.flow, error)) {
        polkai_alarm_clear(&before);
        return;
    }
    leave(program, INT64_MAX);
    _exit(HANDLER_STUCK);
}

/* Once a lane has been replaced the process goes on; when that hangs, it ends as it does by default. */
static void on_replacing(void *user, bool begins)
{
    polka_program *program = user;
    if (begins)
        end_in_any_case(&program->before_replacing, HANDLER_STUCK, REPLACE_MS);
    else
        polkai_alarm_clear(&program->before_replacing);
}

/* After work that failed, or a drain that did. */
static int fail(polka_program *program, bool worked, const polka_error *error)
{
    int code = polkai_exit_code(error);
    if (code == HANDLER_STUCK) {
        leave_stuck(program, error);
        return code;
    }
    LOG_ERROR(&program->assembly.log, "%s", error->message);
    if (!worked)
        leave(program, LEAVE_MS);
    program->assembly.abandoned = program->assembly.abandoned || worked;
    return code;
}

static int run(polka_program *program)
{
    polka_error error = { 0 };
    polkai_alarm before;
    if (polkai_assembly_start(&program->assembly, &error) != POLKA_OK) {
        LOG_ERROR(&program->assembly.log, "%s", error.message);
        return polkai_exit_code(&error);
    }
    polka_status status = work(program, &error);
    bool worked = status == POLKA_OK, limited = is_running(program);
    if (limited)
        end_in_time(program, worked ? DRAIN_LATE : polkai_exit_code(&error), &before);
    if (worked)
        status = drain(program, &error);
    int code = status == POLKA_OK ? 0 : fail(program, worked, &error);
    if (limited && code != HANDLER_STUCK)                /* a stuck handler's alarm stays: it is for the end of the process */
        polkai_alarm_clear(&before);
    return code;
}

polka_status polka_service_create_abi(unsigned abi, polka_program **program, const polka_service *service, int argc, char **argv,
                                      polka_error *error)
{
    polka_error own;
    error = error != NULL ? error : &own;
    polka_program *made = polkai_alloc(sizeof *made);
    *program = NULL;
    polka_status status = polkai_assembly_init(&made->assembly, abi, service, argc, argv, STDOUT_FILENO, error);
    made->assembly.stuck = on_stuck;
    made->assembly.replacing = on_replacing;
    made->assembly.stuck_user = made;
    if (status == POLKA_OK && made->assembly.flow != NULL && !made->assembly.reacts)
        status = polkai_fail(error, POLKA_MISUSE, "no-reactions",
                             "service %s has no reactions, so there is nothing to run: a program that only emits opens a producer (polka_producer_open)",
                             service->name);
    if (status != POLKA_OK) {
        polka_service_destroy(made);
        return status;
    }
    *program = made;
    return POLKA_OK;
}

int polka_service_run(polka_program *program)
{
    int code;
    old_handlers old = { 0 };
    if (polkai_assembly_print(&program->assembly, &code))
        return code;
    if (is_of_parent(program)) {
        LOG_ERROR(&program->assembly.log, "polka_service_run is called in a child that fork made of the process that created the service; create it in the child");
        return MISUSE;
    }
    take_signals(program, &old);
    code = run(program);
    polkai_assembly_finish(&program->assembly);
    give_signals_back(&old);
    return code;
}

void polka_service_stop(polka_program *program)
{
    if (is_of_parent(program) || atomic_exchange(&program->asked, true))
        return;
    if (program->assembly.flow != NULL)
        polkai_flow_stop(program->assembly.flow);
    atomic_store(&program->stopping, true);
}

void polka_service_destroy(polka_program *program)
{
    if (program == NULL)
        return;
    if (program->assembly.abandoned || is_of_parent(program)) {
        left_behind = program;
        return;
    }
    polkai_assembly_deinit(&program->assembly);
    free(program);
}

/* Handlers that were given up may hold a lock that the end of a process needs, of stdio for one: it ends nevertheless, and with its code. */
static void end_beside_lost(const polka_program *program, int code)
{
    if (program->assembly.flow == NULL || polkai_flow_lost(program->assembly.flow) == 0)
        return;
    polkai_alarm ignored;
    end_in_any_case(&ignored, code, LATE_MS);
}

int polka_main_abi(unsigned abi, const polka_service *service, int argc, char **argv)
{
    polka_program *program;
    polka_error error = { 0 };
    if (polka_service_create_abi(abi, &program, service, argc, argv, &error) != POLKA_OK) {
        fprintf(stderr, "%s: %s\n", argc > 0 ? argv[0] : "polka", error.message);
        return polkai_exit_code(&error);
    }
    int code = polka_service_run(program);
    end_beside_lost(program, code);
    polka_service_destroy(program);
    return code;
}
