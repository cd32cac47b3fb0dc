#include <flow/handler/spread.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned begin(polkai_spread *spread, const char *key, unsigned *place)
{
    return polkai_spread_begin(spread, key, key == NULL ? 0 : strlen(key), place);
}

Test(spread, keeps_a_key_on_its_lane_while_one_of_its_events_is_under_way)
{
    unsigned place, other;
    polkai_spread *spread = polkai_spread_create(4, 10000);
    unsigned lane = begin(spread, "a", &place);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(begin(spread, "a", &place), lane, "event %d", i);
    for (int i = 0; i < 8; i++)
        cr_assert_neq(begin(spread, (const char[]){ (char)('b' + i), '\0' }, &other), lane, "the others go where there is less to do");
    free(spread);
}

Test(spread, gives_a_key_without_events_to_the_lane_that_has_least)
{
    unsigned place, lanes[4] = { 0 }, places[16];
    polkai_spread *spread = polkai_spread_create(4, 10000);
    for (int i = 0; i < 16; i++)
        lanes[begin(spread, (const char[]){ (char)('a' + i), '\0' }, &places[i])]++;
    for (int i = 0; i < 4; i++)
        cr_assert_eq(lanes[i], 4, "lane %d has %u keys of 16", i, lanes[i]);
    unsigned again = begin(spread, "a", &place);
    polkai_spread_end(spread, place, again);
    polkai_spread_end(spread, places[0], again);         /* now "a" has none, and its lane has least */
    cr_assert_eq(begin(spread, "z", &place), again);
    cr_assert_eq(begin(spread, "y", &place), again, "of equal ones the first");
    cr_assert_neq(begin(spread, "a", &place), again, "a key is not bound to where it was");
    free(spread);
}

Test(spread, gives_events_without_a_key_to_the_lane_that_has_least)
{
    unsigned place, lanes[3] = { 0 };
    polkai_spread *spread = polkai_spread_create(3, 10000);
    for (int i = 0; i < 30; i++)
        lanes[begin(spread, NULL, &place)]++;
    cr_assert(lanes[0] == 10 && lanes[1] == 10 && lanes[2] == 10, "%u %u %u", lanes[0], lanes[1], lanes[2]);
    free(spread);
}

/* So many events end within 100 ms, and it looks. */
static void run(polkai_spread *spread, unsigned count, int64_t *now_ns)
{
    unsigned place;
    for (unsigned i = 0; i < count; i++)
        polkai_spread_end(spread, place, begin(spread, "k", &place));
    *now_ns += 100000000;
    polkai_spread_look(spread, *now_ns);
}

Test(spread, leaves_a_key_on_a_lane_of_its_own_while_lanes_are_fast)
{
    int64_t now_ns = 1000000000;
    unsigned place;
    polkai_spread *spread = polkai_spread_create(4, 10000);
    run(spread, 0, &now_ns);
    run(spread, 8001, &now_ns);           /* 4 lanes, 100 ms: 49.99 us each */
    unsigned own = begin(spread, "a", &place);
    polkai_spread_end(spread, place, own);
    for (int i = 0; i < 20; i++) {
        begin(spread, (const char[]){ (char)('b' + i), '\0' }, &place);
        unsigned lane = begin(spread, "a", &place);
        polkai_spread_end(spread, place, lane);
        cr_assert_eq(lane, own, "it was moved after %d others", i);
    }
    free(spread);
}

/* Found by reading: a lane whose handler was blocked got its share of all keys, until that was all that may be under way. */
Test(spread, leaves_no_key_on_a_lane_that_has_a_quarter_of_what_may_be_under_way)
{
    int64_t now_ns = 1000000000;
    unsigned place, blocked_has = 0;
    polkai_spread *spread = polkai_spread_create(4, 1000);
    run(spread, 0, &now_ns);
    run(spread, 8001, &now_ns);
    for (int i = 0; i < 10000; i++) {
        unsigned lane = begin(spread, NULL, &place);
        if (lane == 3)
            blocked_has++;
        else
            polkai_spread_end(spread, place, lane);
    }
    cr_expect_eq(blocked_has, 251, "%u events are on the lane that ends none", blocked_has);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        unsigned lane = begin(spread, key, &place);
        cr_assert_neq(lane, 3, "key %s", key);
        polkai_spread_end(spread, place, lane);
    }
    free(spread);
}

Test(spread, goes_by_what_lanes_have_while_they_are_slow)
{
    int64_t now_ns = 1000000000;
    unsigned place, lanes[4] = { 0 };
    polkai_spread *spread = polkai_spread_create(4, 10000);
    run(spread, 8001, &now_ns);
    run(spread, 7999, &now_ns);
    for (int i = 0; i < 16; i++)
        lanes[begin(spread, (const char[]){ (char)('a' + i), '\0' }, &place)]++;
    for (int i = 0; i < 4; i++)
        cr_assert_eq(lanes[i], 4, "lane %d has %u keys of 16", i, lanes[i]);
    free(spread);
}
