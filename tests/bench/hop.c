/*
 * hop.c: the measured work as a service, by the front door.
 *
 * usage: bench_hop EVENTS(0: until a signal) KIND [flags of every service: --brokers …, --group …, --lanes …]
 *   emit           one reaction, one emission
 *   react          the reaction alone
 *   busy=US        a reaction that computes for so long
 *   wait           a reaction that waits as long as its order says, and ends the program when the order of a key is not kept
 *   types=N        N event types with a reaction each, bench.Type0 to bench.Type<N-1>
 */
#include "measure.h"
#include "orders.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KEYS_MOST = 1 << 20 };

static polka_program *program;
static int64_t wanted, busy_us;
static atomic_llong turns[KEYS_MOST];    /* of the last order of each key, for `wait` */

static void count(const bench_order_placed *order, int64_t *total)
{
    if (measure_event(order, total) == wanted)
        polka_service_stop(program);
}

/* ---- the kinds ---- */

static polka_outcome on_order_placed(polka_context *ctx, const bench_order_placed *order)
{
    int64_t total;
    count(order, &total);
    bench_order_priced_emit(ctx, &(bench_order_priced){ .order_id = order->order_id, .customer_id = order->customer_id, .total = total,
                                                        .currency = order->currency });
    return POLKA_DONE;
}

static polka_outcome only_react(polka_context *ctx, const bench_order_placed *order)
{
    int64_t total;
    (void)ctx;
    count(order, &total);
    measure_busy(busy_us);
    return POLKA_DONE;
}

static polka_outcome wait_for_it(polka_context *ctx, const bench_order_placed *order)
{
    int64_t total, delay_us = orders_delay_us(order);
    unsigned key = orders_key_of(order);
    (void)ctx;
    if (key >= KEYS_MOST || atomic_exchange(&turns[key], order->placed_at_ms) >= order->placed_at_ms) {
        fprintf(stderr, "key %u: order %lld came late or twice\n", key, (long long)order->placed_at_ms);
        exit(1);
    }
    nanosleep(&(struct timespec){ .tv_nsec = delay_us * 1000 }, NULL);
    count(order, &total);
    return POLKA_DONE;
}

/* Closed when all is acknowledged and committed: so this is the end of the measured time. */
static polka_status open_lane(polka_context *ctx, void **resource, polka_error *error)
{
    (void)ctx, (void)error;
    *resource = &wanted;
    return POLKA_OK;
}

static void close_lane(void *resource)
{
    (void)resource;
    measure_end();
}

/* ---- the services ---- */

#define BENCH_SERVICE(NAME, ...)                                                                              \
    static const polka_service NAME = {                                                                       \
        .name = "pricing", .domain = "bench", .version = "1.0.0", .open = open_lane, .close = close_lane,     \
        .reactions = (const polka_reaction[]){ __VA_ARGS__, { 0 } } }

BENCH_SERVICE(pricing, POLKA_REACT(bench_order_placed, on_order_placed, .emits = POLKA_EMITS(&bench_order_priced_event)));
BENCH_SERVICE(reading, POLKA_REACT(bench_order_placed, only_react));
BENCH_SERVICE(waiting, POLKA_REACT(bench_order_placed, wait_for_it));

/* The same event under many names: what grows is the number of types and of reactions, and not the codec. */
static const polka_service *with_types(unsigned number)
{
    static polka_service service;
    polka_event *events = calloc(number, sizeof *events);
    polka_reaction *reactions = calloc(number + 1, sizeof *reactions);
    char (*names)[32] = calloc(number, sizeof *names);
    if (events == NULL || reactions == NULL || names == NULL)
        exit(1);
    for (unsigned i = 0; i < number; i++) {
        snprintf(names[i], sizeof names[i], "bench.Type%u", i);
        events[i] = bench_order_placed_event;
        events[i].name = names[i];
        reactions[i] = (polka_reaction)POLKA_REACT(bench_order_placed, only_react);
        reactions[i].event = &events[i];
    }
    service = reading;
    service.reactions = reactions;
    return &service;
}

static const polka_service *service_of(const char *kind)
{
    if (strcmp(kind, "emit") == 0)
        return &pricing;
    if (strcmp(kind, "react") == 0)
        return &reading;
    if (strcmp(kind, "wait") == 0)
        return &waiting;
    if (strncmp(kind, "types=", 6) == 0)
        return with_types((unsigned)strtoul(kind + 6, NULL, 10));
    if (strncmp(kind, "busy=", 5) != 0)
        return NULL;
    busy_us = strtoll(kind + 5, NULL, 10);
    return &reading;
}

int main(int argc, char **argv)
{
    polka_error error = { .status = POLKA_OK };
    const polka_service *service = argc < 3 ? NULL : service_of(argv[2]);
    if (service == NULL) {
        fprintf(stderr, "usage: bench_hop EVENTS emit|react|busy=US|wait|types=N [--brokers …] [--group …] [--lanes …]\n");
        return 2;
    }
    wanted = strtoll(argv[1], NULL, 10);
    argv[2] = argv[0];
    if (polka_service_create(&program, service, argc - 2, argv + 2, &error) != POLKA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    int code = polka_service_run(program);
    measure_print();
    polka_service_destroy(program);
    return code;
}
