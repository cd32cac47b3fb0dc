/* match.c: the rules of matching, without memory of what was asked before. */
#include <avro/match.h>

#include <avro/pairs.h>
#include <base/arena.h>
#include <stdlib.h>

/* ---- types ------------------------------------------------------------------------------------- */

static bool promotes(polkai_avro_type from, polkai_avro_type to)
{
    switch (to) {
    case POLKAI_AVRO_LONG: return from == POLKAI_AVRO_INT;
    case POLKAI_AVRO_FLOAT: return from == POLKAI_AVRO_INT || from == POLKAI_AVRO_LONG;
    case POLKAI_AVRO_DOUBLE: return from == POLKAI_AVRO_INT || from == POLKAI_AVRO_LONG || from == POLKAI_AVRO_FLOAT;
    case POLKAI_AVRO_BYTES: return from == POLKAI_AVRO_STRING;
    case POLKAI_AVRO_STRING: return from == POLKAI_AVRO_BYTES;
    default: return false;
    }
}

polkai_match polkai_match_types(const polkai_schema *writer, const polkai_schema *reader)
{
    if (writer->type == POLKAI_AVRO_UNION)
        return POLKAI_MATCH_WRITER_UNION;
    if (reader->type == POLKAI_AVRO_UNION)
        return POLKAI_MATCH_READER_UNION;
    if (writer->type != reader->type)
        return promotes(writer->type, reader->type) ? POLKAI_MATCH_PROMOTION : POLKAI_MATCH_NONE;
    switch (writer->type) {
    case POLKAI_AVRO_RECORD: return POLKAI_MATCH_RECORD;
    case POLKAI_AVRO_ENUM: return POLKAI_MATCH_ENUM;
    case POLKAI_AVRO_FIXED: return POLKAI_MATCH_FIXED;
    case POLKAI_AVRO_ARRAY:
    case POLKAI_AVRO_MAP: return POLKAI_MATCH_ITEMS;
    default: return POLKAI_MATCH_SAME;
    }
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot == NULL ? name : dot + 1;
}

static bool has_alias(const polkai_schema *reader, const char *name)
{
    for (size_t i = 0; reader->aliases[i] != NULL; i++)
        if (strcmp(reader->aliases[i], name) == 0)
            return true;
    return false;
}

bool polkai_match_names(const polkai_schema *writer, const polkai_schema *reader)
{
    return strcmp(last_part(writer->name), last_part(reader->name)) == 0 || has_alias(reader, writer->name);
}

/* ---- names of fields and symbols --------------------------------------------------------------- */

/* An index of names: a hash table when there are many, so that two large types are not compared name by name. */
enum { FEW = 12 };
typedef struct {
    const polkai_schema *schema;         /* a record or an enum */
    uint32_t *slots, mask;               /* index + 1; 0: free. NULL: few names */
} names;

static const char *name_at(const polkai_schema *schema, size_t index)
{
    return schema->type == POLKAI_AVRO_RECORD ? schema->fields[index].name : schema->symbols[index];
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261u;         /* FNV-1a */
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash ^ hash >> 15;
}

static void names_init(names *index, const polkai_schema *schema)
{
    *index = (names){ .schema = schema };
    if (schema->count <= FEW)
        return;
    index->mask = 31;
    while (index->mask < 2 * schema->count)
        index->mask = index->mask * 2 + 1;
    index->slots = polkai_alloc((index->mask + 1) * sizeof *index->slots);
    for (size_t i = 0; i < schema->count; i++) {
        uint32_t slot = hash_of(name_at(schema, i)) & index->mask;
        while (index->slots[slot] != 0)
            slot = (slot + 1) & index->mask;
        index->slots[slot] = (uint32_t)i + 1;
    }
}

static void names_deinit(names *index)
{
    free(index->slots);
}

static int32_t names_find(const names *index, const char *name)
{
    if (index->slots == NULL) {
        for (size_t i = 0; i < index->schema->count; i++)
            if (strcmp(name_at(index->schema, i), name) == 0)
                return (int32_t)i;
        return -1;
    }
    for (uint32_t slot = hash_of(name) & index->mask; index->slots[slot] != 0; slot = (slot + 1) & index->mask)
        if (strcmp(name_at(index->schema, index->slots[slot] - 1), name) == 0)
            return (int32_t)(index->slots[slot] - 1);
    return -1;
}

