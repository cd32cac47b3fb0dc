#include <polka/polka.h>

#include "shop_events.h"

static polka_outcome on_stock_reserved(polka_context *ctx, const shop_stock_reserved *reserved)
{
    shop_order_shipped_emit(ctx, &(shop_order_shipped){
        .order_id = reserved->order_id, .customer_id = reserved->customer_id,
        .shipment_id = polka_new_id(ctx), .shipped_at_ms = polka_now_ms(ctx) });
    return POLKA_DONE;
}

const polka_service shipping = {
    .name = "shipping",
    .domain = "shop",
    .version = "1.0.0",
    .reactions = (const polka_reaction[]){
        POLKA_REACT(shop_stock_reserved, on_stock_reserved, .emits = POLKA_EMITS(&shop_order_shipped_event)),
        { 0 },
    },
};
