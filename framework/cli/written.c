/* written.c: one pass over the topics; a schema is looked for once, after it. */
#include <cli/written.h>

#include <cli/pass.h>
#include <cli/row.h>

#include <base/arena.h>
#include <stdlib.h>

enum { NEWEST_RECORDS = 1000000, SCHEMAS_MOST = 4096 };

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

static void take_opened(pass *at, polkai_record *record)
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

static void take(void *user, polkai_record *record)
{
    pass *at = user;
    take_opened(at, record);
    polkai_arena_reset(&at->arena, NULL, 0);
}

/* ---- the pass ---- */

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
    const cli_span span = { .from = since_ms < 0 ? POLKAI_OFFSET_TAIL - NEWEST_RECORDS : POLKAI_OFFSET_START, .since_ms = since_ms };
    polka_status status = cli_reader_open(&reader, connection, admin, &topics, &span, error);
    cli_list_free(&topics);
    TRY(status);
    at->written->older = cli_reader_older(reader);
    status = cli_pass(reader, take, at, error);
    cli_reader_close(reader);
    return status;
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
