/* build.c: finds the build and reads its list of services. */
#include <cli/build.h>

#include <base/arena.h>
#include <base/text.h>
#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *cli_own_folder(void)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size <= 0)
        return NULL;
    path[size] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    return polkai_strdup(path);
}

static char *list_path(const char *folder) { return cli_format("%s/polka/services.json", folder); }

static bool is_build(const char *folder)
{
    char *path AUTO(cli_free_text) = list_path(folder);
    return access(path, R_OK) == 0;
}

/* The folder a CMake build was configured from; NULL: unknown. */
static char *home_of(const char *folder)
{
    static const char key[] = "CMAKE_HOME_DIRECTORY:INTERNAL=";
    char *path AUTO(cli_free_text) = cli_format("%s/CMakeCache.txt", folder);
    FILE *file = fopen(path, "re");
    char line[PATH_MAX + 64], *home = NULL;
    while (file != NULL && home == NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, sizeof key - 1) == 0) {
            line[strcspn(line, "\r\n")] = '\0';
            home = realpath(line + sizeof key - 1, NULL);
        }
    if (file != NULL)
        fclose(file);
    return home;
}

static bool below(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    return strncmp(path, folder, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

static char *own_build(void)
{
    char *bin AUTO(cli_free_text) = cli_own_folder();
    if (bin == NULL)
        return NULL;
    char *folder = cli_format("%s/..", bin), *real = realpath(folder, NULL);
    free(folder);
    if (real != NULL && is_build(real))
        return real;
    free(real);
    return NULL;
}

/* ---- services.json ---- */

static bool executable_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

/* A build that was moved (into an image, for example) still finds its executables beside the list. */
static char *resolve(const char *folder, const char *path)
{
    const char *base = strrchr(path, '/');
    char *here = path[0] == '/' ? polkai_strdup(path) : cli_format("%s/%s", folder, path);
    if (executable_there(here))
        return here;
    char *moved = cli_format("%s/bin/%s", folder, base == NULL ? path : base + 1);
    bool there = executable_there(moved);
    free(there ? here : moved);
    return there ? moved : here;
}

static polka_status read_services(cli_build *build, polka_error *error)
{
    json_error_t problem;
    char *path AUTO(cli_free_text) = list_path(build->folder);
    json_t *list = json_load_file(path, 0, &problem), *row;
    size_t index;
    if (!json_is_array(list)) {
        json_decref(list);
        return polkai_fail(error, POLKA_MISUSE, "bad-services", "%s:%d: %s; configure the build again", path, problem.line,
                           list == NULL ? problem.text : "not a list of services");
    }
    build->services = polkai_alloc((json_array_size(list) + 1) * sizeof *build->services);
    json_array_foreach(list, index, row) {
        const char *name = json_string_value(json_object_get(row, "name")), *executable = json_string_value(json_object_get(row, "path"));
        if (name == NULL || executable == NULL) {
            json_decref(list);
            return polkai_fail(error, POLKA_MISUSE, "bad-services", "%s: item %zu lacks a name or a path; configure the build again", path, index);
        }
        build->services[build->count++] = (cli_service){ polkai_strdup(name), resolve(build->folder, executable) };
    }
    json_decref(list);
    return POLKA_OK;
}

/* When a build last made something: the newest of its executables. */
static int64_t built_at(const char *folder)
{
    cli_build build = { .folder = polkai_strdup(folder) };
    struct stat about;
    int64_t newest = 0;
    if (read_services(&build, NULL) == POLKA_OK)
        for (size_t i = 0; i < build.count; i++)
            if (stat(build.services[i].path, &about) == 0) {
                int64_t at = (int64_t)about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1000000;
                newest = at > newest ? at : newest;
            }
    cli_build_close(&build);
    return newest;
}

/* `folder` itself, or the newest build right below it; new; NULL: none. */
static char *newest_build(const char *folder)
{
    if (is_build(folder))
        return polkai_strdup(folder);
    char *best = NULL;
    int64_t best_at = -1;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = cli_format("%s/%s", folder, entry->d_name);
        int64_t at = is_build(path) ? built_at(path) : -1;
        if (at > best_at) {
            free(best);
            best = path;
            best_at = at;
        } else {
            free(path);
        }
    }
    if (entries != NULL)
        closedir(entries);
    return best;
}

/* A folder, or the name of a preset below build/. */
static char *named_build(const cli_project *project, const char *name)
{
    char *folder AUTO(cli_free_text) = cli_project_path(project, name);
    char *found = newest_build(folder);
    if (found != NULL || name[0] == '/')
        return found;
    char *preset AUTO(cli_free_text) = cli_format("%s/build/%s", project->root, name);
    return newest_build(preset);
}

static char *find_folder(const cli_project *project, const char *wanted, polka_error *error)
{
    if (wanted != NULL) {
        char *given = is_build(wanted) ? realpath(wanted, NULL) : named_build(project, wanted);
        if (given == NULL)
            polkai_fail(error, POLKA_FATAL, "no-build", "%s is no build with services: there is no %s/polka/services.json; "
                        "configure and build first: cmake --preset dev && cmake --build --preset dev", wanted, wanted);
        return given;
    }
    char *own = own_build(), *home = own == NULL ? NULL : home_of(own), *root = realpath(project->root, NULL), *found = NULL;
    if (own != NULL && (project->file == NULL || home == NULL || (root != NULL && (below(home, root) || below(root, home)))))
        found = polkai_strdup(own);
    if (found == NULL && project->build != NULL)
        found = named_build(project, project->build);
    if (found == NULL && project->build == NULL)
        found = named_build(project, "build");
    if (found == NULL && own != NULL)
        found = polkai_strdup(own);
    if (found == NULL)
        polkai_fail(error, POLKA_FATAL, "no-build", "no build with services in %s%s%s; build first (cmake --preset dev && cmake --build --preset dev), "
                    "or say where it is: --build FOLDER", project->root, project->build != NULL ? "/" : "", project->build != NULL ? project->build : "");
    free(own);
    free(home);
    free(root);
    return found;
}

polka_status cli_build_open(cli_build *build, const cli_project *project, const char *wanted, polka_error *error)
{
    *build = (cli_build){ .folder = find_folder(project, wanted, error) };
    if (build->folder == NULL)
        return POLKA_FATAL;
    return read_services(build, error);
}

void cli_build_close(cli_build *build)
{
    for (size_t i = 0; i < build->count; i++) {
        free(build->services[i].name);
        free(build->services[i].path);
    }
    free(build->services);
    free(build->folder);
    *build = (cli_build){ 0 };
}

static cli_list names_of(const cli_build *build)
{
    cli_list names = { 0 };
    for (size_t i = 0; i < build->count; i++)
        cli_list_add(&names, build->services[i].name);
    return names;
}

static bool is_named(const cli_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

void cli_build_say_strangers(const cli_build *build, const cli_project *project)
{
    const polkai_yaml *services = project->document == NULL ? NULL : polkai_yaml_member(polkai_yaml_root(project->document), "services");
    cli_list known = names_of(build);
    for (size_t i = 0; services != NULL && services->kind == POLKAI_YAML_MAP && i < services->count; i++) {
        polka_error error;
        const polkai_yaml *node = &services->items[i];
        if (is_named(&known, node->name))
            continue;
        const char *nearest = polkai_nearest(node->name, known.items, known.count);
        polkai_yaml_fail(&error, node, "unknown-service", "settings for the service '%s', which %s does not have%s%s%s", node->name, build->folder,
                         nearest != NULL ? "; is '" : "", nearest != NULL ? nearest : "", nearest != NULL ? "' meant?" : "");
        cli_say("polka: %s", error.message);
    }
    cli_list_free(&known);
}

polka_status cli_build_select(cli_build *build, const cli_list *names, polka_error *error)
{
    cli_list known = names_of(build);
    for (size_t n = 0; n < names->count; n++) {
        if (is_named(&known, names->items[n]))
            continue;
        const char *nearest = polkai_nearest(names->items[n], known.items, known.count);
        polkai_fail(error, POLKA_MISUSE, "unknown-service", "there is no service '%s' in %s%s%s%s", names->items[n], build->folder,
                    nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
        cli_list_free(&known);
        return POLKA_MISUSE;
    }
    cli_list_free(&known);
    for (size_t i = 0; names->count > 0 && i < build->count;) {
        if (is_named(names, build->services[i].name)) {
            i++;
            continue;
        }
        free(build->services[i].name);
        free(build->services[i].path);
        build->count--;
        memmove(&build->services[i], &build->services[i + 1], (build->count - i) * sizeof *build->services);
    }
    return POLKA_OK;
}

polka_status cli_build_check(const cli_build *build, polka_error *error)
{
    for (size_t i = 0; i < build->count; i++)
        ENSURE(executable_there(build->services[i].path), POLKA_FATAL, error, "no-executable",
               "the executable of service '%s' is missing: %s; build it: cmake --build %s --target %s", build->services[i].name,
               build->services[i].path, build->folder, build->services[i].name);
    return POLKA_OK;
}
