/*
 * parking.h: keys that wait behind a failed event. The waiting unit is (topic, partition, key): while its first event waits
 * for its next attempt, later events of that key queue behind it, and every other key flows on.
 * thread: one (the lane that owns it).
 */
#ifndef POLKA_SIDE_PARKING_H
#define POLKA_SIDE_PARKING_H

#include <transport/record.h>

typedef struct polkai_parking polkai_parking;
/* What is parked; embedded in its owner, which gets it back. */
typedef struct polkai_parked polkai_parked;
struct polkai_parked {
    const polkai_record *record;         /* topic, partition, key */
    int64_t due_ns;                      /* of the first of a key: when to try it again */
    polkai_parked *next;                 /* those behind it */
};

polkai_parking *polkai_parking_create(void);             /* new */
void polkai_parking_destroy(polkai_parking *parking);    /* whatever is parked is forgotten */

/* polkai_parking_park: the first of its key waits until item->due_ns. A record without a key waits alone. */
void polkai_parking_park(polkai_parking *parking, polkai_parked *item);
/* polkai_parking_follow: does a key like this one's wait? Then `item` is put behind it, and true. */
bool polkai_parking_follow(polkai_parking *parking, polkai_parked *item);
/* polkai_parking_due: the first of a key whose time has come; takes it out with all behind it (->next). NULL: none. */
polkai_parked *polkai_parking_due(polkai_parking *parking, int64_t now_ns);
/* polkai_parking_return: what is left behind a settled first: they wait (again) behind `first`, which is parked by this. */
void polkai_parking_return(polkai_parking *parking, polkai_parked *first, polkai_parked *behind);
/*
 * polkai_parking_hurry: those firsts of a key are due earlier for which `earlier` is true; it has changed due_ns, to what is not
 * later than before.
 */
void polkai_parking_hurry(polkai_parking *parking, bool (*earlier)(polkai_parked *first, void *user), void *user);
/* polkai_parking_sweep: takes out all for which `wanted` is true, linked by ->next; a key whose first is wanted goes whole. */
polkai_parked *polkai_parking_sweep(polkai_parking *parking, bool (*wanted)(const polkai_parked *item, void *user), void *user);

int64_t polkai_parking_next_due_ns(const polkai_parking *parking);   /* INT64_MAX: nobody waits */
size_t polkai_parking_keys(const polkai_parking *parking);
size_t polkai_parking_count(const polkai_parking *parking);

#endif
