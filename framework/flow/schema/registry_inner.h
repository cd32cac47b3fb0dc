/* registry_inner.h: what a handle is, for registry.c and calls.c. */
#ifndef POLKA_FLOW_SCHEMA_REGISTRY_INNER_H
#define POLKA_FLOW_SCHEMA_REGISTRY_INNER_H

#include <base/arena.h>
#include <base/error.h>
#include <flow/schema/answer.h>
#include <flow/schema/endpoint.h>
#include <flow/schema/registry.h>
#include <pthread.h>

struct polkai_registry {
    polkai_http *http;
    const polkai_endpoint *endpoints;
    size_t endpoint_count, current;      /* current: the one that answered last */
    const char *user, *password;         /* for endpoints without their own; NULL: none */
    int64_t call_ms;
    unsigned attempts;
    int64_t silent_until_ms;             /* brief calls are not made before */
    pthread_mutex_t turn;                /* held while a call runs: http, current, silent_until_ms */
    pthread_mutex_t lock;                /* stopped */
    pthread_cond_t wake;
    bool stopped;
    polka_arena arena;                   /* endpoints and credentials */
    char words[POLKAI_ANSWER_WORDS + 64];    /* of the last refusal, when the error had not room for them; the caller's */
};

typedef struct {
    const char *method, *path;           /* path: escaped, begins with / */
    polka_text body;                     /* data NULL: none */
    bool brief;                          /* one round, 2 s, and not at all soon after such a one failed */
} polkai_registry_call;

/* polkai_registry_ask: *json is new, *url is who answered (memory of arena). errors: as registry.h says. */
polka_status polkai_registry_ask(polkai_registry *registry, const polkai_registry_call *call, polka_arena *arena, json_t **json, const char **url, polka_error *error);

#endif
