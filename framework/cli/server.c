/*
 * server.c: libmicrohttpd with one thread, so that the ledger needs no lock. A request with a header Origin comes from a web
 * page, which has no business here: it is refused, whatever it asks.
 */
#include <cli/server.h>

#include <arpa/inet.h>
#include <base/arena.h>
#include <base/clock.h>
#include <cli/shelf.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum { USUAL_PORT = 8081, IDLE_SECONDS = 5, REQUEST_SECONDS = 5, CONNECTIONS = 100 };

struct cli_server {
    struct MHD_Daemon *daemon;
    cli_ledger *ledger;
    char url[64];
};

/* One request, while its body comes in. */
typedef struct {
    char *uri, *body;
    size_t size;
    bool begun, too_large;
    int64_t until_ns;                    /* a body that drips in is not waited for */
} arriving;

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

/* libmicrohttpd would take the escapes out of the path, and a / in a subject with them. */
static void *begin(void *user, const char *uri, struct MHD_Connection *connection)
{
    (void)user, (void)connection;
    arriving *request = polkai_alloc(sizeof *request);
    request->uri = polkai_strdup(uri);
    request->until_ns = now_ns() + REQUEST_SECONDS * (int64_t)1000000000;
    return request;
}

static void end(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
    (void)user, (void)connection, (void)why;
    arriving *request = *state;
    if (request == NULL)
        return;
    free(request->uri);
    free(request->body);
    free(request);
    *state = NULL;
}

static void collect(arriving *request, const char *data, size_t size)
{
    if (request->too_large || request->size + size > CLI_SHELF_BODY_BYTES) {
        request->too_large = true;
        return;
    }
    request->body = polkai_realloc(request->body, request->size + size + 1);
    memcpy(request->body + request->size, data, size);
    request->size += size;
    request->body[request->size] = '\0';
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, cli_reply reply)
{
    char *text = json_dumps(reply.json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(reply.json);
    if (text == NULL)
        return MHD_NO;
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type", "application/vnd.schemaregistry.v1+json");
    enum MHD_Result sent = MHD_queue_response(connection, reply.status, response);
    MHD_destroy_response(response);
    return sent;
}

static enum MHD_Result serve(void *user, struct MHD_Connection *connection, const char *path, const char *method, const char *version, const char *data, size_t *size, void **state)
{
    (void)path, (void)version;
    cli_server *server = user;
    arriving *request = *state;
    if (!request->begun) {               /* headers alone: an answer now would leave the body unread */
        request->begun = true;
        return MHD_YES;
    }
    if (now_ns() > request->until_ns)
        return MHD_NO;
    if (*size > 0) {
        collect(request, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin") != NULL)
        return send_reply(connection, cli_shelf_refuse(403, "This registry serves programs, not web pages"));
    return send_reply(connection, request->too_large ? cli_shelf_refuse(413, "HTTP 413 Request Entity Too Large: at most %d bytes", CLI_SHELF_BODY_BYTES)
                                                     : cli_shelf_answer(server->ledger, method, request->uri, request->body, request->size));
}

static struct MHD_Daemon *listen_on(cli_server *server, uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, port, NULL, NULL, serve, server, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_URI_LOG_CALLBACK, begin, NULL,
                            MHD_OPTION_NOTIFY_COMPLETED, end, NULL, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
                            MHD_OPTION_END);
}

polka_status cli_server_start(cli_server **out, cli_ledger *ledger, int64_t port, polka_error *error)
{
    ENSURE(port >= 0 && port <= 65535, POLKA_MISUSE, error, "bad-port", "--registry-port is at most 65535, not %" PRId64, port);
    cli_server *server = polkai_alloc(sizeof *server);
    server->ledger = ledger;
    server->daemon = listen_on(server, port != 0 ? (uint16_t)port : USUAL_PORT);
    if (server->daemon == NULL && port == 0)
        server->daemon = listen_on(server, 0);
    if (server->daemon == NULL) {
        free(server);
        return polkai_fail(error, POLKA_FATAL, errno == EADDRINUSE ? "port-in-use" : "no-server", "the registry cannot listen on 127.0.0.1:%" PRId64 ": %s; choose another: --registry-port N", port, strerror(errno));
    }
    const union MHD_DaemonInfo *about = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", about != NULL ? about->port : 0);
    *out = server;
    return POLKA_OK;
}

const char *cli_server_url(const cli_server *server) { return server->url; }

void cli_server_stop(cli_server *server)
{
    if (server == NULL)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}
