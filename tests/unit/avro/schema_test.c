#include "support.h"

#include <unistd.h>

Test(fingerprint, of_bytes_is_the_polynomial_of_the_specification)
{
    cr_assert_eq(polkai_crc64_avro("", 0), UINT64_C(0xc15d213aa4d7a795));
    cr_assert_eq(polkai_crc64_avro("\"int\"", 5), UINT64_C(0x7275d51a3f395c8f));
    cr_assert_eq(polkai_crc64_avro("\"null\"", 6), UINT64_C(0x63dd24e7cc258f8a));
}

Test(fingerprint, of_a_schema_is_that_of_its_canonical_form_by_each_algorithm)
{
    /* Avro's own share/test/data/schema-tests.txt has the first; md5sum and sha256sum of the text "int" in quotes the others */
    static const struct { const char *algorithm, *print; } cases[] = {
        { "crc64", "7275d51a3f395c8f" }, { "md5", "ef524ea1b91e73173d938ade36c1db32" },
        { "sha256", "3f2b87a9fe7cc9b13835598c3981cd45e3e355309e5090aa0933d7becb6fba45" } };
    bench b;
    char print[POLKAI_FINGERPRINT_TEXT];
    bench_open(&b, "{\"type\":\"int\",\"logicalType\":\"date\"}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(polkai_schema_fingerprint_hex(b.schema, cases[i].algorithm, print, &b.error), POLKA_OK);
        eq_text(print, cases[i].print);
    }
    cr_assert_eq(polkai_schema_fingerprint_hex(b.schema, "sha1", print, &b.error), POLKA_MISUSE);
    eq_text(b.error.message, "a fingerprint is crc64, sha256 or md5, not 'sha1'");
    bench_close(&b);
}

Test(schema, keeps_attributes_defaults_docs_and_aliases)
{
    bench b;
    bench_open(&b, "{\"type\":\"record\",\"name\":\"shop.A\",\"doc\":\"an A\",\"aliases\":[\"B\",\"x.C\"],\"polka.topic\":\"shop.as\","
                   "\"fields\":[{\"name\":\"f\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"a field\",\"aliases\":[\"g\"],\"mine\":7}]}");
    eq_text(json_string_value(polkai_schema_attribute(b.schema, "polka.topic")), "shop.as");
    cr_assert_null(polkai_schema_attribute(b.schema, "polka.key"));
    eq_text(b.schema->name, "shop.A");
    eq_text(b.schema->doc, "an A");
    eq_text(b.schema->aliases[0], "shop.B");
    eq_text(b.schema->aliases[1], "x.C");
    cr_assert_null(b.schema->aliases[2]);
    cr_assert(json_is_null(b.schema->fields[0].fallback), "a default of null is there");
    eq_text(b.schema->fields[0].aliases[0], "g");
    cr_assert_eq(json_integer_value(json_object_get(b.schema->fields[0].json, "mine")), 7);
    cr_assert_eq(polkai_schema_find(b.set, "shop.A"), b.schema);
    char *text = polkai_schema_text(b.schema);
    eq_text(text, "{\"type\":\"record\",\"name\":\"A\",\"namespace\":\"shop\",\"doc\":\"an A\",\"aliases\":[\"B\",\"x.C\"],\"polka.topic\":\"shop.as\","
                  "\"fields\":[{\"name\":\"f\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"a field\",\"aliases\":[\"g\"],\"mine\":7}]}");
    free(text);
    bench_close(&b);
}

Test(schema, recognises_logical_types_where_they_fit)
{
    static const struct { const char *schema; polkai_avro_logical logical; } cases[] = {
        { "{\"type\":\"string\",\"logicalType\":\"uuid\"}", POLKAI_LOGICAL_UUID },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":16,\"logicalType\":\"uuid\"}", POLKAI_LOGICAL_UUID },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":15,\"logicalType\":\"uuid\"}", POLKAI_LOGICAL_NONE },
        { "{\"type\":\"int\",\"logicalType\":\"date\"}", POLKAI_LOGICAL_DATE },
        { "{\"type\":\"long\",\"logicalType\":\"date\"}", POLKAI_LOGICAL_NONE },
        { "{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}", POLKAI_LOGICAL_TIMESTAMP_NANOS },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":4}", POLKAI_LOGICAL_DECIMAL },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":5}", POLKAI_LOGICAL_NONE },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\"}", POLKAI_LOGICAL_NONE },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":0}", POLKAI_LOGICAL_NONE },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2,\"logicalType\":\"decimal\",\"precision\":4}", POLKAI_LOGICAL_DECIMAL },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2,\"logicalType\":\"decimal\",\"precision\":5}", POLKAI_LOGICAL_NONE },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":12,\"logicalType\":\"duration\"}", POLKAI_LOGICAL_DURATION },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":11,\"logicalType\":\"duration\"}", POLKAI_LOGICAL_NONE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench b;
        bench_open(&b, cases[i].schema);
        cr_expect_eq(b.schema->logical, cases[i].logical, "%s", cases[i].schema);
        bench_close(&b);
    }
}

