/* What a compiler cannot see in a service value. */
#include "sample.h"

#include <service/check.h>

#include <criterion/criterion.h>
#include <stdio.h>

static void refused(const polka_service *service, const char *message)
{
    polka_error error = { 0 };
    cr_expect_eq(polkai_service_check(service, &error), POLKA_MISUSE, "taken, but: %s", message);
    cr_expect_str_eq(error.message, message);
}

static void refused_row(polka_reaction row, const char *message)
{
    const polka_reaction rows[] = { row, { 0 } };
    polka_service service = sample_service;
    service.reactions = rows;
    refused(&service, message);
}

Test(check, takes_a_whole_service)
{
    polka_error error = { 0 };
    cr_expect_eq(polkai_service_check(&sample_service, &error), POLKA_OK, "%s", error.message);
}

Test(check, refuses_names_that_kafka_would_refuse)
{
    polka_service service = sample_service;
    service.name = NULL;
    refused(&service, ".name of the service is '': letters, digits, dots, - and _, as it names a consumer group");
    service.name = "pay ments";
    refused(&service, ".name of the service is 'pay ments': letters, digits, dots, - and _, as it names a consumer group");
    service = sample_service;
    service.version = NULL;
    refused(&service, "service payments has no .version, for example .version = \"1.0.0\"");
    service = sample_service;
    service.group = "a/b";
    refused(&service, "service payments: .group is 'a/b': letters, digits, dots, - and _, as it becomes part of topic names");
}

Test(check, refuses_a_row_that_the_macros_did_not_make)
{
    polka_reaction row = sample_reaction();
    row.polka_row = 0;
    refused_row(row, "service payments, row 1 of .reactions was not made by POLKA_REACT: is the { 0 } at the end of the table missing?");
    row = sample_reaction();
    row.handler = NULL;
    refused_row(row, "service payments, reaction t.Placed has no handler");
}

Test(check, refuses_two_reactions_under_one_name)
{
    const polka_reaction rows[] = { sample_reaction(), sample_reaction(), { 0 } };
    polka_service service = sample_service;
    service.reactions = rows;
    refused(&service, "service payments has two reactions named t.Placed: give the second a stable name of its own, .name = \"audit\"");
}

Test(check, refuses_events_without_a_topic)
{
    polka_event lost = sample_paid_event;
    const polka_event *emitted[] = { &lost };
    lost.topic = NULL;
    polka_reaction row = sample_reaction();
    row.emits = (polka_events){ 1, emitted };
    refused_row(row, "service payments emits t.Paid, whose topic is '': give polka.topic in its schema");
    row = sample_reaction();
    row.event = &lost;
    refused_row(row, "service payments reacts to t.Paid, whose topic is '': give polka.topic in its schema");
}

Test(check, says_by_name_what_this_version_does_not_do_yet)
{
    char expected[200];
    const char *const tables[] = { "create table t(x)", NULL };
    polka_service service = sample_service;
    service.tables = tables;
    snprintf(expected, sizeof expected, "service payments has .tables (the store): not in this version of Polka (%s); leave it out", POLKA_VERSION);
    refused(&service, expected);
    polka_reaction row = sample_reaction();
    row.store = true;
    snprintf(expected, sizeof expected, "service payments, reaction t.Placed has .store: not in this version of Polka (%s); leave it out", POLKA_VERSION);
    refused_row(row, expected);
    row = sample_reaction();
    row.replies = &sample_paid_event;
    snprintf(expected, sizeof expected, "service payments, reaction t.Placed has .replies: not in this version of Polka (%s); leave it out", POLKA_VERSION);
    refused_row(row, expected);
}

Test(check, refuses_another_abi_by_name)
{
    polka_error error = { 0 };
    cr_expect_eq(polkai_abi_check(POLKA_ABI, "payments", &error), POLKA_OK);
    cr_expect_eq(polkai_abi_check(POLKA_ABI + 1, "payments", &error), POLKA_MISUSE);
    cr_expect_str_eq(error.code, "abi-mismatch");
    cr_expect_eq(strncmp(error.message, "payments was compiled for ABI 2 of Polka, but this library is Polka ", 68), 0, "%s", error.message);
}
