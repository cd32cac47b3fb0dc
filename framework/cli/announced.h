/*
 * announced.h: what services say of themselves on the topic polka.services, where each puts its manifest when it starts: the newest of
 * each name and version, and what comes while it is read on.
 */
#ifndef POLKA_CLI_ANNOUNCED_H
#define POLKA_CLI_ANNOUNCED_H

#include <choreography/manifest.h>
#include <choreography/names.h>
#include <cli/reader.h>

#define CLI_SERVICES_TOPIC "polka.services"

/* NULL: it was taken back. since_ms: when it came, by the clock here; 0: it was there already. */
typedef struct { polkai_manifest *manifest; int64_t since_ms; } cli_announcement;

/* Zero-initialise. Close it also after an error. */
typedef struct {
    cli_reader *reader;
    polka_arena arena;
    polkai_names keys;                   /* "payments@1.0.0", to the number of the item */
    size_t capacity;
    cli_announcement *items;             /* keys.count of them */
} cli_announced;

/* cli_announced_open reads what is there. A topic that is not there is no error: nobody has said anything. errors: TRANSIENT when the broker is not reachable, or does not give all of it. */
polka_status cli_announced_open(cli_announced *announced, const cli_connection *connection, polkai_admin *admin, polka_error *error);
void cli_announced_close(cli_announced *announced);
bool cli_announced_has_topic(const cli_announced *announced);

/* cli_announced_read_on takes what has come, without waiting: is anything else than before? A service that starts again says the same again. */
bool cli_announced_read_on(cli_announced *announced, int64_t now_ms);
/* cli_announced_refresh looks whether the topic has come meanwhile. errors: as open. */
polka_status cli_announced_refresh(cli_announced *announced, const cli_connection *connection, polkai_admin *admin, polka_error *error);
/* cli_announced_take: what was there is so no longer, and the caller's. */
polkai_manifest *cli_announced_take(cli_announced *announced, size_t number);

#endif
