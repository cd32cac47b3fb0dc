/*
 * json.h: plain JSON for people, to and from Avro bytes, by the schema.
 *
 * Unions are untagged; a logical type is readable (timestamps RFC 3339, dates ISO, decimals as strings) and its
 * underlying value is accepted on input; bytes and fixed are base64. No loss: int64 beyond 2^53 stays an integer,
 * NaN and infinities are the strings "NaN", "Infinity", "-Infinity", NUL in texts is \u0000.
 */
#ifndef POLKA_AVRO_JSON_H
#define POLKA_AVRO_JSON_H

#include <avro/schema.h>
#include <polka/codec.h>

/* polkai_json_encode appends the Avro body of `value`. errors: POISON "bad-value", naming field path, expected and got. */
polka_status polkai_json_encode(const polkai_schema *schema, const json_t *value, polka_buffer *buffer, polka_error *error);

/* polkai_json_decode reads a whole Avro body. *value is new. errors: POISON with reason, byte offset and field path. */
polka_status polkai_json_decode(const polkai_schema *schema, polka_bytes body, json_t **value, polka_error *error);

/* polkai_json_sample: a plausible value of the schema (defaults where there are; texts from the field's name). new. */
json_t *polkai_json_sample(const polkai_schema *schema, uint64_t seed);

/* polkai_json_key: the record key that a value has under `path` ("order_id"), as codec.h's key does. key: arena. */
polka_status polkai_json_key(const polkai_schema *schema, const char *path, const json_t *value, polka_arena *arena, polka_bytes *key, polka_error *error);

/* polkai_json_parse: jansson with our limits (duplicates refused, NUL allowed); *value is new. errors: POISON "bad-json" with line and column. */
polka_status polkai_json_parse(polka_bytes text, json_t **value, polka_error *error);

#endif
