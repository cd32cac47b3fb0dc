/* shelf_test.c: the registry of `polka dev` without HTTP around it: what Confluent's API answers, and what a hostile request does. */
#include <base/file.h>
#include <base/random.h>
#include <cli/shelf.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static cli_ledger ledger;
static polka_error error;
static char path[256];

static void start(void)
{
    bool aside;
    cr_assert_eq(cli_ledger_open(&ledger, NULL, &aside, &error), POLKA_OK);
}

static void stop(void) { cli_ledger_close(&ledger); }

/* METHOD URI [BODY] answers STATUS and JSON that has, member for member, what `expected` has. */
static void expect(const char *method, const char *uri, const char *body, unsigned status, const char *expected)
{
    cli_reply reply = cli_shelf_answer(&ledger, method, uri, body, body != NULL ? strlen(body) : 0);
    char *got = json_dumps(reply.json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(wanted, "%s", expected);
    cr_assert_eq(reply.status, status, "%s %s: %u %s", method, uri, reply.status, got);
    bool same = json_equal(reply.json, wanted);
    if (json_is_object(wanted) && json_is_object(reply.json)) {
        json_t *merged = json_copy(reply.json);
        json_object_update(merged, wanted);
        same = json_equal(merged, reply.json);
        json_decref(merged);
    }
    cr_assert(same, "%s %s: %s, not %s", method, uri, got, expected);
    json_decref(wanted);
    json_decref(reply.json);
    free(got);
}

static int64_t id_of(const char *uri, const char *body)
{
    cli_reply reply = cli_shelf_answer(&ledger, "POST", uri, body, strlen(body));
    int64_t id = json_integer_value(json_object_get(reply.json, "id"));
    char *got = json_dumps(reply.json, JSON_COMPACT);
    cr_assert_eq(reply.status, 200, "%s", got);
    free(got);
    json_decref(reply.json);
    return id;
}

#define ONE "{\"schema\": \"{\\\"type\\\": \\\"record\\\", \\\"name\\\": \\\"a.A\\\", \\\"fields\\\": [{\\\"name\\\": \\\"x\\\", \\\"type\\\": \\\"int\\\"}]}\"}"
#define ONE_SPACED "{\"schema\": \"{\\\"name\\\":\\\"A\\\",\\\"namespace\\\":\\\"a\\\",\\\"type\\\":\\\"record\\\",\\\"fields\\\":[{\\\"type\\\":\\\"int\\\",\\\"name\\\":\\\"x\\\"}]}\"}"
#define TWO "{\"schema\": \"{\\\"type\\\": \\\"record\\\", \\\"name\\\": \\\"a.A\\\", \\\"fields\\\": [{\\\"name\\\": \\\"x\\\", \\\"type\\\": \\\"long\\\"}]}\"}"
#define BROKEN "{\"schema\": \"{\\\"type\\\": \\\"record\\\", \\\"name\\\": \\\"a.A\\\", \\\"fields\\\": [{\\\"name\\\": \\\"y\\\", \\\"type\\\": \\\"int\\\"}]}\"}"

Test(shelf, registers_looks_up_and_fetches, .init = start, .fini = stop)
{
    int64_t id = id_of("/subjects/s/versions", ONE);
    char uri[80], expected[120];
    cr_assert(id > 0 && id <= INT32_MAX);
    cr_assert_eq(id_of("/subjects/s/versions?normalize=true", ONE_SPACED), id, "spaces and order are no difference");
    cr_assert_eq(id_of("/subjects/t/versions", ONE), id, "one schema, one id, whatever the subject");
    snprintf(expected, sizeof expected, "{\"subject\": \"s\", \"version\": 1, \"id\": %" PRId64 "}", id);
    expect("POST", "/subjects/s", ONE, 200, expected);
    expect("GET", "/subjects/s/versions/latest", NULL, 200, expected);
    expect("GET", "/subjects/s/versions/-1", NULL, 200, expected);
    expect("GET", "/subjects/s/versions/1/schema", NULL, 200, "{\"name\": \"A\", \"namespace\": \"a\", \"type\": \"record\"}");
    expect("GET", "/subjects/s/versions", NULL, 200, "[1]");
    expect("GET", "/subjects", NULL, 200, "[\"s\", \"t\"]");
    expect("GET", "/subjects?subjectPrefix=t", NULL, 200, "[\"t\"]");
    snprintf(uri, sizeof uri, "/schemas/ids/%" PRId64, id);
    cli_reply reply = cli_shelf_answer(&ledger, "GET", uri, NULL, 0);
    snprintf(expected, sizeof expected, "/schemas/guids/%s", json_string_value(json_object_get(reply.json, "guid")));
    expect("GET", expected, NULL, 200, "{}");
    json_decref(reply.json);
    snprintf(uri, sizeof uri, "/schemas/ids/%" PRId64 "/subjects", id);
    expect("GET", uri, NULL, 200, "[\"s\", \"t\"]");
    snprintf(uri, sizeof uri, "/schemas/ids/%" PRId64 "/versions", id);
    expect("GET", uri, NULL, 200, "[{\"subject\": \"s\", \"version\": 1}, {\"subject\": \"t\", \"version\": 1}]");
}

Test(shelf, takes_subjects_with_any_characters, .init = start, .fini = stop)
{
    id_of("/subjects/a%2Fb%20c/versions", ONE);
    expect("GET", "/subjects", NULL, 200, "[\"a/b c\"]");
    expect("GET", "/subjects/a%2Fb%20c/versions", NULL, 200, "[1]");
    expect("GET", "/subjects/a/b%20c/versions", NULL, 404, "{\"error_code\": 404}");
}

Test(shelf, refuses_with_confluents_codes, .init = start, .fini = stop)
{
    static const struct { const char *method, *uri, *body; unsigned status; int code; } cases[] = {
        { "GET", "/subjects/none/versions", NULL, 404, 40401 }, { "POST", "/subjects/none", ONE, 404, 40401 }, { "DELETE", "/subjects/none", NULL, 404, 40401 },
        { "GET", "/subjects/s/versions/7", NULL, 404, 40402 }, { "GET", "/subjects/s/versions/abc", NULL, 422, 42202 }, { "GET", "/subjects/s/versions/0", NULL, 422, 42202 },
        { "GET", "/subjects/s/versions/2147483648", NULL, 422, 42202 }, { "GET", "/schemas/ids/1", NULL, 404, 40403 }, { "GET", "/schemas/ids/abc", NULL, 404, 40403 },
        { "GET", "/schemas/ids/99999999999999999999", NULL, 404, 40403 }, { "GET", "/schemas/guids/x", NULL, 404, 40403 }, { "POST", "/subjects/s", TWO, 404, 40403 },
        { "POST", "/subjects/s/versions", "{\"schema\": \"{\"}", 422, 42201 }, { "POST", "/subjects/s/versions", "{}", 422, 42201 },
        { "POST", "/subjects/s/versions", "{\"schema\": \"syntax\", \"schemaType\": \"PROTOBUF\"}", 422, 42201 },
        { "POST", "/subjects/s/versions", "{\"schema\": \"\\\"int\\\"\", \"references\": [{\"name\": \"a.B\", \"subject\": \"none\", \"version\": 1}]}", 422, 42201 },
        { "POST", "/subjects/s/versions", "{\"schema\": \"\\\"int\\\"\", \"references\": {}}", 422, 42201 },
        { "POST", "/subjects/s/versions", BROKEN, 409, 409 }, { "POST", "/subjects/s/versions", "{\"schema\"", 400, 400 }, { "POST", "/subjects/s/versions", NULL, 400, 400 },
        { "POST", "/subjects/s/versions", "[]", 400, 400 }, { "GET", "/config/s", NULL, 404, 40408 }, { "DELETE", "/config/s", NULL, 404, 40408 },
        { "PUT", "/config", "{\"compatibility\": \"SOMETIMES\"}", 422, 42203 }, { "PUT", "/config", "{}", 422, 42203 }, { "PUT", "/mode", "{\"mode\": \"READONLY\"}", 422, 42204 },
        { "GET", "/nothing", NULL, 404, 404 }, { "PATCH", "/subjects", NULL, 405, 405 }, { "GET", "/subjects/%zz", NULL, 400, 400 }, { "GET", "/subjects/%00/versions", NULL, 400, 400 },
        { "GET", "/subjects/%ff/versions", NULL, 400, 400 }, { "DELETE", "/subjects/s?permanent=true", NULL, 404, 40405 },
        { "DELETE", "/subjects/s/versions/1?permanent=true", NULL, 404, 40407 } };
    id_of("/subjects/s/versions", ONE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "{\"error_code\": %d}", cases[i].code);
        expect(cases[i].method, cases[i].uri, cases[i].body, cases[i].status, expected);
    }
    expect("GET", "/subjects/s/versions", NULL, 200, "[1]");
}

