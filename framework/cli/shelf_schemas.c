/* shelf_schemas.c: schemas by id, compatibility and its levels. */
#include <cli/shelf_inner.h>

#include <errno.h>
#include <stdlib.h>

cli_reply cli_shelf_get_root(asked *ask) { (void)ask; return good(json_object()); }
cli_reply cli_shelf_get_types(asked *ask) { (void)ask; return good(json_pack("[s]", "AVRO")); }
cli_reply cli_shelf_get_contexts(asked *ask) { (void)ask; return good(json_pack("[s]", ".")); }
cli_reply cli_shelf_get_mode(asked *ask) { (void)ask; return good(json_pack("{s:s}", "mode", "READWRITE")); }

cli_reply cli_shelf_put_mode(asked *ask)
{
    const char *mode = json_string_value(json_object_get(ask->body, "mode"));
    if (mode != NULL && strcmp(mode, "READWRITE") == 0)
        return cli_shelf_get_mode(ask);
    return cli_shelf_refuse(42204, "Invalid mode %s: this registry is always READWRITE", mode != NULL ? mode : "(none)");
}
/* ---- schemas by id ---- */

static const json_t *by_id(const asked *ask)
{
    char *end;
    errno = 0;
    int64_t id = strtoll(ask->first, &end, 10);
    return *end == '\0' && errno == 0 && end != ask->first ? cli_ledger_schema(ask->ledger, id) : NULL;
}

cli_reply cli_shelf_get_by_id(asked *ask)
{
    const json_t *schema = by_id(ask);
    if (schema == NULL)
        return cli_shelf_refuse(40403, "Schema %s not found", ask->first);
    json_t *answer = json_object();
    cli_shelf_add_schema(answer, schema);
    return good(answer);
}

cli_reply cli_shelf_get_text_by_id(asked *ask)
{
    const json_t *schema = by_id(ask);
    return schema != NULL ? cli_shelf_schema_alone(schema) : cli_shelf_refuse(40403, "Schema %s not found", ask->first);
}

cli_reply cli_shelf_get_by_guid(asked *ask)
{
    const char *id;
    json_t *schema;
    json_object_foreach(ask->ledger->schemas, id, schema)
        if (strcasecmp(json_string_value(json_object_get(schema, "guid")), ask->first) == 0) {
            ask->first = id;
            return cli_shelf_get_by_id(ask);
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
            if (number_of(version, "id") != id || !cli_shelf_wanted(ask, !is_deleted(version)))
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

cli_reply cli_shelf_get_subjects_of_id(asked *ask) { return list_of_id(ask, false); }
cli_reply cli_shelf_get_versions_of_id(asked *ask) { return list_of_id(ask, true); }
/* ---- compatibility ---- */

static cli_reply check(const asked *ask, const json_t *subject, int64_t version)
{
    json_t *words;
    polka_error error = { 0 };
    cli_entry entry AUTO(cli_entry_free) = { 0 };
    cli_reply reply = cli_shelf_read_entry(ask, &entry);
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

cli_reply cli_shelf_post_check(asked *ask)
{
    json_t *subject, *version;
    cli_reply reply = cli_shelf_find_version(ask, &subject, &version);
    return reply.json != NULL ? reply : check(ask, subject, number_of(version, "version"));
}

cli_reply cli_shelf_post_check_all(asked *ask)
{
    return check(ask, cli_ledger_subject(ask->ledger, ask->first), 0);   /* a subject that is not there takes anything */
}
/* ---- levels ---- */

cli_reply cli_shelf_get_level(asked *ask)
{
    const json_t *subject = ask->first != NULL ? cli_ledger_subject(ask->ledger, ask->first) : NULL;
    if (ask->first != NULL && !ask->global && json_object_get(subject, "level") == NULL)
        return cli_shelf_refuse(40408, "Subject '%s' does not have subject-level compatibility configured", ask->first);
    return good(json_pack("{s:s}", "compatibilityLevel", cli_ledger_level(ask->ledger, subject)));
}

cli_reply cli_shelf_put_level(asked *ask)
{
    polkai_compat_level level;
    const json_t *given = json_object_get(ask->body, "compatibility");
    if (!json_is_string(given) || polkai_compat_level_parse(polka_text_of(json_string_value(given)), &level, NULL) != POLKA_OK)
        return cli_shelf_refuse(42203, "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive");
    const char *name = polkai_compat_level_name(level);
    if (ask->first == NULL) {
        ask->ledger->level = name;
        return cli_shelf_save(ask, json_pack("{s:s}", "compatibility", name));
    }
    if (cli_ledger_subject(ask->ledger, ask->first) == NULL)
        json_object_set_new(ask->ledger->subjects, ask->first, json_pack("{s:[]}", "versions"));
    json_object_set_new(cli_ledger_subject(ask->ledger, ask->first), "level", json_string(name));
    return cli_shelf_save(ask, json_pack("{s:s}", "compatibility", name));
}

cli_reply cli_shelf_delete_level(asked *ask)
{
    if (ask->first == NULL) {
        ask->ledger->level = polkai_compat_level_name(POLKAI_COMPAT_BACKWARD);
        return cli_shelf_save(ask, json_pack("{s:s}", "compatibility", ask->ledger->level));
    }
    json_t *subject = cli_ledger_subject(ask->ledger, ask->first), *level = json_object_get(subject, "level");
    if (level == NULL)
        return cli_shelf_refuse(40408, "Subject '%s' does not have subject-level compatibility configured", ask->first);
    json_t *answer = json_pack("{s:O}", "compatibility", level);
    json_object_del(subject, "level");
    return cli_shelf_save(ask, answer);
}
