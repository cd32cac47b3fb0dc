/*
 * plan_run.c: a program over the writer's bytes, on stacks of its own. The first parts of all stacks lie on the thread's; what
 * does not fit there comes from the arena.
 */
#include <avro/plan_inner.h>

#include <base/arena.h>
#include <polka/wire_bytes.h>

enum {
    FRAMES = 12, SLOTS = 32, PIECES = 40, SCRATCH = 256,     /* on the thread's stack */
    SMALL_PIECE = 16,                    /* so much is copied behind a converted value rather than made a piece */
    SMALL_RECORD = 192,                  /* a rearranged record of so many bytes is put together at once */
    NUMBER = 16,                         /* room for a number */
    IDLE_CALLS = 64000000                /* records entered without a byte read: a schema can ask for exponentially many */
};

typedef struct piece piece;
struct piece { const uint8_t *data; size_t size; piece *next; };
typedef struct { piece *first, *last; } pieces;

/* Something that was begun: items, a routine, a record whose fields change places. */
typedef struct {
    const polkai_step *step;             /* ITEMS, CALL */
    uint64_t left;                       /* items left in the block */
    const uint8_t *block_end;            /* where the block says that it ends; NULL: it does not say */
    const uint8_t *began;                /* where the last item began */
    pieces around;                       /* RECORD: what was collected before it */
    piece *free_piece, *end_piece;       /* RECORD: where memory stood */
    uint8_t *spare, *spare_end;
    size_t slots;                        /* RECORD: where its slots begin */
} frame;

typedef struct {
    const uint8_t *start, *end;
    const polkai_walk_limits *limits;
    polka_arena *arena;
    polkai_plan_stop *stop;
    pieces kept;
    piece *free_piece, *end_piece;
    uint8_t *spare, *spare_end;          /* memory for what is not in the body */
    frame *frames;
    pieces *slots;
    size_t frame_count, frame_capacity, slot_count, slot_capacity;
    uint64_t depth, empty_items, default_bytes, calls;
    const uint8_t *called_at;
} run;

/* ---- memory (cold) ------------------------------------------------------------------------------ */

static POLKA_COLD void more_pieces(run *r)
{
    enum { MORE = 170 };
    r->free_piece = polka_arena_alloc(r->arena, MORE * sizeof(piece));
    r->end_piece = r->free_piece + MORE;
}

static POLKA_COLD void more_spare(run *r, size_t bytes)
{
    size_t size = bytes > 4096 ? bytes : 4096;
    r->spare = polka_arena_alloc(r->arena, size);
    r->spare_end = r->spare + size;
}

static POLKA_COLD void more_frames(run *r)
{
    frame *before = r->frames;
    r->frames = polkai_arena_zeroed(r->arena, 2 * r->frame_capacity, sizeof *before);
    memcpy(r->frames, before, r->frame_count * sizeof *before);
    r->frame_capacity *= 2;
}

static POLKA_COLD void more_slots(run *r, size_t count)
{
    pieces *before = r->slots;
    r->slot_capacity = 2 * (r->slot_capacity + count);
    r->slots = polkai_arena_zeroed(r->arena, r->slot_capacity, sizeof *before);
    memcpy(r->slots, before, r->slot_count * sizeof *before);
}

/* ---- pieces ------------------------------------------------------------------------------------- */

static inline void add_piece(run *r, const uint8_t *data, size_t size)
{
    if (r->free_piece == r->end_piece)
        more_pieces(r);
    piece *added = r->free_piece++;
    *added = (piece){ .data = data, .size = size };
    if (r->kept.last == NULL)
        r->kept.first = added;
    else
        r->kept.last->next = added;
    r->kept.last = added;
}

/* Room for `bytes` more of spare memory, and whether the last piece ends there. */
static inline bool spare_follows(run *r, size_t bytes)
{
    if ((size_t)(r->spare_end - r->spare) < bytes)
        more_spare(r, bytes);
    return r->kept.last != NULL && r->kept.last->data + r->kept.last->size == r->spare;
}

