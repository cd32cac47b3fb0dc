/* follow.c: reads on, holds what is there against what is declared, and tells what is new, until nothing more is to come. */
#include <cli/follow.h>

#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/clock.h>
#include <choreography/names.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_MS = 200, JUDGE_MS = 1000 };                 /* what is missing is asked of the broker: once a second, and when something came */

typedef struct {
    const cli_following *with;
    bool terminal, json;
    polka_arena arena;
    polkai_names told;                   /* what is missing, and has its line: by event, who, and state */
} follower;

static bool is_terminal(void) { return isatty(STDOUT_FILENO) == 1; }

bool cli_follow_can(void (*print)(const cli_flow *flow))
{
    return is_terminal() || print == cli_flow_tree || print == cli_flow_json;
}

/* ---- lines ---- */

static void tell_node(const follower *self, size_t index)
{
    cli_node *node = &self->with->flow->nodes[index];
    if (node->told)
        return;
    node->told = true;
    if (self->json)
        cli_print_json(cli_node_json(self->with->flow, index));
    else
        cli_node_line(self->with->flow, index);
}

static void print_missing(const follower *self, const cli_missing *missing)
{
    const cli_node *node = &self->with->flow->nodes[missing->node];
    if (!self->json) {
        cli_missing_line(self->with->flow, missing);
        return;
    }
    json_t *row = cli_missing_json(missing);
    json_object_set_new(row, "type", polkai_json_text(node->type));
    json_object_set_new(row, "id", polkai_json_text(node->id));
    cli_print_json(row);
}

/* Once waiting, once stalled. */
static void tell_missing(follower *self, const cli_missing *missing)
{
    const cli_node *node = &self->with->flow->nodes[missing->node];
    size_t known = self->told.count;
    char *who = cli_format("%d %s/%" PRId32 "/%" PRId64 " %s %s %s %s", missing->stalled, node->topic, node->partition, node->offset,
                           missing->service != NULL ? missing->service : "", missing->reaction != NULL ? missing->reaction : "",
                           missing->contract != NULL ? missing->contract : "", missing->events);
    if (polkai_names_add(&self->told, who) == known)
        print_missing(self, missing);
    free(who);
}

/* What has only just come still waits for everything: of that nothing is said until a reading brought nothing. */
static void tell_lines(follower *self, bool quiet)
{
    const cli_flow *flow = self->with->flow;
    for (size_t i = 0; i < flow->count; i++)
        tell_node(self, i);
    for (size_t i = 0; quiet && i < flow->missing_count; i++)
        tell_missing(self, &flow->missing[i]);
    fflush(stdout);
}

static void draw(const follower *self)
{
    printf("\033[H\033[J");
    self->with->print(self->with->flow);
    fflush(stdout);
}

/* ---- the end ---- */

static bool waits(const cli_flow *flow)
{
    for (size_t i = 0; i < flow->missing_count; i++)
        if (!flow->missing[i].stalled)
            return true;
    return false;
}

/* Without a contract a flow has ended when all that is declared has happened; where nothing is declared, only Ctrl-C ends it. */
static bool has_ended(const cli_following *with, const char **contract)
{
    bool ended;
    *contract = cli_expected_ends(with->expected, with->flow, &ended);
    if (*contract == NULL)
        return with->expected->hearers.service_count > 0 && with->flow->missing_count == 0;
    return ended && !waits(with->flow);
}

/* ---- reading on ---- */

static polka_status judge(const cli_following *with, polka_error *error)
{
    cli_flow_link(with->flow);
    cli_flow_forget_missing(with->flow);
    cli_expected_forget(with->expected);                 /* groups have gone on */
    cli_expected_need(with->expected, with->flow);
    TRY(cli_expected_ask(with->expected, error));
    cli_expected_hold(with->expected, with->flow, polkai_clock_real.wall_ms(&polkai_clock_real));
    return POLKA_OK;
}

static size_t records_of(const cli_flow *flow)
{
    size_t count = 0;
    for (size_t i = 0; i < flow->count; i++)
        count += flow->nodes[i].copies;
    return count;
}

/* Reads until something of the flow came, or it is time to judge again; did something come? */
static bool read_on(const cli_following *with)
{
    size_t before = records_of(with->flow);
    int64_t until = polkai_clock_real.steady_ns(&polkai_clock_real) + JUDGE_MS * (int64_t)1000000;
    while (records_of(with->flow) == before && !cli_stopped() && polkai_clock_real.steady_ns(&polkai_clock_real) < until)
        cli_gather_read(with->reading, READ_MS, with->visit, with->user);
    return records_of(with->flow) != before;
}

static polka_status go_on(follower *self, polka_error *error)
{
    const char *contract;
    bool came = true;
    if (self->terminal)
        printf("\033[2J");
    while (!cli_stopped() && ferror(stdout) == 0) {
        TRY(judge(self->with, error));
        if (self->terminal)
            draw(self);
        else
            tell_lines(self, !came);
        if (!came && has_ended(self->with, &contract)) {      /* what a group has done may not all have been read yet */
            cli_say(contract != NULL ? "flow %s has ended" : "%sall that is declared has happened", contract != NULL ? contract : "");
            return POLKA_OK;
        }
        came = read_on(self->with);
    }
    return POLKA_OK;
}

polka_status cli_follow(const cli_following *with, polka_error *error)
{
    follower self = { .with = with, .terminal = is_terminal() && with->print != cli_flow_json, .json = with->print == cli_flow_json };
    self.told.arena = &self.arena;
    polka_status status = go_on(&self, error);
    polkai_arena_deinit(&self.arena);
    return status;
}
