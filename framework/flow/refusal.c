/*
 * refusal.c: records that a broker refused for good, and the transaction with them was aborted for it: their events are handled again, and
 * become dead letters then (a letter that was too large goes without its value).
 */
#include <base/error.h>
#include <flow/transaction.h>

#include <stdlib.h>

static bool concerns(const polkai_refusal *at, const polkai_record *cause)
{
    return at->partition == cause->partition && polka_text_equal(polka_text_of(at->topic), cause->topic);
}

static polkai_refusal *find(const polkai_transacting *self, const polkai_record *cause, const polka_reaction *reaction, bool letter)
{
    polkai_refusal *at = self->refusals;
    while (at != NULL && !(at->letter == letter && at->offset == cause->offset && at->reaction == reaction && concerns(at, cause)))
        at = at->next;
    return at;
}

/* A letter can be refused for as long as nobody mends its topic: one for all these times. */
static polkai_refusal *find_or_add(polkai_transacting *self, const polkai_sending *sending)
{
    const polkai_record *cause = &sending->delivery->record;
    bool letter = sending->kind == SENDING_LETTER;
    polkai_refusal *known = find(self, cause, sending->unit->reaction, letter);
    if (known != NULL)
        return known;
    polkai_refusal *made = polkai_alloc(sizeof *made);
    *made = (polkai_refusal){ .next = self->refusals, .topic = polkai_strdup(cause->topic.data), .partition = cause->partition, .offset = cause->offset,
                              .reaction = sending->unit->reaction, .letter = letter };
    self->refusals = made;
    atomic_fetch_add(&self->refusal_count, 1);
    return made;
}

void polkai_refusal_remember(polkai_transacting *self)
{
    const polkai_sending *sending = self->batch.refused;
    pthread_mutex_lock(&self->lock);
    polkai_refusal *made = find_or_add(self, sending);
    if (made->letter)
        made->error = self->batch.error;
    else
        (void)!polkai_fail(&made->error, POLKA_POISON, self->batch.error.code, "the emission of %s was refused by the broker: %s; nothing of this reaction was sent",
                           sending->target->event->name, self->batch.error.message);
    pthread_mutex_unlock(&self->lock);
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
    if (atomic_load_explicit(&self->refusal_count, memory_order_relaxed) == 0)
        return false;
    pthread_mutex_lock(&self->lock);
    const polkai_refusal *found = find(self, &unit->delivery->record, unit->reaction, letter);
    if (found != NULL)
        *error = found->error;
    pthread_mutex_unlock(&self->lock);
    return found != NULL;
}

void polkai_refusals_free(polkai_transacting *self)
{
    for (polkai_refusal *at = self->refusals, *next; at != NULL; at = next) {
        next = at->next;
        free(at->topic);
        free(at);
    }
}
