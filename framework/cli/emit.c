/* emit.c: `polka emit`: plain JSON, checked against the schema before anything is sent; then one record an event. */
#include <cli/catalog.h>
#include <cli/edit.h>
#include <cli/frame.h>
#include <cli/lines.h>
#include <cli/pace.h>
#include <cli/reader.h>
#include <cli/registry.h>
#include <cli/traced.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/identity.h>
#include <base/text.h>
#include <errno.h>
#include <flow/envelope/envelope.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TURN_MS = 50,
    IDLE_MS = 1000,                      /* nothing is open, and no line is there */
    LISTEN_MS = 5                        /* something is open: how long a line that comes may wait */
};

typedef struct {
    /* as asked for */
    const char *data, *key;
    cli_list set;
    bool sample, once;
    int64_t count;
    double rate;
    /* as found */
    const cli_event *event;
    cli_frame frame;
    json_t *base;                        /* of --data; NULL: none, or one a line of stdin */
    polkai_random random;
    polka_arena arena;                   /* of one emission */
    /* what became of it */
    int64_t started;
    cli_sender sender;
    cli_traced traced;
} emitter;

/* ---- one event ---- */

static polka_status value_of(emitter *emit, json_t *base, json_t **value, polka_error *error)
{
    *value = NULL;
    if (emit->sample) {
        *value = polkai_json_sample(emit->event->schema, polkai_random_next(&emit->random));
        if (base != NULL && json_is_object(base))
            json_object_update(*value, base);
    } else {
        *value = base != NULL ? json_deep_copy(base) : json_object();
    }
    for (size_t i = 0; i < emit->set.count; i++)
        TRY(cli_edit_set(*value, emit->event->schema, emit->set.items[i], error));
    return POLKA_OK;
}

static polka_status encode(emitter *emit, const json_t *value, polka_buffer *buffer, polka_bytes *key, polka_error *error)
{
    cli_frame_write(&emit->frame, buffer);
    polka_status status = polkai_json_encode(POLKAI_JSON_PLAIN, emit->event->schema, value, buffer, error);
    if (status == POLKA_OK && emit->key != NULL)
        *key = (polka_bytes){ strlen(emit->key), (const uint8_t *)emit->key };
    else if (status == POLKA_OK && emit->event->key != NULL)
        status = polkai_json_key(emit->event->schema, emit->event->key, value, &emit->arena, key, error);
    if (status != POLKA_OK)
        polkai_error_where(error, "%s", emit->event->name);
    return status;
}

static polka_status emit_one(emitter *emit, json_t *base, polka_error *error)
{
    json_t *value = NULL;
    polka_buffer buffer = { .arena = &emit->arena };
    polka_bytes key = { 0 };
    polka_status status = value_of(emit, base, &value, error);
    if (status == POLKA_OK)
        status = encode(emit, value, &buffer, &key, error);
    json_decref(value);
    TRY(status);

    uint8_t uuid[16];
    char id[POLKA_UUID_TEXT + 1];
    int64_t now = polkai_clock_real.wall_ms(&polkai_clock_real);
    polkai_uuid_v7(uuid, now, &emit->random);
    polkai_uuid_write(id, uuid);
    polka_text id_text = polka_text_of(id);
    polkai_envelope envelope = {
        .mode = POLKAI_MODE_BINARY, .id = id_text, .source = POLKA_TEXT("/polka/emit"), .type = polka_text_of(emit->event->name),
        .subject = polkai_envelope_subject(key), .correlation_id = id_text,
        .dataschema = polka_text_of(emit->frame.dataschema), .time_ms = now,
        .traceparent = cli_traced_parent(&emit->traced, id, &emit->arena) };
    polkai_header headers[POLKAI_ENVELOPE_HEADERS];
    polkai_record record = { .topic = polka_text_of(emit->event->topic), .partition = -1, .key = key,
                             .value = { buffer.size, buffer.data }, .headers = headers };
    record.header_count = polkai_envelope_write(&envelope, &emit->arena, headers);
    status = cli_sender_send(&emit->sender, &record, id, error);
    polkai_arena_reset(&emit->arena, NULL, 0);
    emit->started++;
    return status;
}

