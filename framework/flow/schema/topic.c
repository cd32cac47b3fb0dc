/*
 * topic.c: what the records of polka.schemas say, by fingerprint. Each is checked when it is read; then its text alone is kept.
 *
 * Compaction leaves gaps, but never takes the last record; a transaction's marker may be the last. So the end is reached at
 * the last offset, or when nothing has come for a while and the broker still answers.
 */
#include <flow/schema/topic.h>

#include <avro/canonical.h>
#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>

enum { BATCH = 64, POLL_MS = 100, IDLE_END_MS = 3000, SILENT_MS = 10000, FIRST_SLOTS = 64, CLOSE_MS = 1000 };

typedef struct { uint64_t fingerprint; char *text; size_t size; } known;       /* text NULL: a free slot */

/* Of one partition: from where on nothing was read yet; where it ends, as of this read. */
typedef struct { int64_t next, end; } place;

struct polkai_schema_topic {
    const polkai_schema_cluster *cluster;
    const polkai_clock *clock;
    const polkai_log *log;
    place *places;                       /* one a partition: the topic has one, unless somebody else made it */
    int32_t place_count;
    known *slots;                        /* open addressing */
    size_t slot_count, count;
    polka_error outage;                  /* what the source noticed during a read */
};

polkai_schema_topic *polkai_schema_topic_create(const polkai_schema_cluster *cluster, const polkai_clock *clock, const polkai_log *log)
{
    polkai_schema_topic *made = polkai_alloc(sizeof *made);
    *made = (polkai_schema_topic){ .cluster = cluster, .clock = clock, .log = log, .slot_count = FIRST_SLOTS };
    made->slots = polkai_alloc(FIRST_SLOTS * sizeof *made->slots);
    return made;
}

void polkai_schema_topic_destroy(polkai_schema_topic *topic)
{
    if (topic == NULL)
        return;
    for (size_t i = 0; i < topic->slot_count; i++)
        free(topic->slots[i].text);
    free(topic->slots);
    free(topic->places);
    free(topic);
}

/* ---- what is known ---- */

