/* registry_test.c: the client against a server that goes wrong in every way it knows; each test says what the client did. */
#include "stub.h"

#include <base/arena.h>
#include <base/clock.h>
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static polka_arena arena;
static polka_error error;
static polka_text text;

static void start(void)
{
    polkai_arena_init(&arena, NULL, 0);
    stub_start(NULL);
}

static void stop(void) { polkai_arena_deinit(&arena); }

/* One fetch of id 17 by a handle of its own. */
static polka_status fetch_by(polkai_registry_options options)
{
    polkai_registry *registry = NULL;
    const polkai_schema_id id = { .id = 17 };
    polka_status status = polkai_registry_open(&registry, &options, &error);
    if (status == POLKA_OK)
        status = polkai_registry_fetch(registry, &id, &arena, &text, &error);
    polkai_registry_close(registry);
    return status;
}

static polka_status fetch(const char *behaviour)
{
    return fetch_by((polkai_registry_options){ .urls = stub_url(behaviour), .attempts = 1 });
}

#define FAILS(CALL, STATUS, CODE, WORDS)                                                    \
    do {                                                                                    \
        cr_assert_eq((CALL), (STATUS), "%s: %s", error.code, error.message);                \
        cr_assert_str_eq(error.code, (CODE), "%s: %s", error.code, error.message);          \
        cr_assert_not_null(strstr(error.message, (WORDS)), "%s", error.message);            \
    } while (0)
#define WORKS(CALL) cr_assert_eq((CALL), POLKA_OK, "%s: %s", error.code, error.message)

static int64_t now_ms(void) { return polkai_clock_real.steady_ns(&polkai_clock_real) / 1000000; }

/* ---- good answers ---- */

Test(registry, fetches_a_schema_by_its_id, .init = start, .fini = stop)
{
    WORKS(fetch("good"));
    cr_assert_str_eq(text.data, "\"string\"");
    cr_assert_eq(text.size, strlen("\"string\""));
}

Test(registry, registers_and_gives_the_id, .init = start, .fini = stop)
{
    polkai_registry *registry;
    int32_t id = 0;
    const polkai_registry_schema schema = { .text = POLKA_TEXT("\"string\"") };
    WORKS(polkai_registry_open(&registry, &(polkai_registry_options){ .urls = stub_url("good/") }, &error));
    WORKS(polkai_registry_register(registry, "shop.OrderPlaced", &schema, &id, &error));
    cr_assert_eq(id, 7);
    polkai_registry_close(registry);
}

Test(registry, writes_out_what_a_schema_refers_to_in_other_subjects, .init = start, .fini = stop)
{
    WORKS(fetch("referring"));
    cr_assert_not_null(strstr(text.data, "\"Inner\""), "%s", text.data);
    cr_assert_not_null(strstr(text.data, "\"x\""), "the referred type is written out: %s", text.data);
}

Test(registry, refuses_references_in_a_circle, .init = start, .fini = stop)
{
    FAILS(fetch("circling"), POLKA_POISON, "bad-schema", "in a circle");
}

/* ---- answers that say no ---- */

Test(registry, believes_that_an_id_does_not_exist_only_when_the_registry_says_so_in_its_own_code, .init = start, .fini = stop)
{
    FAILS(fetch("unknown"), POLKA_POISON, "schema-not-found", "Schema 17 not found (40403)");
    FAILS(fetch("no-path"), POLKA_TRANSIENT, "registry-misbehaves", "is the URL right");
    FAILS(fetch("missing"), POLKA_TRANSIENT, "registry-misbehaves", "is the URL right");
}

Test(registry, shows_a_refusal_in_the_registrys_own_words_without_its_control_bytes, .init = start, .fini = stop)
{
    FAILS(fetch("refusing"), POLKA_MISUSE, "registry-refused", "409: Schema being registered is incompatible: \\x1b[31mREADER_FIELD");
    FAILS(fetch("invalid"), POLKA_MISUSE, "registry-refused", "422: Invalid schema");
    FAILS(fetch("forbidden"), POLKA_MISUSE, "registry-denied", "403: not yours");
}

