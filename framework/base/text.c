/* text.c: small questions about text. */
#include <base/text.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* One character of 2 to 4 bytes (RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF); 0: not valid. */
static size_t sequence(const uint8_t *at, size_t left)
{
    uint8_t first = at[0];
    size_t size = first >= 0xc2 && first <= 0xdf ? 2 : (first & 0xf0) == 0xe0 ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
    if (size == 0 || left < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) || (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

bool polkai_utf8_valid(const void *data, size_t size)
{
    const uint8_t *at = data, *end = at + size;
    while (at < end) {
        uint64_t eight;
        while (end - at >= 8 && (memcpy(&eight, at, 8), (eight & 0x8080808080808080u) == 0))
            at += 8;
        if (at == end)
            break;
        if (*at < 0x80) {
            at++;
            continue;
        }
        size_t step = sequence(at, (size_t)(end - at));
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

bool polkai_topic_valid(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > POLKA_TOPIC_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
            return false;
    return true;
}

void polkai_hex(char *out, const uint8_t *bytes, size_t count)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digit[bytes[i] >> 4];
        out[2 * i + 1] = digit[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}

void polkai_hex64(char out[17], uint64_t number)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    polkai_hex(out, bytes, 8);
}

bool polkai_hex64_read(polka_text text, uint64_t *number)
{
    if (text.size != 16)
        return false;
    *number = 0;
    for (size_t i = 0; i < 16; i++) {
        char c = text.data[i];
        if (!isxdigit((unsigned char)c))
            return false;
        *number = *number << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return true;
}

/* Optimal string alignment: insert, delete, change, swap of neighbours, each costs 1; names over 63 bytes are not compared. */
size_t polkai_text_distance(const char *a, const char *b)
{
    enum { MOST = 63 };
    size_t n = strlen(a), m = strlen(b);
    if (n > MOST || m > MOST)
        return SIZE_MAX;
    size_t rows[3][MOST + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            size_t best = above[j - 1] + (x != y);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]) && two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *polkai_nearest(const char *name, const char *const *candidates, size_t count)
{
    const char *found = NULL;
    size_t least = strlen(name) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        const char *last = strrchr(candidates[i], '.');
        size_t here = polkai_text_distance(name, candidates[i]);
        size_t short_here = last == NULL ? SIZE_MAX : polkai_text_distance(name, last + 1);
        here = short_here < here ? short_here : here;
        if (here < least) {
            least = here;
            found = candidates[i];
        }
    }
    return found;
}

size_t polkai_text_escape(char *out, size_t capacity, const void *data, size_t size, size_t limit)
{
    const uint8_t *at = data;
    size_t used = 0, count = size < limit ? size : limit, i = 0;
    while (i < count) {
        size_t step = at[i] < 0x80 ? (at[i] >= 0x20 && at[i] != 0x7f ? 1 : 0) : sequence(at + i, size - i);
        size_t needs = step == 0 ? 4 : step;
        if (used + needs + 4 >= capacity)
            break;
        if (step == 0)
            snprintf(out + used, 5, "\\x%02x", at[i]);
        else
            memcpy(out + used, at + i, step);
        used += needs;
        i += step == 0 ? 1 : step;
    }
    if (i < size && used + 4 < capacity) {
        memcpy(out + used, "...", 3);
        used += 3;
    }
    out[used] = '\0';
    return used;
}

bool polkai_timespan_read(const char *text, int64_t *milliseconds)
{
    static const struct { const char *unit; int64_t ms; } units[] = {
        { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    char *end = NULL;
    errno = 0;
    double number = strtod(text, &end);
    if (end == text || errno != 0 || !(number >= 0 && number < 1e12) || strpbrk(text, "xXnNiI") != NULL)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0 && number * (double)units[i].ms < 9e18) {
            *milliseconds = (int64_t)(number * (double)units[i].ms);
            return true;
        }
    return false;
}
