/* out.c: text that grows, C literals and comments that cannot break out, files that appear whole or not at all. */
#include "gen.h"

#include <base/text.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static char *room(out *o, size_t bytes)
{
    if (o->size + bytes + 1 > o->room) {
        o->room = (o->size + bytes + 1) * 2;
        o->data = polkai_realloc(o->data, o->room);
    }
    return o->data + o->size;
}

void out_add(out *o, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (size > 0) {
        vsnprintf(room(o, (size_t)size), (size_t)size + 1, format, arguments);
        o->size += (size_t)size;
    }
    va_end(arguments);
}

void out_literal(out *o, const char *text, const char *indent)
{
    enum { WIDTH = 100 };
    size_t column = 0;
    out_add(o, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (column >= WIDTH) {
            out_add(o, "\"\n%s\"", indent);
            column = 0;
        }
        if (c == '"' || c == '\\' || c == '?')           /* ?: no trigraph can arise */
            out_add(o, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            out_add(o, "\\%03o", c);                     /* three digits always: a digit that follows is not swallowed */
        else
            out_add(o, "%c", c);
        column += c < 0x20 || c >= 0x7f ? 4 : 1;
    }
    out_add(o, "\"");
}

/* Bidirectional controls (U+200E, 200F, 202A..202E, 2066..2069) show a reader other code than the compiler sees. */
static bool bidirectional(const unsigned char *at)
{
    return at[0] == 0xe2 && ((at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xaa && at[2] <= 0xae))) ||
                             (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
}

void out_comment(out *o, const char *text)
{
    if (!polkai_utf8_valid(text, strlen(text)))
        return;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (bidirectional(at)) {
            at += 2;
            continue;
        }
        bool closes = (at[0] == '*' && at[1] == '/') || (at[0] == '/' && at[1] == '*');
        out_add(o, "%c%s", *at < 0x20 || *at == 0x7f ? ' ' : *at, closes ? " " : "");
    }
}

polka_status out_save(const out *o, const char *path, polka_error *error)
{
    char *temporary = polkai_alloc(strlen(path) + 5);
    sprintf(temporary, "%s.new", path);
    FILE *file = fopen(temporary, "we");
    bool written = file != NULL && fwrite(o->data, 1, o->size, file) == o->size;
    if (file != NULL && fclose(file) != 0)
        written = false;
    polka_status status = POLKA_OK;
    if (!written || rename(temporary, path) != 0) {
        status = polkai_fail(error, POLKA_FATAL, "not-written", "%s: cannot be written: %s", path, strerror(errno));
        remove(temporary);
    }
    free(temporary);
    return status;
}

void out_deinit(out *o)
{
    free(o->data);
}
