/*
 * ledger.h: the append-only list of what handlers of this process did, for the checker: app.ledger/<service>-<process>.effects.
 *
 * A line is written by one write(2) with O_APPEND, so lines of several lanes never mix, their order is the order of the effects,
 * and what stands there has happened whatever kills the process next. It is not synchronised to the disk: no test cuts the power.
 */
#ifndef POLKA_TESTS_FAULTS_LEDGER_H
#define POLKA_TESTS_FAULTS_LEDGER_H

#include <polka/polka.h>

/* One handling of one event. Times are of the wall clock, which all processes here share. */
typedef struct { polka_text id, key; int64_t sequence, began_us, ended_us; unsigned attempt; } faults_effect;

/* faults_ledger_open, faults_ledger_close: the members of that name of a service; a resource a lane. */
polka_status faults_ledger_open(polka_context *ctx, void **resource, polka_error *error);
void faults_ledger_close(void *resource);

/* faults_ledger_write appends `effect`; POLKA_DONE, or the outcome to answer with when it did not. */
polka_outcome faults_ledger_write(polka_context *ctx, const faults_effect *effect);

int64_t faults_now_us(void);
void faults_wait_us(int64_t us);                         /* as long as the handler is to take; time while the process is frozen does not count */

#define FAULTS_SETTINGS (const polka_setting[]){                                                                           \
    { .name = "ledger", .type = POLKA_SETTING_TEXT, .help = "Folder of the ledgers." },                                    \
    { .name = "name", .type = POLKA_SETTING_TEXT, .help = "Of this service, in the name of its ledger." }, { 0 } }

#endif