Test(registry, keeps_the_words_of_a_refusal_that_an_error_has_no_room_for_and_says_where_they_were_cut, .init = start, .fini = stop)
{
    polkai_registry *registry = NULL;
    polkai_registry_options options = { .urls = stub_url("refusing-at-length"), .attempts = 1 };
    const polkai_registry_schema schema = { .text = POLKA_TEXT("\"string\"") };
    int32_t id;
    WORKS(polkai_registry_open(&registry, &options, &error));
    FAILS(polkai_registry_register(registry, "shop.Order", &schema, &id, &error), POLKA_MISUSE, "registry-refused", "409: Incompatible: READER_FIELD");
    const char *words = polkai_registry_words(registry), *last = strstr(words, "... (cut; it says 4914 bytes)");
    cr_assert_not_null(last, "%s", words);
    cr_assert_gt(last - words, 4000);
    polkai_registry_close(registry);
    options.urls = stub_url("refusing");
    WORKS(polkai_registry_open(&registry, &options, &error));
    FAILS(polkai_registry_register(registry, "shop.Order", &schema, &id, &error), POLKA_MISUSE, "registry-refused", "409: ");
    cr_assert_str_eq(polkai_registry_words(registry), "", "the error has them all");
    polkai_registry_close(registry);
}

Test(registry, says_that_a_schema_is_of_another_kind, .init = start, .fini = stop)
{
    FAILS(fetch("protobuf"), POLKA_POISON, "not-avro", "PROTOBUF");
}

/* ---- answers that are none ---- */

Test(registry, takes_no_redirect_and_names_where_it_leads, .init = start, .fini = stop)
{
    FAILS(fetch("elsewhere"), POLKA_TRANSIENT, "registry-redirects", "http://evil.example/login");
}

Test(registry, stops_reading_an_answer_that_is_too_large, .init = start, .fini = stop)
{
    FAILS(fetch("huge"), POLKA_TRANSIENT, "registry-misbehaves", "more than 1048576 bytes");
    FAILS(fetch("endless"), POLKA_TRANSIENT, "registry-misbehaves", "more than 1048576 bytes");
}

Test(registry, does_not_take_what_is_no_json_of_this_api, .init = start, .fini = stop)
{
    FAILS(fetch("broken"), POLKA_TRANSIENT, "registry-misbehaves", "broken JSON");
    FAILS(fetch("html"), POLKA_TRANSIENT, "registry-misbehaves", "text/html");
    FAILS(fetch("no-schema"), POLKA_TRANSIENT, "registry-misbehaves", "no \"schema\"");
    FAILS(fetch("cut"), POLKA_TRANSIENT, "registry-unreachable", "broke off");
    cr_assert_eq(fetch("babbling"), POLKA_TRANSIENT, "%s", error.message);
}

Test(registry, does_not_take_an_id_beyond_31_bits, .init = start, .fini = stop)
{
    polkai_registry *registry;
    int32_t id = 5;
    const polkai_registry_schema schema = { .text = POLKA_TEXT("\"string\"") };
    WORKS(polkai_registry_open(&registry, &(polkai_registry_options){ .urls = stub_url("no-id") }, &error));
    FAILS(polkai_registry_register(registry, "s", &schema, &id, &error), POLKA_TRANSIENT, "registry-misbehaves", "\"id\"");
    cr_assert_eq(id, 5);
    polkai_registry_close(registry);
}

/* ---- time ---- */

