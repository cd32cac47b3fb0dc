/* terminal.h: text with colour for people at a terminal, JSON lines for everything else. */
#ifndef POLKA_CLI_TERMINAL_H
#define POLKA_CLI_TERMINAL_H

#include <cli/options.h>
#include <jansson.h>

/* cli_json_wanted: --format json or text decides; NULL: JSON unless stdout is a terminal. -1: a usage error was printed. */
int cli_json_wanted(const cli_command *command, const char *format);

/* cli_parse_listing: cli_parse for a command that takes options only, and says what it has to say as text or JSON by its option `format`. */
int cli_parse_listing(const cli_command *command, const cli_option *options, int argc, char **argv, const char *const *format, bool *json);

bool cli_colour(int descriptor);                         /* a terminal, and no NO_COLOR */

/* Escape sequences, or "" when stdout has no colour. */
const char *cli_dim(void);
const char *cli_bold(void);
const char *cli_red(void);
const char *cli_plain(void);

/* cli_print_json: one object a line on stdout; takes `object`. false: stdout is closed. */
bool cli_print_json(json_t *object_taken);

/* cli_print_text: bytes of others, safe for a terminal (control bytes as \xNN). */
void cli_print_text(const void *data, size_t size, size_t limit);

#endif
