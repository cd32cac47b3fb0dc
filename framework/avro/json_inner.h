/* json_inner.h: what the parts of the JSON codec share. */
#ifndef POLKA_AVRO_JSON_INNER_H
#define POLKA_AVRO_JSON_INNER_H

#include <avro/json.h>
#include <avro/path.h>

/*
 * polkai_json_looks: how many values may be looked at in one call. A union in a recursive type can make a value fit in
 * exponentially many ways; with the looks used up it is refused.
 */
enum { POLKAI_JSON_LOOKS = 20000000, POLKAI_JSON_DEPTH = 1000 };

/* polkai_json_try appends `value` as `schema`, without a text when it does not fit: for trying branches of a union. */
polka_status polkai_json_try(const polkai_schema *schema, const json_t *value, polka_buffer *buffer, long *looks);

/* polkai_json_may_be: a first look, does the kind of JSON value suit the schema? */
bool polkai_json_may_be(const polkai_schema *schema, const json_t *value);

/* The name that tags a branch: the full name, or the type's; and the branch that a value's only member names (count: none). */
const char *polkai_json_tag(const polkai_schema *branch);
size_t polkai_json_tagged(const polkai_schema *schema, const json_t *value);

/* What stands for numbers that JSON does not have. */
bool polkai_json_special(const char *text, double *number);

#endif
