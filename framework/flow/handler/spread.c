/* spread.c: a table of places for keys, and a count for each lane. */
#include <base/arena.h>
#include <base/identity.h>
#include <flow/handler/spread.h>

polkai_spread *polkai_spread_create(unsigned lanes)
{
    polkai_spread *made = polkai_alloc(sizeof *made + lanes * sizeof *made->of_lane);
    made->lane_count = lanes;
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

unsigned polkai_spread_begin(polkai_spread *spread, const void *key, size_t size, unsigned *place)
{
    *place = key == NULL ? POLKAI_SPREAD_NOWHERE : polkai_key_hash(key, size) % POLKAI_SPREAD_PLACES;
    if (key == NULL || spread->under_way[*place] == 0)
        spread->lane[*place] = (uint16_t)least(spread);
    spread->under_way[*place]++;
    spread->of_lane[spread->lane[*place]]++;
    return spread->lane[*place];
}

void polkai_spread_end(polkai_spread *spread, unsigned place, unsigned lane)
{
    spread->under_way[place]--;
    spread->of_lane[lane]--;
}
