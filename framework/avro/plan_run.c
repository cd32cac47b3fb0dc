/*
 * plan_run.c: a program over the writer's bytes, on stacks of its own. Their first parts lie on the thread's; what does not fit
 * there comes from the arena.
 */
#include <avro/plan_numbers.h>
#include <avro/plan_run.h>

#include <base/arena.h>

enum {
    FRAMES = 12, SLOTS = 16,             /* on the thread's stack */
    LINE = 64, LINES_AHEAD = 6,          /* bytes of a cache line; so much of a plan is fetched ahead */
    IDLE_CALLS = 64000000                /* records entered without a byte read: a schema can ask for exponentially many */
};

/* ---- frames ------------------------------------------------------------------------------------- */

POLKA_COLD void polkai_run_more_frames(polkai_run *r)
{
    polkai_frame *before = r->frames;
    size_t count = (size_t)(r->last - before) + 1;
    r->frames = polkai_arena_zeroed(r->output.arena, 2 * count, sizeof *before);
    memcpy(r->frames, before, count * sizeof *before);
    r->top = r->frames + count - 1;
    r->last = r->frames + 2 * count - 1;
}

/* Routines may go round without reading a byte, but not for ever. */
static inline bool may_call(polkai_run *r, const uint8_t *at)
{
    if (at != r->called_at)
        r->calls = 0;
    r->called_at = at;
    return ++r->calls <= IDLE_CALLS;
}

/* A block that says its size: its count, `raw`, is negative; `at`: behind it. NULL: it is bad. Of COUNTED items only the count is written again. */
static POLKA_COLD const uint8_t *sized_block(polkai_run *r, const polkai_step *items, const uint8_t *at, uint64_t raw)
{
    polkai_frame *top = r->top;
    uint64_t size;
    at = number(at, r->output.end, &size);
    if (raw == UINT64_MAX || at == NULL || (size & 1) != 0 || size >> 1 > (size_t)(r->output.end - at))
        return NULL;
    top->left = (raw >> 1) + 1;
    top->block_end = at + (size >> 1);
    if ((items->flags & POLKAI_COUNTED) == 0)
        return at;
    polkai_run_keep(r, r->at);
    r->to = polkai_output_number(&r->output, r->to, top->left << 1);
    r->from = at;
    return at;
}

/* An item of no bytes: how many may there be? */
static POLKA_COLD bool may_be_empty(polkai_run *r, const uint8_t *at)
{
    bool empty = r->top->began == at;
    r->top->began = at;
    return !empty || ++r->empty_items <= r->limits->empty_items;
}

static inline bool may_reach(const polkai_run *r, uint64_t levels)
{
    return r->depth + levels <= r->limits->depth;
}

/* Where a run's stacks begin. */
typedef struct { polkai_frame frames[FRAMES]; polkai_slot slots[SLOTS]; polkai_piece pieces[POLKAI_PIECES]; } stacks;

POLKA_INLINE void begin(polkai_run *r, stacks *s, polka_bytes body, const polkai_walk_limits *limits, polka_arena *arena)
{
    static const uint8_t nothing[1];
    r->output.arena = arena;
    r->output.start = r->from = r->at = body.data == NULL ? nothing : body.data;
    r->output.end = r->at + body.size;
    r->output.last_pair = body.size >= POLKAI_SLACK ? r->output.end - POLKAI_SLACK : NULL;
    r->output.default_bytes = 0;
    r->output.kept = (polkai_pieces){ NULL, NULL };
    r->output.free_piece = s->pieces;
    r->output.end_piece = s->pieces + POLKAI_PIECES;
    r->to = polkai_output_begin(&r->output);
    r->limits = limits == NULL ? &polkai_walk_limits_default : limits;
    r->frames = r->top = s->frames;
    r->last = s->frames + FRAMES - 1;
    r->slots = s->slots;
    r->slot_count = 0;
    r->slot_capacity = SLOTS;
    r->depth = r->empty_items = r->calls = 0;
    r->called_at = NULL;
    r->stop.mismatch = NULL;
    r->stop.too_much = false;
}

