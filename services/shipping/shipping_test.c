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

Test(shipping, says_the_same_shipment_again_when_the_event_is_delivered_again)
{
    polka_test *test = polka_test_create(&shipping);
    POLKA_GIVEN(test, shop_stock_reserved, .order_id = POLKA_TEXT("A-1"), .customer_id = POLKA_TEXT("C-1"));
    const shop_order_shipped *shipped = POLKA_EXPECT(test, shop_order_shipped);
    polka_text id = polka_test_expected_id(test);
    polka_test_advance_ms(test, 60000);
    polka_test_redelivered(test);
    const shop_order_shipped *again = POLKA_EXPECT(test, shop_order_shipped);
    cr_expect(eq(str, (char *)again->shipment_id.data, (char *)shipped->shipment_id.data));
    cr_expect(polka_text_equal(polka_test_expected_id(test), id), "whoever hears it drops the copy by its id");
    POLKA_GIVEN(test, shop_stock_reserved, .order_id = POLKA_TEXT("A-1"), .customer_id = POLKA_TEXT("C-1"));
    const shop_order_shipped *other = POLKA_EXPECT(test, shop_order_shipped);
    cr_expect(not(eq(str, (char *)other->shipment_id.data, (char *)shipped->shipment_id.data)));
    cr_expect(not(polka_text_equal(polka_test_expected_id(test), id)));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}
