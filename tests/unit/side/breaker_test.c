/* breaker_test.c: the lines that the last moments of a process leave, and what is counted of them. */
#include <base/arena.h>
#include <base/random.h>
#include <side/breaker/ends.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const polkai_ending_event one = { POLKA_TEXT_INIT("cluster-1"), POLKA_TEXT_INIT("shop.orders"), POLKA_TEXT_INIT("shop.OrderPlaced"), 3, 17, 1767225600000 };

typedef struct { char text[64 * POLKAI_END_LINE]; size_t size; } file;

static void append(file *to, const polkai_ending_event *event, const char *how, int64_t at_ms)
{
    to->size += polkai_end_write(to->text + to->size, event, how, at_ms);
}

static unsigned count_in(polka_text text, const polkai_ending_event *event)
{
    polkai_ends *ends = polkai_ends_read(text);
    const polkai_ending *found = polkai_ends_find(ends, event);
    unsigned count = found == NULL ? 0 : found->count;
    polkai_ends_destroy(ends);
    return count;
}

static unsigned count_of(const file *from, const polkai_ending_event *event)
{
    return count_in((polka_text){ from->size, from->text }, event);
}

Test(breaker, counts_the_ends_at_one_event_and_says_how_they_were)
{
    file f = { .size = 0 };
    append(&f, &one, "SIGSEGV", 1000);
    append(&f, &one, "SIGABRT", 2000);
    append(&f, &one, "deadline", 3000);
    append(&f, &one, "SIGBUS", 4000);
    polkai_ends *ends = polkai_ends_read((polka_text){ f.size, f.text });
    cr_assert_eq(ends->count, 1);
    cr_assert_eq(ends->spoilt, 0);
    const polkai_ending *found = polkai_ends_find(ends, &one);
    cr_assert_not_null(found);
    cr_expect_eq(found->count, 4);
    cr_expect_eq(found->first_ms, 1000);
    cr_expect_eq(found->last_ms, 4000);
    cr_expect_str_eq(found->how[0], "SIGBUS");
    cr_expect_str_eq(found->how[1], "deadline");
    cr_expect_str_eq(found->how[2], "SIGABRT");
    polkai_ends_destroy(ends);
}

Test(breaker, tells_events_apart_by_everything_that_makes_one)
{
    file f = { .size = 0 };
    polkai_ending_event others[] = { one, one, one, one, one, one };
    others[0].cluster = POLKA_TEXT("cluster-2");
    others[1].topic = POLKA_TEXT("shop.order");
    others[2].reaction = POLKA_TEXT("audit");
    others[3].partition = 4;
    others[4].offset = 18;
    others[5].timestamp_ms++;            /* the same offset of a topic that was made anew */
    append(&f, &one, "SIGSEGV", 1);
    for (size_t i = 0; i < 6; i++)
        cr_expect_eq(count_of(&f, &others[i]), 0, "%zu", i);
    for (size_t i = 0; i < 6; i++)
        append(&f, &others[i], "SIGSEGV", 1);
    for (size_t i = 0; i < 6; i++)
        cr_expect_eq(count_of(&f, &others[i]), 1, "%zu", i);
    cr_expect_eq(count_of(&f, &one), 1);
}

Test(breaker, loses_by_a_line_that_was_cut_off_nothing_but_that_line)
{
    file whole = { .size = 0 };
    append(&whole, &one, "SIGSEGV", 1);
    for (size_t cut = 0; cut < whole.size; cut++) {
        file f = whole;
        append(&f, &one, "SIGSEGV", 2);
        f.size = whole.size + cut;
        append(&f, &one, "SIGSEGV", 3);
        cr_expect_eq(count_of(&f, &one), cut > 1 && cut == whole.size - 1 ? 3 : 2, "cut after %zu bytes", cut);
    }
}

