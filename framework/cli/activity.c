/* activity.c: one pass over polka.activity, of which the records of one flow are kept: the last of each event and reaction. */
#include <cli/activity.h>

#include "polka_activity_events.h"

#include <base/arena.h>
#include <base/text.h>
#include <cli/project.h>
#include <cli/reader.h>
#include <flow/schema/framing.h>

#include <stdlib.h>

enum { BATCH = 512, POLL_MS = 50, CLOCKS_DIFFER_MS = 600000, ROWS_MOST = 64 };

static char *copy(polka_text text) { return cli_format("%.*s", POLKA_TEXT_ARGS(text)); }

/* ---- a row of the flow ---- */

static size_t node_of(const cli_flow *flow, const polka_event_reaction_ended *ended)
{
    for (size_t i = 0; i < flow->count; i++) {
        const cli_node *node = &flow->nodes[i];
        if (node->letter == NULL && node->partition == ended->partition && node->offset == ended->offset &&
            polka_text_equal(polka_text_of(node->topic), ended->topic))
            return i;
    }
    for (size_t i = 0; i < flow->count; i++)             /* a copy of it */
        if (flow->nodes[i].letter == NULL && polka_text_equal(polka_text_of(flow->nodes[i].id), ended->event_id))
            return i;
    return SIZE_MAX;
}

/* NULL: there are too many; anybody may write there, under any name. */
static cli_handled *row_of(cli_flow *flow, size_t node, polka_text group, polka_text reaction)
{
    for (size_t i = 0; i < flow->handled_count; i++) {
        cli_handled *at = &flow->handled[i];
        if (at->node == node && polka_text_equal(polka_text_of(at->group), group) && polka_text_equal(polka_text_of(at->reaction), reaction))
            return at;
    }
    if (cli_handled_count(flow, node) >= ROWS_MOST)
        return NULL;
    flow->handled = polkai_realloc(flow->handled, (flow->handled_count + 1) * sizeof *flow->handled);
    cli_handled *made = &flow->handled[flow->handled_count++];
    *made = (cli_handled){ .node = node, .group = copy(group), .reaction = copy(reaction), .begun_us = INT64_MIN, .took_us = -1 };
    return made;
}

static void take_ended(cli_flow *flow, const polka_event_reaction_ended *ended)
{
    static const char *const outcomes[] = { [POLKA_EVENT_REACTION_OUTCOME_DONE] = "done", [POLKA_EVENT_REACTION_OUTCOME_SKIPPED] = "skipped",
                                            [POLKA_EVENT_REACTION_OUTCOME_RETRIED] = "retried", [POLKA_EVENT_REACTION_OUTCOME_DEAD] = "dead letter" };
    size_t node = node_of(flow, ended);
    if (node == SIZE_MAX)
        return;
    cli_handled *row = row_of(flow, node, ended->group, ended->reaction);
    if (row == NULL || ended->begun_us < row->begun_us)
        return;
    free(row->service);
    free(row->code);
    row->service = copy(ended->service);
    row->code = ended->code.data == NULL ? NULL : copy(ended->code);
    row->outcome = outcomes[ended->outcome];
    row->begun_us = ended->begun_us;
    row->took_us = ended->took_us == NULL ? -1 : *ended->took_us;
    row->attempts = ended->attempts;
}

/* ---- the topic ---- */

/* Of another version nothing is known here. */
static void take(cli_flow *flow, const polkai_record *record)
{
    const polka_event *event = &polka_event_reaction_ended_event;
    polka_event_reaction_ended ended;
    polka_error error;
    polka_arena arena AUTO(polkai_arena_deinit) = { 0 };
    if (!polka_text_equal((polka_text){ record->key.size, (const char *)record->key.data }, polka_text_of(flow->correlation)) ||
        !polkai_framing_is_of(record->value, event->fingerprint))
        return;
    const polka_bytes body = { record->value.size - POLKAI_SINGLE_OBJECT_BYTES, record->value.data + POLKAI_SINGLE_OBJECT_BYTES };
    if (event->codec->decode(body, &arena, &ended, &error) == POLKA_OK)      /* anybody may write there */
        take_ended(flow, &ended);
}

static polka_status read_topic(cli_flow *flow, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    cli_reader *reader = NULL;
    cli_list topics = { 0 };
    int64_t first_ms = flow->nodes[0].time_ms, since_ms = first_ms > CLOCKS_DIFFER_MS ? first_ms - CLOCKS_DIFFER_MS : 0;
    cli_list_add(&topics, CLI_ACTIVITY_TOPIC);
    polka_status status = cli_reader_open_since(&reader, connection, admin, &topics, since_ms, error);
    cli_list_free(&topics);
    TRY(status);
    polkai_record *records = polkai_alloc(BATCH * sizeof *records);
    while (!cli_reader_reached(reader) && !cli_stopped()) {
        size_t count = cli_reader_poll(reader, records, BATCH, POLL_MS);
        for (size_t i = 0; i < count; i++) {
            take(flow, &records[i]);
            polkai_record_release(&records[i]);
        }
    }
    free(records);
    cli_reader_close(reader);
    return POLKA_OK;
}

/* ---- of whom nobody tells ---- */

/* Of its group; where the type of a record could not be told, its letter names no reaction. */
static bool has_letter(const cli_flow *flow, size_t node, const char *group, const char *reaction)
{
    for (size_t i = 0; i < flow->count; i++) {
        const cli_node *at = &flow->nodes[i];
        if (at->letter != NULL && at->parent == node && at->group != NULL && strcmp(at->group, group) == 0 &&
            (at->reaction == NULL || strcmp(at->reaction, "-") == 0 || strcmp(at->reaction, reaction) == 0))
            return true;
    }
    return false;
}

static void add_untold(cli_flow *flow, size_t node, const cli_hearer *hearer)
{
    const char *group = hearer->service->group, *reaction = hearer->reaction->name;
    if (strcmp(hearer->reaction->hears.topic, flow->nodes[node].topic) != 0 || cli_flow_misses(flow, node, group, reaction) || has_letter(flow, node, group, reaction))
        return;
    cli_handled *row = row_of(flow, node, polka_text_of(group), polka_text_of(reaction));
    if (row != NULL && row->service == NULL)
        row->service = polkai_strdup(hearer->service->service);
}

polka_status cli_activity_read(cli_flow *flow, const cli_expected *expected, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    if (flow->count == 0)
        return POLKA_OK;
    TRY(read_topic(flow, connection, admin, error));
    flow->told = flow->handled_count > 0;
    for (size_t i = 0; flow->told && i < flow->count; i++) {
        size_t count = 0;
        const cli_node *node = &flow->nodes[i];
        const cli_hearer *hearers = node->letter != NULL || node->type == NULL ? NULL : cli_hearers_of(&expected->hearers, node->type, &count);
        for (size_t h = 0; h < count; h++)
            add_untold(flow, i, &hearers[h]);
    }
    return POLKA_OK;
}
