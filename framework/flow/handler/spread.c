/* spread.c: a table of places for keys, with what each holds, and counts for each lane. */
#include <base/arena.h>
#include <base/identity.h>
#include <flow/handler/spread.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { LOOK_NS = 100000000, LOOK_EVENTS = 64, MANY_SHARE = 8, CROWDED_SHARE = 4, NONE = UINT16_MAX };

typedef struct { uint16_t first, last; } places;         /* a list of them, in the order in which they got what they hold */

/* Of a hash of keys; the last place: of events without one. */
typedef struct {
    polkai_lane_item *first, *last;      /* held, in order */
    uint32_t under_way;
    uint16_t lane, before, after;        /* in its list; NONE: the first, the last */
} place_of_keys;

typedef struct {
    _Alignas(64) atomic_uint handled;    /* written by the lane alone, as is busy_ns */
    atomic_ullong busy_ns;
    _Alignas(64) uint32_t seen_handled;  /* when it was looked at last */
    uint64_t seen_busy_ns;
    atomic_uint given;
    uint32_t under_way;
    places bound;                        /* hold something, and have something under way here */
} lane_of_spread;

struct polkai_spread {
    uint32_t lane_count, turn;           /* turn: of events without a key */
    uint32_t crowded;                    /* events of a lane that gets no other key */
    atomic_bool fast;
    int64_t looked_ns;
    pthread_mutex_t lock;                /* of all below while anything is held; else they are the one thread's that hands out */
    atomic_bool holding;                 /* held > 0; written under `lock`, as the last of all */
    uint64_t held;                       /* never changed without `lock` */
    places ready;                        /* hold something, and may go to any lane */
    place_of_keys keys[POLKAI_SPREAD_PLACES + 1];
    lane_of_spread lanes[];
};

polkai_spread *polkai_spread_create(unsigned lanes, unsigned most)
{
    polkai_spread *made = polkai_alloc_lines(sizeof *made + lanes * sizeof *made->lanes);
    made->lane_count = lanes;
    made->crowded = most / CROWDED_SHARE;
    made->ready = (places){ NONE, NONE };
    for (unsigned i = 0; i < lanes; i++)
        made->lanes[i].bound = (places){ NONE, NONE };
    pthread_mutex_init(&made->lock, NULL);
    return made;
}

void polkai_spread_destroy(polkai_spread *spread)
{
    if (spread == NULL)
        return;
    pthread_mutex_destroy(&spread->lock);
    free(spread);
}

/* ---- lanes ---- */

/* What it was given and has not handled. */
static uint32_t load_of(const lane_of_spread *lane)
{
    return atomic_load_explicit(&lane->given, memory_order_relaxed) - atomic_load_explicit(&lane->handled, memory_order_acquire);
}

/* Of equal ones that with least under way: what waits there for its next attempt would have to wait for the handler. */
static unsigned least_to_do(const polkai_spread *spread)
{
    unsigned found = 0;
    uint32_t lowest = load_of(&spread->lanes[0]);
    for (unsigned i = 1; i < spread->lane_count && (lowest > 0 || spread->lanes[found].under_way > 0); i++) {
        uint32_t load = load_of(&spread->lanes[i]);
        if (load > lowest || (load == lowest && spread->lanes[i].under_way >= spread->lanes[found].under_way))
            continue;
        found = i;
        lowest = load;
    }
    return found;
}

static unsigned least_under_way(const polkai_spread *spread)
{
    unsigned found = 0;
    for (unsigned i = 1; i < spread->lane_count && spread->lanes[found].under_way > 0; i++)
        if (spread->lanes[i].under_way < spread->lanes[found].under_way)
            found = i;
    return found;
}

static unsigned choose(polkai_spread *spread, unsigned place)
{
    if (!spread->fast)
        return least_to_do(spread);
    unsigned own = (place == POLKAI_SPREAD_NOWHERE ? spread->turn++ : place) % spread->lane_count;
    return spread->lanes[own].under_way > spread->crowded ? least_under_way(spread) : own;
}

static unsigned give(polkai_spread *spread, unsigned place, unsigned lane)
{
    lane_of_spread *to = &spread->lanes[lane];
    spread->keys[place].lane = (uint16_t)lane;
    spread->keys[place].under_way++;
    to->under_way++;
    atomic_store_explicit(&to->given, atomic_load_explicit(&to->given, memory_order_relaxed) + 1, memory_order_relaxed);
    return lane;
}

