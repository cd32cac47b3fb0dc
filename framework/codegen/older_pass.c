/* older_pass.c: values that an earlier version wrote and nobody takes: all checks, no memory. */
#include "older.h"

#include <avro/pairs.h>

static bool reaches(polkai_pairs *seen, const polkai_schema *from, const polkai_schema *record)
{
    if (from == record)
        return true;
    if (from->type == POLKAI_AVRO_ARRAY || from->type == POLKAI_AVRO_MAP)
        return reaches(seen, from->items, record);
    for (size_t i = 0; from->type == POLKAI_AVRO_UNION && i < from->count; i++)
        if (reaches(seen, from->branches[i], record))
            return true;
    size_t before = seen->count;
    if (from->type != POLKAI_AVRO_RECORD || polkai_pairs_add(seen, from, NULL) < before)
        return false;
    for (size_t i = 0; i < from->count; i++)
        if (reaches(seen, from->fields[i].schema, record))
            return true;
    return false;
}

bool gen_is_recursive(const polkai_schema *record)
{
    polkai_pairs seen = { 0 };
    bool found = false;
    for (size_t i = 0; i < record->count && !found; i++)
        found = reaches(&seen, record->fields[i].schema, record);
    polkai_pairs_deinit(&seen);
    return found;
}

const char *gen_pass_call(older_decoder *d, const polkai_schema *writer)
{
    switch (writer->type) {
    case POLKAI_AVRO_NULL: return "at";
    case POLKAI_AVRO_BOOLEAN: return "polka_pass_boolean(r, at)";
    case POLKAI_AVRO_INT: return "polka_pass_int(r, at)";
    case POLKAI_AVRO_LONG: return "polka_pass_long(r, at)";
    case POLKAI_AVRO_FLOAT: return "polka_pass_piece(r, at, 4)";
    case POLKAI_AVRO_DOUBLE: return "polka_pass_piece(r, at, 8)";
    case POLKAI_AVRO_BYTES: return "polka_pass_bytes(r, at)";
    case POLKAI_AVRO_STRING: return "polka_pass_text(r, at)";
    case POLKAI_AVRO_FIXED: return CALL(d->g, "polka_pass_piece(r, at, %zu)", writer->fixed_size);
    case POLKAI_AVRO_ENUM: return CALL(d->g, "polka_pass_index(r, at, %zu, \"enum\")", writer->count);
    default: return CALL(d->g, "%s(r, at)", gen_job(d, (job){ .kind = JOB_PASS, .writer = writer }));
    }
}

static void pass_record(older_decoder *d, const polkai_schema *writer)
{
    bool recursive = gen_is_recursive(writer);
    if (recursive)
        out_add(&d->body, "    if (!polka_read_deeper(r, at))\n        return NULL;\n");
    for (size_t i = 0; i < writer->count; i++)
        if (writer->fields[i].schema->type != POLKAI_AVRO_NULL)
            out_add(&d->body, "    if ((at = %s) == NULL)\n        return polka_read_in(r, \"%s\");\n", gen_pass_call(d, writer->fields[i].schema),
                    writer->fields[i].name);
    out_add(&d->body, "%s    return at;\n}\n", recursive ? "    r->depth--;\n" : "");
}

static void pass_items(older_decoder *d, const polkai_schema *writer)
{
    bool map = writer->type == POLKAI_AVRO_MAP, empty = writer->items->type == POLKAI_AVRO_NULL;
    out_add(&d->body, "%s"
                      "    for (polka_block block;;) {\n"
                      "        if ((at = polka_read_block(r, at, %zu, &block)) == NULL)\n"
                      "            return NULL;\n"
                      "        if (block.count == 0)\n"
                      "            return at;\n", !map && empty ? "" : "    size_t count = 0;\n", map + gen_least_bytes(d->g, writer->items));
    if (map)
        out_add(&d->body, "        for (size_t end = count + block.count; count < end; count++) {\n"
                          "%s"
                          "            if ((at = polka_pass_text(r, at)) == NULL)\n"
                          "                return polka_read_in_item(r, count);\n", empty ? "" : "            const uint8_t *key = at;\n");
    if (map && !empty)
        out_add(&d->body, "            if ((at = %s) == NULL)\n"
                          "                return polka_read_in_passed(r, key);\n", gen_pass_call(d, writer->items));
    if (map)
        out_add(&d->body, "        }\n");
    else if (!empty)
        out_add(&d->body, "        for (size_t end = count + block.count; count < end; count++)\n"
                          "            if ((at = %s) == NULL)\n"
                          "                return polka_read_in_item(r, count);\n", gen_pass_call(d, writer->items));
    out_add(&d->body, "        if ((at = polka_read_block_end(r, at, &block)) == NULL)\n"
                      "            return NULL;\n"
                      "    }\n}\n");
}

static void pass_union(older_decoder *d, const polkai_schema *writer)
{
    out_add(&d->body, "    unsigned branch;\n"
                      "    if ((at = polka_read_index(r, at, %zu, \"union\", &branch)) == NULL)\n"
                      "        return NULL;\n"
                      "    switch (branch) {\n", writer->count);
    for (size_t i = 0; i + 1 < writer->count; i++)
        out_add(&d->body, "    case %zu: return %s;\n", i, gen_pass_call(d, writer->branches[i]));
    out_add(&d->body, "    default: return %s;\n    }\n}\n", writer->count == 0 ? "at" : gen_pass_call(d, writer->branches[writer->count - 1]));
}

void gen_write_pass(older_decoder *d, const polkai_schema *writer)
{
    switch (writer->type) {
    case POLKAI_AVRO_RECORD: pass_record(d, writer); break;
    case POLKAI_AVRO_UNION: pass_union(d, writer); break;
    default: pass_items(d, writer); break;
    }
}
