/* trace_settings.c: one table of variables, and what each is read as. */
#include <service/trace_settings.h>

#include <base/text.h>
#include <base/url.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum { ENDPOINT, PROTOCOL, HEADERS, TIMEOUT, COMPRESSION, CA, CERTIFICATE, KEY, EXPORTER, DISABLED, SERVICE, RESOURCE, SAMPLER, SAMPLER_ARGUMENT, QUEUE, BATCH,
       DELAY, EXPORT };

const polkai_trace_variable polkai_trace_variables[] = {
    [ENDPOINT] = { "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://localhost:4318",
                   "Where to. Set, it switches tracing on. /v1/traces is appended; the one of traces is taken as it is." },
    [PROTOCOL] = { "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json",
                   "http/json is all that is spoken. Under http/protobuf it is sent as well; under grpc nothing is exported, and the log says so." },
    [HEADERS] = { "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "", "Of each request: name=value,name=value, with %20 for a blank." },
    [TIMEOUT] = { "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "10000", "Milliseconds that one request may take; 0: as long as can be." },
    [COMPRESSION] = { "OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none", "none is all there is." },
    [CA] = { "OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "", "PEM file of who is trusted under https; the system's otherwise." },
    [CERTIFICATE] = { "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "", "PEM file: the certificate of this service." },
    [KEY] = { "OTEL_EXPORTER_OTLP_CLIENT_KEY", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "", "PEM file: its key." },
    [EXPORTER] = { "OTEL_TRACES_EXPORTER", NULL, "", "otlp switches tracing on, none off." },
    [DISABLED] = { "OTEL_SDK_DISABLED", NULL, "false", "true switches tracing off." },
    [SERVICE] = { "OTEL_SERVICE_NAME", NULL, "", "service.name; otherwise that of the resource, or the service's own." },
    [RESOURCE] = { "OTEL_RESOURCE_ATTRIBUTES", NULL, "", "Attributes of the resource: name=value,name=value, with %2C for a comma. They win over the service's own." },
    [SAMPLER] = { "OTEL_TRACES_SAMPLER", NULL, "parentbased_always_on",
                  "always_on, always_off, traceidratio, or these with parentbased_ before: as the event says, where it carries a trace." },
    [SAMPLER_ARGUMENT] = { "OTEL_TRACES_SAMPLER_ARG", NULL, "1.0", "The part of traces that traceidratio records, 0 to 1." },
    [QUEUE] = { "OTEL_BSP_MAX_QUEUE_SIZE", NULL, "2048", "Spans that wait at most, about 1.2 KB each; more are dropped and counted." },
    [BATCH] = { "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", NULL, "512", "Spans of one request at most; so many that wait are sent at once." },
    [DELAY] = { "OTEL_BSP_SCHEDULE_DELAY", NULL, "5000", "Milliseconds between two requests." },
    [EXPORT] = { "OTEL_BSP_EXPORT_TIMEOUT", NULL, "30000", "Milliseconds for a batch, with all its attempts; then it is dropped. 0: as long as can be." },
    { 0 },
};

typedef struct {
    polkai_trace_settings *to;
    char *const *environment;
    polka_arena *arena;
} reading;

const char *polkai_trace_variable_of(char *const *environment, const char *name)
{
    size_t size = strlen(name);
    for (; environment != NULL && *environment != NULL; environment++)
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=')
            return (*environment)[size + 1] != '\0' ? *environment + size + 1 : NULL;
    return NULL;
}

static void warn(const reading *r, const char *format, ...) POLKA_PRINTF(2, 3);
static void warn(const reading *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (r->to->warning_count < POLKAI_TRACE_WARNINGS)
        r->to->warnings[r->to->warning_count++] = polkai_arena_vformat(r->arena, format, arguments).data;
    va_end(arguments);
}

/* The one of traces wins; *name is the one that is set. NULL: neither. */
static const char *set_value(const reading *r, unsigned which, const char **name)
{
    const polkai_trace_variable *variable = &polkai_trace_variables[which];
    const char *of_traces = variable->of_traces == NULL ? NULL : polkai_trace_variable_of(r->environment, variable->of_traces);
    *name = of_traces != NULL ? variable->of_traces : variable->name;
    return of_traces != NULL ? of_traces : polkai_trace_variable_of(r->environment, variable->name);
}

static const char *value_of(const reading *r, unsigned which)
{
    const char *name, *value = set_value(r, which, &name);
    return value != NULL ? value : polkai_trace_variables[which].fallback;
}

/* NULL where the default is nothing. */
static const char *file_of(const reading *r, unsigned which)
{
    const char *value = value_of(r, which);
    return *value != '\0' ? value : NULL;
}

static int64_t number_of(const reading *r, unsigned which, int64_t least, int64_t most)
{
    char *end;
    const char *name, *text = set_value(r, which, &name), *fallback = polkai_trace_variables[which].fallback;
    if (text == NULL)
        return strtoll(fallback, NULL, 10);
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && number >= least && number <= most)
        return number;
    warn(r, "%s: '%.40s' is no number from %" PRId64 " to %" PRId64 "; it is %s", name, text, least, most, fallback);
    return strtoll(fallback, NULL, 10);
}

/* ---- lists: name=value,name=value ---- */

static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    for (size_t size = strlen(text); size > 0 && strchr(" \t", text[size - 1]) != NULL;)
        text[--size] = '\0';
    return text;
}

static void read_list(const reading *r, unsigned which, bool (*take)(const reading *r, char *name, char *value))
{
    char *rest = NULL;
    unsigned number = 0;
    const char *variable, *text = set_value(r, which, &variable);
    if (text == NULL)
        return;
    char *copy = (char *)(uintptr_t)polkai_arena_text(r->arena, text, strlen(text)).data;
    for (char *entry = strtok_r(copy, ",", &rest); entry != NULL; entry = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(entry, '=');
        number++;
        if (*trimmed(entry) == '\0')
            continue;
        if (equals != NULL)
            *equals = '\0';
        char *name = trimmed(entry), *value = equals != NULL ? trimmed(equals + 1) : NULL;
        if (value == NULL || *name == '\0' || !polkai_url_unescape(name) || !polkai_url_unescape(value) || !take(r, name, value))
            warn(r, "%s: entry %u is left out: it is to be name=value, with %%2C for a comma", variable, number);        /* it may be a secret */
    }
}

static bool is_header(const char *name, const char *value)
{
    for (; *name != '\0'; name++)
        if (*name <= ' ' || *name >= 127 || strchr("\"(),/:;<=>?@[\\]{}", *name) != NULL)
            return false;
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < ' ' || *value == 127)
            return false;
    return true;
}

static bool take_header(const reading *r, char *name, char *value)
{
    const char **at = r->to->headers;
    while (*at != NULL)
        at++;
    if (at == r->to->headers + POLKAI_TRACE_HEADERS || !is_header(name, value))
        return false;
    if (strcasecmp(name, "content-type") != 0)           /* which is ours to say */
        *at = polkai_arena_format(r->arena, *value != '\0' ? "%s: %s" : "%s;", name, value).data;
    return true;
}

static bool set_attribute(const reading *r, const char *name, const char *value)
{
    size_t at = 0;
    polkai_trace_settings *to = r->to;
    while (at < to->resource_count && !polka_text_equal(to->resource[at].name, polka_text_of(name)))
        at++;
    if (at == POLKAI_TRACE_ATTRIBUTES)
        return false;
    to->resource[at] = (polkai_attribute){ polka_text_of(name), polka_text_of(value) };
    to->resource_count += at == to->resource_count;
    return true;
}

static bool take_attribute(const reading *r, char *name, char *value)
{
    return polkai_utf8_valid(name, strlen(name)) && polkai_utf8_valid(value, strlen(value)) && set_attribute(r, name, value);
}

/* ---- one after the other ---- */

static bool is_on(const reading *r)
{
    const char *name, *exporter = value_of(r, EXPORTER);
    if (strcasecmp(value_of(r, DISABLED), "true") == 0 || strcmp(exporter, "none") == 0)
        return false;
    if (strcmp(exporter, "otlp") == 0)
        return true;
    if (*exporter != '\0')
        warn(r, "OTEL_TRACES_EXPORTER is '%.40s', and this service has otlp and none: no traces are exported", exporter);
    return *exporter == '\0' && set_value(r, ENDPOINT, &name) != NULL;
}

static bool speaks(const reading *r)
{
    const char *name, *protocol = set_value(r, PROTOCOL, &name);
    if (protocol == NULL || strcmp(protocol, "http/json") == 0)
        return true;
    if (strncmp(protocol, "http/", 5) == 0) {
        warn(r, "%s is '%.40s', and this service speaks http/json: that is what is sent there", name, protocol);
        return true;
    }
    warn(r, "%s is '%.40s', and this service speaks http/json: no traces are exported. Collectors take it at their port of OTLP/HTTP, 4318: set "
         "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL to http/json and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to http://<collector>:4318/v1/traces", name, protocol);
    return false;
}

static bool is_url(const char *url)
{
    const char *host = strncasecmp(url, "http://", 7) == 0 ? url + 7 : strncasecmp(url, "https://", 8) == 0 ? url + 8 : NULL;
    if (host == NULL || *host == '\0' || *host == '/' || *host == ':' || strlen(url) > 2048)
        return false;
    for (const char *at = host; *at != '\0'; at++)
        if (*at <= ' ' || *at >= 127 || *at == '@' || *at == '#')
            return false;
    return true;
}

static bool read_endpoint(const reading *r)
{
    const char *name, *set = set_value(r, ENDPOINT, &name), *url = set != NULL ? set : polkai_trace_variables[ENDPOINT].fallback;
    bool whole = strcmp(name, polkai_trace_variables[ENDPOINT].name) != 0;
    if (!is_url(url)) {                  /* which may hold a password, so it is not repeated */
        warn(r, "%s is no URL such as http://localhost:4318, of at most 2048 bytes and without a user (credentials go into OTEL_EXPORTER_OTLP_HEADERS): "
             "no traces are exported", name);
        return false;
    }
    size_t size = strlen(url);
    while (!whole && size > 0 && url[size - 1] == '/')
        size--;
    r->to->endpoint = polkai_arena_format(r->arena, "%.*s%s", (int)size, url, whole ? "" : "/v1/traces").data;
    r->to->shown = polkai_arena_text(r->arena, r->to->endpoint, strcspn(r->to->endpoint, "?")).data;
    return true;
}

static void read_sampler(const reading *r)
{
    const char *name = value_of(r, SAMPLER), *argument = value_of(r, SAMPLER_ARGUMENT);
    r->to->sampler_name = name;
    if (polkai_sampler_read(name, argument, &r->to->sampler))
        return;
    if (polkai_sampler_read(name, NULL, &r->to->sampler)) {
        warn(r, "OTEL_TRACES_SAMPLER_ARG '%.40s' is no number from 0 to 1; it is 1", argument);
        return;
    }
    warn(r, "OTEL_TRACES_SAMPLER '%.40s' is no sampler of this service; it is %s", name, polkai_trace_variables[SAMPLER].fallback);
    r->to->sampler_name = polkai_trace_variables[SAMPLER].fallback;
    polkai_sampler_read(r->to->sampler_name, NULL, &r->to->sampler);
}

static void read_resource(const reading *r, const polkai_attribute *own, size_t own_count)
{
    for (size_t i = 0; i < own_count; i++)
        set_attribute(r, own[i].name.data, own[i].value.data);
    read_list(r, RESOURCE, take_attribute);
    if (*value_of(r, SERVICE) != '\0')
        set_attribute(r, "service.name", value_of(r, SERVICE));
}

static int64_t unless_zero(int64_t number, int64_t otherwise) { return number != 0 ? number : otherwise; }

static void read_limits(const reading *r)
{
    polkai_trace_settings *to = r->to;
    to->timeout_ms = unless_zero(number_of(r, TIMEOUT, 0, 600000), 600000);
    to->queue = number_of(r, QUEUE, 1, 65536);
    to->batch = number_of(r, BATCH, 1, 65536);
    to->delay_ms = unless_zero(number_of(r, DELAY, 0, 3600000), 1);
    to->export_ms = unless_zero(number_of(r, EXPORT, 0, 3600000), 3600000);
    if (to->batch > to->queue)
        to->batch = to->queue;
}

void polkai_trace_settings_read(polkai_trace_settings *settings, char *const *environment, const polkai_attribute *own, size_t own_count, polka_arena *arena)
{
    reading r = { settings, environment, arena };
    *settings = (polkai_trace_settings){ .headers = { "Content-Type: application/json" } };
    settings->on = is_on(&r) && speaks(&r) && read_endpoint(&r);
    if (!settings->on)
        return;
    read_list(&r, HEADERS, take_header);
    read_resource(&r, own, own_count);
    read_sampler(&r);
    read_limits(&r);
    settings->ca = file_of(&r, CA);
    settings->certificate = file_of(&r, CERTIFICATE);
    settings->key = file_of(&r, KEY);
    if (strcmp(value_of(&r, COMPRESSION), "none") != 0)
        warn(&r, "OTEL_EXPORTER_OTLP_COMPRESSION is '%.40s', and this service sends as it is", value_of(&r, COMPRESSION));
}
