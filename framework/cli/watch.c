/* watch.c: how full the embedded broker is. It tells nobody, so dev reads along and counts. */
#include <cli/host.h>

#include <base/arena.h>
#include <base/clock.h>
#include <cli/reader.h>
#include <stdlib.h>

/* librdkafka 2.0.2 src/rdkafka_mock.c: 5 MiB a partition. A batch of one record weighs some 70 bytes more than its parts. */
enum { KEPT_BYTES = 5 * 1024 * 1024, WARN_BYTES = 4 * 1024 * 1024, BATCH_BYTES = 70, TAKE = 256, LOOK_NS = 250000000 };

typedef struct { int32_t partition; char *topic; int64_t next; size_t bytes; bool warned, full; } filled;

struct cli_watch {
    polkai_admin *admin;
    cli_reader *reader;
    polkai_record *records;
    size_t count;
    filled *partitions;
    int64_t looked_ns;
    cli_connection connection;
    polkai_kafka_property patient;
};

cli_watch *cli_watch_start(const cli_host *host, const cli_plan *plan)
{
    if (host->mock == NULL)
        return NULL;
    cli_watch *watch = polkai_alloc(sizeof *watch);
    cli_list topics = { 0 };
    watch->patient = (polkai_kafka_property){ "fetch.wait.max.ms", "1000" };     /* nobody waits for this reader */
    watch->connection = host->connection;                /* borrowed */
    watch->connection.properties = &watch->patient;
    watch->connection.property_count = 1;
    watch->records = polkai_alloc(TAKE * sizeof *watch->records);
    for (size_t i = 0; i < plan->count; i++)
        cli_list_add(&topics, plan->items[i].name);
    polka_status status = cli_admin_open(&watch->admin, &watch->connection, NULL);
    if (status == POLKA_OK)
        status = cli_reader_open(&watch->reader, &watch->connection, watch->admin, &topics, NULL, NULL);
    cli_list_free(&topics);
    if (status == POLKA_OK)
        return watch;
    cli_watch_stop(watch);
    return NULL;
}

static filled *find(cli_watch *watch, const polkai_record *record)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->partitions[i].partition == record->partition && polka_text_equal(polka_text_of(watch->partitions[i].topic), record->topic))
            return &watch->partitions[i];
    watch->partitions = polkai_realloc(watch->partitions, (watch->count + 1) * sizeof *watch->partitions);
    watch->partitions[watch->count] = (filled){ .partition = record->partition, .topic = polkai_strdup(record->topic.data) };
    return &watch->partitions[watch->count++];
}

static void count_record(cli_watch *watch, polkai_record *record, const cli_console *console)
{
    polka_arena arena = { 0 };
    filled *partition = find(watch, record);
    polkai_record_headers(record, &arena);
    partition->bytes += BATCH_BYTES + record->key.size + record->value.size;
    for (size_t i = 0; i < record->header_count; i++)
        partition->bytes += record->headers[i].name.size + record->headers[i].value.size + 4;
    polkai_arena_deinit(&arena);
    bool missed = record->offset > partition->next;      /* dropped before even this reader saw them */
    partition->next = record->offset + 1;
    if (missed)
        partition->bytes += KEPT_BYTES;
    if (partition->bytes >= WARN_BYTES && !partition->warned) {
        partition->warned = true;
        cli_console_warn(console, "%s[%" PRId32 "] has taken 4 of the 5 MiB that the embedded broker keeps of a partition; then it drops the oldest. "
                         "For more use polka dev --kafka", partition->topic, partition->partition);
    }
    if (partition->bytes >= KEPT_BYTES && !partition->full) {
        partition->full = true;
        cli_console_warn(console, "%s[%" PRId32 "] is full: the embedded broker drops its oldest events from now on, read or not", partition->topic, partition->partition);
    }
}

void cli_watch_look(cli_watch *watch, const cli_console *console)
{
    int64_t now = polkai_clock_real.steady_ns(&polkai_clock_real);
    if (watch == NULL || now - watch->looked_ns < LOOK_NS)
        return;
    size_t count = cli_reader_poll(watch->reader, watch->records, TAKE, 0);
    for (size_t i = 0; i < count; i++) {
        count_record(watch, &watch->records[i], console);
        polkai_record_release(&watch->records[i]);
    }
    watch->looked_ns = count == TAKE ? 0 : now;          /* more is there: soon again */
}

void cli_watch_stop(cli_watch *watch)
{
    if (watch == NULL)
        return;
    cli_reader_close(watch->reader);
    if (watch->admin != NULL)
        watch->admin->operations->close(watch->admin);
    for (size_t i = 0; i < watch->count; i++)
        free(watch->partitions[i].topic);
    free(watch->partitions);
    free(watch->records);
    free(watch);
}
