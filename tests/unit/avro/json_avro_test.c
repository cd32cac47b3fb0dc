/* Avro's JSON encoding (Avro 1.12 specification, "JSON Encoding"), as Java's JsonEncoder and JsonDecoder have it; and bytes as text. */
#include "support.h"

#define NAMED "{\"type\":\"record\",\"name\":\"n.s.R\",\"fields\":[{\"name\":\"x\",\"type\":\"long\"}]}"

typedef struct { const char *schema, *json, *hex; } avro_case;

/* hex NULL: `json` is refused, with the message in the next case's place; else both ways. */
static void check_both(polkai_json_form form, const avro_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bench b;
        bench_open(&b, cases[i].schema);
        b.form = form;
        const char *hex = encoded(&b, cases[i].json), *json = decoded(&b, cases[i].hex);
        cr_expect_str_eq(hex, cases[i].hex, "%s %s\nexpected: %s\n     got: %s", cases[i].schema, cases[i].json, cases[i].hex, hex);
        cr_expect_str_eq(json, cases[i].json, "%s %s\nexpected: %s\n     got: %s", cases[i].schema, cases[i].hex, cases[i].json, json);
        bench_close(&b);
    }
}

/* One way only: a second way to write the value, or the message. */
static void check_in(polkai_json_form form, const avro_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bench b;
        bench_open(&b, cases[i].schema);
        b.form = form;
        const char *hex = encoded(&b, cases[i].json);
        cr_expect_str_eq(hex, cases[i].hex, "%s %s\nexpected: %s\n     got: %s", cases[i].schema, cases[i].json, cases[i].hex, hex);
        bench_close(&b);
    }
}

Test(json_avro, goes_both_ways_for_every_type)
{
    static const avro_case cases[] = {
        { "\"null\"", "null", "" }, { "\"boolean\"", "true", "01" }, { "\"boolean\"", "false", "00" },
        { "\"int\"", "-2147483648", "ffffffff0f" }, { "\"int\"", "2147483647", "feffffff0f" },
        { "\"long\"", "-9223372036854775808", "ffffffffffffffffff01" }, { "\"long\"", "9007199254740993", "8280808080808020" },
        { "\"float\"", "0.1", "cdcccc3d" }, { "\"float\"", "\"NaN\"", "0000c07f" }, { "\"float\"", "\"-Infinity\"", "000080ff" }, { "\"float\"", "-0.0", "00000080" },
        { "\"double\"", "0.1", "9a9999999999b93f" }, { "\"double\"", "\"Infinity\"", "000000000000f07f" }, { "\"double\"", "1e+20", "408cb5781daf1544" },
        { "\"string\"", "\"a\\u0000\xe2\x82\xac\"", "0a6100e282ac" }, { "\"string\"", "\"NaN\"", "064e614e" },
        { "\"bytes\"", "\"\\u0000a\x7f\xc2\x80\xc3\xbf\"", "0a00617f80ff" }, { "\"bytes\"", "\"\"", "00" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\"\xc3\xbf\\n\"", "ff0a" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\"B\"", "02" },
        { "{\"type\":\"array\",\"items\":[\"null\",\"int\"]}", "[null,{\"int\":1}]", "04000202" "00" },
        { "{\"type\":\"map\",\"values\":\"int\"}", "{\"a\\u0000b\":1,\"a\":2}", "04" "06610062" "02" "0261" "04" "00" },
        { NAMED, "{\"x\":1}", "02" },
    };
    check_both(POLKAI_JSON_AVRO, cases, sizeof cases / sizeof *cases);
}

