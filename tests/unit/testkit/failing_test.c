/* What does not hold must fail: each expectation of the test kit, and each wrong use of it, ends the process by abort() and says where and what. */
#include "services.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[8192];
static polka_test *test;

/* What it wrote on standard error stands in `said`. */
static void fails(void (*wrong)(void))
{
    int ends[2], status;
    size_t size = 0;
    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        wrong();
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t got = 1; got > 0 && size < sizeof said - 1; size += got > 0 ? (size_t)got : 0)
        got = read(ends[0], said + size, sizeof said - 1 - size);
    said[size] = '\0';
    close(ends[0]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "it was taken (%x): %s", (unsigned)status, said);
}

static void says(const char *words) { cr_assert_not_null(strstr(said, words), "no '%s' in: %s", words, said); }
static void keeps_silent_about(const char *words) { cr_assert_null(strstr(said, words), "'%s' in: %s", words, said); }

static void ask(const polka_service *service, const char *text)
{
    if (test == NULL)
        test = polka_test_create(service);
    POLKA_GIVEN(test, kit_asked, .id = POLKA_TEXT("A-1"), .text = polka_text_of(text));
}

/* ---- an event ---- */

static void nothing_was_said(void)
{
    ask(&echo, "");
    POLKA_EXPECT(test, kit_answered);
}

static void it_was_expected_already(void)
{
    ask(&echo, "once");
    POLKA_EXPECT(test, kit_answered);
    POLKA_EXPECT(test, kit_answered);
}

static void only_a_letter_of_that_type(void)
{
    ask(&judge, "no good");
    POLKA_EXPECT(test, kit_asked);
}

static void another_type_was_said(void)
{
    ask(&echo, "hello");
    POLKA_EXPECT(test, kit_asked);
}

static void it_is_not_due_yet(void)
{
    ask(&patient, "at last");
    polka_test_advance_ms(test, 1400);
    POLKA_EXPECT(test, kit_answered);
}

static void after_a_warning(void)
{
    ask(&clerk, "warn");
    ask(&clerk, "tell");
    POLKA_EXPECT(test, kit_answered);
}

Test(expect, an_event_that_was_not_said_fails_with_place_and_type)
{
    fails(nothing_was_said);
    says("failing_test.c:");
    says(": expected kit.Answered; what was said and not expected yet: nothing");
}

Test(expect, an_event_is_taken_once)
{
    fails(it_was_expected_already);
    says("not expected yet: nothing");
}

Test(expect, a_dead_letter_is_no_event_of_its_type)
{
    fails(only_a_letter_of_that_type);
    says("expected kit.Asked");
    says("\n  dead letter of kit.Asked: no good");
}

Test(expect, an_event_of_another_type_does_not_do_and_is_listed)
{
    fails(another_type_was_said);
    says("expected kit.Asked");
    says("\n  kit.Answered");
    keeps_silent_about("dead letter");
}

Test(expect, an_event_whose_time_has_not_come_fails) { fails(it_is_not_due_yet); }

Test(expect, the_last_warning_helps_to_see_why)
{
    fails(after_a_warning);
    says("(last warning: be careful)");
    keeps_silent_about("only told");
    fails(nothing_was_said);
    keeps_silent_about("last warning");
}

/* ---- a dead letter ---- */

static void no_letter(void)
{
    ask(&echo, "too small");
    POLKA_EXPECT_DEAD(test, "too small");
}

static void another_reason(void)
{
    ask(&judge, "too small");
    POLKA_EXPECT_DEAD(test, "too large");
}

static void letter_expected_already(void)
{
    ask(&judge, "too small");
    POLKA_EXPECT_DEAD(test, "small");
    POLKA_EXPECT_DEAD(test, "small");
}

Test(expect_dead, an_event_is_no_dead_letter)
{
    fails(no_letter);
    says("failing_test.c:");
    says("expected a dead letter that says \"too small\"");
    says("\n  kit.Answered");
}

Test(expect_dead, another_reason_fails_and_is_shown)
{
    fails(another_reason);
    says("dead letter of kit.Asked: too small");
}

Test(expect_dead, a_letter_is_taken_once) { fails(letter_expected_already); }

/* ---- nothing ---- */

static void an_emission_is_left(void)
{
    ask(&echo, "hello");
    POLKA_EXPECT_NOTHING(test);
}

static void one_of_two_is_left(void)
{
    ask(&echo, "twice");
    POLKA_EXPECT(test, kit_answered);
    POLKA_EXPECT_NOTHING(test);
}

