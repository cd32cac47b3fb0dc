/* cache_test.c: schemas on disk, with files that were cut, tampered with, or cannot be written. */
#include "stub.h"

#include <avro/canonical.h>
#include <base/arena.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <flow/schema/cache.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static polka_arena arena;
static polka_error error;
static polka_text text;
static polkai_cache *cache;
static const char *folder;
static unsigned warnings;
static char warned[1024];
static polkai_log silent_log;

static const char *const REGISTRY = "http://registry:8081";
static const polkai_schema_id seventeen = { .id = 17 };

static void note(void *user, polkai_log_level level, const char *message)
{
    (void)user;
    warnings += level == POLKAI_LOG_WARN;
    snprintf(warned, sizeof warned, "%s", message);
}

static void start(void)
{
    polkai_arena_init(&arena, NULL, 0);
    folder = stub_folder();
    polkai_log_init(&silent_log, STDERR_FILENO, POLKAI_LOG_DEBUG, POLKAI_LOG_TEXT, NULL);
    silent_log.capture = note;
    cache = polkai_cache_open(folder, &silent_log);
}

static void stop(void)
{
    polkai_cache_close(cache);
    polkai_arena_deinit(&arena);
}

static polka_status keep(const char *schema) { return polkai_cache_keep(cache, REGISTRY, &seventeen, polka_text_of(schema), &error); }
static bool find(void) { return polkai_cache_find(cache, REGISTRY, &seventeen, &arena, &text); }

/* The one file below the folder that fits. */
static const char *only_file(const char *pattern)
{
    static char path[512];
    glob_t found;
    snprintf(path, sizeof path, "%s/%s", folder, pattern);
    cr_assert_eq(glob(path, 0, NULL, &found), 0, "no %s", path);
    cr_assert_eq(found.gl_pathc, 1);
    snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
    globfree(&found);
    return path;
}

static void overwrite(const char *path, const char *with)
{
    FILE *file = fopen(path, "w");
    fputs(with, file);
    fclose(file);
}

Test(cache, knows_what_it_kept_by_registry_and_id, .init = start, .fini = stop)
{
    const polkai_schema_id other = { .id = 18 }, guid = { .by_guid = true, .guid = { 1, 2, 3 } };
    cr_assert_not(find());
    cr_assert_eq(keep("\"string\""), POLKA_OK);
    cr_assert(find());
    cr_assert_str_eq(text.data, "\"string\"");
    cr_assert_not(polkai_cache_find(cache, REGISTRY, &other, &arena, &text));
    cr_assert_not(polkai_cache_find(cache, "http://elsewhere:8081", &seventeen, &arena, &text));
    cr_assert_eq(polkai_cache_keep(cache, REGISTRY, &guid, POLKA_TEXT("\"long\""), &error), POLKA_OK);
    cr_assert(polkai_cache_find(cache, REGISTRY, &guid, &arena, &text));
    cr_assert_str_eq(text.data, "\"long\"");
    cr_assert_eq(warnings, 0);
}

Test(cache, refuses_another_schema_under_a_known_id_and_keeps_the_first, .init = start, .fini = stop)
{
    cr_assert_eq(keep("\"string\""), POLKA_OK);
    cr_assert_eq(keep("\"long\""), POLKA_MISUSE);
    cr_assert_str_eq(error.code, "registry-changed-schema");
    cr_assert_not_null(strstr(error.message, "id 17"));
    cr_assert_not_null(strstr(error.message, "SHA-256 "), "%s", error.message);
    cr_assert_not_null(strstr(error.message, "/17.json"), "what to remove: %s", error.message);
    cr_assert(find());
    cr_assert_str_eq(text.data, "\"string\"");
}

