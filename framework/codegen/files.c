/* files.c: the schema files of a run: which version of a type each holds, and which of them is the newest. */
#include "gen.h"

#include <avro/canonical.h>

#include <ctype.h>
#include <stdlib.h>

void *gen_list_room(polka_arena *arena, void *items, size_t count, size_t *room, size_t item_size)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 8 : *room * 2;
    void *larger = polkai_arena_zeroed(arena, *room, item_size);
    if (count > 0)
        memcpy(larger, items, count * item_size);
    return larger;
}

/* order_placed.v2.avsc: 2; without a version: 0. */
static unsigned version_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash == NULL ? path : slash, '.');
    if (dot == NULL)
        return 0;
    const char *digits = dot;
    while (digits > path && isdigit((unsigned char)digits[-1]))
        digits--;
    if (digits == dot || dot - digits > 9 || digits - path < 2 || digits[-1] != 'v' || digits[-2] != '.')
        return 0;
    return (unsigned)strtoul(digits, NULL, 10);
}

void gen_add_file(gen *g, const char *path, bool used)
{
    for (size_t i = 0; i < g->files.count; i++)
        if (strcmp(g->files.items[i].path, path) == 0)
            return;
    LIST_ADD(&g->arena, &g->files, ((source_file){ .path = path, .used = used, .version = version_of(path) }));
}

/* The full name of the type that a file is about, before it is read for good; NULL: it is about none, or malformed. */
static const char *peek_name(gen *g, const char *path)
{
    json_t *json = json_load_file(path, JSON_ALLOW_NUL, NULL);
    const char *name = json_string_value(json_object_get(json, "name")), *space = json_string_value(json_object_get(json, "namespace"));
    const char *full = NULL;
    if (name != NULL)
        full = polkai_arena_format(&g->arena, "%s%s%s", strchr(name, '.') != NULL || space == NULL ? "" : space,
                                   strchr(name, '.') != NULL || space == NULL || *space == '\0' ? "" : ".", name).data;
    json_decref(json);
    return full;
}

/* Of several files about one type, all but the newest are older versions. */
static polka_status mark_older(gen *g)
{
    for (size_t i = 0; i < g->files.count; i++)
        g->files.items[i].full_name = peek_name(g, g->files.items[i].path);
    for (size_t i = 0; i < g->files.count; i++)
        for (size_t j = 0; j < i; j++) {
            source_file *a = &g->files.items[i], *b = &g->files.items[j];
            if (a->full_name == NULL || b->full_name == NULL || strcmp(a->full_name, b->full_name) != 0)
                continue;
            ENSURE(a->version != b->version, POLKA_MISUSE, g->error, "bad-schema",
                   "%s: $.name: %s is defined in %s too; versions of one type are named NAME.v1.avsc, NAME.v2.avsc", a->path, a->full_name, b->path);
            (a->version < b->version ? a : b)->older = true;
        }
    return POLKA_OK;
}

static polka_status read_set(gen *g, polkai_schema_set *set, const source_file *in_place_of_newest, const polkai_schema **schemas)
{
    const char **paths = polkai_arena_zeroed(&g->arena, g->files.count, sizeof *paths);
    size_t count = 0;
    for (size_t i = 0; i < g->files.count; i++) {
        const source_file *file = &g->files.items[i];
        bool same = in_place_of_newest != NULL && file->full_name != NULL && strcmp(file->full_name, in_place_of_newest->full_name) == 0;
        if (same ? file == in_place_of_newest : !file->older)
            paths[count++] = file->path;
    }
    return polkai_schema_read_files(set, paths, count, schemas, g->error);
}

polka_status gen_read_files(gen *g)
{
    TRY(mark_older(g));
    const polkai_schema **schemas = polkai_arena_zeroed(&g->arena, g->files.count, sizeof *schemas);
    TRY(read_set(g, g->set, NULL, schemas));
    size_t next = 0;
    for (size_t i = 0; i < g->files.count; i++)
        if (!g->files.items[i].older)
            g->files.items[i].schema = schemas[next++];
    return POLKA_OK;
}

/* The text of an older version is made with the newest of all other types, as its writers' texts are. */
static polka_status read_older(gen *g, const source_file *file)
{
    polkai_schema_set *set = polkai_schema_set_create();
    LIST_ADD(&g->arena, &g->older_sets, set);
    const polkai_schema **schemas = polkai_arena_zeroed(&g->arena, g->files.count, sizeof *schemas);
    TRY(read_set(g, set, file, schemas));
    named *type = gen_named(g, polkai_schema_find(g->set, file->full_name));
    const polkai_schema *schema = polkai_schema_find(set, file->full_name);
    if (type == NULL || schema == NULL)
        return POLKA_OK;
    char *text = polkai_schema_text(schema);
    older_schema older = { .version = file->version, .fingerprint = polkai_schema_fingerprint(schema), .parsed = schema,
                           .schema = polkai_arena_text(&g->arena, text, strlen(text)).data };
    free(text);
    size_t at = type->older.count;
    LIST_ADD(&g->arena, &type->older, older);
    for (; at > 0 && type->older.items[at - 1].version < older.version; at--)
        type->older.items[at] = type->older.items[at - 1];
    type->older.items[at] = older;
    return POLKA_OK;
}

polka_status gen_read_older(gen *g)
{
    for (size_t i = 0; i < g->files.count; i++)
        if (g->files.items[i].older && !g->files.items[i].used)
            TRY(read_older(g, &g->files.items[i]));
    return POLKA_OK;
}
