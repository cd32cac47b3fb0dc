/* source.c: NAME.c: names of enums, codecs, keys, schema texts and descriptors of events. */
#include "gen.h"

#include <avro/canonical.h>

#include <stdlib.h>

static void write_enum_name(out *o, const named *type)
{
    out_add(o, "\nconst char *%s_name(%s value)\n{\n    static const char *const names[] = {", type->name, type->name);
    size_t line = 0;
    for (size_t i = 0; i < type->schema->count; i++) {
        out_add(o, "%s\"%s\",", line == 0 ? "\n        " : " ", type->schema->symbols[i]);
        line = (line + 1) % 8;
    }
    out_add(o, "\n    };\n    return (unsigned)value - 1 < %zu ? names[(unsigned)value - 1] : \"?\";\n}\n", type->schema->count);
}

static void write_older(gen *g, out *o, named *event)
{
    if (event->older.count == 0)
        return;
    for (size_t i = 0; i < event->older.count; i++)
        gen_write_older(g, o, event, &event->older.items[i]);
    out_add(o, "\nstatic const polka_older_schema %s__older[] = {\n", event->name);
    for (size_t i = 0; i < event->older.count; i++) {
        out_add(o, "    { %u, UINT64_C(0x%016" PRIx64 "),\n      ", event->older.items[i].version, event->older.items[i].fingerprint);
        out_literal(o, event->older.items[i].schema, "      ");
        out_add(o, ",\n      %s },\n", event->older.items[i].decode != NULL ? event->older.items[i].decode : "NULL");
    }
    out_add(o, "};\n");
}

static void write_key(out *o, const named *event)
{
    if (event->key == NULL)
        return;
    const shape *s = event->key_shape;
    const char *type = event->schema->name, *value = event->key_expression;
    out_add(o, "\nstatic polka_status %s__key(const void *value, polka_arena *arena, polka_bytes *key, polka_error *error)\n{\n    const %s *v = value;\n",
            event->name, event->name);
    switch (s->kind) {
    case SHAPE_INT: case SHAPE_LONG: out_add(o, "    return polka_key_number(%s, arena, key);\n}\n", value); return;
    case SHAPE_FIXED:
        out_add(o, "    polka_bytes bytes = { %zu, %s.bytes };\n    return polka_key_bytes(\"%s\", \"%s\", bytes, key, error);\n}\n",
                s->schema->fixed_size, value, type, event->key);
        return;
    case SHAPE_ENUM:
        out_add(o, "    const char *name = (unsigned)%s - 1 < %zu ? %s_name(%s) : NULL;\n"
                   "    return polka_key_text(\"%s\", \"%s\", polka_text_of(name), key, error);\n}\n",
                value, s->schema->count, s->named->name, value, type, event->key);
        return;
    default:
        out_add(o, "    return polka_key_%s(\"%s\", \"%s\", %s, key, error);\n}\n", s->kind == SHAPE_TEXT ? "text" : "bytes", type, event->key, value);
    }
}

static void write_event(gen *g, out *o, named *event)
{
    const char *name = event->name;
    write_older(g, o, event);
    write_key(o, event);
    out_add(o, "\nstatic const polka_codec %s__codec = {\n    .encode = %s__encode,\n    .decode = %s__decode,\n", name, name, name);
    if (event->key != NULL)
        out_add(o, "    .key = %s__key,\n", name);
    if (event->older.count > 0)
        out_add(o, "    .older = %s__older,\n    .older_count = %zu,\n", name, event->older.count);
    out_add(o, "};\n\nstatic polka_outcome %s__invoke(polka_function handler, polka_context *ctx, const void *value)\n{\n"
               "    return ((%s_handler *)handler)(ctx, value);\n}\n",
            name, name);
    out_add(o, "\nconst polka_event %s_event = {\n    .name = \"%s\",\n    .topic = \"%s\",\n", name, event->schema->name, event->topic);
    if (event->key != NULL)
        out_add(o, "    .key = \"%s\",\n", event->key);
    char *text = polkai_schema_text(event->schema);
    out_add(o, "    .schema =\n        ");
    out_literal(o, text, "        ");
    free(text);
    out_add(o, ",\n    .fingerprint = UINT64_C(0x%016" PRIx64 "),\n    .version = %u,\n    .final = %s,\n    .value_size = sizeof(%s),\n"
               "    .invoke = %s__invoke,\n    .codec = &%s__codec,\n};\n",
            polkai_schema_fingerprint(event->schema), event->version, event->final ? "true" : "false", name, name, name);
}

void gen_write_source(gen *g, out *o)
{
    named **coded = polkai_arena_zeroed(&g->arena, g->ordered.count + 1, sizeof *coded);
    size_t count = 0;
    for (size_t i = 0; i < g->ordered.count; i++)
        if (g->ordered.items[i]->coded)
            coded[count++] = g->ordered.items[i];
    out_add(o, "/* %s.c: made by polka_avro_generate; changes go into the schemas. */\n#include <polka/wire.h>\n\n#include \"%s.h\"\n\n"
               "#ifdef __GNUC__\n#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n#pragma GCC diagnostic ignored \"-Wunused-parameter\"\n#endif\n",
            g->target, g->target);
    for (size_t i = 0; i < g->ordered.count; i++)
        if (g->ordered.items[i]->schema->type == POLKAI_AVRO_ENUM && !g->ordered.items[i]->foreign)
            write_enum_name(o, g->ordered.items[i]);
    gen_write_decode(g, o, coded, count);
    gen_write_encode(g, o, coded, count);
    for (size_t i = 0; i < g->ordered.count; i++)
        if (g->ordered.items[i]->event && !g->ordered.items[i]->foreign)
            write_event(g, o, g->ordered.items[i]);
}
