/*
 * lane.h: a mailbox and, unless inline, the thread that works it off. Work is handed over by the batch: one lock a batch and
 * one wake-up at most, never one an event (a wake-up costs 21-25 µs, a batched hand-off 3 ns an event, measured).
 */
#ifndef POLKA_FLOW_LANE_H
#define POLKA_FLOW_LANE_H

#include <base/clock.h>
#include <polka/polka.h>

#include <pthread.h>

typedef struct polkai_lane polkai_lane;
typedef struct polkai_lane_item { struct polkai_lane_item *next; } polkai_lane_item;

/* What a lane does; all of it on the lane's thread (inline: on the thread that calls turn, start and stop). */
typedef struct {
    void *user;
    polka_status (*open)(void *user, polka_error *error);            /* before the first work; an error fails the start */
    int64_t (*work)(void *user, polkai_lane_item *items);            /* items may be NULL; returns when to be called again, steady ns; INT64_MAX: never */
    void (*close)(void *user);
} polkai_lane_duty;

polka_status polkai_lane_start(polkai_lane **lane, const polkai_lane_duty *duty, bool threaded, const polkai_clock *clock, polka_error *error);
/* polkai_lane_launch: threaded, and without waiting for `open`; when that fails, or no thread can be had (the error), there is a lane all the same: it has ended, and what is given to it is not worked off. */
polka_status polkai_lane_launch(polkai_lane **lane, const polkai_lane_duty *duty, const polkai_clock *clock, polka_error *error);
/* polkai_lane_give: hands over a chain of items, first to last. Any thread. */
void polkai_lane_give(polkai_lane *lane, polkai_lane_item *first, polkai_lane_item *last);
void polkai_lane_wake(polkai_lane *lane);                /* work is called soon, with nothing new if there is nothing */
/* polkai_lane_turn: inline only: works off what is there and what is due. */
void polkai_lane_turn(polkai_lane *lane);
int64_t polkai_lane_due_ns(const polkai_lane *lane);     /* inline only */
pthread_t polkai_lane_thread(const polkai_lane *lane);   /* inline: the one that started it */
/* polkai_lane_take_back: what was given and not taken to work yet. Any thread. */
polkai_lane_item *polkai_lane_take_back(polkai_lane *lane);
/* polkai_lane_leave: on its thread, from within work: `close` is called and the thread ends; what was given to it is no concern of it any more. */
_Noreturn void polkai_lane_leave(polkai_lane *lane);
bool polkai_lane_has_ended(polkai_lane *lane);           /* polkai_lane_stop then waits for nothing. Any thread */
void polkai_lane_ask_to_end(polkai_lane *lane);          /* polkai_lane_stop, which follows, has then less to wait for */
/* polkai_lane_stop: ends the thread when it has worked off what is there; waits at most timeout_ms. false: it is stuck, and is left alone with its memory, which goes when it ends; the lane is not to be used any more. */
bool polkai_lane_stop(polkai_lane *lane, int64_t timeout_ms);

#endif
