/* older_test.c: what version 1 of Grown wrote, by its own decoder: what comes of it, and what is refused where. */
#include "codegen_events.h"

#include <base/arena.h>
#include <criterion/criterion.h>
#include <polka/wire.h>

enum { MARK = 4000 };                    /* bytes of the default's text; 4004 encoded */

static polka_arena arena;
static shop_grown value;
static polka_error error;

static void begin(void)
{
    polkai_arena_init(&arena, NULL, 0);
}

static void end(void)
{
    polkai_arena_deinit(&arena);
    polka_read_limits = (polka_reading_limits){ POLKA_DEPTH_MAX, POLKA_EMPTY_ITEMS_MAX };
}

TestSuite(older, .init = begin, .fini = end);

static polka_status decode(const char *body, size_t size)
{
    return shop_grown_event.codec->older[0].decode((polka_bytes){ size, (const uint8_t *)body }, &arena, &value, &error);
}
#define DECODE(BODY) decode(BODY, sizeof BODY - 1)

static void refused(polka_status status, const char *message)
{
    cr_assert_eq(status, POLKA_POISON);
    cr_assert_str_eq(error.code, "bad-bytes");
    cr_assert_str_eq(error.message, message);
}

Test(older, fields_come_in_their_writers_order_and_what_is_new_has_its_default)
{
    cr_assert_eq(DECODE("\4hi" "\2\2k\2v\0" "\2\0" "\6\0" "\4\0" "\x0d"), POLKA_OK, "%s", error.message);
    cr_assert_str_eq(value.name.data, "hi");
    cr_assert_eq(value.number, -7);
    cr_assert_eq(value.parts.count, 2);
    cr_assert_eq(value.parts.items[1].marks.count, 1);
    cr_assert_eq(value.parts.items[1].marks.items[0].size, MARK);
    cr_assert_str_eq(value.state.data, "new");
}

Test(older, a_text_that_nobody_takes_is_still_looked_at)
{
    refused(DECODE("\4hi" "\2\2k\2\xff\0" "\0" "\0" "\0" "\0"), "shop.Grown: gone[\"k\"]: text is not UTF-8 (byte 7 of 13)");
}

Test(older, a_block_that_nobody_takes_ends_where_it_says)
{
    refused(DECODE("\4hi" "\1\6\2k\2v\0" "\0" "\0" "\0" "\0"), "shop.Grown: gone: block does not end at its announced size (byte 9 of 14)");
}

Test(older, a_number_that_is_wider_now_was_narrow_when_it_was_written)
{
    refused(DECODE("\4hi" "\0" "\0" "\0" "\0" "\x80\x80\x80\x80\x20"), "shop.Grown: number: int out of range: 4294967296 (byte 7 of 12)");
    refused(DECODE("\4hi" "\0" "\0" "\0" "\0" "\x82\x80\x80\x80\x80\0"), "shop.Grown: number: int out of range: 1, in more than five bytes (byte 7 of 13)");
}

Test(older, limits_hold_for_what_nobody_takes)
{
    polka_read_limits = (polka_reading_limits){ .depth = 2, .empty_items = 3 };
    cr_assert_eq(DECODE("\4hi" "\0" "\2\2\0" "\4\0" "\2\0" "\2"), POLKA_OK, "%s", error.message);
    refused(DECODE("\4hi" "\0" "\2\2\2\0" "\0" "\0" "\2"), "shop.Grown: tree.next.next: nested deeper than 2 levels (byte 7 of 11)");
    refused(DECODE("\4hi" "\0" "\0" "\4\0" "\4\0" "\2"), "shop.Grown: parts: more than 3 items that take no bytes (byte 7 of 10)");
}

/* Three bytes that stand for 20,000 records would else become as many copies of a default. */
Test(older, defaults_add_no_more_to_a_value_than_a_limit)
{
    char body[] = "\4hi" "\0" "\0" "\0" "\xc0\xb8\2\0" "\2";
    refused(decode(body, sizeof body - 1), "shop.Grown: parts[16760].marks: more than 67108864 bytes of defaults (byte 9 of 11)");
}
