/* Logical types as text, both ways; -> is what comes back. */
#include "support.h"

typedef struct { const char *json, *back; } pair;

static void check(const char *schema, const pair *pairs, size_t count)
{
    bench b;
    bench_open(&b, schema);
    for (size_t i = 0; i < count; i++) {
        const char *back = there_and_back(&b, pairs[i].json);
        cr_expect_str_eq(back, pairs[i].back, "%s %s\nexpected: %s\n     got: %s", schema, pairs[i].json, pairs[i].back, back);
    }
    bench_close(&b);
}
#define CHECK(SCHEMA, ...) check((SCHEMA), (const pair[]){ __VA_ARGS__ }, sizeof((const pair[]){ __VA_ARGS__ }) / sizeof(pair))
#define SAME(JSON) { JSON, JSON }

Test(readable, timestamps_are_rfc_3339_and_numbers_are_taken)
{
    CHECK("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", SAME("\"2026-11-01T10:00:00.412Z\""), { "\"2026-11-01T10:00:00Z\"", "\"2026-11-01T10:00:00.000Z\"" },
          { "\"2026-11-01T10:00:00.41+01:00\"", "\"2026-11-01T09:00:00.410Z\"" }, { "0", "\"1970-01-01T00:00:00.000Z\"" }, { "-1", "\"1969-12-31T23:59:59.999Z\"" },
          SAME("9223372036854775807"), SAME("-9223372036854775808"), SAME("253402300800000"), { "253402300799999", "\"9999-12-31T23:59:59.999Z\"" },
          { "\"2026-11-01T10:00:00.4120Z\"", "\"2026-11-01T10:00:00.412Z\"" },
          { "\"2026-11-01T10:00:00.4123Z\"", "!the value: expected no more than milliseconds, got string \"2026-11-01T10:00:00.4123Z\"" },
          { "\"2026-11-01\"", "!the value: expected a timestamp such as 2026-11-01T10:00:00.412Z, got string \"2026-11-01\"" },
          { "1.5", "!the value: expected timestamp-millis, got number 1.5" });
    CHECK("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", SAME("\"2026-11-01T10:00:00.412345Z\""), { "-1", "\"1969-12-31T23:59:59.999999Z\"" });
    CHECK("{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}", { "-9223372036854775808", "\"1677-09-21T00:12:43.145224192Z\"" }, SAME("\"1677-09-21T00:12:43.145224192Z\""),
          SAME("\"2262-04-11T23:47:16.854775807Z\""),
          { "\"2262-04-11T23:47:16.854775808Z\"", "!the value: expected a time that 64 bits of nanoseconds can hold (1677 to 2262), got string \"2262-04-11T23:47:16.854775808Z\"" });
    CHECK("{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}", SAME("\"2026-11-01T10:00:00.412\""),
          { "\"2026-11-01T10:00:00Z\"", "!the value: expected a local timestamp such as 2026-11-01T10:00:00.412, without an offset, got string \"2026-11-01T10:00:00Z\"" });
}

Test(readable, dates_and_times_of_day)
{
    CHECK("{\"type\":\"int\",\"logicalType\":\"date\"}", SAME("\"2026-11-01\""), { "0", "\"1970-01-01\"" }, { "-1", "\"1969-12-31\"" }, SAME("2147483647"), SAME("\"2024-02-29\""),
          { "\"2026-11-31\"", "!the value: expected a date such as 2026-11-01, got string \"2026-11-31\"" },
          { "\"2026-11-01T00:00:00Z\"", "!the value: expected a date such as 2026-11-01, got string \"2026-11-01T00:00:00Z\"" });
    CHECK("{\"type\":\"int\",\"logicalType\":\"time-millis\"}", SAME("\"23:59:59.999\""), { "\"10:00:00\"", "\"10:00:00.000\"" }, SAME("-1"), SAME("86400000"),
          { "\"24:00:00\"", "!the value: expected a time such as 10:00:00.412, got string \"24:00:00\"" });
    CHECK("{\"type\":\"long\",\"logicalType\":\"time-micros\"}", SAME("\"10:00:00.412345\""));
}

