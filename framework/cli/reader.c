/* reader.c: where reading begins and ends is asked for first, so that "the end" is the moment the command was given. */
#include <cli/reader.h>

#include <base/arena.h>
#include <base/clock.h>
#include <choreography/names.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

/* Compaction and transactions leave gaps, so the end may never be seen: this long without a record counts as the end too. */
enum { IDLE_END_MS = 3000 };

typedef struct {
    polka_text topic;
    int32_t partition;
    int64_t low, next, end;
    int64_t mark;                        /* -1: not known yet */
    int64_t gap;                         /* to before this offset nobody gets anything: the end of a transaction, or what was compacted */
    int64_t last_ns;                     /* when something of it came last */
} read_partition;

struct cli_reader {
    polkai_source *source;
    polka_arena arena;
    polkai_names keys;                   /* "partition/topic", to the number of the partition */
    size_t unfinished, capacity;         /* unfinished: partitions that have not reached their end */
    read_partition *partitions;          /* keys.count of them */
    int64_t last_ns;                     /* when something came last */
    int64_t marked_ns;
    size_t last_found;                   /* index of the last record's partition: the next one is mostly there too */
};

polka_status cli_admin_open(polkai_admin **admin, const cli_connection *connection, polka_error *error)
{
    polkai_kafka_options options = cli_connection_options(connection);
    return polkai_kafka_admin_open(admin, &options, error);
}

void cli_admin_close(polkai_admin **admin)
{
    if (*admin != NULL)
        (*admin)->operations->close(*admin);
    *admin = NULL;
}

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

/* ---- partitions ---- */

static char *key_of(polka_text topic, int32_t partition) { return cli_format("%" PRId32 "/%.*s", partition, POLKA_TEXT_ARGS(topic)); }

static bool has(const cli_reader *reader, const char *topic, int32_t partition)
{
    char *key AUTO(cli_free_text) = key_of(polka_text_of(topic), partition);
    return polkai_names_find(&reader->keys, key) != POLKAI_NO_NAME;
}

/* Partitions of these topics that are there and not read yet. *extents is new. */
static size_t list_new(const cli_reader *reader, const cli_list *topics, const polkai_topic *there, size_t count, polkai_extent **extents)
{
    size_t capacity = 0, found = 0;
    polka_arena arena = { 0 };
    polkai_names wanted = { .arena = &arena };
    *extents = NULL;
    for (size_t i = 0; i < topics->count; i++)
        polkai_names_add(&wanted, topics->items[i]);
    for (size_t i = 0; i < count; i++) {
        bool is_wanted = polkai_names_find(&wanted, there[i].name) != POLKAI_NO_NAME;
        for (int32_t partition = 0; is_wanted && partition < there[i].partitions; partition++) {
            if (has(reader, there[i].name, partition))
                continue;
            if (found == capacity) {
                capacity = 2 * capacity + 64;
                *extents = polkai_realloc(*extents, capacity * sizeof **extents);
            }
            (*extents)[found++] = (polkai_extent){ .topic = polka_text_of(there[i].name), .partition = partition };
        }
    }
    polkai_arena_deinit(&arena);
    return found;
}

/* What was asked for as the end first stays the end, also for a partition where nothing is younger. */
static int64_t first_of(const polkai_extent *extent, int64_t from, int64_t since)
{
    int64_t low = extent->low, high = extent->high, last = from <= POLKAI_OFFSET_TAIL ? high - (POLKAI_OFFSET_TAIL - from) : low;
    int64_t next = from == POLKAI_OFFSET_END ? high : last > low ? last : low;
    return since == POLKAI_OFFSET_START ? next : since < 0 || since > high ? high : since > next ? since : next;
}

static void add_partition(cli_reader *reader, const polkai_extent *extent, int64_t next)
{
    if (extent->high < 0)                /* it was deleted in this moment */
        return;
    char *key AUTO(cli_free_text) = key_of(extent->topic, extent->partition);
    size_t at = polkai_names_add(&reader->keys, key);
    if (at == reader->capacity) {
        reader->capacity = 2 * reader->capacity + 64;
        reader->partitions = polkai_realloc(reader->partitions, reader->capacity * sizeof *reader->partitions);
    }
    reader->partitions[at] = (read_partition){ .topic = polkai_arena_text(&reader->arena, extent->topic.data, extent->topic.size), .partition = extent->partition,
                                               .low = extent->low, .next = next, .end = extent->high };
    reader->unfinished += next < extent->high;
}

