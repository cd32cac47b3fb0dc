/* lines.c: one buffer; lines are taken at its begin, and what comes is put at its end. */
#include <cli/lines.h>

#include <base/arena.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536 };

void cli_lines_free(cli_lines *lines)
{
    free(lines->data);
    *lines = (cli_lines){ .descriptor = lines->descriptor, .ended = true };
}

bool cli_lines_take(cli_lines *lines, polka_text *line)
{
    char *end = lines->scanned < lines->size ? memchr(lines->data + lines->scanned, '\n', lines->size - lines->scanned) : NULL;
    lines->scanned = end != NULL ? (size_t)(end - lines->data) + 1 : lines->size;
    if (end == NULL && (!lines->ended || lines->begin == lines->size))
        return false;
    *line = (polka_text){ lines->scanned - lines->begin - (end != NULL), lines->data + lines->begin };
    lines->begin = lines->scanned;
    return true;
}

/* Moves what is not taken to the front, and makes room behind it. */
static void make_room(cli_lines *lines)
{
    if (lines->begin > 0) {
        lines->size -= lines->begin;
        lines->scanned -= lines->begin;
        memmove(lines->data, lines->data + lines->begin, lines->size);
        lines->begin = 0;
    }
    if (lines->capacity - lines->size >= PIECE_BYTES)
        return;
    lines->capacity = lines->capacity * 2 > lines->size + PIECE_BYTES ? lines->capacity * 2 : lines->size + PIECE_BYTES;
    lines->data = polkai_realloc(lines->data, lines->capacity);
}

bool cli_lines_fill(cli_lines *lines, int timeout_ms)
{
    struct pollfd file = { .fd = lines->descriptor, .events = POLLIN };
    if (lines->ended || poll(&file, 1, timeout_ms) <= 0)
        return false;
    make_room(lines);
    ssize_t got = read(lines->descriptor, lines->data + lines->size, lines->capacity - lines->size);
    if (got > 0)
        lines->size += (size_t)got;
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    lines->ended = got <= 0;
    lines->failure = got < 0 ? errno : 0;
    return true;
}
