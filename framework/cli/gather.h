/* gather.h: the events of the project's topics, one after the other, as what flows are made of. For trace and flows. */
#ifndef POLKA_CLI_GATHER_H
#define POLKA_CLI_GATHER_H

#include <choreography/names.h>
#include <cli/catalog.h>
#include <cli/collect.h>
#include <cli/reader.h>
#include <cli/trace.h>
#include <flow/envelope/envelope.h>

typedef struct {
    const cli_connection *connection;
    polkai_admin *admin;
    polka_arena arena;
    polkai_names topics;                 /* of events */
    polkai_names letters;                /* their dead-letter topics, as far as they are there */
} cli_gathering;

/*
 * cli_gather_open finds the topics: those of the project's schemas, and those that these services hear and say (NULL: of none).
 * errors: TRANSIENT when the broker is not reachable. Close it also after an error.
 */
polka_status cli_gather_open(cli_gathering *gathering, const cli_catalog *catalog, const cli_manifests *manifests, const cli_connection *connection, polkai_admin *admin,
                             polka_error *error);
/* cli_gather_add: their topics, too; with effect for what begins or is refreshed after that. */
void cli_gather_add(cli_gathering *gathering, const cli_manifests *manifests);
void cli_gather_close(cli_gathering *gathering);

typedef void cli_gather_visit(void *user, polkai_record *record, const polkai_envelope *envelope);

/*
 * A reading of a span of it (NULL: of all), past the end as it is now for as long as cli_gather_read is called, unless the span has another end. Every record that can be opened is visited; record and envelope are there during the call only.
 */
typedef struct cli_gather_reading cli_gather_reading;
polka_status cli_gather_begin(cli_gather_reading **reading, const cli_gathering *gathering, bool with_letters, const cli_span *span, polka_error *error);
/* cli_gather_only: from now on only records with this key (borrowed) are opened and visited, which is cheaper than to open all. */
void cli_gather_only(cli_gather_reading *reading, polka_text key);
size_t cli_gather_read(cli_gather_reading *reading, int timeout_ms, cli_gather_visit *visit, void *user);    /* how many records */
/* cli_gather_catch_up reads to the end as it was when it began, or until cli_stopped(). errors: as cli_pass. */
polka_status cli_gather_catch_up(cli_gather_reading *reading, cli_gather_visit *visit, void *user, polka_error *error);
/* cli_gather_window, cli_gather_older, cli_gather_older_ms, cli_gather_records: as those of reader.h. */
polka_status cli_gather_window(cli_gather_reading *reading, const cli_gathering *gathering, int64_t until_ms, polka_error *error);
uint64_t cli_gather_older(const cli_gather_reading *reading);
int64_t cli_gather_older_ms(const cli_gather_reading *reading);
int64_t cli_gather_records(const cli_gather_reading *reading);
size_t cli_gather_partitions(const cli_gather_reading *reading);
/* cli_gather_mark, cli_gather_passed, cli_gather_was_there: as those of reader.h. */
void cli_gather_mark(cli_gather_reading *reading);
bool cli_gather_passed(cli_gather_reading *reading);
bool cli_gather_was_there(cli_gather_reading *reading, const polkai_record *record);
/* cli_gather_refresh: topics, partitions and dead-letter topics that are there by now are read too, from since_ms on. *extended: some are. errors: as begin. */
polka_status cli_gather_refresh(cli_gather_reading *reading, cli_gathering *gathering, int64_t since_ms, bool *extended, polka_error *error);
void cli_gather_end(cli_gather_reading **reading);       /* for AUTO; NULL inside is fine */

/* cli_gather_pass: such a reading from its beginning to that end. errors: as begin and catch_up. */
polka_status cli_gather_pass(const cli_gathering *gathering, bool with_letters, int64_t since_ms, cli_gather_visit *visit, void *user, polka_error *error);

/* An event without a correlation id is a flow of its own. No NUL is in it. */
polka_text cli_gather_correlation(const polkai_envelope *envelope);
cli_node cli_gather_node(polkai_record *record, const polkai_envelope *envelope);        /* new: cli_flow_add takes it */
bool cli_gather_is_letter(const polkai_record *record);

#endif
