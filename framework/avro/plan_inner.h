/*
 * plan_inner.h: the program that a plan is: steps in one flat array, made by plan_build.c, followed by plan_run.c.
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
    POLKAI_STEP_NUMBERS,                 /* two of LONG and INT at once; the first of two steps, the second stays what it is */
    POLKAI_STEP_INDEX,                   /* of an enum of `number` symbols */
    POLKAI_STEP_SPAN,                    /* `number` bytes: float, double, fixed */
    POLKAI_STEP_SIZED,                   /* bytes; a text whose reader looks at its UTF-8 */
    POLKAI_STEP_TEXT,                    /* a text that nobody else looks at */
    /* Change what is passed. */
    POLKAI_STEP_KEEP,                    /* what was passed so far is a piece */
    POLKAI_STEP_DROP,                    /* what was passed since is forgotten */
    POLKAI_STEP_PUT,                     /* a constant; with POLKAI_DEFAULT a field's default */
    /* to `number` bytes */
    POLKAI_STEP_INT_FLOAT, POLKAI_STEP_INT_DOUBLE, POLKAI_STEP_LONG_FLOAT, POLKAI_STEP_LONG_DOUBLE, POLKAI_STEP_FLOAT_DOUBLE,
    POLKAI_STEP_SYMBOL,                  /* an enum's index, by `symbols` */
    /* Branches: UNION, then `number` steps BRANCH, then the code of the branches. */
    POLKAI_STEP_UNION, POLKAI_STEP_BRANCH,
    POLKAI_STEP_TAG,                     /* the index just read becomes `number` */
    POLKAI_STEP_UNTAG,                   /* the index just read is dropped */
    POLKAI_STEP_JUMP,
    /* Blocks: ITEMS, the code of one item, NEXT. */
    POLKAI_STEP_ITEMS, POLKAI_STEP_NEXT,
    POLKAI_STEP_REACH,                   /* `number` records open here, one in the other: may a value nest so deep? */
    POLKAI_STEP_CALL, POLKAI_STEP_RETURN,
    /*
     * A record whose fields change places. When all that are read stay unchanged: KEEP, MARK before and after each group of
     * fields, GATHER. Otherwise RECORD, after each group SLOT, or DROP when nobody reads it, and ARRANGE.
     */
    POLKAI_STEP_MARK, POLKAI_STEP_GATHER,
    POLKAI_STEP_RECORD, POLKAI_STEP_SLOT, POLKAI_STEP_ARRANGE,
    POLKAI_STEP_FAIL                     /* the reader cannot take this value, by `mismatch` */
} polkai_step_kind;

enum {
    POLKAI_COUNTED = 1,                  /* ITEMS: items change, so that of a block only the count is kept, not the size */
    POLKAI_MAYBE_EMPTY = 2,              /* ITEMS: an item may take no bytes */
    POLKAI_DEFAULT = 4                   /* PUT */
};

typedef enum { POLKAI_WRONG_TYPE = 1, POLKAI_WRONG_NAME, POLKAI_WRONG_SIZE, POLKAI_NO_BRANCH, POLKAI_NO_FIELD, POLKAI_TWO_FIELDS, POLKAI_NO_SYMBOL } polkai_mismatch_kind;
typedef struct {
    polkai_mismatch_kind kind;
    const polkai_schema *writer, *reader;
    const char *name;                    /* of a field or symbol */
} polkai_mismatch;

typedef struct { const polkai_schema *writer, *reader; const int32_t *found; } polkai_symbols;

enum { POLKAI_MARKS = 32 };              /* groups that GATHER can have */

/* In the reader's order: a group, counted from 0 in the writer's order, or a constant (data not NULL). */
typedef struct { uint32_t slot; polka_bytes constant; } polkai_place;
typedef struct { uint32_t groups, count; size_t constant_bytes; polkai_place items[]; } polkai_places;

typedef struct {
    uint8_t kind, flags;
    uint8_t levels;                      /* ITEMS, CALL: levels that this opens, with the records around it */
    union {
        uint8_t reach;                   /* ITEMS: records that an item opens at once */
        uint8_t mark;                    /* passing steps: the MARK behind is done with it; its number + 1 */
    };
    int32_t to;                          /* BRANCH, JUMP, ITEMS: steps from here; CALL: the routine, then its first step; PUT: bytes */
    union {
        uint64_t number;
        const uint8_t *constant;
        const polkai_symbols *symbols;
        const polkai_places *places;
        const polkai_mismatch *mismatch;
    };
} polkai_step;

struct polkai_plan {
    const polkai_schema *writer, *reader;
    polkai_step *steps;                  /* heap; the first routine is the root's */
    size_t count;
    polka_arena arena;                   /* tables and constants */
    bool identity;
    bool unchanged;                      /* no step changes anything: `body` is what is read, when it passes */
};

/* polkai_plan_build: fills steps, arena and flags. */
polka_status polkai_plan_build(polkai_plan *plan, polka_error *error);

/* Why a run stopped; `mismatch` NULL: the bytes are bad. */
typedef struct { size_t offset; const polkai_mismatch *mismatch; polkai_mismatch symbol; bool too_much; } polkai_plan_stop;
bool polkai_plan_run(const polkai_plan *plan, polka_bytes body, const polkai_walk_limits *limits, polka_arena *arena, polka_bytes *resolved, polkai_plan_stop *stop);

#endif
