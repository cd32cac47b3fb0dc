/* The generated codec by hand: bytes as the Avro specification has them, refusals with the place, descriptors. */
#include "codegen_events.h"

#include <avro/canonical.h>
#include <base/arena.h>
#include <polka/wire.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES(...) ((polka_bytes){ sizeof((const uint8_t[]){ __VA_ARGS__ }), (const uint8_t[]){ __VA_ARGS__ } })

#define BYTES_OF(ARRAY) ((polka_bytes){ sizeof(ARRAY), (ARRAY) })
static const uint8_t everything_bytes[] = {
    0x02, 'A',                                           /* id "A" */
    0x00,                                                /* note null */
    0x02, 0x0a,                                          /* discount 5 */
    0x02, 0x06,                                          /* second_currency CZK */
    0x02, 0x02, 'M', 0x02, 'B',                          /* address "M", "B" */
    0x00,                                                /* parent null */
    0x02, 0x02, '4', 0x02,                               /* means: card "4", day 1 */
    0x04, 0xff, 0x00,                                    /* photo */
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,/* digest */
    0x04, 0x04, 0xd2,                                    /* price 12.34 */
    0x02, 0x01,                                          /* huge 0.0001 */
    1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0,                  /* validity */
    0x06, 0x08,                                          /* due 3, opens 4 */
    0x04, 0x02, 'x', 0x00, 0x00,                         /* tags "x", "" */
    0x02, 0x02, 'k', 0x01, 0x00,                         /* counts k: -1 */
    0x01,                                                /* gift */
    0, 0, 0, 0, 0, 0, 0xf0, 0x3f,                        /* weight 1.0 */
    0x02, 0x02, 's', 0x02, 0x04, 0x00,                   /* lines "s", 1, 2 */
    0x04, 0x02, 0x02, 0x00, 0x00, 0x00,                  /* matrix [1], [] */
    0x04, 0x00, 0x02, 0x0e, 0x00,                        /* seen null, 7 */
    0x00,                                                /* children */
    0x06, 0x00,                                          /* nothings: three */
    0x02, 0x02, 0x12, 0x00,                              /* reading: array of 9 */
};
enum { LINES = 74 };                                     /* offset of `lines` in them */

/* Kept at file scope, as the value only points to them. */
static const shop_order_line one_line[] = { { POLKA_TEXT_INIT("s"), 1, 2 } };
static const polka_text two_tags[] = { POLKA_TEXT_INIT("x"), POLKA_TEXT_INIT("") };
static const polka_long_entry one_count[] = { { POLKA_TEXT_INIT("k"), -1 } };
static const int32_t one[] = { 1 }, nine[] = { 9 };
static const polka_int_array two_rows[] = { { 1, one }, { 0, NULL } };
static const int64_t five = 5, seven = 7;
static const int64_t *const null_and_seven[] = { NULL, &seven };
static const shop_currency czk = SHOP_CURRENCY_CZK;
static const shop_address address = { POLKA_TEXT_INIT("M"), POLKA_TEXT_INIT("B") };
static const uint8_t photo[] = { 0xff, 0x00 }, huge[] = { 0x01 };

static shop_everything everything(void)
{
    return (shop_everything){
        .id = POLKA_TEXT("A"), .discount = &five, .second_currency = &czk, .address = &address,
        .means = { SHOP_EVERYTHING_MEANS_CARD, .as.card = { POLKA_TEXT("4"), 1 } },
        .photo = { 2, photo }, .digest = { { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 } },
        .price_e2 = 1234, .huge_e4 = { 1, huge }, .validity = { 1, 2, 3 }, .due_days = 3, .opens_us = 4,
        .tags = { 2, two_tags }, .counts = { 1, one_count }, .gift = true, .weight = 1.0, .lines = { 1, one_line },
        .matrix = { 2, two_rows }, .seen = { 2, null_and_seven }, .nothings = { 3 },
        .reading = { SHOP_EVERYTHING_READING_ARRAY, .as.array = { 1, nine } },
    };
}

