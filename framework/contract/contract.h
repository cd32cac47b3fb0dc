/*
 * contract.h: a flow contract, one file of schemas/flows: how a business flow begins and ends, and what follows what.
 *
 *   flow: order
 *   starts: shop.OrderPlaced              # an event, or a list; somebody outside emits it
 *   ends: [shop.OrderCompleted]           # nobody needs to react to these
 *   steps:
 *     - after: shop.OrderPlaced           # an event, or a list: after each of them
 *       one_of: [shop.PaymentAuthorised, shop.PaymentDeclined]
 *       within: 5s
 *   allow_cycles:
 *     - events: [shop.PaymentDeclined, shop.PaymentRetried]      # the cycle of exactly these may be; each has its own
 *       reason: a payment is tried three times
 */
#ifndef POLKA_CONTRACT_CONTRACT_H
#define POLKA_CONTRACT_CONTRACT_H

#include <base/yaml.h>

typedef struct { size_t count; const polkai_yaml *const *items; } polkai_contract_events;     /* scalars: text, line, column */

typedef struct {
    polkai_contract_events after, one_of;
    int64_t within_ms;                   /* 0: no limit */
    const polkai_yaml *node;
} polkai_contract_step;

typedef struct {
    polkai_contract_events events;
    const char *reason;
    const polkai_yaml *node;
} polkai_contract_allowance;

typedef struct {
    const char *name, *file;
    const polkai_yaml *node;             /* the whole */
    polkai_contract_events starts, ends;
    size_t step_count, allowance_count;
    const polkai_contract_step *steps;
    const polkai_contract_allowance *allowances;
} polkai_contract;

/*
 * polkai_contract_read_file, _read_text: *contract is new (polkai_contract_destroy).
 * errors: MISUSE, "FILE:LINE:COLUMN: what": no YAML, an unknown member (with the nearest), a missing one, a value of the
 *         wrong kind, a name that no event can have, a duration without a unit or with an unknown one.
 */
polka_status polkai_contract_read_file(polkai_contract **contract, const char *path, polka_error *error);
polka_status polkai_contract_read_text(polkai_contract **contract, polka_text text, const char *file, polka_error *error);
void polkai_contract_destroy(polkai_contract *contract); /* NULL is fine */

bool polkai_contract_lists(const polkai_contract_events *events, const char *event);     /* is it one of them? */

#endif
