#include "support.h"

#include <base/text.h>

static const char order[] =
    "{\"type\":\"record\",\"name\":\"shop.Order\",\"fields\":[{\"name\":\"order_id\",\"type\":{\"type\":\"string\",\"logicalType\":\"uuid\"}},"
    "{\"name\":\"lines\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Line\",\"fields\":[{\"name\":\"sku\",\"type\":\"string\"},{\"name\":\"quantity\",\"type\":\"int\"}]}}},"
    "{\"name\":\"currency\",\"type\":{\"type\":\"enum\",\"name\":\"Currency\",\"symbols\":[\"EUR\",\"USD\"]},\"default\":\"USD\"},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"map\",\"values\":\"long\"},\"default\":{\"a\":1}},"
    "{\"name\":\"raw\",\"type\":\"bytes\",\"default\":\"\\u00ff\"},{\"name\":\"note\",\"type\":[\"null\",\"string\"],\"default\":null}]}";

Test(json, takes_defaults_for_what_is_left_out)
{
    bench b;
    bench_open(&b, order);
    eq_text(there_and_back(&b, "{\"order_id\":\"x\",\"lines\":[]}"), "{\"order_id\":\"x\",\"lines\":[],\"currency\":\"USD\",\"tags\":{\"a\":1},\"raw\":\"/w==\",\"note\":null}");
    eq_text(encoded(&b, "{\"order_id\":\"x\",\"lines\":[]}"), "0278" "00" "02" "02" "0261" "02" "00" "02ff" "00");
    bench_close(&b);
}

Test(json, says_which_field_was_wrong_what_was_expected_and_what_came)
{
    static const struct { const char *json, *problem; } cases[] = {
        { "5", "!the value: expected record shop.Order, got number 5" },
        { "{\"lines\":[]}", "!order_id: missing; it has no default, and uuid was expected" },
        { "{\"order_id\":5,\"lines\":[]}", "!order_id: expected string, got number 5" },
        { "{\"order_id\":\"x\",\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"b\",\"quantity\":2},{\"sku\":\"c\",\"quantity\":\"x\"}]}", "!lines[2].quantity: expected int, got string \"x\"" },
        { "{\"order_id\":\"x\",\"lines\":[{\"sku\":\"a\",\"quantity\":2147483648}]}", "!lines[0].quantity: expected int (-2147483648 to 2147483647), got number 2147483648" },
        { "{\"order_id\":\"x\",\"lines\":[{\"sku\":\"a\",\"quantity\":-2147483649}]}", "!lines[0].quantity: expected int (-2147483648 to 2147483647), got number -2147483649" },
        { "{\"order_id\":\"x\",\"lines\":[{\"sku\":\"a\",\"quantity\":1.0}]}", "!lines[0].quantity: expected int, got number 1.0" },
        { "{\"order_id\":\"x\",\"lines\":[{\"sku\":\"a\",\"quantiy\":1}]}", "!lines[0].quantiy: record shop.Line has no such field; did you mean 'quantity'?" },
        { "{\"order_id\":\"x\",\"lines\":[],\"zzzzzz\":1}", "!zzzzzz: record shop.Order has no such field" },
        { "{\"order_id\":\"x\",\"lines\":{}}", "!lines: expected array, got an object" },
        { "{\"order_id\":\"x\",\"lines\":[],\"currency\":\"EURO\"}", "!currency: enum shop.Currency has no symbol string \"EURO\"; did you mean \"EUR\"?" },
        { "{\"order_id\":\"x\",\"lines\":[],\"tags\":{\"k\":null}}", "!tags[\"k\"]: expected long, got null" },
        { "{\"order_id\":\"x\",\"lines\":[],\"note\":7}", "!note: expected null or string, got number 7" },
    };
    bench b;
    bench_open(&b, order);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *said = encoded(&b, cases[i].json);
        cr_expect_str_eq(said, cases[i].problem, "%s\nexpected: %s\n     got: %s", cases[i].json, cases[i].problem, said);
    }
    bench_close(&b);
}

Test(json, takes_unions_with_and_without_a_tag)
{
    bench b;
    bench_open(&b, order);
    eq_text(encoded(&b, "{\"order_id\":\"\",\"lines\":[],\"note\":\"a\"}"), encoded(&b, "{\"order_id\":\"\",\"lines\":[],\"note\":{\"string\":\"a\"}}"));
    bench_close(&b);
}

