/* sizes.c: how much memory and how many bytes values take, and which types no event could hold. */
#include "gen.h"

#include <polka/wire_bytes.h>

/* ---- on the wire ------------------------------------------------------------------------------- */

static size_t add(size_t a, size_t b)
{
    return a > POLKA_BODY_MAX || b > POLKA_BODY_MAX - a ? POLKA_BODY_MAX + 1 : a + b;
}

/* A record within records is asked for again and again: each is counted once. */
static size_t least_of_record(gen *g, const polkai_schema *record)
{
    size_t known = g->sized.count, index = polkai_pairs_add(&g->sized, record, NULL), sum = 0;
    if (index < known)
        return g->least_bytes.items[index];
    LIST_ADD(&g->arena, &g->least_bytes, 0);
    for (size_t i = 0; i < record->count; i++)
        sum = add(sum, gen_least_bytes(g, record->fields[i].schema));   /* ends: a record contains itself only behind what takes a byte */
    return g->least_bytes.items[index] = sum;
}

size_t gen_least_bytes(gen *g, const polkai_schema *schema)
{
    switch (schema->type) {
    case POLKAI_AVRO_NULL: return 0;
    case POLKAI_AVRO_FLOAT: return 4;
    case POLKAI_AVRO_DOUBLE: return 8;
    case POLKAI_AVRO_FIXED: return add(schema->fixed_size, 0);
    case POLKAI_AVRO_RECORD: return least_of_record(g, schema);
    default: return 1;
    }
}

/* ---- in memory --------------------------------------------------------------------------------- */

enum { WORD = 8, TWO_WORDS = 16 };       /* with what alignment adds */

static size_t memory_of(const shape *s)
{
    size_t most = WORD;
    switch (s->kind) {
    case SHAPE_NULL: return 0;
    case SHAPE_TEXT: case SHAPE_BYTES: case SHAPE_ARRAY: case SHAPE_MAP: case SHAPE_DURATION: return TWO_WORDS;
    case SHAPE_FIXED: case SHAPE_RECORD: return s->named->memory_bytes;
    case SHAPE_UNION:
        for (size_t i = 0; i < s->branch_count; i++)
            if (!s->branches[i].pointer && memory_of(s->branches[i].shape) > most)
                most = memory_of(s->branches[i].shape);
        return add(most, WORD);
    default: return WORD;
    }
}

/* Of a type whose parts are measured. */
static size_t memory_of_type(const named *type)
{
    size_t sum = type->schema->type == POLKAI_AVRO_FIXED ? type->schema->fixed_size : WORD;
    for (size_t i = 0; i < type->member_count; i++)
        sum = add(sum, memory_of(type->members[i].shape));
    return add(sum, 0);
}

polka_status gen_check_sizes(gen *g)
{
    for (size_t i = 0; i < g->ordered.count; i++) {
        named *type = g->ordered.items[i];
        type->memory_bytes = memory_of_type(type);
        if (type->memory_bytes > POLKA_BODY_MAX || gen_least_bytes(g, type->schema) > POLKA_BODY_MAX)
            return gen_bad(g, type->schema, NULL, "each %s would take more than %zu bytes, and no event holds that: a record within records can be an array "
                           "of them or may be null", type->schema->name, POLKA_BODY_MAX);
    }
    return POLKA_OK;
}
