/*
 * decode.c: the reading half of NAME.c. A record has one function read_<record>, an enum too; an array, map, union or
 * pointer has one for each place, read_<record>__<member>. All others are calls of wire.h.
 */
#include "gen.h"

/* ---- what a shape is on the wire --------------------------------------------------------------- */

static bool texts_inside(shape *s);

static bool texts_in_record(named *type)
{
    if (type->walked)
        return false;
    type->walked = true;
    for (size_t i = 0; i < type->member_count; i++)
        if (texts_inside(type->members[i].shape))
            return true;
    return false;
}

static bool texts_inside(shape *s)
{
    if (s->kind == SHAPE_TEXT || s->kind == SHAPE_BYTES || s->kind == SHAPE_MAP)
        return true;
    for (size_t i = 0; i < s->branch_count; i++)
        if (texts_inside(s->branches[i].shape))
            return true;
    return s->inner != NULL ? texts_inside(s->inner) : s->kind == SHAPE_RECORD && texts_in_record(s->named);
}

static bool has_texts(gen *g, named *type)
{
    for (size_t i = 0; i < g->types.count; i++)
        g->types.items[i]->walked = false;
    return texts_in_record(type);
}

/* The fewest bytes that a value takes: a block cannot hold more items than that allows. */
static size_t least_bytes(const shape *s)
{
    size_t sum = 0;
    switch (s->kind) {
    case SHAPE_NULL: return 0;
    case SHAPE_FLOAT: return 4;
    case SHAPE_DOUBLE: return 8;
    case SHAPE_DURATION: return 12;
    case SHAPE_FIXED: return s->schema->fixed_size;
    case SHAPE_DECIMAL: return s->schema->type == POLKAI_AVRO_FIXED ? s->schema->fixed_size : 2;
    case SHAPE_RECORD:
        for (size_t i = 0; i < s->named->member_count; i++)
            sum += least_bytes(s->named->members[i].shape);  /* ends: a record contains itself only behind what takes a byte */
        return sum;
    default: return 1;
    }
}

/* ---- calls ------------------------------------------------------------------------------------- */

/* An expression that reads a value of shape `s` into *`to` and gives the place behind it. */
static const char *read_call(gen *g, const shape *s, const char *to)
{
#define CALL(...) polkai_arena_format(&g->arena, __VA_ARGS__).data
    switch (s->kind) {
    case SHAPE_NULL: return "at";
    case SHAPE_BOOLEAN: return CALL("polka_read_boolean(r, at, %s)", to);
    case SHAPE_INT: return CALL("polka_read_int(r, at, %s)", to);
    case SHAPE_LONG: return CALL("polka_read_long(r, at, %s)", to);
    case SHAPE_FLOAT: return CALL("polka_read_float(r, at, %s)", to);
    case SHAPE_DOUBLE: return CALL("polka_read_double(r, at, %s)", to);
    case SHAPE_TEXT:
    case SHAPE_BYTES: {
        const char *type = s->kind == SHAPE_TEXT ? "text" : "bytes";
        return s->or_null ? CALL("polka_read_%s_or_null(r, at, %u, %s)", type, s->null_index, to) : CALL("polka_read_%s(r, at, %s)", type, to);
    }
    case SHAPE_DECIMAL:
        return s->schema->type == POLKAI_AVRO_FIXED ? CALL("polka_read_decimal_fixed(r, at, %zu, %s)", s->schema->fixed_size, to)
                                                    : CALL("polka_read_decimal(r, at, %s)", to);
    case SHAPE_DURATION: return CALL("polka_read_duration(r, at, %s)", to);
    case SHAPE_FIXED: return *to == '&' ? CALL("polka_read_piece(r, at, %zu, %s.bytes)", s->schema->fixed_size, to + 1)
                                        : CALL("polka_read_piece(r, at, %zu, %s->bytes)", s->schema->fixed_size, to);
    case SHAPE_ENUM:
    case SHAPE_RECORD: return CALL("read_%s(r, at, %s)", s->named->name, to);
    case SHAPE_ARRAY: case SHAPE_MAP: case SHAPE_POINTER: case SHAPE_UNION: return CALL("read_%s(r, at, %s)", s->place, to);
    }
    return "at";
}

