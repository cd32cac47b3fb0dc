/*
 * alarm.h: this process ends by a time, whatever its threads wait for or hold (a lock of the allocator, of stdio, of the loader). It is SIGALRM
 * of the real timer, which may be the program's own: what was set there comes back when the alarm is taken back. One for the process; those that
 * are set meanwhile are nested. A time in which the process was stopped (SIGSTOP) does not count: it gets all of it again.
 */
#ifndef POLKA_SERVICE_ALARM_H
#define POLKA_SERVICE_ALARM_H

#include <signal.h>
#include <stdint.h>
#include <sys/time.h>

enum { POLKAI_ALARM_TEXT = 640 };

typedef struct {
    int code, descriptor;                /* the exit code; where `text` goes, as far as it can be written without waiting */
    int64_t most_ms;
    char text[POLKAI_ALARM_TEXT];        /* a whole line; empty: nothing is said */
} polkai_limit;

typedef struct {
    struct sigaction action;
    struct itimerval timer;
    polkai_limit limit;
    int64_t due_ns;
} polkai_alarm;

/* polkai_alarm_set: from now on. thread: any, one at a time. `before` is for polkai_alarm_clear; neither allocates nor locks. */
void polkai_alarm_set(polkai_alarm *before, const polkai_limit *limit);
void polkai_alarm_clear(const polkai_alarm *before);

#endif
