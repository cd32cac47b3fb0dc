/* stopwatch.h: this thread's own CPU time, and the median of what it said. */
#ifndef POLKA_BENCH_STOPWATCH_H
#define POLKA_BENCH_STOPWATCH_H

#include <stdlib.h>
#include <time.h>

static inline double stopwatch_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int stopwatch_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* stopwatch_sort: least first; the median is in the middle. */
static inline void stopwatch_sort(double *times, size_t count) { qsort(times, count, sizeof *times, stopwatch_compare); }

#endif
