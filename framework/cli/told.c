/* told.c: what is to be said waits until it is acknowledged; a line is printed when it begins to wait. */
#include <cli/told.h>

#include "polka_watch_events.h"

#include <avro/json.h>
#include <base/arena.h>
#include <base/identity.h>
#include <choreography/names.h>
#include <cli/reader.h>
#include <cli/state.h>
#include <cli/terminal.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 16 };

/* One thing to say; its texts are of the arena, which is empty again when all is said. */
typedef struct { bool stalled; char id[POLKA_UUID_TEXT + 1]; polka_event_flow_stalled about_stall; polka_event_flow_ended about_end; } saying;

struct cli_teller {
    polka_producer *producer;            /* NULL: only lines */
    bool json, all;
    size_t count, capacity;
    saying *sayings;
    polka_arena arena, ids;
    polkai_names told;                   /* ids from before this start */
    polkai_schema_set *schemas[2];
    const polkai_schema *stalled, *ended;
};

static const polka_service watching = { .name = "polka-watch", .version = POLKA_VERSION,
                                        .emits = POLKA_EMITS(&polka_event_flow_stalled_event, &polka_event_flow_ended_event) };

/* ---- open and close ---- */

static polka_status open_producer(cli_teller *teller, const cli_connection *connection, polka_error *error)
{
    char *words[WORDS] = { "polka watch", "--brokers", connection->brokers, "--log.level", "warn", "--manifest.sent", "false" };
    size_t used = 7;
    char **pairs = polkai_alloc((connection->property_count + 1) * sizeof *pairs), **all = polkai_alloc((WORDS + 2 * connection->property_count) * sizeof *all);
    memcpy(all, words, sizeof words);
    for (size_t i = 0; i < connection->property_count; i++) {
        pairs[i] = cli_format("%s=%s", connection->properties[i].key, connection->properties[i].value);
        all[used++] = "-X";
        all[used++] = pairs[i];
    }
    polka_status status = polka_producer_open(&teller->producer, &watching, (int)used, all, error);
    for (size_t i = 0; i < connection->property_count; i++)
        free(pairs[i]);
    free(pairs);
    free(all);
    return status;
}

static polka_status read_schema(cli_teller *teller, size_t set, const polka_event *event, const polkai_schema **schema, polka_error *error)
{
    teller->schemas[set] = polkai_schema_set_create();
    return polkai_schema_parse(teller->schemas[set], polka_text_of(event->schema), NULL, schema, error);
}

polka_status cli_teller_open(cli_teller **out, const cli_connection *connection, polkai_admin *admin, bool emits, bool json, bool all, polka_error *error)
{
    const polkai_topic topic = { .name = CLI_FLOWS_TOPIC, .partitions = -1, .replication = -1, .retention_ms = -2, .max_message_bytes = -1 };
    cli_teller *teller = *out = polkai_alloc(sizeof *teller);
    teller->json = json;
    teller->all = all;
    teller->told.arena = &teller->ids;
    TRY(read_schema(teller, 0, &polka_event_flow_stalled_event, &teller->stalled, error));
    TRY(read_schema(teller, 1, &polka_event_flow_ended_event, &teller->ended, error));
    if (!emits)
        return POLKA_OK;
    if (!connection->embedded)           /* which makes it when it is written to */
        TRY(admin->operations->create(admin, &topic, error));
    return open_producer(teller, connection, error);
}

void cli_teller_close(cli_teller *teller)
{
    if (teller == NULL)
        return;
    polka_producer_close(teller->producer);
    polkai_arena_deinit(&teller->arena);
    polkai_arena_deinit(&teller->ids);
    for (size_t i = 0; i < 2; i++)
        polkai_schema_set_destroy(teller->schemas[i]);
    free(teller->sayings);
    free(teller);
}

void cli_teller_was_told(cli_teller *teller, polka_text id)
{
    char *text = cli_format("%.*s", POLKA_TEXT_ARGS(id));
    polkai_names_add(&teller->told, text);
    free(text);
}

/* ---- lines ---- */

/* As `polka tail` shows its value, so that who reads lines and who reads events reads the same. */
static void print_json(cli_teller *teller, const polka_event *event, const polkai_schema *schema, const void *value)
{
    polka_buffer buffer = { .arena = &teller->arena };
    polka_error error;
    json_t *row = NULL;
    if (event->codec->encode(value, &buffer, &error) != POLKA_OK ||
        polkai_json_decode(POLKAI_JSON_PLAIN, schema, (polka_bytes){ buffer.size, buffer.data }, &row, &error) != POLKA_OK) {
        cli_say("polka: %s", error.message);
        return;
    }
    json_object_set_new(row, "event", json_string(event->name));
    cli_print_json(row);
}

static void print_text(polka_text text, size_t limit) { cli_print_text(text.data, text.size, limit); }

static void print_stalled(const polka_event_flow_stalled *about, const cli_missing *missing)
{
    printf("%sstalled%s  ", cli_red(), cli_plain());
    print_text(about->correlation_id, 100);
    printf("  ");
    print_text(about->after_event, 100);
    printf(": ");
    cli_missing_words(missing);
}

