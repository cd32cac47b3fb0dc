#include <flow/handler/spread.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static polkai_lane_item items[40000];
static unsigned used;

static unsigned begin(polkai_spread *spread, const char *key, unsigned *place)
{
    return polkai_spread_begin(spread, key, key == NULL ? 0 : strlen(key), &items[used++ % (sizeof items / sizeof *items)], place);
}

/* Its lane has handled it, and it is acknowledged. */
static void end(polkai_spread *spread, unsigned place, unsigned lane)
{
    polkai_spread_handled(spread, lane, 1, 0);
    polkai_spread_end(spread, place, lane);
}

Test(spread, gives_a_key_without_events_to_a_lane_that_has_nothing_to_do)
{
    unsigned place, places[4], lanes[4] = { 0 };
    polkai_spread *spread = polkai_spread_create(4, 10000);
    for (int i = 0; i < 4; i++)
        lanes[begin(spread, (const char[]){ (char)('a' + i), '\0' }, &places[i])]++;
    for (int i = 0; i < 4; i++)
        cr_assert_eq(lanes[i], 1, "lane %d has %u keys of 4", i, lanes[i]);
    end(spread, places[0], 0);
    cr_assert_eq(begin(spread, "z", &place), 0);
    end(spread, places[2], 2);
    cr_assert_eq(begin(spread, "a", &place), 2, "a key is not bound to where it was");
    polkai_spread_destroy(spread);
}

/* Found by deadline_test: an event that waited for its next attempt stood behind a handler that took long, and another lane had nothing. */
Test(spread, leaves_a_lane_alone_where_something_waits_for_its_next_attempt)
{
    unsigned place;
    polkai_spread *spread = polkai_spread_create(2, 10000);
    cr_assert_eq(begin(spread, "a", &place), 0);
    polkai_spread_handled(spread, 0, 1, 0);
    cr_assert_eq(begin(spread, "b", &place), 1);
    polkai_spread_destroy(spread);
}

Test(spread, gives_events_without_a_key_to_lanes_that_have_nothing_to_do)
{
    unsigned place, lanes[3] = { 0 };
    polkai_spread *spread = polkai_spread_create(3, 10000);
    for (int i = 0; i < 3; i++)
        lanes[begin(spread, NULL, &place)]++;
    cr_assert(lanes[0] == 1 && lanes[1] == 1 && lanes[2] == 1, "%u %u %u", lanes[0], lanes[1], lanes[2]);
    cr_assert_eq(begin(spread, NULL, &place), POLKAI_SPREAD_HELD);
    polkai_spread_handled(spread, 1, 1, 0);
    cr_assert_not_null(polkai_spread_take(spread, 1, &(bool){ false }), "also while one without a key is under way: they have no order");
    polkai_spread_destroy(spread);
}

/* So many events take a lane so long each within 100 ms, and it looks. */
static void run(polkai_spread *spread, unsigned count, int64_t each_ns, int64_t *now_ns)
{
    unsigned place;
    for (unsigned i = 0; i < count; i++) {
        unsigned lane = begin(spread, "k", &place);
        polkai_spread_handled(spread, lane, 1, each_ns);
        polkai_spread_end(spread, place, lane);
    }
    *now_ns += 100000000;
    polkai_spread_look(spread, *now_ns);
}

Test(spread, leaves_a_key_on_a_lane_of_its_own_while_lanes_are_fast)
{
    int64_t now_ns = 1000000000;
    unsigned place;
    polkai_spread *spread = polkai_spread_create(4, 10000);
    run(spread, 1100, 49999, &now_ns);
    unsigned own = begin(spread, "a", &place);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(begin(spread, "a", &place), own, "event %d", i);
    for (int i = 0; i <= 100; i++)
        end(spread, place, own);
    for (int i = 0; i < 20; i++) {
        begin(spread, (const char[]){ (char)('b' + i), '\0' }, &place);
        unsigned lane = begin(spread, "a", &place);
        end(spread, place, lane);
        cr_assert_eq(lane, own, "it was moved after %d others", i);
    }
    polkai_spread_destroy(spread);
}