/* One question for the ends of all partitions, and one for where they were at a time: nothing is added before both are answered. */
static polka_status add_partitions(cli_reader *reader, polkai_admin *admin, polkai_extent *extents, size_t count, int64_t from, int64_t since_ms, polka_error *error)
{
    polkai_position *since = polkai_alloc((count + 1) * sizeof *since);
    size_t asked = 0;
    polka_status status = admin->operations->watermarks(admin, extents, count, error);
    for (size_t i = 0; status == POLKA_OK && i < count; i++)             /* one that was deleted in this moment would fail the question */
        if (extents[i].high >= 0)
            since[asked++] = (polkai_position){ extents[i].topic, extents[i].partition, POLKAI_OFFSET_START };
    if (status == POLKA_OK && since_ms >= 0 && asked > 0)
        status = admin->operations->since(admin, since_ms, since, asked, error);
    for (size_t i = 0, s = 0; status == POLKA_OK && i < count; i++)
        if (extents[i].high >= 0)
            add_partition(reader, &extents[i], first_of(&extents[i], from, since[s++].offset));
    free(since);
    return status;
}

/* ---- open ---- */

static void ignore_assigned(void *user, const polkai_position *partitions, size_t count)
{
    (void)user, (void)partitions, (void)count;
}

static polkai_position *positions_of(const cli_reader *reader)
{
    polkai_position *positions = polkai_alloc((reader->keys.count + 1) * sizeof *positions);
    for (size_t i = 0; i < reader->keys.count; i++)
        positions[i] = (polkai_position){ reader->partitions[i].topic, reader->partitions[i].partition, reader->partitions[i].next };
    return positions;
}

/* What came and was not taken is read again: each partition begins with what was not given yet. */
static polka_status start(cli_reader *reader, const cli_connection *connection, polka_error *error)
{
    polkai_kafka_options options = cli_connection_options(connection);
    if (reader->source != NULL)
        reader->source->operations->close(reader->source, POLKAI_CLOSE_MS);
    reader->source = NULL;
    TRY(polkai_kafka_source_open(&reader->source, &options, error));
    polkai_position *positions = positions_of(reader);
    polkai_start how = { .positions = positions, .position_count = reader->keys.count, .listener = { .assigned = ignore_assigned } };
    polka_status status = reader->source->operations->start(reader->source, &how, error);
    free(positions);
    reader->last_ns = now_ns();
    if (status == POLKA_OK)
        return POLKA_OK;
    reader->source->operations->close(reader->source, POLKAI_CLOSE_MS);
    reader->source = NULL;
    return status;
}

static polka_status extend(cli_reader *reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t from, int64_t since_ms,
                           bool *extended, polka_error *error)
{
    polkai_topic *there = NULL;
    polkai_extent *extents = NULL;
    size_t count = 0, before = reader->keys.count;
    TRY(admin->operations->topics(admin, &there, &count, error));
    size_t added = list_new(reader, topics, there, count, &extents);
    polka_status status = added == 0 ? POLKA_OK : add_partitions(reader, admin, extents, added, from, connection->embedded ? -1 : since_ms, error);
    free(extents);
    free(there);
    *extended = reader->keys.count > before;
    bool stands = !*extended && (reader->source != NULL || reader->keys.count == 0);     /* else it could not be started the last time */
    return status != POLKA_OK || stands ? status : start(reader, connection, error);
}

static polka_status open_reader(cli_reader **reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t from,
                                int64_t since_ms, polka_error *error)
{
    bool extended;
    cli_reader *made = *reader = polkai_alloc(sizeof *made);
    made->keys.arena = &made->arena;
    made->last_ns = now_ns();
    polka_status status = extend(made, connection, admin, topics, from, since_ms, &extended, error);
    if (status != POLKA_OK) {
        cli_reader_close(made);
        *reader = NULL;
    }
    return status;
}

polka_status cli_reader_extend(cli_reader *reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t since_ms, bool *extended,
                               polka_error *error)
{
    bool ignored;
    return extend(reader, connection, admin, topics, POLKAI_OFFSET_START, since_ms, extended != NULL ? extended : &ignored, error);
}

polka_status cli_reader_open(cli_reader **reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t from, polka_error *error)
{
    return open_reader(reader, connection, admin, topics, from, -1, error);
}

polka_status cli_reader_open_since(cli_reader **reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t since_ms,
                                   polka_error *error)
{
    return open_reader(reader, connection, admin, topics, POLKAI_OFFSET_START, since_ms, error);
}