Test(schema, ignores_a_logical_type_that_does_not_fit_and_says_so)
{
    static const struct { const char *schema, *path, *message; } cases[] = {
        { "{\"type\":\"string\",\"logicalType\":\"date\"}", "$.logicalType", "date (of int) belongs to another type; it is ignored, and the string is used as it is" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":15,\"logicalType\":\"uuid\"}", "$.logicalType",
          "uuid (of string or fixed of 16 bytes) belongs to another type; it is ignored, and the fixed F is used as it is" },
        { "[\"null\",{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":5}]", "$[1].logicalType",
          "decimal (of bytes or fixed) has a \"scale\" that is not an integer from 0 to its precision; it is ignored, and the bytes is used as it is" },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\"}", "$.logicalType", "decimal (of bytes or fixed) needs a \"precision\", an integer from 1; it is ignored, and the bytes is used as it is" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2,\"logicalType\":\"decimal\",\"precision\":5}", "$.logicalType",
          "decimal (of bytes or fixed) has a precision of more digits than its fixed can hold; it is ignored, and the fixed F is used as it is" },
        { "{\"type\":\"long\",\"logicalType\":\"timestamp-milis\"}", "$.logicalType",
          "string \"timestamp-milis\" is no logical type that is known here; the long is used as it is; did you mean \"timestamp-millis\"?" },
        { "{\"type\":\"long\",\"logicalType\":7}", "$.logicalType", "number 7 is not the name of a logical type; it is ignored" },
        { "{\"type\":\"array\",\"items\":\"int\",\"logicalType\":\"date\"}", "$.logicalType", "date (of int) belongs to another type; it is ignored, and the array is used as it is" },
        { "{\"type\":\"map\",\"values\":\"int\",\"logicalType\":\"date\"}", "$.logicalType", "date (of int) belongs to another type; it is ignored, and the map is used as it is" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[],\"logicalType\":\"uuid\"}", "$.logicalType",
          "uuid (of string or fixed of 16 bytes) belongs to another type; it is ignored, and the enum E is used as it is" },
        { "{\"type\":\"record\",\"name\":\"R\",\"logicalType\":\"date\",\"fields\":[]}", "$.logicalType", "date (of int) belongs to another type; it is ignored, and the record R is used as it is" },
        { "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"f\",\"type\":[\"null\",{\"type\":\"R\",\"logicalType\":\"uuid\"}]}]}", "$.fields[0].type[1].logicalType",
          "string \"uuid\" is ignored on a reference; it belongs where the type is defined" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench b;
        bench_open(&b, cases[i].schema);
        const polkai_schema_notice *warning = polkai_schema_warning(b.set, 0);
        cr_assert_not_null(warning, "%s", cases[i].schema);
        cr_expect_str_eq(warning->path, cases[i].path, "%s: %s", cases[i].schema, warning->path);
        cr_expect_str_eq(warning->message, cases[i].message, "%s: %s", cases[i].schema, warning->message);
        cr_expect_null(warning->file);
        cr_expect_null(polkai_schema_warning(b.set, 1), "%s", cases[i].schema);
        cr_expect_eq(b.schema->logical, POLKAI_LOGICAL_NONE);
        bench_close(&b);
    }
}

Test(schema, that_fits_or_fails_leaves_no_warning)
{
    bench b;
    const polkai_schema *schema;
    bench_open(&b, "{\"type\":\"int\",\"logicalType\":\"date\"}");
    cr_assert_null(polkai_schema_warning(b.set, 0));
    cr_assert_eq(polkai_schema_parse(b.set, POLKA_TEXT("[{\"type\":\"long\",\"logicalType\":\"date\"},\"Nope\"]"), NULL, &schema, &b.error), POLKA_POISON);
    cr_assert_null(polkai_schema_warning(b.set, 0));
    cr_assert_eq(polkai_schema_parse(b.set, POLKA_TEXT("{\"type\":\"long\",\"logicalType\":\"date\"}"), "a.avsc", &schema, &b.error), POLKA_OK);
    eq_text(polkai_schema_warning(b.set, 0)->file, "a.avsc");
    bench_close(&b);
}

