/* The shop as a whole, in one process on the memory transport: every way in which an order can end. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <polka/test.h>

#include "shop_events.h"

extern const polka_service orders, payments, inventory, shipping, notifications;

static polka_test *open_shop(void)
{
    return polka_test_create_all(
        (const polka_service *const[]){ &orders, &payments, &inventory, &shipping, &notifications, NULL });
}

Test(shop, ends_an_order_in_six_events_with_a_notified_customer)
{
    polka_test *test = open_shop();
    POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-1"), .customer_id = POLKA_TEXT("C-1"),
                .currency = SHOP_CURRENCY_EUR, .total = 900,
                .lines = POLKA_ITEMS(shop_order_line, { .sku = POLKA_TEXT("apple"), .quantity = 1, .unit_price = 300 },
                                                      { .sku = POLKA_TEXT("pear"), .quantity = 1, .unit_price = 600 }));
    POLKA_EXPECT(test, shop_payment_authorised);
    POLKA_EXPECT(test, shop_stock_reserved);
    POLKA_EXPECT(test, shop_order_shipped);
    POLKA_EXPECT(test, shop_order_completed);
    const shop_customer_notified *notified = POLKA_EXPECT(test, shop_customer_notified);
    cr_expect(eq(str, (char *)notified->order_id.data, "A-1"));
    POLKA_EXPECT_NOTHING(test);
    POLKA_EXPECT_FLOW(test, "schemas/flows/order.yaml");
    polka_test_destroy(test);
}

Test(shop, ends_a_declined_order_in_four_events)
{
    polka_test *test = open_shop();
    POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-2"), .customer_id = POLKA_TEXT("C-1"),
                .currency = SHOP_CURRENCY_EUR, .total = 500001);
    POLKA_EXPECT(test, shop_payment_declined);
    POLKA_EXPECT(test, shop_order_cancelled);
    POLKA_EXPECT(test, shop_customer_notified);
    POLKA_EXPECT_NOTHING(test);
    POLKA_EXPECT_FLOW(test, "schemas/flows/order.yaml");
    polka_test_destroy(test);
}

Test(shop, ends_an_order_that_the_shelf_cannot_fill_in_five_events)
{
    polka_test *test = open_shop();
    POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-3"), .customer_id = POLKA_TEXT("C-1"),
                .currency = SHOP_CURRENCY_EUR, .total = 10100,
                .lines = POLKA_ITEMS(shop_order_line, { .sku = POLKA_TEXT("apple"), .quantity = 101, .unit_price = 100 }));
    POLKA_EXPECT(test, shop_payment_authorised);
    POLKA_EXPECT(test, shop_stock_rejected);
    POLKA_EXPECT(test, shop_order_cancelled);
    const shop_customer_notified *notified = POLKA_EXPECT(test, shop_customer_notified);
    cr_expect(eq(str, (char *)notified->subject.data, "Your order was cancelled: apple: more than 100"));
    POLKA_EXPECT_NOTHING(test);
    POLKA_EXPECT_FLOW(test, "schemas/flows/order.yaml");
    polka_test_destroy(test);
}

Test(shop, sends_an_order_without_a_total_to_the_dead_letters_and_goes_on)
{
    polka_test *test = open_shop();
    POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-4"), .customer_id = POLKA_TEXT("C-1"),
                .currency = SHOP_CURRENCY_EUR, .total = -1);
    POLKA_EXPECT_DEAD(test, "total must be positive, not -1");
    POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-5"), .customer_id = POLKA_TEXT("C-1"),
                .currency = SHOP_CURRENCY_EUR, .total = 1);
    POLKA_EXPECT(test, shop_order_completed);
    polka_test_destroy(test);
}
