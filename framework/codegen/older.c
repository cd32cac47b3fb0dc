/*
 * older.c: the decoder of an earlier version of an event: its fields in the order in which they were written, straight into the
 * newest struct. What matches what is said by match.h alone.
 *
 * A version has a decoder when each value of it can be read. Where one can be refused (a symbol or branch that the newest version
 * does not have, a field without a default, types that do not go together, a union of nulls for a null), or where a default takes
 * more than 64 KiB, there is none: the plan reads it, and says what does not go together.
 */
#include "older.h"

#include <avro/match.h>
#include <avro/pairs.h>

/* ---- functions --------------------------------------------------------------------------------- */

/* Of a record or an enum one function does for all its places. */
static bool is_same_place(const shape *a, const shape *b)
{
    return a == b || (a != NULL && b != NULL && a->named != NULL && a->named == b->named && a->kind == b->kind);
}

static bool is_same_job(const job *a, const job *b)
{
    if (a->kind != b->kind || a->writer != b->writer || a->reader != b->reader)
        return false;
    return a->kind == JOB_DEFAULT ? a->shape == b->shape : is_same_place(a->shape, b->shape);
}

const char *gen_job(older_decoder *d, job wanted)
{
    static const char *const does[] = { [JOB_READ] = "read", [JOB_PASS] = "pass", [JOB_DEFAULT] = "default" };
    for (size_t i = 0; i < d->jobs.count; i++)
        if (is_same_job(&d->jobs.items[i], &wanted))
            return d->jobs.items[i].name;
    wanted.name = CALL(d->g, "%s__%s%u_%zu", d->event->name, does[wanted.kind], d->version, d->jobs.count);
    LIST_ADD(&d->g->arena, &d->jobs, wanted);
    return wanted.name;
}

/* ---- which values read as they are ------------------------------------------------------------- */

static bool same(polkai_pairs *seen, const polkai_schema *writer, const polkai_schema *reader);

static bool is_in_place(const int32_t *found, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (found[i] != (int32_t)i)
            return false;
    return true;
}

static void find_fields(const polkai_schema *writer, const polkai_schema *reader, int32_t *found)
{
    polkai_match_fields(writer, reader, writer != reader && polkai_match_names(writer, reader), found);
}

static bool same_record(polkai_pairs *seen, const polkai_schema *writer, const polkai_schema *reader)
{
    size_t before = seen->count;
    if (writer->count != reader->count || polkai_pairs_add(seen, writer, reader) < before)
        return writer->count == reader->count;           /* being compared; unless something else differs */
    int32_t *found = polkai_alloc((reader->count + 1) * sizeof *found);
    find_fields(writer, reader, found);
    bool all = is_in_place(found, reader->count);
    free(found);
    for (size_t i = 0; all && i < reader->count; i++)
        all = same(seen, writer->fields[i].schema, reader->fields[i].schema);
    return all;
}

static bool same_enum(const polkai_schema *writer, const polkai_schema *reader)
{
    int32_t *found = polkai_alloc((writer->count + 1) * sizeof *found);
    polkai_match_symbols(writer, reader, found);
    bool all = polkai_match_names(writer, reader) && writer->count == reader->count && is_in_place(found, writer->count);
    free(found);
    return all;
}

/* The branch of the reader's union that the writer's `index`-th branch becomes; its count: none. */
static size_t branch_of(const polkai_schema *writer, size_t index, const polkai_schema *reader)
{
    return polkai_match_alike(writer, reader, false) ? index : polkai_match_branch(writer->branches[index], reader);
}

static bool same_union(polkai_pairs *seen, const polkai_schema *writer, const polkai_schema *reader)
{
    bool all = reader->type == POLKAI_AVRO_UNION && writer->count == reader->count;
    for (size_t i = 0; all && i < writer->count; i++)
        all = branch_of(writer, i, reader) == i && same(seen, writer->branches[i], reader->branches[i]);
    return all;
}

