/*
 * plan_run.c: a program over the writer's bytes, on stacks of its own. Their first parts lie on the thread's; what does not fit
 * there comes from the arena.
 */
#include <avro/plan_numbers.h>
#include <avro/plan_output.h>

#include <base/arena.h>

enum {
    FRAMES = 12, SLOTS = 16,             /* on the thread's stack */
    SMALL_RECORD = 192,                  /* a record of slots with so many bytes is put together at once */
    IDLE_CALLS = 64000000                /* records entered without a byte read: a schema can ask for exponentially many */
};

/* Something that was begun: items, a routine, a record of slots. */
typedef struct {
    const polkai_step *step;             /* ITEMS, CALL */
    uint64_t left;                       /* items left in the block */
    const uint8_t *block_end;            /* where the block says that it ends; NULL: it does not say */
    const uint8_t *began;                /* where the last item began */
    polkai_pieces around;                /* RECORD: what was kept before it */
    size_t slots;                        /* RECORD: where its slots begin */
    polkai_piece *free_piece, *end_piece;    /* RECORD: where memory stood */
    uint8_t *to, *end;
} frame;

typedef struct {
    polkai_output output;
    const uint8_t *end;
    const polkai_walk_limits *limits;
    polkai_plan_stop *stop;
    frame *frames;
    polkai_pieces *slots;
    size_t frame_count, frame_capacity, slot_count, slot_capacity;
    uint64_t depth, empty_items, calls;
    const uint8_t *called_at;
} run;

/* ---- values that change -------------------------------------------------------------------------- */

/* A number at `at` as float or double at `to`. */
static const uint8_t *convert(const uint8_t *at, const uint8_t *end, polkai_step_kind kind, uint8_t *to)
{
    uint64_t raw = 0, bits;
    uint32_t half;
    float narrow;
    double wide;
    if (kind == POLKAI_STEP_FLOAT_DOUBLE) {
        if (end - at < 4)
            return NULL;
        half = polka_load32(at);
        memcpy(&narrow, &half, sizeof narrow);
        wide = (double)narrow;
        at += 4;
    } else {
        bool is_int = kind == POLKAI_STEP_INT_FLOAT || kind == POLKAI_STEP_INT_DOUBLE;
        at = is_int ? int_number(at, end, &raw) : number(at, end, &raw);
        if (at == NULL)
            return NULL;
        narrow = (float)unzigzag(raw);
        wide = (double)unzigzag(raw);
    }
    memcpy(&half, &narrow, sizeof half);
    memcpy(&bits, &wide, sizeof bits);
    if (kind == POLKAI_STEP_INT_FLOAT || kind == POLKAI_STEP_LONG_FLOAT)
        polka_store32(to, half);
    else
        polka_store64(to, bits);
    return at;
}

static POLKA_COLD void no_symbol(run *r, const polkai_symbols *symbols, uint64_t index)
{
    r->stop->symbol = (polkai_mismatch){ .kind = POLKAI_NO_SYMBOL, .writer = symbols->writer, .reader = symbols->reader, .name = symbols->writer->symbols[index] };
    r->stop->mismatch = &r->stop->symbol;
}

/* ---- frames ------------------------------------------------------------------------------------- */

static POLKA_COLD void more_frames(run *r)
{
    frame *before = r->frames;
    r->frames = polkai_arena_zeroed(r->output.arena, 2 * r->frame_capacity, sizeof *before);
    memcpy(r->frames, before, r->frame_count * sizeof *before);
    r->frame_capacity *= 2;
}

static POLKA_COLD void more_slots(run *r, size_t count)
{
    polkai_pieces *before = r->slots;
    r->slot_capacity = 2 * (r->slot_capacity + count);
    r->slots = polkai_arena_zeroed(r->output.arena, r->slot_capacity, sizeof *before);
    memcpy(r->slots, before, r->slot_count * sizeof *before);
}

static inline frame *push(run *r)
{
    if (r->frame_count == r->frame_capacity)
        more_frames(r);
    return &r->frames[r->frame_count++];
}

/* A block that says its size: its count is negative. NULL: it is bad. */
static POLKA_COLD const uint8_t *sized_block(const uint8_t *at, const uint8_t *end, uint64_t raw, frame *top)
{
    uint64_t size;
    at = number(at, end, &size);
    if (raw == UINT64_MAX || at == NULL || (size & 1) != 0 || size >> 1 > (size_t)(end - at))
        return NULL;
    top->left = (raw >> 1) + 1;
    top->block_end = at + (size >> 1);
    return at;
}

