#include <polka/polka.h>

#include "bank_events.h"

static polka_outcome on_payment_received(polka_context *ctx, const bank_payment_received *payment)
{
    bank_receipt_issued_emit(ctx, &(bank_receipt_issued){
        .payment_id = payment->payment_id, .text = polka_format(ctx, "received %" PRId64, payment->amount) });
    return POLKA_DONE;
}

const polka_service receipts = {
    .name = "receipts",
    .domain = "bank",
    .version = "1.0.0",
    .reactions = (const polka_reaction[]){
        POLKA_REACT(bank_payment_received, on_payment_received, .emits = POLKA_EMITS(&bank_receipt_issued_event)),
        { 0 },
    },
};
