#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>

#include <criterion/criterion.h>

/* ---- arena ---- */

Test(arena, gives_aligned_memory_that_does_not_overlap)
{
    uint8_t first[64];
    polka_arena arena;
    polkai_arena_init(&arena, first, sizeof first);
    uint8_t *before = NULL;
    for (size_t size = 1; size < 40000; size += 977) {
        uint8_t *memory = polka_arena_alloc(&arena, size);
        cr_assert_eq((uintptr_t)memory % 8, 0);
        memset(memory, (int)size, size);
        cr_assert(before == NULL || before[0] == (uint8_t)(size - 977));
        before = memory;
    }
    polkai_arena_deinit(&arena);
}

Test(arena, grows_a_buffer_and_keeps_what_was_written)
{
    polka_arena arena = { NULL, NULL, NULL };
    polka_buffer buffer = { .arena = &arena };
    for (size_t i = 0; i < 10000; i++) {
        *polka_buffer_reserve(&buffer, 1) = (uint8_t)i;
        buffer.size++;
    }
    for (size_t i = 0; i < 10000; i++)
        cr_assert_eq(buffer.data[i], (uint8_t)i);
    polkai_arena_deinit(&arena);
}

Test(arena, grows_a_buffer_where_it_is_unless_something_came_behind_it)
{
    _Alignas(8) uint8_t first[1024];
    polka_arena arena;
    polkai_arena_init(&arena, first, sizeof first);
    polka_buffer buffer = { .arena = &arena };
    uint8_t *place = polka_buffer_reserve(&buffer, 100);
    memset(place, 7, 100);
    buffer.size = 100;
    cr_assert_eq(polka_buffer_reserve(&buffer, 200), place + 100);
    uint8_t *behind = polka_arena_alloc(&arena, 8);
    memset(behind, 9, 8);
    buffer.size = 300;
    uint8_t *moved = polka_buffer_reserve(&buffer, 300);
    cr_assert_neq(moved, place + 300);
    memset(moved, 8, 300);
    cr_assert(buffer.data[99] == 7 && behind[0] == 9 && behind[7] == 9);
    polkai_arena_deinit(&arena);
}

/* ---- text ---- */

