/* catalog.c: reads schema folders. Of several versions of one file (order_placed.v1.avsc, .v2.avsc) the newest makes the event. */
#include <cli/catalog.h>

#include <avro/canonical.h>
#include <base/arena.h>
#include <base/text.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct { char *path; size_t stem; unsigned version; bool newest; } source_file;  /* stem: length of the path up to ".vN.avsc" */
typedef struct { uint64_t fingerprint; const polkai_schema *schema; } known_schema;

struct cli_catalog {
    char *where;                         /* the folders, for messages */
    size_t file_count;
    source_file *files;
    size_t event_count;
    cli_event *events;
    size_t set_count;
    polkai_schema_set **sets;            /* [0]: the newest versions; one more for each older file */
    size_t known_count;
    known_schema *known;
    bool older_read;
};

static polkai_schema_set *add_set(cli_catalog *catalog)
{
    catalog->sets = polkai_realloc(catalog->sets, (catalog->set_count + 1) * sizeof(polkai_schema_set *));
    return catalog->sets[catalog->set_count++] = polkai_schema_set_create();
}

static void know(cli_catalog *catalog, const polkai_schema *schema)
{
    catalog->known = polkai_realloc(catalog->known, (catalog->known_count + 1) * sizeof *catalog->known);
    catalog->known[catalog->known_count++] = (known_schema){ polkai_schema_fingerprint(schema), schema };
}

/* ---- files ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

static source_file file_of(char *path)
{
    source_file file = { .path = path, .stem = strlen(path) - strlen(".avsc") };
    size_t at = file.stem;
    while (at > 0 && path[at - 1] >= '0' && path[at - 1] <= '9')
        at--;
    if (at < file.stem && at >= 2 && path[at - 1] == 'v' && path[at - 2] == '.') {
        file.version = (unsigned)strtoul(path + at, NULL, 10);
        file.stem = at - 2;
    }
    return file;
}

static void collect(cli_catalog *catalog, const char *folder, unsigned depth)
{
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        struct stat about;
        if (entry->d_name[0] == '.')
            continue;
        char *path = cli_format("%s/%s", folder, entry->d_name);
        bool there = stat(path, &about) == 0;
        if (there && S_ISREG(about.st_mode) && ends_with(path, ".avsc")) {
            catalog->files = polkai_realloc(catalog->files, (catalog->file_count + 1) * sizeof *catalog->files);
            catalog->files[catalog->file_count++] = file_of(path);
            continue;
        }
        if (there && S_ISDIR(about.st_mode) && depth < 16)
            collect(catalog, path, depth + 1);
        free(path);
    }
    closedir(entries);
}

static int by_path(const void *a, const void *b) { return strcmp(((const source_file *)a)->path, ((const source_file *)b)->path); }
static int by_name(const void *a, const void *b) { return strcmp(((const cli_event *)a)->name, ((const cli_event *)b)->name); }

static bool same_stem(const source_file *a, const source_file *b)
{
    return a->stem == b->stem && memcmp(a->path, b->path, a->stem) == 0;
}

static void mark_newest(cli_catalog *catalog)
{
    for (size_t i = 0; i < catalog->file_count; i++) {
        catalog->files[i].newest = true;
        for (size_t j = 0; j < catalog->file_count; j++)
            if (same_stem(&catalog->files[i], &catalog->files[j]) && catalog->files[j].version > catalog->files[i].version)
                catalog->files[i].newest = false;
    }
}

/* ---- events ---- */

static void add_event(cli_catalog *catalog, const polkai_schema *schema, const char *file)
{
    const char *topic = schema->name == NULL ? NULL : json_string_value(polkai_schema_attribute(schema, "polka.topic"));
    if (schema->type != POLKAI_AVRO_RECORD || topic == NULL)
        return;
    catalog->events = polkai_realloc(catalog->events, (catalog->event_count + 1) * sizeof *catalog->events);
    catalog->events[catalog->event_count++] = (cli_event){
        .name = schema->name, .topic = topic, .key = json_string_value(polkai_schema_attribute(schema, "polka.key")), .schema = schema,
        .fingerprint = polkai_schema_fingerprint(schema), .file = file };
}

