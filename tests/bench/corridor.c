/*
 * corridor.c: the corridor alone, on memory and on one thread, so that its instructions repeat: records are put first, and then
 * read, handled, sent and committed. `count` takes the difference of two lengths, and compares it with instructions.json.
 *
 * usage: bench_corridor react|emit|compact EVENTS [metered] [traced] [timed]
 *        metered: as with http.port; traced: each span goes into a queue and out of it; timed: by the real clock; CPU time is printed
 */
#include "measure.h"
#include "orders.h"

#include <base/arena.h>
#include <base/identity.h>
#include <flow/envelope/envelope.h>
#include <flow/flow.h>
#include <flow/schema/framing.h>
#include <service/span_queue.h>
#include <transport/memory/memory.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SEED = 20261127, PARTITIONS = 12, START_MS = 1767225600 };

static int64_t steady_ns(const polkai_clock *clock)
{
    (void)clock;
    return 1000000000;                   /* nothing is due, and nothing depends on how fast this machine is */
}

static int64_t wall_ms(const polkai_clock *clock)
{
    (void)clock;
    return (int64_t)START_MS * 1000;
}

static const polkai_clock still = { wall_ms, steady_ns, NULL };
static const polkai_log quiet = { .level = POLKAI_LOG_ERROR, .clock = &still };

static bool samples(void *user, const char *trace_id, polkai_trace_parent parent)
{
    (void)user, (void)trace_id;
    return parent == POLKAI_PARENT_SAMPLED;
}

static void ended(void *queue, const polkai_span *span)
{
    polkai_span_queue_put(queue, span);
    polkai_span_queue_drop_first(queue);
}

static polka_outcome on_order_placed(polka_context *ctx, const bench_order_placed *order)
{
    int64_t total;
    measure_event(order, &total);
    bench_order_priced_emit(ctx, &(bench_order_priced){ .order_id = order->order_id, .customer_id = order->customer_id, .total = total,
                                                        .currency = order->currency });
    return POLKA_DONE;
}

static polka_outcome only_react(polka_context *ctx, const bench_order_placed *order)
{
    int64_t total;
    (void)ctx;
    measure_event(order, &total);
    return POLKA_DONE;
}

static const polka_service pricing = {
    .name = "pricing", .domain = "bench", .version = "1.0.0",
    .reactions = (const polka_reaction[]){ POLKA_REACT(bench_order_placed, on_order_placed, .emits = POLKA_EMITS(&bench_order_priced_event)), { 0 } } };
static const polka_service reading = {
    .name = "pricing", .domain = "bench", .version = "1.0.0",
    .reactions = (const polka_reaction[]){ POLKA_REACT(bench_order_placed, only_react), { 0 } } };

static void check(polka_status status, const polka_error *error)
{
    if (status == POLKA_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static void put(polkai_sink *sink, polkai_random *random, bool compact)
{
    static uint8_t memory[8192];
    polka_arena arena;
    orders_order made;
    polka_error error;
    uint8_t uuid[16];
    char id[POLKA_UUID_TEXT + 1];
    polkai_header headers[POLKAI_ENVELOPE_HEADERS];
    polka_bytes key;
    polkai_arena_init(&arena, memory, sizeof memory);
    orders_make(random, &made);
    polka_buffer buffer = { .arena = &arena };
    polkai_framing_write(polka_buffer_reserve(&buffer, POLKAI_SINGLE_OBJECT_BYTES), bench_order_placed_event.fingerprint);
    buffer.size = POLKAI_SINGLE_OBJECT_BYTES;
    check(bench_order_placed_event.codec->encode(&made.order, &buffer, &error), &error);
    check(bench_order_placed_event.codec->key(&made.order, &arena, &key, &error), &error);
    polkai_uuid_v7(uuid, wall_ms(NULL), random);
    polkai_uuid_write(id, uuid);
    polkai_envelope envelope = { .mode = compact ? POLKAI_MODE_COMPACT : POLKAI_MODE_BINARY, .id = { POLKA_UUID_TEXT, id },
                                 .correlation_id = { POLKA_UUID_TEXT, id }, .source = POLKA_TEXT("/bench/storefront"), .time_ms = wall_ms(NULL),
                                 .type = polka_text_of(bench_order_placed_event.name), .subject = { key.size, (const char *)key.data },
                                 .dataschema = polkai_envelope_dataschema(bench_order_placed_event.fingerprint, &arena) };
    envelope.traceparent = polkai_envelope_trace((polka_text){ 0, NULL }, envelope.correlation_id, envelope.id, &arena);
    polkai_record record = { .topic = POLKA_TEXT("bench.orders"), .partition = -1, .timestamp_ms = wall_ms(NULL), .key = key,
                             .value = { buffer.size, buffer.data }, .headers = headers,
                             .header_count = polkai_envelope_write(&envelope, &arena, headers) };
    check(sink->operations->send(sink, &record, NULL, &error), &error);
    sink->operations->poll(sink, 0);
    if (arena.blocks != NULL)
        polkai_arena_deinit(&arena);
}

static bool is_asked(int argc, char **argv, const char *word)
{
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    polka_error error = { .status = POLKA_OK };
    polkai_sink *sink, *out;
    polkai_source *source;
    polkai_flow *flow;
    polkai_random random;
    bool metered = is_asked(argc, argv, "metered"), timed = is_asked(argc, argv, "timed");
    polkai_tracing tracing = { is_asked(argc, argv, "traced") ? polkai_span_queue_create(2048) : NULL, samples, ended };
    if (argc < 3 || argc > 6)
        return fprintf(stderr, "usage: bench_corridor react|emit|compact EVENTS [metered] [traced] [timed]\n"), 2;
    const polka_service *service = strcmp(argv[1], "react") == 0 ? &reading : &pricing;
    bool compact = strcmp(argv[1], "compact") == 0;
    uint64_t events = strtoull(argv[2], NULL, 10);
    polkai_memory *memory = polkai_memory_create(&still, PARTITIONS);
    check(polkai_memory_sink_open(&sink, memory, NULL, NULL, &error), &error);
    polkai_random_seed(&random, SEED);
    for (uint64_t i = 0; i < events; i++)
        put(sink, &random, compact);
    polkai_flow_options options = { .service = service, .clock = timed ? &polkai_clock_real : &still, .log = &quiet, .seed = SEED, .compact_envelope = compact,
                                    .metered = metered, .tracing = tracing.user != NULL ? &tracing : NULL };
    check(polkai_flow_create(&flow, &options, &error), &error);
    check(polkai_memory_source_open(&source, memory, service->name, &error), &error);
    check(polkai_memory_sink_open(&out, memory, polkai_flow_report, flow, &error), &error);
    check(polkai_flow_start(flow, source, out, &error), &error);
    clock_t began = clock();
    for (size_t moved = 1; moved > 0;)
        check(polkai_flow_step(flow, 0, &moved, &error), &error);
    if (timed)
        printf("%.1f ns of CPU an event\n", (double)(clock() - began) * (1e9 / CLOCKS_PER_SEC) / (double)events);
    if (polkai_flow_count(flow).done != events)
        return fprintf(stderr, "%llu of %llu were handled\n", (unsigned long long)polkai_flow_count(flow).done, (unsigned long long)events), 1;
    check(polkai_flow_drain(flow, 1000, &error), &error);
    polkai_flow_destroy(flow);
    sink->operations->close(sink, 0);
    polkai_memory_destroy(memory);
    polkai_span_queue_destroy(tracing.user);
    return 0;
}
