/* log.c: one line an entry, text for people, JSON for machines; one write(2) each, so that threads do not mix. */
#include <base/log.h>
#include <base/text.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const level_names[] = { "", "error", "warn", "info", "debug" };

void polkai_log_init(polkai_log *log, int descriptor, polkai_log_level level, polkai_log_format format, const char *service)
{
    const char *no_colour = getenv("NO_COLOR");
    bool terminal = isatty(descriptor) == 1;
    *log = (polkai_log){ .descriptor = descriptor, .level = level, .service = service, .clock = &polkai_clock_real };
    log->format = format != POLKAI_LOG_AUTO ? format : terminal ? POLKAI_LOG_TEXT : POLKAI_LOG_JSON;
    log->colour = terminal && log->format == POLKAI_LOG_TEXT && (no_colour == NULL || *no_colour == '\0');
}

static void write_all(int descriptor, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;                      /* nobody reads the log: the service goes on */
        data += written;
        size -= (size_t)written;
    }
}

static void member(json_t *line, const char *name, polka_text text)
{
    char safe[300];
    if (text.data == NULL)
        return;
    size_t size = polkai_text_escape(safe, sizeof safe, text.data, text.size, 256);
    json_object_set_new(line, name, json_stringn(safe, size));
}

static json_t *frames_of(const polkai_log_fields *fields)
{
    json_t *frames = json_array();
    for (size_t i = 0; i < fields->stack_count; i++)
        json_array_append_new(frames, json_stringn(fields->stack[i].data, fields->stack[i].size));
    return frames;
}

static void write_json(const polkai_log *log, polkai_log_level level, const polkai_log_fields *fields, const char *time, const char *message)
{
    json_t *line = json_object();
    json_object_set_new(line, "time", json_string(time));
    json_object_set_new(line, "level", json_string(level_names[level]));
    if (log->service != NULL)
        json_object_set_new(line, "service", json_string(log->service));
    if (fields != NULL) {
        member(line, "state", fields->state);
        member(line, "event", fields->event);
        member(line, "event_id", fields->event_id);
        member(line, "correlation_id", fields->correlation_id);
        member(line, "reaction", fields->reaction);
    }
    json_object_set_new(line, "message", json_string(message));
    if (fields != NULL && fields->stack_count > 0)
        json_object_set_new(line, "stack", frames_of(fields));
    char *text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(line);
    if (text == NULL)
        return;
    size_t size = strlen(text);
    text[size] = '\n';                   /* in place of the NUL, so that one write does */
    write_all(log->descriptor, text, size + 1);
    free(text);
}

static bool is_same(polka_text a, polka_text b) { return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0); }

size_t polkai_log_about(char out[POLKAI_LOG_ABOUT], polka_text event, polka_text correlation_id, polka_text reaction)
{
    const polka_text shown[] = { event, correlation_id, is_same(reaction, event) ? (polka_text){ 0, NULL } : reaction };
    size_t size = 0;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        if (shown[i].data == NULL || shown[i].size == 0)
            continue;
        out[size] = size == 0 ? '[' : ' ';
        size++;
        size += polkai_text_escape(out + size, 130, shown[i].data, shown[i].size, 120);
    }
    if (size > 0)
        out[size++] = ']';
    out[size] = '\0';
    return size;
}

static void write_text(const polkai_log *log, polkai_log_level level, const polkai_log_fields *fields, const char *time, const char *message)
{
    static const char *const colours[] = { "", "\033[31m", "\033[33m", "", "\033[2m" };
    char line[1500], about[POLKAI_LOG_ABOUT] = "";
    size_t known = fields != NULL ? polkai_log_about(about, fields->event, fields->correlation_id, fields->reaction) : 0;
    int size = snprintf(line, sizeof line, "%s%.12s %-5s %s%s%s%s%s%s\n", log->colour ? colours[level] : "", time + 11, level_names[level],
                        log->service != NULL ? log->service : "", log->service != NULL ? ": " : "", message, known > 0 ? " " : "", about,
                        log->colour && *colours[level] != '\0' ? "\033[0m" : "");
    if (size >= (int)sizeof line) {
        size = (int)sizeof line;
        line[size - 1] = '\n';
    }
    if (size > 0)
        write_all(log->descriptor, line, (size_t)size);
    for (size_t i = 0; fields != NULL && i < fields->stack_count; i++) {
        size = snprintf(line, sizeof line, "    at %.*s\n", POLKA_TEXT_ARGS(fields->stack[i]));
        write_all(log->descriptor, line, size < (int)sizeof line ? (size_t)size : sizeof line - 1);
    }
}

void polkai_log_vwrite(const polkai_log *log, polkai_log_level level, const polkai_log_fields *fields, const char *format, va_list arguments)
{
    if (log == NULL || level > log->level)
        return;
    char raw[1024], message[1024 + 8], time[25];
    int size = vsnprintf(raw, sizeof raw, format, arguments);
    if (size < 0)
        return;
    size_t length = (size_t)size < sizeof raw ? (size_t)size : sizeof raw - 1;
    polkai_text_escape(message, sizeof message, raw, length, sizeof raw);
    if (log->capture != NULL) {
        log->capture(log->user, level, message);
        for (size_t i = 0; fields != NULL && i < fields->stack_count; i++)
            log->capture(log->user, level, fields->stack[i].data);
        return;
    }
    polkai_time_write(time, log->clock->wall_ms(log->clock));
    if (log->format == POLKAI_LOG_JSON)
        write_json(log, level, fields, time, message);
    else
        write_text(log, level, fields, time, message);
}

void polkai_log_write(const polkai_log *log, polkai_log_level level, const polkai_log_fields *fields, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    polkai_log_vwrite(log, level, fields, format, arguments);
    va_end(arguments);
}
