/*
 * walk.c: bytes from outside against a schema, on an own stack, so that no bytes and no schema can exhaust the
 * thread's. Nothing is allocated until a value nests more than INLINE_LEVELS deep.
 */
#include <avro/walk.h>

#include <avro/path.h>
#include <avro/wire.h>
#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

const polkai_walk_limits polkai_walk_limits_default = { .depth = 1000, .empty_items = 1000000 };

enum { INLINE_LEVELS = 24, IDLE_VALUES = 64000000 };

/* A record, array or map that has begun. Unions are no level: in the plain JSON of the value they are not seen either. */
typedef struct {
    const polkai_schema *schema;
    uint64_t next;                       /* field or item that comes next, from 0 */
    uint64_t left;                       /* items left in this block */
    const uint8_t *began;                /* where the last item began */
    const uint8_t *block_end;            /* where the block says that it ends; NULL: it does not say */
    polka_text key;                      /* of the map's last entry */
} level;

typedef struct {
    polkai_wire wire;
    const uint8_t *start;
    const polkai_walk_limits *limits;
    polka_error *error;
    const char *code;
    level *levels, *heap;
    size_t count, capacity;
    uint64_t empty_items, idle;          /* idle: values looked at without a byte read in between, of any kind */
    const polkai_schema *blamed;         /* the value of this type at this place is refused; NULL: none */
    const uint8_t *blamed_at;
    const char *reason;
} walker;

static polka_status bad_at(walker *w, const uint8_t *at, const char *format, ...) POLKA_PRINTF(3, 4);
static polka_status bad_at(walker *w, const uint8_t *at, const char *format, ...)
{
    enum { SHOWN = 64 };
    polkai_path path[SHOWN];
    char where[160] = "the value", what[320];
    if (w->error == NULL)
        return POLKA_POISON;
    size_t count = w->count;
    if (count > 0 && w->levels[count - 1].next == 0)
        count--;                         /* an array or map before its first item: the place is its own */
    size_t skipped = count > SHOWN ? count - SHOWN : 0;
    for (size_t i = skipped; i < count; i++) {
        const level *here = &w->levels[i];
        polkai_path *frame = &path[i - skipped];
        *frame = (polkai_path){ .up = i == skipped ? NULL : frame - 1, .index = (size_t)(here->next - 1), .name = here->key };
        frame->kind = here->schema->type == POLKAI_AVRO_ARRAY ? POLKAI_PATH_ITEM : POLKAI_PATH_KEY;
        if (here->schema->type == POLKAI_AVRO_RECORD) {
            frame->kind = POLKAI_PATH_MEMBER;
            frame->name = polka_text_of(here->schema->fields[here->next - 1].name);
        }
    }
    if (count > 0)
        polkai_path_write(where, sizeof where, skipped > 0 ? "..." : "", &path[count - skipped - 1]);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return polkai_fail(w->error, POLKA_POISON, w->code, "%s: %s, at byte %zu of %zu", where, what, (size_t)(at - w->start), (size_t)(w->wire.end - w->start));
}

static size_t remaining(const walker *w)
{
    return (size_t)(w->wire.end - w->wire.at);
}

static polka_status number(walker *w, int64_t *value)
{
    const char *problem = polkai_get_long(&w->wire, value);
    return problem == NULL ? POLKA_OK : bad_at(w, w->wire.at, "%s", problem);
}

static polka_status skip(walker *w, uint64_t bytes, const char *what)
{
    if (bytes > remaining(w))
        return bad_at(w, w->wire.at, "%s takes %llu bytes, and %zu are left", what, (unsigned long long)bytes, remaining(w));
    w->wire.at += bytes;
    return POLKA_OK;
}

/* Bytes or string: a length and as many bytes. */
static polka_status sized(walker *w, bool text, polka_text *found)
{
    const uint8_t *began = w->wire.at;
    int64_t size = 0;
    TRY(number(w, &size));
    if (size < 0)
        return bad_at(w, began, "a length of %lld", (long long)size);
    const uint8_t *data = w->wire.at;
    TRY(skip(w, (uint64_t)size, text ? "a text" : "a bytes value"));
    if (text && !polkai_utf8_valid(data, (size_t)size))
        return bad_at(w, data, "a text that is not UTF-8");
    *found = (polka_text){ (size_t)size, (const char *)data };
    return POLKA_OK;
}

/* Of 32 bits: at most five bytes, as Java Avro reads them. */
static polka_status ranged(walker *w, int64_t low, int64_t high, const char *what, int64_t *value)
{
    const uint8_t *began = w->wire.at;
    TRY(number(w, value));
    if (w->wire.at - began > 5)
        return bad_at(w, began, "%s takes %zu bytes, and 32 bits take at most 5", what, (size_t)(w->wire.at - began));
    if (*value < low || *value > high)
        return bad_at(w, began, "%s %lld is not in %lld to %lld", what, (long long)*value, (long long)low, (long long)high);
    return POLKA_OK;
}

static polka_status enter(walker *w, const polkai_schema *schema)
{
    if (w->count >= w->limits->depth)
        return bad_at(w, w->wire.at, "the value nests more than %u deep", w->limits->depth);
    if (w->count == w->capacity) {
        level *before = w->levels;
        w->levels = polkai_realloc(w->heap, 2 * w->capacity * sizeof *w->levels);
        if (w->heap == NULL)
            memcpy(w->levels, before, w->count * sizeof *w->levels);
        w->heap = w->levels;
        w->capacity *= 2;
    }
    w->levels[w->count++] = (level){ .schema = schema };
    return POLKA_OK;
}

