/* Every folder under tests/data/compatibility is a case: {writer.avsc,reader.avsc,expected}, "compatible" or a line a break. */
#include "data.h"
#include "ladder.h"
#include "support.h"

#include <avro/compat.h>

#define RECORD(FIELDS) "{\"type\":\"record\",\"name\":\"A\",\"fields\":[" FIELDS "]}"
#define FIELD(NAME, TYPE) "{\"name\":\"" NAME "\",\"type\":\"" TYPE "\"}"
#define FIELD_WITH_DEFAULT(NAME, TYPE, DEFAULT) "{\"name\":\"" NAME "\",\"type\":\"" TYPE "\",\"default\":" DEFAULT "}"

static void check_case(const char *folder)
{
    bench writer, reader;
    char *written = data_text("compatibility", folder, "writer.avsc", NULL), *read = data_text("compatibility", folder, "reader.avsc", NULL);
    char *expected = data_text("compatibility", folder, "expected", NULL);
    bench_open(&writer, written);
    bench_open(&reader, read);
    polkai_breaks breaks = polkai_compat_check(writer.schema, reader.schema, &reader.arena);
    const char *got = breaks.count == 0 ? "compatible\n" : "";
    for (size_t i = 0; i < breaks.count; i++) {
        const polkai_break *one = &breaks.items[i];
        got = polkai_arena_format(&reader.arena, "%s%s %s %s\n", got, one->type, one->reader_path, one->writer_path).data;
        cr_expect(strlen(one->message) > 20 && strlen(one->fix) > 20 && one->fix[strlen(one->fix) - 1] == '.', "%s: %s %s", folder, one->message, one->fix);
    }
    cr_expect_str_eq(got, expected, "%s\nexpected: %s     got: %s", folder, expected, got);
    bench_close(&writer);
    bench_close(&reader);
    free(written);
    free(read);
    free(expected);
}

Test(compat, every_case_has_the_breaks_that_it_expects)
{
    cr_assert_geq(data_each("compatibility", check_case), 110);
}

static void says(const char *writer_text, const char *reader_text, const char *message, const char *fix)
{
    bench writer, reader;
    bench_open(&writer, writer_text);
    bench_open(&reader, reader_text);
    polkai_breaks breaks = polkai_compat_check(writer.schema, reader.schema, &reader.arena);
    cr_assert_eq(breaks.count, 1);
    eq_text(breaks.items[0].message, message);
    eq_text(breaks.items[0].fix, fix);
    bench_close(&writer);
    bench_close(&reader);
}

Test(compat, a_break_says_what_does_not_fit_and_what_to_change)
{
    says("\"string\"", "\"int\"", "the writer writes string, which cannot be read as int",
         "Let the reader's type be string or a union that has it, or put int into a new field with a default.");
    says(RECORD(FIELD("x", "int")), RECORD(FIELD("y", "int")), "the writer's record A has no field 'y', and the reader's has no default for it",
         "Give 'y' a \"default\"; if it was renamed, add its old name to the field's \"aliases\".");
    says("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"P\",\"Q\",\"R\"]}", "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"Q\"]}",
         "the writer may write P, R, which the reader's enum E does not have",
         "Add the symbols to the reader's enum, or give the enum a \"default\" that stands for what it does not know.");
    says("{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":5}", "the writer's fixed F has 4 bytes, the reader's 5",
         "Keep the size 4, or put a fixed of another name into a new field with a default.");
    says("{\"type\":\"fixed\",\"name\":\"s.F\",\"size\":4}", "{\"type\":\"fixed\",\"name\":\"s.G\",\"size\":4}", "the writer writes fixed s.F, and the reader expects fixed s.G",
         "Keep the name s.F, or add \"s.F\" to the \"aliases\" of the reader's fixed.");
    says("\"string\"", "[\"null\",\"int\"]", "the writer writes string, which no branch of the reader's union [null, int] can read",
         "Add string to the reader's union, as the writer has it.");
}

/* ---- histories ---------------------------------------------------------------------------------- */

enum { MOST = 8 };
typedef struct { polkai_schema_set *sets[MOST]; const polkai_schema *schemas[MOST]; size_t count; polka_arena arena; } versions;

static void read_versions(versions *v, const char *const *texts)
{
    polka_error error;
    memset(v, 0, sizeof *v);
    polkai_arena_init(&v->arena, NULL, 0);
    for (; texts[v->count] != NULL; v->count++) {
        v->sets[v->count] = polkai_schema_set_create();
        cr_assert_eq(polkai_schema_parse(v->sets[v->count], polka_text_of(texts[v->count]), NULL, &v->schemas[v->count], &error), POLKA_OK, "%s", error.message);
    }
}

static void forget_versions(versions *v)
{
    for (size_t i = 0; i < v->count; i++)
        polkai_schema_set_destroy(v->sets[i]);
    polkai_arena_deinit(&v->arena);
}

