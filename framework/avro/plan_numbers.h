/*
 * plan_numbers.h: passing values of the writer, for plan_run.c only. Each function returns the place behind the value, or NULL
 * when it is cut off or out of range; what is wrong with it, the walk says later.
 */
#ifndef POLKA_AVRO_PLAN_NUMBERS_H
#define POLKA_AVRO_PLAN_NUMBERS_H

#include <polka/wire_bytes.h>

static POLKA_COLD const uint8_t *number_slow(const uint8_t *at, const uint8_t *end, uint64_t *raw)
{
    *raw = 0;
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1)
            return NULL;
        *raw |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return at;
    }
    return NULL;
}

/* NULL: cut off, or more than 64 bits. */
POLKA_INLINE const uint8_t *number(const uint8_t *at, const uint8_t *end, uint64_t *raw)
{
    if (POLKA_LIKELY(at < end && *at < 0x80)) {
        *raw = *at;
        return at + 1;
    }
    if (end - at >= 2 && at[1] < 0x80) {
        *raw = (at[0] & 0x7fu) | (uint64_t)at[1] << 7;
        return at + 2;
    }
    uint64_t slow;
    at = number_slow(at, end, &slow);
    *raw = slow;
    return at;
}

/* Passes a number of any size without looking what it is. */
POLKA_INLINE const uint8_t *pass_number(const uint8_t *at, const uint8_t *end)
{
    if (end - at >= 8) {
        uint64_t last = ~polka_load64(at) & POLKA_HIGH_BITS;
        if (POLKA_LIKELY(last != 0))
            return at + (__builtin_ctzll(last) >> 3) + 1;
    }
    uint64_t raw;
    return number_slow(at, end, &raw);
}

/* Passes two numbers of at most four bytes each; NULL: they must be looked at one by one. */
POLKA_INLINE const uint8_t *pass_numbers(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 8)
        return NULL;
    uint64_t last = ~polka_load64(at) & POLKA_HIGH_BITS, second = last & (last - 1);     /* a bit for the last byte of each */
    if (second == 0 || (last & 0x80808080) == 0)
        return NULL;
    int bit = __builtin_ctzll(second);
    return bit - __builtin_ctzll(last) <= 32 ? at + (bit >> 3) + 1 : NULL;
}

/* A number of 32 bits: at most five bytes, as the walk has it. */
POLKA_INLINE const uint8_t *int_number(const uint8_t *at, const uint8_t *end, uint64_t *raw)
{
    const uint8_t *next = number(at, end, raw);
    return next != NULL && next - at <= 5 && *raw <= UINT32_MAX ? next : NULL;
}

POLKA_INLINE const uint8_t *pass_int(const uint8_t *at, const uint8_t *end)
{
    uint64_t raw;
    return int_number(at, end, &raw);
}

POLKA_INLINE const uint8_t *pass_sized(const uint8_t *at, const uint8_t *end, size_t *size)
{
    uint64_t raw;
    at = number(at, end, &raw);
    if (at == NULL || (raw & 1) != 0 || raw >> 1 > (size_t)(end - at))
        return NULL;
    *size = (size_t)(raw >> 1);
    return at + *size;
}

POLKA_INLINE const uint8_t *pass_index(const uint8_t *at, const uint8_t *end, uint64_t count, uint64_t *index)
{
    uint64_t raw;
    at = int_number(at, end, &raw);
    *index = raw >> 1;
    return at != NULL && (raw & 1) == 0 && *index < count ? at : NULL;
}

static inline int64_t unzigzag(uint64_t raw)
{
    return (int64_t)(raw >> 1 ^ (~(raw & 1) + 1));
}

#endif
