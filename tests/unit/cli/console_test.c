/* The merged log of `polka dev`: what a service's line becomes. */
#include <cli/console.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static int ends[2];

static void catch_output(void)
{
    fflush(stdout);
    cr_assert(pipe(ends) == 0 && dup2(ends[1], STDOUT_FILENO) >= 0);
}

static const char *line_of(const cli_console *console, const char *line, cli_line *told)
{
    static char text[4096];
    *told = cli_console_line(console, 0, "payments", line, strlen(line));
    ssize_t size = read(ends[0], text, sizeof text - 1);
    cr_assert_gt(size, 0);
    text[size] = '\0';
    return text;
}

#define LINE "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"%s\",%s\"message\":\"words\"}"
#define ABOUT(REACTION) "\"event\":\"shop.OrderPlaced\",\"event_id\":\"e-1\",\"correlation_id\":\"c-1\",\"reaction\":\"" REACTION "\","

static const char *text_of(const char *level, const char *members, bool colour)
{
    cli_console console = { .colour = colour, .width = 8 };
    cli_line told;
    char line[512];
    snprintf(line, sizeof line, LINE, level, members);
    return line_of(&console, line, &told);
}

Test(console, names_event_correlation_and_a_reaction_with_a_name_of_its_own, .init = catch_output)
{
    cr_assert_str_eq(text_of("info", ABOUT("charge"), false), "00:00:01.000 payments words [shop.OrderPlaced c-1 charge]\n");
    cr_assert_str_eq(text_of("warn", ABOUT("shop.OrderPlaced"), false), "00:00:01.000 payments warn: words [shop.OrderPlaced c-1]\n");
    cr_assert_str_eq(text_of("info", "", false), "00:00:01.000 payments words\n");
}

Test(console, tints_service_level_and_what_a_line_is_about, .init = catch_output)
{
    cr_assert_str_eq(text_of("error", ABOUT("charge"), true),
                     "00:00:01.000 \033[36mpayments\033[0m \033[31merror: words\033[0m \033[2m[shop.OrderPlaced c-1 charge]\033[0m\n");
}

Test(console, keeps_json_as_it_is_where_nobody_looks, .init = catch_output)
{
    cli_console console;
    cli_line told;
    char line[512];
    cli_console_init(&console, true, 8);
    snprintf(line, sizeof line, LINE, "info", ABOUT("charge") "\"state\":\"ready\",");
    const char *shown = line_of(&console, line, &told);
    cr_assert_not_null(strstr(shown, "\"reaction\":\"charge\""), "%s", shown);
    cr_assert_not_null(strstr(shown, "\"service\":\"payments\""), "%s", shown);
    cr_assert(told.ready);
}

Test(console, shows_plain_words_behind_the_name, .init = catch_output)
{
    cli_console console;
    cli_line told;
    cli_console_init(&console, false, 8);
    const char *shown = line_of(&console, "plain \033[31mwords", &told);
    cr_assert_str_eq(shown + 12, " payments plain \\x1b[31mwords\n");
    cr_assert_not(told.ready);
}
