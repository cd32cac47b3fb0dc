#include <flow/handler/spread.h>

#include <criterion/criterion.h>
#include <stdlib.h>

static unsigned begin(polkai_spread *spread, const char *key, unsigned *place)
{
    return polkai_spread_begin(spread, key, key == NULL ? 0 : strlen(key), place);
}

Test(spread, keeps_a_key_on_its_lane_while_one_of_its_events_is_under_way)
{
    unsigned place, other;
    polkai_spread *spread = polkai_spread_create(4);
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
    polkai_spread *spread = polkai_spread_create(4);
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
    polkai_spread *spread = polkai_spread_create(3);
    for (int i = 0; i < 30; i++)
        lanes[begin(spread, NULL, &place)]++;
    cr_assert(lanes[0] == 10 && lanes[1] == 10 && lanes[2] == 10, "%u %u %u", lanes[0], lanes[1], lanes[2]);
    free(spread);
}
