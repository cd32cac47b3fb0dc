/* url_test.c: escapes both ways, and credentials that are not shown. */
#include <base/arena.h>
#include <base/url.h>

#include <criterion/criterion.h>
#include <string.h>

Test(url, escapes_what_would_be_another_part_of_a_path)
{
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    cr_assert_str_eq(polkai_url_escape(&arena, "shop.Order-Placed_1~"), "shop.Order-Placed_1~");
    cr_assert_str_eq(polkai_url_escape(&arena, "a/b c?d#e%\xc3\xa9"), "a%2Fb%20c%3Fd%23e%25%C3%A9");
    polkai_arena_deinit(&arena);
}

Test(url, takes_escapes_out_again_and_refuses_broken_ones)
{
    char good[] = "a%2Fb%20c%c3%A9", cut[] = "a%2", wrong[] = "a%zz", null[] = "a%00b", last[] = "%";
    cr_assert(polkai_url_unescape(good));
    cr_assert_str_eq(good, "a/b c\xc3\xa9");
    cr_assert_not(polkai_url_unescape(cut));
    cr_assert_not(polkai_url_unescape(wrong));
    cr_assert_not(polkai_url_unescape(null), "the text would end there");
    cr_assert_not(polkai_url_unescape(last));
}

Test(url, masks_user_and_password_of_every_url_and_nothing_else)
{
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    cr_assert_str_eq(polkai_url_masked(&arena, "http://ann:hunter2@a:8081,https://b/p, http://x@c"), "http://***@a:8081,https://b/p, http://***@c");
    cr_assert_str_eq(polkai_url_masked(&arena, "http://ann:hun/ter2@a"), "http://***@a");
    cr_assert_str_eq(polkai_url_masked(&arena, "ann@example.org, no URL"), "ann@example.org, no URL");
    cr_assert_str_eq(polkai_url_masked(&arena, "http://"), "http://");
    cr_assert_str_eq(polkai_url_masked(&arena, ""), "");
    polkai_arena_deinit(&arena);
}
