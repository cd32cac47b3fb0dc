/* pair_row.h: one emission with one reaction, as a row. */
#ifndef POLKA_CLI_PAIR_ROW_H
#define POLKA_CLI_PAIR_ROW_H

#include <choreography/pairs.h>
#include <jansson.h>

/* cli_pair_json: new; more members may be set. */
json_t *cli_pair_json(const polkai_pair *pair, polka_arena *arena);
/* cli_pair_print: a line, and one a break. */
void cli_pair_print(const polkai_pair *pair, polka_arena *arena);

#endif