Test(breaker, takes_no_line_of_which_a_byte_has_changed)
{
    file whole = { .size = 0 };
    append(&whole, &one, "SIGSEGV", 1);
    for (size_t at = 1; at + 1 < whole.size; at++) {
        file f = whole;
        f.text[at] ^= 1;
        cr_expect_eq(count_of(&f, &one), 0, "byte %zu", at);
    }
}

Test(breaker, keeps_names_of_any_bytes_apart_from_the_line)
{
    file f = { .size = 0 };
    char longest[400];
    memset(longest, 'x', sizeof longest);
    polkai_ending_event odd = { { 3, "a\nb" }, { sizeof longest, longest }, { 12, "say \"hi\\\" \xc3\xa4" }, INT32_MAX, INT64_MAX, INT64_MIN };
    polkai_ending_event bare = { .partition = 0, .offset = 0 };
    append(&f, &odd, "a word that is far too long", INT64_MAX);
    append(&f, &bare, "SIGFPE", 0);
    cr_expect_eq(count_of(&f, &odd), 1);
    cr_expect_eq(count_of(&f, &bare), 1);
    cr_expect_null(memchr(f.text, '"', f.size));
}

Test(breaker, forgets_what_is_done_and_writes_the_rest_again)
{
    file f = { .size = 0 };
    polkai_ending_event later = one, elsewhere = one;
    later.offset = 20;
    elsewhere.partition = 5;
    for (int i = 0; i < 5; i++)
        append(&f, &later, i < 3 ? "SIGSEGV" : "deadline", 100 + i);
    append(&f, &one, "SIGSEGV", 1);
    append(&f, &elsewhere, "SIGILL", 1);
    polkai_ends *ends = polkai_ends_read((polka_text){ f.size, f.text });
    cr_expect_eq(polkai_ends_forget(ends, one.topic, one.partition, 17), 0);
    cr_expect_eq(polkai_ends_forget(ends, one.topic, one.partition, 20), 1);
    char *text;
    size_t size = polkai_ends_write(ends, &text);
    cr_expect_eq(count_in((polka_text){ size, text }, &one), 0);
    cr_expect_eq(count_in((polka_text){ size, text }, &later), 5);
    cr_expect_eq(count_in((polka_text){ size, text }, &elsewhere), 1);
    polkai_ends *again = polkai_ends_read((polka_text){ size, text });
    cr_expect_str_eq(polkai_ends_find(again, &later)->how[0], "deadline");
    cr_expect_eq(polkai_ends_find(again, &later)->first_ms, 100);
    cr_expect_eq(polkai_ends_find(again, &later)->last_ms, 104);
    free(text);
    polkai_ends_destroy(again);
    polkai_ends_destroy(ends);
}

Test(breaker, holds_no_more_than_its_share_of_a_file_of_any_size_and_the_latest_count)
{
    enum { LINES = 3 * POLKAI_ENDS_MOST };
    char *text = malloc(LINES * POLKAI_END_LINE);
    size_t size = 0;
    polkai_ending_event event = one;
    for (int i = 0; i < LINES; i++) {
        event.partition = i;
        size += polkai_end_write(text + size, &event, "SIGSEGV", i);
    }
    polkai_ends *ends = polkai_ends_read((polka_text){ size, text });
    cr_expect_leq(ends->count, POLKAI_ENDS_MOST);
    cr_expect_not_null(polkai_ends_find(ends, &event));
    polkai_ends_destroy(ends);
    free(text);
}

Test(breaker, reads_nothing_out_of_noise)
{
    polkai_random random;
    polkai_random_seed(&random, 5);
    for (int round = 0; round < 2000; round++) {
        char noise[600];
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = "end 0123456789abcdef-\n\n SIG"[polkai_random_next(&random) % 27];
        polkai_ends *ends = polkai_ends_read((polka_text){ sizeof noise, noise });
        cr_expect_eq(ends->count, 0);
        polkai_ends_destroy(ends);
    }
}
