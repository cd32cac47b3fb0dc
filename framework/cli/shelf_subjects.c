/* shelf_subjects.c: subjects and their versions: what is there, what is added and deleted. */
#include <cli/shelf_inner.h>

#include <errno.h>
#include <stdlib.h>

static cli_reply no_subject(const char *name) { return cli_shelf_refuse(40401, "Subject '%s' not found.", name); }
static cli_reply no_schema(void) { return cli_shelf_refuse(40403, "Schema not found"); }
static cli_reply not_saved(const polka_error *error) { return cli_shelf_refuse(50001, "%s", error->message); }

/* ---- what was asked for ---- */

static cli_reply find_subject(const asked *ask, json_t **subject)
{
    *subject = cli_ledger_subject(ask->ledger, ask->first);
    bool there = *subject != NULL && (ask->deleted ? json_array_size(json_object_get(*subject, "versions")) > 0 : cli_ledger_live(*subject) > 0);
    return there ? good(NULL) : no_subject(ask->first);
}

/* "latest", "-1" or a number; 0: the latest. */
static bool read_version(const char *text, int64_t *version)
{
    char *end;
    errno = 0;
    *version = 0;
    if (strcmp(text, "latest") == 0 || strcmp(text, "-1") == 0)
        return true;
    *version = strtoll(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *version >= 1 && *version <= INT32_MAX;
}

cli_reply cli_shelf_find_version(const asked *ask, json_t **subject, json_t **version)
{
    int64_t wanted;
    if (!read_version(ask->second, &wanted))
        return cli_shelf_refuse(42202, "The specified version '%s' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"", ask->second);
    cli_reply reply = find_subject(ask, subject);
    if (reply.json != NULL)
        return reply;
    *version = cli_ledger_version(*subject, wanted, ask->deleted);
    return *version != NULL ? good(NULL) : cli_shelf_refuse(40402, "Version %s not found.", ask->second);
}

cli_reply cli_shelf_read_entry(const asked *ask, cli_entry *entry)
{
    polka_error error = { 0 };
    const json_t *text = json_object_get(ask->body, "schema"), *references = json_object_get(ask->body, "references");
    const char *kind = json_string_value(json_object_get(ask->body, "schemaType"));
    if (!json_is_string(text))
        return cli_shelf_refuse(42201, "The body has no \"schema\": the schema's JSON as a text");
    if (kind != NULL && strcmp(kind, "AVRO") != 0)
        return cli_shelf_refuse(42201, "Invalid schema type %s: this registry takes AVRO only", kind);
    if (references != NULL && !json_is_null(references) && !json_is_array(references))
        return cli_shelf_refuse(42201, "\"references\" is a list of name, subject and version");
    if (cli_entry_read(entry, ask->ledger, (polka_text){ json_string_length(text), json_string_value(text) }, references, &error) != POLKA_OK)
        return cli_shelf_refuse(42201, "Invalid schema: %s", error.message);
    return good(NULL);
}
/* ---- answers ---- */

void cli_shelf_add_schema(json_t *to, const json_t *schema)
{
    json_object_set(to, "schema", json_object_get(schema, "schema"));
    json_object_set(to, "guid", json_object_get(schema, "guid"));
    if (json_object_get(schema, "references") != NULL)
        json_object_set(to, "references", json_object_get(schema, "references"));
}

static json_t *whole_version(const asked *ask, const char *subject, const json_t *version)
{
    json_t *answer = json_pack("{s:s, s:O, s:O}", "subject", subject, "version", json_object_get(version, "version"), "id", json_object_get(version, "id"));
    cli_shelf_add_schema(answer, cli_ledger_schema(ask->ledger, number_of(version, "id")));
    return answer;
}

cli_reply cli_shelf_schema_alone(const json_t *schema)
{
    const char *text = json_string_value(json_object_get(schema, "schema"));
    return good(json_loads(text, JSON_DECODE_ANY, NULL));
}

/* ---- subjects ---- */

bool cli_shelf_wanted(const asked *ask, bool live)
{
    return ask->only_deleted ? !live : live || ask->deleted;
}

static bool begins(const char *text, const char *prefix) { return prefix == NULL || strncmp(text, prefix, strlen(prefix)) == 0; }

cli_reply cli_shelf_get_subjects(asked *ask)
{
    json_t *list = json_array(), *subject;
    const char *name;
    json_object_foreach(ask->ledger->subjects, name, subject)
        if (json_array_size(json_object_get(subject, "versions")) > 0 && cli_shelf_wanted(ask, cli_ledger_live(subject) > 0) && begins(name, ask->prefix))
            json_array_append_new(list, json_string(name));
    return good(list);
}

cli_reply cli_shelf_get_schemas(asked *ask)
{
    json_t *list = json_array(), *subject, *version;
    const char *name;
    size_t index;
    json_object_foreach(ask->ledger->subjects, name, subject)
        json_array_foreach(json_object_get(subject, "versions"), index, version)
            if (cli_shelf_wanted(ask, !is_deleted(version)) && begins(name, ask->prefix))
                json_array_append_new(list, whole_version(ask, name, version));
    return good(list);
}

cli_reply cli_shelf_get_versions(asked *ask)
{
    json_t *subject, *version;
    size_t index;
    cli_reply reply = find_subject(ask, &subject);
    if (reply.json != NULL)
        return reply;
    json_t *list = json_array();
    json_array_foreach(json_object_get(subject, "versions"), index, version)
        if (cli_shelf_wanted(ask, !is_deleted(version)))
            json_array_append(list, json_object_get(version, "version"));
    return good(list);
}

cli_reply cli_shelf_get_version(asked *ask)
{
    json_t *subject, *version;
    cli_reply reply = cli_shelf_find_version(ask, &subject, &version);
    return reply.json != NULL ? reply : good(whole_version(ask, ask->first, version));
}

cli_reply cli_shelf_get_version_schema(asked *ask)
{
    json_t *subject, *version;
    cli_reply reply = cli_shelf_find_version(ask, &subject, &version);
    return reply.json != NULL ? reply : cli_shelf_schema_alone(cli_ledger_schema(ask->ledger, number_of(version, "id")));
}

static void append_id(void *list, int64_t id) { json_array_append_new(list, json_integer(id)); }

cli_reply cli_shelf_get_referrers(asked *ask)
{
    json_t *subject, *version;
    cli_reply reply = cli_shelf_find_version(ask, &subject, &version);
    if (reply.json != NULL)
        return reply;
    json_t *list = json_array();
    cli_ledger_referrers(ask->ledger, ask->first, number_of(version, "version"), append_id, list);
    return good(list);
}

cli_reply cli_shelf_post_version(asked *ask)
{
    int64_t id;
    polka_error error = { 0 };
    cli_entry entry AUTO(cli_entry_free) = { 0 };
    cli_reply reply = cli_shelf_read_entry(ask, &entry);
    if (reply.json != NULL)
        return reply;
    polka_status status = cli_ledger_register(ask->ledger, ask->first, &entry, &id, &error);
    if (status == POLKA_MISUSE)
        return cli_shelf_refuse(409, "%s", error.message);
    return status == POLKA_OK ? good(json_pack("{s:I}", "id", (json_int_t)id)) : not_saved(&error);
}

cli_reply cli_shelf_post_lookup(asked *ask)
{
    json_t *subject;
    cli_entry entry AUTO(cli_entry_free) = { 0 };
    cli_reply reply = find_subject(ask, &subject);
    if (reply.json == NULL)
        reply = cli_shelf_read_entry(ask, &entry);
    if (reply.json != NULL)
        return reply;
    const json_t *version = cli_ledger_find(subject, cli_ledger_id(ask->ledger, &entry), ask->deleted);
    return version != NULL ? good(whole_version(ask, ask->first, version)) : no_schema();
}
/* ---- deleting ---- */

static void count(void *counter, int64_t id)
{
    (void)id;
    ++*(unsigned *)counter;
}

static bool is_referred(const asked *ask, const json_t *version)
{
    unsigned referrers = 0;
    cli_ledger_referrers(ask->ledger, ask->first, number_of(version, "version"), count, &referrers);
    return referrers > 0;
}

static cli_reply referred(const asked *ask, const json_t *version)
{
    return cli_shelf_refuse(42206, "One or more references exist to the schema {subject=%s,version=%" PRId64 "}", ask->first, number_of(version, "version"));
}

cli_reply cli_shelf_save(const asked *ask, json_t *answer)
{
    polka_error error = { 0 };
    if (cli_ledger_save(ask->ledger, &error) == POLKA_OK)
        return good(answer);
    json_decref(answer);
    return not_saved(&error);
}

cli_reply cli_shelf_delete_subject(asked *ask)
{
    json_t *subject, *version;
    size_t index;
    ask->deleted = true;
    cli_reply reply = find_subject(ask, &subject);
    if (reply.json != NULL)
        return reply;
    bool live = cli_ledger_live(subject) > 0;
    if (ask->permanent && live)
        return cli_shelf_refuse(40405, "Subject '%s' was not deleted first before being permanently deleted", ask->first);
    if (!ask->permanent && !live)
        return cli_shelf_refuse(40404, "Subject '%s' was soft deleted. Set permanent=true to delete permanently", ask->first);
    json_t *versions = json_object_get(subject, "versions"), *gone = json_array();
    json_array_foreach(versions, index, version) {
        if (!is_deleted(version) && is_referred(ask, version)) {
            json_decref(gone);
            return referred(ask, version);
        }
        if (ask->permanent || !is_deleted(version))
            json_array_append(gone, json_object_get(version, "version"));
    }
    json_array_foreach(versions, index, version)
        json_object_set_new(version, "deleted", json_true());
    if (ask->permanent)
        json_object_del(ask->ledger->subjects, ask->first);
    return cli_shelf_save(ask, gone);
}

static void remove_version(json_t *subject, const json_t *version)
{
    json_t *versions = json_object_get(subject, "versions");
    for (size_t i = 0; i < json_array_size(versions); i++)
        if (json_array_get(versions, i) == version) {
            json_array_remove(versions, i);
            return;
        }
}

cli_reply cli_shelf_delete_version(asked *ask)
{
    json_t *subject, *version;
    ask->deleted = strcmp(ask->second, "latest") != 0 && strcmp(ask->second, "-1") != 0;
    cli_reply reply = cli_shelf_find_version(ask, &subject, &version);
    if (reply.json != NULL)
        return reply;
    if (ask->permanent && !is_deleted(version))
        return cli_shelf_refuse(40407, "Subject '%s' Version %s was not deleted first before being permanently deleted", ask->first, ask->second);
    if (!ask->permanent && is_deleted(version))
        return cli_shelf_refuse(40406, "Subject '%s' Version %s was soft deleted. Set permanent=true to delete permanently", ask->first, ask->second);
    if (is_referred(ask, version))
        return referred(ask, version);
    json_t *number = json_incref(json_object_get(version, "version"));
    if (ask->permanent)
        remove_version(subject, version);
    else
        json_object_set_new(version, "deleted", json_true());
    return cli_shelf_save(ask, number);
}
