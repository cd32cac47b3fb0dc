/*
 * host.h: the broker that `polka dev` works on: a mock inside this process, a real Apache Kafka that it starts, or one
 * that exists.
 */
#ifndef POLKA_CLI_HOST_H
#define POLKA_CLI_HOST_H

#include <cli/connection.h>
#include <cli/console.h>
#include <cli/plan.h>
#include <transport/broker.h>

typedef enum { CLI_HOST_EMBEDDED = 1, CLI_HOST_KAFKA, CLI_HOST_GIVEN } cli_host_kind;

typedef struct {
    cli_host_kind kind;
    cli_connection connection;           /* how to reach it */
    polkai_broker *mock;                 /* EMBEDDED */
    char *scripts, *data;                /* KAFKA: the folder with up and down; the data folder */
    bool kafka_begun;                    /* up was called, so down has to be */
} cli_host;

/*
 * cli_host_start. port 0: the script's default. errors: FATAL "port-in-use", "no-kafka" when the scripts are not there or fail;
 * as cli_connection_find for one that exists.
 */
polka_status cli_host_start(cli_host *host, const cli_project *project, cli_host_kind kind, const cli_where *where, int64_t port, polka_error *error);

/* cli_host_topics makes what is missing of the plan; *made counts. Nothing is changed or deleted. errors: TRANSIENT when not reachable. */
polka_status cli_host_topics(cli_host *host, const cli_plan *plan, size_t *made, polka_error *error);

/* cli_host_stop ends what start began. */
void cli_host_stop(cli_host *host);

/*
 * The embedded broker keeps 5 MiB of a partition and then drops the oldest: cli_watch reads along, counts, and warns at 4.
 */
typedef struct cli_watch cli_watch;
cli_watch *cli_watch_start(const cli_host *host, const cli_plan *plan);  /* new; NULL: not embedded, or it cannot */
void cli_watch_look(cli_watch *watch, const cli_console *console);       /* NULL is fine; does not block */
void cli_watch_stop(cli_watch *watch);

#endif
