/*
 * encode.c: the writing half of NAME.c. …__bound tells the most bytes that a value takes, so that one reserve does;
 * …__write then writes without asking again. A cycle of pointers ends in the depth limit of …__bound.
 */
#include "gen.h"

static const char *format(gen *g, const char *text, ...) POLKA_PRINTF(2, 3);
static const char *format(gen *g, const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    polka_text made = polkai_arena_vformat(&g->arena, text, arguments);
    va_end(arguments);
    return made.data;
}

/* The parameter through which a value is handed on: "const T *v", for pointers "const T *const *v". */
static const char *parameter(gen *g, const char *type)
{
    return type[strlen(type) - 1] == '*' ? format(g, "%sconst *v", type) : format(g, "const %s *v", type);
}

/* What stands at a pointer expression: "&v->total" -> "v->total", "v" -> "*v". */
static const char *target(gen *g, const char *pointer)
{
    return *pointer == '&' ? pointer + 1 : format(g, "*%s", pointer);
}

static const char *part(gen *g, const char *pointer, const char *name)
{
    return *pointer == '&' ? format(g, "%s.%s", pointer + 1, name) : *pointer == '*' ? format(g, "(%s)->%s", pointer, name) : format(g, "%s->%s", pointer, name);
}

/* ---- bounds ------------------------------------------------------------------------------------ */

/* The constant part of a shape's bound; what grows with the value is the rest, and …__bound tells it. */
static size_t constant_bound(const shape *s)
{
    switch (s->kind) {
    case SHAPE_NULL: return 0;
    case SHAPE_BOOLEAN: return 1;
    case SHAPE_INT: case SHAPE_ENUM: return 5;
    case SHAPE_LONG: return 10;
    case SHAPE_FLOAT: return 4;
    case SHAPE_DOUBLE: return 8;
    case SHAPE_DURATION: return 12;
    case SHAPE_FIXED: return s->schema->fixed_size;
    case SHAPE_DECIMAL: return s->schema->type == POLKAI_AVRO_FIXED ? s->schema->fixed_size : 9;
    case SHAPE_TEXT: case SHAPE_BYTES: return s->or_null ? 1 : 0;
    case SHAPE_ARRAY: case SHAPE_MAP: return 11;
    case SHAPE_POINTER: return 1;
    case SHAPE_UNION: return 5;
    case SHAPE_RECORD: return s->named->constant_bound;
    }
    return 0;
}

static bool grows(const shape *s)
{
    switch (s->kind) {
    case SHAPE_TEXT: case SHAPE_BYTES: case SHAPE_ARRAY: case SHAPE_MAP: case SHAPE_POINTER: case SHAPE_UNION: return true;
    case SHAPE_RECORD: return s->named->grows;
    default: return false;
    }
}

/* Of a record whose parts are measured. A recursive one counts all of itself in …__bound, as its depth is checked there. */
static void measure(named *type)
{
    type->grows = type->recursive;
    for (size_t i = 0; !type->recursive && i < type->member_count; i++) {
        type->constant_bound += constant_bound(type->members[i].shape);
        type->grows = type->grows || grows(type->members[i].shape);
    }
}

/* An expression for the growing part; `owner` is the record in whose functions it stands. */
static const char *bound_call(gen *g, const named *owner, const shape *s, const char *value)
{
    switch (s->kind) {
    case SHAPE_TEXT: case SHAPE_BYTES: return format(g, "polka_bound_size(%s)", part(g, value, "size"));
    case SHAPE_RECORD:
        return s->named->recursive ? format(g, "%s__bound(%s, %s)", s->named->name, value, owner->recursive ? "depth + 1" : "1")
                                   : format(g, "%s__bound(%s)", s->named->name, value);
    default: return format(g, "%s__bound(%s%s)", s->place, value, owner->recursive ? ", depth" : "");
    }
}

static void bound_head(gen *g, out *o, const named *owner, const char *place, const char *type)
{
    out_add(o, "\nstatic uint64_t %s__bound(%s%s)\n{\n", place, parameter(g, type), owner->recursive ? ", unsigned depth" : "");
}

