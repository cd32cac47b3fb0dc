/* ledger.c: schemas, ids and versions; what is judged before something is added. The file: ledger_file.c. */
#include <cli/ledger.h>

#include <avro/canonical.h>
#include <base/arena.h>
#include <base/identity.h>
#include <stdio.h>
#include <stdlib.h>

enum { REFERENCE_DEPTH = 32, REFERENCES_MAX = 256, WORDS_MAX = 50 };

static int64_t number_of(const json_t *object, const char *name) { return json_integer_value(json_object_get(object, name)); }
static const char *text_of(const json_t *object, const char *name) { return json_string_value(json_object_get(object, name)); }

static const json_t *schema_of(const cli_ledger *ledger, int64_t id)
{
    char name[24];
    snprintf(name, sizeof name, "%" PRId64, id);
    return json_object_get(ledger->schemas, name);
}

/* ---- a schema that was handed in ---- */

static polka_status read_references(polkai_schema_set *set, const cli_ledger *ledger, const json_t *references, unsigned depth, size_t *count, polka_error *error)
{
    const json_t *reference;
    size_t index;
    ENSURE(depth < REFERENCE_DEPTH, POLKA_POISON, error, "no-reference", "references nest deeper than %d", REFERENCE_DEPTH);
    json_array_foreach(references, index, reference) {
        const char *name = text_of(reference, "name"), *subject = text_of(reference, "subject");
        const polkai_schema *parsed;
        ENSURE(name != NULL && subject != NULL && number_of(reference, "version") > 0, POLKA_POISON, error, "no-reference", "a reference has name, subject and version");
        const json_t *version = cli_ledger_version(cli_ledger_subject(ledger, subject), number_of(reference, "version"), false);
        const json_t *kept = schema_of(ledger, number_of(version, "id"));
        ENSURE(kept != NULL, POLKA_POISON, error, "no-reference", "No schema reference found for subject \"%.150s\" and version %" PRId64, subject, number_of(reference, "version"));
        ENSURE(++*count <= REFERENCES_MAX, POLKA_POISON, error, "no-reference", "a schema has at most %d references", REFERENCES_MAX);
        if (polkai_schema_find(set, name) != NULL)
            continue;
        TRY(read_references(set, ledger, json_object_get(kept, "references"), depth + 1, count, error));
        if (polkai_schema_find(set, name) == NULL)
            TRY(polkai_schema_parse(set, polka_text_of(text_of(kept, "schema")), subject, &parsed, error));
    }
    return POLKA_OK;
}

/* Without what else a client may have written there. */
static json_t *bare(const json_t *references)
{
    json_t *list = json_array(), *item;
    size_t index;
    json_array_foreach(references, index, item)
        json_array_append_new(list, json_pack("{s:O, s:O, s:O}", "name", json_object_get(item, "name"), "subject", json_object_get(item, "subject"), "version",
                                              json_object_get(item, "version")));
    return list;
}

polka_status cli_entry_read(cli_entry *entry, const cli_ledger *ledger, polka_text text, const json_t *references, polka_error *error)
{
    size_t count = 0;
    *entry = (cli_entry){ .set = polkai_schema_set_create() };
    TRY(read_references(entry->set, ledger, references, 0, &count, error));
    TRY(polkai_schema_parse(entry->set, text, NULL, &entry->schema, error));
    if (json_array_size(references) == 0) {
        entry->text = polkai_schema_text(entry->schema);
        return POLKA_OK;
    }
    /* written out it would be another schema: one without references */
    json_t *json = json_loadb(text.data, text.size, JSON_DECODE_ANY, NULL);
    entry->text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    entry->references = bare(references);
    json_decref(json);
    return POLKA_OK;
}

void cli_entry_free(cli_entry *entry)
{
    polkai_schema_set_destroy(entry->set);
    json_decref(entry->references);
    free(entry->text);
    *entry = (cli_entry){ 0 };
}

/* ---- ids ---- */

static bool is_kept_as(const json_t *kept, const cli_entry *entry)
{
    const json_t *references = json_object_get(kept, "references");
    bool same = entry->references == NULL ? json_array_size(references) == 0 : json_equal(references, entry->references);
    return same && strcmp(text_of(kept, "schema"), entry->text) == 0;
}

