#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <polka/test.h>

#include "shop_events.h"

extern const polka_service notifications;

Test(notifications, tells_the_customer_that_the_order_is_on_its_way)
{
    polka_test *test = polka_test_create(&notifications);
    POLKA_GIVEN(test, shop_order_shipped, .order_id = POLKA_TEXT("A-1"), .customer_id = POLKA_TEXT("C-1"),
                .shipment_id = POLKA_TEXT("S-1"), .shipped_at_ms = 1700000000000);
    const shop_customer_notified *notified = POLKA_EXPECT(test, shop_customer_notified);
    cr_expect(eq(str, (char *)notified->customer_id.data, "C-1"));
    cr_expect(notified->channel == SHOP_CHANNEL_EMAIL);
    cr_expect(eq(str, (char *)notified->subject.data, "Your order is on its way"));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}

Test(notifications, tells_the_customer_why_the_order_was_cancelled)
{
    polka_test *test = polka_test_create(&notifications);
    POLKA_GIVEN(test, shop_order_cancelled, .order_id = POLKA_TEXT("A-2"), .customer_id = POLKA_TEXT("C-1"),
                .reason = POLKA_TEXT("over the limit"));
    const shop_customer_notified *notified = POLKA_EXPECT(test, shop_customer_notified);
    cr_expect(eq(str, (char *)notified->subject.data, "Your order was cancelled: over the limit"));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}