Test(registry, gives_up_on_a_server_that_says_nothing_or_too_slowly, .init = start, .fini = stop)
{
    int64_t began = now_ms();
    polkai_registry_options options = { .urls = stub_url("silent"), .attempts = 1, .total_ms = 200 };
    FAILS(fetch_by(options), POLKA_TRANSIENT, "registry-unreachable", "timed out");
    options.urls = stub_url("trickling");
    FAILS(fetch_by(options), POLKA_TRANSIENT, "registry-unreachable", "timed out");
    cr_assert_lt(now_ms() - began, 4000);
}

Test(registry, holds_a_whole_call_with_all_its_attempts_to_its_time, .init = start, .fini = stop)
{
    int64_t began = now_ms();
    const polkai_registry_options options = { .urls = stub_url("silent"), .attempts = 50, .call_ms = 400 };
    FAILS(fetch_by(options), POLKA_TRANSIENT, "registry-unreachable", "timed out");
    cr_assert_lt(now_ms() - began, 4000);
}

Test(registry, tries_again_after_408_and_5xx, .init = start, .fini = stop)
{
    WORKS(fetch_by((polkai_registry_options){ .urls = stub_url("recovering") }));
    cr_assert_eq(stub_count(), 3);
    WORKS(fetch_by((polkai_registry_options){ .urls = stub_url("late") }));
    FAILS(fetch_by((polkai_registry_options){ .urls = stub_url("failing"), .attempts = 2 }), POLKA_TRANSIENT, "registry-unavailable", "503");
    cr_assert_eq(stub_count(), 3 + 2 + 2);
}

Test(registry, does_not_ask_again_what_has_its_answer, .init = start, .fini = stop)
{
    fetch_by((polkai_registry_options){ .urls = stub_url("unknown"), .attempts = 9 });
    fetch_by((polkai_registry_options){ .urls = stub_url("refusing"), .attempts = 9 });
    fetch_by((polkai_registry_options){ .urls = stub_url("huge"), .attempts = 9 });
    fetch_by((polkai_registry_options){ .urls = stub_url("elsewhere"), .attempts = 9 });
    cr_assert_eq(stub_count(), 4);
}

Test(registry, waits_as_long_as_retry_after_says_in_seconds_or_as_a_date, .init = start, .fini = stop)
{
    int64_t began = now_ms();
    WORKS(fetch_by((polkai_registry_options){ .urls = stub_url("busy") }));
    cr_assert_geq(now_ms() - began, 1000);
    began = now_ms();
    WORKS(fetch_by((polkai_registry_options){ .urls = stub_url("busy-date") }));
    cr_assert_geq(now_ms() - began, 900);                /* a date has no fractions */
}

Test(registry, does_not_wait_longer_than_the_call_may_take, .init = start, .fini = stop)
{
    int64_t began = now_ms();
    FAILS(fetch_by((polkai_registry_options){ .urls = stub_url("busy-long"), .call_ms = 3000 }), POLKA_TRANSIENT, "registry-unavailable", "429");
    cr_assert_lt(now_ms() - began, 3000);
    cr_assert_eq(stub_count(), 1);
}

static void *stop_soon(void *registry)
{
    polkai_registry_stop(registry);
    return NULL;
}

Test(registry, ends_a_call_that_runs_when_it_is_stopped, .init = start, .fini = stop)
{
    polkai_registry *registry;
    pthread_t thread;
    const polkai_schema_id id = { .id = 17 };
    int64_t began = now_ms();
    WORKS(polkai_registry_open(&registry, &(polkai_registry_options){ .urls = stub_url("silent"), .total_ms = 20000, .call_ms = 20000 }, &error));
    pthread_create(&thread, NULL, stop_soon, registry);
    FAILS(polkai_registry_fetch(registry, &id, &arena, &text, &error), POLKA_TRANSIENT, "stopped", "stopped");
    cr_assert_lt(now_ms() - began, 10000);
    pthread_join(thread, NULL);
    polkai_registry_close(registry);
}

/* ---- several URLs ---- */

