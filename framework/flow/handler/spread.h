/*
 * spread.h: which lane an event goes to. While an event of a key is under way, the next ones of that key go to the same lane, so a
 * key never runs twice at once; a key that has none goes to the lane that has least. For one thread.
 *
 * The lane that has least is mostly one that sleeps, and to wake it takes 21-25 us (measured). So while a lane ends its events
 * faster than POLKAI_SPREAD_FAST_NS each, a key goes to a lane of its own instead, which is mostly awake. Not to one that has a
 * quarter of all that may be under way: a handler there may be blocked, and would gather its share of all keys until nothing else fits.
 *
 * Keys are told apart by a hash of 12 bits: two that share it share their lane for as long as one of them is under way.
 */
#ifndef POLKA_FLOW_SPREAD_H
#define POLKA_FLOW_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POLKAI_SPREAD_PLACES = 4096, POLKAI_SPREAD_NOWHERE = POLKAI_SPREAD_PLACES, POLKAI_SPREAD_FAST_NS = 50000 };

typedef struct {
    uint32_t under_way[POLKAI_SPREAD_PLACES + 1];        /* by place; the last: of events without a key */
    uint16_t lane[POLKAI_SPREAD_PLACES + 1];
    uint32_t lane_count, turn;           /* turn: of events without a key */
    uint32_t crowded;                    /* events of a lane that gets no other key */
    bool fast;
    uint64_t ended;                      /* since looked_ns */
    int64_t looked_ns;
    uint32_t of_lane[];                  /* under way, by lane */
} polkai_spread;

polkai_spread *polkai_spread_create(unsigned lanes, unsigned most);      /* new; free(). most: events that may be under way */
/* polkai_spread_begin: key NULL: no key, no order. *place is for polkai_spread_end. Returns the lane, from 0. */
unsigned polkai_spread_begin(polkai_spread *spread, const void *key, size_t size, unsigned *place);
void polkai_spread_end(polkai_spread *spread, unsigned place, unsigned lane);
/* polkai_spread_look: how fast lanes are, from what has ended since the last look; now and then, by steady clock. */
void polkai_spread_look(polkai_spread *spread, int64_t now_ns);

#endif