static void write_head(out *o, const char *place, const char *type)
{
    bool star = type[strlen(type) - 1] == '*';
    out_add(o, "\nstatic const uint8_t *read_%s(polka_reader *r, const uint8_t *at, %s%s*v)\n{\n", place, type, star ? "" : " ");
}

/* ---- functions of a place ---------------------------------------------------------------------- */

static void write_pointer(gen *g, out *o, const shape *s)
{
    write_head(o, s->place, s->type);
    out_add(o, "    unsigned branch;\n"
               "    if ((at = polka_read_index(r, at, 2, \"union\", &branch)) == NULL)\n"
               "        return NULL;\n"
               "    *v = NULL;\n"
               "    if (branch == %u)\n"
               "        return at;\n"
               "    %s *value = polka_arena_alloc(r->arena, sizeof *value);\n"
               "    *v = value;\n"
               "    return %s;\n}\n",
            s->null_index, s->inner->type, read_call(g, s->inner, "value"));
}

static void write_array(gen *g, out *o, const shape *s)
{
    const shape *item = s->inner;
    bool null = item->kind == SHAPE_NULL, star = item->type[0] != '\0' && item->type[strlen(item->type) - 1] == '*';
    write_head(o, s->place, s->type);
    if (!null)
        out_add(o, "    %s%s*items = NULL;\n", item->type, star ? "" : " ");
    out_add(o, "    size_t %scount = 0;\n"
               "    for (polka_block block;;) {\n"
               "        if ((at = polka_read_block(r, at, %zu, &block)) == NULL)\n"
               "            return NULL;\n"
               "        if (block.count == 0)\n"
               "            break;\n", null ? "" : "room = 0, ", least_bytes(item));
    if (null)
        out_add(o, "        count += block.count;\n");
    else
        out_add(o, "        items = polka_read_room(r, items, count, block.count, &room, sizeof *items);\n"
                   "        for (size_t end = count + block.count; count < end; count++)\n"
                   "            if ((at = %s) == NULL)\n"
                   "                return polka_read_in_item(r, count);\n", read_call(g, item, "&items[count]"));
    out_add(o, "        if ((at = polka_read_block_end(r, at, &block)) == NULL)\n"
               "            return NULL;\n"
               "    }\n"
               "    v->count = count;\n%s    return at;\n}\n", null ? "" : "    v->items = items;\n");
}

static void write_map(gen *g, out *o, const shape *s)
{
    write_head(o, s->place, s->type);
    out_add(o, "    %s_entry *items = NULL;\n"
               "    size_t room = 0, count = 0;\n"
               "    for (polka_block block;;) {\n"
               "        if ((at = polka_read_block(r, at, %zu, &block)) == NULL)\n"
               "            return NULL;\n"
               "        if (block.count == 0)\n"
               "            break;\n"
               "        items = polka_read_room(r, items, count, block.count, &room, sizeof *items);\n"
               "        for (size_t end = count + block.count; count < end; count++) {\n"
               "            if ((at = polka_read_text(r, at, &items[count].key)) == NULL)\n"
               "                return polka_read_in_item(r, count);\n", s->inner->stem, 1 + least_bytes(s->inner));
    if (s->inner->kind != SHAPE_NULL)
        out_add(o, "            if ((at = %s) == NULL)\n"
                   "                return polka_read_in_entry(r, items[count].key);\n", read_call(g, s->inner, "&items[count].value"));
    out_add(o, "        }\n"
               "        if ((at = polka_read_block_end(r, at, &block)) == NULL)\n"
               "            return NULL;\n"
               "    }\n"
               "    v->count = count;\n    v->items = items;\n    return at;\n}\n");
}

static void write_branch(gen *g, out *o, const branch *b)
{
    out_add(o, "        v->tag = %s;\n", b->constant);
    if (b->pointer)
        out_add(o, "        %s *value = polka_arena_alloc(r->arena, sizeof *value);\n        v->as.%s = value;\n        return %s;\n", b->shape->type, b->member,
                read_call(g, b->shape, "value"));
    else
        out_add(o, "        return %s;\n", read_call(g, b->shape, polkai_arena_format(&g->arena, "&v->as.%s", b->member).data));
}

