/* What `polka dev` does when a service's process has ended: how long it waits, and when it does not start it again. */
#include <cli/child.h>

#include <base/clock.h>
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <sys/wait.h>

static const cli_console quiet = { .width = 8 };

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

static cli_child a_child(void) { return (cli_child){ .name = "payments", .path = "/bin/none", .reading = -1, .backoff_ms = CLI_BACKOFF_MS }; }

typedef struct { int64_t before_ns, after_ns; } window;      /* of the reading of the clock inside */

static window ends(cli_child *child, int64_t ran_ms, int state)
{
    window in = { .before_ns = now_ns() };
    child->pid = 1;
    child->started_ns = in.before_ns - ran_ms * 1000000;
    cli_child_ended(child, &quiet, state, false);
    in.after_ns = now_ns();
    cr_assert_eq(child->pid, 0);
    return in;
}

static void waits(cli_child *child, int64_t ran_ms, int64_t pause_ms)
{
    window in = ends(child, ran_ms, W_EXITCODE(7, 0));
    int64_t ended_ns = child->restart_ns - pause_ms * 1000000;
    cr_assert(in.before_ns <= ended_ns && ended_ns <= in.after_ns, "not %" PRId64 " ms", pause_ms);
    cr_assert_not(cli_child_is_due(child, child->restart_ns - 1));
    cr_assert(cli_child_is_due(child, child->restart_ns));
}

Test(child, waits_twice_as_long_each_time_up_to_five_seconds, .init = cr_redirect_stdout)
{
    static const int64_t pauses[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000 };
    cli_child child = a_child();
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++)
        waits(&child, 50, pauses[i]);
}

Test(child, that_ran_for_ten_seconds_is_started_again_as_quickly_as_at_first, .init = cr_redirect_stdout)
{
    cli_child child = a_child();
    waits(&child, 0, 100);
    waits(&child, 5000, 200);                /* half of it is not enough */
    waits(&child, 10000, 100);
    waits(&child, 0, 200);                   /* and from there on as before */
}

Test(child, is_started_again_after_any_end_but_misuse, .init = cr_redirect_stdout)
{
    static const struct { int state; bool again; } rows[] = {
        { W_EXITCODE(0, 0), true }, { W_EXITCODE(1, 0), true }, { W_EXITCODE(3, 0), true }, { W_EXITCODE(4, 0), true }, { W_EXITCODE(5, 0), true },
        { W_EXITCODE(0, 11), true }, { W_EXITCODE(2, 0), false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cli_child child = a_child();
        ends(&child, 0, rows[i].state);
        cr_assert_eq(child.restart_ns != 0, rows[i].again, "row %zu", i);
        cr_assert_eq(child.refused, !rows[i].again);
        cr_assert_not(child.undrained);
    }
}

Test(child, is_not_started_again_while_all_are_being_stopped, .init = cr_redirect_stdout)
{
    static const struct { int state; bool drained; } rows[] = { { W_EXITCODE(0, 0), true }, { W_EXITCODE(5, 0), false }, { W_EXITCODE(2, 0), false }, { W_EXITCODE(0, 9), false } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cli_child child = a_child();
        child.pid = 1;
        cli_child_ended(&child, &quiet, rows[i].state, true);
        cr_assert_eq(child.undrained, !rows[i].drained, "row %zu", i);
        cr_assert_eq(child.restart_ns, 0);
        cr_assert_not(child.refused);
        cr_assert_not(cli_child_is_due(&child, INT64_MAX));
    }
}
