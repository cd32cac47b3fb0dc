#include <criterion/criterion.h>
#include <polka/test.h>

#include "bank_events.h"

extern const polka_service receipts;

Test(receipts, issues_a_receipt_for_a_payment)
{
    polka_test *test = polka_test_create(&receipts);
    POLKA_GIVEN(test, bank_payment_received, .payment_id = POLKA_TEXT("P-1"), .amount = 5);
    const bank_receipt_issued *receipt = POLKA_EXPECT(test, bank_receipt_issued);
    cr_assert_str_eq(receipt->text.data, "received 5");
    polka_test_destroy(test);
}
