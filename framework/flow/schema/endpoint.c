/* endpoint.c: scheme://[user[:password]@]host[:port][/path]. */
#include <base/arena.h>
#include <base/error.h>
#include <base/url.h>
#include <flow/schema/endpoint.h>

enum { URLS_MAX = 32, URL_BYTES = 2048 };

static polka_status read_credentials(polkai_endpoint *endpoint, polka_arena *arena, const char *from, size_t size, const char *host, polka_error *error)
{
    char *user = (char *)(uintptr_t)polkai_arena_text(arena, from, size).data, *colon = strchr(user, ':');
    if (colon != NULL)
        *colon = '\0';
    endpoint->user = user;
    endpoint->password = colon != NULL ? colon + 1 : "";
    ENSURE(polkai_url_unescape(user) && (colon == NULL || polkai_url_unescape(colon + 1)), POLKA_MISUSE, error, "bad-url",
           "the user or password before @%.100s is not well escaped: %%41 is A, %%25 is %%", host);
    return POLKA_OK;
}

static polka_status check_host(const char *host, polka_error *error)
{
    ENSURE(host[0] != '\0' && host[0] != '/' && host[0] != ':', POLKA_MISUSE, error, "bad-url", "the registry's URL has no host; expected http://host:8081 or https://host/path");
    ENSURE(strchr(host, '@') == NULL, POLKA_MISUSE, error, "bad-url", "a registry's URL has an @ after its first /; in a user or password, / is written %%2F and @ is %%40");
    for (const char *at = host; *at != '\0'; at++)
        ENSURE(*at > ' ' && *at < 127 && strchr("\"<>\\^`{|}?#", *at) == NULL, POLKA_MISUSE, error, "bad-url",
               "the registry's URL ...//%.100s has a byte that does not belong there (number %zu of it); it is scheme, host, port and path, nothing after", host, (size_t)(at - host) + 1);
    return POLKA_OK;
}

static polka_status read_one(polka_text url, polka_arena *arena, polkai_endpoint *endpoint, polka_error *error)
{
    const char *text = polkai_arena_text(arena, url.data, url.size).data;
    bool secure = strncasecmp(text, "https://", 8) == 0;
    ENSURE(url.size <= URL_BYTES, POLKA_MISUSE, error, "bad-url", "a registry's URL has %zu bytes; at most %d", url.size, URL_BYTES);
    ENSURE(secure || strncasecmp(text, "http://", 7) == 0, POLKA_MISUSE, error, "bad-url",
           "a registry's URL begins with http:// or https://; this one, of %zu bytes, does not (example: http://localhost:8081)", url.size);
    const char *host = text + (secure ? 8 : 7), *slash = strchr(host, '/');
    size_t before_path = slash != NULL ? (size_t)(slash - host) : strlen(host);
    const char *at = memrchr(host, '@', before_path);
    if (at != NULL) {
        TRY(read_credentials(endpoint, arena, host, (size_t)(at - host), at + 1, error));
        host = at + 1;
    }
    TRY(check_host(host, error));
    size_t size = strlen(host);
    while (size > 0 && host[size - 1] == '/')
        size--;
    endpoint->base = polkai_arena_format(arena, "%s://%.*s", secure ? "https" : "http", (int)size, host).data;
    endpoint->local = polkai_url_is_local(host);
    return POLKA_OK;
}

polka_status polkai_endpoints_read(const char *urls, polka_arena *arena, const polkai_endpoint **out, size_t *count, polka_error *error)
{
    polkai_endpoint *endpoints = polkai_arena_zeroed(arena, URLS_MAX, sizeof *endpoints);
    *count = 0;
    for (const char *at = urls != NULL ? urls : ""; *at != '\0';) {
        at += strspn(at, ", ");
        size_t size = strcspn(at, ", ");
        if (size == 0)
            break;
        ENSURE(*count < URLS_MAX, POLKA_MISUSE, error, "bad-url", "a registry has at most %d URLs", URLS_MAX);
        TRY(read_one((polka_text){ size, at }, arena, &endpoints[(*count)++], error));
        at += size;
    }
    ENSURE(*count > 0, POLKA_MISUSE, error, "bad-url", "no registry's URL is given (example: http://localhost:8081)");
    *out = endpoints;
    return POLKA_OK;
}