static void a_letter_is_left(void)
{
    ask(&judge, "too small");
    POLKA_EXPECT_NOTHING(test);
}

static void a_copy_is_left(void)
{
    ask(&echo, "hello");
    POLKA_EXPECT(test, kit_answered);
    polka_test_redelivered(test);
    POLKA_EXPECT_NOTHING(test);
}

Test(expect_nothing, an_emission_that_is_left_fails_with_place_and_type)
{
    fails(an_emission_is_left);
    says("failing_test.c:");
    says("expected nothing more, but there is:\n  kit.Answered");
}

Test(expect_nothing, the_second_of_two_fails) { fails(one_of_two_is_left); }

Test(expect_nothing, a_dead_letter_that_is_left_fails_with_its_reason)
{
    fails(a_letter_is_left);
    says("dead letter of kit.Asked: too small");
}

Test(expect_nothing, what_a_copy_caused_fails) { fails(a_copy_is_left); }

/* ---- a flow ---- */

#define ASKED_AND_ANSWERED(WITHIN, ENDS) \
    "flow: asking\nstarts: kit.Asked\nends: [" ENDS "]\nsteps:\n  - after: kit.Asked\n    one_of: [kit.Refused, kit.Answered]\n    within: " WITHIN "\n"

static void a_flow_that_did_not_begin(void)
{
    test = polka_test_create(&echo);
    hold_flow(test, ASKED_AND_ANSWERED("5s", "kit.Answered"));
}

static void a_step_that_a_dead_letter_took_the_place_of(void)
{
    ask(&judge, "no good");
    polka_test_advance_ms(test, 6000);
    hold_flow(test, ASKED_AND_ANSWERED("5s", "kit.Answered"));
}

static void a_step_whose_time_has_not_come(void)
{
    ask(&patient, "at last");
    hold_flow(test, ASKED_AND_ANSWERED("5s", "kit.Answered"));
}

static void a_step_that_was_late(void)
{
    ask(&patient, "at last");
    polka_test_advance_ms(test, 10000);
    hold_flow(test, ASKED_AND_ANSWERED("1s", "kit.Answered"));
}

static void an_answer_to_something_else(void)
{
    ask(&echo, "hello");
    ask(&echo, "");
    hold_flow(test, ASKED_AND_ANSWERED("5s", "kit.Answered"));
}

static void a_flow_that_did_not_end(void)
{
    ask(&echo, "hello");
    hold_flow(test, ASKED_AND_ANSWERED("5s", "kit.Closed"));
}

static void one_of_two_that_did_not_end(void)
{
    ask(&echo, "hello");
    ask(&echo, "");
    hold_flow(test, "flow: asking\nstarts: kit.Asked\nends: kit.Answered\n");
}

static void a_contract_with_a_typo(void)
{
    ask(&echo, "hello");
    hold_flow(test, "flow: asking\nstart: kit.Asked\nends: kit.Answered\n");
}

static void a_contract_that_is_not_there(void)
{
    ask(&echo, "hello");
    POLKA_EXPECT_FLOW(test, "no/such/flow.yaml");
}

Test(expect_flow, that_did_not_begin_fails)
{
    fails(a_flow_that_did_not_begin);
    says("services.c:");
    says("flow asking (");
    says(":1:1): no kit.Asked begins it; what came: nothing");
}

Test(expect_flow, with_a_step_that_did_not_come_fails_at_its_place_and_shows_what_came)
{
    fails(a_step_that_a_dead_letter_took_the_place_of);
    says(":5:5): after kit.Asked no kit.Refused or kit.Answered came of it; what came:\n  kit.Asked, given  +0 ms\n  dead letter of kit.Asked: no good  +0 ms");
}

Test(expect_flow, with_a_step_whose_time_has_not_come_fails_and_says_how_it_comes)
{
    fails(a_step_whose_time_has_not_come);
    says("came of it yet (polka_test_advance_ms lets time pass)");
}

Test(expect_flow, with_a_step_that_was_late_fails_with_its_time)
{
    fails(a_step_that_was_late);
    says(" ms after kit.Asked, not within 1000 ms");
    says("kit.Answered came ");
}

Test(expect_flow, where_an_event_followed_another_one_fails)
{
    fails(an_answer_to_something_else);
    says("after kit.Asked no kit.Refused or kit.Answered came of it yet");
}

Test(expect_flow, that_did_not_end_fails)
{
    fails(a_flow_that_did_not_end);
    says("not each kit.Asked led to an end, kit.Closed");
}

Test(expect_flow, of_which_one_of_two_did_not_end_fails)
{
    fails(one_of_two_that_did_not_end);
    says("not each kit.Asked led to an end, kit.Answered");
}

