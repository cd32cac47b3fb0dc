/* reader.c: where reading begins and ends is asked for first, so that "the end" is the moment the command was given. */
#include <cli/reader.h>

#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <choreography/names.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

enum { PATIENCE_MS = 30000, OPEN_MS = 3000, LATE_MS = 50 };

typedef struct {
    polka_text topic;
    int32_t partition;
    int64_t low, began, next, end;       /* low: the first that is wanted at all; next: past what was given, and past what nobody gets */
    int64_t first_ms;                    /* when the first that was given was written; -1: none was */
    int64_t mark;                        /* -1: not known yet */
    int64_t bare;                        /* where the broker said that there was no more; -1: it has not */
    int64_t last_ns;                     /* when something of it came last */
    bool finished;                       /* its end was reached in this poll */
} read_partition;

struct cli_reader {
    polkai_source *source;
    polka_arena arena;
    polkai_names keys;                   /* "partition/topic", to the number of the partition */
    size_t unfinished, finished, capacity;               /* unfinished: partitions that have not reached their end; finished: have in this poll */
    read_partition *partitions;          /* keys.count of them */
    bool nearer;                         /* an end has come nearer in this poll */
    int64_t vain_ns, patience_ms;        /* so long it was polled since, and none has */
    int64_t records;                     /* that were given */
    bool bounded;                        /* nothing from behind the ends is given */
    int64_t marked_ns;
    size_t last_found;                   /* index of the last record's partition: the next one is mostly there too */
};

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }

/* ---- partitions ---- */

static char *key_of(polka_text topic, int32_t partition) { return cli_format("%" PRId32 "/%.*s", partition, POLKA_TEXT_ARGS(topic)); }

static bool has(const cli_reader *reader, polka_text topic, int32_t partition)
{
    char *key AUTO(cli_free_text) = key_of(topic, partition);
    return polkai_names_find(&reader->keys, key) != POLKAI_NO_NAME;
}

/* Of those that the span has, what is not read yet. */
static size_t keep_new(const cli_reader *reader, polkai_extent *extents, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!has(reader, extents[i].topic, extents[i].partition))
            extents[kept++] = extents[i];
    return kept;
}

static void add_partition(cli_reader *reader, const polkai_extent *extent, const cli_bounds *bounds)
{
    if (bounds->end < 0)
        return;
    char *key AUTO(cli_free_text) = key_of(extent->topic, extent->partition);
    size_t at = polkai_names_add(&reader->keys, key);
    if (at == reader->capacity) {
        reader->capacity = 2 * reader->capacity + 64;
        reader->partitions = polkai_realloc(reader->partitions, reader->capacity * sizeof *reader->partitions);
    }
    reader->partitions[at] = (read_partition){ .topic = polkai_arena_text(&reader->arena, extent->topic.data, extent->topic.size), .partition = extent->partition,
                                               .low = bounds->low, .began = bounds->begin, .next = bounds->begin, .end = bounds->end, .first_ms = -1, .bare = -1 };
    reader->unfinished += bounds->begin < bounds->end;
}

static polka_status add_partitions(cli_reader *reader, polkai_admin *admin, polkai_extent *extents, size_t count, const cli_span *span, polka_error *error)
{
    cli_bounds *bounds = polkai_alloc((count + 1) * sizeof *bounds);
    polka_status status = cli_span_ask(span, admin, extents, count, bounds, error);
    for (size_t i = 0; status == POLKA_OK && i < count; i++)
        add_partition(reader, &extents[i], &bounds[i]);
    free(bounds);
    return status;
}

/* ---- how far it is ---- */

static bool is_of(const read_partition *partition, polka_text topic, int32_t number)
{
    return partition->partition == number && polka_text_equal(partition->topic, topic);
}

/* NULL: of none. */
static read_partition *find(cli_reader *reader, polka_text topic, int32_t partition)
{
    if (reader->last_found < reader->keys.count && is_of(&reader->partitions[reader->last_found], topic, partition))
        return &reader->partitions[reader->last_found];
    char *key AUTO(cli_free_text) = key_of(topic, partition);
    ptrdiff_t at = polkai_names_find(&reader->keys, key);
    if (at == POLKAI_NO_NAME)
        return NULL;
    reader->last_found = (size_t)at;
    return &reader->partitions[at];
}

/*
 * What is behind the end of a partition is not wanted: without this librdkafka goes on fetching it, and for the other partitions there is
 * less room. (Of seven days of 24 partitions, a window of 15 minutes cost all that came after it: 2 GB in place of 25 MB.)
 */
static void give_up_finished(cli_reader *reader)
{
    size_t count = 0;
    if (!reader->bounded || reader->finished == 0 || reader->unfinished == 0)
        return;
    polkai_position *finished = polkai_alloc(reader->keys.count * sizeof *finished);
    for (size_t i = 0; i < reader->keys.count; i++) {
        read_partition *partition = &reader->partitions[i];
        if (partition->finished)
            finished[count++] = (polkai_position){ partition->topic, partition->partition, -1 };
        partition->finished = false;
    }
    reader->source->operations->unassign(reader->source, finished, count);
    reader->finished = 0;
    free(finished);
}