Test(shelf, holds_a_subject_to_its_level, .init = start, .fini = stop)
{
    id_of("/subjects/s/versions", ONE);
    expect("GET", "/config", NULL, 200, "{\"compatibilityLevel\": \"BACKWARD\"}");
    expect("POST", "/compatibility/subjects/s/versions/latest", TWO, 200, "{\"is_compatible\": true}");
    expect("POST", "/compatibility/subjects/s/versions", BROKEN, 200, "{\"is_compatible\": false}");
    cli_reply reply = cli_shelf_answer(&ledger, "POST", "/compatibility/subjects/s/versions/1?verbose=true", BROKEN, strlen(BROKEN));
    const char *words = json_string_value(json_array_get(json_object_get(reply.json, "messages"), 0));
    cr_assert(words != NULL && strstr(words, "reader_field_missing_default_value") != NULL && strstr(words, "version 1") != NULL, "%s", words);
    json_decref(reply.json);
    expect("POST", "/compatibility/subjects/none/versions/latest", ONE, 404, "{\"error_code\": 40401}");
    expect("POST", "/compatibility/subjects/none/versions", ONE, 200, "{\"is_compatible\": true}");

    expect("PUT", "/config/s", "{\"compatibility\": \"full\"}", 200, "{\"compatibility\": \"FULL\"}");
    expect("GET", "/config/s", NULL, 200, "{\"compatibilityLevel\": \"FULL\"}");
    expect("POST", "/subjects/s/versions", TWO, 409, "{\"error_code\": 409}");          /* the old cannot read a long */
    expect("DELETE", "/config/s", NULL, 200, "{\"compatibility\": \"FULL\"}");
    expect("GET", "/config/s?defaultToGlobal=true", NULL, 200, "{\"compatibilityLevel\": \"BACKWARD\"}");
    id_of("/subjects/s/versions", TWO);
    expect("PUT", "/config", "{\"compatibility\": \"NONE\"}", 200, "{\"compatibility\": \"NONE\"}");
    id_of("/subjects/s/versions", BROKEN);
    expect("GET", "/subjects/s/versions", NULL, 200, "[1,2,3]");
}