void cli_reader_close(cli_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->source != NULL)
        reader->source->operations->close(reader->source, POLKAI_CLOSE_MS);
    free(reader->partitions);
    polkai_arena_deinit(&reader->arena);
    free(reader);
}

/* ---- read ---- */

size_t cli_reader_partitions(const cli_reader *reader) { return reader->keys.count; }

uint64_t cli_reader_left(const cli_reader *reader)
{
    uint64_t left = 0;
    for (size_t i = 0; i < reader->keys.count; i++)
        left += reader->partitions[i].next < reader->partitions[i].end ? (uint64_t)(reader->partitions[i].end - reader->partitions[i].next) : 0;
    return left;
}

uint64_t cli_reader_older(const cli_reader *reader)
{
    uint64_t older = 0;
    for (size_t i = 0; i < reader->keys.count; i++)
        older += (uint64_t)(reader->partitions[i].next - reader->partitions[i].low);
    return older;
}

static bool is_of(const read_partition *partition, const polkai_record *record)
{
    return partition->partition == record->partition && polka_text_equal(partition->topic, record->topic);
}

/* SIZE_MAX: of none. */
static size_t find(const cli_reader *reader, const polkai_record *record)
{
    if (reader->last_found < reader->keys.count && is_of(&reader->partitions[reader->last_found], record))
        return reader->last_found;
    char *key AUTO(cli_free_text) = key_of(record->topic, record->partition);
    ptrdiff_t at = polkai_names_find(&reader->keys, key);
    return at == POLKAI_NO_NAME ? SIZE_MAX : (size_t)at;
}

static void advance(cli_reader *reader, const polkai_record *record)
{
    size_t at = find(reader, record);
    if (at == SIZE_MAX)
        return;
    read_partition *partition = &reader->partitions[at];
    bool unfinished = partition->next < partition->end;
    partition->next = record->offset + 1;
    partition->last_ns = reader->last_ns;
    reader->unfinished -= unfinished && partition->next >= partition->end;
    reader->last_found = at;
}

size_t cli_reader_poll(cli_reader *reader, polkai_record *records, size_t capacity, int timeout_ms)
{
    if (reader->source == NULL) {        /* none of its topics is there yet */
        poll(NULL, 0, timeout_ms);
        return 0;
    }
    size_t count = reader->source->operations->poll(reader->source, records, capacity, timeout_ms);
    if (count > 0)
        reader->last_ns = now_ns();
    for (size_t i = 0; i < count; i++)
        advance(reader, &records[i]);
    return count;
}

bool cli_reader_reached(const cli_reader *reader)
{
    return reader->unfinished == 0 || now_ns() - reader->last_ns > IDLE_END_MS * (int64_t)1000000;
}

bool cli_reader_was_there(const cli_reader *reader, const polkai_record *record)
{
    size_t at = find(reader, record);
    return at != SIZE_MAX && record->offset < reader->partitions[at].end;
}

/* ---- marks ---- */

static void learn_marks(cli_reader *reader)
{
    size_t count = reader->keys.count;
    if (reader->source == NULL)
        return;
    polkai_position *positions = positions_of(reader);
    reader->source->operations->ends(reader->source, positions, count);
    for (size_t i = 0; i < count; i++)
        if (reader->partitions[i].mark < 0)
            reader->partitions[i].mark = positions[i].offset;
    free(positions);
}

void cli_reader_mark(cli_reader *reader)
{
    reader->marked_ns = now_ns();
    for (size_t i = 0; i < reader->keys.count; i++)
        reader->partitions[i].mark = -1;
    learn_marks(reader);
}

static bool is_quiet(const cli_reader *reader, const read_partition *partition, int64_t now)
{
    int64_t since = partition->last_ns > reader->marked_ns ? partition->last_ns : reader->marked_ns;
    return now - since > IDLE_END_MS * (int64_t)1000000;
}

bool cli_reader_passed(cli_reader *reader)
{
    bool known = true;
    int64_t now = now_ns();
    for (size_t i = 0; i < reader->keys.count; i++)
        known = known && reader->partitions[i].mark >= 0;
    if (!known)
        learn_marks(reader);
    for (size_t i = 0; i < reader->keys.count; i++) {
        read_partition *partition = &reader->partitions[i];
        if (partition->mark >= 0 && (partition->next >= partition->mark || partition->gap >= partition->mark))
            continue;
        if (!is_quiet(reader, partition, now))
            return false;
        partition->gap = partition->mark;
    }
    return true;
}
