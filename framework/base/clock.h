/* clock.h: the only door to time. Handed down as a value, so that tests own it. */
#ifndef POLKA_BASE_CLOCK_H
#define POLKA_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef struct polkai_clock polkai_clock;
struct polkai_clock {
    int64_t (*wall_ms)(const polkai_clock *clock);       /* since 1970-01-01T00:00:00Z */
    int64_t (*steady_ns)(const polkai_clock *clock);     /* monotonic; stands still while the machine is suspended */
    int64_t (*suspended_ns)(const polkai_clock *clock);  /* so long it was, in all; NULL: never. Where it was not, two readings differ by what a preemption takes */
};
extern const polkai_clock polkai_clock_real;

/* polkai_clock_epoch_ns: what the steady clock of the real one lacks to the time since 1970, as it is now. */
int64_t polkai_clock_epoch_ns(void);

/* polkai_time_write: "2026-11-01T10:00:00.412Z" (RFC 3339, UTC), 24 characters and a NUL. */
void polkai_time_write(char out[25], int64_t wall_ms);
/* polkai_time_read: RFC 3339 with any offset and fraction; false when it is not one. */
_Bool polkai_time_read(const char *text, size_t size, int64_t *wall_ms);

#endif
