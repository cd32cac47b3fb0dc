/* attack_test.c: what a corridor must survive: queues that are full, partitions that go, drains that come too early. Inline, on a clock of our own. */
#include "attack.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* ---- a full queue ---- */

/* Found as a use after free: the record moved to our own memory while its letter waited and still pointed to the old one. */
Test(full_queue, delays_a_letter_and_changes_none_of_its_bytes)
{
    prepare();
    sink = (stubborn_sink){ .topic = "test.asked.acts.dlt", .refuse = 3 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "key", "die", "id-1");
    harness_turn(h);
    harness_advance_ms(h, 1000);
    const polkai_record *letter = harness_record(h, "test.asked.acts.dlt", 0);
    cr_assert_not_null(letter);
    equal(harness_text(letter), "die");
    equal((polka_text){ letter->key.size, (const char *)letter->key.data }, "key");
    equal(harness_header(h, letter, "ce_id"), "id-1");
    cr_assert_null(harness_record(h, "test.asked.acts.dlt", 1));
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

/* Found: each full queue doubled the wait, up to 30 s, though there was room again at once. */
Test(full_queue, delays_many_emissions_no_longer_than_it_is_full)
{
    prepare();
    sink = (stubborn_sink){ .topic = "test.answers", .every = 5 };
    start(&acts, (polkai_flow_options){ 0 });
    emit_count = 100;
    harness_put(h, "k", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_not_null(harness_record(h, "test.answers", 99));
    cr_assert_null(harness_record(h, "test.answers", 100));
    cr_assert_eq(called, 1);
    harness_destroy(h);
}

/* Found: a producer that ends reports what was in its queue before what was under way, and emissions of a key changed places. */
Test(failed_sends, leave_in_the_order_in_which_they_were_made_whatever_the_order_of_their_reports)
{
    prepare();
    sink = (stubborn_sink){ .backwards = true };
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "_PURGE_QUEUE", 6);
    emit_count = 2;
    harness_put(h, "k", "a", NULL);
    harness_put(h, "k", "b", NULL);
    harness_put(h, "k", "c", NULL);
    harness_advance_ms(h, 20000);
    static const char *const expected[] = { "a", "a", "b", "b", "c", "c" };
    for (size_t i = 0; i < 6; i++)
        equal(harness_text(harness_record(h, "test.answers", i)), expected[i]);
    cr_assert_null(harness_record(h, "test.answers", 6));
    cr_assert_eq(called, 3);
    harness_destroy(h);
}

Test(emissions, of_ten_thousand_in_one_reaction_all_leave_once)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    emit_count = 10000;
    harness_put(h, "k", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0), 10000);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

/* ---- partitions that go ---- */

/* Found by reading: what other topics would have taken stayed behind it in line until somebody granted the right. */
Test(sends, to_a_topic_that_takes_nothing_hold_up_no_other_topic)
{
    prepare();
    polkai_memory_fail(h->memory, "test.asked.acts.dlt", POLKA_TRANSIENT, "TOPIC_AUTHORIZATION_FAILED", 1);
    start(&acts, (polkai_flow_options){ .group = NULL });
    harness_put(h, "a", "d", NULL);
    harness_turn(h);
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "_MSG_TIMED_OUT", 2);
    harness_put(h, "b", "first", NULL);
    harness_put(h, "b", "second", NULL);
    harness_turn(h);
    cr_expect_eq(polkai_memory_count(h->memory, "test.answers", 0), 0);
    sink.topic = "test.asked.acts.dlt";
    sink.every = 1;
    harness_advance_ms(h, 60000);
    cr_expect_gt(sink.full, 1);
    cr_expect_null(harness_record(h, "test.asked.acts.dlt", 0));
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0), 2);
    equal(harness_text(harness_record(h, "test.answers", 0)), "first");
    equal(harness_text(harness_record(h, "test.answers", 1)), "second");
    sink.topic = NULL;
    harness_advance_ms(h, 60000);
    cr_expect_not_null(harness_record(h, "test.asked.acts.dlt", 0));
    cr_expect_eq(harness_committed(h, "acts", "test.asked"), 3);
    harness_destroy(h);
}

