/*
 * plan_build.c: two schemas to a program. One routine a pair of records (a dropped record is a pair without a reader), so
 * that recursive types end; small records stand inside those that use them.
 */
#include <avro/plan_draft.h>

#include <avro/match.h>
#include <base/arena.h>
#include <stdlib.h>

/* ---- primitives, enums, fixed ------------------------------------------------------------------ */

static void pass(polkai_draft *d, const polkai_schema *writer, bool look_at_text)
{
    switch (writer->type) {
    case POLKAI_AVRO_BOOLEAN: polkai_draft_kind(d, POLKAI_STEP_BOOLEAN, 0); break;
    case POLKAI_AVRO_INT: polkai_draft_kind(d, POLKAI_STEP_INT, 0); break;
    case POLKAI_AVRO_LONG: polkai_draft_kind(d, POLKAI_STEP_LONG, 0); break;
    case POLKAI_AVRO_FLOAT: polkai_draft_kind(d, POLKAI_STEP_SPAN, 4); break;
    case POLKAI_AVRO_DOUBLE: polkai_draft_kind(d, POLKAI_STEP_SPAN, 8); break;
    case POLKAI_AVRO_BYTES: polkai_draft_kind(d, POLKAI_STEP_SIZED, 0); break;
    case POLKAI_AVRO_STRING: polkai_draft_kind(d, look_at_text ? POLKAI_STEP_TEXT : POLKAI_STEP_SIZED, 0); break;
    case POLKAI_AVRO_ENUM: polkai_draft_kind(d, POLKAI_STEP_INDEX, writer->count); break;
    case POLKAI_AVRO_FIXED: polkai_draft_kind(d, POLKAI_STEP_SPAN, writer->fixed_size); break;
    default: break;
    }
}

static void convert(polkai_draft *d, polkai_step_kind kind)
{
    polkai_draft_change(d);
    polkai_draft_kind(d, kind, 0);
}

/* int to long, string to bytes and back are the same bytes, but the reader would take more. */
static void promote(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader)
{
    bool from_int = writer->type == POLKAI_AVRO_INT;
    d->identity = false;
    if (writer->type == POLKAI_AVRO_FLOAT)
        convert(d, POLKAI_STEP_FLOAT_DOUBLE);
    else if (reader->type == POLKAI_AVRO_FLOAT)
        convert(d, from_int ? POLKAI_STEP_INT_FLOAT : POLKAI_STEP_LONG_FLOAT);
    else if (reader->type == POLKAI_AVRO_DOUBLE)
        convert(d, from_int ? POLKAI_STEP_INT_DOUBLE : POLKAI_STEP_LONG_DOUBLE);
    else
        pass(d, writer, true);
}

static void symbol(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader)
{
    size_t size = sizeof(polkai_symbols) + writer->count * sizeof(int32_t);
    polkai_symbols *symbols = polka_arena_alloc(&d->arena, size);
    *symbols = (polkai_symbols){ writer, reader, (uint32_t)writer->count };
    bool same = true;
    polkai_match_symbols(writer, reader, symbols->found);
    for (size_t i = 0; i < writer->count; i++)
        same = same && symbols->found[i] == (int32_t)i;
    if (writer->count != reader->count)
        d->identity = false;             /* an index that the writer cannot mean would be read */
    if (same) {
        pass(d, writer, false);
        return;
    }
    polkai_draft_change(d);
    polkai_draft_with(d, (polkai_step){ .kind = POLKAI_STEP_SYMBOL }, symbols, size);
}

static void named(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader)
{
    if (!polkai_match_names(writer, reader))
        polkai_draft_fail(d, POLKAI_WRONG_NAME, writer, reader, NULL);
    else if (writer->type == POLKAI_AVRO_ENUM)
        symbol(d, writer, reader);
    else if (writer->fixed_size != reader->fixed_size)
        polkai_draft_fail(d, POLKAI_WRONG_SIZE, writer, reader, NULL);
    else
        pass(d, writer, false);
}

/* ---- arrays and maps, unions ------------------------------------------------------------------- */

