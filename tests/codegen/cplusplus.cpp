/* The generated header in C++17: every kind of member, a handler, an emission. That it compiles is the test. */
#include "codegen_events.h"

extern "C" polka_outcome on_everything(polka_context *ctx, const shop_everything *e)
{
    if (e->means.tag == SHOP_EVERYTHING_MEANS_CARD && e->means.as.card.expiry_days == 0)
        return POLKA_SKIP;
    const int64_t discount = 5;
    const polka_text tags[] = { POLKA_TEXT("a"), POLKA_TEXT("b") };
    shop_everything other{};
    other.id = e->id;
    other.discount = &discount;
    other.tags = { 2, tags };
    other.means.tag = SHOP_EVERYTHING_MEANS_STRING;
    other.means.as.string = POLKA_TEXT("cash");
    shop_everything_emit(ctx, &other);
    return shop_everything_map_get(e->children, e->id) == nullptr ? POLKA_DONE : POLKA_RETRY;
}

/* also seen from C, so that the file is linked: the row of the table that C++17 writes */
extern "C" const polka_event *cplusplus_event();
const polka_event *cplusplus_event()
{
    const polka_reaction row = POLKA_ON(shop_everything, on_everything).retrying(3, 100);
    return row.event;
}
