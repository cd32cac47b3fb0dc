/* storefront.c: a service that says shop.OrderPlaced: what has arrived is ordered again. */
#include <polka/polka.h>

#include "shop_events.h"

static polka_outcome on_order_completed(polka_context *ctx, const shop_order_completed *completed)
{
    shop_order_placed_emit(ctx, &(shop_order_placed){ .order_id = completed->order_id, .customer_id = completed->customer_id });
    return POLKA_DONE;
}

static const polka_service storefront = {
    .name = "storefront",
    .domain = "shop",
    .version = "5.0.0",
    .reactions = (const polka_reaction[]){
        POLKA_REACT(shop_order_completed, on_order_completed, .emits = POLKA_EMITS(&shop_order_placed_event)),
        { 0 },
    },
};
POLKA_MAIN(storefront)