Test(json_avro, tags_every_branch_but_null_with_its_full_name)
{
    static const char schema[] = "[\"null\",\"int\",\"string\",\"bytes\",{\"type\":\"array\",\"items\":\"int\"},{\"type\":\"map\",\"values\":\"int\"}," NAMED
                                 ",{\"type\":\"enum\",\"name\":\"n.E\",\"symbols\":[\"A\"]},{\"type\":\"fixed\",\"name\":\"F\",\"size\":1},{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}]";
    static const avro_case cases[] = {
        { schema, "null", "00" }, { schema, "{\"int\":1}", "0202" }, { schema, "{\"string\":\"a\"}", "040261" }, { schema, "{\"bytes\":\"a\"}", "060261" },
        { schema, "{\"array\":[1]}", "08020200" }, { schema, "{\"map\":{}}", "0a00" }, { schema, "{\"map\":{\"int\":1}}", "0a0206696e740200" }, { schema, "{\"n.s.R\":{\"x\":1}}", "0c02" }, { schema, "{\"n.E\":\"A\"}", "0e00" },
        { schema, "{\"F\":\"\xc2\x80\"}", "1080" }, { schema, "{\"long\":1000}", "12d00f" },
    };
    static const avro_case refused[] = {
        { "[\"null\",\"int\"," NAMED "]", "1", "!the value: expected null, {\"int\": ...} or {\"n.s.R\": ...}, got number 1" },
        { "[\"null\"," NAMED "]", "{\"R\":{\"x\":1}}", "!the value: expected null or {\"n.s.R\": ...}, got an object" },
        { "[\"null\"," NAMED "]", "{\"x\":1}", "!the value: expected null or {\"n.s.R\": ...}, got an object" },
        { "[\"int\",\"string\"]", "{\"int\":1,\"string\":\"a\"}", "!the value: expected {\"int\": ...} or {\"string\": ...}, got an object" },
        { "[\"int\",\"string\"]", "null", "!the value: expected {\"int\": ...} or {\"string\": ...}, got null" },
        { "[\"int\",\"string\"]", "{\"int\\u0000\":1}", "!the value: expected {\"int\": ...} or {\"string\": ...}, got an object" },
        { "[\"null\"," NAMED "]", "{\"n.s.R\":{\"x\":\"a\"}}", "!x: expected long, got string \"a\"" },
        { "[\"null\",\"int\"]", "{\"null\":null}", "00" },
    };
    check_both(POLKAI_JSON_AVRO, cases, sizeof cases / sizeof *cases);
    check_in(POLKAI_JSON_AVRO, refused, sizeof refused / sizeof *refused);
}

Test(json_avro, knows_no_logical_types)
{
    static const avro_case cases[] = {
        { "{\"type\":\"int\",\"logicalType\":\"date\"}", "1", "02" }, { "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "-1", "01" },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}", "\"\\u0004\xc3\x92\"", "0404d2" },
        { "{\"type\":\"string\",\"logicalType\":\"uuid\"}", "\"x\"", "0278" },
        { "{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,\"logicalType\":\"uuid\"}", "\"0123456789abcdef\"", "30313233343536373839616263646566" },
        { "{\"type\":\"fixed\",\"name\":\"D\",\"size\":12,\"logicalType\":\"duration\"}", "\"0123456789ab\"", "303132333435363738396162" },
    };
    static const avro_case refused[] = {
        { "{\"type\":\"int\",\"logicalType\":\"date\"}", "\"2026-11-01\"", "!the value: expected int, got string \"2026-11-01\"" },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}", "12.34", "!the value: expected bytes (code points U+0000 to U+00FF), got number 12.34" },
    };
    check_both(POLKAI_JSON_AVRO, cases, sizeof cases / sizeof *cases);
    check_in(POLKAI_JSON_AVRO, refused, sizeof refused / sizeof *refused);
}

