/*
 * written.h: what is still in the topics that a service hears: which schemas the records there were written with. For a new
 * version, which has to read them: they outlive whoever wrote them.
 */
#ifndef POLKA_CLI_WRITTEN_H
#define POLKA_CLI_WRITTEN_H

#include <choreography/manifest.h>
#include <cli/foreign.h>
#include <cli/reader.h>

/* One schema of one event on one topic. */
typedef struct {
    char *topic, *event;                 /* event NULL: no record says it, and the schema is not to be found */
    polkai_schema_key key;
    const polkai_schema *schema;         /* NULL: not to be found */
    char *reason;                        /* of that */
    uint64_t records;
    int64_t last_ms;                     /* when the last of them was written */
    int32_t partition;                   /* where the first of them is */
    int64_t offset;
} cli_written_schema;

typedef struct {
    size_t count;
    cli_written_schema *items;
    cli_foreign *foreign;                /* owns the schemas */
    uint64_t records;                    /* that were read */
    uint64_t older;                      /* that were left out */
    uint64_t unreadable;                 /* of what the service hears: they say no schema */
    uint64_t others;                     /* of more schemas than are kept apart */
} cli_written;

/*
 * cli_written_read: the topics of the service's reactions, to their end as it is now, and of their records those of events that it
 * hears there. `since_ms` (wall clock) is where to begin; -1: a million records before the end of each partition. Tells on stderr
 * how far it is. Zero-initialise; free it also after an error.
 * errors: TRANSIENT when the broker is not reachable, or does not give all of it. Ends early when cli_stopped().
 */
polka_status cli_written_read(cli_written *written, const polkai_manifest *service, const cli_project *project, const cli_connection *connection, int64_t since_ms,
                              polka_error *error);
void cli_written_free(cli_written *written);

#endif
