/* services.c: one pass over polka.services; the last record of a key counts, one without a value takes it back. */
#include <cli/services.h>

#include <base/arena.h>
#include <choreography/names.h>
#include <cli/reader.h>
#include <stdlib.h>

enum { BATCH = 128 };

typedef struct { size_t count, capacity; struct { char *key; polkai_manifest *manifest; } *items; } newest;

static void free_newest(newest *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->items[i].key);
        polkai_manifest_destroy(all->items[i].manifest);
    }
    free(all->items);
}

static void take(newest *all, const polkai_record *record)
{
    char *key = cli_format("%.*s", (int)record->key.size, record->key.data != NULL ? (const char *)record->key.data : "");
    size_t at = 0;
    while (at < all->count && strcmp(all->items[at].key, key) != 0)
        at++;
    if (at == all->capacity) {
        all->capacity = 2 * all->capacity + 16;
        all->items = polkai_realloc(all->items, all->capacity * sizeof *all->items);
    }
    if (at == all->count) {
        all->items[all->count].key = key;
        all->items[all->count++].manifest = NULL;
    } else {
        free(key);
    }
    polkai_manifest_destroy(all->items[at].manifest);
    all->items[at].manifest = NULL;
    char *origin AUTO(cli_free_text) = cli_format(CLI_SERVICES_TOPIC "/%" PRId32 "/%" PRId64, record->partition, record->offset);
    if (record->value.data != NULL)
        polkai_manifest_examine(&all->items[at].manifest, (polka_text){ record->value.size, (const char *)record->value.data }, origin);
}

static polka_status read_topic(newest *all, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    cli_list_add(&topics, CLI_SERVICES_TOPIC);
    polka_status status = cli_reader_open(&reader, connection, admin, &topics, POLKAI_OFFSET_START, error);
    if (status == POLKA_OK && cli_reader_partitions(reader) == 0)
        status = polkai_fail(error, POLKA_FATAL, "no-topic", "there is no topic " CLI_SERVICES_TOPIC " at %s, where services say what they are; make it: "
                             "polka topics apply --execute", connection->brokers);
    polkai_record *records = polkai_alloc(BATCH * sizeof *records);
    while (status == POLKA_OK && !cli_reader_reached(reader) && !cli_stopped()) {
        size_t count = cli_reader_poll(reader, records, BATCH, 50);
        for (size_t i = 0; i < count; i++) {
            take(all, &records[i]);
            polkai_record_release(&records[i]);
        }
    }
    free(records);
    cli_list_free(&topics);
    cli_reader_close(reader);
    return status;
}

/* All groups that services react in, as the broker knows them; none where it cannot tell (the embedded one). They are in the order of `names`. */
static polkai_group *ask_groups(const newest *all, polkai_names *names, polkai_admin *admin)
{
    polka_error error;
    for (size_t i = 0; i < all->count; i++) {
        const polkai_manifest *manifest = all->items[i].manifest;
        if (manifest != NULL && manifest->reaction_count > 0 && manifest->problem_count == 0)
            polkai_names_add(names, manifest->group);
    }
    polkai_group *groups = polkai_alloc((names->count + 1) * sizeof *groups);
    for (size_t i = 0; i < names->count; i++)
        groups[i].name = names->items[i];
    if (admin->operations->groups(admin, groups, names->count, &error) != POLKA_OK)
        for (size_t i = 0; i < names->count; i++)
            groups[i].told = false;
    return groups;
}

/* Which of a group's versions runs the broker does not know; a group without members runs none. */
static bool runs(const polkai_group *groups, const polkai_names *names, const polkai_manifest *manifest)
{
    ptrdiff_t at = manifest->reaction_count == 0 || manifest->problem_count > 0 ? POLKAI_NO_NAME : polkai_names_find(names, manifest->group);
    return at == POLKAI_NO_NAME || !groups[at].told || groups[at].members > 0;
}

