/* A YAML file as a tree that points at itself: lines, columns, and what is refused. Bad files are folders in tests/data/yaml/invalid. */
#include <base/yaml.h>

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static polkai_yaml_document *read_good(const char *text)
{
    polka_error error = { 0 };
    polkai_yaml_document *document;
    cr_assert_eq(polkai_yaml_read_text(&document, polka_text_of(text), "a.yaml", &error), POLKA_OK, "%s", error.message);
    return document;
}

Test(yaml, keeps_maps_lists_and_scalars_in_the_order_of_the_file)
{
    polkai_yaml_document *document = read_good("settings:\n  brokers: [a:1, b:2]\n  group: payments\n");
    const polkai_yaml *settings = polkai_yaml_member(polkai_yaml_root(document), "settings");
    const polkai_yaml *brokers = polkai_yaml_member(settings, "brokers");
    cr_assert_eq(settings->kind, POLKAI_YAML_MAP);
    cr_assert_eq(settings->count, 2u);
    cr_assert_eq(brokers->kind, POLKAI_YAML_LIST);
    cr_assert_str_eq(polkai_yaml_text(polkai_yaml_item(brokers, 1)), "b:2");
    cr_assert_null(polkai_yaml_item(brokers, 2));
    cr_assert_str_eq(polkai_yaml_item(settings, 1)->name, "group");
    cr_assert_null(polkai_yaml_member(brokers, "group"));
    polkai_yaml_destroy(document);
}

Test(yaml, knows_line_and_column_of_every_value)
{
    polkai_yaml_document *document = read_good("# shop\na: 1\nb:\n  c: two\n");
    const polkai_yaml *c = polkai_yaml_member(polkai_yaml_member(polkai_yaml_root(document), "b"), "c");
    polka_error error;
    cr_assert_eq(c->line, 4u);
    cr_assert_eq(c->column, 6u);
    cr_assert_eq(polkai_yaml_fail(&error, c, "bad-value", "not a %s", "number"), POLKA_MISUSE);
    cr_assert_str_eq(error.message, "a.yaml:4:6: not a number");
    cr_assert_str_eq(error.code, "bad-value");
    polkai_yaml_destroy(document);
}

Test(yaml, tells_a_null_from_an_empty_text_and_from_the_quoted_word)
{
    polkai_yaml_document *document = read_good("a: ~\nb: ''\nc: 'null'\nd:\ne: \"5\"\n");
    const polkai_yaml *root = polkai_yaml_root(document);
    cr_assert_null(polkai_yaml_text(polkai_yaml_member(root, "a")));
    cr_assert_str_eq(polkai_yaml_text(polkai_yaml_member(root, "b")), "");
    cr_assert_str_eq(polkai_yaml_text(polkai_yaml_member(root, "c")), "null");
    cr_assert_null(polkai_yaml_text(polkai_yaml_member(root, "d")));
    cr_assert_eq(polkai_yaml_member(root, "e")->quoted, true);
    polkai_yaml_destroy(document);
}

Test(yaml, reads_an_empty_file_and_one_of_comments_as_an_empty_map)
{
    const char *const texts[] = { "", "# nothing\n", "---\n", "~\n" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        polkai_yaml_document *document = read_good(texts[i]);
        cr_assert_eq(polkai_yaml_root(document)->kind, POLKAI_YAML_MAP);
        cr_assert_eq(polkai_yaml_root(document)->count, 0u);
        polkai_yaml_destroy(document);
    }
}

static void read_line(const char *path, char *out, size_t capacity)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    cr_assert_not_null(fgets(out, (int)capacity, file), "%s", path);
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

/* Each folder: in.yaml, and `error`, what the message says after the path. */
Test(yaml, refuses_each_bad_file_with_its_place_and_reason)
{
    size_t cases = 0;
    DIR *folder = opendir(POLKA_TEST_DATA "/yaml/invalid");
    cr_assert_not_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char path[600], expected[600], got[2 * sizeof expected];
        polka_error error = { 0 };
        polkai_yaml_document *document;
        snprintf(path, sizeof path, POLKA_TEST_DATA "/yaml/invalid/%s/error", entry->d_name);
        read_line(path, expected, sizeof expected);
        snprintf(path, sizeof path, POLKA_TEST_DATA "/yaml/invalid/%s/in.yaml", entry->d_name);
        cr_assert_eq(polkai_yaml_read_file(&document, path, &error), POLKA_MISUSE, "%s was taken", entry->d_name);
        cr_assert_null(document);
        snprintf(got, sizeof got, "%s", error.message + (strncmp(error.message, path, strlen(path)) == 0 ? strlen(path) : 0));
        cr_expect_str_eq(got, expected, "%s: '%s' is not '%s'", entry->d_name, got, expected);
        cases++;
    }
    closedir(folder);
    cr_assert_geq(cases, 9u);
}

Test(yaml, refuses_a_file_that_is_too_deep_or_too_large_or_not_there)
{
    polka_error error = { 0 };
    polkai_yaml_document *document;
    char deep[80];
    memset(deep, '[', 40);
    memset(deep + 40, ']', 40);
    cr_assert_eq(polkai_yaml_read_text(&document, (polka_text){ 80, deep }, "deep", &error), POLKA_MISUSE);
    cr_assert_str_eq(error.message, "deep:1:33: more than 32 levels");
    size_t size = (1 << 20) + 1;
    char *large = malloc(size);
    memset(large, '#', size);
    cr_assert_eq(polkai_yaml_read_text(&document, (polka_text){ size, large }, "large", &error), POLKA_MISUSE);
    cr_assert_str_eq(error.message, "large: more than 1048576 bytes");
    free(large);
    cr_assert_eq(polkai_yaml_read_file(&document, "/nowhere/polka.yaml", &error), POLKA_MISUSE);
    cr_assert_str_eq(error.message, "/nowhere/polka.yaml: No such file or directory");
    cr_assert_str_eq(error.code, "no-file");
}
