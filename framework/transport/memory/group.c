/*
 * group.c: who of a group reads what.
 *
 * A change of members bumps the group's generation. Each member follows at its own next poll: it gives up all it has
 * (the listener may commit), and takes its new share when nobody else holds a part of it: Kafka's eager protocol
 * without its waiting room, so that one thread can play all members in turn.
 */
#include <transport/memory/source.h>

#include <base/arena.h>
#include <stdlib.h>

static void make_claims(polkai_memory_group *group, polkai_memory_topic *topic)
{
    if (polkai_memory_claim_find(group, polka_text_of(topic->name), 0) != NULL)
        return;
    group->claims = polkai_realloc(group->claims, (group->claim_count + (size_t)topic->partition_count) * sizeof *group->claims);
    for (int32_t p = 0; p < topic->partition_count; p++)
        group->claims[group->claim_count++] = (polkai_memory_claim){ .topic = topic, .partition = p, .committed = -1001 };
}

void polkai_memory_join(polkai_memory_source *self, const polkai_start *start)
{
    polkai_memory_group *group = self->group;
    self->topics = polkai_alloc((start->topic_count + 1) * sizeof *self->topics);
    for (size_t i = 0; i < start->topic_count; i++) {
        self->topics[self->topic_count++] = polkai_memory_topic_make(self->memory, start->topics[i], 0);
        make_claims(group, self->topics[i]);
    }
    group->members = polkai_realloc(group->members, (group->member_count + 1) * sizeof *group->members);
    group->members[group->member_count++] = &self->source;
    group->generation++;
}

static polkai_position *positions_of(const polkai_memory_source *self)
{
    polkai_position *positions = polkai_alloc((self->reading_count + 1) * sizeof *positions);
    for (size_t i = 0; i < self->reading_count; i++)
        positions[i] = (polkai_position){ polka_text_of(self->readings[i].topic->name), self->readings[i].partition, self->readings[i].next };
    return positions;
}

/* Tells the owner without the mutex: it commits from inside. */
static void give_up(polkai_memory_source *self)
{
    polkai_memory *memory = self->memory;
    if (self->listener.revoked != NULL && self->generation > 0) {
        polkai_position *positions = positions_of(self);
        size_t count = self->reading_count;
        pthread_mutex_unlock(&memory->mutex);
        self->listener.revoked(self->listener.user, positions, count, false);
        pthread_mutex_lock(&memory->mutex);
        free(positions);
    }
    for (size_t i = 0; i < self->group->claim_count; i++)
        if (self->group->claims[i].owner == &self->source)
            self->group->claims[i].owner = NULL;
    free(self->readings);
    self->readings = NULL;
    self->reading_count = 0;
    self->generation = 0;
}

static bool subscribes(const polkai_memory_source *member, const polkai_memory_topic *topic)
{
    for (size_t i = 0; i < member->topic_count; i++)
        if (member->topics[i] == topic)
            return true;
    return false;
}

/* Range: the members that read a topic take contiguous runs of it, the first ones one more when it does not divide. */
static bool is_share(const polkai_memory_source *self, const polkai_memory_claim *claim)
{
    int32_t members = 0, place = -1;
    for (size_t i = 0; i < self->group->member_count; i++) {
        const polkai_memory_source *member = (const polkai_memory_source *)self->group->members[i];
        if (!subscribes(member, claim->topic))
            continue;
        if (member == self)
            place = members;
        members++;
    }
    if (place < 0)
        return false;
    int32_t each = claim->topic->partition_count / members, more = claim->topic->partition_count % members;
    int32_t first = place * each + (place < more ? place : more);
    return claim->partition >= first && claim->partition < first + each + (place < more);
}

/* Takes the share if nobody else holds a part of it. */
static bool take_share(polkai_memory_source *self)
{
    polkai_memory_group *group = self->group;
    for (size_t i = 0; i < group->claim_count; i++)
        if (group->claims[i].owner != NULL && is_share(self, &group->claims[i]))
            return false;
    self->readings = polkai_alloc((group->claim_count + 1) * sizeof *self->readings);
    for (size_t i = 0; i < group->claim_count; i++) {
        polkai_memory_claim *claim = &group->claims[i];
        if (!is_share(self, claim))
            continue;
        claim->owner = &self->source;
        self->readings[self->reading_count++] = (polkai_memory_reading){
            .topic = claim->topic, .partition = claim->partition, .next = claim->committed < 0 ? 0 : claim->committed };
    }
    self->generation = group->generation;
    return true;
}

void polkai_memory_follow(polkai_memory_source *self)
{
    if (self->group == NULL || self->generation == self->group->generation)
        return;
    if (self->generation > 0)
        give_up(self);
    if (!take_share(self) || self->listener.assigned == NULL)
        return;
    polkai_position *positions = positions_of(self);
    size_t count = self->reading_count;
    pthread_mutex_unlock(&self->memory->mutex);
    self->listener.assigned(self->listener.user, positions, count);
    pthread_mutex_lock(&self->memory->mutex);
    free(positions);
}

void polkai_memory_leave(polkai_memory_source *self)
{
    polkai_memory_group *group = self->group;
    if (self->generation > 0)
        give_up(self);
    size_t kept = 0;
    for (size_t i = 0; i < group->member_count; i++)
        if (group->members[i] != &self->source)
            group->members[kept++] = group->members[i];
    group->member_count = kept;
    group->generation++;
}

bool polkai_memory_is_member(const polkai_memory_group *group, const polkai_memory_source *member)
{
    for (size_t i = 0; i < group->member_count; i++)
        if (group->members[i] == &member->source)
            return true;
    return false;
}