/* Records inside are not looked into: they may take no bytes. */
static bool takes_bytes(const polkai_schema *schema, bool inside)
{
    if (schema->type == POLKAI_AVRO_NULL || schema->type == POLKAI_AVRO_FIXED)
        return schema->fixed_size > 0;
    if (schema->type != POLKAI_AVRO_RECORD)
        return true;
    for (size_t i = 0; !inside && i < schema->count; i++)
        if (takes_bytes(schema->fields[i].schema, true))
            return true;
    return false;
}

static void items(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader)
{
    bool map = writer->type == POLKAI_AVRO_MAP;
    uint8_t flags = map || takes_bytes(writer->items, false) ? 0 : POLKAI_MAYBE_EMPTY;
    size_t changes = d->changes, at = polkai_draft_add(d, (polkai_step){ .kind = POLKAI_STEP_ITEMS, .flags = flags, .levels = (uint8_t)(d->levels + 1) });
    unsigned levels = d->levels;
    size_t opener = d->opener;
    d->levels = 0;
    d->opener = at;
    d->nested++;
    if (map)
        polkai_draft_kind(d, reader != NULL ? POLKAI_STEP_SIZED : POLKAI_STEP_TEXT, 0);
    polkai_draft_value(d, writer->items, reader == NULL ? NULL : reader->items);
    size_t last = polkai_draft_add(d, (polkai_step){ .kind = POLKAI_STEP_NEXT, .flags = flags });
    d->nested--;
    d->levels = levels;
    d->opener = opener;
    if (d->status != POLKA_OK)
        return;
    d->steps[last].next = at + 1;
    polkai_draft_land(d, at);
    if (reader != NULL && d->changes != changes)
        d->steps[at].step.flags |= POLKAI_COUNTED;
}

/* A value that is not a union, for a reader's union: the branch that takes it, tagged; NULL: none takes it. */
static const polkai_schema *branch_for(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader, size_t *index)
{
    *index = polkai_match_branch(writer, reader);
    if (*index < reader->count)
        return reader->branches[*index];
    polkai_draft_fail(d, POLKAI_NO_BRANCH, writer, reader, NULL);
    return NULL;
}

/* alike: the branches of both unions go together one by one. */
static void branch(polkai_draft *d, const polkai_schema *writer, size_t index, const polkai_schema *reader, bool alike)
{
    size_t opener = d->opener, chosen;
    if (alike) {
        reader = reader->branches[index];
    } else if (reader != NULL && reader->type == POLKAI_AVRO_UNION) {
        reader = branch_for(d, writer, reader, &chosen);
        if (reader == NULL)
            return;
        if (chosen != index) {
            polkai_draft_change(d);
            polkai_draft_kind(d, POLKAI_STEP_TAG, chosen);
        }
    } else if (reader != NULL) {
        polkai_draft_change(d);
        polkai_draft_kind(d, POLKAI_STEP_UNTAG, 0);
    }
    if (writer->type == POLKAI_AVRO_RECORD)
        d->opener = polkai_draft_add(d, (polkai_step){ .kind = POLKAI_STEP_REACH });
    polkai_draft_value(d, writer, reader);
    d->opener = opener;
}

static void writer_union(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader)
{
    size_t at = polkai_draft_add(d, (polkai_step){ .kind = POLKAI_STEP_UNION, .to = (int32_t)writer->count }), jumps = 0;
    bool alike = reader != NULL && polkai_match_alike(writer, reader, false);
    if (reader != NULL && reader->count != writer->count)
        d->identity = false;             /* as with symbols */
    for (size_t i = 0; i < writer->count; i++)
        polkai_draft_kind(d, POLKAI_STEP_BRANCH, 0);
    d->nested++;
    for (size_t i = 0; i < writer->count && d->status == POLKA_OK; i++) {
        size_t begin = d->count;
        branch(d, writer->branches[i], i, reader, alike);
        if (d->status != POLKA_OK || d->count == begin)
            continue;                    /* nothing to do: lands behind them all */
        d->steps[at + 1 + i].next = begin;
        size_t jump = polkai_draft_kind(d, POLKAI_STEP_JUMP, 0);
        d->steps[jump].next = jumps;     /* until the end is known, the one before it */
        jumps = jump;
    }
    d->nested--;
    if (d->status == POLKA_OK && jumps == d->count - 1)
        jumps = d->steps[--d->count].next;               /* the last branch runs on */
    for (size_t i = 0; i < writer->count && d->status == POLKA_OK; i++)
        if (d->steps[at + 1 + i].next == POLKAI_PLAN_NO_STEP)
            polkai_draft_land(d, at + 1 + i);
    for (size_t jump = jumps; jump != POLKAI_PLAN_NO_STEP && d->status == POLKA_OK; jump = jumps) {
        jumps = d->steps[jump].next;
        polkai_draft_land(d, jump);
    }
}