/* Found: a letter for a refused emission, of a partition that was lost meanwhile, was neither sent nor given up. */
Test(lost_partition, ends_an_event_whose_emission_is_refused_afterwards)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_put(h, "k", "go", NULL);
    harness_turn(h);
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "TOPIC_AUTHORIZATION_FAILED", 1);
    polkai_send_waiting(h->flow, INT64_MAX);             /* under way again, its report not yet read */
    lose_the_partition();
    harness_advance_ms(h, 60000);
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 0);
    cr_assert_null(harness_record(h, "test.asked.acts.dlt", 0));
    cr_expect_eq(polkai_flow_count(h->flow).dead, 0, "no letter is made, or told of, that cannot leave");
    harness_destroy(h);
}

/* Found: what waited to be sent again left after the partition was gone, behind what its next owner had sent. */
Test(lost_partition, sends_nothing_of_what_waited_to_be_sent_again)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000);
    harness_put(h, "k", "go", NULL);
    harness_turn(h);
    lose_the_partition();
    polkai_memory_fail(h->memory, "test.answers", POLKA_OK, NULL, 0);
    harness_advance_ms(h, 60000);
    cr_assert_null(harness_record(h, "test.answers", 0));
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 0);
    harness_destroy(h);
}

Test(lost_partition, lets_other_partitions_send_what_was_held_behind_it)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_put(h, "k", "go", NULL);
    harness_turn(h);
    lose_the_partition();
    polkai_assigned(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1);
    harness_put(h, "k", "gone", NULL);
    harness_advance_ms(h, 60000);
    equal(harness_text(harness_record(h, "test.answers", 0)), "gone");
    harness_destroy(h);
}

Test(revoke, during_a_retry_leaves_the_key_to_the_next_owner)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "r1", NULL);
    harness_put(h, "a", "a2", NULL);
    harness_put(h, "b", "b1", NULL);
    harness_turn(h);
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, false);
    cr_assert_lt(harness_committed(h, "acts", "test.asked"), 1);
    harness_advance_ms(h, 1000);
    cr_assert_str_eq(order, "r1 b1 ");
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 0);
    cr_assert_eq(polkai_flow_count(h->flow).parked_events, 0);
    harness_destroy(h);
}

Test(lost_partition, begins_nothing_of_what_was_taken_already)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "l1", NULL);
    harness_put(h, "b", "b1", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_str_eq(order, "l1 ");
    cr_assert_null(harness_record(h, "test.answers", 0));
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 0);
    harness_destroy(h);
}

/* ---- drains ---- */

/* Found as a crash: the lane was gone, and leaving the group waited for the event once more. */
Test(drain, whose_deadline_passes_with_unacknowledged_sends_ends_and_frees_all)
{
    polka_error error;
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    harness_put(h, "k", "go", NULL);
    harness_put(h, "k", "go2", NULL);
    harness_put(h, "k", "r3", NULL);
    harness_turn(h);
    cr_assert_eq(polkai_flow_drain(h->flow, 1000, &error), POLKA_TRANSIENT);
    cr_assert_str_eq(error.code, "drain-deadline");
    cr_assert_lt(harness_committed(h, "acts", "test.asked"), 1);
    give_up();
}

Test(misuse, of_one_event_begins_none_of_those_behind_it)
{
    polka_error error;
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "m1", NULL);
    harness_put(h, "b", "b1", NULL);
    cr_assert_eq(step_fails(&error), POLKA_MISUSE);
    cr_assert_str_eq(order, "m1 ");
    give_up();
}

Test(drain, sends_no_letter_for_an_event_that_is_handled_again)
{
    prepare();
    start(&both, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1);
    harness_put(h, "k", "go", NULL);
    harness_turn(h);
    polkai_memory_fail(h->memory, "test.answers", POLKA_POISON, "TOPIC_AUTHORIZATION_FAILED", 1);
    polkai_send_waiting(h->flow, INT64_MAX);             /* under way again; the second reaction waits, and is dropped */
    harness_stop(h);
    cr_assert_null(harness_record(h, "test.asked.both.dlt", 0));
    cr_assert_lt(harness_committed(h, "both", "test.asked"), 1);
    harness_destroy(h);
}

