/* lost_test.c: what a handler can still do when its partition was lost while it runs, or in a child process. */
#include "attack.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static polka_outcome before, after, answer;
static unsigned runs;
static bool emits_after, twin_comes;
static int child_code;

static polka_outcome loses(polka_context *ctx, const note *asked)
{
    runs++;
    polka_emit(ctx, &test_answered_event, asked, NULL);
    before = polka_failed(ctx);
    if (twin_comes)
        source.listener.notice(source.listener.user, POLKA_FATAL, "another process is this member now");
    else
        lose_the_partition();
    if (emits_after)
        polka_emit(ctx, &test_answered_event, asked, NULL);
    after = polka_failed(ctx);
    return answer;
}

static polka_outcome forks(polka_context *ctx, const note *asked)
{
    int status;
    pid_t child = fork();
    polka_emit(ctx, &test_answered_event, asked, NULL);
    if (child == 0)
        _exit(ctx->error != NULL && ctx->error->status == POLKA_MISUSE && strcmp(ctx->error->code, "forked") == 0 ? 7 : 1);
    waitpid(child, &status, 0);
    child_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return POLKA_DONE;
}

static const polka_service losing = { .name = "losing", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, loses, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };
static const polka_service forking = { .name = "forking", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, forks, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };

static void lose(polka_outcome how, bool emitting)
{
    prepare();
    answer = how;
    emits_after = emitting;
    start(&losing, (polkai_flow_options){ .group = NULL });
    harness_put(h, "k", "a", NULL);
    harness_turn(h);
    harness_advance_ms(h, 60000);
    cr_expect_eq(runs, 1);
    cr_expect_eq(before, POLKA_DONE);
    cr_expect_eq(after, emitting ? POLKA_RETRY : POLKA_DONE, "the emission is refused at once");
    cr_expect_null(harness_record(h, "test.answers", 0), "nothing is sent, not even what was emitted before");
    cr_expect_null(harness_record(h, "test.asked.losing.dlt", 0));
    cr_expect_lt(harness_committed(h, "losing", "test.asked"), 0);
    cr_expect_eq(polkai_flow_count(h->flow).in_flight, 0, "nothing of it is kept");
    cr_expect_eq(polkai_flow_count(h->flow).dead + polkai_flow_count(h->flow).done + polkai_flow_count(h->flow).retries + polkai_flow_count(h->flow).skipped, 0);
    give_up();
}

Test(lost, effects_are_refused_at_once) { lose(POLKA_DONE, true); }
Test(lost, effects_are_refused_whatever_the_handler_answers_done) { lose(POLKA_DONE, false); }
Test(lost, effects_are_refused_whatever_the_handler_answers_skip) { lose(POLKA_SKIP, false); }
Test(lost, effects_are_refused_whatever_the_handler_answers_retry) { lose(POLKA_RETRY, false); }
Test(lost, effects_are_refused_whatever_the_handler_answers_dead) { lose(POLKA_DEAD, false); }

/* Found: librdkafka gives all partitions up without a word when another process takes the member's place, so emissions still left. */
Test(lost, effects_are_refused_when_the_place_in_the_group_is_another_processs)
{
    prepare();
    polka_error error;
    twin_comes = emits_after = true;
    answer = POLKA_DONE;
    start(&losing, (polkai_flow_options){ .group = NULL });
    harness_put(h, "k", "a", NULL);
    cr_expect_eq(step_fails(&error), POLKA_FATAL);
    cr_expect_not_null(strstr(error.message, "another process"), "%s", error.message);
    cr_expect_eq(runs, 1);
    cr_expect_eq(after, POLKA_RETRY, "the emission is refused at once");
    cr_expect_null(harness_record(h, "test.answers", 0), "nothing is sent, not even what was emitted before");
    cr_expect_lt(harness_committed(h, "losing", "test.asked"), 0);
    give_up();
}

