/* What is said of reactions that nobody tells of on polka.activity. */
#include <base/arena.h>
#include <cli/handled.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define EVENT(NAME) "\"event\":\"" NAME "\",\"topic\":\"t\",\"schema\":\"string\""
#define SERVICE(NAME) "{\"polka\":1,\"service\":\"" NAME "\",\"version\":\"1\",\"group\":\"" NAME "s\",\"reactions\":[{\"name\":\"on placed\"," EVENT("s.Placed") ",\"emits\":[]}],\"emits\":[]}"

static polkai_manifest *manifests[2];
static cli_expected expected;
static cli_flow flow;

static cli_node node(const char *id, const char *cause, const char *letter_group, const char *letter_reaction)
{
    cli_node made = { .id = polkai_strdup(id), .cause = cause != NULL ? polkai_strdup(cause) : NULL, .source = polkai_strdup("/s/storefront"),
                      .type = polkai_strdup("s.Placed"), .topic = polkai_strdup("t"), .time_ms = 1000, .written_ms = 1000 };
    if (letter_group != NULL) {
        made.letter = polkai_strdup("of somebody");
        made.group = polkai_strdup(letter_group);
        made.reaction = polkai_strdup(letter_reaction);
    }
    return made;
}

/* ship and bill hear what was placed, and both groups are past it. */
static void begin(void)
{
    polkai_manifest_examine(&manifests[0], polka_text_of(SERVICE("ship")), "a");
    polkai_manifest_examine(&manifests[1], polka_text_of(SERVICE("bill")), "b");
    cli_hearers_use(&expected.hearers, manifests, NULL, 2);
    cli_flow_add(&flow, node("a", NULL, NULL, NULL));
    flow.told = true;
}

static void end(void)
{
    cli_flow_free(&flow);
    cli_expected_free(&expected);
    polkai_manifest_destroy(manifests[0]);
    polkai_manifest_destroy(manifests[1]);
}

/* The services that are said to have reacted, with a blank behind each. */
static const char *untold(void)
{
    static char names[100];
    names[0] = '\0';
    cli_flow_link(&flow);
    cli_handled_add_untold(&flow, &expected);
    for (size_t i = 0; i < flow.handled_count; i++)
        if (flow.handled[i].outcome == NULL)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", flow.handled[i].service);
    return names;
}

Test(handled, what_has_happened_and_nobody_tells_of_is_said_without_figures, .init = begin, .fini = end)
{
    cr_assert_str_eq(untold(), "ship bill ");
    cr_assert_eq(flow.handled[0].took_us, -1);
}

Test(handled, of_what_somebody_tells_there_is_one_row, .init = begin, .fini = end)
{
    cli_handled *row = cli_handled_row(&flow, 0, POLKA_TEXT("ships"), POLKA_TEXT("on placed"));
    row->service = polkai_strdup("ship");
    row->outcome = "done";
    cr_assert_str_eq(untold(), "bill ");
    cr_assert_eq(flow.handled_count, 2);
}

Test(handled, what_is_missing_has_not_reacted, .init = begin, .fini = end)
{
    flow.missing = polkai_alloc(sizeof *flow.missing);
    flow.missing[flow.missing_count++] = (cli_missing){ .group = polkai_strdup("ships"), .reaction = polkai_strdup("on placed") };
    cr_assert_str_eq(untold(), "bill ");
}

/* Found: the tree had "ship reacted" above the dead letter of ship. */
Test(handled, what_ended_in_a_dead_letter_is_not_said_to_have_reacted, .init = begin, .fini = end)
{
    cli_flow_add(&flow, node("a", "a", "ships", "on placed"));
    cr_assert_str_eq(untold(), "bill ");
}

Test(handled, a_dead_letter_that_names_no_reaction_is_of_all_of_its_group, .init = begin, .fini = end)
{
    cli_flow_add(&flow, node("a", "a", "ships", "-"));
    cr_assert_str_eq(untold(), "bill ");
}

Test(handled, a_dead_letter_of_another_reaction_says_nothing_of_this_one, .init = begin, .fini = end)
{
    cli_flow_add(&flow, node("a", "a", "ships", "another"));
    cr_assert_str_eq(untold(), "ship bill ");
}

/* Found: the letter was among the events that were not kept. */
Test(handled, of_a_flow_that_is_not_all_here_nothing_is_said_to_have_reacted, .init = begin, .fini = end)
{
    flow.limit = 1;
    cli_flow_add(&flow, node("a", "a", "ships", "on placed"));
    cr_assert_eq(flow.beyond, 1);
    cr_assert_str_eq(untold(), "");
}

Test(handled, rows_of_one_event_are_bounded, .init = begin, .fini = end)
{
    char name[20];
    for (size_t i = 0; i < 3 * CLI_HANDLED_MOST; i++) {
        snprintf(name, sizeof name, "forged %zu", i);
        cli_handled *row = cli_handled_row(&flow, 0, POLKA_TEXT("anybody"), polka_text_of(name));
        cr_assert_eq(row == NULL, i >= CLI_HANDLED_MOST, "%zu", i);
        if (row != NULL) {
            row->service = polkai_strdup("anybody");
            row->outcome = "done";
        }
    }
    cr_assert_str_eq(untold(), "", "there is no room for these");
    cr_assert_eq(flow.handled_count, CLI_HANDLED_MOST);
}