static polka_status read_newest(cli_catalog *catalog, polka_error *error)
{
    const char **paths = polkai_alloc((catalog->file_count + 1) * sizeof *paths);
    const polkai_schema **schemas = polkai_alloc((catalog->file_count + 1) * sizeof *schemas);
    size_t count = 0;
    for (size_t i = 0; i < catalog->file_count; i++)
        if (catalog->files[i].newest)
            paths[count++] = catalog->files[i].path;
    polka_status status = polkai_schema_read_files(add_set(catalog), paths, count, schemas, error);
    for (size_t i = 0; status == POLKA_OK && i < count; i++) {
        know(catalog, schemas[i]);
        add_event(catalog, schemas[i], paths[i]);
    }
    if (catalog->event_count > 0)
        qsort(catalog->events, catalog->event_count, sizeof *catalog->events, by_name);
    free(paths);
    free(schemas);
    return status;
}

/* An older version of a file, read among the newest of all the others. Only for decoding, so what fails is left out. */
static const polkai_schema *read_older(cli_catalog *catalog, const source_file *old)
{
    const polkai_schema *found = NULL;
    const char **paths = polkai_alloc((catalog->file_count + 1) * sizeof *paths);
    const polkai_schema **schemas = polkai_alloc((catalog->file_count + 1) * sizeof *schemas);
    size_t count = 0;
    paths[count++] = old->path;
    for (size_t i = 0; i < catalog->file_count; i++)
        if (catalog->files[i].newest && !same_stem(&catalog->files[i], old))
            paths[count++] = catalog->files[i].path;
    if (polkai_schema_read_files(add_set(catalog), paths, count, schemas, NULL) == POLKA_OK)
        know(catalog, found = schemas[0]);
    free(paths);
    free(schemas);
    return found;
}

polka_status cli_catalog_open(cli_catalog **catalog, const cli_project *project, polka_error *error)
{
    cli_catalog *made = *catalog = polkai_alloc(sizeof *made);
    made->where = polkai_strdup("");
    for (size_t i = 0; i < project->schemas.count; i++) {
        char *folder AUTO(cli_free_text) = cli_project_path(project, project->schemas.items[i]), *before AUTO(cli_free_text) = made->where;
        made->where = cli_format("%s%s%s", before, i > 0 ? ", " : "", folder);
        collect(made, folder, 0);
    }
    if (made->file_count > 0)
        qsort(made->files, made->file_count, sizeof *made->files, by_path);
    mark_newest(made);
    return read_newest(made, error);
}

void cli_catalog_close(cli_catalog *catalog)
{
    if (catalog == NULL)
        return;
    for (size_t i = 0; i < catalog->file_count; i++)
        free(catalog->files[i].path);
    for (size_t i = 0; i < catalog->set_count; i++)
        polkai_schema_set_destroy(catalog->sets[i]);
    free(catalog->where);
    free(catalog->files);
    free(catalog->events);
    free(catalog->sets);
    free(catalog->known);
    free(catalog);
}

size_t cli_catalog_count(const cli_catalog *catalog) { return catalog->event_count; }
const cli_event *cli_catalog_item(const cli_catalog *catalog, size_t index) { return &catalog->events[index]; }

const cli_event *cli_catalog_find(const cli_catalog *catalog, const char *name)
{
    const cli_event *found = NULL;
    for (size_t i = 0; i < catalog->event_count; i++) {
        const cli_event *event = &catalog->events[i];
        const char *last = strrchr(event->name, '.');
        if (strcmp(event->name, name) == 0)
            return event;
        if (last != NULL && strcmp(last + 1, name) == 0) {
            if (found != NULL)
                return NULL;             /* two contexts have it: the full name is needed */
            found = event;
        }
    }
    return found;
}

