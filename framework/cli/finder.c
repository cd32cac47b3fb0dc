/* finder.c: where a flow may be is narrowed by time and key; what was left out in vain is read after all. */
#include <cli/finder.h>
#include <cli/state.h>

#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <stdlib.h>

enum {
    EVENTS_MOST = 10000,                 /* an endless chain of causes would take all memory, and ever more time */
    SKEW_MS = 300000,                    /* clocks are no further apart than this */
    WINDOW_MS = 600000,                  /* behind the time in an id: four times as much with each window */
    NEWEST = 2000,                       /* records of each partition, backwards: four times as many with each step */
    GROWTH = 4, POLL_MS = 100
};

static int64_t wall_ms(void) { return polkai_clock_real.wall_ms(&polkai_clock_real); }

/* ---- records ---- */

static void collect(cli_finder *finder, polkai_record *record, const polkai_envelope *envelope, const char *correlation)
{
    if (!polka_text_equal(cli_gather_correlation(envelope), polka_text_of(correlation)))
        return;
    cli_node node = cli_gather_node(record, envelope);
    node.was_there = cli_gather_was_there(finder->reading, record);
    node.came_ms = wall_ms();
    cli_flow_add(finder->flow, node);
}

void cli_finder_visit(void *user, polkai_record *record, const polkai_envelope *envelope)
{
    cli_finder *finder = user;
    collect(finder, record, envelope, finder->found);
}

static bool fits(const cli_finder *finder, const polkai_record *record, const polkai_envelope *envelope)
{
    polka_text id = polka_text_of(finder->id), key = { record->key.size, (const char *)record->key.data };
    if (finder->by == CLI_THE_LAST)
        return envelope->causation_id.data == NULL;
    if (finder->by == CLI_BY_KEY)
        return key.data != NULL && polka_text_equal(key, id);
    return polka_text_equal(envelope->id, id) || polka_text_equal(envelope->correlation_id, id);
}

static void look(void *user, polkai_record *record, const polkai_envelope *envelope)
{
    cli_finder *finder = user;
    if (finder->by == CLI_BY_ID)         /* it may be the correlation id itself */
        collect(finder, record, envelope, finder->id);
    if (cli_gather_is_letter(record) || !fits(finder, record, envelope))
        return;
    polka_text correlation = cli_gather_correlation(envelope);
    int64_t time_ms = envelope->time_ms != 0 ? envelope->time_ms : record->timestamp_ms;
    if (correlation.data == NULL || (finder->found != NULL && time_ms < finder->found_ms))
        return;
    free(finder->found);
    free(finder->event);
    finder->found = cli_format("%.*s", POLKA_TEXT_ARGS(correlation));
    finder->event = cli_format("%.*s", POLKA_TEXT_ARGS(envelope->id));
    finder->found_ms = time_ms;
}

/* ---- reading ---- */

static void end_reading(cli_finder *finder)
{
    if (finder->reading != NULL)
        finder->records += cli_gather_records(finder->reading);
    cli_gather_end(&finder->reading);
}

static polka_status begin(cli_finder *finder, bool with_letters, const cli_span *span, polka_error *error)
{
    end_reading(finder);
    TRY(cli_gather_begin(&finder->reading, finder->gathering, with_letters, span, error));
    size_t partitions = cli_gather_partitions(finder->reading);
    finder->partitions = partitions > finder->partitions ? partitions : finder->partitions;
    return POLKA_OK;
}

static void forget_flow(cli_finder *finder)
{
    cli_flow_free(finder->flow);
    finder->flow->limit = EVENTS_MOST;
}

/* ---- time ---- */

/* When this id was made, less what clocks may be apart; 0: it does not say. */
static int64_t time_in(const char *id)
{
    uint8_t uuid[16];
    int64_t made_ms = 0;
    if (!polkai_uuid_read(polka_text_of(id), uuid) || uuid[6] >> 4 != 7)
        return 0;
    for (size_t i = 0; i < 6; i++)
        made_ms = made_ms << 8 | uuid[i];
    return made_ms > SKEW_MS ? made_ms - SKEW_MS : 0;
}

/* From when on to read for what has this id. */
static int64_t begin_of(const cli_finder *finder, const char *id) { return finder->since_ms > 0 ? finder->since_ms : time_in(id); }

/* What is read is narrowed by the time in an id, and that may be wrong. */
static bool is_narrowed(const cli_finder *finder, int64_t begin_ms)
{
    return begin_ms > 0 && !finder->follow && finder->since_ms == 0 && !finder->gathering->connection->embedded;
}

