/*
 * log.h: text on a terminal, one JSON object a line otherwise; always on standard error's sibling, stdout (12-factor),
 * unless told otherwise. Thread-safe: a line is one write(2).
 */
#ifndef POLKA_BASE_LOG_H
#define POLKA_BASE_LOG_H

#include <base/clock.h>
#include <polka/polka.h>

typedef enum { POLKAI_LOG_ERROR = 1, POLKAI_LOG_WARN, POLKAI_LOG_INFO, POLKAI_LOG_DEBUG } polkai_log_level;
typedef enum { POLKAI_LOG_AUTO = 0, POLKAI_LOG_TEXT, POLKAI_LOG_JSON } polkai_log_format;

typedef struct polkai_log {
    int descriptor;
    polkai_log_level level;
    polkai_log_format format;
    bool colour;
    const char *service;                 /* NULL: none */
    const polkai_clock *clock;
    void (*capture)(void *user, polkai_log_level level, const char *message);   /* tests: in place of writing; NULL: write */
    void *user;
} polkai_log;

/* Fields beside the message; data NULL: left out. stack: innermost first; in text it is a line a frame. */
typedef struct {
    polka_text event, event_id, correlation_id, reaction, state;
    const polka_text *stack;
    size_t stack_count;
} polkai_log_fields;

/*
 * polkai_log_about writes which event a line is about, as text forms show it behind the message: "[event correlation reaction]"; a reaction that
 * is named as its event is left out, and so is what is not known. At most POLKAI_LOG_ABOUT bytes with the NUL; the size is returned, 0: nothing is known.
 */
enum { POLKAI_LOG_ABOUT = 400 };
size_t polkai_log_about(char out[POLKAI_LOG_ABOUT], polka_text event, polka_text correlation_id, polka_text reaction);

/* polkai_log_init: AUTO is text on a terminal and JSON otherwise; colour on a terminal only, and NO_COLOR is honoured. */
void polkai_log_init(polkai_log *log, int descriptor, polkai_log_level level, polkai_log_format format, const char *service);
void polkai_log_write(const polkai_log *log, polkai_log_level level, const polkai_log_fields *fields, const char *format, ...) POLKA_PRINTF(4, 5);
void polkai_log_vwrite(const polkai_log *log, polkai_log_level level, const polkai_log_fields *fields, const char *format, va_list arguments);
#define LOG_ERROR(LOG, ...) polkai_log_write((LOG), POLKAI_LOG_ERROR, NULL, __VA_ARGS__)
#define LOG_WARN(LOG, ...) polkai_log_write((LOG), POLKAI_LOG_WARN, NULL, __VA_ARGS__)
#define LOG_INFO(LOG, ...) polkai_log_write((LOG), POLKAI_LOG_INFO, NULL, __VA_ARGS__)
#define LOG_DEBUG(LOG, ...) polkai_log_write((LOG), POLKAI_LOG_DEBUG, NULL, __VA_ARGS__)

#endif
