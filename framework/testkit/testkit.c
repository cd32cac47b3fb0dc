/* testkit.c: services on memory, a clock that stands still, and a reader that sees everything they said. */
#include <base/error.h>
#include <base/text.h>
#include <flow/schema/framing.h>
#include <testkit/inner.h>

#include <stdio.h>
#include <stdlib.h>

static const int64_t start_ms = 1767225600000;           /* 2026-01-01T00:00:00Z */

/* ---- clock ---- */

static int64_t steady_ns(const polkai_clock *clock)
{
    return ((const polka_test *)(const void *)clock)->now_ns;
}

static int64_t wall_ms(const polkai_clock *clock)
{
    return start_ms + steady_ns(clock) / 1000000;
}

int64_t polkai_test_wall_ms(const polka_test *test)
{
    return wall_ms(&test->clock);
}

/* ---- failing ---- */

_Noreturn void polkai_test_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    if (file != NULL)
        fprintf(stderr, "%s:%d: ", file, line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

/* ---- create ---- */

static void remember_log(void *user, polkai_log_level level, const char *message)
{
    polka_test *test = user;
    if (level <= POLKAI_LOG_WARN)
        snprintf(test->last_log, sizeof test->last_log, "%s", message);
}

polka_test *polka_test_create_all(const polka_service *const *services)
{
    polka_test *test = polkai_alloc(sizeof *test);
    polka_error error;
    test->clock = (polkai_clock){ wall_ms, steady_ns, NULL };
    test->now_ns = 1000000000;
    test->memory = polkai_memory_create(&test->clock, PARTITIONS);
    polkai_random_seed(&test->random, SEED);
    test->log = (polkai_log){ .level = POLKAI_LOG_WARN, .clock = &test->clock, .capture = remember_log, .user = test };
    if (polkai_memory_sink_open(&test->sink, test->memory, NULL, NULL, &error) != POLKA_OK)
        polkai_test_fail(NULL, 0, "%s", error.message);
    for (; *services != NULL; services++) {
        if (test->member_count == SERVICES_MOST)
            polkai_test_fail(NULL, 0, "at most %d services in one test", SERVICES_MOST);
        test->members[test->member_count++] = (member){ .service = *services, .test = test };
    }
    return test;
}

polka_test *polka_test_create(const polka_service *service)
{
    return polka_test_create_all((const polka_service *const[]){ service, NULL });
}

static polka_status open_source(void *user, polkai_source **source, polka_error *error)
{
    return polkai_memory_source_open(source, ((polka_test *)user)->memory, NULL, error);
}

static polka_status open_admin(void *user, polkai_admin **admin, polka_error *error)
{
    return polkai_memory_admin_open(admin, ((polka_test *)user)->memory, error);
}

static void start_member(polka_test *test, member *each)
{
    polka_error error;
    polkai_source *source;
    polkai_sink *sink;
    polkai_flow_options options = { .service = each->service, .lanes = 0, .seed = SEED, .clock = &test->clock, .log = &test->log,
                                    .settings = polkai_test_settings(each), .resource = each->resource,
                                    .cluster = { test, open_source, open_admin } };
    const char *group = each->service->group != NULL ? each->service->group : each->service->name;
    if (polkai_flow_create(&each->flow, &options, &error) != POLKA_OK ||
        polkai_memory_source_open(&source, test->memory, group, &error) != POLKA_OK ||
        polkai_memory_sink_open(&sink, test->memory, polkai_flow_report, each->flow, &error) != POLKA_OK ||
        polkai_flow_start(each->flow, source, sink, &error) != POLKA_OK)
        polkai_test_fail(NULL, 0, "service %s: %s", each->service->name, error.message);
}

void polkai_test_start(polka_test *test)
{
    for (size_t i = 0; i < test->member_count && !test->started; i++)
        start_member(test, &test->members[i]);
    test->started = true;
}

void polka_test_destroy(polka_test *test)
{
    if (test == NULL)
        return;
    for (size_t i = 0; i < test->member_count; i++)
        polkai_flow_destroy(test->members[i].flow);
    test->sink->operations->close(test->sink, 0);
    polkai_memory_destroy(test->memory);
    polkai_arena_deinit(&test->arena);
    free(test);
}

void polkai_test_before_start(const polka_test *test, const char *what)
{
    if (test->started)
        polkai_test_fail(NULL, 0, "%s comes before the first polka_test_given", what);
}

void polka_test_resource(polka_test *test, const char *service, void *resource)
{
    polkai_test_before_start(test, "polka_test_resource");
    for (size_t i = 0; i < test->member_count; i++) {
        if (strcmp(test->members[i].service->name, service) == 0) {
            test->members[i].resource = resource;
            return;
        }
    }
    polkai_test_fail(NULL, 0, "polka_test_resource: no service %s in this test", service);
}

void polka_test_header(polka_test *test, const char *name, const char *value)
{
    if (test->header_count == sizeof test->headers / sizeof *test->headers)
        polkai_test_fail(NULL, 0, "polka_test_header: too many headers");
    test->headers[test->header_count++] = (polka_text_entry){ polkai_arena_text(&test->arena, name, strlen(name)),
                                                              polkai_arena_text(&test->arena, value, strlen(value)) };
}

/* ---- turning ---- */

static void listen_to(polka_test *test, const char *topic, int32_t partition);

static void collect(polka_test *test)
{
    for (size_t i = 0; i < test->member_count; i++) {
        const polka_service *service = test->members[i].service;
        const char *group = service->group != NULL ? service->group : service->name;
        for (int32_t partition = 0; partition < PARTITIONS; partition++) {
            for (size_t e = 0; e < service->emits.count; e++)
                listen_to(test, service->emits.items[e]->topic, partition);
            for (const polka_reaction *row = service->reactions; row != NULL && row->polka_row == 1; row++) {
                for (size_t e = 0; e < row->emits.count; e++)
                    listen_to(test, row->emits.items[e]->topic, partition);
                if (row->event != NULL)
                    listen_to(test, polkai_arena_format(&test->arena, "%s.%s.dlt", row->event->topic, group).data, partition);
            }
        }
    }
}

static seen_mark *mark_of(polka_test *test, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < test->mark_count; i++)
        if (test->marks[i].partition == partition && strcmp(test->marks[i].topic, topic) == 0)
            return &test->marks[i];
    if (test->mark_count == sizeof test->marks / sizeof *test->marks)
        polkai_test_fail(NULL, 0, "more than %d topics in one test", TOPICS_MOST);
    test->marks[test->mark_count] = (seen_mark){ polkai_arena_text(&test->arena, topic, strlen(topic)).data, partition, 0 };
    return &test->marks[test->mark_count++];
}

