/* deadline_test.c: handlers past their deadline, on lanes that are threads, with a clock of our own; inline on the real one. */
#include "harness.h"

#include <flow/inner.h>

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { LIMIT_MS = 30000 };
static atomic_uint begun, ended;
static atomic_bool release_first, release_others;
static harness *h;

static int64_t real_ms(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000;
}

/* The name that has to be in the stack. */
static __attribute__((noinline)) void stands_here(atomic_bool *until)
{
    for (int64_t limit = real_ms() + LIMIT_MS; !atomic_load(until) && real_ms() < limit;)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* "f…" waits for the first flag, "o…" and "O…" for the other, the latter when it is tried again; all answer. */
static polka_outcome waits(polka_context *ctx, const note *asked)
{
    atomic_fetch_add(&begun, 1);
    if (asked->text.data[0] == 'f')
        stands_here(&release_first);
    if (asked->text.data[0] == 'O' && polka_caused_by(ctx)->attempt == 1)
        return polka_retry(ctx, "half a second later, or a whole one");
    if (asked->text.data[0] == 'o' || asked->text.data[0] == 'O')
        stands_here(&release_others);
    polka_emit(ctx, &test_answered_event, asked, NULL);
    atomic_fetch_add(&ended, 1);
    return POLKA_DONE;
}

static const polka_service patient = { .name = "patient", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, waits, .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 5000), { 0 } } };
static const polka_service usual = { .name = "usual", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, waits, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
static const polka_service brisk = { .name = "brisk", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, waits, .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 4000,
                .retry = { .attempts = 2, .first_delay_ms = 1000 }), { 0 } } };
static const polka_service hasty = { .name = "hasty", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, waits, .emits = POLKA_EMITS(&test_answered_event), .deadline_ms = 100), { 0 } } };

static void step_until(atomic_uint *count, unsigned wanted)
{
    polka_error error = { .status = POLKA_OK };
    for (int64_t until = real_ms() + LIMIT_MS; atomic_load(count) < wanted;) {
        cr_assert_lt(real_ms(), until, "only %u of %u", atomic_load(count), wanted);
        cr_assert_eq(polkai_flow_step(h->flow, 0, NULL, &error), POLKA_OK, "%s", error.message);
    }
}

static void step_until_in_flight(uint64_t most)
{
    polka_error error;
    for (int64_t until = real_ms() + LIMIT_MS; polkai_flow_count(h->flow).in_flight > most;) {
        cr_assert_lt(real_ms(), until);
        (void)!polkai_flow_step(h->flow, 0, NULL, &error);
    }
}

/* A drain on a virtual clock waits for nothing: all is given back before. */
static void wait_for_the_end(void) { step_until_in_flight(0); }

/* Looks every half second of virtual time. */
static polka_status pass_ms(int64_t ms, polka_error *error)
{
    polka_status status = POLKA_OK;
    *error = (polka_error){ .status = POLKA_OK };
    for (int64_t passed = 0; passed < ms && status == POLKA_OK; passed += 500) {
        h->now_ns += 500000000;
        status = polkai_flow_step(h->flow, 0, NULL, error);
    }
    return status;
}

static void begin(const polka_service *service, unsigned lanes)
{
    h = harness_create();
    harness_start(h, service, (polkai_flow_options){ .lanes = lanes, .drain_deadline_ms = 2000 });
}

static void logged(const char *what)
{
    cr_expect_not_null(strstr(h->all_logs, what), "'%s' is not in: %s", what, h->all_logs);
}

/* While the drain waits. */
static void *release_later(void *unused)
{
    nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    atomic_store(&release_others, true);
    return unused;
}

Test(deadline, of_a_handler_that_never_returns_ends_the_service_and_commits_what_is_finished)
{
    polka_error error, drained;
    pthread_t releaser;
    h = harness_create();                /* on the real clock, as a drain does not wait on a virtual one */
    harness_start(h, &brisk, (polkai_flow_options){ .lanes = 2, .clock = &polkai_clock_real });
    for (int i = 0; i < 9; i++) {
        char key[16];
        snprintf(key, sizeof key, "before%d", i);
        harness_put(h, key, "a", NULL);
    }
    step_until(&ended, 9);
    harness_put(h, "other", "O", NULL);
    step_until(&begun, 10);
    step_until_in_flight(1);             /* else the lane of the other may be the one that has least, and the first comes to stand before it */
    harness_put(h, "first", "f", "id-of-it");
    step_until(&begun, 12);              /* it, and the other again: later than it, so that its deadline has not passed when that of the first has */
    harness_put(h, "first", "a", NULL);  /* never begun */
    harness_put(h, "other", "a", NULL);  /* neither */
    for (int64_t until = real_ms() + LIMIT_MS; real_ms() < until && polkai_flow_step(h->flow, 1, NULL, &error) == POLKA_OK;) { /* on */ }
    cr_expect_str_eq(error.code, "handler-stuck");
    cr_expect(polkai_flow_log_stuck(h->flow, &error));
    logged("waits (reaction test.Asked) is past its deadline of 4000 ms");
    logged("Event id-of-it at test.asked/0/10, key first, correlation id-of-it, attempt 1");
    logged("stands_here+0x");
    logged("waits+0x");
    pthread_create(&releaser, NULL, release_later, NULL);
    cr_expect_eq(polkai_flow_drain(h->flow, 5000, &drained), POLKA_TRANSIENT);
    cr_expect_eq(atomic_load(&ended), 10u, "the other one has ended, and nothing was begun");
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 10, "and what it emitted was sent");
    cr_expect_eq(harness_committed(h, "brisk", "test.asked"), 10, "up to the stuck one");
    atomic_store(&release_first, true);
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);      /* what must not happen cannot be waited for: too short, and a mistake is overlooked once */
    cr_expect_eq(atomic_load(&ended), 10u, "the thread is held for good");
}