static POLKA_COLD void open_record(run *r, uint8_t *to, size_t slots)
{
    frame *top = push(r);
    polkai_output *o = &r->output;
    polkai_output_close(o, to);
    top->around = o->kept;
    top->free_piece = o->free_piece;
    top->end_piece = o->end_piece;
    top->to = to;
    top->end = o->end;
    top->slots = r->slot_count;
    o->kept = (polkai_pieces){ 0 };
    if (r->slot_capacity - r->slot_count < slots)
        more_slots(r, slots);
    r->slot_count += slots;
}

static POLKA_COLD void close_slot(run *r, uint8_t *to, size_t slot)
{
    polkai_output_close(&r->output, to);
    r->slots[r->frames[r->frame_count - 1].slots + slot] = r->output.kept;
    r->output.kept = (polkai_pieces){ 0 };
}

/* The small record is put together where its writing began, and the memory that its pieces took is free again. */
static uint8_t *settle(run *r, const frame *top, uint8_t *to, size_t size)
{
    uint8_t whole[SMALL_RECORD];
    polkai_output *o = &r->output;
    polkai_pieces_copy(whole, o->kept);
    if (o->end_piece == top->end_piece)
        o->free_piece = top->free_piece;
    if (o->end == top->end)
        to = o->open = top->to;
    o->kept = top->around;
    to = polkai_output_room(o, to, size);
    memcpy(to, whole, size);
    return to + size;
}

/* NULL: defaults would add too much. */
static POLKA_COLD uint8_t *close_record(run *r, uint8_t *to, const polkai_step *step)
{
    polkai_output *o = &r->output;
    const frame *top = &r->frames[--r->frame_count];
    r->slot_count = top->slots;
    for (const polkai_place *place = step->places->items; place < step->places->items + step->places->count; place++) {
        if (place->constant.data == NULL)
            polkai_output_append(&o->kept, r->slots[top->slots + place->slot]);
        else if ((o->default_bytes += place->constant.size) > POLKAI_PLAN_DEFAULT_BYTES)
            return NULL;
        else
            polkai_output_piece(o, place->constant.data, place->constant.size);
    }
    size_t size = r->frame_count == 0 ? SIZE_MAX : polkai_pieces_size(o->kept, SMALL_RECORD);
    if (size <= SMALL_RECORD)
        return settle(r, top, to, size);
    polkai_pieces whole = top->around;
    polkai_output_append(&whole, o->kept);
    o->kept = whole;
    return to;
}

/* The marked bytes in the reader's order. NULL: defaults would add too much. */
POLKA_INLINE uint8_t *gather(run *r, const uint8_t *const *marks, uint8_t *to, const polkai_places *places)
{
    const polkai_place *place = places->items, *last = place + places->count;
    const uint8_t *safe = r->output.body.size >= POLKAI_SLACK ? r->end - POLKAI_SLACK : NULL;
    if ((r->output.default_bytes += places->constant_bytes) > POLKAI_PLAN_DEFAULT_BYTES)
        return NULL;
    to = polkai_output_room(&r->output, to, (size_t)(marks[places->groups] - marks[0]) + places->constant_bytes);
    for (; place < last; place++) {
        bool constant = place->constant.data != NULL;
        const uint8_t *from = constant ? place->constant.data : marks[place->slot];
        size_t size = constant ? place->constant.size : (size_t)(marks[place->slot + 1] - from);
        if (POLKA_LIKELY(!constant && size <= POLKAI_SLACK && from <= safe))
            memcpy(to, from, POLKAI_SLACK);
        else
            memcpy(to, from, size);
        to += size;
    }
    return to;
}

/* ---- the program -------------------------------------------------------------------------------- */

static inline bool may_call(run *r, const uint8_t *at)
{
    if (at != r->called_at)
        r->calls = 0;
    r->called_at = at;
    return ++r->calls <= IDLE_CALLS;
}

/*
 * Follows the steps until the last routine returns; true: all of the body was read. *place: where reading went to, or where
 * the value begins that does not come through. *written: where writing went to; NULL: nothing came that had to change. One function, as each step is a few instructions and there are many.
 */
