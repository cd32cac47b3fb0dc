/* memory_test.c: a body of a few bytes that would take very much memory as a value is poison, before the memory is taken. */
#include "codegen_events.h"

#include <base/arena.h>
#include <criterion/criterion.h>
#include <polka/wire.h>

#include <stdio.h>

enum { SIZE = 100000 };                  /* of a body; what is not set in it are zeros */
static const size_t most = POLKA_MEMORY_MAX + (size_t)64 * SIZE;

static uint8_t body[SIZE];
static size_t at;
static polka_arena arena;
static polka_error error;
static keys_album album;

static void begin(void)
{
    polkai_arena_init(&arena, NULL, 0);
}

static void end(void)
{
    polkai_arena_deinit(&arena);
}

TestSuite(memory, .init = begin, .fini = end);

static void count(size_t items)
{
    uint64_t raw = (uint64_t)items << 1;
    for (; raw >= 0x80; raw >>= 7)
        body[at++] = (uint8_t)(raw | 0x80);
    body[at++] = (uint8_t)raw;
}

/* Pages that are empty texts, two bytes each, leave less than one page. */
static void pages_that_take_all(void)
{
    count(most / sizeof *album.pages.items);
    at += 2 * (most / sizeof *album.pages.items);
    body[at++] = 0;
}

static polka_status decode(size_t size)
{
    return keys_album_event.codec->decode((polka_bytes){ size, body }, &arena, &album, &error);
}

static void refuses(const char *path)
{
    char message[200];
    snprintf(message, sizeof message, ": the value takes more than %zu bytes of memory (byte ", most);
    cr_assert_eq(decode(SIZE), POLKA_POISON, "it was read; expected: %s", path);
    cr_assert_str_eq(error.code, "bad-bytes");
    cr_assert_eq(strncmp(error.message, path, strlen(path)), 0, "%s", error.message);
    cr_assert_not_null(strstr(error.message, message), "%s", error.message);
}

Test(memory, what_is_within_the_bound_is_read)
{
    count(10000);
    at += 20000;
    cr_assert_eq(decode(at + 6), POLKA_OK, "%s", error.message);
    cr_assert_eq(album.pages.count, 10000);
}

Test(memory, many_items_of_one_large_branch)
{
    count(20000);
    refuses("keys.Album: pages:");
}

Test(memory, many_items_in_a_second_block)
{
    count(10000);
    at += 20000;
    count(10000);
    refuses("keys.Album: pages:");
}

Test(memory, many_entries_of_a_map)
{
    count(0);
    count(20000);
    refuses("keys.Album: named:");
}

Test(memory, what_may_be_null)
{
    pages_that_take_all();
    count(0);
    count(1);
    body[at++] = 0x02;
    refuses("keys.Album: frames[0]:");
}

Test(memory, a_branch_behind_a_pointer)
{
    pages_that_take_all();
    at += 3;
    for (size_t i = 0; i <= sizeof *album.pages.items / sizeof album; i++, at += 4)
        body[at++] = 0x04;
    refuses("keys.Album: last");
}

/* Each level announces all that the bytes behind it could be. */
Test(memory, many_items_at_every_level)
{
    while (at < SIZE / 2) {
        at += 3;
        count(5000);
    }
    refuses("keys.Album: ...[0].albums[0]");
}
