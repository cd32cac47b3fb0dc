/* The text that Prometheus reads: its escapes, and what a program shows of what it has done. `promtool` judges it in tests/cli. */
#include "child.h"

#include <base/arena.h>
#include <base/error.h>
#include <service/exposition.h>

#include <base/clock.h>
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

TestSuite(metrics, .fini = child_remove_folder);

/* ---- the writer ---- */

static void writes(polka_text value, const char *expected)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    polkai_exposition out = { .text = { .arena = &arena } };
    char text[2000];
    polkai_exposition_family(&out, "polka_x", "gauge", "A back\\slash,\na \"quote\".");
    polkai_exposition_sample(&out, "", (const polkai_label[]){ { "a", value }, { "b", POLKA_TEXT("2") }, { NULL, { 0, NULL } } }, 1);
    snprintf(text, sizeof text, "# HELP polka_x A back\\\\slash,\\na \"quote\".\n# TYPE polka_x gauge\npolka_x{a=\"%s\",b=\"2\"} 1\n", expected);
    cr_expect_eq(out.text.size, strlen(text));
    cr_expect_eq(memcmp(out.text.data, text, out.text.size), 0, "%.*s is not\n%s", (int)out.text.size, out.text.data, text);
}

Test(metrics, escape_what_hostile_names_hold)
{
    writes(POLKA_TEXT("plain"), "plain");
    writes(POLKA_TEXT(""), "");
    writes(POLKA_TEXT("\"} 1\npolka_forged 7 #"), "\\\"} 1\\npolka_forged 7 #");
    writes(POLKA_TEXT("back\\slash\\"), "back\\\\slash\\\\");
    writes(POLKA_TEXT("\\n"), "\\\\n");
    writes(POLKA_TEXT("Grüße ☃ \xf0\x9f\xa6\x80"), "Grüße ☃ \xf0\x9f\xa6\x80");
    writes(POLKA_TEXT("\xff\"\n"), "ff220a");
    writes(POLKA_TEXT("\xc3"), "c3");
}

static void writes_number(double value, const char *expected)
{
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    polkai_exposition out = { .text = { .arena = &arena }, .family = "n" };
    polkai_exposition_sample(&out, "_sum", NULL, value);
    cr_expect(out.text.size == strlen(expected) && memcmp(out.text.data, expected, out.text.size) == 0, "%.*s is not %s", (int)out.text.size, out.text.data, expected);
}

Test(metrics, write_numbers_as_they_are)
{
    writes_number(0, "n_sum 0\n");
    writes_number(-1, "n_sum -1\n");
    writes_number(1795671067, "n_sum 1795671067\n");
    writes_number(1795671067.25, "n_sum 1795671067.25\n");
    writes_number(0.000001, "n_sum 1e-06\n");
    writes_number(1e300, "n_sum 1e+300\n");
    writes_number(INFINITY, "n_sum +Inf\n");
    writes_number(-INFINITY, "n_sum -Inf\n");
    writes_number(NAN, "n_sum NaN\n");
}

/* ---- from outside ---- */

#define OF_PLACED "{service=\"payments\",reaction=\"t.Placed\",event=\"t.Placed\""

enum { LIMIT_S = 30 };

static int64_t now_ns(void) { return polkai_clock_real.steady_ns(&polkai_clock_real); }
static bool is_late(int64_t began_ns) { return now_ns() - began_ns > LIMIT_S * INT64_C(1000000000); }

/* Asks until it is so: joining takes three seconds, and the copy of the partitions is a second old at most. */
static const char *shows(unsigned port, const char *line)
{
    int64_t began_ns = now_ns();
    const char *page = child_get(port, "/metrics");
    while (strstr(page, line) == NULL && !is_late(began_ns))
        page = child_get(port, "/metrics");
    cr_expect_not_null(strstr(page, line), "there is no %s in %s", line, page);
    return page;
}

static const char *number_of(const char *page, const char *series)
{
    const char *at = strstr(page, series);
    cr_assert_not_null(at, "%s is not in %s", series, page);
    return at + strlen(series);
}

Test(metrics, tell_what_was_handled_emitted_and_committed_and_what_lags)
{
    polkai_broker *broker;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "one", "two", "three" }, 3);
    child program = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--lanes", "2", "--activity.enabled", "true", HTTP));
    unsigned port = child_port(&program);
    shows(port, "\npolka_activity_records_total{service=\"payments\"} 6\n");
    shows(port, "\nkafka_consumergroup_lag{topic=\"t.orders\",partition=\"0\",consumergroup=\"payments\"} 0\n");
    shows(port, "\nkafka_topic_partition_current_offset{topic=\"t.orders\",partition=\"0\"} 3\n");
    const char *page = shows(port, "\nkafka_consumergroup_current_offset{topic=\"t.orders\",partition=\"0\",consumergroup=\"payments\"} 3\n");
    static const char *const lines[] = {
        "Content-Type: text/plain; version=0.0.4; charset=utf-8",
        "polka_events_handled_total" OF_PLACED ",outcome=\"done\"} 3\n",
        "polka_events_handled_total{service=\"payments\",reaction=\"audit\",event=\"t.Placed\",outcome=\"done\"} 3\n",
        "polka_handler_duration_seconds_bucket" OF_PLACED ",le=\"+Inf\"} 3\n",
        "polka_handler_duration_seconds_count" OF_PLACED "} 3\n",
        "polka_consumer_lag{topic=\"t.orders\",partition=\"0\",service=\"payments\"} 0\n",
        "polka_partition_in_flight{topic=\"t.orders\",partition=\"0\",service=\"payments\"} 0\n",
        "polka_partition_held{topic=\"t.orders\",partition=\"0\",service=\"payments\"} 0\n",
        "polka_events_received_total{service=\"payments\"} 3\n",
        "polka_rebalances_total{service=\"payments\",kind=\"assigned\"} 1\n",
        "polka_handler_deadline_seconds{service=\"payments\",reaction=\"audit\",event=\"t.Placed\"} 5\n",
        "polka_dead_letters_total{service=\"payments\",reaction=\"-\",event=\"-\"} 0\n",
        "polka_ready{service=\"payments\"} 1\n",
        "polka_activity_dropped_total{service=\"payments\"} 0\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect_not_null(strstr(page, lines[i]), "there is no %s in %s", lines[i], page);
    cr_expect(atof(number_of(page, "\npolka_commits_total{service=\"payments\"} ")) >= 1);
    cr_expect(atof(number_of(page, "\nprocess_resident_memory_bytes ")) > 1e6);
    double started = atof(number_of(page, "\nprocess_start_time_seconds "));
    cr_expect(fabs(started - (double)time(NULL)) < 300, "%f", started);
    kill(program.pid, SIGTERM);
    cr_expect_eq(child_end(&program), 0, "%s", program.text);
    polkai_broker_stop(broker);
}

