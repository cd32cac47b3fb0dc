/* parking.c: a hash table from (topic, partition, key) to a queue, and the firsts in a binary heap by due time. */
#include <base/arena.h>
#include <base/identity.h>
#include <side/parking/parking.h>

#include <stdlib.h>

typedef struct place place;
struct place {
    place *next;                         /* of the same bucket */
    uint32_t hash;
    size_t heap_index;
    polkai_parked *first, *last;
};

struct polkai_parking {
    place **buckets;                     /* bucket_count is a power of two */
    size_t bucket_count;
    place **heap;                        /* least due first */
    size_t heap_count, heap_capacity;
    size_t count;
};

enum { FIRST_BUCKETS = 64 };

polkai_parking *polkai_parking_create(void)
{
    polkai_parking *parking = polkai_alloc(sizeof *parking);
    parking->bucket_count = FIRST_BUCKETS;
    parking->buckets = polkai_alloc(FIRST_BUCKETS * sizeof *parking->buckets);
    return parking;
}

void polkai_parking_destroy(polkai_parking *parking)
{
    if (parking == NULL)
        return;
    for (size_t i = 0; i < parking->heap_count; i++)
        free(parking->heap[i]);
    free(parking->heap);
    free(parking->buckets);
    free(parking);
}

/* ---- heap ---- */

static void heap_set(polkai_parking *parking, size_t index, place *item)
{
    parking->heap[index] = item;
    item->heap_index = index;
}

static void heap_up(polkai_parking *parking, size_t index)
{
    place *item = parking->heap[index];
    for (; index > 0 && parking->heap[(index - 1) / 2]->first->due_ns > item->first->due_ns; index = (index - 1) / 2)
        heap_set(parking, index, parking->heap[(index - 1) / 2]);
    heap_set(parking, index, item);
}

static void heap_down(polkai_parking *parking, size_t index)
{
    place *item = parking->heap[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= parking->heap_count)
            break;
        if (child + 1 < parking->heap_count && parking->heap[child + 1]->first->due_ns < parking->heap[child]->first->due_ns)
            child++;
        if (parking->heap[child]->first->due_ns >= item->first->due_ns)
            break;
        heap_set(parking, index, parking->heap[child]);
        index = child;
    }
    heap_set(parking, index, item);
}

static void heap_remove(polkai_parking *parking, place *item)
{
    size_t index = item->heap_index;
    place *last = parking->heap[--parking->heap_count];
    if (last == item)
        return;
    heap_set(parking, index, last);
    heap_up(parking, index);
    heap_down(parking, last->heap_index);
}

/* ---- table ---- */

static uint32_t hash_of(const polkai_record *record)
{
    return polkai_key_hash(record->key.data, record->key.size) ^ ((uint32_t)record->partition * 0x9e3779b9u);
}

static bool same_key(const polkai_record *a, const polkai_record *b)
{
    return a->partition == b->partition && a->key.data != NULL && b->key.data != NULL && a->key.size == b->key.size &&
           (a->key.size == 0 || memcmp(a->key.data, b->key.data, a->key.size) == 0) && polka_text_equal(a->topic, b->topic);
}

static place *find(const polkai_parking *parking, const polkai_record *record)
{
    if (record->key.data == NULL)
        return NULL;                     /* no key, no order */
    uint32_t hash = hash_of(record);
    for (place *at = parking->buckets[hash & (parking->bucket_count - 1)]; at != NULL; at = at->next)
        if (at->hash == hash && same_key(at->first->record, record))
            return at;
    return NULL;
}

static void grow(polkai_parking *parking)
{
    size_t count = parking->bucket_count * 2;
    place **buckets = polkai_alloc(count * sizeof *buckets);
    for (size_t i = 0; i < parking->heap_count; i++) {
        place *item = parking->heap[i];
        item->next = buckets[item->hash & (count - 1)];
        buckets[item->hash & (count - 1)] = item;
    }
    free(parking->buckets);
    parking->buckets = buckets;
    parking->bucket_count = count;
}

