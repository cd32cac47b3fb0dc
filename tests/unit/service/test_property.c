/* The one table of properties: what a row takes, and its names. */
#include <base/error.h>
#include <service/property.h>

#include <criterion/criterion.h>

Test(duration, takes_a_number_of_ms_or_a_unit)
{
    static const struct { const char *text; int64_t ms; } good[] = {
        { "0", 0 }, { "250", 250 }, { "100ms", 100 }, { "5s", 5000 }, { "2m", 120000 }, { "1h", 3600000 }, { "7d", 604800000 }, { "-1", -1 },
    };
    static const char *const bad[] = { "", "s", "5 s", " 5s", "5S", "1.5s", "+5", "5sec", "0x10", "99999999999999999999", "9223372036854775807d" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ms = -7;
        cr_expect(polkai_interval_read(good[i].text, &ms), "%s", good[i].text);
        cr_expect_eq(ms, good[i].ms, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms;
        cr_expect_not(polkai_interval_read(bad[i], &ms), "%s", bad[i]);
    }
}

static const polkai_property *row(const char *name)
{
    const polkai_property *at = polkai_properties;
    while (at->name != NULL && strcmp(at->name, name) != 0)
        at++;
    cr_assert_not_null(at->name, "%s", name);
    return at;
}

static void takes(const char *name, const char *text, int64_t expected)
{
    int64_t number;
    polka_error error = { 0 };
    cr_expect_eq(polkai_property_parse(row(name), text, &number, &error), POLKA_OK, "%s: %s", name, error.message);
    cr_expect_eq(number, expected, "%s %s is %lld", name, text, (long long)number);
}

static void refuses(const char *name, const char *text, const char *message)
{
    int64_t number;
    polka_error error = { 0 };
    cr_expect_eq(polkai_property_parse(row(name), text, &number, &error), POLKA_MISUSE, "%s takes '%s'", name, text);
    cr_expect_str_eq(error.message, message);
}

Test(property, parses_each_type_to_a_number)
{
    takes("lanes", "inline", 0);
    takes("http.port", "off", -1);
    takes("http.port", "0", 0);
    takes("lanes", "4", 4);
    takes("in_flight.bytes", "32MiB", 32 << 20);
    takes("in_flight.bytes", "65536", 65536);
    takes("embedded", "true", 1);
    takes("log.level", "debug", 3);
    takes("envelope", "compact", 1);
    takes("commit.interval_ms", "2s", 2000);
}

Test(property, refuses_with_what_it_takes_and_the_nearest_word)
{
    refuses("lanes", "0", "'0' is not a number, 1 to 256, or inline");
    refuses("lanes", "inlin", "'inlin' is not a number, 1 to 256, or inline; did you mean 'inline'?");
    refuses("log.level", "inf", "'inf' is not one of error, warn, info, debug; did you mean 'info'?");
    refuses("log.level", "", "'' is not one of error, warn, info, debug");
    refuses("embedded", "yes", "'yes' is not true or false");
    refuses("in_flight.bytes", "32MB", "'32MB' is not a size such as 64KiB or 32MiB, 1024 to 1099511627776 bytes");
    refuses("drain.deadline_ms", "0", "'0' is not a duration such as 100ms, 5s or 2m, 1 to 3600000 ms");
}

Test(property, every_default_of_the_table_is_a_value_it_takes)
{
    for (const polkai_property *at = polkai_properties; at->name != NULL; at++) {
        int64_t number;
        polka_error error = { 0 };
        if (at->fallback != NULL)
            cr_expect_eq(polkai_property_parse(at, at->fallback, &number, &error), POLKA_OK, "%s: %s", at->name, error.message);
        cr_expect(strlen(at->help) > 0, "%s has no help", at->name);
    }
}

Test(property, has_one_environment_variable_and_maps_those_of_librdkafka_as_apache_does)
{
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    cr_expect_str_eq(polkai_property_variable("in_flight.events", &arena), "POLKA_IN_FLIGHT_EVENTS");
    cr_expect_str_eq(polkai_property_variable("app.smtp-host", &arena), "POLKA_APP_SMTP_HOST");
    cr_expect_str_eq(polkai_kafka_name("SESSION_TIMEOUT_MS", &arena), "session.timeout.ms");
    cr_expect_str_eq(polkai_kafka_name("LOG__LEVEL", &arena), "log_level");
    cr_expect_str_eq(polkai_kafka_name("A___B", &arena), "a-b");
    cr_expect(polkai_property_same_name("log.level", "LOG_LEVEL"));
    cr_expect_not(polkai_property_same_name("log.level", "LOG_LEVELS"));
    cr_expect_not(polkai_property_same_name("log.levels", "LOG_LEVEL"));
    polkai_arena_deinit(&arena);
}