Test(expect_flow, whose_contract_is_wrong_fails_with_its_place)
{
    fails(a_contract_with_a_typo);
    says(":2:1: ");
    says("did you mean 'starts'");
    fails(a_contract_that_is_not_there);
    says("no/such/flow.yaml");
}

/* ---- the services ---- */

static const polka_service nameless = { .version = "1", .reactions = (const polka_reaction[]){ { 0 } } };

static void a_wrong_service(void) { ask(&nameless, ""); }
static void what_it_does_not_declare(void) { ask(&rogue, ""); }

static void too_many_services(void)
{
    const polka_service *all[66] = { NULL };
    for (size_t i = 0; i < 65; i++)
        all[i] = &echo;
    polka_test_create_all(all);
}

Test(services, one_that_is_wrong_fails_at_the_first_given)
{
    fails(a_wrong_service);
    says("service ");
}

Test(services, one_that_emits_what_it_does_not_declare_fails_with_its_name)
{
    fails(what_it_does_not_declare);
    says("service rogue stopped: ");
    says("kit.Asked");
}

Test(services, there_may_be_64)
{
    fails(too_many_services);
    says("at most 64 services");
}

/* ---- wrong use ---- */

static const polka_event homeless = { .name = "kit.Homeless" };

static void no_topic(void) { polka_test_given(polka_test_create(&echo), &homeless, NULL); }
static void redelivered_before_given(void) { polka_test_redelivered(polka_test_create(&echo)); }
static void no_such_service(void) { polka_test_resource(polka_test_create(&echo), "porter", NULL); }
static void no_such_setting(void) { polka_test_setting(polka_test_create(&clerk), "limt", "5"); }
static void no_number(void) { polka_test_setting(polka_test_create(&clerk), "limit", "many"); }
static void more_than_a_number(void) { polka_test_setting(polka_test_create(&clerk), "limit", "5x"); }
static void out_of_range(void) { polka_test_setting(polka_test_create(&clerk), "limit", "101"); }
static void no_duration(void) { polka_test_setting(polka_test_create(&clerk), "pause", "soon"); }
static void no_truth(void) { polka_test_setting(polka_test_create(&clerk), "strict", "yes"); }

static void resource_too_late(void)
{
    ask(&porter, "");
    polka_test_resource(test, "porter", NULL);
}

static void setting_too_late(void)
{
    ask(&clerk, "");
    polka_test_setting(test, "limit", "5");
}

static void too_many_headers(void)
{
    test = polka_test_create(&echo);
    for (unsigned i = 0; i < 17; i++)
        polka_test_header(test, "x", "y");
}

static void json_of_another_schema(void) { POLKA_GIVEN_JSON(polka_test_create(&echo), kit_asked, kit_asked_event.schema, "{\"id\":1}"); }
static void no_json(void) { POLKA_GIVEN_JSON(polka_test_create(&echo), kit_asked, kit_asked_event.schema, "{"); }
static void no_schema(void) { POLKA_GIVEN_JSON(polka_test_create(&echo), kit_asked, "{\"type\":\"nothing\"}", "{}"); }

Test(misuse, each_kind_fails_and_says_what)
{
    static const struct { void (*wrong)(void); const char *words; } rows[] = {
        { no_topic, "polka_test_given: the schema of kit.Homeless has no polka.topic" },
        { redelivered_before_given, "polka_test_redelivered: nothing was given yet" },
        { no_such_service, "polka_test_resource: no service porter in this test" },
        { no_such_setting, "polka_test_setting: no service of this test declares the setting limt" },
        { no_number, "polka_test_setting: limit: 'many' is not a number, 1 to 100" },
        { more_than_a_number, "polka_test_setting: limit: '5x' is not a number, 1 to 100" },
        { out_of_range, "polka_test_setting: limit: '101' is not a number, 1 to 100" },
        { no_duration, "polka_test_setting: pause: 'soon' is not a duration" },
        { no_truth, "polka_test_setting: strict: 'yes' is not true or false" },
        { resource_too_late, "polka_test_resource comes before the first polka_test_given" },
        { setting_too_late, "polka_test_setting comes before the first polka_test_given" },
        { too_many_headers, "polka_test_header: too many headers" },
        { json_of_another_schema, "polka_test_given_json: kit.Asked: " },
        { no_json, "polka_test_given_json: kit.Asked: " },
        { no_schema, "polka_test_given: the writer's schema of kit.Asked: " },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fails(rows[i].wrong);
        says(rows[i].words);
    }
}
