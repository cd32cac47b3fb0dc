/* What the test kit does for a test: what arrives, what of it is seen, time, settings, resources. */
#include "services.h"

#include <criterion/criterion.h>

static polka_test *test;

static void ask(const char *id, const char *text) { POLKA_GIVEN(test, kit_asked, .id = polka_text_of(id), .text = polka_text_of(text)); }

/* The next answer is to `id`, and says this. */
static const kit_answered *answered(const char *id, const char *text)
{
    const kit_answered *one = POLKA_EXPECT(test, kit_answered);
    cr_assert(polka_text_equal(one->id, polka_text_of(id)), "it is about %s", one->id.data);
    cr_assert(polka_text_equal(one->text, polka_text_of(text)), "'%s'", one->text.data);
    return one;
}

static void leave(void)
{
    POLKA_EXPECT_NOTHING(test);
    polka_test_destroy(test);
}

/* ---- given and expected ---- */

Test(testkit, what_is_given_is_handled_when_given_returns_and_is_not_said_itself)
{
    test = polka_test_create(&echo);
    POLKA_EXPECT_NOTHING(test);
    ask("A-1", "hello");
    answered("A-1", "hello");
    ask("A-2", "");
    leave();
}

Test(testkit, emissions_are_expected_in_the_order_in_which_they_were_said)
{
    test = polka_test_create(&echo);
    ask("A-1", "twice");
    answered("A-1", "first");
    answered("A-1", "second");
    leave();
}

Test(testkit, a_value_that_was_expected_stays_as_long_as_the_test)
{
    test = polka_test_create(&echo);
    ask("A-1", "before");
    const kit_answered *before = answered("A-1", "before");
    for (unsigned i = 0; i < 200; i++) {
        ask("A-1", "after");
        answered("A-1", "after");
    }
    cr_assert_str_eq(before->text.data, "before");
    leave();
}

Test(testkit, dead_letters_are_expected_by_their_reason_whatever_their_order)
{
    test = polka_test_create(&judge);
    ask("A-1", "too small");
    ask("A-2", "too large");
    POLKA_EXPECT_DEAD(test, "large");
    POLKA_EXPECT_DEAD(test, "too small");
    leave();
}

Test(testkit, of_several_services_each_hears_what_the_others_emit)
{
    test = polka_test_create_all((const polka_service *const[]){ &listener, &echo, &judge, NULL });
    ask("A-1", "pass it on");
    cr_assert_str_eq(heard, "pass it on");
    answered("A-1", "pass it on");
    POLKA_EXPECT_DEAD(test, "pass it on");
    leave();
}

Test(testkit, an_event_that_a_service_emits_as_well_is_not_said_when_it_is_given)
{
    test = polka_test_create_all((const polka_service *const[]){ &listener, &echo, NULL });      /* listener declares kit.Asked */
    ask("A-1", "");
    leave();
}

Test(testkit, is_destroyed_also_when_nothing_was_given)
{
    polka_test_destroy(NULL);
    polka_test_destroy(polka_test_create(&echo));
}

/* ---- once more ---- */

static const char *id_of_expected(void)
{
    static char ids[4][64];
    static unsigned at;
    polka_text id = polka_test_expected_id(test);
    char *out = ids[at++ % 4];
    cr_assert(id.size > 0 && id.size < sizeof *ids);
    memcpy(out, id.data, id.size);
    out[id.size] = '\0';
    return out;
}

Test(testkit, what_is_redelivered_has_the_same_id_and_so_has_what_follows_from_it)
{
    test = polka_test_create(&caller);
    ask("A-1", "");
    const char *said = POLKA_EXPECT(test, kit_answered)->text.data, *id = id_of_expected();
    POLKA_EXPECT_NOTHING(test);
    polka_test_advance_ms(test, 60000);
    polka_test_redelivered(test);
    answered("A-1", said);
    cr_assert_str_eq(id_of_expected(), id);
    ask("A-1", "");
    const char *other = POLKA_EXPECT(test, kit_answered)->text.data;
    cr_assert_str_neq(other, said);
    cr_assert_str_neq(id_of_expected(), id);
    leave();
}

Test(testkit, each_emission_has_an_id_of_its_own)
{
    test = polka_test_create(&echo);
    ask("A-1", "twice");
    answered("A-1", "first");
    const char *first = id_of_expected();
    cr_assert_eq(strlen(first), 36);
    cr_assert_eq(first[14], '8', "a UUID of version 8: %s", first);
    answered("A-1", "second");
    cr_assert_str_neq(id_of_expected(), first);
    polka_test_redelivered(test);
    answered("A-1", "first");
    cr_assert_str_eq(id_of_expected(), first);
    answered("A-1", "second");
    leave();
}

Test(testkit, headers_of_what_is_redelivered_come_again)
{
    test = polka_test_create(&reader);
    polka_test_header(test, "x-note", "mine");
    ask("A-1", "");
    answered("A-1", "mine");
    polka_test_redelivered(test);
    answered("A-1", "mine");
    leave();
}

