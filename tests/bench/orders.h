/* orders.h: orders that a seed repeats: 152 bytes of Avro on average, one to six lines, texts of all lengths. */
#ifndef POLKA_BENCH_ORDERS_H
#define POLKA_BENCH_ORDERS_H

#include <base/random.h>

#include "bench_events.h"

enum { ORDER_LINES = 6 };
typedef struct {
    bench_order_placed order;            /* its texts are in here too */
    bench_order_line lines[ORDER_LINES];
    char order_id[37], customer_id[32], note[96], skus[ORDER_LINES][32];
} orders_order;

void orders_make(polkai_random *random, orders_order *made);
int64_t orders_total(const bench_order_placed *order);

#endif
