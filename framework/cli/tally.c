/* tally.c: rows by label under one lock; the page is written on the thread of the HTTP server. */
#include <cli/tally.h>

#include <base/arena.h>
#include <cli/cli.h>
#include <pthread.h>
#include <service/exposition.h>
#include <service/http.h>
#include <service/metrics.h>
#include <stdlib.h>

static const double bounds_s[] = { 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800, 3600 };
enum { BOUNDS = sizeof bounds_s / sizeof *bounds_s };

typedef struct { char *flow; uint64_t done, failed, took[BOUNDS + 1]; double took_s; } flow_row;
typedef struct { char *flow, *service, *reaction; uint64_t count; } stall_row;

struct cli_tally {
    polkai_http_server *server;
    pthread_mutex_t lock;                /* of all below */
    size_t flow_count, stall_count, running, forgotten;
    flow_row *flows;
    stall_row *stalls;
};

/* ---- counting ---- */

static const char *or_dash(const char *text) { return text != NULL ? text : "-"; }

static flow_row *flow_of(cli_tally *tally, const char *flow)
{
    for (size_t i = 0; i < tally->flow_count; i++)
        if (strcmp(tally->flows[i].flow, flow) == 0)
            return &tally->flows[i];
    tally->flows = polkai_realloc(tally->flows, (tally->flow_count + 1) * sizeof *tally->flows);
    flow_row *made = &tally->flows[tally->flow_count++];
    *made = (flow_row){ .flow = polkai_strdup(flow) };
    return made;
}

static stall_row *stall_of(cli_tally *tally, const char *flow, const char *service, const char *reaction)
{
    for (size_t i = 0; i < tally->stall_count; i++) {
        stall_row *at = &tally->stalls[i];
        if (strcmp(at->flow, flow) == 0 && strcmp(at->service, service) == 0 && strcmp(at->reaction, reaction) == 0)
            return at;
    }
    tally->stalls = polkai_realloc(tally->stalls, (tally->stall_count + 1) * sizeof *tally->stalls);
    stall_row *made = &tally->stalls[tally->stall_count++];
    *made = (stall_row){ polkai_strdup(flow), polkai_strdup(service), polkai_strdup(reaction), 0 };
    return made;
}

void cli_tally_ended(cli_tally *tally, const char *flow, bool failed, int64_t took_ms)
{
    size_t bound = 0;
    double took_s = (double)took_ms / 1000;
    if (tally == NULL)
        return;
    while (bound < BOUNDS && took_s > bounds_s[bound])
        bound++;
    pthread_mutex_lock(&tally->lock);
    flow_row *row = flow_of(tally, or_dash(flow));
    *(failed ? &row->failed : &row->done) += 1;
    row->took[bound]++;
    row->took_s += took_s;
    pthread_mutex_unlock(&tally->lock);
}

void cli_tally_stalled(cli_tally *tally, const char *flow, const char *service, const char *reaction)
{
    if (tally == NULL)
        return;
    pthread_mutex_lock(&tally->lock);
    stall_of(tally, or_dash(flow), or_dash(service), or_dash(reaction))->count++;
    pthread_mutex_unlock(&tally->lock);
}

void cli_tally_holds(cli_tally *tally, size_t running, size_t forgotten)
{
    if (tally == NULL)
        return;
    pthread_mutex_lock(&tally->lock);
    tally->running = running;
    tally->forgotten = forgotten;
    pthread_mutex_unlock(&tally->lock);
}

/* ---- the page ---- */

#define LABEL(NAME, VALUE) { (NAME), polka_text_of(VALUE) }
#define END { NULL, { 0, NULL } }

static void one(polkai_exposition *out, const char *name, const char *type, const char *help, double value)
{
    polkai_exposition_family(out, name, type, help);
    polkai_exposition_sample(out, "", NULL, value);
}

