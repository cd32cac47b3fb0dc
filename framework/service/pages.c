/* pages.c: one row a page, and what it says. All of it on the thread of the HTTP server, which never waits for the flow. */
#include <service/pages.h>

#include <base/clock.h>
#include <service/health.h>
#include <service/http.h>
#include <service/metrics.h>
#include <stdlib.h>

struct polkai_pages {
    polkai_flow *flow;
    const polkai_config *config;
    const polkai_trace *trace;
    polkai_http_server *server;
};

static polkai_health ask(const polkai_pages *pages, polkai_health_question question)
{
    polkai_pulse pulse = polkai_flow_pulse(pages->flow);
    return polkai_health_of(question, &pulse, polkai_clock_real.steady_ns(&polkai_clock_real));
}

/* Machines read the status, people the reasons; those are texts of ours, without a character that JSON would escape. */
static polkai_http_reply tell(const polkai_pages *pages, polkai_health_question question, polka_arena *arena)
{
    polkai_health health = ask(pages, question);
    polka_text body = health.count == 0 ? POLKA_TEXT("{\"status\":\"ok\"") : POLKA_TEXT("{\"status\":\"unavailable\",\"why\":[");
    for (size_t i = 0; i < health.count; i++)
        body = polkai_arena_format(arena, "%.*s%s\"%s\"%s", POLKA_TEXT_ARGS(body), i == 0 ? "" : ",", health.reasons[i], i + 1 == health.count ? "]" : "");
    return (polkai_http_reply){ health.count == 0 ? 200 : 503, "application/json", polkai_arena_format(arena, "%.*s}\n", POLKA_TEXT_ARGS(body)) };
}

static polkai_http_reply live(void *user, polka_arena *arena) { return tell(user, POLKAI_HEALTH_LIVE, arena); }
static polkai_http_reply ready(void *user, polka_arena *arena) { return tell(user, POLKAI_HEALTH_READY, arena); }
static polkai_http_reply started(void *user, polka_arena *arena) { return tell(user, POLKAI_HEALTH_STARTED, arena); }

static polkai_http_reply metrics(void *user, polka_arena *arena)
{
    const polkai_pages *pages = user;
    const polkai_config *config = pages->config;
    polkai_exporter_counts traces;
    const polkai_metrics_of of = { .flow = pages->flow, .service = config->service, .group = polkai_config_text(config, "group"),
                                   .ready = ask(pages, POLKAI_HEALTH_READY).count == 0, .traces = polkai_trace_counts(pages->trace, &traces) ? &traces : NULL };
    return (polkai_http_reply){ 200, POLKAI_METRICS_TYPE, polkai_metrics_write(&of, arena) };
}

static const polkai_http_page rows[] = { { "/livez", live }, { "/readyz", ready }, { "/startupz", started }, { "/metrics", metrics }, { 0 } };

polka_status polkai_pages_open(polkai_pages **out, const polkai_config *config, polkai_flow *flow, const polkai_trace *trace, const polkai_log *log, polka_error *error)
{
    int64_t port = polkai_config_number(config, "http.port");
    *out = NULL;
    if (port < 0)
        return POLKA_OK;
    polkai_pages *pages = polkai_alloc(sizeof *pages);
    *pages = (polkai_pages){ .flow = flow, .config = config, .trace = trace };
    polkai_http_server_options options = { .address = polkai_config_text(config, "http.address"), .port = (uint16_t)port, .pages = rows, .user = pages };
    polka_status status = polkai_http_server_start(&pages->server, &options, error);
    if (status != POLKA_OK) {
        free(pages);
        return status;
    }
    LOG_INFO(log, "health at http://%s%s%s:%u/readyz, metrics at /metrics", strchr(options.address, ':') != NULL ? "[" : "", options.address,
             strchr(options.address, ':') != NULL ? "]" : "", polkai_http_server_port(pages->server));
    *out = pages;
    return POLKA_OK;
}

void polkai_pages_close(polkai_pages *pages)
{
    if (pages == NULL)
        return;
    polkai_http_server_stop(pages->server);
    free(pages);
}
