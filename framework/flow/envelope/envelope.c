/* envelope.c: CloudEvents headers, binary mode; the other two forms are files of their own. */
#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <flow/envelope/envelope.h>

#include <stdio.h>
#include <strings.h>

#define HEADER_IS(HEADER, LITERAL) ((HEADER)->name.size == sizeof LITERAL - 1 && memcmp((HEADER)->name.data, LITERAL, sizeof LITERAL - 1) == 0)

static bool begins(polka_text text, const char *with, size_t size)
{
    return text.size >= size && memcmp(text.data, with, size) == 0;
}

static polka_text as_text(const polkai_header *header)
{
    return (polka_text){ header->value.size, header->value.data == NULL ? NULL : (const char *)header->value.data };
}

static polka_status check(const polkai_header *header, polka_error *error)
{
    ENSURE(header->value.size <= POLKAI_HEADER_LIMIT, POLKA_POISON, error, "bad-header",
           "header %.*s has %zu bytes; at most %d are read", TEXT(header->name), header->value.size, POLKAI_HEADER_LIMIT);
    ENSURE(header->value.data == NULL || polkai_utf8_valid(header->value.data, header->value.size), POLKA_POISON, error, "bad-header",
           "header %.*s is not UTF-8", TEXT(header->name));
    return POLKA_OK;
}

static polka_status set_once(polka_text *member, const polkai_header *header, polka_error *error)
{
    polka_text value = as_text(header);
    ENSURE(member->data == NULL || polka_text_equal(*member, value), POLKA_POISON, error, "bad-header",
           "header %.*s stands there twice with two values", TEXT(header->name));
    *member = value;
    return POLKA_OK;
}

static unsigned small_number(polka_text text)
{
    unsigned number = 0;
    for (size_t i = 0; i < text.size && i < 6; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        number = number * 10 + (unsigned)(text.data[i] - '0');
    }
    return number;
}

/* A ce_ header that we do not know must still be UTF-8, short and the same each time it stands there. */
static polka_status check_extension(const polkai_record *record, size_t index, polka_error *error)
{
    const polkai_header *header = &record->headers[index];
    for (size_t i = 0; i < index && index < 64; i++) {
        const polkai_header *earlier = &record->headers[i];
        if (!polka_text_equal(earlier->name, header->name))
            continue;
        polka_text value = as_text(earlier);
        return set_once(&value, header, error);
    }
    return POLKA_OK;
}

static polka_status read_cloudevent(const polkai_record *record, size_t index, polkai_envelope *envelope, polka_error *error)
{
    const polkai_header *header = &record->headers[index];
    TRY(check(header, error));
    if (HEADER_IS(header, "ce_id"))
        return set_once(&envelope->id, header, error);
    if (HEADER_IS(header, "ce_source"))
        return set_once(&envelope->source, header, error);
    if (HEADER_IS(header, "ce_type"))
        return set_once(&envelope->type, header, error);
    if (HEADER_IS(header, "ce_subject"))
        return set_once(&envelope->subject, header, error);
    if (HEADER_IS(header, "ce_correlationid"))
        return set_once(&envelope->correlation_id, header, error);
    if (HEADER_IS(header, "ce_causationid"))
        return set_once(&envelope->causation_id, header, error);
    if (HEADER_IS(header, "ce_dataschema"))
        return set_once(&envelope->dataschema, header, error);
    TRY(check_extension(record, index, error));
    if (HEADER_IS(header, "ce_time") && header->value.data != NULL)
        polkai_time_read((const char *)header->value.data, header->value.size, &envelope->time_ms);
    return POLKA_OK;
}

static polka_status read_ours(const polkai_header *header, polkai_envelope *envelope, const polkai_header **compact, polka_error *error)
{
    if (HEADER_IS(header, "polka-envelope")) {
        *compact = header;
        return POLKA_OK;
    }
    TRY(check(header, error));
    if (HEADER_IS(header, "polka-hops"))
        envelope->hops = small_number(as_text(header));
    else if (HEADER_IS(header, "polka-attempt"))
        envelope->attempt = small_number(as_text(header));
    return POLKA_OK;
}