Test(schema, that_fails_leaves_nothing_of_itself_in_the_set)
{
    bench b;
    const polkai_schema *schema;
    bench_open(&b, "{\"type\":\"fixed\",\"name\":\"Kept\",\"size\":1}");
    polka_status status = polkai_schema_parse(b.set, POLKA_TEXT("{\"type\":\"record\",\"name\":\"Gone\",\"fields\":[{\"name\":\"a\",\"type\":\"Nope\"}]}"), "bad.avsc", &schema, &b.error);
    cr_assert_eq(status, POLKA_POISON);
    eq_text(b.error.message, "bad.avsc: $.fields[0].type: no type 'Nope' is defined before this; define it at its first use, or read the file that defines it too");
    cr_assert_null(polkai_schema_find(b.set, "Gone"));
    cr_assert_not_null(polkai_schema_find(b.set, "Kept"));
    status = polkai_schema_parse(b.set, POLKA_TEXT("{\"type\":\"record\",\"name\":\"Gone\",\"fields\":[{\"name\":\"a\",\"type\":\"Kept\"}]}"), NULL, &schema, &b.error);
    cr_assert_eq(status, POLKA_OK, "%s", b.error.message);
    bench_close(&b);
}

/* Each default fits in 2^15 ways, of which the last is right. What may be tried is bounded for the schema, not for each. */
Test(schema, with_many_defaults_that_fit_in_many_ways_is_refused)
{
    char deep[200] = "", one[400];
    for (int i = 0; i < 14; i++)
        strcat(deep, "{\"n\":");
    strcat(deep, "5}}}}}}}}}}}}}}");
    for (int count = 1; count <= 40; count += 39) {
        char *text = calloc(1, 40000);
        strcat(text, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"n\",\"type\":"
                     "[\"null\",\"A\",{\"type\":\"record\",\"name\":\"B\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"A\",\"B\"]}]}]}]}]},"
                     "{\"name\":\"c\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"C\",\"fields\":[{\"name\":\"n\",\"type\":[\"int\",\"C\"]}]}]}");
        for (int i = 0; i < count; i++) {
            snprintf(one, sizeof one, ",{\"name\":\"f%d\",\"type\":[\"A\",\"B\",\"C\"],\"default\":%s}", i, deep);
            strcat(text, one);
        }
        strcat(text, "]}");
        polkai_schema_set *set = polkai_schema_set_create();
        const polkai_schema *schema;
        polka_error error = { 0 };
        polka_status status = polkai_schema_parse(set, polka_text_of(text), NULL, &schema, &error);
        cr_expect_eq(status, count == 1 ? POLKA_OK : POLKA_POISON, "%d: %s", count, error.message);
        cr_expect(count == 1 || strstr(error.message, "one of the union's branches") != NULL || strstr(error.message, "fewer ways") != NULL, "%s", error.message);
        polkai_schema_set_destroy(set);
        free(text);
    }
}

Test(schema, over_one_mebibyte_is_refused)
{
    size_t size = 1024 * 1024 + 1;
    char *text = malloc(size);
    memset(text, ' ', size);
    memcpy(text, "\"int\"", 5);
    polkai_schema_set *set = polkai_schema_set_create();
    const polkai_schema *schema;
    cr_assert_eq(polkai_schema_parse(set, (polka_text){ size, text }, NULL, &schema, NULL), POLKA_POISON);
    cr_assert_eq(polkai_schema_parse(set, (polka_text){ size - 1, text }, NULL, &schema, NULL), POLKA_OK);
    polkai_schema_set_destroy(set);
    free(text);
}

