/*
 * lines.h: what comes in line by line, while something else must go on: nothing here waits for longer than it is told to.
 */
#ifndef POLKA_CLI_LINES_H
#define POLKA_CLI_LINES_H

#include <cli/cli.h>

typedef struct {
    int descriptor;                      /* borrowed */
    bool ended;                          /* no more will come; what there is can still be taken */
    int failure;                         /* errno of the read that ended it; 0: none */
    char *data;
    size_t begin, scanned, size, capacity;               /* taken, looked at for a line's end, there, room */
} cli_lines;

void cli_lines_free(cli_lines *lines);

/*
 * cli_lines_take: the next line, without its \n; the last one may lack that. false: it is not there yet, or none is left (`ended`).
 * ownership: *line is borrowed until the next call of any function here.
 */
bool cli_lines_take(cli_lines *lines, polka_text *line);

/* cli_lines_fill reads what has come, and waits for it up to timeout_ms; false: nothing came. A signal ends the wait. */
bool cli_lines_fill(cli_lines *lines, int timeout_ms);

#endif