static polka_arena arena;
static polka_error error;
static void start(void) { polkai_arena_init(&arena, NULL, 0); }
static void end(void) { polkai_arena_deinit(&arena); }
#define CASE(NAME) Test(codec, NAME, .init = start, .fini = end)

static polka_status encode(const polka_event *event, const void *value, polka_bytes *bytes)
{
    polka_buffer buffer = { .arena = &arena };
    polka_status status = event->codec->encode(value, &buffer, &error);
    *bytes = (polka_bytes){ buffer.size, buffer.data };
    return status;
}

/* From a copy of exactly its size that is gone before the value is looked at. */
static polka_status decode(const polka_event *event, polka_bytes body, void *value)
{
    uint8_t *exact = malloc(body.size == 0 ? 1 : body.size);
    if (body.size > 0)
        memcpy(exact, body.data, body.size);
    polka_status status = event->codec->decode((polka_bytes){ body.size, exact }, &arena, value, &error);
    free(exact);
    return status;
}

static void refuses(const polka_event *event, polka_bytes body, const char *message)
{
    void *value = polkai_arena_zeroed(&arena, 1, event->value_size);
    cr_assert_eq(decode(event, body, value), POLKA_POISON, "it was read; expected: %s", message);
    cr_assert_str_eq(error.code, "bad-bytes");
    cr_assert_str_eq(error.message, message);
}

static void misuses(const shop_everything *value, const char *message)
{
    polka_bytes bytes;
    cr_assert_eq(encode(&shop_everything_event, value, &bytes), POLKA_MISUSE, "it was written; expected: %s", message);
    cr_assert_str_eq(error.code, "bad-value");
    cr_assert_str_eq(error.message, message);
}

/* ---- what is right ----------------------------------------------------------------------------- */

CASE(writes_every_type_as_the_specification_says)
{
    shop_everything value = everything();
    polka_bytes bytes;
    cr_assert_eq(encode(&shop_everything_event, &value, &bytes), POLKA_OK, "%s", error.message);
    cr_assert_eq(bytes.size, sizeof everything_bytes);
    cr_assert_arr_eq(bytes.data, everything_bytes, sizeof everything_bytes);
}