Test(readable, decimals_are_digits_with_their_scale)
{
    CHECK("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", SAME("\"12.34\""), SAME("\"-0.01\""), { "12", "\"12.00\"" }, { "12.34", "\"12.34\"" }, { "\"+.5\"", "\"0.50\"" },
          { "\"-0\"", "\"0.00\"" }, { "\"1.200\"", "\"1.20\"" }, SAME("\"1.28\""), SAME("\"-1.28\""), SAME("\"-1.29\""), SAME("\"327.67\""), SAME("\"-327.68\""), SAME("\"99999999.99\""),
          { "\"ATE=\"", "\"3.05\"" },
          { "\"1.234\"", "!the value: expected decimal of precision 10 and scale 2, got string \"1.234\", which has more digits after the point than its scale" },
          { "\"100000000.00\"", "!the value: expected decimal of precision 10 and scale 2, got string \"100000000.00\", which has more digits than its precision" },
          { "\"twelve\"", "!the value: expected bytes (a decimal such as \"12.34\" or base64), got string \"twelve\"" }, { "true", "!the value: expected bytes (a decimal such as \"12.34\" or base64), got true" });
    CHECK("{\"type\":\"fixed\",\"name\":\"F\",\"size\":3,\"logicalType\":\"decimal\",\"precision\":6}", SAME("\"-999999\""), SAME("\"0\""), { "\"AAAB\"", "\"1\"" },
          { "1e99", "!the value: expected fixed F (3 bytes as a decimal such as \"12.34\" or base64), got number 1e+99" });
    CHECK("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":80,\"scale\":40}", SAME("\"-1234567890123456789012345678901234567890.1234567890123456789012345678901234567890\""),
          SAME("\"0.0000000000000000000000000000000000000001\""));
}

Test(readable, a_number_that_json_may_have_changed_is_no_decimal)
{
    CHECK("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":20,\"scale\":2}", { "1234567890123.45", "\"1234567890123.45\"" }, { "123456789012345", "\"123456789012345.00\"" }, { "123456789012345.0", "\"123456789012345.00\"" },
          { "123456789012345678", "\"123456789012345678.00\"" }, { "1200.50", "\"1200.50\"" }, SAME("\"12345678901234567.89\""),
          { "12345678901234567.89", "!the value: expected decimal of precision 20 and scale 2, got number 12345678901234568.0, which has more than 15 digits, which JSON numbers do not keep; write it as a text" },
          { "123456789012345.678", "!the value: expected decimal of precision 20 and scale 2, got number 123456789012345.67, which has more than 15 digits, which JSON numbers do not keep; write it as a text" });
}

/* Java writes what it is given; what it wrote has to be shown, and to be the same bytes again. */
Test(readable, bytes_that_are_no_decimal_of_the_precision_stay_bytes)
{
    bench b;
    bench_open(&b, "[{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2},\"string\"]");
    eq_text(decoded(&b, "00060f4240"), "{\"base64\":\"D0JA\"}");
    eq_text(encoded(&b, "{\"base64\":\"D0JA\"}"), "00060f4240");
    eq_text(decoded(&b, "0004270f"), "\"99.99\"");
    eq_text(decoded(&b, "0000"), "{\"base64\":\"\"}");
    eq_text(encoded(&b, "{\"base64\":\"\"}"), "0000");
    bench_close(&b);
}

Test(readable, durations_uuids_and_plain_bytes)
{
    CHECK("{\"type\":\"fixed\",\"name\":\"F\",\"size\":12,\"logicalType\":\"duration\"}", SAME("\"P1M2DT3.004S\""), SAME("\"P4294967295M4294967295DT4294967.295S\""), { "\"P1Y2W\"", "\"P12M14DT0.000S\"" },
          { "\"PT1H1M\"", "\"P0M0DT3660.000S\"" }, { "\"AQAAAAIAAAC8CwAA\"", "\"P1M2DT3.004S\"" },
          { "\"P4294967296M1D\"", "!the value: expected fixed F (12 bytes as a duration such as \"P1M2DT3.004S\" or base64), got string \"P4294967296M1D\"" });
    CHECK("{\"type\":\"fixed\",\"name\":\"F\",\"size\":16,\"logicalType\":\"uuid\"}", SAME("\"019b7909-20c0-7510-aa4c-364796553b85\""), { "\"AAAAAAAAAAAAAAAAAAAAAA==\"", "\"00000000-0000-0000-0000-000000000000\"" });
    CHECK("\"bytes\"", SAME("\"\""), SAME("\"AA==\""), SAME("\"AAE=\""), SAME("\"+/8B\""), { "\"AB==\"", "!the value: expected bytes (base64), got string \"AB==\"" },
          { "\"AAF=\"", "!the value: expected bytes (base64), got string \"AAF=\"" }, { "\"AAE\"", "!the value: expected bytes (base64), got string \"AAE\"" });
    CHECK("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", SAME("\"AAE=\""), { "\"AA==\"", "!the value: expected fixed F (2 bytes as base64), got 1 bytes" });
}

Test(readable, numbers_lose_nothing)
{
    CHECK("\"long\"", SAME("9007199254740993"), SAME("-9223372036854775808"));
    CHECK("\"double\"", SAME("\"NaN\""), SAME("\"Infinity\""), SAME("\"-Infinity\""), SAME("-0.0"), { "1", "1.0" }, { "\"nan\"", "!the value: expected double, got string \"nan\"" });
    CHECK("\"float\"", SAME("\"NaN\""), SAME("0.5"), { "1e39", "!the value: expected float (at most 3.4028235e38), got number 1e+39" });
    CHECK("\"string\"", SAME("\"a\\u0000b\""), SAME("\"\""));
}
