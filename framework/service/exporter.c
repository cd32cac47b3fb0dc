/* exporter.c: the thread, its batches, and what the collector's answers mean. */
#include <service/exporter.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/http.h>
#include <base/random.h>
#include <base/text.h>
#include <base/url.h>
#include <service/span_queue.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FIRST_WAIT_MS = 1000, WAIT_MAX_MS = 30000, ASKED_MAX_MS = 300000, SHARE = 20, ANSWER_BYTES = 65536, WORDS = 200, STOP_MS = 1000, FAILING_MS = 1000, FINISH_MS = 3000 };

static const polkai_http_peer peer = { "collector", "an OTLP collector", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_CERTIFICATE",
                                       "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY" };

struct polkai_exporter {
    const polkai_trace_settings *settings;
    const polkai_otlp *otlp;
    const polkai_log *log;
    polkai_span_queue *queue;
    polkai_http *http;
    pthread_t thread;
    bool started;                        /* the thread, and not joined yet */
    sem_t wake, ended;
    atomic_bool asleep;                  /* the thread, until a batch is whole */
    atomic_bool stopping;
    _Atomic int64_t until_ns;            /* once it is stopping: the end of all */
    atomic_bool failing;                 /* the last batch was not taken as a whole, and the log has it */
    atomic_bool away;                    /* there was no answer to it, or one that asks to come again later */
    polkai_random random;                /* the thread's */
    int64_t not_before_ns;               /* the collector has asked for a pause, or the share of a processor is used up */
    bool told_full;                      /* the log has it that spans are dropped */
    atomic_ullong exported, full, refused, unreached;
};

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

/* By this thread, on a processor. */
static int64_t spent_ns(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (int64_t)spent.tv_sec * 1000000000 + spent.tv_nsec;
}

