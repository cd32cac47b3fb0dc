/* traced.c: a span for each event, by the ids that the event has on the wire. */
#include <cli/traced.h>

#include <flow/envelope/envelope.h>
#include <polka/version.h>
#include <unistd.h>

enum { EXPORT_MS = 3000 };

extern char **environ;

void cli_traced_open(cli_traced *traced, const cli_event *event)
{
    static const polka_service emit = { .name = "emit", .domain = "polka", .version = POLKA_VERSION };
    polkai_log_init(&traced->log, STDERR_FILENO, POLKAI_LOG_WARN, POLKAI_LOG_TEXT, NULL);
    traced->event = event;
    traced->trace = polkai_trace_open(&(polkai_trace_options){ .service = &emit, .client_id = CLI_CLIENT_ID, .log = &traced->log, .environment = environ });
    polkai_trace_start(traced->trace);
}

void cli_traced_close(cli_traced *traced)
{
    polkai_trace_finish(traced->trace, EXPORT_MS);
    polkai_trace_close(traced->trace);
    traced->trace = NULL;
}

/* By its id alone, so that it need not be kept until the event's report. */
static void write_parent(const cli_traced *traced, const char *id, char text[POLKAI_TRACEPARENT + 1])
{
    polka_text none = { 0, NULL }, id_text = polka_text_of(id);
    const polkai_tracing *tracing = polkai_trace_for_flow(traced->trace);
    polkai_envelope_trace_write(text, none, id_text, id_text);
    if (tracing != NULL)
        polkai_envelope_trace_set_sampled(text, tracing->samples(tracing->user, text + POLKAI_TRACE_AT, POLKAI_PARENT_NONE));
}

polka_text cli_traced_parent(const cli_traced *traced, const char *id, polka_arena *arena)
{
    char *text = polka_arena_alloc(arena, POLKAI_TRACEPARENT + 1);
    write_parent(traced, id, text);
    return (polka_text){ POLKAI_TRACEPARENT, text };
}

void cli_traced_heard(void *user, const cli_sent *sent, const polkai_report *report)
{
    const cli_traced *traced = user;
    const polkai_tracing *tracing = polkai_trace_for_flow(traced->trace);
    char text[POLKAI_TRACEPARENT + 1];
    polka_text id = polka_text_of(sent->id);
    write_parent(traced, sent->id, text);
    if (tracing == NULL || !polkai_envelope_trace_sampled(text))
        return;
    polkai_span span = { .kind = POLKAI_SPAN_SEND, .began_ns = sent->began_ns, .ended_ns = polkai_clock_real.steady_ns(&polkai_clock_real),
                         .topic = polka_text_of(sent->topic), .type = polka_text_of(traced->event->name), .id = id, .conversation = id, .key = sent->key,
                         .partition = report->partition, .offset = report->offset };
    memcpy(span.context.trace, text + POLKAI_TRACE_AT, POLKAI_TRACE_ID);
    memcpy(span.context.span, text + POLKAI_PARENT_AT, POLKAI_SPAN_ID);
    if (report->status != POLKA_OK) {
        span.error = polka_text_of(report->code);
        span.message = polka_text_of(report->message);
    }
    tracing->ended(tracing->user, &span);
}