static inline bool follow(run *r, const polkai_step *steps, const uint8_t **place, uint8_t **written)
{
    polkai_output *o = &r->output;
    const uint8_t *at = *place, *end = r->end, *next;
    const uint8_t *from = at;            /* what was passed from here on is kept, and not written yet */
    const uint8_t *tag = at;             /* where the last union's index began */
    const polkai_step *step = steps, *items;
    const uint8_t *marks[POLKAI_MARKS + 1];
    uint8_t *to = o->open;
    frame *top;
    uint64_t index;
    size_t size;
    for (;;) {
        switch ((polkai_step_kind)step->kind) {
        case POLKAI_STEP_LONG:
            if ((next = pass_number(at, end)) == NULL)
                goto bad;
            at = next;
            goto passed;
        case POLKAI_STEP_INT:
            if ((next = pass_int(at, end)) == NULL)
                goto bad;
            at = next;
            goto passed;
        case POLKAI_STEP_BOOLEAN:
            if (at == end || *at > 1)
                goto bad;
            at++;
            goto passed;
        case POLKAI_STEP_INDEX:
            if ((next = pass_index(at, end, step->number, &index)) == NULL)
                goto bad;
            at = next;
            goto passed;
        case POLKAI_STEP_SPAN:
            if (step->number > (size_t)(end - at))
                goto bad;
            at += step->number;
            goto passed;
        case POLKAI_STEP_SIZED:
            if ((next = pass_sized(at, end, &size)) == NULL)
                goto bad;
            at = next;
            goto passed;
        case POLKAI_STEP_TEXT:
            if ((next = pass_sized(at, end, &size)) == NULL || (polka_high_bits(next - size, size, end) != 0 && !polka_utf8_check(next - size, size)))
                goto bad;
            at = next;
            goto passed;
        case POLKAI_STEP_NUMBERS:
            if ((next = pass_numbers(at, end)) == NULL) {
                if ((next = step->number != 0 ? pass_int(at, end) : pass_number(at, end)) == NULL)
                    goto bad;
                at = next;
                break;
            }
            at = next;
            step++;
        passed:
            if (step->mark != 0) {
                marks[step->mark - 1] = at;
                step++;
            }
            break;
        case POLKAI_STEP_KEEP:
            to = polkai_output_keep(o, to, from, at);
            from = at;
            break;
        case POLKAI_STEP_DROP:
            from = at;
            break;
        case POLKAI_STEP_PUT:
            to = polkai_output_keep(o, to, from, at);
            from = at;
            if ((to = polkai_output_constant(o, to, step->constant, (size_t)step->to, (step->flags & POLKAI_DEFAULT) != 0)) == NULL)
                goto too_much;
            break;
        case POLKAI_STEP_INT_FLOAT:
        case POLKAI_STEP_INT_DOUBLE:
        case POLKAI_STEP_LONG_FLOAT:
        case POLKAI_STEP_LONG_DOUBLE:
        case POLKAI_STEP_FLOAT_DOUBLE:
            to = polkai_output_room(o, polkai_output_keep(o, to, from, at), 8);
            if ((next = convert(at, end, (polkai_step_kind)step->kind, to)) == NULL)
                goto bad;
            to += step->number;
            at = from = next;
            break;
        case POLKAI_STEP_SYMBOL:
            if ((next = pass_index(at, end, step->symbols->writer->count, &index)) == NULL)
                goto bad;
            if (step->symbols->found[index] < 0) {
                no_symbol(r, step->symbols, index);
                goto bad;
            }
            if ((uint64_t)step->symbols->found[index] != index) {    /* else it stays where it is */
                to = polkai_output_number(o, polkai_output_keep(o, to, from, at), (uint64_t)step->symbols->found[index] << 1);
                from = next;
            }
            at = next;
            break;
        case POLKAI_STEP_UNION:
            if ((next = pass_index(at, end, step->number, &index)) == NULL)
                goto bad;
            tag = at;
            at = next;
            step += 1 + index;
            step += step->to;
            continue;
        case POLKAI_STEP_TAG:
            to = polkai_output_number(o, polkai_output_keep(o, to, from, tag), step->number << 1);
            from = at;
            break;
        case POLKAI_STEP_UNTAG:
            to = polkai_output_keep(o, to, from, tag);
            from = at;
            break;
        case POLKAI_STEP_BRANCH:         /* never stepped on; UNION goes on from it */
        case POLKAI_STEP_JUMP:
            step += step->to;
            continue;
        case POLKAI_STEP_ITEMS:
            r->depth += step->levels;
            if (r->depth > r->limits->depth)
                goto bad;
            top = push(r);
            top->step = step;
            top->block_end = NULL;
            goto next_block;
        case POLKAI_STEP_NEXT:
            top = &r->frames[r->frame_count - 1];
            items = top->step;
            if (top->began == at && (items->flags & POLKAI_MAYBE_EMPTY) != 0 && ++r->empty_items > r->limits->empty_items)
                goto bad;
            if (--top->left > 0) {
                top->began = at;
                step = items + 1;
                continue;
            }
        next_block:
            items = top->step;
            if ((next = number(at, end, &index)) == NULL || (top->block_end != NULL && top->block_end != at))
                goto bad;
            top->block_end = NULL;
            top->left = index >> 1;
            if ((index & 1) != 0) {
                if ((next = sized_block(next, end, index, top)) == NULL)
                    goto bad;
                if ((items->flags & POLKAI_COUNTED) != 0) {     /* only the count is written again */
                    to = polkai_output_number(o, polkai_output_keep(o, to, from, at), top->left << 1);
                    from = next;
                }
            }
            at = next;
            if (top->left > 0) {
                if (r->depth + items->reach > r->limits->depth)
                    goto bad;
                top->began = at;
                step = items + 1;
                continue;
            }
            r->frame_count--;
            r->depth -= items->levels;
            step = items + items->to;
            continue;
        case POLKAI_STEP_REACH:
            if (r->depth + step->number > r->limits->depth)
                goto bad;
            break;
        case POLKAI_STEP_CALL:
            if (!may_call(r, at))
                goto too_much;
            push(r)->step = step;
            r->depth += step->levels;
            step = steps + step->to;
            continue;
        case POLKAI_STEP_RETURN:
            if (r->frame_count == 0) {
                *place = at;
                *written = from == o->body.data && o->memory == NULL ? NULL : polkai_output_keep(o, to, from, at);
                return at == end;
            }
            step = r->frames[--r->frame_count].step;
            r->depth -= step->levels;
            break;
        case POLKAI_STEP_MARK:
            marks[step->number] = at;
            break;
        case POLKAI_STEP_GATHER:
            if ((to = gather(r, marks, to, step->places)) == NULL)
                goto too_much;
            from = at;
            break;
        case POLKAI_STEP_RECORD:
            to = polkai_output_keep(o, to, from, at);
            from = at;
            open_record(r, to, (size_t)step->number);
            break;
        case POLKAI_STEP_SLOT:
            to = polkai_output_keep(o, to, from, at);
            from = at;
            close_slot(r, to, (size_t)step->number);
            break;
        case POLKAI_STEP_ARRANGE:
            if ((to = close_record(r, to, step)) == NULL)
                goto too_much;
            break;
        case POLKAI_STEP_FAIL:
            r->stop->mismatch = step->mismatch;
            goto bad;
        default:
            __builtin_unreachable();
        }
        step++;
    }
too_much:
    r->stop->too_much = true;
bad:
    *place = at;
    return false;
}

