/*
 * project.h: the project file, the nearest polka.yaml upwards: where schemas and builds are, how topics should be.
 *
 *   name: shop
 *   schemas: [schemas]            # folders, searched downwards
 *   build: build                  # a folder, or a preset below build/
 *   topics:
 *     defaults: { partitions: 4, retention: 7d }
 *     shop.orders: { partitions: 8, replication: 3, retention: 30d, max.message.bytes: 2000000 }
 *   settings: { … }               # of all services; they check these themselves
 *   services: { payments: { … } } # of one
 *   kafka: { … }                  # passed to librdkafka
 */
#ifndef POLKA_CLI_PROJECT_H
#define POLKA_CLI_PROJECT_H

#include <base/yaml.h>
#include <cli/options.h>
#include <transport/admin.h>

typedef struct cli_project {
    char *root;                          /* absolute; the working folder when there is no project file */
    char *file;                          /* absolute path of polka.yaml; NULL: there is none */
    const char *name;                    /* NULL: not given */
    cli_list schemas;                    /* folders as given; never empty */
    const char *build;                   /* NULL: not given */
    const char *brokers;                 /* settings.brokers; NULL: not given */
    polkai_topic defaults;               /* name NULL */
    size_t topic_count;
    polkai_topic *topics;                /* with the defaults filled in */
    polkai_yaml_document *document;
} cli_project;

/* cli_project_open. errors: MISUSE "FILE:LINE:COLUMN: what", with the nearest name for an unknown member. */
polka_status cli_project_open(cli_project *project, polka_error *error);
void cli_project_close(cli_project *project);

/* cli_project_topic: how the topic `name` should be: its own row, or the defaults under that name. */
polkai_topic cli_project_topic(const cli_project *project, const char *name);

/* cli_project_path: `path` below the root, absolute; a path that begins with / stays. new: free() it. */
char *cli_project_path(const cli_project *project, const char *path);

/* cli_path_shown: `path` as it is shown: without the working folder when it is below it. Borrowed from `path`. */
const char *cli_path_shown(const char *path);

char *cli_format(const char *format, ...) POLKA_PRINTF(1, 2);            /* new: free() it */
void cli_free_text(char **text);                                         /* for AUTO */

#endif
