/*
 * plan_build.c: two schemas to a program. One routine a pair of records (a dropped record is a pair without a reader), so
 * that recursive types end; small records stand inside those that use them.
 */
#include <avro/plan_inner.h>

#include <avro/fallback.h>
#include <avro/match.h>
#include <avro/pairs.h>
#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

enum {
    MOST_STEPS = 1000000,
    INLINED = 8,                         /* records inside each other without a call */
    INLINED_STEPS = 200,                 /* a routine that is longer calls */
    NESTED = 64                          /* arrays, maps and unions around an inlined record */
};

typedef struct {
    polkai_plan *plan;
    polka_error *error;
    polka_status status;                 /* of the first thing that failed; all goes on, and nothing comes of it */
    size_t capacity;
    polkai_pairs routines;
    size_t routine_at;                   /* where the routine at hand begins */
    polkai_pair open[INLINED + 1];       /* records around this place in the routine, outermost first */
    unsigned open_count, nested;
    unsigned levels;                     /* records open here since the last ITEMS */
    size_t opener;                       /* the step that asks whether a value may nest as deep as this place */
    size_t changes;                      /* steps so far that may change what is passed */
} builder;

static void value(builder *b, const polkai_schema *writer, const polkai_schema *reader);

/* ---- steps ------------------------------------------------------------------------------------- */

static size_t emit(builder *b, polkai_step step)
{
    if (b->plan->count >= MOST_STEPS && b->status == POLKA_OK)
        b->status = polkai_fail(b->error, POLKA_POISON, "bad-schema", "reading one schema as the other takes more than %d steps; split the types", MOST_STEPS);
    if (b->status != POLKA_OK)
        return 0;
    if (b->plan->count == b->capacity) {
        b->capacity = b->capacity == 0 ? 64 : b->capacity * 2;
        b->plan->steps = polkai_realloc(b->plan->steps, b->capacity * sizeof step);
    }
    b->plan->steps[b->plan->count] = step;
    return b->plan->count++;
}

static void emit_number(builder *b, polkai_step_kind kind, uint64_t number)
{
    emit(b, (polkai_step){ .kind = (uint8_t)kind, .number = number });
}

static void land(builder *b, size_t step)
{
    b->plan->steps[step].to = (int32_t)(b->plan->count - step);
}

static void change(builder *b)
{
    b->plan->unchanged = false;
    b->changes++;
}

static void put(builder *b, polka_bytes constant, uint8_t flags)
{
    if (constant.size == 0)
        return;
    change(b);
    emit(b, (polkai_step){ .kind = POLKAI_STEP_PUT, .flags = flags, .to = (int32_t)constant.size, .constant = constant.data });
}

static void fail(builder *b, polkai_mismatch_kind kind, const polkai_schema *writer, const polkai_schema *reader, const char *name)
{
    polkai_mismatch *mismatch = polka_arena_alloc(&b->plan->arena, sizeof *mismatch);
    *mismatch = (polkai_mismatch){ .kind = kind, .writer = writer, .reader = reader, .name = name };
    b->plan->identity = false;
    emit(b, (polkai_step){ .kind = POLKAI_STEP_FAIL, .mismatch = mismatch });
}

/* ---- primitives, enums, fixed ------------------------------------------------------------------ */

static void pass(builder *b, const polkai_schema *writer, bool look_at_text)
{
    switch (writer->type) {
    case POLKAI_AVRO_BOOLEAN: emit_number(b, POLKAI_STEP_BOOLEAN, 0); break;
    case POLKAI_AVRO_INT: emit_number(b, POLKAI_STEP_INT, 0); break;
    case POLKAI_AVRO_LONG: emit_number(b, POLKAI_STEP_LONG, 0); break;
    case POLKAI_AVRO_FLOAT: emit_number(b, POLKAI_STEP_SPAN, 4); break;
    case POLKAI_AVRO_DOUBLE: emit_number(b, POLKAI_STEP_SPAN, 8); break;
    case POLKAI_AVRO_BYTES: emit_number(b, POLKAI_STEP_SIZED, 0); break;
    case POLKAI_AVRO_STRING: emit_number(b, look_at_text ? POLKAI_STEP_TEXT : POLKAI_STEP_SIZED, 0); break;
    case POLKAI_AVRO_ENUM: emit_number(b, POLKAI_STEP_INDEX, writer->count); break;
    case POLKAI_AVRO_FIXED: emit_number(b, POLKAI_STEP_SPAN, writer->fixed_size); break;
    default: break;
    }
}