/* One value, or the beginning of one. */
static polka_status visit(walker *w, const polkai_schema *schema)
{
    int64_t value;
    polka_text text;
    if (schema->type == POLKAI_AVRO_UNION) {
        TRY(ranged(w, 0, (int64_t)schema->count - 1, "union branch", &value));
        schema = schema->branches[value];
        w->idle = 0;
    }
    if (schema == w->blamed && w->wire.at == w->blamed_at) {
        w->code = "schema-mismatch";
        return bad_at(w, w->wire.at, "%s", w->reason);
    }
    /* A schema can make exponentially many values of no bytes; a body of one byte must not cost an hour. */
    if (++w->idle > IDLE_VALUES)
        return bad_at(w, w->wire.at, "more than %d values that take no bytes", IDLE_VALUES);
    switch (schema->type) {
    case POLKAI_AVRO_NULL: return POLKA_OK;
    case POLKAI_AVRO_BOOLEAN:
        TRY(skip(w, 1, "a boolean"));
        return w->wire.at[-1] <= 1 ? POLKA_OK : bad_at(w, w->wire.at - 1, "a boolean is 0 or 1, not %u", w->wire.at[-1]);
    case POLKAI_AVRO_INT: return ranged(w, INT32_MIN, INT32_MAX, "int", &value);
    case POLKAI_AVRO_LONG: return number(w, &value);
    case POLKAI_AVRO_FLOAT: return skip(w, 4, "a float");
    case POLKAI_AVRO_DOUBLE: return skip(w, 8, "a double");
    case POLKAI_AVRO_BYTES: return sized(w, false, &text);
    case POLKAI_AVRO_STRING: return sized(w, true, &text);
    case POLKAI_AVRO_ENUM: return ranged(w, 0, (int64_t)schema->count - 1, "enum index", &value);
    case POLKAI_AVRO_FIXED: return skip(w, schema->fixed_size, "a fixed");
    default: return enter(w, schema);
    }
}

static polka_status begin_block(walker *w, level *top)
{
    const uint8_t *began = w->wire.at;
    int64_t count = 0, size = 0;
    if (top->block_end != NULL && top->block_end != w->wire.at)
        return bad_at(w, w->wire.at, "a block ends here, and said that it would at byte %zu", (size_t)(top->block_end - w->start));
    top->block_end = NULL;
    TRY(number(w, &count));
    if (count == INT64_MIN)
        return bad_at(w, began, "a block count of %lld", (long long)count);
    top->left = (uint64_t)(count < 0 ? -count : count);
    if (count >= 0)
        return POLKA_OK;
    began = w->wire.at;
    TRY(number(w, &size));
    if (size < 0 || (uint64_t)size > remaining(w))
        return bad_at(w, began, "a block says that it takes %lld bytes, and %zu are left", (long long)size, remaining(w));
    top->block_end = w->wire.at + size;
    return POLKA_OK;
}

static polka_status step_items(walker *w, level *top)
{
    if (top->next > 0 && top->began == w->wire.at && ++w->empty_items > w->limits->empty_items)
        return bad_at(w, w->wire.at, "more than %llu items that take no bytes", (unsigned long long)w->limits->empty_items);
    if (top->left == 0) {
        TRY(begin_block(w, top));
        if (top->left == 0) {
            w->count--;
            return POLKA_OK;
        }
    }
    top->left--;
    top->next++;
    top->began = w->wire.at;
    if (top->schema->type == POLKAI_AVRO_MAP) {
        top->key = (polka_text){ 0 };
        TRY(sized(w, true, &top->key));
    }
    return visit(w, top->schema->items);
}

static polka_status step(walker *w)
{
    level *top = &w->levels[w->count - 1];
    const uint8_t *before = w->wire.at;
    polka_status status;
    if (top->schema->type != POLKAI_AVRO_RECORD) {
        status = step_items(w, top);
    } else if (top->next == top->schema->count) {
        w->count--;
        return POLKA_OK;
    } else {
        status = visit(w, top->schema->fields[top->next++].schema);
    }
    if (w->wire.at != before)
        w->idle = 0;
    return status;
}

static polka_status walk(walker *w, const polkai_schema *schema, polka_bytes body, const polkai_walk_limits *limits, polka_error *error)
{
    level inline_levels[INLINE_LEVELS];
    w->start = w->wire.at;
    w->wire.end = w->wire.at + body.size;
    w->error = error;
    w->code = "bad-bytes";
    w->levels = inline_levels;
    w->capacity = INLINE_LEVELS;
    w->limits = limits == NULL ? &polkai_walk_limits_default : limits;
    polka_status status = visit(w, schema);
    while (status == POLKA_OK && w->count > 0)
        status = step(w);
    if (status == POLKA_OK && w->wire.at != w->wire.end)
        status = bad_at(w, w->wire.at, "%zu bytes are left over", remaining(w));
    free(w->heap);
    return status;
}

static const uint8_t nothing = 0;

polka_status polkai_walk(const polkai_schema *schema, polka_bytes body, const polkai_walk_limits *limits, polka_error *error)
{
    walker w = { .wire = { .at = body.data == NULL ? &nothing : body.data } };
    return walk(&w, schema, body, limits, error);
}

polka_status polkai_walk_blame(const polkai_schema *schema, polka_bytes body, const polkai_walk_limits *limits, const polkai_schema *at,
                               size_t offset, const char *reason, polka_error *error)
{
    walker w = { .wire = { .at = body.data == NULL ? &nothing : body.data }, .blamed = at, .reason = reason };
    w.blamed_at = w.wire.at + offset;
    return walk(&w, schema, body, limits, error);
}
