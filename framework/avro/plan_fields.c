/* plan_fields.c: the steps of a pair of records: which fields are passed, dropped, added and moved. */
#include <avro/plan_draft.h>

#include <avro/fallback.h>
#include <avro/match.h>
#include <avro/wire.h>
#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

enum {
    INLINED_STEPS = 200,                 /* a routine that is longer calls */
    NESTED = 64                          /* arrays, maps and unions around an inlined record */
};

/* The fields of a pair of records. sources: by the reader's fields; owners: by the writer's, -1: dropped. */
typedef struct { const polkai_schema *writer, *reader; int32_t *sources, *owners; } fields;

/* The defaults of the reader's fields from `first` up to the next one that is written. */
static polka_bytes defaults(polkai_draft *d, const fields *f, size_t *first)
{
    polka_buffer bytes = { .arena = &d->arena };
    for (; *first < f->reader->count && f->sources[*first] < 0; ++*first) {
        const polkai_schema_field *field = &f->reader->fields[*first];
        if (d->status == POLKA_OK)
            d->status = polkai_fallback_encode(field->schema, field->fallback, &bytes, d->error);
        if (d->status == POLKA_OK && bytes.size > POLKAI_PLAN_DEFAULT_BYTES)
            d->status = polkai_fail(d->error, POLKA_POISON, "bad-schema", "the defaults of %s take more than %d bytes", f->reader->name, POLKAI_PLAN_DEFAULT_BYTES);
    }
    return (polka_bytes){ d->status == POLKA_OK ? bytes.size : 0, bytes.data };
}

/* Fields from `first` that nobody reads; returns the first that somebody does. */
static size_t pass_unread(polkai_draft *d, const fields *f, size_t first)
{
    for (; first < f->writer->count && f->owners[first] < 0; first++)
        polkai_draft_value(d, f->writer->fields[first].schema, NULL);
    return first;
}

static size_t drop(polkai_draft *d, const fields *f, size_t first)
{
    if (first == f->writer->count || f->owners[first] >= 0)
        return first;
    polkai_draft_change(d);
    polkai_draft_kind(d, POLKAI_STEP_KEEP, 0);
    first = pass_unread(d, f, first);
    polkai_draft_kind(d, POLKAI_STEP_DROP, 0);
    return first;
}

static void field(polkai_draft *d, const fields *f, size_t index)
{
    polkai_draft_value(d, f->writer->fields[index].schema, f->reader->fields[f->owners[index]].schema);
}

static void in_order(polkai_draft *d, const fields *f)
{
    size_t next = 0;                     /* of the reader */
    for (size_t i = 0; (i = drop(d, f, i)) < f->writer->count; i++) {
        polkai_draft_put(d, defaults(d, f, &next), POLKAI_DEFAULT);
        field(d, f, i);
        next++;
    }
    polkai_draft_put(d, defaults(d, f, &next), POLKAI_DEFAULT);
}

/* Where the reader's fields come from: constants, and groups, each by its first field. `step` gets them. */
static void find_places(polkai_draft *d, const fields *f, const int32_t *group_of, uint32_t groups, size_t step)
{
    int32_t *items = polkai_alloc((2 * f->reader->count + 1) * sizeof *items);
    uint32_t count = 0;
    polka_buffer constants = { .arena = &d->arena };
    for (size_t next = 0; next < f->reader->count; next++) {
        polka_bytes constant = defaults(d, f, &next);
        polkai_put_bytes(&constants, constant.data, constant.size);
        if (constant.size > 0)
            items[count++] = -(int32_t)constant.size;
        if (next < f->reader->count && (next == 0 || f->sources[next - 1] < 0 || f->sources[next - 1] + 1 != f->sources[next]))
            items[count++] = group_of[next];
    }
    if (d->status == POLKA_OK) {
        size_t items_size = count * sizeof *items, size = sizeof(polkai_places) + items_size + constants.size;
        polkai_places *places = polka_arena_alloc(&d->arena, size);
        *places = (polkai_places){ groups, count, constants.size };
        memcpy(places->items, items, items_size);
        if (constants.size > 0)
            memcpy((uint8_t *)places->items + items_size, constants.data, constants.size);
        d->steps[step].data = places;
        d->steps[step].size = size;
    }
    free(items);
}

/* Groups of fields in the writer's order, read by somebody or by nobody; first[i]: the first reader's field of a group, or -1. */
typedef struct { size_t begin, *marks; int32_t *first; uint32_t count; } groups;

static void emit_groups(polkai_draft *d, const fields *f, groups *g)
{
    g->begin = polkai_draft_kind(d, POLKAI_STEP_KEEP, 0);
    g->marks[0] = polkai_draft_kind(d, POLKAI_STEP_MARK, 1);
    for (size_t i = 0; i < f->writer->count;) {
        g->first[g->count] = f->owners[i];
        if (f->owners[i] < 0) {
            i = pass_unread(d, f, i);
        } else {
            do
                field(d, f, i++);
            while (i < f->writer->count && f->owners[i - 1] + 1 == f->owners[i]);
        }
        g->count++;
        g->marks[g->count] = polkai_draft_kind(d, POLKAI_STEP_MARK, g->count + 1);
    }
}

