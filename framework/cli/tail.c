/* tail.c: `polka tail`: decoded events as they come; it never joins a group and never commits. */
#include <cli/row.h>
#include <cli/terminal.h>

#include <base/arena.h>
#include <base/clock.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 512, HELD = 16384, HELD_BYTES = 64 << 20, PATIENCE_MS = 5000 };

typedef struct {
    const char *from, *correlation, *format;
    int64_t count, idle_ms;              /* -1: without end */
    bool json;
    cli_list wanted, types, topics, whole;       /* as given; event types, the topics to read, topics of which all is wanted */
    cli_decoder decoder;
    polkai_admin *admin;
} tailer;

/* "start", "end", "-20" */
static bool read_from(const char *text, int64_t *from)
{
    char *end = NULL;
    if (text == NULL || strcmp(text, "end") == 0) {
        *from = POLKAI_OFFSET_END;
        return true;
    }
    *from = POLKAI_OFFSET_START;
    if (strcmp(text, "start") == 0)
        return true;
    long long last = strtoll(text, &end, 10);
    *from = POLKAI_OFFSET_TAIL + last;
    return last <= 0 && last > -1000000000 && end != text && *end == '\0' && *text == '-';
}

static void add_once(cli_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return;
    cli_list_add(list, text);
}

static polka_status choose(tailer *tail, const polkai_topic *there, size_t count, polka_error *error)
{
    cli_list names = { 0 };
    polka_status status = POLKA_OK;
    for (size_t i = 0; i < cli_catalog_count(tail->decoder.catalog); i++) {
        const cli_event *event = cli_catalog_item(tail->decoder.catalog, i);
        cli_list_add(&names, event->name);
        if (tail->wanted.count == 0)
            add_once(&tail->topics, event->topic);
    }
    for (size_t i = 0; i < count; i++)
        cli_list_add(&names, there[i].name);
    for (size_t i = 0; i < tail->wanted.count && status == POLKA_OK; i++) {
        const char *name = tail->wanted.items[i];
        const cli_event *event = cli_catalog_find(tail->decoder.catalog, name);
        size_t at = 0;
        while (at < count && strcmp(there[at].name, name) != 0)
            at++;
        if (event != NULL) {
            cli_list_add(&tail->types, event->name);
            add_once(&tail->topics, event->topic);
        } else if (at < count) {
            cli_list_add(&tail->whole, name);
            add_once(&tail->topics, name);
        } else {
            const char *nearest = polkai_nearest(name, names.items, names.count);
            status = polkai_fail(error, POLKA_MISUSE, "unknown-name", "'%s' is neither an event of the project nor a topic of the broker%s%s%s", name,
                                 nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
        }
    }
    cli_list_free(&names);
    return status;
}

static void print_text(const cli_row *row)
{
    char time[25];
    const polkai_envelope *envelope = &row->envelope;
    polkai_time_write(time, envelope->time_ms != 0 ? envelope->time_ms : row->record->timestamp_ms);
    printf("%s%.12s%s %s", cli_dim(), time + 11, cli_plain(), cli_bold());
    cli_print_text(envelope->type.data != NULL ? envelope->type.data : "(no type)", envelope->type.data != NULL ? envelope->type.size : 9, 200);
    printf("%s ", cli_plain());
    if (row->record->key.data != NULL)
        cli_print_text(row->record->key.data, row->record->key.size, 80);
    printf(" %s", cli_dim());
    cli_print_text(row->record->topic.data, row->record->topic.size, 249);
    printf("[%" PRId32 "]@%" PRId64 "%s ", row->record->partition, row->record->offset, cli_plain());
    if (row->reason[0] != '\0') {
        printf("%s", cli_red());
        cli_print_text(row->reason, strlen(row->reason), 600);
        printf("%s\n", cli_plain());
        return;
    }
    char *value = row->value == NULL ? NULL : json_dumps(row->value, JSON_COMPACT | JSON_ENCODE_ANY);
    cli_print_text(value != NULL ? value : "(null: a tombstone)", value != NULL ? strlen(value) : 19, 4000);
    putchar('\n');
    free(value);
}

/* Prints what is wanted of one batch; false: enough, or nobody reads any more. */
static bool print_batch(tailer *tail, polkai_record *records, size_t count, int64_t *printed)
{
    cli_row_filter only = { polka_text_of(tail->correlation), &tail->types, &tail->whole };
    bool more = true;
    for (size_t i = 0; i < count; i++) {
        polka_arena arena;
        cli_row row;
        polkai_arena_init(&arena, NULL, 0);
        if (more && cli_row_read(&tail->decoder, &records[i], &only, &arena, &row)) {
            if (tail->json)
                more = cli_print_json(cli_row_json(&row));
            else
                print_text(&row);
            cli_row_free(&row);
            ++*printed;
            more = more && (tail->count < 0 || *printed < tail->count) && ferror(stdout) == 0;
        }
        polkai_arena_deinit(&arena);
    }
    return fflush(stdout) == 0 && more;
}

/* ---- order: partitions come one after another; what was there already is put in order of time, each partition in its own ---- */

typedef struct { polkai_record record; int64_t at_ms; size_t index; } timed;

static int by_place(const void *a, const void *b)
{
    const timed *x = a, *y = b;
    if (x->record.partition != y->record.partition)
        return x->record.partition < y->record.partition ? -1 : 1;
    int topics = strcmp(x->record.topic.data, y->record.topic.data);     /* as a source gives them: with a NUL behind */
    return topics != 0 ? topics : (x->index > y->index) - (x->index < y->index);
}

static int by_time(const void *a, const void *b)
{
    const timed *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void order(polkai_record *records, size_t count)
{
    timed *all = polkai_alloc((count + 1) * sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = (timed){ records[i], records[i].timestamp_ms, i };
    qsort(all, count, sizeof *all, by_place);
    for (size_t i = 1; i < count; i++) {
        const timed *before = &all[i - 1];
        if (before->record.partition == all[i].record.partition && polka_text_equal(before->record.topic, all[i].record.topic) && before->at_ms > all[i].at_ms)
            all[i].at_ms = before->at_ms;                /* never before its predecessor */
    }
    qsort(all, count, sizeof *all, by_time);
    for (size_t i = 0; i < count; i++)
        records[i] = all[i].record;
    free(all);
}

/*
 * What is there already is held until all of it has come, as a partition may come whole before the next one begins; when too much is held, the
 * older half goes. A partition that does not come holds nothing up for longer than PATIENCE_MS, and then never again.
 */
typedef struct {
    polkai_record records[HELD];
    size_t count, due, bytes;            /* due: of these the first; bytes: of all of their values */
    bool holds;
    int64_t came_ns;                     /* when something came last */
} backlog;

static void take(backlog *held, cli_reader *reader)
{
    size_t room = HELD - held->count, came = cli_reader_poll(reader, held->records + held->count, room < BATCH ? room : BATCH, 100);
    int64_t now = polkai_clock_real.steady_ns(&polkai_clock_real);
    for (size_t i = 0; i < came; i++)
        held->bytes += held->records[held->count++].value.size;
    held->came_ns = came > 0 ? now : held->came_ns;
    held->holds = held->holds && !cli_reader_reached(reader) && now - held->came_ns < PATIENCE_MS * (int64_t)1000000;
    held->due = !held->holds ? held->count : held->count == HELD || held->bytes > HELD_BYTES ? (held->count + 1) / 2 : 0;
    if (held->due > 0)
        order(held->records, held->count);
}

static void drop(backlog *held)
{
    for (size_t i = 0; i < held->due; i++)
        polkai_record_release(&held->records[i]);
    held->count -= held->due;
    memmove(held->records, held->records + held->due, held->count * sizeof *held->records);
    held->bytes = 0;
    for (size_t i = 0; i < held->count; i++)
        held->bytes += held->records[i].value.size;
    held->due = 0;
}

static polka_status follow(tailer *tail, cli_reader *reader, polka_error *error)
{
    backlog *held = polkai_alloc(sizeof *held);
    int64_t printed = 0, idle_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
    bool more = tail->count != 0;
    polka_status status = POLKA_OK;
    held->holds = true;
    held->came_ns = idle_ns;
    while (more && status == POLKA_OK && !cli_stopped()) {
        take(held, reader);
        bool idle = held->count == 0 && cli_reader_reached(reader);
        more = print_batch(tail, held->records, held->due, &printed);
        drop(held);
        int64_t now = polkai_clock_real.steady_ns(&polkai_clock_real);         /* printing may take long: whoever reads is slow */
        idle_ns = idle ? idle_ns : now;
        more = more && (tail->idle_ms < 0 || now - idle_ns < tail->idle_ms * 1000000);
        if (more && tail->idle_ms >= 0)  /* else a broker is waited for as long as it takes */
            status = cli_reader_check(reader, error);
    }
    held->due = held->count;
    drop(held);
    free(held);
    return status;
}

static polka_status read_topics(tailer *tail, const cli_connection *connection, int64_t from, polka_error *error)
{
    polkai_topic *there = NULL;
    size_t count = 0;
    cli_reader *reader = NULL;
    TRY(cli_admin_open(&tail->admin, connection, error));
    polkai_admin *admin = tail->admin;
    polka_status status = admin->operations->topics(admin, &there, &count, error);
    if (status == POLKA_OK)
        status = choose(tail, there, count, error);
    if (status == POLKA_OK)
        status = cli_reader_open(&reader, connection, admin, &tail->topics, &(cli_span){ .from = from }, error);
    if (status == POLKA_OK && cli_reader_partitions(reader) == 0)
        status = polkai_fail(error, POLKA_FATAL, "no-topic", "none of the project's event topics is there at %s; make them: polka topics apply --execute", connection->brokers);
    if (status == POLKA_OK) {
        cli_say("reading %zu partitions of %zu topics from %s at %s", cli_reader_partitions(reader), tail->topics.count,
                tail->from != NULL ? tail->from : "the end", connection->brokers);
        status = follow(tail, reader, error);
    }
    cli_reader_close(reader);
    free(there);
    return status;
}

static polka_status work(tailer *tail, const cli_where *where, int64_t from, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    polka_status status = cli_project_open(&project, error);
    if (status == POLKA_OK)
        status = cli_catalog_open(&tail->decoder.catalog, &project, error);
    if (status == POLKA_OK)
        status = cli_connection_find(&connection, &project, where, error);
    tail->decoder.foreign = cli_foreign_create(&connection, &project);
    if (status == POLKA_OK)
        status = read_topics(tail, &connection, from, error);
    if (tail->admin != NULL)
        tail->admin->operations->close(tail->admin);
    cli_foreign_destroy(tail->decoder.foreign);
    cli_catalog_close(tail->decoder.catalog);
    return status;
}

static int run(const cli_command *command, int argc, char **argv)
{
    tailer tail = { .count = -1, .idle_ms = -1 };
    cli_where where = { 0 };
    polka_error error = { 0 };
    int64_t from = 0;
    bool quiet = false;
    const cli_option options[] = {
        { "offset", 'o', CLI_TEXT, &tail.from, "start|end|-N", "where to begin; -N: the last N of each partition; default end" },
        { "count", 'n', CLI_COUNT, &tail.count, "N", "end after so many events" },
        { "until-idle", 0, CLI_DURATION, &tail.idle_ms, "DURATION", "end when nothing came for so long" },
        { "correlation", 'c', CLI_TEXT, &tail.correlation, "ID", "only events of this flow" },
        { "format", 0, CLI_TEXT, &tail.format, "text|json", "default: text on a terminal, else json" },
        { "quiet", 'q', CLI_FLAG, &quiet, NULL, "nothing on standard error but errors" },
        CLI_WHERE_OPTIONS(where), { 0 } };
    int code = cli_parse(command, options, argc, argv, &tail.wanted);
    int json = code < 0 ? cli_json_wanted(command, tail.format) : 0;
    if (code < 0 && json < 0)
        code = CLI_USAGE;
    if (code < 0 && !read_from(tail.from, &from))
        code = cli_usage(command, "--offset is start, end or -N, not '%s'", tail.from);
    if (code < 0) {
        tail.json = json == 1;
        if (quiet)
            cli_quiet();
        cli_catch_signals();
        code = work(&tail, &where, from, &error) == POLKA_OK ? CLI_OK : cli_complain(&error);
    }
    cli_list_free(&tail.wanted);
    cli_list_free(&tail.types);
    cli_list_free(&tail.topics);
    cli_list_free(&tail.whole);
    cli_list_free(&where.properties);
    return code;
}

const cli_command cli_tail = {
    .name = "tail", .arguments = "[EVENT|TOPIC…]", .summary = "see events as they come, decoded", .run = run,
    .details = "Without names: all event topics of the project. JSON has topic, partition, offset, key, id, type, source, time,\n"
               "correlation_id, causation_id, headers, value; what cannot be decoded has value null, error and raw (base64).\n"
               "Never joins a consumer group and never commits.\n",
    .examples = "  polka tail\n"
                "  polka tail OrderPlaced shop.payments -o -10\n"
                "  polka tail --correlation 0190f1c2-… -o start --until-idle 1s --format json\n"
                "  polka tail shop.orders.payments.dlt -o start --until-idle 1s\n" };
