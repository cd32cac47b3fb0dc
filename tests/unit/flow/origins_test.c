/* origins_test.c: a real client and a real folder behind what the flow asks, against a registry that goes wrong. */
#include "stub.h"

#include <base/arena.h>
#include <base/error.h>
#include <criterion/criterion.h>
#include <flow/origins.h>
#include <flow/schema/enrolment.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEXT_OF_IT POLKA_TEXT("\"string\"")
static polka_arena arena;
static polka_error error;
static polka_text text;
static uint32_t id;
static const char *folder;

static void start(void)
{
    polkai_arena_init(&arena, NULL, 0);
    folder = stub_folder();
    stub_start(NULL);
}

static void stop(void) { polkai_arena_deinit(&arena); }
#define CASE(NAME) Test(origins, NAME, .init = start, .fini = stop)

static polkai_origins *open_at(const char *behaviour)
{
    polkai_registry *registry;
    polkai_registry_options options = { .urls = stub_url(behaviour), .connect_ms = 300, .total_ms = 500, .call_ms = 1000, .attempts = 1 };
    cr_assert_eq(polkai_registry_open(&registry, &options, &error), POLKA_OK, "%s", error.message);
    return polkai_origins_create(&(polkai_origins_options){ .registry = registry, .cache = folder });
}

static polka_status fetch_at(const char *behaviour, polkai_schema_key key)
{
    polkai_origins *origins = open_at(behaviour);
    polkai_schema_registry registry = polkai_origins_registry(origins);
    polka_status status = registry.fetch(registry.user, &key, &arena, &text, &error);
    polkai_origins_destroy(origins);
    return status;
}

static polka_status enrol_at(const char *behaviour)
{
    polkai_origins *origins = open_at(behaviour);
    polkai_schema_registry registry = polkai_origins_registry(origins);
    polka_status status = registry.enrol(registry.user, "test.asked", "test.Asked", TEXT_OF_IT, &id, &error);
    polkai_origins_destroy(origins);
    return status;
}

CASE(what_may_be_waited_for_and_what_is_given_up)
{
    static const struct { const char *behaviour; polka_status status; } rows[] = {
        { "good", POLKA_OK }, { "unknown", POLKA_POISON }, { "protobuf", POLKA_POISON }, { "no-path", POLKA_TRANSIENT }, { "missing", POLKA_TRANSIENT },
        { "elsewhere", POLKA_TRANSIENT }, { "broken", POLKA_TRANSIENT }, { "html", POLKA_TRANSIENT }, { "huge", POLKA_TRANSIENT }, { "silent", POLKA_TRANSIENT },
        { "cut", POLKA_TRANSIENT }, { "babbling", POLKA_TRANSIENT }, { "forbidden", POLKA_MISUSE },
    };
    for (size_t i = sizeof rows / sizeof *rows; i-- > 0;)            /* good last, as it fills the cache */
        cr_expect_eq(fetch_at(rows[i].behaviour, (polkai_schema_key){ POLKAI_BY_ID, 17, 0 }), rows[i].status, "%s: %s", rows[i].behaviour, error.message);
}

CASE(without_a_registry_there_is_nobody_to_ask)
{
    polkai_origins *origins = polkai_origins_create(&(polkai_origins_options){ .cache = folder });
    polkai_schema_registry registry = polkai_origins_registry(origins);
    cr_assert(registry.fetch == NULL && registry.enrol == NULL);
    polkai_origins_destroy(origins);
    polkai_origins_destroy(NULL);
}

CASE(refusals_come_in_the_registrys_words_and_name_the_subject)
{
    cr_assert_eq(enrol_at("refusing"), POLKA_MISUSE);
    cr_assert_not_null(strstr(error.message, "subject test.Asked: "), "%s", error.message);
    cr_assert_not_null(strstr(error.message, "READER_FIELD_MISSING_DEFAULT_VALUE"), "%s", error.message);
    cr_assert_eq(enrol_at("silent"), POLKA_TRANSIENT);
}

CASE(an_id_is_kept_per_registry_subject_and_text_and_written_over_when_it_changes)
{
    cr_assert_not(polkai_enrolment_find(folder, "http://a", "s", TEXT_OF_IT, &id));
    cr_assert(polkai_enrolment_keep(folder, "http://a", "s", TEXT_OF_IT, 17));
    cr_assert(polkai_enrolment_find(folder, "http://a", "s", TEXT_OF_IT, &id));
    cr_assert_eq(id, 17);
    cr_assert_not(polkai_enrolment_find(folder, "http://b", "s", TEXT_OF_IT, &id));
    cr_assert_not(polkai_enrolment_find(folder, "http://a", "t", TEXT_OF_IT, &id));
    cr_assert_not(polkai_enrolment_find(folder, "http://a", "s", POLKA_TEXT("\"bytes\""), &id));
    cr_assert(polkai_enrolment_keep(folder, "http://a", "s", TEXT_OF_IT, 18));
    cr_assert(polkai_enrolment_find(folder, "http://a", "s", TEXT_OF_IT, &id));
    cr_assert_eq(id, 18);
}

CASE(a_kept_id_that_was_tampered_with_is_not_known)
{
    static const char *const broken[] = { "", "{", "[]", "{\"registry\":\"http://a\",\"subject\":\"s\"}", "{\"registry\":\"http://a\",\"subject\":\"s\",\"id\":\"17\"}",
        "{\"registry\":\"http://a\",\"subject\":\"s\",\"id\":-1}", "{\"registry\":\"http://a\",\"subject\":\"s\",\"id\":4294967296}",
        "{\"registry\":\"http://b\",\"subject\":\"s\",\"id\":17}" };
    char command[600];
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        cr_assert(polkai_enrolment_keep(folder, "http://a", "s", TEXT_OF_IT, 17));
        snprintf(command, sizeof command, "printf '%%s' '%s' > \"$(find '%s' -name '*.json')\"", broken[i], folder);
        cr_assert_eq(system(command), 0);
        cr_expect_not(polkai_enrolment_find(folder, "http://a", "s", TEXT_OF_IT, &id), "%s", broken[i]);
    }
}