/* Found as a leak: events that waited were forgotten when another one stopped the service. */
Test(misuse, of_one_event_frees_those_that_wait)
{
    polka_error error;
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "r1", NULL);
    harness_put(h, "a", "a2", NULL);
    harness_turn(h);
    harness_put(h, "m", "m1", NULL);
    cr_assert_eq(step_fails(&error), POLKA_MISUSE);
    give_up();
}

Test(destroy, without_a_drain_frees_what_waits_for_a_schema)
{
    prepare();
    polkai_memory_fail(h->memory, "polka.schemas", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    start(&acts, (polkai_flow_options){ .announce = true });
    harness_put(h, "a", "go", NULL);
    harness_put(h, "a", "behind", NULL);
    harness_turn(h);
    cr_assert_eq(polkai_flow_count(h->flow).parked_events, 2);
    give_up();
}

/* ---- the budget ---- */

/* Found: with a full budget an inline lane was not turned before the pause, a second later. */
Test(budget, that_is_full_delays_no_retry)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_events = 1 });
    harness_put(h, "a", "once", NULL);
    harness_put(h, "b", "behind", NULL);
    harness_turn(h);
    harness_advance_ms(h, 150);
    cr_assert_str_eq(order, "once once behind ");
    harness_destroy(h);
}

Test(budget, of_events_is_never_passed_and_ends_by_itself)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_events = 3 });
    for (int i = 0; i < 10; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        harness_put(h, key, "once", NULL);
    }
    for (int i = 0; i < 400; i++) {
        harness_advance_ms(h, 10);
        cr_assert_leq(polkai_flow_count(h->flow).in_flight, 3);
    }
    cr_assert_eq(polkai_memory_count(h->memory, "test.answers", 0), 10);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 10);
    harness_destroy(h);
}

Test(budget, of_bytes_lets_nothing_in_while_it_is_used_up)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_bytes = 20 });
    for (int i = 0; i < 5; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        harness_put(h, key, "once", NULL);
        harness_turn(h);
    }
    cr_assert_eq(polkai_flow_count(h->flow).in_flight, 2);
    harness_advance_ms(h, 5000);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 5);
    harness_destroy(h);
}

/* Found: partitions that came while all were paused were not, and filled the budget beyond its end. */
Test(budget, holds_for_partitions_that_come_while_it_is_full)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_events = 2 });
    harness_put(h, "a", "r", NULL);
    harness_put(h, "b", "r", NULL);
    for (int i = 0; i < 20; i++)
        harness_advance_ms(h, 100);
    cr_assert_eq(source.pauses, 1);      /* full for long */
    polkai_assigned(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 7, 0 }, 1);
    cr_assert_eq(source.pauses, 2);
    harness_destroy(h);
}

/* Found: after a deadline that had passed, a broker that did not answer was waited for another 4 s. */
static void drain_with(int64_t deadline_ms)
{
    polka_error error;
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    polkai_memory_fail(h->memory, "test.answers", POLKA_TRANSIENT, "UNKNOWN_TOPIC_OR_PART", 1000000);
    source.fail_commits = 1;
    harness_put(h, "k", "die", NULL);    /* is done, and to be committed again */
    harness_put(h, "k", "go", NULL);     /* is not */
    harness_turn(h);
    cr_assert_eq(polkai_flow_drain(h->flow, deadline_ms, &error), POLKA_TRANSIENT);
    cr_assert_str_eq(error.code, "drain-deadline");
    give_up();
}

Test(drain, gives_the_broker_no_more_than_a_moment_when_its_deadline_has_passed)
{
    drain_with(0);
    cr_assert(source.commit_ms > 0 && source.commit_ms < 300, "%d", source.commit_ms);
    cr_assert(source.close_ms > 0 && source.close_ms < 300, "%d", source.close_ms);
}

Test(drain, gives_the_broker_what_is_left_before)
{
    drain_with(2000);
    cr_assert_eq(source.commit_ms, 2000);
    cr_assert_eq(source.close_ms, 2000);
}

/* Found: a commit that a busy broker took 4 s for was given up after 3 of the 8 s that the drain had. */
Test(drain, gives_the_last_commit_all_of_its_time)
{
    drain_with(8000);
    cr_assert_eq(source.commit_ms, 8000);
}