static void reader_union(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader)
{
    size_t index;
    const polkai_schema *chosen = branch_for(d, writer, reader, &index);
    if (chosen == NULL)
        return;
    polka_buffer tag = { .arena = &d->arena };
    polka_buffer_reserve(&tag, 10);
    for (uint64_t raw = (uint64_t)index << 1;; raw >>= 7) {
        tag.data[tag.size++] = (uint8_t)(raw > 0x7f ? raw | 0x80 : raw);
        if (raw <= 0x7f)
            break;
    }
    polkai_draft_put(d, (polka_bytes){ tag.size, tag.data }, 0);
    polkai_draft_value(d, writer, chosen);
}

/* ---- all --------------------------------------------------------------------------------------- */

/* reader NULL: the value is dropped. */
void polkai_draft_value(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader)
{
    if (d->status != POLKA_OK)
        return;
    polkai_match match = polkai_match_types(writer, reader == NULL ? writer : reader);
    switch (match) {
    case POLKAI_MATCH_SAME: pass(d, writer, reader == NULL); break;
    case POLKAI_MATCH_PROMOTION: promote(d, writer, reader); break;
    case POLKAI_MATCH_RECORD: polkai_draft_record(d, writer, reader); break;
    case POLKAI_MATCH_ENUM:
    case POLKAI_MATCH_FIXED: reader == NULL ? pass(d, writer, true) : named(d, writer, reader); break;
    case POLKAI_MATCH_ITEMS: items(d, writer, reader); break;
    case POLKAI_MATCH_WRITER_UNION: writer_union(d, writer, reader); break;
    case POLKAI_MATCH_READER_UNION: reader_union(d, writer, reader); break;
    case POLKAI_MATCH_NONE: polkai_draft_fail(d, POLKAI_WRONG_TYPE, writer, reader, NULL); break;
    }
}

static void routine(polkai_draft *d, polkai_pair pair)
{
    d->routine_at = d->count;
    d->levels = 0;
    d->open_count = d->nested = 0;
    d->opener = polkai_draft_kind(d, POLKAI_STEP_REACH, 0);
    polkai_draft_value(d, pair.writer, pair.reader);
    polkai_draft_kind(d, POLKAI_STEP_RETURN, 0);
}

polka_status polkai_plan_build(polkai_plan **plan, const polkai_schema *writer, const polkai_schema *reader, polka_error *error)
{
    polkai_draft draft = { .error = error, .status = POLKA_OK, .identity = true, .unchanged = true };
    size_t *starts = NULL, room = 0;
    polkai_arena_init(&draft.arena, NULL, 0);
    polkai_pairs_add(&draft.routines, writer, reader);
    for (size_t i = 0; i < draft.routines.count && draft.status == POLKA_OK; i++) {
        if (i == room)
            starts = polkai_realloc(starts, (room = room == 0 ? 16 : room * 2) * sizeof *starts);
        starts[i] = draft.count;
        routine(&draft, draft.routines.items[i]);
    }
    if (draft.status == POLKA_OK && (*plan = polkai_draft_pack(&draft, starts)) != NULL) {
        (*plan)->writer = writer;
        (*plan)->reader = reader;
    }
    polkai_pairs_deinit(&draft.routines);
    polkai_arena_deinit(&draft.arena);
    free(draft.steps);
    free(starts);
    return draft.status;
}
