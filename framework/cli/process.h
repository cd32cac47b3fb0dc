/*
 * process.h: starting other programs: services, and scripts whose output is read.
 */
#ifndef POLKA_CLI_PROCESS_H
#define POLKA_CLI_PROCESS_H

#include <cli/cli.h>
#include <sys/types.h>

typedef enum {
    CLI_PIPE_ALL,                        /* standard output and error go to the pipe */
    CLI_PIPE_OUTPUT                      /* standard error stays this process's */
} cli_pipe;

/*
 * cli_start runs argv[0] (a path) in a process group of its own, with default signals and nothing on standard input;
 * *reading is the pipe's end, non-blocking, closed on exec. It gets `death_signal` when this process dies (0: none).
 * thread: the main thread, as the death signal follows the thread that started the process.
 * errors: FATAL "cannot-start".
 */
polka_status cli_start(const char *const *argv, cli_pipe kind, int death_signal, pid_t *pid, int *reading, polka_error *error);

/*
 * cli_capture runs a program to its end and gives what it wrote on standard output. *output is new, NUL-terminated.
 * stoppable: a signal that asks this process to stop ends that program too.
 * errors: FATAL "cannot-start", "timeout", "failed" with its exit code (MISUSE when that is 2); its standard error is ours.
 */
polka_status cli_capture(const char *const *argv, int64_t timeout_ms, bool stoppable, char **output, polka_error *error);

#endif
