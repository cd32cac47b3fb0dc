/*
 * decode.c: the reading half of NAME.c. A record has one function <record>__read, an enum too; an array, map, union or
 * pointer has one for each place, <record>__<member>__read. All others are calls of wire.h.
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

/* ---- calls ------------------------------------------------------------------------------------- */

const char *gen_read_call(gen *g, const shape *s, const char *to)
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
    case SHAPE_RECORD: return CALL("%s__read(r, at, %s)", s->named->name, to);
    case SHAPE_ARRAY: case SHAPE_MAP: case SHAPE_POINTER: case SHAPE_UNION: return CALL("%s__read(r, at, %s)", s->place, to);
    }
    return "at";
}

static void write_head(out *o, const char *place, const char *type)
{
    bool star = type[strlen(type) - 1] == '*';
    out_add(o, "\nstatic const uint8_t *%s__read(polka_reader *r, const uint8_t *at, %s%s*v)\n{\n", place, type, star ? "" : " ");
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
               "    %s *value = polka_read_memory(r, at, sizeof *value);\n"
               "    if ((*v = value) == NULL)\n"
               "        return NULL;\n"
               "    return %s;\n}\n",
            s->null_index, s->inner->type, gen_read_call(g, s->inner, "value"));
}

static void write_array_body(out *o, const shape *s, size_t least_bytes, const char *item_call)
{
    const shape *item = s->inner;
    bool null = item->kind == SHAPE_NULL, star = item->type[0] != '\0' && item->type[strlen(item->type) - 1] == '*';
    if (!null)
        out_add(o, "    %s%s*items = NULL;\n", item->type, star ? "" : " ");
    out_add(o, "    size_t %scount = 0;\n"
               "    for (polka_block block;;) {\n"
               "        if ((at = polka_read_block(r, at, %zu, &block)) == NULL)\n"
               "            return NULL;\n"
               "        if (block.count == 0)\n"
               "            break;\n", null ? "" : "room = 0, ", least_bytes);
    if (null)
        out_add(o, "        count += block.count;\n");
    else
        out_add(o, "        if ((items = polka_read_room(r, at, items, count, block.count, &room, sizeof *items)) == NULL)\n"
                   "            return NULL;\n"
                   "        for (size_t end = count + block.count; count < end; count++)\n"
                   "            if ((at = %s) == NULL)\n"
                   "                return polka_read_in_item(r, count);\n", item_call);
    out_add(o, "        if ((at = polka_read_block_end(r, at, &block)) == NULL)\n"
               "            return NULL;\n"
               "    }\n"
               "    v->count = count;\n%s    return at;\n}\n", null ? "" : "    v->items = items;\n");
}

static void write_map_body(out *o, const shape *s, size_t least_bytes, const char *value_call)
{
    out_add(o, "    %s_entry *items = NULL;\n"
               "    size_t room = 0, count = 0;\n"
               "    for (polka_block block;;) {\n"
               "        if ((at = polka_read_block(r, at, %zu, &block)) == NULL)\n"
               "            return NULL;\n"
               "        if (block.count == 0)\n"
               "            break;\n"
               "        if ((items = polka_read_room(r, at, items, count, block.count, &room, sizeof *items)) == NULL)\n"
               "            return NULL;\n"
               "        for (size_t end = count + block.count; count < end; count++) {\n"
               "            if ((at = polka_read_text(r, at, &items[count].key)) == NULL)\n"
               "                return polka_read_in_item(r, count);\n", s->inner->stem, 1 + least_bytes);
    if (s->inner->kind != SHAPE_NULL)
        out_add(o, "            if ((at = %s) == NULL)\n"
                   "                return polka_read_in_entry(r, items[count].key);\n", value_call);
    out_add(o, "        }\n"
               "        if ((at = polka_read_block_end(r, at, &block)) == NULL)\n"
               "            return NULL;\n"
               "    }\n"
               "    v->count = count;\n    v->items = items;\n    return at;\n}\n");
}

const char *gen_item(const shape *array_or_map)
{
    return array_or_map->kind == SHAPE_ARRAY ? "&items[count]" : "&items[count].value";
}

void gen_write_items(gen *g, out *o, const shape *s, const polkai_schema *written, const char *call)
{
    (s->kind == SHAPE_ARRAY ? write_array_body : write_map_body)(o, s, gen_least_bytes(g, written), call);
}

static void write_items(gen *g, out *o, const shape *s)
{
    write_head(o, s->place, s->type);
    gen_write_items(g, o, s, s->schema->items, gen_read_call(g, s->inner, gen_item(s)));
}

const char *gen_branch_place(gen *g, const branch *b)
{
    return b->pointer ? "value" : polkai_arena_format(&g->arena, "&v->as.%s", b->member).data;
}

void gen_write_branch(out *o, const char *indent, const branch *b, const char *call)
{
    out_add(o, "%sv->tag = %s;\n", indent, b->constant);
    if (b->pointer)
        out_add(o, "%s%s *value = polka_read_memory(r, at, sizeof *value);\n%sif ((v->as.%s = value) == NULL)\n%s    return NULL;\n",
                indent, b->shape->type, indent, b->member, indent);
    out_add(o, "%sreturn %s;\n", indent, call);
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
        gen_write_branch(o, "        ", &s->branches[i], gen_read_call(g, s->branches[i].shape, gen_branch_place(g, &s->branches[i])));
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
    case SHAPE_ARRAY:
    case SHAPE_MAP: write_items(g, o, s); break;
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
                gen_read_call(g, m->shape, polkai_arena_format(&g->arena, "&v->%s", m->name).data), m->field->name);
    }
    if (read == 0)
        out_add(o, "    v->nothing = 0;\n");
    if (type->recursive)
        out_add(o, "    r->depth--;\n");
    out_add(o, "    return at;\n}\n");
}

void gen_write_entrance(gen *g, out *o, named *event, const char *decode, const char *read)
{
    out_add(o, "\nstatic polka_status %s(polka_bytes body, polka_arena *arena, void *value, polka_error *error)\n{\n"
               "    polka_reader reader;\n"
               "    const uint8_t *at = %s(&reader, polka_reader_begin(&reader, body, arena, %s, error), value);\n"
               "    return POLKA_LIKELY(at == reader.end) ? POLKA_OK : polka_read_failed(&reader, at, \"%s\");\n}\n",
            decode, read, has_texts(g, event) ? "true" : "false", event->schema->name);
}

void gen_write_decode(gen *g, out *o, named *const *types, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (types[i]->recursive)
            out_add(o, "\nstatic const uint8_t *%s__read(polka_reader *r, const uint8_t *at, %s *v);", types[i]->name, types[i]->name);
    out_add(o, "\n");
    for (size_t i = 0; i < count; i++) {
        if (types[i]->schema->type == POLKAI_AVRO_ENUM)
            write_enum(o, types[i]);
        else if (types[i]->schema->type == POLKAI_AVRO_RECORD)
            write_record(g, o, types[i]);
    }
    for (size_t i = 0; i < count; i++)
        if (types[i]->event && !types[i]->foreign)
            gen_write_entrance(g, o, types[i], CALL("%s__decode", types[i]->name), CALL("%s__read", types[i]->name));
}
