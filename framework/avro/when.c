/* when.c: dates, times, timestamps and durations as text. Base does milliseconds; finer parts are put in here. */
#include <avro/readable.h>

#include <base/clock.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t LOWEST_MS = -INT64_C(62167219200000), HIGHEST_MS = INT64_C(253402300799999);   /* years 0 to 9999 */
enum { DAY_MS = 86400000, DATE = 10, SECONDS = 19 };             /* characters of "2026-11-01" and "2026-11-01T10:00:00" */

/* What a logical type counts: units a second, and which parts of a full timestamp its text has. */
typedef struct { int64_t per_second; unsigned digits; bool date, time, zone; const char *expected; } form;
static const form forms[] = {
    [POLKAI_LOGICAL_DATE] = { 0, 0, true, false, false, "a date such as 2026-11-01" },
    [POLKAI_LOGICAL_TIME_MILLIS] = { 1000, 3, false, true, false, "a time such as 10:00:00.412" },
    [POLKAI_LOGICAL_TIME_MICROS] = { 1000000, 6, false, true, false, "a time such as 10:00:00.412345" },
    [POLKAI_LOGICAL_TIMESTAMP_MILLIS] = { 1000, 3, true, true, true, "a timestamp such as 2026-11-01T10:00:00.412Z" },
    [POLKAI_LOGICAL_TIMESTAMP_MICROS] = { 1000000, 6, true, true, true, "a timestamp such as 2026-11-01T10:00:00.412345Z" },
    [POLKAI_LOGICAL_TIMESTAMP_NANOS] = { 1000000000, 9, true, true, true, "a timestamp such as 2026-11-01T10:00:00.412345678Z" },
    [POLKAI_LOGICAL_LOCAL_TIMESTAMP_MILLIS] = { 1000, 3, true, true, false, "a local timestamp such as 2026-11-01T10:00:00.412, without an offset" },
    [POLKAI_LOGICAL_LOCAL_TIMESTAMP_MICROS] = { 1000000, 6, true, true, false, "a local timestamp such as 2026-11-01T10:00:00.412345, without an offset" },
    [POLKAI_LOGICAL_LOCAL_TIMESTAMP_NANOS] = { 1000000000, 9, true, true, false, "a local timestamp such as 2026-11-01T10:00:00.412345678, without an offset" },
};

bool polkai_when_is(polkai_avro_logical logical)
{
    return (size_t)logical < sizeof forms / sizeof *forms && forms[logical].expected != NULL;
}

bool polkai_when_write(polkai_avro_logical logical, int64_t value, char out[POLKAI_WHEN_TEXT])
{
    const form *is = &forms[logical];
    char text[25];
    if (!is->time) {
        if (value < LOWEST_MS / DAY_MS || value > HIGHEST_MS / DAY_MS)
            return false;
        polkai_time_write(text, value * DAY_MS);
        snprintf(out, POLKAI_WHEN_TEXT, "%.*s", DATE, text);
        return true;
    }
    int64_t rest = value % is->per_second, seconds = value / is->per_second - (rest < 0);
    rest += rest < 0 ? is->per_second : 0;
    int64_t lowest = is->date ? LOWEST_MS / 1000 : 0, highest = is->date ? HIGHEST_MS / 1000 : DAY_MS / 1000 - 1;
    if (seconds < lowest || seconds > highest)
        return false;
    polkai_time_write(text, seconds * 1000);
    const char *from = is->date ? text : text + DATE + 1;
    snprintf(out, POLKAI_WHEN_TEXT, "%.*s.%0*lld%s", (int)(text + SECONDS - from), from, (int)is->digits, (long long)rest, is->zone ? "Z" : "");
    return true;
}

/* The fraction of a second in units of 10^-digits; false when there are finer digits that are not 0. */
static bool fraction(polka_text text, unsigned digits, int64_t *units)
{
    size_t at = 0;
    unsigned seen = 0;
    *units = 0;
    while (at < text.size && text.data[at] != '.')
        at++;
    for (at++; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++, seen++) {
        if (seen >= digits && text.data[at] != '0')
            return false;
        *units = seen < digits ? *units * 10 + (text.data[at] - '0') : *units;
    }
    for (; seen < digits; seen++)
        *units *= 10;
    return true;
}