Test(shelf, a_level_that_is_not_transitive_looks_at_the_latest_only, .init = start, .fini = stop)
{
    expect("PUT", "/config/s", "{\"compatibility\": \"NONE\"}", 200, "{}");
    id_of("/subjects/s/versions", ONE);
    id_of("/subjects/s/versions", BROKEN);
    expect("PUT", "/config/s", "{\"compatibility\": \"BACKWARD_TRANSITIVE\"}", 200, "{}");
    const char *both = "{\"schema\": \"{\\\"type\\\": \\\"record\\\", \\\"name\\\": \\\"a.A\\\", \\\"fields\\\": [{\\\"name\\\": \\\"y\\\", \\\"type\\\": \\\"long\\\"}]}\"}";
    expect("POST", "/compatibility/subjects/s/versions", both, 200, "{\"is_compatible\": false}");
    expect("PUT", "/config/s", "{\"compatibility\": \"BACKWARD\"}", 200, "{}");
    expect("POST", "/compatibility/subjects/s/versions", both, 200, "{\"is_compatible\": true}");
}

Test(shelf, deletes_softly_first_then_for_good, .init = start, .fini = stop)
{
    char uri[80];
    int64_t id = id_of("/subjects/s/versions", ONE);
    id_of("/subjects/s/versions", TWO);
    expect("DELETE", "/subjects/s/versions/2", NULL, 200, "2");
    expect("DELETE", "/subjects/s/versions/2", NULL, 404, "{\"error_code\": 40406}");
    expect("GET", "/subjects/s/versions/latest", NULL, 200, "{\"version\": 1}");
    expect("GET", "/subjects/s/versions?deleted=true", NULL, 200, "[1,2]");
    expect("DELETE", "/subjects/s", NULL, 200, "[1]");
    expect("DELETE", "/subjects/s", NULL, 404, "{\"error_code\": 40404}");
    expect("GET", "/subjects", NULL, 200, "[]");
    expect("GET", "/subjects?deleted=true", NULL, 200, "[\"s\"]");
    snprintf(uri, sizeof uri, "/schemas/ids/%" PRId64, id);
    expect("GET", uri, NULL, 200, "{}");                 /* records of it are still there */
    id_of("/subjects/s/versions", ONE);
    expect("GET", "/subjects/s/versions", NULL, 200, "[3]");
    expect("DELETE", "/subjects/s", NULL, 200, "[3]");
    expect("DELETE", "/subjects/s?permanent=true", NULL, 200, "[1,2,3]");
    expect("GET", uri, NULL, 404, "{\"error_code\": 40403}");
    cr_assert_eq(id_of("/subjects/s/versions", ONE), id, "an id is never given to another schema");
    expect("GET", "/subjects/s/versions", NULL, 200, "[1]");
}