/* ---- lists of places ---- */

static bool is_bound(const polkai_spread *spread, unsigned place)
{
    return place != POLKAI_SPREAD_NOWHERE && spread->keys[place].under_way > 0;
}

static places *list_of(polkai_spread *spread, unsigned place)
{
    return is_bound(spread, place) ? &spread->lanes[spread->keys[place].lane].bound : &spread->ready;
}

static void enlist(polkai_spread *spread, unsigned place)
{
    places *list = list_of(spread, place);
    spread->keys[place].before = list->last;
    spread->keys[place].after = NONE;
    if (list->last == NONE)
        list->first = (uint16_t)place;
    else
        spread->keys[list->last].after = (uint16_t)place;
    list->last = (uint16_t)place;
}

static void unlist(polkai_spread *spread, unsigned place)
{
    places *list = list_of(spread, place);
    const place_of_keys *it = &spread->keys[place];
    if (it->before == NONE)
        list->first = it->after;
    else
        spread->keys[it->before].after = it->after;
    if (it->after == NONE)
        list->last = it->before;
    else
        spread->keys[it->after].before = it->before;
}

/* ---- holding ---- */

/* Whether the lock was needed. */
static bool enter(polkai_spread *spread)
{
    bool holding = atomic_load(&spread->holding);
    if (holding)
        pthread_mutex_lock(&spread->lock);
    return holding;
}

static void leave(polkai_spread *spread, bool entered)
{
    if (entered)
        pthread_mutex_unlock(&spread->lock);
}

static void hold(polkai_spread *spread, unsigned place, polkai_lane_item *item)
{
    place_of_keys *at = &spread->keys[place];
    item->next = NULL;
    if (at->first == NULL) {
        at->first = item;
        enlist(spread, place);
    } else {
        at->last->next = item;
    }
    at->last = item;
    spread->held++;
    atomic_store(&spread->holding, true);
}

static polkai_lane_item *take_held(polkai_spread *spread, unsigned place, unsigned lane)
{
    place_of_keys *at = &spread->keys[place];
    polkai_lane_item *item = at->first;
    unlist(spread, place);
    at->first = item->next;
    give(spread, place, lane);
    if (at->first != NULL)
        enlist(spread, place);
    spread->held--;
    atomic_store(&spread->holding, spread->held > 0);
    return item;
}

/* The lane; HELD: it is to be held. */
static unsigned place_it(polkai_spread *spread, unsigned place)
{
    if (spread->keys[place].first != NULL)
        return POLKAI_SPREAD_HELD;
    unsigned lane = is_bound(spread, place) ? spread->keys[place].lane : choose(spread, place);
    return spread->fast || load_of(&spread->lanes[lane]) == 0 ? give(spread, place, lane) : POLKAI_SPREAD_HELD;
}

unsigned polkai_spread_begin(polkai_spread *spread, const void *key, size_t size, polkai_lane_item *item, unsigned *place)
{
    *place = key == NULL ? POLKAI_SPREAD_NOWHERE : polkai_key_hash(key, size) % POLKAI_SPREAD_PLACES;
    bool entered = enter(spread);
    unsigned lane = place_it(spread, *place);
    if (lane == POLKAI_SPREAD_HELD && !entered) {
        pthread_mutex_lock(&spread->lock);
        entered = true;
    }
    if (lane == POLKAI_SPREAD_HELD)
        hold(spread, *place, item);
    leave(spread, entered);
    return lane;
}

static polkai_lane_item *next(polkai_spread *spread, bool all, unsigned *lane)
{
    *lane = least_to_do(spread);
    if (spread->ready.first != NONE && (all || load_of(&spread->lanes[*lane]) == 0))
        return take_held(spread, spread->ready.first, *lane);
    for (*lane = 0; *lane < spread->lane_count; ++*lane) {
        unsigned place = spread->lanes[*lane].bound.first;
        if (place != NONE && (all || load_of(&spread->lanes[*lane]) == 0))
            return take_held(spread, place, *lane);
    }
    return NULL;
}