/* ---- headers, resources, settings ---- */

Test(testkit, a_header_is_on_the_next_given_only)
{
    test = polka_test_create(&reader);
    ask("A-1", "");
    answered("A-1", "none");
    polka_test_header(test, "x-other", "no");
    polka_test_header(test, "x-note", "yes");
    ask("A-2", "");
    answered("A-2", "yes");
    ask("A-3", "");
    answered("A-3", "none");
    leave();
}

Test(testkit, a_resource_is_in_place_of_what_the_services_open_would_make)
{
    static char fake[] = "a fake";
    test = polka_test_create(&porter);
    ask("A-1", "");
    answered("A-1", "its own");
    cr_assert_eq(opened, 1);
    leave();
    opened = 0;
    test = polka_test_create_all((const polka_service *const[]){ &echo, &porter, NULL });
    polka_test_resource(test, "porter", fake);
    ask("A-1", "");                                      /* to which echo says nothing */
    answered("A-1", "a fake");
    cr_assert_eq(opened, 0);
    leave();
}

Test(testkit, a_setting_is_in_place_of_its_fallback_and_read_as_in_production)
{
    test = polka_test_create(&clerk);
    ask("A-1", "");
    answered("A-1", "hello 10 2000 0");
    leave();
    test = polka_test_create(&clerk);
    polka_test_setting(test, "limit", "50");
    polka_test_setting(test, "pause", "1.5m");
    polka_test_setting(test, "strict", "true");
    polka_test_setting(test, "greeting", "not this one");
    polka_test_setting(test, "greeting", "good day");
    ask("A-1", "");
    answered("A-1", "good day 50 90000 1");
    leave();
}

/* ---- time ---- */

Test(testkit, time_stands_still_until_the_test_lets_it_pass)
{
    test = polka_test_create(&patient);
    ask("A-1", "at last");
    int64_t first_ms = asked_ms;
    ask("A-2", "at last");
    cr_assert_eq(attempt_count, 2);
    cr_assert_eq(asked_ms, first_ms);
    POLKA_EXPECT_NOTHING(test);
    polka_test_advance_ms(test, 499);                    /* the delay of a second is at least half of it, by its jitter */
    cr_assert_eq(attempt_count, 2);
    polka_test_advance_ms(test, 501);
    cr_assert_eq(attempt_count, 4);
    POLKA_EXPECT_NOTHING(test);
    polka_test_advance_ms(test, 2000);
    cr_assert_eq(attempt_count, 6);
    POLKA_EXPECT(test, kit_answered);
    POLKA_EXPECT(test, kit_answered);
    leave();
}

Test(testkit, what_becomes_due_happens_at_its_time_and_not_at_the_end)
{
    test = polka_test_create_all((const polka_service *const[]){ &patient, &listener, NULL });
    ask("A-1", "at last");
    int64_t began_ms = asked_ms;
    polka_test_advance_ms(test, 3600000);
    cr_assert_eq(attempt_count, 3);
    cr_assert(heard_ms - began_ms >= 1500 && heard_ms - began_ms <= 3002, "after %" PRId64 " ms", heard_ms - began_ms);
    answered("A-1", "at last");
    ask("A-2", "an hour later");
    cr_assert_eq(asked_ms - began_ms, 3600000);
    polka_test_advance_ms(test, 3001);
    answered("A-2", "an hour later");
    leave();
}

Test(testkit, time_may_pass_before_anything_is_given)
{
    test = polka_test_create(&patient);
    polka_test_advance_ms(test, 5000);
    ask("A-1", "");
    int64_t then_ms = asked_ms;
    leave();
    test = polka_test_create(&patient);
    ask("A-1", "");
    cr_assert_eq(then_ms - asked_ms, 5000, "and each test begins at the same time");
    leave();
}

/* ---- a flow ---- */

static const char asking[] = "flow: asking\nstarts: kit.Asked\nends: kit.Answered\nsteps:\n  - after: kit.Asked\n    one_of: [kit.Answered]\n    within: 5s\n";

Test(testkit, a_flow_is_held_against_its_contract_and_takes_nothing_from_what_is_expected)
{
    test = polka_test_create(&echo);
    ask("A-1", "hello");
    hold_flow(test, asking);
    answered("A-1", "hello");
    ask("A-2", "again");
    hold_flow(test, asking);
    answered("A-2", "again");
    leave();
}

Test(testkit, a_flow_counts_a_redelivered_event_and_what_it_causes_once)
{
    test = polka_test_create(&echo);
    ask("A-1", "hello");
    polka_test_redelivered(test);
    hold_flow(test, asking);
    answered("A-1", "hello");
    answered("A-1", "hello");
    leave();
}

Test(testkit, a_flow_has_the_time_of_its_steps_for_retries)
{
    test = polka_test_create(&patient);
    ask("A-1", "at last");
    polka_test_advance_ms(test, 10000);
    hold_flow(test, asking);
    answered("A-1", "at last");
    leave();
}
