/* --set field=value, guided by the schema. */
#include <cli/edit.h>

#include <criterion/criterion.h>

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"t.R\",\"fields\":["
    "{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"total\",\"type\":\"long\"},{\"name\":\"note\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"map\",\"values\":\"string\"}},"
    "{\"name\":\"lines\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"sku\",\"type\":\"string\"}]}}}]}";

typedef struct { const char *before, *assignment, *after; } edit_case;          /* after NULL: refused */

static void check(const edit_case *one)
{
    polkai_schema_set *set = polkai_schema_set_create();
    const polkai_schema *schema = NULL;
    polka_error error = { 0 };
    cr_assert_eq(polkai_schema_parse(set, polka_text_of(schema_text), NULL, &schema, &error), POLKA_OK, "%s", error.message);
    json_t *value = json_loads(one->before, 0, NULL), *after = one->after == NULL ? NULL : json_loads(one->after, 0, NULL);
    polka_status status = cli_edit_set(value, schema, one->assignment, &error);
    if (after == NULL)
        cr_assert_eq(status, POLKA_MISUSE, "%s", one->assignment);
    else
        cr_assert(status == POLKA_OK && json_equal(value, after), "%s gives %s (%s)", one->assignment, json_dumps(value, 0), error.message);
    json_decref(value);
    json_decref(after);
    polkai_schema_set_destroy(set);
}

Test(edit, a_value_becomes_what_the_schema_wants)
{
    static const edit_case cases[] = {
        { "{}", "name=5", "{\"name\":\"5\"}" },          { "{}", "name=\"5\"", "{\"name\":\"5\"}" }, { "{}", "name=", "{\"name\":\"\"}" },
        { "{}", "total=5", "{\"total\":5}" },            { "{}", "total=x=y", "{\"total\":\"x=y\"}" }, { "{}", "note=null", "{\"note\":null}" },
        { "{}", "note=7", "{\"note\":\"7\"}" },          { "{}", "tags.a=1", "{\"tags\":{\"a\":\"1\"}}" },
        { "{}", "lines.0.sku=x", "{\"lines\":[{\"sku\":\"x\"}]}" }, { "{\"lines\":[{\"sku\":\"a\"}]}", "lines.0.sku=7", "{\"lines\":[{\"sku\":\"7\"}]}" },
        { "{}", "lines=[]", "{\"lines\":[]}" },          { "{}", "unknown=[1]", "{\"unknown\":[1]}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}

Test(edit, a_path_through_a_value_or_past_an_end_is_refused)
{
    static const edit_case cases[] = {
        { "{}", "total", NULL }, { "{}", "=5", NULL }, { "{\"total\":1}", "total.x=1", NULL }, { "{\"lines\":[]}", "lines.1=x", NULL },
        { "{\"lines\":[]}", "lines.x=1", NULL } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}
