/* flows.c: `polka flows`: the business flows of the last while, each with how far it is. */
#include <cli/expected.h>
#include <cli/gather.h>
#include <cli/held.h>
#include <cli/state.h>
#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/clock.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { HOUR_MS = 3600000, FLOWS = 100000 };             /* FLOWS: more of them are not held; the oldest give way */

typedef struct {
    const char *event, *status, *format;
    int64_t since_ms, limit;
    bool json;
    cli_holding holding;
    cli_catalog *catalog;
    cli_connection connection;
    polkai_admin *admin;
    cli_gathering gathering;
    cli_expectation expectation;
} lister;

/* ---- collect ---- */

static void take(void *user, polkai_record *record, const polkai_envelope *envelope)
{
    lister *self = user;
    polka_text correlation = cli_gather_correlation(envelope);
    if (correlation.size == 0)
        return;
    cli_holding_add(cli_holding_touch(&self->holding, correlation, record->timestamp_ms), cli_gather_node(record, envelope));
}

static int by_begin(const void *a, const void *b)
{
    const cli_flow *x = *(cli_flow *const *)a, *y = *(cli_flow *const *)b;
    int64_t first = x->count > 0 ? x->nodes[0].time_ms : 0, second = y->count > 0 ? y->nodes[0].time_ms : 0;
    return first != second ? (first < second ? -1 : 1) : strcmp(x->correlation, y->correlation);
}

/* ---- one flow ---- */

static bool has(const cli_flow *flow, const char *event)
{
    for (size_t i = 0; i < flow->count; i++)
        if (flow->nodes[i].type != NULL && strcmp(flow->nodes[i].type, event) == 0)
            return true;
    return false;
}

static void print_json(const cli_flow *flow, cli_state state, const char *contract)
{
    char begun[25], last[25];
    json_t *row = json_object(), *missing = json_array();
    polkai_time_write(begun, flow->nodes[0].time_ms);
    polkai_time_write(last, cli_flow_last_ms(flow));
    for (size_t i = 0; i < flow->missing_count; i++)
        json_array_append_new(missing, cli_missing_json(&flow->missing[i]));
    json_object_set_new(row, "correlation_id", polkai_json_text(flow->correlation));
    json_object_set_new(row, "flow", polkai_json_text(contract));
    json_object_set_new(row, "status", json_string(cli_states[state]));
    json_object_set_new(row, "event", polkai_json_text(flow->nodes[0].type));
    json_object_set_new(row, "key", polkai_json_text(flow->nodes[0].key));
    json_object_set_new(row, "begun", json_string(begun));
    json_object_set_new(row, "last", json_string(last));
    json_object_set_new(row, "ms", json_integer(cli_flow_took_ms(flow)));
    json_object_set_new(row, "events", json_integer((json_int_t)(flow->count - cli_flow_letters(flow))));
    json_object_set_new(row, "dead_letters", json_integer((json_int_t)cli_flow_letters(flow)));
    json_object_set_new(row, "missing", missing);
    cli_print_json(row);
}

static void print_text(const cli_flow *flow, cli_state state)
{
    char begun[25];
    bool bad = state == CLI_FAILED || state == CLI_STALLED;
    polkai_time_write(begun, flow->nodes[0].time_ms);
    printf("%s%-8s%s %s%s%s  ", bad ? cli_red() : "", cli_states[state], bad ? cli_plain() : "", cli_dim(), begun, cli_plain());
    cli_print_text(flow->correlation, strlen(flow->correlation), 100);
    printf("  ");
    const char *type = flow->nodes[0].type != NULL ? flow->nodes[0].type : "(no type)";
    cli_print_text(type, strlen(type), 100);
    printf("  %zu events in %" PRId64 " ms", flow->count - cli_flow_letters(flow), cli_flow_took_ms(flow));
    if (cli_flow_letters(flow) > 0)
        printf(", %zu dead letters", cli_flow_letters(flow));
    for (size_t i = 0; i < flow->missing_count; i++) {
        const char *who = flow->missing[i].service != NULL ? flow->missing[i].service : flow->missing[i].events;
        printf("%s ", i == 0 ? "; not yet:" : ",");
        cli_print_text(who, strlen(who), 300);
    }
    putchar('\n');
}

static void free_flows(cli_flow ***flows) { free(*flows); }

/* Those to be shown, from the one that began first on. */
static size_t choose(lister *self, cli_flow **flows)
{
    size_t count = 0;
    for (cli_held *held = self->holding.running.first; held != NULL; held = held->after) {
        bool ended;
        if (!cli_flow_is_whole(&held->flow) || (self->event != NULL && !has(&held->flow, self->event)))
            continue;
        cli_flow_link(&held->flow);
        cli_expected_ends(&self->expectation.expected, &held->flow, &ended);
        if (!ended)
            cli_expected_need(&self->expectation.expected, &held->flow);
        flows[count++] = &held->flow;
    }
    if (count > 0)
        qsort(flows, count, sizeof *flows, by_begin);
    return count;
}

