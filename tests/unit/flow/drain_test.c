/* drain_test.c: what goes on in a drain: the group, and what waits to be sent. */
#include "attack.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <time.h>

enum { LIMIT_MS = 30000, DRAIN_MS = 10000 };

static int64_t real_ms(void)
{
    return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000;
}

/* ---- back-offs ---- */

/* An answer that has found the queue full so often that it waits for minutes. */
static void find_the_queue_full(void)
{
    prepare();
    sink = (stubborn_sink){ .topic = "test.answers", .refuse = 12 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    for (int i = 0; i < 100 && sink.full < 12; i++)
        harness_advance_ms(h, 5000);
    cr_assert_eq(sink.full, 12);
    cr_assert_null(harness_record(h, "test.answers", 0));
}

static void expect_it_has_left(void)
{
    cr_expect_not_null(harness_record(h, "test.answers", 0));
    cr_expect_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

/* Found by reading: what found the queue full waited out its back-off, and by that the whole drain. */
Test(drain, sends_at_once_what_waits_for_room_in_the_queue)
{
    find_the_queue_full();
    polkai_flow_stop(h->flow);           /* as a service does before; what has begun ends all the same */
    harness_stop(h);
    expect_it_has_left();
}

Test(revoke, sends_at_once_what_waits_for_room_in_the_queue)
{
    find_the_queue_full();
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, false);
    expect_it_has_left();
}

Test(drain, sends_at_once_what_is_to_be_sent_again)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 120000);
    polkai_memory_fail(h->memory, "test.answers", POLKA_OK, "", 0);
    harness_stop(h);
    expect_it_has_left();
}

/* What fails once more in the drain waits for no more than a first back-off does. */
Test(drain, begins_back_offs_anew, .timeout = 60)
{
    polka_error error = { .status = POLKA_OK };
    prepare();
    start(&acts, (polkai_flow_options){ .clock = &polkai_clock_real });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_put(h, "a", "go", NULL);
    while (h->flow->waiting_first == NULL)
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    h->flow->resend_attempt = 20;
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    cr_expect_eq(polkai_flow_drain(h->flow, DRAIN_MS, &error), POLKA_OK, "%s", error.message);
    cr_expect_not_null(harness_record(h, "test.answers", 0));
    give_up();
}

Test(drain, begins_the_back_off_of_a_full_queue_anew, .timeout = 60)
{
    polka_error error = { .status = POLKA_OK };
    prepare();
    sink = (stubborn_sink){ .topic = "test.answers", .refuse = 2 };
    start(&acts, (polkai_flow_options){ .clock = &polkai_clock_real });
    harness_put(h, "a", "go", NULL);
    while (sink.full == 0)
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    h->flow->made->units[0].outages = 20;
    int64_t until = real_ms() + DRAIN_MS;
    cr_expect_eq(polkai_flow_drain(h->flow, 4 * DRAIN_MS, &error), POLKA_OK, "%s", error.message);
    cr_expect_lt(real_ms(), until, "nor for the quarter of the drain after which lanes are told again");
    cr_expect_eq(sink.full, 2);
    cr_expect_not_null(harness_record(h, "test.answers", 0));
    give_up();
}

/* ---- the group ---- */

static unsigned readied;

static void on_ready(void *user)
{
    (void)user;
    readied++;
}

Test(drain, whose_first_partitions_come_too_late_is_never_ready)
{
    prepare();
    start(&acts, (polkai_flow_options){ .ready = on_ready });
    atomic_store(&h->flow->draining, true);
    polkai_assigned(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 1, 0 }, 1);
    cr_expect_eq(readied, 0);
    atomic_store(&h->flow->draining, false);
    polkai_assigned(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 2, 0 }, 1);
    cr_expect_eq(readied, 1);
    harness_destroy(h);
}

static atomic_bool first_may_end, second_may_end;
static atomic_uint begun;
static polka_outcome failed_after;
static unsigned polled;