static bool same(polkai_pairs *seen, const polkai_schema *writer, const polkai_schema *reader)
{
    switch (polkai_match_types(writer, reader)) {
    case POLKAI_MATCH_SAME: return true;
    case POLKAI_MATCH_RECORD: return same_record(seen, writer, reader);
    case POLKAI_MATCH_ENUM: return same_enum(writer, reader);
    case POLKAI_MATCH_FIXED: return polkai_match_names(writer, reader) && writer->fixed_size == reader->fixed_size;
    case POLKAI_MATCH_ITEMS: return same(seen, writer->items, reader->items);
    case POLKAI_MATCH_WRITER_UNION: return same_union(seen, writer, reader);
    default: return false;
    }
}

/* The reader's own function reads what the writer wrote, with the same checks. */
static bool reads_as_it_is(const polkai_schema *writer, const polkai_schema *reader)
{
    polkai_pairs seen = { 0 };
    bool all = same(&seen, writer, reader);
    polkai_pairs_deinit(&seen);
    return all;
}

/* ---- calls ------------------------------------------------------------------------------------- */

static const char *promoted(older_decoder *d, const polkai_schema *writer, const shape *s, const char *to)
{
    if (writer->type == POLKAI_AVRO_BYTES)
        return gen_read_call(d->g, s, to);
    if (writer->type == POLKAI_AVRO_STRING)
        return CALL(d->g, "polka_pass_text(r, at) == NULL ? NULL : %s", gen_read_call(d->g, s, to));
    return CALL(d->g, "polka_read_%s_as_%s(r, at, %s)", polkai_avro_type_name(writer->type), polkai_avro_type_name(s->schema->type), to);
}

/* An expression that reads what `writer` wrote into *`to`, and gives the place behind it. */
static const char *read_call(older_decoder *d, const polkai_schema *writer, const polkai_schema *reader, const shape *s, const char *to)
{
    if (reads_as_it_is(writer, reader))
        return gen_read_call(d->g, s, to);
    polkai_match match = polkai_match_types(writer, reader);
    d->refused = d->refused || s->kind == SHAPE_NULL || match == POLKAI_MATCH_NONE || match == POLKAI_MATCH_FIXED;
    if (d->refused)
        return "at";
    if (match == POLKAI_MATCH_PROMOTION)
        return promoted(d, writer, s, to);
    return CALL(d->g, "%s(r, at, %s)", gen_job(d, (job){ .kind = JOB_READ, .writer = writer, .reader = reader, .shape = s }), to);
}

/* ---- unions ------------------------------------------------------------------------------------ */

/* A pointer, text or bytes of [null, T]. */
static void into_nullable(older_decoder *d, const char *indent, const polkai_schema *writer, const polkai_schema *reader, const shape *s, size_t chosen)
{
    if (chosen == s->null_index && s->or_null) {
        out_add(&d->body, "%s*v = (%s){ 0 };\n%sreturn at;\n", indent, s->type, indent);
    } else if (chosen == s->null_index) {
        out_add(&d->body, "%s*v = NULL;\n%sreturn at;\n", indent, indent);
    } else if (s->or_null) {
        shape *plain = polkai_arena_zeroed(&d->g->arena, 1, sizeof *plain);
        *plain = *s;
        plain->or_null = false;
        out_add(&d->body, "%sreturn %s;\n", indent, read_call(d, writer, reader->branches[chosen], plain, "v"));
    } else {
        out_add(&d->body, "%s%s *value = polka_read_memory(r, at, sizeof *value);\n%sif ((*v = value) == NULL)\n%s    return NULL;\n%sreturn %s;\n",
                indent, s->inner->type, indent, indent, indent,
                read_call(d, writer, reader->branches[chosen], s->inner, "value"));
    }
}

