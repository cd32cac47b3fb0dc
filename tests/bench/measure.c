/* measure.c: wall clock, CPU of all threads of this process, and the checksum of what was read. */
#include "measure.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

typedef struct { int64_t wall_ns, cpu_us; } moment;

static atomic_llong events, sum;
static moment first, last;

static moment now(void)
{
    struct timespec at;
    struct rusage used;
    clock_gettime(CLOCK_MONOTONIC, &at);
    getrusage(RUSAGE_SELF, &used);
    return (moment){ (int64_t)at.tv_sec * 1000000000 + at.tv_nsec,
                     (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec };
}

int64_t measure_event(const bench_order_placed *order, int64_t *total)
{
    *total = 0;
    for (size_t i = 0; i < order->lines.count; i++)
        *total += order->lines.items[i].quantity * order->lines.items[i].unit_price;
    atomic_fetch_add_explicit(&sum, *total, memory_order_relaxed);
    int64_t count = atomic_fetch_add_explicit(&events, 1, memory_order_relaxed) + 1;
    if (count == 1) {
        first = now();
        fprintf(stderr, "first %lld\n", (long long)first.wall_ns);
    }
    return count;
}

void measure_busy(int64_t microseconds)
{
    struct timespec begin, at;
    if (microseconds <= 0)
        return;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &at);
    while ((at.tv_sec - begin.tv_sec) * 1000000000 + at.tv_nsec - begin.tv_nsec < microseconds * 1000);
}

void measure_end(void)
{
    last = now();
}

void measure_print(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    if (events > 0)
        fprintf(stderr, "{\"events\": %lld, \"sum\": %lld, \"wall_us\": %lld, \"cpu_us\": %lld, \"peak_kib\": %ld}\n", (long long)events, (long long)sum,
                (long long)(last.wall_ns - first.wall_ns) / 1000, (long long)(last.cpu_us - first.cpu_us), used.ru_maxrss);
}
