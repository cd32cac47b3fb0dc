/*
 * shelf.h: the API of Confluent's Schema Registry on a ledger. Pure but for the ledger's file: a request goes in, a status and
 * JSON come out; nothing in a request is trusted.
 */
#ifndef POLKA_CLI_SHELF_H
#define POLKA_CLI_SHELF_H

#include <cli/ledger.h>

enum { CLI_SHELF_BODY_BYTES = 2 * 1024 * 1024 };         /* a schema of 1 MiB, and the escapes that JSON needs for it */

typedef struct { unsigned status; json_t *json; } cli_reply;             /* json: new */

/* cli_shelf_answer: `uri` as it came, path and query, escaped. body: of `size` bytes, NULL: none. */
cli_reply cli_shelf_answer(cli_ledger *ledger, const char *method, const char *uri, const char *body, size_t size);

/* cli_shelf_refuse: {"error_code", "message"}; the status is `code` or what it begins with (40401: 404). */
cli_reply cli_shelf_refuse(int code, const char *format, ...) POLKA_PRINTF(2, 3);

#endif
