/* Built-in < file < environment < flag, each value with where it was set; what is refused says where and what was probably meant. */
#include "sample.h"

#include <service/config.h>
#include <service/report.h>
#include <transport/kafka/kafka.h>

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARGUMENTS(...) (char *[]){ "payments", __VA_ARGS__, NULL }
#define ENVIRONMENT(...) (char *[]){ __VA_ARGS__, NULL }
#define FILE_OF(CASE) POLKA_TEST_DATA "/config/" CASE "/polka.yaml"

static polka_status read_for(const polka_service *service, polkai_config **config, char **argv, char **environment, polka_error *error)
{
    int argc = 0;
    while (argv != NULL && argv[argc] != NULL)
        argc++;
    *error = (polka_error){ 0 };
    return polkai_config_create(config, service, argc, argv, environment, error);
}

static polkai_config *good(char **argv, char **environment)
{
    polka_error error;
    polkai_config *config;
    cr_assert_eq(read_for(&sample_service, &config, argv, environment, &error), POLKA_OK, "%s", error.message);
    return config;
}

/* The message with the release of librdkafka that is linked. */
static const char *of_this_release(const char *message)
{
    static char text[700];
    const char *at = strstr(message, "RELEASE");
    if (at == NULL)
        return message;
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - message), message, polkai_kafka_version(), at + strlen("RELEASE"));
    return text;
}

static void refused(char **argv, char **environment, const char *code, const char *message)
{
    polka_error error;
    polkai_config *config;
    cr_expect_eq(read_for(&sample_service, &config, argv, environment, &error), POLKA_MISUSE, "taken, but: %s", message);
    cr_expect_null(config);
    cr_expect_str_eq(error.code, code);
    cr_expect_str_eq(error.message, of_this_release(message));
}

static void has(const polkai_config *config, const char *name, const char *text, const char *origin)
{
    const polkai_config_value *value = polkai_config_find(config, name);
    cr_assert_not_null(value, "%s", name);
    cr_expect_str_eq(value->text.data, text, "%s is '%s'", name, value->text.data);
    cr_expect_str_eq(value->origin, origin, "%s is from '%s'", name, value->origin);
}

Test(config, has_defaults_from_the_table_and_from_the_service)
{
    polkai_config *config = good(ARGUMENTS("run"), NULL);
    has(config, "brokers", "localhost:9092", "built-in");
    has(config, "group", "payments", "the service");
    has(config, "app.smtp.port", "25", "the service");
    cr_expect_eq(polkai_config_number(config, "drain.deadline_ms"), 8000);
    cr_expect_eq(polkai_config_number(config, "lanes"), 1);
    polkai_config_destroy(config);
}

Test(config, takes_file_over_built_in_and_environment_over_file_and_flag_over_environment)
{
    polkai_config *config = good(ARGUMENTS("--config", FILE_OF("shop"), "--group", "from-flag"),
                                 ENVIRONMENT("POLKA_GROUP=from-env", "POLKA_LOG_LEVEL=debug", "HOME=/root"));
    has(config, "group", "from-flag", "flag --group");
    has(config, "log.level", "debug", "environment POLKA_LOG_LEVEL");
    has(config, "brokers", "one:9092,two:9092", FILE_OF("shop") ":5:12");
    has(config, "lanes", "inline", FILE_OF("shop") ":12:12");            /* services.payments wins over settings */
    has(config, "in_flight.events", "500", FILE_OF("shop") ":7:21");
    has(config, "app.smtp.host", "mail", FILE_OF("shop") ":14:21");
    polkai_config_destroy(config);
}

Test(config, finds_the_file_by_its_variable_and_prefers_the_flag)
{
    polkai_config *config = good(ARGUMENTS("run"), ENVIRONMENT("POLKA_CONFIG=" FILE_OF("shop")));
    has(config, "envelope", "compact", FILE_OF("shop") ":4:11");
    polkai_config_destroy(config);
    refused(ARGUMENTS("--config", "/nowhere.yaml"), ENVIRONMENT("POLKA_CONFIG=" FILE_OF("shop")), "no-file",
            "/nowhere.yaml: No such file or directory");
}