CASE(reads_every_type_into_memory_of_its_own)
{
    shop_everything v;
    memset(&v, 0xa5, sizeof v);
    cr_assert_eq(decode(&shop_everything_event, (polka_bytes){ sizeof everything_bytes, everything_bytes }, &v), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(v.id.data, "A");
    cr_assert_null(v.note.data);
    cr_assert_eq(*v.discount, 5);
    cr_assert_eq(*v.second_currency, SHOP_CURRENCY_CZK);
    cr_assert_str_eq(v.address->city.data, "B");
    cr_assert_null(v.parent);
    cr_assert_eq(v.means.tag, SHOP_EVERYTHING_MEANS_CARD);
    cr_assert_str_eq(v.means.as.card.number.data, "4");
    cr_assert_eq(v.means.as.card.expiry_days, 1);
    cr_assert_eq(v.photo.size, 2);
    cr_assert_eq(v.photo.data[0], 0xff);
    cr_assert_eq(v.digest.bytes[15], 15);
    cr_assert_eq(v.price_e2, 1234);
    cr_assert_eq(v.huge_e4.data[0], 1);
    cr_assert(v.validity.months == 1 && v.validity.days == 2 && v.validity.millis == 3);
    cr_assert(v.due_days == 3 && v.opens_us == 4);
    cr_assert_eq(v.tags.count, 2);
    cr_assert_str_eq(v.tags.items[0].data, "x");
    cr_assert(v.tags.items[1].size == 0 && v.tags.items[1].data != NULL, "an empty text is not null");
    cr_assert_eq(*polka_long_map_get(v.counts, POLKA_TEXT("k")), -1);
    cr_assert(v.gift);
    cr_assert_float_eq(v.weight, 1.0, 0);
    cr_assert_eq(v.lines.items[0].unit_price, 2);
    cr_assert(v.matrix.count == 2 && v.matrix.items[0].items[0] == 1 && v.matrix.items[1].count == 0);
    cr_assert(v.seen.items[0] == NULL && *v.seen.items[1] == 7);
    cr_assert(v.children.count == 0 && v.nothings.count == 3);
    cr_assert(v.reading.tag == SHOP_EVERYTHING_READING_ARRAY && v.reading.as.array.items[0] == 9);
}

CASE(joins_blocks_and_reads_announced_sizes)
{
    polka_bytes tail = { sizeof everything_bytes - LINES, everything_bytes + LINES };
    /* lines in three blocks, the second with its size in bytes */
    const uint8_t lines[] = { 0x02, 0x02, 'a', 0x02, 0x02, 0x01, 0x08, 0x02, 'b', 0x04, 0x04, 0x04, 0x02, 'c', 0x06, 0x06, 0x02, 'd', 0x08, 0x08, 0x00 };
    uint8_t body[256];
    memcpy(body, everything_bytes, LINES);
    memcpy(body + LINES, lines, sizeof lines);
    memcpy(body + LINES + sizeof lines, tail.data + 6, tail.size - 6);
    shop_everything v;
    cr_assert_eq(decode(&shop_everything_event, (polka_bytes){ sizeof everything_bytes - 6 + sizeof lines, body }, &v), POLKA_OK, "%s", error.message);
    cr_assert_eq(v.lines.count, 4);
    for (int32_t i = 0; i < 4; i++) {
        cr_assert_eq(v.lines.items[i].sku.data[0], "abcd"[i]);
        cr_assert_eq(v.lines.items[i].quantity, i + 1);
    }
    body[LINES + 6] = 0x0a;                              /* the second block says five bytes and has four */
    refuses(&shop_everything_event, (polka_bytes){ sizeof everything_bytes - 6 + sizeof lines, body },
            "shop.Everything: lines: block does not end at its announced size (byte 85 of 113)");
}

CASE(writes_numbers_of_every_length_and_reads_them_back)
{
    for (unsigned bits = 0; bits < 64; bits++)
        for (int way = 0; way < 4; way++) {
            uint64_t edge = (UINT64_C(1) << bits) - (uint64_t)(way & 1);
            keys_keyed_by_number value = { { (int64_t)(way & 2 ? ~edge : edge) } }, back;
            polka_bytes bytes;
            cr_assert_eq(encode(&keys_keyed_by_number_event, &value, &bytes), POLKA_OK);
            uint64_t raw = (uint64_t)value.inner.number << 1 ^ (value.inner.number < 0 ? UINT64_MAX : 0);
            for (size_t i = 0; i < bytes.size; i++, raw >>= 7)
                cr_assert_eq(bytes.data[i], (raw & 0x7f) | (i + 1 < bytes.size ? 0x80 : 0));
            cr_assert_eq(raw, 0);
            cr_assert_eq(decode(&keys_keyed_by_number_event, bytes, &back), POLKA_OK, "%s", error.message);
            cr_assert_eq(back.inner.number, value.inner.number);
        }
}

CASE(carries_texts_of_every_length)
{
    for (size_t size = 0; size < 70; size++) {
        char data[70];
        memset(data, 'a' + (int)(size % 26), sizeof data);
        shop_everything value = everything(), back;
        value.id = value.note = (polka_text){ size, data };
        polka_bytes bytes;
        cr_assert_eq(encode(&shop_everything_event, &value, &bytes), POLKA_OK);
        cr_assert_eq(decode(&shop_everything_event, bytes, &back), POLKA_OK, "%s", error.message);
        cr_assert(polka_text_equal(back.id, value.id) && polka_text_equal(back.note, value.note));
        cr_assert_eq(strlen(back.id.data), size, "a NUL stands behind");
        for (size_t i = 0; i < size; i++) {              /* one byte that is not UTF-8, at each place */
            data[i] = (char)0xff;
            misuses(&value, "shop.Everything: id: text is not UTF-8");
            uint8_t *broken = polkai_arena_zeroed(&arena, 1, bytes.size);
            memcpy(broken, bytes.data, bytes.size);
            broken[(size < 64 ? 1 : 2) + i] = 0xff;
            cr_assert_eq(decode(&shop_everything_event, (polka_bytes){ bytes.size, broken }, &back), POLKA_POISON);
            data[i] = data[i == 0 ? size - 1 : 0];
        }
    }
}

CASE(checks_a_text_at_the_end_of_a_body_byte_by_byte)
{
    for (size_t size = 1; size < 40; size++)
        for (size_t i = 0; i < size; i++) {
            uint8_t body[41];
            keys_note note;
            memset(body, 'a', sizeof body);
            body[0] = (uint8_t)(2 * size);
            cr_assert_eq(decode(&keys_note_event, (polka_bytes){ size + 1, body }, &note), POLKA_OK, "%s", error.message);
            body[1 + i] = 0x80;
            cr_assert_eq(decode(&keys_note_event, (polka_bytes){ size + 1, body }, &note), POLKA_POISON, "byte %zu of %zu", i, size);
        }
}

CASE(reads_and_writes_text_beyond_ascii)
{
    shop_everything value = everything(), back;
    polka_bytes bytes;
    value.id = POLKA_TEXT("žluťoučký kůň 🎶");
    cr_assert_eq(encode(&shop_everything_event, &value, &bytes), POLKA_OK, "%s", error.message);
    cr_assert_eq(decode(&shop_everything_event, bytes, &back), POLKA_OK, "%s", error.message);
    cr_assert(polka_text_equal(back.id, value.id));
}

/* ---- what is misuse ---------------------------------------------------------------------------- */

CASE(names_the_field_that_is_not_set)
{
    shop_everything v = everything();
    v.id.data = NULL;
    misuses(&v, "shop.Everything: id: required, but not set (data is NULL)");
    v = everything();
    shop_order_line lines[] = { one_line[0], { .quantity = 1 } };
    v.lines = (shop_order_line_array){ 2, lines };
    misuses(&v, "shop.Everything: lines[1].sku: required, but not set (data is NULL)");
    v = everything();
    v.reading.tag = (shop_everything_reading_tag)0;
    misuses(&v, "shop.Everything: reading: union tag required, but not set (0)");
    v = everything();
    v.means.tag = (shop_everything_means_tag)9;
    misuses(&v, "shop.Everything: means: union tag value 9 is not one of 1..3");
    v = everything();
    shop_currency unset = (shop_currency)0;
    v.second_currency = &unset;
    misuses(&v, "shop.Everything: second_currency: enum required, but not set (0)");
    v = everything();
    shop_currency beyond = (shop_currency)(SHOP_CURRENCY_CZK + 1);
    v.second_currency = &beyond;
    misuses(&v, "shop.Everything: second_currency: enum value 5 is not one of 1..4");
    v = everything();
    v.tags.items = NULL;
    misuses(&v, "shop.Everything: tags: count is 2, but items is NULL or that is too many");
    v = everything();
    v.price_e2 = INT64_C(1000000000000);
    misuses(&v, "shop.Everything: price: 1000000000000 has more than the 12 digits of this decimal");
    v = everything();
    polka_long_entry counts[] = { { .value = 1 } };
    v.counts = (polka_long_map){ 1, counts };
    misuses(&v, "shop.Everything: counts[0]: required, but not set (data is NULL)");
    v = everything();
    shop_everything child = everything();
    child.huge_e4.data = NULL;
    shop_everything_entry children[] = { { POLKA_TEXT("first \"one\""), child } };
    v.children = (shop_everything_map){ 1, children };
    misuses(&v, "shop.Everything: children[\"first \"one\"\"].huge: required, but not set (data is NULL)");
}

CASE(refuses_a_value_beyond_all_reason_before_it_takes_memory)
{
    shop_everything v = everything();
    v.id.size = SIZE_MAX - 3;
    misuses(&v, "shop.Everything: the value takes more than 1073741824 bytes or nests deeper than 1000 levels");
    v = everything();
    v.matrix.count = SIZE_MAX;
    v.matrix.items = NULL;
    misuses(&v, "shop.Everything: matrix: count is 18446744073709551615, but items is NULL or that is too many");
    v = everything();
    v.nothings.count = 1000001;
    misuses(&v, "shop.Everything: nothings: count is 1000001, but items is NULL or that is too many");
}

CASE(writes_a_thousand_levels_and_no_more_and_never_loops)
{
    keys_tree *chain = polkai_arena_zeroed(&arena, 1001, sizeof *chain);
    for (size_t i = 0; i < 1000; i++)
        chain[i].next = &chain[i + 1];
    polka_bytes bytes;
    keys_tree back;
    cr_assert_eq(encode(&keys_tree_event, &chain[1], &bytes), POLKA_OK, "%s", error.message);
    cr_assert_eq(bytes.size, 1000);
    cr_assert_eq(decode(&keys_tree_event, bytes, &back), POLKA_OK, "%s", error.message);
    cr_assert_eq(encode(&keys_tree_event, &chain[0], &bytes), POLKA_MISUSE);
    keys_tree ring = { &ring };
    cr_assert_eq(encode(&keys_tree_event, &ring, &bytes), POLKA_MISUSE);
    shop_everything self = everything();
    shop_everything_entry entries[] = { { POLKA_TEXT("a"), self }, { POLKA_TEXT("b"), self } };
    entries[0].value.children = entries[1].value.children = self.children = (shop_everything_map){ 2, entries };
    entries[0].value.parent = entries[1].value.parent = self.parent = &self;
    cr_assert_eq(encode(&shop_everything_event, &self, &bytes), POLKA_MISUSE);
}

/* They are settings of a service (avro.max_depth, avro.max_empty_items). */
CASE(the_limits_of_reading_are_of_the_process)
{
    enum { LEVELS = 50 };
    keys_tree chain[LEVELS] = { { NULL } }, back;
    polka_bytes bytes;
    shop_everything v;
    for (int i = 0; i + 1 < LEVELS; i++)
        chain[i].next = &chain[i + 1];
    cr_assert_eq(encode(&keys_tree_event, &chain[0], &bytes), POLKA_OK);
    polka_read_limits = (polka_reading_limits){ .depth = LEVELS, .empty_items = 3 };
    cr_assert_eq(decode(&keys_tree_event, bytes, &back), POLKA_OK, "%s", error.message);
    cr_assert_eq(decode(&shop_everything_event, BYTES_OF(everything_bytes), &v), POLKA_OK, "%s", error.message);
    polka_read_limits = (polka_reading_limits){ .depth = LEVELS - 1, .empty_items = 2 };
    cr_assert_eq(decode(&keys_tree_event, bytes, &back), POLKA_POISON);
    cr_assert_not_null(strstr(error.message, "nested deeper than 49 levels"), "%s", error.message);
    cr_assert_eq(decode(&shop_everything_event, BYTES_OF(everything_bytes), &v), POLKA_POISON);
    cr_assert_not_null(strstr(error.message, "more than 2 items that take no bytes"), "%s", error.message);
}

/* ---- what is poison ---------------------------------------------------------------------------- */

static polka_bytes everything_with(size_t offset, uint8_t byte)
{
    uint8_t *copy = polkai_arena_zeroed(&arena, 1, sizeof everything_bytes);
    memcpy(copy, everything_bytes, sizeof everything_bytes);
    copy[offset] = byte;
    return (polka_bytes){ sizeof everything_bytes, copy };
}

CASE(says_why_where_and_in_which_field)
{
    const polka_event *event = &shop_everything_event;
    refuses(event, everything_with(1, 0xff), "shop.Everything: id: text is not UTF-8 (byte 1 of 98)");
    refuses(event, everything_with(0, 0x01), "shop.Everything: id: length -1, but 97 bytes remain (byte 0 of 98)");
    refuses(event, everything_with(0, 0x7e), "shop.Everything: id: text is not UTF-8 (byte 1 of 98)");
    refuses(event, everything_with(2, 0x04), "shop.Everything: note: union index 2 is not one of 0..1 (byte 2 of 98)");
    refuses(event, everything_with(6, 0x08), "shop.Everything: second_currency: enum index 4 is not one of 0..3 (byte 6 of 98)");
    refuses(event, everything_with(6, 0x01), "shop.Everything: second_currency: enum index -1 is not one of 0..3 (byte 6 of 98)");
    refuses(event, everything_with(LINES - 9, 0x02), "shop.Everything: gift: boolean is neither 0 nor 1 (byte 65 of 98)");
    refuses(event, everything_with(LINES + 2, 0x80), "shop.Everything: lines[0].sku: text is not UTF-8 (byte 76 of 98)");
    refuses(event, everything_with(LINES, 0x7e), "shop.Everything: lines: block of 63 items, but 23 bytes remain (byte 74 of 98)");
    refuses(event, (polka_bytes){ sizeof everything_bytes - 1, everything_bytes }, "shop.Everything: reading: ends inside a number (byte 97 of 97)");
    refuses(event, (polka_bytes){ 0, NULL }, "shop.Everything: id: ends inside a number (byte 0 of 0)");
    polka_bytes longer = { sizeof everything_bytes + 1, polkai_arena_zeroed(&arena, 1, sizeof everything_bytes + 1) };
    memcpy((uint8_t *)(uintptr_t)longer.data, everything_bytes, sizeof everything_bytes);
    refuses(event, longer, "shop.Everything: 1 bytes left over after the value (byte 98 of 99)");
}

CASE(never_reads_beyond_a_body_that_is_cut_anywhere)
{
    shop_everything v;
    for (size_t size = 0; size < sizeof everything_bytes; size++)
        cr_assert_eq(decode(&shop_everything_event, (polka_bytes){ size, everything_bytes }, &v), POLKA_POISON, "cut at %zu", size);
}

CASE(refuses_numbers_that_do_not_fit)
{
    refuses(&keys_keyed_by_number_event, BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02),
            "keys.KeyedByNumber: inner.number: number of more than 64 bits (byte 0 of 10)");
    refuses(&keys_keyed_by_number_event, BYTES(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
            "keys.KeyedByNumber: inner.number: number of more than 64 bits (byte 0 of 11)");
    /* line quantity: an int of 33 bits, the first beyond the range on either side; and 1 in six bytes */
    static const struct { size_t size; uint8_t quantity[6]; const char *number; } beyond[] = {
        { 5, { 0x80, 0x80, 0x80, 0x80, 0x10 }, "2147483648" }, { 5, { 0x81, 0x80, 0x80, 0x80, 0x10 }, "-2147483649" },
        { 6, { 0x82, 0x80, 0x80, 0x80, 0x80, 0x00 }, "1, in more than five bytes" } };
    for (size_t i = 0; i < 3; i++) {
        uint8_t body[sizeof everything_bytes + 5];
        char message[120];
        size_t size = beyond[i].size;
        memcpy(body, everything_bytes, LINES + 3);
        memcpy(body + LINES + 3, beyond[i].quantity, size);
        memcpy(body + LINES + 3 + size, everything_bytes + LINES + 4, sizeof everything_bytes - LINES - 4);
        snprintf(message, sizeof message, "shop.Everything: lines[0].quantity: int out of range: %s (byte 77 of %zu)", beyond[i].number, sizeof everything_bytes - 1 + size);
        refuses(&shop_everything_event, (polka_bytes){ sizeof everything_bytes - 1 + size, body }, message);
    }
}

CASE(refuses_a_decimal_that_does_not_fit_and_reads_one_with_leading_bytes)
{
    enum { PRICE = 36 };
    uint8_t body[sizeof everything_bytes + 8];
    const uint8_t padded[] = { 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 0xd2 };
    memcpy(body, everything_bytes, PRICE);
    memcpy(body + PRICE, padded, sizeof padded);
    memcpy(body + PRICE + sizeof padded, everything_bytes + PRICE + 3, sizeof everything_bytes - PRICE - 3);
    shop_everything v;
    cr_assert_eq(decode(&shop_everything_event, (polka_bytes){ sizeof body, body }, &v), POLKA_OK, "%s", error.message);
    cr_assert_eq(v.price_e2, 1234);
    const uint8_t two_to_63[] = { 0x12, 0, 0x80, 0, 0, 0, 0, 0, 0, 0 };
    memcpy(body + PRICE, two_to_63, sizeof two_to_63);
    memcpy(body + PRICE + sizeof two_to_63, everything_bytes + PRICE + 3, sizeof everything_bytes - PRICE - 3);
    refuses(&shop_everything_event, (polka_bytes){ sizeof body - 1, body }, "shop.Everything: price: decimal does not fit into 64 bits (byte 37 of 105)");
    memcpy(body + PRICE, padded, sizeof padded);
    memcpy(body + PRICE + sizeof padded, everything_bytes + PRICE + 3, sizeof everything_bytes - PRICE - 3);
    body[PRICE + 2] = 1;
    refuses(&shop_everything_event, (polka_bytes){ sizeof body, body }, "shop.Everything: price: decimal does not fit into 64 bits (byte 38 of 106)");
}

CASE(writes_a_decimal_in_the_fewest_bytes_and_refuses_one_of_none)
{
    static const struct { int64_t value; size_t size; uint8_t bytes[2]; } rows[] = {
        { 0, 1, { 0 } }, { 127, 1, { 0x7f } }, { 128, 2, { 0x00, 0x80 } }, { -1, 1, { 0xff } }, { -128, 1, { 0x80 } }, { -129, 2, { 0xff, 0x7f } } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keys_amount value = { rows[i].value }, back;
        polka_bytes bytes;
        cr_assert_eq(encode(&keys_amount_event, &value, &bytes), POLKA_OK, "%s", error.message);
        cr_assert_eq(bytes.size, 1 + rows[i].size);
        cr_assert_arr_eq(bytes.data + 1, rows[i].bytes, rows[i].size);
        cr_assert_eq(decode(&keys_amount_event, bytes, &back), POLKA_OK, "%s", error.message);
        cr_assert_eq(back.value_e2, rows[i].value);
    }
    refuses(&keys_amount_event, BYTES(0x00), "keys.Amount: value: decimal of no bytes (byte 1 of 1)");
}

CASE(bounds_what_takes_no_bytes_and_what_nests)
{
    uint8_t body[2048];
    memset(body, 0x02, sizeof body);
    body[999] = 0;
    keys_tree tree;
    cr_assert_eq(decode(&keys_tree_event, (polka_bytes){ 1000, body }, &tree), POLKA_OK, "%s", error.message);
    body[999] = 0x02;
    body[1000] = 0;
    cr_assert_eq(decode(&keys_tree_event, (polka_bytes){ 1001, body }, &tree), POLKA_POISON);
    cr_assert_not_null(strstr(error.message, "nested deeper than 1000 levels (byte 1000 of 1001)"), "%s", error.message);

    enum { NOTHINGS = sizeof everything_bytes - 6 };
    memcpy(body, everything_bytes, NOTHINGS);
    const uint8_t tail[] = { 0x02, 0x02, 0x12, 0x00 };
    const uint8_t million[] = { 0x80, 0x89, 0x7a, 0x00 }, more[] = { 0x82, 0x89, 0x7a, 0x00 }, least[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00 };
    memcpy(body + NOTHINGS, million, sizeof million);
    memcpy(body + NOTHINGS + sizeof million, tail, sizeof tail);
    shop_everything v;
    cr_assert_eq(decode(&shop_everything_event, (polka_bytes){ NOTHINGS + sizeof million + sizeof tail, body }, &v), POLKA_OK, "%s", error.message);
    cr_assert_eq(v.nothings.count, 1000000);
    memcpy(body + NOTHINGS, more, sizeof more);
    refuses(&shop_everything_event, (polka_bytes){ NOTHINGS + sizeof more + sizeof tail, body },
            "shop.Everything: nothings: more than 1000000 items that take no bytes (byte 92 of 100)");
    const uint8_t twice[] = { 0xc2, 0x84, 0x3d, 0xc0, 0x84, 0x3d, 0x00 };           /* 500,001 and 500,000 in two blocks */
    memcpy(body + NOTHINGS, twice, sizeof twice);
    memcpy(body + NOTHINGS + sizeof twice, tail, sizeof tail);
    refuses(&shop_everything_event, (polka_bytes){ NOTHINGS + sizeof twice + sizeof tail, body },
            "shop.Everything: nothings: more than 1000000 items that take no bytes (byte 95 of 103)");
    memcpy(body + NOTHINGS, least, sizeof least);
    refuses(&shop_everything_event, (polka_bytes){ NOTHINGS + sizeof least, body }, "shop.Everything: nothings: block count out of range (byte 102 of 103)");
}

/* ---- descriptors ------------------------------------------------------------------------------- */

static void key_is(const polka_event *event, const void *value, const char *expected)
{
    polka_bytes key;
    cr_assert_eq(event->codec->key(value, &arena, &key, &error), POLKA_OK, "%s", error.message);
    cr_assert(polka_text_equal((polka_text){ key.size, (const char *)key.data }, polka_text_of(expected)));
}

CASE(gives_the_key_as_text_or_raw_bytes)
{
    shop_everything v = everything();
    polka_bytes key;
    key_is(&shop_everything_event, &v, "A");
    key_is(&keys_keyed_by_number_event, &(keys_keyed_by_number){ { INT64_MIN } }, "-9223372036854775808");
    key_is(&keys_keyed_by_enum_event, &(keys_keyed_by_enum){ KEYS_COLOUR_GREEN }, "GREEN");
    key_is(&keys_keyed_by_fixed_event, &(keys_keyed_by_fixed){ { { 'h', 'i' } } }, "hi");
    cr_assert(keys_without_key_event.codec->key == NULL);
    v.id.data = NULL;
    cr_assert_eq(shop_everything_event.codec->key(&v, &arena, &key, &error), POLKA_MISUSE);
    cr_assert_str_eq(error.message, "shop.Everything: id: the key is required, but not set");
    cr_assert_eq(keys_keyed_by_enum_event.codec->key(&(keys_keyed_by_enum){ (keys_colour)0 }, &arena, &key, &error), POLKA_MISUSE);
}

CASE(describes_the_newest_version_and_keeps_the_older_ones)
{
    const polka_event *event = &shop_everything_event;
    cr_assert_str_eq(event->name, "shop.Everything");
    cr_assert_str_eq(event->topic, "shop.everything");
    cr_assert_str_eq(event->key, "id");
    cr_assert_eq(event->version, 2);
    cr_assert(!event->final && keys_without_key_event.final);
    cr_assert_eq(event->value_size, sizeof(shop_everything));
    cr_assert_eq(event->codec->older_count, 1);
    cr_assert_eq(event->codec->older[0].version, 1);
    polkai_schema_set *set = polkai_schema_set_create();
    const polkai_schema *schema;
    cr_assert_eq(polkai_schema_parse(set, polka_text_of(event->schema), NULL, &schema, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(polkai_schema_fingerprint(schema), event->fingerprint);
    polkai_schema_set_destroy(set);
    set = polkai_schema_set_create();
    cr_assert_eq(polkai_schema_parse(set, polka_text_of(event->codec->older[0].schema), NULL, &schema, &error), POLKA_OK, "%s", error.message);
    cr_assert_eq(polkai_schema_fingerprint(schema), event->codec->older[0].fingerprint);
    cr_assert_eq(schema->count, 1);
    polkai_schema_set_destroy(set);
}

static polka_outcome count_tags(polka_context *ctx, const shop_everything *v)
{
    return ctx == NULL && v->tags.count == 2 ? POLKA_DONE : POLKA_DEAD;
}

CASE(calls_the_handler_with_the_value_and_tells_events_apart)
{
    shop_everything v = everything();
    cr_assert_eq(shop_everything_event.invoke((polka_function)count_tags, NULL, &v), POLKA_DONE);
    polka_any any = { &shop_everything_event, &v };
    cr_assert(shop_everything_in(&any) == &v && keys_tree_in(&any) == NULL);
    cr_assert_str_eq(shop_currency_name(SHOP_CURRENCY_GBP), "GBP");
    cr_assert_str_eq(shop_currency_name((shop_currency)0), "?");
    cr_assert_str_eq(shop_currency_name((shop_currency)5), "?");
}
