/*
 * fuzz_envelope.c: any headers and any value: opening never reads out of bounds, and what is opened can be written and read
 * again. Input: for each header one byte (a name), two bytes (length) and its value; the rest is the record's value.
 */
#include <base/arena.h>
#include <flow/envelope/envelope.h>
#include <flow/schema/framing.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS_MOST = 32 };

static const char *const names[] = { "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_correlationid", "ce_causationid", "ce_dataschema",
                                     "ce_tenant", "traceparent", "polka-hops", "polka-attempt", "polka-envelope", "content-type", "other" };

static size_t take_headers(const uint8_t **data, size_t *size, polkai_header headers[HEADERS_MOST])
{
    size_t count = 0;
    while (*size >= 3 && count < HEADERS_MOST && (*data)[0] != 0xff) {
        size_t length = ((size_t)(*data)[1] << 8 | (*data)[2]) % (*size - 2);
        headers[count].name = polka_text_of(names[(*data)[0] % (sizeof names / sizeof *names)]);
        headers[count++].value = (polka_bytes){ length, *data + 3 };
        *data += 3 + length;
        *size -= 3 + length;
    }
    return count;
}

static void write_and_read_again(polkai_envelope *envelope, polkai_envelope_mode mode, polka_arena *arena)
{
    polkai_header headers[POLKAI_ENVELOPE_HEADERS];
    polkai_envelope again;
    polka_error error;
    envelope->mode = mode;
    envelope->traceparent = polkai_envelope_trace(envelope->traceparent, envelope->id, envelope->id, arena);
    polkai_record record = { .topic = POLKA_TEXT("t"), .headers = headers, .header_count = polkai_envelope_write(envelope, arena, headers) };
    if (polkai_envelope_open(&record, POLKA_TEXT("c"), arena, &again, &error) != POLKA_OK || !polka_text_equal(again.id, envelope->id))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    polkai_header headers[HEADERS_MOST];
    polka_arena arena = { NULL, NULL, NULL };
    polkai_envelope envelope;
    polka_error error;
    polkai_schema_key key;
    polka_bytes body;
    polkai_record record = { .topic = POLKA_TEXT("t"), .headers = headers };
    record.header_count = take_headers(&data, &size, headers);
    record.value = (polka_bytes){ size, data };
    if (polkai_envelope_open(&record, POLKA_TEXT("c"), &arena, &envelope, &error) == POLKA_OK && envelope.type.size > 0 && envelope.source.size > 0 &&
        envelope.id.size <= POLKAI_HEADER_LIMIT && envelope.source.size <= POLKAI_HEADER_LIMIT) {
        write_and_read_again(&envelope, POLKAI_MODE_BINARY, &arena);
        write_and_read_again(&envelope, POLKAI_MODE_COMPACT, &arena);
    }
    (void)!polkai_framing_read(record.value, &key, &body, &error);
    (void)!polkai_framing_read_header(record.value, &key, &error);
    polkai_arena_deinit(&arena);
    return 0;
}
