/*
 * bench_rows.c: the measured service and producer, by the front door as anyone writes them. The service runs on a thread of its own;
 * what it counts is static, since a handler is a function of a service value.
 */
#include <cli/bench.h>

#include "polka_bench_events.h"

#include <base/arena.h>
#include <base/clock.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { UNIT = 1000, WORDS = 16, LOOK_NS = 20000000, REPLY_MS = 10000, WARM_UP = 100, STALLED_MS = 60000 };

const char *const cli_bench_topics[2] = { "polka.bench.asked", "polka.bench.answered" };

/* ---- the clock ---- */

typedef struct { int64_t wall_ns, cpu_us; } moment;

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

static moment now(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (moment){ now_ns(), (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec };
}

static cli_bench_figure figure_of(const char *row, int64_t events, moment first, moment last)
{
    double seconds = (double)(last.wall_ns - first.wall_ns) / 1e9;
    return (cli_bench_figure){ .row = row, .events = events, .per_second = seconds > 0 ? (double)events / seconds : 0,
                               .cpu_us = events > 0 ? (double)(last.cpu_us - first.cpu_us) / (double)events : 0 };
}

/* ---- the service ---- */

static struct {
    int64_t run, wanted;
    atomic_llong handled;
    moment first, last;
} work;

static void count(int64_t run)
{
    if (run != work.run)
        return;                          /* of an earlier call */
    int64_t number = atomic_fetch_add(&work.handled, 1) + 1;
    if (number == 1)
        work.first = now();
    if (number == work.wanted)
        work.last = now();
}

static polka_outcome react_only(polka_context *ctx, const bench_asked *asked)
{
    (void)ctx;
    count(asked->run);
    return POLKA_DONE;
}

static polka_outcome answer(polka_context *ctx, const bench_asked *asked)
{
    bench_answered_emit(ctx, &(bench_answered){ .run = asked->run, .number = asked->number, .payload = asked->payload });
    count(asked->run);
    return POLKA_DONE;
}

static const polka_service reading = { .name = "polka-bench", .version = "1.0.0",
                                       .reactions = (const polka_reaction[]){ POLKA_REACT(bench_asked, react_only), { 0 } } };
static const polka_service answering = {
    .name = "polka-bench", .version = "1.0.0",
    .reactions = (const polka_reaction[]){ POLKA_REACT(bench_asked, answer, .emits = POLKA_EMITS(&bench_answered_event)), { 0 } } };
static const polka_service asking = { .name = "polka-bench-asker", .version = "1.0.0", .emits = POLKA_EMITS(&bench_asked_event) };

typedef struct { polka_program *program; pthread_t thread; int code; atomic_bool ended; } running;

static void *run_it(void *argument)
{
    running *self = argument;
    self->code = polka_service_run(self->program);
    atomic_store(&self->ended, true);
    return NULL;
}

static void add_word(cli_bench *bench, const char *word) { bench->words[bench->word_count++] = polkai_strdup(word); }

void cli_bench_words(cli_bench *bench)
{
    const cli_connection *connection = bench->connection;
    bench->words = polkai_alloc((WORDS + 2 * connection->property_count) * sizeof *bench->words);
    const char *fixed[] = { "polka bench", "--brokers", connection->brokers, "--log.level", "warn", "--manifest.sent", "false", "--envelope", bench->envelope };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        add_word(bench, fixed[i]);
    for (size_t i = 0; i < connection->property_count; i++) {
        char *pair = cli_format("%s=%s", connection->properties[i].key, connection->properties[i].value);
        add_word(bench, "-X");
        add_word(bench, pair);
        free(pair);
    }
}

void cli_bench_free(cli_bench *bench)
{
    for (size_t i = 0; i < bench->word_count; i++)
        free(bench->words[i]);
    free(bench->words);
}

static polka_status start(cli_bench *bench, const polka_service *service, running *self, polka_error *error)
{
    char group[64];
    snprintf(group, sizeof group, "polka-bench-%" PRIx64 "-%s", (uint64_t)bench->run, service == &reading ? "react" : "answer");
    char *words[WORDS + 64], *more[] = { "--group", group, "--lanes", (char *)(uintptr_t)bench->lanes };
    size_t used = 0;
    for (; used < bench->word_count && used < WORDS + 56; used++)
        words[used] = bench->words[used];
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        words[used++] = more[i];
    words[used] = NULL;
    work.run = bench->run;
    work.wanted = bench->events;
    atomic_store(&work.handled, 0);
    TRY(polka_service_create(&self->program, service, (int)used, words, error));
    if (pthread_create(&self->thread, NULL, run_it, self) == 0)
        return POLKA_OK;
    polka_service_destroy(self->program);
    return polkai_fail(error, POLKA_FATAL, "no-thread", "cannot start a thread for the measured service");
}

static polka_status stop(running *self, polka_error *error)
{
    polka_service_stop(self->program);
    pthread_join(self->thread, NULL);
    polka_service_destroy(self->program);
    ENSURE(self->code == 0, POLKA_FATAL, error, "service-failed", "the measured service ended with %d", self->code);
    return POLKA_OK;
}

/* Until all are handled; nothing new for a minute is a failure. */
static polka_status await(const running *self, int64_t wanted, polka_error *error)
{
    int64_t seen = 0, moved_ns = now_ns();
    while (atomic_load(&work.handled) < wanted && !cli_stopped() && !atomic_load(&self->ended)) {
        nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
        if (atomic_load(&work.handled) != seen)
            moved_ns = now_ns();
        seen = atomic_load(&work.handled);
        ENSURE(now_ns() - moved_ns < (int64_t)STALLED_MS * 1000000, POLKA_TRANSIENT, error, "stalled", "nothing came for %d s; %" PRId64 " of %" PRId64
               " events were handled", STALLED_MS / 1000, seen, wanted);
    }
    return POLKA_OK;
}

/* ---- the rows ---- */

static polka_status ask(polka_producer *producer, const cli_bench *bench, int64_t from, int64_t count_of_them, const uint8_t *payload, polka_error *error)
{
    polka_context *ctx = polka_begin(producer);
    for (int64_t i = 0; i < count_of_them; i++)
        bench_asked_emit(ctx, &(bench_asked){ .run = bench->run, .number = from + i, .payload = { (size_t)bench->bytes, payload } });
    return polka_commit_take(ctx, error);
}

polka_status cli_bench_emit(cli_bench *bench, cli_bench_figure *figure, polka_error *error)
{
    polka_producer *producer;
    uint8_t *payload = polkai_alloc((size_t)bench->bytes + 1);
    for (int64_t i = 0; i < bench->bytes; i++)
        payload[i] = (uint8_t)(i * 31);
    polka_status status = polka_producer_open(&producer, &asking, (int)bench->word_count, bench->words, error);
    moment first = now();
    int64_t sent = 0;
    while (status == POLKA_OK && sent < bench->events && !cli_stopped()) {
        int64_t unit = bench->events - sent < UNIT ? bench->events - sent : UNIT;
        status = ask(producer, bench, sent, unit, payload, error);
        sent += unit;
    }
    *figure = figure_of("emit", sent, first, now());
    if (producer != NULL)
        polka_producer_close(producer);
    free(payload);
    return status;
}

polka_status cli_bench_react(cli_bench *bench, bool emits, cli_bench_figure *figure, polka_error *error)
{
    running self = { 0 };
    polka_error later;
    TRY(start(bench, emits ? &answering : &reading, &self, error));
    polka_status status = await(&self, bench->events, error);
    polka_status ended = stop(&self, status == POLKA_OK ? error : &later);
    int64_t handled = atomic_load(&work.handled);
    *figure = figure_of(emits ? "react and emit" : "react", handled < bench->events ? 0 : bench->events, work.first, work.last);
    return status != POLKA_OK ? status : ended;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The key of an answer is its number. */
static polka_status await_answer(cli_reader *reader, int64_t number, polka_error *error)
{
    char key[24];
    size_t size = (size_t)snprintf(key, sizeof key, "%" PRId64, number);
    polkai_record records[16];
    for (int64_t until = now_ns() + (int64_t)REPLY_MS * 1000000; now_ns() < until && !cli_stopped();) {
        size_t got = cli_reader_poll(reader, records, 16, 100);
        bool it = false;
        for (size_t i = 0; i < got; i++) {
            it = it || (records[i].key.size == size && memcmp(records[i].key.data, key, size) == 0);
            polkai_record_release(&records[i]);
        }
        if (it)
            return POLKA_OK;
    }
    ENSURE(cli_stopped(), POLKA_TRANSIENT, error, "no-answer", "no answer came within %d s", REPLY_MS / 1000);
    return POLKA_OK;
}

/* Numbers go on behind those of the other rows, so that no answer is taken for another. */
static polka_status ping(cli_bench *bench, polka_producer *producer, cli_reader *reader, int64_t *took_ns, polka_error *error)
{
    uint8_t *payload = polkai_alloc((size_t)bench->bytes + 1);
    polka_status status = POLKA_OK;
    for (int64_t i = -WARM_UP; i < bench->pings && status == POLKA_OK && !cli_stopped(); i++) {
        int64_t number = bench->events + WARM_UP + i, begin = now_ns();
        status = ask(producer, bench, number, 1, payload, error);
        if (status == POLKA_OK)
            status = await_answer(reader, number, error);
        if (i >= 0)
            took_ns[i] = now_ns() - begin;
    }
    free(payload);
    return status;
}

polka_status cli_bench_hops(cli_bench *bench, polkai_admin *admin, cli_bench_figure *figure, polka_error *error)
{
    running self = { 0 };
    polka_error later;
    cli_reader *reader = NULL;
    polka_producer *producer = NULL;
    cli_list topics = { 0 };
    int64_t *took_ns = polkai_alloc((size_t)(bench->pings + 1) * sizeof *took_ns);
    cli_list_add(&topics, cli_bench_topics[1]);
    polka_status status = cli_reader_open(&reader, bench->connection, admin, &topics, &(cli_span){ .from = POLKAI_OFFSET_END }, error);
    if (status == POLKA_OK)
        status = polka_producer_open(&producer, &asking, (int)bench->word_count, bench->words, error);
    if (status == POLKA_OK && (status = start(bench, &answering, &self, error)) == POLKA_OK) {      /* the group goes on where the row before it ended */
        status = ping(bench, producer, reader, took_ns, error);
        polka_status ended = stop(&self, status == POLKA_OK ? error : &later);
        status = status != POLKA_OK ? status : ended;
    }
    qsort(took_ns, (size_t)bench->pings, sizeof *took_ns, by_size);
    *figure = (cli_bench_figure){ .row = "two hops", .events = bench->pings, .p50_us = (double)took_ns[bench->pings / 2] / 1e3,
                                  .p99_us = (double)took_ns[bench->pings * 99 / 100] / 1e3 };
    polka_producer_close(producer);
    cli_reader_close(reader);
    cli_list_free(&topics);
    free(took_ns);
    return status;
}
