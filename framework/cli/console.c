/* console.c: renders log lines; JSON stays JSON when nobody looks. */
#include <cli/console.h>

#include <base/clock.h>
#include <base/log.h>
#include <base/text.h>
#include <cli/terminal.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_LIMIT = 8192 };

void cli_console_init(cli_console *console, bool json, int width)
{
    *console = (cli_console){ .json = json, .colour = !json && cli_colour(STDOUT_FILENO), .width = width > 5 ? width : 5 };
}

static const char *tint(const cli_console *console, int index)
{
    static const char *const tints[] = { "\033[36m", "\033[33m", "\033[35m", "\033[32m", "\033[34m", "\033[96m", "\033[93m", "\033[95m", "\033[92m", "\033[94m" };
    return !console->colour ? "" : index < 0 ? "\033[1m" : tints[index % 10];
}

static const char *level_tint(const cli_console *console, const char *level)
{
    if (!console->colour || level == NULL)
        return "";
    return strcmp(level, "error") == 0 ? "\033[31m" : strcmp(level, "warn") == 0 ? "\033[33m" : strcmp(level, "debug") == 0 ? "\033[2m" : "";
}

static polka_text text_of(const json_t *fields, const char *name)
{
    const json_t *text = json_object_get(fields, name);
    return (polka_text){ json_string_length(text), json_string_value(text) };
}

static void print(const cli_console *console, int index, const char *service, const char *time, const char *level, const char *message, size_t size, const json_t *fields)
{
    const char *off = console->colour ? "\033[0m" : "", *tinted = level_tint(console, level);
    char text[LINE_LIMIT + 8], about[POLKAI_LOG_ABOUT];
    size_t known = polkai_log_about(about, text_of(fields, "event"), text_of(fields, "correlation_id"), text_of(fields, "reaction"));
    polkai_text_escape(text, sizeof text, message, size, LINE_LIMIT - 8);
    bool worth = level != NULL && strcmp(level, "info") != 0;
    printf("%.12s %s%-*s%s %s%s%s%s%s", strlen(time) >= 24 ? time + 11 : time, tint(console, index), console->width, service, off, tinted,
           worth ? level : "", worth ? ": " : "", text, *tinted != '\0' ? off : "");
    if (known > 0)
        printf(" %s%s%s", console->colour ? "\033[2m" : "", about, off);
    putchar('\n');
    fflush(stdout);
}

static void print_json(const char *service, const char *time, const char *level, json_t *fields, const char *message, size_t size)
{
    char text[LINE_LIMIT + 8];
    polkai_text_escape(text, sizeof text, message, size, LINE_LIMIT - 8);
    json_t *line = fields != NULL ? json_incref(fields) : json_pack("{s:s, s:s}", "time", time, "level", level);
    if (json_object_get(line, "service") == NULL)
        json_object_set_new(line, "service", json_string(service));
    if (fields == NULL)
        json_object_set_new(line, "message", json_string(text));
    cli_print_json(line);
}

cli_line cli_console_line(const cli_console *console, int index, const char *service, const char *line, size_t size)
{
    json_t *fields = size > 0 && line[0] == '{' ? json_loadb(line, size, 0, NULL) : NULL;
    const char *message = json_string_value(json_object_get(fields, "message")), *time = json_string_value(json_object_get(fields, "time"));
    const char *state = json_string_value(json_object_get(fields, "state"));
    cli_line told = { .ready = state != NULL && strcmp(state, "ready") == 0 };
    char now[25];
    polkai_time_write(now, polkai_clock_real.wall_ms(&polkai_clock_real));
    bool ours = message != NULL && time != NULL;
    const char *level = ours ? json_string_value(json_object_get(fields, "level")) : "info";
    if (console->json)
        print_json(service, now, level, ours ? fields : NULL, line, size);
    else
        print(console, index, service, ours ? time : now, level, ours ? message : line, ours ? strlen(message) : size, ours ? fields : NULL);
    json_decref(fields);
    return told;
}

static void say(const cli_console *console, const char *level, const char *format, va_list arguments)
{
    char text[1024], now[25];
    polkai_time_write(now, polkai_clock_real.wall_ms(&polkai_clock_real));
    vsnprintf(text, sizeof text, format, arguments);
    if (console->json)
        print_json("polka", now, level, NULL, text, strlen(text));
    else
        print(console, -1, "polka", now, level, text, strlen(text), NULL);
}

void cli_console_say(const cli_console *console, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(console, "info", format, arguments);
    va_end(arguments);
}

void cli_console_warn(const cli_console *console, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(console, "warn", format, arguments);
    va_end(arguments);
}
