/* registry.c: one handle: which URL is asked, how often, how long. The calls of the API stand in calls.c. */
#include <flow/schema/registry_inner.h>

#include <base/clock.h>
#include <stdlib.h>
#include <time.h>

enum { CALL_MS = 15000, ATTEMPTS = 3, FIRST_WAIT_MS = 100, WAIT_MAX_MS = 5000, BRIEF_MS = 2000, SILENT_MS = 10000 };

static int64_t now_ms(void) { return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000; }

static const polkai_http_peer peer = { "registry", "a schema registry", "schemas.registry.token", "schemas.registry.ca", "schemas.registry.certificate",
                                       "schemas.registry.key" };
static const char *const headers[] = { "Accept: application/vnd.schemaregistry.v1+json, application/json",
                                       "Content-Type: application/vnd.schemaregistry.v1+json", NULL };

static bool given(const char *text) { return text != NULL && *text != '\0'; }

static polka_status fill(polkai_registry *registry, const polkai_registry_options *options, polka_error *error)
{
    const polkai_http_options http = { .peer = &peer, .headers = headers, .token = options->token, .ca = options->ca, .certificate = options->certificate, .key = options->key,
                                       .connect_ms = options->connect_ms, .total_ms = options->total_ms, .body_bytes = options->body_bytes };
    TRY(polkai_endpoints_read(options->urls, &registry->arena, &registry->endpoints, &registry->endpoint_count, error));
    ENSURE(!given(options->token) || !given(options->user), POLKA_MISUSE, error, "bad-url", "schemas.registry.token and .user are both given: one of the two");
    registry->user = given(options->user) ? polkai_arena_text(&registry->arena, options->user, strlen(options->user)).data : NULL;
    registry->password = given(options->password) ? polkai_arena_text(&registry->arena, options->password, strlen(options->password)).data : NULL;
    registry->attempts = options->attempts > 0 ? options->attempts : ATTEMPTS;
    registry->call_ms = options->call_ms > 0 ? options->call_ms : CALL_MS;
    return polkai_http_open(&registry->http, &http, error);
}

polka_status polkai_registry_open(polkai_registry **out, const polkai_registry_options *options, polka_error *error)
{
    pthread_condattr_t steady;
    polkai_registry *registry = polkai_alloc(sizeof *registry);
    polkai_arena_init(&registry->arena, NULL, 0);
    pthread_mutex_init(&registry->turn, NULL);
    pthread_mutex_init(&registry->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&registry->wake, &steady);
    pthread_condattr_destroy(&steady);
    polka_status status = fill(registry, options, error);
    if (status == POLKA_OK)
        *out = registry;
    else
        polkai_registry_close(registry);
    return status;
}

void polkai_registry_close(polkai_registry *registry)
{
    if (registry == NULL)
        return;
    polkai_http_close(registry->http);
    pthread_cond_destroy(&registry->wake);
    pthread_mutex_destroy(&registry->lock);
    pthread_mutex_destroy(&registry->turn);
    polkai_arena_deinit(&registry->arena);
    free(registry);
}

void polkai_registry_stop(polkai_registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    registry->stopped = true;
    pthread_cond_broadcast(&registry->wake);
    pthread_mutex_unlock(&registry->lock);
    polkai_http_stop(registry->http);
}

const char *polkai_registry_name(const polkai_registry *registry) { return registry->endpoints[0].base; }

/* ---- one call, over all URLs ---- */

typedef struct {
    polkai_registry *registry;
    const polkai_registry_call *call;
    polka_arena *arena;                  /* of answers */
    int64_t deadline_ms, wait_ms;        /* what Retry-After asks for; -1: nothing */
    const char *url;                     /* that answered */
} asking;

/* false: stopped, or the deadline would pass in the meantime. */
static bool wait_between(asking *ask, unsigned round)
{
    polkai_registry *registry = ask->registry;
    int64_t wait_ms = ask->wait_ms >= 0 ? ask->wait_ms : (int64_t)FIRST_WAIT_MS << (round < 6 ? round : 6);
    wait_ms = wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS;
    int64_t until_ms = now_ms() + wait_ms;
    if (until_ms >= ask->deadline_ms)
        return false;
    const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
    pthread_mutex_lock(&registry->lock);
    while (!registry->stopped && now_ms() < until_ms)
        pthread_cond_timedwait(&registry->wake, &registry->lock, &until);
    bool go_on = !registry->stopped;
    pthread_mutex_unlock(&registry->lock);
    return go_on;
}

