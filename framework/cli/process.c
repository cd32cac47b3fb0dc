/* process.c: fork and exec. Between the two only async-signal-safe calls are made, as librdkafka's threads may be running. */
#include <cli/process.h>

#include <base/arena.h>
#include <base/clock.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const char *const *argv, cli_pipe kind, int death_signal, pid_t parent, int writing)
{
    sigset_t none;
    setpgid(0, 0);
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (death_signal != 0) {
        prctl(PR_SET_PDEATHSIG, death_signal);
        if (getppid() != parent)
            _exit(127);                  /* it died before we asked */
    }
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(writing, STDOUT_FILENO);
    if (kind == CLI_PIPE_ALL)
        dup2(writing, STDERR_FILENO);
    execv(argv[0], (char *const *)argv);
    static const char text[] = "cannot be executed\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    _exit(ignored < 0 ? 126 : 127);
}

polka_status cli_start(const char *const *argv, cli_pipe kind, int death_signal, pid_t *pid, int *reading, polka_error *error)
{
    int ends[2];
    pid_t parent = getpid();
    ENSURE(pipe2(ends, O_CLOEXEC) == 0, POLKA_FATAL, error, "cannot-start", "cannot start %s: %s", argv[0], strerror(errno));
    *pid = fork();
    if (*pid == 0)
        become(argv, kind, death_signal, parent, ends[1]);
    int problem = errno;
    close(ends[1]);
    if (*pid < 0) {
        close(ends[0]);
        return polkai_fail(error, POLKA_FATAL, "cannot-start", "cannot start %s: %s", argv[0], strerror(problem));
    }
    setpgid(*pid, *pid);                 /* whoever comes first */
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *reading = ends[0];
    return POLKA_OK;
}

/* Reads until the end of the pipe; false: the deadline passed, or we were stopped. */
static bool read_all(int reading, int64_t timeout_ms, bool stoppable, char **output, size_t *size)
{
    int64_t until = polkai_clock_real.steady_ns(&polkai_clock_real) + timeout_ms * 1000000;
    size_t capacity = 0;
    for (;;) {
        if (capacity - *size < 4097)
            *output = polkai_realloc(*output, capacity += 65536);
        ssize_t got = read(reading, *output + *size, capacity - *size - 1);
        if (got > 0)
            *size += (size_t)got;
        (*output)[*size] = '\0';
        if (got == 0)
            return true;
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return true;
        if ((stoppable && cli_stopped()) || polkai_clock_real.steady_ns(&polkai_clock_real) > until)
            return false;
        if (got < 0)
            poll(&(struct pollfd){ .fd = reading, .events = POLLIN }, 1, 50);
    }
}

polka_status cli_capture(const char *const *argv, int64_t timeout_ms, bool stoppable, char **output, polka_error *error)
{
    pid_t pid = 0;
    int reading = -1, state = 0;
    size_t size = 0;
    *output = NULL;
    TRY(cli_start(argv, CLI_PIPE_OUTPUT, SIGTERM, &pid, &reading, error));
    bool ended = read_all(reading, timeout_ms, stoppable, output, &size);
    close(reading);
    if (!ended)
        kill(-pid, SIGTERM);
    while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
        ;
    polka_status status = POLKA_OK;
    if (!ended && stoppable && cli_stopped())
        status = polkai_fail(error, POLKA_FATAL, "stopped", "stopped while %s ran", argv[0]);
    else if (!ended)
        status = polkai_fail(error, POLKA_FATAL, "timeout", "%s %s did not end within %" PRId64 " s", argv[0], argv[1] != NULL ? argv[1] : "", timeout_ms / 1000);
    else if (WIFSIGNALED(state))
        status = polkai_fail(error, POLKA_FATAL, "failed", "%s %s was ended by signal %d", argv[0], argv[1] != NULL ? argv[1] : "", WTERMSIG(state));
    else if (WEXITSTATUS(state) != 0)
        status = polkai_fail(error, WEXITSTATUS(state) == CLI_USAGE ? POLKA_MISUSE : POLKA_FATAL, "failed", "%s %s failed with exit code %d; what it said stands above",
                             argv[0], argv[1] != NULL ? argv[1] : "", WEXITSTATUS(state));
    if (status != POLKA_OK) {
        free(*output);
        *output = NULL;
    }
    return status;
}