static polka_status show(lister *self, polka_error *error)
{
    size_t counts[CLI_STATES] = { 0 };
    int64_t now_ms = polkai_clock_real.wall_ms(&polkai_clock_real), shown = 0, hidden = 0;
    cli_flow **flows AUTO(free_flows) = polkai_alloc((self->holding.running.count + 1) * sizeof *flows);
    size_t count = choose(self, flows);
    TRY(cli_expected_ask(&self->expectation.expected, error));
    for (size_t i = count; i-- > 0 && !cli_stopped();) {             /* the newest first, so that the limit leaves out old ones */
        cli_flow *flow = flows[i];
        bool ended;
        const char *contract = cli_expected_ends(&self->expectation.expected, flow, &ended);
        if (!ended)
            cli_expected_hold(&self->expectation.expected, flow, now_ms);
        cli_state state = cli_flow_state(flow, contract != NULL, ended);
        counts[state]++;
        if (self->status != NULL && strcmp(self->status, cli_states[state]) != 0)
            continue;
        if (shown == self->limit) {
            hidden++;
            continue;
        }
        shown++;
        if (self->json)
            print_json(flow, state, contract);
        else
            print_text(flow, state);
    }
    cli_say("%zu running, %zu done, %zu failed, %zu stalled", counts[CLI_RUNNING], counts[CLI_DONE], counts[CLI_FAILED], counts[CLI_STALLED]);
    if (hidden > 0)
        cli_say("%" PRId64 " older ones are not shown (--limit)", hidden);
    if (self->holding.forgotten > 0)
        cli_say("%zu more, of which nothing came for longer, had no room", self->holding.forgotten);
    return POLKA_OK;
}

/* ---- the command ---- */

static polka_status gather(lister *self, const cli_project *project, polka_error *error)
{
    int64_t since_ms = polkai_clock_real.wall_ms(&polkai_clock_real) - self->since_ms;
    TRY(cli_admin_open(&self->admin, &self->connection, error));
    TRY(cli_expectation_open(&self->expectation, project, &self->connection, self->admin, error));
    TRY(cli_gather_open(&self->gathering, self->catalog, &self->expectation.manifests, &self->connection, self->admin, error));
    TRY(cli_gather_pass(&self->gathering, true, since_ms < 0 ? 0 : since_ms, take, self, error));
    return cli_stopped() ? POLKA_OK : show(self, error);
}

static polka_status work(lister *self, const cli_where *where, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    const cli_event *event;
    TRY(cli_project_open(&project, error));
    TRY(cli_catalog_open(&self->catalog, &project, error));
    if (self->event != NULL) {
        TRY(cli_catalog_event(self->catalog, self->event, &event, error));
        self->event = event->name;
    }
    TRY(cli_connection_find(&self->connection, &project, where, error));
    return gather(self, &project, error);
}

static void clean_up(lister *self)
{
    cli_expectation_close(&self->expectation);
    cli_gather_close(&self->gathering);
    cli_admin_close(&self->admin);
    cli_holding_close(&self->holding);
    cli_catalog_close(self->catalog);
    cli_connection_free(&self->connection);
}

static int check_status(const cli_command *command, const char *status)
{
    for (size_t i = 0; status != NULL && i < CLI_STATES; i++)
        if (strcmp(cli_states[i], status) == 0)
            return -1;
    if (status == NULL)
        return -1;
    const char *near = polkai_nearest(status, cli_states, CLI_STATES);
    return cli_usage(command, "--status is running, done, failed or stalled, not '%s'%s%s%s", status, near != NULL ? "; did you mean '" : "",
                     near != NULL ? near : "", near != NULL ? "'?" : "");
}

static int run(const cli_command *command, int argc, char **argv)
{
    lister self = { .since_ms = HOUR_MS, .limit = 1000 };
    cli_where where = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = {
        { "status", 's', CLI_TEXT, &self.status, "running|done|failed|stalled", "only such flows" },
        { "event", 'e', CLI_TEXT, &self.event, "EVENT", "only flows in which it is" },
        { "clock-skew", 0, CLI_DURATION, &self.expectation.expected.skew_ms, "DURATION", "so far clocks may be apart; default 0: they agree" },
        { "since", 0, CLI_DURATION, &self.since_ms, "DURATION", "events so old at most; default 1h" },
        { "limit", 'n', CLI_COUNT, &self.limit, "N", "the newest N; default 1000" },
        { "format", 0, CLI_TEXT, &self.format, "text|json", "default: text on a terminal, else json" },
        CLI_WHERE_OPTIONS(where), { 0 } };
    int code = cli_parse_listing(command, options, argc, argv, &self.format, &self.json);
    if (code < 0)
        code = check_status(command, self.status);
    if (code < 0) {
        cli_catch_signals();
        cli_holding_open(&self.holding, FLOWS);
        code = work(&self, &where, &error) == POLKA_OK ? cli_stopped() ? CLI_STOPPED : CLI_OK : cli_complain(&error);
    }
    clean_up(&self);
    cli_list_free(&where.properties);
    return code;
}

const cli_command cli_flows = {
    .name = "flows", .arguments = "", .summary = "the business flows of the last while, and how far each is", .run = run,
    .details = "A flow is done when an end of its flow contract is there (without a contract: when nothing declared is missing), failed when\n"
               "a dead letter is there and no end, stalled when something declared has not come in its time, else running. Flows that\n"
               "began before --since are left out. What is stalled is told by the time that stands in events and the clock here: where clocks do not\n"
               "agree, --clock-skew says by how much, and nothing is told to be stalled so much too early.\n",
    .examples = "  polka flows\n  polka flows --status stalled --since 30m\n  polka flows --event shop.OrderShipped --format json\n" };
