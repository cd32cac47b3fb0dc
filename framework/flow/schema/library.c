/*
 * library.c: open-addressing tables: the readings by (key, event type), for the hot path, and the writers' schemas by key. A
 * slot is a cache line that holds the answer itself; it is written once. A full table is copied into a larger one, and the old
 * ones stay until the end, since somebody may still look into them, or hold a reading of theirs (together they are smaller than
 * the newest).
 */
#include <flow/schema/library.h>

#include <avro/canonical.h>
#include <base/arena.h>
#include <base/error.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    polkai_writer_schema seen;           /* first: what others see of it */
    polkai_schema_set *set;              /* NULL: not parsed yet */
    const polka_error *broken;           /* it does not parse; of a compiled one only, and only in a broken build */
} writer;

/* One cache line. What is compared, and the answer, are written before `whose`. */
typedef struct {
    _Alignas(64) atomic_uintptr_t whose; /* the event (of a writer: none) and the kind of the key; 0: free */
    uint64_t number, guid_high;
    polkai_reading reading;
} slot;

typedef struct table {
    struct table *before;
    size_t mask, count;
    slot *slots;
} table;

struct polkai_library {
    _Atomic(table *) readings;
    table *written;                      /* the writers: `reading.writer` is all that a slot has */
    pthread_mutex_t lock;                /* of all changes, and of `written` */
    polka_arena arena;
    writer **writers;
    size_t writer_count;
    polkai_plan **plans;
    size_t plan_count;
};

enum { FIRST_SLOTS = 64 };

/* ---- tables ---- */

_Static_assert(_Alignof(polka_event) > POLKAI_BY_GUID, "the kind of a key fits below an event's address");

static uintptr_t whose_of(const polkai_schema_key *key, const polka_event *event)
{
    return (uintptr_t)event + (uintptr_t)key->kind;
}

static uint64_t hash_of(uintptr_t whose, uint64_t number, uint64_t guid_high)
{
    uint64_t mixed = (number ^ guid_high ^ (uint64_t)whose) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed ^ mixed >> 32;
}

static table *table_create(size_t slots, table *before)
{
    table *made = polkai_alloc(sizeof *made);
    *made = (table){ .before = before, .mask = slots - 1, .slots = polkai_alloc_lines(slots * sizeof(slot)) };
    return made;
}

static void tables_destroy(table *newest)
{
    for (table *at = newest; at != NULL;) {
        table *before = at->before;
        free(at->slots);
        free(at);
        at = before;
    }
}

/* NULL: not there. */
static const slot *look(const table *in, const polkai_schema_key *key, const polka_event *event)
{
    const uintptr_t whose = whose_of(key, event);
    for (uint64_t hash = hash_of(whose, key->number, key->guid_high);; hash++) {
        const slot *at = &in->slots[hash & in->mask];
        uintptr_t found = atomic_load_explicit(&at->whose, memory_order_acquire);
        if (found == whose && at->number == key->number && at->guid_high == key->guid_high)
            return at;
        if (found == 0)
            return NULL;
    }
}

static const slot *put(table *into, uintptr_t whose, uint64_t number, uint64_t guid_high, const polkai_reading *reading)
{
    uint64_t hash = hash_of(whose, number, guid_high);
    while (atomic_load_explicit(&into->slots[hash & into->mask].whose, memory_order_relaxed) != 0)
        hash++;
    slot *at = &into->slots[hash & into->mask];
    at->number = number;
    at->guid_high = guid_high;
    at->reading = *reading;
    atomic_store_explicit(&at->whose, whose, memory_order_release);
    into->count++;
    return at;
}

/* `now` itself, or a larger one with all of it when one more would fill it. */
static table *with_room(table *now)
{
    if (2 * (now->count + 1) <= now->mask)
        return now;
    table *larger = table_create(2 * (now->mask + 1), now);
    for (size_t i = 0; i <= now->mask; i++) {
        const slot *each = &now->slots[i];
        uintptr_t whose = atomic_load_explicit(&each->whose, memory_order_relaxed);
        if (whose != 0)
            put(larger, whose, each->number, each->guid_high, &each->reading);
    }
    return larger;
}

static const table *readings(const polkai_library *library)
{
    return atomic_load_explicit(&library->readings, memory_order_acquire);
}

/* ---- life ---- */

