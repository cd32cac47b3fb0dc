/* Standard input of `polka emit --data -`, and when each event is due at `--rate`. */
#include <cli/lines.h>
#include <cli/pace.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int writing;

static cli_lines a_pipe(void)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    writing = ends[1];
    return (cli_lines){ .descriptor = ends[0] };
}

static void put(cli_lines *lines, const char *text)
{
    cr_assert_eq(write(writing, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert(cli_lines_fill(lines, 0));
}

static void takes(cli_lines *lines, const char *text)
{
    polka_text line;
    cr_assert(cli_lines_take(lines, &line), "'%s' is not there", text);
    cr_assert(line.size == strlen(text) && memcmp(line.data, text, line.size) == 0, "'%.*s'", POLKA_TEXT_ARGS(line));
}

Test(lines, are_taken_one_by_one_however_they_come)
{
    polka_text line;
    cli_lines lines = a_pipe();
    cr_assert_not(cli_lines_fill(&lines, 0), "nothing has come, and nobody waits");
    put(&lines, "one\ntw");
    takes(&lines, "one");
    cr_assert_not(cli_lines_take(&lines, &line));
    put(&lines, "o");
    cr_assert_not(cli_lines_take(&lines, &line));
    put(&lines, "\n\nthree\r\nlast");
    takes(&lines, "two");
    takes(&lines, "");
    takes(&lines, "three\r");
    cr_assert_not(cli_lines_take(&lines, &line));
    cr_assert_not(lines.ended);
    close(writing);
    cr_assert(cli_lines_fill(&lines, 0));
    cr_assert(lines.ended);
    takes(&lines, "last");
    cr_assert_not(cli_lines_take(&lines, &line));
    cr_assert_not(cli_lines_fill(&lines, 0));
    cr_assert_eq(lines.failure, 0);
    cli_lines_free(&lines);
}

Test(lines, may_be_as_long_as_they_like_and_have_any_byte)
{
    enum { MANY = 200000 };
    char piece[1000];
    polka_text line;
    cli_lines lines = a_pipe();
    memset(piece, 0, sizeof piece);
    for (size_t sent = 0; sent < MANY; sent += sizeof piece) {
        cr_assert_not(cli_lines_take(&lines, &line));
        cr_assert_eq(write(writing, piece, sizeof piece), (ssize_t)sizeof piece);
        cr_assert(cli_lines_fill(&lines, 0));
    }
    put(&lines, "\nnext\n");
    cr_assert(cli_lines_take(&lines, &line));
    cr_assert_eq(line.size, MANY);
    takes(&lines, "next");
    cli_lines_free(&lines);
}

Test(lines, that_cannot_be_read_end_with_the_reason)
{
    cli_lines lines = { .descriptor = open("/", O_RDONLY | O_DIRECTORY) };
    polka_text line;
    cr_assert(cli_lines_fill(&lines, 0));
    cr_assert(lines.ended && lines.failure == EISDIR);
    cr_assert_not(cli_lines_take(&lines, &line));
    cli_lines_free(&lines);
}

/* ---- the pace ---- */

Test(pace, event_number_n_is_due_n_intervals_after_the_first)
{
    enum { BEGAN = 7000 };
    static const struct { int64_t index, after_ns; double rate; } rows[] = {
        { 0, 0, 20 }, { 1, 50000000, 20 }, { 5, 250000000, 20 }, { 3600, 3600000000000, 1 }, { 1, 2000000000, 0.5 },
        { 999999999, 999999999, 1e9 }, { 1000, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(cli_pace_due_ns(BEGAN, rows[i].index, rows[i].rate), BEGAN + rows[i].after_ns, "row %zu", i);
    cr_assert_eq(cli_pace_due_ns(BEGAN, INT64_MAX, 1e-9), INT64_MAX, "never, and not before the first");
}

Test(pace, waits_until_it_is_due_and_never_less)
{
    static const struct { int64_t due_ns, now_ns; int wait_ms; } rows[] = {
        { 0, 0, 0 }, { 0, 5, 0 }, { 1, 0, 1 }, { 1000000, 0, 1 }, { 1000001, 0, 2 }, { 49000000, 0, 49 }, { 51000000, 0, 50 }, { INT64_MAX, 1, 50 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(cli_pace_wait_ms(rows[i].due_ns, rows[i].now_ns, 50), rows[i].wait_ms, "row %zu", i);
}
