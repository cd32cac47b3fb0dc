/*
 * plan_output.h: where the reader's form goes while a plan runs. It is written from front to back; `to` is the next free byte,
 * which the run holds itself. Where fields change places, what was written becomes pieces, which are put together at the end.
 */
#ifndef POLKA_AVRO_PLAN_OUTPUT_H
#define POLKA_AVRO_PLAN_OUTPUT_H

#include <avro/plan_inner.h>
#include <polka/wire_bytes.h>

enum {
    POLKAI_PIECES = 24,                  /* on the thread's stack; more from the arena */
    POLKAI_SLACK = 16                    /* copying may touch so much behind what it copies */
};

typedef struct polkai_piece polkai_piece;
struct polkai_piece { const uint8_t *data; size_t size; polkai_piece *next; };
typedef struct { polkai_piece *first, *last; } polkai_pieces;

typedef struct {
    polka_arena *arena;
    const uint8_t *start, *end;          /* of the body */
    const uint8_t *last_pair;            /* up to here POLKAI_SLACK more bytes may be read */
    uint8_t *open;                       /* what is written right now begins here */
    uint8_t *limit;                      /* of the memory for it; POLKAI_SLACK bytes behind are ours too */
    uint64_t default_bytes;
    polkai_pieces kept;                  /* of the record at hand, but for what is written right now */
    polkai_piece *free_piece, *end_piece;
} polkai_output;

/* ---- slow and rare ------------------------------------------------------------------------------ */

static POLKA_COLD void polkai_output_piece(polkai_output *o, const uint8_t *data, size_t size)
{
    enum { MORE = 170 };
    if (o->free_piece == o->end_piece) {
        o->free_piece = polka_arena_alloc(o->arena, MORE * sizeof(polkai_piece));
        o->end_piece = o->free_piece + MORE;
    }
    polkai_piece *added = o->free_piece++;
    *added = (polkai_piece){ .data = data, .size = size };
    if (o->kept.last == NULL)
        o->kept.first = added;
    else
        o->kept.last->next = added;
    o->kept.last = added;
}

/* polkai_output_close: what is written right now is a piece, and the next begins at `to`. */
static inline void polkai_output_close(polkai_output *o, uint8_t *to)
{
    if (to != o->open)
        polkai_output_piece(o, o->open, (size_t)(to - o->open));
    o->open = to;
}

/* polkai_output_begin: memory for a form that is a little longer than the body. */
POLKA_INLINE uint8_t *polkai_output_begin(polkai_output *o)
{
    enum { LONGER = 256 };
    size_t size = (size_t)(o->end - o->start) + LONGER;
    o->open = polka_arena_alloc(o->arena, size + POLKAI_SLACK);
    o->limit = o->open + size;
    return o->open;
}

/* Memory for `bytes` more. */
static POLKA_COLD uint8_t *polkai_output_more(polkai_output *o, uint8_t *to, size_t bytes)
{
    polkai_output_close(o, to);
    polkai_output_begin(o);
    if ((size_t)(o->limit - o->open) < bytes) {
        o->open = polka_arena_alloc(o->arena, bytes + POLKAI_SLACK);
        o->limit = o->open + bytes;
    }
    return o->open;
}

/* polkai_output_append: puts a list behind what is there; it gives up its pieces. */
static inline void polkai_output_append(polkai_pieces *list, polkai_pieces more)
{
    if (more.first == NULL)
        return;
    if (list->last == NULL)
        list->first = more.first;
    else
        list->last->next = more.first;
    list->last = more.last;
}

/* Beyond `limit` the size does not matter. */
static inline size_t polkai_pieces_size(polkai_pieces list, size_t limit)
{
    size_t size = 0;
    for (const polkai_piece *each = list.first; each != NULL && size <= limit; each = each->next)
        size += each->size;
    return size;
}

static inline void polkai_pieces_copy(uint8_t *to, polkai_pieces list)
{
    for (const polkai_piece *each = list.first; each != NULL; each = each->next) {
        memcpy(to, each->data, each->size);
        to += each->size;
    }
}

/* ---- writing ------------------------------------------------------------------------------------ */

POLKA_INLINE uint8_t *polkai_output_room(polkai_output *o, uint8_t *to, size_t bytes)
{
    return POLKA_LIKELY((size_t)(o->limit - to) >= bytes) ? to : polkai_output_more(o, to, bytes);
}

/* The body from `from` up to `until`, which is not the same. There is room for it, and the slack. Returns the place behind. */
POLKA_INLINE uint8_t *polkai_output_copy(const polkai_output *o, uint8_t *to, const uint8_t *from, const uint8_t *until)
{
    enum { LONG = 256 };
    size_t size = (size_t)(until - from);
    uint8_t *behind = to + size;
    if (size > LONG || until > o->last_pair) {
        memcpy(to, from, size);
        return behind;
    }
    size_t i = 0;
    do {
        polka_pair pair;
        memcpy(&pair, from + i, sizeof pair);
        memcpy(to + i, &pair, sizeof pair);
        i += sizeof pair;
    } while (i < size);
    return behind;
}

/* Part of the body, from `from` up to `until`. */
POLKA_INLINE uint8_t *polkai_output_keep(polkai_output *o, uint8_t *to, const uint8_t *from, const uint8_t *until)
{
    size_t size = (size_t)(until - from);
    if (size == 0)
        return to;
    return polkai_output_copy(o, polkai_output_room(o, to, size), from, until);
}

POLKA_INLINE uint8_t *polkai_output_number(polkai_output *o, uint8_t *to, uint64_t raw)
{
    to = polkai_output_room(o, to, 10);
    for (; raw > 0x7f; raw >>= 7)
        *to++ = (uint8_t)(raw | 0x80);
    *to++ = (uint8_t)raw;
    return to;
}

/* The marked bytes in the reader's order. NULL: defaults would add too much. */
POLKA_INLINE uint8_t *polkai_output_gather(polkai_output *o, uint8_t *to, const uint8_t *const *marks, const polkai_places *places)
{
    const uint8_t *constant = (const uint8_t *)(places->items + places->count);
    if ((o->default_bytes += places->constant_bytes) > POLKAI_PLAN_DEFAULT_BYTES)
        return NULL;
    to = polkai_output_room(o, to, (size_t)(marks[places->groups] - marks[0]) + places->constant_bytes);
    for (const int32_t *place = places->items, *last = place + places->count; place < last; place++) {
        const ptrdiff_t from = *place;
        if (from >= 0) {
            to = polkai_output_copy(o, to, marks[from], marks[from + 1]);
        } else {
            if (POLKA_LIKELY(-from <= POLKAI_SLACK))
                memcpy(to, constant, POLKAI_SLACK);
            else
                memcpy(to, constant, (size_t)-from);
            to -= from;
            constant -= from;
        }
    }
    return to;
}

#endif