polkai_library *polkai_library_create(void)
{
    polkai_library *library = polkai_alloc(sizeof *library);
    pthread_mutex_init(&library->lock, NULL);
    atomic_init(&library->readings, table_create(FIRST_SLOTS, NULL));
    library->written = table_create(FIRST_SLOTS, NULL);
    return library;
}

void polkai_library_destroy(polkai_library *library)
{
    if (library == NULL)
        return;
    tables_destroy(atomic_load(&library->readings));
    tables_destroy(library->written);
    for (size_t i = 0; i < library->plan_count; i++)
        polkai_plan_destroy(library->plans[i]);
    for (size_t i = 0; i < library->writer_count; i++)
        polkai_schema_set_destroy(library->writers[i]->set);
    free(library->plans);
    free(library->writers);
    polkai_arena_deinit(&library->arena);
    pthread_mutex_destroy(&library->lock);
    free(library);
}

/* ---- writers ---- */

/* NULL: not here. */
static writer *writer_of(const polkai_library *library, const polkai_schema_key *key)
{
    const slot *found = look(library->written, key, NULL);
    return found == NULL ? NULL : (writer *)(uintptr_t)found->reading.writer;
}

static void publish_writer(polkai_library *library, const polkai_schema_key *key, const writer *by)
{
    library->written = with_room(library->written);
    put(library->written, whose_of(key, NULL), key->number, key->guid_high, &(polkai_reading){ .writer = &by->seen });
}

static writer *add_writer(polkai_library *library, const char *text, uint64_t fingerprint, unsigned version)
{
    writer *made = polkai_arena_zeroed(&library->arena, 1, sizeof *made);
    made->seen = (polkai_writer_schema){ .text = text, .fingerprint = fingerprint, .version = version };
    library->writers = polkai_realloc(library->writers, (library->writer_count + 1) * sizeof *library->writers);
    return library->writers[library->writer_count++] = made;
}

static void know_one(polkai_library *library, uint64_t fingerprint, const char *text, unsigned version)
{
    polkai_schema_key key = polkai_schema_by_fingerprint(fingerprint);
    if (text != NULL && writer_of(library, &key) == NULL)
        publish_writer(library, &key, add_writer(library, text, fingerprint, version));
}

void polkai_library_know(polkai_library *library, const polka_event *event)
{
    pthread_mutex_lock(&library->lock);
    know_one(library, event->fingerprint, event->schema, event->version);
    for (size_t i = 0; event->codec != NULL && i < event->codec->older_count; i++)
        know_one(library, event->codec->older[i].fingerprint, event->codec->older[i].schema, event->codec->older[i].version);
    pthread_mutex_unlock(&library->lock);
}

static const polka_error *kept(polkai_library *library, const polka_error *error)
{
    polka_error *copy = polka_arena_alloc(&library->arena, sizeof *copy);
    *copy = *error;
    return copy;
}

static const polkai_schema *parsed(polkai_library *library, writer *of)
{
    if (of->set != NULL)
        return of->seen.schema;
    of->set = polkai_schema_set_create();
    polka_error error;
    if (polkai_schema_parse(of->set, polka_text_of(of->seen.text), NULL, &of->seen.schema, &error) != POLKA_OK) {
        of->broken = kept(library, &error);
        of->seen.schema = NULL;
    }
    return of->seen.schema;
}

static polka_status check(const polkai_schema_key *key, polka_text text, polkai_schema_set *set, const polkai_schema **schema, uint64_t *fingerprint,
                          polka_error *error)
{
    TRY(polkai_schema_parse(set, text, NULL, schema, error));
    *fingerprint = polkai_schema_fingerprint(*schema);
    ENSURE(key->kind != POLKAI_BY_FINGERPRINT || *fingerprint == key->number, POLKA_POISON, error, "wrong-fingerprint",
           "the schema %s that stands under %016" PRIx64 " has the fingerprint %016" PRIx64, (*schema)->name != NULL ? (*schema)->name : "without a name",
           key->number, *fingerprint);
    return POLKA_OK;
}