static void print_ended(const polka_event_flow_ended *about)
{
    bool failed = about->outcome == POLKA_EVENT_FLOW_OUTCOME_FAILED;
    printf("%s%-7s%s  ", failed ? cli_red() : "", cli_states[failed ? CLI_FAILED : CLI_DONE], failed ? cli_plain() : "");
    print_text(about->correlation_id, 100);
    printf("  %" PRId64 " events in %" PRId64 " ms", about->events, about->took_ms);
    if (about->dead_letters > 0)
        printf(", %" PRId64 " dead letters", about->dead_letters);
    putchar('\n');
}

/* ---- what is to be said ---- */

static polka_text kept(cli_teller *teller, const char *text)
{
    return text == NULL ? (polka_text){ 0, NULL } : polkai_arena_text(&teller->arena, text, strlen(text));
}

static const int64_t *kept_number(cli_teller *teller, int64_t number)
{
    int64_t *copy = polka_arena_alloc(&teller->arena, sizeof number);
    *copy = number;
    return copy;
}

/* NULL: it was told before this start. */
static saying *say(cli_teller *teller, const polka_text *parts, size_t part_count)
{
    uint8_t uuid[16];
    char id[POLKA_UUID_TEXT + 1];
    polkai_uuid_derived(uuid, parts, part_count);
    polkai_uuid_write(id, uuid);
    if (polkai_names_find(&teller->told, id) != POLKAI_NO_NAME)
        return NULL;
    if (teller->count == teller->capacity) {
        teller->capacity = 2 * teller->capacity + 16;
        teller->sayings = polkai_realloc(teller->sayings, teller->capacity * sizeof *teller->sayings);
    }
    saying *made = &teller->sayings[teller->count++];
    *made = (saying){ .stalled = false };
    memcpy(made->id, id, sizeof id);
    return made;
}

bool cli_tell_stalled(cli_teller *teller, const cli_flow *flow, const char *contract, const cli_missing *missing)
{
    const cli_node *node = &flow->nodes[missing->node];
    const polka_text parts[] = { polka_text_of(polka_event_flow_stalled_event.name), polka_text_of(flow->correlation), polka_text_of(node->id),
                                 polka_text_of(missing->group != NULL ? missing->group : ""), polka_text_of(missing->reaction != NULL ? missing->reaction : missing->events) };
    saying *said = say(teller, parts, sizeof parts / sizeof *parts);
    if (said == NULL)
        return false;
    said->stalled = true;
    said->about_stall = (polka_event_flow_stalled){
        .correlation_id = kept(teller, flow->correlation), .flow = kept(teller, contract), .after_event = kept(teller, node->type), .after_id = kept(teller, node->id),
        .service = kept(teller, missing->service), .group = kept(teller, missing->group), .reaction = kept(teller, missing->reaction),
        .expected = kept(teller, missing->events), .age_ms = missing->age_ms, .within_ms = missing->within_ms,
        .lag = missing->group != NULL && missing->lag >= 0 ? kept_number(teller, missing->lag) : NULL };
    if (teller->json)
        print_json(teller, &polka_event_flow_stalled_event, teller->stalled, &said->about_stall);
    else
        print_stalled(&said->about_stall, missing);
    return true;
}

bool cli_tell_ended(cli_teller *teller, const cli_held *held, const char *contract, bool failed)
{
    const cli_flow *flow = &held->flow;
    const polka_text parts[] = { polka_text_of(polka_event_flow_ended_event.name), polka_text_of(flow->correlation) };
    saying *said = say(teller, parts, sizeof parts / sizeof *parts);
    if (said == NULL)
        return false;
    size_t letters = cli_flow_letters(flow);
    said->about_end = (polka_event_flow_ended){
        .correlation_id = kept(teller, flow->correlation), .flow = kept(teller, contract), .outcome = failed ? POLKA_EVENT_FLOW_OUTCOME_FAILED : POLKA_EVENT_FLOW_OUTCOME_DONE,
        .begun_ms = flow->nodes[0].time_ms, .took_ms = cli_flow_took_ms(flow), .events = (int64_t)(flow->count - letters + flow->beyond),
        .dead_letters = (int64_t)letters, .stalled = (int64_t)held->stalls };
    if (!failed && !teller->all)
        return true;
    if (teller->json)
        print_json(teller, &polka_event_flow_ended_event, teller->ended, &said->about_end);
    else
        print_ended(&said->about_end);
    return true;
}

polka_status cli_teller_send(cli_teller *teller, polka_error *error)
{
    fflush(stdout);
    if (teller->count > 0 && teller->producer != NULL) {
        polka_context *ctx = polka_begin(teller->producer);
        for (size_t i = 0; i < teller->count; i++) {
            const saying *each = &teller->sayings[i];
            polka_emission how = { .id = polka_text_of(each->id), .correlation_id = each->stalled ? each->about_stall.correlation_id : each->about_end.correlation_id };
            if (each->stalled)
                polka_emit(ctx, &polka_event_flow_stalled_event, &each->about_stall, &how);
            else
                polka_emit(ctx, &polka_event_flow_ended_event, &each->about_end, &how);
        }
        TRY(polka_commit_take(ctx, error));
    }
    teller->count = 0;
    polkai_arena_reset(&teller->arena, NULL, 0);
    return POLKA_OK;
}