/* The body from `from` to `to` is kept. */
static inline void keep(run *r, const uint8_t *from, const uint8_t *to)
{
    size_t size = (size_t)(to - from);
    if (size == 0)
        return;
    if (size <= SMALL_PIECE && r->end - from >= SMALL_PIECE && spare_follows(r, SMALL_PIECE)) {
        memcpy(r->spare, from, SMALL_PIECE);
        r->spare += size;
        r->kept.last->size += size;
        return;
    }
    add_piece(r, from, size);
}

/* `size` bytes that were written behind `spare` after spare_follows said `follows`. */
static inline void keep_spare(run *r, bool follows, size_t size)
{
    if (follows)
        r->kept.last->size += size;
    else
        add_piece(r, r->spare, size);
    r->spare += size;
}

static inline void keep_number(run *r, uint64_t raw)
{
    bool follows = spare_follows(r, NUMBER);
    size_t size = 0;
    for (; raw > 0x7f; raw >>= 7)
        r->spare[size++] = (uint8_t)(raw | 0x80);
    r->spare[size++] = (uint8_t)raw;
    keep_spare(r, follows, size);
}

/* Beyond `limit` the size does not matter. */
static size_t size_of(pieces list, size_t limit)
{
    size_t size = 0;
    for (const piece *each = list.first; each != NULL && size <= limit; each = each->next)
        size += each->size;
    return size;
}

static void copy_out(uint8_t *to, pieces list)
{
    for (const piece *each = list.first; each != NULL; each = each->next) {
        memcpy(to, each->data, each->size);
        to += each->size;
    }
}

/* ---- numbers ------------------------------------------------------------------------------------ */

static POLKA_COLD const uint8_t *number_slow(const uint8_t *at, const uint8_t *end, uint64_t *raw)
{
    *raw = 0;
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1)
            return NULL;
        *raw |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return at;
    }
    return NULL;
}

/* NULL: cut off, or more than 64 bits. */
static inline const uint8_t *number(const uint8_t *at, const uint8_t *end, uint64_t *raw)
{
    if (POLKA_LIKELY(at < end && *at < 0x80)) {
        *raw = *at;
        return at + 1;
    }
    if (end - at >= 2 && at[1] < 0x80) {
        *raw = (at[0] & 0x7fu) | (uint64_t)at[1] << 7;
        return at + 2;
    }
    return number_slow(at, end, raw);
}

/* Passes a number of any size without looking what it is. */
static inline const uint8_t *pass_number(const uint8_t *at, const uint8_t *end)
{
    uint64_t raw;
    if (at < end && *at < 0x80)
        return at + 1;
    if (end - at >= 8) {
        uint64_t last = ~polka_load64(at) & POLKA_HIGH_BITS;
        if (last != 0)
            return at + (__builtin_ctzll(last) >> 3) + 1;
    }
    return number_slow(at, end, &raw);
}

static inline const uint8_t *pass_int(const uint8_t *at, const uint8_t *end)
{
    uint64_t raw;
    at = number(at, end, &raw);
    return at != NULL && raw <= UINT32_MAX ? at : NULL;
}

static inline const uint8_t *pass_sized(const uint8_t *at, const uint8_t *end, size_t *size)
{
    uint64_t raw;
    at = number(at, end, &raw);
    if (at == NULL || (raw & 1) != 0 || raw >> 1 > (size_t)(end - at))
        return NULL;
    *size = (size_t)(raw >> 1);
    return at + *size;
}

static inline int64_t unzigzag(uint64_t raw)
{
    return (int64_t)(raw >> 1 ^ (~(raw & 1) + 1));
}

/* ---- conversions -------------------------------------------------------------------------------- */

