/* watcher.c: `polka watch`: follows all flows as they go, and says which stall, fail or end. */
#include <cli/expected.h>
#include <cli/gather.h>
#include <cli/state.h>
#include <cli/tally.h>
#include <cli/told.h>

#include <base/arena.h>
#include <base/clock.h>
#include <cli/terminal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    READ_MS = 100, LOOK_MS = 500,        /* how long is waited for records; how often what is due is judged */
    SETTLE_MS = 1000,                    /* a flow without an end is judged so long after its last event */
    REFRESH_MS = 10000,                  /* how often is looked for topics that were not there */
    SKEW_MS = 300000,
    KEEP_MS = 3600000, SINCE_MS = 600000, FLOWS = 100000, FLOWS_MOST = 100000000
};

typedef struct {
    int64_t since_ms, limit;
    int64_t begin_ms, refresh_ms;        /* events from then on; when it is looked for new topics next */
    const char *port, *address;
    int64_t marked_ms;                   /* of what was written before, all is to be read before anything is judged; 0: no mark */
    bool silent, all, json, caught_up;
    cli_catalog *catalog;
    cli_connection connection;
    polkai_admin *admin;
    cli_gathering gathering;
    cli_gather_reading *reading;
    cli_expectation expectation;
    cli_holding holding;
    cli_teller *teller;
    cli_tally *tally;
    size_t counts[CLI_STATES];           /* what was said since the start */
} watcher;

/* The wall clock as it was at first, and from then on as the steady one goes: a clock that is put right meanwhile makes nothing older. */
static int64_t now_ms(void)
{
    static int64_t wall_ms, begin_ns;
    int64_t now_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
    if (wall_ms == 0) {
        wall_ms = polkai_clock_real.wall_ms(&polkai_clock_real);
        begin_ns = now_ns;
    }
    return wall_ms + (now_ns - begin_ns) / 1000000;
}

/* ---- what comes ---- */

static void take(void *user, polkai_record *record, const polkai_envelope *envelope)
{
    watcher *self = user;
    polka_text correlation = cli_gather_correlation(envelope);
    if (polka_text_equal(record->topic, POLKA_TEXT(CLI_FLOWS_TOPIC))) {
        if (!self->caught_up)
            cli_teller_was_told(self->teller, envelope->id);
        return;
    }
    if (correlation.size == 0)
        return;
    cli_held *held = cli_holding_touch(&self->holding, correlation, now_ms());
    cli_node node = cli_gather_node(record, envelope);
    node.came_ms = now_ms();
    node.was_there = cli_gather_was_there(self->reading, record);
    cli_holding_add(held, node);
    cli_held_look_by(held, now_ms() + SETTLE_MS);
}

/* ---- what is due ---- */

static void say_stalled(watcher *self, cli_held *held, const char *contract)
{
    for (size_t i = 0; i < held->flow.missing_count; i++) {
        const cli_missing *missing = &held->flow.missing[i];
        if (!missing->stalled)
            continue;
        char *what = cli_format("%s %s %s", held->flow.nodes[missing->node].id, missing->group != NULL ? missing->group : "",
                                missing->reaction != NULL ? missing->reaction : missing->events);
        if (cli_held_say(held, what) && cli_tell_stalled(self->teller, &held->flow, contract, missing)) {
            cli_tally_stalled(self->tally, contract, missing->service, missing->reaction);
            self->counts[CLI_STALLED]++;
        }
        free(what);
    }
}

static void end(watcher *self, cli_held *held, const char *contract, bool failed)
{
    if (cli_tell_ended(self->teller, held, contract, failed)) {
        cli_tally_ended(self->tally, contract, failed, cli_flow_took_ms(&held->flow));
        self->counts[failed ? CLI_FAILED : CLI_DONE]++;
    }
    cli_holding_end(&self->holding, held);
}

/* What has to be known to judge it; false: it is not to be judged until something comes. */
static bool prepare_one(watcher *self, cli_held *held)
{
    bool ended;
    if (!cli_flow_is_whole(&held->flow))
        return false;
    cli_flow_forget_missing(&held->flow);
    cli_flow_link(&held->flow);
    cli_expected_ends(&self->expectation.expected, &held->flow, &ended);
    if (!ended)
        cli_expected_need(&self->expectation.expected, &held->flow);
    return true;
}

static void judge(watcher *self, cli_held *held, int64_t now)
{
    cli_flow *flow = &held->flow;
    bool ended;
    const char *contract = cli_expected_ends(&self->expectation.expected, flow, &ended);
    if (!ended)
        cli_expected_hold(&self->expectation.expected, flow, now);
    cli_state state = cli_flow_state(flow, contract != NULL, ended);
    say_stalled(self, held, contract);
    held->look_ms = cli_flow_due(flow, now);
    if (state == CLI_DONE || (state == CLI_FAILED && held->look_ms == INT64_MAX))
        end(self, held, contract, state == CLI_FAILED);
}

