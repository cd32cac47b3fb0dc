/* keeper.c: writes each deposit into its ledger and says so. How long it takes, and how it fails, stands in the deposit. */
#include "faults_events.h"
#include "ledger.h"

#include <unistd.h>

#ifndef FAULTS_DEADLINE_MS
#define FAULTS_DEADLINE_MS 0             /* the usual one */
#endif

static polka_outcome on_deposited(polka_context *ctx, const faults_deposited *deposit)
{
    const polka_cause *cause = polka_caused_by(ctx);
    faults_effect effect = { .id = deposit->id, .key = deposit->key, .sequence = deposit->sequence, .began_us = faults_now_us(), .attempt = cause->attempt };
    faults_wait_us(deposit->handling_us);
    if (deposit->conduct == FAULTS_CONDUCT_DEAD)
        return polka_dead(ctx, "deposit %.*s is refused", POLKA_TEXT_ARGS(deposit->id));
    if (deposit->conduct == FAULTS_CONDUCT_RETRY_ALWAYS || (deposit->conduct == FAULTS_CONDUCT_RETRY_ONCE && cause->attempt == 1))
        return polka_retry(ctx, "deposit %.*s is not taken at attempt %u", POLKA_TEXT_ARGS(deposit->id), cause->attempt);
    while (deposit->conduct == FAULTS_CONDUCT_STICK)
        pause();
    if (deposit->conduct == FAULTS_CONDUCT_LATE) {
        faults_kept_emit(ctx, &(faults_kept){ .id = deposit->id, .key = deposit->key, .sequence = deposit->sequence, .process = getpid() });
        return POLKA_DONE;               /* no effect is written down: nobody could take that back */
    }
    effect.ended_us = faults_now_us();
    polka_outcome outcome = faults_ledger_write(ctx, &effect);
    if (outcome == POLKA_DONE)
        faults_kept_emit(ctx, &(faults_kept){ .id = deposit->id, .key = deposit->key, .sequence = deposit->sequence, .process = getpid() });
    return outcome;
}

static const polka_service keeper = { .name = "keeper", .domain = "faults", .version = "1.0.0", .open = faults_ledger_open, .close = faults_ledger_close,
    .settings = FAULTS_SETTINGS, .reactions = (const polka_reaction[]){
        POLKA_REACT(faults_deposited, on_deposited, .emits = POLKA_EMITS(&faults_kept_event), .retry = { .attempts = 3, .first_delay_ms = 50 },
                    .deadline_ms = FAULTS_DEADLINE_MS),
        { 0 } } };
POLKA_MAIN(keeper)
