/*
 * history.c: the versions of a type against each other. The build fails where a new version breaks the level of its folder,
 * long before a service meets an event that it cannot read.
 */
#include "gen.h"

#include <avro/folder.h>

/* Did a pair before this one tell it? The same field breaks with every version before, and once is enough. */
static bool told(const polkai_history *history, size_t pair, const char *message)
{
    for (size_t p = 0; p < pair; p++)
        for (size_t i = 0; i < history->pairs[p].breaks.count; i++)
            if (strcmp(history->pairs[p].breaks.items[i].message, message) == 0)
                return true;
    return false;
}

/* A paragraph a break, under the error's line; those of another pair below its own. */
static const char *breaks_text(gen *g, const named *type, const polkai_history *history, const unsigned *versions)
{
    const char *text = "";
    for (size_t p = 0; p < history->count; p++) {
        const polkai_history_pair *pair = &history->pairs[p];
        bool headed = p == 0;
        for (size_t i = 0; i < pair->breaks.count; i++) {
            const polkai_break *at = &pair->breaks.items[i];
            if (told(history, p, at->message))
                continue;
            if (!headed)
                text = polkai_arena_format(&g->arena, "%s\n%s v%u cannot read what v%u wrote:", text, type->schema->name, versions[pair->reader - 1],
                                           versions[pair->writer - 1]).data;
            headed = true;
            text = polkai_arena_format(&g->arena, "%s\n  %s (writer: %s): %s\n    %s", text, at->reader_path, at->writer_path, at->message, at->fix).data;
        }
    }
    return text;
}

static const char *file_of_version(gen *g, const named *type, unsigned version)
{
    for (size_t i = 0; i < g->files.count; i++) {
        const source_file *file = &g->files.items[i];
        if (file->version == version && file->full_name != NULL && strcmp(file->full_name, type->schema->name) == 0)
            return file->path;
    }
    return type->schema->file;
}

static polka_status broken(gen *g, const named *type, const polkai_history *history, const unsigned *versions, const char *level, const char *declared_by)
{
    const polkai_history_pair *pair = &history->pairs[0];
    unsigned writer = versions[pair->writer - 1], reader = versions[pair->reader - 1];
    g->details = breaks_text(g, type, history, versions);
    return polkai_fail(g->error, POLKA_MISUSE, "incompatible-versions", "%s: %s v%u cannot read what v%u wrote; %s %s",
                       file_of_version(g, type, versions[history->first_broken - 1]), type->schema->name, reader, writer,
                       declared_by == NULL ? "a schemas.yaml in the folder can ask for less than the default," : polkai_arena_format(&g->arena, "%s asks for", declared_by).data, level);
}

static polka_status check(gen *g, const named *type)
{
    size_t count = type->older.count + 1;
    const polkai_schema **schemas = polkai_arena_zeroed(&g->arena, count, sizeof *schemas);
    unsigned *versions = polkai_arena_zeroed(&g->arena, count, sizeof *versions);
    const char *declared_by = NULL;
    polkai_compat_level level;
    TRY(polkai_folder_level(type->schema->file, &g->arena, &level, &declared_by, g->error));
    schemas[count - 1] = type->schema;
    versions[count - 1] = type->version;
    for (size_t i = 0; i < type->older.count; i++) {     /* newest first there, oldest first here */
        size_t at = count - 2 - i;
        schemas[at] = type->older.items[i].parsed;
        versions[at] = type->older.items[i].version;
    }
    polkai_history history = polkai_compat_history(level, schemas, count, &g->arena);
    return history.first_broken == 0 ? POLKA_OK : broken(g, type, &history, versions, polkai_compat_level_name(level), declared_by);
}

polka_status gen_check_histories(gen *g)
{
    for (size_t i = 0; i < g->types.count; i++)
        if (g->types.items[i]->older.count > 0 && !g->types.items[i]->foreign)
            TRY(check(g, g->types.items[i]));
    return POLKA_OK;
}