Test(json, writes_a_tag_only_where_another_branch_would_take_the_value)
{
    bench b;
    bench_open(&b, "[\"null\",\"int\",\"string\",\"bytes\",\"double\",{\"type\":\"map\",\"values\":\"long\"},{\"type\":\"record\",\"name\":\"n.A\",\"fields\":[{\"name\":\"x\",\"type\":\"long\"}]},"
                   "{\"type\":\"record\",\"name\":\"n.B\",\"fields\":[{\"name\":\"y\",\"type\":\"boolean\"}]}]");
    const char *same[] = { "null", "1", "\"s\"", "{\"bytes\":\"AAA=\"}", "1.5", "{\"x\":1}", "{\"n.A\":{\"x\":1}}", "{\"y\":true}", "{\"double\":\"NaN\"}", "{\"map\":{\"int\":5}}", "{}" };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        eq_text(there_and_back(&b, same[i]), same[i]);
    eq_text(there_and_back(&b, "{\"int\":5}"), "5");
    eq_text(there_and_back(&b, "{\"n.B\":{\"y\":true}}"), "{\"y\":true}");
    eq_text(encoded(&b, "{\"n.B\":{\"y\":1}}"), "![\"n.B\"]: expected long, got an object");
    eq_text(encoded(&b, "{\"y\":1,\"z\":2}"), "0a0402790202" "7a0400");
    bench_close(&b);
}

/* A list of a hundred unions, each of which takes two records alike: 2^100 ways to fail, if each were tried. */
Test(json, gives_up_where_unions_can_be_read_in_too_many_ways)
{
    bench b;
    bench_open(&b, "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"A\",{\"type\":\"record\",\"name\":\"B\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"A\",\"B\"]}]}]}]}");
    char json[2000] = "";
    for (int i = 0; i < 100; i++)
        strcat(json, "{\"n\":");
    strcat(json, "5");
    for (int i = 0; i < 100; i++)
        strcat(json, "}");
    cr_assert_not_null(strstr(encoded(&b, json), "too many ways"));
    bench_close(&b);
}

Test(json, nests_a_thousand_deep_and_no_more)
{
    bench b;
    bench_open(&b, "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"A\"]}]}");
    char json[7000] = "";
    for (int i = 0; i < 1000; i++)
        strcat(json, "{\"n\":");
    strcat(json, "null");
    for (int i = 0; i < 1000; i++)
        strcat(json, "}");
    eq_text(there_and_back(&b, json), json);
    char *deeper = malloc(8000);
    snprintf(deeper, 8000, "{\"n\":%s}", json);
    cr_assert_not_null(strstr(encoded(&b, deeper), "the value nests more than 1000 deep"));
    free(deeper);
    bench_close(&b);
}

/* Four bytes stand for a million records of forty nulls each: the walk lets them pass, in memory they would be gigabytes. */
Test(json, shows_no_more_values_without_bytes_than_memory_bears)
{
    char schema[3000] = "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"R\",\"fields\":[", one[60];
    for (int i = 0; i < 40; i++) {
        snprintf(one, sizeof one, "%s{\"name\":\"f%d\",\"type\":\"null\"}", i == 0 ? "" : ",", i);
        strcat(schema, one);
    }
    strcat(schema, "]}}");
    bench b;
    bench_open(&b, schema);
    const char *said = decoded(&b, "80897a00");
    cr_assert_not_null(strstr(said, "too many to be shown as JSON"), "%s", said);
    bench_close(&b);
    bench_open(&b, "{\"type\":\"array\",\"items\":\"null\"}");
    cr_assert_eq(strlen(decoded(&b, "80897a00")), strlen("[]") + 1000000 * strlen("null,") - 1);
    bench_close(&b);
}

/* Where the outer end of a long path is left out, a character of a key is not cut in two: what is said is printed as JSON. */
Test(json, says_paths_of_whole_characters)
{
    bench b;
    bench_open(&b, "{\"type\":\"map\",\"values\":{\"type\":\"map\",\"values\":{\"type\":\"map\",\"values\":{\"type\":\"map\",\"values\":\"int\"}}}}");
    for (int extra = 0; extra < 3; extra++) {
        const char *euros = "€€€€€€€€€€€€€€€€€€";
        const char *said = encoded(&b, polkai_arena_format(&b.arena, "{\"%s\":{\"%s\":{\"%s\":{\"%.*s\":true}}}}", euros, euros, euros, extra, "aaa").data);
        cr_expect(polkai_utf8_valid(said, strlen(said)), "%s", said);
        cr_expect_eq(strncmp(said, "!...", 4), 0, "%s", said);
    }
    bench_close(&b);
}

