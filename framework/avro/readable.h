/*
 * readable.h: the forms that people read and write: times as RFC 3339, decimals as digits, bytes as base64.
 *
 * Writing and reading are inverse: what a value is written as reads back as the same value.
 */
#ifndef POLKA_AVRO_READABLE_H
#define POLKA_AVRO_READABLE_H

#include <avro/schema.h>
#include <polka/codec.h>

/* Dates, times and timestamps, by the logical type. false: `value` has no such text (a year above 9999), show the number. */
enum { POLKAI_WHEN_TEXT = 40 };
bool polkai_when_is(polkai_avro_logical logical);
bool polkai_when_write(polkai_avro_logical logical, int64_t value, char out[POLKAI_WHEN_TEXT]);
/* returns NULL, or what was expected: "a date such as 2026-11-01". */
const char *polkai_when_read(polkai_avro_logical logical, polka_text text, int64_t *value);

/* false: this decimal is so large (scale or fixed size above 4096) that its text form is base64, as of plain bytes. */
bool polkai_decimal_is_text(const polkai_schema *schema);
/* A two's complement number, most significant byte first, as "-12.34"; memory of `arena`. data NULL: no or too many bytes. */
polka_text polkai_decimal_write(const polkai_schema *schema, polka_bytes number, polka_arena *arena);
/* returns NULL, or what is wrong. number: memory of `arena`, as short as can be, or as long as the fixed. */
const char *polkai_decimal_read(const polkai_schema *schema, polka_text text, polka_arena *arena, polka_bytes *number);
/* Is `text` a number at all: sign, digits, one point? */
bool polkai_decimal_looks(polka_text text);

/* Avro's duration, 12 bytes, as ISO 8601 with months, days and seconds: "P1M2DT3.004S". */
void polkai_duration_write(const uint8_t bytes[12], char out[POLKAI_WHEN_TEXT]);
bool polkai_duration_read(polka_text text, uint8_t bytes[12]);

/* RFC 4648 section 4, with padding. */
polka_text polkai_base64_write(polka_bytes bytes, polka_arena *arena);
bool polkai_base64_read(polka_text text, polka_arena *arena, polka_bytes *bytes);

/* The shortest digits that read back as the same number, as "%g" writes them. */
void polkai_real_write(double number, char out[POLKAI_WHEN_TEXT]);
double polkai_float_shown(float number); /* the double with the fewest digits that is this float again */

#endif
