/* older_default.c: the fields that an earlier version did not write: constants in C, or bytes that their own reader reads. */
#include "older.h"

#include <avro/fallback.h>
#include <avro/wire.h>

#include <ctype.h>
#include <math.h>

enum { MOST_BYTES = 64 * 1024 };         /* of one default; a larger one is left to the plan */

static int64_t long_of(polkai_wire *wire)
{
    int64_t number = 0;
    polkai_get_long(wire, &number);
    return number;
}

static const char *real(gen *g, double number, const char *suffix)
{
    return isfinite(number) ? CALL(g, "%a%s", number, suffix) : NULL;
}

static const char *float_of(gen *g, polkai_wire *wire)
{
    uint32_t bits = (uint32_t)polkai_get_little(wire, 4);
    float number;
    memcpy(&number, &bits, sizeof number);
    return real(g, (double)number, "f");
}

static const char *double_of(gen *g, polkai_wire *wire)
{
    uint64_t bits = polkai_get_little(wire, 8);
    double number;
    memcpy(&number, &bits, sizeof number);
    return real(g, number, "");
}

static const char *piece_of(gen *g, polkai_wire *wire, const char *type)
{
    int64_t size = long_of(wire);
    out literal = { 0 };
    for (int64_t i = 0; i < size; i++)                   /* three digits always, as a digit may follow */
        out_add(&literal, isalnum(wire->at[i]) || wire->at[i] == ' ' ? "%c" : "\\%03o", wire->at[i]);
    const char *cast = strcmp(type, "polka_bytes") == 0 ? "(const uint8_t *)" : "";
    const char *text = CALL(g, "(%s){ %" PRId64 ", %s\"%s\" }", type, size, cast, size == 0 ? "" : literal.data);
    out_deinit(&literal);
    return text;
}

/* The default as an expression; NULL: it is more than that. */
static const char *constant_of(gen *g, const shape *s, polka_bytes bytes)
{
    polkai_wire wire = { bytes.data, bytes.data + bytes.size };
    if (s->or_null && long_of(&wire) == s->null_index)
        return CALL(g, "(%s){ 0 }", s->type);
    int64_t number;
    switch (s->kind) {
    case SHAPE_BOOLEAN: return *bytes.data != 0 ? "true" : "false";
    case SHAPE_INT: return (number = long_of(&wire)) == INT32_MIN ? "INT32_MIN" : CALL(g, "%" PRId64, number);
    case SHAPE_LONG: return (number = long_of(&wire)) == INT64_MIN ? "INT64_MIN" : CALL(g, "INT64_C(%" PRId64 ")", number);
    case SHAPE_FLOAT: return float_of(g, &wire);
    case SHAPE_DOUBLE: return double_of(g, &wire);
    case SHAPE_TEXT:
    case SHAPE_BYTES: return piece_of(g, &wire, s->type);
    case SHAPE_ENUM: return s->named->symbols[long_of(&wire)];
    case SHAPE_ARRAY:
    case SHAPE_MAP: return long_of(&wire) == 0 ? CALL(g, "(%s){ 0 }", s->type) : NULL;
    case SHAPE_POINTER: return long_of(&wire) == s->null_index ? "NULL" : NULL;
    default: return NULL;
    }
}

void gen_write_default(older_decoder *d, const member *m)
{
    polka_error error;
    polka_buffer bytes = { .arena = &d->g->arena };
    polka_buffer_reserve(&bytes, 1);
    if (polkai_fallback_encode(m->field->schema, m->field->fallback, &bytes, &error) != POLKA_OK || bytes.size > MOST_BYTES) {
        d->refused = true;
        return;
    }
    if (m->shape->kind == SHAPE_NULL)
        return;
    polka_bytes encoded = { bytes.size, bytes.data };
    const char *constant = constant_of(d->g, m->shape, encoded);
    if (constant != NULL)
        out_add(&d->body, "    v->%s = %s;\n", m->name, constant);
    else
        out_add(&d->body, "    if ((at = %s(r, at, &v->%s)) == NULL)\n        return polka_read_in(r, \"%s\");\n",
                gen_job(d, (job){ .kind = JOB_DEFAULT, .reader = m->field->schema, .shape = m->shape, .bytes = encoded }), m->name, m->field->name);
}

void gen_write_default_bytes(older_decoder *d, const job *at)
{
    out_add(&d->body, "    static const uint8_t bytes[] = {");
    for (size_t i = 0; i < at->bytes.size; i++)
        out_add(&d->body, "%s0x%02x,", i % 24 == 0 ? "\n        " : " ", at->bytes.data[i]);
    out_add(&d->body, "%s\n    };\n"
                      "    polka_reader inner, *r = &inner;\n"
                      "    const uint8_t *at = polka_default_begin(r, reader, place, %zu, bytes);\n"
                      "    return at == NULL ? NULL : polka_default_end(reader, place, r, %s);\n}\n",
            at->bytes.size == 0 ? " 0" : "", at->bytes.size, gen_read_call(d->g, at->shape, "v"));
}
