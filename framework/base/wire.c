/* wire.c: what wire.h does not do inline: failing, the rare forms of numbers and blocks, decimals. */
#include <polka/wire.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>

#include <stdio.h>

polka_reading_limits polka_read_limits = { .depth = POLKA_DEPTH_MAX, .empty_items = POLKA_EMPTY_ITEMS_MAX };

/* ---- failing ----------------------------------------------------------------------------------- */

/* Puts `piece` before the path; of a path that is too long the innermost part is kept. */
static void path_prepend(polka_failure *failure, const char *piece, size_t size)
{
    static const char dots[] = "...";
    size_t most = failure->path_at;
    bool joined = failure->path_at < sizeof failure->path && failure->path[failure->path_at] != '[';
    if (most < size + joined + sizeof dots) {
        if (most >= sizeof dots - 1 && (most == sizeof failure->path || memcmp(failure->path + most, dots, 3) != 0)) {
            failure->path_at -= 3;
            memcpy(failure->path + failure->path_at, dots, 3);
        }
        return;
    }
    if (joined)
        failure->path[--failure->path_at] = '.';
    failure->path_at -= size;
    memcpy(failure->path + failure->path_at, piece, size);
}

static void path_index(polka_failure *failure, size_t index)
{
    char piece[32];
    path_prepend(failure, piece, (size_t)snprintf(piece, sizeof piece, "[%zu]", index));
}

static void path_key(polka_failure *failure, polka_text key)
{
    char piece[80], shown[64];
    polkai_text_escape(shown, sizeof shown, key.data == NULL ? "" : key.data, key.data == NULL ? 0 : key.size, 48);
    path_prepend(failure, piece, (size_t)snprintf(piece, sizeof piece, "[\"%s\"]", shown));
}

void polka_read_fail(polka_reader *reader, const uint8_t *at, const char *format, ...)
{
    reader->failed_at = (size_t)(at - reader->start);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->failure.reason, sizeof reader->failure.reason, format, arguments);
    va_end(arguments);
}

const uint8_t *polka_read_in(polka_reader *reader, const char *field)
{
    path_prepend(&reader->failure, field, strlen(field));
    return NULL;
}

const uint8_t *polka_read_in_item(polka_reader *reader, size_t index)
{
    path_index(&reader->failure, index);
    return NULL;
}

const uint8_t *polka_read_in_entry(polka_reader *reader, polka_text key)
{
    path_key(&reader->failure, key);
    return NULL;
}

const uint8_t *polka_read_in_passed(polka_reader *reader, const uint8_t *key)
{
    uint64_t raw = 0;
    const uint8_t *text = polka_read_short(reader, key, &raw);
    return polka_read_in_entry(reader, (polka_text){ (size_t)(raw >> 1), (const char *)text });
}

polka_status polka_read_failed(polka_reader *reader, const uint8_t *at, const char *type)
{
    if (at != NULL)
        polka_read_fail(reader, at, "%zu bytes left over after the value", polka_read_left(reader, at));
    const polka_failure *failure = &reader->failure;
    size_t path_size = sizeof failure->path - failure->path_at;
    return polkai_fail(reader->error, POLKA_POISON, "bad-bytes", "%s: %.*s%s%s (byte %zu of %zu)", type, (int)path_size,
                       failure->path + failure->path_at, path_size == 0 ? "" : ": ", failure->reason, reader->failed_at,
                       (size_t)(reader->end - reader->start));
}

void polka_write_fail(polka_writer *writer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(writer->failure.reason, sizeof writer->failure.reason, format, arguments);
    va_end(arguments);
}

uint8_t *polka_write_in(polka_writer *writer, const char *field)
{
    path_prepend(&writer->failure, field, strlen(field));
    return NULL;
}

uint8_t *polka_write_in_item(polka_writer *writer, size_t index)
{
    path_index(&writer->failure, index);
    return NULL;
}

uint8_t *polka_write_in_entry(polka_writer *writer, polka_text key)
{
    path_key(&writer->failure, key);
    return NULL;
}

polka_status polka_write_failed(polka_writer *writer, const char *type)
{
    const polka_failure *failure = &writer->failure;
    size_t path_size = sizeof failure->path - failure->path_at;
    return polkai_fail(writer->error, POLKA_MISUSE, "bad-value", "%s: %.*s%s%s", type, (int)path_size,
                       failure->path + failure->path_at, path_size == 0 ? "" : ": ", failure->reason);
}

