/*
 * plan.h: the topics that the project needs: those of its events, a dead-letter topic for each topic and group that
 * reads it, the two internal ones, and polka.activity where a service tells of its reactions. From schemas and from what the services say with --describe.
 */
#ifndef POLKA_CLI_PLAN_H
#define POLKA_CLI_PLAN_H

#include <cli/catalog.h>
#include <cli/collect.h>

typedef struct { size_t count; polkai_topic *items; } cli_plan;          /* sorted by name; names are owned */
/* cli_plan_make. catalog NULL: events of the manifests only. errors: MISUSE "bad-name" for a topic that Kafka refuses. */
polka_status cli_plan_make(cli_plan *plan, const cli_project *project, const cli_catalog *catalog, const cli_manifests *manifests, polka_error *error);
void cli_plan_free(cli_plan *plan);

#endif
