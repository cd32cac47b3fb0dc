#include <polka/polka.h>

#include "shop_events.h"

enum { LIMIT = 500000 };                 /* minor units */

static polka_outcome on_order_placed(polka_context *ctx, const shop_order_placed *order)
{
    if (order->total <= 0)
        return polka_dead(ctx, "total must be positive, not %" PRId64, order->total);
    if (order->total > LIMIT) {
        shop_payment_declined_emit(ctx, &(shop_payment_declined){
            .order_id = order->order_id, .customer_id = order->customer_id, .reason = POLKA_TEXT("over the limit") });
        return POLKA_DONE;
    }
    shop_payment_authorised_emit(ctx, &(shop_payment_authorised){
        .order_id = order->order_id, .customer_id = order->customer_id,
        .amount = order->total, .currency = order->currency, .lines = order->lines });
    return POLKA_DONE;
}

const polka_service payments = {
    .name = "payments",
    .domain = "shop",
    .version = "1.0.0",
    .reactions = (const polka_reaction[]){
        POLKA_REACT(shop_order_placed, on_order_placed,
                    .emits = POLKA_EMITS(&shop_payment_authorised_event, &shop_payment_declined_event),
                    .retry = { .attempts = 3, .first_delay_ms = 100 }),
        { 0 },
    },
};