static polkai_parked *take_out(polkai_parking *parking, place *item)
{
    place **at = &parking->buckets[item->hash & (parking->bucket_count - 1)];
    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
    heap_remove(parking, item);
    polkai_parked *first = item->first;
    for (polkai_parked *each = first; each != NULL; each = each->next)
        parking->count--;
    free(item);
    return first;
}

/* ---- operations ---- */

void polkai_parking_return(polkai_parking *parking, polkai_parked *first, polkai_parked *behind)
{
    place *item = polkai_alloc(sizeof *item);
    if (parking->heap_count == parking->bucket_count)
        grow(parking);
    if (parking->heap_count == parking->heap_capacity) {
        parking->heap_capacity = parking->heap_capacity == 0 ? FIRST_BUCKETS : parking->heap_capacity * 2;
        parking->heap = polkai_realloc(parking->heap, parking->heap_capacity * sizeof *parking->heap);
    }
    first->next = behind;
    item->first = item->last = first;
    item->hash = hash_of(first->record);
    for (parking->count++; item->last->next != NULL; parking->count++)
        item->last = item->last->next;
    place **bucket = &parking->buckets[item->hash & (parking->bucket_count - 1)];
    item->next = *bucket;
    *bucket = item;
    heap_set(parking, parking->heap_count++, item);
    heap_up(parking, item->heap_index);
}

void polkai_parking_park(polkai_parking *parking, polkai_parked *item)
{
    polkai_parking_return(parking, item, NULL);
}

bool polkai_parking_follow(polkai_parking *parking, polkai_parked *item)
{
    place *waiting = find(parking, item->record);
    if (waiting == NULL)
        return false;
    item->next = NULL;
    waiting->last->next = item;
    waiting->last = item;
    parking->count++;
    return true;
}

polkai_parked *polkai_parking_due(polkai_parking *parking, int64_t now_ns)
{
    if (parking->heap_count == 0 || parking->heap[0]->first->due_ns > now_ns)
        return NULL;
    return take_out(parking, parking->heap[0]);
}

void polkai_parking_hurry(polkai_parking *parking, bool (*earlier)(polkai_parked *first, void *user), void *user)
{
    for (size_t i = 0; i < parking->heap_count; i++)     /* what moves up changes places with ones already looked at */
        if (earlier(parking->heap[i]->first, user))
            heap_up(parking, i);
}

/* Takes the wanted ones out of those behind the first of a key. */
static polkai_parked *sweep_behind(polkai_parking *parking, place *item, bool (*wanted)(const polkai_parked *, void *), void *user)
{
    polkai_parked *taken = NULL;
    polkai_parked **at = &item->first->next;
    item->last = item->first;
    while (*at != NULL) {
        polkai_parked *each = *at;
        if (wanted(each, user)) {
            *at = each->next;
            each->next = taken;
            taken = each;
            parking->count--;
        } else {
            item->last = each;
            at = &each->next;
        }
    }
    return taken;
}

polkai_parked *polkai_parking_sweep(polkai_parking *parking, bool (*wanted)(const polkai_parked *, void *), void *user)
{
    polkai_parked *taken = NULL;
    for (size_t i = 0; i < parking->heap_count;) {
        place *item = parking->heap[i];
        bool whole = wanted(item->first, user);
        polkai_parked *some = whole ? take_out(parking, item) : sweep_behind(parking, item, wanted, user);
        while (some != NULL) {
            polkai_parked *next = some->next;
            some->next = taken;
            taken = some;
            some = next;
        }
        i = whole ? 0 : i + 1;           /* taking out moved the heap */
    }
    return taken;
}

int64_t polkai_parking_next_due_ns(const polkai_parking *parking)
{
    return parking->heap_count == 0 ? INT64_MAX : parking->heap[0]->first->due_ns;
}

size_t polkai_parking_keys(const polkai_parking *parking)
{
    return parking->heap_count;
}

size_t polkai_parking_count(const polkai_parking *parking)
{
    return parking->count;
}
