/* The life of a service program, from outside: what it prints, with which exit code it leaves, what signals do. No broker is there. */
#include "child.h"

#include <transport/kafka/kafka.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(program, .fini = child_remove_folder);
TestSuite(breaker, .fini = child_remove_folder);

static void leaves(char **argv, int code, const char *says)
{
    child program = child_start(argv);
    int left = child_end(&program);
    cr_expect_eq(left, code, "exit code %d: %s", left, program.text);
    cr_expect_not_null(strstr(program.text, says), "'%s' does not say '%s'", program.text, says);
}

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

Test(program, stays_alive_without_a_broker_says_where_it_looked_and_drains_on_sigterm)
{
    child program = child_start(ARGUMENTS(NOWHERE));
    cr_assert(child_read_until(&program, "no broker answers at 127.0.0.1:1"), "%s", program.text);
    cr_expect_eq(waitpid(program.pid, NULL, WNOHANG), 0, "it left");
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 0, "%s", program.text);
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
        child program = child_start(ARGUMENTS("--brokers", (char *)polkai_broker_address(broker), "--embedded", "--app.tenant", "t"));
        cr_assert(child_read_until(&program, "\"state\":\"ready\""), "%s", program.text);
        kill(program.pid, SIGTERM);
        cr_expect_eq(child_end(&program), 0, "%s", program.text);
    }
    polkai_broker_stop(broker);
}

Test(program, leaves_at_once_with_130_on_the_second_signal)
{
    polkai_broker *broker;
    child program = child_start_stuck(&broker, "1m", "1");
    kill(program.pid, SIGTERM);
    cr_assert(child_read_until(&program, "\"state\":\"draining\""), "%s", program.text);
    kill(program.pid, SIGINT);
    cr_expect_eq(child_end(&program), 130, "%s", program.text);
    polkai_broker_stop(broker);
}

Test(program, leaves_with_5_when_the_drain_deadline_passes)
{
    polkai_broker *broker;
    child program = child_start_stuck(&broker, "200ms", "1");
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 5, "%s", program.text);
    cr_expect_not_null(strstr(program.text, "the drain deadline of 200 ms passed"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "on_placed (reaction t.Placed) has not ended within the drain deadline of 200 ms"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "at t.orders/0/0, key none"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "\"event\":\"t.Placed\""), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "\"invoke+0x"), "the stack: %s", program.text);
    polkai_broker_stop(broker);
}

/* Found: each lane was given a moment of its own, so that with many of them the drain was taken for one that stands still. */
Test(program, leaves_with_5_also_when_handlers_of_many_lanes_run_on)
{
    enum { LANES = 64 };
    polkai_broker *broker;
    char texts[LANES][4];
    const char *ids[LANES];
    for (int i = 0; i < LANES; i++) {
        snprintf(texts[i], sizeof texts[i], "%d", i);
        ids[i] = texts[i];
    }
    char *brokers = child_broker_with(&broker, ids, LANES);
    sample_blocks = true;
    child program = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--drain.deadline_ms", "200ms", "--lanes", "64"));
    cr_assert(child_read_count(&program, "blocked", LANES), "%s", program.text);
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 5, "%s", program.text);
    cr_expect_not_null(strstr(program.text, "the drain deadline of 200 ms passed with 64 events under way"), "%s", program.text);
    cr_expect_null(strstr(program.text, "stands still"), "%s", program.text);
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
    child_service = &impatient;
    child program = child_start_stuck(&broker, "1s", lanes);
    cr_expect_eq(child_end(&program), 4, "%s", program.text);
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

static pid_t test_process;

/* As when a handler that was given up holds a lock that the end of the process needs. */
static void hang_at_exit(void)
{
    while (getpid() != test_process)
        pause();
}

/* Both handlers of the event are given up, and never come back. */
static void drain_beside_lost(void)
{
    polkai_broker *broker;
    polka_service impatient = sample_service;
    polka_reaction rows[3] = { sample_service.reactions[0], sample_service.reactions[1] };
    rows[0].deadline_ms = rows[1].deadline_ms = 300;
    impatient.reactions = rows;
    child_service = &impatient;
    sample_blocks = true;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "one" }, 1);
    child program = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--deadline.action", "replace-lane"));
    cr_assert(child_read_until(&program, "given up and still running: 2, at most 16"), "%s", program.text);
    cr_assert(child_read_until(&program, "dead letter (deadline-exceeded) of t.orders/0/0 to t.orders.payments.dlt: audit (reaction audit)"), "%s", program.text);
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 0, "%s", program.text);
    cr_expect_not_null(strstr(program.text, "handlers that were given up still run: 2"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, " 2 dead, 0 emitted, 0 in flight"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "\"state\":\"drained\""), "%s", program.text);
    polkai_broker_stop(broker);
}

