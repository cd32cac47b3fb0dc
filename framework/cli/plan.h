/*
 * plan.h: the topics that the project needs: those of its events, a dead-letter topic for each topic and group that
 * reads it, and the two internal ones. From schemas and from what the services say with --describe.
 */
#ifndef POLKA_CLI_PLAN_H
#define POLKA_CLI_PLAN_H

#include <choreography/manifest.h>
#include <cli/build.h>
#include <cli/catalog.h>

typedef struct { size_t count; polkai_manifest **items; } cli_manifests;
/*
 * cli_manifests_describe runs each service with --describe, and with the project file, so that a wrong setting is found
 * before anything is started. errors: MISUSE for such a setting; FATAL when one fails; POISON "bad-manifest".
 */
polka_status cli_manifests_describe(cli_manifests *manifests, const cli_project *project, const cli_build *build, polka_error *error);
/* cli_manifests_file adds one from a file. */
polka_status cli_manifests_file(cli_manifests *manifests, const char *path, polka_error *error);
void cli_manifests_free(cli_manifests *manifests);

typedef struct { size_t count; polkai_topic *items; } cli_plan;          /* sorted by name; names are owned */
/* cli_plan_make. catalog NULL: events of the manifests only. errors: MISUSE "bad-name" for a topic that Kafka refuses. */
polka_status cli_plan_make(cli_plan *plan, const cli_project *project, const cli_catalog *catalog, const cli_manifests *manifests, polka_error *error);
void cli_plan_free(cli_plan *plan);

#endif
