/* collect.c: reads folders in the order of their names, so that what is said of them is the same every time. */
#include <cli/collect.h>

#include <base/arena.h>
#include <cli/process.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DESCRIBE_MS = 10000, FILE_BYTES = 1 << 26 };

/* ---- manifests ---- */

polka_status cli_manifests_take(cli_manifests *manifests, polkai_manifest *manifest, polka_error *error)
{
    if (!manifests->examine && manifest->problem_count > 0) {
        polkai_fail(error, POLKA_POISON, "bad-manifest", "%s: %s", manifest->origin, manifest->problems[0].message);
        polkai_manifest_destroy(manifest);
        return POLKA_POISON;
    }
    if (manifests->count == manifests->capacity) {
        manifests->capacity = 2 * manifests->capacity + 16;
        manifests->items = polkai_realloc(manifests->items, manifests->capacity * sizeof(polkai_manifest *));
    }
    manifests->items[manifests->count++] = manifest;
    return POLKA_OK;
}

static polka_status add_manifest(cli_manifests *manifests, polka_text text, const char *origin, polka_error *error)
{
    polkai_manifest *manifest;
    polkai_manifest_examine(&manifest, text, origin);
    return cli_manifests_take(manifests, manifest, error);
}

static polka_status describe(cli_manifests *manifests, const char *program, const char *origin, const char *settings, polka_error *error)
{
    char *text AUTO(cli_free_text) = NULL;
    TRY(cli_capture((const char *const[]){ program, "--describe", settings != NULL ? "--config" : NULL, settings, NULL }, DESCRIBE_MS, true, &text, error));
    return add_manifest(manifests, polka_text_of(text), origin, error);
}

polka_status cli_manifests_describe(cli_manifests *manifests, const cli_project *project, const cli_build *build, polka_error *error)
{
    for (size_t i = 0; i < build->count; i++)
        TRY(describe(manifests, build->services[i].path, cli_path_shown(build->services[i].path), project->file, error));
    return POLKA_OK;
}

/* A program of this machine or a script; a manifest that happens to be executable begins with '{'. */
static bool is_program(FILE *file, const char *path)
{
    char head[4] = "";
    size_t size = fread(head, 1, sizeof head, file);
    rewind(file);
    return access(path, X_OK) == 0 && ((size >= 2 && memcmp(head, "#!", 2) == 0) || (size == 4 && memcmp(head, "\177ELF", 4) == 0));
}

static polka_status add_file(cli_manifests *manifests, const char *path, polka_error *error)
{
    polka_arena arena = { 0 };
    polka_buffer buffer = { .arena = &arena };
    FILE *file = fopen(path, "re");
    ENSURE(file != NULL, POLKA_MISUSE, error, "no-file", "%s: %s", path, strerror(errno));
    if (is_program(file, path)) {
        fclose(file);
        char *here AUTO(cli_free_text) = strchr(path, '/') != NULL ? polkai_strdup(path) : cli_format("./%s", path);
        return describe(manifests, here, path, NULL, error);
    }
    for (size_t size = 1; size > 0 && buffer.size < FILE_BYTES; buffer.size += size)
        size = fread(polka_buffer_reserve(&buffer, 65537), 1, 65536, file);
    fclose(file);
    polka_status status = add_manifest(manifests, (polka_text){ buffer.size, (const char *)buffer.data }, path, error);
    polkai_arena_deinit(&arena);
    return status;
}

/* ---- folders ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), tail = strlen(end);
    return size > tail && strcmp(name + size - tail, end) == 0;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The paths of a folder's files with one of two endings, sorted. *paths is new, and so is each of them. */
