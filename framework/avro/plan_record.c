/*
 * plan_record.c: records whose fields change places and change themselves: each field's new form is a list of pieces, in a slot
 * of its own until the record is complete.
 */
#include <avro/plan_run.h>

#include <base/arena.h>

enum { SMALL_RECORD = 192 };             /* a record with so many bytes is put together at once */

static POLKA_COLD void more_slots(polkai_run *r, size_t count)
{
    polkai_pieces *before = r->slots;
    r->slot_capacity = 2 * (r->slot_capacity + count);
    r->slots = polkai_arena_zeroed(r->output.arena, r->slot_capacity, sizeof *before);
    memcpy(r->slots, before, r->slot_count * sizeof *before);
}

void polkai_run_open_record(polkai_run *r, size_t slots)
{
    polkai_frame *top = polkai_run_push(r);
    polkai_output *o = &r->output;
    polkai_output_close(o, r->to);
    top->around = o->kept;
    top->free_piece = o->free_piece;
    top->end_piece = o->end_piece;
    top->to = r->to;
    top->limit = o->limit;
    top->slots = r->slot_count;
    o->kept = (polkai_pieces){ 0 };
    if (r->slot_capacity - r->slot_count < slots)
        more_slots(r, slots);
    r->slot_count += slots;
}

void polkai_run_close_slot(polkai_run *r, size_t slot)
{
    polkai_output_close(&r->output, r->to);
    r->slots[r->top->slots + slot] = r->output.kept;
    r->output.kept = (polkai_pieces){ 0 };
}

/* The small record is put together where its writing began, and the memory that its pieces took is free again. */
static void settle(polkai_run *r, const polkai_frame *top, size_t size)
{
    uint8_t whole[SMALL_RECORD];
    polkai_output *o = &r->output;
    polkai_pieces_copy(whole, o->kept);
    if (o->end_piece == top->end_piece)
        o->free_piece = top->free_piece;
    if (o->limit == top->limit)
        r->to = o->open = top->to;
    o->kept = top->around;
    r->to = polkai_output_room(o, r->to, size);
    memcpy(r->to, whole, size);
    r->to += size;
}

/* The slots and constants in the reader's order. false: defaults would add too much. */
static bool arrange(polkai_run *r, const polkai_pieces *slots, const polkai_places *places)
{
    const int32_t *place = places->items, *last = place + places->count;
    const uint8_t *constant = (const uint8_t *)last;
    if ((r->output.default_bytes += places->constant_bytes) > POLKAI_PLAN_DEFAULT_BYTES)
        return false;
    for (; place < last; place++) {
        if (*place >= 0) {
            polkai_output_append(&r->output.kept, slots[*place]);
        } else {
            polkai_output_piece(&r->output, constant, (size_t)-*place);
            constant += -*place;
        }
    }
    return true;
}

bool polkai_run_close_record(polkai_run *r, const polkai_places *places)
{
    polkai_output *o = &r->output;
    const polkai_frame *top = r->top--;
    r->slot_count = top->slots;
    if (!arrange(r, r->slots + top->slots, places))
        return false;
    size_t size = r->top == r->frames ? SIZE_MAX : polkai_pieces_size(o->kept, SMALL_RECORD);
    if (size <= SMALL_RECORD) {
        settle(r, top, size);
        return true;
    }
    polkai_pieces whole = top->around;
    polkai_output_append(&whole, o->kept);
    o->kept = whole;
    return true;
}
