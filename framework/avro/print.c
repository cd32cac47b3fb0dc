/*
 * print.c: a schema as JSON text. An own stack in place of recursion: types that refer to each other by name may nest
 * far deeper when they are written out than any one text did.
 */
#include <avro/print.h>

#include <avro/json.h>
#include <avro/node.h>
#include <polka/codec.h>
#include <stdlib.h>

typedef struct { const polkai_schema *schema; size_t next; } frame;
typedef struct {
    polka_buffer out;
    bool whole;                          /* with attributes, not canonical */
    frame *stack;
    size_t depth, capacity;
    uint8_t *seen;                       /* by ordinal: this named type has been written out */
    size_t seen_count;
} printer;

static void put_bytes(printer *p, const char *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(polka_buffer_reserve(&p->out, size), data, size);
    p->out.size += size;
}

static void put(printer *p, const char *text)
{
    put_bytes(p, text, strlen(text));
}

static void put_name(printer *p, const char *name)
{
    put(p, "\"");                        /* names are checked: nothing in them needs an escape */
    put(p, name);
    put(p, "\"");
}

/* All members of `json` but those in `own` (they are written by their own rules), each with a comma before it. */
static void put_attributes(printer *p, const json_t *json, const char *const *own)
{
    if (!p->whole || !json_is_object(json))
        return;
    for (void *at = json_object_iter((json_t *)(uintptr_t)json); at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)json, at)) {
        const polka_text key = { json_object_iter_key_len(at), json_object_iter_key(at) };
        size_t i = 0;
        while (own[i] != NULL && !polka_text_equal(polka_text_of(own[i]), key))
            i++;
        if (own[i] != NULL)
            continue;
        json_t *name = json_stringn(key.data, key.size);
        put(p, ",");
        polkai_json_write(name, &p->out);
        put(p, ":");
        polkai_json_write(json_object_iter_value(at), &p->out);
        json_decref(name);
    }
}

static bool has_attributes(const json_t *json)
{
    return json_is_object(json) && json_object_size(json) > 1;
}

/* true: it was written out before, only its name is due. */
static bool seen_before(printer *p, const polkai_schema *schema)
{
    size_t ordinal = polkai_node(schema)->ordinal;
    if (ordinal >= p->seen_count) {
        size_t count = (ordinal + 1) * 2;
        p->seen = polkai_realloc(p->seen, count);
        memset(p->seen + p->seen_count, 0, count - p->seen_count);
        p->seen_count = count;
    }
    bool seen = p->seen[ordinal];
    p->seen[ordinal] = 1;
    return seen;
}

static void put_head(printer *p, const polkai_schema *schema)
{
    const char *dot = strrchr(schema->name, '.'), *type = polkai_avro_type_name(schema->type);
    if (!p->whole) {
        put(p, "{\"name\":");
        put_name(p, schema->name);
        put(p, ",\"type\":");
        put_name(p, type);
        return;
    }
    put(p, "{\"type\":");
    put_name(p, type);
    put(p, ",\"name\":");
    put_name(p, dot == NULL ? schema->name : dot + 1);
    if (dot != NULL) {
        put(p, ",\"namespace\":\"");
        put_bytes(p, schema->name, (size_t)(dot - schema->name));
        put(p, "\"");
    } else if (p->depth > 0) {
        put(p, ",\"namespace\":\"\"");   /* else it would inherit one */
    }
}

static void put_enum(printer *p, const polkai_schema *schema)
{
    put_head(p, schema);
    put(p, ",\"symbols\":[");
    for (size_t i = 0; i < schema->count; i++) {
        if (i > 0)
            put(p, ",");
        put_name(p, schema->symbols[i]);
    }
    put(p, "]");
    put_attributes(p, schema->json, (const char *const[]){ "type", "name", "namespace", "symbols", NULL });
    put(p, "}");
}

