/* trace.c: `polka trace`: one flow, with what caused what and what is missing. */
#include <cli/activity.h>
#include <cli/expected.h>
#include <cli/finder.h>
#include <cli/follow.h>
#include <cli/terminal.h>
#include <cli/trace.h>

#include <base/arena.h>
#include <base/clock.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *format;
    bool last, by_key;
    int64_t since_ms;                    /* so old at most; -1: not given */
    cli_catalog *catalog;
    cli_connection connection;
    polkai_admin *admin;
    cli_gathering gathering;
    cli_finder finder;
    cli_flow flow;
    cli_expectation expectation;
} tracer;

static polka_status find_flow(tracer *trace, const cli_project *project, polka_error *error)
{
    int64_t now_ms = polkai_clock_real.wall_ms(&polkai_clock_real);
    TRY(cli_admin_open(&trace->admin, &trace->connection, error));
    TRY(cli_expectation_open(&trace->expectation, project, &trace->connection, trace->admin, error));
    TRY(cli_gather_open(&trace->gathering, trace->catalog, &trace->expectation.manifests, &trace->connection, trace->admin, error));
    trace->finder.by = trace->last ? CLI_THE_LAST : trace->by_key ? CLI_BY_KEY : CLI_BY_ID;
    trace->finder.since_ms = trace->since_ms < 0 ? 0 : trace->since_ms < now_ms ? now_ms - trace->since_ms : 1;
    trace->finder.gathering = &trace->gathering;
    trace->finder.expected = &trace->expectation.expected;
    trace->finder.flow = &trace->flow;
    return cli_finder_find(&trace->finder, error);
}

static polka_status show(tracer *trace, void (*print)(const cli_flow *flow), polka_error *error)
{
    cli_expected *expected = &trace->expectation.expected;
    cli_following following = { .flow = &trace->flow, .expected = expected, .reading = trace->finder.reading, .visit = cli_finder_visit, .user = &trace->finder, .print = print };
    if (trace->finder.follow)
        return cli_follow(&following, error);
    cli_expected_need(expected, &trace->flow);
    TRY(cli_expected_ask(expected, error));
    cli_expected_hold(expected, &trace->flow, polkai_clock_real.wall_ms(&polkai_clock_real));
    bool shows = print == cli_flow_tree || print == cli_flow_json;   /* a week of what all reactions did is not read in vain */
    if (shows)
        TRY(cli_activity_read(&trace->flow, expected, &trace->connection, trace->admin, error));
    if (shows && !trace->flow.told)
        cli_say("how long reactions took and their attempts are unknown: nothing of this flow is on " CLI_ACTIVITY_TOPIC " (activity.enabled)");
    if (!cli_stopped())
        print(&trace->flow);
    return POLKA_OK;
}

static polka_status work(tracer *trace, const cli_where *where, void (*print)(const cli_flow *flow), polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    polka_status status = cli_project_open(&project, error);
    if (status == POLKA_OK)
        status = cli_catalog_open(&trace->catalog, &project, error);
    if (status == POLKA_OK)
        status = cli_connection_find(&trace->connection, &project, where, error);
    if (status == POLKA_OK)
        status = find_flow(trace, &project, error);
    if (status == POLKA_OK && !cli_stopped())
        status = show(trace, print, error);
    cli_finder_close(&trace->finder);
    cli_expectation_close(&trace->expectation);
    cli_admin_close(&trace->admin);
    return status;
}

static void clean_up(tracer *trace)
{
    cli_gather_close(&trace->gathering);
    cli_flow_free(&trace->flow);
    cli_catalog_close(trace->catalog);
    cli_connection_free(&trace->connection);
}

static const struct { const char *name; void (*print)(const cli_flow *flow); } forms[] = {
    { "tree", cli_flow_tree }, { "sequence", cli_flow_sequence }, { "timeline", cli_flow_timeline }, { "mermaid", cli_flow_mermaid },
    { "json", cli_flow_json }, { "text", cli_flow_tree } };
enum { FORMS = sizeof forms / sizeof *forms };

