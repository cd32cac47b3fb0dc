/* alarm.c: see alarm.h. Nothing here needs a lock; the handler calls only what may be called in one (signal-safety(7)), and setitimer, a bare system call. */
#include <service/alarm.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STOPPED_MS = 500 };               /* a timer that comes this late: the process was stopped */

static polkai_limit limit;
static int64_t due_ns;                   /* 0: no alarm of ours is set */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void set_timer(int64_t left_ms)
{
    struct itimerval once = { .it_value = { .tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000 } };
    setitimer(ITIMER_REAL, &once, NULL);
}

/* A pipe that is ready takes PIPE_BUF bytes, which are more than a line has. */
static void tell(void)
{
    struct pollfd log = { .fd = limit.descriptor, .events = POLLOUT };
    if (limit.text[0] != '\0' && poll(&log, 1, 0) == 1 && (log.revents & POLLOUT) != 0)
        (void)!write(limit.descriptor, limit.text, strlen(limit.text));
}

static void on_alarm(int number)
{
    (void)number;
    int kept = errno;
    int64_t now = now_ns();
    if (now > due_ns + STOPPED_MS * INT64_C(1000000)) {
        due_ns = now + limit.most_ms * 1000000;
        set_timer(limit.most_ms);
        errno = kept;
        return;
    }
    tell();
    _exit(limit.code);
}

void polkai_alarm_set(polkai_alarm *before, const polkai_limit *to)
{
    struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
    sigset_t alarm_only;
    sigemptyset(&action.sa_mask);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    setitimer(ITIMER_REAL, &(struct itimerval){ .it_value = { 0, 0 } }, &before->timer);
    before->limit = limit;
    before->due_ns = due_ns;
    limit = *to;
    due_ns = now_ns() + to->most_ms * 1000000;
    sigaction(SIGALRM, &action, &before->action);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    set_timer(to->most_ms);
}

void polkai_alarm_clear(const polkai_alarm *before)
{
    set_timer(0);
    limit = before->limit;
    due_ns = before->due_ns;
    sigaction(SIGALRM, &before->action, NULL);
    if (due_ns == 0) {
        setitimer(ITIMER_REAL, &before->timer, NULL);
        return;
    }
    int64_t soon_ns = now_ns() + 1000000;                /* an outer one of ours ran on meanwhile */
    due_ns = due_ns > soon_ns ? due_ns : soon_ns;
    set_timer((due_ns - soon_ns) / 1000000 + 1);
}