Test(program, whose_lanes_are_replaced_drains_with_0_beside_handlers_that_never_return)
{
    drain_beside_lost();
}

Test(program, ends_with_0_beside_them_also_when_its_end_would_hang)
{
    test_process = getpid();
    atexit(hang_at_exit);
    drain_beside_lost();
}

/* Nobody reads the log, so neither the handler's write to it comes back nor that of the thread that gives the handler up. */
Test(program, ends_with_4_when_to_replace_a_lane_hangs)
{
    int status;
    polkai_broker *broker;
    polka_service impatient = sample_service;
    polka_reaction rows[3] = { sample_service.reactions[0], sample_service.reactions[1] };
    rows[0].deadline_ms = 300;
    impatient.reactions = rows;
    child_service = &impatient;
    sample_floods = true;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "one" }, 1);
    child program = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--deadline.action", "replace-lane"));
    cr_assert_eq(waitpid(program.pid, &status, 0), program.pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 4, "%x", (unsigned)status);
    close(program.pipe);
    polkai_broker_stop(broker);
}

Test(program, refuses_to_replace_lanes_where_that_is_not_sound)
{
    leaves(ARGUMENTS(NOWHERE, "--deadline.action", "replace-lane", "--lanes", "inline"), 2, "needs lanes that are threads, and lanes is inline");
    leaves(ARGUMENTS(NOWHERE, "--deadline.action", "replace-lane", "--delivery", "exactly-once"), 2, "does not go with delivery exactly-once");
    leaves(ARGUMENTS("config", "--deadline.action", "replace-lane"), 0, "{\"name\":\"deadline.action\",\"value\":\"replace-lane\",\"origin\":\"flag");
}

/* ---- the breaker ---- */

/* Under a sanitizer its own handler ends the process, with an exit code. */
#if !defined __SANITIZE_ADDRESS__
/* Which signal ended it; 0: none did. */
static int signal_of(child *of)
{
    int status;
    child_read_until(of, NULL);
    close(of->pipe);
    cr_assert_eq(waitpid(of->pid, &status, 0), of->pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Of the mock broker, which keeps a member that has died for the whole of its session. */
#define SHORT_SESSION "-X", "session.timeout.ms=3100", "-X", "heartbeat.interval.ms=500"

static void flows_on(char **arguments, const char *ended)
{
    sample_fails = SAMPLE_NULL;
    child program = child_start(arguments);
    cr_assert(child_read_until(&program, "dead letter (crash-loop) of t.orders/0/1"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, ended), "%s", program.text);
    cr_assert(child_read_until(&program, "audited bad"), "%s", program.text);          /* the other reaction, and what comes behind */
    cr_assert(child_read_until(&program, "audited good too"), "%s", program.text);
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 0, "%s", program.text);
    cr_expect_not_null(strstr(program.text, " 1 dead, 0 emitted, 0 in flight"), "%s", program.text);
}

static void ends_by(char **arguments, sample_fault fault, int number)
{
    sample_fails = fault;
    child program = child_start(arguments);
    cr_assert_eq(signal_of(&program), number, "%s", program.text);
    cr_expect_eq(strstr(program.text, " in a handler ends the process") != NULL, number != SIGKILL, "%s", program.text);
}

Test(breaker, makes_a_dead_letter_of_an_event_that_ended_the_process_three_times_by_faults)
{
    polkai_broker *broker;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "good", "bad", "good too" }, 3);
    char **arguments = ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", SHORT_SESSION);
    ends_by(arguments, SAMPLE_NULL, SIGSEGV);
    ends_by(arguments, SAMPLE_KILL, SIGKILL);            /* does not count */
    ends_by(arguments, SAMPLE_STACK, SIGSEGV);
    ends_by(arguments, SAMPLE_ABORT, SIGABRT);
    flows_on(arguments, "the process ended 3 times in this reaction at this event (SIGABRT, SIGSEGV, SIGSEGV)");
    polkai_broker_stop(broker);
}

