/*
 * stuck.c: partitions whose transaction failed, and how far it would have come. Until all have come as far the back-off grows: what other
 * partitions commit meanwhile says nothing of them, and each abort makes all begin again.
 */
#include <flow/transaction.h>

#include <base/arena.h>
#include <base/text.h>
#include <stdlib.h>

static void forget(polkai_transacting *self, size_t index)
{
    free((char *)(uintptr_t)self->stuck[index].topic.data);
    self->stuck[index] = self->stuck[--self->stuck_count];
}

void polkai_stuck_note(polkai_transacting *self)
{
    const polkai_batch *batch = &self->batch;
    polkai_stuck_free(self);
    self->stuck = polkai_alloc((batch->position_count + 1) * sizeof *self->stuck);
    for (; self->stuck_count < batch->position_count; self->stuck_count++) {
        const polkai_position *at = &batch->positions[self->stuck_count];
        self->stuck[self->stuck_count] = (polkai_position){ { at->topic.size, polkai_strdup(at->topic.data) }, at->partition, at->offset };
    }
}

static bool names(const polkai_position *position, polka_text topic, int32_t partition)
{
    return position->partition == partition && polka_text_equal(position->topic, topic);
}

/* Or it is no longer ours. */
static bool has_moved(const polkai_transacting *self, const polkai_position *stuck)
{
    for (size_t i = 0; i < self->batch.position_count; i++) {
        const polkai_position *at = &self->batch.positions[i];
        if (names(stuck, at->topic, at->partition) && at->offset >= stuck->offset)
            return true;
    }
    for (const polkai_partition *at = self->flow->partitions; at != NULL; at = at->next)
        if (polkai_transact_is_ours(at) && names(stuck, at->topic, at->number))
            return false;
    return true;
}

void polkai_stuck_moved(polkai_transacting *self)
{
    for (size_t i = self->stuck_count; i-- > 0;)
        if (has_moved(self, &self->stuck[i]))
            forget(self, i);
    if (self->stuck_count == 0)
        self->failures = 0;
}

void polkai_stuck_free(polkai_transacting *self)
{
    while (self->stuck_count > 0)
        forget(self, 0);
    free(self->stuck);
    self->stuck = NULL;
}