/* Found by reading: a lane whose handler was blocked got its share of all keys, until that was all that may be under way. */
Test(spread, leaves_no_key_on_a_lane_that_has_a_quarter_of_what_may_be_under_way)
{
    int64_t now_ns = 1000000000;
    unsigned place, blocked_has = 0;
    polkai_spread *spread = polkai_spread_create(4, 1000);
    run(spread, 1100, 49999, &now_ns);
    for (int i = 0; i < 10000; i++) {
        unsigned lane = begin(spread, NULL, &place);
        if (lane == 3)
            blocked_has++;
        else
            end(spread, place, lane);
    }
    cr_expect_eq(blocked_has, 251, "%u events are on the lane that ends none", blocked_has);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        unsigned lane = begin(spread, key, &place);
        cr_assert_neq(lane, 3, "key %s", key);
        end(spread, place, lane);
    }
    polkai_spread_destroy(spread);
}

Test(spread, knows_soon_that_lanes_are_fast_and_that_they_are_slow_at_its_next_look)
{
    unsigned place;
    polkai_spread *spread = polkai_spread_create(2, 10000);
    polkai_spread_look(spread, 1000000000);
    for (int i = 0; i < 64; i++) {
        unsigned lane = begin(spread, "k", &place);
        polkai_spread_handled(spread, lane, 1, 1000);
        polkai_spread_end(spread, place, lane);
        cr_assert_eq(lane, 0);
        if (i < 63)
            polkai_spread_look(spread, 1000000001 + i);
    }
    begin(spread, "k", &place);
    cr_assert_eq(begin(spread, "k", &place), POLKAI_SPREAD_HELD, "64 are not known yet");
    cr_assert_not_null(polkai_spread_next(spread, true, &place));
    polkai_spread_look(spread, 1000000100);
    for (int i = 0; i < 100; i++)
        cr_assert_neq(begin(spread, "k", &place), POLKAI_SPREAD_HELD);
    polkai_spread_handled(spread, 0, 102, 1000000000);
    polkai_spread_look(spread, 1099999999);
    cr_assert_neq(begin(spread, "k", &place), POLKAI_SPREAD_HELD);
    polkai_spread_look(spread, 1100000100);
    cr_assert_eq(begin(spread, "k", &place), POLKAI_SPREAD_HELD);
    polkai_spread_destroy(spread);
}

Test(spread, knows_that_few_events_do_not_make_lanes_fast)
{
    int64_t now_ns = 1000000000;
    unsigned place;
    polkai_spread *spread = polkai_spread_create(4, 10000);
    polkai_spread_look(spread, now_ns);
    run(spread, 900, 1000, &now_ns);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(begin(spread, (const char[]){ (char)('a' + i), '\0' }, &place), (unsigned)i);
    cr_assert_eq(begin(spread, "e", &place), POLKAI_SPREAD_HELD);
    polkai_spread_destroy(spread);
}

Test(spread, goes_by_what_lanes_have_to_do_while_they_are_slow)
{
    int64_t now_ns = 1000000000;
    unsigned place, lanes[4] = { 0 };
    polkai_spread *spread = polkai_spread_create(4, 10000);
    run(spread, 1100, 49999, &now_ns);
    run(spread, 1100, 50000, &now_ns);
    for (int i = 0; i < 4; i++)
        lanes[begin(spread, (const char[]){ (char)('a' + i), '\0' }, &place)]++;
    for (int i = 0; i < 4; i++)
        cr_assert_eq(lanes[i], 1, "lane %d has %u keys of 4", i, lanes[i]);
    cr_assert_eq(begin(spread, "e", &place), POLKAI_SPREAD_HELD);
    polkai_spread_destroy(spread);
}

/* ---- holding ---- */

enum { SLOW_LANES = 3 };

/* Each of its lanes handles an event of a key of its own, "a", "b", "c". */
static polkai_spread *busy_spread(unsigned places[])
{
    polkai_spread *spread = polkai_spread_create(SLOW_LANES, 10000);
    polkai_spread_look(spread, 1000000000);
    for (unsigned i = 0; i < SLOW_LANES; i++)
        cr_assert_eq(begin(spread, (const char[]){ (char)('a' + i), '\0' }, &places[i]), i);
    return spread;
}

