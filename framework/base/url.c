/* url.c: RFC 3986, section 2. */
#include <base/arena.h>
#include <base/url.h>

const char *polkai_url_escape(polka_arena *arena, const char *text)
{
    static const char digits[] = "0123456789ABCDEF", plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    char *out = polkai_arena_zeroed(arena, strlen(text) + 1, 3), *at = out;
    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL) {
            *at++ = *text;
            continue;
        }
        *at++ = '%';
        *at++ = digits[(unsigned char)*text >> 4];
        *at++ = digits[(unsigned char)*text & 15];
    }
    return out;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool polkai_url_unescape(char *text)
{
    char *out = text;
    for (; *text != '\0'; text++, out++) {
        *out = *text;
        if (*text != '%')
            continue;
        int high = digit(text[1]), low = high < 0 ? -1 : digit(text[2]);
        if (low < 0 || (high == 0 && low == 0))
            return false;
        *out = (char)(high << 4 | low);
        text += 2;
    }
    *out = '\0';
    return true;
}

const char *polkai_url_masked(polka_arena *arena, const char *text)
{
    char *out = polkai_arena_zeroed(arena, strlen(text) + 1, 4), *at = out;
    while (*text != '\0') {
        const char *scheme = strstr(text, "://"), *begin = scheme != NULL ? scheme + 3 : text + strlen(text);
        at = mempcpy(at, text, (size_t)(begin - text));
        /* up to the last @, even one after a slash: a password may be written without its escapes */
        size_t size = strcspn(begin, ", ");
        const char *sign = memrchr(begin, '@', size);
        if (sign != NULL)
            at = stpcpy(at, "***");
        text = sign != NULL ? sign : begin;
        at = mempcpy(at, text, size - (size_t)(text - begin));
        text = begin + size;
    }
    *at = '\0';
    return out;
}

/* Never a name that only begins like one of these: localhost.example.org is elsewhere. */
bool polkai_url_is_local(const char *host)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
    size_t size = strcspn(host, "/:");
    if (host[0] == '[')
        size = strcspn(host, "]") + 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == size && strncasecmp(names[i], host, size) == 0)
            return true;
    return false;
}
