/*
 * http.h: what a service says over HTTP to those who run it: a table of pages, on a thread of its own. The only file with http.c,
 * and cli/server.c, that knows libmicrohttpd.
 *
 * libmicrohttpd brings GnuTLS along, which costs 2.9 MiB and 3 ms at start, and most services run without: it is loaded
 * (libmicrohttpd.so.12, Debian's libmicrohttpd12) when a port is configured, and is no dependency of libpolka at link time.
 */
#ifndef POLKA_SERVICE_HTTP_H
#define POLKA_SERVICE_HTTP_H

#include <base/arena.h>

typedef struct { unsigned status; const char *type; polka_text body; } polkai_http_reply;
/* A page. `answer` is called on the server's thread, one at a time; the body is in `arena`. */
typedef struct {
    const char *path;                    /* "/livez"; NULL ends the table */
    polkai_http_reply (*answer)(void *user, polka_arena *arena);
} polkai_http_page;

typedef struct {
    const char *address;                 /* "0.0.0.0", "::1" */
    uint16_t port;                       /* 0: a free one */
    const polkai_http_page *pages;       /* borrowed */
    void *user;
} polkai_http_server_options;

typedef struct polkai_http_server polkai_http_server;

/* errors: MISUSE "no-libmicrohttpd" naming the package, "bad-address", "port-in-use"; FATAL "no-server". *server is new. */
polka_status polkai_http_server_start(polkai_http_server **server, const polkai_http_server_options *options, polka_error *error);
uint16_t polkai_http_server_port(const polkai_http_server *server);
void polkai_http_server_stop(polkai_http_server *server);            /* NULL is fine; afterwards no page is asked for any more */

#endif