uint8_t *polka_write_text_fail(polka_writer *writer, polka_text text)
{
    polka_write_fail(writer, text.data == NULL ? "required, but not set (data is NULL)" : "text is not UTF-8");
    return NULL;
}

uint8_t *polka_write_number_fail(polka_writer *writer, const char *what, unsigned value, unsigned count)
{
    if (value == 0)
        polka_write_fail(writer, "%s required, but not set (0)", what);
    else
        polka_write_fail(writer, "%s value %u is not one of 1..%u", what, value, count);
    return NULL;
}

uint8_t *polka_write_items_fail(polka_writer *writer, size_t count)
{
    polka_write_fail(writer, "count is %zu, but items is NULL or that is too many", count);
    return NULL;
}

bool polka_utf8_check(const void *data, size_t size)
{
    return polkai_utf8_valid(data, size);
}

/* ---- reading ----------------------------------------------------------------------------------- */

const uint8_t *polka_read_varint_slow(polka_reader *reader, const uint8_t *at, uint64_t *raw)
{
    const uint8_t *from = at;
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (at == reader->end) {
            polka_read_fail(reader, from, "ends inside a number");
            return NULL;
        }
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1)
            break;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *raw = number;
            return at;
        }
    }
    polka_read_fail(reader, from, "number of more than 64 bits");
    return NULL;
}

const uint8_t *polka_read_block_sized(polka_reader *reader, const uint8_t *at, uint64_t raw, uint64_t *count, polka_block *block)
{
    /* -count, then the block's size in bytes. INT64_MIN has no positive twin; zigzag turns it into all ones. */
    if (raw == UINT64_MAX) {
        polka_read_fail(reader, at, "block count out of range");
        return NULL;
    }
    *count = (raw >> 1) + 1;
    size_t size;
    if ((at = polka_read_length(reader, at, &size)) == NULL)
        return NULL;
    block->end = at + size;
    return at;
}

bool polka_read_empty_items(polka_reader *reader, const uint8_t *at, uint64_t count)
{
    if (count > polka_read_limits.empty_items || reader->empty_items > polka_read_limits.empty_items - count) {
        polka_read_fail(reader, at, "more than %" PRIu64 " items that take no bytes", polka_read_limits.empty_items);
        return false;
    }
    reader->empty_items += count;
    return true;
}

void *polka_read_no_memory(polka_reader *reader, const uint8_t *at)
{
    polka_read_fail(reader, at, "the value takes more than %zu bytes of memory", POLKA_MEMORY_MAX + 64 * (size_t)(reader->end - reader->start));
    return NULL;
}

void *polka_read_more_room(polka_reader *reader, const uint8_t *at, void *items, size_t count, size_t more, size_t *room, size_t item_size)
{
    /* doubling, so that many small blocks cost no more than twice what one large block costs */
    size_t wanted = *room * 2 > count + more ? *room * 2 : count + more, bytes;
    if (__builtin_mul_overflow(wanted, item_size, &bytes))
        return polka_read_no_memory(reader, at);
    void *larger = polka_read_memory(reader, at, bytes);
    if (larger == NULL)
        return NULL;
    if (count > 0)
        memcpy(larger, items, count * item_size);
    *room = wanted;
    return larger;
}

static const uint8_t *read_big_endian(polka_reader *reader, const uint8_t *at, size_t size, int64_t *value)
{
    if (size == 0) {
        polka_read_fail(reader, at, "decimal of no bytes");
        return NULL;
    }
    const uint8_t *end = at + size;
    uint8_t sign = *at & 0x80 ? 0xff : 0;
    for (; end - at > 8; at++)
        if (*at != sign || ((at[1] ^ sign) & 0x80) != 0) {
            polka_read_fail(reader, at, "decimal does not fit into 64 bits");
            return NULL;
        }
    uint64_t number = sign == 0 ? 0 : UINT64_MAX;
    for (; at < end; at++)
        number = number << 8 | *at;
    *value = (int64_t)number;
    return end;
}

const uint8_t *polka_read_decimal(polka_reader *reader, const uint8_t *at, int64_t *value)
{
    size_t size;
    if ((at = polka_read_length(reader, at, &size)) == NULL)
        return NULL;
    return read_big_endian(reader, at, size, value);
}

const uint8_t *polka_read_decimal_fixed(polka_reader *reader, const uint8_t *at, size_t size, int64_t *value)
{
    if (polka_read_left(reader, at) < size) {
        polka_read_fail(reader, at, "%zu bytes expected, %zu remain", size, polka_read_left(reader, at));
        return NULL;
    }
    return read_big_endian(reader, at, size, value);
}