Test(cache, takes_other_spaces_or_another_order_for_the_same_schema, .init = start, .fini = stop)
{
    cr_assert_eq(keep("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}"), POLKA_OK);
    cr_assert_eq(keep("{ \"name\": \"F\", \"size\": 2, \"type\": \"fixed\" }"), POLKA_OK);
    cr_assert_eq(keep("{ \"name\": \"F\", \"size\": 3, \"type\": \"fixed\" }"), POLKA_MISUSE);
}

Test(cache, passes_over_a_file_that_was_cut_or_tampered_with_and_writes_it_anew, .init = start, .fini = stop)
{
    static const char *const broken[] = { "", "{\"registry\":\"http://registry:8081\",\"id\":\"17\",\"sha2", "null", "[]", "{}",
        "{\"registry\":\"http://registry:8081\",\"id\":\"17\",\"sha256\":\"00\",\"schema\":\"\\\"long\\\"\"}" };
    cr_assert_eq(keep("\"string\""), POLKA_OK);
    char path[512];
    snprintf(path, sizeof path, "%s", only_file("registries/*/17.json"));
    for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
        overwrite(path, broken[i]);
        cr_assert_not(find(), "%s", broken[i]);
        cr_assert_eq(warnings, 2 * i + 1);
        cr_assert_not_null(strstr(warned, "17.json"), "%s", warned);
        cr_assert_eq(keep("\"string\""), POLKA_OK);
        cr_assert(find(), "it was written anew");
        warnings = 2 * i + 2;
    }
}

Test(cache, does_not_take_the_entry_of_another_id, .init = start, .fini = stop)
{
    char command[1200], path[512];
    cr_assert_eq(keep("\"string\""), POLKA_OK);
    snprintf(path, sizeof path, "%s", only_file("registries/*/17.json"));
    snprintf(command, sizeof command, "cp '%s' '%.*s/18.json'", path, (int)(strrchr(path, '/') - path), path);
    cr_assert_eq(system(command), 0);
    cr_assert_not(polkai_cache_find(cache, REGISTRY, &(polkai_schema_id){ .id = 18 }, &arena, &text));
    cr_assert_not_null(strstr(warned, "another registry or id"), "%s", warned);
}

Test(cache, does_not_wait_for_a_pipe_nor_read_what_is_endless, .init = start, .fini = stop)
{
    char path[512];
    cr_assert_eq(keep("\"string\""), POLKA_OK);
    snprintf(path, sizeof path, "%s", only_file("registries/*/17.json"));
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_not(find());
    unlink(path);
    cr_assert_eq(symlink("/dev/zero", path), 0);
    cr_assert_not(find());
}

Test(cache, goes_on_without_a_disk_and_warns_once, .init = start, .fini = stop)
{
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, before.rlim_max });     /* every write fails, as on a full disk */
    cr_assert_eq(keep("\"string\""), POLKA_OK);
    cr_assert_eq(keep("\"string\""), POLKA_OK);
    setrlimit(RLIMIT_FSIZE, &before);
    cr_assert_not(find());
    cr_assert_eq(warnings, 1);
    cr_assert_not_null(strstr(warned, "schemas.cache"), "%s", warned);
    cr_assert_eq(keep("\"string\""), POLKA_OK);
    cr_assert(find());
}

Test(cache, goes_on_where_the_folder_cannot_be_made, .init = start, .fini = stop)
{
    char path[512];
    snprintf(path, sizeof path, "%s/file", folder);
    overwrite(path, "a file stands where a folder should");
    polkai_cache *other = polkai_cache_open(path, &silent_log);
    cr_assert_eq(polkai_cache_keep(other, REGISTRY, &seventeen, POLKA_TEXT("\"string\""), &error), POLKA_OK);
    cr_assert_not(polkai_cache_find(other, REGISTRY, &seventeen, &arena, &text));
    cr_assert_geq(warnings, 1);
    polkai_cache_close(other);
}

