/* json_inner.h: what the parts of the JSON codec share. */
#ifndef POLKA_AVRO_JSON_INNER_H
#define POLKA_AVRO_JSON_INNER_H

#include <avro/json.h>
#include <avro/path.h>

/*
 * How many values may be looked at in one call. A union in a recursive type can make a value fit in exponentially many
 * ways; with the looks used up it is refused.
 */
enum { POLKAI_JSON_LOOKS = 20000000, POLKAI_JSON_DEPTH = 1000 };

typedef struct {
    polkai_json_form form;
    polka_buffer *buffer;
    polka_error *error;                  /* NULL: only trying, texts would be made for nothing */
    long *looks;                         /* left */
    unsigned depth;
} polkai_encoding;

/* polkai_json_reject: the error "path: what". polkai_json_unexpected: "path: expected this, got that". Both answer POISON. */
polka_status polkai_json_reject(polkai_encoding *e, const polkai_path *path, const char *format, ...) POLKA_PRINTF(3, 4);
polka_status polkai_json_unexpected(polkai_encoding *e, const polkai_path *path, const char *expected, const json_t *value);

/* polkai_json_scalar: everything that holds no other values: null to string, enum and fixed. */
polka_status polkai_json_scalar(polkai_encoding *e, const polkai_schema *schema, const json_t *value, const polkai_path *path);

/* polkai_json_try appends `value` as `schema`, without a text when it does not fit: for trying branches of a union. */
polka_status polkai_json_try(polkai_json_form form, const polkai_schema *schema, const json_t *value, polka_buffer *buffer, long *looks);

/* polkai_json_may_be: a first look, does the kind of JSON value suit the schema? For the forms with untagged unions. */
bool polkai_json_may_be(polkai_json_form form, const polkai_schema *schema, const json_t *value);

/* The name that tags a branch: the full name, or the type's; and the branch that a value's only member names (count: none). */
const char *polkai_json_tag(const polkai_schema *branch);
size_t polkai_json_tagged(const polkai_schema *schema, const json_t *value);

/* Bytes in a form: as JSON (new), and back; back needs memory of an arena and says false when `value` is no such bytes. */
json_t *polkai_json_base64(polka_bytes bytes, polka_arena *arena);     /* {"base64": "..."} */
json_t *polkai_json_bytes_write(polkai_json_form form, polka_bytes bytes, polka_arena *arena);
bool polkai_json_bytes_read(polkai_json_form form, const json_t *value, polka_arena *arena, polka_bytes *bytes);

#endif
