/* clock.c: the real clock, and RFC 3339 times. */
#include <base/clock.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t wall_ms(const polkai_clock *clock)
{
    (void)clock;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t steady_ns(const polkai_clock *clock)
{
    (void)clock;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t suspended_ns(const polkai_clock *clock)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - steady_ns(clock);
}

const polkai_clock polkai_clock_real = { wall_ms, steady_ns, suspended_ns };

int64_t polkai_clock_epoch_ns(void)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - steady_ns(&polkai_clock_real);
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static void two(char *out, int number)
{
    out[0] = (char)('0' + number / 10 % 10);
    out[1] = (char)('0' + number % 10);
}

void polkai_time_write(char out[25], int64_t at_ms)
{
    enum { DAY_MS = 86400000 };
    int64_t lowest = days_of(0, 1, 1) * DAY_MS, highest = days_of(10000, 1, 1) * DAY_MS - 1;
    at_ms = at_ms < lowest ? lowest : at_ms > highest ? highest : at_ms;
    int64_t days = at_ms / DAY_MS - (at_ms % DAY_MS < 0);
    int rest = (int)(at_ms - days * DAY_MS);
    int year, month, day;
    date_of(days, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000Z", 25);
    two(out, year / 100);
    two(out + 2, year);
    two(out + 5, month);
    two(out + 8, day);
    two(out + 11, rest / 3600000);
    two(out + 14, rest / 60000 % 60);
    two(out + 17, rest / 1000 % 60);
    out[20] = (char)('0' + rest % 1000 / 100);
    two(out + 21, rest % 100);
}

static bool digits(const char **at, const char *end, int count, int *number)
{
    if (end - *at < count)
        return false;
    *number = 0;
    for (int i = 0; i < count; i++, ++*at) {
        if (**at < '0' || **at > '9')
            return false;
        *number = *number * 10 + (**at - '0');
    }
    return true;
}

static bool sign(const char **at, const char *end, const char *any)
{
    if (*at == end || strchr(any, **at) == NULL || **at == '\0')
        return false;
    ++*at;
    return true;
}

static bool read_offset(const char **at, const char *end, int *minutes)
{
    *minutes = 0;
    if (sign(at, end, "Zz"))
        return true;
    int hours, rest, direction = *at < end && **at == '-' ? -1 : 1;
    if (!sign(at, end, "+-") || !digits(at, end, 2, &hours) || !sign(at, end, ":") || !digits(at, end, 2, &rest) || hours > 23 || rest > 59)
        return false;
    *minutes = direction * (hours * 60 + rest);
    return true;
}

bool polkai_time_read(const char *text, size_t size, int64_t *at_ms)
{
    static const int lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const char *at = text, *end = text + size;
    int year, month, day, hour, minute, second, offset, milliseconds = 0;
    if (!digits(&at, end, 4, &year) || !sign(&at, end, "-") || !digits(&at, end, 2, &month) || !sign(&at, end, "-") ||
        !digits(&at, end, 2, &day) || !sign(&at, end, "Tt ") || !digits(&at, end, 2, &hour) || !sign(&at, end, ":") ||
        !digits(&at, end, 2, &minute) || !sign(&at, end, ":") || !digits(&at, end, 2, &second))
        return false;
    if (sign(&at, end, ".")) {
        int scale = 100;
        if (at == end || *at < '0' || *at > '9')
            return false;
        for (; at < end && *at >= '0' && *at <= '9'; at++, scale /= 10)
            milliseconds += (*at - '0') * scale;
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (!read_offset(&at, end, &offset) || at != end || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] - (month == 2 && !leap) || hour > 23 || minute > 59 || second > 60)
        return false;
    *at_ms = ((days_of(year, month, day) * 24 + hour) * 60 + minute - offset) * 60000 + second * 1000 + milliseconds;
    return true;
}