static polka_text header_text(const polkai_record *record, const char *name)
{
    const polkai_header *header = polkai_record_header(record, polka_text_of(name));
    return header == NULL ? (polka_text){ 0, NULL } : (polka_text){ header->value.size, (const char *)header->value.data };
}

static polka_bytes copy_bytes(polka_test *test, polka_bytes from)
{
    return from.data == NULL ? from : polkai_arena_bytes(&test->arena, from.data, from.size);
}

/* The memory's own record is ours until the next send only. */
static void copy_record(polka_test *test, const polkai_record *from, polkai_record *to)
{
    *to = *from;
    polkai_record_headers(to, &test->arena);
    polkai_header *headers = polkai_arena_zeroed(&test->arena, to->header_count + 1, sizeof *headers);
    for (size_t i = 0; i < to->header_count; i++)
        headers[i] = (polkai_header){ polkai_arena_text(&test->arena, to->headers[i].name.data, to->headers[i].name.size),
                                      copy_bytes(test, to->headers[i].value) };
    *to = (polkai_record){ .partition = from->partition, .offset = from->offset, .timestamp_ms = from->timestamp_ms, .key = copy_bytes(test, from->key),
                           .value = copy_bytes(test, from->value), .headers = headers, .header_count = to->header_count };
}

said *polkai_test_note(polka_test *test, const polkai_record *record)
{
    said *one = polkai_arena_zeroed(&test->arena, 1, sizeof *one);
    one->record = record;
    one->reason = header_text(record, "polka-error-message");
    one->dead = header_text(record, "polka-letter-id").data != NULL;
    one->type = header_text(record, "ce_type");
    one->id = header_text(record, "ce_id");
    one->cause = header_text(record, "ce_causationid");
    if (test->last == NULL)
        test->first = one;
    else
        test->last->next = one;
    test->last = one;
    return one;
}

static void listen_to(polka_test *test, const char *topic, int32_t partition)
{
    seen_mark *mark = mark_of(test, topic, partition);
    for (size_t count = polkai_memory_count(test->memory, topic, partition); mark->seen < count; mark->seen++) {
        const polkai_record *from = polkai_memory_record(test->memory, topic, partition, mark->seen);
        polkai_record *record = polkai_arena_zeroed(&test->arena, 1, sizeof *record);
        copy_record(test, from, record);
        if (header_text(record, "polka-test-given").data == NULL || header_text(record, "polka-letter-id").data != NULL)
            polkai_test_note(test, record);
    }
}

