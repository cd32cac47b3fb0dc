/* pairs.h: pairs of a writer's and a reader's type, numbered from 0 in the order in which they were first met. */
#ifndef POLKA_AVRO_PAIRS_H
#define POLKA_AVRO_PAIRS_H

#include <avro/schema.h>

typedef struct { const polkai_schema *writer, *reader; } polkai_pair;
typedef struct {
    polkai_pair *items;
    size_t count, capacity;
    uint32_t *slots;                     /* hash table of index + 1; 0: free */
    size_t mask;
} polkai_pairs;

/* polkai_pairs_add: the pair's number, a new one when it is new. Zero-initialise `pairs`. */
uint32_t polkai_pairs_add(polkai_pairs *pairs, const polkai_schema *writer, const polkai_schema *reader);
void polkai_pairs_deinit(polkai_pairs *pairs);

#endif
