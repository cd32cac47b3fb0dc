/* The log: its two forms, which of them is chosen where, and what stands in a line of each. */
#include <base/log.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

typedef struct { int reading, writing; char text[4096]; } stage;

static stage a_pipe(void)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    return (stage){ .reading = ends[0], .writing = ends[1] };
}

/* A terminal that leaves line ends as they are. */
static stage a_terminal(void)
{
    stage on = { .reading = posix_openpt(O_RDWR | O_NOCTTY) };
    struct termios how;
    cr_assert(on.reading >= 0 && grantpt(on.reading) == 0 && unlockpt(on.reading) == 0);
    on.writing = open(ptsname(on.reading), O_RDWR | O_NOCTTY);
    cr_assert_eq(tcgetattr(on.writing, &how), 0);
    how.c_oflag &= ~(tcflag_t)OPOST;
    cr_assert_eq(tcsetattr(on.writing, TCSANOW, &how), 0);
    return on;
}

static int64_t one_second(const polkai_clock *clock) { (void)clock; return 1000; }

/* What one line looks like; it is read to its end. */
static const char *line_of(stage *on, polkai_log_format format, polkai_log_level level, const polkai_log_fields *fields)
{
    static const polkai_clock clock = { .wall_ms = one_second };
    polkai_log log;
    polkai_log_init(&log, on->writing, POLKAI_LOG_DEBUG, format, "payments");
    log.clock = &clock;
    polkai_log_write(&log, level, fields, "words");
    size_t size = 0;
    while (size == 0 || on->text[size - 1] != '\n') {
        ssize_t got = read(on->reading, on->text + size, sizeof on->text - 1 - size);
        cr_assert_gt(got, 0);
        size += (size_t)got;
    }
    on->text[size] = '\0';
    return on->text;
}

static const polkai_log_fields named = { .event = POLKA_TEXT_INIT("shop.OrderPlaced"), .event_id = POLKA_TEXT_INIT("e-1"), .correlation_id = POLKA_TEXT_INIT("c-1"),
                                         .reaction = POLKA_TEXT_INIT("charge") };
static const polkai_log_fields unnamed = { .event = POLKA_TEXT_INIT("shop.OrderPlaced"), .correlation_id = POLKA_TEXT_INIT("c-1"),
                                           .reaction = POLKA_TEXT_INIT("shop.OrderPlaced") };

/* ---- the choice ---- */

Test(log, is_text_on_a_terminal_and_json_in_a_pipe)
{
    unsetenv("NO_COLOR");
    stage terminal = a_terminal(), in_pipe = a_pipe();
    cr_assert_str_eq(line_of(&terminal, POLKAI_LOG_AUTO, POLKAI_LOG_INFO, NULL), "00:00:01.000 info  payments: words\n");
    cr_assert_str_eq(line_of(&in_pipe, POLKAI_LOG_AUTO, POLKAI_LOG_INFO, NULL),
                     "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"info\",\"service\":\"payments\",\"message\":\"words\"}\n");
}

Test(log, is_in_the_form_that_is_asked_for_wherever_it_goes)
{
    stage terminal = a_terminal(), in_pipe = a_pipe();
    cr_assert_eq(line_of(&terminal, POLKAI_LOG_JSON, POLKAI_LOG_WARN, NULL)[0], '{');
    cr_assert_str_eq(line_of(&in_pipe, POLKAI_LOG_TEXT, POLKAI_LOG_WARN, NULL), "00:00:01.000 warn  payments: words\n");
}

Test(log, has_colour_on_a_terminal_only_and_none_where_NO_COLOR_is_set)
{
    unsetenv("NO_COLOR");
    stage terminal = a_terminal();
    cr_assert_str_eq(line_of(&terminal, POLKAI_LOG_AUTO, POLKAI_LOG_ERROR, NULL), "\033[31m00:00:01.000 error payments: words\033[0m\n");
    cr_assert_str_eq(line_of(&terminal, POLKAI_LOG_AUTO, POLKAI_LOG_WARN, NULL), "\033[33m00:00:01.000 warn  payments: words\033[0m\n");
    cr_assert_eq(line_of(&terminal, POLKAI_LOG_JSON, POLKAI_LOG_ERROR, NULL)[0], '{');
    setenv("NO_COLOR", "", 1);
    cr_assert_eq(line_of(&terminal, POLKAI_LOG_AUTO, POLKAI_LOG_ERROR, NULL)[0], '\033', "an empty one counts as none (no-color.org)");
    setenv("NO_COLOR", "1", 1);
    cr_assert_str_eq(line_of(&terminal, POLKAI_LOG_AUTO, POLKAI_LOG_ERROR, NULL), "00:00:01.000 error payments: words\n");
}

