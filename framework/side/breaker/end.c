/* end.c: written by hand, as nothing of stdio may be called where this is. */
#include <base/identity.h>
#include <side/breaker/end.h>

enum { CLUSTER_MOST = 64, TOPIC_MOST = 249, REACTION_MOST = 255 };

typedef struct { char *at; } writer;

static void put(writer *to, polka_text text, size_t most, bool word)
{
    size_t size = text.size < most ? text.size : most;
    for (size_t i = 0; i < size; i++) {
        char c = text.data[i];
        bool plain = c > ' ' && c < 0x7f && c != '"' && c != '\\';
        *to->at++ = plain || (c == ' ' && !word) ? c : '?';
    }
    if (size == 0)
        *to->at++ = '-';
}

static void put_number(writer *to, int64_t number)
{
    char digits[24], *first = digits + sizeof digits;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do
        *--first = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        *--first = '-';
    put(to, (polka_text){ (size_t)(digits + sizeof digits - first), first }, sizeof digits, true);
}

size_t polkai_end_identity(char out[POLKAI_END_IDENTITY], const polkai_ending_event *event)
{
    writer to = { out };
    put_number(&to, event->partition);
    *to.at++ = ' ';
    put_number(&to, event->offset);
    *to.at++ = ' ';
    put_number(&to, event->timestamp_ms);
    *to.at++ = ' ';
    put(&to, event->cluster, CLUSTER_MOST, true);
    *to.at++ = ' ';
    put(&to, event->topic, TOPIC_MOST, true);
    *to.at++ = ' ';
    put(&to, event->reaction, REACTION_MOST, false);
    return (size_t)(to.at - out);
}

size_t polkai_end_write(char out[POLKAI_END_LINE], const polkai_ending_event *event, const char *how, int64_t at_ms)
{
    static const char begin[] = "\nend 00000000 ", hex[] = "0123456789abcdef";
    memcpy(out, begin, sizeof begin - 1);
    char *body = out + sizeof begin - 1;
    writer to = { body };
    put(&to, polka_text_of(how), POLKAI_END_HOW - 1, true);
    *to.at++ = ' ';
    put_number(&to, at_ms);
    *to.at++ = ' ';
    to.at += polkai_end_identity(to.at, event);
    uint32_t sum = polkai_key_hash(body, (size_t)(to.at - body));
    for (int i = 0; i < 8; i++)
        out[5 + i] = hex[sum >> (28 - 4 * i) & 15];
    *to.at++ = '\n';
    return (size_t)(to.at - out);
}