/* ---- all events ---- */

static void pace(emitter *emit, int64_t began_ns)
{
    int64_t due_ns = cli_pace_due_ns(began_ns, emit->started, emit->rate);
    int wait_ms;
    do {
        wait_ms = cli_pace_wait_ms(due_ns, polkai_clock_real.steady_ns(&polkai_clock_real), TURN_MS);
    } while (cli_sender_serve(&emit->sender, wait_ms) && wait_ms > 0 && cli_sender_goes_on(&emit->sender));
}

/* Meanwhile reports are served: whoever writes a line may wait for its acknowledgement before writing the next. false: there is none, or no more is wanted. */
static bool next_line(emitter *emit, cli_lines *lines, polka_text *line)
{
    while (cli_sender_goes_on(&emit->sender) && (emit->once || emit->started < emit->count)) {
        if (cli_lines_take(lines, line))
            return true;
        if (lines->ended)
            return false;
        bool open = emit->sender.settled < emit->sender.sent;
        if (!cli_lines_fill(lines, open ? 0 : IDLE_MS) && open)
            cli_sender_serve(&emit->sender, LISTEN_MS);
    }
    return false;
}

static polka_status emit_line(emitter *emit, polka_text line, int64_t began_ns, polka_error *error)
{
    json_t *base = NULL;
    polka_status status = polkai_json_parse((polka_bytes){ line.size, (const uint8_t *)line.data }, &base, error);
    if (status == POLKA_OK) {
        pace(emit, began_ns);
        status = emit_one(emit, base, error);
    }
    json_decref(base);
    return status;
}

static bool is_blank(polka_text line)
{
    size_t size = 0;
    while (size < line.size && strchr(" \t\r", line.data[size]) != NULL && line.data[size] != '\0')
        size++;
    return size == line.size;
}

static polka_status emit_lines(emitter *emit, int64_t began_ns, polka_error *error)
{
    cli_lines lines AUTO(cli_lines_free) = { .descriptor = STDIN_FILENO };
    polka_text line;
    for (size_t number = 1; next_line(emit, &lines, &line); number++) {
        if (is_blank(line) || emit_line(emit, line, began_ns, error) == POLKA_OK)
            continue;
        polkai_error_where(error, "line %zu of standard input", number);
        return error->status;
    }
    ENSURE(lines.failure == 0, POLKA_MISUSE, error, "no-input", "standard input cannot be read: %s", strerror(lines.failure));
    return POLKA_OK;
}

static polka_status emit_all(emitter *emit, polka_error *error)
{
    int64_t began_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
    if (emit->data != NULL && strcmp(emit->data, "-") == 0)
        return emit_lines(emit, began_ns, error);
    while (emit->started < emit->count && cli_sender_goes_on(&emit->sender)) {
        pace(emit, began_ns);
        TRY(emit_one(emit, emit->base, error));
    }
    return POLKA_OK;
}

static polka_status read_file(const char *path, polka_buffer *buffer, polka_error *error)
{
    FILE *file = fopen(path, "re");
    ENSURE(file != NULL, POLKA_MISUSE, error, "no-file", "--data @%s: %s", path, strerror(errno));
    size_t size;
    do {
        size = fread(polka_buffer_reserve(buffer, 65536), 1, 65536, file);
        buffer->size += size;
    } while (size > 0 && buffer->size < 1u << 28);
    fclose(file);
    return POLKA_OK;
}