polka_status polkai_library_add(polkai_library *library, const polkai_schema_key *key, polka_text text, polka_error *error)
{
    const polkai_schema *schema;
    uint64_t fingerprint;
    polkai_schema_set *set = polkai_schema_set_create();
    polka_status status = check(key, text, set, &schema, &fingerprint, error);
    if (status != POLKA_OK) {
        polkai_schema_set_destroy(set);
        return status;
    }
    pthread_mutex_lock(&library->lock);
    if (writer_of(library, key) != NULL) {
        polkai_schema_set_destroy(set);
    } else {
        writer *made = add_writer(library, polkai_arena_text(&library->arena, text.data, text.size).data, fingerprint, 0);
        made->set = set;
        made->seen.schema = schema;
        publish_writer(library, key, made);
    }
    pthread_mutex_unlock(&library->lock);
    return POLKA_OK;
}

const polkai_writer_schema *polkai_library_writer(polkai_library *library, const polkai_schema_key *key)
{
    pthread_mutex_lock(&library->lock);
    writer *found = writer_of(library, key);
    const polkai_writer_schema *seen = found != NULL && parsed(library, found) != NULL ? &found->seen : NULL;
    pthread_mutex_unlock(&library->lock);
    return seen;
}

/* ---- readings ---- */

const polkai_reading *polkai_library_find(const polkai_library *library, const polkai_schema_key *key, const polka_event *event)
{
    const slot *found = look(readings(library), key, event);
    return found == NULL ? NULL : &found->reading;
}

polka_status polkai_reading_explain(const polkai_reading *reading, const polkai_schema_key *key, const polka_event *event, polka_bytes body,
                                    const polkai_walk_limits *limits, polka_error *error)
{
    char name[POLKAI_SCHEMA_KEY_TEXT + 1], version[24] = "";
    polka_error better;
    /* the reader saw what the plan made, where offsets are others */
    if (reading->plan != NULL && polkai_walk(reading->writer->schema, body, limits, &better) != POLKA_OK)
        *error = better;
    if (reading->writer->version != 0)
        snprintf(version, sizeof version, " (version %u)", reading->writer->version);
    polkai_error_where(error, "version %u of %s cannot read what was written with %s%s", event->version, event->name,
                       polkai_schema_key_text(key, name), version);
    return error->status;
}

/* The decoder of the writer's version; NULL: this build has none. */
static polka_decode *decoder_of(const polka_event *event, const writer *by)
{
    for (size_t i = 0; event->codec != NULL && i < event->codec->older_count; i++)
        if (event->codec->older[i].fingerprint == by->seen.fingerprint)
            return event->codec->older[i].decode;
    return NULL;
}

/* A version that the build knows has its decoder; for others the plan of the pair; with equal canonical forms none is needed. */
static polkai_reading choose(polkai_library *library, const polka_event *event, writer *by)
{
    polkai_reading made = { .writer = &by->seen, .decode = decoder_of(event, by) };
    if (made.decode != NULL)
        return made;
    made.decode = event->codec == NULL ? NULL : event->codec->decode;
    polkai_schema_key own = polkai_schema_by_fingerprint(event->fingerprint);
    polka_error error;
    writer *reader = writer_of(library, &own);
    if (reader == NULL || reader == by)
        return made;
    const polkai_schema *from = parsed(library, by), *to = parsed(library, reader);
    if (from == NULL || to == NULL) {
        made.refused = from == NULL ? by->broken : reader->broken;
        return made;
    }
    polkai_plan *plan;
    if (polkai_plan_create(&plan, from, to, &error) != POLKA_OK) {
        made.refused = kept(library, &error);
        return made;
    }
    library->plans = polkai_realloc(library->plans, (library->plan_count + 1) * sizeof(polkai_plan *));
    library->plans[library->plan_count++] = plan;
    made.plan = polkai_plan_is_identity(plan) ? NULL : plan;
    return made;
}

const polkai_reading *polkai_library_prepare(polkai_library *library, const polkai_schema_key *key, const polka_event *event)
{
    pthread_mutex_lock(&library->lock);
    const slot *found = look(readings(library), key, event);
    writer *by = found == NULL ? writer_of(library, key) : NULL;
    if (by != NULL) {
        polkai_reading made = choose(library, event, by);
        table *now = with_room(atomic_load_explicit(&library->readings, memory_order_relaxed));
        found = put(now, whose_of(key, event), key->number, key->guid_high, &made);
        atomic_store_explicit(&library->readings, now, memory_order_release);
    }
    pthread_mutex_unlock(&library->lock);
    return found == NULL ? NULL : &found->reading;
}