/* The id that this schema has, or would get. */
static int64_t id_for(const cli_ledger *ledger, const cli_entry *entry, const json_t **kept)
{
    char *references = entry->references != NULL ? json_dumps(entry->references, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    uint64_t crc = polkai_crc64_avro(entry->text, strlen(entry->text)) ^ (references != NULL ? polkai_crc64_avro(references, strlen(references)) : 0);
    int64_t id = (int64_t)((crc ^ crc >> 32) & INT32_MAX);
    free(references);
    for (;; id++) {
        id = id < 1 || id > INT32_MAX ? 1 : id;
        *kept = schema_of(ledger, id);
        if (*kept == NULL || is_kept_as(*kept, entry))
            return id;
    }
}

static bool is_used(const cli_ledger *ledger, int64_t id)
{
    const char *name;
    json_t *subject;
    json_object_foreach(ledger->subjects, name, subject)
        if (cli_ledger_find(subject, id, true) != NULL)
            return true;
    return false;
}

int64_t cli_ledger_id(const cli_ledger *ledger, const cli_entry *entry)
{
    const json_t *kept;
    int64_t id = id_for(ledger, entry, &kept);
    return kept != NULL ? id : 0;
}

const json_t *cli_ledger_schema(const cli_ledger *ledger, int64_t id)
{
    return is_used(ledger, id) ? schema_of(ledger, id) : NULL;
}

static void add_schema(cli_ledger *ledger, int64_t id, const cli_entry *entry)
{
    char name[24], guid[POLKA_UUID_TEXT + 1];
    uint8_t uuid[16];
    char *references = entry->references != NULL ? json_dumps(entry->references, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const polka_text parts[] = { polka_text_of(entry->text), polka_text_of(references != NULL ? references : "") };
    polkai_uuid_derived(uuid, parts, 2);
    polkai_uuid_write(guid, uuid);
    snprintf(name, sizeof name, "%" PRId64, id);
    json_t *node = json_pack("{s:s, s:s}", "schema", entry->text, "guid", guid);
    if (entry->references != NULL)
        json_object_set(node, "references", entry->references);
    json_object_set_new(ledger->schemas, name, node);
    free(references);
}

/* ---- subjects and versions ---- */

json_t *cli_ledger_subject(const cli_ledger *ledger, const char *name) { return json_object_get(ledger->subjects, name); }

json_t *cli_ledger_version(const json_t *subject, int64_t wanted, bool deleted)
{
    json_t *versions = json_object_get(subject, "versions");
    for (size_t i = json_array_size(versions); i > 0; i--) {
        json_t *version = json_array_get(versions, i - 1);
        if ((wanted == 0 || number_of(version, "version") == wanted) && (deleted || !json_is_true(json_object_get(version, "deleted"))))
            return version;
    }
    return NULL;
}

json_t *cli_ledger_find(const json_t *subject, int64_t id, bool deleted)
{
    json_t *versions = json_object_get(subject, "versions");
    for (size_t i = json_array_size(versions); i > 0; i--) {
        json_t *version = json_array_get(versions, i - 1);
        if (number_of(version, "id") == id && (deleted || !json_is_true(json_object_get(version, "deleted"))))
            return version;
    }
    return NULL;
}

size_t cli_ledger_live(const json_t *subject)
{
    const json_t *version;
    size_t index, live = 0;
    json_array_foreach(json_object_get(subject, "versions"), index, version)
        live += !json_is_true(json_object_get(version, "deleted"));
    return live;
}

static bool refers(const json_t *schema, const char *subject, int64_t version)
{
    const json_t *reference;
    size_t index;
    json_array_foreach(json_object_get(schema, "references"), index, reference)
        if (strcmp(text_of(reference, "subject"), subject) == 0 && number_of(reference, "version") == version)
            return true;
    return false;
}

void cli_ledger_referrers(const cli_ledger *ledger, const char *subject, int64_t version, void (*visit)(void *user, int64_t id), void *user)
{
    const char *name;
    json_t *other;
    json_object_foreach(ledger->subjects, name, other) {
        const json_t *item;
        size_t index;
        json_array_foreach(json_object_get(other, "versions"), index, item)
            if (!json_is_true(json_object_get(item, "deleted")) && refers(schema_of(ledger, number_of(item, "id")), subject, version))
                visit(user, number_of(item, "id"));
    }
}

const char *cli_ledger_level(const cli_ledger *ledger, const json_t *subject)
{
    const char *own = text_of(subject, "level");
    return own != NULL ? own : ledger->level;
}

/* ---- compatibility ---- */

typedef struct { bool backward, forward, all; } direction;

static direction direction_of(const char *name)
{
    static const direction directions[] = {
        [POLKAI_COMPAT_NONE] = { false, false, false }, [POLKAI_COMPAT_BACKWARD] = { true, false, false },
        [POLKAI_COMPAT_BACKWARD_TRANSITIVE] = { true, false, true }, [POLKAI_COMPAT_FORWARD] = { false, true, false },
        [POLKAI_COMPAT_FORWARD_TRANSITIVE] = { false, true, true }, [POLKAI_COMPAT_FULL] = { true, true, false },
        [POLKAI_COMPAT_FULL_TRANSITIVE] = { true, true, true } };
    polkai_compat_level level;
    return polkai_compat_level_parse(polka_text_of(name), &level, NULL) == POLKA_OK ? directions[level] : (direction){ 0 };
}

static void add_words(json_t **words, polkai_breaks breaks, int64_t version, const char *who)
{
    char line[1200];
    for (size_t i = 0; i < breaks.count && json_array_size(*words) < WORDS_MAX; i++) {
        const polkai_break *found = &breaks.items[i];
        snprintf(line, sizeof line, "%s: %s %.400s (reader %.150s, writer %.150s; version %" PRId64 "). %.300s", found->type, who, found->message,
                 found->reader_path, found->writer_path, version, found->fix);
        *words = *words != NULL ? *words : json_array();
        json_array_append_new(*words, json_string(line));
    }
}

static polka_status check_one(const cli_ledger *ledger, const json_t *version, direction way, const cli_entry *entry, json_t **words, polka_error *error)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    const json_t *kept = schema_of(ledger, number_of(version, "id"));
    cli_entry before AUTO(cli_entry_free) = { 0 };
    polkai_arena_init(&arena, NULL, 0);
    TRY(cli_entry_read(&before, ledger, polka_text_of(text_of(kept, "schema")), json_object_get(kept, "references"), error));
    if (way.backward)
        add_words(words, polkai_compat_check(before.schema, entry->schema, &arena), number_of(version, "version"), "the new schema cannot read the old:");
    if (way.forward)
        add_words(words, polkai_compat_check(entry->schema, before.schema, &arena), number_of(version, "version"), "the old schema cannot read the new:");
    return POLKA_OK;
}

polka_status cli_ledger_check(const cli_ledger *ledger, const json_t *subject, int64_t only, const cli_entry *entry, json_t **words, polka_error *error)
{
    direction way = direction_of(cli_ledger_level(ledger, subject));
    json_t *versions = json_object_get(subject, "versions");
    *words = NULL;
    if (!way.backward && !way.forward)
        return POLKA_OK;
    for (size_t i = json_array_size(versions); i > 0; i--) {
        const json_t *version = json_array_get(versions, i - 1);
        if (json_is_true(json_object_get(version, "deleted")) || (only != 0 && number_of(version, "version") != only))
            continue;
        TRY(check_one(ledger, version, way, entry, words, error));
        if (!way.all)
            break;
    }
    return POLKA_OK;
}

/* ---- adding ---- */

static polka_status ensure_compatible(const cli_ledger *ledger, const char *name, const json_t *subject, const cli_entry *entry, polka_error *error)
{
    json_t *words;
    TRY(cli_ledger_check(ledger, subject, 0, entry, &words, error));
    if (words == NULL)
        return POLKA_OK;
    polka_status status = polkai_fail(error, POLKA_MISUSE, "incompatible", "Schema being registered is incompatible with an earlier schema for subject \"%.100s\" (level %s), details: [%s]",
                                      name, cli_ledger_level(ledger, subject), json_string_value(json_array_get(words, 0)));
    json_decref(words);
    return status;
}

/* One more version of `name`; taken back when it cannot be saved. */
static polka_status append(cli_ledger *ledger, const char *name, int64_t id, polka_error *error)
{
    if (cli_ledger_subject(ledger, name) == NULL)
        json_object_set_new(ledger->subjects, name, json_pack("{s:[]}", "versions"));
    json_t *versions = json_object_get(cli_ledger_subject(ledger, name), "versions");
    size_t count = json_array_size(versions);
    int64_t last = count > 0 ? number_of(json_array_get(versions, count - 1), "version") : 0;
    json_array_append_new(versions, json_pack("{s:I, s:I, s:b}", "version", (json_int_t)last + 1, "id", (json_int_t)id, "deleted", 0));
    polka_status status = cli_ledger_save(ledger, error);
    if (status != POLKA_OK)
        json_array_remove(versions, count);
    return status;
}

polka_status cli_ledger_register(cli_ledger *ledger, const char *name, const cli_entry *entry, int64_t *id, polka_error *error)
{
    const json_t *kept, *subject = cli_ledger_subject(ledger, name);
    *id = id_for(ledger, entry, &kept);
    if (cli_ledger_find(subject, *id, false) != NULL)
        return POLKA_OK;
    TRY(ensure_compatible(ledger, name, subject, entry, error));
    if (kept == NULL)
        add_schema(ledger, *id, entry);
    return append(ledger, name, *id, error);
}
