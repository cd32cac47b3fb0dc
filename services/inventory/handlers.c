#include <polka/polka.h>

#include <stdlib.h>

#include "shop_events.h"

enum { SHELF = 100 };                    /* of every article */

static int by_sku(const void *a, const void *b)
{
    const shop_order_line *left = a, *right = b;
    size_t shorter = left->sku.size < right->sku.size ? left->sku.size : right->sku.size;
    int order = memcmp(left->sku.data, right->sku.data, shorter);
    return order != 0 ? order : (left->sku.size > right->sku.size) - (left->sku.size < right->sku.size);
}

/* The first article of which all lines together ask for more than the shelf holds; data NULL: none. */
static polka_text missing(polka_context *ctx, shop_order_line_array lines)
{
    shop_order_line *sorted = POLKA_NEW(ctx, shop_order_line, lines.count + 1);
    if (lines.count > 0)
        memcpy(sorted, lines.items, lines.count * sizeof *sorted);
    qsort(sorted, lines.count, sizeof *sorted, by_sku);
    int64_t quantity = 0;
    for (size_t i = 0; i < lines.count; i++) {
        bool same = i > 0 && polka_text_equal(sorted[i].sku, sorted[i - 1].sku);
        quantity = (same ? quantity : 0) + sorted[i].quantity;
        if (quantity > SHELF)
            return sorted[i].sku;
    }
    return (polka_text){ 0 };
}

static polka_outcome on_payment_authorised(polka_context *ctx, const shop_payment_authorised *paid)
{
    polka_text sku = missing(ctx, paid->lines);
    if (sku.data != NULL)
        shop_stock_rejected_emit(ctx, &(shop_stock_rejected){
            .order_id = paid->order_id, .customer_id = paid->customer_id, .sku = sku, .reason = POLKA_TEXT("more than 100") });
    else
        shop_stock_reserved_emit(ctx, &(shop_stock_reserved){
            .order_id = paid->order_id, .customer_id = paid->customer_id, .lines = paid->lines });
    return POLKA_DONE;
}

const polka_service inventory = {
    .name = "inventory",
    .domain = "shop",
    .version = "1.0.0",
    .reactions = (const polka_reaction[]){
        POLKA_REACT(shop_payment_authorised, on_payment_authorised,
                    .emits = POLKA_EMITS(&shop_stock_reserved_event, &shop_stock_rejected_event)),
        { 0 },
    },
};
