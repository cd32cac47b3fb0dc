/* One flow put in order: what caused what. */
#include <cli/gather.h>
#include <cli/handled.h>
#include <cli/trace.h>

#include <base/arena.h>
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static cli_node event(const char *id, const char *cause, int64_t time_ms)
{
    return (cli_node){ .id = polkai_strdup(id), .cause = cause != NULL ? polkai_strdup(cause) : NULL, .source = polkai_strdup("/shop/x"),
                       .type = polkai_strdup("shop.X"), .topic = polkai_strdup("shop.x"), .time_ms = time_ms };
}

static size_t index_of(const cli_flow *flow, const char *id, bool letter)
{
    for (size_t i = 0; i < flow->count; i++)
        if (strcmp(flow->nodes[i].id, id) == 0 && (flow->nodes[i].letter != NULL) == letter)
            return i;
    cr_assert_fail("no node %s", id);
    return SIZE_MAX;
}

Test(tree, an_event_hangs_under_the_one_that_caused_it_whatever_order_they_came_in)
{
    cli_flow flow = { 0 };
    cli_flow_add(&flow, event("c", "b", 30));
    cli_flow_add(&flow, event("a", NULL, 10));
    cli_flow_add(&flow, event("b", "a", 20));
    cli_flow_link(&flow);
    cr_assert_eq(flow.nodes[index_of(&flow, "a", false)].parent, SIZE_MAX);
    cr_assert_eq(flow.nodes[index_of(&flow, "b", false)].parent, index_of(&flow, "a", false));
    cr_assert_eq(flow.nodes[index_of(&flow, "c", false)].parent, index_of(&flow, "b", false));
    cli_flow_free(&flow);
}

/* Found: a flow that was followed had effects before their causes, of the same millisecond and read before them. */
Test(tree, no_event_stands_before_its_cause_whatever_their_clocks_say)
{
    cli_flow flow = { 0 };
    cli_flow_add(&flow, event("d", "c", 10));
    cli_flow_add(&flow, event("c", "b", 10));
    cli_flow_add(&flow, event("z", "a", 5));             /* of a clock that is behind */
    cli_flow_add(&flow, event("b", "a", 10));
    cli_flow_add(&flow, event("a", NULL, 10));
    cli_flow_link(&flow);
    for (size_t i = 0; i < flow.count; i++)
        cr_assert(flow.nodes[i].parent == SIZE_MAX || flow.nodes[i].parent < i, "%s", flow.nodes[i].id);
    cr_assert_eq(index_of(&flow, "a", false), 0);
    cr_assert_eq(flow.nodes[index_of(&flow, "d", false)].parent, index_of(&flow, "c", false));
    cr_assert_eq(flow.nodes[index_of(&flow, "z", false)].parent, 0);
    cli_flow_free(&flow);
}

Test(tree, names_of_services_that_are_missing_do_not_reach_the_terminal_as_they_are, .init = cr_redirect_stdout)
{
    char out[2000];
    cli_flow flow = { 0 };
    cli_flow_add(&flow, event("a", NULL, 10));
    cli_flow_link(&flow);
    char bad[] = "\033]0;x\007";
    cli_missing missing = { .service = bad, .group = bad, .reaction = bad, .events = bad };
    cli_missing_line(&flow, &missing);
    flow.missing_count = 1;
    flow.missing = &missing;
    cli_flow_sequence(&flow);
    cli_flow_timeline(&flow);
    cli_flow_mermaid(&flow);
    missing = (cli_missing){ .contract = bad, .events = bad, .lag = -1 };
    cli_flow_sequence(&flow);
    cli_flow_timeline(&flow);
    flow.missing_count = 0;
    flow.missing = NULL;
    cli_missing_line(&flow, &missing);
    fflush(stdout);
    FILE *said = cr_get_redirected_stdout();
    out[fread(out, 1, sizeof out - 1, said)] = '\0';
    cr_assert_null(strchr(out, '\033'), "%s", out);
    cr_assert_null(strchr(out, '\007'), "%s", out);
    cr_assert_not_null(strstr(out, "behind there"), "%s", out);
    cli_flow_free(&flow);
}

Test(tree, a_copy_of_an_event_is_counted_and_not_drawn_again)
{
    cli_flow flow = { 0 };
    cli_flow_add(&flow, event("a", NULL, 10));
    cli_flow_add(&flow, event("a", NULL, 12));
    cr_assert_eq(flow.count, 1);
    cr_assert_eq(flow.nodes[0].copies, 2);
    cli_flow_free(&flow);
}

Test(tree, an_event_whose_cause_is_not_there_is_a_root)
{
    cli_flow flow = { 0 };
    cli_flow_add(&flow, event("b", "lost", 20));
    cli_flow_link(&flow);
    cr_assert_eq(flow.nodes[0].parent, SIZE_MAX);
    cli_flow_free(&flow);
}

Test(tree, a_dead_letter_hangs_under_its_own_event_and_not_under_itself)
{
    cli_flow flow = { 0 };
    cli_node letter = event("a", NULL, 10);
    letter.letter = polkai_strdup("of payments");
    cli_flow_add(&flow, letter);
    cli_flow_add(&flow, event("a", NULL, 10));
    cli_flow_link(&flow);
    cr_assert_eq(flow.count, 2);
    cr_assert_eq(flow.nodes[index_of(&flow, "a", true)].parent, index_of(&flow, "a", false));
    cr_assert_eq(flow.nodes[index_of(&flow, "a", false)].parent, SIZE_MAX);
    cli_flow_free(&flow);
}

