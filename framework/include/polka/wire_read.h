/* wire_read.h: reading of Avro bytes that come from outside: every bound is checked. See wire.h. */
#ifndef POLKA_WIRE_READ_H
#define POLKA_WIRE_READ_H

#include <polka/wire_bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

POLKA_API const uint8_t *polka_read_varint_slow(polka_reader *reader, const uint8_t *at, uint64_t *raw);
POLKA_API const uint8_t *polka_read_decimal(polka_reader *reader, const uint8_t *at, int64_t *value);        /* of bytes */
POLKA_API const uint8_t *polka_read_decimal_fixed(polka_reader *reader, const uint8_t *at, size_t size, int64_t *value);
POLKA_API const uint8_t *polka_read_duration(polka_reader *reader, const uint8_t *at, polka_duration *value);

/* polka_reader_begin: the first place to read. */
POLKA_INLINE const uint8_t *polka_reader_begin(polka_reader *reader, polka_bytes body, polka_arena *arena, bool has_texts, polka_error *error)
{
    static const uint8_t nothing[1] = { 0 };
    reader->start = body.data != NULL ? body.data : nothing;
    reader->end = reader->start + (body.data != NULL ? body.size : 0);
    reader->copy = NULL;
    reader->arena = arena;
    reader->empty_items = 0;
    reader->default_bytes = 0;
    reader->memory_left = POLKA_MEMORY_MAX + 64 * (size_t)(reader->end - reader->start);
    reader->depth = 0;
    reader->error = error;
    reader->failure.path_at = sizeof reader->failure.path;
    if (has_texts) {
        size_t size = (size_t)(reader->end - reader->start);
        reader->copy = (char *)polka_arena_alloc(arena, size + 1);
        memcpy(reader->copy, reader->start, size);
    }
    return reader->start;
}

POLKA_INLINE size_t polka_read_left(const polka_reader *reader, const uint8_t *at) { return (size_t)(reader->end - at); }

POLKA_INLINE const uint8_t *polka_read_varint(polka_reader *reader, const uint8_t *at, uint64_t *raw)
{
    if (polka_read_left(reader, at) >= 8) {
        if (at[0] < 0x80) {
            *raw = at[0];
            return at + 1;
        }
        if (at[1] < 0x80) {
            *raw = (at[0] & 0x7fu) | (uint64_t)at[1] << 7;
            return at + 2;
        }
        if (at[2] < 0x80) {
            *raw = (at[0] & 0x7fu) | (at[1] & 0x7fu) << 7 | (uint64_t)at[2] << 14;
            return at + 3;
        }
        uint64_t word = polka_load64(at), last = ~word & POLKA_HIGH_BITS;
        if (last != 0) {
            word &= (last ^ (last - 1)) & ~POLKA_HIGH_BITS;
            word = (word & UINT64_C(0x007f007f007f007f)) | ((word & UINT64_C(0x7f007f007f007f00)) >> 1);
            word = (word & UINT64_C(0x00003fff00003fff)) | ((word & UINT64_C(0x3fff00003fff0000)) >> 2);
            word = (word & UINT64_C(0x000000000fffffff)) | ((word & UINT64_C(0x0fffffff00000000)) >> 4);
            *raw = word;
            return at + (__builtin_ctzll(last) >> 3) + 1;
        }
    }
    return polka_read_varint_slow(reader, at, raw);
}

/* Short numbers: lengths, counts, indices. */
POLKA_INLINE const uint8_t *polka_read_short(polka_reader *reader, const uint8_t *at, uint64_t *raw)
{
    if (at < reader->end && *at < 0x80) {
        *raw = *at;
        return at + 1;
    }
    return polka_read_varint(reader, at, raw);
}

POLKA_INLINE int64_t polka_unzigzag(uint64_t raw) { return (int64_t)(raw >> 1 ^ (~(raw & 1) + 1)); }

POLKA_INLINE const uint8_t *polka_read_long(polka_reader *reader, const uint8_t *at, int64_t *value)
{
    uint64_t raw;
    const uint8_t *next = polka_read_varint(reader, at, &raw);
    if (next != NULL)
        *value = polka_unzigzag(raw);
    return next;
}