static void name_foreign(const polkai_record *record, polka_text cluster, polka_arena *arena, polkai_envelope *envelope)
{
    if (envelope->id.size > 0)
        return;
    envelope->id = polkai_arena_format(arena, "%" PRId32 "/%" PRId64 "/%" PRId64, record->partition, record->offset, record->timestamp_ms);
    if (envelope->source.size == 0)
        envelope->source = polkai_arena_format(arena, "/%.*s/%.*s", TEXT(cluster), TEXT(record->topic));
}

polka_status polkai_envelope_open(const polkai_record *record, polka_text cluster, polka_arena *arena, polkai_envelope *envelope, polka_error *error)
{
    static const char structured[] = "application/cloudevents";
    const polkai_header *compact = NULL;
    polka_text content_type = { 0, NULL };
    *envelope = (polkai_envelope){ .mode = POLKAI_MODE_FOREIGN };
    for (size_t i = 0; i < record->header_count; i++) {
        const polkai_header *header = &record->headers[i];
        if (begins(header->name, "ce_", 3)) {
            envelope->mode = POLKAI_MODE_BINARY;
            TRY(read_cloudevent(record, i, envelope, error));
        } else if (begins(header->name, "polka-", 6)) {
            TRY(read_ours(header, envelope, &compact, error));
        } else if (HEADER_IS(header, "traceparent")) {
            TRY(check(header, error));
            envelope->traceparent = as_text(header);
        } else if (HEADER_IS(header, "content-type")) {
            content_type = as_text(header);
        } else if (HEADER_IS(header, "__value_schema_id")) {
            envelope->schema_id = header->value;
        }
    }
    if (content_type.size >= sizeof structured - 1 && strncasecmp(content_type.data, structured, sizeof structured - 1) == 0) {
        TRY(polkai_structured_read(record->value, arena, envelope, error));
    } else if (compact != NULL && envelope->mode == POLKAI_MODE_FOREIGN) {
        TRY(polkai_compact_read(compact->value, arena, envelope, error));
    }
    name_foreign(record, cluster, arena, envelope);
    return POLKA_OK;
}

static void put(polkai_header *headers, size_t *count, const char *name, polka_text value)
{
    if (value.data == NULL)
        return;
    headers[(*count)++] = (polkai_header){ polka_text_of(name), { value.size, (const uint8_t *)value.data } };
}

