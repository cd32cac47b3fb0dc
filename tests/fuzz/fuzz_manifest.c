/* Any bytes as a manifest, beside one that is good: findings that can be said, never a crash. */
#include <base/arena.h>
#include <choreography/check.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char good[] = "{\"polka\":1,\"service\":\"s\",\"version\":\"1\",\"group\":\"s\",\"reactions\":[{\"event\":\"t.A\",\"topic\":\"t\",\"key\":\"id\",\"schema\":"
                           "{\"type\":\"record\",\"name\":\"t.A\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}]},\"emits\":[\"t.B\"]}],"
                           "\"emits\":[{\"event\":\"t.B\",\"topic\":\"t\",\"schema\":\"string\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polkai_manifest *manifests[2];
    polka_arena arena = { 0 };
    polkai_findings findings = { .arena = &arena };
    polkai_manifest_examine(&manifests[0], polka_text_of(good), "good.json");
    polkai_manifest_examine(&manifests[1], (polka_text){ size, (const char *)data }, "fuzz.json");
    polkai_graph *graph = polkai_graph_create((const polkai_manifest *const *)manifests, 2);
    polkai_check(&(polkai_choreography){ .graph = graph }, &findings);
    for (size_t i = 0; i < findings.count; i++)
        if (*findings.items[i].message == '\0' || *findings.items[i].fix == '\0')
            abort();
    if (manifests[1]->problem_count > 0 && findings.error_count == 0)
        abort();
    polkai_graph_destroy(graph);
    polkai_manifest_destroy(manifests[0]);
    polkai_manifest_destroy(manifests[1]);
    polkai_arena_deinit(&arena);
    return 0;
}
