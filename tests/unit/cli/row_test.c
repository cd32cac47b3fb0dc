/* Records of every kind as `polka tail` shows them: what cannot be read is said, and nothing stops it. */
#include <cli/row.h>

#include <base/arena.h>
#include <criterion/criterion.h>
#include <flow/schema/framing.h>

static const char *folders[] = { POLKA_TREE "/schemas" };
static cli_project project = { .root = "/", .schemas = { 1, folders } };

typedef struct { cli_decoder decoder; polka_arena arena; polkai_record record; cli_row row; } stage;

static bool show(stage *on, polka_bytes value, const polkai_header *headers, size_t count, const cli_row_filter *only)
{
    polka_error error = { 0 };
    cr_assert_eq(cli_catalog_open(&on->decoder.catalog, &project, &error), POLKA_OK, "%s", error.message);
    on->decoder.foreign = cli_foreign_create(NULL, NULL);
    on->record = (polkai_record){ .topic = POLKA_TEXT("shop.orders"), .offset = 7, .timestamp_ms = 1000, .value = value, .header_count = count, .headers = headers };
    return cli_row_read(&on->decoder, &on->record, only, &on->arena, &on->row);
}

static void leave(stage *on)
{
    cli_row_free(&on->row);
    cli_foreign_destroy(on->decoder.foreign);
    cli_catalog_close(on->decoder.catalog);
    polkai_arena_deinit(&on->arena);
}

static void shows(polka_bytes value, const polkai_header *headers, size_t count, const char *reason)
{
    stage on = { 0 };
    cr_assert(show(&on, value, headers, count, NULL));
    json_t *row = cli_row_json(&on.row);
    const char *said = json_string_value(json_object_get(row, "error"));
    cr_assert(json_is_null(json_object_get(row, "value")));
    cr_assert_not_null(said);
    cr_assert_not_null(strstr(said, reason), "said: %s", said);
    cr_assert(json_is_string(json_object_get(row, "raw")));
    json_decref(row);
    leave(&on);
}

#define BYTES(...) ((polka_bytes){ sizeof((const uint8_t[]){ __VA_ARGS__ }), (const uint8_t[]){ __VA_ARGS__ } })

Test(row, an_empty_value_is_said) { shows((polka_bytes){ 0, (const uint8_t *)"" }, NULL, 0, "empty"); }
Test(row, an_unknown_fingerprint_is_named_most_significant_digit_first)
{
    shows(BYTES(0xc3, 0x01, 8, 7, 6, 5, 4, 3, 2, 1, 0), NULL, 0, "0102030405060708");
}
Test(row, the_id_of_confluents_framing_is_named) { shows(BYTES(0, 0, 0, 1, 2, 9), NULL, 0, "258"); }
Test(row, a_schema_header_is_read_before_the_value)
{
    const polkai_header good[] = { { POLKA_TEXT_INIT("__value_schema_id"), { 5, (const uint8_t *)"\0\0\0\1\2" } } };
    const polkai_header bad[] = { { POLKA_TEXT_INIT("__value_schema_id"), { 5, (const uint8_t *)"\2\0\0\1\2" } } };
    shows(BYTES(0xc3, 0x01, 8, 7, 6, 5, 4, 3, 2, 1, 0), good, 1, "258");
    shows(BYTES(0xc3, 0x01, 8, 7, 6, 5, 4, 3, 2, 1, 0), bad, 1, "bad-header");
}
Test(row, an_unknown_first_byte_is_named) { shows(BYTES(0x7f, 1, 2), NULL, 0, "7f"); }
Test(row, a_cut_frame_is_said) { shows(BYTES(0xc3, 0x01, 1), NULL, 0, "truncated"); }

Test(row, a_header_that_is_not_utf8_is_named)
{
    const polkai_header headers[] = { { POLKA_TEXT_INIT("ce_id"), { 1, (const uint8_t *)"\xff" } } };
    shows(BYTES(0xc3), headers, 1, "ce_id");
}