static known *slot_of(known *slots, size_t count, uint64_t fingerprint)
{
    size_t at = (size_t)(fingerprint * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (count - 1);
    while (slots[at].text != NULL && slots[at].fingerprint != fingerprint)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static void grow(polkai_schema_topic *topic)
{
    size_t larger = 2 * topic->slot_count;
    known *slots = polkai_alloc(larger * sizeof *slots);
    for (size_t i = 0; i < topic->slot_count; i++)
        if (topic->slots[i].text != NULL)
            *slot_of(slots, larger, topic->slots[i].fingerprint) = topic->slots[i];
    free(topic->slots);
    topic->slots = slots;
    topic->slot_count = larger;
}

static void remember(polkai_schema_topic *topic, uint64_t fingerprint, polka_bytes text)
{
    if (2 * (topic->count + 1) > topic->slot_count)
        grow(topic);
    known *slot = slot_of(topic->slots, topic->slot_count, fingerprint);
    topic->count += slot->text == NULL;
    free(slot->text);
    *slot = (known){ fingerprint, polkai_alloc(text.size + 1), text.size };
    memcpy(slot->text, text.data, text.size);
}

polka_text polkai_schema_topic_find(const polkai_schema_topic *topic, uint64_t fingerprint)
{
    const known *slot = slot_of(topic->slots, topic->slot_count, fingerprint);
    return (polka_text){ slot->size, slot->text };
}

size_t polkai_schema_topic_count(const polkai_schema_topic *topic)
{
    return topic->count;
}

/* ---- one record ---- */

static bool read_key(polka_bytes key, uint64_t *fingerprint)
{
    *fingerprint = 0;
    for (size_t i = 0; i < key.size; i++) {
        int digit = key.data[i] >= '0' && key.data[i] <= '9' ? key.data[i] - '0' : key.data[i] >= 'a' && key.data[i] <= 'f' ? key.data[i] - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        *fingerprint = *fingerprint << 4 | (uint64_t)digit;
    }
    return key.data != NULL && key.size == 16;
}

static polka_status check(const polkai_record *record, uint64_t *fingerprint, polka_error *error)
{
    ENSURE(read_key(record->key, fingerprint), POLKA_POISON, error, "bad-key", "its key is not a fingerprint of 16 lower-case hex digits");
    const polkai_schema *schema = NULL;
    polkai_schema_set *set = polkai_schema_set_create();
    polka_status status = polkai_schema_parse(set, (polka_text){ record->value.size, (const char *)record->value.data }, NULL, &schema, error);
    uint64_t found = status == POLKA_OK ? polkai_schema_fingerprint(schema) : 0;
    polkai_schema_set_destroy(set);
    TRY(status);
    ENSURE(found == *fingerprint, POLKA_POISON, error, "wrong-fingerprint", "its key is %016" PRIx64 ", and its schema has the fingerprint %016" PRIx64,
           *fingerprint, found);
    return POLKA_OK;
}

/* A record without a value takes nothing back: what was written with that schema may still be on its way. */
static void take(polkai_schema_topic *topic, const polkai_record *record)
{
    uint64_t fingerprint;
    polka_error error = { .status = POLKA_OK };
    if (record->value.data == NULL)
        return;
    if (check(record, &fingerprint, &error) == POLKA_OK)
        remember(topic, fingerprint, record->value);
    else
        LOG_WARN(topic->log, "the record at " POLKAI_SCHEMA_TOPIC "/%" PRId32 "/%" PRId64 " is left out: %s", record->partition, record->offset, error.message);
}

/* ---- reading on ---- */

typedef struct { polkai_schema_topic *topic; polkai_admin *admin; polkai_source *source; bool (*stop)(void *user); void *user; } pass;

static void ignore_assigned(void *user, const polkai_position *partitions, size_t count)
{
    (void)user, (void)partitions, (void)count;
}

static void notice(void *user, polka_status status, const char *message)
{
    polkai_schema_topic *topic = user;
    if (status == POLKA_OK)
        topic->outage.status = POLKA_OK;
    else
        polkai_fail(&topic->outage, POLKA_TRANSIENT, "schemas-unreachable", "%s", message);
}

static polka_status unreachable(polka_error *error, const polka_error *why)
{
    polka_error reason = *why;           /* it may be the same */
    return polkai_fail(error, POLKA_TRANSIENT, "schemas-unreachable", POLKAI_SCHEMA_TOPIC " cannot be read: %s", reason.message);
}

/* How many partitions there are. That there is no such topic says nothing of any schema: whoever writes values may not have made it yet. */
static polka_status count_partitions(const pass *of, int32_t *partitions, polka_error *error)
{
    polkai_topic *topics = NULL;
    size_t count = 0;
    *partitions = 0;
    if (of->admin->operations->topics(of->admin, &topics, &count, error) != POLKA_OK)
        return unreachable(error, error);
    for (size_t i = 0; i < count; i++)
        if (strcmp(topics[i].name, POLKAI_SCHEMA_TOPIC) == 0)
            *partitions = topics[i].partitions;
    free(topics);
    if (*partitions > 0)
        return POLKA_OK;
    for (int32_t i = 0; i < of->topic->place_count; i++)
        of->topic->places[i] = (place){ 0, 0 };          /* one that comes is another */
    return polkai_fail(error, POLKA_TRANSIENT, "schemas-unreachable", POLKAI_SCHEMA_TOPIC " does not exist; create it: polka topics apply --execute");
}

static void place_ends(place *at, int64_t low, int64_t end)
{
    at->end = end;
    if (at->end < at->next)
        at->next = 0;
    if (at->next < low)
        at->next = low;
}

/* Where each partition ends now; one that ends before what was read of it was made anew, and is read anew. */
static polka_status ask_ends(const pass *of, polka_error *error)
{
    polkai_schema_topic *topic = of->topic;
    int32_t partitions;
    TRY(count_partitions(of, &partitions, error));
    if (partitions > topic->place_count)
        topic->places = polkai_realloc(topic->places, (size_t)partitions * sizeof *topic->places);
    for (; topic->place_count < partitions; topic->place_count++)
        topic->places[topic->place_count] = (place){ 0, 0 };
    polkai_extent *extents = polkai_alloc((size_t)partitions * sizeof *extents);
    for (int32_t i = 0; i < partitions; i++)
        extents[i] = (polkai_extent){ .topic = POLKA_TEXT(POLKAI_SCHEMA_TOPIC), .partition = i };
    polka_status status = of->admin->operations->watermarks(of->admin, extents, (size_t)partitions, error);
    for (int32_t i = 0; status == POLKA_OK && i < topic->place_count; i++)
        place_ends(&topic->places[i], i < partitions && extents[i].high >= 0 ? extents[i].low : 0, i < partitions && extents[i].high >= 0 ? extents[i].high : 0);
    free(extents);
    return status == POLKA_OK ? POLKA_OK : unreachable(error, error);
}

static bool is_read(const polkai_schema_topic *topic)
{
    for (int32_t i = 0; i < topic->place_count; i++)
        if (topic->places[i].next < topic->places[i].end)
            return false;
    return true;
}

static polka_status start(pass *of, polka_error *error)
{
    const polkai_schema_topic *topic = of->topic;
    polkai_position *from = polkai_alloc((size_t)topic->place_count * sizeof *from);
    size_t count = 0;
    for (int32_t i = 0; i < topic->place_count; i++)
        if (topic->places[i].next < topic->places[i].end)
            from[count++] = (polkai_position){ POLKA_TEXT(POLKAI_SCHEMA_TOPIC), i, topic->places[i].next };
    polkai_start how = { .positions = from, .position_count = count, .listener = { .user = of->topic, .assigned = ignore_assigned, .notice = notice } };
    polka_status status = topic->cluster->open_source(topic->cluster->user, &of->source, error);
    if (status == POLKA_OK)
        status = of->source->operations->start(of->source, &how, error);
    free(from);
    return status == POLKA_OK ? POLKA_OK : unreachable(error, error);
}

static int64_t now_ms(const pass *of)
{
    return of->topic->clock->steady_ns(of->topic->clock) / 1000000;
}

static size_t take_some(const pass *of, int timeout_ms)
{
    polkai_record records[BATCH];
    size_t count = of->source->operations->poll(of->source, records, BATCH, timeout_ms);
    for (size_t i = 0; i < count; i++) {
        take(of->topic, &records[i]);
        if (records[i].partition >= 0 && records[i].partition < of->topic->place_count)
            of->topic->places[records[i].partition].next = records[i].offset + 1;
        polkai_record_release(&records[i]);
    }
    return count;
}

/* Nothing has come for a while. The broker answers, so there is nothing more up to where the topic ended. */
static polka_status take_as_read(const pass *of, polka_error *error)
{
    polkai_schema_topic *topic = of->topic;
    int32_t partitions;
    TRY(count_partitions(of, &partitions, error));
    for (int32_t i = 0; i < topic->place_count; i++)
        if (topic->places[i].next < topic->places[i].end)
            topic->places[i].next = topic->places[i].end;
    return POLKA_OK;
}

static polka_status read_on(pass *of, polka_error *error)
{
    const polkai_schema_topic *topic = of->topic;
    bool real = topic->clock == &polkai_clock_real, some = false;        /* a clock of a test does not move meanwhile */
    for (int64_t last_ms = now_ms(of); !is_read(topic);) {
        if (of->stop != NULL && of->stop(of->user))
            return polkai_fail(error, POLKA_TRANSIENT, "schemas-unreachable", "stopped before the end of " POLKAI_SCHEMA_TOPIC);
        if (take_some(of, real ? POLL_MS : 0) > 0) {
            some = true;
            last_ms = now_ms(of);
        } else if (!real || now_ms(of) - last_ms > (some ? IDLE_END_MS : SILENT_MS)) {
            if (topic->outage.status != POLKA_OK)
                return unreachable(error, &topic->outage);
            TRY(take_as_read(of, error));
        }
    }
    return POLKA_OK;
}

polka_status polkai_schema_topic_read(polkai_schema_topic *topic, bool (*stop)(void *user), void *user, polka_error *error)
{
    pass of = { .topic = topic, .stop = stop, .user = user };
    topic->outage.status = POLKA_OK;
    polka_status status = topic->cluster->open_admin(topic->cluster->user, &of.admin, error);
    if (status == POLKA_OK)
        status = ask_ends(&of, error);
    else
        unreachable(error, error);
    if (status == POLKA_OK && !is_read(topic))
        status = start(&of, error);
    if (status == POLKA_OK && of.source != NULL)
        status = read_on(&of, error);
    if (of.source != NULL)
        of.source->operations->close(of.source, CLOSE_MS);
    if (of.admin != NULL)
        of.admin->operations->close(of.admin);
    return status == POLKA_OK ? POLKA_OK : POLKA_TRANSIENT;
}