static void bound_items(gen *g, out *o, const named *owner, const shape *s)
{
    bool map = s->kind == SHAPE_MAP;
    const shape *item = s->inner;
    size_t constant = constant_bound(item);
    if (!map && !grows(item)) {
        out_add(o, "    return polka_bound_items(v->count, %zu);\n}\n", constant);
        return;
    }
    out_add(o, "    uint64_t bound = 0;\n"
               "    for (size_t i = 0; v->items != NULL && i < v->count && bound <= POLKA_BODY_MAX; i++)\n"
               "        bound += %zu", constant);
    if (map)
        out_add(o, " + polka_bound_size(v->items[i].key.size)");
    if (grows(item))
        out_add(o, " + %s", bound_call(g, owner, item, map ? "&v->items[i].value" : "&v->items[i]"));
    out_add(o, ";\n    return bound;\n}\n");
}

static void bound_branches(gen *g, out *o, const named *owner, const shape *s)
{
    out_add(o, "    switch (v->tag) {\n");
    for (size_t i = 0; i < s->branch_count; i++) {
        const branch *b = &s->branches[i];
        if (b->shape->kind == SHAPE_NULL)
            continue;
        const char *value = format(g, "%sv->as.%s", b->pointer ? "" : "&", b->member);
        out_add(o, "    case %s: return %s%zu", b->constant, b->pointer ? format(g, "v->as.%s == NULL ? 0 : ", b->member) : "", constant_bound(b->shape));
        if (grows(b->shape))
            out_add(o, " + %s", bound_call(g, owner, b->shape, value));
        out_add(o, ";\n");
    }
    out_add(o, "    default: return 0;\n    }\n}\n");
}

static void bound_place(gen *g, out *o, const named *owner, const shape *s)
{
    if (s->inner != NULL)
        bound_place(g, o, owner, s->inner);
    for (size_t i = 0; i < s->branch_count; i++)
        bound_place(g, o, owner, s->branches[i].shape);
    if (s->kind != SHAPE_POINTER && s->kind != SHAPE_ARRAY && s->kind != SHAPE_MAP && s->kind != SHAPE_UNION)
        return;
    bound_head(g, o, owner, s->place, s->type);
    if (s->kind == SHAPE_UNION)
        bound_branches(g, o, owner, s);
    else if (s->kind != SHAPE_POINTER)
        bound_items(g, o, owner, s);
    else
        out_add(o, "    return *v == NULL ? 0 : %zu%s%s;\n}\n", constant_bound(s->inner), grows(s->inner) ? " + " : "",
                grows(s->inner) ? bound_call(g, owner, s->inner, "*v") : "");
}

static void bound_record(gen *g, out *o, const named *type)
{
    size_t constant = 0, terms = 0;
    if (!type->grows)
        return;
    for (size_t i = 0; i < type->member_count; i++) {
        bound_place(g, o, type, type->members[i].shape);
        constant += constant_bound(type->members[i].shape);
    }
    bound_head(g, o, type, type->name, type->name);
    if (type->recursive)
        out_add(o, "    if (depth > POLKA_DEPTH_MAX)\n        return POLKA_BODY_MAX + 1;\n    uint64_t bound = %zu;\n", constant);
    for (size_t i = 0; i < type->member_count; i++) {
        const member *m = &type->members[i];
        if (!grows(m->shape))
            continue;
        const char *call = bound_call(g, type, m->shape, format(g, "&v->%s", m->name));
        if (type->recursive)
            out_add(o, "    if ((bound += %s) > POLKA_BODY_MAX)\n        return bound;\n", call);
        else
            out_add(o, "%s%s", terms++ == 0 ? "    return " : "\n        + ", call);
    }
    out_add(o, type->recursive ? "    return bound;\n}\n" : ";\n}\n");
}

/* ---- writing ----------------------------------------------------------------------------------- */

static bool fails(const shape *s)
{
    switch (s->kind) {
    case SHAPE_NULL: case SHAPE_BOOLEAN: case SHAPE_INT: case SHAPE_LONG: case SHAPE_FLOAT: case SHAPE_DOUBLE: case SHAPE_DURATION: case SHAPE_FIXED:
        return false;
    default: return true;
    }
}