static polka_text number_text(unsigned number, polka_arena *arena)
{
    static const char *const small[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16" };
    return number < sizeof small / sizeof *small ? polka_text_of(small[number]) : polkai_arena_format(arena, "%u", number);
}

size_t polkai_envelope_write(const polkai_envelope *envelope, polka_arena *arena, polkai_header headers[POLKAI_ENVELOPE_HEADERS])
{
    size_t count = 0;
    if (envelope->mode == POLKAI_MODE_COMPACT) {
        headers[count++] = (polkai_header){ POLKA_TEXT("polka-envelope"), polkai_compact_write(envelope, arena) };
        return count;
    }
    char *time = polka_arena_alloc(arena, 25);
    polkai_time_write(time, envelope->time_ms);
    put(headers, &count, "ce_specversion", POLKA_TEXT("1.0"));
    put(headers, &count, "ce_id", envelope->id);
    put(headers, &count, "ce_source", envelope->source);
    put(headers, &count, "ce_type", envelope->type);
    put(headers, &count, "ce_time", (polka_text){ 24, time });
    put(headers, &count, "ce_subject", envelope->subject);
    put(headers, &count, "ce_correlationid", envelope->correlation_id);
    put(headers, &count, "ce_causationid", envelope->causation_id);
    put(headers, &count, "ce_dataschema", envelope->dataschema);
    put(headers, &count, "content-type", POLKA_TEXT("application/avro"));
    put(headers, &count, "traceparent", envelope->traceparent);
    put(headers, &count, "polka-hops", number_text(envelope->hops, arena));
    if (envelope->attempt > 1)
        put(headers, &count, "polka-attempt", number_text(envelope->attempt, arena));
    return count;
}

#define EACH(BYTE) (UINT64_C(0x0101010101010101) * (BYTE))

/* Of eight characters at once: below 0x80 a sum does not reach the next byte, and its highest bit says whether the byte is above a bound. */
static bool is_lower_hex(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    if ((word & EACH(0x80)) != 0)
        return false;
    uint64_t digit = (word + EACH(0x80 - '0')) & ~(word + EACH(0x7f - '9')), letter = (word + EACH(0x80 - 'a')) & ~(word + EACH(0x7f - 'f'));
    return ((digit | letter) & EACH(0x80)) == EACH(0x80);
}

/* Ids of hexadecimal digits, of which one is not 0. */
static bool is_id(const char *at, size_t size)
{
    bool any = false;
    for (size_t i = 0; i < size; i += 8) {
        if (!is_lower_hex(at + i))
            return false;
        any = any || memcmp(at + i, "00000000", 8) != 0;
    }
    return any;
}

static bool are_two_digits(const char *at)
{
    const char eight[] = { at[0], at[1], '0', '0', '0', '0', '0', '0' };
    return is_lower_hex(eight);
}

/* W3C Trace Context level 1, section 3.2.2: 00-<32>-<16>-<2>, lower case, ids not all zero, version not ff. */
bool polkai_envelope_trace_valid(polka_text trace)
{
    const char *t = trace.data;
    return t != NULL && trace.size >= POLKAI_TRACEPARENT && t[2] == '-' && t[35] == '-' && t[52] == '-' && are_two_digits(t) && memcmp(t, "ff", 2) != 0 &&
           is_id(t + POLKAI_TRACE_AT, 32) && is_id(t + POLKAI_PARENT_AT, 16) && are_two_digits(t + POLKAI_FLAGS_AT) &&
           (trace.size == POLKAI_TRACEPARENT || (memcmp(t, "00", 2) != 0 && t[55] == '-'));
}

static void id_bytes(polka_text id, uint8_t bytes[16])
{
    if (!polkai_uuid_read(id, bytes))
        polkai_uuid_derived(bytes, &id, 1);
}

void polkai_envelope_trace_write(char trace[POLKAI_TRACEPARENT + 1], polka_text cause, polka_text correlation_id, polka_text id)
{
    uint8_t bytes[16];
    memcpy(trace, "00-", 3);
    memcpy(trace + POLKAI_FLAGS_AT, "01", 3);
    if (polkai_envelope_trace_valid(cause)) {
        memcpy(trace + POLKAI_TRACE_AT, cause.data + POLKAI_TRACE_AT, 32);
        memcpy(trace + POLKAI_FLAGS_AT, cause.data + POLKAI_FLAGS_AT, 2);
    } else {
        id_bytes(correlation_id, bytes);
        polkai_hex(trace + POLKAI_TRACE_AT, bytes, 16);
    }
    id_bytes(id, bytes);
    polkai_hex(trace + POLKAI_PARENT_AT, bytes + 8, 8);
    trace[35] = trace[52] = '-';
}

polka_text polkai_envelope_trace(polka_text cause, polka_text correlation_id, polka_text id, polka_arena *arena)
{
    char *trace = polka_arena_alloc(arena, POLKAI_TRACEPARENT + 1);
    polkai_envelope_trace_write(trace, cause, correlation_id, id);
    return (polka_text){ POLKAI_TRACEPARENT, trace };
}

/* The last digit has four flags, of which it is the least. */
static unsigned last_digit(const char *trace)
{
    char digit = trace[POLKAI_FLAGS_AT + 1];
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

bool polkai_envelope_trace_sampled(const char *trace) { return (last_digit(trace) & 1) != 0; }

void polkai_envelope_trace_set_sampled(char *trace, bool sampled)
{
    trace[POLKAI_FLAGS_AT + 1] = "0123456789abcdef"[(last_digit(trace) & ~1U) | (sampled ? 1U : 0U)];
}

polka_text polkai_envelope_subject(polka_bytes key)
{
    bool readable = key.data != NULL && key.size <= POLKAI_HEADER_LIMIT && polkai_utf8_valid(key.data, key.size);
    return readable ? (polka_text){ key.size, (const char *)key.data } : (polka_text){ 0, NULL };
}

polka_text polkai_envelope_dataschema(uint64_t fingerprint, polka_arena *arena)
{
    char *text = polka_arena_alloc(arena, 6 + 17);
    memcpy(text, "polka:", 6);
    polkai_hex64(text + 6, fingerprint);
    return (polka_text){ 22, text };
}