const uint8_t *polka_read_duration(polka_reader *reader, const uint8_t *at, polka_duration *value)
{
    uint8_t piece[12];
    if ((at = polka_read_piece(reader, at, sizeof piece, piece)) == NULL)
        return NULL;
    value->months = polka_load32(piece);
    value->days = polka_load32(piece + 4);
    value->millis = polka_load32(piece + 8);
    return at;
}

const uint8_t *polka_default_begin(polka_reader *inner, polka_reader *reader, const uint8_t *at, size_t size, const uint8_t *bytes)
{
    reader->default_bytes += size;
    if (reader->default_bytes > POLKA_DEFAULT_BYTES_MAX) {
        polka_read_fail(reader, at, "more than %zu bytes of defaults", POLKA_DEFAULT_BYTES_MAX);
        return NULL;
    }
    const uint8_t *first = polka_reader_begin(inner, (polka_bytes){ size, bytes }, reader->arena, true, reader->error);
    inner->empty_items = reader->empty_items;
    inner->memory_left = reader->memory_left;
    return first;
}

const uint8_t *polka_default_end(polka_reader *reader, const uint8_t *at, const polka_reader *inner, const uint8_t *inner_at)
{
    reader->empty_items = inner->empty_items;
    reader->memory_left = inner->memory_left;
    if (inner_at != NULL)
        return at;
    polka_read_fail(reader, at, "its default: %s", inner->failure.reason);
    return NULL;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static bool precise(polka_writer *writer, int64_t value, unsigned precision)
{
    uint64_t limit = 1, size = value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
    for (unsigned i = 0; i < precision; i++)
        limit *= 10;
    if (size < limit)
        return true;
    polka_write_fail(writer, "%" PRId64 " has more than the %u digits of this decimal", value, precision);
    return false;
}

static uint8_t *write_big_endian(uint8_t *at, int64_t value, size_t size)
{
    for (size_t i = size; i-- > 0;)
        *at++ = (uint8_t)(i >= 8 ? (value < 0 ? 0xff : 0) : (uint64_t)value >> (8 * i));
    return at;
}

/* The fewest bytes of two's complement that hold the value: as java.math.BigInteger writes it. */
static size_t big_endian_size(int64_t value)
{
    size_t size = 1;
    for (int64_t rest = value; rest > 127 || rest < -128; rest >>= 8)
        size++;
    return size;
}

uint8_t *polka_write_decimal(polka_writer *writer, uint8_t *at, int64_t value, unsigned precision)
{
    if (!precise(writer, value, precision))
        return NULL;
    size_t size = big_endian_size(value);
    return write_big_endian(polka_write_size(at, size), value, size);
}

uint8_t *polka_write_decimal_fixed(polka_writer *writer, uint8_t *at, size_t size, int64_t value, unsigned precision)
{
    if (!precise(writer, value, precision))
        return NULL;
    if (big_endian_size(value) > size) {
        polka_write_fail(writer, "%" PRId64 " does not fit into the %zu bytes of this decimal", value, size);
        return NULL;
    }
    return write_big_endian(at, value, size);
}

uint8_t *polka_write_duration(uint8_t *at, polka_duration value)
{
    polka_store32(at, value.months);
    polka_store32(at + 4, value.days);
    polka_store32(at + 8, value.millis);
    return at + 12;
}

/* ---- keys -------------------------------------------------------------------------------------- */

polka_status polka_key_text(const char *type, const char *path, polka_text text, polka_bytes *key, polka_error *error)
{
    ENSURE(text.data != NULL, POLKA_MISUSE, error, "bad-value", "%s: %s: the key is required, but not set", type, path);
    ENSURE(polkai_utf8_valid(text.data, text.size), POLKA_MISUSE, error, "bad-value", "%s: %s: the key is not UTF-8", type, path);
    *key = (polka_bytes){ text.size, (const uint8_t *)text.data };
    return POLKA_OK;
}

polka_status polka_key_bytes(const char *type, const char *path, polka_bytes bytes, polka_bytes *key, polka_error *error)
{
    ENSURE(bytes.data != NULL, POLKA_MISUSE, error, "bad-value", "%s: %s: the key is required, but not set", type, path);
    *key = bytes;
    return POLKA_OK;
}

polka_status polka_key_number(int64_t number, polka_arena *arena, polka_bytes *key)
{
    polka_text text = polkai_arena_format(arena, "%" PRId64, number);
    *key = (polka_bytes){ text.size, (const uint8_t *)text.data };
    return POLKA_OK;
}
