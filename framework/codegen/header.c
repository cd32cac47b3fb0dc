/* header.c: NAME.h: the types, and what belongs to each event. */
#include "gen.h"

static bool ends_in_star(const char *type)
{
    return type[strlen(type) - 1] == '*';
}

static void pad(out *o, size_t from)
{
    enum { COLUMN = 41 };
    size_t column = o->size - from;
    out_add(o, "%*s", column < COLUMN ? (int)(COLUMN - column) : 1, "");
}

static const char *logical_name(const shape *s)
{
    while (s->inner != NULL)
        s = s->inner;
    switch (s->schema->logical) {
    case POLKAI_LOGICAL_UUID: return "uuid";
    case POLKAI_LOGICAL_DATE: return "date, days since 1970-01-01";
    case POLKAI_LOGICAL_TIME_MILLIS: return "time-millis";
    case POLKAI_LOGICAL_TIME_MICROS: return "time-micros";
    case POLKAI_LOGICAL_TIMESTAMP_MILLIS: return "timestamp-millis";
    case POLKAI_LOGICAL_TIMESTAMP_MICROS: return "timestamp-micros";
    case POLKAI_LOGICAL_TIMESTAMP_NANOS: return "timestamp-nanos";
    case POLKAI_LOGICAL_LOCAL_TIMESTAMP_MILLIS: return "local-timestamp-millis";
    case POLKAI_LOGICAL_LOCAL_TIMESTAMP_MICROS: return "local-timestamp-micros";
    case POLKAI_LOGICAL_LOCAL_TIMESTAMP_NANOS: return "local-timestamp-nanos";
    case POLKAI_LOGICAL_DECIMAL: return "decimal";
    case POLKAI_LOGICAL_NONE: case POLKAI_LOGICAL_DURATION: break;
    }
    return NULL;
}

static const shape *innermost(const shape *s)
{
    while (s->inner != NULL)
        s = s->inner;
    return s;
}

static void write_remark(out *o, const member *m, size_t line)
{
    const char *logical = logical_name(m->shape), *doc = m->field->doc;
    const char *null = m->shape->or_null ? "null: data is NULL" : m->shape->kind == SHAPE_POINTER ? "null: NULL" : NULL;
    if (logical == NULL && null == NULL && (doc == NULL || *doc == '\0'))
        return;
    pad(o, line);
    out_add(o, "/* ");
    if (logical != NULL)
        out_add(o, "%s", logical);
    const polkai_schema *leaf = innermost(m->shape)->schema;
    if (leaf->logical == POLKAI_LOGICAL_DECIMAL)
        out_add(o, "(%u,%u)%s", leaf->precision, leaf->scale, leaf->precision > 18 ? ": two's complement, big-endian" : "");
    if (null != NULL)
        out_add(o, "%s%s", logical == NULL ? "" : "; ", null);
    if (doc != NULL && *doc != '\0') {
        out_add(o, "%s", logical == NULL && null == NULL ? "" : "; ");
        out_comment(o, doc);
    }
    out_add(o, " */");
}

static void write_member(out *o, const char *indent, const char *type, const char *name)
{
    out_add(o, "%s%s%s%s;", indent, type, ends_in_star(type) ? "" : " ", name);
}

static void write_doc(out *o, const named *type)
{
    if (type->schema->doc == NULL || *type->schema->doc == '\0')
        return;
    out_add(o, "/* ");
    out_comment(o, type->schema->doc);
    out_add(o, " */\n");
}

static void write_record(out *o, const named *type)
{
    out_add(o, "\n");
    write_doc(o, type);
    out_add(o, type->forward ? "struct %s {\n" : "typedef struct %s {\n", type->name);
    size_t written = 0;
    for (size_t i = 0; i < type->member_count; i++) {
        const member *m = &type->members[i];
        if (m->shape->kind == SHAPE_NULL)
            continue;
        size_t line = o->size;
        write_member(o, "    ", m->shape->type, m->name);
        write_remark(o, m, line);
        out_add(o, "\n");
        written++;
    }
    if (written == 0)
        out_add(o, "    uint8_t nothing;                     /* C has no empty struct */\n");
    if (type->forward)
        out_add(o, "};\n");
    else
        out_add(o, "} %s;\n", type->name);
    if (type->event)
        out_add(o, "POLKA_EVENT(%s)\n", type->name);
}

static void write_enum(out *o, const named *type)
{
    out_add(o, "\n");
    write_doc(o, type);
    out_add(o, "typedef enum {");
    size_t line = o->size;
    for (size_t i = 0; i < type->schema->count; i++) {
        bool full = o->size - line > 90 || i == 0;
        if (full)
            line = o->size;
        out_add(o, "%s%s%s%s", full ? "\n    " : " ", type->symbols[i], i == 0 ? " = 1" : "", i + 1 < type->schema->count ? "," : "");
    }
    out_add(o, "\n} %s;\nconst char *%s_name(%s value);\n", type->name, type->name, type->name);
}

