#include <polka/polka.h>

#include "shop_events.h"

static void cancel(polka_context *ctx, polka_text order_id, polka_text customer_id, polka_text reason)
{
    shop_order_cancelled_emit(ctx, &(shop_order_cancelled){ .order_id = order_id, .customer_id = customer_id, .reason = reason });
}

static polka_outcome on_payment_declined(polka_context *ctx, const shop_payment_declined *declined)
{
    cancel(ctx, declined->order_id, declined->customer_id, declined->reason);
    return POLKA_DONE;
}

static polka_outcome on_stock_rejected(polka_context *ctx, const shop_stock_rejected *rejected)
{
    cancel(ctx, rejected->order_id, rejected->customer_id,
           polka_format(ctx, "%.*s: %.*s", POLKA_TEXT_ARGS(rejected->sku), POLKA_TEXT_ARGS(rejected->reason)));
    return POLKA_DONE;
}

static polka_outcome on_order_shipped(polka_context *ctx, const shop_order_shipped *shipped)
{
    shop_order_completed_emit(ctx, &(shop_order_completed){ .order_id = shipped->order_id, .customer_id = shipped->customer_id });
    return POLKA_DONE;
}

const polka_service orders = {
    .name = "orders",
    .domain = "shop",
    .version = "1.0.0",
    .reactions = (const polka_reaction[]){
        POLKA_REACT(shop_payment_declined, on_payment_declined, .emits = POLKA_EMITS(&shop_order_cancelled_event)),
        POLKA_REACT(shop_stock_rejected, on_stock_rejected, .emits = POLKA_EMITS(&shop_order_cancelled_event)),
        POLKA_REACT(shop_order_shipped, on_order_shipped, .emits = POLKA_EMITS(&shop_order_completed_event)),
        { 0 },
    },
};
