#include "stubborn.h"

#include <base/error.h>

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>

/* ---- the sink ---- */

static polka_status send(polkai_sink *sink, const polkai_record *record, void *cookie, polka_error *error)
{
    stubborn_sink *self = (stubborn_sink *)sink;
    if (self->topic != NULL && polka_text_equal(record->topic, polka_text_of(self->topic))) {
        self->tried++;
        bool full = self->tried <= self->refuse || (self->every > 0 && self->tried % self->every == 0);
        self->full += full;
        ENSURE(!full, POLKA_TRANSIENT, error, "queue-full", "the queue is full");
    }
    return self->inner->operations->send(self->inner, record, cookie, error);
}

static stubborn_sink *reporting;         /* whose poll runs */
static struct { polkai_report report; char code[64], message[128]; } failures[64];   /* its texts live during its call only */
static size_t failure_count;

static void report(void *flow, const polkai_report *told)
{
    if (reporting == NULL || !reporting->backwards || told->status != POLKA_TRANSIENT || failure_count == sizeof failures / sizeof *failures) {
        polkai_flow_report(flow, told);
        return;
    }
    size_t at = failure_count++;
    failures[at].report = *told;
    snprintf(failures[at].code, sizeof failures[at].code, "%s", told->code);
    snprintf(failures[at].message, sizeof failures[at].message, "%s", told->message);
    failures[at].report.code = failures[at].code;
    failures[at].report.message = failures[at].message;
}

static size_t poll_sink(polkai_sink *sink, int timeout_ms)
{
    reporting = (stubborn_sink *)sink;
    size_t count = reporting->inner->operations->poll(reporting->inner, timeout_ms);
    while (failure_count > 0)
        polkai_flow_report(reporting->flow, &failures[--failure_count].report);
    return count;
}

static void prepare(polkai_sink *sink, const polka_text *topics, size_t count)
{
    (void)sink, (void)topics, (void)count;
}

static void close_sink(polkai_sink *sink, int timeout_ms)
{
    polkai_sink *inner = ((stubborn_sink *)sink)->inner;
    inner->operations->close(inner, timeout_ms);
}

static const polkai_sink_operations sink_operations = { send, poll_sink, prepare, close_sink };

/* ---- the source ---- */

static void assigned(void *user, const polkai_position *partitions, size_t count)
{
    const stubborn_source *self = user;
    polkai_position own[8];
    for (size_t i = 0; i < count && i < sizeof own / sizeof *own; i++) {
        own[i] = partitions[i];
        own[i].offset = self->unsure_of_begin ? -1001 : own[i].offset;
    }
    self->listener.assigned(self->listener.user, own, count);
}

static void revoked(void *user, const polkai_position *partitions, size_t count, bool lost)
{
    const stubborn_source *self = user;
    if (self->on_revoked != NULL)
        self->on_revoked(self->user);
    self->listener.revoked(self->listener.user, partitions, count, lost);
}

static void notice(void *user, polka_status status, const char *message)
{
    const stubborn_source *self = user;
    self->listener.notice(self->listener.user, status, message);
}

static polka_status start(polkai_source *source, const polkai_start *start, polka_error *error)
{
    stubborn_source *self = (stubborn_source *)source;
    polkai_start own = *start;
    self->listener = start->listener;
    own.listener = (polkai_source_listener){ self, assigned, revoked, notice, NULL, NULL, NULL };
    return self->inner->operations->start(self->inner, &own, error);
}

/* Lanes give records back. */
static _Atomic(stubborn_source *) counting;              /* the one whose records are out */
static _Atomic(void (*)(polkai_record *record)) release_inner;

static void release(polkai_record *record)
{
    atomic_fetch_add(&atomic_load(&counting)->released, 1);
    atomic_load(&release_inner)(record);
}

static void tell_of_loss(stubborn_source *self)
{
    bool knows = self->stale && self->knows_after == 0;
    self->knows_after -= self->stale && !knows;
    if (!knows)
        return;
    if (self->tells_loss || self->tells_handover)
        self->listener.revoked(self->listener.user, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, self->tells_loss);
    self->tells_loss = self->tells_handover = false;
}

static size_t poll_source(polkai_source *source, polkai_record *records, size_t capacity, int timeout_ms)
{
    stubborn_source *self = (stubborn_source *)source;
    atomic_store(&counting, self);
    cr_assert_not(self->polling, "what a poll tells of must not poll");
    self->polling = true;
    self->polls++;
    if (self->on_poll != NULL)
        self->on_poll();
    tell_of_loss(self);
    size_t count = self->inner->operations->poll(self->inner, records, capacity, timeout_ms);
    for (size_t i = 0; i < count; i++) {
        atomic_store(&release_inner, records[i].release);
        records[i].release = release;
        if (self->second != NULL && polka_text_equal((polka_text){ records[i].key.size, (const char *)records[i].key.data }, polka_text_of(self->second)))
            records[i].partition = 1;
    }
    self->polling = false;
    return count;
}