/* Eight processes, one id, two schemas: one wins, for everybody, and no half file is ever seen. */
Test(cache, is_shared_by_processes, .init = start, .fini = stop)
{
    pid_t children[8];
    unsigned kept = 0, refused = 0;
    for (int i = 0; i < 8; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(keep(i % 2 == 0 ? "\"string\"" : "\"long\"") == POLKA_OK ? 0 : 1);
    }
    for (int i = 0; i < 8; i++) {
        int status;
        waitpid(children[i], &status, 0);
        cr_assert(WIFEXITED(status));
        kept += WEXITSTATUS(status) == 0;
        refused += WEXITSTATUS(status) == 1;
    }
    cr_assert_eq(kept, 4);
    cr_assert_eq(refused, 4);
    cr_assert(find());
    cr_assert_eq(warnings, 0, "%s", warned);
    only_file("registries/*/*");                         /* nothing is left beside it */
}

/* ---- with a registry ---- */

static polkai_registry *registry_of(const char *behaviour)
{
    polkai_registry *registry;
    cr_assert_eq(polkai_registry_open(&registry, &(polkai_registry_options){ .urls = stub_url(behaviour), .attempts = 1, .total_ms = 300 }, &error), POLKA_OK);
    return registry;
}

Test(cache, refuses_a_registry_that_gives_another_schema_under_a_known_id, .init = start, .fini = stop)
{
    stub_start(NULL);
    polkai_registry *registry = registry_of("changing");
    cr_assert_eq(polkai_cache_fetch(cache, registry, &seventeen, &arena, &text, &error), POLKA_OK);
    cr_assert_eq(polkai_cache_fetch(cache, registry, &seventeen, &arena, &text, &error), POLKA_MISUSE);
    cr_assert_str_eq(error.code, "registry-changed-schema");
    polkai_registry_close(registry);
    registry = registry_of("spaces");
    cr_assert_eq(polkai_cache_fetch(cache, registry, &seventeen, &arena, &text, &error), POLKA_OK);
    cr_assert_eq(polkai_cache_fetch(cache, registry, &seventeen, &arena, &text, &error), POLKA_OK);
    polkai_registry_close(registry);
}

Test(cache, answers_for_a_registry_that_is_down_and_for_no_registry_that_says_no, .init = start, .fini = stop)
{
    static const char *const down[] = { "failing", "silent", "html", "elsewhere", "missing" };
    stub_start(NULL);
    for (size_t i = 0; i < sizeof down / sizeof *down; i++) {
        polkai_registry *registry = registry_of(down[i]);
        cr_assert_eq(polkai_cache_fetch(cache, registry, &seventeen, &arena, &text, &error), POLKA_TRANSIENT, "%s", down[i]);
        cr_assert_eq(polkai_cache_keep(cache, polkai_registry_name(registry), &seventeen, POLKA_TEXT("\"string\""), &error), POLKA_OK);
        cr_assert_eq(polkai_cache_fetch(cache, registry, &seventeen, &arena, &text, &error), POLKA_OK, "%s", error.message);
        cr_assert_str_eq(text.data, "\"string\"");
        polkai_registry_close(registry);
    }
    polkai_registry *registry = registry_of("unknown");
    cr_assert_eq(polkai_cache_fetch(cache, registry, &seventeen, &arena, &text, &error), POLKA_POISON);
    cr_assert_str_eq(error.code, "schema-not-found");
    polkai_registry_close(registry);
}

Test(cache, does_not_wait_for_a_silent_registry_once_for_each_id_that_is_kept, .init = start, .fini = stop)
{
    stub_start(NULL);
    polkai_registry *registry = registry_of("silent");
    for (int32_t i = 1; i <= 20; i++)
        cr_assert_eq(polkai_cache_keep(cache, polkai_registry_name(registry), &(polkai_schema_id){ .id = i }, POLKA_TEXT("\"string\""), &error), POLKA_OK);
    for (int32_t i = 1; i <= 20; i++)
        cr_assert_eq(polkai_cache_fetch(cache, registry, &(polkai_schema_id){ .id = i }, &arena, &text, &error), POLKA_OK, "%s", error.message);
    cr_assert_leq(stub_count(), 2, "asked again within 10 s");
    cr_assert_eq(polkai_cache_fetch(cache, registry, &(polkai_schema_id){ .id = 21 }, &arena, &text, &error), POLKA_TRANSIENT);
    cr_assert_not_null(strstr(error.message, "timed out"), "one that is not kept is asked for whatever was before: %s", error.message);
    polkai_registry_close(registry);
}