const char *polkai_when_read(polkai_avro_logical logical, polka_text text, int64_t *value)
{
    const form *is = &forms[logical];
    char whole[100];
    int64_t at_ms, units;
    if (text.size > 60 || memchr(text.data, '\0', text.size) != NULL)
        return is->expected;
    int size = snprintf(whole, sizeof whole, "%s%.*s%s%s", is->date ? "" : "1970-01-01T", POLKA_TEXT_ARGS(text), is->time ? "" : "T00:00:00", is->zone ? "" : "Z");
    if (!polkai_time_read(whole, (size_t)size, &at_ms))
        return is->expected;
    if (!is->time) {
        *value = at_ms / DAY_MS;
        return NULL;
    }
    if (!is->date && (at_ms < 0 || at_ms >= DAY_MS))
        return is->expected;
    if (!fraction(text, is->digits, &units))
        return is->digits == 3 ? "no more than milliseconds" : is->digits == 6 ? "no more than microseconds" : "no more than nanoseconds";
    int64_t seconds = at_ms / 1000 - (at_ms % 1000 < 0);
    if (seconds < 0) {                   /* towards 0 first, so that the lowest number of nanoseconds can be read */
        seconds++;
        units -= is->per_second;
    }
    if (__builtin_mul_overflow(seconds, is->per_second, value) || __builtin_add_overflow(*value, units, value))
        return "a time that 64 bits of nanoseconds can hold (1677 to 2262)";
    return NULL;
}

/* ---- durations --------------------------------------------------------------------------------- */

static uint32_t little(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

void polkai_duration_write(const uint8_t bytes[12], char out[POLKAI_WHEN_TEXT])
{
    uint32_t millis = little(bytes + 8);
    snprintf(out, POLKAI_WHEN_TEXT, "P%uM%uDT%u.%03uS", little(bytes), little(bytes + 4), millis / 1000, millis % 1000);
}

/* Takes digits before `unit`; 0 and nothing taken when they are of another unit. */
static void count_of(const char **at, char unit, uint64_t *count)
{
    char *end;
    *count = 0;
    if (**at < '0' || **at > '9')
        return;
    uint64_t digits = strtoull(*at, &end, 10);
    if (*end != unit || end - *at > 10)
        return;
    *count = digits;
    *at = end + 1;
}

static bool seconds_of(const char **at, uint64_t *millis)
{
    char *end;
    *millis = 0;
    if (**at < '0' || **at > '9')
        return true;
    *millis = strtoull(*at, &end, 10) * 1000;
    if (end - *at > 10)
        return false;
    if (*end == '.') {
        uint64_t unit = 100;
        for (end++; *end >= '0' && *end <= '9' && unit > 0; end++, unit /= 10)
            *millis += (uint64_t)(*end - '0') * unit;
    }
    *at = end + 1;
    return *end == 'S';
}

bool polkai_duration_read(polka_text text, uint8_t bytes[12])
{
    char whole[64];
    uint64_t years, months, weeks, days, hours = 0, minutes = 0, millis = 0;
    if (text.size < 3 || text.size >= sizeof whole || text.data[0] != 'P' || memchr(text.data, '\0', text.size) != NULL)
        return false;
    snprintf(whole, sizeof whole, "%.*s", POLKA_TEXT_ARGS(text));
    const char *at = whole + 1;
    count_of(&at, 'Y', &years);
    count_of(&at, 'M', &months);
    count_of(&at, 'W', &weeks);
    count_of(&at, 'D', &days);
    if (*at == 'T') {
        at++;
        count_of(&at, 'H', &hours);
        count_of(&at, 'M', &minutes);
        if (at[0] == '\0' && at[-1] == 'T')
            return false;
        if (!seconds_of(&at, &millis))
            return false;
    }
    months += years * 12;
    days += weeks * 7;
    millis += (hours * 60 + minutes) * 60000;
    if (*at != '\0' || months > UINT32_MAX || days > UINT32_MAX || millis > UINT32_MAX)
        return false;
    const uint64_t parts[] = { months, days, millis };
    for (size_t i = 0; i < 12; i++)
        bytes[i] = (uint8_t)(parts[i / 4] >> (8 * (i % 4)));
    return true;
}
