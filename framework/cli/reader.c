/* reader.c: where reading begins and ends is asked for first, so that "the end" is the moment the command was given. */
#include <cli/reader.h>

#include <base/arena.h>
#include <base/clock.h>
#include <stdlib.h>

/* Compaction and transactions leave gaps, so the end may never be seen: this long without a record counts as the end too. */
enum { IDLE_END_MS = 3000 };

typedef struct { char *topic; int32_t partition; int64_t low, next, end; } read_partition;

struct cli_reader {
    polkai_source *source;
    size_t count, unfinished;            /* partitions; those that have not reached their end */
    read_partition *partitions;
    polkai_position *positions;
    int64_t last_ns;                     /* when something came last */
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

static bool wanted(const cli_list *topics, const char *name)
{
    for (size_t i = 0; i < topics->count; i++)
        if (strcmp(topics->items[i], name) == 0)
            return true;
    return false;
}

static void add_partition(cli_reader *reader, const polkai_extent *extent, int64_t from)
{
    int64_t low = extent->low, high = extent->high;
    if (high < 0)                        /* it was deleted in this moment */
        return;
    int64_t last = from <= POLKAI_OFFSET_TAIL ? high - (POLKAI_OFFSET_TAIL - from) : low;
    int64_t next = from == POLKAI_OFFSET_END ? high : last > low ? last : low;
    reader->partitions[reader->count++] = (read_partition){ polkai_strdup(extent->topic.data), extent->partition, low, next, high };
    reader->unfinished += next < high;
}

/* One question for the ends of all partitions. */
static polka_status add_topics(cli_reader *reader, polkai_admin *admin, const cli_list *topics, const polkai_topic *there, size_t count, int64_t from, polka_error *error)
{
    size_t partitions = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        partitions += wanted(topics, there[i].name) ? (size_t)there[i].partitions : 0;
    polkai_extent *extents = polkai_alloc((partitions + 1) * sizeof *extents);
    for (size_t i = 0; i < count; i++)
        for (int32_t partition = 0; partition < there[i].partitions && wanted(topics, there[i].name); partition++)
            extents[at++] = (polkai_extent){ .topic = polka_text_of(there[i].name), .partition = partition };
    polka_status status = admin->operations->watermarks(admin, extents, partitions, error);
    reader->partitions = polkai_alloc((partitions + 1) * sizeof *reader->partitions);
    for (size_t i = 0; status == POLKA_OK && i < partitions; i++)
        add_partition(reader, &extents[i], from);
    free(extents);
    return status;
}

static void ignore_assigned(void *user, const polkai_position *partitions, size_t count)
{
    (void)user, (void)partitions, (void)count;
}

static void list_positions(cli_reader *reader)
{
    reader->positions = polkai_alloc((reader->count + 1) * sizeof *reader->positions);
    for (size_t i = 0; i < reader->count; i++)
        reader->positions[i] = (polkai_position){ polka_text_of(reader->partitions[i].topic), reader->partitions[i].partition, reader->partitions[i].next };
}

/* What was asked for as the end first stays the end, also for a partition where nothing is younger. */
static polka_status begin_at(cli_reader *reader, polkai_admin *admin, int64_t since_ms, polka_error *error)
{
    TRY(admin->operations->since(admin, since_ms, reader->positions, reader->count, error));
    reader->unfinished = 0;
    for (size_t i = 0; i < reader->count; i++) {
        read_partition *at = &reader->partitions[i];
        int64_t offset = reader->positions[i].offset;
        at->next = offset < 0 || offset > at->end ? at->end : offset > at->next ? offset : at->next;
        reader->positions[i].offset = at->next;
        reader->unfinished += at->next < at->end;
    }
    return POLKA_OK;
}

static polka_status start(cli_reader *reader, const cli_connection *connection, polka_error *error)
{
    polkai_kafka_options options = cli_connection_options(connection);
    TRY(polkai_kafka_source_open(&reader->source, &options, error));
    polkai_start how = { .positions = reader->positions, .position_count = reader->count, .listener = { .assigned = ignore_assigned } };
    return reader->source->operations->start(reader->source, &how, error);
}

static polka_status open_reader(cli_reader **reader, const cli_connection *connection, polkai_admin *admin, const cli_list *topics, int64_t from,
                                int64_t since_ms, polka_error *error)
{
    cli_reader *made = *reader = polkai_alloc(sizeof *made);
    polkai_topic *there = NULL;
    size_t count = 0;
    polka_status status = admin->operations->topics(admin, &there, &count, error);
    if (status == POLKA_OK)
        status = add_topics(made, admin, topics, there, count, from, error);
    free(there);
    list_positions(made);
    if (status == POLKA_OK && made->count > 0 && since_ms >= 0 && !connection->embedded)
        status = begin_at(made, admin, since_ms, error);
    if (status == POLKA_OK && made->count > 0)
        status = start(made, connection, error);
    made->last_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
    if (status != POLKA_OK) {
        cli_reader_close(made);
        *reader = NULL;
    }
    return status;
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
    for (size_t i = 0; i < reader->count; i++)
        free(reader->partitions[i].topic);
    free(reader->partitions);
    free(reader->positions);
    free(reader);
}

size_t cli_reader_partitions(const cli_reader *reader) { return reader->count; }

uint64_t cli_reader_left(const cli_reader *reader)
{
    uint64_t left = 0;
    for (size_t i = 0; i < reader->count; i++)
        left += reader->partitions[i].next < reader->partitions[i].end ? (uint64_t)(reader->partitions[i].end - reader->partitions[i].next) : 0;
    return left;
}

uint64_t cli_reader_older(const cli_reader *reader)
{
    uint64_t older = 0;
    for (size_t i = 0; i < reader->count; i++)
        older += (uint64_t)(reader->partitions[i].next - reader->partitions[i].low);
    return older;
}

static void advance(cli_reader *reader, const polkai_record *record)
{
    for (size_t i = 0; i < reader->count; i++) {
        size_t at = (reader->last_found + i) % reader->count;
        read_partition *partition = &reader->partitions[at];
        if (partition->partition != record->partition || !polka_text_equal(polka_text_of(partition->topic), record->topic))
            continue;
        bool unfinished = partition->next < partition->end;
        partition->next = record->offset + 1;
        reader->unfinished -= unfinished && partition->next >= partition->end;
        reader->last_found = at;
        return;
    }
}

size_t cli_reader_poll(cli_reader *reader, polkai_record *records, size_t capacity, int timeout_ms)
{
    size_t count = reader->source == NULL ? 0 : reader->source->operations->poll(reader->source, records, capacity, timeout_ms);
    if (count > 0)
        reader->last_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
    for (size_t i = 0; i < count; i++)
        advance(reader, &records[i]);
    return count;
}

bool cli_reader_reached(const cli_reader *reader)
{
    return reader->unfinished == 0 || polkai_clock_real.steady_ns(&polkai_clock_real) - reader->last_ns > IDLE_END_MS * (int64_t)1000000;
}