/* ---- by fingerprint ---- */

static uint64_t fingerprint_of(const char *schema)
{
    const polkai_schema *parsed;
    polkai_schema_set *set = polkai_schema_set_create();
    cr_assert_eq(polkai_schema_parse(set, polka_text_of(schema), NULL, &parsed, &error), POLKA_OK, "%s", error.message);
    uint64_t fingerprint = polkai_schema_fingerprint(parsed);
    polkai_schema_set_destroy(set);
    return fingerprint;
}

Test(cache, makes_fingerprints_again_and_refuses_only_a_mismatch, .init = start, .fini = stop)
{
    static const char plain[] = "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", documented[] = "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2,\"doc\":\"two\"}";
    uint64_t fingerprint = fingerprint_of(plain);
    cr_assert_not(polkai_cache_find_fingerprint(cache, fingerprint, &arena, &text));
    cr_assert_eq(polkai_cache_keep_fingerprint(cache, fingerprint, polka_text_of(plain), &error), POLKA_OK);
    cr_assert_eq(polkai_cache_keep_fingerprint(cache, fingerprint, polka_text_of(documented), &error), POLKA_OK, "a changed doc keeps its fingerprint");
    cr_assert(polkai_cache_find_fingerprint(cache, fingerprint, &arena, &text));
    cr_assert_str_eq(text.data, plain);
    cr_assert_eq(polkai_cache_keep_fingerprint(cache, fingerprint, POLKA_TEXT("\"string\""), &error), POLKA_POISON);
    cr_assert_str_eq(error.code, "fingerprint-mismatch");

    overwrite(only_file("fingerprints/*.avsc"), documented);
    cr_assert(polkai_cache_find_fingerprint(cache, fingerprint, &arena, &text), "%s", warned);
    overwrite(only_file("fingerprints/*.avsc"), "\"string\"");
    cr_assert_not(polkai_cache_find_fingerprint(cache, fingerprint, &arena, &text));
    cr_assert_not_null(strstr(warned, "has the fingerprint"), "%s", warned);
    overwrite(only_file("fingerprints/*.avsc"), "{\"type\":\"fix");
    cr_assert_not(polkai_cache_find_fingerprint(cache, fingerprint, &arena, &text));
    cr_assert_eq(polkai_cache_keep_fingerprint(cache, fingerprint, polka_text_of(plain), &error), POLKA_OK);
    cr_assert(polkai_cache_find_fingerprint(cache, fingerprint, &arena, &text));
}

/* ---- where it is ---- */

Test(cache, stands_where_it_is_told_or_where_caches_stand, .init = start, .fini = stop)
{
    setenv("HOME", "/home/ann", 1);
    setenv("XDG_CACHE_HOME", "/var/tmp/ann", 1);
    cr_assert_str_eq(polkai_cache_folder("/srv/schemas", &arena), "/srv/schemas");
    cr_assert_str_eq(polkai_cache_folder("", &arena), "/var/tmp/ann/polka/schemas");
    setenv("XDG_CACHE_HOME", "relative", 1);             /* the XDG specification: invalid, to be ignored */
    cr_assert_str_eq(polkai_cache_folder(NULL, &arena), "/home/ann/.cache/polka/schemas");
    unsetenv("HOME");
    cr_assert_str_eq(polkai_cache_folder(NULL, &arena), "/var/cache/polka/schemas");
}