static void write_named(out *o, const named *type)
{
    switch (type->schema->type) {
    case POLKAI_AVRO_ENUM: write_enum(o, type); break;
    case POLKAI_AVRO_FIXED:
        out_add(o, "\n");
        write_doc(o, type);
        out_add(o, "typedef struct { uint8_t bytes[%zu]; } %s;\n", type->schema->fixed_size > 0 ? type->schema->fixed_size : 1, type->name);
        break;
    default: write_record(o, type);
    }
}

static const char *item_gap(const shape *inner)
{
    return ends_in_star(inner->type) ? "" : " ";
}

/* {…} of the struct <T>_entry */
static void write_entry(out *o, const shape *s)
{
    out_add(o, "{ polka_text key; %s%svalue; }", s->inner->type, item_gap(s->inner));
}

static void write_get(out *o, const shape *s)
{
    if (!ends_in_star(s->inner->type))                   /* the macro puts `const` before the type, which a pointer has already */
        out_add(o, "POLKA_MAP_GET(%s, %s)\n", s->inner->stem, s->inner->type);
}

static void write_compound(gen *g, out *o, const declaration *d)
{
    const shape *s = d->shape;
    const char *stem = s->inner->stem, *guard = gen_upper(g, s->type);
    if (d->guarded)
        out_add(o, "#ifndef POLKA_DECLARED_%s\n#define POLKA_DECLARED_%s\n", guard, guard);
    if (d->kind == DECLARE_ARRAY) {
        bool star = ends_in_star(s->inner->type);
        out_add(o, "typedef struct { size_t count; %s%s%sitems; } %s;\n", star ? "" : "const ", s->inner->type, star ? "const *" : " *", s->type);
    } else {
        out_add(o, d->kind == DECLARE_MAP ? "typedef struct " : "typedef struct %s_entry", stem);
        if (d->kind == DECLARE_MAP)
            write_entry(o, s);
        out_add(o, " %s_entry;\n", stem);
        out_add(o, "typedef struct { size_t count; const %s_entry *items; } %s;\n", stem, s->type);
        if (d->kind == DECLARE_MAP)
            write_get(o, s);
    }
    if (d->guarded)
        out_add(o, "#endif\n");
}

static void write_union(out *o, const shape *s)
{
    size_t number = 0, members = 0;
    out_add(o, "\ntypedef enum {\n");
    for (size_t i = 0; i < s->branch_count; i++) {
        const branch *b = &s->branches[i];
        bool null = b->shape->kind == SHAPE_NULL;
        members += !null;
        out_add(o, "    %s = %zu%s\n", b->constant, null ? (size_t)0 : ++number, i + 1 < s->branch_count ? "," : "");
    }
    out_add(o, "} %s_tag;\ntypedef struct {\n    %s_tag tag;\n", s->unit, s->unit);
    if (members > 0)
        out_add(o, "    union {\n");
    for (size_t i = 0; i < s->branch_count; i++) {
        const branch *b = &s->branches[i];
        if (b->shape->kind == SHAPE_NULL)
            continue;
        out_add(o, b->pointer ? "        const %s *%s;\n" : "        %s %s;\n", b->shape->type, b->member);
    }
    if (members > 0)
        out_add(o, "    } as;\n");
    out_add(o, "} %s;\n", s->unit);
}

static void write_declaration(gen *g, out *o, const declaration *d)
{
    switch (d->kind) {
    case DECLARE_NAMED: write_named(o, d->named); break;
    case DECLARE_UNION: write_union(o, d->shape); break;
    case DECLARE_ENTRY:
        out_add(o, "\nstruct %s_entry ", d->shape->inner->stem);
        write_entry(o, d->shape);
        out_add(o, ";\n");
        write_get(o, d->shape);
        break;
    default: write_compound(g, o, d);
    }
}

void gen_write_header(gen *g, out *o)
{
    const char *guard = gen_upper(g, g->target);
    out_add(o, "/* %s.h: made by polka_avro_generate; changes go into the schemas. */\n#ifndef POLKA_GENERATED_%s_H\n#define POLKA_GENERATED_%s_H\n\n#include <polka/codec.h>\n", g->target, guard, guard);
    for (size_t i = 0; i < g->headers.count; i++)
        out_add(o, "#include \"%s.h\"\n", g->headers.items[i]);
    out_add(o, "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    bool first = true;
    for (size_t i = 0; i < g->types.count; i++) {
        const named *type = g->types.items[i];
        if (!type->forward || type->foreign)
            continue;
        out_add(o, "%stypedef struct %s %s;\n", first ? "\n" : "", type->name, type->name);
        first = false;
    }
    for (size_t i = 0; i < g->declarations.count; i++)
        write_declaration(g, o, &g->declarations.items[i]);
    out_add(o, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}
