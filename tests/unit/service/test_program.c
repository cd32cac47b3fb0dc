/* The life of a service program, from outside: what it prints, with which exit code it leaves, what signals do. No broker is there. */
#include "sample.h"

#include <transport/broker.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT = 65536 };

static const polka_service *to_start = &sample_service;

typedef struct { pid_t pid; int pipe; char text[OUTPUT]; size_t size; } child;

/* A service program in a process of its own, as main.c would make it; both its outputs come here. */
static child start(char **argv)
{
    int ends[2], argc = 0;
    child made = { 0 };
    while (argv[argc] != NULL)
        argc++;
    cr_assert_eq(pipe(ends), 0);
    made.pid = fork();
    if (made.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        alarm(60);
        exit(polka_main(to_start, argc, argv));
    }
    close(ends[1]);
    made.pipe = ends[0];
    return made;
}

/* Reads until `what` has come, or to the end when it is NULL. */
static bool read_until(child *from, const char *what)
{
    while (what == NULL || strstr(from->text, what) == NULL) {
        ssize_t got = read(from->pipe, from->text + from->size, OUTPUT - 1 - from->size);
        if (got <= 0)
            return what == NULL;
        from->size += (size_t)got;
    }
    return true;
}

static int end(child *of)
{
    int status;
    read_until(of, NULL);
    close(of->pipe);
    cr_assert_eq(waitpid(of->pid, &status, 0), of->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void leaves(char **argv, int code, const char *says)
{
    child program = start(argv);
    int left = end(&program);
    cr_expect_eq(left, code, "exit code %d: %s", left, program.text);
    cr_expect_not_null(strstr(program.text, says), "'%s' does not say '%s'", program.text, says);
}

#define ARGUMENTS(...) (char *[]){ "payments", __VA_ARGS__, NULL }

Test(program, prints_and_leaves_with_0)
{
    leaves(ARGUMENTS("--describe"), 0, "{\"polka\":1,\"service\":\"payments\"");
    leaves(ARGUMENTS("--version"), 0, "payments 1.2.3\npolka ");
    leaves(ARGUMENTS("--help"), 0, "Usage: payments");
    leaves(ARGUMENTS("config"), 0, "{\"name\":\"brokers\",\"value\":\"localhost:9092\",\"origin\":\"built-in\"}");
    leaves(ARGUMENTS("config", "--reference"), 0, "| `log.level` | `POLKA_LOG_LEVEL` | one of error, warn, info, debug | info |");
}

Test(program, leaves_with_2_on_misuse)
{
    leaves(ARGUMENTS("--brokrs", "x"), 2, "did you mean 'brokers'?");
    leaves(ARGUMENTS("run"), 2, "app.tenant must be set");
}

#define NOWHERE "--brokers", "127.0.0.1:1", "--app.tenant", "t"

Test(program, stays_alive_without_a_broker_says_where_it_looked_and_drains_on_sigterm)
{
    child program = start(ARGUMENTS(NOWHERE));
    cr_assert(read_until(&program, "no broker answers at 127.0.0.1:1"), "%s", program.text);
    cr_expect_eq(waitpid(program.pid, NULL, WNOHANG), 0, "it left");
    kill(program.pid, SIGTERM);
    cr_expect_eq(end(&program), 0, "%s", program.text);
    cr_expect_not_null(strstr(program.text, "t.Placed -> on_placed -> t.Paid, t.Declined"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "\"state\":\"draining\""), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "\"state\":\"drained\""), "%s", program.text);
    cr_expect_null(strstr(program.text, "\"state\":\"ready\""), "%s", program.text);
}

Test(program, says_ready_once_it_has_its_partitions_and_leaves_the_group_on_sigterm)
{
    polkai_broker *broker;
    polka_error error = { 0 };
    cr_assert_eq(polkai_broker_mock_start(&broker, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(polkai_broker_topic(broker, "t.orders", 2, &error), POLKA_OK, "%s", error.message);
    for (int turn = 0; turn < 2; turn++) {               /* the second only gets its partitions quickly when the first left */
        child program = start(ARGUMENTS("--brokers", (char *)polkai_broker_address(broker), "--embedded", "--app.tenant", "t"));
        cr_assert(read_until(&program, "\"state\":\"ready\""), "%s", program.text);
        kill(program.pid, SIGTERM);
        cr_expect_eq(end(&program), 0, "%s", program.text);
    }
    polkai_broker_stop(broker);
}

/* A mock broker with one event on t.orders, and a service whose handler is stuck in it. */
static child start_stuck(polkai_broker **broker, const char *deadline, const char *lanes)
{
    polka_error error = { 0 };
    polka_producer *producer;
    polka_service edge = { .name = "edge", .version = "1", .emits = POLKA_EMITS(&sample_placed_event) };
    static const char *const topics[] = { "t.orders", "t.payments", "polka.schemas", "t.orders.payments.dlt" };
    cr_assert_eq(polkai_broker_mock_start(broker, &error), POLKA_OK, "%s", error.message);
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        cr_assert_eq(polkai_broker_topic(*broker, topics[i], 1, &error), POLKA_OK, "%s", error.message);
    char *brokers = (char *)polkai_broker_address(*broker);
    cr_assert_eq(polka_producer_open(&producer, &edge, 4, ((char *[]){ "edge", "--brokers", brokers, "--embedded", NULL }), &error), POLKA_OK,
                 "%s", error.message);
    polka_context *ctx = polka_begin(producer);
    polka_emit(ctx, &sample_placed_event, "1234567", NULL);
    cr_assert_eq(polka_commit_take(ctx, &error), POLKA_OK, "%s", error.message);
    polka_producer_close(producer);
    sample_blocks = true;
    child made = start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--drain.deadline_ms", (char *)deadline, "--lanes", (char *)lanes));
    cr_assert(read_until(&made, "blocked"), "%s", made.text);
    return made;
}

Test(program, leaves_at_once_with_130_on_the_second_signal)
{
    polkai_broker *broker;
    child program = start_stuck(&broker, "1m", "1");
    kill(program.pid, SIGTERM);
    cr_assert(read_until(&program, "\"state\":\"draining\""), "%s", program.text);
    kill(program.pid, SIGINT);
    cr_expect_eq(end(&program), 130, "%s", program.text);
    polkai_broker_stop(broker);
}

Test(program, leaves_with_5_when_the_drain_deadline_passes)
{
    polkai_broker *broker;
    child program = start_stuck(&broker, "200ms", "1");
    kill(program.pid, SIGTERM);
    cr_expect_eq(end(&program), 5, "%s", program.text);
    cr_expect_not_null(strstr(program.text, "the drain deadline of 200 ms passed"), "%s", program.text);
    polkai_broker_stop(broker);
}

/* The handler's thread never comes back; the process does all the same what it has to, and says why. */
static void leave_stuck(char *lanes)
{
    polkai_broker *broker;
    polka_service impatient = sample_service;
    polka_reaction rows[3] = { sample_service.reactions[0], sample_service.reactions[1] };
    rows[0].deadline_ms = 300;
    impatient.reactions = rows;
    to_start = &impatient;
    child program = start_stuck(&broker, "1s", lanes);
    cr_expect_eq(end(&program), 4, "%s", program.text);
    cr_expect_not_null(strstr(program.text, "on_placed (reaction t.Placed) is past its deadline of 300 ms"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "at t.orders/0/0, key none"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "\"event\":\"t.Placed\""), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "\"reaction\":\"t.Placed\""), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "\"invoke+0x"), "%s", program.text);
    const char *once = strstr(program.text, "past its deadline");
    cr_expect_null(strstr(once + 1, "past its deadline"), "it is told once: %s", program.text);
    polkai_broker_stop(broker);
}

Test(program, leaves_with_4_when_a_handler_is_past_its_deadline) { leave_stuck("1"); }
Test(program, leaves_with_4_when_a_handler_on_the_poll_thread_is_past_its_deadline) { leave_stuck("inline"); }

Test(program, drains_on_sigint_even_when_the_shell_ignored_it_for_a_background_job)
{
    signal(SIGINT, SIG_IGN);
    child program = start(ARGUMENTS(NOWHERE));
    cr_assert(read_until(&program, "no broker answers"), "%s", program.text);
    kill(program.pid, SIGINT);
    cr_expect_eq(end(&program), 0, "%s", program.text);
}

Test(program, says_little_before_the_first_event)
{
    size_t lines = 0;
    child program = start(ARGUMENTS(NOWHERE));
    cr_assert(read_until(&program, "no broker answers"), "%s", program.text);
    for (const char *at = program.text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    cr_expect_leq(lines, 10u, "%s", program.text);
    kill(program.pid, SIGTERM);
    end(&program);
}

Test(program, gives_a_stop_from_another_place_the_same_drain)
{
    polka_program *program;
    polka_error error;
    cr_assert_eq(polka_service_create(&program, &sample_service, 5, ARGUMENTS(NOWHERE), &error), POLKA_OK, "%s", error.message);
    polka_service_stop(program);
    polka_service_stop(program);
    cr_expect_eq(polka_service_run(program), 0);
    polka_service_destroy(program);
    polka_service_destroy(NULL);
}

Test(program, refuses_a_producer_with_reactions_and_a_service_without)
{
    polka_error error;
    polka_program *program;
    polka_producer *producer;
    polka_service edge = sample_service;
    edge.reactions = NULL;
    cr_expect_eq(polka_service_create(&program, &edge, 5, ARGUMENTS(NOWHERE), &error), POLKA_MISUSE);
    cr_expect_str_eq(error.code, "no-reactions");
    cr_expect_null(program);
    cr_expect_eq(polka_producer_open(&producer, &sample_service, 5, ARGUMENTS(NOWHERE), &error), POLKA_MISUSE);
    cr_expect_str_eq(error.code, "reactions");
    cr_expect_eq(polka_producer_open_abi(POLKA_ABI + 1, &producer, &edge, 5, ARGUMENTS(NOWHERE), &error), POLKA_MISUSE);
    cr_expect_str_eq(error.code, "abi-mismatch");
    cr_assert_eq(polka_producer_open(&producer, &edge, 5, ARGUMENTS(NOWHERE), &error), POLKA_OK, "%s", error.message);
    polka_producer_close(producer);
    polka_producer_close(NULL);
}
