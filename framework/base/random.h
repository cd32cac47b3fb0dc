/* random.h: the only door to chance. xoshiro256** from a seed, so that a seed repeats a run. */
#ifndef POLKA_BASE_RANDOM_H
#define POLKA_BASE_RANDOM_H

#include <stdint.h>

typedef struct { uint64_t state[4]; } polkai_random;

void polkai_random_seed(polkai_random *random, uint64_t seed);
void polkai_random_seed_entropy(polkai_random *random);  /* getrandom(2) */
uint64_t polkai_random_next(polkai_random *random);
double polkai_random_unit(polkai_random *random);        /* [0, 1) */

#endif
