/* Hostile and broken bytes: each is refused with its reason, place and offset; what is right passes. */
#include "support.h"

typedef struct { const char *hex, *problem; } bytes_case;

static void check(const char *schema, const bytes_case *cases, size_t count)
{
    bench b;
    bench_open(&b, schema);
    for (size_t i = 0; i < count; i++) {
        const char *said = walked(&b, cases[i].hex);
        cr_expect_str_eq(said, cases[i].problem, "%s %s\nexpected: %s\n     got: %s", schema, cases[i].hex, cases[i].problem, said);
    }
    bench_close(&b);
}
#define CHECK(SCHEMA, ...) check((SCHEMA), (const bytes_case[]){ __VA_ARGS__ }, sizeof((const bytes_case[]){ __VA_ARGS__ }) / sizeof(bytes_case))

Test(walk, holds_numbers_to_their_range)
{
    CHECK("\"int\"", { "00", "" }, { "feffffff0f", "" }, { "ffffffff0f", "" },
          { "8080808010", "the value: int 2147483648 is not in -2147483648 to 2147483647, at byte 0 of 5" },
          { "8280808000", "" }, { "828080808000", "the value: int takes 6 bytes, and 32 bits take at most 5, at byte 0 of 6" },
          { "", "the value: the bytes end inside a number, at byte 0 of 0" }, { "80", "the value: the bytes end inside a number, at byte 0 of 1" },
          { "0000", "the value: 1 bytes are left over, at byte 1 of 2" });
    CHECK("\"long\"", { "feffffffffffffffff01", "" }, { "ffffffffffffffffff01", "" },
          { "ffffffffffffffffff02", "the value: a number is longer than 64 bits, at byte 0 of 10" },
          { "8080808080808080808001", "the value: a number is longer than 64 bits, at byte 0 of 11" });
    CHECK("\"boolean\"", { "00", "" }, { "01", "" }, { "07", "the value: a boolean is 0 or 1, not 7, at byte 0 of 1" }, { "", "the value: a boolean takes 1 bytes, and 0 are left, at byte 0 of 0" });
    CHECK("\"float\"", { "00000000", "" }, { "000000", "the value: a float takes 4 bytes, and 3 are left, at byte 0 of 3" });
    CHECK("\"double\"", { "0000000000000000", "" }, { "00000000000000", "the value: a double takes 8 bytes, and 7 are left, at byte 0 of 7" });
}

Test(walk, holds_lengths_to_what_is_left_and_texts_to_utf8)
{
    CHECK("\"string\"", { "00", "" }, { "0461c3", "the value: a text that is not UTF-8, at byte 1 of 3" }, { "04c3a9", "" },
          { "0661", "the value: a text takes 3 bytes, and 1 are left, at byte 1 of 2" }, { "01", "the value: a length of -1, at byte 0 of 1" },
          { "feffffffffffffffff01", "the value: a text takes 9223372036854775807 bytes, and 0 are left, at byte 10 of 10" });
    CHECK("\"bytes\"", { "02ff", "" }, { "04ff", "the value: a bytes value takes 2 bytes, and 1 are left, at byte 1 of 2" });
    CHECK("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", { "ffff", "" }, { "ff", "the value: a fixed takes 2 bytes, and 1 are left, at byte 0 of 1" });
}

Test(walk, holds_symbols_and_branches_to_their_count)
{
    CHECK("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", { "02", "" }, { "04", "the value: enum index 2 is not in 0 to 1, at byte 0 of 1" },
          { "01", "the value: enum index -1 is not in 0 to 1, at byte 0 of 1" });
    CHECK("[\"null\",\"int\"]", { "00", "" }, { "0202", "" }, { "04", "the value: union branch 2 is not in 0 to 1, at byte 0 of 1" },
          { "01", "the value: union branch -1 is not in 0 to 1, at byte 0 of 1" },
          { "80808080800002", "the value: union branch takes 6 bytes, and 32 bits take at most 5, at byte 0 of 7" });
    CHECK("[]", { "00", "the value: union branch 0 is not in 0 to -1, at byte 0 of 1" });
}

