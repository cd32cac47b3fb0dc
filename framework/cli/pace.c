/* pace.c: as a number of its own for each event, so that no error adds up. */
#include <cli/pace.h>

int64_t cli_pace_due_ns(int64_t began_ns, int64_t index, double rate)
{
    if (!(rate > 0))
        return began_ns;
    double after_ns = (double)index / rate * 1e9;
    return after_ns < (double)(INT64_MAX / 2) ? began_ns + (int64_t)after_ns : INT64_MAX;
}

int cli_pace_wait_ms(int64_t due_ns, int64_t now_ns, int most_ms)
{
    if (due_ns <= now_ns)
        return 0;
    int64_t left_ms = (due_ns - now_ns - 1) / 1000000 + 1;      /* not before it is due */
    return left_ms < most_ms ? (int)left_ms : most_ms;
}
