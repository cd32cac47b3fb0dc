/*
 * fallback.h: the default of a field: does it fit the field's schema, and what it is as Avro bytes.
 *
 * Defaults have a notation of their own (Avro 1.12 specification, "Complex Types", table of field defaults): bytes and
 * fixed as code points U+0000 to U+00FF, unions without a tag, no logical types.
 */
#ifndef POLKA_AVRO_FALLBACK_H
#define POLKA_AVRO_FALLBACK_H

#include <avro/path.h>
#include <avro/schema.h>
#include <polka/codec.h>

/*
 * How often values may be held against types, in all defaults of a schema together: a union in a recursive type can make a
 * default fit in exponentially many ways. With the looks used up it fits nowhere.
 */
enum { POLKAI_FALLBACK_LOOKS = 1000000 };

/*
 * polkai_fallback_fits: is `value` a default of `schema`? A record's member may be missing when its field has a
 * default itself; a union's default may be of any branch; of a float or double, not inside another value, the
 * number may be a text ("NaN"). why: `capacity` bytes for the reason with its path. looks: left, at the beginning POLKAI_FALLBACK_LOOKS.
 */
bool polkai_fallback_fits(const polkai_schema *schema, const json_t *value, const polkai_path *path, char *why, size_t capacity, long *looks);

/*
 * polkai_fallback_encode appends the Avro bytes of a default.
 * errors: POISON "bad-schema" when it does not fit, or grows beyond a million values by defaults inside defaults.
 */
polka_status polkai_fallback_encode(const polkai_schema *schema, const json_t *value, polka_buffer *buffer, polka_error *error);

/* polkai_fallback_branch: the union's branch that a default belongs to, the first that fits; its count when none does. */
size_t polkai_fallback_branch(const polkai_schema *schema, const json_t *value, long *looks);

/* polkai_code_points: the bytes that a text of code points U+0000 to U+00FF stands for; false when another is in it. */
bool polkai_code_points(const json_t *text, polka_buffer *bytes);
/* polkai_code_points_write: that text, as UTF-8; memory of `arena`. */
polka_text polkai_code_points_write(polka_bytes bytes, polka_arena *arena);

#endif