Test(lost, child_processes_cannot_emit_and_their_parent_goes_on)
{
    prepare();
    start(&forking, (polkai_flow_options){ .group = NULL });
    harness_put(h, "k", "a", NULL);
    harness_turn(h);
    cr_expect_eq(child_code, 7);
    cr_expect_not_null(harness_record(h, "test.answers", 0));
    harness_destroy(h);
}

/* ---- a process that was stopped for longer than its session ---- */

enum { LIMIT_MS = 30000 };
static atomic_bool may_end, has_ended;
static atomic_uint begun;

static int64_t real_ms(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000;
}

static void wait_for(atomic_bool *flag)
{
    for (int64_t until = real_ms() + LIMIT_MS; !atomic_load(flag);) {
        cr_assert_lt(real_ms(), until);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
}

static polka_outcome waits(polka_context *ctx, const note *asked)
{
    polka_emit(ctx, &test_answered_event, asked, NULL);
    if (asked->text.data[0] != 'w')
        return POLKA_DONE;
    atomic_fetch_add(&begun, 1);
    wait_for(&may_end);
    atomic_store(&has_ended, true);
    return POLKA_DONE;
}

static const polka_service waiting = { .name = "waiting", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, waits, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };

/*
 * For a lane to send what must not be sent. That is no event that could be waited for: on a slow machine it may be too short, and then
 * the test overlooks a mistake once; it never fails for that.
 */
static void give_a_chance_to_send(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

/* While the answer is on its way the handler ends, on its lane. */
static void end_meanwhile(void)
{
    atomic_store(&may_end, true);
    wait_for(&has_ended);
    give_a_chance_to_send();
}

static void step_until_in_flight(unsigned count)
{
    polka_error error = { .status = POLKA_OK };
    for (int64_t until = real_ms() + LIMIT_MS; atomic_load(&begun) < count || polkai_flow_count(h->flow).in_flight != count;) {
        cr_assert_lt(real_ms(), until);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    }
}

static void was_stopped(void) { atomic_store(&h->flow->turned_ns, atomic_load(&h->flow->turned_ns) - INT64_C(15) * 1000000000); }
static void was_suspended(void) { h->flow->suspended_ns -= INT64_C(15) * 1000000000; }       /* with the machine: no clock of ours went on but that one */

/* One event is done, as a commit needs an offset; the others are under way when the process goes on. */
static void come_back_with_some_under_way(bool put_out, unsigned count, void (*from)(void))
{
    prepare();
    start(&waiting, (polkai_flow_options){ .lanes = 2, .clock = &polkai_clock_real });
    polkai_assigned(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 1, 0 }, 1);
    source.second = "second";
    harness_put(h, "done", "a", NULL);
    harness_put(h, "other", "w", NULL);
    if (count > 1)
        harness_put(h, "second", "w", NULL);
    step_until_in_flight(count);
    source.stale = put_out;
    source.on_commit = end_meanwhile;
    from();
}

static void stop_with_some_under_way(bool put_out, unsigned count) { come_back_with_some_under_way(put_out, count, was_stopped); }

static void give_up_after_a_stop(bool put_out)
{
    stop_with_some_under_way(put_out, 1);
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, false);
    source.on_commit = NULL;
}

/* Found by reading: librdkafka does not say so while partitions are given up, and what handlers emitted was sent until the last commit failed. */
Test(lost, while_the_process_was_stopped_is_known_before_what_was_emitted_is_sent)
{
    give_up_after_a_stop(true);
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 1, "another member handles the other");
    cr_expect_not_null(strstr(h->all_logs, "put this process out while it was stopped"), "%s", h->all_logs);
    give_up();
}

/* Found by reading: the steady clock stands still with the machine, so that nobody noticed. */
Test(lost, while_the_machine_was_suspended_is_known_before_what_was_emitted_is_sent)
{
    come_back_with_some_under_way(true, 1, was_suspended);
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, false);
    source.on_commit = NULL;
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 1, "another member handles the other");
    give_up();
}