Test(shelf, keeps_references, .init = start, .fini = stop)
{
    static const char *const outer = "{\"schema\": \"{\\\"type\\\": \\\"record\\\", \\\"name\\\": \\\"b.B\\\", \\\"fields\\\": [{\\\"name\\\": \\\"a\\\", \\\"type\\\": \\\"a.A\\\"}]}\","
                                     " \"references\": [{\"name\": \"a.A\", \"subject\": \"inner\", \"version\": 1}]}";
    char expected[80];
    expect("POST", "/subjects/outer/versions", outer, 422, "{\"error_code\": 42201}");
    id_of("/subjects/inner/versions", ONE);
    int64_t id = id_of("/subjects/outer/versions", outer);
    expect("GET", "/subjects/outer/versions/1", NULL, 200, "{\"references\": [{\"name\": \"a.A\", \"subject\": \"inner\", \"version\": 1}]}");
    snprintf(expected, sizeof expected, "[%" PRId64 "]", id);
    expect("GET", "/subjects/inner/versions/1/referencedby", NULL, 200, expected);
    expect("DELETE", "/subjects/inner", NULL, 422, "{\"error_code\": 42206}");
    expect("DELETE", "/subjects/inner/versions/1", NULL, 422, "{\"error_code\": 42206}");
    expect("DELETE", "/subjects/outer", NULL, 200, "[1]");
    expect("DELETE", "/subjects/inner", NULL, 200, "[1]");
}

/* ---- the file ---- */

static void start_file(void)
{
    bool aside;
    snprintf(path, sizeof path, "%s/polka-ledger-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    cr_assert_not_null(mkdtemp(path));
    strcat(path, "/registry.json");
    cr_assert_eq(cli_ledger_open(&ledger, path, &aside, &error), POLKA_OK, "%s", error.message);
}

static void stop_file(void)
{
    char command[400];
    cli_ledger_close(&ledger);
    snprintf(command, sizeof command, "rm -rf '%.*s'", (int)(strrchr(path, '/') - path), path);
    cr_assert_eq(system(command), 0);
}

static bool again(void)
{
    bool aside;
    cli_ledger_close(&ledger);
    cr_assert_eq(cli_ledger_open(&ledger, path, &aside, &error), POLKA_OK, "%s", error.message);
    return aside;
}

Test(ledger, knows_the_same_after_a_restart, .init = start_file, .fini = stop_file)
{
    int64_t id = id_of("/subjects/s/versions", ONE);
    expect("PUT", "/config/s", "{\"compatibility\": \"FULL\"}", 200, "{}");
    expect("PUT", "/config", "{\"compatibility\": \"NONE\"}", 200, "{}");
    cr_assert_not(again());
    char expected[80];
    snprintf(expected, sizeof expected, "{\"version\": 1, \"id\": %" PRId64 "}", id);
    expect("POST", "/subjects/s", ONE, 200, expected);
    expect("GET", "/config/s", NULL, 200, "{\"compatibilityLevel\": \"FULL\"}");
    expect("GET", "/config", NULL, 200, "{\"compatibilityLevel\": \"NONE\"}");
    unlink(path);
    cr_assert_not(again());
    cr_assert_eq(id_of("/subjects/s/versions", ONE), id, "a new beginning gives the same ids");
}

Test(ledger, puts_aside_what_is_no_ledger, .init = start_file, .fini = stop_file)
{
    static const char *const broken[] = { "", "{", "[]", "{}", "{\"polka\": 2, \"level\": \"NONE\", \"schemas\": {}, \"subjects\": {}}",
        "{\"polka\": 1, \"level\": \"SOMETIMES\", \"schemas\": {}, \"subjects\": {}}", "{\"polka\": 1, \"level\": \"NONE\", \"schemas\": {\"x\": {}}, \"subjects\": {}}",
        "{\"polka\": 1, \"level\": \"NONE\", \"schemas\": {}, \"subjects\": {\"s\": {\"versions\": [{\"version\": 1, \"id\": 5, \"deleted\": false}]}}}",
        "{\"polka\": 1, \"level\": \"NONE\", \"schemas\": {}, \"subjects\": {\"s\": {\"versions\": 7}}}" };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        cr_assert(polkai_file_create(path, polka_text_of(broken[i]), true));
        cr_assert(again(), "%s", broken[i]);
        expect("GET", "/subjects", NULL, 200, "[]");
        id_of("/subjects/s/versions", ONE);
    }
}

