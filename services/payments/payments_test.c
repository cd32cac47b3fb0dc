#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <polka/test.h>

#include "shop_events.h"

extern const polka_service payments;

Test(payments, authorises_the_total_of_an_order_and_carries_its_lines_on)
{
    polka_test *test = polka_test_create(&payments);
    POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-1"), .customer_id = POLKA_TEXT("C-1"),
                .currency = SHOP_CURRENCY_CZK, .total = 1200,
                .lines = POLKA_ITEMS(shop_order_line, { .sku = POLKA_TEXT("apple"), .quantity = 2, .unit_price = 600 }));
    const shop_payment_authorised *paid = POLKA_EXPECT(test, shop_payment_authorised);
    cr_expect(eq(str, (char *)paid->order_id.data, "A-1"));
    cr_expect(eq(i64, paid->amount, 1200));
    cr_expect(paid->currency == SHOP_CURRENCY_CZK);
    cr_assert(eq(sz, paid->lines.count, 1));
    cr_expect(eq(i32, paid->lines.items[0].quantity, 2));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}

Test(payments, authorises_up_to_the_limit_and_declines_above_it)
{
    polka_test *test = polka_test_create(&payments);
    POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-2"), .customer_id = POLKA_TEXT("C-1"),
                .currency = SHOP_CURRENCY_EUR, .total = 500000);
    POLKA_EXPECT(test, shop_payment_authorised);
    POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-3"), .customer_id = POLKA_TEXT("C-1"),
                .currency = SHOP_CURRENCY_EUR, .total = 500001);
    const shop_payment_declined *declined = POLKA_EXPECT(test, shop_payment_declined);
    cr_expect(eq(str, (char *)declined->order_id.data, "A-3"));
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}

Test(payments, sends_an_order_without_a_total_to_the_dead_letters)
{
    polka_test *test = polka_test_create(&payments);
    POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-4"), .customer_id = POLKA_TEXT("C-1"),
                .currency = SHOP_CURRENCY_EUR, .total = 0);
    POLKA_EXPECT_DEAD(test, "total must be positive, not 0");
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}