/* The item that `begin` holds. */
static const polkai_lane_item *held(polkai_spread *spread, const char *key, unsigned *place)
{
    const polkai_lane_item *item = &items[used % (sizeof items / sizeof *items)];
    cr_assert_eq(begin(spread, key, place), POLKAI_SPREAD_HELD);
    return item;
}

static const polkai_lane_item *take(polkai_spread *spread, unsigned lane)
{
    bool wanting;
    return polkai_spread_take(spread, lane, &wanting);
}

Test(spread, holds_what_lanes_cannot_begin_and_gives_it_to_the_first_that_asks)
{
    unsigned places[16];
    const unsigned asks[] = { 1, 2, 0 };
    polkai_spread *spread = busy_spread(places);
    const polkai_lane_item *expected[3];
    for (unsigned i = 0; i < 3; i++)
        expected[i] = held(spread, (const char[]){ (char)('p' + i), '\0' }, &places[3 + i]);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_null(take(spread, asks[i]), "it has something to do");
        polkai_spread_handled(spread, asks[i], 1, 0);
        cr_assert_eq(take(spread, asks[i]), expected[i], "in the order in which they came");
    }
    polkai_spread_handled(spread, 0, 1, 0);
    cr_assert_null(take(spread, 0), "nothing is held any more");
    polkai_spread_destroy(spread);
}

Test(spread, gives_nothing_held_to_a_lane_before_what_it_was_given)
{
    unsigned places[16];
    polkai_spread *spread = busy_spread(places);
    polkai_spread_handled(spread, 0, 1, 0);
    cr_assert_eq(begin(spread, "a", &places[3]), 0, "on its way to the lane");
    const polkai_lane_item *third = held(spread, "a", &places[4]);
    cr_assert_null(take(spread, 0), "it would be handled before the second of its key");
    polkai_spread_handled(spread, 0, 1, 0);
    cr_assert_eq(take(spread, 0), third);
    polkai_spread_destroy(spread);
}

Test(spread, holds_a_key_for_its_lane_while_one_of_its_events_is_under_way)
{
    unsigned places[16];
    bool wanting;
    polkai_spread *spread = busy_spread(places);
    const polkai_lane_item *second = held(spread, "a", &places[3]), *third = held(spread, "a", &places[4]);
    polkai_spread_handled(spread, 1, 1, 0);
    cr_assert_null(polkai_spread_take(spread, 1, &wanting), "its first one is under way on another");
    cr_assert(wanting);
    polkai_spread_handled(spread, 0, 1, 0);
    cr_assert_eq(take(spread, 0), second, "handled and not acknowledged, so it stays with its lane");
    polkai_spread_end(spread, places[0], 0);
    cr_assert_null(take(spread, 1));
    polkai_spread_end(spread, places[3], 0);
    cr_assert_eq(take(spread, 1), third, "a key that has nothing under way is bound to no lane");
    cr_assert_null(polkai_spread_take(spread, 1, &wanting));
    cr_assert_not(wanting, "nothing is held");
    polkai_spread_destroy(spread);
}

/* Found by measuring: keys that had a lane for themselves kept it, and two others shared one to the end. */
Test(spread, gives_way_to_a_key_that_waits_when_an_event_has_ended)
{
    unsigned places[16];
    polkai_spread *spread = busy_spread(places);
    const polkai_lane_item *again = held(spread, "b", &places[3]), *waiting = held(spread, "p", &places[4]);
    polkai_spread_handled(spread, 1, 1, 0);
    cr_assert_eq(take(spread, 1), waiting);
    polkai_spread_end(spread, places[1], 1);
    polkai_spread_handled(spread, 2, 1, 0);
    cr_assert_eq(take(spread, 2), again);
    polkai_spread_destroy(spread);
}

