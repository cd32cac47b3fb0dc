/*
 * decimal.c: numbers of any size as digits, bytes as base64, and floating point as the fewest digits that read back
 * the same.
 */
#include <avro/readable.h>

#include <base/arena.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MOST = 4096, BYTES_MOST = 1024, DIGITS_MOST = 2400 };        /* conversion costs the square of the size */
static const uint32_t CHUNK = 1000000000;                                 /* nine digits at a time */

bool polkai_decimal_is_text(const polkai_schema *schema)
{
    return schema->logical == POLKAI_LOGICAL_DECIMAL && schema->scale <= TEXT_MOST &&
           (schema->type == POLKAI_AVRO_BYTES || schema->fixed_size <= TEXT_MOST);
}

/* The magnitude of a two's complement number without leading zeros, in place. */
static polka_bytes magnitude(uint8_t *bytes, size_t size, bool negative)
{
    unsigned carry = 1;
    for (size_t i = size; negative && i-- > 0;) {
        carry += (uint8_t)~bytes[i];
        bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    while (size > 0 && *bytes == 0) {
        bytes++;
        size--;
    }
    return (polka_bytes){ size, bytes };
}

/* Digits of a magnitude, which is used up; returned at the end of `out`, whose size is `room`. */
static size_t digits_of(polka_bytes number, char *out, size_t room)
{
    uint8_t *bytes = (uint8_t *)(uintptr_t)number.data;
    size_t first = 0, used = 0;
    while (first < number.size) {
        uint64_t rest = 0;
        for (size_t i = first; i < number.size; i++) {
            rest = rest << 8 | bytes[i];
            bytes[i] = (uint8_t)(rest / CHUNK);
            rest %= CHUNK;
        }
        while (first < number.size && bytes[first] == 0)
            first++;
        for (int i = 0; i < 9 && (rest > 0 || first < number.size); i++, rest /= 10)
            out[room - ++used] = (char)('0' + rest % 10);
    }
    return used;
}

polka_text polkai_decimal_write(const polkai_schema *schema, polka_bytes number, polka_arena *arena)
{
    if (number.size == 0)
        return (polka_text){ 0 };
    bool negative = (number.data[0] & 0x80) != 0;
    uint8_t sign = negative ? 0xff : 0;
    while (number.size > 1 && number.data[0] == sign && ((number.data[1] & 0x80) != 0) == negative) {
        number.data++;
        number.size--;
    }
    if (number.size > BYTES_MOST)
        return (polka_text){ 0 };
    uint8_t copy[BYTES_MOST + 1] = { 0 };
    char digits[BYTES_MOST * 5 / 2 + 16];
    memcpy(copy + 1, number.data, number.size);
    copy[0] = sign;                      /* room for the magnitude of the lowest number */
    size_t count = digits_of(magnitude(copy, number.size + 1, negative), digits, sizeof digits), scale = schema->scale;
    if (count > schema->precision)
        return (polka_text){ 0 };
    char *text = polka_arena_alloc(arena, count + scale + 4), *at = text;
    if (negative)
        *at++ = '-';
    const char *from = digits + sizeof digits - count;
    if (count <= scale)
        *at++ = '0';
    for (; count > scale; count--)
        *at++ = *from++;
    if (scale > 0)
        *at++ = '.';
    for (; scale > count; scale--)
        *at++ = '0';
    for (; count > 0; count--)
        *at++ = *from++;
    *at = '\0';
    return (polka_text){ (size_t)(at - text), text };
}

bool polkai_decimal_looks(polka_text text)
{
    size_t i = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+'), digits = 0, points = 0;
    for (; i < text.size; i++) {
        if (text.data[i] == '.')
            points++;
        else if (text.data[i] >= '0' && text.data[i] <= '9')
            digits++;
        else
            return false;
    }
    return digits > 0 && points <= 1;
}

/* The digits of the unscaled number, without leading zeros. */
static const char *unscaled(const polkai_schema *schema, polka_text text, char digits[DIGITS_MOST], size_t *count)
{
    bool point = false;
    size_t after = 0;
    *count = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '.')
            point = true;
        if (c < '0' || c > '9')
            continue;
        if (point && after == schema->scale) {
            if (c != '0')
                return "more digits after the point than its scale";
            continue;
        }
        after += point;
        if (*count == 0 && c == '0')
            continue;
        if (*count == DIGITS_MOST)
            return "more digits than can be handled";
        digits[(*count)++] = c;
    }
    for (; after < schema->scale && *count > 0; after++) {
        if (*count == DIGITS_MOST)
            return "more digits than can be handled";
        digits[(*count)++] = '0';
    }
    return *count > schema->precision ? "more digits than its precision" : NULL;
}

