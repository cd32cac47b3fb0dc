/* Any bytes as a flow contract, held against two services: a contract that can be checked, or an error with a place. */
#include <base/arena.h>
#include <base/error.h>
#include <choreography/check.h>
#include <choreography/contract_known.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SERVICE(NAME, HEARS, SAYS)                                                                                                  \
    "{\"polka\":1,\"service\":\"" NAME "\",\"version\":\"1\",\"group\":\"" NAME "\",\"reactions\":[{\"event\":\"t." HEARS "\",\"topic\":\"t\"," \
    "\"schema\":\"string\",\"emits\":[\"t." SAYS "\"]}],\"emits\":[{\"event\":\"t." SAYS "\",\"topic\":\"t\",\"schema\":\"string\"}]}"

static void check(const polkai_contract *contract)
{
    static const char *const texts[] = { SERVICE("one", "A", "B"), SERVICE("two", "B", "A") };
    polkai_manifest *manifests[2];
    polka_arena arena = { 0 };
    polkai_findings findings = { .arena = &arena };
    for (size_t i = 0; i < 2; i++)
        polkai_manifest_examine(&manifests[i], polka_text_of(texts[i]), "service");
    polkai_graph *graph = polkai_graph_create((const polkai_manifest *const *)manifests, 2);
    polkai_check(&(polkai_choreography){ graph, &contract, 1 }, &findings);
    (void)polkai_contract_known(contract, graph, NULL, NULL);
    polkai_graph_destroy(graph);
    polkai_manifest_destroy(manifests[0]);
    polkai_manifest_destroy(manifests[1]);
    polkai_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polkai_contract *contract;
    polka_error error = { 0 };
    if (polkai_contract_read_text(&contract, (polka_text){ size, (const char *)data }, "fuzz.yaml", &error) == POLKA_OK) {
        check(contract);
        polkai_contract_destroy(contract);
    } else if (strncmp(error.message, "fuzz.yaml", 9) != 0) {
        abort();
    }
    return 0;
}
