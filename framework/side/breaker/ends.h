/* ends.h: what the lines of the file say about each event. */
#ifndef POLKA_SIDE_ENDS_H
#define POLKA_SIDE_ENDS_H

#include <side/breaker/end.h>

/* One event of one reaction at which a process ended. */
typedef struct {
    char identity[POLKAI_END_IDENTITY];
    size_t identity_size;
    int32_t partition;
    int64_t offset;
    size_t topic_at, topic_size;         /* in identity */
    unsigned count;                      /* ends that count */
    int64_t first_ms, last_ms;
    char how[3][POLKAI_END_HOW];         /* the last three, the latest first */
} polkai_ending;

typedef struct { polkai_ending *items; size_t count, capacity, spoilt; } polkai_ends;      /* spoilt: lines that are none of ours, or cut off */

/* polkai_ends_read: all of a file's text. new (polkai_ends_destroy). Whatever the text is, at most POLKAI_ENDS_MOST events come of it. */
enum { POLKAI_ENDS_MOST = 1000 };
polkai_ends *polkai_ends_read(polka_text text);
void polkai_ends_destroy(polkai_ends *ends);             /* NULL is fine */

const polkai_ending *polkai_ends_find(const polkai_ends *ends, const polkai_ending_event *event);       /* NULL: it ended none */

/* polkai_ends_forget: takes out the events of one partition before `offset`: they are done. Returns how many. */
size_t polkai_ends_forget(polkai_ends *ends, polka_text topic, int32_t partition, int64_t offset);

/* polkai_ends_write: the lines again, for a file that is made smaller; at most POLKAI_ENDS_COUNTED of an event. *text is new (free). */
enum { POLKAI_ENDS_COUNTED = 10 };
size_t polkai_ends_write(const polkai_ends *ends, char **text);

#endif
