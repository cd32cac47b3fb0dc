/* server.h: the registry of `polka dev`: a ledger behind HTTP, on 127.0.0.1 only. */
#ifndef POLKA_CLI_SERVER_H
#define POLKA_CLI_SERVER_H

#include <cli/ledger.h>

typedef struct cli_server cli_server;

/*
 * cli_server_start: port 0: 8081, or any when that is taken. `ledger` is the server's until cli_server_stop.
 * errors: FATAL "port-in-use"; "no-server".
 */
polka_status cli_server_start(cli_server **server, cli_ledger *ledger, int64_t port, polka_error *error);
const char *cli_server_url(const cli_server *server);    /* "http://127.0.0.1:8081" */
void cli_server_stop(cli_server *server);                /* NULL is fine */

#endif
