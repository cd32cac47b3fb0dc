/* health.c: `polka health`: asks a running service how it does, for health checks of containers. */
#include <cli/terminal.h>

#include <base/arena.h>
#include <base/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 2000 };

typedef struct { const char *url, *check; int64_t port, wait_ms; } question;

static const struct { const char *check, *path; } checks[] = { { "ready", "/readyz" }, { "live", "/livez" }, { "started", "/startupz" } };

static const char *path_of(const char *check)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].check, check) == 0)
            return checks[i].path;
    return NULL;
}

/* The reasons of a JSON answer with commas between; what else it is, as it is. */
static polka_text reasons(const polkai_http_answer *answer, polka_arena *arena)
{
    json_t *body = json_loadb(answer->body.data, answer->body.size, 0, NULL), *reason;
    polka_text text = polkai_arena_format(arena, "HTTP %ld", answer->status);
    size_t at;
    json_array_foreach(json_object_get(body, "why"), at, reason)
        if (json_is_string(reason))
            text = polkai_arena_format(arena, "%.*s%s%s", at == 0 ? 0 : (int)text.size, text.data, at == 0 ? "" : ", ", json_string_value(reason));
    json_decref(body);
    return text;
}

static polka_text url_of(const question *ask, polka_arena *arena)
{
    if (ask->url == NULL)
        return polkai_arena_format(arena, "http://127.0.0.1:%lld%s", (long long)ask->port, path_of(ask->check));
    const char *host = strstr(ask->url, "://");
    const char *path = strchr(host != NULL ? host + 3 : ask->url, '/');
    bool whole = path != NULL && path[1] != '\0';
    return polkai_arena_format(arena, "%s%.*s%s", host != NULL ? "" : "http://", (int)(whole || path == NULL ? strlen(ask->url) : (size_t)(path - ask->url)), ask->url,
                               whole ? "" : path_of(ask->check));
}

static bool ask_for(const question *ask, polka_arena *arena, polka_error *error)
{
    polkai_http *http;
    polkai_http_answer answer;
    polka_text url = url_of(ask, arena);
    polkai_http_options options = { .connect_ms = ask->wait_ms, .total_ms = ask->wait_ms };
    if (polkai_http_open(&http, &options, error) != POLKA_OK) {
        cli_complain(error);
        return false;
    }
    polkai_http_request request = { .method = "GET", .url = url.data, .left_ms = ask->wait_ms, .direct = true };
    polka_status status = polkai_http_call(http, &request, arena, &answer, error);
    polkai_http_close(http);
    if (status == POLKA_OK && answer.status == 200) {
        printf("%s: %s\n", ask->check, url.data);
        return true;
    }
    polka_text why = status == POLKA_OK ? reasons(&answer, arena) : polka_text_of(error->message);
    printf("not %s: ", ask->check);
    cli_print_text(why.data, why.size, 1000);
    printf(status == POLKA_OK ? " (%s)\n" : "\n", url.data);
    return false;
}

static int run(const cli_command *command, int argc, char **argv)
{
    const char *variable = getenv("POLKA_HTTP_PORT");
    question ask = { .check = "ready", .port = -1, .wait_ms = WAIT_MS };
    polka_error error = { 0 };
    polka_arena arena = { 0 };
    cli_list rest = { 0 };
    const cli_option options[] = { { "port", 'p', CLI_COUNT, &ask.port, "N", "of a service on this machine; default: POLKA_HTTP_PORT" },
                                   { "check", 0, CLI_TEXT, &ask.check, "ready|live|started", "default: ready" },
                                   { "wait", 0, CLI_DURATION, &ask.wait_ms, "TIME", "for the answer; default: 2s" }, { 0 } };
    int code = cli_parse(command, options, argc, argv, &rest);
    if (code < 0 && ask.port < 0 && rest.count == 0 && variable != NULL)
        ask.port = atoll(variable);
    if (code < 0 && path_of(ask.check) == NULL)
        code = cli_usage(command, "--check is ready, live or started, not '%s'", ask.check);
    if (code < 0 && (rest.count > 1 || (rest.count == 1 && ask.port >= 0)))
        code = cli_usage(command, "one service at a time: a URL or --port");
    if (code < 0 && rest.count == 0 && (ask.port < 1 || ask.port > 65535))
        code = cli_usage(command, "which service? A URL, --port N, or the port in POLKA_HTTP_PORT, 1 to 65535");
    if (code < 0) {
        ask.url = rest.count == 1 ? rest.items[0] : NULL;
        code = ask_for(&ask, &arena, &error) ? CLI_OK : CLI_FAILURE;
    }
    polkai_arena_deinit(&arena);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_health = {
    .name = "health", .arguments = "[URL]", .summary = "ask a running service how it does, for health checks of containers", .run = run,
    .details = "Asks the port that a service opens when http.port (POLKA_HTTP_PORT) is set: is it ready (a member of its group, and not\n"
               "stopping), live (it gets on, whatever its brokers do), started (it has been a member once)? One line, with the reasons if not.\n"
               "Exit 0: yes; 1: no, or no answer.\n",
    .examples = "  polka health --port 8080\n"
                "  polka health http://payments:8080 --check live\n"
                "  POLKA_HTTP_PORT=8080 polka health\n" };