Test(row, a_cut_value_of_a_known_schema_tells_where)
{
    stage on = { 0 };
    uint8_t value[POLKAI_SINGLE_OBJECT_BYTES + 1] = { 0 };
    cli_catalog *catalog = NULL;
    cr_assert_eq(cli_catalog_open(&catalog, &project, NULL), POLKA_OK);
    polkai_framing_write(value, cli_catalog_find(catalog, "shop.OrderPlaced")->fingerprint);
    cli_catalog_close(catalog);
    value[POLKAI_SINGLE_OBJECT_BYTES] = 0x48;            /* a text of 36 bytes, none of which follow */
    cr_assert(show(&on, (polka_bytes){ sizeof value, value }, NULL, 0, NULL));
    cr_assert_not_null(strstr(on.row.reason, "order_id"), "said: %s", on.row.reason);
    cr_assert(polka_text_equal(on.row.envelope.type, POLKA_TEXT("shop.OrderPlaced")), "the schema tells the type when no header does");
    leave(&on);
}

Test(row, ten_megabytes_of_zeros_are_said)
{
    polka_bytes zeros = { 10000000, polkai_alloc(10000000) };
    shows(zeros, NULL, 0, "schema-not-found");
    free((void *)(uintptr_t)zeros.data);
}

Test(row, a_thousand_headers_are_shown)
{
    stage on = { 0 };
    static polkai_header headers[1000];
    for (size_t i = 0; i < 1000; i++)
        headers[i] = (polkai_header){ POLKA_TEXT("x-same"), { 1, (const uint8_t *)"y" } };
    cr_assert(show(&on, (polka_bytes){ 2, (const uint8_t *)"{}" }, headers, 1000, NULL));
    cr_assert_str_empty(on.row.reason);
    leave(&on);
}

Test(row, a_tombstone_is_no_error)
{
    stage on = { 0 };
    cr_assert(show(&on, (polka_bytes){ 0, NULL }, NULL, 0, NULL));
    json_t *row = cli_row_json(&on.row);
    cr_assert(json_is_null(json_object_get(row, "value")));
    cr_assert_null(json_object_get(row, "error"));
    json_decref(row);
    leave(&on);
}

Test(row, a_value_that_is_json_is_shown_as_it_is)
{
    stage on = { 0 };
    cr_assert(show(&on, (polka_bytes){ 7, (const uint8_t *)"{\"a\":1}" }, NULL, 0, NULL));
    cr_assert_eq(json_integer_value(json_object_get(on.row.value, "a")), 1);
    leave(&on);
}

Test(row, a_key_or_header_that_is_no_text_is_base64)
{
    json_t *object = cli_bytes_json((polka_bytes){ 4, (const uint8_t *)"\xff\x00\x10z" }), *null = cli_bytes_json((polka_bytes){ 0, NULL });
    cr_assert_str_eq(json_string_value(json_object_get(object, "base64")), "/wAQeg==");
    cr_assert(json_is_null(null));
    json_decref(object);
    json_decref(null);
}

Test(row, only_what_was_asked_for_is_shown)
{
    const char *types[] = { "shop.OrderPlaced" }, *topics[] = { "shop.orders" };
    const cli_list none = { 0 }, one_type = { 1, types }, one_topic = { 1, topics };
    const polkai_header headers[] = { { POLKA_TEXT_INIT("ce_id"), { 1, (const uint8_t *)"a" } },
                                      { POLKA_TEXT_INIT("ce_type"), { 9, (const uint8_t *)"shop.Else" } },
                                      { POLKA_TEXT_INIT("ce_correlationid"), { 1, (const uint8_t *)"c" } } };
    const struct { cli_row_filter only; bool shown; } cases[] = {
        { { { 0, NULL }, &none, &none }, true },           { { { 0, NULL }, &one_type, &none }, false },
        { { { 0, NULL }, &one_type, &one_topic }, true },  { { POLKA_TEXT_INIT("c"), &none, &none }, true },
        { { POLKA_TEXT_INIT("a"), &none, &none }, true },  { { POLKA_TEXT_INIT("b"), &none, &none }, false } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stage on = { 0 };
        cr_assert_eq(show(&on, (polka_bytes){ 2, (const uint8_t *)"{}" }, headers, 3, &cases[i].only), cases[i].shown, "case %zu", i);
        leave(&on);
    }
}
