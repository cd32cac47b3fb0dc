#include <polka/polka.h>

#include "shop_events.h"

static polka_outcome notify(polka_context *ctx, polka_text order_id, polka_text customer_id, polka_text subject)
{
    shop_customer_notified_emit(ctx, &(shop_customer_notified){
        .order_id = order_id, .customer_id = customer_id, .channel = SHOP_CHANNEL_EMAIL, .subject = subject });
    return POLKA_DONE;
}

static polka_outcome on_order_shipped(polka_context *ctx, const shop_order_shipped *shipped)
{
    return notify(ctx, shipped->order_id, shipped->customer_id, POLKA_TEXT("Your order is on its way"));
}

static polka_outcome on_order_cancelled(polka_context *ctx, const shop_order_cancelled *cancelled)
{
    return notify(ctx, cancelled->order_id, cancelled->customer_id,
                  polka_format(ctx, "Your order was cancelled: %.*s", POLKA_TEXT_ARGS(cancelled->reason)));
}

const polka_service notifications = {
    .name = "notifications",
    .domain = "shop",
    .version = "1.0.0",
    .reactions = (const polka_reaction[]){
        POLKA_REACT(shop_order_shipped, on_order_shipped, .emits = POLKA_EMITS(&shop_customer_notified_event)),
        POLKA_REACT(shop_order_cancelled, on_order_cancelled, .emits = POLKA_EMITS(&shop_customer_notified_event)),
        { 0 },
    },
};
