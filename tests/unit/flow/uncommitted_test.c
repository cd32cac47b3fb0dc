/* uncommitted_test.c: how far a partition is read on behind an event that does not end. */
#include "attack.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <transport/memory/memory.h>

enum { BOUND = 300, IN_FLIGHT = 100, BATCH = 256, MANY = 1000, BEFORE = 130 };

static void put_on(int32_t partition, const char *key, const char *text)
{
    h->put_partition = partition;
    harness_put(h, key, text, NULL);
}

static void put_many(int32_t partition, const char *text)
{
    char key[16];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "k%u", i);
        put_on(partition, key, text);
    }
}

static int64_t committed_of(int32_t partition)
{
    polkai_position at = { POLKA_TEXT("test.asked"), partition, -1001 };
    return harness_committed_at(h, "acts", &at);
}

static void begin(unsigned in_flight)
{
    prepare();
    harness_topic(h, "test.asked", 2);
    start(&acts, (polkai_flow_options){ .uncommitted_events = BOUND, .in_flight_events = in_flight });
}

/* "o" is done at its second attempt, and no time passes before that is due. */
Test(uncommitted, is_bounded_behind_an_event_that_does_not_end)
{
    begin(IN_FLIGHT);
    put_on(0, "waits", "o");
    put_many(0, "a");
    harness_turn(h);
    cr_expect_geq(called, BOUND, "it may have what the other does not use");
    cr_expect_leq(called, BOUND + BATCH, "%u were handled behind it", called);
    cr_expect_not_null(strstr(h->all_logs, "test.asked/0 is held: the event at offset 0 has not ended"), "%s", h->all_logs);
    harness_advance_ms(h, 1000);
    cr_expect_eq(called, MANY + 2u, "it was handled twice, the others once: %u", called);
    cr_expect_not_null(strstr(h->all_logs, "test.asked/0 is read again"), "%s", h->all_logs);
    cr_expect_eq(committed_of(0), MANY + 1);
    harness_destroy(h);
}

/* The one that waits has all that is allowed before the other begins: that one has its share all the same. */
Test(uncommitted, is_shared_by_the_partitions)
{
    begin(IN_FLIGHT);
    put_on(0, "waits", "o");
    put_many(0, "a");
    harness_turn(h);
    unsigned before = called;
    put_many(1, "a");
    harness_turn(h);
    cr_expect_eq(called, before + MANY, "where nothing waits all is handled: %u", called - before);
    put_on(1, "waits", "o");
    put_many(1, "a");
    before = called;
    harness_turn(h);
    cr_expect_geq(called - before, BOUND / 2);
    cr_expect_leq(called - before, BOUND / 2 + BATCH, "%u", called - before);
    harness_advance_ms(h, 1000);
    cr_expect_eq(called, 3u * MANY + 4);
    cr_expect_eq(committed_of(0), MANY + 1);
    cr_expect_eq(committed_of(1), 2 * MANY + 1);
    harness_destroy(h);
}

Test(uncommitted, holds_no_partition_where_all_goes_on)
{
    begin(IN_FLIGHT);
    put_many(0, "a");
    put_many(1, "a");
    harness_turn(h);
    harness_advance_ms(h, 1000);
    cr_expect_eq(called, 2u * MANY);
    cr_expect_null(strstr(h->all_logs, "is held"), "%s", h->all_logs);
    harness_destroy(h);
}

/* What is in flight is not done: where that may be more than the share, the share is that much. */
Test(uncommitted, is_never_less_than_what_may_be_in_flight)
{
    begin(2 * BOUND);
    put_on(0, "waits", "o");
    put_many(0, "a");
    harness_turn(h);
    cr_expect_geq(called, 2 * BOUND);
    cr_expect_leq(called, 2 * BOUND + BATCH, "%u", called);
    harness_destroy(h);
}

/* Else it would be held and read in turns, a few at a time, as one event behind the other ends. */
Test(uncommitted, leaves_some_room_before_it_goes_on)
{
    begin(IN_FLIGHT);
    put_on(0, "waits", "o");
    for (unsigned i = 0; i < BEFORE; i++)
        put_on(0, "flows", "a");
    put_on(0, "never", "r");
    put_many(0, "a");
    harness_turn(h);
    unsigned before = called;
    unsigned long long received = polkai_flow_count(h->flow).received;
    harness_advance_ms(h, 300);
    cr_expect_gt(called, before, "the first has ended");
    cr_expect_eq(polkai_flow_count(h->flow).received, received, "and the second has more than three quarters behind it still");
    cr_expect_eq(source.holds, 1u);
    give_up();
}

static unsigned times_logged(const char *text)
{
    unsigned count = 0;
    for (const char *at = h->all_logs; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

/* The other partition's event ends, so that there is room again, and this one's does not. */
Test(uncommitted, is_told_once_for_an_event_however_often_its_partition_is_held)
{
    begin(IN_FLIGHT);
    put_on(0, "never", "r");
    for (unsigned i = 0; i < BEFORE + BOUND / 8; i++)
        put_on(0, "flows", "a");
    put_on(1, "waits", "o");
    put_many(1, "a");
    harness_turn(h);
    put_many(0, "a");
    harness_turn(h);
    cr_expect_eq(source.holds, 2u, "both");
    harness_advance_ms(h, 300);
    cr_expect_eq(source.holds, 5u, "both go on, and one is held again: %u", source.holds);
    cr_expect_eq(times_logged("test.asked/0 is held"), 1u, "%s", h->all_logs);
    cr_expect_eq(times_logged("test.asked/0 is read again"), 1u, "%s", h->all_logs);
    give_up();
}

/* It goes with the assignment. */
Test(uncommitted, ends_with_the_assignment)
{
    begin(IN_FLIGHT);
    put_on(0, "waits", "r");
    put_many(0, "a");
    harness_turn(h);
    cr_expect_not_null(strstr(h->all_logs, "is held"), "%s", h->all_logs);
    lose_the_partition();
    harness_turn(h);
    cr_expect(!h->flow->uncommitted_due);
    cr_expect_eq(h->flow->partition_count, 1u);
    cr_expect_eq(h->flow->uncommitted_share, BOUND);
    give_up();
}
