/* contract_known.h: are the events of a flow contract those of the services? */
#ifndef POLKA_CHOREOGRAPHY_CONTRACT_KNOWN_H
#define POLKA_CHOREOGRAPHY_CONTRACT_KNOWN_H

#include <choreography/graph.h>
#include <contract/contract.h>

/*
 * polkai_contract_known: does every event of it stand in some manifest, or in `also` (names of schemas; may be NULL)?
 * errors: MISUSE "unknown-event" with the line, the column and the nearest name.
 *
 * polkai_contract_spelt: for when only some manifests are there, so that an event nobody knows may be that of a service which
 * is missing, and then makes a gap. errors: MISUSE "unknown-event" for one that is nearly one that is known: of four letters of
 * its last part one may differ, and not by its number alone.
 */
polka_status polkai_contract_known(const polkai_contract *contract, const polkai_graph *graph, const polkai_names *also, polka_error *error);
polka_status polkai_contract_spelt(const polkai_contract *contract, const polkai_graph *graph, polka_error *error);

#endif
