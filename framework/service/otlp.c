/* otlp.c: resourceSpans[] { resource, scopeSpans[] { scope, spans[] } }, of each one. */
#include <service/otlp.h>

#include <avro/json.h>
#include <avro/wire.h>
#include <base/arena.h>
#include <base/text.h>
#include <polka/version.h>
#include <stdio.h>
#include <stdlib.h>

enum { KIND_PRODUCER = 4, KIND_CONSUMER = 5, STATUS_ERROR = 2 };
/* Flags of a span or link: those of its trace, and whether its parent, or what is linked, is of another process. */
enum { SAMPLED = 0x1, HAS_IS_REMOTE = 0x100, IS_REMOTE = 0x200 };

static void put(polka_buffer *out, const char *text) { polkai_put_bytes(out, text, strlen(text)); }

static void put_number(polka_buffer *out, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    put(out, text);
}

/* What is no UTF-8 has no place in JSON; it is left out. */
static bool is_writable(polka_text text) { return text.data != NULL && polkai_utf8_valid(text.data, text.size); }

/* ---- attributes ---- */

typedef struct { polka_buffer *out; bool any; } list;

static void begin_attribute(list *to, const char *name, size_t size)
{
    put(to->out, to->any ? ",{\"key\":" : "{\"key\":");
    polkai_json_write_text(to->out, name, size);
    put(to->out, ",\"value\":{");
    to->any = true;
}

static void put_text(list *to, const char *name, polka_text value)
{
    if (!is_writable(value))
        return;
    begin_attribute(to, name, strlen(name));
    put(to->out, "\"stringValue\":");
    polkai_json_write_text(to->out, value.data, value.size);
    put(to->out, "}}");
}

static void put_integer(list *to, const char *name, int64_t value)
{
    begin_attribute(to, name, strlen(name));
    put(to->out, "\"intValue\":\"");
    put_number(to->out, value);
    put(to->out, "\"}}");
}

static void put_attributes(const polkai_otlp *otlp, const polkai_span *span, polka_buffer *out)
{
    bool processes = span->kind == POLKAI_SPAN_PROCESS;
    list to = { out, false };
    char partition[16];
    put_text(&to, "messaging.system", POLKA_TEXT("kafka"));
    put_text(&to, "messaging.operation.name", processes ? POLKA_TEXT("process") : POLKA_TEXT("send"));
    put_text(&to, "messaging.operation.type", processes ? POLKA_TEXT("process") : POLKA_TEXT("send"));
    put_text(&to, "messaging.destination.name", span->topic);
    snprintf(partition, sizeof partition, "%" PRId32, span->partition);
    if (span->partition >= 0)
        put_text(&to, "messaging.destination.partition.id", polka_text_of(partition));
    if (span->offset >= 0)
        put_integer(&to, "messaging.kafka.offset", span->offset);
    put_text(&to, "messaging.kafka.message.key", span->key);
    put_text(&to, "messaging.client.id", otlp->client_id);
    if (processes)
        put_text(&to, "messaging.consumer.group.name", otlp->group);
    put_text(&to, "messaging.message.id", span->id);
    put_text(&to, "messaging.message.conversation_id", span->conversation);
    put_text(&to, "cloudevents.event_type", span->type);
    put_text(&to, "polka.reaction", span->reaction);
    put_text(&to, "polka.outcome", span->outcome);
    if (processes)
        put_integer(&to, "polka.attempt", span->attempt);
    put_text(&to, "error.type", span->error);
}

/* ---- a span ---- */

static void put_time(const polkai_otlp *otlp, const char *name, int64_t steady_ns, polka_buffer *out)
{
    int64_t at_ns = steady_ns + otlp->epoch_ns;
    put(out, name);
    put_number(out, at_ns > 0 ? at_ns : 0);
    put(out, "\"");
}