static void advance(cli_reader *reader, read_partition *partition, int64_t next)
{
    if (partition == NULL || next <= partition->next || (reader->bounded && partition->next >= partition->end))    /* the end is told while what came before it is being taken */
        return;
    bool unfinished = partition->next < partition->end;
    partition->next = reader->bounded && next > partition->end ? partition->end : next;
    reader->nearer = reader->nearer || unfinished;
    if (!unfinished || next < partition->end)
        return;
    partition->finished = true;
    reader->finished++;
    reader->unfinished--;
}

static void take_end(void *user, const polkai_position *at)
{
    read_partition *partition = find(user, at->topic, at->partition);
    advance(user, partition, at->offset);
    if (partition != NULL)
        partition->bare = at->offset;
}

/* ---- open ---- */

static void ignore_assigned(void *user, const polkai_position *partitions, size_t count)
{
    (void)user, (void)partitions, (void)count;
}

/* open: only those that are not at their end. */
static polkai_position *positions_of(const cli_reader *reader, bool open, size_t *count)
{
    polkai_position *positions = polkai_alloc((reader->keys.count + 1) * sizeof *positions);
    *count = 0;
    for (size_t i = 0; i < reader->keys.count; i++) {
        const read_partition *partition = &reader->partitions[i];
        if (!open || partition->next < partition->end)
            positions[(*count)++] = (polkai_position){ partition->topic, partition->partition, partition->next };
    }
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
    size_t count;
    for (size_t i = 0; i < reader->keys.count; i++)
        reader->partitions[i].finished = false;
    reader->finished = 0;
    polkai_position *positions = positions_of(reader, reader->bounded, &count);
    polkai_source_listener listener = { .user = reader, .assigned = ignore_assigned, .ended = take_end };
    polkai_start how = { .positions = positions, .position_count = count, .listener = listener };
    polka_status status = reader->source->operations->start(reader->source, &how, error);
    free(positions);
    reader->vain_ns = 0;
    if (status == POLKA_OK)
        return POLKA_OK;
    reader->source->operations->close(reader->source, POLKAI_CLOSE_MS);
    reader->source = NULL;
    return status;
}

static polka_status extend(cli_reader *reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, cli_span span, bool *extended,
                           polka_error *error)
{
    polkai_topic *there = NULL;
    polkai_extent *extents = NULL;
    size_t count = 0, before = reader->keys.count;
    if (connection->embedded)
        span.since_ms = span.until_ms = 0;
    reader->bounded = span.until_ms > 0 || span.beyond > 0;
    TRY(admin->operations->topics(admin, &there, &count, error));
    size_t listed = cli_span_list(&span, topics, there, count, &extents), added = keep_new(reader, extents, listed);
    polka_status status = added == 0 ? POLKA_OK : add_partitions(reader, admin, extents, added, &span, error);
    free(extents);
    free(there);
    *extended = reader->keys.count > before;
    bool stands = !*extended && (reader->source != NULL || reader->keys.count == 0);     /* else it could not be started the last time */
    return status != POLKA_OK || stands || (reader->bounded && reader->unfinished == 0) ? status : start(reader, connection, error);
}

polka_status cli_reader_extend(cli_reader *reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t since_ms, bool *extended,
                               polka_error *error)
{
    return extend(reader, connection, admin, topics, (cli_span){ .since_ms = since_ms }, extended != NULL ? extended : &(bool){ false }, error);
}

polka_status cli_reader_open(cli_reader **reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, const cli_span *span, polka_error *error)
{
    bool extended;
    cli_reader *made = *reader = polkai_alloc(sizeof *made);
    made->keys.arena = &made->arena;
    made->patience_ms = PATIENCE_MS;
    polka_status status = extend(made, connection, admin, topics, span != NULL ? *span : (cli_span){ 0 }, &extended, error);
    if (status == POLKA_OK)
        return POLKA_OK;
    cli_reader_close(made);
    *reader = NULL;
    return status;
}

static void set_ends(cli_reader *reader, const cli_bounds *bounds)
{
    reader->unfinished = 0;
    for (size_t i = 0; i < reader->keys.count; i++) {
        reader->partitions[i].end = bounds[i].end;
        reader->unfinished += reader->partitions[i].next < bounds[i].end;
    }
}

polka_status cli_reader_window(cli_reader *reader, const cli_connection *connection, polkai_admin *admin, int64_t until_ms, polka_error *error)
{
    size_t count = reader->keys.count;
    const cli_span span = { .until_ms = connection->embedded ? 0 : until_ms };
    polkai_extent *extents = polkai_alloc((count + 1) * sizeof *extents);
    cli_bounds *bounds = polkai_alloc((count + 1) * sizeof *bounds);
    for (size_t i = 0; i < count; i++)
        extents[i] = (polkai_extent){ .topic = reader->partitions[i].topic, .partition = reader->partitions[i].partition };
    polka_status status = cli_span_ask(&span, admin, extents, count, bounds, error);
    if (status == POLKA_OK)
        set_ends(reader, bounds);
    reader->bounded = span.until_ms > 0;
    free(extents);
    free(bounds);
    return status != POLKA_OK || reader->unfinished == 0 ? status : start(reader, connection, error);
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
        older += (uint64_t)(reader->partitions[i].began > reader->partitions[i].low ? reader->partitions[i].began - reader->partitions[i].low : 0);
    return older;
}