Test(json_avro, takes_what_java_takes_and_refuses_what_would_lose_something)
{
    static const char two[] = "{\"type\":\"record\",\"name\":\"T\",\"fields\":[{\"name\":\"a\",\"type\":\"int\",\"default\":1,\"aliases\":[\"old\",\"b\"]},{\"name\":\"b\",\"type\":\"int\"}]}";
    static const char nulls[] = "{\"type\":\"record\",\"name\":\"N\",\"fields\":[{\"name\":\"a\",\"type\":\"null\"},{\"name\":\"b\",\"type\":\"null\"}]}";
    static const avro_case cases[] = {
        { "\"int\"", "1.0", "02" }, { "\"long\"", "-2e3", "9f1f" }, { "\"double\"", "\"INF\"", "000000000000f07f" }, { "\"float\"", "\"-INF\"", "000080ff" },
        { "\"double\"", "100000000000000000000", "408cb5781daf1544" }, { "\"float\"", "1", "0000803f" },
        { two, "{\"b\":2,\"a\":1}", "0204" }, { two, "{\"b\":2,\"old\":1}", "0204" },
        { "\"int\"", "1.5", "!the value: expected int, got number 1.5" },
        { "\"int\"", "2147483648.0", "!the value: expected int (-2147483648 to 2147483647), got number 2147483648.0" },
        { "\"long\"", "9223372036854775808", "!the value: expected long, got number 9.223372036854776e+18" },
        { "\"long\"", "-9223372036854775809", "!the value: expected long, got number -9.223372036854776e+18" },
        { "\"float\"", "1e39", "!the value: expected float (at most 3.4028235e38), got number 1e+39" },
        { "\"double\"", "\"nan\"", "!the value: expected double, got string \"nan\"" },
        { "\"bytes\"", "\"\xe2\x82\xac\"", "!the value: expected bytes (code points U+0000 to U+00FF), got string \"\xe2\x82\xac\"" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\"a\"", "!the value: expected fixed F (2 bytes as code points U+0000 to U+00FF), got 1 bytes" },
        { two, "{\"b\":2}", "!a: missing; Avro's JSON takes no defaults, and int was expected" },
        { two, "{\"a\":2}", "!b: missing; it has no default, and int was expected" },
        { two, "{\"a\":1,\"b\":2,\"c\":3}", "!c: record T has no such field" },
        { nulls, "{\"a\":null,\"b\":null,\"c\":null}", "!c: record N has no such field" },  /* all three are jansson's one null */
        { two, "{\"a\":1,\"old\":1,\"b\":2}", "!old: record T has no such field" },
        { two, "{\"a\":1,\"b\":2,\"b\\u0000\":3}", "!b\\x00: record T has no such field; did you mean 'b'?" },
        { "{\"type\":\"map\",\"values\":\"int\"}", "[]", "!the value: expected map, got an array" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"A\"}", "\"B\"", "!the value: enum E has no symbol string \"B\"; the first is \"A\"" },
    };
    check_in(POLKAI_JSON_AVRO, cases, sizeof cases / sizeof *cases);
}

/* What plain JSON has of its own: other names for the same value are no loss there either. */
Test(json, refuses_members_that_only_look_like_a_field_up_to_their_nul)
{
    static const avro_case cases[] = { { NAMED, "{\"x\":1,\"x\\u0000y\":2}", "!x\\x00y: record n.s.R has no such field; did you mean 'x'?" },
                                       { "\"double\"", "\"INF\"", "!the value: expected double, got string \"INF\"" },
                                       { "\"int\"", "1.0", "!the value: expected int, got number 1.0" },
                                       { "{\"type\":\"record\",\"name\":\"T\",\"fields\":[{\"name\":\"a\",\"type\":\"int\",\"aliases\":[\"old\"]}]}", "{\"old\":1}", "!old: record T has no such field" } };
    check_in(POLKAI_JSON_PLAIN, cases, sizeof cases / sizeof *cases);
}

