/* own.h: what Polka itself says: events that services may react to, and that no manifest of theirs has. */
#ifndef POLKA_CLI_OWN_H
#define POLKA_CLI_OWN_H

#include <cli/collect.h>

/*
 * cli_own_add adds a manifest of Polka's own events (of `polka watch`, of polka.activity) that somebody hears, `also` among
 * them (may be NULL), and nobody says; none when there are none of these.
 */
polka_status cli_own_add(cli_manifests *manifests, const polkai_manifest *also, polka_error *error);

#endif
