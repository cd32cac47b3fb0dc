/*
 * cli.h: what all subcommands share: their row in the table of main.c, exit codes, and how they talk.
 */
#ifndef POLKA_CLI_CLI_H
#define POLKA_CLI_CLI_H

#include <base/error.h>

enum {
    CLI_OK = 0,
    CLI_FAILURE = 1,                     /* a finding, or it did not work */
    CLI_USAGE = 2,
    CLI_UNREACHABLE = 3,                 /* broker, registry or store */
    CLI_STOPPED = 130                    /* by a signal before the work was done */
};

typedef struct cli_command cli_command;
struct cli_command {
    const char *name, *arguments, *summary;
    const char *details, *examples;      /* for --help; lines end with \n */
    int (*run)(const cli_command *command, int argc, char **argv);       /* argv[0] is the command's name */
};
extern const cli_command cli_dev, cli_run, cli_emit, cli_tail, cli_trace, cli_flows, cli_topics, cli_check, cli_pairs,
    cli_can_deploy, cli_map, cli_impact, cli_manifests_command, cli_docs, cli_schemas, cli_avro, cli_bench_command, cli_watch_command,
    cli_health;

/* cli_complain: prints "polka: message" and answers the exit code of its class: MISUSE 2, TRANSIENT 3, others 1. */
int cli_complain(const polka_error *error);

/* cli_say: a line of talk on stderr; silent under --quiet. */
void cli_say(const char *format, ...) POLKA_PRINTF(1, 2);
void cli_quiet(void);

/* cli_catch_signals: from now on SIGINT and SIGTERM only set what cli_stopped answers; a second one ends with 130. */
void cli_catch_signals(void);
bool cli_stopped(void);

#endif
