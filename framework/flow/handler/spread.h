/*
 * spread.h: which lane an event goes to, and when. While an event of a key is under way, the next ones of that key go to the same lane,
 * so a key never runs twice at once; a key that has none goes to the lane that has least to do.
 *
 * What a lane does not begin at once is held here, in order of its key, and lanes take it when they have nothing else: the key that waits
 * longest, or the next of a key that is under way on this lane. So all lanes work as long as there is work for them, and nothing stands behind a
 * handler that takes long. (10,000 events of 0 to 5 ms on 16 lanes: handed out as they came, those of 20 keys took 1.8 times the ideal time.)
 *
 * The lane that has least is mostly one that sleeps, and to wake it takes 21-25 us (measured). So while an event takes a lane less than
 * POLKAI_SPREAD_FAST_NS, and there are many of them (an eighth of what lanes could do), nothing is held, and a key goes to a lane of its own
 * instead, which is mostly awake. Not to one that has a quarter of all that may be under way: a handler there may be blocked, and would gather
 * its share of all keys until nothing else fits.
 *
 * Keys are told apart by a hash of 12 bits: two that share it share their lane for as long as one of them is under way.
 */
#ifndef POLKA_FLOW_SPREAD_H
#define POLKA_FLOW_SPREAD_H

#include <flow/handler/lane.h>

#include <limits.h>

enum { POLKAI_SPREAD_PLACES = 4096, POLKAI_SPREAD_NOWHERE = POLKAI_SPREAD_PLACES, POLKAI_SPREAD_FAST_NS = 50000 };
#define POLKAI_SPREAD_HELD UINT_MAX

typedef struct polkai_spread polkai_spread;

polkai_spread *polkai_spread_create(unsigned lanes, unsigned most);      /* new. most: events that may be under way */
void polkai_spread_destroy(polkai_spread *spread);       /* lanes have ended; NULL is fine */

/* ---- one thread, which hands out ---- */
/*
 * polkai_spread_begin: key NULL: no key, no order. *place is for polkai_spread_end. Returns the lane, from 0, or POLKAI_SPREAD_HELD: the item
 * comes out of polkai_spread_take or polkai_spread_next, and counts as begun from then on.
 */
unsigned polkai_spread_begin(polkai_spread *spread, const void *key, size_t size, polkai_lane_item *item, unsigned *place);
/* polkai_spread_next: the next of what is held, for a lane that has nothing; all: for any. NULL: none. */
polkai_lane_item *polkai_spread_next(polkai_spread *spread, bool all, unsigned *lane);
void polkai_spread_end(polkai_spread *spread, unsigned place, unsigned lane);
/* polkai_spread_look: how long an event takes a lane, from what they have handled since the last look; now and then, by steady clock. */
void polkai_spread_look(polkai_spread *spread, int64_t now_ns);
/* polkai_spread_begin_anew: another thread is this lane now, and of what the lane was given `waiting` are not handled yet. */
void polkai_spread_begin_anew(polkai_spread *spread, unsigned lane, unsigned waiting);

/* ---- the lane ---- */
/* polkai_spread_handled: so many more of those that it was given, or took; it was busy with them for took_ns. */
void polkai_spread_handled(polkai_spread *spread, unsigned lane, unsigned count, int64_t took_ns);
/* polkai_spread_end_soon: as end, so that the key may go on at once; false: nothing is held, and who hands out is to call that. */
bool polkai_spread_end_soon(polkai_spread *spread, unsigned place, unsigned lane);
/* polkai_spread_take: NULL: nothing is held for it; *wanting: but for others, and what has ended may change that: whoever hands out is to be woken. */
polkai_lane_item *polkai_spread_take(polkai_spread *spread, unsigned lane, bool *wanting);

#endif