static void put_fixed(printer *p, const polkai_schema *schema)
{
    polka_text size = polkai_arena_format(p->out.arena, ",\"size\":%zu", schema->fixed_size);
    put_head(p, schema);
    put_bytes(p, size.data, size.size);
    put_attributes(p, schema->json, (const char *const[]){ "type", "name", "namespace", "size", NULL });
    put(p, "}");
}

static void put_primitive(printer *p, const polkai_schema *schema)
{
    bool object = p->whole && has_attributes(schema->json);
    put(p, object ? "{\"type\":" : "");
    put_name(p, polkai_avro_type_name(schema->type));
    if (object) {
        put_attributes(p, schema->json, (const char *const[]){ "type", NULL });
        put(p, "}");
    }
}

static void push(printer *p, const polkai_schema *schema)
{
    if (p->depth == p->capacity) {
        p->capacity = p->capacity == 0 ? 32 : p->capacity * 2;
        p->stack = polkai_realloc(p->stack, p->capacity * sizeof *p->stack);
    }
    p->stack[p->depth++] = (frame){ schema, 0 };
}

/* Writes a leaf, or opens what contains others and leaves the rest to the stack. */
static void open(printer *p, const polkai_schema *schema)
{
    if (polkai_is_named(schema) && seen_before(p, schema)) {
        put_name(p, schema->name);
        return;
    }
    switch (schema->type) {
    case POLKAI_AVRO_RECORD:
        put_head(p, schema);
        put_attributes(p, schema->json, (const char *const[]){ "type", "name", "namespace", "fields", NULL });
        put(p, ",\"fields\":[");
        push(p, schema);
        break;
    case POLKAI_AVRO_ARRAY: put(p, "{\"type\":\"array\",\"items\":"); push(p, schema); break;
    case POLKAI_AVRO_MAP: put(p, "{\"type\":\"map\",\"values\":"); push(p, schema); break;
    case POLKAI_AVRO_UNION: put(p, "["); push(p, schema); break;
    case POLKAI_AVRO_ENUM: put_enum(p, schema); break;
    case POLKAI_AVRO_FIXED: put_fixed(p, schema); break;
    default: put_primitive(p, schema); break;
    }
}

static void step_record(printer *p, frame *top)
{
    const polkai_schema *schema = top->schema;
    if (top->next > 0) {
        put_attributes(p, schema->fields[top->next - 1].json, (const char *const[]){ "name", "type", NULL });
        put(p, "}");
    }
    if (top->next == schema->count) {
        put(p, "]}");
        p->depth--;
        return;
    }
    const polkai_schema_field *field = &schema->fields[top->next];
    put(p, top->next > 0 ? ",{\"name\":" : "{\"name\":");
    put_name(p, field->name);
    put(p, ",\"type\":");
    top->next++;
    open(p, field->schema);              /* may move the stack: top is not used after it */
}

static void step(printer *p)
{
    frame *top = &p->stack[p->depth - 1];
    const polkai_schema *schema = top->schema;
    if (schema->type == POLKAI_AVRO_RECORD) {
        step_record(p, top);
    } else if (schema->type == POLKAI_AVRO_UNION) {
        if (top->next == schema->count) {
            put(p, "]");
            p->depth--;
            return;
        }
        put(p, top->next > 0 ? "," : "");
        open(p, schema->branches[top->next++]);
    } else if (top->next++ == 0) {
        open(p, schema->items);
    } else {
        put_attributes(p, schema->json, (const char *const[]){ "type", "items", "values", NULL });
        put(p, "}");
        p->depth--;
    }
}

char *polkai_schema_print(const polkai_schema *schema, polkai_print_form form)
{
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    printer p = { .out = { .arena = &arena }, .whole = form == POLKAI_PRINT_WHOLE };
    open(&p, schema);
    while (p.depth > 0)
        step(&p);
    put_bytes(&p, "", 1);
    char *text = memcpy(polkai_alloc(p.out.size), p.out.data, p.out.size);
    free(p.stack);
    free(p.seen);
    polkai_arena_deinit(&arena);
    return text;
}
