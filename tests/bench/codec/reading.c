/*
 * reading.c: reading as a service does it: records of many event types on memory, each with its own generated decoder and a
 * reaction of its own, through the corridor (envelope, look-up, decode, dispatch, offsets) on one thread. The types come in a
 * random order. Prints: types, ns of this thread's CPU a record (median, least, most). The script `types` makes the types.
 */
#include <base/arena.h>
#include <base/identity.h>
#include <flow/envelope/envelope.h>
#include <flow/flow.h>
#include <flow/schema/framing.h>
#include <transport/memory/memory.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/stopwatch.h"
#include "types_list.h"

enum { RECORDS = 60000, REPEATS = 9, PARTITIONS = 12, SEED = 42, START_S = 1767225600 };

static int64_t steady_ns(const polkai_clock *clock) { return (void)clock, 1000000000; }
static int64_t wall_ms(const polkai_clock *clock) { return (void)clock, (int64_t)START_S * 1000; }
static const polkai_clock still = { wall_ms, steady_ns, NULL };
static const polkai_log quiet = { .level = POLKAI_LOG_ERROR, .clock = &still };
static volatile int64_t sink;

static polka_outcome on_any(polka_context *ctx, const types_first *value)       /* they are all alike */
{
    (void)ctx;
    sink = value->amount;
    return POLKA_DONE;
}

static void check(polka_status status, const polka_error *error)
{
    if (status == POLKA_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static void put(polkai_sink *out, polkai_random *random, const polka_event *event)
{
    static uint8_t memory[8192];
    polka_arena arena;
    polka_error error;
    uint8_t uuid[16];
    char id[POLKA_UUID_TEXT + 1];
    polkai_header headers[POLKAI_ENVELOPE_HEADERS];
    polkai_arena_init(&arena, memory, sizeof memory);
    polkai_uuid_v7(uuid, wall_ms(NULL), random);
    polkai_uuid_write(id, uuid);
    polka_text text = { POLKA_UUID_TEXT, id };
    types_first value = { .id = text, .at_ms = wall_ms(NULL), .count = (int32_t)(polkai_random_next(random) % 100),
                          .amount = (int64_t)(polkai_random_next(random) % 60000), .note = POLKA_TEXT("a note of some words") };
    polka_buffer buffer = { .arena = &arena };
    polkai_framing_write(polka_buffer_reserve(&buffer, POLKAI_SINGLE_OBJECT_BYTES), event->fingerprint);
    buffer.size = POLKAI_SINGLE_OBJECT_BYTES;
    check(event->codec->encode(&value, &buffer, &error), &error);
    polkai_envelope envelope = { .mode = POLKAI_MODE_BINARY, .id = text, .correlation_id = text, .source = POLKA_TEXT("/bench/storefront"),
                                 .time_ms = wall_ms(NULL), .type = polka_text_of(event->name), .subject = text,
                                 .dataschema = polkai_envelope_dataschema(event->fingerprint, &arena) };
    envelope.traceparent = polkai_envelope_trace((polka_text){ 0, NULL }, text, text, &arena);
    polkai_record record = { .topic = POLKA_TEXT("types"), .partition = -1, .timestamp_ms = wall_ms(NULL), .key = { POLKA_UUID_TEXT, (const uint8_t *)id },
                             .value = { buffer.size, buffer.data }, .headers = headers, .header_count = polkai_envelope_write(&envelope, &arena, headers) };
    check(out->operations->send(out, &record, NULL, &error), &error);
    out->operations->poll(out, 0);
    polkai_arena_reset(&arena, memory, sizeof memory);
}

static double read_all(const polka_service *service, size_t count, uint64_t seed)
{
    polka_error error;
    polkai_sink *feed, *out;
    polkai_source *source;
    polkai_flow *flow;
    polkai_random random;
    polkai_memory *memory = polkai_memory_create(&still, PARTITIONS);
    check(polkai_memory_sink_open(&feed, memory, NULL, NULL, &error), &error);
    polkai_random_seed(&random, seed);
    for (size_t i = 0; i < RECORDS; i++)
        put(feed, &random, types[polkai_random_next(&random) % count]);
    polkai_flow_options options = { .service = service, .clock = &still, .log = &quiet, .seed = SEED };
    check(polkai_flow_create(&flow, &options, &error), &error);
    check(polkai_memory_source_open(&source, memory, service->name, &error), &error);
    check(polkai_memory_sink_open(&out, memory, polkai_flow_report, flow, &error), &error);
    check(polkai_flow_start(flow, source, out, &error), &error);
    double begin = stopwatch_ns();
    for (size_t moved = 1; moved > 0;)
        check(polkai_flow_step(flow, 0, &moved, &error), &error);
    double took = stopwatch_ns() - begin;
    if (polkai_flow_count(flow).done != RECORDS) {
        fprintf(stderr, "%llu of %d were handled\n", (unsigned long long)polkai_flow_count(flow).done, RECORDS);
        exit(1);
    }
    check(polkai_flow_drain(flow, 1000, &error), &error);
    polkai_flow_destroy(flow);
    feed->operations->close(feed, 0);
    polkai_memory_destroy(memory);
    return took / RECORDS;
}

int main(void)
{
    polka_reaction *reactions = calloc(TYPES + 1, sizeof *reactions);
    const polka_service service = { .name = "reading", .domain = "bench", .version = "1.0.0", .reactions = reactions };
    for (size_t i = 0; i < TYPES; i++) {
        reactions[i] = (polka_reaction)POLKA_REACT(types_type0000, on_any);
        reactions[i].event = types[i];
    }
    double each[4][REPEATS];
    for (size_t repeat = 0; repeat < REPEATS; repeat++)              /* in turns, so that a busy moment hits all */
        for (size_t row = 0, count = 1; count <= TYPES; row++, count *= 10)
            each[row][repeat] = read_all(&service, count, SEED + repeat);
    for (size_t row = 0, count = 1; count <= TYPES; row++, count *= 10) {
        stopwatch_sort(each[row], REPEATS);
        printf("%zu %.1f %.1f %.1f\n", count, each[row][REPEATS / 2], each[row][0], each[row][REPEATS - 1]);
    }
    free(reactions);
    return 0;
}
