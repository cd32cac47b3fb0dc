/* random.c: xoshiro256** seeded by splitmix64 (Blackman and Vigna, prng.di.unimi.it, public domain algorithms). */
#include <base/random.h>

#include <sys/random.h>
#include <time.h>

void polkai_random_seed(polkai_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        random->state[i] = z ^ (z >> 31);
    }
}

void polkai_random_seed_entropy(polkai_random *random)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_sec ^ ((uint64_t)now.tv_nsec << 32);
    }
    polkai_random_seed(random, seed);
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t polkai_random_next(polkai_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double polkai_random_unit(polkai_random *random)
{
    return (double)(polkai_random_next(random) >> 11) * 0x1.0p-53;
}