Test(text, knows_utf8_from_what_only_looks_like_it)
{
    static const char *const valid[] = { "", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "a long text with an \xc3\xa9 in it" };
    static const char *const invalid[] = { "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "12345678\x80", "\xe2\x82" };
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        cr_assert(polkai_utf8_valid(valid[i], strlen(valid[i])), "%zu", i);
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        cr_assert(!polkai_utf8_valid(invalid[i], strlen(invalid[i])), "%zu", i);
}

Test(text, suggests_the_name_that_was_meant)
{
    static const char *const names[] = { "shop.OrderPlaced", "shop.OrderShipped", "shop.StockReserved" };
    cr_assert_str_eq(polkai_nearest("OrderPlacd", names, 3), "shop.OrderPlaced");
    cr_assert_str_eq(polkai_nearest("shop.orderplaced", names, 3), "shop.OrderPlaced");
    cr_assert_str_eq(polkai_nearest("OrderShippde", names, 3), "shop.OrderShipped");
    cr_assert_null(polkai_nearest("Invoice", names, 3));
}

Test(text, escapes_what_would_break_a_log_line)
{
    char out[64];
    polkai_text_escape(out, sizeof out, "a\nb\xff", 4, 100);
    cr_assert_str_eq(out, "a\\x0ab\\xff");
    char narrow[16];
    polkai_text_escape(narrow, sizeof narrow, "\1\2\3\4", 4, 100);
    cr_assert_str_eq(narrow, "\\x01\\x02...");
    cr_assert_eq(polkai_text_escape(narrow, 9, "a", 1, 1), 1u);
    polkai_text_escape(out, sizeof out, "abcdef", 6, 3);
    cr_assert_str_eq(out, "abc...");
}

Test(text, takes_only_topics_that_kafka_takes)
{
    char longest[POLKA_TOPIC_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_assert(!polkai_topic_valid(longest));
    longest[POLKA_TOPIC_MAX] = '\0';
    cr_assert(polkai_topic_valid(longest));
    cr_assert(polkai_topic_valid("shop.orders"));
    static const char *const invalid[] = { "", ".", "..", "^shop", "a b", "a/b", "\xc3\xa9" };
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        cr_assert(!polkai_topic_valid(invalid[i]), "%s", invalid[i]);
}

/* ---- time ---- */

Test(clock, writes_and_reads_the_same_time)
{
    static const struct { int64_t ms; const char *text; } times[] = {
        { 0, "1970-01-01T00:00:00.000Z" }, { 951782399999, "2000-02-28T23:59:59.999Z" }, { 951782400000, "2000-02-29T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" }, { 1767225600412, "2026-01-01T00:00:00.412Z" } };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[25];
        int64_t ms;
        polkai_time_write(text, times[i].ms);
        cr_assert_str_eq(text, times[i].text);
        cr_assert(polkai_time_read(text, 24, &ms));
        cr_assert_eq(ms, times[i].ms);
    }
}

Test(clock, reads_offsets_and_refuses_what_is_no_time)
{
    int64_t ms;
    cr_assert(polkai_time_read("2026-01-01T01:30:00+01:30", 25, &ms));
    cr_assert_eq(ms, 1767225600000);
    /* the 29th of February 2026 was once taken for a day */
    static const char *const invalid[] = { "", "2026-01-01", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
                                           "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx" };
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        cr_assert(!polkai_time_read(invalid[i], strlen(invalid[i]), &ms), "%s", invalid[i]);
}

/* ---- identity ---- */

Test(identity, hashes_keys_as_kafkas_java_client_does)
{
    /* org.apache.kafka.common.utils.UtilsTest, testMurmur2 */
    static const struct { const char *key; uint32_t hash; } known[] = {
        { "21", (uint32_t)-973932308 }, { "foobar", (uint32_t)-790332482 }, { "a-little-bit-long-string", (uint32_t)-985981536 },
        { "a-little-bit-longer-string", (uint32_t)-1486304829 }, { "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", (uint32_t)-58897971 } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_assert_eq(polkai_key_hash(known[i].key, strlen(known[i].key)), known[i].hash, "%s", known[i].key);
}

Test(identity, makes_uuids_of_their_version_and_reads_them_back)
{
    polkai_random random;
    uint8_t uuid[16], again[16];
    char text[POLKA_UUID_TEXT + 1];
    polkai_random_seed(&random, 1);
    polkai_uuid_v7(uuid, 1767225600000, &random);
    polkai_uuid_write(text, uuid);
    cr_assert_eq(text[14], '7');
    cr_assert(strchr("89ab", text[19]) != NULL);
    cr_assert(memcmp(text, "019b76da-a800", 13) == 0, "%s", text);
    cr_assert(polkai_uuid_read(polka_text_of(text), again));
    cr_assert(memcmp(uuid, again, 16) == 0);
    cr_assert(!polkai_uuid_read(POLKA_TEXT("019b76da-a800-7000-8000-00000000000g"), again));
}

Test(identity, tells_parts_apart_that_only_together_are_equal)
{
    uint8_t one[16], other[16];
    polkai_uuid_derived(one, (polka_text[]){ POLKA_TEXT("ab"), POLKA_TEXT("c") }, 2);
    polkai_uuid_derived(other, (polka_text[]){ POLKA_TEXT("a"), POLKA_TEXT("bc") }, 2);
    cr_assert(memcmp(one, other, 16) != 0);
    static char large[2000];
    memset(large, 'x', sizeof large);
    polkai_uuid_derived(one, (polka_text[]){ { sizeof large, large }, POLKA_TEXT("c") }, 2);
    polkai_uuid_derived(other, (polka_text[]){ { sizeof large, large }, POLKA_TEXT("d") }, 2);
    cr_assert(memcmp(one, other, 16) != 0);
}

/* ---- error ---- */

Test(error, adds_where_it_happened_before_what_happened)
{
    polka_error error;
    cr_assert_eq(polkai_fail(&error, POLKA_POISON, "bad", "what %d", 7), POLKA_POISON);
    polkai_error_where(&error, "in %s", "here");
    cr_assert_str_eq(error.message, "in here: what 7");
    cr_assert_eq(polkai_fail(NULL, POLKA_FATAL, "bad", "nobody listens"), POLKA_FATAL);
}
