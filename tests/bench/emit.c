/*
 * emit.c: events sent outside of a reaction, by a producer and by hand: units of so many, each acknowledged before the next.
 *
 * usage: bench_emit polka BROKERS EVENTS UNIT | raw BROKERS EVENTS UNIT
 */
#include "client.h"
#include "measure.h"
#include "orders.h"

#include <base/arena.h>
#include <base/clock.h>
#include <base/identity.h>

#include <stdio.h>
#include <stdlib.h>

enum { SEED = 20261126 };

static const polka_service storefront = { .name = "storefront", .domain = "bench", .version = "1.0.0",
                                          .emits = POLKA_EMITS(&bench_order_placed_event) };

static void by_producer(const char *brokers, int64_t events, int64_t unit)
{
    polka_error error;
    polka_producer *producer;
    orders_order order;
    polkai_random random;
    int64_t total;
    char *words[] = { "bench_emit", "--brokers", polkai_strdup(brokers), "--log.level", "warn", NULL };
    polkai_random_seed(&random, SEED);
    if (polka_producer_open(&producer, &storefront, 5, words, &error) != POLKA_OK)
        client_die("open", error.message);
    for (int64_t sent = 0; sent < events; sent += unit) {
        polka_context *ctx = polka_begin(producer);
        for (int64_t i = 0; i < unit; i++) {
            orders_make(&random, &order);
            measure_event(&order.order, &total);
            bench_order_placed_emit(ctx, &order.order);
        }
        if (polka_commit_take(ctx, &error) != POLKA_OK)
            client_die("commit", error.message);
    }
    measure_end();
    measure_print();
    polka_producer_close(producer);
}

static int64_t acknowledged;

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    (void)handle, (void)opaque;
    if (message->err != 0)
        client_die("delivery", rd_kafka_err2str(message->err));
    acknowledged++;
}

static void by_hand(const char *brokers, int64_t events, int64_t unit)
{
    static uint8_t memory[8192];
    polka_arena arena;
    orders_order order;
    polkai_random random;
    int64_t total;
    char dataschema[64];
    rd_kafka_t *producer = client_producer(brokers, delivered, NULL);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, "bench.orders", NULL);
    polka_text schema = { (size_t)snprintf(dataschema, sizeof dataschema, "polka:%016" PRIx64, bench_order_placed_event.fingerprint), dataschema };
    polkai_random_seed(&random, SEED);
    polkai_arena_init(&arena, memory, sizeof memory);
    for (int64_t sent = 0; sent < events; sent += unit) {
        for (int64_t i = 0; i < unit; i++) {
            uint8_t uuid[16];
            char id[POLKA_UUID_TEXT + 1];
            polkai_arena_reset(&arena, memory, sizeof memory);
            orders_make(&random, &order);
            measure_event(&order.order, &total);
            polkai_envelope envelope = { .mode = POLKAI_MODE_BINARY, .source = POLKA_TEXT("/bench/storefront"),
                                         .time_ms = polkai_clock_real.wall_ms(&polkai_clock_real) };
            polkai_uuid_v7(uuid, envelope.time_ms, &random);
            polkai_uuid_write(id, uuid);
            envelope.id = envelope.correlation_id = (polka_text){ POLKA_UUID_TEXT, id };
            envelope.traceparent = polkai_envelope_trace((polka_text){ 0, NULL }, envelope.correlation_id, envelope.id, &arena);
            client_send(producer, topic, &bench_order_placed_event, &order.order, &envelope, schema, &arena, NULL);
        }
        while (acknowledged < sent + unit)
            rd_kafka_poll(producer, 10);
    }
    measure_end();
    measure_print();
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
}

int main(int argc, char **argv)
{
    int64_t events = argc == 5 ? strtoll(argv[3], NULL, 10) : 0, unit = argc == 5 ? strtoll(argv[4], NULL, 10) : 0;
    if (unit <= 0 || events % unit != 0)
        client_die("usage", "bench_emit polka|raw BROKERS EVENTS UNIT");
    (strcmp(argv[1], "raw") == 0 ? by_hand : by_producer)(argv[2], events, unit);
    return 0;
}
