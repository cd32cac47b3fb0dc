/* orders.c: one order after the other, from a seed. */
#include "orders.h"

#include <base/identity.h>

#include <stdio.h>

static unsigned below(polkai_random *random, unsigned limit)
{
    return (unsigned)(polkai_random_next(random) % limit);
}

static polka_text word(polkai_random *random, char *out, unsigned least, unsigned most)
{
    unsigned size = least + below(random, most - least + 1);
    for (unsigned i = 0; i < size; i++)
        out[i] = (char)('a' + below(random, 26));
    return (polka_text){ size, out };
}

void orders_make(polkai_random *random, orders_order *made)
{
    uint8_t uuid[16];
    polkai_uuid_v7(uuid, (int64_t)1700000000000 + below(random, 1000000000), random);
    polkai_uuid_write(made->order_id, uuid);
    made->order = (bench_order_placed){
        .order_id = { POLKA_UUID_TEXT, made->order_id }, .customer_id = word(random, made->customer_id, 6, 20),
        .placed_at_ms = (int64_t)1700000000000 + below(random, 1000000000), .currency = (bench_currency)(1 + below(random, 4)),
        .lines = { 1 + below(random, ORDER_LINES), made->lines } };
    if (below(random, 2) == 0)
        made->order.note = word(random, made->note, 1, 88);
    for (size_t i = 0; i < made->order.lines.count; i++)
        made->lines[i] = (bench_order_line){ .sku = word(random, made->skus[i], 6, 22), .quantity = (int32_t)(1 + below(random, 100)),
                                             .unit_price = 1 + below(random, 1000000) };
}

int64_t orders_total(const bench_order_placed *order)
{
    int64_t total = 0;
    for (size_t i = 0; i < order->lines.count; i++)
        total += order->lines.items[i].quantity * order->lines.items[i].unit_price;
    return total;
}

void orders_key(orders_order *made, unsigned key, int64_t turn)
{
    made->order.order_id.size = (size_t)snprintf(made->order_id, sizeof made->order_id, "%08x-0000-4000-8000-%012x", key * 0x9e3779b1u, key);
    made->order.customer_id.size = (size_t)snprintf(made->customer_id, sizeof made->customer_id, "%u", key);
    made->order.placed_at_ms = turn;
}

unsigned orders_key_of(const bench_order_placed *order)
{
    unsigned key = 0;
    for (size_t i = 0; i < order->customer_id.size; i++)
        key = key * 10 + (unsigned)(order->customer_id.data[i] - '0');
    return key;
}

int64_t orders_delay_us(const bench_order_placed *order)
{
    return order->lines.items[0].unit_price % (ORDER_DELAY_US + 1);
}