void polkai_test_turn(polka_test *test)
{
    polka_error error;
    for (size_t turns = 0, moved = 1; moved > 0; turns++) {
        moved = 0;
        for (size_t i = 0; i < test->member_count; i++) {
            size_t here = 0;
            if (polkai_flow_step(test->members[i].flow, 0, &here, &error) != POLKA_OK)
                polkai_test_fail(NULL, 0, "service %s stopped: %s", test->members[i].service->name, error.message);
            moved += here;
        }
        if (turns == TURNS_MOST)
            polkai_test_fail(NULL, 0, "the services do not come to rest; do events cause themselves?");
    }
    collect(test);
}

/* ---- time ---- */

void polka_test_advance_ms(polka_test *test, int64_t ms)
{
    int64_t until_ns = test->now_ns + ms * 1000000;
    polkai_test_start(test);
    for (;;) {                           /* from one due time to the next, so that order is that of real time */
        int64_t next_ns = until_ns;
        for (size_t i = 0; i < test->member_count; i++) {
            int64_t due_ms = polkai_flow_next_due_ms(test->members[i].flow);
            if (due_ms >= 0 && due_ms * 1000000 < next_ns)
                next_ns = due_ms * 1000000 > test->now_ns ? due_ms * 1000000 : test->now_ns + 1000000;
        }
        test->now_ns = next_ns < until_ns ? next_ns : until_ns;
        polkai_test_turn(test);
        if (test->now_ns == until_ns)
            return;
    }
}

/* ---- expect ---- */

static void list_said(polka_test *test, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (const said *at = test->first; at != NULL && used + 200 < capacity; at = at->next)
        if (!at->expected)
            used += (size_t)snprintf(out + used, capacity - used, "\n  %s%.*s%s%.120s", at->dead ? "dead letter of " : "", POLKA_TEXT_ARGS(at->type),
                                     at->dead ? ": " : "", at->dead && at->reason.data != NULL ? at->reason.data : "");
    if (used == 0)
        used += (size_t)snprintf(out, capacity, " nothing");
    if (test->last_log[0] != '\0' && used + 50 < capacity)
        snprintf(out + used, capacity - used, "\n  (last warning: %.800s)", test->last_log);
}

const void *polka_test_expect(polka_test *test, const polka_event *event, const char *file, int line)
{
    polka_text type = polka_text_of(event->name);
    for (said *at = test->first; at != NULL; at = at->next) {
        if (at->expected || at->dead || !polka_text_equal(at->type, type))
            continue;
        polkai_schema_key key;
        polka_bytes body;
        polka_error error;
        void *value = polkai_arena_zeroed(&test->arena, 1, event->value_size);
        if (polkai_framing_read(at->record->value, &key, &body, &error) != POLKA_OK ||
            event->codec->decode(body, &test->arena, value, &error) != POLKA_OK)
            polkai_test_fail(file, line, "%s cannot be read: %s", event->name, error.message);
        at->expected = true;
        test->expected_id = at->id;
        return value;
    }
    char left[4096];
    list_said(test, left, sizeof left);
    polkai_test_fail(file, line, "expected %s; what was said and not expected yet:%s", event->name, left);
}

polka_text polka_test_expected_id(polka_test *test)
{
    return test->expected_id;
}

void polka_test_expect_dead(polka_test *test, const char *reason_part, const char *file, int line)
{
    for (said *at = test->first; at != NULL; at = at->next) {
        if (at->expected || !at->dead || at->reason.data == NULL || memmem(at->reason.data, at->reason.size, reason_part, strlen(reason_part)) == NULL)
            continue;
        at->expected = true;
        return;
    }
    char left[4096];
    list_said(test, left, sizeof left);
    polkai_test_fail(file, line, "expected a dead letter that says \"%s\"; what was said and not expected yet:%s", reason_part, left);
}

void polka_test_expect_nothing(polka_test *test, const char *file, int line)
{
    for (const said *at = test->first; at != NULL; at = at->next) {
        if (at->expected)
            continue;
        char left[4096];
        list_said(test, left, sizeof left);
        polkai_test_fail(file, line, "expected nothing more, but there is:%s", left);
    }
}
