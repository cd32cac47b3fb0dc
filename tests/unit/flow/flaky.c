#include "flaky.h"

#include <base/error.h>

#include <criterion/criterion.h>
#include <time.h>

static polkai_transaction_verdict before(flaky_transaction *self, flaky_call call, polka_error *error)
{
    unsigned number = atomic_fetch_add(&self->made[call], 1) + 1;
    atomic_fetch_add(&self->inside[call], 1);
    while (atomic_load(&self->blocked[call]))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    atomic_fetch_sub(&self->inside[call], 1);
    if (self->verdict == 0 || call != self->call || number < self->at || number >= self->at + self->times)
        return 0;
    (void)!polkai_fail(error, POLKA_TRANSIENT, "planted", "planted at call %u", number);
    return self->verdict;
}

static polkai_transaction_verdict after(const flaky_transaction *self, polkai_transaction_verdict planted, polkai_transaction_verdict verdict)
{
    cr_assert(planted == 0 || !self->applied || verdict == POLKAI_TRANSACTION_DONE);
    return planted != 0 ? planted : verdict;
}

#define CALL(WHICH, MAKE) \
    flaky_transaction *self = (flaky_transaction *)transaction; \
    polkai_transaction *inner = self->inner; \
    polkai_transaction_verdict planted = before(self, WHICH, error); \
    if (planted != 0 && !self->applied) \
        return planted; \
    polkai_transaction_verdict verdict = MAKE; \
    self->transaction.refused = inner->refused; \
    return after(self, planted, verdict)

static polkai_transaction_verdict init(polkai_transaction *transaction, polka_error *error)
{
    CALL(FLAKY_INIT, inner->operations->init(inner, error));
}

static polkai_transaction_verdict begin(polkai_transaction *transaction, polka_error *error)
{
    CALL(FLAKY_BEGIN, inner->operations->begin(inner, error));
}

static polkai_transaction_verdict send(polkai_transaction *transaction, const polkai_record *record, void *cookie, polka_error *error)
{
    CALL(FLAKY_SEND, inner->operations->send(inner, record, cookie, error));
}

static void compare(flaky_transaction *self, const polkai_position *positions, size_t count, const polkai_membership *membership)
{
    if (self->again && (count != self->offset_count || membership != self->membership))
        self->changed++;
    cr_assert_leq(count, sizeof self->offsets / sizeof *self->offsets);
    for (size_t i = 0; i < count; i++) {
        if (self->again && (positions[i].offset != self->offsets[i].offset || positions[i].partition != self->offsets[i].partition))
            self->changed++;
        self->offsets[i] = positions[i];
    }
    self->offset_count = count;
    self->membership = membership;
}

static polkai_transaction_verdict offsets_inside(polkai_transaction *transaction, const polkai_position *positions, size_t count, const polkai_membership *membership,
                                                 polka_error *error)
{
    CALL(FLAKY_OFFSETS, inner->operations->offsets(inner, positions, count, membership, error));
}

static polkai_transaction_verdict offsets(polkai_transaction *transaction, const polkai_position *positions, size_t count, const polkai_membership *membership,
                                          polka_error *error)
{
    flaky_transaction *self = (flaky_transaction *)transaction;
    compare(self, positions, count, membership);
    polkai_transaction_verdict verdict = offsets_inside(transaction, positions, count, membership, error);
    self->again = verdict == POLKAI_TRANSACTION_AGAIN;
    return verdict;
}

static polkai_transaction_verdict commit(polkai_transaction *transaction, polka_error *error)
{
    const flaky_transaction *at = (const flaky_transaction *)transaction;
    if (at->clock_ns != NULL)
        *at->clock_ns += at->takes_ns;
    CALL(FLAKY_COMMIT, inner->operations->commit(inner, error));
}

static polkai_transaction_verdict abort_it(polkai_transaction *transaction, polka_error *error)
{
    CALL(FLAKY_ABORT, inner->operations->abort(inner, error));
}

static void close_it(polkai_transaction *transaction)
{
    polkai_transaction *inner = ((flaky_transaction *)transaction)->inner;
    inner->operations->close(inner);
}

static const polkai_transaction_operations operations = { init, begin, send, offsets, commit, abort_it, close_it };

void flaky_start(harness *h, const polka_service *service, polkai_flow_options options, flaky_transaction *flaky, stubborn_source *source)
{
    polka_error error = { .status = POLKA_OK };
    polkai_source *inner;
    polkai_sink *sink;
    options.service = service;
    options.log = &h->log;
    options.seed = 7;
    options.clock = options.clock == NULL ? &h->clock : options.clock;
    flaky->transaction.operations = &operations;
    flaky->transaction.request_ms = flaky->transaction.request_ms == 0 ? 1000 : flaky->transaction.request_ms;
    flaky->transaction.call_ms = flaky->transaction.call_ms == 0 ? 60000 : flaky->transaction.call_ms;
    cr_assert_eq(polkai_memory_transaction_open(&flaky->inner, h->memory, service->name, &error), POLKA_OK);
    cr_assert_eq(polkai_flow_create(&h->flow, &options, &error), POLKA_OK, "%s", error.message);
    polkai_flow_transact_take(h->flow, &flaky->transaction);
    cr_assert_eq(polkai_memory_source_open(&inner, h->memory, service->name, &error), POLKA_OK);
    if (source != NULL)
        stubborn_source_init(source, inner);
    cr_assert_eq(polkai_memory_sink_open(&sink, h->memory, polkai_flow_report, h->flow, &error), POLKA_OK);
    cr_assert_eq(polkai_flow_start(h->flow, source != NULL ? &source->source : inner, sink, &error), POLKA_OK, "%s", error.message);
}