Test(tree, causes_in_a_circle_still_have_a_root)
{
    cli_flow flow = { 0 };
    cli_flow_add(&flow, event("a", "b", 10));
    cli_flow_add(&flow, event("b", "a", 20));
    cli_flow_link(&flow);
    cr_assert_eq(flow.nodes[index_of(&flow, "a", false)].parent, SIZE_MAX);
    cr_assert_eq(flow.nodes[index_of(&flow, "b", false)].parent, index_of(&flow, "a", false));
    cli_flow_free(&flow);
}

Test(tree, an_event_that_names_itself_as_its_cause_is_a_root)
{
    cli_flow flow = { 0 };
    cli_flow_add(&flow, event("a", "a", 10));
    cli_flow_link(&flow);
    cr_assert_eq(flow.nodes[0].parent, SIZE_MAX);
    cli_flow_free(&flow);
}

/* Found: a record's time may be any number, and a blank for each of 2^31 columns was printed, or worse. */
Test(tree, forged_times_stay_in_their_columns, .init = cr_redirect_stdout)
{
    static char out[20000];
    const int64_t times[] = { INT64_MIN, -1, 0, 1795683695000, INT64_MAX };
    cli_flow flow = { 0 };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char id[] = { (char)('a' + i), '\0' };
        const polkai_envelope envelope = { .id = { 1, id }, .source = POLKA_TEXT("/s/a"), .type = POLKA_TEXT("s.A"), .time_ms = i % 2 == 0 ? times[i] : 0 };
        polkai_record record = { .topic = POLKA_TEXT("t"), .timestamp_ms = times[i] };
        cli_flow_add(&flow, cli_gather_node(&record, &envelope));
    }
    cli_flow_link(&flow);
    cli_flow_timeline(&flow);
    cli_flow_sequence(&flow);
    cli_flow_tree(&flow);
    fflush(stdout);
    FILE *said = cr_get_redirected_stdout();
    size_t size = fread(out, 1, sizeof out - 1, said);
    cr_assert_lt(size, 4000);
    cli_flow_free(&flow);
}

/* Found: some 300 levels were drawn, and of the rest not a word was said. */
Test(tree, of_events_too_deep_to_be_drawn_it_is_said_how_many_there_are)
{
    enum { LEVELS = 600 };
    static char out[2000000];
    cli_flow flow = { 0 };
    char id[16], cause[16];
    for (int i = 0; i < LEVELS; i++) {
        snprintf(id, sizeof id, "%d", i);
        snprintf(cause, sizeof cause, "%d", i - 1);
        cli_flow_add(&flow, event(id, i > 0 ? cause : NULL, i));
    }
    cli_flow_add(&flow, event("aside", "0", 5));
    cli_flow_link(&flow);
    FILE *said = tmpfile();              /* more than a pipe takes */
    int before = dup(STDOUT_FILENO);
    cr_assert(said != NULL && before >= 0);
    fflush(stdout);
    cr_assert_eq(dup2(fileno(said), STDOUT_FILENO), STDOUT_FILENO);
    cli_flow_tree(&flow);
    cr_assert_eq(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
    close(before);
    rewind(said);
    out[fread(out, 1, sizeof out - 1, said)] = '\0';
    fclose(said);
    size_t drawn = 0, deeper = 0;
    const char *last = strstr(out, "… ");
    for (const char *at = strstr(out, "shop.X"); at != NULL; at = strstr(at + 1, "shop.X"))
        drawn++;
    cr_assert_not_null(last);
    cr_assert_eq(sscanf(last, "… %zu deeper events are not drawn; --format json has them\n", &deeper), 1, "%s", last);
    cr_assert_eq(drawn + deeper, LEVELS + 1, "%zu drawn and %zu not", drawn, deeper);
    cr_assert_gt(deeper, 100);
    cli_flow_free(&flow);
}

/* A text that JSON cannot hold was left out, and with it the member that others read. */
Test(tree, json_has_all_members_whatever_bytes_their_texts_have)
{
    char bad[] = "a\xff";
    cli_flow flow = { .correlation = polkai_strdup(bad), .told = true };
    cli_node node = event(bad, bad, 10);
    free(node.type);
    node.type = NULL;
    cli_flow_add(&flow, node);
    cli_flow_link(&flow);
    cli_handled *row = cli_handled_row(&flow, 0, polka_text_of(bad), polka_text_of(bad));
    row->outcome = "done";
    cli_missing missing = { .service = bad, .group = bad, .reaction = bad, .events = bad };
    flow.missing = &missing;
    flow.missing_count = 1;
    json_t *json = cli_node_json(&flow, 0), *handled = json_array_get(json_object_get(json, "handled"), 0), *misses = json_array_get(json_object_get(json, "missing"), 0);
    const struct { const json_t *of; const char *member; } escaped[] = {
        { json, "id" }, { json, "causation_id" }, { json, "correlation_id" }, { handled, "group" }, { handled, "reaction" }, { misses, "service" }, { misses, "events" } };
    const struct { const json_t *of; const char *member; } absent[] = { { json, "type" }, { json, "key" }, { json, "dead_letter" }, { handled, "service" }, { misses, "flow" } };
    for (size_t i = 0; i < sizeof escaped / sizeof *escaped; i++) {
        const char *text = json_string_value(json_object_get(escaped[i].of, escaped[i].member));
        cr_expect(text != NULL && strcmp(text, "a\\xff") == 0, "%s: %s", escaped[i].member, text != NULL ? text : "nothing");
    }
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        cr_expect(json_is_null(json_object_get(absent[i].of, absent[i].member)), "%s", absent[i].member);
    json_decref(json);
    flow.missing = NULL;
    flow.missing_count = 0;
    cli_flow_free(&flow);
}