Test(spread, lets_a_key_go_on_as_soon_as_its_lane_says_that_it_may)
{
    unsigned places[16];
    polkai_spread *spread = busy_spread(places);
    cr_assert_not(polkai_spread_end_soon(spread, places[1], 1), "nothing is held, so it is left to who hands out");
    const polkai_lane_item *again = held(spread, "a", &places[3]);
    cr_assert(polkai_spread_end_soon(spread, places[0], 0));
    polkai_spread_handled(spread, 1, 1, 0);
    cr_assert_eq(take(spread, 1), again);
    cr_assert_not(polkai_spread_end_soon(spread, places[3], 1));
    polkai_spread_destroy(spread);
}

Test(spread, hands_out_to_lanes_that_sleep)
{
    unsigned places[16], lane;
    polkai_spread *spread = busy_spread(places);
    const polkai_lane_item *of_a = held(spread, "a", &places[3]), *other = held(spread, "p", &places[4]);
    cr_assert_null(polkai_spread_next(spread, false, &lane), "none does");
    polkai_spread_handled(spread, 0, 1, 0);
    polkai_spread_handled(spread, 2, 1, 0);
    cr_assert_eq(polkai_spread_next(spread, false, &lane), other);
    cr_assert_eq(lane, 0);
    cr_assert_null(polkai_spread_next(spread, false, &lane), "lane 2 does, and may not have it");
    polkai_spread_handled(spread, 0, 1, 0);
    cr_assert_eq(polkai_spread_next(spread, false, &lane), of_a);
    cr_assert_eq(lane, 0);
    polkai_spread_destroy(spread);
}

Test(spread, gives_all_that_is_held_when_it_is_to_leave)
{
    unsigned places[16], lane;
    polkai_spread *spread = busy_spread(places);
    const char *const keys[] = { "a", "x", "a", NULL, "a", "x", NULL };
    const polkai_lane_item *of_a[3];
    size_t count = 0, a = 0, next_a = 0;
    for (; count < sizeof keys / sizeof *keys; count++) {
        const polkai_lane_item *item = held(spread, keys[count], &places[3 + count]);
        if (keys[count] != NULL && keys[count][0] == 'a')
            of_a[a++] = item;
    }
    for (const polkai_lane_item *item; (item = polkai_spread_next(spread, true, &lane)) != NULL; count--) {
        if (next_a == a || item != of_a[next_a])
            continue;
        cr_assert_eq(lane, 0, "where its first one is");
        next_a++;
    }
    cr_assert_eq(count, 0);
    cr_assert_eq(next_a, a, "in order");
    polkai_spread_destroy(spread);
}

Test(spread, holds_nothing_while_lanes_are_fast_and_gives_out_what_was_held_before)
{
    int64_t now_ns = 1000000000;
    unsigned place, lane, places[16];
    polkai_spread *spread = busy_spread(places);
    const polkai_lane_item *before = held(spread, "p", &place);
    end(spread, places[1], 1);
    run(spread, 1100, 49999, &now_ns);
    cr_assert_eq(begin(spread, "p", &place), POLKAI_SPREAD_HELD, "behind the one of its key");
    cr_assert_eq(polkai_spread_next(spread, false, &lane), before);
    cr_assert_not_null(polkai_spread_next(spread, false, &lane));
    for (unsigned i = 0; i < 1000; i++)
        cr_assert_neq(begin(spread, "k", &place), POLKAI_SPREAD_HELD);
    polkai_spread_destroy(spread);
}

Test(spread, knows_what_the_successor_of_a_lane_has_to_do)
{
    unsigned places[16], lane;
    polkai_spread *spread = busy_spread(places);
    const polkai_lane_item *second = held(spread, "a", &places[3]);
    polkai_spread_begin_anew(spread, 0, 1);
    cr_assert_null(polkai_spread_next(spread, false, &lane), "one of what it was given is still to be handled");
    polkai_spread_begin_anew(spread, 0, 0);
    cr_assert_eq(polkai_spread_next(spread, false, &lane), second);
    cr_assert_eq(lane, 0);
    polkai_spread_destroy(spread);
}
