/* older.h: the decoder of an earlier version beside the plan. A file apart: property.c cannot include plans and avro-c. */
#ifndef POLKA_TEST_CODEGEN_OLDER_H
#define POLKA_TEST_CODEGEN_OLDER_H

#include <polka/codec.h>

typedef struct older_pair older_pair;
older_pair *older_open(const polka_event *event, const polka_older_schema *older);     /* new */
void older_close(older_pair *pair);

/* older_agrees: both give the same value (compared by its newest encoding), or both refuse. `why`: what differs. */
bool older_agrees(older_pair *pair, polka_bytes body, char *why, size_t capacity);

extern uint64_t older_asked, older_read;                 /* so far */

#endif
