/*
 * error.h: the three control macros of the project, and how an error text is made.
 *
 * The text is made at the cause, with the values; each level may add where it happened. An error is returned
 * or logged, never both.
 */
#ifndef POLKA_BASE_ERROR_H
#define POLKA_BASE_ERROR_H

#include <polka/polka.h>

/*
 * polkai_fail: fills `error` (NULL is fine) and returns `status`, so that `return polkai_fail(…)` reads well.
 * `code` is short, stable and for machines: "schema-not-found".
 */
polka_status polkai_fail(polka_error *error, polka_status status, const char *code, const char *format, ...) POLKA_PRINTF(4, 5);

/* polkai_error_where: puts "where: " before the message that is there. */
void polkai_error_where(polka_error *error, const char *format, ...) POLKA_PRINTF(2, 3);

const char *polkai_status_name(polka_status status);     /* "transient" */

/* TRY: returns the failure of `call` to the caller. */
#define TRY(CALL)                                      \
    do {                                               \
        polka_status try_status = (CALL);              \
        if (try_status != POLKA_OK)                    \
            return try_status;                         \
    } while (0)

/* ENSURE: a condition, its class, its code and the message when it does not hold. */
#define ENSURE(CONDITION, STATUS, ERROR, CODE, ...)                       \
    do {                                                                  \
        if (!(CONDITION))                                                 \
            return polkai_fail((ERROR), (STATUS), (CODE), __VA_ARGS__);   \
    } while (0)

/* AUTO: cleanup at the end of the scope; FUNCTION takes a pointer to the variable. */
#define AUTO(FUNCTION) __attribute__((cleanup(FUNCTION)))

#define TEXT POLKA_TEXT_ARGS                             /* for "%.*s" */

#endif