/* The end of the window number `step` behind this time; 0: the end of all. */
static int64_t window_of(const cli_finder *finder, int64_t begin_ms, unsigned step)
{
    int64_t size_ms = SKEW_MS + WINDOW_MS;
    if (!is_narrowed(finder, begin_ms) || step > 10)
        return 0;
    for (; step > 0; step--)
        size_ms *= GROWTH;
    return begin_ms + size_ms + SKEW_MS < wall_ms() ? begin_ms + size_ms : 0;
}

static polka_status read_window(cli_finder *finder, int64_t until_ms, cli_gather_visit *visit, polka_error *error)
{
    TRY(cli_gather_window(finder->reading, finder->gathering, until_ms, error));
    return cli_gather_catch_up(finder->reading, visit, finder, error);
}

/* ---- is it all? ---- */

static bool has_event(const cli_finder *finder)
{
    for (size_t i = 0; i < finder->flow->count; i++)
        if (finder->flow->nodes[i].id != NULL && strcmp(finder->flow->nodes[i].id, finder->event) == 0)
            return true;
    return false;
}

/*
 * Before `until_ms`. Only a contract can tell: a reaction that has happened, as its group is past the event, may have said something that
 * is not read yet. What is said beside the end of a contract has as long as clocks may be apart.
 */
static polka_status is_whole(const cli_finder *finder, int64_t until_ms, bool *whole, polka_error *error)
{
    bool ended;
    *whole = false;
    if (until_ms == 0 || finder->expected->contract_count == 0 || !has_event(finder))
        return POLKA_OK;
    cli_flow_link(finder->flow);
    if (cli_expected_ends(finder->expected, finder->flow, &ended) == NULL || !ended || cli_flow_last_ms(finder->flow) + SKEW_MS >= until_ms)
        return POLKA_OK;
    cli_flow_forget_missing(finder->flow);
    cli_expected_need(finder->expected, finder->flow);
    TRY(cli_expected_ask(finder->expected, error));
    cli_expected_hold(finder->expected, finder->flow, wall_ms());
    *whole = finder->flow->missing_count == 0;
    cli_flow_forget_missing(finder->flow);
    return POLKA_OK;
}

/* Goes on from the window number `step`, which has been read. */
static polka_status read_on(cli_finder *finder, int64_t begin_ms, unsigned step, polka_error *error)
{
    char time[25];
    bool whole = false;
    for (int64_t until_ms = window_of(finder, begin_ms, step); until_ms > 0 && !cli_stopped();) {
        TRY(is_whole(finder, until_ms, &whole, error));
        if (whole) {
            polkai_time_write(time, until_ms);
            cli_say("the flow has ended: what was written after %s is not read; --since reads all from then on", time);
            return POLKA_OK;
        }
        until_ms = window_of(finder, begin_ms, ++step);
        TRY(read_window(finder, until_ms, cli_finder_visit, error));
    }
    return POLKA_OK;
}

/* ---- by an id ---- */

/* Forwards in windows until something has this id; the rest of the flow then comes from the same reading when it is the correlation id. */
static polka_status find_from(cli_finder *finder, int64_t begin_ms, unsigned *step, polka_error *error)
{
    int64_t until_ms = window_of(finder, begin_ms, *step = 0);
    TRY(begin(finder, true, &(cli_span){ .since_ms = begin_ms, .until_ms = until_ms }, error));
    TRY(cli_gather_catch_up(finder->reading, look, finder, error));
    while (finder->found == NULL && until_ms > 0 && !cli_stopped()) {
        until_ms = window_of(finder, begin_ms, ++*step);
        TRY(read_window(finder, until_ms, look, error));
    }
    return POLKA_OK;
}

static polka_status find_by_id(cli_finder *finder, polka_error *error)
{
    unsigned step;
    char time[25];
    int64_t begin_ms = begin_of(finder, finder->id);
    TRY(find_from(finder, begin_ms, &step, error));
    if (finder->found == NULL && is_narrowed(finder, begin_ms) && !cli_stopped()) {
        polkai_time_write(time, begin_ms);
        cli_say("nothing has this id since %s, shortly before the time in it: all is read", time);
        forget_flow(finder);
        TRY(find_from(finder, begin_ms = 0, &step, error));
    }
    if (finder->found == NULL || strcmp(finder->found, finder->id) != 0)
        return POLKA_OK;
    return read_on(finder, begin_ms, step, error);
}

/* ---- by a key, or the last ---- */