/* An expression that writes the value at pointer `v` to `at` and gives the place behind it. */
static const char *write_call(gen *g, const shape *s, const char *at, const char *v)
{
    switch (s->kind) {
    case SHAPE_NULL: return at;
    case SHAPE_BOOLEAN: return format(g, "polka_write_boolean(%s, %s)", at, target(g, v));
    case SHAPE_INT: case SHAPE_LONG: return format(g, "polka_write_long(%s, %s)", at, target(g, v));
    case SHAPE_FLOAT: return format(g, "polka_write_float(%s, %s)", at, target(g, v));
    case SHAPE_DOUBLE: return format(g, "polka_write_double(%s, %s)", at, target(g, v));
    case SHAPE_TEXT: case SHAPE_BYTES: {
        const char *type = s->kind == SHAPE_TEXT ? "text" : "bytes";
        return s->or_null ? format(g, "polka_write_%s_or_null(w, %s, %u, %s)", type, at, s->null_index, target(g, v))
                          : format(g, "polka_write_%s(w, %s, %s)", type, at, target(g, v));
    }
    case SHAPE_DECIMAL:
        return s->schema->type == POLKAI_AVRO_FIXED
            ? format(g, "polka_write_decimal_fixed(w, %s, %zu, %s, %u)", at, s->schema->fixed_size, target(g, v), s->schema->precision)
            : format(g, "polka_write_decimal(w, %s, %s, %u)", at, target(g, v), s->schema->precision);
    case SHAPE_DURATION: return format(g, "polka_write_duration(%s, %s)", at, target(g, v));
    case SHAPE_FIXED: return format(g, "polka_write_piece(%s, %s, %zu)", at, part(g, v, "bytes"), s->schema->fixed_size);
    case SHAPE_ENUM: return format(g, "polka_write_symbol(w, %s, (unsigned)%s, %zu)", at, target(g, v), s->schema->count);
    case SHAPE_RECORD: return format(g, "%s__write(w, %s, %s)", s->named->name, at, v);
    case SHAPE_ARRAY: case SHAPE_MAP: case SHAPE_POINTER: case SHAPE_UNION: return format(g, "%s__write(w, %s, %s)", s->place, at, v);
    }
    return at;
}

static void write_head(gen *g, out *o, const char *place, const char *type)
{
    out_add(o, "\nstatic uint8_t *%s__write(polka_writer *w, uint8_t *at, %s)\n{\n", place, parameter(g, type));
}

static void write_statement(gen *g, out *o, const shape *s, const char *indent, const char *v, const char *on_failure)
{
    if (s->kind == SHAPE_NULL)
        return;
    const char *call = write_call(g, s, "at", v);
    if (fails(s))
        out_add(o, "%sif ((at = %s) == NULL)\n%s    return %s;\n", indent, call, indent, on_failure);
    else
        out_add(o, "%sat = %s;\n", indent, call);
}

/* ---- functions of a place ---------------------------------------------------------------------- */

static void write_pointer(gen *g, out *o, const shape *s)
{
    write_head(g, o, s->place, s->type);
    out_add(o, "    if (*v == NULL)\n        return polka_write_size(at, %u);\n    at = polka_write_size(at, %u);\n    return %s;\n}\n", s->null_index,
            1 - s->null_index, write_call(g, s->inner, "at", "*v"));
}

static void write_items(gen *g, out *o, const shape *s)
{
    bool map = s->kind == SHAPE_MAP, null = !map && s->inner->kind == SHAPE_NULL;
    write_head(g, o, s->place, s->type);
    out_add(o, "    if (v->count > 0) {\n");
    if (!null)
        out_add(o, "        if (v->items == NULL)\n            return polka_write_items_fail(w, v->count);\n");
    else
        out_add(o, "        if (v->count > POLKA_EMPTY_ITEMS_MAX)\n            return polka_write_items_fail(w, v->count);\n");
    out_add(o, "        at = polka_write_size(at, v->count);\n");
    if (!null)
        out_add(o, "        for (size_t i = 0; i < v->count; i++)%s\n", map ? " {" : "");
    if (map)
        out_add(o, "            if ((at = polka_write_text(w, at, v->items[i].key)) == NULL)\n                return polka_write_in_item(w, i);\n");
    write_statement(g, o, s->inner, "            ", map ? "&v->items[i].value" : "&v->items[i]",
                    map ? "polka_write_in_entry(w, v->items[i].key)" : "polka_write_in_item(w, i)");
    out_add(o, "%s    }\n    *at = 0;\n    return at + 1;\n}\n", map ? "        }\n" : "");
}