Test(lost, is_nothing_where_the_group_still_has_a_process_that_was_stopped)
{
    give_up_after_a_stop(false);
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 2);
    cr_expect_eq(harness_committed(h, "waiting", "test.asked"), 2);
    cr_expect_null(strstr(h->all_logs, "put this process out"), "%s", h->all_logs);
    give_up();
}

/* Found by reading: with group.protocol=consumer librdkafka knows it a heartbeat later, and what had waited for its answer was sent before. */
Test(lost, while_the_process_was_stopped_is_waited_for_where_the_source_hears_of_it_later, .timeout = 60)
{
    polka_error error = { .status = POLKA_OK };
    stop_with_some_under_way(true, 1);
    source.tells_loss = true;
    source.knows_after = 5;
    cr_expect_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    atomic_store(&begun, 0);
    step_until_in_flight(0);
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 1, "another member handles the other");
    cr_expect_not_null(strstr(h->all_logs, "partitions were lost"), "%s", h->all_logs);
    source.stale = false;
    harness_put(h, "second", "a", NULL);
    for (int64_t until = real_ms() + LIMIT_MS; polkai_memory_count(h->memory, "test.answers", 0) < 2;) {
        cr_assert_lt(real_ms(), until, "what was paused meanwhile goes on");
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    }
    give_up();
}

/* Found by reading: of the partitions that stay, where some only are given up, all was sent though the group had put us out. */
Test(lost, while_the_process_was_stopped_are_also_partitions_that_stay_when_others_are_given_up, .timeout = 60)
{
    polka_error error = { .status = POLKA_OK };
    stop_with_some_under_way(true, 2);
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 1, 0 }, 1, false);
    give_a_chance_to_send();
    source.tells_loss = true;
    cr_expect_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    atomic_store(&begun, 0);
    step_until_in_flight(0);
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 1, "other members handle the others");
    source.stale = false;
    give_up();
}

/* Where the source says nothing of those that stay, they are ours: nobody else would ever end their events. */
Test(lost, while_the_process_was_stopped_are_not_partitions_that_stay_of_which_nothing_is_heard, .timeout = 60)
{
    polka_error error = { .status = POLKA_OK };
    stop_with_some_under_way(true, 2);
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 1, 0 }, 1, false);
    source.stale = false;
    cr_expect_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    atomic_store(&begun, 0);
    step_until_in_flight(0);
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 2, "that of the partition that stays has left");
    give_up();
}

static unsigned waited_for;

static void count_commit(void)
{
    waited_for++;
    source.tells_loss = waited_for == 2;
}

Test(lost, while_the_process_was_stopped_is_asked_for_by_the_poll_thread_at_once, .timeout = 20)
{
    polka_error error;
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    harness_put(h, "b", "r", NULL);
    harness_advance_ms(h, 1000);
    source.on_commit = count_commit;
    source.stale = true;
    harness_advance_ms(h, 1000);
    cr_expect_eq(waited_for, 0, "not for a second");
    h->now_ns += INT64_C(15) * 1000000000;
    harness_turn(h);
    cr_expect_eq(waited_for, 1);
    cr_expect_eq(polkai_flow_count(h->flow).in_flight, 1, "it is the source that says what is lost");
    unsigned tried = called;
    harness_advance_ms(h, 1000);
    cr_expect_gt(called, tried, "and until then it goes on");
    h->now_ns += INT64_C(15) * 1000000000;
    cr_expect_eq(polkai_flow_step(h->flow, 0, NULL, &error), POLKA_OK);
    cr_expect_not_null(strstr(h->all_logs, "partitions were lost"), "the same turn hears of it");
    harness_turn(h);
    cr_expect_eq(polkai_flow_count(h->flow).in_flight, 0);
    give_up();
}

static void hand_over_next(void)
{
    source.tells_handover = true;
}

static void lose_next(void)
{
    source.tells_loss = true;
}