Test(config, takes_the_usual_variable_of_kafka_below_its_own)
{
    polkai_config *config = good(ARGUMENTS("run"), ENVIRONMENT("KAFKA_BOOTSTRAP_SERVERS=k:1"));
    has(config, "brokers", "k:1", "environment KAFKA_BOOTSTRAP_SERVERS");
    polkai_config_destroy(config);
    config = good(ARGUMENTS("run"), ENVIRONMENT("POLKA_BROKERS=p:1", "KAFKA_BOOTSTRAP_SERVERS=k:1"));
    has(config, "brokers", "p:1", "environment POLKA_BROKERS");
    polkai_config_destroy(config);
}

Test(config, takes_flags_in_every_usual_form)
{
    polkai_config *config = good(ARGUMENTS("--log.level=warn", "--embedded", "--lanes", "4", "--app.strict", "true", "--drain-deadline-ms", "2s"), NULL);
    cr_expect_eq(polkai_config_number(config, "log.level"), 1);
    cr_expect_eq(polkai_config_number(config, "embedded"), 1);
    cr_expect_eq(polkai_config_number(config, "lanes"), 4);
    cr_expect_eq(polkai_config_number(config, "app.strict"), 1);
    cr_expect_eq(polkai_config_number(config, "drain.deadline_ms"), 2000);
    polkai_config_destroy(config);
    config = good(ARGUMENTS("--embedded", "config"), NULL);
    cr_expect_eq(config->arguments.command, POLKAI_COMMAND_CONFIG, "a switch does not swallow the command");
    polkai_config_destroy(config);
}

Test(config, passes_properties_through_to_librdkafka_with_the_same_precedence)
{
    polkai_config *config = good(ARGUMENTS("--config", FILE_OF("shop"), "-X", "session.timeout.ms=9000", "-Xsocket.timeout.ms=5000"),
                                 ENVIRONMENT("POLKA_KAFKA_SESSION_TIMEOUT_MS=8000", "POLKA_KAFKA_HEARTBEAT_INTERVAL_MS=700"));
    static const char *const expected[][2] = { { "session.timeout.ms", "9000" }, { "heartbeat.interval.ms", "700" },
                                               { "socket.keepalive.enable", "true" }, { "socket.timeout.ms", "5000" } };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const char *found = NULL;
        for (size_t k = 0; k < config->kafka_count; k++)
            if (strcmp(config->kafka[k].key, expected[i][0]) == 0)
                found = config->kafka[k].value;
        cr_assert_not_null(found, "%s", expected[i][0]);
        cr_expect_str_eq(found, expected[i][1], "%s is %s", expected[i][0], found);
    }
    cr_expect_eq(config->kafka_count, 4u);
    polkai_config_destroy(config);
}

Test(config, refuses_an_unknown_property_with_the_nearest_name_and_where_it_was_set)
{
    refused(ARGUMENTS("--brokrs", "a:1"), NULL, "unknown-property",
            "flag --brokrs: unknown property 'brokrs'; did you mean 'brokers'? ('payments config --reference' lists all)");
    refused(ARGUMENTS("run"), ENVIRONMENT("POLKA_LOG_LEVLE=info"), "unknown-property",
            "environment POLKA_LOG_LEVLE: no property has this variable; did you mean POLKA_LOG_LEVEL? ('payments config --reference' lists all)");
    refused(ARGUMENTS("run"), ENVIRONMENT("POLKA_APP_SMTP_HSOT=x"), "unknown-property",
            "environment POLKA_APP_SMTP_HSOT: no property has this variable; did you mean POLKA_APP_SMTP_HOST? ('payments config --reference' lists all)");
    refused(ARGUMENTS("-X", "sesion.timeout.ms=1"), NULL, "unknown-property",
            "flag -X sesion.timeout.ms: librdkafka RELEASE has no property sesion.timeout.ms; did you mean session.timeout.ms?");
}