static polka_status list_folder(const char *folder, const char *ending, const char *other, char ***paths, size_t *count, polka_error *error)
{
    size_t length = strlen(folder), capacity = 0;
    DIR *entries = opendir(folder);
    *paths = NULL;
    *count = 0;
    ENSURE(entries != NULL, POLKA_MISUSE, error, "no-file", "%s: %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.' || (!ends_with(entry->d_name, ending) && !ends_with(entry->d_name, other)))
            continue;
        if (*count == capacity) {
            capacity = 2 * capacity + 16;
            *paths = polkai_realloc(*paths, capacity * sizeof(char *));
        }
        (*paths)[(*count)++] = cli_format("%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/", entry->d_name);
    }
    closedir(entries);
    if (*count > 0)
        qsort(*paths, *count, sizeof(char *), by_text);
    return POLKA_OK;
}

static void free_list(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

polka_status cli_manifests_path(cli_manifests *manifests, const char *path, polka_error *error)
{
    char **paths;
    size_t count;
    if (!is_folder(path))
        return add_file(manifests, path, error);
    TRY(list_folder(path, ".json", ".json", &paths, &count, error));
    polka_status status = count > 0 ? POLKA_OK : polkai_fail(error, POLKA_MISUSE, "no-manifests",
        "%s has no manifests: *.json; `polka manifests %s` collects those of the project", path, path);
    for (size_t i = 0; status == POLKA_OK && i < count; i++)
        status = add_file(manifests, paths[i], error);
    free_list(paths, count);
    return status;
}

void cli_manifests_free(cli_manifests *manifests)
{
    for (size_t i = 0; i < manifests->count; i++)
        polkai_manifest_destroy(manifests->items[i]);
    free(manifests->items);
    *manifests = (cli_manifests){ 0 };
}

/* ---- contracts ---- */

/* Of a flow that is under way the first event says which contract it has. */
static polka_status ensure_distinct(const polkai_contract *contract, const polkai_contract *other, polka_error *error)
{
    if (strcmp(other->name, contract->name) == 0)
        return polkai_yaml_fail(error, polkai_yaml_member(contract->node, "flow"), "two-flows", "the flow %s stands in %s already", contract->name, other->file);
    for (size_t i = 0; i < contract->starts.count; i++)
        for (size_t k = 0; k < other->starts.count; k++) {
            const polkai_yaml *start = contract->starts.items[i], *known = other->starts.items[k];
            if (strcmp(start->text.data, known->text.data) == 0)
                return polkai_yaml_fail(error, start, "two-flows", "with %s the flow %s begins already, %s:%u:%u: of two flows nobody could tell which one it "
                                        "begins; join them, or let one begin with an event of its own", start->text.data, other->name, other->file, known->line,
                                        known->column);
        }
    return POLKA_OK;
}

static polka_status add_contract(cli_contracts *contracts, const char *path, polka_error *error)
{
    polkai_contract *contract = NULL;
    TRY(polkai_contract_read_file(&contract, path, error));
    if (contracts->count == contracts->capacity) {
        contracts->capacity = 2 * contracts->capacity + 8;
        contracts->items = polkai_realloc(contracts->items, contracts->capacity * sizeof(polkai_contract *));
    }
    contracts->items[contracts->count++] = contract;
    for (size_t i = 0; i + 1 < contracts->count; i++)
        TRY(ensure_distinct(contract, contracts->items[i], error));
    return POLKA_OK;
}

polka_status cli_contracts_folder(cli_contracts *contracts, const char *folder, bool required, polka_error *error)
{
    char **paths;
    size_t count;
    if (!required && !is_folder(folder))
        return POLKA_OK;
    TRY(list_folder(folder, ".yaml", ".yml", &paths, &count, error));
    polka_status status = POLKA_OK;
    for (size_t i = 0; status == POLKA_OK && i < count; i++)
        status = add_contract(contracts, paths[i], error);
    free_list(paths, count);
    return status;
}

void cli_contracts_free(cli_contracts *contracts)
{
    for (size_t i = 0; i < contracts->count; i++)
        polkai_contract_destroy(contracts->items[i]);
    free(contracts->items);
    *contracts = (cli_contracts){ 0 };
}