/* ---- keys -------------------------------------------------------------------------------------- */

static const char *key(bench *b, const char *path, const char *json)
{
    polka_bytes bytes;
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    polka_status status = polkai_json_key(b->schema, path, value, &b->arena, &bytes, &b->error);
    json_decref(value);
    if (status != POLKA_OK)
        return polkai_arena_format(&b->arena, "!%s", b->error.message).data;
    cr_assert_not_null(bytes.data);
    return polkai_arena_text(&b->arena, (const char *)bytes.data, bytes.size).data;
}

Test(key, is_the_text_of_texts_and_symbols_the_digits_of_numbers_and_raw_bytes)
{
    bench b;
    bench_open(&b, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"s\",\"type\":\"string\"},{\"name\":\"l\",\"type\":\"long\"},{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
                   "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]},\"default\":\"B\"},{\"name\":\"b\",\"type\":\"bytes\"},{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}},"
                   "{\"name\":\"r\",\"type\":{\"type\":\"record\",\"name\":\"P\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]},\"default\":{\"id\":9}},{\"name\":\"n\",\"type\":[\"null\",\"string\"]}]}");
    const char *json = "{\"s\":\"a b\",\"l\":-9223372036854775808,\"t\":\"1970-01-01T00:00:01Z\",\"b\":\"YWI=\",\"f\":\"eHk=\",\"n\":null}";
    eq_text(key(&b, "s", json), "a b");
    eq_text(key(&b, "l", json), "-9223372036854775808");
    eq_text(key(&b, "t", json), "1000");
    eq_text(key(&b, "e", json), "B");
    eq_text(key(&b, "b", json), "ab");
    eq_text(key(&b, "f", json), "xy");
    eq_text(key(&b, "r.id", json), "9");
    eq_text(key(&b, "r.id", "{\"r\":{\"id\":7}}"), "7");
    eq_text(key(&b, "s", "{\"s\":\"\"}"), "");
    eq_text(key(&b, "s", "{}"), "!s: missing; it is the key, and has no default");
    eq_text(key(&b, "n", json), "!polka.key 'n' is a union; a key is a string, enum, int, long, bytes or fixed");
    eq_text(key(&b, "r.no", json), "!polka.key 'r.no': record P has no field 'no'");
    eq_text(key(&b, "r", json), "!polka.key 'r' is a record P; a key is a string, enum, int, long, bytes or fixed");
    bench_close(&b);
}

/* ---- samples ----------------------------------------------------------------------------------- */

Test(sample, repeats_by_seed_and_differs_by_seed)
{
    bench b;
    bench_open(&b, order);
    json_t *first = polkai_json_sample(b.schema, 1), *again = polkai_json_sample(b.schema, 1), *other = polkai_json_sample(b.schema, 2);
    cr_assert(json_equal(first, again));
    cr_assert_not(json_equal(first, other));
    cr_assert_eq(strlen(json_string_value(json_object_get(first, "order_id"))), 36);
    cr_assert_eq(strncmp(json_string_value(json_object_get(json_array_get(json_object_get(first, "lines"), 0), "sku")), "sku-", 4), 0);
    eq_text(json_string_value(json_object_get(first, "currency")), "USD");
    json_decref(first);
    json_decref(again);
    json_decref(other);
    bench_close(&b);
}

Test(sample, of_recursive_types_ends_and_encodes)
{
    const char *schemas[] = {
        "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"A\"]}]}",
        "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"n\",\"type\":[\"A\",{\"type\":\"record\",\"name\":\"B\",\"fields\":[]}]}]}",
        "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":\"A\"}},{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":[\"A\",\"int\"]}}]}",
    };
    for (size_t i = 0; i < 3; i++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            bench b;
            bench_open(&b, schemas[i]);
            json_t *value = polkai_json_sample(b.schema, seed);
            polka_buffer buffer = { .arena = &b.arena };
            cr_expect_eq(polkai_json_encode(POLKAI_JSON_PLAIN, b.schema, value, &buffer, &b.error), POLKA_OK, "%s %s", schemas[i], b.error.message);
            json_decref(value);
            bench_close(&b);
        }
}