/* Found: a drain with a stuck handler ended with 5, and nobody knew of which. */
Test(deadline, of_a_drain_that_passes_tells_which_handlers_run_on_and_where)
{
    polka_error error;
    h = harness_create();
    harness_start(h, &usual, (polkai_flow_options){ .lanes = 8, .clock = &polkai_clock_real });
    harness_put(h, "done", "a", NULL);
    step_until(&ended, 1);
    for (char key[2] = "1"; key[0] < '7'; key[0]++) {
        char id[] = { 'i', 'd', key[0], '\0' };
        harness_put(h, key, "f", id);
    }
    step_until(&begun, 7);
    cr_expect_eq(polkai_flow_drain(h->flow, 100, &error), POLKA_TRANSIENT);
    cr_expect_str_eq(error.code, "drain-deadline");
    logged("waits (reaction test.Asked) has not ended within the drain deadline of 100 ms");
    logged("Event id");
    logged("attempt 1. The event is handled again by its next owner");
    logged("stands_here+0x");
    logged("waits+0x");
    logged("2 handlers more have not ended within the drain deadline");
    cr_expect_eq(harness_committed(h, "usual", "test.asked"), 1);
    atomic_store(&release_first, true);
    for (int64_t until = real_ms() + LIMIT_MS; atomic_load(&ended) < 7 && real_ms() < until;)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    cr_expect_eq(atomic_load(&ended), 7u, "none is held any more");
}

Test(deadline, that_passes_a_moment_before_the_end_leaves_the_event_done)
{
    polka_error error;
    begin(&patient, 1);
    harness_put(h, "first", "f", NULL);
    step_until(&begun, 1);
    cr_expect_eq(pass_ms(6000, &error), POLKA_FATAL);
    cr_expect(polkai_flow_log_stuck(h->flow, &error));
    atomic_store(&release_first, true);
    wait_for_the_end();
    harness_stop(h);                     /* drains clean: nothing is stuck any more */
    cr_expect_eq(harness_committed(h, "patient", "test.asked"), 1);
    harness_destroy(h);
}

Test(deadline, is_for_one_handler_and_not_for_several_in_a_row)
{
    polka_error error;
    begin(&patient, 1);
    harness_put(h, "k", "f", NULL);
    harness_put(h, "k", "o", NULL);
    step_until(&begun, 1);
    cr_expect_eq(pass_ms(4000, &error), POLKA_OK);
    atomic_store(&release_first, true);
    step_until(&begun, 2);
    cr_expect_eq(pass_ms(4000, &error), POLKA_OK, "%s", error.message);
    atomic_store(&release_others, true);
    wait_for_the_end();
    harness_destroy(h);
}

Test(deadline, does_not_run_while_nobody_looks_as_when_the_process_was_stopped)
{
    polka_error error = { .status = POLKA_OK };
    begin(&patient, 1);
    harness_put(h, "k", "f", NULL);
    step_until(&begun, 1);
    cr_expect_eq(pass_ms(500, &error), POLKA_OK);        /* it is seen */
    h->now_ns += INT64_C(3600) * 1000000000;
    cr_expect_eq(polkai_flow_step(h->flow, 0, NULL, &error), POLKA_OK, "%s", error.message);
    atomic_store(&release_first, true);
    wait_for_the_end();
    harness_destroy(h);
}

Test(deadline, is_a_minute_where_none_is_given)
{
    polka_error error;
    begin(&usual, 1);
    harness_put(h, "k", "f", NULL);
    step_until(&begun, 1);
    cr_expect_eq(pass_ms(59000, &error), POLKA_OK, "%s", error.message);
    cr_expect_eq(pass_ms(2000, &error), POLKA_FATAL);
    atomic_store(&release_first, true);
    wait_for_the_end();
    harness_destroy(h);
}

/* ---- inline: the thread that watches ---- */

static atomic_uint told;
static int64_t committed;
static unsigned answers;

static void on_stuck(void *user, const polka_error *error)
{
    polka_error drained;
    cr_expect_str_eq(error->code, "handler-stuck");
    cr_expect(polkai_flow_log_stuck(h->flow, error));
    cr_expect_eq(polkai_flow_drain(h->flow, 1000, &drained), POLKA_TRANSIENT);
    committed = harness_committed(h, "hasty", "test.asked");
    answers = (unsigned)polkai_memory_count(h->memory, "test.answers", 0);
    cr_expect_not(h->flow->paused, "the thread that is stuck may be in a call of the source");
    logged("stands_here+0x");
    (void)user;
    exit(atomic_fetch_add(&told, 1) == 0 && committed == 3 && answers == 3 && atomic_load(&ended) == 3 && !h->flow->paused ? 44 : 1);
}

Test(deadline, inline_is_watched_by_a_thread_that_commits_what_is_finished, .exit_code = 44)
{
    polka_error error;
    h = harness_create();
    harness_start(h, &hasty, (polkai_flow_options){ .clock = &polkai_clock_real, .stuck = on_stuck });
    for (int i = 0; i < 3; i++)
        harness_put(h, "k", "a", NULL);
    harness_put(h, "first", "f", NULL);
    harness_put(h, "k", "a", NULL);
    for (int64_t until = real_ms() + LIMIT_MS; real_ms() < until;)
        (void)!polkai_flow_step(h->flow, 1, NULL, &error);
}
