/* gather.h: the events of the project's topics, one after the other, as what flows are made of. For trace and flows. */
#ifndef POLKA_CLI_GATHER_H
#define POLKA_CLI_GATHER_H

#include <cli/catalog.h>
#include <cli/reader.h>
#include <cli/trace.h>
#include <flow/envelope/envelope.h>

typedef struct {
    const cli_connection *connection;
    polkai_admin *admin;
    cli_list topics;                     /* of events */
    cli_list letters;                    /* their dead-letter topics, as far as they are there; owned texts */
} cli_gathering;

/* cli_gather_open finds the topics. errors: TRANSIENT when the broker is not reachable. Close it also after an error. */
polka_status cli_gather_open(cli_gathering *gathering, const cli_catalog *catalog, const cli_connection *connection, polkai_admin *admin, polka_error *error);
void cli_gather_close(cli_gathering *gathering);

/*
 * cli_gather_pass: every record that can be opened, from `since_ms` (wall clock; -1: from the start) to the end as it is now, or until
 * cli_stopped(). Record and envelope are there during the call only.
 */
typedef void cli_gather_visit(void *user, polkai_record *record, const polkai_envelope *envelope);
polka_status cli_gather_pass(const cli_gathering *gathering, bool with_letters, int64_t since_ms, cli_gather_visit *visit, void *user, polka_error *error);

/* An event without a correlation id is a flow of its own. */
polka_text cli_gather_correlation(const polkai_envelope *envelope);
cli_node cli_gather_node(polkai_record *record, const polkai_envelope *envelope);        /* new: cli_flow_add takes it */
bool cli_gather_is_letter(const polkai_record *record);

#endif
