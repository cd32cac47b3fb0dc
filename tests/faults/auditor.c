/* auditor.c: the last in the chain: writes down what keepers say, and emits nothing. */
#include "faults_events.h"
#include "ledger.h"

static polka_outcome on_kept(polka_context *ctx, const faults_kept *kept)
{
    int64_t now_us = faults_now_us();
    return faults_ledger_write(ctx, &(faults_effect){ .id = kept->id, .key = kept->key, .sequence = kept->sequence, .began_us = now_us, .ended_us = now_us,
                                                      .attempt = polka_caused_by(ctx)->attempt });
}

static const polka_service auditor = { .name = "auditor", .domain = "faults", .version = "1.0.0", .open = faults_ledger_open, .close = faults_ledger_close,
    .settings = FAULTS_SETTINGS, .reactions = (const polka_reaction[]){ POLKA_REACT(faults_kept, on_kept), { 0 } } };
POLKA_MAIN(auditor)
