/* support.h: manifests and flows of a test, read together. */
#ifndef POLKA_TEST_CHOREOGRAPHY_SUPPORT_H
#define POLKA_TEST_CHOREOGRAPHY_SUPPORT_H

#include <base/arena.h>
#include <base/error.h>
#include <choreography/check.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    polka_arena arena;
    polkai_manifest **manifests;
    polkai_contract **contracts;
    size_t manifest_count, contract_count;
    polkai_graph *graph;
    polkai_choreography all;
    polkai_findings findings;
} stage;

void stage_manifest(stage *s, const char *text, const char *origin);
void stage_contract(stage *s, const char *text, const char *file);       /* fails the test when it is refused */
/* stage_folder reads manifests/ and flows/ of a folder, by name. */
void stage_folder(stage *s, const char *folder);
/* stage_check: the findings, a line each: "error cycle s0 demo.A"; "-" for none. Memory of the stage. */
const char *stage_check(stage *s);
/* stage_service adds a manifest that hears and says as "A>B,C": on A it emits B and C; events t.A on topic t.a. */
void stage_service(stage *s, const char *name, const char *reactions);
void stage_close(stage *s);

char *file_text(const char *path);                       /* new */
/* each_entry: the names in a folder, sorted; the count. */
size_t each_entry(const char *folder, void (*visit)(void *context, const char *name), void *context);

#endif