/* What `writer`, no union, wrote: chosen is the branch when the reader has a union. */
static void into(older_decoder *d, const char *indent, const polkai_schema *writer, const polkai_schema *reader, const shape *s, size_t chosen)
{
    d->refused = d->refused || (reader->type == POLKAI_AVRO_UNION && chosen >= reader->count);
    if (d->refused)
        return;
    if (reader->type != POLKAI_AVRO_UNION)
        out_add(&d->body, "%sreturn %s;\n", indent, read_call(d, writer, reader, s, "v"));
    else if (s->kind != SHAPE_UNION)
        into_nullable(d, indent, writer, reader, s, chosen);
    else
        gen_write_branch(&d->body, indent, &s->branches[chosen],
                         read_call(d, writer, reader->branches[chosen], s->branches[chosen].shape, gen_branch_place(d->g, &s->branches[chosen])));
}

static void write_from_union(older_decoder *d, const job *at)
{
    const polkai_schema *writer = at->writer, *reader = at->reader;
    out_add(&d->body, "    unsigned branch;\n"
                      "    if ((at = polka_read_index(r, at, %zu, \"union\", &branch)) == NULL)\n"
                      "        return NULL;\n"
                      "    switch (branch) {\n", writer->count);
    for (size_t i = 0; i < writer->count && !d->refused; i++) {
        out_add(&d->body, i + 1 < writer->count ? "    case %zu: {\n" : "    default: {\n", i);
        into(d, "        ", writer->branches[i], reader, at->shape, reader->type == POLKAI_AVRO_UNION ? branch_of(writer, i, reader) : 0);
        out_add(&d->body, "    }\n");
    }
    out_add(&d->body, "    }\n}\n");
}

static void write_into_union(older_decoder *d, const job *at)
{
    into(d, "    ", at->writer, at->reader, at->shape, polkai_match_branch(at->writer, at->reader));
    out_add(&d->body, "}\n");
}

/* ---- enums, arrays, maps ----------------------------------------------------------------------- */

static void write_enum(older_decoder *d, const job *at)
{
    const polkai_schema *writer = at->writer;
    int32_t *found = polkai_arena_zeroed(&d->g->arena, writer->count + 1, sizeof *found);
    polkai_match_symbols(writer, at->reader, found);
    d->refused = d->refused || !polkai_match_names(writer, at->reader);
    out_add(&d->body, "    static const %s symbols[] = {", at->shape->type);
    for (size_t i = 0; i < writer->count && !d->refused; i++) {
        d->refused = found[i] < 0;
        if (!d->refused)
            out_add(&d->body, "%s%s,", i % 4 == 0 ? "\n        " : " ", at->shape->named->symbols[found[i]]);
    }
    out_add(&d->body, "\n    };\n"
                      "    unsigned index;\n"
                      "    if ((at = polka_read_index(r, at, %zu, \"enum\", &index)) == NULL)\n"
                      "        return NULL;\n"
                      "    *v = symbols[index];\n"
                      "    return at;\n}\n", writer->count);
}

static void write_items(older_decoder *d, const job *at)
{
    const shape *item = at->shape->inner;
    gen_write_items(d->g, &d->body, at->shape, at->writer->items, read_call(d, at->writer->items, at->reader->items, item, gen_item(at->shape)));
}

/* ---- records ----------------------------------------------------------------------------------- */

static void write_field(older_decoder *d, const polkai_schema_field *field, const member *owner)
{
    const char *name = owner == NULL ? field->name : owner->field->name;
    const char *call = owner == NULL ? gen_pass_call(d, field->schema)
                                     : read_call(d, field->schema, owner->field->schema, owner->shape, CALL(d->g, "&v->%s", owner->name));
    if (strcmp(call, "at") != 0)
        out_add(&d->body, "    if ((at = %s) == NULL)\n        return polka_read_in(r, \"%s\");\n", call, name);
}

static bool has_members(const named *type)
{
    for (size_t i = 0; i < type->member_count; i++)
        if (type->members[i].shape->kind != SHAPE_NULL)
            return true;
    return false;
}