polka_status cli_catalog_event(const cli_catalog *catalog, const char *name, const cli_event **event, polka_error *error)
{
    *event = cli_catalog_find(catalog, name);
    if (*event != NULL)
        return POLKA_OK;
    ENSURE(catalog->event_count > 0, POLKA_MISUSE, error, "unknown-event",
           "unknown event '%s': there are no schemas with a polka.topic in %s; polka.yaml says where they are: `schemas: [FOLDER]`", name, catalog->where);
    cli_list names = { 0 };
    for (size_t i = 0; i < catalog->event_count; i++)
        cli_list_add(&names, catalog->events[i].name);
    const char *nearest = polkai_nearest(name, names.items, names.count);
    cli_list_free(&names);
    const polkai_schema *part = polkai_schema_find(catalog->sets[0], name);
    ENSURE(part == NULL, POLKA_MISUSE, error, "unknown-event", "%s is no event: its schema (%s) has no attribute polka.topic", name, part->file != NULL ? part->file : "?");
    ENSURE(nearest == NULL, POLKA_MISUSE, error, "unknown-event", "unknown event '%s'; did you mean '%s'?", name, nearest);
    return polkai_fail(error, POLKA_MISUSE, "unknown-event", "unknown event '%s'; %zu events are known in %s, for example '%s'", name,
                       catalog->event_count, catalog->where, catalog->events[0].name);
}

cli_list cli_catalog_topics(const cli_catalog *catalog)
{
    cli_list topics = { 0 };
    for (size_t i = 0; i < catalog->event_count; i++) {
        size_t at = 0;
        while (at < topics.count && strcmp(topics.items[at], catalog->events[i].topic) != 0)
            at++;
        if (at == topics.count)
            cli_list_add(&topics, catalog->events[i].topic);
    }
    return topics;
}

static int by_version(const void *a, const void *b)
{
    const source_file *left = *(const source_file *const *)a, *right = *(const source_file *const *)b;
    return left->version < right->version ? -1 : left->version > right->version;
}

static void visit_event(cli_catalog *catalog, const cli_event *event, void (*visit)(void *user, const polkai_schema *schema, const char *topic), void *user)
{
    const source_file **versions = polkai_alloc((catalog->file_count + 1) * sizeof *versions);
    size_t count = 0, own = 0;
    while (own < catalog->file_count && strcmp(catalog->files[own].path, event->file) != 0)
        own++;
    for (size_t i = 0; own < catalog->file_count && i < catalog->file_count; i++)
        if (same_stem(&catalog->files[i], &catalog->files[own]))
            versions[count++] = &catalog->files[i];
    qsort(versions, count, sizeof *versions, by_version);
    for (size_t i = 0; i < count; i++) {
        const polkai_schema *schema = versions[i]->newest ? event->schema : read_older(catalog, versions[i]);
        if (schema != NULL && schema->name != NULL && strcmp(schema->name, event->name) == 0)
            visit(user, schema, event->topic);
    }
    free(versions);
}

void cli_catalog_versions(cli_catalog *catalog, void (*visit)(void *user, const polkai_schema *schema, const char *topic), void *user)
{
    for (size_t i = 0; i < catalog->event_count; i++)
        visit_event(catalog, &catalog->events[i], visit, user);
}

const polkai_schema *cli_catalog_schema(cli_catalog *catalog, uint64_t fingerprint)
{
    for (;;) {
        for (size_t i = 0; i < catalog->known_count; i++)
            if (catalog->known[i].fingerprint == fingerprint)
                return catalog->known[i].schema;
        if (catalog->older_read)
            return NULL;
        catalog->older_read = true;
        for (size_t i = 0; i < catalog->file_count; i++)
            if (!catalog->files[i].newest)
                read_older(catalog, &catalog->files[i]);
    }
}