static void pause_source(polkai_source *source, bool paused)
{
    stubborn_source *self = (stubborn_source *)source;
    self->pauses += paused;
    self->inner->operations->pause(self->inner, paused);
}

static void hold(polkai_source *source, const polkai_position *partition, bool held)
{
    stubborn_source *self = (stubborn_source *)source;
    self->holds++;
    self->inner->operations->hold(self->inner, partition, held);
}

static polka_status commit(polkai_source *source, const polkai_position *positions, size_t count, int timeout_ms, polka_error *error)
{
    stubborn_source *self = (stubborn_source *)source;
    ENSURE(count > 0 || !self->unsure, POLKA_TRANSIENT, error, POLKAI_COMMIT_UNANSWERED, "the one before has no answer yet");
    if (count == 0)
        return POLKA_OK;
    self->commits++;
    self->commit_ms = timeout_ms;
    if (timeout_ms > 0 && self->on_commit != NULL)
        self->on_commit();
    ENSURE(!self->stale || timeout_ms == 0, POLKA_TRANSIENT, error, POLKAI_COMMIT_STALE, "the group has us no more");
    if (self->unanswered > 0 && timeout_ms == 0) {
        self->unanswered--;
        return polkai_fail(error, POLKA_TRANSIENT, POLKAI_COMMIT_UNANSWERED, "the one before has no answer yet");
    }
    if (self->swallowed > 0 && timeout_ms == 0) {
        self->swallowed--;
        self->unsure = true;
        return POLKA_OK;
    }
    if (self->fail_commits == 0)
        return self->inner->operations->commit(self->inner, positions, count, timeout_ms, error);
    self->fail_commits--;
    ENSURE(timeout_ms == 0, POLKA_TRANSIENT, error, "planted", "the coordinator is gone");
    self->listener.notice(self->listener.user, POLKA_TRANSIENT, "offsets were not committed");
    return POLKA_OK;
}

static polka_status membership(polkai_source *source, polkai_membership **made, polka_error *error)
{
    polkai_source *inner = ((stubborn_source *)source)->inner;
    return inner->operations->membership(inner, made, error);
}

static polka_status rewind_source(polkai_source *source, const polkai_position *partitions, size_t count, int timeout_ms, polka_error *error)
{
    stubborn_source *self = (stubborn_source *)source;
    self->rewinds++;
    self->rewound_to = partitions[0].offset;
    ENSURE(self->rewinds > self->fail_rewinds, POLKA_TRANSIENT, error, "planted", "the coordinator is gone");
    return self->inner->operations->rewind(self->inner, partitions, count, timeout_ms, error);
}

static polka_text cluster(polkai_source *source)
{
    polkai_source *inner = ((stubborn_source *)source)->inner;
    return inner->operations->cluster(inner);
}

static void wake(polkai_source *source)
{
    polkai_source *inner = ((stubborn_source *)source)->inner;
    inner->operations->wake(inner);
}

static void close_source(polkai_source *source, int timeout_ms)
{
    stubborn_source *self = (stubborn_source *)source;
    self->close_ms = timeout_ms;
    self->inner->operations->close(self->inner, timeout_ms);
}

static const polkai_source_operations source_operations = { start, poll_source, pause_source, hold, NULL, commit, membership, rewind_source, cluster, NULL, wake, close_source };

void stubborn_source_init(stubborn_source *source, polkai_source *inner)
{
    source->source.operations = &source_operations;
    source->inner = inner;
}

void stubborn_start(harness *h, const polka_service *service, polkai_flow_options options, stubborn_sink *sink, stubborn_source *source)
{
    polka_error error = { .status = POLKA_OK };
    options.service = service;
    options.log = &h->log;
    options.seed = 7;
    options.clock = options.clock == NULL ? &h->clock : options.clock;
    sink->sink.operations = &sink_operations;
    failure_count = 0;
    cr_assert_eq(polkai_flow_create(&h->flow, &options, &error), POLKA_OK, "%s", error.message);
    sink->flow = h->flow;
    stubborn_source_init(source, NULL);
    cr_assert_eq(polkai_memory_source_open(&source->inner, h->memory, service->name, &error), POLKA_OK);
    cr_assert_eq(polkai_memory_sink_open(&sink->inner, h->memory, report, h->flow, &error), POLKA_OK);
    cr_assert_eq(polkai_flow_start(h->flow, &source->source, &sink->sink, &error), POLKA_OK, "%s", error.message);
}