static polkai_answer_kind ask_one(asking *ask, const polkai_endpoint *endpoint, json_t **json, polka_error *error)
{
    polkai_registry *registry = ask->registry;
    const polkai_registry_call *call = ask->call;
    polkai_http_answer answer;
    int64_t left_ms = ask->deadline_ms - now_ms();
    ask->url = polkai_arena_format(ask->arena, "%s%s", endpoint->base, call->path).data;
    const polkai_http_request request = { .method = call->method, .url = ask->url, .direct = endpoint->local, .body = call->body,
                                          .left_ms = left_ms > 0 ? left_ms : 1,
                                          .user = endpoint->user != NULL ? endpoint->user : registry->user,
                                          .password = endpoint->user != NULL ? endpoint->password : registry->password };
    if (polkai_http_call(registry->http, &request, ask->arena, &answer, error) != POLKA_OK)
        return strcmp(error->code, "registry-unreachable") == 0 ? POLKAI_ANSWER_AGAIN : POLKAI_ANSWER_NEXT;
    ask->wait_ms = answer.retry_after_ms > ask->wait_ms ? answer.retry_after_ms : ask->wait_ms;
    polkai_answer_kind kind = polkai_answer_judge(ask->url, &answer, json, error);
    if (kind == POLKAI_ANSWER_FINAL)
        polkai_answer_words(&answer, registry->words);
    return kind;
}

/* Each URL once, beginning with the one that answered last. *again: at least one may answer later. */
static polkai_answer_kind ask_all(asking *ask, json_t **json, bool *again, polka_error *error)
{
    polkai_registry *registry = ask->registry;
    *again = false;
    for (size_t i = 0; i < registry->endpoint_count; i++) {
        size_t at = (registry->current + i) % registry->endpoint_count;
        polkai_answer_kind kind = ask_one(ask, &registry->endpoints[at], json, error);
        if (kind == POLKAI_ANSWER_GOOD || kind == POLKAI_ANSWER_FINAL) {
            registry->current = at;
            return kind;
        }
        *again = *again || kind == POLKAI_ANSWER_AGAIN;
        if (now_ms() >= ask->deadline_ms)
            break;
    }
    return POLKAI_ANSWER_NEXT;
}

static polka_status ask_rounds(asking *ask, json_t **json, polka_error *error)
{
    unsigned rounds = ask->call->brief ? 1 : ask->registry->attempts;
    for (unsigned round = 0; round < rounds; round++) {
        bool again = false;
        ask->wait_ms = -1;
        polkai_answer_kind kind = ask_all(ask, json, &again, error);
        if (kind == POLKAI_ANSWER_GOOD)
            return POLKA_OK;
        if (kind == POLKAI_ANSWER_FINAL || !again || round + 1 == rounds || !wait_between(ask, round))
            break;
    }
    return error->status;
}

polka_status polkai_registry_ask(polkai_registry *registry, const polkai_registry_call *call, polka_arena *arena, json_t **json, const char **url, polka_error *error)
{
    polka_error own = { 0 };             /* the caller's may be NULL; what decides is its code */
    pthread_mutex_lock(&registry->turn);
    registry->words[0] = '\0';
    int64_t limit_ms = call->brief && registry->call_ms > BRIEF_MS ? BRIEF_MS : registry->call_ms;
    asking ask = { .registry = registry, .call = call, .arena = arena, .deadline_ms = now_ms() + limit_ms, .url = registry->endpoints[0].base };
    polka_status status = call->brief && now_ms() < registry->silent_until_ms
        ? polkai_fail(&own, POLKA_TRANSIENT, "registry-unreachable", "%s did not answer a moment ago", registry->endpoints[0].base)
        : ask_rounds(&ask, json, &own);
    if (status != POLKA_TRANSIENT)
        registry->silent_until_ms = 0;
    else if (now_ms() >= registry->silent_until_ms)
        registry->silent_until_ms = now_ms() + SILENT_MS;
    pthread_mutex_unlock(&registry->turn);
    *url = ask.url;
    if (status != POLKA_OK && error != NULL)
        *error = own;
    return status;
}

const char *polkai_registry_words(const polkai_registry *registry)
{
    return registry->words;
}