static void write_ended(const cli_tally *tally, polkai_exposition *out)
{
    polkai_exposition_family(out, "polka_flows_ended_total", "counter", "Business flows that came to an end; flow - has no contract.");
    for (size_t i = 0; i < tally->flow_count; i++) {
        const flow_row *row = &tally->flows[i];
        polkai_exposition_sample(out, "", (const polkai_label[]){ LABEL("flow", row->flow), LABEL("outcome", "done"), END }, (double)row->done);
        polkai_exposition_sample(out, "", (const polkai_label[]){ LABEL("flow", row->flow), LABEL("outcome", "failed"), END }, (double)row->failed);
    }
}

static void write_stalled(const cli_tally *tally, polkai_exposition *out)
{
    polkai_exposition_family(out, "polka_flows_stalled_total", "counter", "Things that did not follow an event in their time, by who was to see to it.");
    for (size_t i = 0; i < tally->stall_count; i++) {
        const stall_row *row = &tally->stalls[i];
        polkai_exposition_sample(out, "", (const polkai_label[]){ LABEL("flow", row->flow), LABEL("service", row->service), LABEL("reaction", row->reaction), END },
                                 (double)row->count);
    }
}

static void write_took(const cli_tally *tally, polkai_exposition *out, polka_arena *arena)
{
    polkai_exposition_family(out, "polka_flow_duration_seconds", "histogram", "From the first event of a flow to its last.");
    for (size_t i = 0; i < tally->flow_count; i++) {
        const flow_row *row = &tally->flows[i];
        uint64_t sum = 0;
        for (size_t k = 0; k <= BOUNDS; k++) {
            sum += row->took[k];
            const polkai_label labels[] = { LABEL("flow", row->flow), { "le", k == BOUNDS ? POLKA_TEXT("+Inf") : polkai_arena_format(arena, "%g", bounds_s[k]) }, END };
            polkai_exposition_sample(out, "_bucket", labels, (double)sum);
        }
        const polkai_label labels[] = { LABEL("flow", row->flow), END };
        polkai_exposition_sample(out, "_sum", labels, row->took_s);
        polkai_exposition_sample(out, "_count", labels, (double)sum);
    }
}

static polkai_http_reply page(void *user, polka_arena *arena)
{
    cli_tally *tally = user;
    polkai_exposition out = { .text = { .arena = arena } };
    pthread_mutex_lock(&tally->lock);
    one(&out, "polka_flows_running", "gauge", "Business flows that are followed and have not ended.", (double)tally->running);
    one(&out, "polka_flows_forgotten_total", "counter", "Flows that were given up before their end, for want of room.", (double)tally->forgotten);
    write_ended(tally, &out);
    write_stalled(tally, &out);
    write_took(tally, &out, arena);
    pthread_mutex_unlock(&tally->lock);
    return (polkai_http_reply){ 200, POLKAI_METRICS_TYPE, { out.text.size, (const char *)out.text.data } };
}

static const polkai_http_page pages[] = { { "/metrics", page }, { NULL, NULL } };

polka_status cli_tally_open(cli_tally **out, const char *address, int64_t port, polka_error *error)
{
    ENSURE(port <= UINT16_MAX, POLKA_MISUSE, error, "bad-port", "--port is at most %d, not %" PRId64, UINT16_MAX, port);
    cli_tally *tally = polkai_alloc(sizeof *tally);
    pthread_mutex_init(&tally->lock, NULL);
    polkai_http_server_options options = { .address = address, .port = (uint16_t)port, .pages = pages, .user = tally };
    polka_status status = polkai_http_server_start(&tally->server, &options, error);
    if (status != POLKA_OK) {
        cli_tally_close(tally);
        return status;
    }
    cli_say("metrics at http://%s:%u/metrics", address, polkai_http_server_port(tally->server));
    *out = tally;
    return POLKA_OK;
}

void cli_tally_close(cli_tally *tally)
{
    if (tally == NULL)
        return;
    polkai_http_server_stop(tally->server);
    for (size_t i = 0; i < tally->flow_count; i++)
        free(tally->flows[i].flow);
    for (size_t i = 0; i < tally->stall_count; i++) {
        char *texts[] = { tally->stalls[i].flow, tally->stalls[i].service, tally->stalls[i].reaction };
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            free(texts[t]);
    }
    free(tally->flows);
    free(tally->stalls);
    pthread_mutex_destroy(&tally->lock);
    free(tally);
}