/* A number of 32 bits takes at most five bytes, as Java Avro has it. */
POLKA_INLINE const uint8_t *polka_read_int(polka_reader *reader, const uint8_t *at, int32_t *value)
{
    uint64_t raw;
    const uint8_t *next = polka_read_short(reader, at, &raw);
    if (next == NULL)
        return NULL;
    if (raw > UINT32_MAX || next - at > 5) {
        polka_read_fail(reader, at, "int out of range: %" PRId64 "%s", polka_unzigzag(raw), raw > UINT32_MAX ? "" : ", in more than five bytes");
        return NULL;
    }
    *value = (int32_t)polka_unzigzag(raw);
    return next;
}

POLKA_INLINE const uint8_t *polka_read_boolean(polka_reader *reader, const uint8_t *at, bool *value)
{
    if (at == reader->end || *at > 1) {
        polka_read_fail(reader, at, at == reader->end ? "ends where a boolean should be" : "boolean is neither 0 nor 1");
        return NULL;
    }
    *value = *at != 0;
    return at + 1;
}

/* polka_read_piece: `size` bytes, checked to be there. */
POLKA_INLINE const uint8_t *polka_read_piece(polka_reader *reader, const uint8_t *at, size_t size, void *to)
{
    if (polka_read_left(reader, at) < size) {
        polka_read_fail(reader, at, "%zu bytes expected, %zu remain", size, polka_read_left(reader, at));
        return NULL;
    }
    memcpy(to, at, size);
    return at + size;
}

POLKA_INLINE const uint8_t *polka_read_float(polka_reader *reader, const uint8_t *at, float *value)
{
    uint32_t bits = 0;
    if ((at = polka_read_piece(reader, at, sizeof bits, &bits)) == NULL)
        return NULL;
    bits = polka_load32(&bits);
    memcpy(value, &bits, sizeof bits);
    return at;
}

POLKA_INLINE const uint8_t *polka_read_double(polka_reader *reader, const uint8_t *at, double *value)
{
    uint64_t bits = 0;
    if ((at = polka_read_piece(reader, at, sizeof bits, &bits)) == NULL)
        return NULL;
    bits = polka_load64(&bits);
    memcpy(value, &bits, sizeof bits);
    return at;
}

/* polka_read_length: of a text or bytes; what it announces is there. */
POLKA_INLINE const uint8_t *polka_read_length(polka_reader *reader, const uint8_t *at, size_t *size)
{
    uint64_t raw;
    const uint8_t *next = polka_read_short(reader, at, &raw);
    if (next == NULL)
        return NULL;
    if ((raw & 1) != 0 || raw >> 1 > polka_read_left(reader, next)) {
        polka_read_fail(reader, at, "length %" PRId64 ", but %zu bytes remain", polka_unzigzag(raw), polka_read_left(reader, next));
        return NULL;
    }
    *size = (size_t)(raw >> 1);
    return next;
}

POLKA_INLINE const uint8_t *polka_read_text(polka_reader *reader, const uint8_t *at, polka_text *text)
{
    size_t size;
    if ((at = polka_read_length(reader, at, &size)) == NULL)
        return NULL;
    if (polka_high_bits(at, size, reader->end) != 0 && !polka_utf8_check(at, size)) {
        polka_read_fail(reader, at, "text is not UTF-8");
        return NULL;
    }
    char *data = reader->copy + (at - reader->start);
    data[size] = '\0';
    text->size = size;
    text->data = data;
    return at + size;
}

POLKA_INLINE const uint8_t *polka_read_bytes(polka_reader *reader, const uint8_t *at, polka_bytes *bytes)
{
    size_t size;
    if ((at = polka_read_length(reader, at, &size)) == NULL)
        return NULL;
    bytes->size = size;
    bytes->data = (const uint8_t *)reader->copy + (at - reader->start);
    return at + size;
}