/* What the run has written, in one piece; the body itself when it is the same. */
POLKA_INLINE polka_bytes result(polkai_run *r, polka_bytes body)
{
    polkai_output *o = &r->output;
    if (r->from == o->start && r->to == o->open && o->kept.first == NULL)
        return body;
    polkai_run_keep(r, r->at);
    if (o->kept.first == NULL)
        return (polka_bytes){ (size_t)(r->to - o->open), o->open };
    polkai_output_close(o, r->to);
    size_t total = polkai_pieces_size(o->kept, SIZE_MAX);
    uint8_t *out = polka_arena_alloc(o->arena, total);
    polkai_pieces_copy(out, o->kept);
    return (polka_bytes){ total, out };
}

/* ---- the program -------------------------------------------------------------------------------- */

/*
 * Follows the steps until the last routine returns. One function that jumps from step to step (GCC's labels as values), as each
 * is a few instructions, and what they share stays in registers.
 */
polka_status polkai_plan_resolve(const polkai_plan *plan, polka_bytes body, const polkai_walk_limits *limits, polka_arena *arena,
                                 polka_bytes *resolved, polka_error *error)
{
    static const void *const ways[] = {
        [POLKAI_STEP_LONG] = &&pass_long, [POLKAI_STEP_INT] = &&pass_int, [POLKAI_STEP_BOOLEAN] = &&pass_boolean,
        [POLKAI_STEP_LONG_LONG] = &&pass_long_long, [POLKAI_STEP_LONG_INT] = &&pass_long_int,
        [POLKAI_STEP_INT_LONG] = &&pass_int_long, [POLKAI_STEP_INT_INT] = &&pass_int_int,
        [POLKAI_STEP_INDEX] = &&pass_index, [POLKAI_STEP_SPAN] = &&pass_span, [POLKAI_STEP_SIZED] = &&pass_sized, [POLKAI_STEP_TEXT] = &&pass_text,
        [POLKAI_STEP_KEEP] = &&keep, [POLKAI_STEP_DROP] = &&drop, [POLKAI_STEP_MARK] = &&mark, [POLKAI_STEP_GATHER] = &&gather,
        [POLKAI_STEP_UNION] = &&choose, [POLKAI_STEP_BRANCH] = &&jump, [POLKAI_STEP_JUMP] = &&jump,
        [POLKAI_STEP_ITEMS] = &&items, [POLKAI_STEP_NEXT] = &&next_item,
        [POLKAI_STEP_REACH] = &&reach, [POLKAI_STEP_CALL] = &&call, [POLKAI_STEP_RETURN] = &&leave,
        [POLKAI_STEP_PUT] = &&change, [POLKAI_STEP_INT_FLOAT] = &&change, [POLKAI_STEP_INT_DOUBLE] = &&change,
        [POLKAI_STEP_LONG_FLOAT] = &&change, [POLKAI_STEP_LONG_DOUBLE] = &&change, [POLKAI_STEP_FLOAT_DOUBLE] = &&change,
        [POLKAI_STEP_SYMBOL] = &&change, [POLKAI_STEP_TAG] = &&change, [POLKAI_STEP_UNTAG] = &&change,
        [POLKAI_STEP_RECORD] = &&change, [POLKAI_STEP_SLOT] = &&slot, [POLKAI_STEP_ARRANGE] = &&change, [POLKAI_STEP_FAIL] = &&change,
    };
    for (size_t line = 1; line <= LINES_AHEAD; line++)   /* of one plan among many: all of it comes at once, while the first steps run */
        __builtin_prefetch((const uint8_t *)plan + line * LINE);
    stacks memory;
    polkai_run run, *const r = &run;
    begin(r, &memory, body, limits, arena);
    const uint8_t *at = r->at, *const end = r->output.end, *next;
    const polkai_step *step = plan->steps;
    const uint8_t *marks[POLKAI_MARKS + 2];              /* the first is the one that nobody reads */
    uint64_t number_read;
    size_t size;
    goto *ways[step->kind];

pass_long: next = pass_long(at, end); goto passed;
pass_int: next = pass_int(at, end); goto passed;
pass_boolean: next = at < end && *at <= 1 ? at + 1 : NULL; goto passed;
pass_long_long: next = pass_two(at, end, false, false); goto passed;
pass_long_int: next = pass_two(at, end, false, true); goto passed;
pass_int_long: next = pass_two(at, end, true, false); goto passed;
pass_int_int: next = pass_two(at, end, true, true); goto passed;
pass_index: next = pass_index(at, end, (uint32_t)step->to, &number_read); goto passed;
pass_span: next = end - at >= step->to ? at + step->to : NULL; goto passed;
pass_sized: next = pass_sized(at, end, &size); goto passed;
pass_text:
    next = pass_sized(at, end, &size);
    if (next != NULL && polka_high_bits(next - size, size, end) != 0 && !polka_utf8_check(next - size, size))
        goto bad;
passed:
    if (next == NULL)
        goto bad;
    at = next;
    marks[step->mark] = at;
    goto *ways[(++step)->kind];

keep:
    polkai_run_keep(r, at);
    r->from = at;
    marks[step->mark] = at;
    goto *ways[(++step)->kind];
drop:
    r->from = at;
    goto *ways[(++step)->kind];
mark:
    marks[step->to] = at;
    goto *ways[(++step)->kind];
gather:
    if ((r->to = polkai_output_gather(&r->output, r->to, marks + 1, polkai_plan_at(plan, step->to))) == NULL)
        goto too_much;
    r->from = at;
    goto *ways[(++step)->kind];

slot:
    polkai_run_close_slot(r, at, (size_t)step->to);
    goto *ways[(++step)->kind];

choose:
    if ((next = pass_index(at, end, (uint32_t)step->to, &number_read)) == NULL)
        goto bad;
    r->tag = at;
    at = next;
    step += 1 + number_read;
jump:
    step += step->to;
    goto *ways[step->kind];

items:
    r->depth += step->levels;
    if (!may_reach(r, 0))
        goto bad;
    polkai_run_push(r)->block_end = NULL;
block:
    if ((next = number(at, end, &number_read)) == NULL || (r->top->block_end != NULL && r->top->block_end != at))
        goto bad;
    r->top->block_end = NULL;
    r->top->left = number_read >> 1;
    if ((number_read & 1) != 0) {
        r->at = at;
        if ((next = sized_block(r, step, next, number_read)) == NULL)
            goto bad;
    }
    at = r->top->began = next;
    if (r->top->left > 0) {
        if (!may_reach(r, step->reach))
            goto bad;
        goto *ways[(++step)->kind];
    }
    r->top--;
    r->depth -= step->levels;
    step += step->to;
    goto *ways[step->kind];
next_item:
    if ((step->flags & POLKAI_MAYBE_EMPTY) != 0 && !may_be_empty(r, at))
        goto bad;
    step += step->to;
    if (--r->top->left > 0)
        goto *ways[step->kind];
    step--;                              /* ITEMS */
    goto block;

reach:
    if (!may_reach(r, (uint32_t)step->to))
        goto bad;
    goto *ways[(++step)->kind];
call:
    if (!may_call(r, at))
        goto too_much;
    polkai_run_push(r)->step = step;
    r->depth += step->levels;
    step = plan->steps + step->to;
    goto *ways[step->kind];
leave:
    if (r->top == r->frames) {
        if (at != end)
            goto bad;
        r->at = at;
        *resolved = result(r, body);
        return POLKA_OK;
    }
    step = (r->top--)->step;
    r->depth -= step->levels;
    goto *ways[(++step)->kind];

change:
    r->at = at;
    if (!polkai_run_change(r, plan, step))
        goto stopped;
    at = r->at;
    goto *ways[(++step)->kind];

too_much:
    r->stop.too_much = true;
bad:
    r->at = at;
stopped:
    r->stop.offset = (size_t)(r->at - r->output.start);
    return polkai_plan_refuse(plan, body, r->limits, &r->stop, error);
}
