/*
 * library.c: one open-addressing table for both questions: (key, event type) gives a reading, (key, no event type) the
 * writer's schema. A slot is written once; a full table is copied into a larger one, and the old ones stay until the end,
 * since somebody may still look into them (together they are smaller than the newest).
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
    const polka_error *broken;             /* it does not parse; of a compiled one only, and only in a broken build */
} writer;

typedef struct {
    polkai_reading reading;              /* first: what most come for */
    polkai_schema_key key;
    const polka_event *event;            /* NULL: `writer` is meant */
    writer *writer;
} entry;

/* Two in a cache line. What is compared stands here, and is written before `entry`. */
typedef struct {
    _Atomic(const entry *) entry;        /* NULL: free */
    uint64_t number, guid_high;
    const polka_event *event;
} slot;

typedef struct table {
    struct table *before;
    size_t mask, count;
    slot *slots;
} table;

struct polkai_library {
    _Atomic(table *) table;
    pthread_mutex_t lock;                /* of all changes */
    polka_arena arena;
    writer **writers;
    size_t writer_count;
    polkai_plan **plans;
    size_t plan_count;
};

enum { FIRST_SLOTS = 64 };

static uint64_t hash_of(const polkai_schema_key *key, const polka_event *event)
{
    uint64_t mixed = (key->number ^ key->guid_high ^ (uint64_t)key->kind << 62 ^ (uint64_t)(uintptr_t)event) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed ^ mixed >> 32;
}

static table *table_create(size_t slots, table *before)
{
    table *made = polkai_alloc(sizeof *made);
    *made = (table){ .before = before, .mask = slots - 1, .slots = polkai_alloc(slots * sizeof(slot)) };
    return made;
}

polkai_library *polkai_library_create(void)
{
    polkai_library *library = polkai_alloc(sizeof *library);
    pthread_mutex_init(&library->lock, NULL);
    atomic_init(&library->table, table_create(FIRST_SLOTS, NULL));
    return library;
}

void polkai_library_destroy(polkai_library *library)
{
    if (library == NULL)
        return;
    for (table *at = atomic_load(&library->table); at != NULL;) {
        table *before = at->before;
        free(at->slots);
        free(at);
        at = before;
    }
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

/* ---- the table ---- */

static const entry *look(const polkai_library *library, const polkai_schema_key *key, const polka_event *event)
{
    const table *now = atomic_load_explicit(&library->table, memory_order_acquire);
    for (uint64_t hash = hash_of(key, event);; hash++) {
        const slot *at = &now->slots[hash & now->mask];
        const entry *found = atomic_load_explicit(&at->entry, memory_order_acquire);
        if (found == NULL || (at->number == key->number && at->event == event && at->guid_high == key->guid_high && found->key.kind == key->kind))
            return found;
    }
}

static void put(table *into, const entry *made)
{
    uint64_t hash = hash_of(&made->key, made->event);
    while (atomic_load_explicit(&into->slots[hash & into->mask].entry, memory_order_relaxed) != NULL)
        hash++;
    slot *at = &into->slots[hash & into->mask];
    at->number = made->key.number;
    at->guid_high = made->key.guid_high;
    at->event = made->event;
    atomic_store_explicit(&at->entry, made, memory_order_release);
    into->count++;
}

static table *grown(polkai_library *library, table *old)
{
    table *larger = table_create(2 * (old->mask + 1), old);
    for (size_t i = 0; i <= old->mask; i++) {
        const entry *each = atomic_load_explicit(&old->slots[i].entry, memory_order_relaxed);
        if (each != NULL)
            put(larger, each);
    }
    atomic_store_explicit(&library->table, larger, memory_order_release);
    return larger;
}

static entry *add_entry(polkai_library *library, const polkai_schema_key *key, const polka_event *event, writer *by)
{
    entry *made = polkai_arena_zeroed(&library->arena, 1, sizeof *made);
    *made = (entry){ .key = *key, .event = event, .writer = by, .reading = { .writer = &by->seen } };
    return made;
}

static void publish(polkai_library *library, const entry *made)
{
    table *now = atomic_load_explicit(&library->table, memory_order_relaxed);
    put(2 * (now->count + 1) > now->mask ? grown(library, now) : now, made);
}

/* ---- writers ---- */

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
    if (text != NULL && look(library, &key, NULL) == NULL)
        publish(library, add_entry(library, &key, NULL, add_writer(library, text, fingerprint, version)));
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
    if (look(library, key, NULL) != NULL) {
        polkai_schema_set_destroy(set);
    } else {
        writer *made = add_writer(library, polkai_arena_text(&library->arena, text.data, text.size).data, fingerprint, 0);
        made->set = set;
        made->seen.schema = schema;
        publish(library, add_entry(library, key, NULL, made));
    }
    pthread_mutex_unlock(&library->lock);
    return POLKA_OK;
}

const polkai_writer_schema *polkai_library_writer(polkai_library *library, const polkai_schema_key *key)
{
    pthread_mutex_lock(&library->lock);
    const entry *found = look(library, key, NULL);
    const polkai_writer_schema *seen = found != NULL && parsed(library, found->writer) != NULL ? &found->writer->seen : NULL;
    pthread_mutex_unlock(&library->lock);
    return seen;
}

/* ---- readings ---- */

const polkai_reading *polkai_library_find(const polkai_library *library, const polkai_schema_key *key, const polka_event *event)
{
    const entry *found = look(library, key, event);
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
static void choose(polkai_library *library, entry *made)
{
    const polka_event *event = made->event;
    made->reading.decode = decoder_of(event, made->writer);
    if (made->reading.decode != NULL)
        return;
    made->reading.decode = event->codec == NULL ? NULL : event->codec->decode;
    polkai_schema_key own = polkai_schema_by_fingerprint(event->fingerprint);
    polka_error error;
    const entry *reader = look(library, &own, NULL);
    if (reader == NULL || reader->writer == made->writer)
        return;
    const polkai_schema *from = parsed(library, made->writer), *to = parsed(library, reader->writer);
    if (from == NULL || to == NULL) {
        made->reading.refused = from == NULL ? made->writer->broken : reader->writer->broken;
        return;
    }
    polkai_plan *plan;
    if (polkai_plan_create(&plan, from, to, &error) != POLKA_OK) {
        made->reading.refused = kept(library, &error);
        return;
    }
    library->plans = polkai_realloc(library->plans, (library->plan_count + 1) * sizeof(polkai_plan *));
    library->plans[library->plan_count++] = plan;
    made->reading.plan = polkai_plan_is_identity(plan) ? NULL : plan;
}

const polkai_reading *polkai_library_prepare(polkai_library *library, const polkai_schema_key *key, const polka_event *event)
{
    pthread_mutex_lock(&library->lock);
    const entry *found = look(library, key, event);
    const entry *written = found == NULL ? look(library, key, NULL) : NULL;
    if (written != NULL) {
        entry *made = add_entry(library, key, event, written->writer);
        choose(library, made);
        publish(library, made);
        found = made;
    }
    pthread_mutex_unlock(&library->lock);
    return found == NULL ? NULL : &found->reading;
}