Test(json_plain, a_logical_type_takes_its_underlying_value)
{
    static const avro_case cases[] = {
        { "{\"type\":\"int\",\"logicalType\":\"date\"}", "1", "02" }, { "{\"type\":\"int\",\"logicalType\":\"date\"}", "\"1970-01-02\"", "02" },
        { "{\"type\":\"int\",\"logicalType\":\"time-millis\"}", "1", "02" }, { "{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}", "1", "02" },
        { "{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}", "1", "02" },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}", "\"12.34\"", "0404d2" },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}", "12.34", "0404d2" },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}", "\"BNI=\"", "0404d2" },
        { "{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,\"logicalType\":\"uuid\"}", "\"30313233-3435-3637-3839-616263646566\"", "30313233343536373839616263646566" },
        { "{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,\"logicalType\":\"uuid\"}", "\"MDEyMzQ1Njc4OWFiY2RlZg==\"", "30313233343536373839616263646566" },
        { "{\"type\":\"fixed\",\"name\":\"D\",\"size\":12,\"logicalType\":\"duration\"}", "\"P1M\"", "010000000000000000000000" },
        { "{\"type\":\"fixed\",\"name\":\"D\",\"size\":12,\"logicalType\":\"duration\"}", "\"AQAAAAAAAAAAAAAA\"", "010000000000000000000000" },
    };
    check_in(POLKAI_JSON_PLAIN, cases, sizeof cases / sizeof *cases);
}

Test(json_text_form, shows_bytes_as_the_text_they_hold_and_others_as_tagged_base64)
{
    static const char either[] = "[\"null\",\"string\",\"bytes\",{\"type\":\"map\",\"values\":\"string\"}]", last[] = "[{\"type\":\"map\",\"values\":\"string\"},\"bytes\"]";
    static const avro_case cases[] = {
        { "\"bytes\"", "\"hello\"", "0a68656c6c6f" }, { "\"bytes\"", "\"\xc3\xa9\\u0000\"", "06c3a900" }, { "\"bytes\"", "\"\"", "00" },
        { "\"bytes\"", "{\"base64\":\"/w==\"}", "02ff" }, { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\"ab\"", "6162" },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}", "\"12.34\"", "0404d2" },
        { "[\"null\",\"bytes\"]", "\"a\"", "020261" }, { "[\"null\",\"bytes\"]", "{\"base64\":\"/w==\"}", "0202ff" },
        { either, "{\"bytes\":\"a\"}", "040261" }, { either, "{\"base64\":\"/w==\"}", "0402ff" }, { either, "{\"map\":{\"base64\":\"/w==\"}}", "06020c626173653634082f773d3d00" },
        { last, "{\"bytes\":{\"base64\":\"/w==\"}}", "0202ff" },
    };
    static const avro_case refused[] = {
        { "\"bytes\"", "{\"base64\":\"?\"}", "!the value: expected bytes (text or {\"base64\": ...}), got an object" },
        { "\"bytes\"", "{\"base64\":\"/w==\",\"x\":1}", "!the value: expected bytes (text or {\"base64\": ...}), got an object" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\"a\"", "!the value: expected fixed F (2 bytes as text or {\"base64\": ...}), got 1 bytes" },
        { "\"bytes\"", "{\"base64\":\"YQ==\"}", "0261" },
    };
    check_both(POLKAI_JSON_TEXT, cases, sizeof cases / sizeof *cases);
    check_in(POLKAI_JSON_TEXT, refused, sizeof refused / sizeof *refused);
}

Test(json, a_default_of_a_map_keeps_nul_in_its_keys)
{
    bench b;
    bench_open(&b, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"int\"},\"default\":{\"a\\u0000b\":1}}]}");
    eq_text(encoded(&b, "{}"), "02" "06610062" "02" "00");
    bench_close(&b);
}

/* A chain of a thousand tagged records has two thousand levels of JSON. */
Test(json_avro, of_the_deepest_value_is_read_again)
{
    bench b;
    bench_open(&b, "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"A\"]}]}");
    b.form = POLKAI_JSON_AVRO;
    char hex[2100] = "";
    for (int i = 0; i < 999; i++)
        strcat(hex, "02");
    strcat(hex, "00");
    const char *json = polkai_arena_text(&b.arena, decoded(&b, hex), strlen(decoded(&b, hex))).data;
    eq_text(encoded(&b, json), hex);
    bench_close(&b);
}