static const uint8_t *convert(run *r, const uint8_t *at, polkai_step_kind kind)
{
    uint64_t raw = 0, bits;
    uint32_t half;
    float narrow;
    double wide;
    if (kind == POLKAI_STEP_FLOAT_DOUBLE) {
        if (r->end - at < 4)
            return NULL;
        half = polka_load32(at);
        memcpy(&narrow, &half, sizeof narrow);
        wide = (double)narrow;
        at += 4;
    } else {
        bool is_int = kind == POLKAI_STEP_INT_FLOAT || kind == POLKAI_STEP_INT_DOUBLE;
        at = number(at, r->end, &raw);
        if (at == NULL || (is_int && raw > UINT32_MAX))
            return NULL;
        narrow = (float)unzigzag(raw);
        wide = (double)unzigzag(raw);
    }
    bool follows = spare_follows(r, 8);
    if (kind == POLKAI_STEP_INT_FLOAT || kind == POLKAI_STEP_LONG_FLOAT) {
        memcpy(&half, &narrow, sizeof half);
        polka_store32(r->spare, half);
        keep_spare(r, follows, 4);
    } else {
        memcpy(&bits, &wide, sizeof bits);
        polka_store64(r->spare, bits);
        keep_spare(r, follows, 8);
    }
    return at;
}

static POLKA_COLD const uint8_t *no_symbol(run *r, const polkai_symbols *symbols, uint64_t index)
{
    r->stop->symbol = (polkai_mismatch){ .kind = POLKAI_NO_SYMBOL, .writer = symbols->writer, .reader = symbols->reader, .name = symbols->writer->symbols[index] };
    r->stop->mismatch = &r->stop->symbol;
    return NULL;
}

/* An index that stays what it is stays where it is. */
static inline const uint8_t *symbol(run *r, const uint8_t **from, const uint8_t *at, const polkai_symbols *symbols)
{
    uint64_t raw;
    const uint8_t *next = number(at, r->end, &raw);
    if (next == NULL || (raw & 1) != 0 || raw >> 1 >= symbols->writer->count)
        return NULL;
    int32_t found = symbols->found[raw >> 1];
    if (found < 0)
        return no_symbol(r, symbols, raw >> 1);
    if ((uint64_t)found != raw >> 1) {
        keep(r, *from, at);
        keep_number(r, (uint64_t)found << 1);
        *from = next;
    }
    return next;
}

/* ---- frames ------------------------------------------------------------------------------------- */

static inline frame *push(run *r)
{
    if (r->frame_count == r->frame_capacity)
        more_frames(r);
    return &r->frames[r->frame_count++];
}

/* The head of a block: how many items, and where a block that says so ends. Kept is the count alone. */
static const uint8_t *block(run *r, frame *top, const uint8_t **from, const uint8_t *at, bool kept)
{
    uint64_t raw, size;
    const uint8_t *next = number(at, r->end, &raw);
    if (next == NULL || (top->block_end != NULL && top->block_end != at))
        return NULL;
    top->block_end = NULL;
    top->left = raw >> 1;
    if ((raw & 1) == 0)
        return next;
    top->left++;
    next = number(next, r->end, &size);
    if (raw == UINT64_MAX || next == NULL || (size & 1) != 0 || size >> 1 > (size_t)(r->end - next))
        return NULL;
    top->block_end = next + (size >> 1);
    if (kept) {
        keep(r, *from, at);
        keep_number(r, top->left << 1);
        *from = next;
    }
    return next;
}

static void open_record(run *r, size_t slots)
{
    frame *top = push(r);
    top->around = r->kept;
    top->free_piece = r->free_piece;
    top->end_piece = r->end_piece;
    top->spare = r->spare;
    top->spare_end = r->spare_end;
    top->slots = r->slot_count;
    r->kept = (pieces){ 0 };
    if (r->slot_capacity - r->slot_count < slots)
        more_slots(r, slots);
    r->slot_count += slots;
}

/* The small record's pieces become one, and the memory that they took is free again. */
static void settle(run *r, const frame *top, size_t size)
{
    uint8_t whole[SMALL_RECORD];
    copy_out(whole, r->kept);
    if (r->end_piece == top->end_piece)
        r->free_piece = top->free_piece;
    if (r->spare_end == top->spare_end)
        r->spare = top->spare;
    r->kept = top->around;
    bool follows = spare_follows(r, size);
    memcpy(r->spare, whole, size);
    keep_spare(r, follows, size);
}