/* polka_read_index: of an enum symbol or union branch, below `count`. */
POLKA_INLINE const uint8_t *polka_read_index(polka_reader *reader, const uint8_t *at, unsigned count, const char *what, unsigned *index)
{
    uint64_t raw;
    const uint8_t *next = polka_read_short(reader, at, &raw);
    if (next == NULL)
        return NULL;
    if ((raw & 1) != 0 || raw >> 1 >= count || next - at > 5) {
        polka_read_fail(reader, at, "%s index %" PRId64 " is not one of 0..%u%s", what, polka_unzigzag(raw), count - 1,
                        next - at > 5 ? ", in at most five bytes" : "");
        return NULL;
    }
    *index = (unsigned)(raw >> 1);
    return next;
}

/* [null, string] and [null, bytes]: null is data NULL. */
POLKA_INLINE const uint8_t *polka_read_text_or_null(polka_reader *reader, const uint8_t *at, unsigned null_index, polka_text *text)
{
    unsigned index;
    if ((at = polka_read_index(reader, at, 2, "union", &index)) == NULL)
        return NULL;
    if (index != null_index)
        return polka_read_text(reader, at, text);
    text->size = 0;
    text->data = NULL;
    return at;
}

POLKA_INLINE const uint8_t *polka_read_bytes_or_null(polka_reader *reader, const uint8_t *at, unsigned null_index, polka_bytes *bytes)
{
    unsigned index;
    if ((at = polka_read_index(reader, at, 2, "union", &index)) == NULL)
        return NULL;
    if (index != null_index)
        return polka_read_bytes(reader, at, bytes);
    bytes->size = 0;
    bytes->data = NULL;
    return at;
}

/* A block of an array or map. `end` is where its announced byte size ends; NULL: not announced. */
typedef struct { size_t count; const uint8_t *end; } polka_block;
POLKA_API const uint8_t *polka_read_block_sized(polka_reader *reader, const uint8_t *at, uint64_t raw, uint64_t *count, polka_block *block);
POLKA_API bool polka_read_empty_items(polka_reader *reader, const uint8_t *at, uint64_t count);

/* polka_read_block: an item takes at least `item_bytes`, so a count beyond what remains is refused before any memory is taken. */
POLKA_INLINE const uint8_t *polka_read_block(polka_reader *reader, const uint8_t *at, size_t item_bytes, polka_block *block)
{
    uint64_t raw, count;
    const uint8_t *next = polka_read_short(reader, at, &raw);
    if (next == NULL)
        return NULL;
    block->end = NULL;
    count = raw >> 1;
    if ((raw & 1) != 0 && (next = polka_read_block_sized(reader, next, raw, &count, block)) == NULL)
        return NULL;
    if (item_bytes == 0 ? !polka_read_empty_items(reader, at, count) : count > polka_read_left(reader, next) / item_bytes) {
        if (item_bytes != 0)
            polka_read_fail(reader, at, "block of %" PRIu64 " items, but %zu bytes remain", count, polka_read_left(reader, next));
        return NULL;
    }
    block->count = (size_t)count;
    return next;
}

/* polka_read_block_end: a block that announced its size must have used it up. */
POLKA_INLINE const uint8_t *polka_read_block_end(polka_reader *reader, const uint8_t *at, const polka_block *block)
{
    if (block->end != NULL && block->end != at) {
        polka_read_fail(reader, at, "block does not end at its announced size");
        return NULL;
    }
    return at;
}

/* polka_read_memory: of the arena. A byte of the body can ask for a large item, and a count of items for many at each level. */
POLKA_API POLKA_COLD void *polka_read_no_memory(polka_reader *reader, const uint8_t *at);
POLKA_INLINE void *polka_read_memory(polka_reader *reader, const uint8_t *at, size_t bytes)
{
    if (!POLKA_LIKELY(bytes <= reader->memory_left))
        return polka_read_no_memory(reader, at);
    reader->memory_left -= bytes;
    return polka_arena_alloc(reader->arena, bytes);
}

POLKA_API void *polka_read_more_room(polka_reader *reader, const uint8_t *at, void *items, size_t count, size_t more, size_t *room, size_t item_size);

