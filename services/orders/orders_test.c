#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <polka/test.h>

#include "shop_events.h"

extern const polka_service orders;

Test(orders, cancels_an_order_whose_payment_was_declined_with_the_same_reason)
{
    polka_test *test = polka_test_create(&orders);
    POLKA_GIVEN(test, shop_payment_declined, .order_id = POLKA_TEXT("A-1"), .customer_id = POLKA_TEXT("C-1"),
                .reason = POLKA_TEXT("over the limit"));
    const shop_order_cancelled *cancelled = POLKA_EXPECT(test, shop_order_cancelled);
    cr_expect(eq(str, (char *)cancelled->order_id.data, "A-1"));
    cr_expect(eq(str, (char *)cancelled->customer_id.data, "C-1"));
    cr_expect(eq(str, (char *)cancelled->reason.data, "over the limit"));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}

Test(orders, cancels_an_order_without_stock_and_names_the_article)
{
    polka_test *test = polka_test_create(&orders);
    POLKA_GIVEN(test, shop_stock_rejected, .order_id = POLKA_TEXT("A-2"), .customer_id = POLKA_TEXT("C-1"),
                .sku = POLKA_TEXT("apple"), .reason = POLKA_TEXT("more than 100"));
    const shop_order_cancelled *cancelled = POLKA_EXPECT(test, shop_order_cancelled);
    cr_expect(eq(str, (char *)cancelled->reason.data, "apple: more than 100"));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}

Test(orders, completes_an_order_that_was_shipped)
{
    polka_test *test = polka_test_create(&orders);
    POLKA_GIVEN(test, shop_order_shipped, .order_id = POLKA_TEXT("A-3"), .customer_id = POLKA_TEXT("C-1"),
                .shipment_id = POLKA_TEXT("S-1"), .shipped_at_ms = 1700000000000);
    const shop_order_completed *completed = POLKA_EXPECT(test, shop_order_completed);
    cr_expect(eq(str, (char *)completed->order_id.data, "A-3"));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}
