/* files.c: texts and files of schemas, and files that refer to each other in any order. */
#include <avro/node.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static polka_status read_document(polkai_schema_reader *reader, const json_t *document, const polkai_schema **schema)
{
    polkai_schema_set *set = reader->set;
    const polkai_set_mark before = polkai_set_now(set);
    polka_status status = polkai_schema_read(reader, document, schema);
    if (status == POLKA_OK)
        status = polkai_schema_check(set, before.count, reader->error);
    if (status == POLKA_OK)
        status = polkai_schema_check_depth(set, *schema, reader->file, reader->error);
    if (status != POLKA_OK)
        polkai_set_forget(set, before);
    return status;
}

polka_status polkai_schema_parse(polkai_schema_set *set, polka_text text, const char *file, const polkai_schema **schema, polka_error *error)
{
    json_t *document;
    polkai_schema_reader reader = { .set = set, .error = error };
    reader.file = file == NULL ? NULL : polkai_arena_text(&set->arena, file, strlen(file)).data;
    TRY(polkai_schema_document(set, text, reader.file, &document, error));
    return read_document(&reader, document, schema);
}

polka_status polkai_schema_parse_json(polkai_schema_set *set, polka_text text, const json_t *json, const polkai_schema **schema, polka_error *error)
{
    polkai_schema_reader reader = { .set = set, .error = error };
    TRY(polkai_schema_within_limits(text, NULL, error));
    json_array_append(set->documents, (json_t *)(uintptr_t)json);
    return read_document(&reader, json, schema);
}

/* ---- several files ----------------------------------------------------------------------------- */

typedef struct { const char *name; const json_t *document; bool started; const polkai_schema *schema; } source;
typedef struct {
    polkai_schema_set *set;
    source *sources;
    size_t count;
    json_t *defines;                     /* full name -> index of the file that defines it */
    const char *const *others;           /* files that are looked at only when a name is missing; NULL: none, or done */
    size_t other_count;
    polka_error *error;
} reading;

static void close_file(FILE **file)
{
    if (*file != NULL && *file != stdin)
        fclose(*file);
}

/* The text is new: free() it. */
static polka_status read_text(const char *name, polka_text *text, polka_error *error)
{
    FILE *file AUTO(close_file) = strcmp(name, "-") == 0 ? stdin : fopen(name, "rbe");
    if (file == NULL)
        return polkai_fail(error, POLKA_MISUSE, "no-file", "%s: cannot be opened: %s", name, strerror(errno));
    char *data = polkai_alloc(POLKAI_SCHEMA_TEXT_BYTES + 1);
    size_t size = fread(data, 1, POLKAI_SCHEMA_TEXT_BYTES + 1, file);
    *text = (polka_text){ size, data };
    if (ferror(file)) {
        free(data);
        return polkai_fail(error, POLKA_MISUSE, "no-file", "%s: cannot be read: %s", name, strerror(errno));
    }
    return POLKA_OK;
}

/* Notes which names a document defines, before anything is judged: malformed parts are left to the reader. */
static void note_names(reading *all, size_t index, const json_t *json, const char *space)
{
    size_t i;
    json_t *part;
    const char *key;
    if (json_is_array(json)) {
        json_array_foreach((json_t *)(uintptr_t)json, i, part)
            note_names(all, index, part, space);
        return;
    }
    const char *type = json_string_value(json_object_get(json, "type")), *name = json_string_value(json_object_get(json, "name"));
    if (type != NULL && name != NULL && (strcmp(type, "record") == 0 || strcmp(type, "error") == 0 || strcmp(type, "enum") == 0 || strcmp(type, "fixed") == 0)) {
        const char *own = json_string_value(json_object_get(json, "namespace"));
        const char *full = polkai_name_resolve(&all->set->arena, name, own != NULL ? own : space), *dot = strrchr(full, '.');
        space = dot == NULL ? "" : polkai_arena_text(&all->set->arena, full, (size_t)(dot - full)).data;
        if (json_object_get(all->defines, full) == NULL)
            json_object_set_new(all->defines, full, json_integer((json_int_t)index));
    }
    json_object_foreach((json_t *)(uintptr_t)json, key, part)
        if (strcmp(key, "type") == 0 || strcmp(key, "fields") == 0 || strcmp(key, "items") == 0 || strcmp(key, "values") == 0)
            note_names(all, index, part, space);
}

static polka_status load(reading *all, size_t index, const char *path, polka_error *error)
{
    polka_text text;
    json_t *document;
    source *to = &all->sources[index];
    TRY(read_text(path, &text, error));
    to->name = strcmp(path, "-") == 0 ? "standard input" : polkai_arena_text(&all->set->arena, path, strlen(path)).data;
    polka_status status = polkai_schema_document(all->set, text, to->name, &document, error);
    free((char *)(uintptr_t)text.data);
    TRY(status);
    to->document = document;
    note_names(all, index, document, "");
    return POLKA_OK;
}

/* What is no JSON is left out: it defines nothing, and is judged where it is read for itself. */
static void load_others(reading *all)
{
    for (size_t i = 0; all->others != NULL && i < all->other_count; i++)
        (void)!load(all, i + 1, all->others[i], NULL);
    all->others = NULL;
}

static polka_status read_source(reading *all, size_t index);

static polka_status read_missing(polkai_schema_reader *reader, const char *full_name)
{
    reading *all = reader->user;
    load_others(all);
    const json_t *index = json_object_get(all->defines, full_name);
    return index == NULL ? POLKA_OK : read_source(all, (size_t)json_integer_value(index));
}

static polka_status read_source(reading *all, size_t index)
{
    source *from = &all->sources[index];
    if (from->started)
        return POLKA_OK;
    from->started = true;
    polkai_schema_reader reader = { .set = all->set, .file = from->name, .error = all->error, .missing = read_missing, .user = all };
    return polkai_schema_read(&reader, from->document, &from->schema);
}

static polka_status read_all(reading *all, const char *const *paths, size_t before)
{
    polkai_schema_set *set = all->set;
    for (size_t i = 0; i < all->count; i++)
        TRY(load(all, i, paths[i], all->error));
    for (size_t i = 0; i < all->count; i++)
        TRY(read_source(all, i));
    TRY(polkai_schema_check(set, before, all->error));
    for (size_t i = 0; i < all->count; i++)
        TRY(polkai_schema_check_depth(set, all->sources[i].schema, all->sources[i].name, all->error));
    return POLKA_OK;
}

static polka_status read_for(reading *all, const char *const *paths, const polkai_schema **schemas)
{
    const polkai_set_mark before = polkai_set_now(all->set);
    all->defines = json_object();
    all->sources = polkai_alloc((all->count + all->other_count) * sizeof *all->sources);
    polka_status status = read_all(all, paths, before.count);
    for (size_t i = 0; status == POLKA_OK && i < all->count; i++)
        schemas[i] = all->sources[i].schema;
    if (status != POLKA_OK)
        polkai_set_forget(all->set, before);
    free(all->sources);
    json_decref(all->defines);
    return status;
}

polka_status polkai_schema_read_files(polkai_schema_set *set, const char *const *paths, size_t count, const polkai_schema **schemas, polka_error *error)
{
    reading all = { .set = set, .count = count, .error = error };
    return read_for(&all, paths, schemas);
}

polka_status polkai_schema_read_file(polkai_schema_set *set, const char *path, const char *const *others, size_t count, const polkai_schema **schema, polka_error *error)
{
    reading all = { .set = set, .count = 1, .others = count > 0 ? others : NULL, .other_count = count, .error = error };
    return read_for(&all, &path, schema);
}
