/* check.h: all findings of design 5.2 about a choreography: services by their manifests, flows by their contracts. */
#ifndef POLKA_CHOREOGRAPHY_CHECK_H
#define POLKA_CHOREOGRAPHY_CHECK_H

#include <choreography/finding.h>
#include <choreography/graph.h>
#include <contract/contract.h>

typedef struct {
    const polkai_graph *graph;
    const polkai_contract *const *contracts;
    size_t contract_count;
} polkai_choreography;

/* polkai_check adds what it finds to `findings`, and settles them. Everything they name must outlive them. */
void polkai_check(const polkai_choreography *choreography, polkai_findings *findings);

#endif
