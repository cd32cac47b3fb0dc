/* path.c: a chain of frames as text, for error messages. */
#include <avro/path.h>

#include <base/text.h>
#include <stdio.h>

enum { SHOWN_FRAMES = 96 };              /* the inner end is what a reader needs */

static size_t write_frame(char *out, size_t capacity, const polkai_path *frame, bool first)
{
    char name[72];
    int used = 0;
    switch (frame->kind) {
    case POLKAI_PATH_MEMBER:
        polkai_text_escape(name, sizeof name, frame->name.data, frame->name.size, 60);
        used = snprintf(out, capacity, "%s%s", first ? "" : ".", name);
        break;
    case POLKAI_PATH_ITEM:
        used = snprintf(out, capacity, "[%zu]", frame->index);
        break;
    case POLKAI_PATH_KEY:
        polkai_text_escape(name, sizeof name, frame->name.data, frame->name.size, 60);
        used = snprintf(out, capacity, "[\"%s\"]", name);
        break;
    }
    return used < 0 ? 0 : (size_t)used;
}

void polkai_path_write(char *out, size_t capacity, const char *root, const polkai_path *path)
{
    const polkai_path *frames[SHOWN_FRAMES];
    char whole[SHOWN_FRAMES * 80];
    size_t count = 0, used = 0;
    for (; path != NULL && count < SHOWN_FRAMES; path = path->up)
        frames[count++] = path;
    used = (size_t)snprintf(whole, sizeof whole, "%s", path == NULL ? root : "...");
    while (count-- > 0 && used < sizeof whole)
        used += write_frame(whole + used, sizeof whole - used, frames[count], used == 0);
    if (used >= sizeof whole)
        used = sizeof whole - 1;
    const char *from = used < capacity ? whole : whole + used - (capacity - 4);
    while (((uint8_t)*from & 0xc0) == 0x80)
        from++;                          /* not from the middle of a character */
    if (from == whole)
        snprintf(out, capacity, "%s", whole);
    else
        snprintf(out, capacity, "...%s", from);
}
