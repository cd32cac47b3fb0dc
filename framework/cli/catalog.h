/*
 * catalog.h: the schemas of the project, by event name and by fingerprint. The newest version of an event is what is
 * emitted; older files serve for reading.
 */
#ifndef POLKA_CLI_CATALOG_H
#define POLKA_CLI_CATALOG_H

#include <avro/schema.h>
#include <cli/project.h>

typedef struct {
    const char *name, *topic;            /* "shop.OrderPlaced", "shop.orders" */
    const char *key;                     /* path of a field; NULL: no key */
    const polkai_schema *schema;
    uint64_t fingerprint;
    const char *file;
} cli_event;

typedef struct cli_catalog cli_catalog;
/* cli_catalog_open reads all .avsc files below the project's schema folders. errors: POISON "bad-schema" with file and JSON path. */
polka_status cli_catalog_open(cli_catalog **catalog, const cli_project *project, polka_error *error);
void cli_catalog_close(cli_catalog *catalog);                            /* NULL is fine */

size_t cli_catalog_count(const cli_catalog *catalog);
const cli_event *cli_catalog_item(const cli_catalog *catalog, size_t index);             /* sorted by name */

/* cli_catalog_find: by full name, or by the last part when only one event has it. NULL: none. */
const cli_event *cli_catalog_find(const cli_catalog *catalog, const char *name);
/* cli_catalog_event: as find. errors: MISUSE "unknown-event" with the nearest name, or where schemas were looked for. */
polka_status cli_catalog_event(const cli_catalog *catalog, const char *name, const cli_event **event, polka_error *error);

/* cli_catalog_versions: calls `visit` for every version of every event, those of one event from its oldest file to its newest. */
void cli_catalog_versions(cli_catalog *catalog, void (*visit)(void *user, const polkai_schema *schema, const char *topic), void *user);

/* cli_catalog_topics: the topics of all events, each once. Free the list; texts are borrowed. */
cli_list cli_catalog_topics(const cli_catalog *catalog);

const polkai_schema *cli_catalog_schema(cli_catalog *catalog, uint64_t fingerprint);     /* NULL: not known (yet) */

#endif