void polkai_match_fields(const polkai_schema *writer, const polkai_schema *reader, bool aliases, int32_t *found)
{
    int32_t few[FEW], *owners = writer->count <= FEW ? few : polkai_alloc(writer->count * sizeof *owners);
    names written;
    names_init(&written, writer);
    for (size_t i = 0; i < writer->count; i++)
        owners[i] = -1;
    for (size_t i = 0; aliases && i < reader->count; i++)
        for (size_t k = 0; reader->fields[i].aliases[k] != NULL; k++) {
            int32_t at = names_find(&written, reader->fields[i].aliases[k]);
            if (at >= 0)
                owners[at] = (int32_t)i;
        }
    for (size_t i = 0; i < reader->count; i++) {
        int32_t at = names_find(&written, reader->fields[i].name);
        if (at >= 0 && owners[at] < 0)
            owners[at] = (int32_t)i;
        found[i] = POLKAI_FIELD_NONE;
    }
    for (size_t i = 0; i < writer->count; i++)
        if (owners[i] >= 0)
            found[owners[i]] = found[owners[i]] == POLKAI_FIELD_NONE ? (int32_t)i : POLKAI_FIELD_TWO;
    names_deinit(&written);
    if (owners != few)
        free(owners);
}

void polkai_match_symbols(const polkai_schema *writer, const polkai_schema *reader, int32_t *found)
{
    names known;
    names_init(&known, reader);
    int32_t fallback = reader->symbol_default == NULL ? -1 : names_find(&known, reader->symbol_default);
    for (size_t i = 0; i < writer->count; i++) {
        int32_t at = names_find(&known, writer->symbols[i]);
        found[i] = at >= 0 ? at : fallback;
    }
    names_deinit(&known);
}

/* ---- branches ---------------------------------------------------------------------------------- */

/*
 * A record fits another of a different name when no field fails at first sight. Unions and records inside are looked into
 * so far and so often; beyond that they fit.
 */
enum { LOOKS = 20000, LOOK_DEPTH = 16 };
typedef struct { long looks; unsigned depth; } looking;

static size_t branch_of(looking *look, const polkai_schema *writer, const polkai_schema *reader);

static bool lacks_field(const polkai_schema *reader, const int32_t *found)
{
    for (size_t i = 0; i < reader->count; i++)
        if (found[i] == POLKAI_FIELD_TWO || (found[i] == POLKAI_FIELD_NONE && reader->fields[i].fallback == NULL))
            return true;
    return false;
}

/* Would no value at all of `writer` be read? Of a record only what it lacks counts. */
static bool fails(looking *look, const polkai_schema *writer, const polkai_schema *reader)
{
    switch (polkai_match_types(writer, reader)) {
    case POLKAI_MATCH_NONE: return true;
    case POLKAI_MATCH_ENUM: return !polkai_match_names(writer, reader);
    case POLKAI_MATCH_FIXED: return !polkai_match_names(writer, reader) || writer->fixed_size != reader->fixed_size;
    case POLKAI_MATCH_READER_UNION: return branch_of(look, writer, reader) == reader->count;
    case POLKAI_MATCH_RECORD: {
        int32_t *found = polkai_alloc((reader->count + 1) * sizeof *found);
        polkai_match_fields(writer, reader, polkai_match_names(writer, reader), found);
        bool lacks = lacks_field(reader, found);
        free(found);
        return lacks;
    }
    default: return false;
    }
}

static bool record_fits(looking *look, const polkai_schema *writer, const polkai_schema *reader)
{
    look->looks -= (long)(1 + writer->count + reader->count);
    if (look->looks <= 0 || look->depth >= LOOK_DEPTH)
        return true;
    look->depth++;
    int32_t *found = polkai_alloc((reader->count + 1) * sizeof *found);
    polkai_match_fields(writer, reader, polkai_match_names(writer, reader), found);
    bool fits = !lacks_field(reader, found);
    for (size_t i = 0; fits && i < reader->count; i++)
        fits = found[i] == POLKAI_FIELD_NONE || !fails(look, writer->fields[found[i]].schema, reader->fields[i].schema);
    free(found);
    look->depth--;
    return fits;
}

