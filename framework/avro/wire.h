/* wire.h: Avro's binary form of the primitives, for code that works by schema (generated code has its own). */
#ifndef POLKA_AVRO_WIRE_H
#define POLKA_AVRO_WIRE_H

#include <polka/codec.h>

static inline void polkai_put_bytes(polka_buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(polka_buffer_reserve(buffer, size), data, size);
    buffer->size += size;
}

static inline void polkai_put_long(polka_buffer *buffer, int64_t value)
{
    uint8_t *at = polka_buffer_reserve(buffer, 10), *start = at;
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; zigzag > 0x7f; zigzag >>= 7)
        *at++ = (uint8_t)(zigzag | 0x80);
    *at++ = (uint8_t)zigzag;
    buffer->size += (size_t)(at - start);
}

/* Length and bytes: bytes and string. */
static inline void polkai_put_sized(polka_buffer *buffer, const void *data, size_t size)
{
    polkai_put_long(buffer, (int64_t)size);
    polkai_put_bytes(buffer, data, size);
}

static inline void polkai_put_little(polka_buffer *buffer, uint64_t bits, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(bits >> (8 * i));
    polkai_put_bytes(buffer, bytes, size);
}

static inline void polkai_put_float(polka_buffer *buffer, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    polkai_put_little(buffer, bits, 4);
}

static inline void polkai_put_double(polka_buffer *buffer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    polkai_put_little(buffer, bits, 8);
}

typedef struct { const uint8_t *at, *end; } polkai_wire;

/* polkai_get_long: NULL when all is well, else what is wrong; `at` then stays where the number begins. */
static inline const char *polkai_get_long(polkai_wire *wire, int64_t *value)
{
    uint64_t zigzag = 0;
    const uint8_t *at = wire->at;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (at == wire->end)
            return "the bytes end inside a number";
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1)
            return "a number is longer than 64 bits";
        zigzag |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = (int64_t)((zigzag >> 1) ^ (0 - (zigzag & 1)));
            wire->at = at;
            return NULL;
        }
    }
    return "a number is longer than 64 bits";
}

static inline uint64_t polkai_get_little(polkai_wire *wire, size_t size)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits |= (uint64_t)wire->at[i] << (8 * i);
    wire->at += size;
    return bits;
}

#endif