/* ---- what a line is about ---- */

Test(log, as_text_names_event_correlation_and_a_reaction_with_a_name_of_its_own)
{
    static const polkai_log_fields no_flow = { .reaction = POLKA_TEXT_INIT("charge") };
    stage on = a_pipe();
    cr_assert_str_eq(line_of(&on, POLKAI_LOG_TEXT, POLKAI_LOG_INFO, &named), "00:00:01.000 info  payments: words [shop.OrderPlaced c-1 charge]\n");
    cr_assert_str_eq(line_of(&on, POLKAI_LOG_TEXT, POLKAI_LOG_INFO, &unnamed), "00:00:01.000 info  payments: words [shop.OrderPlaced c-1]\n");
    cr_assert_str_eq(line_of(&on, POLKAI_LOG_TEXT, POLKAI_LOG_INFO, &no_flow), "00:00:01.000 info  payments: words [charge]\n");
}

Test(log, as_json_names_event_id_correlation_and_reaction)
{
    stage on = a_pipe();
    json_t *line = json_loads(line_of(&on, POLKAI_LOG_JSON, POLKAI_LOG_INFO, &named), 0, NULL);
    static const char *const members[][2] = { { "event", "shop.OrderPlaced" }, { "event_id", "e-1" }, { "correlation_id", "c-1" }, { "reaction", "charge" } };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        cr_assert_str_eq(json_string_value(json_object_get(line, members[i][0])), members[i][1]);
    json_decref(line);
}

Test(log, says_of_hostile_names_as_much_as_is_safe)
{
    char name[300], about[POLKAI_LOG_ABOUT];
    memset(name, 1, sizeof name);
    polka_text hostile = { sizeof name, name }, other = { sizeof name - 1, name };
    size_t size = polkai_log_about(about, hostile, hostile, other);
    cr_assert_lt(size, POLKAI_LOG_ABOUT);
    cr_assert_eq(strlen(about), size);
    cr_assert_null(strchr(about, 1));
    cr_assert_eq(polkai_log_about(about, (polka_text){ 0, NULL }, (polka_text){ 0, "" }, (polka_text){ 0, NULL }), 0);
    cr_assert_str_eq(about, "");
}

Test(log, as_text_has_a_line_for_each_frame_of_a_stack)
{
    static const polka_text frames[] = { POLKA_TEXT_INIT("inner"), POLKA_TEXT_INIT("outer") };
    polkai_log_fields fields = { .stack = frames, .stack_count = 2 };
    stage on = a_pipe();
    cr_assert_str_eq(line_of(&on, POLKAI_LOG_TEXT, POLKAI_LOG_INFO, &fields), "00:00:01.000 info  payments: words\n    at inner\n    at outer\n");
}

Test(log, writes_one_json_object_a_line_whatever_is_in_it)
{
    stage on = a_pipe();
    polkai_log log;
    polkai_log_init(&log, on.writing, POLKAI_LOG_INFO, POLKAI_LOG_AUTO, "payments");
    polkai_log_fields fields = { .event = POLKA_TEXT("shop.\xff\n"), .correlation_id = POLKA_TEXT("c-1") };
    polkai_log_write(&log, POLKAI_LOG_DEBUG, NULL, "not written");
    polkai_log_write(&log, POLKAI_LOG_WARN, &fields, "a \"text\" with\na line");
    cr_assert_gt(read(on.reading, on.text, sizeof on.text - 1), 0);
    json_t *json = json_loads(on.text, 0, NULL);
    cr_assert_not_null(json, "%s", on.text);
    cr_assert_eq(strchr(on.text, '\n'), on.text + strlen(on.text) - 1);
    cr_assert_str_eq(json_string_value(json_object_get(json, "level")), "warn");
    cr_assert_str_eq(json_string_value(json_object_get(json, "service")), "payments");
    cr_assert_str_eq(json_string_value(json_object_get(json, "correlation_id")), "c-1");
    cr_assert_str_eq(json_string_value(json_object_get(json, "message")), "a \"text\" with\\x0aa line");
    json_decref(json);
}
