/* What OpenTelemetry's variables mean, and which traces are recorded. */
#include <base/arena.h>
#include <base/error.h>
#include <service/trace_settings.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT(...) (char *[]){ __VA_ARGS__, NULL }
#define AT "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"

static polka_arena arena;
static polkai_trace_settings settings;

static void begin(void) { polkai_arena_init(&arena, NULL, 0); }
static void end(void) { polkai_arena_deinit(&arena); }

TestSuite(traces, .init = begin, .fini = end);

static const polkai_trace_settings *read_from(char *const *environment)
{
    const polkai_attribute own[] = { { POLKA_TEXT("service.name"), POLKA_TEXT("payments") }, { POLKA_TEXT("service.version"), POLKA_TEXT("1") } };
    polkai_trace_settings_read(&settings, environment, own, 2, &arena);
    return &settings;
}

static void warns(const char *what)
{
    bool any = what == NULL && settings.warning_count == 0;
    for (size_t i = 0; what != NULL && i < settings.warning_count; i++)
        any = any || strstr(settings.warnings[i], what) != NULL;
    cr_expect(any, "no warning with '%s'; the first of %zu is: %s", what == NULL ? "nothing" : what, settings.warning_count,
              settings.warning_count > 0 ? settings.warnings[0] : "-");
}

static const char *attribute(const char *name)
{
    for (size_t i = 0; i < settings.resource_count; i++)
        if (strcmp(settings.resource[i].name.data, name) == 0)
            return settings.resource[i].value.data;
    return "";
}

/* ---- settings ---- */

