/*
 * compat.c: all pairs of types that reading can come to, and which of them break.
 *
 * A pair breaks by itself (names, sizes, symbols), with one of its parts, or, when the reader's is a union, with all of its
 * branches. Every pair is looked at once and counts as good until it is proven bad, so recursive types end; no recursion here.
 */
#include <avro/compat_inner.h>

#include <avro/match.h>
#include <avro/node.h>
#include <avro/pairs.h>
#include <stdlib.h>

enum { MOST_PAIRS = 1000000 };
#define NO_EDGE UINT32_MAX

typedef struct {
    polkai_sides sides;
    uint32_t parts, users;               /* edges to what it needs, and to what needs it; NO_EDGE: none */
    uint32_t last_part;
    uint32_t left;                       /* of a reader's union: branches that may still do */
    bool choice, bad, reported;          /* choice: a reader's union, one good part is enough */
} pair;

typedef struct { uint32_t pair, next_part, next_user, user; } edge;

typedef struct {
    polka_arena *arena;                  /* paths and texts */
    polkai_pairs known;
    pair *pairs;                         /* by their numbers in `known` */
    edge *edges;
    uint32_t *bad;                       /* bad pairs to be told to their users */
    size_t count, capacity, edge_count, edge_capacity, bad_count;
    bool full;
    polkai_break_list list;
} checker;

/* ---- pairs ------------------------------------------------------------------------------------- */

static uint32_t pair_of(checker *c, const polkai_sides *sides)
{
    uint32_t index = polkai_pairs_add(&c->known, sides->writer, sides->reader);
    if (c->known.count == c->count)
        return index;
    if (c->count == c->capacity) {
        c->capacity = c->capacity == 0 ? 32 : c->capacity * 2;
        c->pairs = polkai_realloc(c->pairs, c->capacity * sizeof *c->pairs);
    }
    c->pairs[c->count++] = (pair){ .sides = *sides, .parts = NO_EDGE, .users = NO_EDGE, .last_part = NO_EDGE };
    return index;
}

/* A type that was defined somewhere is there; a name of a primitive type is where it is used. */
static const polkai_path *path_of(const polkai_schema *schema, const polkai_path *used)
{
    return schema->json != NULL ? polkai_node(schema)->path : used;
}

static void need(checker *c, uint32_t user, const polkai_schema *writer, const polkai_path *writer_path, const polkai_schema *reader,
                 const polkai_path *reader_path)
{
    if (c->count >= MOST_PAIRS || c->edge_count >= 4 * (size_t)MOST_PAIRS) {
        c->full = true;
        return;
    }
    polkai_sides sides = { writer, reader, path_of(writer, writer_path), path_of(reader, reader_path) };
    uint32_t part = pair_of(c, &sides), at = (uint32_t)c->edge_count;
    if (c->edge_count == c->edge_capacity) {
        c->edge_capacity = c->edge_capacity == 0 ? 64 : c->edge_capacity * 2;
        c->edges = polkai_realloc(c->edges, c->edge_capacity * sizeof *c->edges);
    }
    c->edges[c->edge_count++] = (edge){ .pair = part, .user = user, .next_part = NO_EDGE, .next_user = c->pairs[part].users };
    c->pairs[part].users = at;
    if (c->pairs[user].last_part == NO_EDGE)
        c->pairs[user].parts = at;
    else
        c->edges[c->pairs[user].last_part].next_part = at;
    c->pairs[user].last_part = at;
}

static const polkai_path *step(checker *c, const polkai_path *up, polkai_path_kind kind, const char *name, size_t index)
{
    polkai_path *path = polka_arena_alloc(c->arena, sizeof *path);
    *path = (polkai_path){ .up = up, .kind = kind, .name = polka_text_of(name), .index = index };
    return path;
}

