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

enum { ORDER_DELAY_US = 5000 };
void orders_make(polkai_random *random, orders_order *made);
int64_t orders_total(const bench_order_placed *order);
/* orders_key: the order gets the key of number `key`, and is the `turn`-th of all: its handler can tell whether order was kept. */
void orders_key(orders_order *made, unsigned key, int64_t turn);
unsigned orders_key_of(const bench_order_placed *order);
int64_t orders_delay_us(const bench_order_placed *order);     /* what a slow handler takes for it, 0 to ORDER_DELAY_US, from its price */

#endif
