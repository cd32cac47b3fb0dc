/* plan_run.h: what a run of a plan carries with it. plan_run.c passes values, plan_change.c and plan_record.c change them. */
#ifndef POLKA_AVRO_PLAN_RUN_H
#define POLKA_AVRO_PLAN_RUN_H

#include <avro/plan_output.h>

/* Something that was begun: items, a routine, a record of slots. */
typedef struct {
    const polkai_step *step;             /* ITEMS, CALL */
    uint64_t left;                       /* items left in the block */
    const uint8_t *block_end;            /* where the block says that it ends; NULL: it does not say */
    const uint8_t *began;                /* where the last item began, when it may take no bytes */
    polkai_pieces around;                /* RECORD: what was kept before it */
    size_t slots;                        /* RECORD: where its slots begin */
    polkai_piece *free_piece, *end_piece;    /* RECORD: where memory stood */
    uint8_t *open, *to, *limit;          /* RECORD: what was written, where, and up to where when it began */
} polkai_frame;

/* A field of a record in its new form: `more`, when it is in pieces. */
typedef struct { const uint8_t *data; size_t size; polkai_pieces more; } polkai_slot;

typedef struct {
    polkai_output output;
    const uint8_t *at;                   /* where reading is; these three are the run's own while it passes values, and here for the others */
    const uint8_t *from;                 /* what was passed from here on is kept, and not written yet */
    uint8_t *to;                         /* where writing is */
    const uint8_t *tag;                  /* where the last union's index began */
    const polkai_walk_limits *limits;
    polkai_frame *top, *frames, *last;   /* the one at hand; the first of them, which is below all */
    polkai_slot *slots;
    size_t slot_count, slot_capacity;
    uint64_t depth, empty_items, calls;
    const uint8_t *called_at;
    polkai_plan_stop stop;
    polkai_mismatch symbol;              /* of `stop` */
} polkai_run;

POLKA_COLD void polkai_run_more_frames(polkai_run *run);

POLKA_INLINE polkai_frame *polkai_run_push(polkai_run *run)
{
    if (run->top == run->last)
        polkai_run_more_frames(run);
    return ++run->top;
}

/* polkai_run_keep: what was passed up to `until` is written. */
POLKA_INLINE void polkai_run_keep(polkai_run *run, const uint8_t *until)
{
    run->to = polkai_output_keep(&run->output, run->to, run->from, until);
}

/* ---- plan_change.c: a step that changes what is passed. false: stopped; `at` is the place, `stop` says why ---- */
bool polkai_run_change(polkai_run *run, const polkai_plan *plan, const polkai_step *step);

/* ---- plan_record.c ---- */
void polkai_run_open_record(polkai_run *run, size_t slots);
void polkai_run_fill_slot(polkai_run *run, polkai_slot *slot);                   /* with what was written for it */
bool polkai_run_close_record(polkai_run *run, const polkai_places *places);      /* false: defaults would add too much */

/* polkai_run_close_slot: a group that did not change stays where it is in the body. */
POLKA_INLINE void polkai_run_close_slot(polkai_run *run, const uint8_t *at, size_t index)
{
    polkai_slot *slot = &run->slots[run->top->slots + index];
    if (POLKA_LIKELY(run->to == run->output.open && run->output.kept.first == NULL)) {
        slot->data = run->from;
        slot->size = (size_t)(at - run->from);
        slot->more.first = NULL;
    } else {
        polkai_run_keep(run, at);
        polkai_run_fill_slot(run, slot);
    }
    run->from = at;
}

#endif