/* What is known as JSON already, as the schemas of a manifest are, has the same limits and the same errors, and outlives it. */
Test(schema, of_parsed_json_is_judged_as_its_text_and_kept)
{
    static const char text[] = "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4,\"x\":1}";
    polkai_schema_set *set = polkai_schema_set_create();
    const polkai_schema *schema = NULL;
    json_t *json, *bad = json_string("Nope");
    polka_error error = { 0 };
    cr_assert_eq(polkai_json_parse((polka_bytes){ sizeof text - 1, (const uint8_t *)text }, &json, &error), POLKA_OK);
    cr_assert_eq(polkai_schema_parse_json(set, (polka_text){ 1024 * 1024 + 1, NULL }, json, &schema, &error), POLKA_POISON, "its text is too long");
    cr_assert_eq(polkai_schema_parse_json(set, POLKA_TEXT("\"Nope\""), bad, &schema, &error), POLKA_POISON);
    cr_assert_not_null(strstr(error.message, "'Nope'"), "%s", error.message);
    cr_assert_eq(polkai_schema_parse_json(set, (polka_text){ sizeof text - 1, text }, json, &schema, &error), POLKA_OK, "%s", error.message);
    json_decref(json);
    json_decref(bad);
    cr_assert_str_eq(schema->name, "F");
    cr_assert_eq(json_integer_value(polkai_schema_attribute(schema, "x")), 1);
    polkai_schema_set_destroy(set);
}

/* A chain of 5,000 types that each contain the last: only an own stack writes it out. */
Test(schema, with_a_long_chain_of_references_is_written_without_recursion)
{
    enum { LINKS = 5000 };
    char *text = malloc(LINKS * 80 + 80), *at = text + sprintf(text, "[{\"type\":\"record\",\"name\":\"R0\",\"fields\":[]}");
    for (int i = 1; i < LINKS; i++)
        at += sprintf(at, ",{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"f\",\"type\":\"R%d\"}]}", i, i - 1);
    sprintf(at, "]");
    bench b;
    bench_open(&b, text);
    char *whole = polkai_schema_text(polkai_schema_find(b.set, "R4999"));
    cr_assert_gt(strlen(whole), LINKS * 50);
    free(whole);
    free(text);
    bench_close(&b);
}

/* ---- files ------------------------------------------------------------------------------------- */

typedef struct { char folder[64]; char paths[4][160]; const char *list[4]; size_t count; } files;