/* polka_read_room: memory for `more` items behind the `count` that are there. */
POLKA_INLINE void *polka_read_room(polka_reader *reader, const uint8_t *at, void *items, size_t count, size_t more, size_t *room, size_t item_size)
{
    size_t bytes;
    if (items != NULL || __builtin_mul_overflow(more, item_size, &bytes))
        return *room - count >= more ? items : polka_read_more_room(reader, at, items, count, more, room, item_size);
    *room = more;
    return polka_read_memory(reader, at, bytes);
}

/* polka_read_deeper: a level of a recursive type; leave with reader->depth--. */
POLKA_INLINE bool polka_read_deeper(polka_reader *reader, const uint8_t *at)
{
    if (++reader->depth <= polka_read_limits.depth)
        return true;
    polka_read_fail(reader, at, "nested deeper than %u levels", polka_read_limits.depth);
    return false;
}

/* ---- what an earlier version of the type wrote -------------------------------------------------- */

/* polka_read_FROM_as_TO: a number that has become wider. */
#define POLKA_READ_AS(FROM, FROM_TYPE, TO, TO_TYPE)                                                                                    \
    POLKA_INLINE const uint8_t *polka_read_##FROM##_as_##TO(polka_reader *reader, const uint8_t *at, TO_TYPE *value)                   \
    {                                                                                                                                 \
        FROM_TYPE number = 0;                                                                                                         \
        at = polka_read_##FROM(reader, at, &number);                                                                                  \
        *value = (TO_TYPE)number;                                                                                                     \
        return at;                                                                                                                    \
    }
POLKA_READ_AS(int, int32_t, long, int64_t)
POLKA_READ_AS(int, int32_t, float, float)
POLKA_READ_AS(int, int32_t, double, double)
POLKA_READ_AS(long, int64_t, float, float)
POLKA_READ_AS(long, int64_t, double, double)
POLKA_READ_AS(float, float, double, double)
#undef POLKA_READ_AS

/* polka_pass_…: a value that nobody takes, with all checks of reading it. */
#define POLKA_PASS(WHAT, TYPE)                                                                                                        \
    POLKA_INLINE const uint8_t *polka_pass_##WHAT(polka_reader *reader, const uint8_t *at)                                             \
    {                                                                                                                                 \
        TYPE value;                                                                                                                   \
        return polka_read_##WHAT(reader, at, &value);                                                                                 \
    }
POLKA_PASS(boolean, bool)
POLKA_PASS(int, int32_t)
POLKA_PASS(long, int64_t)
#undef POLKA_PASS

POLKA_INLINE const uint8_t *polka_pass_index(polka_reader *reader, const uint8_t *at, unsigned count, const char *what)
{
    unsigned index;
    return polka_read_index(reader, at, count, what, &index);
}

POLKA_INLINE const uint8_t *polka_pass_piece(polka_reader *reader, const uint8_t *at, size_t size)
{
    if (polka_read_left(reader, at) < size) {
        polka_read_fail(reader, at, "%zu bytes expected, %zu remain", size, polka_read_left(reader, at));
        return NULL;
    }
    return at + size;
}

POLKA_INLINE const uint8_t *polka_pass_bytes(polka_reader *reader, const uint8_t *at)
{
    size_t size;
    return (at = polka_read_length(reader, at, &size)) == NULL ? NULL : at + size;
}

POLKA_INLINE const uint8_t *polka_pass_text(polka_reader *reader, const uint8_t *at)
{
    size_t size;
    if ((at = polka_read_length(reader, at, &size)) == NULL)
        return NULL;
    if (polka_high_bits(at, size, reader->end) != 0 && !polka_utf8_check(at, size)) {
        polka_read_fail(reader, at, "text is not UTF-8");
        return NULL;
    }
    return at + size;
}

/*
 * A default that is more than a constant is read from its bytes, by a reader of its own: begin gives the first place to read
 * (NULL: there were too many), end takes the one behind it (NULL: it failed) and gives `at`, where the value at hand goes on.
 */
POLKA_API const uint8_t *polka_default_begin(polka_reader *inner, polka_reader *reader, const uint8_t *at, size_t size, const uint8_t *bytes);
POLKA_API const uint8_t *polka_default_end(polka_reader *reader, const uint8_t *at, const polka_reader *inner, const uint8_t *inner_at);

#ifdef __cplusplus
}
#endif
#endif
