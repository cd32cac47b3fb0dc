/* gather.c: one pass over the event topics and their dead letters. */
#include <cli/activity.h>
#include <cli/gather.h>
#include <cli/pass.h>

#include <base/arena.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 512 };

/* ---- topics ---- */

/* <topic>.<group>.dlt: of which topic a dot does not tell, as both have dots. */
static bool is_letters(const polkai_names *topics, const char *name)
{
    size_t size = strlen(name);
    bool found = false;
    if (size < 5 || strcmp(name + size - 4, ".dlt") != 0)
        return false;
    char *topic AUTO(cli_free_text) = polkai_strdup(name);
    for (size_t at = 1; at + 5 < size && !found; at++) {
        if (name[at] != '.')
            continue;
        topic[at] = '\0';
        found = polkai_names_find(topics, topic) != POLKAI_NO_NAME;
        topic[at] = '.';
    }
    return found;
}

/* What reactions did is told beside their flow, and is no event of it. */
static void add_topic(cli_gathering *gathering, const char *topic)
{
    if (strcmp(topic, CLI_ACTIVITY_TOPIC) != 0)
        polkai_names_same(&gathering->topics, topic);
}

static polka_status find_letters(cli_gathering *gathering, polka_error *error)
{
    polkai_topic *there = NULL;
    size_t count = 0;
    TRY(gathering->admin->operations->topics(gathering->admin, &there, &count, error));
    for (size_t i = 0; i < count; i++)
        if (is_letters(&gathering->topics, there[i].name))
            polkai_names_add(&gathering->letters, there[i].name);
    free(there);
    return POLKA_OK;
}

void cli_gather_add(cli_gathering *gathering, const cli_manifests *manifests)
{
    for (size_t m = 0; m < manifests->count; m++) {
        const polkai_manifest *one = manifests->items[m];
        for (size_t i = 0; i < one->reaction_count; i++)
            add_topic(gathering, one->reactions[i].hears.topic);
        for (size_t i = 0; i < one->emit_count; i++)
            add_topic(gathering, one->emits[i].topic);
    }
}

polka_status cli_gather_open(cli_gathering *gathering, const cli_catalog *catalog, const cli_manifests *manifests, const cli_connection *connection, polkai_admin *admin,
                             polka_error *error)
{
    gathering->connection = connection;
    gathering->admin = admin;
    gathering->topics.arena = gathering->letters.arena = &gathering->arena;
    cli_list topics = cli_catalog_topics(catalog);
    for (size_t i = 0; i < topics.count; i++)
        add_topic(gathering, topics.items[i]);
    cli_list_free(&topics);
    if (manifests != NULL)
        cli_gather_add(gathering, manifests);
    return find_letters(gathering, error);
}

void cli_gather_close(cli_gathering *gathering)
{
    polkai_arena_deinit(&gathering->arena);
    *gathering = (cli_gathering){ 0 };
}

/* ---- records ---- */

struct cli_gather_reading { cli_reader *reader; polkai_record *records; bool with_letters; polka_text only; };

static cli_list topics_of(const cli_gathering *gathering, bool with_letters)
{
    cli_list topics = { 0 };
    for (size_t i = 0; i < gathering->topics.count; i++)
        cli_list_add(&topics, gathering->topics.items[i]);
    for (size_t i = 0; with_letters && i < gathering->letters.count; i++)
        cli_list_add(&topics, gathering->letters.items[i]);
    return topics;
}

polka_status cli_gather_begin(cli_gather_reading **reading, const cli_gathering *gathering, bool with_letters, const cli_span *span, polka_error *error)
{
    cli_reader *reader = NULL;
    cli_list topics = topics_of(gathering, with_letters);
    polka_status status = cli_reader_open(&reader, gathering->connection, gathering->admin, &topics, span, error);
    cli_list_free(&topics);
    TRY(status);
    *reading = polkai_alloc(sizeof **reading);
    **reading = (cli_gather_reading){ reader, polkai_alloc(BATCH * sizeof(polkai_record)), with_letters, { 0, NULL } };
    return POLKA_OK;
}

polka_status cli_gather_refresh(cli_gather_reading *reading, cli_gathering *gathering, int64_t since_ms, bool *extended, polka_error *error)
{
    TRY(find_letters(gathering, error));
    cli_list topics = topics_of(gathering, reading->with_letters);
    polka_status status = cli_reader_extend(reading->reader, gathering->connection, gathering->admin, &topics, since_ms, extended, error);
    cli_list_free(&topics);
    return status;
}

typedef struct { cli_gather_visit *visit; void *user; polka_text only; polka_arena arena; } opening;

static void open_record(void *user, polkai_record *record)
{
    opening *with = user;
    polkai_envelope envelope;
    if (with->only.data != NULL && !polka_text_equal(with->only, (polka_text){ record->key.size, (const char *)record->key.data }))
        return;
    polkai_record_headers(record, &with->arena);
    if (polkai_envelope_open(record, POLKA_TEXT("-"), &with->arena, &envelope, NULL) == POLKA_OK)
        with->visit(with->user, record, &envelope);
    polkai_arena_reset(&with->arena, NULL, 0);
}

void cli_gather_only(cli_gather_reading *reading, polka_text key) { reading->only = key; }