/* Until `until_ns`, or until somebody wakes it. */
static void sleep_until(polkai_exporter *self, int64_t until_ns)
{
    const struct timespec until = { .tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000 };
    if (until_ns > now_ns())
        while (sem_clockwait(&self->wake, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR)
            ;
}

/* ---- what came of a batch ---- */

typedef enum { ANSWER_TAKEN = 1, ANSWER_REFUSED, ANSWER_LATER, ANSWER_NONE } answer_kind;

/* Why a batch was not taken; asked_ms: what Retry-After says, -1: nothing. */
typedef struct { char why[WORDS * 4 + 400]; int64_t asked_ms; } failure;

static void tell_worse(polkai_exporter *self, const char *why)
{
    if (!atomic_exchange(&self->failing, true))
        LOG_WARN(self->log, "traces are not exported: %s. Spans are dropped until they are; nothing else waits for that", why);
}

static void tell_better(polkai_exporter *self)
{
    if (!atomic_exchange(&self->failing, false))
        return;
    polkai_exporter_counts count = polkai_exporter_count(self);
    LOG_INFO(self->log, "traces are exported again; %" PRIu64 " spans were dropped so far", count.dropped_full + count.dropped_refused + count.dropped_unreached);
}

static void took(polkai_exporter *self, const polkai_http_answer *answer, size_t count)
{
    char reason[WORDS * 4];
    int64_t rejected = polkai_otlp_rejected(answer->body, reason, sizeof reason);
    size_t lost = rejected > (int64_t)count ? count : (size_t)rejected;
    atomic_fetch_add(&self->exported, count - lost);
    atomic_fetch_add(&self->refused, lost);
    if (lost == 0) {
        tell_better(self);
        return;
    }
    char why[sizeof reason + 160];
    snprintf(why, sizeof why, "the collector rejects %zu of %zu spans: %s", lost, count, reason[0] != '\0' ? reason : "it says nothing more");
    tell_worse(self, why);
}

static answer_kind judge(const polkai_exporter *self, const polkai_http_answer *answer, failure *failed)
{
    static const long later[] = { 429, 502, 503, 504 };
    char words[WORDS * 4];
    if (answer->status >= 200 && answer->status < 300)
        return ANSWER_TAKEN;
    polkai_text_escape(words, sizeof words, answer->body.data, answer->body.size, WORDS);
    snprintf(failed->why, sizeof failed->why, "%.300s answers %ld%s%s", self->settings->shown, answer->status, words[0] != '\0' ? ": " : "", words);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (answer->status == later[i])
            return ANSWER_LATER;
    return ANSWER_REFUSED;
}

/* ---- one batch ---- */

static size_t encode(polkai_exporter *self, polka_buffer *body)
{
    size_t count = 0;
    const polkai_span *span;
    polkai_otlp otlp = *self->otlp;
    otlp.epoch_ns = polkai_clock_epoch_ns();             /* each time: somebody may set the clock */
    polkai_otlp_begin(&otlp, body);
    for (; count < (size_t)self->settings->batch && (span = polkai_span_queue_first(self->queue)) != NULL; count++) {
        polkai_otlp_span(&otlp, span, count == 0, body);
        polkai_span_queue_drop_first(self->queue);
    }
    polkai_otlp_end(body);
    return count;
}

static int64_t end_of(const polkai_exporter *self, int64_t until_ns)
{
    int64_t all_ns = atomic_load(&self->stopping) ? atomic_load(&self->until_ns) : INT64_MAX;
    return until_ns < all_ns ? until_ns : all_ns;
}

/* false: there is no time for another attempt. */
static bool wait_between(polkai_exporter *self, unsigned attempt, int64_t asked_ms, int64_t until_ns)
{
    int64_t wait_ms = FIRST_WAIT_MS;
    for (unsigned i = 0; i < attempt && wait_ms < WAIT_MAX_MS; i++)
        wait_ms += wait_ms / 2;
    wait_ms = (int64_t)((double)wait_ms * (0.5 + polkai_random_unit(&self->random)));        /* many begin to wait in the same moment */
    if (asked_ms >= 0)
        wait_ms = asked_ms < ASKED_MAX_MS ? asked_ms : ASKED_MAX_MS;
    int64_t again_ns = now_ns() + wait_ms * 1000000;
    self->not_before_ns = asked_ms >= 0 ? again_ns : 0;
    while (now_ns() < again_ns) {
        if (again_ns >= end_of(self, until_ns))
            return false;
        sleep_until(self, again_ns);     /* spans that come wake it, too */
    }
    return true;
}

/* One attempt. */
static answer_kind ask(polkai_exporter *self, polka_text body, size_t count, int64_t left_ms, failure *failed)
{
    polka_error error;
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    polkai_http_answer answer = { .retry_after_ms = -1 };
    const polkai_http_request request = { .method = "POST", .url = self->settings->endpoint, .body = body, .left_ms = left_ms > 0 ? left_ms : 1,
                                          .direct = polkai_url_is_local(strstr(self->settings->endpoint, "://") + 3) };
    *failed = (failure){ .asked_ms = -1 };
    if (polkai_http_call(self->http, &request, &arena, &answer, &error) != POLKA_OK) {
        snprintf(failed->why, sizeof failed->why, "%s", error.message);
        return strcmp(error.code, "collector-unreachable") == 0 ? ANSWER_LATER : ANSWER_NONE;
    }
    failed->asked_ms = answer.retry_after_ms;
    answer_kind kind = judge(self, &answer, failed);
    if (kind == ANSWER_TAKEN)
        took(self, &answer, count);
    return kind;
}

static void post(polkai_exporter *self, polka_text body, size_t count)
{
    failure failed;
    int64_t until_ns = now_ns() + self->settings->export_ms * 1000000;
    for (unsigned attempt = 0;; attempt++) {
        answer_kind kind = ask(self, body, count, (end_of(self, until_ns) - now_ns()) / 1000000, &failed);
        atomic_store(&self->away, kind == ANSWER_LATER || kind == ANSWER_NONE);
        if (kind == ANSWER_TAKEN)
            return;
        if (!atomic_load(&self->stopping))               /* then it is told how many were lost, and no more */
            tell_worse(self, failed.why);
        if (kind == ANSWER_LATER && wait_between(self, attempt, failed.asked_ms, until_ns))
            continue;
        atomic_fetch_add(kind == ANSWER_REFUSED ? &self->refused : &self->unreached, count);
        return;
    }
}

static void export_batch(polkai_exporter *self)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    polka_buffer body = { .arena = &arena };
    size_t count = encode(self, &body);
    if (count > 0)
        post(self, (polka_text){ body.size, (const char *)body.data }, count);
}

/* ---- the thread ---- */

static void tell_full(polkai_exporter *self)
{
    uint64_t full = atomic_load(&self->full);
    if (full == 0 || self->told_full || atomic_load(&self->failing))
        return;
    self->told_full = true;
    LOG_WARN(self->log, "spans are dropped, as more than OTEL_BSP_MAX_QUEUE_SIZE (%" PRId64 ") waited: a larger queue, or OTEL_TRACES_SAMPLER "
             "parentbased_traceidratio, loses fewer. This is told once; /metrics counts them", self->settings->queue);
}

static bool has_batch(const polkai_exporter *self) { return polkai_span_queue_count(self->queue) >= (size_t)self->settings->batch; }

static void wait_for_batch(polkai_exporter *self, int64_t until_ns)
{
    atomic_store(&self->asleep, true);
    if (!has_batch(self) && !atomic_load(&self->stopping))
        sleep_until(self, until_ns);
    atomic_store(&self->asleep, false);
}

/* Nobody wakes it for a batch meanwhile. */
static void rest(polkai_exporter *self)
{
    while (!atomic_load(&self->stopping) && now_ns() < self->not_before_ns)
        sleep_until(self, self->not_before_ns);
}

