/* wire_write.h: writing of Avro bytes into memory that was reserved for all of a value; and record keys. See wire.h. */
#ifndef POLKA_WIRE_WRITE_H
#define POLKA_WIRE_WRITE_H

#include <polka/wire_bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

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
