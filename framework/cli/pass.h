/* pass.h: one pass over all that was there when a reader was opened. */
#ifndef POLKA_CLI_PASS_H
#define POLKA_CLI_PASS_H

#include <cli/reader.h>

/*
 * cli_pass reads until cli_reader_reached, or cli_stopped(), and tells now and then on stderr how far it is. A record is there during the
 * call of `visit` only. errors: as cli_reader_check.
 */
typedef void cli_pass_visit(void *user, polkai_record *record);
polka_status cli_pass(cli_reader *reader, cli_pass_visit *visit, void *user, polka_error *error);

#endif