/*
 * `now` is the moment of the mark: all that was written before has been read, so what is missing was missing then, also where a backlog is
 * read. The broker is asked once for all that are due. After an error they are due still.
 */
static polka_status judge_all(watcher *self, int64_t now, polka_error *error)
{
    cli_expected_forget(&self->expectation.expected);    /* how far groups were at the last look */
    for (cli_held *held = self->holding.running.first; held != NULL; held = held->after)
        if (held->look_ms <= now && !prepare_one(self, held))
            held->look_ms = INT64_MAX;
    TRY(cli_expected_ask(&self->expectation.expected, error));
    for (cli_held *held = self->holding.running.first, *after; held != NULL && !cli_stopped(); held = after) {
        after = held->after;             /* an ended one leaves this line */
        if (held->look_ms <= now)
            judge(self, held, now);
    }
    return POLKA_OK;
}

static polka_status look(watcher *self, polka_error *error)
{
    int64_t now = self->marked_ms;
    polka_status status = judge_all(self, now, error);
    cli_holding_expire(&self->holding, now - KEEP_MS);
    cli_tally_holds(self->tally, self->holding.running.count, self->holding.forgotten);
    return status == POLKA_OK ? cli_teller_send(self->teller, error) : status;
}

/* ---- who comes ---- */

/* What waits may wait for somebody else from now on. */
static void judge_anew(watcher *self)
{
    int64_t now = now_ms();
    for (cli_held *held = self->holding.running.first; held != NULL; held = held->after)
        cli_held_look_by(held, now + SETTLE_MS);
}

static void say_watched(const watcher *self, const char *now)
{
    cli_say("watching %zu topics and %zu of dead letters%s", self->gathering.topics.count - 1, self->gathering.letters.count, now);
}

/* A service that is deployed now says what it is before it says anything else; its topics may come later than that. */
static polka_status meet(watcher *self, polka_error *error)
{
    bool extended = false;
    if (cli_expectation_read_on(&self->expectation, now_ms())) {
        cli_gather_add(&self->gathering, &self->expectation.manifests);
        cli_say("%zu manifests of services are held to now", self->expectation.manifests.count);
        judge_anew(self);
        self->refresh_ms = 0;
    }
    if (now_ms() < self->refresh_ms)
        return POLKA_OK;
    TRY(cli_expectation_refresh(&self->expectation, &self->connection, self->admin, error));
    TRY(cli_gather_refresh(self->reading, &self->gathering, self->begin_ms, &extended, error));
    if (extended)
        say_watched(self, " now");
    self->refresh_ms = now_ms() + REFRESH_MS;
    return POLKA_OK;
}

/* A broker that is away for a while ends nothing: what was due is judged when it is there again. */
static polka_status patient(polka_status status, bool *away, const polka_error *error)
{
    if (status == POLKA_TRANSIENT && !*away)
        cli_say("polka: %s; going on when it answers", error->message);
    *away = status == POLKA_TRANSIENT;
    return status == POLKA_TRANSIENT ? POLKA_OK : status;
}

static void mark(watcher *self)
{
    cli_gather_mark(self->reading);
    self->marked_ms = now_ms();
}

static polka_status follow(watcher *self, polka_error *error)
{
    int64_t look_ms = 0;
    bool away = false;
    while (!cli_stopped()) {
        cli_gather_read(self->reading, READ_MS, take, self);
        if (self->marked_ms == 0 && now_ms() - look_ms >= LOOK_MS)
            mark(self);
        if (self->marked_ms == 0 || !cli_gather_passed(self->reading))
            continue;
        polka_status status = meet(self, error);
        TRY(patient(status == POLKA_OK ? look(self, error) : status, &away, error));
        look_ms = now_ms();
        self->marked_ms = 0;
    }
    return POLKA_OK;
}

/* ---- the command ---- */

static polka_status prepare(watcher *self, const cli_project *project, polka_error *error)
{
    int64_t back_ms = self->since_ms < INT64_MAX - self->expectation.expected.skew_ms ? self->since_ms + self->expectation.expected.skew_ms : INT64_MAX;
    self->begin_ms = back_ms < now_ms() ? now_ms() - back_ms : 0;        /* records are found by the clocks of others */
    TRY(cli_admin_open(&self->admin, &self->connection, error));
    TRY(cli_expectation_open(&self->expectation, project, &self->connection, self->admin, error));
    TRY(cli_teller_open(&self->teller, &self->connection, self->admin, !self->silent, self->json, self->all, error));
    if (self->port != NULL)
        TRY(cli_tally_open(&self->tally, self->address, strtoll(self->port, NULL, 10), error));
    TRY(cli_gather_open(&self->gathering, self->catalog, &self->expectation.manifests, &self->connection, self->admin, error));
    polkai_names_add(&self->gathering.topics, CLI_FLOWS_TOPIC);
    TRY(cli_gather_begin(&self->reading, &self->gathering, true, &(cli_span){ .since_ms = self->begin_ms }, error));
    TRY(cli_gather_catch_up(self->reading, take, self, error));
    self->caught_up = true;
    say_watched(self, "");
    cli_say("%zu flows of the last while are held", self->holding.running.count);
    return POLKA_OK;
}

