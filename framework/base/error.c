/* error.c: the making of an error text, once, at its cause. */
#include <base/error.h>

#include <stdio.h>

polka_status polkai_fail(polka_error *error, polka_status status, const char *code, const char *format, ...)
{
    if (error == NULL)
        return status;
    error->status = status;
    snprintf(error->code, sizeof error->code, "%s", code);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

void polkai_error_where(polka_error *error, const char *format, ...)
{
    if (error == NULL)
        return;
    char where[256], what[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(where, sizeof where, format, arguments);
    va_end(arguments);
    memcpy(what, error->message, sizeof what);
    size_t used = (size_t)snprintf(error->message, sizeof error->message, "%s: ", where);
    memcpy(error->message + used, what, sizeof what - used);             /* `where` is shorter than half of it */
    error->message[sizeof error->message - 1] = '\0';
}

const char *polkai_status_name(polka_status status)
{
    static const char *const names[] = { "ok", "transient", "poison", "misuse", "fatal" };
    return (size_t)status < sizeof names / sizeof *names ? names[status] : "unknown";
}
