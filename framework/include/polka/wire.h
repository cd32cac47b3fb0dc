/*
 * wire.h: Avro's binary primitives, for generated sources only: read with every bound checked, write after one reserve.
 *
 * A read or write function returns the place behind what it read or wrote, or NULL when it failed. Callers then name the
 * place on their way out (…_in, …_in_item), so that a field path is put together on the failure path only.
 *
 * Speed: the body is copied once into the arena and its texts point into that copy, where each gets its NUL (reading goes
 * on in the original). Varints are read and written eight bytes at a time without a branch for each byte.
 */
#ifndef POLKA_WIRE_H
#define POLKA_WIRE_H

#include <polka/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POLKA_INLINE static inline __attribute__((always_inline, unused))
#define POLKA_COLD __attribute__((cold, noinline))
#define POLKA_LIKELY(CONDITION) __builtin_expect(!!(CONDITION), 1)

#define POLKA_DEPTH_MAX 1000u                            /* levels of a recursive type */
#define POLKA_EMPTY_ITEMS_MAX 1000000u                   /* items that take no bytes, in one value */
#define POLKA_BODY_MAX ((size_t)1 << 30)                 /* bytes of one encoded value */
#define POLKA_WRITE_SLACK ((size_t)16)                   /* writes may touch this much beyond what they count */

/* Where and why a value failed; filled on the failure path only. `path` grows towards its front. */
typedef struct { size_t path_at; char path[256], reason[160]; } polka_failure;

typedef struct polka_reader {
    const uint8_t *start, *end;          /* the body */
    char *copy;                          /* the same bytes in the arena; NULL: the type has no texts */
    polka_arena *arena;
    uint64_t empty_items;                /* read so far */
    unsigned depth;
    polka_error *error;
    size_t failed_at;                    /* byte offset */
    polka_failure failure;
} polka_reader;

typedef struct polka_writer {
    polka_error *error;
    polka_failure failure;
} polka_writer;

/* ---- failing (cold) ---------------------------------------------------------------------------- */

POLKA_API POLKA_COLD void polka_read_fail(polka_reader *reader, const uint8_t *at, const char *format, ...) POLKA_PRINTF(3, 4);
POLKA_API POLKA_COLD const uint8_t *polka_read_in(polka_reader *reader, const char *field);          /* NULL, always */
POLKA_API POLKA_COLD const uint8_t *polka_read_in_item(polka_reader *reader, size_t index);          /* NULL, always */
POLKA_API POLKA_COLD const uint8_t *polka_read_in_entry(polka_reader *reader, polka_text key);       /* NULL, always */
POLKA_API POLKA_COLD polka_status polka_read_failed(polka_reader *reader, const uint8_t *at, const char *type);   /* POISON */

POLKA_API POLKA_COLD void polka_write_fail(polka_writer *writer, const char *format, ...) POLKA_PRINTF(2, 3);
POLKA_API POLKA_COLD uint8_t *polka_write_in(polka_writer *writer, const char *field);
POLKA_API POLKA_COLD uint8_t *polka_write_in_item(polka_writer *writer, size_t index);
POLKA_API POLKA_COLD uint8_t *polka_write_in_entry(polka_writer *writer, polka_text key);
POLKA_API POLKA_COLD polka_status polka_write_failed(polka_writer *writer, const char *type);        /* MISUSE */

/* ---- bytes ------------------------------------------------------------------------------------- */