static polka_status read_data(emitter *emit, polka_error *error)
{
    polka_buffer buffer = { .arena = &emit->arena };
    polka_bytes text = { emit->data != NULL ? strlen(emit->data) : 0, (const uint8_t *)emit->data };
    if (emit->data == NULL || strcmp(emit->data, "-") == 0)
        return POLKA_OK;
    if (emit->data[0] == '@') {
        TRY(read_file(emit->data + 1, &buffer, error));
        text = (polka_bytes){ buffer.size, buffer.data };
    }
    polka_status status = polkai_json_parse(text, &emit->base, error);
    if (status != POLKA_OK)
        polkai_error_where(error, "--data");
    polkai_arena_reset(&emit->arena, NULL, 0);
    return status;
}

/* Is the value right? Found before the broker is asked for anything. */
static polka_status check_first(emitter *emit, polka_error *error)
{
    json_t *value = NULL;
    polka_buffer buffer = { .arena = &emit->arena };
    polka_bytes key = { 0 };
    if (emit->data != NULL && strcmp(emit->data, "-") == 0)
        return POLKA_OK;
    polka_status status = value_of(emit, emit->base, &value, error);
    if (status == POLKA_OK)
        status = encode(emit, value, &buffer, &key, error);
    json_decref(value);
    polkai_arena_reset(&emit->arena, NULL, 0);
    return status;
}

/* ---- the broker ---- */

static bool exists(const polkai_topic *topics, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(topics[i].name, name) == 0)
            return true;
    return false;
}

/* A producer's request for a missing topic would make it on many brokers: so it is asked for first. */
static polka_status check_topics(emitter *emit, const cli_connection *connection, polka_error *error)
{
    polkai_admin *admin = NULL;
    polkai_topic *topics = NULL;
    size_t count = 0;
    TRY(cli_admin_open(&admin, connection, error));
    polka_status status = admin->operations->topics(admin, &topics, &count, error);
    if (status == POLKA_OK && !exists(topics, count, emit->event->topic))
        status = polkai_fail(error, POLKA_FATAL, "no-topic", "there is no topic '%s' at %s; make what is missing: polka topics apply --execute",
                             emit->event->topic, connection->brokers);
    if (status == POLKA_OK && !emit->frame.confluent && !exists(topics, count, "polka.schemas"))
        status = admin->operations->create(admin, &(polkai_topic){ .name = "polka.schemas", .partitions = 1, .replication = -1, .retention_ms = -2,
                                                                   .max_message_bytes = -1, .compacted = true }, error);
    free(topics);
    admin->operations->close(admin);
    return status;
}

/* Whoever reads the event looks for its schema by the fingerprint, so that record must be safe first. */
static polka_status announce(emitter *emit, polka_error *error)
{
    if (emit->frame.confluent)
        return POLKA_OK;
    char key[17], *text = polkai_schema_text(emit->event->schema);
    polkai_hex64(key, emit->event->fingerprint);
    polkai_record record = { .topic = POLKA_TEXT("polka.schemas"), .partition = -1, .key = { 16, (const uint8_t *)key },
                             .value = { strlen(text), (const uint8_t *)text } };
    polka_status status = cli_sender_send(&emit->sender, &record, "", error);
    free(text);
    TRY(status);
    cli_sender_settle(&emit->sender);
    if (emit->sender.failure.status != POLKA_OK)
        *error = emit->sender.failure;
    return emit->sender.failure.status;
}

static polka_status deliver(emitter *emit, cli_connection *connection, polka_error *error)
{
    TRY(check_topics(emit, connection, error));
    TRY(cli_sender_open(&emit->sender, connection, error));
    TRY(announce(emit, error));
    cli_traced_open(&emit->traced, emit->event);
    emit->sender.heard = cli_traced_heard;
    emit->sender.user = &emit->traced;
    polka_status status = emit_all(emit, error);
    if (emit->sender.failure.status == POLKA_OK)
        cli_sender_settle(&emit->sender);
    if (emit->sender.failure.status == POLKA_OK)
        return status;
    *error = emit->sender.failure;
    return emit->sender.failure.status;
}

