/* hearer.h: all reactions that services declare, by the event that they hear: a record is held against its hearers, not against all of 5,000. */
#ifndef POLKA_CLI_HEARER_H
#define POLKA_CLI_HEARER_H

#include <choreography/manifest.h>
#include <choreography/names.h>

/* since_ms: what came before, it may not have to do with. */
typedef struct { const polkai_manifest *service; const polkai_manifest_reaction *reaction; int64_t since_ms; } cli_hearer;

/* Zero-initialise. */
typedef struct {
    polka_arena arena;
    polkai_names events;
    size_t count, service_count;
    size_t *first;                       /* by number of the event: its hearers are items[first[n]] to before items[first[n + 1]] */
    cli_hearer *items;
} cli_hearers;

/* cli_hearers_use: those of these manifests, in place of others; borrowed. Manifests with problems are left out. since_ms: of each; NULL: of all 0. */
void cli_hearers_use(cli_hearers *hearers, polkai_manifest *const *manifests, const int64_t *since_ms, size_t count);
/* cli_hearers_of: of one event, in the order of the manifests; *count of them. */
const cli_hearer *cli_hearers_of(const cli_hearers *hearers, const char *event, size_t *count);
void cli_hearers_free(cli_hearers *hearers);

#endif
