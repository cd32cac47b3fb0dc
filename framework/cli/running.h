/*
 * running.h: .polka/dev.json, by which everything else finds the `polka dev` of a project; and the lock that keeps a
 * second one out.
 */
#ifndef POLKA_CLI_RUNNING_H
#define POLKA_CLI_RUNNING_H

#include <cli/project.h>
#include <jansson.h>

typedef struct {
    char *brokers;                       /* NULL: no dev runs here */
    char *registry;                      /* URL of its schema registry; NULL: no dev runs here */
    int pid;
    bool embedded;                       /* the broker is librdkafka's mock, inside that process */
    bool stale;                          /* there is a dev.json, of a process that is gone */
} cli_running;

/* cli_running_read: what .polka/dev.json says. Never an error: what cannot be read is as good as absent. */
cli_running cli_running_read(const cli_project *project);
void cli_running_free(cli_running *running);

/*
 * cli_running_lock takes .polka/dev.lock for as long as the process lives; *descriptor is closed by its end.
 * errors: FATAL "already-running" with the pid; "cannot-write" when .polka cannot be written.
 */
polka_status cli_running_lock(const cli_project *project, int *descriptor, polka_error *error);

/* cli_running_write writes dev.json, whole or not at all; takes `about`. errors: FATAL "cannot-write". */
polka_status cli_running_write(const cli_project *project, json_t *about_taken, polka_error *error);
void cli_running_remove(const cli_project *project);

#endif