Test(metrics, count_spans_that_are_dropped_and_have_none_where_nothing_is_traced)
{
    static const char full[] = "\npolka_trace_spans_dropped_total{service=\"payments\",reason=\"queue-full\"} ";
    static const char exported[] = "\npolka_trace_spans_exported_total{service=\"payments\"} 0\n";
    polkai_broker *broker;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "one", "two", "three" }, 3);
    for (int traced = 0; traced < 2; traced++) {
        if (traced) {
            setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", 1);
            setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1", 1);   /* one is tried again and again, one waits, the others find no room */
        }
        child program = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", "--group", traced ? "b" : "a", HTTP));
        unsigned port = child_port(&program);
        const char *page = shows(port, "\nkafka_topic_partition_current_offset{topic=\"t.orders\",partition=\"0\"} 3\n");
        for (int64_t began_ns = now_ns(); traced && !is_late(began_ns) && (strstr(page, full) == NULL || atof(number_of(page, full)) < 2);)
            page = child_get(port, "/metrics");
        cr_expect_eq(strstr(page, exported) != NULL, traced == 1, "%s", page);
        cr_expect(traced ? atof(number_of(page, full)) >= 2 : strstr(page, "polka_trace") == NULL, "%s", page);
        kill(program.pid, SIGTERM);
        cr_expect_eq(child_end(&program), 0, "%s", program.text);
        cr_expect_eq(strstr(program.text, "traces are not exported: cannot reach http://127.0.0.1:1/v1/traces") != NULL, traced == 1, "%s", program.text);
    }
    polkai_broker_stop(broker);
}

static bool clock_is_set;                /* by somebody: 10 ms on at each look at it */

int clock_gettime(clockid_t which, struct timespec *now)
{
    static atomic_long looks;
    long done = syscall(SYS_clock_gettime, which, now);
    if (done != 0 || which != CLOCK_REALTIME || !clock_is_set)
        return (int)done;
    int64_t at_ns = now->tv_nsec + 10000000 * (int64_t)(atomic_fetch_add(&looks, 1) + 1);
    now->tv_sec += at_ns / 1000000000;
    now->tv_nsec = at_ns % 1000000000;
    return 0;
}

/* Alerts count how often this one changes: deploy/observability. */
Test(metrics, tell_the_same_start_of_the_process_also_when_the_clock_is_set)
{
    static const char series[] = "\nprocess_start_time_seconds ";
    char first[40];
    clock_is_set = true;
    child program = child_start(ARGUMENTS("--brokers", "127.0.0.1:1", "--app.tenant", "t", HTTP));
    clock_is_set = false;
    unsigned port = child_port(&program);
    snprintf(first, sizeof first, "%.*s", 30, number_of(child_get(port, "/metrics"), series));
    first[strcspn(first, "\n")] = '\0';
    const char *second = number_of(child_get(port, "/metrics"), series);
    cr_assert(strncmp(second, first, strlen(first)) == 0 && second[strlen(first)] == '\n', "%s, then %.30s", first, second);
    kill(program.pid, SIGKILL);
    child_end(&program);
}

Test(metrics, tell_which_handler_runs_and_for_how_long_while_it_does)
{
    polkai_broker *broker;
    char *brokers = child_broker_with(&broker, (const char *const[]){ "one" }, 1);
    sample_blocks = true;
    child program = child_start(ARGUMENTS("--brokers", brokers, "--embedded", "--app.tenant", "t", HTTP));
    unsigned port = child_port(&program);
    cr_assert(child_read_until(&program, "blocked"), "%s", program.text);
    const char *page = shows(port, "\npolka_partition_in_flight{topic=\"t.orders\",partition=\"0\",service=\"payments\"} 1\n");
    cr_expect_not_null(strstr(page, "polka_handlers_running" OF_PLACED "} 1\n"), "%s", page);
    while (atof(number_of(child_get(port, "/metrics"), "\npolka_handler_running_seconds" OF_PLACED "} ")) < 0.05)
        continue;
    shows(port, "\npolka_consumer_lag{topic=\"t.orders\",partition=\"0\",service=\"payments\"} 1\n");
    kill(program.pid, SIGKILL);
    child_end(&program);
    polkai_broker_stop(broker);
}
