// The same service in C++17: a named array of rows in place of designated initialisers.
#include <polka/polka.h>

#include "bank_events.h"

static polka_outcome on_payment_received(polka_context *ctx, const bank_payment_received *payment)
{
    bank_receipt_issued receipt{};
    receipt.payment_id = payment->payment_id;
    receipt.text = polka_format(ctx, "received %" PRId64, payment->amount);
    bank_receipt_issued_emit(ctx, &receipt);
    return POLKA_DONE;
}

static const polka_reaction reactions[] = {
    POLKA_ON(bank_payment_received, on_payment_received).emitting<&bank_receipt_issued_event>().retrying(3, 100),
#ifdef WRONG_HANDLER
    POLKA_ON(bank_receipt_issued, on_payment_received),
#endif
    {},
};

static polka_service make()
{
    polka_service service{};
    service.name = "receipts17";
    service.domain = "bank";
    service.version = "1.0.0";
    service.reactions = reactions;
    return service;
}

static const polka_service receipts17 = make();
POLKA_MAIN(receipts17)
