/* shelf.c: one table of what can be asked for, and what each answers. */
#include <cli/shelf.h>

#include <base/arena.h>
#include <base/text.h>
#include <base/url.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTS_MAX = 8, URI_BYTES = 4096 };

typedef struct {
    cli_ledger *ledger;
    size_t part_count;
    char *parts[PARTS_MAX];              /* of the path, without their escapes */
    const char *first, *second;          /* what stands where the row has a star */
    const char *prefix;                  /* subjectPrefix */
    bool deleted, only_deleted, permanent, verbose, global;
    json_t *body;                        /* NULL: none */
} asked;

static int64_t number_of(const json_t *object, const char *name) { return json_integer_value(json_object_get(object, name)); }
static bool is_deleted(const json_t *version) { return json_is_true(json_object_get(version, "deleted")); }
static cli_reply good(json_t *json) { return (cli_reply){ 200, json }; }

cli_reply cli_shelf_refuse(int code, const char *format, ...)
{
    char message[1024], safe[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    polkai_text_escape(safe, sizeof safe, message, strlen(message), sizeof safe - 8);
    return (cli_reply){ (unsigned)(code < 1000 ? code : code / 100), json_pack("{s:i, s:s}", "error_code", code, "message", safe) };
}

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

static cli_reply find_version(const asked *ask, json_t **subject, json_t **version)
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

static cli_reply read_entry(const asked *ask, cli_entry *entry)
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

static void add_schema(json_t *to, const json_t *schema)
{
    json_object_set(to, "schema", json_object_get(schema, "schema"));
    json_object_set(to, "guid", json_object_get(schema, "guid"));
    if (json_object_get(schema, "references") != NULL)
        json_object_set(to, "references", json_object_get(schema, "references"));
}

static json_t *whole_version(const asked *ask, const char *subject, const json_t *version)
{
    json_t *answer = json_pack("{s:s, s:O, s:O}", "subject", subject, "version", json_object_get(version, "version"), "id", json_object_get(version, "id"));
    add_schema(answer, cli_ledger_schema(ask->ledger, number_of(version, "id")));
    return answer;
}

static cli_reply schema_alone(const json_t *schema)
{
    const char *text = json_string_value(json_object_get(schema, "schema"));
    return good(json_loads(text, JSON_DECODE_ANY, NULL));
}

static cli_reply get_root(asked *ask) { (void)ask; return good(json_object()); }
static cli_reply get_types(asked *ask) { (void)ask; return good(json_pack("[s]", "AVRO")); }
static cli_reply get_contexts(asked *ask) { (void)ask; return good(json_pack("[s]", ".")); }
static cli_reply get_mode(asked *ask) { (void)ask; return good(json_pack("{s:s}", "mode", "READWRITE")); }

static cli_reply put_mode(asked *ask)
{
    const char *mode = json_string_value(json_object_get(ask->body, "mode"));
    if (mode != NULL && strcmp(mode, "READWRITE") == 0)
        return get_mode(ask);
    return cli_shelf_refuse(42204, "Invalid mode %s: this registry is always READWRITE", mode != NULL ? mode : "(none)");
}

/* ---- subjects ---- */

static bool wanted(const asked *ask, bool live)
{
    return ask->only_deleted ? !live : live || ask->deleted;
}

static bool begins(const char *text, const char *prefix) { return prefix == NULL || strncmp(text, prefix, strlen(prefix)) == 0; }

static cli_reply get_subjects(asked *ask)
{
    json_t *list = json_array(), *subject;
    const char *name;
    json_object_foreach(ask->ledger->subjects, name, subject)
        if (json_array_size(json_object_get(subject, "versions")) > 0 && wanted(ask, cli_ledger_live(subject) > 0) && begins(name, ask->prefix))
            json_array_append_new(list, json_string(name));
    return good(list);
}

static cli_reply get_schemas(asked *ask)
{
    json_t *list = json_array(), *subject, *version;
    const char *name;
    size_t index;
    json_object_foreach(ask->ledger->subjects, name, subject)
        json_array_foreach(json_object_get(subject, "versions"), index, version)
            if (wanted(ask, !is_deleted(version)) && begins(name, ask->prefix))
                json_array_append_new(list, whole_version(ask, name, version));
    return good(list);
}

static cli_reply get_versions(asked *ask)
{
    json_t *subject, *version;
    size_t index;
    cli_reply reply = find_subject(ask, &subject);
    if (reply.json != NULL)
        return reply;
    json_t *list = json_array();
    json_array_foreach(json_object_get(subject, "versions"), index, version)
        if (wanted(ask, !is_deleted(version)))
            json_array_append(list, json_object_get(version, "version"));
    return good(list);
}

static cli_reply get_version(asked *ask)
{
    json_t *subject, *version;
    cli_reply reply = find_version(ask, &subject, &version);
    return reply.json != NULL ? reply : good(whole_version(ask, ask->first, version));
}

static cli_reply get_version_schema(asked *ask)
{
    json_t *subject, *version;
    cli_reply reply = find_version(ask, &subject, &version);
    return reply.json != NULL ? reply : schema_alone(cli_ledger_schema(ask->ledger, number_of(version, "id")));
}

static void append_id(void *list, int64_t id) { json_array_append_new(list, json_integer(id)); }

static cli_reply get_referrers(asked *ask)
{
    json_t *subject, *version;
    cli_reply reply = find_version(ask, &subject, &version);
    if (reply.json != NULL)
        return reply;
    json_t *list = json_array();
    cli_ledger_referrers(ask->ledger, ask->first, number_of(version, "version"), append_id, list);
    return good(list);
}

static cli_reply post_version(asked *ask)
{
    int64_t id;
    polka_error error = { 0 };
    cli_entry entry AUTO(cli_entry_free) = { 0 };
    cli_reply reply = read_entry(ask, &entry);
    if (reply.json != NULL)
        return reply;
    polka_status status = cli_ledger_register(ask->ledger, ask->first, &entry, &id, &error);
    if (status == POLKA_MISUSE)
        return cli_shelf_refuse(409, "%s", error.message);
    return status == POLKA_OK ? good(json_pack("{s:I}", "id", (json_int_t)id)) : not_saved(&error);
}

static cli_reply post_lookup(asked *ask)
{
    json_t *subject;
    cli_entry entry AUTO(cli_entry_free) = { 0 };
    cli_reply reply = find_subject(ask, &subject);
    if (reply.json == NULL)
        reply = read_entry(ask, &entry);
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

static cli_reply saved(const asked *ask, json_t *answer)
{
    polka_error error = { 0 };
    if (cli_ledger_save(ask->ledger, &error) == POLKA_OK)
        return good(answer);
    json_decref(answer);
    return not_saved(&error);
}

static cli_reply delete_subject(asked *ask)
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
    return saved(ask, gone);
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

static cli_reply delete_version(asked *ask)
{
    json_t *subject, *version;
    ask->deleted = strcmp(ask->second, "latest") != 0 && strcmp(ask->second, "-1") != 0;
    cli_reply reply = find_version(ask, &subject, &version);
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
    return saved(ask, number);
}

/* ---- schemas by id ---- */

static const json_t *by_id(const asked *ask)
{
    char *end;
    errno = 0;
    int64_t id = strtoll(ask->first, &end, 10);
    return *end == '\0' && errno == 0 && end != ask->first ? cli_ledger_schema(ask->ledger, id) : NULL;
}

static cli_reply get_by_id(asked *ask)
{
    const json_t *schema = by_id(ask);
    if (schema == NULL)
        return cli_shelf_refuse(40403, "Schema %s not found", ask->first);
    json_t *answer = json_object();
    add_schema(answer, schema);
    return good(answer);
}

static cli_reply get_text_by_id(asked *ask)
{
    const json_t *schema = by_id(ask);
    return schema != NULL ? schema_alone(schema) : cli_shelf_refuse(40403, "Schema %s not found", ask->first);
}

static cli_reply get_by_guid(asked *ask)
{
    const char *id;
    json_t *schema;
    json_object_foreach(ask->ledger->schemas, id, schema)
        if (strcasecmp(json_string_value(json_object_get(schema, "guid")), ask->first) == 0) {
            ask->first = id;
            return get_by_id(ask);
        }
    return cli_shelf_refuse(40403, "Schema %s not found", ask->first);
}

static cli_reply list_of_id(const asked *ask, bool with_versions)
{
    json_t *list = json_array(), *subject, *version;
    const char *name;
    size_t index;
    if (by_id(ask) == NULL) {
        json_decref(list);
        return cli_shelf_refuse(40403, "Schema %s not found", ask->first);
    }
    int64_t id = strtoll(ask->first, NULL, 10);
    json_object_foreach(ask->ledger->subjects, name, subject) {
        bool there = false;
        json_array_foreach(json_object_get(subject, "versions"), index, version) {
            if (number_of(version, "id") != id || !wanted(ask, !is_deleted(version)))
                continue;
            there = true;
            if (with_versions)
                json_array_append_new(list, json_pack("{s:s, s:O}", "subject", name, "version", json_object_get(version, "version")));
        }
        if (there && !with_versions)
            json_array_append_new(list, json_string(name));
    }
    return good(list);
}

static cli_reply get_subjects_of_id(asked *ask) { return list_of_id(ask, false); }
static cli_reply get_versions_of_id(asked *ask) { return list_of_id(ask, true); }

/* ---- compatibility ---- */

static cli_reply check(const asked *ask, const json_t *subject, int64_t version)
{
    json_t *words;
    polka_error error = { 0 };
    cli_entry entry AUTO(cli_entry_free) = { 0 };
    cli_reply reply = read_entry(ask, &entry);
    if (reply.json != NULL)
        return reply;
    if (cli_ledger_check(ask->ledger, subject, version, &entry, &words, &error) != POLKA_OK)
        return cli_shelf_refuse(50001, "%s", error.message);
    json_t *answer = json_pack("{s:b}", "is_compatible", words == NULL);
    if (ask->verbose)
        json_object_set_new(answer, "messages", words != NULL ? words : json_array());
    else
        json_decref(words);
    return good(answer);
}

static cli_reply post_check(asked *ask)
{
    json_t *subject, *version;
    cli_reply reply = find_version(ask, &subject, &version);
    return reply.json != NULL ? reply : check(ask, subject, number_of(version, "version"));
}

static cli_reply post_check_all(asked *ask)
{
    return check(ask, cli_ledger_subject(ask->ledger, ask->first), 0);   /* a subject that is not there takes anything */
}

/* ---- levels ---- */

static cli_reply get_level(asked *ask)
{
    const json_t *subject = ask->first != NULL ? cli_ledger_subject(ask->ledger, ask->first) : NULL;
    if (ask->first != NULL && !ask->global && json_object_get(subject, "level") == NULL)
        return cli_shelf_refuse(40408, "Subject '%s' does not have subject-level compatibility configured", ask->first);
    return good(json_pack("{s:s}", "compatibilityLevel", cli_ledger_level(ask->ledger, subject)));
}

static cli_reply put_level(asked *ask)
{
    polkai_compat_level level;
    const json_t *given = json_object_get(ask->body, "compatibility");
    if (!json_is_string(given) || polkai_compat_level_parse(polka_text_of(json_string_value(given)), &level, NULL) != POLKA_OK)
        return cli_shelf_refuse(42203, "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive");
    const char *name = polkai_compat_level_name(level);
    if (ask->first == NULL) {
        ask->ledger->level = name;
        return saved(ask, json_pack("{s:s}", "compatibility", name));
    }
    if (cli_ledger_subject(ask->ledger, ask->first) == NULL)
        json_object_set_new(ask->ledger->subjects, ask->first, json_pack("{s:[]}", "versions"));
    json_object_set_new(cli_ledger_subject(ask->ledger, ask->first), "level", json_string(name));
    return saved(ask, json_pack("{s:s}", "compatibility", name));
}

static cli_reply delete_level(asked *ask)
{
    if (ask->first == NULL) {
        ask->ledger->level = polkai_compat_level_name(POLKAI_COMPAT_BACKWARD);
        return saved(ask, json_pack("{s:s}", "compatibility", ask->ledger->level));
    }
    json_t *subject = cli_ledger_subject(ask->ledger, ask->first), *level = json_object_get(subject, "level");
    if (level == NULL)
        return cli_shelf_refuse(40408, "Subject '%s' does not have subject-level compatibility configured", ask->first);
    json_t *answer = json_pack("{s:O}", "compatibility", level);
    json_object_del(subject, "level");
    return saved(ask, answer);
}

/* ---- the table ---- */

typedef struct {
    const char *method, *path;           /* a star is any part */
    cli_reply (*answer)(asked *ask);
    bool body;                           /* it needs one */
} row;

static const row rows[] = {
    { "GET", "", get_root, false },
    { "GET", "subjects", get_subjects, false },
    { "POST", "subjects/*", post_lookup, true },
    { "DELETE", "subjects/*", delete_subject, false },
    { "GET", "subjects/*/versions", get_versions, false },
    { "POST", "subjects/*/versions", post_version, true },
    { "GET", "subjects/*/versions/*", get_version, false },
    { "DELETE", "subjects/*/versions/*", delete_version, false },
    { "GET", "subjects/*/versions/*/schema", get_version_schema, false },
    { "GET", "subjects/*/versions/*/referencedby", get_referrers, false },
    { "GET", "schemas", get_schemas, false },
    { "GET", "schemas/types", get_types, false },
    { "GET", "schemas/ids/*", get_by_id, false },
    { "GET", "schemas/ids/*/schema", get_text_by_id, false },
    { "GET", "schemas/ids/*/subjects", get_subjects_of_id, false },
    { "GET", "schemas/ids/*/versions", get_versions_of_id, false },
    { "GET", "schemas/guids/*", get_by_guid, false },
    { "POST", "compatibility/subjects/*/versions", post_check_all, true },
    { "POST", "compatibility/subjects/*/versions/*", post_check, true },
    { "GET", "config", get_level, false },
    { "PUT", "config", put_level, true },
    { "DELETE", "config", delete_level, false },
    { "GET", "config/*", get_level, false },
    { "PUT", "config/*", put_level, true },
    { "DELETE", "config/*", delete_level, false },
    { "GET", "mode", get_mode, false },
    { "GET", "mode/*", get_mode, false },
    { "PUT", "mode", put_mode, true },
    { "PUT", "mode/*", put_mode, true },
    { "GET", "contexts", get_contexts, false },
};

/* Fills first and second. */
static bool fits(const char *path, asked *ask)
{
    const char *stars[2] = { NULL, NULL };
    size_t star = 0, part = 0;
    for (const char *at = path; *at != '\0'; part++) {
        size_t size = strcspn(at, "/");
        if (part == ask->part_count)
            return false;
        if (size == 1 && *at == '*')
            stars[star++] = ask->parts[part];
        else if (strlen(ask->parts[part]) != size || strncmp(at, ask->parts[part], size) != 0)
            return false;
        at += size + (at[size] == '/');
    }
    ask->first = stars[0];
    ask->second = stars[1];
    return part == ask->part_count;
}

static bool split_path(char *path, asked *ask)
{
    for (char *rest = NULL, *part = strtok_r(path, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
        if (ask->part_count == PARTS_MAX || !polkai_url_unescape(part) || !polkai_utf8_valid(part, strlen(part)))
            return false;
        ask->parts[ask->part_count++] = part;
    }
    return true;
}

static bool read_query(char *query, asked *ask)
{
    const struct { const char *name; bool *flag; } flags[] = { { "deleted", &ask->deleted }, { "deletedOnly", &ask->only_deleted }, { "permanent", &ask->permanent },
                                                               { "verbose", &ask->verbose }, { "defaultToGlobal", &ask->global } };
    for (char *rest = NULL, *argument = strtok_r(query, "&", &rest); argument != NULL; argument = strtok_r(NULL, "&", &rest)) {
        char *value = strchr(argument, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        if (!polkai_url_unescape(value))
            return false;
        for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
            if (strcmp(argument, flags[i].name) == 0)
                *flags[i].flag = strcasecmp(value, "true") == 0;
        if (strcmp(argument, "subjectPrefix") == 0)
            ask->prefix = value;
    }
    ask->deleted = ask->deleted || ask->only_deleted;
    return true;
}

static cli_reply serve(asked *ask, const char *method, const char *body, size_t size)
{
    bool path_known = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!fits(rows[i].path, ask))
            continue;
        path_known = true;
        if (strcmp(method, rows[i].method) != 0)
            continue;
        ask->body = body != NULL ? json_loadb(body, size, 0, NULL) : NULL;
        if (rows[i].body && !json_is_object(ask->body))
            return cli_shelf_refuse(400, "The body is no JSON object");
        return rows[i].answer(ask);
    }
    return path_known ? cli_shelf_refuse(405, "HTTP 405 Method Not Allowed") : cli_shelf_refuse(404, "HTTP 404 Not Found");
}

cli_reply cli_shelf_answer(cli_ledger *ledger, const char *method, const char *uri, const char *body, size_t size)
{
    char path[URI_BYTES];
    asked ask = { .ledger = ledger };
    if (strlen(uri) >= sizeof path)
        return cli_shelf_refuse(414, "HTTP 414 URI Too Long");
    if (size > CLI_SHELF_BODY_BYTES)
        return cli_shelf_refuse(413, "HTTP 413 Request Entity Too Large: at most %d bytes", CLI_SHELF_BODY_BYTES);
    memcpy(path, uri, strlen(uri) + 1);
    char *query = strchr(path, '?');
    if (query != NULL)
        *query++ = '\0';
    if (!split_path(path, &ask) || (query != NULL && !read_query(query, &ask)))
        return cli_shelf_refuse(400, "HTTP 400 Bad Request: the path is not well-formed");
    cli_reply reply = serve(&ask, method, body, size);
    json_decref(ask.body);
    return reply;
}