Test(registry, asks_the_next_url_and_stays_with_the_one_that_answered, .init = start, .fini = stop)
{
    char urls[600];
    polkai_registry *registry;
    const polkai_schema_id id = { .id = 17 };
    snprintf(urls, sizeof urls, "http://127.0.0.1:1, %s,%s,%s", stub_url("failing"), stub_url("html"), stub_url("good"));
    WORKS(polkai_registry_open(&registry, &(polkai_registry_options){ .urls = urls }, &error));
    cr_assert_str_eq(polkai_registry_name(registry), "http://127.0.0.1:1");
    WORKS(polkai_registry_fetch(registry, &id, &arena, &text, &error));
    cr_assert_eq(stub_count(), 3, "each of the three was asked once");
    WORKS(polkai_registry_fetch(registry, &id, &arena, &text, &error));
    cr_assert_eq(stub_count(), 4, "then only the one that had answered");
    polkai_registry_close(registry);
}

Test(registry, says_that_nothing_listens, .init = start, .fini = stop)
{
    FAILS(fetch_by((polkai_registry_options){ .urls = "http://127.0.0.1:1/x", .attempts = 1 }), POLKA_TRANSIENT, "registry-unreachable", "http://127.0.0.1:1/x/schemas/ids/17");
}

/* ---- who asks ---- */

static const char *with_credentials(const char *behaviour, const char *credentials)
{
    static char url[300];
    snprintf(url, sizeof url, "http://%s@%s", credentials, stub_url(behaviour) + strlen("http://"));
    return url;
}

Test(registry, takes_user_and_password_from_the_url_or_beside_it, .init = start, .fini = stop)
{
    WORKS(fetch_by((polkai_registry_options){ .urls = with_credentials("basic", "polka:se%2Fcr%40t") }));
    WORKS(fetch_by((polkai_registry_options){ .urls = stub_url("basic"), .user = "polka", .password = "se/cr@t" }));
    WORKS(fetch_by((polkai_registry_options){ .urls = stub_url("bearer"), .token = "t0ken" }));
    FAILS(fetch_by((polkai_registry_options){ .urls = stub_url("basic") }), POLKA_MISUSE, "registry-denied", "401");
}

Test(registry, shows_no_password_in_any_message, .init = start, .fini = stop)
{
    static const char *const behaviours[] = { "basic", "failing", "elsewhere", "html", "broken", "unknown", "huge", "silent", "cut", "no-schema" };
    for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; i++) {
        cr_assert_neq(fetch_by((polkai_registry_options){ .urls = with_credentials(behaviours[i], "walter:hunter2"), .attempts = 1, .total_ms = 200 }), POLKA_OK);
        cr_assert_null(strstr(error.message, "hunter2"), "%s", error.message);
        cr_assert_null(strstr(error.message, "walter"), "%s", error.message);
    }
    static const char *const urls[] = { "http://walter:hun/ter2@host", "ftp://walter:hunter2@host", "http://walter:hunter%zz2@host", "http://walter:hunter2@ho st",
                                        "http://walter:hunter2@host/?x=1", "walter:hunter2@host", "http://walter:hunter2@" };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        FAILS(fetch_by((polkai_registry_options){ .urls = urls[i] }), POLKA_MISUSE, "bad-url", "");
        cr_assert_null(strstr(error.message, "hunt"), "%s", error.message);
        cr_assert_null(strstr(error.message, "ter2"), "%s", error.message);
    }
}

Test(registry, refuses_a_token_that_would_become_another_header)
{
    FAILS(fetch_by((polkai_registry_options){ .urls = "http://host", .token = "t0ken\r\nX-Evil: 1" }), POLKA_MISUSE, "bad-token", "schemas.registry.token");
    FAILS(fetch_by((polkai_registry_options){ .urls = "" }), POLKA_MISUSE, "bad-url", "http://localhost:8081");
    FAILS(fetch_by((polkai_registry_options){ .urls = "http://host", .ca = "/no/such.pem" }), POLKA_MISUSE, "no-file", "schemas.registry.ca");
}