static polka_status take_running(cli_manifests *manifests, newest *all, const polkai_group *groups, const polkai_names *names, polka_error *error)
{
    for (size_t i = 0; i < all->count; i++) {
        polkai_manifest *manifest = all->items[i].manifest;
        if (manifest == NULL)
            continue;
        if (!runs(groups, names, manifest)) {
            cli_say("%s does not run: nobody is in the group %s", all->items[i].key, manifest->group);
            continue;
        }
        all->items[i].manifest = NULL;
        TRY(cli_manifests_take(manifests, manifest, error));
    }
    return POLKA_OK;
}

static polka_status choose(cli_manifests *manifests, newest *all, polkai_admin *admin, polka_error *error)
{
    polka_arena arena = { 0 };
    polkai_names names = { .arena = &arena };
    polkai_group *groups = ask_groups(all, &names, admin);
    polka_status status = take_running(manifests, all, groups, &names, error);
    free(groups);
    polkai_arena_deinit(&arena);
    return status;
}

static polka_status read_all(newest *all, const cli_connection *connection, polkai_admin **admin, polka_error *error)
{
    TRY(cli_admin_open(admin, connection, error));
    return read_topic(all, connection, *admin, error);
}

polka_status cli_services_read(cli_manifests *manifests, const cli_project *project, const cli_where *where, polka_error *error)
{
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    newest all AUTO(free_newest) = { 0 };
    polkai_admin *admin AUTO(cli_admin_close) = NULL;
    TRY(cli_connection_find(&connection, project, where, error));
    TRY(read_all(&all, &connection, &admin, error));
    return choose(manifests, &all, admin, error);
}

polka_status cli_services_known(cli_manifests *manifests, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    newest all AUTO(free_newest) = { 0 };
    TRY(read_topic(&all, connection, admin, error));
    for (size_t i = 0; i < all.count; i++) {
        polkai_manifest *manifest = all.items[i].manifest;
        all.items[i].manifest = NULL;
        if (manifest != NULL)
            TRY(cli_manifests_take(manifests, manifest, error));
    }
    return POLKA_OK;
}

/* ---- forget ---- */

typedef struct { bool settled; polka_error error; } sending;

static void on_report(void *user, const polkai_report *report)
{
    sending *one = user;
    one->settled = true;
    if (report->status != POLKA_OK)
        polkai_fail(&one->error, report->status, report->code, "cannot write to " CLI_SERVICES_TOPIC ": %s", report->message);
}

static polka_status send_nothing(const char *key, const cli_connection *connection, polka_error *error)
{
    polkai_sink *sink = NULL;
    sending one = { 0 };
    polkai_kafka_options options = cli_connection_options(connection);
    options.report = on_report;
    options.report_user = &one;
    TRY(polkai_kafka_sink_open(&sink, &options, error));
    polkai_record record = { .topic = POLKA_TEXT(CLI_SERVICES_TOPIC), .partition = -1, .key = { strlen(key), (const uint8_t *)key } };
    polka_status status = sink->operations->send(sink, &record, &one, error);
    while (status == POLKA_OK && !one.settled && !cli_stopped())
        sink->operations->poll(sink, 50);
    sink->operations->close(sink, 1000);
    TRY(status);
    ENSURE(one.settled, POLKA_TRANSIENT, error, "stopped", "stopped before %s was forgotten", key);
    if (one.error.status != POLKA_OK)
        *error = one.error;
    return one.error.status;
}

polka_status cli_services_forget(const char *key, bool execute, const cli_project *project, const cli_where *where, polka_error *error)
{
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    newest all AUTO(free_newest) = { 0 };
    polkai_admin *admin AUTO(cli_admin_close) = NULL;
    bool found = false;
    TRY(cli_connection_find(&connection, project, where, error));
    TRY(read_all(&all, &connection, &admin, error));
    for (size_t i = 0; i < all.count; i++)
        found = found || (all.items[i].manifest != NULL && strcmp(all.items[i].key, key) == 0);
    ENSURE(found, POLKA_FATAL, error, "unknown-service", "%s is not on " CLI_SERVICES_TOPIC "; polka manifests --running shows what is", key);
    return execute ? send_nothing(key, &connection, error) : POLKA_OK;
}