static size_t record_branch(looking *look, const polkai_schema *writer, const polkai_schema *reader)
{
    size_t best = reader->count;
    for (size_t i = 0; i < reader->count; i++) {
        const polkai_schema *branch = reader->branches[i];
        if (branch->type != POLKAI_AVRO_RECORD)
            continue;
        bool same = strcmp(last_part(branch->name), last_part(writer->name)) == 0;
        if ((best == reader->count || same) && record_fits(look, writer, branch))
            best = i;
    }
    return best;
}

static size_t branch_of(looking *look, const polkai_schema *writer, const polkai_schema *reader)
{
    bool named = writer->name != NULL;
    for (size_t i = 0; named && i < reader->count; i++)
        if (reader->branches[i]->type == writer->type && has_alias(reader->branches[i], writer->name))
            return i;
    for (size_t i = 0; i < reader->count; i++)
        if (reader->branches[i]->type == writer->type && (!named || strcmp(reader->branches[i]->name, writer->name) == 0))
            return i;
    if (writer->type == POLKAI_AVRO_RECORD)
        return record_branch(look, writer, reader);
    for (size_t i = 0; i < reader->count; i++)
        if (named ? !fails(look, writer, reader->branches[i]) : promotes(writer->type, reader->branches[i]->type))
            return i;
    return reader->count;
}

size_t polkai_match_branch(const polkai_schema *writer, const polkai_schema *reader)
{
    looking look = { .looks = LOOKS };
    return branch_of(&look, writer, reader);
}

/* ---- the same all the way down ----------------------------------------------------------------- */

typedef struct { polkai_pairs seen; bool whole_names; } comparing;

static bool alike(comparing *both, const polkai_schema *writer, const polkai_schema *reader);

static bool names_alike(const comparing *both, const polkai_schema *writer, const polkai_schema *reader)
{
    return both->whole_names ? strcmp(writer->name, reader->name) == 0 : polkai_match_names(writer, reader);
}

/* Does each field read the one in its place? Both have as many. */
static bool fields_alike(const comparing *both, const polkai_schema *writer, const polkai_schema *reader)
{
    bool called_so = true, aliases = false;
    for (size_t i = 0; i < reader->count; i++) {
        called_so = called_so && strcmp(writer->fields[i].name, reader->fields[i].name) == 0;
        aliases = aliases || reader->fields[i].aliases[0] != NULL;
    }
    if (both->whole_names || !aliases)
        return called_so;
    int32_t *found = polkai_alloc((reader->count + 1) * sizeof *found);
    bool same = true;
    polkai_match_fields(writer, reader, true, found);
    for (size_t i = 0; i < reader->count; i++)
        same = same && found[i] == (int32_t)i;
    free(found);
    return same;
}

static bool parts_alike(comparing *both, const polkai_schema *writer, const polkai_schema *reader)
{
    if (writer->type == POLKAI_AVRO_RECORD && !fields_alike(both, writer, reader))
        return false;
    for (size_t i = 0; i < writer->count; i++) {
        if (writer->type == POLKAI_AVRO_ENUM && strcmp(writer->symbols[i], reader->symbols[i]) != 0)
            return false;
        if (writer->type == POLKAI_AVRO_UNION && !alike(both, writer->branches[i], reader->branches[i]))
            return false;
        if (writer->type == POLKAI_AVRO_RECORD && !alike(both, writer->fields[i].schema, reader->fields[i].schema))
            return false;
    }
    return writer->items == NULL || alike(both, writer->items, reader->items);
}

static bool alike(comparing *both, const polkai_schema *writer, const polkai_schema *reader)
{
    if (writer == reader)
        return true;
    if (writer->type != reader->type || writer->count != reader->count || writer->fixed_size != reader->fixed_size)
        return false;
    if (writer->name != NULL && !names_alike(both, writer, reader))
        return false;
    size_t before = both->seen.count;
    if (writer->type == POLKAI_AVRO_RECORD && polkai_pairs_add(&both->seen, writer, reader) < before)
        return true;                     /* being compared; unless something else differs */
    return before < LOOKS && parts_alike(both, writer, reader);
}

bool polkai_match_alike(const polkai_schema *writer, const polkai_schema *reader, bool whole_names)
{
    comparing both = { .whole_names = whole_names };
    bool same = alike(&both, writer, reader);
    polkai_pairs_deinit(&both.seen);
    return same;
}