static void write_record(older_decoder *d, const job *at)
{
    const named *type = at->shape->named;
    const polkai_schema *writer = at->writer, *reader = at->reader;
    int32_t *found = polkai_arena_zeroed(&d->g->arena, reader->count + 1, sizeof *found);
    const member **owners = polkai_arena_zeroed(&d->g->arena, writer->count + 1, sizeof(member *));
    bool recursive = gen_is_recursive(writer);
    find_fields(writer, reader, found);
    for (size_t i = 0; i < reader->count; i++) {
        d->refused = d->refused || found[i] == POLKAI_FIELD_TWO || (found[i] < 0 && reader->fields[i].fallback == NULL);
        if (found[i] >= 0)
            owners[found[i]] = &type->members[i];
    }
    if (recursive)
        out_add(&d->body, "    if (!polka_read_deeper(r, at))\n        return NULL;\n");
    for (size_t i = 0; i < writer->count && !d->refused; i++)
        write_field(d, &writer->fields[i], owners[i]);
    for (size_t i = 0; i < reader->count && !d->refused; i++)
        if (found[i] < 0)
            gen_write_default(d, &type->members[i]);
    out_add(&d->body, "%s%s    return at;\n}\n", has_members(type) ? "" : "    v->nothing = 0;\n", recursive ? "    r->depth--;\n" : "");
}

/* ---- all --------------------------------------------------------------------------------------- */

static void write_head(out *o, const job *at)
{
    const char *reader = at->kind == JOB_DEFAULT ? "reader" : "r", *place = at->kind == JOB_DEFAULT ? "place" : "at";
    out_add(o, "\nstatic const uint8_t *%s(polka_reader *%s, const uint8_t *%s", at->name, reader, place);
    if (at->shape != NULL)
        out_add(o, ", %s%s*v", at->shape->type, at->shape->type[strlen(at->shape->type) - 1] == '*' ? "" : " ");
    out_add(o, ")");
}

static void write_job(older_decoder *d, const job *at)
{
    write_head(&d->body, at);
    out_add(&d->body, "\n{\n");
    if (at->kind == JOB_PASS)
        gen_write_pass(d, at->writer);
    else if (at->kind == JOB_DEFAULT)
        gen_write_default_bytes(d, at);
    else
        switch (polkai_match_types(at->writer, at->reader)) {
        case POLKAI_MATCH_WRITER_UNION: write_from_union(d, at); break;
        case POLKAI_MATCH_READER_UNION: write_into_union(d, at); break;
        case POLKAI_MATCH_ENUM: write_enum(d, at); break;
        case POLKAI_MATCH_ITEMS: write_items(d, at); break;
        default: write_record(d, at); break;
        }
}

void gen_write_older(gen *g, out *o, named *event, older_schema *older)
{
    older_decoder d = { .g = g, .event = event, .version = older->version };
    const shape whole = { .kind = SHAPE_RECORD, .schema = event->schema, .type = event->name, .named = event };
    older->decode = CALL(g, "%s__decode", event->name);
    if (reads_as_it_is(older->parsed, event->schema) || polkai_match_alike(older->parsed, event->schema, true))
        return;                                          /* the same bytes: the newest decoder */
    gen_job(&d, (job){ .kind = JOB_READ, .writer = older->parsed, .reader = event->schema, .shape = &whole });
    for (size_t i = 0; i < d.jobs.count && !d.refused; i++) {
        job at = d.jobs.items[i];
        write_job(&d, &at);
    }
    older->decode = d.refused ? NULL : CALL(g, "%s__decode%u", event->name, older->version);
    if (!d.refused) {
        out_add(o, "\n/* ---- version %u of %s ---- */\n", older->version, event->schema->name);
        for (size_t i = 0; i < d.jobs.count; i++) {
            write_head(o, &d.jobs.items[i]);
            out_add(o, ";");
        }
        out_add(o, "\n%s", d.body.data);
        gen_write_entrance(g, o, event, older->decode, d.jobs.items[0].name);
    }
    out_deinit(&d.body);
}