/* The number of the form; FORMS: a usage error was printed. */
static size_t form_of(const cli_command *command, const char *format)
{
    const char *names[FORMS];
    size_t found = 0;
    for (; format != NULL && found < FORMS && strcmp(forms[found].name, format) != 0; found++)
        names[found] = forms[found].name;
    if (found < FORMS)
        return found;
    const char *near = polkai_nearest(format, names, FORMS);
    cli_usage(command, "--format is tree, sequence, timeline, mermaid or json, not '%s'%s%s%s", format, near != NULL ? "; did you mean '" : "",
              near != NULL ? near : "", near != NULL ? "'?" : "");
    return FORMS;
}

static int run(const cli_command *command, int argc, char **argv)
{
    tracer trace = { .since_ms = -1 };
    cli_where where = { 0 };
    cli_list rest = { 0 };
    polka_error error = { 0 };
    const char *key = NULL;
    const cli_option options[] = {
        { "last", 'l', CLI_FLAG, &trace.last, NULL, "the flow that began last" },
        { "key", 'k', CLI_TEXT, &key, "KEY", "the flow that has a record with this key; of several the newest" },
        { "follow", 'f', CLI_FLAG, &trace.finder.follow, NULL, "go on until the flow has ended: drawn anew on a terminal, else a line an event" },
        { "since", 0, CLI_DURATION, &trace.since_ms, "DURATION", "events so old at most, and all of them; default: where the flow may be" },
        { "clock-skew", 0, CLI_DURATION, &trace.expectation.expected.skew_ms, "DURATION", "so far clocks may be apart; default 0: they agree" },
        { "format", 0, CLI_TEXT, &trace.format, "tree|sequence|timeline|mermaid|json", "default: the tree; json: one object an event" },
        CLI_WHERE_OPTIONS(where), { 0 } };
    int code = cli_parse(command, options, argc, argv, &rest);
    size_t form = code < 0 ? form_of(command, trace.format) : 0;
    if (code < 0 && form == FORMS)
        code = CLI_USAGE;
    if (code < 0 && rest.count + trace.last + (key != NULL) != 1)
        code = cli_usage(command, "one of: polka trace ID, polka trace --key KEY, polka trace --last");
    if (code < 0 && trace.finder.follow && !cli_follow_can(forms[form].print))
        code = cli_usage(command, "--follow with --format %s redraws a terminal, and this is none; --format tree and json give a line an event", forms[form].name);
    if (code < 0) {
        trace.by_key = key != NULL;
        trace.finder.id = trace.by_key ? key : rest.count > 0 ? rest.items[0] : "";
        cli_catch_signals();
        code = work(&trace, &where, forms[form].print, &error) == POLKA_OK ? cli_stopped() ? CLI_STOPPED : CLI_OK : cli_complain(&error);
    }
    clean_up(&trace);
    cli_list_free(&where.properties);
    cli_list_free(&rest);
    return code;
}

const cli_command cli_trace = {
    .name = "trace", .arguments = "ID | --key KEY | --last", .summary = "one flow as a tree: what caused what, and when", .run = run,
    .details = "ID is an event id or a correlation id. Times are milliseconds since the flow's first event. Dead letters hang under\n"
               "their event; an event that was written twice says so. Declared reactions that have not happened hang there as well: waiting\n"
               "until their time is up (`within` of a flow contract, else the reaction's deadline), then stalled, with the service to look\n"
               "at and how far behind its group is. What was there already is as old as it says by the clock here, less --clock-skew.\n"
               "Reads without a group, and as little as it can: an id that begins a flow has the time in it (a UUIDv7), from 5 minutes before which on\n"
               "it is read until the flow's contract has ended, else to the end; any other id is looked for from the start. A key is looked for on\n"
               "its partition, from the newest records backwards, and so is --last on all of them. It says how many records it scanned. With\n"
               "--since it reads from then on to the end.\n"
               "Where services tell on " CLI_ACTIVITY_TOPIC " what their reactions did (activity.enabled), the tree and JSON have outcome, time and attempts\n"
               "of each reaction, and elsewhere that they are unknown; --follow does without.\n"
               "--follow goes on until an end of the flow's contract is there and nothing waits any more (exit 0), or until Ctrl-C (exit 130); what is\n"
               "missing has a line when it begins to wait and one when it has stalled.\n",
    .examples = "  polka trace --last\n  polka trace 0190f1c2-7a3e-7c11-9c1e-2b6f0a51d7aa\n  polka trace --key A-1 --format json\n  polka trace --last --format mermaid\n  polka trace --last --follow\n" };
