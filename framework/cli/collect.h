/*
 * collect.h: manifests and flow contracts as files, folders and programs have them.
 */
#ifndef POLKA_CLI_COLLECT_H
#define POLKA_CLI_COLLECT_H

#include <choreography/manifest.h>
#include <cli/build.h>
#include <contract/contract.h>

typedef struct {
    bool examine;                        /* what is wrong with a manifest is kept in it, and no error */
    size_t count, capacity;
    polkai_manifest **items;
} cli_manifests;

/*
 * cli_manifests_describe runs each service with --describe, and with the project file, so that a wrong setting is found
 * before anything is started. errors: MISUSE for such a setting; FATAL when one fails; POISON "bad-manifest".
 */
polka_status cli_manifests_describe(cli_manifests *manifests, const cli_project *project, const cli_build *build, polka_error *error);
/*
 * cli_manifests_path adds what `path` has: a file is one manifest, a program is asked with --describe, a folder has *.json.
 * errors: MISUSE "no-file", "no-manifests" for a folder without any; else as describe.
 */
polka_status cli_manifests_path(cli_manifests *manifests, const char *path, polka_error *error);
/* cli_manifests_take adds one that was examined. errors: POISON "bad-manifest", unless problems are kept. */
polka_status cli_manifests_take(cli_manifests *manifests, polkai_manifest *manifest_taken, polka_error *error);
void cli_manifests_free(cli_manifests *manifests);

typedef struct { size_t count, capacity; polkai_contract **items; } cli_contracts;
/*
 * cli_contracts_folder adds every *.yaml and *.yml of `folder`; one that is not there: an error when it is `required`.
 * errors: MISUSE "FILE:LINE:COLUMN: what", also for two flows of one name, or that begin with one event.
 */
polka_status cli_contracts_folder(cli_contracts *contracts, const char *folder, bool required, polka_error *error);
void cli_contracts_free(cli_contracts *contracts);

#endif
