/* folder.c: schemas.yaml of the nearest folder upwards. */
#include <avro/folder.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <base/yaml.h>
#include <stdlib.h>
#include <unistd.h>

static void free_document(polkai_yaml_document **document)
{
    polkai_yaml_destroy(*document);
}

static void free_path(char **path)
{
    free(*path);
}

static polka_status read_level(const char *file, polkai_compat_level *level, polka_error *error)
{
    polkai_yaml_document *document AUTO(free_document) = NULL;
    TRY(polkai_yaml_read_file(&document, file, error));
    const polkai_yaml *root = polkai_yaml_root(document);
    for (size_t i = 0; i < root->count; i++) {
        const polkai_yaml *member = &root->items[i];
        if (root->kind != POLKAI_YAML_MAP || strcmp(member->name, "compatibility") != 0)
            return polkai_yaml_fail_name(error, member, "unknown-member", "schemas.yaml has one member: `compatibility: FULL_TRANSITIVE`, or another level");
        const char *text = polkai_yaml_text(member);
        polka_error why;
        if (polkai_compat_level_parse(polka_text_of(text == NULL ? "" : text), level, &why) != POLKA_OK)
            return polkai_yaml_fail(error, member, "bad-level", "%s", why.message);
    }
    return POLKA_OK;
}

polka_status polkai_folder_level(const char *path, polka_arena *arena, polkai_compat_level *level, const char **declared_by, polka_error *error)
{
    char *folder AUTO(free_path) = realpath(path, NULL);
    *level = POLKAI_COMPAT_FULL_TRANSITIVE;
    *declared_by = NULL;
    ENSURE(folder != NULL, POLKA_MISUSE, error, "no-file", "%s: cannot be found: %m", path);
    for (char *slash; (slash = strrchr(folder, '/')) != NULL;) {
        *slash = '\0';
        const char *file = polkai_arena_format(arena, "%s/schemas.yaml", folder).data;
        if (access(file, F_OK) == 0) {
            *declared_by = file;
            return read_level(file, level, error);
        }
        if (access(polkai_arena_format(arena, "%s/polka.yaml", folder).data, F_OK) == 0)
            break;                       /* above the project is not ours */
    }
    return POLKA_OK;
}
