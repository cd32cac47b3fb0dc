/*
 * plan_numbers.h: passing values of the writer, for plan_run.c only. Each function returns the place behind the value, or NULL
 * when it is cut off or out of range; what is wrong with it, the walk says later. What is common is done in a few instructions.
 */
#ifndef POLKA_AVRO_PLAN_NUMBERS_H
#define POLKA_AVRO_PLAN_NUMBERS_H

#include <polka/wire_bytes.h>

/* NULL: cut off, or more than 64 bits. */
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

POLKA_INLINE const uint8_t *number(const uint8_t *at, const uint8_t *end, uint64_t *raw)
{
    if (POLKA_LIKELY(at < end && *at < 0x80)) {
        *raw = *at;
        return at + 1;
    }
    uint64_t slow;
    at = number_slow(at, end, &slow);
    *raw = slow;
    return at;
}

/* A number of 32 bits: at most five bytes, as the walk has it. */
static POLKA_COLD const uint8_t *int_slow(const uint8_t *at, const uint8_t *end, uint64_t *raw)
{
    const uint8_t *next = number_slow(at, end, raw);
    return next != NULL && next - at <= 5 && *raw <= UINT32_MAX ? next : NULL;
}

POLKA_INLINE const uint8_t *int_number(const uint8_t *at, const uint8_t *end, uint64_t *raw)
{
    if (POLKA_LIKELY(at < end && *at < 0x80)) {
        *raw = *at;
        return at + 1;
    }
    uint64_t slow;
    at = int_slow(at, end, &slow);
    *raw = slow;
    return at;
}

/* The place behind the byte whose highest bit is the lowest in `last`, of the eight from `at` on. */
POLKA_INLINE const uint8_t *behind_last(const uint8_t *at, uint64_t last)
{
    return at + 1 + ((unsigned)__builtin_ctzll(last) >> 3);
}

/* Numbers of which nobody asks what they are: the place of the first byte below 0x80. */
POLKA_INLINE const uint8_t *pass_long(const uint8_t *at, const uint8_t *end)
{
    uint64_t last, raw;
    if (POLKA_LIKELY(end - at >= 8) && (last = ~polka_load64(at) & POLKA_HIGH_BITS) != 0)
        return behind_last(at, last);
    return number_slow(at, end, &raw);
}

POLKA_INLINE const uint8_t *pass_int(const uint8_t *at, const uint8_t *end)
{
    uint32_t last;
    uint64_t raw;
    if (POLKA_LIKELY(end - at >= 4) && (last = ~polka_load32(at) & (uint32_t)POLKA_HIGH_BITS) != 0)
        return behind_last(at, last);
    return int_slow(at, end, &raw);
}

/* Two numbers in a row, most often of eight bytes together; an int is one for sure when it takes at most four. */
POLKA_INLINE const uint8_t *pass_two(const uint8_t *at, const uint8_t *end, bool first_int, bool second_int)
{
    if (POLKA_LIKELY(end - at >= 8)) {
        uint64_t last = ~polka_load64(at) & POLKA_HIGH_BITS, second = last & (last - 1);     /* a bit for the last byte of each */
        if (POLKA_LIKELY(second != 0) && (!first_int || (uint32_t)last != 0) && (!second_int || __builtin_ctzll(second) - __builtin_ctzll(last) <= 32))
            return behind_last(at, second);
    }
    at = first_int ? pass_int(at, end) : pass_long(at, end);
    return at == NULL ? NULL : second_int ? pass_int(at, end) : pass_long(at, end);
}

static POLKA_COLD const uint8_t *sized_slow(const uint8_t *at, const uint8_t *end, size_t *size)
{
    uint64_t raw;
    at = number_slow(at, end, &raw);
    if (at == NULL || (raw & 1) != 0 || raw >> 1 > (size_t)(end - at))
        return NULL;
    *size = (size_t)(raw >> 1);
    return at + *size;
}

POLKA_INLINE const uint8_t *pass_sized(const uint8_t *at, const uint8_t *end, size_t *size)
{
    if (POLKA_LIKELY(at < end && (*at & 0x81) == 0)) {
        const uint8_t *next = at + 1 + (*size = *at >> 1);
        return next <= end ? next : NULL;
    }
    size_t slow = 0;
    at = sized_slow(at, end, &slow);
    *size = slow;
    return at;
}

POLKA_INLINE const uint8_t *pass_index(const uint8_t *at, const uint8_t *end, uint32_t count, uint64_t *index)
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