Test(walk, reads_blocks_with_and_without_their_size)
{
    CHECK("{\"type\":\"array\",\"items\":\"int\"}", { "00", "" }, { "04020400", "" }, { "0304020400", "" }, { "0302020200", "[1]: a block ends here, and said that it would at byte 3, at byte 4 of 5" },
          { "0306020400", "[1]: a block ends here, and said that it would at byte 5, at byte 4 of 5" }, { "0203", "[0]: the bytes end inside a number, at byte 2 of 2" },
          { "ffffffffffffffffff0100", "the value: a block count of -9223372036854775808, at byte 0 of 11" },
          { "0106", "the value: a block says that it takes 3 bytes, and 0 are left, at byte 1 of 2" },
          { "0103", "the value: a block says that it takes -2 bytes, and 0 are left, at byte 1 of 2" });
}

Test(walk, names_the_field_the_item_and_the_key)
{
    /* id "a"; two lines: sku "b" without tags, sku "c" with tags {"k": branch 3} */
    CHECK("{\"type\":\"record\",\"name\":\"O\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"lines\",\"type\":{\"type\":\"array\",\"items\":"
          "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"sku\",\"type\":\"string\"},{\"name\":\"tags\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"int\"]}}]}}}]}",
          { "026104026200026302026b0202000000", "the value: 1 bytes are left over, at byte 15 of 16" },
          { "026104026200026302026b06", "lines[1].tags[\"k\"]: union branch 3 is not in 0 to 1, at byte 11 of 12" });
}

Test(walk, ends_at_a_thousand_levels)
{
    bench b;
    bench_open(&b, "{\"type\":\"record\",\"name\":\"N\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"N\"]}]}");
    char hex[2200] = "";
    for (int levels = 0; levels < 999; levels++)
        strcat(hex, "02");
    strcat(hex, "00");
    eq_text(walked(&b, hex), "");
    memmove(hex + 2, hex, strlen(hex) + 1);
    const char *said = walked(&b, hex);
    cr_assert_not_null(strstr(said, "the value nests more than 1000 deep, at byte 1000 of 1001"), "%s", said);
    cr_assert_eq(strncmp(said, "...", 3), 0, "a long path keeps its end: %s", said);
    bench_close(&b);
}

Test(walk, bounds_items_that_take_no_bytes)
{
    CHECK("{\"type\":\"array\",\"items\":\"null\"}", { "80897a00", "" },                     /* 1,000,000 */
          { "82897a00", "[1000000]: more than 1000000 items that take no bytes, at byte 3 of 4" },
          { "80a8d6b90700", "[1000000]: more than 1000000 items that take no bytes, at byte 5 of 6" });
    CHECK("{\"type\":\"array\",\"items\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":0}}", { "82897a00", "[1000000]: more than 1000000 items that take no bytes, at byte 3 of 4" });
}

/* 40 records, each with two of the last: 2^40 values of no bytes, from a body of no bytes. */
Test(walk, ends_where_a_schema_makes_exponentially_many_empty_values)
{
    char schema[4096] = "[{\"type\":\"record\",\"name\":\"R0\",\"fields\":[]}", one[120];
    for (int i = 1; i <= 40; i++) {
        snprintf(one, sizeof one, ",{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\",\"type\":\"R%d\"},{\"name\":\"b\",\"type\":\"R%d\"}]}", i, i - 1, i - 1);
        strcat(schema, one);
    }
    strcat(schema, "]");
    bench b;
    bench_open(&b, schema);
    const char *said = walked(&b, "50");
    cr_assert_not_null(strstr(said, "more than 64000000 values that take no bytes"), "%s", said);
    bench_close(&b);
}

Test(walk, of_every_beginning_of_a_value_fails_and_of_the_whole_does_not)
{
    bench b;
    bench_open(&b, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"s\",\"type\":\"string\"},{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"double\"]}},"
                   "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"bytes\"}},{\"name\":\"b\",\"type\":\"boolean\"}]}");
    const char *hex = encoded(&b, "{\"s\":\"text\",\"a\":[null,1.5,2],\"m\":{\"k\":\"AAA=\",\"l\":\"\"},\"b\":true}");
    eq_text(walked(&b, hex), "");
    for (size_t size = 0; size < strlen(hex); size += 2) {
        char cut[200];
        snprintf(cut, sizeof cut, "%.*s", (int)size, hex);
        cr_expect_str_neq(walked(&b, cut), "", "%zu bytes of %s", size / 2, hex);
    }
    bench_close(&b);
}