bool polkai_plan_run(const polkai_plan *plan, polka_bytes body, const polkai_walk_limits *limits, polka_arena *arena, polka_bytes *resolved, polkai_plan_stop *stop)
{
    static uint8_t nothing;
    frame frames[FRAMES];
    polkai_pieces slots[SLOTS];
    polkai_piece free_pieces[POLKAI_PIECES];
    const uint8_t *start = body.data == NULL ? &nothing : body.data, *at = start;
    uint8_t *to;
    run r = { .output = { .arena = arena, .body = { body.size, start }, .open = &nothing, .end = &nothing,
                          .free_piece = free_pieces, .end_piece = free_pieces + POLKAI_PIECES },
              .end = start + body.size, .limits = limits, .stop = stop, .frames = frames, .frame_capacity = FRAMES,
              .slots = slots, .slot_capacity = SLOTS };
    if (!follow(&r, plan->steps, &at, &to)) {
        stop->offset = (size_t)(at - start);
        return false;
    }
    if (to == NULL) {
        *resolved = body;
        return true;
    }
    if (r.output.kept.first == NULL) {
        *resolved = (polka_bytes){ (size_t)(to - r.output.open), r.output.open };
        return true;
    }
    polkai_output_close(&r.output, to);
    size_t total = polkai_pieces_size(r.output.kept, SIZE_MAX);
    uint8_t *out = polka_arena_alloc(arena, total);
    polkai_pieces_copy(out, r.output.kept);
    *resolved = (polka_bytes){ total, out };
    return true;
}
