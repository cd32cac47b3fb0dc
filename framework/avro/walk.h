/* walk.h: the bounded check of bytes that come from outside, before anything reads them. */
#ifndef POLKA_AVRO_WALK_H
#define POLKA_AVRO_WALK_H

#include <avro/schema.h>

/* Limits of one value; the defaults are 1,000 levels and 1,000,000 items that take no bytes. */
typedef struct { unsigned depth; uint64_t empty_items; } polkai_walk_limits;
extern const polkai_walk_limits polkai_walk_limits_default;

/*
 * polkai_walk: varint of at most 10 bytes without overflow, int range, lengths against what remains, UTF-8, block counts,
 * union, enum and boolean range, depth, nothing left over.
 * errors: POISON, code "bad-bytes", with reason, byte offset and field path.
 */
polka_status polkai_walk(const polkai_schema *schema, polka_bytes body, const polkai_walk_limits *limits, polka_error *error);

/*
 * polkai_walk_blame: walks to the value of `at` (one type of `schema`) that begins at byte `offset`, and refuses it.
 * errors: POISON, code "schema-mismatch", with `reason` and the value's place; "bad-bytes" when the walk does not come so far.
 */
polka_status polkai_walk_blame(const polkai_schema *schema, polka_bytes body, const polkai_walk_limits *limits, const polkai_schema *at,
                               size_t offset, const char *reason, polka_error *error);

#endif
