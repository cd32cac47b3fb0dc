/* written.c: one pass over the topics; a schema is looked for once, after it. */
#include <cli/written.h>

#include <cli/row.h>

#include <base/arena.h>
#include <base/clock.h>
#include <stdlib.h>

enum { BATCH = 512, NEWEST_RECORDS = 1000000, SCHEMAS_MOST = 4096, PROGRESS_MS = 5000 };

typedef struct {
    cli_written *written;
    const polkai_manifest *service;
    size_t capacity, last;               /* last: the item of the record before: the next is mostly of it too */
    polka_arena arena;
} pass;

/* ---- one record ---- */

/* A record that does not say what it is may be any of them. */
static bool is_heard(const polkai_manifest *service, polka_text topic, polka_text type)
{
    for (size_t i = 0; i < service->reaction_count; i++) {
        const polkai_manifest_event *hears = &service->reactions[i].hears;
        if (polka_text_equal(polka_text_of(hears->topic), topic) && (type.data == NULL || polka_text_equal(polka_text_of(hears->event), type)))
            return true;
    }
    return false;
}

static bool is_of(const cli_written_schema *item, polka_text topic, polka_text type, const polkai_schema_key *key)
{
    return item->key.number == key->number && item->key.guid_high == key->guid_high && item->key.kind == key->kind && polka_text_equal(polka_text_of(item->topic), topic)
           && (item->event == NULL) == (type.data == NULL) && (type.data == NULL || polka_text_equal(polka_text_of(item->event), type));
}

/* NULL: there are too many. */
static cli_written_schema *item_of(pass *at, const polkai_record *record, polka_text type, const polkai_schema_key *key)
{
    cli_written *written = at->written;
    for (size_t i = 0; i < written->count; i++, at->last = (at->last + 1) % written->count)
        if (is_of(&written->items[at->last], record->topic, type, key))
            return &written->items[at->last];
    if (written->count == SCHEMAS_MOST)
        return NULL;
    if (written->count == at->capacity) {
        at->capacity = 2 * at->capacity + 16;
        written->items = polkai_realloc(written->items, at->capacity * sizeof *written->items);
    }
    at->last = written->count++;
    written->items[at->last] = (cli_written_schema){ .topic = cli_format("%.*s", POLKA_TEXT_ARGS(record->topic)),
                                                     .event = type.data != NULL ? cli_format("%.*s", POLKA_TEXT_ARGS(type)) : NULL, .key = *key,
                                                     .partition = record->partition, .offset = record->offset };
    return &written->items[at->last];
}

static void take(pass *at, polkai_record *record)
{
    polkai_envelope envelope;
    polkai_schema_key key = { 0 };
    polka_error error;
    polka_bytes body;
    polkai_record_headers(record, &at->arena);
    bool opened = polkai_envelope_open(record, POLKA_TEXT("-"), &at->arena, &envelope, NULL) == POLKA_OK;
    polka_bytes value = opened ? cli_value_of(record, &envelope) : (polka_bytes){ 0 };
    at->written->records++;
    if (opened && (value.data == NULL || !is_heard(at->service, record->topic, envelope.type)))
        return;
    if (!opened || cli_value_frame(value, &envelope, &key, &body, &error) != POLKA_OK) {
        at->written->unreadable++;
        return;
    }
    cli_written_schema *item = item_of(at, record, envelope.type, &key);
    if (item == NULL) {
        at->written->others++;
        return;
    }
    item->records++;
    item->last_ms = record->timestamp_ms > item->last_ms ? record->timestamp_ms : item->last_ms;
}

/* ---- the pass ---- */

static void read_all(pass *at, cli_reader *reader)
{
    polkai_record *records = polkai_alloc(BATCH * sizeof *records);
    int64_t said_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
    while (!cli_reader_reached(reader) && !cli_stopped()) {
        size_t count = cli_reader_poll(reader, records, BATCH, 50);
        for (size_t i = 0; i < count; i++) {
            take(at, &records[i]);
            polkai_record_release(&records[i]);
            polkai_arena_reset(&at->arena, NULL, 0);
        }
        int64_t now_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
        if (now_ns - said_ns < PROGRESS_MS * (int64_t)1000000)
            continue;
        said_ns = now_ns;
        cli_say("records read: %" PRIu64 ", still to read: %" PRIu64, at->written->records, cli_reader_left(reader));
    }
    free(records);
}

static cli_list topics_of(const polkai_manifest *service)
{
    cli_list topics = { 0 };
    for (size_t i = 0; i < service->reaction_count; i++)
        cli_list_add(&topics, service->reactions[i].hears.topic);
    return topics;
}

static polka_status read_topics(pass *at, const cli_connection *connection, int64_t since_ms, polka_error *error)
{
    polkai_admin *admin AUTO(cli_admin_close) = NULL;
    cli_reader *reader = NULL;
    TRY(cli_admin_open(&admin, connection, error));
    cli_list topics = topics_of(at->service);
    polka_status status = since_ms < 0 ? cli_reader_open(&reader, connection, admin, &topics, POLKAI_OFFSET_TAIL - NEWEST_RECORDS, error)
                                       : cli_reader_open_since(&reader, connection, admin, &topics, since_ms, error);
    cli_list_free(&topics);
    TRY(status);
    at->written->older = cli_reader_older(reader);
    read_all(at, reader);
    cli_reader_close(reader);
    return POLKA_OK;
}

static void find_schemas(cli_written *written)
{
    for (size_t i = 0; i < written->count && !cli_stopped(); i++) {
        cli_written_schema *item = &written->items[i];
        polka_error error = { 0 };
        if (cli_foreign_schema(written->foreign, &item->key, &item->schema, &error) != POLKA_OK) {
            item->schema = NULL;
            item->reason = polkai_strdup(error.message);
        } else if (item->event == NULL && item->schema->name != NULL) {
            item->event = polkai_strdup(item->schema->name);
        }
    }
}

polka_status cli_written_read(cli_written *written, const polkai_manifest *service, const cli_project *project, const cli_connection *connection, int64_t since_ms,
                              polka_error *error)
{
    pass at = { .written = written, .service = service };
    written->foreign = cli_foreign_create(connection, project);
    if (service->reaction_count == 0)
        return POLKA_OK;
    polka_status status = read_topics(&at, connection, since_ms, error);
    polkai_arena_deinit(&at.arena);
    TRY(status);
    find_schemas(written);
    return POLKA_OK;
}

void cli_written_free(cli_written *written)
{
    for (size_t i = 0; i < written->count; i++) {
        free(written->items[i].topic);
        free(written->items[i].event);
        free(written->items[i].reason);
    }
    free(written->items);
    cli_foreign_destroy(written->foreign);
    *written = (cli_written){ 0 };
}
