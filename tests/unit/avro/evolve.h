/* evolve.h: a later version of a schema by chance, and what it should make of a value: slow, obvious, and without match.c. */
#ifndef POLKA_TEST_AVRO_EVOLVE_H
#define POLKA_TEST_AVRO_EVOLVE_H

#include "random_schema.h"

#include <polka/codec.h>

/* evolve: a changed copy of `schema`: promotions, fields dropped, added, renamed and moved, symbols, branches. new. */
json_t *evolve(chance *c, const json_t *schema);

typedef enum { RESOLVED_YES = 1, RESOLVED_NO, RESOLVED_UNSAID } resolved_kind;

/*
 * resolve_slowly: `value` (of the writer, as random_value makes it) as the reader should see it, in the same form; new.
 * RESOLVED_NO: the reader cannot take it. RESOLVED_UNSAID: this judge does not know.
 */
resolved_kind resolve_slowly(const polkai_schema *writer, const polkai_schema *reader, const json_t *value, polka_arena *arena, json_t **made);

#endif
