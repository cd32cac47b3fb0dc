/*
 * hop.c: the same hop as a service, by the front door: one reaction, one emission.
 *
 * usage: bench_hop EVENTS(0: until a signal) emit|react [flags of every service: --brokers …, --group …, --lanes …]
 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

static polka_program *program;
static int64_t wanted;

static void count(const bench_order_placed *order, int64_t *total)
{
    if (measure_event(order, total) == wanted)
        polka_service_stop(program);
}

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

static const polka_service pricing = {
    .name = "pricing", .domain = "bench", .version = "1.0.0", .open = open_lane, .close = close_lane,
    .reactions = (const polka_reaction[]){
        POLKA_REACT(bench_order_placed, on_order_placed, .emits = POLKA_EMITS(&bench_order_priced_event)),
        { 0 },
    },
};

static const polka_service reading = {
    .name = "pricing", .domain = "bench", .version = "1.0.0", .open = open_lane, .close = close_lane,
    .reactions = (const polka_reaction[]){
        POLKA_REACT(bench_order_placed, only_react),
        { 0 },
    },
};

int main(int argc, char **argv)
{
    polka_error error = { .status = POLKA_OK };
    if (argc < 3) {
        fprintf(stderr, "usage: bench_hop EVENTS emit|react [--brokers …] [--group …] [--lanes …]\n");
        return 2;
    }
    wanted = strtoll(argv[1], NULL, 10);
    const polka_service *service = strcmp(argv[2], "react") == 0 ? &reading : &pricing;
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
