/* JSON texts, read and written. */
#include "support.h"

static const char *parsed(polka_arena *arena, const char *text, size_t size)
{
    json_t *value = NULL;
    polka_error error = { 0 };
    polka_buffer out = { .arena = arena };
    if (polkai_json_parse((polka_bytes){ size, (const uint8_t *)text }, &value, &error) != POLKA_OK) {
        cr_assert_str_eq(error.code, "bad-json");
        cr_assert_null(value);
        return polkai_arena_format(arena, "!%s", error.message).data;
    }
    polkai_json_write(value, &out);
    json_decref(value);
    return polkai_arena_text(arena, (const char *)out.data, out.size).data;
}

typedef struct { const char *text, *expected; } text_case;

static void check_all(const text_case *cases, size_t count)
{
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        const char *got = parsed(&arena, cases[i].text, strlen(cases[i].text));
        cr_expect_str_eq(got, cases[i].expected, "%s\nexpected: %s\n     got: %s", cases[i].text, cases[i].expected, got);
    }
    polkai_arena_deinit(&arena);
}

Test(json_text, is_written_as_it_was_read)
{
    static const text_case cases[] = {
        { " { \"b\" : [ ] , \"a\" : { } , \"c\":[true,false,null, \"\"] } ", "{\"b\":[],\"a\":{},\"c\":[true,false,null,\"\"]}" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\\u00e9\\u20ac\\ud83d\\udc83\\uD83D\\uDC83\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\x83\xf0\x9f\x92\x83\"" },
        { "{\"a\\u0000b\":1,\"a\":2,\"\":3}", "{\"a\\u0000b\":1,\"a\":2,\"\":3}" },
        { "[0,-0,1,-1,9223372036854775807,-9223372036854775808]", "[0,0,1,-1,9223372036854775807,-9223372036854775808]" },
        { "[9223372036854775808,-9223372036854775809,100000000000000000000]", "[9.223372036854776e+18,-9.223372036854776e+18,1e+20]" },
        { "[0.1,1.0,-0.0,1e2,1E+2,25e-1,1e-400,5e-324,1.7976931348623157e308]", "[0.1,1.0,-0.0,100.0,100.0,2.5,0.0,4.94065645841247e-324,1.7976931348623157e+308]" },
    };
    check_all(cases, sizeof cases / sizeof *cases);
}

Test(json_text, that_is_none_is_refused_with_line_and_column)
{
    static const text_case cases[] = {
        { "{\"a\":1,\"a\":2}", "!not JSON: line 1, column 8: a duplicate member near \"a\":2}" },
        { "{\"\\u0061\":1,\"a\":2}", "!not JSON: line 1, column 13: a duplicate member near \"a\":2}" },
        { "{\n  \"a\": }", "!not JSON: line 2, column 8: not a value near }" },
        { "", "!not JSON: line 1, column 1: not a value, at the end" },
        { "  \n", "!not JSON: line 2, column 1: not a value, at the end" },
        { "1 2", "!not JSON: line 1, column 3: expected the end near 2" },
        { "\"\xff\"", "!not JSON: line 1, column 2: a string that is not UTF-8 near \\xff\"" },
        { "\"\xed\xa0\x80\"", "!not JSON: line 1, column 2: a string that is not UTF-8 near \\xed\\xa0\\x80\"" },
        { "\"\n\"", "!not JSON: line 1, column 2: a control character in a string; write it as \\u00.. near \\x0a\"" },
        { "\"\x1f\"", "!not JSON: line 1, column 2: a control character in a string; write it as \\u00.. near \\x1f\"" },
        { "\"abc", "!not JSON: line 1, column 1: a string without its end near \"abc" },
        { "\"\\", "!not JSON: line 1, column 2: an unknown escape near \\" },
        { "\"\\x\"", "!not JSON: line 1, column 2: an unknown escape near \\x\"" },
        { "\"\\u12g4\"", "!not JSON: line 1, column 2: \\u needs four hex digits near \\u12g4\"" },
        { "\"\\ud800\"", "!not JSON: line 1, column 2: half of a surrogate pair near \\ud800\"" },
        { "\"\\ud800\\u0041\"", "!not JSON: line 1, column 2: half of a surrogate pair near \\ud800\\u0041\"" },
        { "\"\\udc00\"", "!not JSON: line 1, column 2: half of a surrogate pair near \\udc00\"" },
        { "[1,]", "!not JSON: line 1, column 4: not a value near ]" },
        { "[1 2]", "!not JSON: line 1, column 4: expected , or ] near 2]" },
        { "{\"a\":1,}", "!not JSON: line 1, column 8: expected the name of a member near }" },
        { "{\"a\" 1}", "!not JSON: line 1, column 6: expected : near 1}" },
        { "{\"a\":1]", "!not JSON: line 1, column 7: expected , or } near ]" },
        { "01", "!not JSON: line 1, column 2: expected the end near 1" },
        { "+1", "!not JSON: line 1, column 1: not a value near +1" },
        { "-", "!not JSON: line 1, column 1: not a value near -" },
        { "1.", "!not JSON: line 1, column 1: a number without digits behind its point near 1." },
        { "1e+", "!not JSON: line 1, column 1: a number without digits in its exponent near 1e+" },
        { "1e400", "!not JSON: line 1, column 1: a number beyond what a double holds near 1e400" },
        { "nul", "!not JSON: line 1, column 1: not a value near nul" },
        { "NaN", "!not JSON: line 1, column 1: not a value near NaN" },
    };
    check_all(cases, sizeof cases / sizeof *cases);
}

Test(json_text, may_hold_a_nul_in_no_place_but_a_string)
{
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    eq_text(parsed(&arena, "\"a\0b\"", 5), "!not JSON: line 1, column 3: a control character in a string; write it as \\u00.. near \\x00b\"");
    eq_text(parsed(&arena, "1\0", 2), "!not JSON: line 1, column 2: expected the end near \\x00");
    eq_text(parsed(&arena, "\"\\\0\"", 4), "!not JSON: line 1, column 2: an unknown escape near \\\\x00\"");
    polkai_arena_deinit(&arena);
}

Test(json_text, nests_2048_deep_and_no_more)
{
    char text[4200];
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    memset(text, '[', 2048);
    memset(text + 2048, ']', 2048);
    cr_assert_eq(strlen(parsed(&arena, text, 4096)), 4096);
    memset(text, '[', 2049);
    cr_assert_not_null(strstr(parsed(&arena, text, 4096), "line 1, column 2049: more than 2048 levels"));
    polkai_arena_deinit(&arena);
}

Test(json_text, of_others_is_a_text_whatever_its_bytes)
{
    static const struct { const char *given, *made; } cases[] = { { "caf\xc3\xa9\n", "caf\xc3\xa9\n" }, { "w\xff.json", "w\\xff.json" }, { "", "" }, { "\xe2\x82", "\\xe2\\x82" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *value = polkai_json_text(cases[i].given);
        cr_assert_str_eq(json_string_value(value), cases[i].made);
        json_decref(value);
    }
    json_t *none = polkai_json_text(NULL);
    cr_assert(json_is_null(none));
}
