#include <base/arena.h>
#include <flow/envelope/envelope.h>

#include <criterion/criterion.h>

static polka_arena arena;

static polkai_header header(const char *name, const char *value)
{
    return (polkai_header){ polka_text_of(name), { strlen(value), (const uint8_t *)value } };
}

static polka_status open_headers(const polkai_header *headers, size_t count, polka_bytes value, polkai_envelope *envelope, polka_error *error)
{
    polkai_record record = { .topic = POLKA_TEXT("shop.orders"), .partition = 3, .offset = 42, .timestamp_ms = 99, .value = value, .headers = headers,
                             .header_count = count };
    return polkai_envelope_open(&record, POLKA_TEXT("cluster-1"), &arena, envelope, error);
}

static void equal(polka_text text, const char *expected)
{
    cr_assert(polka_text_equal(text, polka_text_of(expected)), "'%.*s' is not '%s'", POLKA_TEXT_ARGS(text), expected);
}

static const polkai_envelope whole = {
    .id = POLKA_TEXT_INIT("01931c6e-0000-7000-8000-000000000001"), .source = POLKA_TEXT_INIT("/shop/payments"), .type = POLKA_TEXT_INIT("shop.PaymentAuthorised"),
    .correlation_id = POLKA_TEXT_INIT("01931c6e-0000-7000-8000-00000000000a"), .causation_id = POLKA_TEXT_INIT("not a uuid"),
    .traceparent = POLKA_TEXT_INIT("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), .time_ms = 1767225600123, .hops = 3, .attempt = 2 };

static void read_back(polkai_envelope_mode mode)
{
    polkai_envelope written = whole, read;
    polkai_header headers[POLKAI_ENVELOPE_HEADERS];
    polka_error error = { .status = POLKA_OK };
    written.mode = mode;
    size_t count = polkai_envelope_write(&written, &arena, headers);
    cr_assert_eq(open_headers(headers, count, (polka_bytes){ 0, NULL }, &read, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(read.mode, mode);
    equal(read.id, whole.id.data);
    equal(read.source, whole.source.data);
    equal(read.type, whole.type.data);
    equal(read.correlation_id, whole.correlation_id.data);
    equal(read.causation_id, whole.causation_id.data);
    equal(read.traceparent, whole.traceparent.data);
    cr_assert_eq(read.time_ms, whole.time_ms);
    cr_assert_eq(read.hops, 3);
    cr_assert_eq(read.attempt, 2);
}

Test(envelope, reads_what_it_wrote_as_cloudevents_headers)
{
    read_back(POLKAI_MODE_BINARY);
}

Test(envelope, reads_what_it_wrote_in_one_compact_header)
{
    read_back(POLKAI_MODE_COMPACT);
}

Test(envelope, refuses_every_compact_header_that_is_cut_short)
{
    polka_bytes bytes = polkai_compact_write(&whole, &arena);
    for (size_t size = 0; size < bytes.size; size++) {
        polkai_envelope read = { .mode = POLKAI_MODE_FOREIGN };
        polka_error error;
        cr_assert_eq(polkai_compact_read((polka_bytes){ size, bytes.data }, &arena, &read, &error), POLKA_POISON);
    }
}

/* Found by the fuzzer: the branch of an optional id was lowered before it was checked. */
Test(envelope, refuses_a_branch_of_a_compact_header_that_is_the_lowest_number_there_is)
{
    static const uint8_t lowest[] = { 0x01, 0x02, 0x02, 'i', 0x02, 's', 0x02, 't', 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
    polkai_envelope read = { .mode = POLKAI_MODE_FOREIGN };
    polka_error error;
    cr_assert_eq(polkai_compact_read((polka_bytes){ sizeof lowest, lowest }, &arena, &read, &error), POLKA_POISON);
    cr_assert_not_null(strstr(error.message, "a wrong id"));
}

Test(envelope, takes_a_foreign_record_and_names_it_by_its_place)
{
    polkai_header headers[] = { header("anything", "\xff\xfe") };
    polkai_envelope envelope;
    polka_error error;
    cr_assert_eq(open_headers(headers, 1, (polka_bytes){ 0, NULL }, &envelope, &error), POLKA_OK);
    cr_assert_eq(envelope.mode, POLKAI_MODE_FOREIGN);
    equal(envelope.id, "3/42/99");
    equal(envelope.source, "/cluster-1/shop.orders");
}

Test(envelope, refuses_a_cloudevents_header_that_contradicts_itself)
{
    polkai_header twice[] = { header("ce_id", "a"), header("ce_type", "T"), header("ce_id", "b") };
    polkai_header same[] = { header("ce_id", "a"), header("ce_type", "T"), header("ce_id", "a") };
    polkai_header extension[] = { header("ce_tenant", "a"), header("ce_tenant", "b") };
    polkai_envelope envelope;
    polka_error error;
    cr_assert_eq(open_headers(twice, 3, (polka_bytes){ 0, NULL }, &envelope, &error), POLKA_POISON);
    cr_assert_str_eq(error.code, "bad-header");
    cr_assert_eq(open_headers(same, 3, (polka_bytes){ 0, NULL }, &envelope, &error), POLKA_OK);
    cr_assert_eq(open_headers(extension, 2, (polka_bytes){ 0, NULL }, &envelope, &error), POLKA_POISON);
}

Test(envelope, refuses_a_header_of_ours_that_is_not_utf8_or_too_long)
{
    static char longer[POLKAI_HEADER_LIMIT + 2];
    memset(longer, 'a', sizeof longer - 1);
    polkai_header bad[] = { header("ce_id", "\xc3\x28") }, too_long[] = { header("ce_source", longer) }, trace[] = { header("traceparent", "\xff") };
    polkai_envelope envelope;
    polka_error error;
    cr_assert_eq(open_headers(bad, 1, (polka_bytes){ 0, NULL }, &envelope, &error), POLKA_POISON);
    cr_assert_eq(open_headers(too_long, 1, (polka_bytes){ 0, NULL }, &envelope, &error), POLKA_POISON);
    cr_assert_eq(open_headers(trace, 1, (polka_bytes){ 0, NULL }, &envelope, &error), POLKA_POISON);
}

/* Found by tests/extra/partitioner: an event with such a key was a dead letter of every service that read it. */
Test(envelope, has_a_subject_that_its_own_reader_takes)
{
    static uint8_t key[POLKAI_HEADER_LIMIT + 1];
    memset(key, 'k', sizeof key);
    cr_expect_eq(polkai_envelope_subject((polka_bytes){ POLKAI_HEADER_LIMIT, key }).size, (size_t)POLKAI_HEADER_LIMIT);
    cr_expect_null(polkai_envelope_subject((polka_bytes){ sizeof key, key }).data);
    cr_expect_null(polkai_envelope_subject((polka_bytes){ 2, (const uint8_t *)"\xc3\x28" }).data, "not UTF-8");
    cr_expect_null(polkai_envelope_subject((polka_bytes){ 0, NULL }).data);
    cr_expect_not_null(polkai_envelope_subject((polka_bytes){ 0, key }).data);
}

Test(envelope, reads_structured_json_with_data_or_base64)
{
    static const char json[] = "{\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/x\",\"type\":\"shop.OrderPlaced\",\"time\":\"2026-01-01T01:00:00+01:00\","
                               "\"correlationid\":\"c\",\"data\":{\"n\":9007199254740993}}";
    static const char base64[] = "{\"id\":\"7\",\"source\":\"/x\",\"type\":\"t\",\"data_base64\":\"wwEC\"}";
    polkai_header headers[] = { header("content-type", "Application/CloudEvents+json; charset=UTF-8") };
    polkai_envelope envelope;
    polka_error error = { .status = POLKA_OK };
    cr_assert_eq(open_headers(headers, 1, (polka_bytes){ sizeof json - 1, (const uint8_t *)json }, &envelope, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(envelope.mode, POLKAI_MODE_STRUCTURED);
    equal(envelope.type, "shop.OrderPlaced");
    equal(envelope.json, "{\"n\":9007199254740993}");
    cr_assert_eq(envelope.time_ms, 1767225600000);
    cr_assert_eq(open_headers(headers, 1, (polka_bytes){ sizeof base64 - 1, (const uint8_t *)base64 }, &envelope, &error), POLKA_OK);
    cr_assert_eq(envelope.data.size, 3);
    cr_assert_eq(envelope.data.data[0], 0xc3);
    cr_assert_eq(open_headers(headers, 1, (polka_bytes){ 5, (const uint8_t *)base64 }, &envelope, &error), POLKA_POISON);
}

Test(envelope, continues_a_valid_trace_and_starts_one_from_the_correlation_otherwise)
{
    polka_text id = POLKA_TEXT("01931c6e-0000-8000-9abc-def012345678"), correlation = POLKA_TEXT("01931c6e-1111-7000-8000-00000000000a");
    equal(polkai_envelope_trace(POLKA_TEXT("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"), correlation, id, &arena),
          "00-4bf92f3577b34da6a3ce929d0e0e4736-9abcdef012345678-00");
    equal(polkai_envelope_trace(POLKA_TEXT("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-00"), correlation, id, &arena),
          "00-01931c6e1111700080000000000000" "0a-9abcdef012345678-01");
}

/* Each byte value at each place, against the rule said in other words. */
Test(envelope, takes_a_traceparent_of_these_characters_and_no_others)
{
    static const char good[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (size_t at = 0; at < POLKAI_TRACEPARENT; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[sizeof good];
            memcpy(text, good, sizeof good);
            text[at] = (char)byte;
            bool dash = at == 2 || at == 35 || at == 52, hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
            cr_expect_eq(polkai_envelope_trace_valid((polka_text){ POLKAI_TRACEPARENT, text }), dash ? byte == '-' : hex, "byte %d at %zu", byte, at);
        }
    }
    static const char *const bad[] = { "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                       "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                                       "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", "" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(polkai_envelope_trace_valid(polka_text_of(bad[i])), "%s", bad[i]);
    cr_expect(polkai_envelope_trace_valid(POLKA_TEXT("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x")), "a later version may say more");
    cr_expect(polkai_envelope_trace_valid(POLKA_TEXT("00-00000000000000000000000000000001-0000000000000001-00")));
}
