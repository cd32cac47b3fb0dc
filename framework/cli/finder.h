/*
 * finder.h: looks for one flow on the topics of events, and collects it, reading as little as what is known of it allows.
 *
 * By an id: from the time that is in it on (a UUIDv7, less five minutes, as clocks differ), else all. By a key, or the flow that began last: from the newest
 * records backwards; a key only on the partitions that Kafka's partitioner gives it, and when it is not there on all. Then its events, from the
 * time in its correlation id on: in windows of time until an end of its flow contract is there and nothing is waited for, else to the end.
 */
#ifndef POLKA_CLI_FINDER_H
#define POLKA_CLI_FINDER_H

#include <cli/gather.h>
#include <cli/missing.h>

typedef enum { CLI_BY_ID, CLI_BY_KEY, CLI_THE_LAST } cli_find_by;

/* Zero-initialise; close it also after an error. */
typedef struct {
    cli_find_by by;
    const char *id;                      /* or the key; "" of the last */
    bool follow;                         /* what is not there is waited for, and nothing is left out at the end */
    int64_t newest;                      /* so many records of each partition are read first, backwards; 0: 2,000 */
    int64_t since_ms;                    /* wall clock: all from then on, and nothing before; 0: not given */
    const cli_gathering *gathering;
    cli_expected *expected;
    cli_flow *flow;                      /* which is collected, linked */
    /* what it found */
    char *found;                         /* the correlation id */
    char *event;                         /* id of the event by which it was found */
    int64_t found_ms;                    /* when that was */
    cli_gather_reading *reading;         /* can be read on with cli_finder_visit */
    int64_t records;                     /* that were read */
    size_t partitions;
} cli_finder;

/* cli_finder_find. errors: FATAL "no-flow" when there is none; else as cli_gather_begin and cli_gather_catch_up. Ends early when cli_stopped(). */
polka_status cli_finder_find(cli_finder *finder, polka_error *error);
void cli_finder_visit(void *finder, polkai_record *record, const polkai_envelope *envelope);     /* adds what is of the flow that was found */
void cli_finder_close(cli_finder *finder);

#endif