static void put_name(const polkai_span *span, polka_buffer *out)
{
    char text[260];
    polka_text topic = is_writable(span->topic) ? span->topic : POLKA_TEXT("");
    int size = snprintf(text, sizeof text, "%s%s%.*s", span->kind == POLKAI_SPAN_PROCESS ? "process" : "send", topic.size > 0 ? " " : "", POLKA_TEXT_ARGS(topic));
    put(out, ",\"name\":");
    polkai_json_write_text(out, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

static void put_status(const polkai_span *span, polka_buffer *out)
{
    if (span->error.data == NULL) {
        put(out, "],\"status\":{}}");
        return;
    }
    put(out, "],\"status\":{\"code\":");
    put_number(out, STATUS_ERROR);
    if (is_writable(span->message)) {
        put(out, ",\"message\":");
        polkai_json_write_text(out, span->message.data, span->message.size);
    }
    put(out, "}}");
}

static void put_link(const polkai_span *span, polka_buffer *out)
{
    if (span->link.span[0] == '\0')
        return;
    put(out, "{\"traceId\":\"");
    put(out, span->link.trace);
    put(out, "\",\"spanId\":\"");
    put(out, span->link.span);
    put(out, "\",\"flags\":");
    put_number(out, SAMPLED | HAS_IS_REMOTE | (span->kind == POLKAI_SPAN_PROCESS ? IS_REMOTE : 0));
    put(out, "}");
}

void polkai_otlp_span(const polkai_otlp *otlp, const polkai_span *span, bool first, polka_buffer *out)
{
    bool processes = span->kind == POLKAI_SPAN_PROCESS, has_parent = span->parent.span[0] != '\0';
    put(out, first ? "{\"traceId\":\"" : ",{\"traceId\":\"");
    put(out, span->context.trace);
    put(out, "\",\"spanId\":\"");
    put(out, span->context.span);
    if (has_parent) {
        put(out, "\",\"parentSpanId\":\"");
        put(out, span->parent.span);
    }
    put(out, "\",\"flags\":");
    put_number(out, SAMPLED | HAS_IS_REMOTE | (processes && has_parent ? IS_REMOTE : 0));
    put_name(span, out);
    put(out, ",\"kind\":");
    put_number(out, processes ? KIND_CONSUMER : KIND_PRODUCER);
    put_time(otlp, ",\"startTimeUnixNano\":\"", span->began_ns, out);
    put_time(otlp, ",\"endTimeUnixNano\":\"", span->ended_ns > span->began_ns ? span->ended_ns : span->began_ns, out);
    put(out, ",\"attributes\":[");
    put_attributes(otlp, span, out);
    put(out, "],\"links\":[");
    put_link(span, out);
    put_status(span, out);
}

/* ---- a request ---- */

void polkai_otlp_begin(const polkai_otlp *otlp, polka_buffer *out)
{
    list to = { out, false };
    put(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    for (size_t i = 0; i < otlp->resource_count; i++) {
        const polkai_attribute *at = &otlp->resource[i];
        if (is_writable(at->name))
            put_text(&to, at->name.data, at->value);
    }
    put(out, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"polka\",\"version\":\"" POLKA_VERSION "\"},\"spans\":[");
}

void polkai_otlp_end(polka_buffer *out) { put(out, "]}]}]}"); }

/* ---- the answer ---- */

static int64_t count_of(const json_t *value)
{
    if (json_is_integer(value))
        return json_integer_value(value);
    return json_is_string(value) ? strtoll(json_string_value(value), NULL, 10) : 0;
}

int64_t polkai_otlp_rejected(polka_text answer, char *reason, size_t capacity)
{
    json_t *json = NULL;
    polka_error error;
    reason[0] = '\0';
    if (polkai_json_parse((polka_bytes){ answer.size, (const uint8_t *)answer.data }, &json, &error) != POLKA_OK)
        return 0;                        /* it took the request, in whatever words */
    const json_t *partial = json_object_get(json, "partialSuccess"), *message = json_object_get(partial, "errorMessage");
    int64_t count = count_of(json_object_get(partial, "rejectedSpans"));
    if (json_is_string(message))
        polkai_text_escape(reason, capacity, json_string_value(message), json_string_length(message), capacity / 4);
    json_decref(json);
    return count > 0 ? count : 0;
}