static void write_union(gen *g, out *o, const shape *s)
{
    size_t numbered = 0;
    write_head(g, o, s->place, s->type);
    out_add(o, "    switch (v->tag) {\n");
    for (size_t i = 0; i < s->branch_count; i++) {
        const branch *b = &s->branches[i];
        const char *value = format(g, "%sv->as.%s", b->pointer ? "" : "&", b->member);
        numbered += b->shape->kind != SHAPE_NULL;
        out_add(o, "    case %s:\n", b->constant);
        if (b->pointer)
            out_add(o, "        if (v->as.%s == NULL)\n            return polka_write_number_fail(w, \"union branch %s\", 0, 0);\n", b->member, b->member);
        out_add(o, "        at = polka_write_size(at, %zu);\n        return %s;\n", i, write_call(g, b->shape, "at", value));
    }
    out_add(o, "    default: return polka_write_number_fail(w, \"union tag\", (unsigned)v->tag, %zu);\n    }\n}\n", numbered);
}

static void write_place(gen *g, out *o, const shape *s)
{
    if (s->inner != NULL)
        write_place(g, o, s->inner);
    for (size_t i = 0; i < s->branch_count; i++)
        write_place(g, o, s->branches[i].shape);
    switch (s->kind) {
    case SHAPE_POINTER: write_pointer(g, o, s); break;
    case SHAPE_ARRAY: case SHAPE_MAP: write_items(g, o, s); break;
    case SHAPE_UNION: write_union(g, o, s); break;
    default: break;
    }
}

/* ---- functions of a type ----------------------------------------------------------------------- */

static void write_record(gen *g, out *o, const named *type)
{
    for (size_t i = 0; i < type->member_count; i++)
        write_place(g, o, type->members[i].shape);
    write_head(g, o, type->name, type->name);
    for (size_t i = 0; i < type->member_count; i++) {
        const member *m = &type->members[i];
        write_statement(g, o, m->shape, "    ", format(g, "&v->%s", m->name), format(g, "polka_write_in(w, \"%s\")", m->field->name));
    }
    out_add(o, "    return at;\n}\n");
}

static void write_entrance(gen *g, out *o, const named *event)
{
    const char *grown = event->grows ? format(g, " + %s__bound(value%s)", event->name, event->recursive ? ", 1" : "") : "";
    out_add(o, "\nstatic polka_status %s__encode(const void *value, polka_buffer *buffer, polka_error *error)\n{\n"
               "    polka_writer writer;\n"
               "    uint8_t *at = polka_writer_begin(&writer, buffer, %zu%s, error);\n"
               "    if (at == NULL || (at = %s__write(&writer, at, value)) == NULL)\n"
               "        return polka_write_failed(&writer, \"%s\");\n"
               "    buffer->size = (size_t)(at - buffer->data);\n"
               "    return POLKA_OK;\n}\n",
            event->name, event->constant_bound, grown, event->name, event->schema->name);
}

void gen_write_encode(gen *g, out *o, named *const *types, size_t count)
{
    for (size_t i = 0; i < count; i++)
        types[i]->grows = types[i]->recursive;
    for (size_t i = 0; i < count; i++)
        measure(types[i]);
    for (size_t i = 0; i < count; i++)
        if (types[i]->recursive)
            out_add(o, "\nstatic uint64_t %s__bound(const %s *v, unsigned depth);\n"
                       "static uint8_t *%s__write(polka_writer *w, uint8_t *at, const %s *v);\n",
                    types[i]->name, types[i]->name, types[i]->name, types[i]->name);
    for (size_t i = 0; i < count; i++)
        if (types[i]->schema->type == POLKAI_AVRO_RECORD) {
            bound_record(g, o, types[i]);
            write_record(g, o, types[i]);
        }
    for (size_t i = 0; i < count; i++)
        if (types[i]->event && !types[i]->foreign)
            write_entrance(g, o, types[i]);
}
