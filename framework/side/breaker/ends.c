/* ends.c: a line counts when its sum is right and it reads as one; everything else is passed over. */
#include <base/arena.h>
#include <base/identity.h>
#include <side/breaker/ends.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct { const char *at, *end; } cursor;

/* The text up to the next blank, which is taken; false: there is none, or it is longer than `most`. */
static bool word(cursor *from, size_t most, polka_text *text)
{
    const char *blank = memchr(from->at, ' ', (size_t)(from->end - from->at));
    if (blank == NULL || blank == from->at || (size_t)(blank - from->at) > most)
        return false;
    *text = (polka_text){ (size_t)(blank - from->at), from->at };
    from->at = blank + 1;
    return true;
}

static bool number(cursor *from, int64_t *value)
{
    polka_text text;
    char digits[24], *end;
    if (!word(from, sizeof digits - 1, &text))
        return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    *value = strtoll(digits, &end, 10);
    return *end == '\0';
}

/* The event of an identity, to be written again. */
static polkai_ending_event event_of(const polkai_ending *ending)
{
    cursor at = { ending->identity, ending->identity + ending->identity_size };
    polkai_ending_event event = { .partition = ending->partition, .offset = ending->offset };
    int64_t ignored;
    number(&at, &ignored);
    number(&at, &ignored);
    number(&at, &event.timestamp_ms);
    word(&at, POLKAI_END_IDENTITY, &event.cluster);
    word(&at, POLKAI_END_IDENTITY, &event.topic);
    event.reaction = (polka_text){ (size_t)(at.end - at.at), at.at };
    return event;
}

/* A line that we would not have written so is none of ours. */
static bool is_ours(const polkai_ending *ending)
{
    char identity[POLKAI_END_IDENTITY];
    polkai_ending_event event = event_of(ending);
    return polkai_end_identity(identity, &event) == ending->identity_size && memcmp(identity, ending->identity, ending->identity_size) == 0;
}

/* "end <sum> <how> <at> <identity>" */
static bool read_line(polka_text line, polkai_ending *ending)
{
    cursor at = { line.data, line.data + line.size };
    polka_text mark, sum, how, cluster, topic;
    int64_t partition, timestamp_ms;
    char wanted[9];
    if (!word(&at, 3, &mark) || !polka_text_equal(mark, POLKA_TEXT("end")) || !word(&at, 8, &sum))
        return false;
    snprintf(wanted, sizeof wanted, "%08x", (unsigned)polkai_key_hash(at.at, (size_t)(at.end - at.at)));
    if (!polka_text_equal(sum, polka_text_of(wanted)) || !word(&at, POLKAI_END_HOW - 1, &how) || !number(&at, &ending->last_ms))
        return false;
    ending->identity_size = (size_t)(at.end - at.at);
    if (ending->identity_size >= sizeof ending->identity)
        return false;
    memcpy(ending->identity, at.at, ending->identity_size);
    ending->identity[ending->identity_size] = '\0';
    at = (cursor){ ending->identity, ending->identity + ending->identity_size };
    if (!number(&at, &partition) || !number(&at, &ending->offset) || !number(&at, &timestamp_ms) || !word(&at, POLKAI_END_IDENTITY, &cluster) ||
        !word(&at, POLKAI_END_IDENTITY, &topic) || partition < 0 || partition > INT32_MAX)
        return false;
    ending->partition = (int32_t)partition;
    ending->topic_at = (size_t)(topic.data - ending->identity);
    ending->topic_size = topic.size;
    memcpy(ending->how[0], how.data, how.size);
    ending->how[0][how.size] = '\0';
    return is_ours(ending);
}

static void add(polkai_ends *ends, const polkai_ending *line)
{
    for (size_t i = 0; i < ends->count; i++) {
        polkai_ending *known = &ends->items[i];
        if (known->identity_size != line->identity_size || memcmp(known->identity, line->identity, line->identity_size) != 0)
            continue;
        known->count++;
        known->last_ms = line->last_ms;
        memmove(known->how[1], known->how[0], 2 * sizeof known->how[0]);
        memcpy(known->how[0], line->how[0], sizeof known->how[0]);
        return;
    }
    if (ends->count == POLKAI_ENDS_MOST)                 /* the oldest goes */
        memmove(ends->items, ends->items + 1, --ends->count * sizeof *ends->items);
    if (ends->count == ends->capacity) {
        ends->capacity = ends->capacity == 0 ? 4 : 2 * ends->capacity;
        ends->items = polkai_realloc(ends->items, ends->capacity * sizeof *ends->items);
    }
    polkai_ending *fresh = &ends->items[ends->count++];
    *fresh = *line;
    fresh->count = 1;
    fresh->first_ms = fresh->last_ms;
}

polkai_ends *polkai_ends_read(polka_text text)
{
    polkai_ends *ends = polkai_alloc(sizeof *ends);
    const char *at = text.data, *end = text.data + text.size;
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        polkai_ending line = { .count = 0 };
        polka_text row = { (size_t)((feed == NULL ? end : feed) - at), at };
        /* one without its line feed was cut off, even when what is missing is only that */
        if (row.size > 0 && feed != NULL && read_line(row, &line))
            add(ends, &line);
        else if (row.size > 0)
            ends->spoilt++;
        at = feed == NULL ? end : feed + 1;
    }
    return ends;
}

void polkai_ends_destroy(polkai_ends *ends)
{
    if (ends == NULL)
        return;
    free(ends->items);
    free(ends);
}

const polkai_ending *polkai_ends_find(const polkai_ends *ends, const polkai_ending_event *event)
{
    char identity[POLKAI_END_IDENTITY];
    size_t size = 0;
    for (size_t i = 0; i < ends->count; i++) {
        const polkai_ending *at = &ends->items[i];
        if (at->offset != event->offset || at->partition != event->partition)
            continue;
        size = size == 0 ? polkai_end_identity(identity, event) : size;
        if (size == at->identity_size && memcmp(identity, at->identity, size) == 0)
            return at;
    }
    return NULL;
}

size_t polkai_ends_forget(polkai_ends *ends, polka_text topic, int32_t partition, int64_t offset)
{
    size_t kept = 0, before = ends->count;
    for (size_t i = 0; i < before; i++) {
        polkai_ending *at = &ends->items[i];
        if (at->partition == partition && at->offset < offset && polka_text_equal((polka_text){ at->topic_size, at->identity + at->topic_at }, topic))
            continue;
        ends->items[kept++] = *at;
    }
    ends->count = kept;
    return before - kept;
}

size_t polkai_ends_write(const polkai_ends *ends, char **text)
{
    enum { KEPT = POLKAI_ENDS_COUNTED };
    size_t size = 0, lines = 0;
    for (size_t i = 0; i < ends->count; i++)
        lines += ends->items[i].count < KEPT ? ends->items[i].count : KEPT;
    *text = polkai_alloc(lines * POLKAI_END_LINE + 1);
    for (size_t i = 0; i < ends->count; i++) {
        const polkai_ending *at = &ends->items[i];
        polkai_ending_event event = event_of(at);
        for (unsigned k = at->count < KEPT ? at->count : KEPT; k > 0; k--)
            size += polkai_end_write(*text + size, &event, at->how[k > 3 ? 2 : k - 1], k == 1 ? at->last_ms : at->first_ms);
    }
    return size;
}
