/*
 * options.h: the options of a subcommand as a table; the table parses, helps and suggests.
 */
#ifndef POLKA_CLI_OPTIONS_H
#define POLKA_CLI_OPTIONS_H

#include <cli/cli.h>

typedef struct { size_t count; const char **items; } cli_list;           /* items: borrowed texts in new memory */
void cli_list_add(cli_list *list, const char *text);
void cli_list_free(cli_list *list);

typedef enum {
    CLI_FLAG = 1,                        /* bool */
    CLI_TEXT,                            /* const char * */
    CLI_LIST,                            /* cli_list: may be given several times */
    CLI_COUNT,                           /* int64_t, from 0 */
    CLI_RATE,                            /* double, above 0 */
    CLI_DURATION                         /* int64_t milliseconds: 500ms, 2s, 1m, 1h, 7d */
} cli_kind;

typedef struct {
    const char *name;                    /* without the two dashes; NULL ends the table */
    char letter;                         /* 0: none */
    cli_kind kind;
    void *to;
    const char *value, *help;            /* "JSON", "the event's value" */
} cli_option;

/*
 * cli_parse reads argv[1…] by `options`. What is no option goes to `rest` (free it with cli_list_free).
 * returns: -1 to go on; else the exit code: --help was printed, or a usage error was.
 */
int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv, cli_list *rest);

/* cli_usage: prints the message and where help is; returns CLI_USAGE. */
int cli_usage(const cli_command *command, const char *format, ...) POLKA_PRINTF(2, 3);

#endif
