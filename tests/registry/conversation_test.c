/*
 * conversation_test.c: one conversation of the client with whatever registry POLKA_TEST_REGISTRY names. Where registries differ
 * (Confluent's documents decide), `strict` says whether this one is held to them.
 */
#include <base/arena.h>
#include <flow/schema/cache.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static polkai_registry *registry;
static polka_arena arena;
static polka_error error;
static char subject[80];
static bool strict;

static void start(void)
{
    const char *url = getenv("POLKA_TEST_REGISTRY");
    struct timespec now;
    cr_assert_not_null(url, "POLKA_TEST_REGISTRY names no registry");
    strict = getenv("POLKA_TEST_REGISTRY_STRICT") != NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(subject, sizeof subject, "polka/test %lld-%ld", (long long)now.tv_sec, now.tv_nsec);
    polkai_arena_init(&arena, NULL, 0);
    cr_assert_eq(polkai_registry_open(&registry, &(polkai_registry_options){ .urls = url }, &error), POLKA_OK, "%s", error.message);
}

static void stop(void)
{
    polkai_registry_close(registry);
    polkai_arena_deinit(&arena);
}

#define WORKS(CALL) cr_assert_eq((CALL), POLKA_OK, "%s: %s", error.code, error.message)
#define FAILS(CALL, STATUS, CODE)                                                           \
    do {                                                                                    \
        cr_assert_eq((CALL), (STATUS), "%s: %s", error.code, error.message);                \
        cr_assert_str_eq(error.code, (CODE), "%s: %s", error.code, error.message);          \
    } while (0)

#define RECORD(FIELDS) { .text = POLKA_TEXT("{\"type\":\"record\",\"name\":\"Seen\",\"namespace\":\"polka.test\",\"fields\":[" FIELDS "]}") }
#define X "{\"name\":\"x\",\"type\":\"int\"}"
#define Y_OPTIONAL "{\"name\":\"y\",\"type\":\"string\",\"default\":\"\"}"
#define Y_MUST "{\"name\":\"y\",\"type\":\"string\"}"

Test(conversation, registers_finds_again_and_fetches, .init = start, .fini = stop)
{
    const polkai_registry_schema one = RECORD(X), two = RECORD(X "," Y_OPTIONAL);
    polkai_registry_version version;
    const char *const *subjects;
    const int64_t *versions;
    size_t count;
    int32_t first, again, second;
    polka_text text;
    bool listed = false;
    FAILS(polkai_registry_lookup(registry, subject, &one, &arena, &version, &error), POLKA_POISON, "schema-not-found");
    WORKS(polkai_registry_register(registry, subject, &one, &first, &error));
    WORKS(polkai_registry_register(registry, subject, &one, &again, &error));
    cr_assert_eq(first, again, "the same schema has the same id");
    WORKS(polkai_registry_register(registry, subject, &two, &second, &error));
    cr_assert_neq(first, second);

    WORKS(polkai_registry_lookup(registry, subject, &one, &arena, &version, &error));
    cr_assert_eq(version.id, first);
    cr_assert_eq(version.version, 1);
    cr_assert_str_eq(version.subject, subject);
    WORKS(polkai_registry_version_of(registry, subject, 0, &arena, &version, &error));
    cr_assert_eq(version.version, 2);
    cr_assert_eq(version.id, second);
    WORKS(polkai_registry_versions(registry, subject, &arena, &versions, &count, &error));
    cr_assert(count == 2 && versions[0] == 1 && versions[1] == 2);
    WORKS(polkai_registry_subjects(registry, &arena, &subjects, &count, &error));
    for (size_t i = 0; i < count; i++)
        listed = listed || strcmp(subjects[i], subject) == 0;
    cr_assert(listed, "%s is listed", subject);
    WORKS(polkai_registry_fetch(registry, &(polkai_schema_id){ .id = first }, &arena, &text, &error));
    cr_assert_not_null(strstr(text.data, "\"x\""), "%s", text.data);
}

Test(conversation, says_what_is_not_there, .init = start, .fini = stop)
{
    const polkai_registry_schema one = RECORD(X);
    polkai_registry_version version;
    const int64_t *versions;
    size_t count;
    int32_t id;
    polka_text text;
    FAILS(polkai_registry_fetch(registry, &(polkai_schema_id){ .id = 2000000001 }, &arena, &text, &error), POLKA_POISON, "schema-not-found");
    FAILS(polkai_registry_versions(registry, subject, &arena, &versions, &count, &error), POLKA_POISON, "schema-not-found");
    WORKS(polkai_registry_register(registry, subject, &one, &id, &error));
    FAILS(polkai_registry_version_of(registry, subject, 7, &arena, &version, &error), POLKA_POISON, "schema-not-found");
}

