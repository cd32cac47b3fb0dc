/* tally.h: what `polka watch` counts, shown to Prometheus on /metrics of a port of its own. Counting is for one thread. */
#ifndef POLKA_CLI_TALLY_H
#define POLKA_CLI_TALLY_H

#include <base/error.h>

typedef struct cli_tally cli_tally;

/* cli_tally_open: *tally is new; port 0: a free one. Says where it is. errors: as polkai_http_server_start. */
polka_status cli_tally_open(cli_tally **tally, const char *address, int64_t port, polka_error *error);
void cli_tally_close(cli_tally *tally);                  /* NULL is fine, here and below */

/* flow, service, reaction NULL: none. They become labels, a row each: names of contracts and manifests, never of records. */
void cli_tally_ended(cli_tally *tally, const char *flow, bool failed, int64_t took_ms);
void cli_tally_stalled(cli_tally *tally, const char *flow, const char *service, const char *reaction);
void cli_tally_holds(cli_tally *tally, size_t running, size_t forgotten);

#endif
