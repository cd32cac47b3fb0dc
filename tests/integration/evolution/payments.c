/* payments.c: the shop's own payments, unchanged, which also tells what it saw of each order. Built once a version of shop.OrderPlaced. */
#include <polka/polka.h>

#define payments payments_of_the_shop
#include "payments/handlers.c"
#undef payments

#if VERSION >= 3
#define REMARK(ORDER) (ORDER)->remark
#else
#define REMARK(ORDER) (ORDER)->note
#endif
#define DASH POLKA_TEXT("-")

static polka_outcome on_order_seen(polka_context *ctx, const shop_order_placed *order)
{
    shop_order_seen seen = { .order_id = order->order_id, .reader = VERSION, .remark = REMARK(order).data != NULL ? REMARK(order) : POLKA_TEXT("null"),
                             .sold_by = DASH, .gift = DASH, .campaign = DASH, .delivery = DASH };
#if VERSION >= 2
    const char *channel = shop_sales_channel_name(order->sold_by);
    seen.sold_by = (polka_text){ strlen(channel), channel };
#endif
#if VERSION == 2 || VERSION == 3
    seen.gift = order->gift ? POLKA_TEXT("yes") : POLKA_TEXT("no");
#endif
#if VERSION == 3
    seen.campaign = order->campaign;
#elif VERSION == 4
    seen.campaign = (polka_text){ order->campaign.size, (const char *)order->campaign.data };
    seen.delivery = polka_format(ctx, "%" PRId32 " days", order->delivery.days);
    for (size_t i = 0; i < order->delivery.slots.count; i++)
        seen.delivery = polka_format(ctx, "%.*s, %.*s", POLKA_TEXT_ARGS(seen.delivery), POLKA_TEXT_ARGS(order->delivery.slots.items[i]));
#endif
    shop_order_seen_emit(ctx, &seen);
    return POLKA_DONE;
}

static const polka_service payments = {
    .name = "payments",
    .domain = "shop",
    .version = VERSION_TEXT,
    .reactions = (const polka_reaction[]){
        POLKA_REACT(shop_order_placed, on_order_placed,
                    .emits = POLKA_EMITS(&shop_payment_authorised_event, &shop_payment_declined_event)),
        POLKA_REACT(shop_order_placed, on_order_seen, .name = "seen", .emits = POLKA_EMITS(&shop_order_seen_event)),
        { 0 },
    },
};
POLKA_MAIN(payments)
