/* child.c: the life of one service process. */
#include <cli/child.h>

#include <base/arena.h>
#include <base/clock.h>
#include <cli/process.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

static struct timespec written_at(const char *path)
{
    struct stat about;
    return path != NULL && stat(path, &about) == 0 ? about.st_mtim : (struct timespec){ 0 };
}

static bool is_same(struct timespec a, struct timespec b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

bool cli_child_is_due(const cli_child *child, int64_t at_ns)
{
    if (child->refused)                  /* gone for a moment while it is being linked: not yet */
        return (!is_same(written_at(child->path), child->seen[0]) && access(child->path, X_OK) == 0) ||
               !is_same(written_at(child->settings), child->seen[1]);
    return child->restart_ns != 0 && at_ns >= child->restart_ns;
}

polka_status cli_child_start(cli_child *child, const char *const *arguments, int death_signal, polka_error *error)
{
    cli_list argv = { 0 };
    cli_list_add(&argv, child->path);
    for (; *arguments != NULL; arguments++)
        cli_list_add(&argv, *arguments);
    if (child->line == NULL)
        child->line = polkai_alloc(CLI_CHILD_LINE);
    child->seen[0] = written_at(child->path);
    child->seen[1] = written_at(child->settings);
    polka_status status = cli_start(argv.items, CLI_PIPE_ALL, death_signal, &child->pid, &child->reading, error);
    child->started_ns = now_ns();
    child->refused = false;
    child->restart_ns = 0;
    child->size = 0;
    if (status != POLKA_OK)
        child->pid = 0;
    cli_list_free(&argv);
    return status;
}

static void take_lines(cli_child *child, const cli_console *console, bool end)
{
    size_t begin = 0;
    for (size_t i = 0; i < child->size; i++) {
        if (child->line[i] != '\n')
            continue;
        if (cli_console_line(console, child->index, child->name, child->line + begin, i - begin).ready)
            child->ready = true;
        begin = i + 1;
    }
    if (begin < child->size && (end || (begin == 0 && child->size == CLI_CHILD_LINE))) {
        cli_console_line(console, child->index, child->name, child->line + begin, child->size - begin);
        begin = child->size;
    }
    child->size -= begin;
    memmove(child->line, child->line + begin, child->size);
}

void cli_child_read(cli_child *child, const cli_console *console)
{
    for (int turn = 0; turn < 64 && child->reading >= 0; turn++) {       /* one noisy service does not silence the others */
        ssize_t got = read(child->reading, child->line + child->size, CLI_CHILD_LINE - child->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got > 0)
            child->size += (size_t)got;
        take_lines(child, console, got <= 0);
        if (got <= 0) {
            close(child->reading);
            child->reading = -1;
        }
    }
}

static void say_end(const cli_child *child, const cli_console *console, int state, bool stopping)
{
    int64_t ran_ms = (now_ns() - child->started_ns) / 1000000;
    char how[64];
    if (WIFSIGNALED(state))
        snprintf(how, sizeof how, "was ended by signal %d (%s)", WTERMSIG(state), strsignal(WTERMSIG(state)));
    else
        snprintf(how, sizeof how, "ended with exit code %d", WEXITSTATUS(state));
    if (stopping)
        cli_console_warn(console, "%s %s before it had drained", child->name, how);
    else if (child->refused)
        cli_console_warn(console, "%s %s after %.1f s: misuse, which a restart does not cure. Its lines above say what is wrong; it is started again when "
                         "%s%s%s has changed", child->name, how, (double)ran_ms / 1000, child->path, child->settings != NULL ? " or " : "",
                         child->settings != NULL ? child->settings : "");
    else
        cli_console_warn(console, "%s %s after %.1f s; started again in %" PRId64 " ms", child->name, how, (double)ran_ms / 1000, child->backoff_ms);
}

/* Whoever joins meanwhile is given nothing; without this line that looks like a service that does not work. */
static void say_deaf(const cli_child *child, const cli_console *console, int state)
{
    if (WIFSIGNALED(state) && child->ready)
        cli_console_warn(console, "%s could not leave its group, which waits for it for up to %" PRId64 " s (session.timeout.ms): it hears nothing until it is "
                         "ready again", child->name, child->session_ms / 1000);
}

void cli_child_ended(cli_child *child, const cli_console *console, int state, bool stopping)
{
    cli_child_read(child, console);
    if (child->reading >= 0) {           /* a process of its own may still hold the pipe */
        take_lines(child, console, true);
        close(child->reading);
        child->reading = -1;
    }
    bool drained = WIFEXITED(state) && WEXITSTATUS(state) == 0;
    bool steady = now_ns() - child->started_ns >= CLI_STEADY_MS * (int64_t)1000000;
    child->pid = 0;
    child->refused = !stopping && WIFEXITED(state) && WEXITSTATUS(state) == CLI_USAGE;
    child->undrained = stopping && !drained;
    if (stopping && drained)
        return;
    if (steady || child->backoff_ms == 0)
        child->backoff_ms = CLI_BACKOFF_MS;
    say_end(child, console, state, stopping);
    if (!stopping)
        say_deaf(child, console, state);
    child->restart_ns = stopping || child->refused ? 0 : now_ns() + child->backoff_ms * 1000000;
    child->backoff_ms = child->backoff_ms * 2 < CLI_BACKOFF_MAX_MS ? child->backoff_ms * 2 : CLI_BACKOFF_MAX_MS;
}