static void write_union(gen *g, out *o, const shape *s)
{
    write_head(o, s->place, s->type);
    out_add(o, "    unsigned branch;\n"
               "    if ((at = polka_read_index(r, at, %zu, \"union\", &branch)) == NULL)\n"
               "        return NULL;\n"
               "    switch (branch) {\n", s->branch_count);
    for (size_t i = 0; i < s->branch_count; i++) {
        const char *brace = s->branches[i].pointer ? " {" : "";
        if (i + 1 < s->branch_count)
            out_add(o, "    case %zu:%s\n", i, brace);
        else
            out_add(o, "    default:%s\n", brace);
        write_branch(g, o, &s->branches[i]);
        if (s->branches[i].pointer)
            out_add(o, "    }\n");
    }
    out_add(o, "    }\n}\n");
}

static void write_place(gen *g, out *o, const shape *s)
{
    if (s->inner != NULL)
        write_place(g, o, s->inner);
    for (size_t i = 0; i < s->branch_count; i++)
        write_place(g, o, s->branches[i].shape);
    switch (s->kind) {
    case SHAPE_POINTER: write_pointer(g, o, s); break;
    case SHAPE_ARRAY: write_array(g, o, s); break;
    case SHAPE_MAP: write_map(g, o, s); break;
    case SHAPE_UNION: write_union(g, o, s); break;
    default: break;
    }
}

/* ---- functions of a type ----------------------------------------------------------------------- */

static void write_enum(out *o, const named *type)
{
    write_head(o, type->name, type->name);
    out_add(o, "    unsigned index;\n"
               "    if ((at = polka_read_index(r, at, %zu, \"enum\", &index)) == NULL)\n"
               "        return NULL;\n"
               "    *v = (%s)(index + 1);\n"
               "    return at;\n}\n", type->schema->count, type->name);
}

static void write_record(gen *g, out *o, const named *type)
{
    for (size_t i = 0; i < type->member_count; i++)
        write_place(g, o, type->members[i].shape);
    write_head(o, type->name, type->name);
    if (type->recursive)
        out_add(o, "    if (!polka_read_deeper(r, at))\n        return NULL;\n");
    size_t read = 0;
    for (size_t i = 0; i < type->member_count; i++) {
        const member *m = &type->members[i];
        if (m->shape->kind == SHAPE_NULL)
            continue;
        read++;
        out_add(o, "    if ((at = %s) == NULL)\n        return polka_read_in(r, \"%s\");\n",
                read_call(g, m->shape, polkai_arena_format(&g->arena, "&v->%s", m->name).data), m->field->name);
    }
    if (read == 0)
        out_add(o, "    v->nothing = 0;\n");
    if (type->recursive)
        out_add(o, "    r->depth--;\n");
    out_add(o, "    return at;\n}\n");
}

static void write_entrance(out *o, const named *event, bool texts)
{
    out_add(o, "\nstatic polka_status decode_%s(polka_bytes body, polka_arena *arena, void *value, polka_error *error)\n{\n"
               "    polka_reader reader;\n"
               "    const uint8_t *at = read_%s(&reader, polka_reader_begin(&reader, body, arena, %s, error), value);\n"
               "    return POLKA_LIKELY(at == reader.end) ? POLKA_OK : polka_read_failed(&reader, at, \"%s\");\n}\n",
            event->name, event->name, texts ? "true" : "false", event->schema->name);
}

void gen_write_decode(gen *g, out *o, named *const *types, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (types[i]->recursive)
            out_add(o, "\nstatic const uint8_t *read_%s(polka_reader *r, const uint8_t *at, %s *v);", types[i]->name, types[i]->name);
    out_add(o, "\n");
    for (size_t i = 0; i < count; i++) {
        if (types[i]->schema->type == POLKAI_AVRO_ENUM)
            write_enum(o, types[i]);
        else if (types[i]->schema->type == POLKAI_AVRO_RECORD)
            write_record(g, o, types[i]);
    }
    for (size_t i = 0; i < count; i++)
        if (types[i]->event && !types[i]->foreign)
            write_entrance(o, types[i], has_texts(g, types[i]));
}
