/*
 * plan_inner.h: the program that a plan is: steps of eight bytes, and behind them what they point to, in one piece of memory,
 * so that of a thousand plans each takes few cache lines. plan_build.c and plan_fields.c draft it, plan_draft.c packs it,
 * plan_run.c follows it.
 *
 * The run reads the writer's bytes from front to back, once. What it passes is kept until a step says otherwise. Kept bytes
 * and constants go into the reader's form at once; only where fields change places that change themselves, it is pieces,
 * which are put together at the end.
 */
#ifndef POLKA_AVRO_PLAN_INNER_H
#define POLKA_AVRO_PLAN_INNER_H

#include <avro/plan.h>

typedef enum {
    /* Pass a value of the writer. */
    POLKAI_STEP_LONG = 0, POLKAI_STEP_INT, POLKAI_STEP_BOOLEAN,
    POLKAI_STEP_LONG_LONG, POLKAI_STEP_LONG_INT, POLKAI_STEP_INT_LONG, POLKAI_STEP_INT_INT,      /* two at once */
    POLKAI_STEP_INDEX,                   /* of an enum of `to` symbols */
    POLKAI_STEP_SPAN,                    /* `to` bytes: float, double, fixed */
    POLKAI_STEP_SIZED,                   /* bytes; a text whose reader looks at its UTF-8 */
    POLKAI_STEP_TEXT,                    /* a text that nobody else looks at */
    /* Change what is passed. */
    POLKAI_STEP_KEEP,                    /* what was passed so far is a piece */
    POLKAI_STEP_LAST_MARKING = POLKAI_STEP_KEEP,
    POLKAI_STEP_DROP,                    /* what was passed since is forgotten */
    POLKAI_STEP_PUT,                     /* -> polkai_constant; with POLKAI_DEFAULT a field's default */
    POLKAI_STEP_INT_FLOAT, POLKAI_STEP_INT_DOUBLE, POLKAI_STEP_LONG_FLOAT, POLKAI_STEP_LONG_DOUBLE, POLKAI_STEP_FLOAT_DOUBLE,
    POLKAI_STEP_SYMBOL,                  /* an enum's index, by its -> polkai_symbols */
    /* Branches: UNION, then `to` steps BRANCH, then the code of the branches. */
    POLKAI_STEP_UNION, POLKAI_STEP_BRANCH,
    POLKAI_STEP_TAG,                     /* the index just read becomes `to` */
    POLKAI_STEP_UNTAG,                   /* the index just read is dropped */
    POLKAI_STEP_JUMP,
    /* Blocks: ITEMS, the code of one item, NEXT. */
    POLKAI_STEP_ITEMS, POLKAI_STEP_NEXT,
    POLKAI_STEP_REACH,                   /* `to` records open here, one in the other: may a value nest so deep? */
    POLKAI_STEP_CALL, POLKAI_STEP_RETURN,
    /*
     * A record whose fields change places. When all that are read stay unchanged: KEEP, MARK before and after each group of
     * fields, GATHER. Otherwise RECORD, after each group SLOT, or DROP when nobody reads it, and ARRANGE.
     */
    POLKAI_STEP_MARK, POLKAI_STEP_GATHER,            /* GATHER, ARRANGE -> polkai_places */
    POLKAI_STEP_RECORD, POLKAI_STEP_SLOT, POLKAI_STEP_ARRANGE,
    POLKAI_STEP_FAIL                     /* the reader cannot take this value, by its -> polkai_mismatch */
} polkai_step_kind;

enum {
    POLKAI_COUNTED = 1,                  /* ITEMS: items change, so that of a block only the count is kept, not the size */
    POLKAI_MAYBE_EMPTY = 2,              /* ITEMS, NEXT: an item may take no bytes */
    POLKAI_DEFAULT = 4                   /* PUT */
};

typedef struct {
    uint8_t kind, flags;
    uint8_t levels;                      /* ITEMS, CALL: levels that this opens, with the records around it */
    union {
        uint8_t reach;                   /* ITEMS: records that an item opens at once */
        uint8_t mark;                    /* up to LAST_MARKING: the place behind is this mark; 0: a mark that nobody reads */
    };
    int32_t to;                          /* BRANCH, JUMP, ITEMS, NEXT: steps from here; CALL: from the first; "->": words of 8 bytes from the plan's beginning */
} polkai_step;

typedef struct { size_t size; uint8_t data[]; } polkai_constant;

typedef enum { POLKAI_WRONG_TYPE = 1, POLKAI_WRONG_NAME, POLKAI_WRONG_SIZE, POLKAI_NO_BRANCH, POLKAI_NO_FIELD, POLKAI_TWO_FIELDS, POLKAI_NO_SYMBOL } polkai_mismatch_kind;
typedef struct {
    polkai_mismatch_kind kind;
    const polkai_schema *writer, *reader;
    const char *name;                    /* of a field or symbol */
} polkai_mismatch;

typedef struct { const polkai_schema *writer, *reader; uint32_t count; int32_t found[]; } polkai_symbols;

enum { POLKAI_MARKS = 32 };              /* groups that GATHER can have */

/* In the reader's order: a group, counted from 0 in the writer's order, or -n: the next n bytes of the constants behind the items. */
typedef struct { uint32_t groups, count; size_t constant_bytes; int32_t items[]; } polkai_places;

struct polkai_plan {
    const polkai_schema *writer, *reader;
    bool identity;
    bool unchanged;                      /* no step changes anything: `body` is what is read, when it passes */
    polkai_step steps[];                 /* the first routine is the root's */
};

/* polkai_plan_at: what a step marked "->" points to. */
static inline const void *polkai_plan_at(const polkai_plan *plan, int32_t words)
{
    return (const uint64_t *)(const void *)plan + words;
}

/* polkai_plan_build: *plan is new (free). */
polka_status polkai_plan_build(polkai_plan **plan, const polkai_schema *writer, const polkai_schema *reader, polka_error *error);

/* Why a run stopped. `mismatch` NULL: the bytes are bad, or there is too much of them. */
typedef struct { size_t offset; const polkai_mismatch *mismatch; bool too_much; } polkai_plan_stop;
/* polkai_plan_refuse: says it. returns POISON. */
POLKA_COLD polka_status polkai_plan_refuse(const polkai_plan *plan, polka_bytes body, const polkai_walk_limits *limits, const polkai_plan_stop *stop, polka_error *error);

#endif
