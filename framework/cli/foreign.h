/*
 * foreign.h: schemas that values name and that are not in the project: on polka.schemas, in a schema registry. The same library and
 * the same reading of the topic as in a service.
 */
#ifndef POLKA_CLI_FOREIGN_H
#define POLKA_CLI_FOREIGN_H

#include <cli/connection.h>
#include <flow/schema/library.h>

typedef struct cli_foreign cli_foreign;
/*
 * cli_foreign_create: `connection` (NULL: no topic is read) and `project` (NULL: no registry is asked; cli/registry.h says which one is)
 * are borrowed. Connects to nothing until a schema is asked for. new.
 */
cli_foreign *cli_foreign_create(const cli_connection *connection, const cli_project *project);
void cli_foreign_destroy(cli_foreign *foreign);                          /* NULL is fine */

/* cli_foreign_schema: looks at most once a second for what is not there. errors: "schema-not-found" and why. */
polka_status cli_foreign_schema(cli_foreign *foreign, const polkai_schema_key *key, const polkai_schema **schema, polka_error *error);

#endif