static const polkai_path *field_type(checker *c, const polkai_path *record, size_t index)
{
    const polkai_path *fields = step(c, record, POLKAI_PATH_MEMBER, "fields", 0);
    return step(c, step(c, fields, POLKAI_PATH_ITEM, "", index), POLKAI_PATH_MEMBER, "type", 0);
}

/* ---- what a pair needs, and how it breaks by itself --------------------------------------------- */

/*
 * look_at… tell whether the pair breaks by itself. c NULL: what it needs is known already. list NULL: no words are wanted.
 */
static bool look_at_record(checker *c, uint32_t at, const polkai_sides *sides, polkai_break_list *list)
{
    const polkai_schema *writer = sides->writer, *reader = sides->reader;
    int32_t *found = polkai_alloc((reader->count + 1) * sizeof *found);
    bool bad = false;
    polkai_match_fields(writer, reader, true, found);
    for (size_t i = 0; i < reader->count; i++) {
        bool several = found[i] == POLKAI_FIELD_TWO, missing = found[i] == POLKAI_FIELD_NONE && reader->fields[i].fallback == NULL;
        bad = bad || several || missing;
        if (several && list != NULL)
            polkai_break_several(list, sides, i);
        if (missing && list != NULL)
            polkai_break_missing(list, sides, i);
        if (found[i] >= 0 && c != NULL)
            need(c, at, writer->fields[found[i]].schema, field_type(c, sides->writer_path, (size_t)found[i]), reader->fields[i].schema,
                 field_type(c, sides->reader_path, i));
    }
    free(found);
    return bad;
}

static bool look_at_symbols(const polkai_sides *sides, polkai_break_list *list)
{
    int32_t *found = polkai_alloc((sides->writer->count + 1) * sizeof *found);
    bool bad = false;
    polkai_match_symbols(sides->writer, sides->reader, found);
    for (size_t i = 0; i < sides->writer->count; i++)
        bad = bad || found[i] < 0;
    if (bad && list != NULL)
        polkai_break_symbols(list, sides, found);
    free(found);
    return bad;
}

/* A union breaks only by what it needs; one without any branch that could do has nothing. */
static bool look_at_unions(checker *c, uint32_t at, const polkai_sides *sides)
{
    const polkai_schema *writer = sides->writer, *reader = sides->reader;
    if (writer->type == POLKAI_AVRO_UNION) {
        for (size_t i = 0; i < writer->count; i++)
            need(c, at, writer->branches[i], step(c, sides->writer_path, POLKAI_PATH_ITEM, "", i), reader, sides->reader_path);
        return false;
    }
    c->pairs[at].choice = true;
    for (size_t i = 0; i < reader->count; i++) {
        polkai_match match = polkai_match_types(writer, reader->branches[i]);
        if (match == POLKAI_MATCH_NONE || (writer->name != NULL && !polkai_match_names(writer, reader->branches[i])))
            continue;
        need(c, at, writer, sides->writer_path, reader->branches[i], step(c, sides->reader_path, POLKAI_PATH_ITEM, "", i));
        c->pairs[at].left++;
    }
    return c->pairs[at].left == 0;
}

static bool look_at_named(checker *c, uint32_t at, const polkai_sides *sides, polkai_break_list *list)
{
    const polkai_schema *writer = sides->writer, *reader = sides->reader;
    bool other_name = !polkai_match_names(writer, reader), other_size = writer->fixed_size != reader->fixed_size;
    if (other_name && list != NULL)
        polkai_break_names(list, sides);
    if (writer->type == POLKAI_AVRO_ENUM)
        return look_at_symbols(sides, list) || other_name;
    if (writer->type == POLKAI_AVRO_RECORD)
        return look_at_record(c, at, sides, list) || other_name;
    if (other_size && list != NULL)
        polkai_break_sizes(list, sides);
    return other_size || other_name;
}

