/* What is read of a manifest, and what is kept of one that is wrong. */
#include "support.h"

#define EVENT(NAME) "\"event\":\"" NAME "\",\"topic\":\"t\",\"schema\":\"string\""
#define HEAD "{\"polka\":1,\"service\":\"s\",\"version\":\"1\",\"group\":\"g\","

static const char *problems(stage *s, const char *text)
{
    const char *all = "";
    stage_manifest(s, text, "folder/s.json");
    const polkai_manifest *manifest = s->manifests[s->manifest_count - 1];
    for (size_t i = 0; i < manifest->problem_count; i++)
        all = polkai_arena_format(&s->arena, "%s%s;", all, manifest->problems[i].message).data;
    return all;
}

Test(manifest, one_mistake_does_not_hide_the_others_nor_the_rest)
{
    stage s = { 0 };
    cr_assert_str_eq(problems(&s, HEAD "\"reactions\":[{" EVENT("t.A") ",\"emits\":[\"t.B\",\"t.C\"]},7,{\"topic\":\"t\"}],\"emits\":[{" EVENT("t.B") ",\"schema_version\":\"one\"}]}"),
                     "emits[0].schema_version is not a whole number;reactions[0].emits[1] is 't.C', which the emits of the whole manifest lack;"
                     "reactions[1] is not an object;reactions[2].event is missing;reactions[2].schema is missing;");
    const polkai_manifest *manifest = s.manifests[0];
    cr_assert_eq(manifest->emit_count, 1u);
    cr_assert_eq(manifest->reaction_count, 1u);
    cr_assert_eq(manifest->reactions[0].emit_count, 2u);
    stage_close(&s);
}

Test(manifest, has_the_deadline_of_each_reaction)
{
    stage s = { 0 };
    cr_assert_str_eq(problems(&s, HEAD "\"reactions\":[{" EVENT("t.A") ",\"emits\":[],\"deadline_ms\":5000},{" EVENT("t.B") ",\"emits\":[],\"deadline_ms\":null},"
                                  "{" EVENT("t.C") ",\"emits\":[]}],\"emits\":[]}"), "");
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(s.manifests[0]->reactions[i].deadline_ms, i == 0 ? 5000 : 0, "reaction %zu", i);
    stage_close(&s);
}

Test(manifest, of_a_later_form_nothing_is_believed)
{
    stage s = { 0 };
    cr_assert_str_eq(problems(&s, "{\"polka\":2,\"service\":[1],\"emits\":7}"), "polka is 2, but this program reads manifests up to 1: use a newer one;");
    cr_assert_str_eq(s.manifests[0]->service, "s");
    cr_assert_eq(s.manifests[0]->emit_count, 0u);
    stage_close(&s);
}

Test(manifest, reading_for_use_refuses_the_first_problem_with_its_origin)
{
    polka_error error = { 0 };
    polkai_manifest *manifest = NULL;
    cr_assert_eq(polkai_manifest_read(&manifest, POLKA_TEXT(HEAD "\"emits\":[]}"), "x.json", &error), POLKA_POISON);
    cr_assert_null(manifest);
    cr_assert_str_eq(error.message, "x.json: reactions is missing");
}

Test(manifest, every_cut_of_a_manifest_is_told_and_crashes_nothing)
{
    static const char whole[] = HEAD "\"reactions\":[{" EVENT("t.A") ",\"emits\":[\"t.B\"]}],\"emits\":[{" EVENT("t.B") "}]}";
    char cut[sizeof whole];
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        stage s = { 0 };
        memcpy(cut, whole, size);
        cut[size] = '\0';
        cr_assert_neq(*problems(&s, cut), '\0', "%s", cut);
        stage_check(&s);
        cr_assert_eq(s.findings.error_count, 1u);
        stage_close(&s);
    }
}

Test(names, every_name_has_one_number)
{
    polka_arena arena = { 0 };
    polkai_names names = { .arena = &arena };
    char name[16];
    cr_assert_eq(polkai_names_find(&names, "0"), POLKAI_NO_NAME);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < 5000; i++) {
            snprintf(name, sizeof name, "%zu", i);
            cr_assert_eq(polkai_names_add(&names, name), i);
            cr_assert_eq(polkai_names_find(&names, name), (ptrdiff_t)i);
        }
    cr_assert_eq(names.count, 5000u);
    const char *same = polkai_names_same(&names, "new");
    cr_assert_eq(same, polkai_names_same(&names, "new"));
    polkai_arena_deinit(&arena);
}
