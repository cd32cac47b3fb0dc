/* http.c: libmicrohttpd, by a table of the functions that are used. */
#include <service/http.h>

#include <base/error.h>
#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

enum { IDLE_SECONDS = 10, CONNECTIONS = 32, BACKLOG = 32, STACK_BYTES = 512 * 1024, CONNECTION_BYTES = 8192 };

/* ---- the library ---- */

static struct {
    struct MHD_Daemon *(*start_daemon)(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept, void *accept_user, MHD_AccessHandlerCallback serve,
                                       void *serve_user, ...);
    void (*stop_daemon)(struct MHD_Daemon *daemon);
    struct MHD_Response *(*create_response)(size_t size, void *data, enum MHD_ResponseMemoryMode mode);
    enum MHD_Result (*add_header)(struct MHD_Response *response, const char *name, const char *value);
    enum MHD_Result (*queue_response)(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response);
    void (*destroy_response)(struct MHD_Response *response);
} mhd;

static const struct { const char *name; void *to; } functions[] = {
    { "MHD_start_daemon", &mhd.start_daemon }, { "MHD_stop_daemon", &mhd.stop_daemon }, { "MHD_create_response_from_buffer", &mhd.create_response },
    { "MHD_add_response_header", &mhd.add_header }, { "MHD_queue_response", &mhd.queue_response }, { "MHD_destroy_response", &mhd.destroy_response },
};

static polka_status load_functions(polka_error *error)
{
    void *library = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
    ENSURE(library != NULL, POLKA_MISUSE, error, "no-libmicrohttpd",
           "http.port is set, which needs libmicrohttpd, and it cannot be loaded (%s); install it: apt-get install libmicrohttpd12", dlerror());
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);
        ENSURE(function != NULL, POLKA_MISUSE, error, "no-libmicrohttpd", "libmicrohttpd.so.12 has no %s; install a newer one: apt-get install libmicrohttpd12",
               functions[i].name);
        memcpy(functions[i].to, &function, sizeof function);
    }
    return POLKA_OK;
}

static polka_status load(polka_error *error)
{
    static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
    static bool loaded;
    pthread_mutex_lock(&loading);
    polka_status status = loaded ? POLKA_OK : load_functions(error);
    loaded = status == POLKA_OK;
    pthread_mutex_unlock(&loading);
    return status;
}

/* ---- answers ---- */

struct polkai_http_server {
    struct MHD_Daemon *daemon;
    polkai_http_server_options options;
    int socket;
    uint16_t port;
};

static polkai_http_reply not_found(const polkai_http_page *pages, polka_arena *arena)
{
    polka_text body = POLKA_TEXT("Here are:");
    for (const polkai_http_page *at = pages; at->path != NULL; at++)
        body = polkai_arena_format(arena, "%.*s %s", POLKA_TEXT_ARGS(body), at->path);
    return (polkai_http_reply){ MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8", polkai_arena_format(arena, "%.*s\n", POLKA_TEXT_ARGS(body)) };
}

static polkai_http_reply reply_to(const polkai_http_server *server, const char *method, const char *path, polka_arena *arena)
{
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return (polkai_http_reply){ MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", POLKA_TEXT("GET and HEAD only\n") };
    for (const polkai_http_page *at = server->options.pages; at->path != NULL; at++)
        if (strcmp(at->path, path) == 0)
            return at->answer(server->options.user, arena);
    return not_found(server->options.pages, arena);
}

static enum MHD_Result serve(void *user, struct MHD_Connection *connection, const char *path, const char *method, const char *version, const char *data, size_t *size, void **state)
{
    (void)version, (void)data;
    static const char begun;
    if (*state == NULL) {                /* headers alone: an answer now would leave a body unread */
        *state = (void *)(uintptr_t)&begun;
        return MHD_YES;
    }
    if (*size > 0) {                     /* nobody here reads a body */
        *size = 0;
        return MHD_YES;
    }
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    polkai_http_reply reply = reply_to(user, method, path, &arena);
    struct MHD_Response *response = mhd.create_response(reply.body.size, (void *)(uintptr_t)reply.body.data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    mhd.add_header(response, "Content-Type", reply.type);
    mhd.add_header(response, "Cache-Control", "no-store");
    if (reply.status == MHD_HTTP_METHOD_NOT_ALLOWED)
        mhd.add_header(response, "Allow", "GET, HEAD");
    enum MHD_Result queued = mhd.queue_response(connection, reply.status, response);
    mhd.destroy_response(response);
    return queued;
}

/* ---- start and stop ---- */

static void free_addresses(struct addrinfo **addresses)
{
    if (*addresses != NULL)
        freeaddrinfo(*addresses);
}

/* By ourselves, so that the reason is known when it does not work. */
static polka_status listen_on(polkai_http_server *server, polka_error *error)
{
    char port[8];
    const polkai_http_server_options *options = &server->options;
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
    struct addrinfo *address AUTO(free_addresses) = NULL;
    snprintf(port, sizeof port, "%u", options->port);
    ENSURE(getaddrinfo(options->address, port, &hints, &address) == 0, POLKA_MISUSE, error, "bad-address",
           "http.address '%s' is no address of a machine; 0.0.0.0 (all), 127.0.0.1 (this machine only) and :: are some", options->address);
    server->socket = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ENSURE(server->socket >= 0, POLKA_FATAL, error, "no-server", "no socket for http.port: %m");
    setsockopt(server->socket, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    bool listens = bind(server->socket, address->ai_addr, address->ai_addrlen) == 0 && listen(server->socket, BACKLOG) == 0;
    ENSURE(listens, POLKA_MISUSE, error, errno == EADDRINUSE ? "port-in-use" : "bad-address",
           "http.port %u of http.address %s cannot be listened on: %m; choose another, or 0 for a free one", options->port, options->address);
    struct sockaddr_storage own;
    getsockname(server->socket, (struct sockaddr *)&own, &(socklen_t){ sizeof own });
    server->port = ntohs(own.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&own)->sin6_port : ((struct sockaddr_in *)&own)->sin_port);
    return POLKA_OK;
}

/* Signals are for the threads of the service. */
static polka_status start_daemon(polkai_http_server *server, polka_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    server->daemon = mhd.start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, server->port, NULL, NULL, serve, server, MHD_OPTION_LISTEN_SOCKET, server->socket,
                                      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
                                      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ENSURE(server->daemon != NULL, POLKA_FATAL, error, "no-server", "libmicrohttpd does not start: %m");
    return POLKA_OK;
}

polka_status polkai_http_server_start(polkai_http_server **out, const polkai_http_server_options *options, polka_error *error)
{
    TRY(load(error));
    polkai_http_server *server = polkai_alloc(sizeof *server);
    *server = (polkai_http_server){ .options = *options, .socket = -1 };
    polka_status status = listen_on(server, error);
    if (status == POLKA_OK)
        status = start_daemon(server, error);
    if (status != POLKA_OK) {
        if (server->socket >= 0)
            close(server->socket);
        free(server);
        return status;
    }
    *out = server;
    return POLKA_OK;
}

uint16_t polkai_http_server_port(const polkai_http_server *server) { return server->port; }

void polkai_http_server_stop(polkai_http_server *server)
{
    if (server == NULL)
        return;
    mhd.stop_daemon(server->daemon);     /* closes the socket */
    free(server);
}
