#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <polka/test.h>

#include "shop_events.h"

extern const polka_service inventory;

Test(inventory, reserves_a_hundred_of_one_article)
{
    polka_test *test = polka_test_create(&inventory);
    POLKA_GIVEN(test, shop_payment_authorised, .order_id = POLKA_TEXT("A-1"), .customer_id = POLKA_TEXT("C-1"),
                .amount = 900, .currency = SHOP_CURRENCY_EUR,
                .lines = POLKA_ITEMS(shop_order_line, { .sku = POLKA_TEXT("apple"), .quantity = 100, .unit_price = 6 },
                                                      { .sku = POLKA_TEXT("pear"), .quantity = 1, .unit_price = 300 }));
    const shop_stock_reserved *reserved = POLKA_EXPECT(test, shop_stock_reserved);
    cr_expect(eq(str, (char *)reserved->order_id.data, "A-1"));
    cr_expect(eq(sz, reserved->lines.count, 2));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}

Test(inventory, rejects_more_than_a_hundred_of_one_article_also_over_several_lines)
{
    polka_test *test = polka_test_create(&inventory);
    POLKA_GIVEN(test, shop_payment_authorised, .order_id = POLKA_TEXT("A-2"), .customer_id = POLKA_TEXT("C-1"),
                .amount = 900, .currency = SHOP_CURRENCY_EUR,
                .lines = POLKA_ITEMS(shop_order_line, { .sku = POLKA_TEXT("pear"), .quantity = 1, .unit_price = 300 },
                                                      { .sku = POLKA_TEXT("apple"), .quantity = 60, .unit_price = 5 },
                                                      { .sku = POLKA_TEXT("apple"), .quantity = 41, .unit_price = 5 }));
    const shop_stock_rejected *rejected = POLKA_EXPECT(test, shop_stock_rejected);
    cr_expect(eq(str, (char *)rejected->sku.data, "apple"));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}

Test(inventory, reserves_for_an_order_without_lines)
{
    polka_test *test = polka_test_create(&inventory);
    POLKA_GIVEN(test, shop_payment_authorised, .order_id = POLKA_TEXT("A-3"), .customer_id = POLKA_TEXT("C-1"),
                .amount = 900, .currency = SHOP_CURRENCY_EUR);
    POLKA_EXPECT(test, shop_stock_reserved);
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}