static void become(polkai_draft *d, size_t step, polkai_step_kind kind, uint32_t to)
{
    d->steps[step].step.kind = (uint8_t)kind;
    d->steps[step].step.to = (int32_t)to;
}

/* A field changes itself: what was emitted as marks becomes slots. */
static void make_slots(polkai_draft *d, const groups *g, size_t gather)
{
    become(d, g->begin, POLKAI_STEP_RECORD, g->count);
    become(d, g->marks[0], POLKAI_STEP_DROP, 0);
    for (uint32_t i = 0; i < g->count; i++)
        become(d, g->marks[i + 1], g->first[i] < 0 ? POLKAI_STEP_DROP : POLKAI_STEP_SLOT, i);
    become(d, gather, POLKAI_STEP_ARRANGE, 0);
}

static void rearranged(polkai_draft *d, const fields *f)
{
    groups g = { .marks = polkai_alloc((f->writer->count + 1) * sizeof *g.marks), .first = polkai_alloc((f->writer->count + 1) * sizeof *g.first) };
    int32_t *group_of = polkai_alloc((f->reader->count + 1) * sizeof *group_of);
    polkai_draft_change(d);
    size_t changes = d->changes;
    emit_groups(d, f, &g);
    changes = d->changes - changes;
    for (uint32_t i = 0; i < g.count; i++)
        if (g.first[i] >= 0)
            group_of[g.first[i]] = (int32_t)i;
    size_t gather = polkai_draft_kind(d, POLKAI_STEP_GATHER, 0);
    find_places(d, f, group_of, g.count, gather);
    if (d->status == POLKA_OK && (changes > 0 || g.count > POLKAI_MARKS))
        make_slots(d, &g, gather);
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
static bool find_fields(polkai_draft *d, fields *f)
{
    bool aliases = f->writer != f->reader && polkai_match_names(f->writer, f->reader);
    polkai_match_fields(f->writer, f->reader, aliases, f->sources);
    for (size_t i = 0; i < f->writer->count; i++)
        f->owners[i] = -1;
    for (size_t i = 0; i < f->reader->count; i++) {
        const polkai_schema_field *field = &f->reader->fields[i];
        if (f->sources[i] == POLKAI_FIELD_TWO || (f->sources[i] < 0 && field->fallback == NULL)) {
            polkai_draft_fail(d, f->sources[i] == POLKAI_FIELD_TWO ? POLKAI_TWO_FIELDS : POLKAI_NO_FIELD, f->writer, f->reader, field->name);
            return false;
        }
        if (f->sources[i] >= 0)
            f->owners[f->sources[i]] = (int32_t)i;
    }
    return true;
}

static void record_body(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader)
{
    d->open[d->open_count++] = (polkai_pair){ writer, reader };
    d->levels++;
    if (d->status == POLKA_OK) {
        polkai_step *opener = &d->steps[d->opener].step;
        if (opener->kind == POLKAI_STEP_ITEMS)
            opener->reach = opener->reach > d->levels ? opener->reach : (uint8_t)d->levels;
        else
            opener->to = opener->to > (int32_t)d->levels ? opener->to : (int32_t)d->levels;
    }
    if (reader == NULL) {
        for (size_t i = 0; i < writer->count && d->status == POLKA_OK; i++)
            polkai_draft_value(d, writer->fields[i].schema, NULL);
    } else {
        fields f = { writer, reader, polkai_alloc((reader->count + 1) * sizeof(int32_t)), polkai_alloc((writer->count + 1) * sizeof(int32_t)) };
        if (find_fields(d, &f))
            (is_in_order(&f) ? in_order : rearranged)(d, &f);
        free(f.sources);
        free(f.owners);
    }
    d->levels--;
    d->open_count--;
}

void polkai_draft_record(polkai_draft *d, const polkai_schema *writer, const polkai_schema *reader)
{
    bool call = d->open_count > POLKAI_PLAN_INLINED || d->nested >= NESTED || d->count - d->routine_at > INLINED_STEPS;
    for (unsigned i = 0; i < d->open_count; i++)
        call = call || (d->open[i].writer == writer && d->open[i].reader == reader);
    d->changes += call && reader != NULL;        /* who knows what is there */
    if (!call) {
        record_body(d, writer, reader);
        return;
    }
    size_t at = polkai_draft_add(d, (polkai_step){ .kind = POLKAI_STEP_CALL, .levels = (uint8_t)d->levels });
    size_t routine = polkai_pairs_add(&d->routines, writer, reader);
    if (d->status == POLKA_OK)
        d->steps[at].next = routine;
}
