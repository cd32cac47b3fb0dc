/* endpoint.h: the URLs of one registry, taken apart once; their credentials stand apart from what is shown. */
#ifndef POLKA_FLOW_SCHEMA_ENDPOINT_H
#define POLKA_FLOW_SCHEMA_ENDPOINT_H

#include <polka/codec.h>

typedef struct {
    const char *base;                    /* "https://host:8081/path", without credentials and without a slash at the end */
    const char *user, *password;         /* NULL: the URL has none */
    bool local;                          /* this machine itself */
} polkai_endpoint;

/*
 * polkai_endpoints_read: "http://a:8081, https://user:pass@b/path". Memory of arena.
 * errors: MISUSE "bad-url": which one, and why; without its credentials.
 */
polka_status polkai_endpoints_read(const char *urls, polka_arena *arena, const polkai_endpoint **endpoints, size_t *count, polka_error *error);

#endif