Test(config, refuses_a_wrong_value_with_where_it_was_set)
{
    refused(ARGUMENTS("--lanes", "many"), NULL, "bad-value", "flag --lanes: lanes: 'many' is not a number, 1 to 256, or inline");
    refused(ARGUMENTS("run"), ENVIRONMENT("POLKA_LOG_LEVEL=loud"), "bad-value",
            "environment POLKA_LOG_LEVEL: log.level: 'loud' is not one of error, warn, info, debug");
    refused(ARGUMENTS("--app.smtp.port", "70000"), NULL, "bad-value", "flag --app.smtp.port: app.smtp.port: '70000' is not a number, 1 to 65535");
    refused(ARGUMENTS("--group", "a b"), NULL, "bad-value",
            "flag --group: group 'a b' becomes part of topic names: use letters, digits, dots, - and _");
    refused(ARGUMENTS("--brokers"), NULL, "usage", "flag --brokers needs a value: a list with commas");
    refused(ARGUMENTS("--brokers="), NULL, "bad-value", "flag --brokers: brokers is empty");
}

Test(config, ids_of_a_registry_need_a_registry)
{
    polka_error error;
    polkai_config *config = good(ARGUMENTS("--framing", "confluent", "--app.tenant", "t"), NULL);
    cr_expect_eq(polkai_config_require(config, &error), POLKA_MISUSE);
    cr_expect_str_eq(error.message, "flag --framing: framing confluent needs a schema registry: set schemas.registry.url, or use single-object");
    polkai_config_destroy(config);
    config = good(ARGUMENTS("--framing", "confluent", "--app.tenant", "t", "--schemas.registry.url", "http://localhost:8081"), NULL);
    cr_expect_eq(polkai_config_require(config, &error), POLKA_OK);
    polkai_config_destroy(config);
}

Test(config, refuses_transactions_on_the_embedded_broker)
{
    polkai_config_destroy(good(ARGUMENTS("--delivery", "exactly-once"), NULL));
    refused(ARGUMENTS("--delivery", "exactly-once", "--embedded", "true"), NULL, "not-supported",
            "flag --delivery: delivery exactly-once needs transactions, and the embedded broker has none; use polka dev --kafka");
}

Test(config, refuses_words_it_does_not_know)
{
    refused(ARGUMENTS("confg"), NULL, "usage", "'confg' is no command of this program; did you mean 'config'?; --help lists them");
    refused(ARGUMENTS("-X", "nonsense"), NULL, "usage", "-X takes a property of librdkafka and its value: -X session.timeout.ms=6000");
    refused(ARGUMENTS("--reference"), NULL, "usage", "--reference goes with config: config --reference");
    refused(ARGUMENTS("config", "--format", "xml"), NULL, "usage", "--format is table or json");
}

static void line_of(const char *path, char *out, size_t capacity)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    cr_assert_not_null(fgets(out, (int)capacity, file), "%s", path);
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

/* Each folder: polka.yaml, and `error`, what the message says after the path. */
Test(config, refuses_each_bad_file_with_line_and_column)
{
    size_t cases = 0;
    DIR *folder = opendir(POLKA_TEST_DATA "/config/invalid");
    cr_assert_not_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char path[600], expected[600];
        polka_error error;
        polkai_config *config;
        snprintf(path, sizeof path, POLKA_TEST_DATA "/config/invalid/%s/error", entry->d_name);
        line_of(path, expected, sizeof expected);
        snprintf(path, sizeof path, POLKA_TEST_DATA "/config/invalid/%s/polka.yaml", entry->d_name);
        cr_expect_eq(read_for(&sample_service, &config, ARGUMENTS("--config", path), NULL, &error), POLKA_MISUSE, "%s was taken", entry->d_name);
        cr_assert_eq(strncmp(error.message, path, strlen(path)), 0, "%s: %s", entry->d_name, error.message);
        cr_expect_str_eq(error.message + strlen(path), of_this_release(expected), "%s: '%s'", entry->d_name, error.message + strlen(path));
        cases++;
    }
    closedir(folder);
    cr_assert_geq(cases, 7u);
}