static void convert(builder *b, polkai_step_kind kind, size_t bytes)
{
    change(b);
    emit_number(b, kind, bytes);
}

/* int to long, string to bytes and back are the same bytes, but the reader would take more. */
static void promote(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    bool from_int = writer->type == POLKAI_AVRO_INT;
    b->plan->identity = false;
    if (writer->type == POLKAI_AVRO_FLOAT)
        convert(b, POLKAI_STEP_FLOAT_DOUBLE, 8);
    else if (reader->type == POLKAI_AVRO_FLOAT)
        convert(b, from_int ? POLKAI_STEP_INT_FLOAT : POLKAI_STEP_LONG_FLOAT, 4);
    else if (reader->type == POLKAI_AVRO_DOUBLE)
        convert(b, from_int ? POLKAI_STEP_INT_DOUBLE : POLKAI_STEP_LONG_DOUBLE, 8);
    else
        pass(b, writer, true);
}

static void symbol(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    int32_t *found = polkai_arena_zeroed(&b->plan->arena, writer->count + 1, sizeof *found);
    bool same = true;
    polkai_match_symbols(writer, reader, found);
    for (size_t i = 0; i < writer->count; i++)
        same = same && found[i] == (int32_t)i;
    if (writer->count != reader->count)
        b->plan->identity = false;       /* an index that the writer cannot mean would be read */
    if (same) {
        pass(b, writer, false);
        return;
    }
    polkai_symbols *symbols = polka_arena_alloc(&b->plan->arena, sizeof *symbols);
    *symbols = (polkai_symbols){ writer, reader, found };
    change(b);
    emit(b, (polkai_step){ .kind = POLKAI_STEP_SYMBOL, .symbols = symbols });
}

