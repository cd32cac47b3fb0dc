/*
 * reader.h: records of given topics without a group and without commits: tail, trace, the schema topic.
 */
#ifndef POLKA_CLI_READER_H
#define POLKA_CLI_READER_H

#include <cli/connection.h>
#include <cli/span.h>

typedef struct cli_reader cli_reader;
/*
 * cli_reader_open reads `span` (NULL: all) of the partitions of `topics`. Topics that do not exist are left out. The broker inside
 * `polka dev` knows no times: there it is the start, and the end.
 * errors: TRANSIENT when the broker is not reachable.
 */
polka_status cli_reader_open(cli_reader **reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, const cli_span *span, polka_error *error);
/*
 * cli_reader_window: what was opened to before some time goes on from there to before until_ms, or to the end as it is now (0). Until then nothing
 * from behind the window is given. errors: as open; then nothing more is given.
 */
polka_status cli_reader_window(cli_reader *reader, const cli_connection *connection, polkai_admin *admin, int64_t until_ms, polka_error *error);
/*
 * cli_reader_extend: topics and partitions of `topics` that are there and were not yet are read too, from since_ms on (0: from the start); the
 * others go on where they are. errors: as open; then it may be that nothing comes until it succeeds. *extended may be NULL.
 */
polka_status cli_reader_extend(cli_reader *reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t since_ms, bool *extended,
                               polka_error *error);
void cli_reader_close(cli_reader *reader);                               /* NULL is fine */

size_t cli_reader_partitions(const cli_reader *reader);
/* cli_reader_left: records until its end, as their offsets say; cli_reader_older: those before where it began that are still there. */
uint64_t cli_reader_left(const cli_reader *reader);
uint64_t cli_reader_older(const cli_reader *reader);
/*
 * cli_reader_older_ms: when those before where it began were written at the latest, as far as records of a partition stand in order of time: none
 * is younger. INT64_MAX: not known yet; 0: there are none. cli_reader_records: so many were given.
 */
int64_t cli_reader_older_ms(const cli_reader *reader);
int64_t cli_reader_records(const cli_reader *reader);
/* cli_reader_poll: as polkai_source's poll; each record is released by the caller. */
size_t cli_reader_poll(cli_reader *reader, polkai_record *records, size_t capacity, int timeout_ms);
/* cli_reader_reached: has everything been read that was there when it was opened? As offsets and the broker tell it, never as time does. */
bool cli_reader_reached(const cli_reader *reader);
/*
 * cli_reader_check: errors: TRANSIENT when that is not so, and has come no nearer while it was polled for so long: says where it stands. A
 * broker may stand still or look for a new leader meanwhile. cli_reader_patience: for how long; default 30 s.
 */
polka_status cli_reader_check(const cli_reader *reader, polka_error *error);
void cli_reader_patience(cli_reader *reader, int64_t patience_ms);
/* cli_reader_was_there: was this record, which it gave last, written before its partition was opened? */
bool cli_reader_was_there(cli_reader *reader, const polkai_record *record);

/*
 * What was written before a moment, and whether all of that has been read. cli_reader_mark remembers where partitions end, as the broker
 * said last; cli_reader_passed: it has been read up to there, or as far as an open transaction lets anybody (the broker has said that there
 * is no more, and nothing came for some seconds).
 */
void cli_reader_mark(cli_reader *reader);
bool cli_reader_passed(cli_reader *reader);

#endif
