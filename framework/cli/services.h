/* services.h: what services say of themselves on the topic polka.services, the newest of each name and version. */
#ifndef POLKA_CLI_SERVICES_H
#define POLKA_CLI_SERVICES_H

#include <cli/announced.h>
#include <cli/collect.h>
#include <cli/connection.h>

/*
 * cli_services_read adds the manifests there are. Left out are those that were forgotten, and services that react but whose
 * consumer group has no member (where the broker can tell: the embedded one cannot).
 * errors: TRANSIENT "no-broker"; FATAL "no-topic"; as collect.h for a record that is no manifest.
 */
polka_status cli_services_read(cli_manifests *manifests, const cli_project *project, const cli_where *where, polka_error *error);

/*
 * cli_services_forget: with `execute`, a record without a value, after which SERVICE@VERSION is no longer there; else it only
 * looks. errors: FATAL "unknown-service" when it is not there; else as above.
 */
polka_status cli_services_forget(const char *key, bool execute, const cli_project *project, const cli_where *where, polka_error *error);

#endif