/* A service that is busy has better use for its processors: the exporter takes a twentieth of one, and what it does not manage is dropped and counted. */
static void export_by_share(polkai_exporter *self)
{
    int64_t began_ns = spent_ns();
    export_batch(self);
    int64_t again_ns = now_ns() + (spent_ns() - began_ns) * (SHARE - 1);
    self->not_before_ns = self->not_before_ns > again_ns ? self->not_before_ns : again_ns;
}

static void *run(void *user)
{
    polkai_exporter *self = user;
    int64_t delay_ns = self->settings->delay_ms * 1000000, due_ns = now_ns() + delay_ns;
    while (!atomic_load(&self->stopping)) {
        rest(self);
        wait_for_batch(self, due_ns);
        if (atomic_load(&self->stopping) || (now_ns() < due_ns && !has_batch(self)))
            continue;
        due_ns = now_ns() + delay_ns;
        export_by_share(self);
        tell_full(self);
    }
    while (now_ns() < atomic_load(&self->until_ns) && polkai_span_queue_first(self->queue) != NULL)
        export_batch(self);
    sem_post(&self->ended);
    return NULL;
}

/* Signals are for the threads of the service. */
static bool start_thread(polkai_exporter *self)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    self->started = pthread_create(&self->thread, NULL, run, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return self->started;
}

polka_status polkai_exporter_start(polkai_exporter **out, const polkai_trace_settings *settings, const polkai_otlp *otlp, const polkai_log *log, polka_error *error)
{
    polkai_exporter *self = polkai_alloc(sizeof *self);
    const polkai_http_options options = { .peer = &peer, .headers = settings->headers, .ca = settings->ca, .certificate = settings->certificate, .key = settings->key,
                                          .connect_ms = settings->timeout_ms, .total_ms = settings->timeout_ms, .body_bytes = ANSWER_BYTES };
    *self = (polkai_exporter){ .settings = settings, .otlp = otlp, .log = log };
    sem_init(&self->wake, 0, 0);
    sem_init(&self->ended, 0, 0);
    polka_status status = polkai_http_open(&self->http, &options, error);
    polkai_random_seed_entropy(&self->random);
    if (status == POLKA_OK)
        self->queue = polkai_span_queue_create((size_t)settings->queue);
    if (status == POLKA_OK && !start_thread(self))
        status = polkai_fail(error, POLKA_FATAL, "no-thread", "no thread can be started that exports traces");
    if (status != POLKA_OK) {
        polkai_exporter_close(self);
        return status;
    }
    *out = self;
    return POLKA_OK;
}

void polkai_exporter_put(polkai_exporter *self, const polkai_span *span)
{
    if (!polkai_span_queue_put(self->queue, span))
        atomic_fetch_add_explicit(&self->full, 1, memory_order_relaxed);
    else if (has_batch(self) && atomic_load(&self->asleep) && atomic_exchange(&self->asleep, false))
        sem_post(&self->wake);           /* a call into the kernel, once a batch at most */
}

polkai_exporter_counts polkai_exporter_count(const polkai_exporter *self)
{
    return (polkai_exporter_counts){ atomic_load(&self->exported), atomic_load(&self->full), atomic_load(&self->refused), atomic_load(&self->unreached) };
}

/* ---- the end ---- */

static void tell_lost(const polkai_exporter *self)
{
    polkai_exporter_counts count = polkai_exporter_count(self);
    uint64_t waits = polkai_span_queue_count(self->queue);
    if (count.dropped_full + count.dropped_refused + count.dropped_unreached + waits > 0)
        LOG_WARN(self->log, "traces: %" PRIu64 " spans were exported; dropped: %" PRIu64 " as the queue was full, %" PRIu64 " that the collector refused, %" PRIu64
                 " as it was not reached", count.exported, count.dropped_full, count.dropped_refused, count.dropped_unreached + waits);
}

/* It is not what the end of a service waits for: a collector has some seconds, and one that did not answer lately less. */
void polkai_exporter_finish(polkai_exporter *self, int64_t left_ms)
{
    if (!self->started)
        return;
    int64_t most_ms = atomic_load(&self->away) ? FAILING_MS : FINISH_MS;
    left_ms = left_ms < most_ms ? left_ms : most_ms;
    int64_t until_ns = now_ns() + (left_ms > 2 * STOP_MS ? left_ms - STOP_MS : left_ms / 2) * 1000000;
    const struct timespec until = { .tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000 };
    atomic_store(&self->until_ns, until_ns);
    atomic_store(&self->stopping, true);
    sem_post(&self->wake);
    while (sem_clockwait(&self->ended, CLOCK_MONOTONIC, &until) != 0)
        if (errno != EINTR) {
            polkai_http_stop(self->http);
            break;
        }
    pthread_join(self->thread, NULL);
    self->started = false;
    tell_lost(self);
}

void polkai_exporter_close(polkai_exporter *self)
{
    if (self == NULL)
        return;
    polkai_exporter_finish(self, 0);
    polkai_http_close(self->http);
    polkai_span_queue_destroy(self->queue);
    sem_destroy(&self->wake);
    sem_destroy(&self->ended);
    free(self);
}
