/* evolved.h: bodies of OrderPlaced read as a later version of it: by a plan, then by the generated decoder, or by the decoder of an earlier version. */
#ifndef POLKA_BENCH_EVOLVED_H
#define POLKA_BENCH_EVOLVED_H

#include <polka/codec.h>

/* Plans from OrderPlaced to OrderSeen (drop, reorder, promote) and to OrderKnown (and defaults). Ends the program when it fails. */
void evolved_open(void);
void evolved_close(void);

int64_t evolved_seen(polka_bytes body, polka_arena *arena);      /* all of it; placed_at */
int64_t evolved_known(polka_bytes body, polka_arena *arena);
/* The same without a plan: the build knows the writer as version 1, whose bytes are those of OrderPlaced. */
int64_t evolved_seen_older(polka_bytes body, polka_arena *arena);
int64_t evolved_known_older(polka_bytes body, polka_arena *arena);
size_t evolved_resolve(polka_bytes body, polka_arena *arena);    /* the plan alone; the size of what it gives */
void evolved_plan(void);                                         /* makes a plan and destroys it */

enum { EVOLVED_TYPES = 1000 };
void evolved_open_among(void);                                   /* their plans */
int64_t evolved_among(polka_bytes body, polka_arena *arena, size_t type);    /* as evolved_seen, by the plan of one of so many event types */

#endif