polkai_lane_item *polkai_spread_next(polkai_spread *spread, bool all, unsigned *lane)
{
    bool entered = enter(spread);
    polkai_lane_item *item = entered && spread->held > 0 ? next(spread, all || spread->fast, lane) : NULL;
    leave(spread, entered);
    return item;
}

static void end(polkai_spread *spread, unsigned place, unsigned lane)
{
    place_of_keys *at = &spread->keys[place];
    bool held = at->first != NULL;
    if (held)
        unlist(spread, place);
    at->under_way--;
    if (held)
        enlist(spread, place);
    spread->lanes[lane].under_way--;
}

void polkai_spread_end(polkai_spread *spread, unsigned place, unsigned lane)
{
    bool entered = enter(spread);
    end(spread, place, lane);
    leave(spread, entered);
}

void polkai_spread_look(polkai_spread *spread, int64_t now_ns)
{
    uint64_t count = 0, busy_ns = 0;
    if (spread->looked_ns == 0)
        spread->looked_ns = now_ns;
    int64_t passed_ns = now_ns - spread->looked_ns;
    if (spread->fast && passed_ns < LOOK_NS)
        return;
    for (unsigned i = 0; i < spread->lane_count; i++) {
        count += atomic_load_explicit(&spread->lanes[i].handled, memory_order_relaxed) - spread->lanes[i].seen_handled;
        busy_ns += atomic_load_explicit(&spread->lanes[i].busy_ns, memory_order_relaxed) - spread->lanes[i].seen_busy_ns;
    }
    if (count < LOOK_EVENTS && passed_ns < LOOK_NS)
        return;
    bool many = count * POLKAI_SPREAD_FAST_NS * MANY_SHARE > (uint64_t)passed_ns * spread->lane_count;
    spread->fast = many && busy_ns < count * POLKAI_SPREAD_FAST_NS;
    spread->looked_ns = now_ns;
    for (unsigned i = 0; i < spread->lane_count; i++) {
        spread->lanes[i].seen_handled = atomic_load_explicit(&spread->lanes[i].handled, memory_order_relaxed);
        spread->lanes[i].seen_busy_ns = atomic_load_explicit(&spread->lanes[i].busy_ns, memory_order_relaxed);
    }
}

void polkai_spread_begin_anew(polkai_spread *spread, unsigned lane, unsigned waiting)
{
    lane_of_spread *at = &spread->lanes[lane];
    at->seen_handled = atomic_load_explicit(&at->given, memory_order_relaxed) - waiting;
    atomic_store(&at->handled, at->seen_handled);
}

/* ---- on the lane ---- */

void polkai_spread_handled(polkai_spread *spread, unsigned lane, unsigned count, int64_t took_ns)
{
    lane_of_spread *at = &spread->lanes[lane];
    atomic_store_explicit(&at->busy_ns, atomic_load_explicit(&at->busy_ns, memory_order_relaxed) + (uint64_t)took_ns, memory_order_relaxed);
    atomic_store_explicit(&at->handled, atomic_load_explicit(&at->handled, memory_order_relaxed) + count, memory_order_release);
}

bool polkai_spread_end_soon(polkai_spread *spread, unsigned place, unsigned lane)
{
    if (!atomic_load(&spread->holding))
        return false;
    pthread_mutex_lock(&spread->lock);
    bool held = spread->held > 0;
    if (held)
        end(spread, place, lane);
    pthread_mutex_unlock(&spread->lock);
    return held;
}

/* What it was given comes first: among that may be earlier ones of the same key, under way to it. */
static polkai_lane_item *take_own(polkai_spread *spread, unsigned lane)
{
    lane_of_spread *at = &spread->lanes[lane];
    if (spread->held == 0 || load_of(at) > 0)
        return NULL;
    unsigned place = spread->ready.first != NONE ? spread->ready.first : at->bound.first;
    return place == NONE ? NULL : take_held(spread, place, lane);
}

polkai_lane_item *polkai_spread_take(polkai_spread *spread, unsigned lane, bool *wanting)
{
    *wanting = false;
    if (!atomic_load(&spread->holding))
        return NULL;
    pthread_mutex_lock(&spread->lock);
    polkai_lane_item *item = take_own(spread, lane);
    *wanting = item == NULL && spread->held > 0 && load_of(&spread->lanes[lane]) == 0;
    pthread_mutex_unlock(&spread->lock);
    return item;
}
