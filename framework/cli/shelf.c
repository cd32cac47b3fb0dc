/* shelf.c: one table of what can be asked for. */
#include <cli/shelf_inner.h>

#include <base/text.h>
#include <base/url.h>
#include <stdio.h>

enum { URI_BYTES = 4096 };

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

/* ---- the table ---- */

typedef struct {
    const char *method, *path;           /* a star is any part */
    cli_reply (*answer)(asked *ask);
    bool body;                           /* it needs one */
} row;

static const row rows[] = {
    { "GET", "", cli_shelf_get_root, false },
    { "GET", "subjects", cli_shelf_get_subjects, false },
    { "POST", "subjects/*", cli_shelf_post_lookup, true },
    { "DELETE", "subjects/*", cli_shelf_delete_subject, false },
    { "GET", "subjects/*/versions", cli_shelf_get_versions, false },
    { "POST", "subjects/*/versions", cli_shelf_post_version, true },
    { "GET", "subjects/*/versions/*", cli_shelf_get_version, false },
    { "DELETE", "subjects/*/versions/*", cli_shelf_delete_version, false },
    { "GET", "subjects/*/versions/*/schema", cli_shelf_get_version_schema, false },
    { "GET", "subjects/*/versions/*/referencedby", cli_shelf_get_referrers, false },
    { "GET", "schemas", cli_shelf_get_schemas, false },
    { "GET", "schemas/types", cli_shelf_get_types, false },
    { "GET", "schemas/ids/*", cli_shelf_get_by_id, false },
    { "GET", "schemas/ids/*/schema", cli_shelf_get_text_by_id, false },
    { "GET", "schemas/ids/*/subjects", cli_shelf_get_subjects_of_id, false },
    { "GET", "schemas/ids/*/versions", cli_shelf_get_versions_of_id, false },
    { "GET", "schemas/guids/*", cli_shelf_get_by_guid, false },
    { "POST", "compatibility/subjects/*/versions", cli_shelf_post_check_all, true },
    { "POST", "compatibility/subjects/*/versions/*", cli_shelf_post_check, true },
    { "GET", "config", cli_shelf_get_level, false },
    { "PUT", "config", cli_shelf_put_level, true },
    { "DELETE", "config", cli_shelf_delete_level, false },
    { "GET", "config/*", cli_shelf_get_level, false },
    { "PUT", "config/*", cli_shelf_put_level, true },
    { "DELETE", "config/*", cli_shelf_delete_level, false },
    { "GET", "mode", cli_shelf_get_mode, false },
    { "GET", "mode/*", cli_shelf_get_mode, false },
    { "PUT", "mode", cli_shelf_put_mode, true },
    { "PUT", "mode/*", cli_shelf_put_mode, true },
    { "GET", "contexts", cli_shelf_get_contexts, false },
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
