/*
 * json.h: values as JSON, to and from Avro bytes, by the schema.
 *
 * No form loses anything: int64 beyond 2^53 stays an integer, NaN and infinities are the strings "NaN", "Infinity",
 * "-Infinity", NUL in texts and keys is \u0000.
 */
#ifndef POLKA_AVRO_JSON_H
#define POLKA_AVRO_JSON_H

#include <avro/schema.h>
#include <polka/codec.h>

/*
 * PLAIN is for people. Unions are untagged where the value says its branch, else {"branch": value}, which is taken
 * always; a logical type is readable (timestamps RFC 3339, dates ISO, decimals as strings) and its underlying value is
 * taken too; bytes and fixed are base64; on input a field's default stands for what is left out.
 * TEXT is PLAIN with bytes and fixed as the UTF-8 text they hold, or {"base64": "..."} when they hold none.
 * AVRO is the JSON encoding of the Avro specification, as Java's JsonEncoder and JsonDecoder have it: every union that
 * is not null tagged with the full name, bytes and fixed as code points U+0000 to U+00FF, no logical types, no defaults.
 */
typedef enum { POLKAI_JSON_PLAIN = 1, POLKAI_JSON_TEXT, POLKAI_JSON_AVRO } polkai_json_form;

/* polkai_json_encode appends the Avro body of `value`. errors: POISON "bad-value", naming field path, expected and got. */
polka_status polkai_json_encode(polkai_json_form form, const polkai_schema *schema, const json_t *value, polka_buffer *buffer, polka_error *error);

/* polkai_json_decode reads a whole Avro body. *value is new. errors: POISON with reason, byte offset and field path. */
polka_status polkai_json_decode(polkai_json_form form, const polkai_schema *schema, polka_bytes body, json_t **value, polka_error *error);

/* polkai_json_sample: a plausible value of the schema, PLAIN (defaults where there are; texts from the field's name). new. */
json_t *polkai_json_sample(const polkai_schema *schema, uint64_t seed);

/* polkai_json_key: the record key that a value has under `path` ("order_id"), as codec.h's key does. key: arena. */
polka_status polkai_json_key(const polkai_schema *schema, const char *path, const json_t *value, polka_arena *arena, polka_bytes *key, polka_error *error);

/*
 * polkai_json_parse: a whole JSON text (duplicates refused, NUL allowed, an integer that 64 bits cannot hold is a real
 * number, at most 2048 levels); *value is new. errors: POISON "bad-json" with line and column (bytes, from 1).
 */
polka_status polkai_json_parse(polka_bytes text, json_t **value, polka_error *error);

/* polkai_json_write appends the compact text of `value`; numbers with the fewest digits that read back the same. */
void polkai_json_write(const json_t *value, polka_buffer *buffer);
/* polkai_json_text: a text that others made (a file's name, a message with one in it): bytes that are no UTF-8 as \xNN; NULL is null. new. */
json_t *polkai_json_text(const char *text);
/* polkai_json_write_text appends `text`, which is UTF-8, as a JSON string. */
void polkai_json_write_text(polka_buffer *buffer, const char *text, size_t size);

#endif
