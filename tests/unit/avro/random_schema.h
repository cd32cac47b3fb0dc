/* random_schema.h: schemas and values by chance, for properties. The same seed makes the same. */
#ifndef POLKA_TEST_AVRO_RANDOM_SCHEMA_H
#define POLKA_TEST_AVRO_RANDOM_SCHEMA_H

#include <avro/schema.h>
#include <base/random.h>

typedef struct { polkai_random random; unsigned names; const char *open[16]; unsigned open_count; } chance;

json_t *random_schema(chance *c, unsigned depth);                           /* new */
/* A value with every union tagged, bytes as base64 and no logical types: it means the same to any reader. new. */
json_t *random_value(chance *c, const polkai_schema *schema, unsigned depth);

#endif
