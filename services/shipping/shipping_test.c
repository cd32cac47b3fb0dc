#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <polka/test.h>

#include "shop_events.h"

extern const polka_service shipping;

Test(shipping, ships_what_was_reserved_under_an_id_of_its_own)
{
    polka_test *test = polka_test_create(&shipping);
    POLKA_GIVEN(test, shop_stock_reserved, .order_id = POLKA_TEXT("A-1"), .customer_id = POLKA_TEXT("C-1"));
    const shop_order_shipped *shipped = POLKA_EXPECT(test, shop_order_shipped);
    cr_expect(eq(str, (char *)shipped->order_id.data, "A-1"));
    cr_expect(eq(str, (char *)shipped->customer_id.data, "C-1"));
    cr_expect(eq(sz, shipped->shipment_id.size, 36));
    cr_expect(gt(i64, shipped->shipped_at_ms, 0));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}