int64_t cli_reader_older_ms(const cli_reader *reader)
{
    int64_t youngest = 0;
    for (size_t i = 0; i < reader->keys.count; i++) {
        const read_partition *partition = &reader->partitions[i];
        int64_t limit = partition->began <= partition->low ? 0 : partition->first_ms < 0 ? INT64_MAX : partition->first_ms;
        youngest = limit > youngest ? limit : youngest;
    }
    return youngest;
}

int64_t cli_reader_records(const cli_reader *reader) { return reader->records; }

/* false: it is from behind the window. */
static bool take_record(cli_reader *reader, const polkai_record *record, int64_t now)
{
    read_partition *partition = find(reader, record->topic, record->partition);
    bool within = partition == NULL || !reader->bounded || record->offset < partition->end;
    advance(reader, partition, record->offset + 1);
    if (partition != NULL)
        partition->last_ns = now;
    if (partition != NULL && within && partition->first_ms < 0)
        partition->first_ms = record->timestamp_ms;
    return within;
}

static size_t take_records(cli_reader *reader, polkai_record *records, size_t count)
{
    size_t kept = 0;
    int64_t now = now_ns();
    for (size_t i = 0; i < count; i++) {
        if (take_record(reader, &records[i], now))
            records[kept++] = records[i];
        else
            polkai_record_release(&records[i]);
    }
    reader->records += (int64_t)kept;
    return kept;
}

/* Time in which nobody polled says nothing about the broker: a process may be stopped, too. */
static void keep_patience(cli_reader *reader, int64_t took_ns, int timeout_ms)
{
    int64_t most_ns = (timeout_ms + LATE_MS) * (int64_t)1000000;
    reader->vain_ns = reader->nearer || reader->unfinished == 0 ? 0 : reader->vain_ns + (took_ns < most_ns ? took_ns : most_ns);
}

size_t cli_reader_poll(cli_reader *reader, polkai_record *records, size_t capacity, int timeout_ms)
{
    if (reader->source == NULL) {        /* none of its topics is there yet */
        poll(NULL, 0, timeout_ms);
        return 0;
    }
    int64_t began = now_ns();
    reader->nearer = false;
    size_t count = reader->source->operations->poll(reader->source, records, capacity, timeout_ms);
    count = take_records(reader, records, count);
    give_up_finished(reader);
    keep_patience(reader, now_ns() - began, timeout_ms);
    return count;
}

bool cli_reader_was_there(cli_reader *reader, const polkai_record *record)
{
    const read_partition *partition = find(reader, record->topic, record->partition);
    return partition != NULL && record->offset < partition->end;
}

/* ---- the end ---- */

bool cli_reader_reached(const cli_reader *reader) { return reader->unfinished == 0; }
void cli_reader_patience(cli_reader *reader, int64_t patience_ms) { reader->patience_ms = patience_ms; }

polka_status cli_reader_check(const cli_reader *reader, polka_error *error)
{
    const read_partition *at = reader->partitions;
    if (reader->unfinished == 0 || reader->vain_ns < reader->patience_ms * 1000000)
        return POLKA_OK;
    while (at->next >= at->end)
        at++;
    return polkai_fail(error, POLKA_TRANSIENT, "end-not-reached",
                       "%.*s/%" PRId32 " goes to offset %" PRId64 ", and for %" PRId64 " s nothing came from offset %" PRId64 " on (of %zu partitions %zu are not read to their end), "
                       "so nothing is said. See whether the broker that leads it answers and the topic is still there, and try again",
                       POLKA_TEXT_ARGS(at->topic), at->partition, at->end, reader->patience_ms / 1000, at->next, reader->keys.count, reader->unfinished);
}

/* ---- marks ---- */

static void learn_marks(cli_reader *reader)
{
    size_t count;
    if (reader->source == NULL)
        return;
    polkai_position *positions = positions_of(reader, false, &count);
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

/* The end that the broker tells counts what transactions that are open have written, and nobody gets yet. */
static bool is_held_up(const cli_reader *reader, const read_partition *partition, int64_t now)
{
    int64_t since = partition->last_ns > reader->marked_ns ? partition->last_ns : reader->marked_ns;
    return partition->bare == partition->next && now - since > OPEN_MS * (int64_t)1000000;
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
        const read_partition *partition = &reader->partitions[i];
        bool passed = partition->mark >= 0 && partition->next >= partition->mark;
        if (!passed && !is_held_up(reader, partition, now))
            return false;
    }
    return true;
}
