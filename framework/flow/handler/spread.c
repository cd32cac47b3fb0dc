/* spread.c: a table of places for keys, and a count for each lane. */
#include <base/arena.h>
#include <base/identity.h>
#include <flow/handler/spread.h>

enum { LOOK_NS = 100000000, CROWDED_SHARE = 4 };         /* LOOK: acknowledgements come in bursts of tens of ms */

polkai_spread *polkai_spread_create(unsigned lanes, unsigned most)
{
    polkai_spread *made = polkai_alloc(sizeof *made + lanes * sizeof *made->of_lane);
    made->lane_count = lanes;
    made->crowded = most / CROWDED_SHARE;
    return made;
}

static unsigned least(const polkai_spread *spread)
{
    unsigned found = 0;
    for (unsigned i = 1; i < spread->lane_count && spread->of_lane[found] > 0; i++)
        if (spread->of_lane[i] < spread->of_lane[found])
            found = i;
    return found;
}

static unsigned choose(polkai_spread *spread, unsigned place)
{
    if (!spread->fast)
        return least(spread);
    unsigned own = (place == POLKAI_SPREAD_NOWHERE ? spread->turn++ : place) % spread->lane_count;
    return spread->of_lane[own] > spread->crowded ? least(spread) : own;
}

unsigned polkai_spread_begin(polkai_spread *spread, const void *key, size_t size, unsigned *place)
{
    *place = key == NULL ? POLKAI_SPREAD_NOWHERE : polkai_key_hash(key, size) % POLKAI_SPREAD_PLACES;
    if (key == NULL || spread->under_way[*place] == 0)
        spread->lane[*place] = (uint16_t)choose(spread, *place);
    spread->under_way[*place]++;
    spread->of_lane[spread->lane[*place]]++;
    return spread->lane[*place];
}

void polkai_spread_end(polkai_spread *spread, unsigned place, unsigned lane)
{
    spread->under_way[place]--;
    spread->of_lane[lane]--;
    spread->ended++;
}

void polkai_spread_look(polkai_spread *spread, int64_t now_ns)
{
    int64_t passed_ns = now_ns - spread->looked_ns;
    if (passed_ns < LOOK_NS)
        return;
    spread->fast = (double)spread->ended * POLKAI_SPREAD_FAST_NS > (double)passed_ns * spread->lane_count;
    spread->ended = 0;
    spread->looked_ns = now_ns;
}
