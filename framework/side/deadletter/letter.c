/* letter.c: the making of a dead letter. */
#include <base/arena.h>
#include <base/clock.h>
#include <base/identity.h>
#include <base/text.h>
#include <side/deadletter/letter.h>

enum { ADDED_HEADERS = 24 };

static bool is_ours(polka_text name)
{
    static const char *const ours[] = { "polka-letter-id", "polka-original-", "polka-consumer-group", "polka-handler", "polka-error-",
                                        "polka-attempts", "polka-first-failed-at", "polka-value-", "polka-range-", "kafka_dlt-" };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        size_t size = strlen(ours[i]);
        if (name.size >= size && memcmp(name.data, ours[i], size) == 0)
            return true;
    }
    return false;
}

typedef struct { polkai_header *headers; size_t count; polka_arena *arena; } letter_headers;

static void add(letter_headers *to, const char *name, polka_text value)
{
    to->headers[to->count++] = (polkai_header){ polka_text_of(name), { value.size, (const uint8_t *)value.data } };
}

static void add_big_endian(letter_headers *to, const char *name, int64_t number, size_t bytes)
{
    uint8_t *value = polka_arena_alloc(to->arena, bytes);
    for (size_t i = 0; i < bytes; i++)
        value[i] = (uint8_t)((uint64_t)number >> (8 * (bytes - 1 - i)));
    to->headers[to->count++] = (polkai_header){ polka_text_of(name), { bytes, value } };
}

static void add_origin(letter_headers *to, const polkai_letter *from)
{
    const polkai_record *record = from->record;
    add(to, "polka-letter-id", polkai_arena_format(to->arena, "%s/%.*s/%" PRId32 "/%" PRId64 "/%.*s", from->group, POLKA_TEXT_ARGS(record->topic),
                                                   record->partition, polkai_record_first(record), POLKA_TEXT_ARGS(from->reaction)));
    add(to, "polka-original-topic", record->topic);
    add(to, "polka-original-partition", polkai_arena_format(to->arena, "%" PRId32, record->partition));
    add(to, "polka-original-offset", polkai_arena_format(to->arena, "%" PRId64, polkai_record_first(record)));
    add(to, "polka-original-timestamp", polkai_arena_format(to->arena, "%" PRId64, record->timestamp_ms));
    add(to, "polka-consumer-group", polka_text_of(from->group));
    add(to, "polka-handler", from->reaction);
}

static void add_error(letter_headers *to, const polkai_letter *from)
{
    char *time = polka_arena_alloc(to->arena, 25);
    polkai_time_write(time, from->first_failed_ms);
    add(to, "polka-error-class", polka_text_of(from->error_class));
    add(to, "polka-error-code", polka_text_of(from->code));
    add(to, "polka-error-message", from->message);
    add(to, "polka-attempts", polkai_arena_format(to->arena, "%u", from->attempts));
    add(to, "polka-first-failed-at", (polka_text){ 24, time });
}

/* Spring Kafka's set, which other tools read (KafkaHeaders: DLT_ORIGINAL_PARTITION is an int, _OFFSET and _TIMESTAMP are longs). */
static void add_spring(letter_headers *to, const polkai_letter *from)
{
    add(to, "kafka_dlt-original-topic", from->record->topic);
    add_big_endian(to, "kafka_dlt-original-partition", from->record->partition, 4);
    add_big_endian(to, "kafka_dlt-original-offset", polkai_record_first(from->record), 8);
    add_big_endian(to, "kafka_dlt-original-timestamp", from->record->timestamp_ms, 8);
    add(to, "kafka_dlt-original-timestamp-type", POLKA_TEXT("CreateTime"));
    add(to, "kafka_dlt-original-consumer-group", polka_text_of(from->group));
    add(to, "kafka_dlt-exception-fqcn", polkai_arena_format(to->arena, "polka.%s", from->code));
    add(to, "kafka_dlt-exception-message", from->message);
}

/* Not one record but a range of them, and no bytes of it: where to look once it can be read. */
static void add_range(letter_headers *to, const polkai_record *record)
{
    add(to, "polka-value-omitted", POLKA_TEXT("unreadable"));
    add(to, "polka-range-from", polkai_arena_format(to->arena, "%" PRId64, record->unread->first));
    add(to, "polka-range-to", polkai_arena_format(to->arena, "%" PRId64, record->offset + 1));
}

static void add_what_is_left_out(letter_headers *to, const polkai_record *record)
{
    uint8_t digest[POLKA_SHA256_BYTES];
    char *hex = polka_arena_alloc(to->arena, 2 * POLKA_SHA256_BYTES + 1);
    polkai_sha256(record->value.data, record->value.size, digest);
    polkai_hex(hex, digest, POLKA_SHA256_BYTES);
    add(to, "polka-value-omitted", POLKA_TEXT("too-large"));
    add(to, "polka-value-size", polkai_arena_format(to->arena, "%zu", record->value.size));
    add(to, "polka-value-sha256", (polka_text){ 2 * POLKA_SHA256_BYTES, hex });
}

void polkai_letter_write(const polkai_letter *from, polka_arena *arena, polkai_record *letter)
{
    const polkai_record *record = from->record;
    letter_headers to = { .headers = polkai_arena_zeroed(arena, record->header_count + ADDED_HEADERS, sizeof(polkai_header)), .arena = arena };
    for (size_t i = 0; i < record->header_count; i++)
        if (!is_ours(record->headers[i].name))
            to.headers[to.count++] = record->headers[i];
    add_origin(&to, from);
    add_error(&to, from);
    add_spring(&to, from);
    if (record->unread != NULL)
        add_range(&to, record);
    if (from->without_value)
        add_what_is_left_out(&to, record);
    *letter = (polkai_record){ .topic = polkai_letter_topic(record->topic, from->group, arena), .partition = -1, .key = record->key,
                               .value = from->without_value ? (polka_bytes){ 0, NULL } : record->value, .headers = to.headers,
                               .header_count = to.count };
}

polka_text polkai_letter_topic(polka_text topic, const char *group, polka_arena *arena)
{
    return polkai_arena_format(arena, "%.*s.%s.dlt", POLKA_TEXT_ARGS(topic), group);
}