const char *polkai_decimal_read(const polkai_schema *schema, polka_text text, polka_arena *arena, polka_bytes *number)
{
    char digits[DIGITS_MOST];
    uint8_t bytes[BYTES_MOST] = { 0 };   /* most significant first, filled from the end; 2400 digits take 997 */
    size_t count, used = 1;
    const char *problem = unscaled(schema, text, digits, &count);
    if (problem != NULL)
        return problem;
    for (size_t i = 0; i < count; i++) {
        unsigned carry = (unsigned)(digits[i] - '0');
        for (size_t k = 0; k < used || carry > 0; k++) {
            carry += 10u * bytes[BYTES_MOST - 1 - k];
            bytes[BYTES_MOST - 1 - k] = (uint8_t)carry;
            carry >>= 8;
            used = k + 1 > used ? k + 1 : used;
        }
    }
    bool negative = text.data[0] == '-' && count > 0;
    unsigned carry = 1;
    for (size_t i = BYTES_MOST; negative && i-- > 0;) {
        carry += (uint8_t)~bytes[i];
        bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    if (((bytes[BYTES_MOST - used] & 0x80) != 0) != negative)
        used++;                          /* the sign needs a byte of its own */
    while (used > 1 && bytes[BYTES_MOST - used] == (negative ? 0xff : 0) && ((bytes[BYTES_MOST - used + 1] & 0x80) != 0) == negative)
        used--;
    size_t size = schema->type == POLKAI_AVRO_FIXED ? schema->fixed_size : used;
    if (size < used)
        return "a number that its fixed cannot hold";
    uint8_t *out = polka_arena_alloc(arena, size);
    memset(out, negative ? 0xff : 0, size);
    memcpy(out + size - used, bytes + BYTES_MOST - used, used);
    *number = (polka_bytes){ size, out };
    return NULL;
}

/* ---- base64 ------------------------------------------------------------------------------------ */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

polka_text polkai_base64_write(polka_bytes bytes, polka_arena *arena)
{
    char *text = polka_arena_alloc(arena, (bytes.size + 2) / 3 * 4 + 1), *at = text;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t three = (uint32_t)bytes.data[i] << 16 | (left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0) | (left > 2 ? bytes.data[i + 2] : 0u);
        *at++ = alphabet[three >> 18];
        *at++ = alphabet[three >> 12 & 63];
        *at++ = left > 1 ? alphabet[three >> 6 & 63] : '=';
        *at++ = left > 2 ? alphabet[three & 63] : '=';
    }
    *at = '\0';
    return (polka_text){ (size_t)(at - text), text };
}

static int sextet(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool polkai_base64_read(polka_text text, polka_arena *arena, polka_bytes *bytes)
{
    size_t padding = 0;
    if (text.size % 4 != 0)
        return false;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
        padding++;
    uint8_t *out = polka_arena_alloc(arena, text.size / 4 * 3 + 1), *at = out;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.size; i++) {
        int six = i >= text.size - padding ? 0 : sextet(text.data[i]);
        if (six < 0)
            return false;
        bits = bits << 6 | (uint32_t)six;
        if (i % 4 != 3)
            continue;
        *at++ = (uint8_t)(bits >> 16);
        *at++ = (uint8_t)(bits >> 8);
        *at++ = (uint8_t)bits;
    }
    /* bits that no byte has must be 0: else two texts would stand for the same bytes */
    bool good = (padding < 1 || at[-1] == 0) && (padding < 2 || at[-2] == 0);
    *bytes = (polka_bytes){ (size_t)(at - out) - padding, out };
    return good;
}

/* ---- floating point ---------------------------------------------------------------------------- */

void polkai_real_write(double number, char out[POLKAI_WHEN_TEXT])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, POLKAI_WHEN_TEXT, "%.*g", digits, number);
        if (strtod(out, NULL) == number)
            return;
    }
}

double polkai_float_shown(float number)
{
    char text[POLKAI_WHEN_TEXT];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)number);
        double shown = strtod(text, NULL);
        if ((float)shown == number)
            return shown;
    }
    return (double)number;
}