Test(ledger, changes_nothing_when_it_cannot_be_saved, .init = start_file, .fini = stop_file)
{
    id_of("/subjects/s/versions", ONE);
    char *own = ledger.path;
    ledger.path = strdup("/proc/none/registry.json");
    expect("POST", "/subjects/s/versions", TWO, 500, "{\"error_code\": 50001}");
    expect("GET", "/subjects/s/versions", NULL, 200, "[1]");
    free(ledger.path);
    ledger.path = own;
}

/* Two schemas with one 31-bit id are rare; here another one is put under the id of ONE by hand. */
Test(ledger, gives_another_id_when_one_is_taken, .init = start, .fini = stop)
{
    int64_t id = id_of("/subjects/s/versions", ONE);
    char name[24];
    snprintf(name, sizeof name, "%" PRId64, id);
    json_object_set_new(json_object_get(ledger.schemas, name), "schema", json_string("\"bytes\""));
    expect("PUT", "/config", "{\"compatibility\": \"NONE\"}", 200, "{}");
    cr_assert_eq(id_of("/subjects/t/versions", ONE), id == INT32_MAX ? 1 : id + 1);
}

/* ---- hostile requests ---- */

Test(shelf, survives_any_request, .init = start, .fini = stop)
{
    static const char *const pieces[] = { "/", "subjects", "versions", "schemas", "ids", "config", "compatibility", "%", "%2F", "%00", "?", "&", "=", "deleted=true", "permanent=true", "latest",
                                          "1", "-1", "s", "mode", "guids", "schema", "referencedby", "\xff", "999999999999999999999", "subjectPrefix=%zz", "*" };
    static const char *const methods[] = { "GET", "POST", "PUT", "DELETE", "", "HEAD" };
    static const char *const bodies[] = { NULL, "", "{", "null", "[]", "{}", ONE, TWO, BROKEN, "{\"schema\": null}", "{\"schema\": \"\\u0000\"}", "{\"compatibility\": 1}", "{\"compatibility\": \"NONE\"}",
                                          "{\"schema\": \"\\\"int\\\"\", \"references\": [1, null, {}, {\"name\": \"s\", \"subject\": \"s\", \"version\": 1}]}", "\xff\xfe" };
    uint64_t seed = (uint64_t)time(NULL);
    polkai_random random;
    printf("seed %llu\n", (unsigned long long)seed);
    polkai_random_seed(&random, seed);
    for (unsigned i = 0; i < 20000; i++) {
        char uri[300] = "/";
        unsigned count = (unsigned)(polkai_random_next(&random) % 9);
        for (unsigned p = 0; p < count; p++) {
            strcat(uri, pieces[polkai_random_next(&random) % (sizeof pieces / sizeof *pieces)]);
            strcat(uri, polkai_random_next(&random) % 3 ? "/" : "");
        }
        const char *method = methods[polkai_random_next(&random) % 6], *body = bodies[polkai_random_next(&random) % (sizeof bodies / sizeof *bodies)];
        cli_reply reply = cli_shelf_answer(&ledger, method, uri, body, body != NULL ? strlen(body) : 0);
        cr_assert(reply.status >= 200 && reply.status < 600 && reply.json != NULL, "%s %s", method, uri);
        json_decref(reply.json);
    }
    char *longest = malloc(10001);
    memset(longest, '/', 10000);
    longest[10000] = '\0';
    expect("GET", longest, NULL, 414, "{\"error_code\": 414}");
    free(longest);
}
