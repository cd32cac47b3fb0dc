/*
 * pause.c: partitions that are not read for now, and why. Several have a reason of their own for it: the owner for all of them or for one,
 * and the search in unread.c. A partition is read again once nobody has one.
 *
 * librdkafka counts nothing: it resumes at the first word, and 2.0.2 then reads again what was read, also where nothing was paused
 * (librdkafka#4636). So it hears only of the first reason, and of the end of the last.
 */
#include <transport/kafka/source.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

typedef rd_kafka_topic_partition_list_t list;

static void free_list(list **partitions)
{
    if (*partitions != NULL)
        rd_kafka_topic_partition_list_destroy(*partitions);
}

static int compare(const void *a, const void *b)
{
    const polkai_kafka_paused *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);
    return order != 0 ? order : (one->partition > other->partition) - (one->partition < other->partition);
}

static polkai_kafka_paused *find(const polkai_kafka_source *self, const char *topic, int32_t partition)
{
    const polkai_kafka_paused wanted = { topic, partition, 0 };
    return self->paused_count == 0 ? NULL : bsearch(&wanted, self->paused, self->paused_count, sizeof wanted, compare);
}

static void add(polkai_kafka_source *self, const list *paused, polkai_kafka_why why)
{
    for (int i = 0; i < paused->cnt; i++)
        if (paused->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            self->paused[self->paused_count++] = (polkai_kafka_paused){ polkai_kafka_name_of(self, paused->elems[i].topic).data, paused->elems[i].partition, why };
    qsort(self->paused, self->paused_count, sizeof *self->paused, compare);
}

void polkai_kafka_pause_for(polkai_kafka_source *self, const list *partitions, polkai_kafka_why why)
{
    list *flowing AUTO(free_list) = rd_kafka_topic_partition_list_new(partitions->cnt);
    for (int i = 0; i < partitions->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &partitions->elems[i];
        polkai_kafka_paused *known = find(self, at->topic, at->partition);
        if (known != NULL)
            known->why |= why;
        else
            rd_kafka_topic_partition_list_add(flowing, at->topic, at->partition);
    }
    if (flowing->cnt == 0 || rd_kafka_pause_partitions(self->client.handle, flowing) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    self->paused = polkai_realloc(self->paused, (self->paused_count + (size_t)flowing->cnt) * sizeof *self->paused);
    add(self, flowing, why);
}

/* Of these, or NULL: of all. Marked first, as they are found by their order. */
static void drop_reasons(polkai_kafka_source *self, const list *partitions, unsigned why)
{
    for (size_t i = 0; partitions == NULL && i < self->paused_count; i++)
        self->paused[i].why &= ~why;
    for (int i = 0; partitions != NULL && i < partitions->cnt; i++) {
        polkai_kafka_paused *known = find(self, partitions->elems[i].topic, partitions->elems[i].partition);
        if (known != NULL)
            known->why &= ~why;
    }
}

bool polkai_kafka_resume_for(polkai_kafka_source *self, const list *partitions, unsigned why)
{
    size_t kept = 0;
    drop_reasons(self, partitions, why);
    list *ended AUTO(free_list) = rd_kafka_topic_partition_list_new((int)self->paused_count);
    for (size_t i = 0; i < self->paused_count; i++) {
        if (self->paused[i].why != 0)
            self->paused[kept++] = self->paused[i];
        else
            rd_kafka_topic_partition_list_add(ended, self->paused[i].topic, self->paused[i].partition);
    }
    self->paused_count = kept;
    if (ended->cnt > 0)
        rd_kafka_resume_partitions(self->client.handle, ended);
    return ended->cnt > 0;
}

bool polkai_kafka_is_paused(const polkai_kafka_source *self, const char *topic, int32_t partition, unsigned why)
{
    const polkai_kafka_paused *known = find(self, topic, partition);
    return known != NULL && (known->why & why) != 0;
}

/* ---- the operations of the seam ------------------------------------------------------------------- */

void polkai_kafka_pause(polkai_source *source, bool paused)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    list *all AUTO(free_list) = NULL;
    if (!paused && polkai_kafka_resume_for(self, NULL, POLKAI_KAFKA_ALL_PAUSED))
        polkai_kafka_prefetch_wake(self->client.handle);
    if (paused && rd_kafka_assignment(self->client.handle, &all) == RD_KAFKA_RESP_ERR_NO_ERROR)
        polkai_kafka_pause_for(self, all, POLKAI_KAFKA_ALL_PAUSED);
}

void polkai_kafka_hold(polkai_source *source, const polkai_position *partition, bool held)
{
    polkai_kafka_source *self = (polkai_kafka_source *)source;
    list *one AUTO(free_list) = polkai_kafka_list_of(partition, 1);
    if (held)
        polkai_kafka_pause_for(self, one, POLKAI_KAFKA_HELD);
    else if (polkai_kafka_resume_for(self, one, POLKAI_KAFKA_HELD))
        self->wakes_leaders = true;      /* once for many */
}
