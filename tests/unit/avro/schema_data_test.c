/* Every folder under tests/data/schema is a case: valid/<case>/{schema.avsc,canonical,fingerprint}, invalid/<case>/{schema.avsc,error}. */
#include "data.h"
#include "support.h"

#include <base/text.h>

/* An expectation is one line, and the line end is not part of it. */
static char *read_line(const char *folder, const char *kind, const char *name)
{
    char *text = data_text(kind, folder, name, NULL);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static void check_written_out(const char *folder, const polkai_schema *schema, const char *canonical)
{
    polka_error error;
    const polkai_schema *again;
    polkai_schema_set *set = polkai_schema_set_create();
    char *text = polkai_schema_text(schema);
    polka_status status = polkai_schema_parse(set, polka_text_of(text), NULL, &again, &error);
    cr_assert_eq(status, POLKA_OK, "%s: %s\n%s", folder, error.message, text);
    char *second = polkai_schema_canonical(again), *text_again = polkai_schema_text(again);
    cr_assert_str_eq(second, canonical, "%s: %s", folder, text);
    cr_assert_str_eq(text_again, text, "%s", folder);
    free(text);
    free(second);
    free(text_again);
    polkai_schema_set_destroy(set);
}

static void check_valid(const char *folder)
{
    size_t size;
    polka_error error;
    const polkai_schema *schema;
    char print[17], *text = data_text("schema/valid", folder, "schema.avsc", &size);
    char *canonical = read_line(folder, "schema/valid", "canonical"), *fingerprint = read_line(folder, "schema/valid", "fingerprint");
    polkai_schema_set *set = polkai_schema_set_create();
    polka_status status = polkai_schema_parse(set, (polka_text){ size, text }, NULL, &schema, &error);
    cr_assert_eq(status, POLKA_OK, "%s: %s", folder, error.message);
    char *form = polkai_schema_canonical(schema);
    polkai_hex64(print, polkai_schema_fingerprint(schema));
    cr_expect_str_eq(form, canonical, "%s", folder);
    cr_expect_str_eq(print, fingerprint, "%s", folder);
    check_written_out(folder, schema, canonical);
    free(form);
    free(text);
    free(canonical);
    free(fingerprint);
    polkai_schema_set_destroy(set);
}

static void check_invalid(const char *folder)
{
    size_t size;
    polka_error error = { 0 };
    const polkai_schema *schema;
    char *text = data_text("schema/invalid", folder, "schema.avsc", &size), *expected = read_line(folder, "schema/invalid", "error");
    polkai_schema_set *set = polkai_schema_set_create();
    polka_status status = polkai_schema_parse(set, (polka_text){ size, text }, NULL, &schema, &error);
    cr_expect_eq(status, POLKA_POISON, "%s", folder);
    cr_expect_str_eq(error.code, "bad-schema", "%s", folder);
    cr_expect_str_eq(error.message, expected, "%s: %s", folder, error.message);
    free(text);
    free(expected);
    polkai_schema_set_destroy(set);
}

Test(schema_data, valid_schemas_have_their_canonical_form_and_fingerprint_and_are_written_out_alone)
{
    cr_assert_geq(data_each("schema/valid", check_valid), 20);
}

Test(schema_data, invalid_schemas_are_refused_with_path_and_rule)
{
    cr_assert_geq(data_each("schema/invalid", check_invalid), 70);
}
