/*
 * console.h: the merged log of `polka dev`: what the services write, line by line, each with its name and colour.
 */
#ifndef POLKA_CLI_CONSOLE_H
#define POLKA_CLI_CONSOLE_H

#include <cli/cli.h>

typedef struct {
    bool json, colour;
    int width;                           /* of the widest service name */
} cli_console;

void cli_console_init(cli_console *console, bool json, int width);

/*
 * cli_console_line prints one line that service number `index` wrote (-1: polka itself) and tells what it was: JSON of
 * log.h becomes "10:00:00.412 payments  message"; anything else stays as it is behind time and name.
 */
typedef struct { bool ready; } cli_line;                 /* ready: {"state":"ready"} */
cli_line cli_console_line(const cli_console *console, int index, const char *service, const char *line, size_t size);

/* cli_console_say: a line of polka itself. */
void cli_console_say(const cli_console *console, const char *format, ...) POLKA_PRINTF(2, 3);
void cli_console_warn(const cli_console *console, const char *format, ...) POLKA_PRINTF(2, 3);

#endif
