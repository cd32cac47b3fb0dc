/* commit_test.c: which offsets are committed, and when again. */
#include "attack.h"

#include <criterion/criterion.h>

/* Found: a commit that failed afterwards counted as made, and the last one of a drain left it out. */
Test(commit, that_failed_later_is_made_again_by_the_drain)
{
    prepare();
    source = (stubborn_source){ .fail_commits = 1 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_lt(harness_committed(h, "acts", "test.asked"), 1);
    harness_stop(h);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

Test(commit, that_was_told_to_have_failed_is_made_again_without_new_events)
{
    prepare();
    source = (stubborn_source){ .fail_commits = 1 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 20000);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

Test(commit, that_has_to_wait_for_the_one_before_is_made_with_the_newest_offsets)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    source.unanswered = 2;
    unsigned put = 0;
    while (source.unanswered > 0 && put++ < 10) {
        harness_put(h, "a", "go", NULL);
        harness_advance_ms(h, 500);
        cr_assert_lt(harness_committed(h, "acts", "test.asked"), 1);
    }
    harness_advance_ms(h, 500);
    cr_assert_eq(source.unanswered, 0);
    cr_assert_eq(source.commits, 3);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), put);
    cr_assert_null(strstr(h->all_logs, "commit"), "nothing failed: %s", h->all_logs);
    harness_destroy(h);
}

Test(commit, that_failed_is_still_made_again_when_it_has_to_wait)
{
    prepare();
    source = (stubborn_source){ .fail_commits = 1 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    source.unanswered = 3;
    for (int i = 0; i < 20; i++)
        harness_advance_ms(h, 500);
    cr_assert_eq(source.unanswered, 0);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

static void commit_into_nothing(void)
{
    prepare();
    source = (stubborn_source){ .swallowed = 1 };
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_eq(source.commits, 1);
    cr_assert_lt(harness_committed(h, "acts", "test.asked"), 1);
}

/* Found by reading: what an asynchronous commit without an answer had counted as committed, and the last one said nothing of it. */
Test(commit, without_an_answer_is_made_again_by_a_drain)
{
    commit_into_nothing();
    harness_stop(h);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

Test(commit, without_an_answer_is_made_again_when_its_partition_is_given_up)
{
    commit_into_nothing();
    polkai_revoked(h->flow, &(polkai_position){ POLKA_TEXT("test.asked"), 0, 0 }, 1, false);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 1);
    harness_destroy(h);
}

/* With the broker gone nobody knows what is committed, and a drain does not end as if it knew. */
Test(commit, without_an_answer_that_comes_to_nothing_again_is_what_the_drain_ends_with)
{
    polka_error error = { .status = POLKA_OK };
    commit_into_nothing();
    source.fail_commits = 1;
    cr_expect_eq(polkai_flow_drain(h->flow, 1000, &error), POLKA_TRANSIENT);
    cr_expect_str_eq(error.code, "planted", "%s", error.message);
    give_up();
}

Test(commit, with_its_answer_is_not_made_again_by_a_drain)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_eq(source.commits, 1);
    harness_stop(h);
    cr_assert_eq(source.commits, 1);
    harness_destroy(h);
}

Test(commit, is_made_only_when_something_moved)
{
    prepare();
    start(&acts, (polkai_flow_options){ 0 });
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    unsigned before = source.commits;
    for (int i = 0; i < 20; i++)
        harness_advance_ms(h, 1000);
    cr_assert_eq(source.commits, before);
    harness_destroy(h);
}

/* Found by the fault suite: after a rebalance whole partitions were done anew within the interval, and each kill within it brought all of that back. */
Test(commit, is_made_before_its_time_when_as_many_have_ended_as_may_be_under_way)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_events = 10, .commit_interval_ms = 3600000 });
    harness_advance_ms(h, 1000);
    for (int i = 0; i < 9; i++)
        harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_lt(harness_committed(h, "acts", "test.asked"), 1);
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 10);
    harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_assert_eq(harness_committed(h, "acts", "test.asked"), 10, "and those are counted from there on");
    harness_destroy(h);
}

Test(commit, by_the_budget_that_has_to_wait_for_the_one_before_is_made_soon)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_events = 10, .commit_interval_ms = 3600000 });
    harness_advance_ms(h, 1000);
    source.unanswered = 1;
    for (int i = 0; i < 10; i++)
        harness_put(h, "a", "go", NULL);
    harness_advance_ms(h, 1000);
    cr_expect_eq(source.unanswered, 0);
    harness_advance_ms(h, 1000);
    cr_expect_eq(harness_committed(h, "acts", "test.asked"), 10);
    harness_destroy(h);
}

/* The budget may be one event, and each of a thousand commits a second is a request to the coordinator. */
Test(commit, by_the_budget_is_not_made_at_once_again)
{
    prepare();
    start(&acts, (polkai_flow_options){ .in_flight_events = 1, .commit_interval_ms = 500 });
    harness_advance_ms(h, 1000);
    unsigned before = source.commits;
    for (int i = 0; i < 100; i++) {
        harness_put(h, "a", "go", NULL);
        harness_advance_ms(h, 1);
    }
    cr_expect_leq(source.commits - before, 5, "%u in 100 ms", source.commits - before);
    cr_expect_geq(source.commits - before, 3);
    harness_destroy(h);
}