Test(breaker, counts_ends_on_the_poll_thread_too_and_as_many_as_are_asked_for)
{
    polkai_broker *broker;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "good", "bad", "good too" }, 3);
    char **arguments = ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--lanes", "inline", "--breaker.attempts", "1", SHORT_SESSION);
    ends_by(arguments, SAMPLE_STACK, SIGSEGV);
    flows_on(arguments, "the process ended 1 times in this reaction at this event (SIGSEGV, -, -)");
    polkai_broker_stop(broker);
}
#endif

Test(breaker, that_cannot_write_says_so_and_goes_on)
{
    char path[128];
    snprintf(path, sizeof path, "%s/payments.ends", child_folder());
    FILE *file = fopen(path, "w");
    fclose(file);
    strcat(path, "/below-a-file");
    child program = child_start(ARGUMENTS(NOWHERE, "--breaker.folder", path));
    cr_assert(child_read_until(&program, "no broker answers"), "%s", program.text);
    cr_expect_not_null(strstr(program.text, "breaker: cannot open"), "%s", program.text);
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 0, "%s", program.text);
}

Test(program, drains_on_sigint_even_when_the_shell_ignored_it_for_a_background_job)
{
    signal(SIGINT, SIG_IGN);
    child program = child_start(ARGUMENTS(NOWHERE));
    cr_assert(child_read_until(&program, "no broker answers"), "%s", program.text);
    kill(program.pid, SIGINT);
    cr_expect_eq(child_end(&program), 0, "%s", program.text);
}

Test(program, says_little_before_the_first_event)
{
    size_t lines = 0;
    child program = child_start(ARGUMENTS(NOWHERE));
    cr_assert(child_read_until(&program, "no broker answers"), "%s", program.text);
    for (const char *at = program.text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    cr_expect_leq(lines, 10u, "%s", program.text);
    kill(program.pid, SIGTERM);
    child_end(&program);
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

Test(program, is_refused_in_a_child_made_by_fork_and_goes_on_in_its_parent)
{
    int status;
    polka_program *program;
    polka_error error;
    cr_assert_eq(polka_service_create(&program, &sample_service, 5, ARGUMENTS(NOWHERE), &error), POLKA_OK, "%s", error.message);
    pid_t pid = fork();
    if (pid == 0) {
        int code = polka_service_run(program);
        polka_service_stop(program);
        polka_service_destroy(program);
        _exit(code == 2 ? 7 : 1);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 7);
    polka_service_stop(program);
    cr_expect_eq(polka_service_run(program), 0);
    polka_service_destroy(program);
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

static void emit_one(polka_context *ctx, const char *id) { polka_emit(ctx, &sample_placed_event, "1234567", &(polka_emission){ .id = polka_text_of(id) }); }

Test(program, what_a_producer_abandons_is_not_sent_also_not_with_what_it_commits_later)
{
    polka_error error = { 0 };
    polka_producer *producer;
    polkai_broker *broker;
    polkai_admin *admin;
    polkai_extent extent = { POLKA_TEXT("t.orders"), 0, -1, -1 };
    polka_service edge = { .name = "edge", .version = "1", .emits = POLKA_EMITS(&sample_placed_event) };
    char *brokers = child_broker_with(&broker, (const char *const[]){ "one" }, 1);
    cr_assert_eq(polka_producer_open(&producer, &edge, 4, ((char *[]){ "edge", "--brokers", brokers, "--embedded", NULL }), &error), POLKA_OK, "%s", error.message);
    polka_context *abandoned = polka_begin(producer), *kept = polka_begin(producer);
    emit_one(abandoned, "two");
    emit_one(kept, "three");
    polka_abandon_take(abandoned);
    cr_assert_eq(polka_commit_take(kept, &error), POLKA_OK, "%s", error.message);
    polka_producer_close(producer);
    cr_assert_eq(polkai_kafka_admin_open(&admin, &(polkai_kafka_options){ .brokers = brokers, .embedded = true }, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(admin->operations->watermarks(admin, &extent, 1, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(extent.high, 2, "%" PRId64 " of one, two, three", extent.high);
    admin->operations->close(admin);
    polkai_broker_stop(broker);
}
