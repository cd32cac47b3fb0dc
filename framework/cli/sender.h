/*
 * sender.h: records on their way to the broker, and what became of each; an event that arrived is a line on stdout.
 */
#ifndef POLKA_CLI_SENDER_H
#define POLKA_CLI_SENDER_H

#include <cli/connection.h>

/* An event that was handed over. Borrowed during the call. */
typedef struct { const char *id, *topic; polka_text key; int64_t began_ns; } cli_sent;  /* began_ns: by the steady clock */
typedef void cli_sender_heard(void *user, const cli_sent *sent, const polkai_report *report);

typedef struct {
    polkai_sink *sink;
    const char *brokers;                 /* borrowed from the connection */
    int64_t sent, settled;
    int64_t moved_ns, seen;              /* when something was settled last, or nothing was under way */
    polka_error failure;                 /* the first; status OK: none */
    cli_sender_heard *heard;             /* of what became of an event; set after the open, NULL: nobody else is told */
    void *user;
} cli_sender;

/* cli_sender_open: `sender` stays where it is until close; it borrows the connection. */
polka_status cli_sender_open(cli_sender *sender, const cli_connection *connection, polka_error *error);
void cli_sender_close(cli_sender *sender);               /* one that is not open is fine */

/* cli_sender_serve takes reports for up to timeout_ms; false: the broker has taken nothing for too long, and the failure says so. */
bool cli_sender_serve(cli_sender *sender, int timeout_ms);

/* cli_sender_goes_on: nobody has asked to stop, and nothing has failed. */
bool cli_sender_goes_on(const cli_sender *sender);

/* cli_sender_send copies the record's value, and waits while the queue is full. id "": no event, so nothing is printed. */
polka_status cli_sender_send(cli_sender *sender, polkai_record *record, const char *id, polka_error *error);

/* cli_sender_settle serves until all is settled, or nothing moves any more. */
void cli_sender_settle(cli_sender *sender);

#endif