static void write_file(files *f, const char *name, const char *text)
{
    if (f->count == 0) {
        strcpy(f->folder, "/tmp/polka_schema_XXXXXX");
        cr_assert_not_null(mkdtemp(f->folder));
    }
    char *path = f->paths[f->count];
    strcpy(stpcpy(stpcpy(path, f->folder), "/"), name);
    f->list[f->count++] = path;
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static void remove_files(files *f)
{
    for (size_t i = 0; i < f->count; i++)
        unlink(f->paths[i]);
    rmdir(f->folder);
}

Test(files, refer_to_each_other_in_any_order_and_in_circles)
{
    files f = { .count = 0 };
    polka_error error;
    const polkai_schema *schemas[3];
    write_file(&f, "a.avsc", "{\"type\":\"record\",\"name\":\"A\",\"namespace\":\"n\",\"fields\":[{\"name\":\"b\",\"type\":\"B\"},{\"name\":\"i\",\"type\":\"Inner\"}]}");
    write_file(&f, "b.avsc", "{\"type\":\"record\",\"name\":\"n.B\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\",\"A\"]},{\"name\":\"e\",\"type\":\"C\"}]}");
    write_file(&f, "c.avsc", "{\"type\":\"enum\",\"name\":\"C\",\"namespace\":\"n\",\"symbols\":[\"X\"]}");
    polkai_schema_set *set = polkai_schema_set_create();
    polka_status status = polkai_schema_read_files(set, f.list, 3, schemas, &error);
    cr_assert_eq(status, POLKA_POISON, "n.Inner is nowhere");
    cr_assert_not_null(strstr(error.message, "a.avsc: $.fields[1].type: no type 'n.Inner'"), "%s", error.message);

    f.count = 2;
    write_file(&f, "c.avsc", "[{\"type\":\"fixed\",\"name\":\"n.Inner\",\"size\":1},{\"type\":\"enum\",\"name\":\"C\",\"namespace\":\"n\",\"symbols\":[\"X\"]}]");
    status = polkai_schema_read_files(set, f.list, 3, schemas, &error);
    cr_assert_eq(status, POLKA_OK, "%s", error.message);
    eq_text(schemas[0]->name, "n.A");
    eq_text(schemas[1]->name, "n.B");
    cr_assert_eq(schemas[0]->fields[0].schema, schemas[1]);
    cr_assert_not_null(strstr(schemas[1]->file, "b.avsc"));
    char *text = polkai_schema_text(schemas[1]);
    eq_text(text, "{\"type\":\"record\",\"name\":\"B\",\"namespace\":\"n\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"A\",\"namespace\":\"n\","
                  "\"fields\":[{\"name\":\"b\",\"type\":\"n.B\"},{\"name\":\"i\",\"type\":{\"type\":\"fixed\",\"name\":\"Inner\",\"namespace\":\"n\",\"size\":1}}]}]},"
                  "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"C\",\"namespace\":\"n\",\"symbols\":[\"X\"]}}]}");
    free(text);
    polkai_schema_set_destroy(set);
    remove_files(&f);
}

Test(files, that_define_one_name_twice_say_where_it_was_first)
{
    files f = { .count = 0 };
    polka_error error;
    const polkai_schema *schemas[2];
    write_file(&f, "a.avsc", "{\"type\":\"fixed\",\"name\":\"n.F\",\"size\":1}");
    write_file(&f, "b.avsc", "{\"type\":\"fixed\",\"name\":\"n.F\",\"size\":1}");
    polkai_schema_set *set = polkai_schema_set_create();
    cr_assert_eq(polkai_schema_read_files(set, f.list, 2, schemas, &error), POLKA_POISON);
    cr_assert_not_null(strstr(error.message, "b.avsc: $.name: 'n.F' is defined twice, first in "), "%s", error.message);
    polkai_schema_set_destroy(set);
    remove_files(&f);
}

/* Each text nests 40 deep; the second, with the first written out in it, 80. */
Test(schema, nesting_counts_the_types_that_are_referred_to)
{
    char text[2000] = "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"f\",\"type\":";
    for (int i = 0; i < 39; i++)
        strcat(text, "{\"type\":\"array\",\"items\":");
    strcat(text, "\"int\"");
    for (int i = 0; i < 39; i++)
        strcat(text, "}");
    strcat(text, "}]}");
    bench b;
    const polkai_schema *schema;
    bench_open(&b, text);
    char *second = strstr(text, "\"int\"");
    memcpy(second, "\"A\"  ", 5);
    memcpy(strstr(text, "\"A\""), "\"B\"", 3);
    cr_assert_eq(polkai_schema_parse(b.set, polka_text_of(text), NULL, &schema, &b.error), POLKA_POISON);
    eq_text(b.error.message, "$: with the types it refers to written out, more than 64 records, arrays, maps and unions nest inside each other");
    bench_close(&b);
}

/* a.v1 and a.v2 define one name, so they cannot be read together; each finds B all the same. */
Test(files, of_which_one_is_read_find_in_the_others_what_they_miss)
{
    static const struct { const char *name, *text; } texts[] = {
        { "a.v1", "{\"type\":\"record\",\"name\":\"n.A\",\"fields\":[{\"name\":\"b\",\"type\":\"B\"}]}" },
        { "a.v2", "{\"type\":\"record\",\"name\":\"n.A\",\"fields\":[{\"name\":\"b\",\"type\":[\"null\",\"n.B\"]}]}" },
        { "b", "{\"type\":\"fixed\",\"name\":\"n.B\",\"size\":1}" }, { "broken", "{" } };
    char folder[] = "/tmp/polka-files-XXXXXX", paths[4][64];
    const char *all[4];
    cr_assert_not_null(mkdtemp(folder));
    for (size_t i = 0; i < 4; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, texts[i].name);
        all[i] = paths[i];
        FILE *file = fopen(paths[i], "w");
        fputs(texts[i].text, file);
        fclose(file);
    }
    for (size_t i = 0; i < 2; i++) {
        polka_error error;
        const polkai_schema *schema;
        polkai_schema_set *set = polkai_schema_set_create();
        cr_assert_eq(polkai_schema_read_file(set, all[i], all, 4, &schema, &error), POLKA_OK, "%s", error.message);
        cr_assert_not_null(polkai_schema_find(set, "n.B"));
        eq_text(schema->file, all[i]);
        polkai_schema_set_destroy(set);
        set = polkai_schema_set_create();
        cr_assert_eq(polkai_schema_read_file(set, all[i], NULL, 0, &schema, &error), POLKA_POISON);
        polkai_schema_set_destroy(set);
    }
    for (size_t i = 0; i < 4; i++)
        unlink(paths[i]);
    rmdir(folder);
}

Test(files, that_cannot_be_read_are_named)
{
    polka_error error;
    const polkai_schema *schema;
    polkai_schema_set *set = polkai_schema_set_create();
    cr_assert_eq(polkai_schema_read_files(set, (const char *const[]){ "/nowhere/x.avsc" }, 1, &schema, &error), POLKA_MISUSE);
    eq_text(error.message, "/nowhere/x.avsc: cannot be opened: No such file or directory");
    polkai_schema_set_destroy(set);
}