static bool close_record(run *r, const polkai_step *step)
{
    const frame *top = &r->frames[--r->frame_count];
    const pieces *slots = &r->slots[top->slots];
    r->kept = (pieces){ 0 };
    for (const polkai_place *place = step->places; place < step->places + step->to; place++) {
        if (place->constant.data != NULL) {
            if ((r->default_bytes += place->constant.size) > POLKAI_PLAN_DEFAULT_BYTES)
                return false;
            add_piece(r, place->constant.data, place->constant.size);
        } else if (slots[place->slot].first != NULL) {
            if (r->kept.last == NULL)
                r->kept.first = slots[place->slot].first;
            else
                r->kept.last->next = slots[place->slot].first;
            r->kept.last = slots[place->slot].last;
        }
    }
    r->slot_count = top->slots;
    size_t size = r->frame_count == 0 ? SMALL_RECORD + 1 : size_of(r->kept, SMALL_RECORD);
    if (r->kept.first == NULL) {
        r->kept = top->around;
    } else if (size <= SMALL_RECORD) {
        settle(r, top, size);
    } else if (top->around.last != NULL) {
        top->around.last->next = r->kept.first;
        r->kept.first = top->around.first;
    }
    return true;
}

static inline bool put_constant(run *r, const polkai_step *step)
{
    size_t size = (size_t)step->to;
    if ((step->flags & POLKAI_DEFAULT) != 0 && (r->default_bytes += size) > POLKAI_PLAN_DEFAULT_BYTES)
        return false;
    if (size <= SMALL_PIECE && spare_follows(r, SMALL_PIECE)) {
        memcpy(r->spare, step->constant, size);
        keep_spare(r, true, size);
    } else {
        add_piece(r, step->constant, size);
    }
    return true;
}

/* ---- the program -------------------------------------------------------------------------------- */

static bool too_much(run *r)
{
    r->stop->too_much = true;
    return false;
}

static inline bool call(run *r, const uint8_t *at)
{
    if (at != r->called_at)
        r->calls = 0;
    r->called_at = at;
    return ++r->calls <= IDLE_CALLS || too_much(r);
}

/*
 * Follows the steps until the last routine returns. at: where reading went to, or stopped. from: what was passed from here on
 * is kept, and no piece yet. One function, as each step is a few instructions and there are many.
 */
