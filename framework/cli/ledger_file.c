/* ledger_file.c: a ledger as one JSON file. It lies in a folder of the project, so anybody may have edited it. */
#include <cli/ledger.h>

#include <base/arena.h>
#include <base/file.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES = 256 * 1024 * 1024 };

static bool is_reference(const json_t *reference)
{
    return json_is_string(json_object_get(reference, "name")) && json_is_string(json_object_get(reference, "subject")) &&
           json_is_integer(json_object_get(reference, "version"));
}

static bool are_schemas(const json_t *schemas)
{
    const char *id;
    json_t *schema;
    json_object_foreach((json_t *)(uintptr_t)schemas, id, schema) {
        char *end;
        long long number = strtoll(id, &end, 10);
        const json_t *references = json_object_get(schema, "references"), *reference;
        size_t index;
        if (*end != '\0' || number < 1 || number > INT32_MAX || !json_is_string(json_object_get(schema, "schema")) || !json_is_string(json_object_get(schema, "guid")))
            return false;
        if (references != NULL && !json_is_array(references))
            return false;
        json_array_foreach(references, index, reference)
            if (!is_reference(reference))
                return false;
    }
    return json_is_object(schemas);
}

static bool are_versions(const json_t *versions, const json_t *schemas)
{
    const json_t *version;
    size_t index;
    json_int_t last = 0;
    json_array_foreach(versions, index, version) {
        char id[24];
        snprintf(id, sizeof id, "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(version, "id")));
        json_int_t number = json_integer_value(json_object_get(version, "version"));
        if (number <= last || number > INT32_MAX || json_object_get(schemas, id) == NULL || !json_is_boolean(json_object_get(version, "deleted")))
            return false;
        last = number;
    }
    return json_is_array(versions);
}

static bool is_level(const json_t *level)
{
    polkai_compat_level found;
    return json_is_string(level) && polkai_compat_level_parse(polka_text_of(json_string_value(level)), &found, NULL) == POLKA_OK;
}

static bool are_subjects(const json_t *subjects, const json_t *schemas)
{
    const char *name;
    json_t *subject;
    json_object_foreach((json_t *)(uintptr_t)subjects, name, subject) {
        const json_t *level = json_object_get(subject, "level");
        if ((level != NULL && !is_level(level)) || !are_versions(json_object_get(subject, "versions"), schemas))
            return false;
    }
    return json_is_object(subjects);
}

static void take(cli_ledger *ledger, const json_t *file)
{
    polkai_compat_level level = POLKAI_COMPAT_BACKWARD;
    (void)polkai_compat_level_parse(polka_text_of(json_string_value(json_object_get(file, "level"))), &level, NULL);
    ledger->schemas = json_incref(json_object_get(file, "schemas"));
    ledger->subjects = json_incref(json_object_get(file, "subjects"));
    ledger->level = polkai_compat_level_name(level);
}

static bool is_ledger(const json_t *file)
{
    const json_t *schemas = json_object_get(file, "schemas");
    return json_integer_value(json_object_get(file, "polka")) == 1 && is_level(json_object_get(file, "level")) && are_schemas(schemas) &&
           are_subjects(json_object_get(file, "subjects"), schemas);
}

/* Nobody has to repair it by hand: ids come from the schemas, so most of it comes back by itself. */
static polka_status put_aside(const char *path, polka_error *error)
{
    char broken[4096];
    snprintf(broken, sizeof broken, "%s.broken", path);
    ENSURE(rename(path, broken) == 0, POLKA_FATAL, error, "no-ledger", "%s is not what `polka dev` wrote, and cannot be renamed: %m", path);
    return POLKA_OK;
}

polka_status cli_ledger_open(cli_ledger *ledger, const char *path, bool *aside, polka_error *error)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polka_text text;
    polkai_arena_init(&arena, NULL, 0);
    *aside = false;
    *ledger = (cli_ledger){ .path = path != NULL ? polkai_strdup(path) : NULL, .level = polkai_compat_level_name(POLKAI_COMPAT_BACKWARD) };
    bool there = path != NULL && polkai_file_read(path, FILE_BYTES, &arena, &text);
    ENSURE(there || path == NULL || errno == ENOENT, POLKA_FATAL, error, "no-ledger", "cannot read %s: %m", path);
    json_t *file = there ? json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (file != NULL && is_ledger(file))
        take(ledger, file);
    *aside = there && ledger->schemas == NULL;
    json_decref(file);
    if (ledger->schemas == NULL) {
        ledger->schemas = json_object();
        ledger->subjects = json_object();
    }
    return *aside ? put_aside(path, error) : POLKA_OK;
}

void cli_ledger_close(cli_ledger *ledger)
{
    json_decref(ledger->schemas);
    json_decref(ledger->subjects);
    free(ledger->path);
    *ledger = (cli_ledger){ 0 };
}

polka_status cli_ledger_save(const cli_ledger *ledger, polka_error *error)
{
    if (ledger->path == NULL)
        return POLKA_OK;
    json_t *file = json_pack("{s:i, s:s, s:O, s:O}", "polka", 1, "level", ledger->level, "schemas", ledger->schemas, "subjects", ledger->subjects);
    char *text = json_dumps(file, JSON_INDENT(1));
    bool written = text != NULL && polkai_file_create(ledger->path, polka_text_of(text), true);
    int why = errno;
    json_decref(file);
    free(text);
    errno = why;
    ENSURE(written, POLKA_FATAL, error, "cannot-write", "cannot write %s: %m", ledger->path);
    return POLKA_OK;
}