static polka_status work(emitter *emit, const char *name, const cli_where *where, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    cli_catalog *catalog = NULL;
    polka_status status = cli_project_open(&project, error);
    if (status == POLKA_OK)
        status = cli_catalog_open(&catalog, &project, error);
    if (status == POLKA_OK)
        status = cli_catalog_event(catalog, name, &emit->event, error);
    if (status == POLKA_OK)
        status = read_data(emit, error);
    if (status == POLKA_OK)
        status = check_first(emit, error);
    if (status == POLKA_OK)
        status = cli_frame_find(&emit->frame, &project, emit->event, error);
    if (status == POLKA_OK)
        status = cli_connection_find(&connection, &project, where, error);
    if (status == POLKA_OK)
        status = deliver(emit, &connection, error);
    cli_sender_close(&emit->sender);     /* what is given up then has its span, too */
    cli_traced_close(&emit->traced);
    cli_catalog_close(catalog);
    return status;
}

static int run(const cli_command *command, int argc, char **argv)
{
    emitter emit = { .count = -1 };
    cli_where where = { 0 };
    cli_list rest = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = {
        { "data", 'd', CLI_TEXT, &emit.data, "JSON|@FILE|-", "the value; -: one object a line from standard input" },
        { "sample", 's', CLI_FLAG, &emit.sample, NULL, "made-up values for what --data and --set do not give" },
        { "set", 0, CLI_LIST, &emit.set, "FIELD=VALUE", "one field, for example lines.0.quantity=5; may be given often" },
        { "key", 'k', CLI_TEXT, &emit.key, "TEXT", "the record's key, in place of the schema's polka.key" },
        { "count", 'n', CLI_COUNT, &emit.count, "N", "how many events; default 1, with --data - all lines" },
        { "rate", 0, CLI_RATE, &emit.rate, "R", "at most so many a second" },
        CLI_WHERE_OPTIONS(where), { 0 } };
    int code = cli_parse(command, options, argc, argv, &rest);
    if (code < 0 && rest.count != 1)
        code = cli_usage(command, rest.count == 0 ? "which event? polka emit EVENT --sample" : "one event at a time, not also '%s'", rest.count > 1 ? rest.items[1] : "");
    if (code < 0 && emit.data == NULL && !emit.sample && emit.set.count == 0)
        code = cli_usage(command, "which value? Give --data JSON, --data @file, --data - or --sample");
    if (code < 0) {
        emit.once = emit.count < 0;
        emit.count = emit.once ? 1 : emit.count;
        cli_catch_signals();
        polkai_random_seed_entropy(&emit.random);
        code = work(&emit, rest.items[0], &where, &error) == POLKA_OK ? cli_stopped() ? CLI_STOPPED : CLI_OK : cli_registry_complain(&error);
    }
    polkai_arena_deinit(&emit.arena);
    cli_frame_free(&emit.frame);
    json_decref(emit.base);
    cli_list_free(&emit.set);
    cli_list_free(&where.properties);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_emit = {
    .name = "emit", .arguments = "EVENT", .summary = "send an event, checked against its schema", .run = run,
    .details = "The value is plain JSON: unions untagged, timestamps as text (2026-11-01T10:00:00Z) or number, bytes as base64.\n"
               "Fields that have a default may be left out. Prints one line an event: id, correlation_id, topic, partition, offset;\n"
               "with --data - as soon as the broker has it, so that who writes a line may wait for its answer.\n"
               "The project's `framing: confluent` holds here too: the schema is registered, and its id stands before the value.\n"
               "With OTEL_EXPORTER_OTLP_ENDPOINT in the environment each event has its span, with which the trace of its flow begins.\n",
    .examples = "  polka emit shop.OrderPlaced --sample\n"
                "  polka emit OrderPlaced --sample --set total=600000 --set currency=USD\n"
                "  polka emit shop.OrderPlaced --data @order.json --key A-1\n"
                "  polka emit shop.OrderPlaced --sample -n 1000 --rate 100\n"
                "  generate-orders | polka emit shop.OrderPlaced --data -\n" };