POLKA_INLINE uint64_t polka_load64(const void *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

POLKA_INLINE void polka_store64(void *at, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(at, &word, sizeof word);
}

POLKA_INLINE uint32_t polka_load32(const void *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

POLKA_INLINE void polka_store32(void *at, uint32_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    memcpy(at, &word, sizeof word);
}

typedef uint64_t polka_pair __attribute__((vector_size(16)));            /* two words at a time */

#define POLKA_HIGH_BITS UINT64_C(0x8080808080808080)
POLKA_API bool polka_utf8_check(const void *data, size_t size);      /* RFC 3629 */

/* polka_high_bits: not 0 when a byte of the text is not ASCII. `end`: up to here may be read. */
POLKA_INLINE uint64_t polka_high_bits(const uint8_t *at, size_t size, const uint8_t *end)
{
    /* a window of 16 masks: text of n bytes sees its last n, then zeros, so that no length needs a branch */
    static const uint8_t window[32] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 };
    uint64_t high = 0;
    if (size <= 16 && end - at >= 16)
        return (polka_load64(at) & polka_load64(window + 16 - size)) | (polka_load64(at + 8) & polka_load64(window + 24 - size));
    if (size >= 16) {
        polka_pair some, pair;
        memcpy(&some, at + size - 16, sizeof some);
        for (size_t i = 0; i + 16 < size; i += 16) {
            memcpy(&pair, at + i, sizeof pair);
            some |= pair;
        }
        high = some[0] | some[1];
    } else if (size >= 8) {
        high = polka_load64(at) | polka_load64(at + size - 8);
    } else {
        for (size_t i = 0; i < size; i++)
            high |= at[i];
    }
    return high & POLKA_HIGH_BITS;
}

/* polka_copy_text copies and tells like polka_high_bits whether there was a byte that is not ASCII. */
POLKA_INLINE uint64_t polka_copy_text(uint8_t *to, const char *from, size_t size)
{
    uint64_t high = 0;
    if (size >= 16) {
        polka_pair some = { 0, 0 }, pair;
        for (size_t i = 0; i + 16 < size; i += 16) {
            memcpy(&pair, from + i, sizeof pair);
            memcpy(to + i, &pair, sizeof pair);
            some |= pair;
        }
        memcpy(&pair, from + size - 16, sizeof pair);
        memcpy(to + size - 16, &pair, sizeof pair);
        some |= pair;
        high = some[0] | some[1];
    } else if (size >= 8) {
        uint64_t first = polka_load64(from), last = polka_load64(from + size - 8);
        polka_store64(to, first);
        polka_store64(to + size - 8, last);
        high = first | last;
    } else if (size >= 4) {
        uint32_t first = polka_load32(from), last = polka_load32(from + size - 4);
        polka_store32(to, first);
        polka_store32(to + size - 4, last);
        high = first | last;
    } else {
        for (size_t i = 0; i < size; i++) {
            to[i] = (uint8_t)from[i];
            high |= to[i];
        }
    }
    return high & POLKA_HIGH_BITS;
}

/* ---- reading ----------------------------------------------------------------------------------- */

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

POLKA_INLINE const uint8_t *polka_read_int(polka_reader *reader, const uint8_t *at, int32_t *value)
{
    uint64_t raw;
    const uint8_t *next = polka_read_short(reader, at, &raw);
    if (next == NULL)
        return NULL;
    if (raw > UINT32_MAX) {
        polka_read_fail(reader, at, "int out of range: %" PRId64, polka_unzigzag(raw));
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
    if ((raw & 1) != 0 || raw >> 1 >= count) {
        polka_read_fail(reader, at, "%s index %" PRId64 " is not one of 0..%u", what, polka_unzigzag(raw), count - 1);
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

POLKA_API void *polka_read_more_room(polka_reader *reader, void *items, size_t count, size_t more, size_t *room, size_t item_size);

/* polka_read_room: memory for `more` items behind the `count` that are there. */
POLKA_INLINE void *polka_read_room(polka_reader *reader, void *items, size_t count, size_t more, size_t *room, size_t item_size)
{
    size_t bytes;
    if (items != NULL || __builtin_mul_overflow(more, item_size, &bytes))
        return *room - count >= more ? items : polka_read_more_room(reader, items, count, more, room, item_size);
    *room = more;
    return polka_arena_alloc(reader->arena, bytes);
}

/* polka_read_deeper: a level of a recursive type; leave with reader->depth--. */
POLKA_INLINE bool polka_read_deeper(polka_reader *reader, const uint8_t *at)
{
    if (++reader->depth <= POLKA_DEPTH_MAX)
        return true;
    polka_read_fail(reader, at, "nested deeper than %u levels", POLKA_DEPTH_MAX);
    return false;
}

/* ---- writing ----------------------------------------------------------------------------------- */

POLKA_API uint8_t *polka_write_decimal(polka_writer *writer, uint8_t *at, int64_t value, unsigned precision);       /* as bytes */
POLKA_API uint8_t *polka_write_decimal_fixed(polka_writer *writer, uint8_t *at, size_t size, int64_t value, unsigned precision);
POLKA_API uint8_t *polka_write_duration(uint8_t *at, polka_duration value);
POLKA_API POLKA_COLD uint8_t *polka_write_text_fail(polka_writer *writer, polka_text text);          /* says which; NULL, always */
/* polka_write_number_fail: an enum's value or a union's tag that is not in 1..count. NULL, always. */
POLKA_API POLKA_COLD uint8_t *polka_write_number_fail(polka_writer *writer, const char *what, unsigned value, unsigned count);
/* polka_write_items_fail: an array or map with a count and no items, or with too many of no bytes. NULL, always. */
POLKA_API POLKA_COLD uint8_t *polka_write_items_fail(polka_writer *writer, size_t count);

/* polka_writer_begin: memory for a value of at most `bound` bytes; NULL when that is too much. */
POLKA_INLINE uint8_t *polka_writer_begin(polka_writer *writer, polka_buffer *buffer, uint64_t bound, polka_error *error)
{
    writer->error = error;
    writer->failure.path_at = sizeof writer->failure.path;
    if (bound > POLKA_BODY_MAX) {
        polka_write_fail(writer, "the value takes more than %zu bytes or nests deeper than %u levels", POLKA_BODY_MAX, POLKA_DEPTH_MAX);
        return NULL;
    }
    return polka_buffer_reserve(buffer, (size_t)bound + POLKA_WRITE_SLACK);
}

/* polka_bound_…: at most so many bytes. A size beyond all reason must not wrap the sum around. */
POLKA_INLINE uint64_t polka_bound_size(size_t size) { return (size < POLKA_BODY_MAX ? size : POLKA_BODY_MAX + 1) + 5; }
POLKA_INLINE uint64_t polka_bound_items(size_t count, size_t item_bytes)
{
    return count < POLKA_BODY_MAX ? (uint64_t)count * item_bytes : item_bytes == 0 ? 0 : POLKA_BODY_MAX + 1;
}

/* Up to four bytes by branches, which are foreseen where it matters; longer numbers eight bytes at a time. */
POLKA_INLINE uint8_t *polka_write_raw(uint8_t *at, uint64_t raw)
{
    if (raw < (1u << 7)) {
        *at = (uint8_t)raw;
        return at + 1;
    }
    if (raw < (1u << 14)) {
        at[0] = (uint8_t)(raw | 0x80);
        at[1] = (uint8_t)(raw >> 7);
        return at + 2;
    }
    if (raw < (1u << 21)) {
        at[0] = (uint8_t)(raw | 0x80);
        at[1] = (uint8_t)(raw >> 7 | 0x80);
        at[2] = (uint8_t)(raw >> 14);
        return at + 3;
    }
    unsigned bytes = (unsigned)(63 - __builtin_clzll(raw)) * 37 / 256 + 1;               /* seven bits each */
    if (bytes <= 8) {
        uint64_t word = (raw & UINT64_C(0x000000000fffffff)) | ((raw & UINT64_C(0x00fffffff0000000)) << 4);
        word = (word & UINT64_C(0x00003fff00003fff)) | ((word & UINT64_C(0x0fffc0000fffc000)) << 2);
        word = (word & UINT64_C(0x007f007f007f007f)) | ((word & UINT64_C(0x3f803f803f803f80)) << 1);
        word |= POLKA_HIGH_BITS & ((UINT64_C(1) << (8 * (bytes - 1))) - 1);
        polka_store64(at, word);
        return at + bytes;
    }
    for (; raw >= 0x80; raw >>= 7)
        *at++ = (uint8_t)(raw | 0x80);
    *at++ = (uint8_t)raw;
    return at;
}

POLKA_INLINE uint64_t polka_zigzag(int64_t value) { return (uint64_t)value << 1 ^ (~((uint64_t)value >> 63) + 1); }
POLKA_INLINE uint8_t *polka_write_long(uint8_t *at, int64_t value) { return polka_write_raw(at, polka_zigzag(value)); }
POLKA_INLINE uint8_t *polka_write_size(uint8_t *at, size_t size) { return polka_write_raw(at, (uint64_t)size << 1); }

POLKA_INLINE uint8_t *polka_write_boolean(uint8_t *at, bool value)
{
    *at = value ? 1 : 0;
    return at + 1;
}

POLKA_INLINE uint8_t *polka_write_float(uint8_t *at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    polka_store32(at, bits);
    return at + sizeof bits;
}

POLKA_INLINE uint8_t *polka_write_double(uint8_t *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    polka_store64(at, bits);
    return at + sizeof bits;
}

POLKA_INLINE uint8_t *polka_write_piece(uint8_t *at, const void *from, size_t size)
{
    if (size > 0)
        memcpy(at, from, size);
    return at + size;
}

POLKA_INLINE uint8_t *polka_write_text(polka_writer *writer, uint8_t *at, polka_text text)
{
    if (text.data == NULL)
        return polka_write_text_fail(writer, text);
    at = polka_write_size(at, text.size);
    if (polka_copy_text(at, text.data, text.size) != 0 && !polka_utf8_check(at, text.size))
        return polka_write_text_fail(writer, text);
    return at + text.size;
}

POLKA_INLINE uint8_t *polka_write_bytes(polka_writer *writer, uint8_t *at, polka_bytes bytes)
{
    if (bytes.data == NULL) {
        polka_write_fail(writer, "required, but not set (data is NULL)");
        return NULL;
    }
    return polka_write_piece(polka_write_size(at, bytes.size), bytes.data, bytes.size);
}

POLKA_INLINE uint8_t *polka_write_text_or_null(polka_writer *writer, uint8_t *at, unsigned null_index, polka_text text)
{
    at = polka_write_size(at, text.data == NULL ? null_index : 1 - null_index);
    return text.data == NULL ? at : polka_write_text(writer, at, text);
}

POLKA_INLINE uint8_t *polka_write_bytes_or_null(polka_writer *writer, uint8_t *at, unsigned null_index, polka_bytes bytes)
{
    at = polka_write_size(at, bytes.data == NULL ? null_index : 1 - null_index);
    return bytes.data == NULL ? at : polka_write_bytes(writer, at, bytes);
}

/* polka_write_symbol: of an enum that counts from 1. */
POLKA_INLINE uint8_t *polka_write_symbol(polka_writer *writer, uint8_t *at, unsigned value, unsigned count)
{
    if (value - 1 >= count)
        return polka_write_number_fail(writer, "enum", value, count);
    return polka_write_size(at, value - 1);
}

/* ---- keys -------------------------------------------------------------------------------------- */

/* errors: MISUSE when it is not set, or an enum's value is no symbol (`name` NULL). */
POLKA_API polka_status polka_key_text(const char *type, const char *path, polka_text text, polka_bytes *key, polka_error *error);
POLKA_API polka_status polka_key_bytes(const char *type, const char *path, polka_bytes bytes, polka_bytes *key, polka_error *error);
POLKA_API polka_status polka_key_number(int64_t number, polka_arena *arena, polka_bytes *key);           /* decimal text */

#ifdef __cplusplus
}
#endif
#endif