static bool look_at(checker *c, uint32_t at, const polkai_sides *sides, polkai_break_list *list)
{
    const char *of = sides->writer->type == POLKAI_AVRO_ARRAY ? "items" : "values";
    switch (polkai_match_types(sides->writer, sides->reader)) {
    case POLKAI_MATCH_RECORD:
    case POLKAI_MATCH_ENUM:
    case POLKAI_MATCH_FIXED: return look_at_named(c, at, sides, list);
    case POLKAI_MATCH_WRITER_UNION:
    case POLKAI_MATCH_READER_UNION: return c != NULL && look_at_unions(c, at, sides);
    case POLKAI_MATCH_ITEMS:
        if (c != NULL)
            need(c, at, sides->writer->items, step(c, sides->writer_path, POLKAI_PATH_MEMBER, of, 0), sides->reader->items,
                 step(c, sides->reader_path, POLKAI_PATH_MEMBER, of, 0));
        return false;
    case POLKAI_MATCH_NONE:
        if (list != NULL)
            polkai_break_types(list, sides);
        return true;
    default: return false;
    }
}

/* ---- from the pairs that break to all that use them --------------------------------------------- */

static void condemn(checker *c, uint32_t at)
{
    if (c->pairs[at].bad)
        return;
    c->pairs[at].bad = true;
    c->bad[c->bad_count++] = at;
}

static void spread(checker *c)
{
    while (c->bad_count > 0) {
        const pair *bad = &c->pairs[c->bad[--c->bad_count]];
        for (uint32_t i = bad->users; i != NO_EDGE; i = c->edges[i].next_user) {
            pair *user = &c->pairs[c->edges[i].user];
            if (!user->choice || --user->left == 0)
                condemn(c, c->edges[i].user);
        }
    }
}

/* A union that would read its writer but for a break that is told already. */
static bool follows(const checker *c, const pair *choice)
{
    for (uint32_t i = choice->parts; i != NO_EDGE; i = c->edges[i].next_part)
        if (c->pairs[c->edges[i].pair].reported)
            return true;
    return false;
}

/* The breaks of all bad pairs that the root needs, depth first, parts in their order. */
static void report(checker *c)
{
    uint32_t *stack = polkai_alloc((c->edge_count + 1) * sizeof *stack), count = 0;
    stack[count++] = 0;
    while (count > 0) {
        pair *top = &c->pairs[stack[--count]];
        if (!top->bad || top->reported)
            continue;
        top->reported = true;
        if (top->choice && !follows(c, top))
            polkai_break_branch(&c->list, &top->sides);
        if (top->choice)
            continue;
        look_at(NULL, 0, &top->sides, &c->list);
        uint32_t first = count;
        for (uint32_t i = top->parts; i != NO_EDGE; i = c->edges[i].next_part)
            stack[count++] = c->edges[i].pair;
        for (uint32_t last = count; last > first + 1; first++) {
            uint32_t part = stack[first];
            stack[first] = stack[--last];
            stack[last] = part;
        }
    }
    free(stack);
}

polkai_breaks polkai_compat_check(const polkai_schema *writer, const polkai_schema *reader, polka_arena *arena)
{
    checker c = { .arena = arena, .list = { .arena = arena } };
    polkai_sides root = { writer, reader, NULL, NULL };
    pair_of(&c, &root);
    for (size_t i = 0; i < c.count && !c.full; i++) {
        polkai_sides sides = c.pairs[i].sides;
        bool bad = look_at(&c, (uint32_t)i, &sides, NULL);
        c.pairs[i].bad = bad;
    }
    c.bad = polkai_alloc(c.count * sizeof *c.bad);
    for (size_t i = 0; i < c.count; i++)
        if (c.pairs[i].bad)
            c.bad[c.bad_count++] = (uint32_t)i;
    spread(&c);
    if (c.full)
        polkai_break_large(&c.list, &root, MOST_PAIRS);
    else
        report(&c);
    free(c.pairs);
    free(c.edges);
    polkai_pairs_deinit(&c.known);
    free(c.bad);
    return (polkai_breaks){ c.list.count, c.list.items };
}
