/* Durations as people write them. */
#include <base/text.h>
#include <cli/options.h>

#include <criterion/criterion.h>

Test(options, durations_have_a_unit_or_are_milliseconds)
{
    static const struct { const char *text; int64_t ms; } cases[] = {
        { "0", 0 }, { "250", 250 }, { "500ms", 500 }, { "2s", 2000 }, { "1.5s", 1500 }, { "1m", 60000 }, { "2h", 7200000 }, { "7d", 604800000 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -1;
        cr_assert(polkai_timespan_read(cases[i].text, &ms) && ms == cases[i].ms, "%s is %" PRId64, cases[i].text, ms);
    }
}

Test(options, what_is_no_duration_is_refused)
{
    static const char *const cases[] = { "", "s", "-1s", "1x", "1 s", "nan", "inf", "0x10", "1e99" };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = 0;
        cr_assert_not(polkai_timespan_read(cases[i], &ms), "'%s' was taken as %" PRId64, cases[i], ms);
    }
}
