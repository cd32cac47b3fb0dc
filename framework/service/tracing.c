/* tracing.c: settings, sampler, encoding and exporter of one process, put together. */
#include <service/tracing.h>

#include <base/error.h>
#include <base/identity.h>
#include <polka/version.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct polkai_trace {
    polkai_tracing tracing;
    polkai_trace_settings settings;
    polkai_otlp otlp;
    polkai_exporter *exporter;           /* NULL: it could not be started */
    const polkai_log *log;
    polka_arena arena;
};

static bool samples(void *user, const char *trace_id, polkai_trace_parent parent)
{
    const polkai_trace *trace = user;
    return polkai_sampler_decide(&trace->settings.sampler, trace_id, parent);
}

static void ended(void *user, const polkai_span *span)
{
    const polkai_trace *trace = user;
    if (trace->exporter != NULL)
        polkai_exporter_put(trace->exporter, span);
}

static const char *new_id(polka_arena *arena)
{
    uint8_t uuid[16];
    polkai_random random;
    char *text = polka_arena_alloc(arena, POLKA_UUID_TEXT + 1);
    polkai_random_seed_entropy(&random);
    polkai_uuid_v7(uuid, polkai_clock_real.wall_ms(&polkai_clock_real), &random);
    polkai_uuid_write(text, uuid);
    return text;
}

static void read_settings(polkai_trace *trace, const polkai_trace_options *options)
{
    char host[256] = "";
    const polka_service *service = options->service;
    polka_arena *arena = &trace->arena;
    gethostname(host, sizeof host - 1);
    const polkai_attribute own[] = {
        { POLKA_TEXT("service.name"), polka_text_of(service->name) },
        { POLKA_TEXT("service.namespace"), polka_text_of(service->domain) },
        { POLKA_TEXT("service.version"), polka_text_of(service->version) },
        { POLKA_TEXT("service.instance.id"), polka_text_of(new_id(arena)) },
        { POLKA_TEXT("host.name"), polkai_arena_text(arena, host, strlen(host)) },
        { POLKA_TEXT("telemetry.sdk.name"), POLKA_TEXT("polka") },
        { POLKA_TEXT("telemetry.sdk.language"), POLKA_TEXT("c") },
        { POLKA_TEXT("telemetry.sdk.version"), POLKA_TEXT(POLKA_VERSION) },
    };
    polkai_trace_settings_read(&trace->settings, options->environment, own, sizeof own / sizeof *own, arena);
}

polkai_trace *polkai_trace_open(const polkai_trace_options *options)
{
    polkai_trace *trace = polkai_alloc(sizeof *trace);
    polka_arena *arena = &trace->arena;
    polkai_arena_init(arena, NULL, 0);
    read_settings(trace, options);
    for (size_t i = 0; i < trace->settings.warning_count; i++)
        LOG_WARN(options->log, "%s", trace->settings.warnings[i]);
    if (!trace->settings.on) {
        polkai_trace_close(trace);
        return NULL;
    }
    trace->otlp = (polkai_otlp){ .resource = trace->settings.resource, .resource_count = trace->settings.resource_count,
                                 .client_id = polkai_arena_text(arena, options->client_id, strlen(options->client_id)),
                                 .group = options->group == NULL ? (polka_text){ 0, NULL } : polkai_arena_text(arena, options->group, strlen(options->group)) };
    trace->tracing = (polkai_tracing){ trace, samples, ended };
    trace->log = options->log;
    return trace;
}

void polkai_trace_start(polkai_trace *trace)
{
    polka_error error;
    if (trace == NULL)
        return;
    if (polkai_exporter_start(&trace->exporter, &trace->settings, &trace->otlp, trace->log, &error) == POLKA_OK)
        LOG_INFO(trace->log, "traces to %s, sampler %s", trace->settings.shown, trace->settings.sampler_name);
    else
        LOG_WARN(trace->log, "traces are not exported: %s", error.message);
}

const polkai_tracing *polkai_trace_for_flow(const polkai_trace *trace) { return trace == NULL ? NULL : &trace->tracing; }

bool polkai_trace_counts(const polkai_trace *trace, polkai_exporter_counts *counts)
{
    bool counts_any = trace != NULL && trace->exporter != NULL;
    if (counts_any)
        *counts = polkai_exporter_count(trace->exporter);
    return counts_any;
}

void polkai_trace_finish(polkai_trace *trace, int64_t left_ms)
{
    if (trace != NULL && trace->exporter != NULL)
        polkai_exporter_finish(trace->exporter, left_ms);
}

void polkai_trace_close(polkai_trace *trace)
{
    if (trace == NULL)
        return;
    polkai_exporter_close(trace->exporter);
    polkai_arena_deinit(&trace->arena);
    free(trace);
}
