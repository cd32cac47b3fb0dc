/*
 * child.h: one service under `polka dev`: started, its log read, started again when it ends.
 */
#ifndef POLKA_CLI_CHILD_H
#define POLKA_CLI_CHILD_H

#include <cli/build.h>
#include <cli/console.h>
#include <sys/types.h>
#include <time.h>

enum { CLI_CHILD_LINE = 65536, CLI_BACKOFF_MS = 100, CLI_BACKOFF_MAX_MS = 5000, CLI_STEADY_MS = 10000 };

typedef struct {
    const char *name, *path;             /* borrowed from the build */
    const char *settings;                /* borrowed: the project file; NULL: none */
    int index;                           /* its colour */
    int64_t session_ms;                  /* for which its group waits for one that was killed */
    pid_t pid;                           /* 0: does not run */
    int reading;                         /* -1: closed */
    bool ready;                          /* has said so once, since dev began */
    bool refused;                        /* ended with 2, misuse: as it is it would only do so again */
    struct timespec seen[2];             /* when path and settings were last written, at its start */
    bool undrained;                      /* ended with another code than 0 after it was asked to stop */
    int64_t started_ns, restart_ns;      /* restart_ns: when to start it again; 0: not planned */
    int64_t backoff_ms;                  /* the next pause */
    size_t size;
    char *line;                          /* of CLI_CHILD_LINE bytes: what came since the last line's end */
} cli_child;

/* cli_child_start: `arguments` after the path, NULL at the end. errors: FATAL "cannot-start". */
polka_status cli_child_start(cli_child *child, const char *const *arguments, int death_signal, polka_error *error);

/* cli_child_read prints what has come. */
void cli_child_read(cli_child *child, const cli_console *console);

/*
 * cli_child_ended: pid was reaped with `state`. Says so and plans the restart, unless `stopping`; after misuse (exit code 2)
 * a restart waits for a change of executable or settings.
 */
void cli_child_ended(cli_child *child, const cli_console *console, int state, bool stopping);

/* cli_child_is_due: the restart that was planned is due. */
bool cli_child_is_due(const cli_child *child, int64_t now_ns);

#endif
