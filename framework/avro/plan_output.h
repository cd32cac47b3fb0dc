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
    polka_bytes body;
    polkai_pieces kept;                  /* of the record at hand, but for what is written right now */
    uint8_t *open;                       /* what is written right now begins here */
    uint8_t *end;                        /* of the memory for it; POLKAI_SLACK bytes behind are ours too */
    uint8_t *memory;                     /* where it begins; NULL: nothing was written yet */
    polkai_piece *free_piece, *end_piece;
    uint64_t default_bytes;
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

/* Memory for `bytes` more. The first is enough for a form that is a little longer than the body. */
static POLKA_COLD uint8_t *polkai_output_more(polkai_output *o, uint8_t *to, size_t bytes)
{
    size_t size = o->body.size + 256 > bytes ? o->body.size + 256 : bytes;
    polkai_output_close(o, to);
    o->memory = o->open = polka_arena_alloc(o->arena, size + POLKAI_SLACK);
    o->end = o->open + size;
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
    return POLKA_LIKELY((size_t)(o->end - to) >= bytes) ? to : polkai_output_more(o, to, bytes);
}

/* Part of the body, from `from` up to `until`. */
POLKA_INLINE uint8_t *polkai_output_keep(polkai_output *o, uint8_t *to, const uint8_t *from, const uint8_t *until)
{
    size_t size = (size_t)(until - from);
    if (size == 0)
        return to;
    to = polkai_output_room(o, to, size);
    if (POLKA_LIKELY((size_t)(o->body.data + o->body.size - from) >= POLKAI_SLACK)) {
        memcpy(to, from, POLKAI_SLACK);
        if (size > POLKAI_SLACK)
            memcpy(to + POLKAI_SLACK, from + POLKAI_SLACK, size - POLKAI_SLACK);
    } else {
        memcpy(to, from, size);
    }
    return to + size;
}

POLKA_INLINE uint8_t *polkai_output_number(polkai_output *o, uint8_t *to, uint64_t raw)
{
    to = polkai_output_room(o, to, 10);
    for (; raw > 0x7f; raw >>= 7)
        *to++ = (uint8_t)(raw | 0x80);
    *to++ = (uint8_t)raw;
    return to;
}

/* A constant; NULL: defaults would add too much. */
POLKA_INLINE uint8_t *polkai_output_constant(polkai_output *o, uint8_t *to, const uint8_t *data, size_t size, bool is_default)
{
    if (is_default && (o->default_bytes += size) > POLKAI_PLAN_DEFAULT_BYTES)
        return NULL;
    to = polkai_output_room(o, to, size);
    memcpy(to, data, size);
    return to + size;
}

#endif
