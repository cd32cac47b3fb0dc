/*
 * plan_inner.h: the program that a plan is: steps in one flat array, made by plan_build.c, followed by plan_run.c.
 *
 * The run reads the writer's bytes from front to back, once. What it passes is kept until a step says otherwise: kept bytes
 * and constants are collected as pieces, which are put together at the end. Jumps are relative, so code may stand anywhere.
 */
#ifndef POLKA_AVRO_PLAN_INNER_H
#define POLKA_AVRO_PLAN_INNER_H

#include <avro/plan.h>

typedef enum {
    /* Pass a value of the writer. */
    POLKAI_STEP_LONG = 0, POLKAI_STEP_INT, POLKAI_STEP_BOOLEAN,
    POLKAI_STEP_INDEX,                   /* of an enum of `number` symbols */
    POLKAI_STEP_SPAN,                    /* `number` bytes: float, double, fixed */
    POLKAI_STEP_SIZED,                   /* bytes; a text whose reader looks at its UTF-8 */
    POLKAI_STEP_TEXT,                    /* a text that nobody else looks at */
    /* Change what is passed. */
    POLKAI_STEP_KEEP,                    /* what was passed so far is a piece */
    POLKAI_STEP_DROP,                    /* what was passed since is forgotten */
    POLKAI_STEP_PUT,                     /* a constant; with POLKAI_DEFAULT a field's default */
    POLKAI_STEP_INT_FLOAT, POLKAI_STEP_INT_DOUBLE, POLKAI_STEP_LONG_FLOAT, POLKAI_STEP_LONG_DOUBLE, POLKAI_STEP_FLOAT_DOUBLE,
    POLKAI_STEP_SYMBOL,                  /* an enum's index, by `symbols` */
    /* Branches: UNION, then `number` steps BRANCH, then the code of the branches. */
    POLKAI_STEP_UNION, POLKAI_STEP_BRANCH,
    POLKAI_STEP_TAG,                     /* the index just read becomes `number` */
    POLKAI_STEP_UNTAG,                   /* the index just read is dropped */
    POLKAI_STEP_JUMP,
    /* Blocks: ITEMS, the code of one item, NEXT. */
    POLKAI_STEP_ITEMS, POLKAI_STEP_NEXT,
    /* Records that are entered, and those whose fields change places: RECORD, after each group of fields SLOT, ARRANGE. */
    POLKAI_STEP_REACH,                   /* `number` records open here, one in the other: may a value nest so deep? */
    POLKAI_STEP_CALL, POLKAI_STEP_RETURN,
    POLKAI_STEP_RECORD, POLKAI_STEP_SLOT, POLKAI_STEP_ARRANGE,
    POLKAI_STEP_FAIL                     /* the reader cannot take this value, by `mismatch` */
} polkai_step_kind;

enum {
    POLKAI_KEPT = 1,                     /* ITEMS: the block counts are part of what is read */
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

/* In the reader's order: a slot, or a constant (data not NULL). */
typedef struct { uint32_t slot; polka_bytes constant; } polkai_place;

typedef struct {
    uint8_t kind, flags;
    uint8_t levels;                      /* ITEMS, CALL: levels that this opens, with the records around it */
    uint8_t reach;                       /* ITEMS: records that an item opens at once */
    int32_t to;                          /* BRANCH, JUMP, ITEMS: steps from here; CALL: the routine, then its first step; PUT: bytes; ARRANGE: places */
    union {
        uint64_t number;
        const uint8_t *constant;
        const polkai_symbols *symbols;
        const polkai_place *places;
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
