/* announced.c: the last record of a key counts, one without a value takes it back. */
#include <cli/announced.h>
#include <cli/pass.h>

#include <base/arena.h>
#include <stdlib.h>

enum { BATCH = 128 };

static cli_announcement *item_of(cli_announced *announced, const polkai_record *record)
{
    char *key AUTO(cli_free_text) = cli_format("%.*s", (int)record->key.size, record->key.data != NULL ? (const char *)record->key.data : "");
    announced->keys.arena = &announced->arena;
    size_t known = announced->keys.count, number = polkai_names_add(&announced->keys, key);
    if (announced->keys.count > announced->capacity) {
        announced->capacity = 2 * announced->capacity + 16;
        announced->items = polkai_realloc(announced->items, announced->capacity * sizeof *announced->items);
    }
    if (number == known)
        announced->items[number] = (cli_announcement){ NULL, 0 };
    return &announced->items[number];
}

static bool is_same(const polkai_manifest *a, const polkai_manifest *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && a->json != NULL && b->json != NULL && json_equal(a->json, b->json));
}

static bool take(cli_announced *announced, const polkai_record *record, int64_t now_ms)
{
    polkai_manifest *manifest = NULL;
    cli_announcement *item = item_of(announced, record);
    char *origin AUTO(cli_free_text) = cli_format(CLI_SERVICES_TOPIC "/%" PRId32 "/%" PRId64, record->partition, record->offset);
    if (record->value.data != NULL)
        polkai_manifest_examine(&manifest, (polka_text){ record->value.size, (const char *)record->value.data }, origin);
    if (is_same(manifest, item->manifest)) {
        polkai_manifest_destroy(manifest);
        return false;
    }
    polkai_manifest_destroy(item->manifest);
    *item = (cli_announcement){ manifest, now_ms };
    return true;
}

static bool read_some(cli_announced *announced, int64_t now_ms, size_t *count)
{
    bool changed = false;
    polkai_record *records = polkai_alloc(BATCH * sizeof *records);
    *count = cli_reader_poll(announced->reader, records, BATCH, 0);
    for (size_t i = 0; i < *count; i++) {
        changed = take(announced, &records[i], now_ms) || changed;
        polkai_record_release(&records[i]);
    }
    free(records);
    return changed;
}

static void take_old(void *announced, polkai_record *record) { (void)take(announced, record, 0); }

polka_status cli_announced_open(cli_announced *announced, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    cli_list topics = { 0 };
    cli_list_add(&topics, CLI_SERVICES_TOPIC);
    polka_status status = cli_reader_open(&announced->reader, connection, admin, &topics, NULL, error);
    cli_list_free(&topics);
    return status != POLKA_OK ? status : cli_pass(announced->reader, take_old, announced, error);
}

void cli_announced_close(cli_announced *announced)
{
    for (size_t i = 0; i < announced->keys.count; i++)
        polkai_manifest_destroy(announced->items[i].manifest);
    free(announced->items);
    cli_reader_close(announced->reader);
    polkai_arena_deinit(&announced->arena);
    *announced = (cli_announced){ 0 };
}

bool cli_announced_has_topic(const cli_announced *announced) { return cli_reader_partitions(announced->reader) > 0; }

bool cli_announced_read_on(cli_announced *announced, int64_t now_ms)
{
    bool changed = false;
    for (size_t count = BATCH; count == BATCH && !cli_stopped();)
        changed = read_some(announced, now_ms, &count) || changed;
    return changed;
}

polka_status cli_announced_refresh(cli_announced *announced, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    cli_list topics = { 0 };
    cli_list_add(&topics, CLI_SERVICES_TOPIC);
    polka_status status = cli_reader_extend(announced->reader, connection, admin, &topics, 0, NULL, error);
    cli_list_free(&topics);
    return status;
}

polkai_manifest *cli_announced_take(cli_announced *announced, size_t number)
{
    polkai_manifest *manifest = announced->items[number].manifest;
    announced->items[number].manifest = NULL;
    return manifest;
}