/* Handled inline, and its answer finds the queue full; then the process is stopped. Returns how many answers left. */
static size_t answers_after_a_stop(void (*on_commit)(void))
{
    polka_error error;
    prepare();
    sink = (stubborn_sink){ .topic = "test.answers", .refuse = 1 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_turn(h);
    cr_expect_eq(called, 1);
    cr_expect_eq(sink.full, 1);
    source.stale = true;
    source.on_commit = on_commit;
    h->now_ns += INT64_C(15) * 1000000000;
    cr_expect_eq(polkai_flow_step(h->flow, 0, NULL, &error), POLKA_OK);
    harness_turn(h);
    cr_expect_eq(polkai_flow_count(h->flow).in_flight, 0);
    size_t count = polkai_memory_count(h->memory, "test.answers", 0);
    give_up();
    return count;
}

/* Found: inline, what was due left before the group was asked. */
Test(lost, while_the_process_was_stopped_is_asked_for_before_anything_is_handled_inline, .timeout = 20)
{
    cr_expect_eq(answers_after_a_stop(lose_next), 0, "another member handles it");
}

/* Found by reading: what waited to be sent then waited for the answer to this very thread, inline, for ever. */
Test(lost, while_a_handover_was_on_its_way_is_not_handed_over, .timeout = 20)
{
    cr_expect_eq(answers_after_a_stop(hand_over_next), 0, "another member handles it");
}

/* ---- whether the group has us ---- */

Test(lost, partitions_or_place_in_the_group_is_no_membership_and_a_handover_is_one)
{
    const polkai_position position = { POLKA_TEXT("test.asked"), 0, 0 };
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_turn(h);
    polkai_revoked(h->flow, &position, 1, false);
    cr_expect(polkai_flow_pulse(h->flow).joined);
    polkai_revoked(h->flow, &position, 1, true);
    cr_expect_not(polkai_flow_pulse(h->flow).joined);
    polkai_assigned(h->flow, &position, 1);
    cr_expect(polkai_flow_pulse(h->flow).joined);
    source.listener.notice(source.listener.user, POLKA_FATAL, "the group has another in our place");
    cr_expect_not(polkai_flow_pulse(h->flow).joined);
    give_up();
}

/* ---- a drain ---- */

enum { BUSY = 4, DRAIN_MS = 1000 };
static atomic_uint busy, free_again;

static polka_outcome stays(polka_context *ctx, const note *asked)
{
    (void)ctx, (void)asked;
    atomic_fetch_add(&busy, 1);
    wait_for(&may_end);
    atomic_fetch_add(&free_again, 1);
    return POLKA_DONE;
}

static const polka_service staying = { .name = "staying", .reactions = (const polka_reaction[]){ POLKA_REACT(test_asked, stays), { 0 } } };

/* Found by reading: nothing of them is waited for, but each of their lanes was given the whole deadline, one after the other. */
Test(lost, handlers_hold_up_a_drain_for_its_deadline_and_not_each_for_as_long, .timeout = 60)
{
    polka_error error;
    prepare();
    start(&staying, (polkai_flow_options){ .lanes = BUSY, .clock = &polkai_clock_real });
    for (char key[] = "a"; *key < 'a' + BUSY; ++*key)
        harness_put(h, key, "x", NULL);
    for (int64_t until = real_ms() + LIMIT_MS; atomic_load(&busy) < BUSY;) {
        cr_assert_lt(real_ms(), until);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    }
    lose_the_partition();
    int64_t began_ms = real_ms();
    cr_expect_eq(polkai_flow_drain(h->flow, DRAIN_MS, &error), POLKA_TRANSIENT);
    int64_t took_ms = real_ms() - began_ms;
    cr_expect_lt(took_ms, 2 * DRAIN_MS, "%lld", (long long)took_ms);
    atomic_store(&may_end, true);
    for (int64_t until = real_ms() + LIMIT_MS; atomic_load(&free_again) < BUSY && real_ms() < until;)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    cr_expect_eq(atomic_load(&free_again), BUSY);
}