size_t cli_gather_read(cli_gather_reading *reading, int timeout_ms, cli_gather_visit *visit, void *user)
{
    opening with = { .visit = visit, .user = user, .only = reading->only };
    size_t count = cli_reader_poll(reading->reader, reading->records, BATCH, timeout_ms);
    for (size_t i = 0; i < count; i++) {
        open_record(&with, &reading->records[i]);
        polkai_record_release(&reading->records[i]);
    }
    polkai_arena_deinit(&with.arena);
    return count;
}

polka_status cli_gather_catch_up(cli_gather_reading *reading, cli_gather_visit *visit, void *user, polka_error *error)
{
    opening with = { .visit = visit, .user = user, .only = reading->only };
    polka_status status = cli_pass(reading->reader, open_record, &with, error);
    polkai_arena_deinit(&with.arena);
    return status;
}

polka_status cli_gather_window(cli_gather_reading *reading, const cli_gathering *gathering, int64_t until_ms, polka_error *error)
{
    return cli_reader_window(reading->reader, gathering->connection, gathering->admin, until_ms, error);
}

uint64_t cli_gather_older(const cli_gather_reading *reading) { return cli_reader_older(reading->reader); }
int64_t cli_gather_older_ms(const cli_gather_reading *reading) { return cli_reader_older_ms(reading->reader); }
int64_t cli_gather_records(const cli_gather_reading *reading) { return cli_reader_records(reading->reader); }
size_t cli_gather_partitions(const cli_gather_reading *reading) { return cli_reader_partitions(reading->reader); }
void cli_gather_mark(cli_gather_reading *reading) { cli_reader_mark(reading->reader); }
bool cli_gather_passed(cli_gather_reading *reading) { return cli_reader_passed(reading->reader); }
bool cli_gather_was_there(cli_gather_reading *reading, const polkai_record *record) { return cli_reader_was_there(reading->reader, record); }

void cli_gather_end(cli_gather_reading **reading)
{
    if (*reading == NULL)
        return;
    cli_reader_close((*reading)->reader);
    free((*reading)->records);
    free(*reading);
    *reading = NULL;
}

polka_status cli_gather_pass(const cli_gathering *gathering, bool with_letters, int64_t since_ms, cli_gather_visit *visit, void *user, polka_error *error)
{
    cli_gather_reading *reading AUTO(cli_gather_end) = NULL;
    TRY(cli_gather_begin(&reading, gathering, with_letters, &(cli_span){ .since_ms = since_ms }, error));
    return cli_gather_catch_up(reading, visit, user, error);
}

/* ---- one event ---- */

static char *copy(polka_text text) { return text.data == NULL ? NULL : cli_format("%.*s", POLKA_TEXT_ARGS(text)); }

static polka_text header_text(const polkai_record *record, const char *name)
{
    const polkai_header *header = polkai_record_header(record, polka_text_of(name));
    return header == NULL || header->value.data == NULL ? POLKA_TEXT("?") : (polka_text){ header->value.size, (const char *)header->value.data };
}

/* A NUL, which a header may hold, ends it: as a text of C it would be another one, and its flow would not be found again. */
polka_text cli_gather_correlation(const polkai_envelope *envelope)
{
    polka_text text = envelope->correlation_id.data != NULL ? envelope->correlation_id : envelope->id;
    text.size = text.data != NULL ? strnlen(text.data, text.size) : 0;
    return text;
}

bool cli_gather_is_letter(const polkai_record *record)
{
    return polkai_record_header(record, POLKA_TEXT("polka-letter-id")) != NULL;
}

/* A record may have any number as its time: what no clock says would be the end of all arithmetic with it. */
static int64_t sane(int64_t time_ms)
{
    const int64_t last_ms = 253402300799999;             /* of the year 9999 */
    return time_ms < 0 ? 0 : time_ms > last_ms ? last_ms : time_ms;
}

cli_node cli_gather_node(polkai_record *record, const polkai_envelope *envelope)
{
    char key[128] = "";
    if (record->key.data != NULL)
        polkai_text_escape(key, sizeof key, record->key.data, record->key.size, 100);
    int64_t written_ms = sane(record->timestamp_ms), time_ms = envelope->time_ms != 0 ? sane(envelope->time_ms) : written_ms;
    cli_node node = { .id = copy(envelope->id), .cause = copy(envelope->causation_id), .source = copy(envelope->source), .type = copy(envelope->type),
                      .topic = copy(record->topic), .key = record->key.data != NULL ? polkai_strdup(key) : NULL, .partition = record->partition,
                      .offset = record->offset, .time_ms = time_ms,
                      .written_ms = written_ms > time_ms ? written_ms : time_ms };
    if (!cli_gather_is_letter(record))
        return node;
    node.group = copy(header_text(record, "polka-consumer-group"));
    node.reaction = copy(header_text(record, "polka-handler"));
    polka_text code = header_text(record, "polka-error-code"), message = header_text(record, "polka-error-message");
    node.letter = cli_format("of %s (%s): %.*s: %.*s", node.group, node.reaction, POLKA_TEXT_ARGS(code), POLKA_TEXT_ARGS(message));
    node.letter_ms = written_ms;
    return node;
}