Test(config, passes_over_what_belongs_to_others)
{
    polkai_config *config = good(ARGUMENTS("run"), ENVIRONMENT("POLKA_SERVICE_HOST=10.0.0.1", "POLKA_PORT_9092_TCP_ADDR=10.0.0.1",
                                                               "POLKA_PORT=tcp://10.0.0.1:9092", "POLKA_TEST_BROKERS=a:1"));
    polkai_config_destroy(config);
    /* a service without settings, in an environment that sets one of another */
    polka_error error;
    polka_service plain = sample_service;
    plain.settings = NULL;
    cr_expect_eq(read_for(&plain, &config, ARGUMENTS("--config", FILE_OF("shop-without-services")), ENVIRONMENT("POLKA_APP_SMTP_HOST=x"), &error),
                 POLKA_OK, "%s", error.message);
    polkai_config_destroy(config);
    /* but what is said to it alone is its own */
    cr_expect_eq(read_for(&plain, &config, ARGUMENTS("--app.smtp.host", "x"), NULL, &error), POLKA_MISUSE);
    cr_expect_eq(read_for(&plain, &config, ARGUMENTS("--config", FILE_OF("own-section")), NULL, &error), POLKA_MISUSE);
}

static char *write_secret(const char *text)
{
    static char path[] = "/tmp/polka_test_secret_XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    return path;
}

Test(config, reads_secrets_from_files_by_flag_variable_and_for_librdkafka)
{
    char *path = write_secret("hunter2\n"), argument[100], variable[100], kafka[100];
    snprintf(argument, sizeof argument, "--app.smtp.password_file=%s", path);
    snprintf(variable, sizeof variable, "POLKA_APP_SMTP_PASSWORD_FILE=%s", path);
    snprintf(kafka, sizeof kafka, "POLKA_KAFKA_SASL_PASSWORD_FILE=%s", path);
    polkai_config *config = good(ARGUMENTS(argument), NULL);
    has(config, "app.smtp.password", "hunter2", "flag --app.smtp.password_file");
    polkai_config_destroy(config);
    config = good(ARGUMENTS("run"), ENVIRONMENT(variable, kafka));
    has(config, "app.smtp.password", "hunter2", "environment POLKA_APP_SMTP_PASSWORD_FILE");
    cr_assert_eq(config->kafka_count, 1u);
    cr_expect_str_eq(config->kafka[0].key, "sasl.password");
    cr_expect_str_eq(config->kafka[0].value, "hunter2");
    polkai_config_destroy(config);
    unlink(path);
    refused(ARGUMENTS("--app.smtp.host_file=/x"), NULL, "unknown-property",
            "flag --app.smtp.host_file: unknown property 'app.smtp.host_file'; did you mean 'app.smtp.host'? ('payments config --reference' lists all)");
    refused(ARGUMENTS("--app.smtp.password_file=/nowhere"), NULL, "no-file", "flag --app.smtp.password_file: /nowhere: No such file or directory");
}

typedef void writer(const polkai_config *config, FILE *out);
static void write_table(const polkai_config *config, FILE *out) { polkai_report_config(config, false, out); }
static void write_lines(const polkai_config *config, FILE *out) { polkai_report_config(config, true, out); }

static char *written(writer *write_it, const polkai_config *config)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write_it(config, out);
    fclose(out);
    return text;
}

Test(config, shows_values_with_origin_and_never_a_secret)
{
    static writer *const writers[] = { write_table, write_lines, polkai_report_help, polkai_report_reference };
    polkai_config *config = good(ARGUMENTS("--app.smtp.password=hunter2", "-X", "sasl.password=hunter2", "-X", "sasl.username=ann"), NULL);
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        char *text = written(writers[i], config);
        cr_expect_null(strstr(text, "hunter2"), "%s", text);
        cr_expect_not_null(strstr(text, "app.smtp.password"), "%s", text);
        free(text);
    }
    char *lines = written(write_lines, config);
    cr_expect_not_null(strstr(lines, "{\"name\":\"app.smtp.password\",\"value\":\"********\",\"origin\":\"flag --app.smtp.password\"}\n"), "%s", lines);
    cr_expect_not_null(strstr(lines, "{\"name\":\"kafka.sasl.password\",\"value\":\"********\",\"origin\":\"flag -X sasl.password\"}\n"), "%s", lines);
    cr_expect_not_null(strstr(lines, "{\"name\":\"kafka.sasl.username\",\"value\":\"ann\",\"origin\":\"flag -X sasl.username\"}\n"), "%s", lines);
    free(lines);
    polkai_config *url = good(ARGUMENTS("--schemas.registry.url=http://ann:hunter2@a:8081,http://b"), NULL);
    lines = written(write_lines, url);
    cr_expect_not_null(strstr(lines, "\"value\":\"http://***@a:8081,http://b\""), "%s", lines);
    free(lines);
    polkai_config_destroy(url);
    refused(ARGUMENTS("--app.smtp.password=\xff"), NULL, "bad-value", "flag --app.smtp.password: app.smtp.password is not UTF-8");
    polkai_config_destroy(config);
}

