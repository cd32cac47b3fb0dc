/*
 * registry.h: the schema registry of a project: the one that `polka dev` serves, and how commands find theirs.
 *
 * --registry, else POLKA_SCHEMAS_REGISTRY_URL, else the `polka dev` of the project, else settings.schemas.registry.url of polka.yaml.
 */
#ifndef POLKA_CLI_REGISTRY_H
#define POLKA_CLI_REGISTRY_H

#include <cli/build.h>
#include <cli/catalog.h>
#include <cli/console.h>
#include <cli/server.h>
#include <flow/schema/registry.h>
#include <service/config.h>

/* ---- under `polka dev` ---- */

typedef struct { cli_ledger ledger; cli_server *server; } cli_registry;

/*
 * cli_registry_start serves .polka/registry.json, with all versions of the project's events registered; one that its level forbids is
 * warned of and left out. errors: as cli_ledger_open, cli_server_start.
 */
polka_status cli_registry_start(cli_registry *registry, const cli_project *project, cli_catalog *catalog, int64_t port, const cli_console *console, polka_error *error);
void cli_registry_stop(cli_registry *registry);

/* cli_registry_wanted: a service of the build asks for a registry: framing: confluent, or schemas.registry.url. */
bool cli_registry_wanted(const cli_project *project, const cli_build *build);

/* ---- for commands ---- */

/*
 * cli_registry_open: *client is new. `url`: --registry, NULL: not given. Credentials, TLS files and schemas.subject come from the project's
 * settings and the environment. errors: TRANSIENT "no-registry" with what to do; as polkai_registry_open.
 */
polka_status cli_registry_open(polkai_registry **client, polkai_subject_strategy *strategy, const cli_project *project, const char *url, polka_error *error);

/* cli_registry_framing: what the project's settings and the environment say of framing and schemas.register. errors: as a service's own settings. */
polka_status cli_registry_framing(const cli_project *project, bool *confluent, bool *look_up, polka_error *error);

/* cli_registry_complain: as cli_complain, but what a registry refuses is a failure (1), not usage. */
int cli_registry_complain(const polka_error *error);

#endif
