/* lane.c: a mailbox with a lock and a condition on the steady clock. */
#include <base/arena.h>
#include <base/error.h>
#include <base/hold.h>
#include <flow/handler/lane.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct polkai_lane {
    polkai_lane_duty duty;
    const polkai_clock *clock;
    bool threaded, opened, started, stopping, ended, kicked, asleep;
    bool left;                           /* nobody waits for its end: then its memory goes with it */
    polka_status open_status;
    polka_error *open_error;             /* of the starter, until it has been told */
    int64_t due_ns;
    polkai_lane_item *first, *last;      /* what was given and not yet taken */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static polkai_lane_item *take_all(polkai_lane *lane)
{
    polkai_lane_item *items = lane->first;
    lane->first = lane->last = NULL;
    lane->kicked = false;
    return items;
}

static void wait_for_work(polkai_lane *lane)
{
    while (lane->first == NULL && !lane->stopping && !lane->kicked) {
        lane->asleep = true;
        if (lane->due_ns == INT64_MAX) {
            pthread_cond_wait(&lane->changed, &lane->lock);
        } else {
            struct timespec until = { .tv_sec = lane->due_ns / 1000000000, .tv_nsec = lane->due_ns % 1000000000 };
            if (pthread_cond_timedwait(&lane->changed, &lane->lock, &until) == ETIMEDOUT)
                break;
        }
    }
    lane->asleep = false;
}

static void release(polkai_lane *lane)
{
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->lock);
    free(lane);
}

static void end(polkai_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    bool left = lane->left;
    lane->ended = true;
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
    if (left)
        release(lane);
}

static void *run(void *argument)
{
    polkai_lane *lane = argument;
    polka_error own;
    polkai_hold_allow();
    polka_status status = lane->duty.open(lane->duty.user, lane->open_error != NULL ? lane->open_error : &own);
    pthread_mutex_lock(&lane->lock);
    lane->open_status = status;
    lane->opened = true;
    pthread_cond_broadcast(&lane->changed);
    for (bool last = status != POLKA_OK; !last;) {
        wait_for_work(lane);
        last = lane->stopping;           /* what is there is still worked off: its owner gets each back */
        polkai_lane_item *items = take_all(lane);
        pthread_mutex_unlock(&lane->lock);
        int64_t due_ns = lane->duty.work(lane->duty.user, items);
        pthread_mutex_lock(&lane->lock);
        lane->due_ns = due_ns;
    }
    pthread_mutex_unlock(&lane->lock);
    if (status == POLKA_OK)
        lane->duty.close(lane->duty.user);
    end(lane);
    return NULL;
}

void polkai_lane_leave(polkai_lane *lane)
{
    lane->duty.close(lane->duty.user);
    end(lane);
    pthread_exit(NULL);
}

static polka_status make_thread(polkai_lane *lane, polka_error *error)
{
    sigset_t all, before;
    sigfillset(&all);                    /* signals are the main thread's; the lane opens to those it is meant to have */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&lane->thread, NULL, run, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ENSURE(failed == 0, POLKA_FATAL, error, "no-thread", "cannot start the thread of a lane: %s", strerror(failed));
    lane->started = true;
    return POLKA_OK;
}

static polka_status start_thread(polkai_lane *lane, polka_error *error)
{
    TRY(make_thread(lane, error));
    pthread_mutex_lock(&lane->lock);
    while (!lane->opened)
        pthread_cond_wait(&lane->changed, &lane->lock);
    pthread_mutex_unlock(&lane->lock);
    if (lane->open_status != POLKA_OK)
        pthread_join(lane->thread, NULL);
    return lane->open_status;
}

static polkai_lane *create(const polkai_lane_duty *duty, bool threaded, const polkai_clock *clock)
{
    polkai_lane *made = polkai_alloc(sizeof *made);
    *made = (polkai_lane){ .duty = *duty, .clock = clock, .threaded = threaded, .due_ns = INT64_MAX };
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&made->changed, &steady);
    pthread_condattr_destroy(&steady);
    pthread_mutex_init(&made->lock, NULL);
    made->thread = pthread_self();
    return made;
}

polka_status polkai_lane_start(polkai_lane **lane, const polkai_lane_duty *duty, bool threaded, const polkai_clock *clock, polka_error *error)
{
    polkai_lane *made = create(duty, threaded, clock);
    made->open_error = error;
    polka_status status = threaded ? start_thread(made, error) : duty->open(duty->user, error);
    if (status != POLKA_OK) {
        release(made);
        return status;
    }
    *lane = made;
    return POLKA_OK;
}

polka_status polkai_lane_launch(polkai_lane **lane, const polkai_lane_duty *duty, const polkai_clock *clock, polka_error *error)
{
    polkai_lane *made = create(duty, true, clock);
    polka_status status = make_thread(made, error);
    made->ended = status != POLKA_OK;
    *lane = made;
    return status;
}

void polkai_lane_give(polkai_lane *lane, polkai_lane_item *first, polkai_lane_item *last)
{
    pthread_mutex_lock(&lane->lock);
    if (lane->last == NULL)
        lane->first = first;
    else
        lane->last->next = first;
    lane->last = last;
    bool wake = lane->asleep;
    pthread_mutex_unlock(&lane->lock);
    if (wake)
        pthread_cond_signal(&lane->changed);
}

void polkai_lane_wake(polkai_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->kicked = true;
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
}

void polkai_lane_turn(polkai_lane *lane)
{
    if (lane->first == NULL && !lane->kicked && lane->due_ns > lane->clock->steady_ns(lane->clock))
        return;
    lane->due_ns = lane->duty.work(lane->duty.user, take_all(lane));
}

int64_t polkai_lane_due_ns(const polkai_lane *lane)
{
    return lane->due_ns;
}

polkai_lane_item *polkai_lane_take_back(polkai_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    polkai_lane_item *items = take_all(lane);
    pthread_mutex_unlock(&lane->lock);
    return items;
}

bool polkai_lane_has_ended(polkai_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    bool ended = lane->ended;
    pthread_mutex_unlock(&lane->lock);
    return ended;
}

pthread_t polkai_lane_thread(const polkai_lane *lane)
{
    return lane->thread;
}

void polkai_lane_ask_to_end(polkai_lane *lane)
{
    if (lane == NULL || !lane->threaded)
        return;
    pthread_mutex_lock(&lane->lock);
    lane->stopping = true;
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
}

bool polkai_lane_stop(polkai_lane *lane, int64_t timeout_ms)
{
    if (lane == NULL)
        return true;
    if (!lane->threaded) {
        lane->duty.work(lane->duty.user, take_all(lane));
        lane->duty.close(lane->duty.user);
        release(lane);
        return true;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&lane->lock);
    lane->stopping = true;
    pthread_cond_broadcast(&lane->changed);
    while (!lane->ended && pthread_cond_timedwait(&lane->changed, &lane->lock, &until) != ETIMEDOUT) { /* again */ }
    bool ended = lane->ended;
    lane->left = !ended;
    if (!ended)
        pthread_detach(lane->thread);
    pthread_mutex_unlock(&lane->lock);
    if (!ended)
        return false;
    if (lane->started)
        pthread_join(lane->thread, NULL);
    release(lane);
    return true;
}