static polka_status find_backwards(cli_finder *finder, bool by_key, polka_error *error)
{
    bool sure = false;
    uint64_t older = 1;
    cli_span span = { .since_ms = finder->since_ms, .key = by_key ? polka_text_of(finder->id) : (polka_text){ 0, NULL } };
    for (int64_t newest = finder->newest > 0 ? finder->newest : NEWEST; !sure && older > 0 && !cli_stopped(); newest *= GROWTH) {
        span.from = POLKAI_OFFSET_TAIL - newest;
        TRY(begin(finder, false, &span, error));
        if (finder->by == CLI_BY_KEY)
            cli_gather_only(finder->reading, polka_text_of(finder->id));
        TRY(cli_gather_catch_up(finder->reading, look, finder, error));
        older = cli_gather_older(finder->reading);
        sure = finder->found != NULL && finder->found_ms >= cli_gather_older_ms(finder->reading);
        span.beyond = newest;
    }
    return POLKA_OK;
}

static polka_status find_by_key(cli_finder *finder, polka_error *error)
{
    TRY(find_backwards(finder, true, error));
    if (finder->found != NULL || cli_stopped())
        return POLKA_OK;
    cli_say("nothing has this key on the partitions that Kafka's partitioner gives it: all are read");
    return find_backwards(finder, false, error);
}

/* ---- find ---- */

static polka_status find(cli_finder *finder, polka_error *error)
{
    return finder->by == CLI_BY_ID ? find_by_id(finder, error) : finder->by == CLI_BY_KEY ? find_by_key(finder, error) : find_backwards(finder, false, error);
}

/* What is not there yet comes at the end. */
static polka_status wait_for_it(cli_finder *finder, polka_error *error)
{
    cli_say("it is not there yet; Ctrl-C ends the waiting");
    if (finder->by != CLI_BY_ID)
        TRY(begin(finder, false, &(cli_span){ .since_ms = wall_ms() - SKEW_MS }, error));
    while (finder->found == NULL && !cli_stopped())
        cli_gather_read(finder->reading, POLL_MS, look, finder);
    return POLKA_OK;
}

static polka_status ensure_found(const cli_finder *finder, polka_error *error)
{
    const char *brokers = finder->gathering->connection->brokers, *since = finder->since_ms > 0 ? " since then" : "";
    ENSURE(finder->found != NULL || finder->by != CLI_THE_LAST, POLKA_FATAL, error, "no-flow", "there are no events at %s yet%s; place one: polka emit EVENT --sample", brokers, since);
    ENSURE(finder->found != NULL, POLKA_FATAL, error, "no-flow", "no event %s '%s' on %zu topics at %s%s%s", finder->by == CLI_BY_KEY ? "with key" : "with id or correlation id",
           finder->id, finder->gathering->topics.count, brokers, since, finder->by == CLI_BY_KEY ? "" : "; is it a record's key? Then: --key");
    return POLKA_OK;
}

static polka_status collect_found(cli_finder *finder, polka_error *error)
{
    int64_t begin_ms = begin_of(finder, finder->found);
    forget_flow(finder);
    TRY(begin(finder, true, &(cli_span){ .since_ms = begin_ms, .until_ms = window_of(finder, begin_ms, 0) }, error));
    TRY(cli_gather_catch_up(finder->reading, cli_finder_visit, finder, error));
    TRY(read_on(finder, begin_ms, 0, error));
    if (begin_ms == 0 || finder->since_ms > 0 || has_event(finder) || cli_stopped())
        return POLKA_OK;
    cli_say("the flow began before the time in its id: all is read");
    forget_flow(finder);
    TRY(begin(finder, true, NULL, error));
    return cli_gather_catch_up(finder->reading, cli_finder_visit, finder, error);
}

polka_status cli_finder_find(cli_finder *finder, polka_error *error)
{
    int64_t began_ns = polkai_clock_real.steady_ns(&polkai_clock_real);
    forget_flow(finder);
    TRY(find(finder, error));
    if (finder->found == NULL && finder->follow && !cli_stopped())
        TRY(wait_for_it(finder, error));
    if (!cli_stopped())
        TRY(ensure_found(finder, error));
    if (!cli_stopped() && (finder->by != CLI_BY_ID || strcmp(finder->found, finder->id) != 0))
        TRY(collect_found(finder, error));
    if (cli_stopped())
        return POLKA_OK;
    double seconds = (double)(polkai_clock_real.steady_ns(&polkai_clock_real) - began_ns) / 1e9;
    cli_say("scanned %" PRId64 " records of %zu partitions in %.1f s", finder->records + cli_gather_records(finder->reading), finder->partitions, seconds);
    finder->flow->correlation = polkai_strdup(finder->found);
    if (finder->flow->beyond > 0)
        cli_say("the flow has %zu more events: shown are the first %d that were read", finder->flow->beyond, EVENTS_MOST);
    cli_flow_link(finder->flow);
    return POLKA_OK;
}

void cli_finder_close(cli_finder *finder)
{
    cli_gather_end(&finder->reading);
    free(finder->found);
    free(finder->event);
}
