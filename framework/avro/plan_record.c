/*
 * plan_record.c: records whose fields change places and change themselves. Each field's new form waits in a slot of its own
 * until the record is complete: where it is in the body, where it was written, or in pieces. Then they are put behind each other:
 * at once when that is the last time that they are copied, or they are few bytes; else as pieces, so that no depth of nesting
 * makes a byte go round often.
 */
#include <avro/plan_run.h>

#include <base/arena.h>

enum { SMALL_RECORD = 192 };

static POLKA_COLD void more_slots(polkai_run *r, size_t count)
{
    polkai_slot *before = r->slots;
    r->slot_capacity = 2 * (r->slot_capacity + count);
    r->slots = polkai_arena_zeroed(r->output.arena, r->slot_capacity, sizeof *before);
    memcpy(r->slots, before, r->slot_count * sizeof *before);
}

void polkai_run_open_record(polkai_run *r, size_t slots)
{
    polkai_frame *top = polkai_run_push(r);
    polkai_output *o = &r->output;
    top->around = o->kept;
    top->free_piece = o->free_piece;
    top->end_piece = o->end_piece;
    top->open = o->open;
    top->to = r->to;
    top->limit = o->limit;
    top->slots = r->slot_count;
    o->open = r->to;
    o->kept = (polkai_pieces){ NULL, NULL };
    if (r->slot_capacity - r->slot_count < slots)
        more_slots(r, slots);
    r->slot_count += slots;
}

void polkai_run_fill_slot(polkai_run *r, polkai_slot *slot)
{
    polkai_output *o = &r->output;
    slot->more.first = NULL;
    if (o->kept.first == NULL) {
        slot->data = o->open;
        slot->size = (size_t)(r->to - o->open);
        o->open = r->to;
        return;
    }
    polkai_output_close(o, r->to);
    slot->more = o->kept;
    o->kept = (polkai_pieces){ NULL, NULL };
}

/* SIZE_MAX: at least one slot is in pieces. */
static size_t size_of(const polkai_slot *slots, const polkai_places *places)
{
    size_t size = places->constant_bytes;
    for (size_t i = 0; i < places->count; i++) {
        if (places->items[i] < 0)
            continue;
        const polkai_slot *slot = &slots[places->items[i]];
        if (slot->more.first != NULL)
            return SIZE_MAX;
        size += slot->size;
    }
    return size;
}

/* What was written before the record is a piece, and what comes is written from `to` on. */
static void part(polkai_output *o, const polkai_frame *top, uint8_t *to)
{
    o->kept = top->around;
    if (top->to != top->open)
        polkai_output_piece(o, top->open, (size_t)(top->to - top->open));
    o->open = to;
}

/* The slots and constants in the reader's order, as pieces. */
static void keep_apart(polkai_run *r, const polkai_frame *top, const polkai_slot *slots, const polkai_places *places)
{
    polkai_output *o = &r->output;
    const uint8_t *constant = (const uint8_t *)(places->items + places->count);
    part(o, top, r->to);
    for (size_t i = 0; i < places->count; i++) {
        const ptrdiff_t place = places->items[i];
        if (place < 0) {
            polkai_output_piece(o, constant, (size_t)-place);
            constant -= place;
        } else if (slots[place].more.first != NULL) {
            polkai_output_append(&o->kept, slots[place].more);
        } else if (slots[place].size > 0) {
            polkai_output_piece(o, slots[place].data, slots[place].size);
        }
    }
}

/* The same as `size` bytes behind each other. */
static void put_together(polkai_run *r, const polkai_frame *top, const polkai_slot *slots, const polkai_places *places, size_t size)
{
    polkai_output *o = &r->output;
    const uint8_t *constant = (const uint8_t *)(places->items + places->count);
    uint8_t *whole = polkai_output_room(o, r->to, size), *to = whole;
    for (size_t i = 0; i < places->count; i++) {
        const ptrdiff_t place = places->items[i];
        size_t part_size = place < 0 ? (size_t)-place : slots[place].size;
        memcpy(to, place < 0 ? constant : slots[place].data, part_size);
        constant += place < 0 ? part_size : 0;
        to += part_size;
    }
    if (o->end_piece == top->end_piece)
        o->free_piece = top->free_piece;
    r->to = to;
    bool first = top->to == top->open && top->around.first == NULL;
    if (o->limit != top->limit || (size > SMALL_RECORD && !first) || (first && r->top == r->frames)) {
        part(o, top, whole);
        return;
    }
    memmove(top->to, whole, size);       /* it stands where its writing began, and what was written for its slots is forgotten */
    o->kept = top->around;
    o->open = top->open;
    r->to = top->to + size;
}

bool polkai_run_close_record(polkai_run *r, const polkai_places *places)
{
    const polkai_frame *top = r->top--;
    const polkai_slot *slots = r->slots + top->slots;
    r->slot_count = top->slots;
    if ((r->output.default_bytes += places->constant_bytes) > POLKAI_PLAN_DEFAULT_BYTES)
        return false;
    size_t size = size_of(slots, places);
    if (size <= SMALL_RECORD || (size != SIZE_MAX && r->top == r->frames))
        put_together(r, top, slots, places, size);
    else
        keep_apart(r, top, slots, places);
    return true;
}
