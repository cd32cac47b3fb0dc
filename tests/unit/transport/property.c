/* Releases of librdkafka that are refused, and its properties: what is taken, and what the promises rest on. */
#include <transport/broker.h>
#include <transport/kafka/source.h>

#include <criterion/criterion.h>

Test(release, those_that_are_known_to_be_bad_are_refused_by_name_with_the_reason_and_what_to_install)
{
    static const struct { int release; const char *why; } bad[] = {
        { 0x010900ff, "too old" }, { 0x020001ff, "too old" },
        { 0x020100ff, "twice" },
        { 0x020200ff, "MessageSet" }, { 0x020300ff, "MessageSet" }, { 0x020400ff, "MessageSet" },
        { 0x020500ff, "metrics" },
        { 0x020600ff, "before Kafka 2.7" },
        { 0x020a00ff, "come back" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        polka_error why = { 0 };
        char number[16];
        snprintf(number, sizeof number, "%d.%d.%d", bad[i].release >> 24, bad[i].release >> 16 & 0xff, bad[i].release >> 8 & 0xff);
        cr_assert_eq(polkai_kafka_release_check(bad[i].release, &why), POLKA_MISUSE, "%s", number);
        cr_assert_not_null(strstr(why.message, number), "%s", why.message);
        cr_assert_not_null(strstr(why.message, bad[i].why), "%s", why.message);
        cr_assert_not_null(strstr(why.message, "2.0.2"), "what to do: %s", why.message);
    }
}

Test(release, the_others_are_taken)
{
    const int good[] = { 0x020002ff, 0x020101ff, 0x020503ff, 0x020601ff, 0x020800ff, 0x020a01ff, 0x020c01ff, 0x020f01ff, 0x030000ff };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert_eq(polkai_kafka_release_check(good[i], NULL), POLKA_OK, "%x", (unsigned)good[i]);
    cr_assert_eq(polkai_kafka_check(NULL), POLKA_OK, "the one that is linked");
}

Test(property, a_typo_is_met_with_the_nearest_name)
{
    polka_error why = { 0 };
    cr_assert_eq(polkai_kafka_property_check("lingr.ms", "5", &why), POLKA_MISUSE);
    cr_assert_str_eq(why.code, "unknown-property");
    cr_assert_not_null(strstr(why.message, "linger.ms"), "%s", why.message);
}

Test(property, a_value_that_librdkafka_does_not_take_is_refused)
{
    polka_error why = { 0 };
    cr_assert_eq(polkai_kafka_property_check("linger.ms", "soon", &why), POLKA_MISUSE);
    cr_assert_str_eq(why.code, "bad-property");
    cr_assert_eq(polkai_kafka_property_check("linger.ms", "5", NULL), POLKA_OK);
    cr_assert_eq(polkai_kafka_property_check("acks", "all", NULL), POLKA_OK);
}

Test(property, what_the_promises_rest_on_cannot_be_changed)
{
    const char *owned[] = { "enable.auto.commit", "enable.auto.offset.store", "group.id", "bootstrap.servers", "plugin.library.paths", "transactional.id" };
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        polka_error why = { 0 };
        cr_assert_eq(polkai_kafka_property_check(owned[i], "true", &why), POLKA_MISUSE, "%s", owned[i]);
        cr_assert_str_eq(why.code, "refused-property");
    }
}

Test(property, that_breaks_a_transaction_is_refused_with_it)
{
    polkai_kafka_property rows[] = { { "isolation.level", "read_uncommitted" }, { "message.timeout.ms", "0" }, { "message.timeout.ms", "600000" },
                                     { "acks", "1" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *origin = "flag -X";
        polkai_kafka_options options = { .brokers = "127.0.0.1:1", .group = "g", .properties = &rows[i], .origins = &origin, .property_count = 1 };
        polkai_transaction *transaction;
        polka_error why = { 0 };
        cr_assert_eq(polkai_kafka_transaction_open(&transaction, &options, &why), POLKA_MISUSE, "%s", rows[i].key);
        cr_assert_not_null(strstr(why.message, rows[i].key), "%s", why.message);
        cr_assert_not_null(strstr(why.message, " (flag -X)"), "%s", why.message);
    }
}

Test(property, the_users_win_over_ours)
{
    polkai_kafka_property properties[] = { { "session.timeout.ms", "7000" }, { "linger.ms", "3" } };
    polkai_kafka_options options = { .brokers = "127.0.0.1:1", .group = "g", .properties = properties, .property_count = 2 };
    polkai_source *source;
    polka_error why = { 0 };
    cr_assert_eq(polkai_kafka_source_open(&source, &options, &why), POLKA_OK, "%s", why.message);
    const char *value = NULL;
    char text[32];
    size_t size = sizeof text;
    polkai_kafka_client *client = &((polkai_kafka_source *)source)->client;
    if (rd_kafka_conf_get(rd_kafka_conf(client->handle), "session.timeout.ms", text, &size) == RD_KAFKA_CONF_OK)
        value = text;
    cr_assert_str_eq(value, "7000");
    source->operations->close(source, POLKAI_CLOSE_MS);
}

Test(property, that_librdkafka_refuses_with_ours_is_named_with_where_it_was_set)
{
    polkai_kafka_property properties[] = { { "linger.ms", "3" }, { "acks", "1" } };
    const char *origins[] = { "polka.yaml:3:5", "flag -X acks" };
    polkai_kafka_options options = { .brokers = "127.0.0.1:1", .properties = properties, .origins = origins, .property_count = 2 };
    polkai_sink *sink;
    polka_error why = { 0 };
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, &why), POLKA_MISUSE);
    cr_assert_not_null(strstr(why.message, "acks"), "%s", why.message);
    cr_assert_not_null(strstr(why.message, ". Set by you: linger.ms (polka.yaml:3:5), acks (flag -X acks)"), "%s", why.message);
    options.origins = NULL;
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, &why), POLKA_MISUSE);
    cr_assert_not_null(strstr(why.message, ". Set by you: linger.ms, acks"), "%s", why.message);
}

Test(property, of_which_there_are_too_many_for_a_message_are_cut_and_secrets_are_not_shown)
{
    enum { MANY = 60 };
    polkai_kafka_property properties[MANY];
    const char *origins[MANY];
    for (size_t i = 0; i < MANY; i++) {
        properties[i] = (polkai_kafka_property){ "sasl.password", "s3cret" };
        origins[i] = "environment POLKA_KAFKA_SASL_PASSWORD";
    }
    polkai_kafka_options options = { .properties = properties, .origins = origins, .property_count = MANY };
    polka_error why = { .message = "refused" };
    polkai_kafka_add_origins(&options, &why);
    cr_assert_eq(strlen(why.message), sizeof why.message - 1);
    cr_assert_null(strstr(why.message, "s3cret"));
    polkai_kafka_add_origins(&options, NULL);
}

Test(property, a_bad_one_stops_the_opening)
{
    polkai_kafka_property property = { "no.such.thing", "1" };
    polkai_kafka_options options = { .brokers = "127.0.0.1:1", .properties = &property, .property_count = 1 };
    polkai_sink *sink;
    polkai_source *source;
    polka_error why = { 0 };
    cr_assert_eq(polkai_kafka_sink_open(&sink, &options, &why), POLKA_MISUSE);
    cr_assert_eq(polkai_kafka_source_open(&source, &options, &why), POLKA_MISUSE);
    options.brokers = "";
    cr_assert_eq(polkai_kafka_source_open(&source, &options, &why), POLKA_MISUSE);
    cr_assert_str_eq(why.code, "no-brokers");
}