Test(traces, are_off_until_somebody_asks_for_them)
{
    static const struct { const char *variables[3]; bool on; } cases[] = {
        { { NULL }, false },
        { { "OTEL_SERVICE_NAME=x", "OTEL_TRACES_SAMPLER=always_on" }, false },
        { { AT }, true },
        { { "OTEL_EXPORTER_OTLP_ENDPOINT=" }, false },
        { { "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://c/x" }, true },
        { { "OTEL_TRACES_EXPORTER=otlp" }, true },
        { { "OTEL_TRACES_EXPORTER=otlp", "OTEL_SDK_DISABLED=true" }, false },
        { { AT, "OTEL_SDK_DISABLED=TRUE" }, false },
        { { AT, "OTEL_SDK_DISABLED=yes" }, true },
        { { AT, "OTEL_TRACES_EXPORTER=none" }, false },
        { { AT, "OTEL_TRACES_EXPORTER=zipkin" }, false },
        { { "OTEL_EXPORTER_OTLP_ENDPOINTS=http://c" }, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *environment[4] = { NULL };
        memcpy(environment, cases[i].variables, sizeof cases[i].variables);
        cr_expect_eq(read_from(environment)->on, cases[i].on, "case %zu", i);
    }
    read_from(ENVIRONMENT(AT, "OTEL_TRACES_EXPORTER=zipkin"));
    warns("'zipkin'");
    read_from(NULL);
    warns(NULL);
}

Test(traces, go_where_the_endpoint_says)
{
    cr_expect_str_eq(read_from(ENVIRONMENT("OTEL_TRACES_EXPORTER=otlp"))->endpoint, "http://localhost:4318/v1/traces");
    cr_expect_str_eq(read_from(ENVIRONMENT(AT))->endpoint, "http://c:4318/v1/traces");
    cr_expect_str_eq(read_from(ENVIRONMENT("OTEL_EXPORTER_OTLP_ENDPOINT=https://c/base//"))->endpoint, "https://c/base/v1/traces");
    cr_expect_str_eq(read_from(ENVIRONMENT(AT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t/as/it/is"))->endpoint, "http://t/as/it/is");
    cr_expect_str_eq(read_from(ENVIRONMENT("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t/v1?key=secret"))->shown, "http://t/v1");
    static const char *const none[] = { "c:4318", "grpc://c:4317", "http://", "http:///x", "http://user:secret@c", "http://c/\r\nX: y", "http://c d" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char variable[100];
        snprintf(variable, sizeof variable, "OTEL_EXPORTER_OTLP_ENDPOINT=%s", none[i]);
        cr_expect(!read_from(ENVIRONMENT(variable))->on, "%s", none[i]);
        warns("is no URL");
        cr_expect_null(strstr(settings.warnings[0], "secret"));
    }
}

Test(traces, are_refused_in_another_protocol_by_name)
{
    cr_expect(read_from(ENVIRONMENT(AT, "OTEL_EXPORTER_OTLP_PROTOCOL=http/json"))->on);
    cr_expect_not(read_from(ENVIRONMENT(AT, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"))->on);
    warns("OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'");
    cr_expect(read_from(ENVIRONMENT(AT, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json"))->on, "the one of traces wins");
    cr_expect(read_from(ENVIRONMENT(AT, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf"))->on, "the same port and path take both");
    warns("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is 'http/protobuf', and this service speaks http/json: that is what is sent");
}

Test(traces, carry_the_headers_that_are_asked_for)
{
    read_from(ENVIRONMENT(AT, "OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20dXNlcg%3D%3D, x-tenant = a%2Cb ,,content-type=text/plain,empty="));
    static const char *const expected[] = { "Content-Type: application/json", "authorization: Basic dXNlcg==", "x-tenant: a,b", "empty;", NULL };
    for (size_t i = 0; i < 5; i++)
        cr_expect(settings.headers[i] == expected[i] || strcmp(settings.headers[i], expected[i]) == 0, "header %zu is %s", i, settings.headers[i]);
    warns(NULL);
    read_from(ENVIRONMENT(AT, "OTEL_EXPORTER_OTLP_HEADERS=a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS=b=2"));
    cr_expect_str_eq(settings.headers[1], "b: 2");
    cr_expect_null(settings.headers[2]);
    static const char *const bad[] = { "secret", "a=%0d%0aX-Forged:%201", "a b=secret", "=secret", "a=%zz", "a=%00" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char variable[100];
        snprintf(variable, sizeof variable, "OTEL_EXPORTER_OTLP_HEADERS=good=1,%s", bad[i]);
        read_from(ENVIRONMENT(AT, variable));
        warns("entry 2 is left out");
        cr_expect_null(strstr(settings.warnings[0], "secret"), "%s", settings.warnings[0]);
        cr_expect(settings.headers[2] == NULL && strcmp(settings.headers[1], "good: 1") == 0);
    }
}

Test(traces, name_their_service_as_the_environment_has_it)
{
    read_from(ENVIRONMENT(AT));
    cr_expect_str_eq(attribute("service.name"), "payments");
    read_from(ENVIRONMENT(AT, "OTEL_RESOURCE_ATTRIBUTES=service.name=of-resource,deployment.environment.name=a%20b%2Cc,service.version=2"));
    cr_expect_str_eq(attribute("service.name"), "of-resource");
    cr_expect_str_eq(attribute("service.version"), "2");
    cr_expect_str_eq(attribute("deployment.environment.name"), "a b,c");
    cr_expect_eq(settings.resource_count, 3u, "none stands there twice");
    read_from(ENVIRONMENT(AT, "OTEL_RESOURCE_ATTRIBUTES=service.name=of-resource", "OTEL_SERVICE_NAME=wins"));
    cr_expect_str_eq(attribute("service.name"), "wins");
    read_from(ENVIRONMENT(AT, "OTEL_RESOURCE_ATTRIBUTES=a=%ff,b=2"));
    warns("entry 1 is left out");
    cr_expect_str_eq(attribute("b"), "2");
}

Test(traces, have_the_limits_of_the_standard_and_those_that_are_set)
{
    read_from(ENVIRONMENT(AT));
    cr_expect(settings.queue == 2048 && settings.batch == 512 && settings.delay_ms == 5000 && settings.export_ms == 30000 && settings.timeout_ms == 10000);
    read_from(ENVIRONMENT(AT, "OTEL_BSP_MAX_QUEUE_SIZE=100", "OTEL_BSP_SCHEDULE_DELAY=7", "OTEL_BSP_EXPORT_TIMEOUT=8", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=9"));
    cr_expect(settings.queue == 100 && settings.batch == 100 && settings.delay_ms == 7 && settings.export_ms == 8 && settings.timeout_ms == 9,
              "a batch is no larger than the queue");
    warns(NULL);
    read_from(ENVIRONMENT(AT, "OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_EXPORT_TIMEOUT=0", "OTEL_EXPORTER_OTLP_TIMEOUT=0"));
    cr_expect(settings.delay_ms == 1 && settings.export_ms == 3600000 && settings.timeout_ms == 600000, "0 is no limit");
    warns(NULL);
    static const char *const bad[] = { "OTEL_BSP_MAX_QUEUE_SIZE=0", "OTEL_BSP_MAX_QUEUE_SIZE=-1", "OTEL_BSP_MAX_QUEUE_SIZE=1e9", "OTEL_BSP_MAX_QUEUE_SIZE=99999999999999999999",
                                       "OTEL_BSP_MAX_QUEUE_SIZE=many" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_eq(read_from(ENVIRONMENT(AT, (char *)(uintptr_t)bad[i]))->queue, 2048, "%s", bad[i]);
        warns("OTEL_BSP_MAX_QUEUE_SIZE: '");
    }
}

/* ---- sampler ---- */

/* Trace ids as ours are: a UUIDv8, whose only chance is in its last bits. */
static void write_id(char id[33], unsigned number)
{
    unsigned long long mixed = (number + 1) * 0x9e3779b97f4a7c15ULL;
    mixed ^= mixed >> 29;
    mixed *= 0xbf58476d1ce4e5b9ULL;
    snprintf(id, 33, "01931c6e00008000%016llx", (mixed & 0x3fffffffffffffffULL) | 0x8000000000000000ULL);
}

static unsigned sampled_of(const polkai_sampler *sampler, polkai_trace_parent parent, unsigned count)
{
    unsigned sampled = 0;
    char id[33];
    for (unsigned i = 0; i < count; i++) {
        write_id(id, i);
        sampled += polkai_sampler_decide(sampler, id, parent);
    }
    return sampled;
}

Test(traces, are_sampled_as_the_sampler_says)
{
    enum { MANY = 10000 };
    static const struct { const char *name, *argument; unsigned root, sampled, left_out; } cases[] = {
        { "always_on", NULL, MANY, MANY, MANY },
        { "always_off", NULL, 0, 0, 0 },
        { "traceidratio", "0.25", MANY / 4, MANY / 4, MANY / 4 },
        { "traceidratio", "0", 0, 0, 0 },
        { "traceidratio", "1", MANY, MANY, MANY },
        { "traceidratio", NULL, MANY, MANY, MANY },
        { "parentbased_always_on", NULL, MANY, MANY, 0 },
        { "parentbased_always_off", NULL, 0, MANY, 0 },
        { "parentbased_traceidratio", "0.25", MANY / 4, MANY, 0 },
        { "parentbased_traceidratio", "0.01", MANY / 100, MANY, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        polkai_sampler sampler;
        cr_assert(polkai_sampler_read(cases[i].name, cases[i].argument, &sampler));
        const struct { polkai_trace_parent parent; unsigned expected; } ways[] = {
            { POLKAI_PARENT_NONE, cases[i].root }, { POLKAI_PARENT_SAMPLED, cases[i].sampled }, { POLKAI_PARENT_NOT_SAMPLED, cases[i].left_out } };
        for (size_t k = 0; k < 3; k++) {
            int sampled = (int)sampled_of(&sampler, ways[k].parent, MANY), expected = (int)ways[k].expected;
            cr_expect(abs(sampled - expected) <= (expected == 0 || expected == MANY ? 0 : MANY / 50), "%s %s, parent %zu: %d, not %d", cases[i].name,
                      cases[i].argument, k, sampled, expected);
        }
    }
    static const char *const bad[][2] = { { "jaeger_remote", NULL }, { "", NULL }, { "traceidratio", "x" }, { "traceidratio", "-0.1" }, { "traceidratio", "1.1" },
                                          { "traceidratio", "nan" }, { "traceidratio", "0.5x" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char name[60], argument[60];
        polkai_sampler sampler;
        cr_expect_not(polkai_sampler_read(bad[i][0], bad[i][1], &sampler), "%s %s", bad[i][0], bad[i][1]);
        snprintf(name, sizeof name, "OTEL_TRACES_SAMPLER=%s", bad[i][0]);
        snprintf(argument, sizeof argument, "OTEL_TRACES_SAMPLER_ARG=%s", bad[i][1] != NULL ? bad[i][1] : "");
        cr_expect_str_eq(read_from(ENVIRONMENT(AT, name, argument))->sampler_name, bad[i][1] == NULL ? "parentbased_always_on" : "traceidratio",
                         "an argument that cannot be read is as if it were not there");
        cr_expect_eq(sampled_of(&settings.sampler, POLKAI_PARENT_NONE, 100), 100u);
    }
}

Test(traces, of_a_ratio_are_part_of_those_of_a_greater_one)
{
    polkai_sampler tenth, half;
    char id[33];
    polkai_sampler_read("traceidratio", "0.1", &tenth);
    polkai_sampler_read("traceidratio", "0.5", &half);
    for (unsigned i = 0; i < 10000; i++) {
        write_id(id, i);
        cr_expect(!polkai_sampler_decide(&tenth, id, POLKAI_PARENT_NONE) || polkai_sampler_decide(&half, id, POLKAI_PARENT_NONE), "%s", id);
    }
}
