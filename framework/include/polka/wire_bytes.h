/* wire_bytes.h: what reading and writing share: how a value fails, words of bytes, texts a word at a time. See wire.h. */
#ifndef POLKA_WIRE_BYTES_H
#define POLKA_WIRE_BYTES_H

#include <polka/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POLKA_INLINE static inline __attribute__((always_inline, unused))
#define POLKA_COLD __attribute__((cold, noinline))
#define POLKA_LIKELY(CONDITION) __builtin_expect(!!(CONDITION), 1)

#define POLKA_DEPTH_MAX 1000u                            /* levels of a recursive type that are written */
#define POLKA_EMPTY_ITEMS_MAX 1000000u                   /* items that take no bytes, written in one value */
#define POLKA_DEFAULT_BYTES_MAX ((size_t)64 << 20)       /* what defaults may add to one value that another version wrote */
#define POLKA_MEMORY_MAX ((size_t)64 << 20)              /* what a value takes in memory when it is read, and 64 bytes more for each of its body */
#define POLKA_BODY_MAX ((size_t)1 << 30)                 /* bytes of one encoded value */
#define POLKA_WRITE_SLACK ((size_t)16)                   /* writes may touch this much beyond what they count */

/* What one value may have at most when it is read. Of the process, changed before the first value is read; begins as the two above. */
typedef struct { unsigned depth; uint64_t empty_items; } polka_reading_limits;
POLKA_API extern polka_reading_limits polka_read_limits;

/* Where and why a value failed; filled on the failure path only. `path` grows towards its front. */
typedef struct { size_t path_at; char path[256], reason[160]; } polka_failure;

typedef struct polka_reader {
    const uint8_t *start, *end;          /* the body */
    char *copy;                          /* the same bytes in the arena; NULL: the type has no texts */
    polka_arena *arena;
    uint64_t empty_items;                /* read so far */
    size_t default_bytes;                /* of defaults that were read so far */
    size_t memory_left;                  /* for items and what stands behind a pointer */
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
POLKA_API POLKA_COLD const uint8_t *polka_read_in_passed(polka_reader *reader, const uint8_t *key);      /* the entry whose key begins there; NULL, always */
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

#ifdef __cplusplus
}
#endif
#endif