Test(config, names_every_property_in_help_and_reference)
{
    polkai_config *config = good(ARGUMENTS("--help"), ENVIRONMENT("POLKA_NONSENSE=1"));    /* help answers in any surroundings */
    char *help = written(polkai_report_help, config), *reference = written(polkai_report_reference, config);
    for (size_t i = 0; i < config->count; i++) {
        const char *name = config->values[i].property.name;
        bool shown = config->values[i].property.section != NULL;
        char flag[100], cell[100];
        snprintf(flag, sizeof flag, "  --%s ", name);
        snprintf(cell, sizeof cell, "| `%s` |", name);
        cr_expect_eq(strstr(help, flag) != NULL, shown, "%s in help", name);
        cr_expect_eq(strstr(reference, cell) != NULL, shown, "%s in the reference", name);
    }
    cr_expect_not_null(strstr(help, "t.Placed -> on_placed -> t.Paid, t.Declined"));
    free(help);
    free(reference);
    polkai_config_destroy(config);
}

Test(config, asks_for_what_must_be_set_only_when_it_runs)
{
    polka_error error = { 0 };
    polkai_config *config = good(ARGUMENTS("--describe"), NULL);
    cr_expect_eq(polkai_config_require(config, &error), POLKA_MISUSE);
    cr_expect_str_eq(error.message, "app.tenant must be set: --app.tenant, POLKA_APP_TENANT, or app.tenant in the file given with --config (whose events)");
    polkai_config_destroy(config);
    config = good(ARGUMENTS("--app.tenant", ""), NULL);
    cr_expect_eq(polkai_config_require(config, &error), POLKA_OK);
    polkai_config_destroy(config);
}

Test(config, gives_the_flow_the_settings_of_the_service_and_no_other)
{
    polka_text text;
    int64_t number;
    polkai_config *config = good(ARGUMENTS("--app.pause", "3s"), NULL);
    polkai_settings settings = polkai_config_settings(config);
    cr_expect(settings.text(settings.user, "smtp.host", &text));
    cr_expect(polka_text_equal(text, POLKA_TEXT("localhost")));
    cr_expect(settings.number(settings.user, "pause", &number));
    cr_expect_eq(number, 3000);
    cr_expect_not(settings.text(settings.user, "brokers", &text));
    cr_expect_not(settings.number(settings.user, "smtp.host", &number));
    cr_expect_not(settings.text(settings.user, "smtp.port", &text));
    polkai_config_destroy(config);
}

Test(config, refuses_a_wrong_table_of_settings)
{
    static const struct { polka_setting rows[3]; const char *message; } bad[] = {
        { { { .name = "Host", .type = POLKA_SETTING_TEXT } }, "setting 'Host' of service payments: a name is lower-case letters, digits, dots, - and _" },
        { { { .name = "host" } }, "setting 'host' of service payments has no type: .type = POLKA_SETTING_TEXT, _LONG, _BOOL or _DURATION_MS" },
        { { { .name = "a.b", .type = POLKA_SETTING_TEXT }, { .name = "a_b", .type = POLKA_SETTING_TEXT } },
          "settings 'a.b' and 'a_b' of service payments have the same environment variable: rename one" },
        { { { .name = "n", .type = POLKA_SETTING_LONG, .fallback = "x" } }, "the service: app.n: 'x' is not a number" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        polka_error error;
        polkai_config *config;
        polka_service service = sample_service;
        service.settings = bad[i].rows;
        cr_expect_eq(read_for(&service, &config, ARGUMENTS("run"), NULL, &error), POLKA_MISUSE, "%zu", i);
        cr_expect_str_eq(error.message, bad[i].message);
    }
}