/* "3: 2->3 3->1": the first broken version, then writer->reader of each pair that breaks; "good". */
static void judged(versions *v, const char *level_name, const char *expected)
{
    polkai_compat_level level;
    cr_assert_eq(polkai_compat_level_parse(polka_text_of(level_name), &level, NULL), POLKA_OK);
    polkai_history history = polkai_compat_history(level, v->schemas, v->count, &v->arena);
    const char *got = history.first_broken == 0 ? "good" : polkai_arena_format(&v->arena, "%zu:", history.first_broken).data;
    for (size_t i = 0; i < history.count; i++) {
        got = polkai_arena_format(&v->arena, "%s %zu->%zu", got, history.pairs[i].writer, history.pairs[i].reader).data;
        cr_assert_geq(history.pairs[i].breaks.count, 1);
    }
    cr_expect_str_eq(got, expected, "%s: expected %s, got %s", level_name, expected, got);
}

#define X FIELD("x", "int")
#define Y FIELD("y", "int")
#define Y_OR_0 FIELD_WITH_DEFAULT("y", "int", "0")

Test(compat, a_field_added_without_default_breaks_backward_and_one_dropped_breaks_forward)
{
    versions added, dropped;
    read_versions(&added, (const char *[]){ RECORD(X), RECORD(X "," Y), NULL });
    read_versions(&dropped, (const char *[]){ RECORD(X "," Y), RECORD(X), NULL });
    judged(&added, "NONE", "good");
    judged(&added, "BACKWARD", "2: 1->2");
    judged(&added, "FORWARD", "good");
    judged(&added, "FULL", "2: 1->2");
    judged(&dropped, "BACKWARD", "good");
    judged(&dropped, "FORWARD", "2: 2->1");
    judged(&dropped, "FULL_TRANSITIVE", "2: 2->1");
    forget_versions(&added);
    forget_versions(&dropped);
}

Test(compat, only_a_transitive_level_looks_further_back_than_one_version)
{
    versions v;
    read_versions(&v, (const char *[]){ RECORD(X), RECORD(X "," Y_OR_0), RECORD(X "," Y), NULL });
    judged(&v, "BACKWARD", "good");
    judged(&v, "FULL", "good");
    judged(&v, "BACKWARD_TRANSITIVE", "3: 1->3");
    judged(&v, "FULL_TRANSITIVE", "3: 1->3");
    judged(&v, "FORWARD_TRANSITIVE", "good");
    forget_versions(&v);
    read_versions(&v, (const char *[]){ RECORD(X "," Y), RECORD(X "," Y_OR_0), RECORD(X), RECORD(X), NULL });
    judged(&v, "FORWARD", "good");
    judged(&v, "FORWARD_TRANSITIVE", "3: 3->1");
    judged(&v, "BACKWARD_TRANSITIVE", "good");
    forget_versions(&v);
}

Test(compat, the_first_broken_version_is_named_with_all_pairs_that_break_newest_first)
{
    versions v;
    read_versions(&v, (const char *[]){ RECORD(X), RECORD(X), RECORD(FIELD("x", "string")), RECORD(FIELD("x", "boolean")), NULL });
    judged(&v, "FULL_TRANSITIVE", "3: 2->3 3->2 1->3 3->1");
    judged(&v, "FULL", "3: 2->3 3->2");
    forget_versions(&v);
    read_versions(&v, (const char *[]){ RECORD(X), NULL });
    judged(&v, "FULL_TRANSITIVE", "good");
    forget_versions(&v);
}

Test(compat, levels_are_read_in_any_case_and_a_wrong_one_is_answered_with_the_nearest)
{
    static const char *const names[] = { "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE" };
    polkai_compat_level level;
    polka_error error;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_assert_eq(polkai_compat_level_parse(polka_text_of(names[i]), &level, &error), POLKA_OK);
        eq_text(polkai_compat_level_name(level), names[i]);
    }
    cr_assert_eq(polkai_compat_level_parse(POLKA_TEXT("full_transitive"), &level, &error), POLKA_OK);
    cr_assert_eq(level, POLKAI_COMPAT_FULL_TRANSITIVE);
    cr_assert_eq(polkai_compat_level_parse(POLKA_TEXT("BACKWARDS"), &level, &error), POLKA_MISUSE);
    eq_text(error.message, "'BACKWARDS' is no level of compatibility; did you mean BACKWARD?");
    cr_assert_eq(polkai_compat_level_parse(POLKA_TEXT(""), &level, &error), POLKA_MISUSE);
    eq_text(error.code, "bad-level");
}

/* ---- size --------------------------------------------------------------------------------------- */

Test(compat, types_used_again_and_again_are_compared_once, .timeout = 10)
{
    bench writer, reader;
    char *written = ladder("int"), *read = ladder("string");
    bench_open(&writer, written);
    bench_open(&reader, read);
    cr_assert_eq(polkai_compat_check(writer.schema, writer.schema, &writer.arena).count, 0);
    cr_assert_eq(polkai_compat_check(writer.schema, reader.schema, &writer.arena).count, 1);
    bench_close(&writer);
    bench_close(&reader);
    free(written);
    free(read);
}

/* Far longer than any stack is deep. */
Test(compat, long_chains_of_types_take_no_stack, .timeout = 20)
{
    bench b;
    char *text = chain(9000);
    bench_open(&b, text);
    cr_assert_eq(polkai_compat_check(b.schema, b.schema, &b.arena).count, 0);
    bench_close(&b);
    free(text);
}