static void wait_for(atomic_bool *flag)
{
    for (int64_t until = real_ms() + LIMIT_MS; !atomic_load(flag) && real_ms() < until;)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static polka_outcome waits(polka_context *ctx, const note *asked)
{
    atomic_fetch_add(&begun, 1);
    wait_for(asked->text.data[0] == '1' ? &first_may_end : &second_may_end);
    polka_emit(ctx, &test_answered_event, asked, NULL);
    failed_after = polka_failed(ctx);
    return POLKA_DONE;
}

static const polka_service waiting = { .name = "waiting", .reactions = (const polka_reaction[]){
    POLKA_REACT(test_asked, waits, .emits = POLKA_EMITS(&test_answered_event)), { 0 } } };

/* "first" is of partition 0, and "second", if it comes, of partition 1. */
static void drain_while(void (*on_poll)(void), unsigned count)
{
    polka_error error = { .status = POLKA_OK };
    prepare();
    start(&waiting, (polkai_flow_options){ .lanes = 2, .clock = &polkai_clock_real });
    polkai_assigned(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 1, 0 }, 1);
    source.second = "second";
    harness_put(h, "first", "1", NULL);
    if (count > 1)
        harness_put(h, "second", "2", NULL);
    for (int64_t until = real_ms() + LIMIT_MS; atomic_load(&begun) < count;) {
        cr_assert_lt(real_ms(), until);
        cr_assert_eq(polkai_flow_step(h->flow, 1, NULL, &error), POLKA_OK);
    }
    source.on_poll = on_poll;
    cr_expect_eq(polkai_flow_drain(h->flow, DRAIN_MS, &error), POLKA_OK, "%s", error.message);
    cr_expect_gt(polled, 0);
}

static void lose_first(void)
{
    if (polled++ == 0)
        source.listener.revoked(source.listener.user, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, true);
    atomic_store(&first_may_end, true);
}

/* Found by reading: nothing was polled during a drain, so only its last commit told that the partition was another member's by then. */
Test(drain, knows_of_a_loss_before_its_last_commit, .timeout = 60)
{
    drain_while(lose_first, 1);
    cr_expect_eq(failed_after, POLKA_RETRY, "the emission is refused at once");
    cr_expect_null(harness_record(h, "test.answers", 0));
    cr_expect_lt(harness_committed(h, "waiting", "test.asked"), 1);
    give_up();
}

static size_t answers_when_given, answers_at_first;

static void ask_second_back(void)
{
    if (polled++ > 0)
        return;
    answers_at_first = polkai_memory_count(h->memory, "test.answers", 0);
    atomic_store(&second_may_end, true);
    source.listener.revoked(source.listener.user, &(polkai_position){ POLKA_TEXT("test.asked"), 1, 0 }, 1, false);
    answers_when_given = polkai_memory_count(h->memory, "test.answers", 0);
    cr_expect_gt(source.commit_ms, POLKAI_COMMIT_MS, "it is the last commit for it, and has what is left of the drain");
    atomic_store(&first_may_end, true);
}

/* Found by reading: another member's rebalance stood still for as long as the drain waited. What is asked back is waited for, and only that. */
Test(drain, gives_what_the_group_asks_back_and_goes_on_with_the_rest, .timeout = 60)
{
    drain_while(ask_second_back, 2);
    cr_expect_eq(answers_at_first, 0);
    cr_expect_eq(answers_when_given, 1, "what has begun ends before its partition is given");
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 2, "and that of the other is not lost by it");
    cr_expect_eq(harness_committed(h, "waiting", "test.asked"), 1);
    give_up();
}

static void ask_back_one_by_one(void)
{
    if (polled++ > 0)
        return;
    source.listener.revoked(source.listener.user, &(polkai_position){ POLKA_TEXT("test.asked"), 1, 0 }, 1, false);
    atomic_store(&first_may_end, true);
    source.listener.revoked(source.listener.user, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, false);
    answers_when_given = polkai_memory_count(h->memory, "test.answers", 0);
}

Test(drain, waits_for_what_is_asked_back_a_second_time_as_well, .timeout = 60)
{
    drain_while(ask_back_one_by_one, 1);
    cr_expect_eq(answers_when_given, 1);
    cr_expect_eq(harness_committed(h, "waiting", "test.asked"), 1);
    give_up();
}

static void assign_more(void)
{
    if (polled++ == 0) {
        source.second = NULL;
        harness_put(h, "third", "3", NULL);
        source.listener.revoked(source.listener.user, &(polkai_position){ POLKA_TEXT("test.asked"), 1, 0 }, 1, false);
        source.listener.assigned(source.listener.user, &(polkai_position){ POLKA_TEXT("test.asked"), 1, 0 }, 1);
    }
    atomic_store(&first_may_end, polled > 3);
}

Test(drain, takes_nothing_new_though_it_polls, .timeout = 60)
{
    drain_while(assign_more, 1);
    cr_expect_eq(source.pauses, 2, "and what it is assigned meanwhile is paused, too");
    cr_expect_eq(polkai_flow_count(h->flow).received, 1);
    cr_expect_eq(harness_committed(h, "waiting", "test.asked"), 1);
    give_up();
}
