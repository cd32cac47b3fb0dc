/* activity.c: one pass over polka.activity, of which the records of one flow are kept: the last of each event and reaction. */
#include <cli/activity.h>
#include <cli/handled.h>

#include "polka_activity_events.h"

#include <base/arena.h>
#include <base/text.h>
#include <cli/project.h>
#include <cli/pass.h>
#include <flow/schema/framing.h>

#include <stdlib.h>

enum { CLOCKS_DIFFER_MS = 600000 };

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

static void take_ended(cli_flow *flow, const polka_event_reaction_ended *ended)
{
    static const char *const outcomes[] = { [POLKA_EVENT_REACTION_OUTCOME_DONE] = "done", [POLKA_EVENT_REACTION_OUTCOME_SKIPPED] = "skipped",
                                            [POLKA_EVENT_REACTION_OUTCOME_RETRIED] = "retried", [POLKA_EVENT_REACTION_OUTCOME_DEAD] = "dead letter" };
    size_t node = node_of(flow, ended);
    if (node == SIZE_MAX)
        return;
    cli_handled *row = cli_handled_row(flow, node, ended->group, ended->reaction);
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
static void take(void *user, polkai_record *record)
{
    cli_flow *flow = user;
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
    polka_status status = cli_reader_open(&reader, connection, admin, &topics, &(cli_span){ .since_ms = since_ms, .key = polka_text_of(flow->correlation) }, error);
    cli_list_free(&topics);
    TRY(status);
    status = cli_pass(reader, take, flow, error);
    cli_reader_close(reader);
    return status;
}

polka_status cli_activity_read(cli_flow *flow, const cli_expected *expected, const cli_connection *connection, polkai_admin *admin, polka_error *error)
{
    if (flow->count == 0)
        return POLKA_OK;
    TRY(read_topic(flow, connection, admin, error));
    flow->told = flow->handled_count > 0;
    if (flow->told)
        cli_handled_add_untold(flow, expected);
    return POLKA_OK;
}