/* ---- TLS ---- */

/* An authority, a server's certificate for 127.0.0.1 and a client's; false where there is no openssl command. */
static bool make_certificates(const char *folder)
{
    static const char *const script =
        "cd '%s' && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority 2>/dev/null &&"
        " printf 'subjectAltName=IP:127.0.0.1' >names && for who in server client; do"
        " openssl req -newkey rsa:2048 -nodes -keyout $who.key -out $who.csr -subj /CN=$who 2>/dev/null &&"
        " openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $who.pem -days 2 -extfile names 2>/dev/null || exit 1; done";
    char command[1200];
    snprintf(command, sizeof command, script, folder);
    return system(command) == 0;
}

Test(registry, trusts_whom_it_is_told_to_trust_and_nobody_else)
{
    char ca[300], certificate[300], key[300], client[300], client_key[300], url[300];
    const char *folder = stub_folder();
    polkai_arena_init(&arena, NULL, 0);
    cr_assert(make_certificates(folder), "this test needs the openssl command");
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(certificate, sizeof certificate, "%s/server.pem", folder);
    snprintf(key, sizeof key, "%s/server.key", folder);
    snprintf(client, sizeof client, "%s/client.pem", folder);
    snprintf(client_key, sizeof client_key, "%s/client.key", folder);
    stub_start((const char *const[]){ certificate, key, ca, NULL });
    snprintf(url, sizeof url, "https%s", stub_url("good") + strlen("http"));
    const polkai_registry_options known = { .urls = url, .ca = ca, .certificate = client, .key = client_key, .attempts = 1 };
    polkai_registry_options stranger = known, unknown = known, misnamed = known;
    WORKS(fetch_by(known));
    stranger.ca = NULL;
    FAILS(fetch_by(stranger), POLKA_TRANSIENT, "registry-untrusted", "schemas.registry.ca");
    unknown.certificate = unknown.key = NULL;
    cr_assert_eq(fetch_by(unknown), POLKA_TRANSIENT, "the server wants a certificate of the client");
    char name[300];
    snprintf(name, sizeof name, "https://localhost%s", strrchr(url, ':'));
    misnamed.urls = name;
    FAILS(fetch_by(misnamed), POLKA_TRANSIENT, "registry-untrusted", "localhost");
    polkai_arena_deinit(&arena);
}

/* ---- without libcurl ---- */

static bool hidden;
void *dlopen(const char *name, int flags)
{
    static void *(*real)(const char *, int);
    if (hidden && name != NULL && strstr(name, "libcurl") != NULL)
        name = "libcurl-that-is-not-there.so.4";
    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "dlopen");
        memcpy(&real, &found, sizeof real);
    }
    return real(name, flags);
}

Test(registry, names_the_package_when_libcurl_is_missing)
{
    hidden = true;
    FAILS(fetch_by((polkai_registry_options){ .urls = "http://localhost:8081" }), POLKA_MISUSE, "no-libcurl", "apt-get install libcurl4");
}

/* ---- names ---- */

Test(registry, names_subjects_by_record_topic_or_both)
{
    polkai_arena_init(&arena, NULL, 0);
    cr_assert_str_eq(polkai_registry_subject(POLKAI_SUBJECT_RECORD, "shop.orders", "shop.OrderPlaced", &arena), "shop.OrderPlaced");
    cr_assert_str_eq(polkai_registry_subject(POLKAI_SUBJECT_TOPIC, "shop.orders", "shop.OrderPlaced", &arena), "shop.orders-value");
    cr_assert_str_eq(polkai_registry_subject(POLKAI_SUBJECT_TOPIC_RECORD, "shop.orders", "shop.OrderPlaced", &arena), "shop.orders-shop.OrderPlaced");
    polkai_arena_deinit(&arena);
}