static void named(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    if (!polkai_match_names(writer, reader))
        fail(b, POLKAI_WRONG_NAME, writer, reader, NULL);
    else if (writer->type == POLKAI_AVRO_ENUM)
        symbol(b, writer, reader);
    else if (writer->fixed_size != reader->fixed_size)
        fail(b, POLKAI_WRONG_SIZE, writer, reader, NULL);
    else
        pass(b, writer, false);
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

static void items(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    bool map = writer->type == POLKAI_AVRO_MAP;
    uint8_t flags = map || takes_bytes(writer->items, false) ? 0 : POLKAI_MAYBE_EMPTY;
    size_t changes = b->changes, at = emit(b, (polkai_step){ .kind = POLKAI_STEP_ITEMS, .flags = flags, .levels = (uint8_t)(b->levels + 1) });
    unsigned levels = b->levels;
    size_t opener = b->opener;
    b->levels = 0;
    b->opener = at;
    b->nested++;
    if (map)
        emit_number(b, reader != NULL ? POLKAI_STEP_SIZED : POLKAI_STEP_TEXT, 0);
    value(b, writer->items, reader == NULL ? NULL : reader->items);
    emit_number(b, POLKAI_STEP_NEXT, 0);
    b->nested--;
    b->levels = levels;
    b->opener = opener;
    if (b->status != POLKA_OK)
        return;
    land(b, at);
    if (reader != NULL && b->changes != changes)
        b->plan->steps[at].flags |= POLKAI_COUNTED;
}

/* A value that is not a union, for a reader's union: the branch that takes it, tagged; NULL: none takes it. */
static const polkai_schema *branch_for(builder *b, const polkai_schema *writer, const polkai_schema *reader, size_t *index)
{
    *index = polkai_match_branch(writer, reader);
    if (*index < reader->count)
        return reader->branches[*index];
    fail(b, POLKAI_NO_BRANCH, writer, reader, NULL);
    return NULL;
}

/* alike: the branches of both unions go together one by one. */
static void branch(builder *b, const polkai_schema *writer, size_t index, const polkai_schema *reader, bool alike)
{
    size_t opener = b->opener, chosen;
    if (alike) {
        reader = reader->branches[index];
    } else if (reader != NULL && reader->type == POLKAI_AVRO_UNION) {
        reader = branch_for(b, writer, reader, &chosen);
        if (reader == NULL)
            return;
        if (chosen != index) {
            change(b);
            emit_number(b, POLKAI_STEP_TAG, chosen);
        }
    } else if (reader != NULL) {
        change(b);
        emit_number(b, POLKAI_STEP_UNTAG, 0);
    }
    if (writer->type == POLKAI_AVRO_RECORD)
        b->opener = emit(b, (polkai_step){ .kind = POLKAI_STEP_REACH });
    value(b, writer, reader);
    b->opener = opener;
}

static void writer_union(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    size_t at = emit(b, (polkai_step){ .kind = POLKAI_STEP_UNION, .number = writer->count }), jumps = 0;
    bool alike = reader != NULL && polkai_match_alike(writer, reader, false);
    if (reader != NULL && reader->count != writer->count)
        b->plan->identity = false;       /* as with symbols */
    for (size_t i = 0; i < writer->count; i++)
        emit_number(b, POLKAI_STEP_BRANCH, 0);
    b->nested++;
    for (size_t i = 0; i < writer->count && b->status == POLKA_OK; i++) {
        size_t begin = b->plan->count;
        branch(b, writer->branches[i], i, reader, alike);
        if (b->status != POLKA_OK || b->plan->count == begin)
            continue;                    /* nothing to do: lands behind them all */
        b->plan->steps[at + 1 + i].to = (int32_t)(begin - at - 1 - i);
        /* until the end is known, a jump names the one before it */
        jumps = emit(b, (polkai_step){ .kind = POLKAI_STEP_JUMP, .number = jumps });
    }
    b->nested--;
    if (b->status == POLKA_OK && jumps == b->plan->count - 1)
        jumps = (size_t)b->plan->steps[--b->plan->count].number;     /* the last branch runs on */
    for (size_t i = 0; i < writer->count && b->status == POLKA_OK; i++)
        if (b->plan->steps[at + 1 + i].to == 0)
            land(b, at + 1 + i);
    for (size_t jump = jumps; jump != 0 && b->status == POLKA_OK; jump = (size_t)b->plan->steps[jump].number)
        land(b, jump);
}

static void reader_union(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    size_t index;
    const polkai_schema *chosen = branch_for(b, writer, reader, &index);
    if (chosen == NULL)
        return;
    polka_buffer tag = { .arena = &b->plan->arena };
    polka_buffer_reserve(&tag, 10);
    for (uint64_t raw = (uint64_t)index << 1;; raw >>= 7) {
        tag.data[tag.size++] = (uint8_t)(raw > 0x7f ? raw | 0x80 : raw);
        if (raw <= 0x7f)
            break;
    }
    put(b, (polka_bytes){ tag.size, tag.data }, 0);
    value(b, writer, chosen);
}

/* ---- records ----------------------------------------------------------------------------------- */

/* The fields of a pair of records. sources: by the reader's fields; owners: by the writer's, -1: dropped. */
typedef struct { const polkai_schema *writer, *reader; int32_t *sources, *owners; } fields;

/* The defaults of the reader's fields from `first` up to the next one that is written. */
static polka_bytes defaults(builder *b, const fields *f, size_t *first)
{
    polka_buffer bytes = { .arena = &b->plan->arena };
    for (; *first < f->reader->count && f->sources[*first] < 0; ++*first) {
        const polkai_schema_field *field = &f->reader->fields[*first];
        if (b->status == POLKA_OK)
            b->status = polkai_fallback_encode(field->schema, field->fallback, &bytes, b->error);
        if (b->status == POLKA_OK && bytes.size > POLKAI_PLAN_DEFAULT_BYTES)
            b->status = polkai_fail(b->error, POLKA_POISON, "bad-schema", "the defaults of %s take more than %d bytes", f->reader->name, POLKAI_PLAN_DEFAULT_BYTES);
    }
    return (polka_bytes){ b->status == POLKA_OK ? bytes.size : 0, bytes.data };
}

/* Fields from `first` that nobody reads; returns the first that somebody does. */
static size_t pass_unread(builder *b, const fields *f, size_t first)
{
    for (; first < f->writer->count && f->owners[first] < 0; first++)
        value(b, f->writer->fields[first].schema, NULL);
    return first;
}

static size_t drop(builder *b, const fields *f, size_t first)
{
    if (first == f->writer->count || f->owners[first] >= 0)
        return first;
    change(b);
    emit_number(b, POLKAI_STEP_KEEP, 0);
    first = pass_unread(b, f, first);
    emit_number(b, POLKAI_STEP_DROP, 0);
    return first;
}

static void field(builder *b, const fields *f, size_t index)
{
    value(b, f->writer->fields[index].schema, f->reader->fields[f->owners[index]].schema);
}

static void in_order(builder *b, const fields *f)
{
    size_t next = 0;                     /* of the reader */
    for (size_t i = 0; (i = drop(b, f, i)) < f->writer->count; i++) {
        put(b, defaults(b, f, &next), POLKAI_DEFAULT);
        field(b, f, i);
        next++;
    }
    put(b, defaults(b, f, &next), POLKAI_DEFAULT);
}

/* Where the reader's fields come from: constants, and groups, each by its first field. */
static void find_places(builder *b, const fields *f, const uint32_t *group_of, polkai_places *places)
{
    for (size_t next = 0; next < f->reader->count; next++) {
        polka_bytes constant = defaults(b, f, &next);
        places->constant_bytes += constant.size;
        if (constant.size > 0)
            places->items[places->count++].constant = constant;
        if (next < f->reader->count && (next == 0 || f->sources[next - 1] < 0 || f->sources[next - 1] + 1 != f->sources[next]))
            places->items[places->count++].slot = group_of[next];
    }
}

/* Groups of fields in the writer's order, read by somebody or by nobody; first[i]: the first reader's field of a group, or -1. */
typedef struct { size_t begin, *marks; int32_t *first; uint32_t count; } groups;

static void emit_groups(builder *b, const fields *f, groups *g)
{
    g->begin = emit(b, (polkai_step){ .kind = POLKAI_STEP_KEEP });
    g->marks[0] = emit(b, (polkai_step){ .kind = POLKAI_STEP_MARK });
    for (size_t i = 0; i < f->writer->count;) {
        g->first[g->count] = f->owners[i];
        if (f->owners[i] < 0) {
            i = pass_unread(b, f, i);
        } else {
            do
                field(b, f, i++);
            while (i < f->writer->count && f->owners[i - 1] + 1 == f->owners[i]);
        }
        g->count++;
        g->marks[g->count] = emit(b, (polkai_step){ .kind = POLKAI_STEP_MARK, .number = g->count });
    }
}

/* A field changes itself: what was emitted as marks becomes slots. */
static void make_slots(builder *b, const groups *g, size_t gather)
{
    polkai_step *steps = b->plan->steps;
    steps[g->begin].kind = POLKAI_STEP_RECORD;
    steps[g->begin].number = g->count;
    steps[g->marks[0]].kind = POLKAI_STEP_DROP;
    for (uint32_t i = 0; i < g->count; i++) {
        steps[g->marks[i + 1]].kind = g->first[i] < 0 ? POLKAI_STEP_DROP : POLKAI_STEP_SLOT;
        steps[g->marks[i + 1]].number = i;
    }
    steps[gather].kind = POLKAI_STEP_ARRANGE;
}

static void rearranged(builder *b, const fields *f)
{
    groups g = { .marks = polkai_alloc((f->writer->count + 1) * sizeof *g.marks), .first = polkai_alloc((f->writer->count + 1) * sizeof *g.first) };
    uint32_t *group_of = polkai_alloc((f->reader->count + 1) * sizeof *group_of);
    polkai_places *places = polkai_arena_zeroed(&b->plan->arena, 1, sizeof *places + (2 * f->reader->count + 1) * sizeof *places->items);
    change(b);
    size_t changes = b->changes;
    emit_groups(b, f, &g);
    changes = b->changes - changes;
    for (uint32_t i = 0; i < g.count; i++)
        if (g.first[i] >= 0)
            group_of[g.first[i]] = i;
    places->groups = g.count;
    find_places(b, f, group_of, places);
    size_t gather = emit(b, (polkai_step){ .kind = POLKAI_STEP_GATHER, .places = places });
    if (b->status == POLKA_OK && (changes > 0 || g.count > POLKAI_MARKS))
        make_slots(b, &g, gather);
    free(g.marks);
    free(g.first);
    free(group_of);
}

static bool is_in_order(const fields *f)
{
    int32_t last = -1;
    for (size_t i = 0; i < f->reader->count; i++) {
        if (f->sources[i] >= 0 && f->sources[i] < last)
            return false;
        if (f->sources[i] >= 0)
            last = f->sources[i];
    }
    return true;
}

/* false: no value of the record can be read. */
static bool find_fields(builder *b, fields *f)
{
    bool aliases = f->writer != f->reader && polkai_match_names(f->writer, f->reader);
    polkai_match_fields(f->writer, f->reader, aliases, f->sources);
    for (size_t i = 0; i < f->writer->count; i++)
        f->owners[i] = -1;
    for (size_t i = 0; i < f->reader->count; i++) {
        const polkai_schema_field *field = &f->reader->fields[i];
        if (f->sources[i] == POLKAI_FIELD_TWO || (f->sources[i] < 0 && field->fallback == NULL)) {
            fail(b, f->sources[i] == POLKAI_FIELD_TWO ? POLKAI_TWO_FIELDS : POLKAI_NO_FIELD, f->writer, f->reader, field->name);
            return false;
        }
        if (f->sources[i] >= 0)
            f->owners[f->sources[i]] = (int32_t)i;
    }
    return true;
}

static void record_body(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    b->open[b->open_count++] = (polkai_pair){ writer, reader };
    b->levels++;
    if (b->status == POLKA_OK) {
        polkai_step *opener = &b->plan->steps[b->opener];
        if (opener->kind == POLKAI_STEP_ITEMS)
            opener->reach = opener->reach > b->levels ? opener->reach : (uint8_t)b->levels;
        else
            opener->number = opener->number > b->levels ? opener->number : b->levels;
    }
    if (reader == NULL) {
        for (size_t i = 0; i < writer->count && b->status == POLKA_OK; i++)
            value(b, writer->fields[i].schema, NULL);
    } else {
        fields f = { writer, reader, polkai_alloc((reader->count + 1) * sizeof(int32_t)), polkai_alloc((writer->count + 1) * sizeof(int32_t)) };
        if (find_fields(b, &f))
            (is_in_order(&f) ? in_order : rearranged)(b, &f);
        free(f.sources);
        free(f.owners);
    }
    b->levels--;
    b->open_count--;
}

static void record(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    bool call = b->open_count > INLINED || b->nested >= NESTED || b->plan->count - b->routine_at > INLINED_STEPS;
    for (unsigned i = 0; i < b->open_count; i++)
        call = call || (b->open[i].writer == writer && b->open[i].reader == reader);
    b->changes += call && reader != NULL;        /* who knows what is there */
    if (call)
        emit(b, (polkai_step){ .kind = POLKAI_STEP_CALL, .levels = (uint8_t)b->levels, .to = (int32_t)polkai_pairs_add(&b->routines, writer, reader) });
    else
        record_body(b, writer, reader);
}

/* ---- all --------------------------------------------------------------------------------------- */

/* reader NULL: the value is dropped. */
static void value(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    if (b->status != POLKA_OK)
        return;
    polkai_match match = polkai_match_types(writer, reader == NULL ? writer : reader);
    switch (match) {
    case POLKAI_MATCH_SAME: pass(b, writer, reader == NULL); break;
    case POLKAI_MATCH_PROMOTION: promote(b, writer, reader); break;
    case POLKAI_MATCH_RECORD: record(b, writer, reader); break;
    case POLKAI_MATCH_ENUM:
    case POLKAI_MATCH_FIXED: reader == NULL ? pass(b, writer, true) : named(b, writer, reader); break;
    case POLKAI_MATCH_ITEMS: items(b, writer, reader); break;
    case POLKAI_MATCH_WRITER_UNION: writer_union(b, writer, reader); break;
    case POLKAI_MATCH_READER_UNION: reader_union(b, writer, reader); break;
    case POLKAI_MATCH_NONE: fail(b, POLKAI_WRONG_TYPE, writer, reader, NULL); break;
    }
}

static void routine(builder *b, const polkai_schema *writer, const polkai_schema *reader)
{
    b->routine_at = b->plan->count;
    b->levels = 0;
    b->open_count = b->nested = 0;
    b->opener = emit(b, (polkai_step){ .kind = POLKAI_STEP_REACH });
    value(b, writer, reader);
    emit(b, (polkai_step){ .kind = POLKAI_STEP_RETURN });
}

/*
 * Calls get their routines' first steps. Two numbers in a row are passed at once, and a MARK with what is passed before it; all
 * steps stay in their places, so that jumps land where they did.
 */
static void link(polkai_plan *plan, const uint32_t *starts)
{
    for (size_t i = 0; i < plan->count; i++) {
        polkai_step *step = &plan->steps[i], *next = step + 1;
        bool is_number = step->kind == POLKAI_STEP_LONG || step->kind == POLKAI_STEP_INT;
        if (step->kind == POLKAI_STEP_CALL)
            step->to = (int32_t)starts[step->to];
        if (step->kind <= POLKAI_STEP_TEXT && next->kind == POLKAI_STEP_MARK && next->number < UINT8_MAX)
            step->mark = (uint8_t)(next->number + 1);
        if (is_number && (next->kind == POLKAI_STEP_LONG || next->kind == POLKAI_STEP_INT))
            *step = (polkai_step){ .kind = POLKAI_STEP_NUMBERS, .number = step->kind == POLKAI_STEP_INT };
    }
    plan->identity = plan->identity && plan->unchanged;
}

polka_status polkai_plan_build(polkai_plan *plan, polka_error *error)
{
    builder b = { .plan = plan, .error = error, .status = POLKA_OK };
    uint32_t *starts = NULL;
    size_t room = 0;
    plan->identity = plan->unchanged = true;
    polkai_pairs_add(&b.routines, plan->writer, plan->reader);
    for (size_t i = 0; i < b.routines.count && b.status == POLKA_OK; i++) {
        if (i == room)
            starts = polkai_realloc(starts, (room = room == 0 ? 16 : room * 2) * sizeof *starts);
        starts[i] = (uint32_t)plan->count;
        routine(&b, b.routines.items[i].writer, b.routines.items[i].reader);
    }
    if (b.status == POLKA_OK)
        link(plan, starts);
    polkai_pairs_deinit(&b.routines);
    free(starts);
    return b.status;
}
