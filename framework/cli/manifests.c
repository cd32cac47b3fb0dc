/* manifests.c: `polka manifests`: what the services say of themselves, collected for CI. */
#include <cli/services.h>
#include <cli/terminal.h>

#include <base/arena.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

typedef struct {
    const char *build, *folder;
    const char *forget;                  /* SERVICE@VERSION; NULL: collect */
    bool running, execute;
    cli_where where;
} collector;

/* The name is a part of a path here: what a service calls itself must not lead out of the folder. */
static polka_status file_name(const polkai_manifest *manifest, char **name, polka_error *error)
{
    *name = cli_format("%s@%s.json", manifest->service, manifest->version);
    ENSURE(strchr(*name, '/') == NULL && (*name)[0] != '.' && strlen(*name) < 250, POLKA_POISON, error, "bad-name",
           "%s: '%.200s' can be no file name; a service's name and version have no / and do not begin with a dot", manifest->origin, *name);
    return POLKA_OK;
}

static polka_status write_file(const char *path, const json_t *json, polka_error *error)
{
    char *text AUTO(cli_free_text) = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    FILE *file = text != NULL ? fopen(path, "we") : NULL;
    ENSURE(file != NULL, POLKA_FATAL, error, "cannot-write", "%s: %s", path, strerror(errno));
    bool written = fprintf(file, "%s\n", text) > 0;
    written = fclose(file) == 0 && written;
    ENSURE(written, POLKA_FATAL, error, "cannot-write", "%s: %s", path, strerror(errno));
    return POLKA_OK;
}

/* Two that one file would hold are two services by one name: written over each other, nobody would see it any more. */
static polka_status ensure_distinct(const cli_manifests *manifests, polka_error *error)
{
    for (size_t i = 0; i < manifests->count; i++)
        for (size_t k = 0; k < i; k++) {
            const polkai_manifest *one = manifests->items[k], *other = manifests->items[i];
            ENSURE(strcmp(one->service, other->service) != 0 || strcmp(one->version, other->version) != 0 || json_equal(one->json, other->json), POLKA_FATAL, error,
                   "duplicate-service", "%s and %s both say that they are %s %s, and differ in what they hear and say; give one of them another name or version",
                   one->origin, other->origin, one->service, one->version);
        }
    return POLKA_OK;
}

static polka_status write_one(const collector *here, const polkai_manifest *manifest, polka_error *error)
{
    char *name AUTO(cli_free_text) = NULL;
    if (here->folder == NULL) {
        cli_print_json(json_incref(manifest->json));
        return POLKA_OK;
    }
    TRY(file_name(manifest, &name, error));
    char *path AUTO(cli_free_text) = cli_format("%s/%s", here->folder, name);
    return write_file(path, manifest->json, error);
}

static polka_status make_folder(const char *folder, polka_error *error)
{
    ENSURE(mkdir(folder, 0777) == 0 || errno == EEXIST, POLKA_FATAL, error, "cannot-write", "%s: %s", folder, strerror(errno));
    return POLKA_OK;
}

static bool is_ours(const cli_manifests *manifests, const char *file)
{
    for (size_t i = 0; i < manifests->count; i++) {
        char *name AUTO(cli_free_text) = NULL;
        if (file_name(manifests->items[i], &name, NULL) == POLKA_OK && strcmp(name, file) == 0)
            return true;
    }
    return false;
}

/* A manifest of an older build would count as a service that runs. */
static void say_strangers(const collector *here, const cli_manifests *manifests)
{
    DIR *entries = opendir(here->folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0 && !is_ours(manifests, entry->d_name))
            cli_say("%s/%s is not of this build; `polka check %s` takes it along: remove it if it is out of date", here->folder, entry->d_name, here->folder);
    }
    if (entries != NULL)
        closedir(entries);
}

static polka_status ask_build(const collector *here, const cli_project *project, cli_manifests *manifests, polka_error *error)
{
    cli_build build AUTO(cli_build_close) = { 0 };
    TRY(cli_build_open(&build, project, here->build, error));
    TRY(cli_build_check(&build, error));
    return cli_manifests_describe(manifests, project, &build, error);
}

static polka_status collect(const collector *here, const cli_project *project, polka_error *error)
{
    cli_manifests manifests AUTO(cli_manifests_free) = { 0 };
    TRY(here->running ? cli_services_read(&manifests, project, &here->where, error) : ask_build(here, project, &manifests, error));
    if (here->folder != NULL) {
        TRY(ensure_distinct(&manifests, error));
        TRY(make_folder(here->folder, error));
    }
    for (size_t i = 0; i < manifests.count; i++)
        TRY(write_one(here, manifests.items[i], error));
    if (here->folder == NULL)
        return POLKA_OK;
    say_strangers(here, &manifests);
    cli_say("%zu manifest%s in %s", manifests.count, manifests.count == 1 ? "" : "s", here->folder);
    return POLKA_OK;
}

static polka_status forget(const collector *here, const cli_project *project, polka_error *error)
{
    TRY(cli_services_forget(here->forget, here->execute, project, &here->where, error));
    cli_say(here->execute ? "%s is forgotten" : "%s would be forgotten; do it: --execute", here->forget);
    return POLKA_OK;
}

static polka_status work(const collector *here, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    TRY(cli_project_open(&project, error));
    return here->forget != NULL ? forget(here, &project, error) : collect(here, &project, error);
}

static int run(const cli_command *command, int argc, char **argv)
{
    collector here = { 0 };
    polka_error error = { 0 };
    cli_list rest = { 0 };
    const cli_option options[] = { { "running", 0, CLI_FLAG, &here.running, NULL, "what services have said of themselves on polka.services, in place of a build" },
                                   { "execute", 0, CLI_FLAG, &here.execute, NULL, "forget: do it; without it forget only says what it would do" },
                                   { "build", 0, CLI_TEXT, &here.build, "FOLDER|PRESET", "the build whose services are asked" },
                                   CLI_WHERE_OPTIONS(here.where), { 0 } };
    int code = cli_parse(command, options, argc, argv, &rest);
    bool forgets = code < 0 && rest.count > 0 && strcmp(rest.items[0], "forget") == 0;
    if (code < 0 && forgets && (rest.count != 2 || strchr(rest.items[1], '@') == NULL))
        code = cli_usage(command, "forget what? SERVICE@VERSION");
    if (code < 0 && !forgets && rest.count > 1)
        code = cli_usage(command, "one folder, not %zu", rest.count);
    if (code < 0 && here.execute && !forgets)
        code = cli_usage(command, "collecting changes nothing; --execute goes with forget");
    if (code < 0) {
        cli_catch_signals();
        here.folder = !forgets && rest.count == 1 ? rest.items[0] : NULL;
        here.forget = forgets ? rest.items[1] : NULL;
        code = work(&here, &error) == POLKA_OK ? CLI_OK : cli_complain(&error);
    }
    cli_list_free(&here.where.properties);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_manifests_command = {
    .name = "manifests", .arguments = "[FOLDER] | forget SERVICE@VERSION", .summary = "what the services say of themselves, collected into a folder for CI", .run = run,
    .details = "Asks each service of the build with --describe. With a FOLDER each manifest becomes SERVICE@VERSION.json in it; without,\n"
               "they are printed, one a line. --running takes what services have said of themselves at the broker in place of a build;\n"
               "forget takes one of these back.\n",
    .examples = "  polka manifests manifests && polka check manifests --flows schemas/flows\n"
                "  polka manifests --running | jq -r .service\n"
                "  polka manifests forget payments@0.9.0 --execute\n" };
