/*
 * refusal.c: records that a broker refused for good, and the transaction with them was aborted for it: their events are handled again, and
 * become dead letters then (a letter that was too large goes without its value).
 */
#include <base/error.h>
#include <flow/transaction.h>

#include <stdlib.h>

void polkai_refusal_remember(polkai_transacting *self)
{
    const polkai_sending *sending = self->batch.refused;
    const polkai_record *cause = &sending->delivery->record;
    polkai_refusal *made = polkai_alloc(sizeof *made);
    *made = (polkai_refusal){ .next = self->refusals, .topic = polkai_strdup(cause->topic.data), .partition = cause->partition, .offset = cause->offset,
                              .reaction = sending->unit->reaction, .letter = sending->kind == SENDING_LETTER };
    if (made->letter)
        made->error = self->batch.error;
    else
        (void)!polkai_fail(&made->error, POLKA_POISON, self->batch.error.code, "the emission of %s was refused by the broker: %s; nothing of this reaction was sent",
                           sending->target->event->name, self->batch.error.message);
    pthread_mutex_lock(&self->lock);
    self->refusals = made;
    pthread_mutex_unlock(&self->lock);
    atomic_fetch_add(&self->refusal_count, 1);
}

static bool concerns(const polkai_refusal *at, const polkai_record *cause)
{
    return at->partition == cause->partition && polka_text_equal(polka_text_of(at->topic), cause->topic);
}

void polkai_refusals_forget(polkai_transacting *self)
{
    if (atomic_load(&self->refusal_count) == 0)
        return;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->batch.position_count; i++) {
        const polkai_position *position = &self->batch.positions[i];
        for (polkai_refusal **at = &self->refusals; *at != NULL;) {
            polkai_refusal *each = *at;
            if (!concerns(each, &(polkai_record){ .topic = position->topic, .partition = position->partition }) || each->offset >= position->offset) {
                at = &each->next;
                continue;
            }
            *at = each->next;
            free(each->topic);
            free(each);
            atomic_fetch_sub(&self->refusal_count, 1);
        }
    }
    pthread_mutex_unlock(&self->lock);
}

bool polkai_transact_refusal(polka_context *unit, bool letter, polka_error *error)
{
    polkai_transacting *self = unit->flow->transact;
    const polkai_record *cause = &unit->delivery->record;
    bool found = false;
    if (atomic_load_explicit(&self->refusal_count, memory_order_relaxed) == 0)
        return false;
    pthread_mutex_lock(&self->lock);
    for (const polkai_refusal *at = self->refusals; at != NULL && !found; at = at->next) {
        found = at->letter == letter && at->offset == cause->offset && at->reaction == unit->reaction && concerns(at, cause);
        if (found)
            *error = at->error;
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

void polkai_refusals_free(polkai_transacting *self)
{
    for (polkai_refusal *at = self->refusals, *next; at != NULL; at = next) {
        next = at->next;
        free(at->topic);
        free(at);
    }
}
