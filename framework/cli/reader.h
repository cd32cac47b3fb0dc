/*
 * reader.h: records of given topics without a group and without commits: tail, trace, the schema topic.
 */
#ifndef POLKA_CLI_READER_H
#define POLKA_CLI_READER_H

#include <cli/connection.h>

typedef struct cli_reader cli_reader;
/*
 * cli_reader_open reads all partitions of `topics` from `from`: POLKAI_OFFSET_START, POLKAI_OFFSET_END (as it is now), or
 * POLKAI_OFFSET_TAIL - N (the last N of each partition). Topics that do not exist are left out.
 * errors: TRANSIENT when the broker is not reachable.
 */
polka_status cli_reader_open(cli_reader **reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t from, polka_error *error);
/*
 * cli_reader_open_since: from the first record of each partition that was written at `since_ms` (wall clock) or later; -1: from the
 * start. The broker inside `polka dev` knows no times: there it is the start too.
 */
polka_status cli_reader_open_since(cli_reader **reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t since_ms,
                                   polka_error *error);
/*
 * cli_reader_extend: topics and partitions of `topics` that are there and were not yet are read too, from since_ms on (-1: from the start); the
 * others go on where they are. errors: as open; then it may be that nothing comes until it succeeds. *extended may be NULL.
 */
polka_status cli_reader_extend(cli_reader *reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t since_ms, bool *extended,
                               polka_error *error);
void cli_reader_close(cli_reader *reader);                               /* NULL is fine */

size_t cli_reader_partitions(const cli_reader *reader);
/* cli_reader_left: records until its end, as their offsets say; cli_reader_older: those before where it began that are still there. */
uint64_t cli_reader_left(const cli_reader *reader);
uint64_t cli_reader_older(const cli_reader *reader);
/* cli_reader_poll: as polkai_source's poll; each record is released by the caller. */
size_t cli_reader_poll(cli_reader *reader, polkai_record *records, size_t capacity, int timeout_ms);
/* cli_reader_reached: has everything been read that was there when it was opened? */
bool cli_reader_reached(const cli_reader *reader);
/* cli_reader_was_there: was this record, which it gave last, written before its partition was opened? */
bool cli_reader_was_there(const cli_reader *reader, const polkai_record *record);

/*
 * What was written before a moment, and whether all of that has been read. cli_reader_mark remembers where partitions end, as the broker
 * said last; cli_reader_passed: it has been read up to there (or nothing came of a partition for some seconds: a transaction ends with
 * offsets that nobody gets).
 */
void cli_reader_mark(cli_reader *reader);
bool cli_reader_passed(cli_reader *reader);

/* cli_admin_open: the broker's admin, by the connection. *admin is new. */
polka_status cli_admin_open(polkai_admin **admin, const cli_connection *connection, polka_error *error);
void cli_admin_close(polkai_admin **admin);              /* for AUTO; NULL inside is fine */

#endif
