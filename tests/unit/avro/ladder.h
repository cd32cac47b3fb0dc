/* ladder.h: schemas that cost those much who walk them carelessly. Both are new: free() them. */
#ifndef POLKA_TEST_AVRO_LADDER_H
#define POLKA_TEST_AVRO_LADDER_H

#include <stddef.h>

/* R0 is used twice by R1, that twice by R2 and so on: 2^60 ways to a leaf of 61 types. */
char *ladder(const char *leaf);

/* `length` records, each with a field of the one defined before it. */
char *chain(size_t length);

#endif