static polka_status work(watcher *self, const cli_where *where, polka_error *error)
{
    cli_project project AUTO(cli_project_close) = { 0 };
    cli_holding_open(&self->holding, (size_t)self->limit);
    TRY(cli_project_open(&project, error));
    TRY(cli_catalog_open(&self->catalog, &project, error));
    TRY(cli_connection_find(&self->connection, &project, where, error));
    TRY(prepare(self, &project, error));
    TRY(follow(self, error));
    cli_say("%zu done, %zu failed, %zu stalls said; %zu flows are still running", self->counts[CLI_DONE], self->counts[CLI_FAILED], self->counts[CLI_STALLED],
            self->holding.running.count);
    if (self->holding.forgotten > 0)
        cli_say("%zu running flows were forgotten for want of room (--limit)", self->holding.forgotten);
    return POLKA_OK;
}

static void clean_up(watcher *self)
{
    cli_gather_end(&self->reading);
    cli_tally_close(self->tally);
    cli_teller_close(self->teller);
    cli_expectation_close(&self->expectation);
    cli_gather_close(&self->gathering);
    cli_admin_close(&self->admin);
    cli_holding_close(&self->holding);
    cli_catalog_close(self->catalog);
    cli_connection_free(&self->connection);
}

static int run(const cli_command *command, int argc, char **argv)
{
    watcher self = { .since_ms = SINCE_MS, .limit = FLOWS, .address = "0.0.0.0", .expectation.expected.skew_ms = SKEW_MS };
    const char *format = NULL;
    cli_where where = { 0 };
    polka_error error = { 0 };
    const cli_option options[] = {
        { "all", 'a', CLI_FLAG, &self.all, NULL, "a line for flows that are done, too" },
        { "silent", 0, CLI_FLAG, &self.silent, NULL, "only lines: nothing is written to " CLI_FLOWS_TOPIC },
        { "since", 0, CLI_DURATION, &self.since_ms, "DURATION", "begin with events so old; default 10m" },
        { "clock-skew", 0, CLI_DURATION, &self.expectation.expected.skew_ms, "DURATION", "so far clocks may be apart; default 5m" },
        { "limit", 0, CLI_COUNT, &self.limit, "N", "flows held at once; default 100000" },
        { "port", 'p', CLI_TEXT, &self.port, "N", "metrics for Prometheus at http://…:N/metrics; 0: a free port" },
        { "address", 0, CLI_TEXT, &self.address, "ADDRESS", "where that listens; default 0.0.0.0" },
        { "format", 0, CLI_TEXT, &format, "text|json", "default: text on a terminal, else json" },
        CLI_WHERE_OPTIONS(where), { 0 } };
    int code = cli_parse_listing(command, options, argc, argv, &format, &self.json);
    if (code < 0 && self.port != NULL && (self.port[0] == '\0' || self.port[strspn(self.port, "0123456789")] != '\0'))
        code = cli_usage(command, "--port is a number, 0 to 65535, not '%s'", self.port);
    if (code < 0 && (self.limit < 1 || self.limit > FLOWS_MOST))
        code = cli_usage(command, "--limit is 1 to %d, not %" PRId64, FLOWS_MOST, self.limit);
    if (code < 0) {
        cli_catch_signals();
        code = work(&self, &where, &error) == POLKA_OK ? CLI_OK : cli_complain(&error);
        clean_up(&self);
    }
    cli_list_free(&where.properties);
    return code;
}

const cli_command cli_watch_command = {
    .name = "watch", .arguments = "", .summary = "follows all flows, and says which stall, fail or end", .run = run,
    .details = "A service for the whole choreography: it holds every flow against what services declare and flow contracts ask for, as it goes,\n"
               "in bounded memory. Each thing that does not come in its time is said once, as is each end: as lines here, and as\n"
               "polka.FlowStalled and polka.FlowEnded on the topic " CLI_FLOWS_TOPIC " (made when it is missing), for services to react to. Started again,\n"
               "it repeats nothing that is there since --since. Services that are deployed meanwhile are followed from then on, with their topics;\n"
               "nobody is late with what was there before him. An event that it sees coming is as old as since it came: no other clock counts. One that\n"
               "was there already is as old as it says itself, less --clock-skew, and at the latest since it was read: so clocks that are no\n"
               "further apart never make it say stalled too early. It judges when all that was written until then has been read.\n"
               "SIGINT or SIGTERM end it with 0.\n",
    .examples = "  polka watch\n  polka watch --all --format json\n  polka watch --silent --since 1h\n  polka watch --port 9100                         with metrics for Prometheus\n" };
