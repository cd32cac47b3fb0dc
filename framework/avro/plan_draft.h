/*
 * plan_draft.h: a plan while it is made: wide steps that name what they go on with by its number, so that steps can still be
 * taken out; plan_draft.c packs them.
 */
#ifndef POLKA_AVRO_PLAN_DRAFT_H
#define POLKA_AVRO_PLAN_DRAFT_H

#include <avro/pairs.h>
#include <avro/plan_inner.h>

enum {
    POLKAI_PLAN_INLINED = 8,             /* records inside each other without a call */
    POLKAI_PLAN_NO_STEP = 0              /* goes on nowhere, yet: nothing goes back to the very first step */
};

typedef struct {
    polkai_step step;
    size_t next;                         /* BRANCH, JUMP, ITEMS, NEXT: the number of the step to go on with; CALL: of the routine */
    const void *data;                    /* what "->" points to, and its size */
    size_t size;
} polkai_draft_step;

typedef struct {
    polka_error *error;
    polka_status status;                 /* of the first thing that failed; all goes on, and nothing comes of it */
    polka_arena arena;                   /* of `data` */
    polkai_draft_step *steps;            /* heap */
    size_t count, capacity;
    bool identity, unchanged;
    polkai_pairs routines;
    size_t routine_at;                   /* where the routine at hand begins */
    polkai_pair open[POLKAI_PLAN_INLINED + 1];       /* records around this place in the routine, outermost first */
    unsigned open_count, nested;
    unsigned levels;                     /* records open here since the last ITEMS */
    size_t opener;                       /* the step that asks whether a value may nest as deep as this place */
    size_t changes;                      /* steps so far that may change what is passed */
} polkai_draft;

/* ---- plan_draft.c ---- */
/* polkai_draft_add: the number of the new step. */
size_t polkai_draft_add(polkai_draft *draft, polkai_step step);
size_t polkai_draft_kind(polkai_draft *draft, polkai_step_kind kind, size_t to);
size_t polkai_draft_with(polkai_draft *draft, polkai_step step, const void *data, size_t size);      /* data: borrowed from the draft's arena */
void polkai_draft_land(polkai_draft *draft, size_t step);            /* `step` goes on with the one that comes next */
void polkai_draft_change(polkai_draft *draft);
void polkai_draft_put(polkai_draft *draft, polka_bytes constant, uint8_t flags);
void polkai_draft_fail(polkai_draft *draft, polkai_mismatch_kind kind, const polkai_schema *writer, const polkai_schema *reader, const char *name);
/* polkai_draft_pack: the plan, new; starts: the first step of each routine. NULL: it is too large, `status` says. */
polkai_plan *polkai_draft_pack(polkai_draft *draft, const size_t *starts);

/* ---- plan_build.c ---- */
void polkai_draft_value(polkai_draft *draft, const polkai_schema *writer, const polkai_schema *reader);      /* reader NULL: the value is dropped */

/* ---- plan_fields.c ---- */
void polkai_draft_record(polkai_draft *draft, const polkai_schema *writer, const polkai_schema *reader);

#endif