static bool follow(run *r, const polkai_plan *plan, const uint8_t **place, const uint8_t **kept_from)
{
    const uint8_t *at = *place, *from = at, *end = r->end, *next, *tag = at;
    const polkai_step *step = plan->steps, *items;
    frame *top;
    uint64_t raw;
    size_t size;
    for (;;) {
        *place = at;                     /* should the step fail, its value begins here */
        switch ((polkai_step_kind)step->kind) {
        case POLKAI_STEP_LONG:
            if ((at = pass_number(at, end)) == NULL)
                return false;
            break;
        case POLKAI_STEP_INT:
            if ((at = pass_int(at, end)) == NULL)
                return false;
            break;
        case POLKAI_STEP_BOOLEAN:
            if (at == end || *at > 1)
                return false;
            at++;
            break;
        case POLKAI_STEP_INDEX:
            if ((at = number(at, end, &raw)) == NULL || (raw & 1) != 0 || raw >> 1 >= step->number)
                return false;
            break;
        case POLKAI_STEP_SPAN:
            if (step->number > (size_t)(end - at))
                return false;
            at += step->number;
            break;
        case POLKAI_STEP_SIZED:
            if ((at = pass_sized(at, end, &size)) == NULL)
                return false;
            break;
        case POLKAI_STEP_TEXT:
            if ((at = pass_sized(at, end, &size)) == NULL || (polka_high_bits(at - size, size, end) != 0 && !polka_utf8_check(at - size, size)))
                return false;
            break;
        case POLKAI_STEP_KEEP:
            keep(r, from, at);
            from = at;
            break;
        case POLKAI_STEP_DROP:
            from = at;
            break;
        case POLKAI_STEP_PUT:
            keep(r, from, at);
            from = at;
            if (!put_constant(r, step))
                return too_much(r);
            break;
        case POLKAI_STEP_INT_FLOAT:
        case POLKAI_STEP_INT_DOUBLE:
        case POLKAI_STEP_LONG_FLOAT:
        case POLKAI_STEP_LONG_DOUBLE:
        case POLKAI_STEP_FLOAT_DOUBLE:
            keep(r, from, at);
            if ((at = convert(r, at, (polkai_step_kind)step->kind)) == NULL)
                return false;
            from = at;
            break;
        case POLKAI_STEP_SYMBOL:
            if ((at = symbol(r, &from, at, step->symbols)) == NULL)
                return false;
            break;
        case POLKAI_STEP_UNION:
            tag = at;
            if ((at = number(at, end, &raw)) == NULL || (raw & 1) != 0 || raw >> 1 >= step->number)
                return false;
            step += 1 + (raw >> 1);
            step += step->to;
            continue;
        case POLKAI_STEP_TAG:
            keep(r, from, tag);
            keep_number(r, step->number << 1);
            from = at;
            break;
        case POLKAI_STEP_UNTAG:
            keep(r, from, tag);
            from = at;
            break;
        case POLKAI_STEP_BRANCH:         /* never stepped on; UNION goes on from it */
        case POLKAI_STEP_JUMP:
            step += step->to;
            continue;
        case POLKAI_STEP_ITEMS:
            r->depth += step->levels;
            if (r->depth > r->limits->depth)
                return false;
            top = push(r);
            top->step = step;
            top->block_end = NULL;
            goto next_block;
        case POLKAI_STEP_NEXT:
            top = &r->frames[r->frame_count - 1];
            if ((top->step->flags & POLKAI_MAYBE_EMPTY) != 0 && top->began == at && ++r->empty_items > r->limits->empty_items)
                return false;
            if (--top->left > 0) {
                top->began = at;
                step = top->step + 1;
                continue;
            }
        next_block:
            items = top->step;
            if ((next = block(r, top, &from, at, (items->flags & POLKAI_KEPT) != 0)) == NULL)
                return false;
            at = next;
            if (top->left > 0) {
                if (r->depth + items->reach > r->limits->depth)
                    return false;
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
                return false;
            break;
        case POLKAI_STEP_CALL:
            if (!call(r, at))
                return false;
            push(r)->step = step;
            r->depth += step->levels;
            step = plan->steps + step->to;
            continue;
        case POLKAI_STEP_RETURN:
            if (r->frame_count == 0) {
                *kept_from = from;
                return at == end;
            }
            step = r->frames[--r->frame_count].step;
            r->depth -= step->levels;
            break;
        case POLKAI_STEP_RECORD:
            keep(r, from, at);
            from = at;
            open_record(r, (size_t)step->number);
            break;
        case POLKAI_STEP_SLOT:
            keep(r, from, at);
            from = at;
            r->slots[r->frames[r->frame_count - 1].slots + step->number] = r->kept;
            r->kept = (pieces){ 0 };
            break;
        case POLKAI_STEP_ARRANGE:
            if (!close_record(r, step))
                return too_much(r);
            break;
        case POLKAI_STEP_FAIL:
            r->stop->mismatch = step->mismatch;
            return false;
        }
        step++;
    }
}

bool polkai_plan_run(const polkai_plan *plan, polka_bytes body, const polkai_walk_limits *limits, polka_arena *arena, polka_bytes *resolved, polkai_plan_stop *stop)
{
    static const uint8_t nothing = 0;
    frame frames[FRAMES];
    pieces slots[SLOTS];
    piece free_pieces[PIECES];
    uint8_t spare[SCRATCH];
    const uint8_t *start = body.data == NULL ? &nothing : body.data, *at = start, *from = start;
    run r = { .start = start, .end = start + body.size, .limits = limits, .arena = arena, .stop = stop,
              .free_piece = free_pieces, .end_piece = free_pieces + PIECES, .spare = spare, .spare_end = spare + SCRATCH,
              .frames = frames, .frame_capacity = FRAMES, .slots = slots, .slot_capacity = SLOTS };
    if (!follow(&r, plan, &at, &from)) {
        stop->offset = (size_t)(at - start);
        return false;
    }
    if (r.kept.first == NULL && from == start) {             /* nothing came that had to change */
        *resolved = body;
        return true;
    }
    keep(&r, from, at);
    size_t total = size_of(r.kept, SIZE_MAX);
    uint8_t *out = polka_arena_alloc(arena, total + 1);
    copy_out(out, r.kept);
    *resolved = (polka_bytes){ total, out };
    return true;
}
