/* end.h: one line of the file: this process ended in this reaction at this event. */
#ifndef POLKA_SIDE_END_H
#define POLKA_SIDE_END_H

#include <polka/polka.h>

/* One event of one reaction. The timestamp tells it from another at the same offset of a topic that was made anew. Texts are borrowed. */
typedef struct {
    polka_text cluster, topic, reaction;
    int32_t partition;
    int64_t offset, timestamp_ms;
} polkai_ending_event;

enum { POLKAI_END_IDENTITY = 680, POLKAI_END_LINE = 800, POLKAI_END_HOW = 16 };

/*
 * polkai_end_write: a line that begins and ends with a line feed, so that one that was cut off spoils only itself. `how` is one word:
 * "SIGSEGV", "deadline". Returns its size. For a signal handler: no memory, no locks, no locale.
 */
size_t polkai_end_write(char out[POLKAI_END_LINE], const polkai_ending_event *event, const char *how, int64_t at_ms);

/*
 * polkai_end_identity: "3 17 1767225600000 cluster topic reaction", what two lines of one event have in common; bytes that are not
 * printable ASCII, quotes and backslashes are '?', so that it can stand in JSON as it is. Returns its size; long texts are cut. As above.
 */
size_t polkai_end_identity(char out[POLKAI_END_IDENTITY], const polkai_ending_event *event);

#endif