Test(conversation, is_refused_what_breaks_the_level_and_what_is_no_schema, .init = start, .fini = stop)
{
    const polkai_registry_schema one = RECORD(X), breaking = RECORD(X "," Y_MUST), good = RECORD(X "," Y_OPTIONAL),
                                 broken = { .text = POLKA_TEXT("{\"type\":\"record\",\"name\":\"Seen\"}") };
    const char *words;
    bool compatible;
    int32_t id;
    WORKS(polkai_registry_register(registry, subject, &one, &id, &error));
    WORKS(polkai_registry_set_level(registry, subject, "BACKWARD", &error));
    WORKS(polkai_registry_check(registry, subject, 0, &good, &arena, &compatible, &words, &error));
    cr_assert(compatible);
    for (int64_t version = -1; version <= 1; version++) {
        WORKS(polkai_registry_check(registry, subject, version, &breaking, &arena, &compatible, &words, &error));
        cr_assert_not(compatible);
        cr_assert(!strict || strstr(words, "'y'") != NULL, "%s", words);
    }
    FAILS(polkai_registry_register(registry, subject, &breaking, &id, &error), POLKA_MISUSE, "registry-refused");
    cr_assert_not_null(strstr(error.message, "409"), "%s", error.message);
    FAILS(polkai_registry_register(registry, subject, &broken, &id, &error), POLKA_MISUSE, "registry-refused");
    WORKS(polkai_registry_set_level(registry, subject, "NONE", &error));
    WORKS(polkai_registry_register(registry, subject, &breaking, &id, &error));
}

Test(conversation, shows_and_sets_levels, .init = start, .fini = stop)
{
    static const char *const levels[] = { "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE" };
    const polkai_registry_schema one = RECORD(X);
    const char *level, *own;
    bool inherited;
    int32_t id;
    WORKS(polkai_registry_register(registry, subject, &one, &id, &error));
    WORKS(polkai_registry_level(registry, NULL, &arena, &level, &inherited, &error));
    cr_assert_not(inherited);
    WORKS(polkai_registry_level(registry, subject, &arena, &own, &inherited, &error));
    cr_assert_str_eq(own, level);
    cr_assert(!strict || inherited);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        WORKS(polkai_registry_set_level(registry, subject, levels[i], &error));
        WORKS(polkai_registry_level(registry, subject, &arena, &own, &inherited, &error));
        cr_assert_str_eq(own, levels[i]);
        cr_assert_not(inherited);
    }
    cr_assert_eq(polkai_registry_set_level(registry, subject, "SOMETIMES", &error), POLKA_MISUSE, "%s", error.message);
}

Test(conversation, writes_out_references, .init = start, .fini = stop)
{
    char inner_subject[96];
    const polkai_registry_schema inner = { .text = POLKA_TEXT("{\"type\":\"enum\",\"name\":\"Colour\",\"namespace\":\"polka.test\",\"symbols\":[\"RED\",\"BLUE\"]}") };
    int32_t inner_id, id;
    polka_text text;
    snprintf(inner_subject, sizeof inner_subject, "%s-inner", subject);
    WORKS(polkai_registry_register(registry, inner_subject, &inner, &inner_id, &error));
    const polkai_registry_reference reference = { "polka.test.Colour", inner_subject, 1 };
    polkai_registry_schema outer = RECORD("{\"name\":\"colour\",\"type\":\"polka.test.Colour\"}");
    FAILS(polkai_registry_register(registry, subject, &outer, &id, &error), POLKA_MISUSE, "registry-refused");
    outer.references = &reference;
    outer.reference_count = 1;
    WORKS(polkai_registry_register(registry, subject, &outer, &id, &error));
    WORKS(polkai_registry_fetch(registry, &(polkai_schema_id){ .id = id }, &arena, &text, &error));
    cr_assert_not_null(strstr(text.data, "BLUE"), "the enum is written out: %s", text.data);
}

Test(conversation, goes_through_the_cache, .init = start, .fini = stop)
{
    const polkai_registry_schema one = RECORD(X);
    char folder[] = "/tmp/polka-conversation-XXXXXX", command[80];
    int32_t id;
    polka_text text, kept;
    cr_assert_not_null(mkdtemp(folder));
    polkai_cache *cache = polkai_cache_open(folder, NULL);
    WORKS(polkai_registry_register(registry, subject, &one, &id, &error));
    const polkai_schema_id name = { .id = id };
    for (int i = 0; i < 2; i++)
        WORKS(polkai_cache_fetch(cache, registry, &name, &arena, &text, &error));
    cr_assert(polkai_cache_find(cache, polkai_registry_name(registry), &name, &arena, &kept));
    cr_assert_str_eq(kept.data, text.data);
    polkai_cache_close(cache);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}
