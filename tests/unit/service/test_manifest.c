/* The manifest: made from the service value, read back by the room that compares services. */
#include "sample.h"

#include <choreography/manifest.h>
#include <service/manifest.h>

#include <criterion/criterion.h>
#include <stdlib.h>

static char *manifest_of(const polka_service *service)
{
    json_t *json;
    polka_error error;
    cr_assert_eq(polkai_manifest_write(service, "payments", &json, &error), POLKA_OK, "%s", error.message);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

Test(manifest, has_its_members_in_a_fixed_order)
{
    static const char expected[] =
        "{\"polka\":1,\"service\":\"payments\",\"domain\":\"t\",\"version\":\"1.2.3\",\"group\":\"payments\",\"reactions\":["
        "{\"name\":\"t.Placed\",\"event\":\"t.Placed\",\"topic\":\"t.orders\",\"key\":\"id\",\"schema_version\":2,\"fingerprint\":\"0123456789abcdef\","
        "\"schema\":{\"type\":\"record\",\"name\":\"t.Placed\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}]},"
        "\"emits\":[\"t.Paid\",\"t.Declined\"],\"retry\":{\"attempts\":3,\"first_delay_ms\":100}},";
    char *text = manifest_of(&sample_service), *again = manifest_of(&sample_service);
    cr_expect_eq(strncmp(text, expected, sizeof expected - 1), 0, "%s", text);
    cr_expect_str_eq(text, again);
    free(text);
    free(again);
}

Test(manifest, reads_back_as_it_was_written)
{
    polka_error error;
    polkai_manifest *manifest;
    char *text = manifest_of(&sample_service);
    cr_assert_eq(polkai_manifest_read(&manifest, polka_text_of(text), "payments", &error), POLKA_OK, "%s", error.message);
    free(text);
    cr_expect_str_eq(manifest->service, "payments");
    cr_expect_str_eq(manifest->domain, "t");
    cr_assert_eq(manifest->reaction_count, 2u);
    cr_expect_str_eq(manifest->reactions[1].name, "audit");
    cr_expect_str_eq(manifest->reactions[1].hears.event, "t.Placed");
    cr_expect_eq(manifest->reactions[0].hears.fingerprint, 0x0123456789abcdefu);
    cr_expect_eq(manifest->reactions[0].hears.version, 2);
    cr_assert_eq(manifest->emit_count, 2u, "each emitted event once");
    const polkai_manifest_event *paid = polkai_manifest_find_emit(manifest, "t.Paid");
    cr_assert_not_null(paid);
    cr_expect_null(paid->key);
    cr_expect_eq(paid->version, 0);
    cr_expect_str_eq(json_string_value(json_object_get(paid->schema, "name")), "t.Paid");
    polkai_manifest_destroy(manifest);
}

Test(manifest, lists_what_no_reaction_causes_and_keeps_the_default_reaction_apart)
{
    polka_error error;
    polkai_manifest *manifest;
    polka_reaction any = sample_reaction();
    any.event = NULL;
    any.handler = NULL;
    any.any = (polka_any_handler *)(uintptr_t)1;
    const polka_reaction rows[] = { any, { 0 } };
    polka_service edge = sample_service;
    edge.reactions = rows;
    edge.emits = (polka_events)POLKA_EMITS(&sample_placed_event);
    char *text = manifest_of(&edge);
    cr_assert_eq(polkai_manifest_read(&manifest, polka_text_of(text), "edge", &error), POLKA_OK, "%s", error.message);
    cr_expect_eq(manifest->reaction_count, 0u);
    cr_expect_eq(manifest->emit_count, 1u);
    cr_expect_not_null(json_object_get(manifest->json, "default"));
    polkai_manifest_destroy(manifest);
    free(text);
}

Test(manifest, is_read_tolerantly_when_others_wrote_it)
{
    static const char text[] = "{\"polka\":1,\"service\":\"s\",\"version\":\"1\",\"group\":\"g\",\"colour\":\"red\",\"emits\":[],"
                               "\"reactions\":[{\"event\":\"a.B\",\"topic\":\"t\",\"schema\":\"string\",\"emits\":[],\"fingerprint\":null}]}";
    polka_error error;
    polkai_manifest *manifest;
    cr_assert_eq(polkai_manifest_read(&manifest, polka_text_of(text), "x", &error), POLKA_OK, "%s", error.message);
    cr_expect_str_eq(manifest->reactions[0].name, "a.B");
    cr_expect_null(manifest->domain);
    cr_expect_eq(manifest->reactions[0].hears.version, 0);
    polkai_manifest_destroy(manifest);
}

Test(manifest, is_refused_with_the_path_of_what_is_wrong)
{
#define HEAD "{\"polka\":1,\"service\":\"s\",\"version\":\"1\",\"group\":\"g\","
    static const struct { const char *text, *message; } bad[] = {
        { "[]", "x: the manifest is not an object" },
        { "{}", "x: polka is missing: the form of the manifest, 1" },
        { "{\"polka\":2}", "x: polka is 2, but this program reads manifests up to 1: use a newer one" },
        { "{\"polka\":1,\"service\":7}", "x: service is not a text" },
        { "{\"polka\":1,\"service\":\"s\",\"version\":\"1\"}", "x: group is missing" },
        { HEAD "\"reactions\":[]}", "x: emits is missing" },
        { HEAD "\"emits\":[]}", "x: reactions is missing" },
        { HEAD "\"emits\":[{\"event\":\"a.B\"}],\"reactions\":[]}", "x: emits[0].topic is missing" },
        { HEAD "\"emits\":[],\"reactions\":[3]}", "x: reactions[0] is not an object" },
        { HEAD "\"emits\":[],\"reactions\":[{\"event\":\"a.B\",\"topic\":\"t\",\"schema\":\"int\",\"fingerprint\":\"12\"}]}",
          "x: reactions[0].fingerprint is not 16 hex digits" },
        { HEAD "\"emits\":[],\"reactions\":[{\"event\":\"a.B\",\"topic\":\"t\",\"emits\":[]}]}", "x: reactions[0].schema is missing" },
        { HEAD "\"emits\":[],\"reactions\":[{\"event\":\"a.B\",\"topic\":\"t\",\"schema\":\"int\",\"emits\":[\"a.C\"]}]}",
          "x: reactions[0].emits[0] is 'a.C', which the emits of the whole manifest lack" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        polka_error error = { 0 };
        polkai_manifest *manifest;
        cr_expect_eq(polkai_manifest_read(&manifest, polka_text_of(bad[i].text), "x", &error), POLKA_POISON, "%s", bad[i].text);
        cr_expect_null(manifest);
        cr_expect_str_eq(error.code, "bad-manifest");
        cr_expect_str_eq(error.message, bad[i].message);
    }
}
